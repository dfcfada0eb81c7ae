//! How wrong noise and model typically are, by observed and by rest-frame wavelength, learned from the population.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::draw::split_mix;
use super::{Residual, SignificanceSettings};
use crate::spectrum::order::median;

/// Median of the square of a standard Gaussian (chi-square with one degree of freedom).
const MEDIAN_CHI2: f64 = 0.454_936_423_119_572_7;
/// Blue end of the observed-frame bins, Angstrom.
const OBSERVED_START: f64 = 3000.0;
/// Red end of the observed-frame bins, Angstrom.
const OBSERVED_END: f64 = 11_500.0;
/// The second round over the observed frame may only correct the first by this factor.
const SECOND_ROUND: (f64, f64) = (0.8, 1.25);
const NO_BIN: u16 = u16::MAX;

/// Multiplies sigma and shifts the residual so that a typical spectrum's residual in sigma has median 0 and scale 1 everywhere.
///
/// Sky residuals and camera joints sit at observed wavelengths; what the model cannot draw in anybody's spectrum sits at grid
/// pixels (rest wavelengths). Both are medians over the population: what a few spectra have alone is left to be found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorModel {
    floors: Floors,
    artifact_weight: f64,
    observed_bin: f64,
    /// Sigma's factor by observed-frame bin.
    observed_scale: Vec<f64>,
    /// Sigma's factor by grid pixel.
    pixel_scale: Vec<f64>,
    /// Typical residual by grid pixel, in scaled sigma.
    pixel_offset: Vec<f64>,
}

/// A residual after the error model, in the unit of the flux: what the windows sum. Shapes: `[pixels]`.
#[derive(Debug, Clone, Default)]
pub struct Corrected {
    /// Residual less its typical value; 0 where invalid.
    pub(super) residual: Vec<f64>,
    /// 1/sigma^2 with all error terms; 0 where invalid.
    pub(super) weight: Vec<f64>,
}

/// Pixels over which a line is told from the continuum below it: 0.01 dex, 7000 km/s, on the default grid.
const CONTINUUM_WIDTH: usize = 101;
/// A line's error reaches this many pixels beyond it: its width is as uncertain as its strength.
const LINE_REACH: usize = 3;

/// Variance of noise, model floor and line floor: `1/ivar + (floor * reconstruction)^2 + (line_floor * line)^2`, where `line` is the
/// reconstruction's departure from its running mean. A model that draws a line gets its strength right to a share of that
/// strength, so what is left of a strong line that is there is no anomaly; a line that the model does not draw stays one.
///
/// Shape: `[pixels]`; infinite where invalid.
fn variances(residual: &Residual, settings: &Floors) -> Vec<f64> {
    let pixels = residual.len();
    let value = |pixel: usize| {
        let value = f64::from(residual.reconstruction[pixel]);
        if value.is_finite() { value } else { 0.0 }
    };
    let mut sums = vec![0.0; pixels + 1];
    for pixel in 0..pixels {
        sums[pixel + 1] = sums[pixel] + value(pixel);
    }
    let line: Vec<f64> = (0..pixels)
        .map(|pixel| {
            let (start, end) = (
                pixel.saturating_sub(CONTINUUM_WIDTH / 2),
                (pixel + CONTINUUM_WIDTH / 2 + 1).min(pixels),
            );
            (value(pixel) - (sums[end] - sums[start]) / (end - start) as f64).abs()
        })
        .collect();
    let line = widened(line, LINE_REACH);
    (0..pixels)
        .map(|pixel| {
            if !residual.is_valid(pixel) {
                return f64::INFINITY;
            }
            let line = settings.line * line[pixel];
            let model = settings.model * value(pixel);
            1.0 / f64::from(residual.ivar[pixel]) + model * model + line * line
        })
        .collect()
}

