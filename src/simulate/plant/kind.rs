//! What can be planted into a spectrum, real or simulated.

use serde::{Deserialize, Serialize};

/// A kind of planted anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlantKind {
    /// One narrow emission line at no known wavelength.
    NarrowLine,
    /// Broad Balmer lines with He I and iron.
    BroadLines,
    /// The galaxy's own emission lines, split in two.
    DoublePeakedLines,
    /// The light of a supernova (type Ia or II).
    SupernovaLight,
    /// The light of a star, up to nothing but it.
    StarLight,
    /// The light of a quasar at another redshift, up to nothing but it.
    QuasarLight,
    /// The light of another galaxy of the catalog at another redshift.
    Blend,
    /// Emission lines of a background galaxy.
    LensedEmission,
    /// Another redshift in the catalog.
    WrongRedshift,
    /// One group of emission lines gone while the others are there.
    MissingLines,
    /// A bump in the flux calibration.
    ContinuumBump,
    /// One arm too bright or too faint.
    FluxStep,
    /// A tilt of the flux calibration.
    WrongSlope,
    /// Hits that nobody masked.
    CosmicRay,
    /// A band of sky lines badly subtracted.
    SkyResidual,
    /// A stretch of zero flux that claims a good inverse variance.
    DeadRegion,
}

impl PlantKind {
    pub const ALL: [Self; 16] = [
        Self::NarrowLine,
        Self::BroadLines,
        Self::DoublePeakedLines,
        Self::SupernovaLight,
        Self::StarLight,
        Self::QuasarLight,
        Self::Blend,
        Self::LensedEmission,
        Self::WrongRedshift,
        Self::MissingLines,
        Self::ContinuumBump,
        Self::FluxStep,
        Self::WrongSlope,
        Self::CosmicRay,
        Self::SkyResidual,
        Self::DeadRegion,
    ];

    /// The name in files: the snake_case one of the serialized form.
    pub fn name(self) -> &'static str {
        match self {
            Self::NarrowLine => "narrow_line",
            Self::BroadLines => "broad_lines",
            Self::DoublePeakedLines => "double_peaked_lines",
            Self::SupernovaLight => "supernova_light",
            Self::StarLight => "star_light",
            Self::QuasarLight => "quasar_light",
            Self::Blend => "blend",
            Self::LensedEmission => "lensed_emission",
            Self::WrongRedshift => "wrong_redshift",
            Self::MissingLines => "missing_lines",
            Self::ContinuumBump => "continuum_bump",
            Self::FluxStep => "flux_step",
            Self::WrongSlope => "wrong_slope",
            Self::CosmicRay => "cosmic_ray",
            Self::SkyResidual => "sky_residual",
            Self::DeadRegion => "dead_region",
        }
    }

    /// The kind of a name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The visibilities from what an eye sees to ten times that.
    ///
    /// Found by looking at planted spectra of S/N 8, 20 and 45 without the undisturbed ones beside them (`docs/benchmark.md`). What stands in few pixels is seen
    /// at 10; what is spread over a whole spectrum needs more, because an eye does not know what the continuum would have been; a slope hardly is.
    pub fn seen(self) -> (f64, f64) {
        let low = match self {
            Self::NarrowLine
            | Self::LensedEmission
            | Self::CosmicRay
            | Self::SkyResidual
            | Self::DeadRegion => 10.0,
            Self::BroadLines | Self::WrongRedshift | Self::MissingLines => 15.0,
            Self::DoublePeakedLines | Self::FluxStep => 20.0,
            Self::ContinuumBump => 25.0,
            Self::SupernovaLight | Self::StarLight => 40.0,
            Self::QuasarLight | Self::Blend => 50.0,
            Self::WrongSlope => 150.0,
        };
        (low, 10.0 * low)
    }

    /// Whether instrument or reduction makes it; the others are astrophysical or a wrong catalog entry.
    ///
    /// Missing lines are what rejection as a cosmic ray leaves behind; a bump, a step and a slope are errors of the flux calibration.
    pub fn is_artifact(self) -> bool {
        matches!(
            self,
            Self::MissingLines
                | Self::ContinuumBump
                | Self::FluxStep
                | Self::WrongSlope
                | Self::CosmicRay
                | Self::SkyResidual
                | Self::DeadRegion
        )
    }
}

impl std::fmt::Display for PlantKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
