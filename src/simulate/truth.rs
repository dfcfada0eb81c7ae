//! What was put into a simulated spectrum: the truth table's row.

use serde::{Deserialize, Serialize};

/// The kinds of anomaly that can be planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyKind {
    /// Broad Balmer lines, a power-law continuum, iron blends and Seyfert-like narrow lines.
    BroadLineAgn,
    /// Every emission line is split in two.
    DoublePeakedLines,
    /// The light of a supernova (type Ia or II) on its host.
    Supernova,
    /// A star of the Milky Way with a galaxy's redshift and class in the catalog.
    StarAsGalaxy,
    /// A quasar with a galaxy's redshift and class in the catalog.
    QuasarAsGalaxy,
    /// An ordinary galaxy with a wrong redshift in the catalog.
    WrongRedshift,
    /// Two galaxies at two redshifts in one fiber.
    Blend,
    /// Emission lines of a background galaxy on an early-type galaxy.
    LensedEmission,
    /// One group of a galaxy's emission lines is gone while the others are there, as when it was rejected as a cosmic ray.
    MissingLines,
    /// The flux of one spectrograph arm is off by a factor.
    ArmStep,
    /// Hits that the pipeline did not mask.
    CosmicRay,
    /// Sky lines badly subtracted over a band.
    SkyResidual,
    /// A stretch of zero flux that claims a good inverse variance.
    DeadRegion,
}

impl AnomalyKind {
    pub const ALL: [Self; 13] = [
        Self::BroadLineAgn,
        Self::DoublePeakedLines,
        Self::Supernova,
        Self::StarAsGalaxy,
        Self::QuasarAsGalaxy,
        Self::WrongRedshift,
        Self::Blend,
        Self::LensedEmission,
        Self::MissingLines,
        Self::ArmStep,
        Self::CosmicRay,
        Self::SkyResidual,
        Self::DeadRegion,
    ];

    /// The name in files: the snake_case one of the serialized form.
    pub fn name(self) -> &'static str {
        match self {
            Self::BroadLineAgn => "broad_line_agn",
            Self::DoublePeakedLines => "double_peaked_lines",
            Self::Supernova => "supernova",
            Self::StarAsGalaxy => "star_as_galaxy",
            Self::QuasarAsGalaxy => "quasar_as_galaxy",
            Self::WrongRedshift => "wrong_redshift",
            Self::Blend => "blend",
            Self::LensedEmission => "lensed_emission",
            Self::MissingLines => "missing_lines",
            Self::ArmStep => "arm_step",
            Self::CosmicRay => "cosmic_ray",
            Self::SkyResidual => "sky_residual",
            Self::DeadRegion => "dead_region",
        }
    }

    /// Whether it is made by the instrument or the reduction; the others are astrophysical or a wrong catalog entry.
    ///
    /// A star, a quasar or a galaxy with a wrong redshift counts as no artifact: its spectrum is good, its label is not.
    pub fn is_artifact(self) -> bool {
        matches!(
            self,
            Self::MissingLines | Self::ArmStep | Self::CosmicRay | Self::SkyResidual | Self::DeadRegion
        )
    }

    /// What `Truth::strength` measures for this kind.
    pub fn strength_meaning(self) -> &'static str {
        match self {
            Self::BroadLineAgn => "rest-frame equivalent width of the broad H alpha, Angstrom",
            Self::DoublePeakedLines => "separation of the peaks over their FWHM with the instrument",
            Self::Supernova => "supernova's share of the light at 5500 Angstrom rest frame",
            Self::StarAsGalaxy | Self::QuasarAsGalaxy => "median signal-to-noise ratio a pixel",
            Self::WrongRedshift => "|z catalog - z true| / (1 + z true)",
            Self::Blend => "second galaxy's share of the light at 6000 Angstrom observed",
            Self::LensedEmission => "strongest line's flux, 1e-17 erg/s/cm2",
            Self::MissingLines => "flux that is missing, 1e-17 erg/s/cm2",
            Self::ArmStep => "|factor - 1|",
            Self::CosmicRay => "peak over the noise, sigma",
            Self::SkyResidual => "share of the sky lines left in",
            Self::DeadRegion => "pixels",
        }
    }
}

impl std::fmt::Display for AnomalyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What kind of galaxy it is by its stars and gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GalaxyType {
    Quiescent,
    GreenValley,
    StarForming,
    Starburst,
}

/// The truth about one simulated spectrum; flat, so that it is a row of a CSV as it is.
///
/// Units: wavelengths in Angstrom vacuum, velocities in km/s, magnitudes AB, line fluxes and equivalent widths as named.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    pub index: u64,
    pub object_id: String,
    pub targetid: i64,
    /// What was planted; `None` for an ordinary spectrum.
    pub kind: Option<AnomalyKind>,
    /// [`AnomalyKind::is_artifact`]; `None` for an ordinary spectrum.
    pub artifact: Option<bool>,
    /// How strong the anomaly is, in the kind's own measure ([`AnomalyKind::strength_meaning`]).
    pub strength: Option<f64>,
    /// Noise-weighted size of what was planted, in sigma: `sqrt(sum(change^2 ivar))` over all pixels. For a star or a quasar the change
    /// is against the galaxy that it is taken for; for a wrong redshift, which changes no flux, it is the size of the spectrum's own
    /// features about its continuum.
    pub significance: Option<f64>,
    /// Observed wavelengths affected.
    pub wavelength_min: Option<f64>,
    pub wavelength_max: Option<f64>,
    /// A second redshift: of the background, of the other galaxy.
    pub z_second: Option<f64>,
    /// The object's own redshift (the catalog's may be another).
    pub z_true: f64,
    pub galaxy_type: GalaxyType,
    /// Stellar velocity dispersion.
    pub sigma_stars: f64,
    /// Velocity dispersion of the narrow emission lines.
    pub sigma_gas: f64,
    /// E(B-V) of the gas; the stars have 0.44 of it.
    pub ebv_gas: f64,
    /// \[Z/H\] of the stars.
    pub metallicity: f64,
    /// Light-weighted mean log10 age in years at 5500 Angstrom.
    pub log_age: f64,
    /// Rest-frame equivalent width of the narrow H alpha as observed (after dust), Angstrom.
    pub ew_halpha: f64,
    /// log10 of \[N II\] 6585 / H alpha and \[O III\] 5008 / H beta.
    pub log_n2: f64,
    pub log_o3: f64,
    /// Total and fiber r magnitude of the object without the anomaly.
    pub r_mag: f64,
    pub r_fiber_mag: f64,
    /// Median signal-to-noise ratio a pixel.
    pub sn: f64,
}
