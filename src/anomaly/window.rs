//! `--method window`: the original project's rule, with its names and defaults and without its defects.
//!
//! Source: the notebook "SpectralCNNAutoencoder"; `docs/detection.md` lists what was mended and why.

use serde::{Deserialize, Serialize};

use super::draw::split_mix;
use super::errormodel::Corrected;
use super::regions::touched_line;
use super::scan::Sums;
use super::{AnomalyError, ErrorModel, GridRegion, Reason, Residual, SignificanceSettings};
use crate::spectrum::order::percentile;

/// Most windows whose values the percentile thresholds are taken of; of more, a repeatable random choice.
const RESERVOIR: usize = 2_000_000;

/// Settings of `--method window`, named as in the original.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WindowSettings {
    /// Pixels; windows start every half of it.
    pub window_size: usize,
    /// Percentile of all windows of all spectra above which a mean residual is anomalous, where no threshold is given.
    pub percentile_threshold: f64,
    /// Mean |residual| above which a window is anomalous, in units of the normalized flux.
    pub absolute_residual_threshold: Option<f64>,
    /// Mean |residual| over mean |flux| above which a window is anomalous.
    pub relative_residual_threshold: Option<f64>,
    /// Ratio of the ranges of model and data above which a window is anomalous, whichever is greater.
    pub range_mismatch_factor: f64,
    /// Flagged share of the valid pixels above which a spectrum is anomalous.
    pub overall_anomaly_threshold: f64,
    /// Least mean |flux| that a residual is relative to, as a share of the spectrum's mean |flux|.
    pub relative_floor: f64,
    /// Share of a window that must be valid for it to be judged.
    pub least_valid: f64,
}

impl Default for WindowSettings {
    fn default() -> Self {
        Self {
            window_size: 50,
            percentile_threshold: 95.0,
            absolute_residual_threshold: None,
            relative_residual_threshold: None,
            range_mismatch_factor: 1.5,
            overall_anomaly_threshold: 0.3,
            relative_floor: 0.1,
            least_valid: 0.5,
        }
    }
}

impl WindowSettings {
    /// Errors: a window of no pixels, a percentile outside 0 to 100, a factor below 1, a share outside 0 to 1, a negative threshold.
    pub fn check(&self) -> Result<(), AnomalyError> {
        let refuse = |setting, value: String, remedy| {
            Err(AnomalyError::Setting {
                setting,
                value,
                remedy,
            })
        };
        if self.window_size == 0 {
            return refuse("window_size", "0".into(), "give at least 1 pixel");
        }
        if !(0.0..=100.0).contains(&self.percentile_threshold) {
            let value = self.percentile_threshold.to_string();
            return refuse("percentile_threshold", value, "give a percentile from 0 to 100");
        }
        if self.range_mismatch_factor.is_nan() || self.range_mismatch_factor < 1.0 {
            let value = self.range_mismatch_factor.to_string();
            return refuse("range_mismatch_factor", value, "give a factor of at least 1");
        }
        for (setting, value) in [
            ("overall_anomaly_threshold", self.overall_anomaly_threshold),
            ("relative_floor", self.relative_floor),
            ("least_valid", self.least_valid),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return refuse(setting, value.to_string(), "give a number from 0 to 1");
            }
        }
        for (setting, value) in [
            ("absolute_residual_threshold", self.absolute_residual_threshold),
            ("relative_residual_threshold", self.relative_residual_threshold),
        ] {
            if let Some(value) = value.filter(|value| value.is_nan() || *value < 0.0) {
                return refuse(setting, value.to_string(), "give a number of at least 0, or none");
            }
        }
        Ok(())
    }
}

/// What is measured in one window, over its valid pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    pub start: usize,
    /// Exclusive.
    pub end: usize,
    /// Mean |residual|.
    pub absolute: f64,
    /// Mean |residual| over mean |flux|, the latter at least the settings' floor.
    pub relative: f64,
    /// The greater of the ranges of model and data over the smaller, the model's noise-free range being given the noise that the data has.
    pub range_ratio: f64,
}

/// The thresholds on the mean residuals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WindowThresholds {
    pub absolute: f64,
    pub relative: f64,
}

/// Collects window values of a population for [`WindowThresholds`], in bounded memory.
#[derive(Debug, Clone)]
pub struct WindowThresholdsBuilder {
    absolute: Vec<f64>,
    relative: Vec<f64>,
    seen: u64,
    random: u64,
}