/// The greatest value within so many pixels of each; none is NaN.
fn widened(mut values: Vec<f64>, reach: usize) -> Vec<f64> {
    // Once to the left and once to the right, a pixel at a time: each step is many comparisons at once.
    let greater = |a: f64, b: f64| if a > b { a } else { b };
    for _ in 0..reach {
        let before = values.clone();
        for (value, next) in values.iter_mut().zip(before.get(1..).unwrap_or_default()) {
            *value = greater(*value, *next);
        }
        for (value, last) in values.get_mut(1..).unwrap_or_default().iter_mut().zip(&before) {
            *value = greater(*value, *last);
        }
    }
    values
}

/// Errors of the model as shares of what it draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Floors {
    model: f64,
    line: f64,
}

impl From<&SignificanceSettings> for Floors {
    fn from(settings: &SignificanceSettings) -> Self {
        Self {
            model: settings.model_floor,
            line: settings.line_floor,
        }
    }
}

fn observed_bin(wavelength: f64, width: f64) -> Option<usize> {
    (OBSERVED_START..OBSERVED_END)
        .contains(&wavelength)
        .then(|| ((wavelength - OBSERVED_START) / width) as usize)
}

fn observed_bins(width: f64) -> usize {
    ((OBSERVED_END - OBSERVED_START) / width).ceil() as usize
}

impl ErrorModel {
    /// The error model that believes the catalog's ivar and the settings' floor.
    pub fn neutral(pixels: usize, settings: &SignificanceSettings) -> Self {
        Self {
            floors: settings.into(),
            artifact_weight: settings.artifact_weight,
            observed_bin: settings.observed_bin,
            observed_scale: vec![1.0; observed_bins(settings.observed_bin)],
            pixel_scale: vec![1.0; pixels],
            pixel_offset: vec![0.0; pixels],
        }
    }

    /// The error model of residuals that are all in memory; see [`ErrorModelBuilder`] for a stream.
    pub fn fit<'a>(
        pixels: usize,
        residuals: impl IntoIterator<Item = Residual<'a>>,
        settings: &SignificanceSettings,
    ) -> Self {
        let mut builder = ErrorModelBuilder::new(pixels, settings);
        builder.add(&residuals.into_iter().collect::<Vec<_>>());
        builder.build()
    }

    /// Number of grid pixels.
    pub fn len(&self) -> usize {
        self.pixel_scale.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pixel_scale.is_empty()
    }

    /// The factor on sigma at a grid pixel seen at an observed wavelength (Angstrom).
    pub fn scale(&self, pixel: usize, observed: f64) -> f64 {
        let sky = observed_bin(observed, self.observed_bin).map_or(1.0, |bin| self.observed_scale[bin]);
        sky * self.pixel_scale[pixel]
    }

    /// The typical residual at a grid pixel, in scaled sigma.
    pub fn offset(&self, pixel: usize) -> f64 {
        self.pixel_offset[pixel]
    }

    /// Residual and weight of every pixel with all error terms.
    ///
    /// Panics where the residual has another number of pixels than this model.
    pub fn correct(&self, residual: &Residual) -> Corrected {
        assert_eq!(residual.len(), self.len(), "the error model is of another grid");
        let mut corrected = Corrected {
            residual: vec![0.0; residual.len()],
            weight: vec![0.0; residual.len()],
        };
        let variances = variances(residual, &self.floors);
        for pixel in 0..residual.len() {
            if !residual.is_valid(pixel) {
                continue;
            }
            let scale = self.scale(pixel, residual.observed[pixel]);
            let variance = variances[pixel] * scale * scale;
            let difference = f64::from(residual.flux[pixel]) - f64::from(residual.reconstruction[pixel]);
            corrected.residual[pixel] = difference - self.pixel_offset[pixel] * variance.sqrt();
            let trust = if residual.artifact[pixel] {
                self.artifact_weight
            } else {
                1.0
            };
            corrected.weight[pixel] = trust / variance;
        }
        corrected
    }
}

/// Collects residuals for an [`ErrorModel`] from a stream, in bounded memory: six bytes a pixel of the settings'
/// `error_model_spectra`.
#[derive(Debug, Clone)]
pub struct ErrorModelBuilder {
    settings: SignificanceSettings,
    pixels: usize,
    seen: u64,
    random: u64,
    /// Residual in sigma of the kept spectra, row after row; NaN where invalid.
    chi: Vec<f32>,
    bin: Vec<u16>,
}

