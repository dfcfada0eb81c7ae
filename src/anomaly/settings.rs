//! The numbers of `--method significance`.

use serde::{Deserialize, Serialize};

use super::AnomalyError;

/// Most window widths that an [`Evidence`](super::Evidence) has room for.
pub const MAX_WIDTHS: usize = 16;

/// Settings of `--method significance`; `docs/detection.md` says how each default was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignificanceSettings {
    /// Window widths in pixels, ascending, at most [`MAX_WIDTHS`]: narrow line, broad line, continuum.
    pub widths: Vec<usize>,
    /// Model-error floor: this share of the reconstruction is added to the noise in quadrature.
    pub model_floor: f64,
    /// Line-error floor: this share of the reconstruction's departure from its continuum is added to the noise in quadrature.
    pub line_floor: f64,
    /// Ivar of artifact-prone pixels is multiplied by this (0 to 1); 1 leaves them as they are.
    pub artifact_weight: f64,
    /// Width of the observed-frame bins of the error model, Angstrom.
    pub observed_bin: f64,
    /// A pixel's or bin's error scale counts fully only with many more spectra than this; with fewer it is drawn toward 1.
    pub shrink_count: f64,
    /// Most spectra the error model is fitted to; of more, a repeatable random choice.
    pub error_model_spectra: usize,
    /// Number of spectra nearest in S/N that one is compared with (or 1/200 of the list, where that is more).
    pub neighbors: usize,
    /// Least scale (of an asinh or ln) of a calibrated statistic, so that a chance cluster of equal values makes nobody an outlier.
    pub scale_floor: f64,
    /// By how much (in asinh) the typical statistic may stand above that of brighter spectra.
    ///
    /// A model's errors matter less under more noise. Where the spectra of low S/N stand out more than the bright ones, they
    /// are another kind of object, and must not be each other's excuse.
    pub monotone_slack: f64,
    /// The same for the latent distance, which noise makes larger: faint spectra may stand out more by this (in ln).
    pub latent_slack: f64,
    /// Exponent of the power mean that joins the scales: 1 averages them, infinity takes the strongest.
    pub power: f64,
    /// Weight of the calibrated latent distance against the windows.
    pub latent_weight: f64,
    /// Score of a spectrum that does not reach the model's grid at all; it grows from 0 at half the typical coverage.
    pub outside_score: f64,
    /// Most anomalies planted into copies of the catalog's spectra, for a jury to learn from: one a spectrum, in smaller catalogs 3000; 0 for no jury.
    pub injections: usize,
    /// Trees of each jury; 0 for no jury.
    pub trees: usize,
    /// Least score of an anomalous spectrum.
    pub anomaly_threshold: f64,
    /// A region needs at least this |significance|, sigma.
    pub region_sigma: f64,
    /// A region needs at least this calibrated significance among spectra of like S/N.
    pub region_calibrated: f64,
    /// Most regions of one spectrum.
    pub max_regions: usize,
}

impl Default for SignificanceSettings {
    fn default() -> Self {
        Self {
            widths: vec![1, 3, 5, 9, 15, 25, 45, 75, 127, 255, 511, 1023, 2047],
            model_floor: 0.01,
            line_floor: 0.4,
            artifact_weight: 1.0,
            observed_bin: 1.5,
            shrink_count: 20.0,
            error_model_spectra: 2048,
            neighbors: 101,
            scale_floor: 0.1,
            monotone_slack: 0.1,
            latent_slack: 0.3,
            power: 4.0,
            latent_weight: 0.2,
            outside_score: 6.0,
            injections: 10_000,
            trees: 500,
            anomaly_threshold: 3.0,
            region_sigma: 5.0,
            region_calibrated: 3.0,
            max_regions: 12,
        }
    }
}

impl SignificanceSettings {
    /// Errors: no widths, too many, or not ascending from 1; a weight, scale or count outside its range.
    pub fn check(&self) -> Result<(), AnomalyError> {
        let refuse = |setting, value: String, remedy| {
            Err(AnomalyError::Setting {
                setting,
                value,
                remedy,
            })
        };
        let ascending = self.widths.windows(2).all(|pair| pair[0] < pair[1]);
        if self.widths.is_empty() || self.widths.len() > MAX_WIDTHS || self.widths[0] == 0 || !ascending {
            let remedy = "give 1 to 16 ascending widths of at least 1 pixel";
            return refuse("widths", format!("{:?}", self.widths), remedy);
        }
        if !(0.0..=1.0).contains(&self.artifact_weight) {
            let remedy = "give a number from 0 to 1";
            return refuse("artifact_weight", self.artifact_weight.to_string(), remedy);
        }
        for (setting, value) in [
            ("model_floor", self.model_floor),
            ("line_floor", self.line_floor),
            ("shrink_count", self.shrink_count),
        ] {
            if !(value >= 0.0 && value.is_finite()) {
                return refuse(setting, value.to_string(), "give a finite number of at least 0");
            }
        }
        // Finer bins than this would have more of them than can be numbered.
        if !(self.observed_bin >= 0.2 && self.observed_bin.is_finite()) {
            let remedy = "give a finite number of at least 0.2 Angstrom";
            return refuse("observed_bin", self.observed_bin.to_string(), remedy);
        }
        for (setting, value) in [("scale_floor", self.scale_floor), ("power", self.power)] {
            if !(value > 0.0 && value.is_finite()) {
                return refuse(setting, value.to_string(), "give a positive finite number");
            }
        }
        for (setting, value) in [
            ("neighbors", self.neighbors),
            ("error_model_spectra", self.error_model_spectra),
        ] {
            if value == 0 {
                return refuse(setting, value.to_string(), "give at least 1");
            }
        }
        Ok(())
    }
}