impl Default for WindowThresholdsBuilder {
    fn default() -> Self {
        Self {
            absolute: Vec::new(),
            relative: Vec::new(),
            seen: 0,
            random: 0x5EED,
        }
    }
}

impl WindowThresholdsBuilder {
    /// Adds the windows of one spectrum (reservoir sampling beyond two million windows).
    ///
    /// Source: Vitter 1985 (ACM TOMS 11, 37), algorithm R.
    pub fn add(&mut self, windows: &[Window]) {
        for window in windows {
            self.seen += 1;
            if self.absolute.len() < RESERVOIR {
                self.absolute.push(window.absolute);
                self.relative.push(window.relative);
            } else {
                let place = split_mix(&mut self.random) % self.seen;
                if place < RESERVOIR as u64 {
                    self.absolute[place as usize] = window.absolute;
                    self.relative[place as usize] = window.relative;
                }
            }
        }
    }

    /// The thresholds given in the settings, or else the percentile of all windows; without any windows, infinity.
    pub fn build(mut self, settings: &WindowSettings) -> WindowThresholds {
        let of = |values: &mut [f64], given: Option<f64>| {
            given
                .or_else(|| percentile(values, settings.percentile_threshold))
                .unwrap_or(f64::INFINITY)
        };
        WindowThresholds {
            absolute: of(&mut self.absolute, settings.absolute_residual_threshold),
            relative: of(&mut self.relative, settings.relative_residual_threshold),
        }
    }
}

/// The verdict of the window method on one spectrum.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowVerdict {
    /// Mean over the valid pixels of how far their windows reach toward, or beyond, the thresholds (1 is at the threshold);
    /// never NaN. The original had no score.
    pub score: f64,
    /// Flagged valid pixels over valid pixels.
    pub flagged_fraction: f64,
    pub anomalous: bool,
    /// The greatest ratio to its threshold first.
    pub regions: Vec<GridRegion>,
}

/// The windows of a spectrum: one every half window, and a last one that ends with the last pixel.
///
/// Invalid pixels take no part, and a window with too few valid pixels is left out.
pub fn windows(residual: &Residual, settings: &WindowSettings) -> Vec<Window> {
    let pixels = residual.len();
    let size = settings.window_size.clamp(1, pixels.max(1));
    let step = (size / 2).max(1);
    let Some(floor) = mean_flux(residual).map(|mean| settings.relative_floor * mean) else {
        return Vec::new();
    };
    let mut starts: Vec<usize> = (0..=pixels - size).step_by(step).collect();
    if starts.last() != Some(&(pixels - size)) {
        starts.push(pixels - size);
    }
    starts
        .into_iter()
        .filter_map(|start| measure(residual, start, start + size, floor, settings))
        .collect()
}

/// Mean |flux| over the valid pixels.
fn mean_flux(residual: &Residual) -> Option<f64> {
    let (sum, count) = (0..residual.len())
        .filter(|&pixel| residual.is_valid(pixel))
        .fold((0.0, 0usize), |(sum, count), pixel| {
            (sum + f64::from(residual.flux[pixel].abs()), count + 1)
        });
    (count > 0).then(|| sum / count as f64)
}

fn measure(
    residual: &Residual,
    start: usize,
    end: usize,
    floor: f64,
    settings: &WindowSettings,
) -> Option<Window> {
    let (mut differences, mut fluxes, mut variances, mut valid) = (0.0, 0.0, 0.0, 0usize);
    let (mut data, mut model) = (
        (f64::INFINITY, f64::NEG_INFINITY),
        (f64::INFINITY, f64::NEG_INFINITY),
    );
    for pixel in (start..end).filter(|&pixel| residual.is_valid(pixel)) {
        let flux = f64::from(residual.flux[pixel]);
        let reconstruction = f64::from(residual.reconstruction[pixel]);
        differences += (flux - reconstruction).abs();
        fluxes += flux.abs();
        variances += 1.0 / f64::from(residual.ivar[pixel]);
        data = (data.0.min(flux), data.1.max(flux));
        model = (model.0.min(reconstruction), model.1.max(reconstruction));
        valid += 1;
    }
    let count = valid as f64;
    if valid == 0 || count < settings.least_valid * (end - start) as f64 {
        return None;
    }
    // The range of n Gaussian values is about 2 sigma sqrt(2 ln n).
    let noise = 2.0 * (2.0 * count.ln()).sqrt() * (variances / count).sqrt();
    let (data, model) = (data.1 - data.0, model.1 - model.0);
    let ratio = |above: f64, below: f64| {
        if above > 0.0 {
            above / below.max(1e-12 * above)
        } else {
            0.0
        }
    };
    Some(Window {
        start,
        end,
        absolute: differences / count,
        relative: ratio(differences / count, (fluxes / count).max(floor)),
        range_ratio: ratio(model, data).max(ratio(data, model + noise)),
    })
}