impl ErrorModelBuilder {
    pub fn new(pixels: usize, settings: &SignificanceSettings) -> Self {
        Self {
            settings: settings.clone(),
            pixels,
            seen: 0,
            random: 0x5EED,
            chi: Vec::new(),
            bin: Vec::new(),
        }
    }

    /// Adds spectra in their order, each of which is left out where enough are kept and chance says so (reservoir sampling).
    ///
    /// Source: Vitter 1985, "Random sampling with a reservoir" (ACM TOMS 11, 37), algorithm R.
    ///
    /// Panics where a residual has another number of pixels than the builder.
    pub fn add(&mut self, residuals: &[Residual]) {
        let mut places: BTreeMap<usize, &Residual> = BTreeMap::new();
        let kept = self.chi.len() / self.pixels;
        let mut room = kept;
        for residual in residuals {
            assert_eq!(residual.len(), self.pixels, "the error model is of another grid");
            if !(0..self.pixels).any(|pixel| residual.is_valid(pixel)) {
                continue;
            }
            self.seen += 1;
            let place = if room < self.settings.error_model_spectra {
                room += 1;
                room - 1
            } else {
                (split_mix(&mut self.random) % self.seen) as usize
            };
            // A later one takes the place of an earlier one.
            if place < room {
                places.insert(place, residual);
            }
        }
        self.chi.resize(room * self.pixels, f32::NAN);
        self.bin.resize(room * self.pixels, NO_BIN);
        let (settings, pixels) = (&self.settings, self.pixels);
        let rows = self.chi.par_chunks_exact_mut(pixels);
        rows.zip(self.bin.par_chunks_exact_mut(pixels))
            .enumerate()
            .for_each(|(place, (chi, bin))| {
                if let Some(residual) = places.get(&place) {
                    write_row(residual, settings, chi, bin);
                }
            });
    }

    /// Number of spectra seen that have a valid pixel.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Solves for the factors by observed and by grid wavelength in turn, twice, then for the offsets.
    pub fn build(mut self) -> ErrorModel {
        let mut model = ErrorModel::neutral(self.pixels, &self.settings);
        if self.chi.is_empty() {
            return model;
        }
        let members = self.members_of_bins(model.observed_scale.len());
        for round in 0..2 {
            let shrink = self.settings.shrink_count;
            let chi = &self.chi;
            let observed: Vec<f64> = members
                .par_iter()
                .map(|cells| {
                    let mut values: Vec<f64> =
                        cells.iter().map(|&cell| f64::from(chi[cell as usize])).collect();
                    let scale = typical_scale(&mut values, shrink);
                    if round == 0 {
                        scale
                    } else {
                        scale.clamp(SECOND_ROUND.0, SECOND_ROUND.1)
                    }
                })
                .collect();
            for (chi, bin) in self.chi.iter_mut().zip(&self.bin) {
                if *bin != NO_BIN {
                    *chi = (f64::from(*chi) / observed[usize::from(*bin)]) as f32;
                }
            }
            let by_pixel = self.by_pixel(|values| typical_scale(values, shrink));
            for row in self.chi.chunks_exact_mut(self.pixels) {
                for (chi, scale) in row.iter_mut().zip(&by_pixel) {
                    *chi = (f64::from(*chi) / scale) as f32;
                }
            }
            for (total, factor) in model.observed_scale.iter_mut().zip(&observed) {
                *total *= factor;
            }
            for (total, factor) in model.pixel_scale.iter_mut().zip(&by_pixel) {
                *total *= factor;
            }
        }
        let shrink = self.settings.shrink_count;
        model.pixel_offset = self.by_pixel(|values| {
            let count = values.len() as f64;
            median(values).map_or(0.0, |offset| offset * count / (count + shrink))
        });
        model
    }

    /// Cells of `chi` that fall into each observed-frame bin.
    fn members_of_bins(&self, bins: usize) -> Vec<Vec<u32>> {
        let mut members = vec![Vec::new(); bins];
        for (cell, &bin) in self.bin.iter().enumerate() {
            if let (true, Ok(cell)) = (bin != NO_BIN, u32::try_from(cell)) {
                members[usize::from(bin)].push(cell);
            }
        }
        members
    }

