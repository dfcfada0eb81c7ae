//! The verdicts: regions of a spectrum with their reasons, and the place of the spectrum in the ranking.

use std::ops::Deref;
use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::Injection;

/// A latent vector, which all that hold it share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<f32>", into = "Vec<f32>")]
pub struct Latent(Arc<[f32]>);

impl Default for Latent {
    fn default() -> Self {
        Self(Arc::new([]))
    }
}

impl Deref for Latent {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl From<&[f32]> for Latent {
    fn from(vector: &[f32]) -> Self {
        Self(vector.into())
    }
}

impl From<Vec<f32>> for Latent {
    fn from(vector: Vec<f32>) -> Self {
        Self(vector.into())
    }
}

impl From<Latent> for Vec<f32> {
    fn from(latent: Latent) -> Self {
        latent.to_vec()
    }
}

/// Why a region or a spectrum stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// `--method window`: mean |residual| above its threshold.
    HighAbsoluteResidual,
    /// `--method window`: mean |residual| relative to the flux above its threshold.
    HighRelativeResidual,
    /// `--method window`: the model's range and the data's differ by more than the factor, either way.
    RangeMismatch,
    /// More flux than the model, significantly.
    ExcessFlux,
    /// Less flux than the model, significantly.
    MissingFlux,
    /// Well reconstructed, but rare among the latent vectors.
    RareLatent,
    /// The redshift puts (nearly) all of it outside the rest-frame range that the model has seen.
    OutsideModelRange,
}

/// A stretch of a spectrum that stands out.
///
/// Pixels are those of the object's row in the catalog (`flux[start..end]`); wavelengths are vacuum Angstrom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Region {
    pub start: usize,
    /// Exclusive.
    pub end: usize,
    /// Observed frame.
    pub wavelength_min: f64,
    pub wavelength_max: f64,
    /// Rest frame at the catalog's redshift.
    pub rest_min: f64,
    pub rest_max: f64,
    pub reason: Reason,
    /// What was measured: for the window method the statistic that crossed its threshold, else the mean residual in sigma.
    pub value: f64,
    /// Signed significance of the summed residual, in sigma.
    pub significance: f64,
    /// The known line it touches at the object's redshift.
    pub line: Option<String>,
    /// Share of its pixels that are masked, sky, telluric or camera overlap (0 to 1).
    pub artifact_fraction: f64,
    /// How likely instrument or reduction made it (0 to 1), by what is known of it; unknown where nothing was planted to learn from.
    #[serde(default)]
    pub artifact_probability: Option<f64>,
}

impl Region {
    /// How likely instrument or reduction made it, 0 to 1; where nothing was planted to learn that from, the share of its pixels that is prone to it.
    pub fn artifact(&self) -> f64 {
        self.artifact_probability.unwrap_or(self.artifact_fraction)
    }
}

/// The verdict on one spectrum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    pub object_id: CompactString,
    pub targetid: Option<i64>,
    /// From 1.
    pub rank: u64,
    /// Higher is stranger; never NaN.
    pub score: f64,
    /// Share of the list with a lower score, in percent.
    pub percentile: f64,
    pub anomalous: bool,
    /// The reason in words.
    pub reason: CompactString,
    /// Flagged valid pixels over valid pixels.
    pub flagged_fraction: f64,
    /// Chi-square of the residual over the number of valid pixels.
    pub reduced_chi2: f64,
    /// Median signal-to-noise ratio a pixel over the valid pixels.
    pub sn: f64,
    /// Share of the model's pixels without a valid measurement (0 to 1).
    pub masked_fraction: f64,
    /// Share of the flagged pixels that is artifact-prone (0 to 1).
    pub artifact_fraction: f64,
    /// How likely instrument or reduction made what is strange about it (0 to 1), by the vote; unknown without one.
    #[serde(default)]
    pub artifact_probability: Option<f64>,
    /// What it is most like, by the vote.
    #[serde(default)]
    pub suggested_kind: Option<Injection>,
    pub latent: Latent,
    /// The strongest first.
    pub regions: Vec<Region>,
}

impl Judgement {
    /// How likely instrument or reduction made what is strange about it, 0 to 1; where nobody has voted, the share of flagged pixels that is prone to it.
    pub fn artifact(&self) -> f64 {
        self.artifact_probability.unwrap_or(self.artifact_fraction)
    }

    /// Whether it is called anomalous, and what is strange about it is more likely an artifact than not. An ordinary spectrum is no artifact, whatever
    /// little is strange about it.
    pub fn is_artifact(&self) -> bool {
        self.anomalous && self.artifact() >= 0.5
    }
}