/// Judges a spectrum by its windows.
///
/// A window is anomalous for the first that holds: mean |residual| above its threshold, relative mean |residual| above its threshold,
/// ranges that differ by more than the factor. Overlapping anomalous windows are one region; its reason and value are those of
/// the window that goes furthest beyond its threshold.
pub fn judge(
    residual: &Residual,
    windows: &[Window],
    thresholds: &WindowThresholds,
    settings: &WindowSettings,
) -> WindowVerdict {
    let pixels = residual.len();
    let mut reach = vec![0.0f64; pixels];
    let mut flagged = vec![false; pixels];
    let mut found: Vec<(usize, usize, Reason, f64, f64)> = Vec::new();
    for window in windows {
        let absolute = over(window.absolute, thresholds.absolute);
        let relative = over(window.relative, thresholds.relative);
        let range = over(window.range_ratio, settings.range_mismatch_factor);
        let toward = absolute.max(relative).max(range);
        for reach in &mut reach[window.start..window.end] {
            *reach = reach.max(toward);
        }
        let verdict = if window.absolute > thresholds.absolute {
            (Reason::HighAbsoluteResidual, window.absolute, absolute)
        } else if window.relative > thresholds.relative {
            (Reason::HighRelativeResidual, window.relative, relative)
        } else if window.range_ratio > settings.range_mismatch_factor {
            (Reason::RangeMismatch, window.range_ratio, range)
        } else {
            continue;
        };
        flagged[window.start..window.end].fill(true);
        match found.last_mut() {
            Some(last) if window.start < last.1 => {
                last.1 = window.end;
                if verdict.2 > last.4 {
                    (last.2, last.3, last.4) = verdict;
                }
            }
            _ => found.push((window.start, window.end, verdict.0, verdict.1, verdict.2)),
        }
    }
    let (mut valid, mut caught, mut total) = (0usize, 0usize, 0.0);
    for pixel in (0..pixels).filter(|&pixel| residual.is_valid(pixel)) {
        valid += 1;
        caught += usize::from(flagged[pixel]);
        total += reach[pixel];
    }
    let flagged_fraction = caught as f64 / valid.max(1) as f64;
    WindowVerdict {
        score: total / valid.max(1) as f64,
        flagged_fraction,
        anomalous: flagged_fraction > settings.overall_anomaly_threshold,
        regions: describe(residual, found),
    }
}

/// How far a value reaches toward its threshold; a threshold of 0 is passed by anything, but by no more than a thousandfold.
fn over(value: f64, threshold: f64) -> f64 {
    if value <= 0.0 {
        0.0
    } else {
        (value / threshold).min(1000.0)
    }
}

fn describe(residual: &Residual, found: Vec<(usize, usize, Reason, f64, f64)>) -> Vec<GridRegion> {
    if found.is_empty() {
        return Vec::new();
    }
    let neutral = ErrorModel::neutral(residual.len(), &SignificanceSettings::default());
    let corrected: Corrected = neutral.correct(residual);
    let sums = Sums::new(&corrected);
    let mut regions: Vec<GridRegion> = found
        .into_iter()
        .map(|(start, end, reason, value, calibrated)| {
            // A window that reaches beyond the spectrum's own pixels must not name wavelengths that it has not.
            let start = (start..end)
                .find(|&pixel| residual.is_valid(pixel))
                .unwrap_or(start);
            let end = (start..end)
                .rfind(|&pixel| residual.is_valid(pixel))
                .map_or(end, |last| last + 1);
            let mut region = GridRegion {
                start,
                end,
                wavelength_min: residual.observed[start],
                wavelength_max: residual.observed[end - 1],
                rest_min: residual.rest(start),
                rest_max: residual.rest(end - 1),
                reason,
                value,
                significance: sums.significance(start, end),
                calibrated,
                line: None,
                artifact_fraction: residual.artifact_fraction(start, end),
            };
            region.line = touched_line(residual, &sums, &region).map(|line| line.name.as_str());
            region
        })
        .collect();
    regions.sort_by(|a, b| b.calibrated.total_cmp(&a.calibrated).then(a.start.cmp(&b.start)));
    regions
}