    /// A statistic of the valid values of every grid pixel.
    fn by_pixel(&self, statistic: impl Fn(&mut Vec<f64>) -> f64 + Sync) -> Vec<f64> {
        (0..self.pixels)
            .into_par_iter()
            .map(|pixel| {
                let mut values: Vec<f64> = self
                    .chi
                    .iter()
                    .skip(pixel)
                    .step_by(self.pixels)
                    .filter(|chi| !chi.is_nan())
                    .map(|&chi| f64::from(chi))
                    .collect();
                statistic(&mut values)
            })
            .collect()
    }
}

/// Residuals in sigma, and the observed-frame bins they are in. Shapes: `[pixels]`.
fn write_row(residual: &Residual, settings: &SignificanceSettings, chi: &mut [f32], bin: &mut [u16]) {
    let variances = variances(residual, &Floors::from(settings));
    for pixel in 0..residual.len() {
        (chi[pixel], bin[pixel]) = if residual.is_valid(pixel) {
            let difference = residual.flux[pixel] - residual.reconstruction[pixel];
            let bin = observed_bin(residual.observed[pixel], settings.observed_bin);
            (
                (f64::from(difference) / variances[pixel].sqrt()) as f32,
                bin.and_then(|bin| u16::try_from(bin).ok()).unwrap_or(NO_BIN),
            )
        } else {
            (f32::NAN, NO_BIN)
        };
    }
}

/// Robust scale of residuals in sigma, `sqrt(median(chi^2) / 0.4549)`, drawn toward 1 (in ln) where few contribute.
fn typical_scale(values: &mut [f64], shrink: f64) -> f64 {
    let count = values.len() as f64;
    for value in values.iter_mut() {
        *value *= *value;
    }
    median(values).map_or(1.0, |square| {
        let ln_scale = 0.5 * (square / MEDIAN_CHI2).max(1e-4).ln();
        (ln_scale * count / (count + shrink)).exp()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::draw::Draw;

    #[test]
    fn the_kept_spectra_are_the_same_however_many_are_added_at_once() {
        let pixels = 40;
        let mut draw = Draw::new(2, 0);
        let spectra: Vec<Vec<f32>> = (0..60)
            .map(|_| (0..pixels).map(|_| 1.0 + 0.1 * draw.normal() as f32).collect())
            .collect();
        let observed: Vec<f64> = (0..pixels).map(|pixel| 5000.0 + 2.0 * pixel as f64).collect();
        let (model, prone) = (vec![1.0; pixels], vec![false; pixels]);
        let (ivar, masked) = (vec![100.0; pixels], vec![0.0; pixels]);
        let residuals: Vec<Residual> = spectra
            .iter()
            .enumerate()
            .map(|(spectrum, flux)| {
                let ivar = if spectrum % 7 == 3 { &masked } else { &ivar };
                Residual::new(flux, ivar, &model, &observed, &prone, 0.0).unwrap()
            })
            .collect();
        let settings = SignificanceSettings {
            error_model_spectra: 11,
            ..SignificanceSettings::default()
        };
        let built = |at_once: usize| {
            let mut builder = ErrorModelBuilder::new(pixels, &settings);
            residuals.chunks(at_once).for_each(|some| builder.add(some));
            assert_eq!(builder.seen(), 51, "the masked ones do not count");
            assert_eq!(builder.chi.len(), 11 * pixels);
            (builder.chi.clone(), builder.build())
        };
        let (chi, one_by_one) = built(1);
        for at_once in [2, 9, 13, 60] {
            assert_eq!(
                built(at_once),
                (chi.clone(), one_by_one.clone()),
                "{at_once} at once"
            );
        }
        let mut first = ErrorModelBuilder::new(pixels, &settings);
        first.add(&residuals[..13]);
        assert_eq!(first.seen(), 11);
        assert_ne!(first.chi, chi, "some have made room for later ones");
    }
}
