//! The spectrum that something is planted into: what of it is known, and what an eye would see on it.

use crate::simulate::degrade::signal_to_noise;
use crate::spectrum::Spectrum;
use crate::spectrum::order::upper_median;
use crate::spectrum::smooth;

/// Share of the continuum that nobody is sure of: calibration, templates, a model's own error.
const CERTAINTY: f64 = 0.05;
/// Half-width of the running mean that stands for the continuum, pixels.
const CONTINUUM: usize = 50;
/// Sigma of the smoothing that keeps lines, pixels, at the best S/N; more where the spectrum is noisy.
const FINE: f64 = 1.5;

/// A spectrum about to be changed. Shapes: all slices have one value a pixel.
pub(super) struct Ground<'a> {
    /// With its final noise.
    pub spectrum: &'a Spectrum,
    /// The same before noise was added to it.
    pub clean: &'a Spectrum,
    pub z: f64,
    /// Observed vacuum Angstrom.
    pub wavelength: Vec<f64>,
    /// The continuum: the running mean of the clean flux.
    pub smooth: Vec<f64>,
    /// The clean flux with its lines, smoothed as far as its noise asks for.
    pub fine: Vec<f64>,
    /// 1 / (sigma^2 + (0.05 smooth)^2); 0 where there is no measurement.
    weight: Vec<f64>,
    /// The continuum times 1, x, x^2 in the logarithm of the wavelength, orthonormal under the weight.
    ordinary: Vec<Vec<f64>>,
    /// First and last valid pixel (exclusive).
    pub span: (usize, usize),
}

/// How much of the continuum's shape is nobody's business: normalization takes the level out, dust and age make slope and curvature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Level = 1,
    Curved = 3,
}

impl<'a> Ground<'a> {
    /// `None` where fewer than a hundred pixels are measurements, or the redshift is unknown.
    pub fn new(spectrum: &'a Spectrum, clean: &'a Spectrum) -> Option<Self> {
        let z = spectrum.facts.z.filter(|z| z.is_finite() && *z > -0.05)?;
        let valid: Vec<usize> = (0..spectrum.len()).filter(|i| spectrum.is_valid(*i)).collect();
        let (first, last) = (*valid.first()?, *valid.last()?);
        if valid.len() < 100 {
            return None;
        }
        let flux: Vec<f64> = clean.flux.iter().map(|f| f64::from(*f)).collect();
        let ivar: Vec<f64> = (0..clean.len())
            .map(|i| {
                if clean.is_valid(i) {
                    f64::from(clean.ivar[i])
                } else {
                    0.0
                }
            })
            .collect();
        let level = running_mean(&flux, &ivar);
        let sn = signal_to_noise(clean).max(1.0);
        let width = FINE * (15.0 / sn).powi(2).clamp(1.0, 20.0);
        let fine = smooth(&flux, &ivar, width).flux;
        let fine = fine
            .iter()
            .zip(&level)
            .map(|(fine, level)| if fine.is_finite() { *fine } else { *level })
            .collect();
        let weight: Vec<f64> = (0..spectrum.len())
            .map(|i| {
                if spectrum.is_valid(i) {
                    1.0 / (1.0 / f64::from(spectrum.ivar[i]) + (CERTAINTY * level[i]).powi(2))
                } else {
                    0.0
                }
            })
            .collect();
        let wavelength = spectrum.grid.wavelengths();
        let ordinary = modes(&wavelength, &level, &weight);
        Some(Self {
            spectrum,
            clean,
            z,
            wavelength,
            ordinary,
            smooth: level,
            fine,
            weight,
            span: (first, last + 1),
        })
    }

    pub fn len(&self) -> usize {
        self.wavelength.len()
    }

    pub fn is_valid(&self, pixel: usize) -> bool {
        self.weight[pixel] > 0.0
    }

    /// Observed wavelengths of the first and the last measurement, Angstrom.
    pub fn range(&self) -> (f64, f64) {
        (self.wavelength[self.span.0], self.wavelength[self.span.1 - 1])
    }

    /// Width of a pixel, Angstrom.
    pub fn pixel(&self, at: usize) -> f64 {
        let high = (at + 1).min(self.len() - 1);
        let low = at.saturating_sub(1).min(high - 1);
        (self.wavelength[high] - self.wavelength[low]) / (high - low) as f64
    }

    /// The pixel at an observed wavelength, within the grid.
    pub fn at(&self, wavelength: f64) -> usize {
        self.wavelength
            .partition_point(|w| *w < wavelength)
            .min(self.len() - 1)
    }

    /// Median of the valid values.
    pub fn median(&self, values: &[f64]) -> f64 {
        let valid = (0..self.len()).filter(|i| self.is_valid(*i));
        upper_median(valid.map(|i| values[i])).expect("some pixel is valid")
    }

    /// How visible a change of the flux is: sqrt(sum(d^2 / (sigma^2 + (0.05 smooth)^2))), where d is the change less what another `Shape` of the
    /// continuum makes of it: ordinary galaxies differ by as much.
    pub fn visibility(&self, change: &[f64], shape: Shape) -> f64 {
        let projected: f64 = self
            .ordinary
            .iter()
            .take(shape as usize)
            .map(|mode| self.product(change, mode).powi(2))
            .sum();
        (self.product(change, change) - projected).max(0.0).sqrt()
    }

    fn product(&self, a: &[f64], b: &[f64]) -> f64 {
        product(&self.weight, a, b)
    }

    /// Light with the median of this spectrum's continuum.
    pub fn leveled(&self, light: Vec<f64>) -> Option<Vec<f64>> {
        let factor = self.median(&self.smooth) / self.median(&light);
        (factor > 0.0 && factor.is_finite()).then(|| light.into_iter().map(|f| f * factor).collect())
    }
}

/// Sum of `a b` over the measurements, weighted.
fn product(weight: &[f64], a: &[f64], b: &[f64]) -> f64 {
    let terms = weight.iter().zip(a.iter().zip(b)).filter(|(w, _)| **w > 0.0);
    terms.map(|(w, (a, b))| w * a * b).sum()
}

/// The continuum times powers of ln(wavelength), made orthonormal one after the other (Gram-Schmidt).
fn modes(wavelength: &[f64], level: &[f64], weight: &[f64]) -> Vec<Vec<f64>> {
    let middle = wavelength[wavelength.len() / 2];
    let mut modes: Vec<Vec<f64>> = Vec::new();
    for power in 0..Shape::Curved as i32 {
        let mut mode: Vec<f64> = wavelength
            .iter()
            .zip(level)
            .map(|(w, level)| level * (w / middle).ln().powi(power))
            .collect();
        for earlier in &modes {
            let share = product(weight, &mode, earlier);
            mode.iter_mut().zip(earlier).for_each(|(m, e)| *m -= share * e);
        }
        let length = product(weight, &mode, &mode).sqrt();
        if length > 0.0 {
            mode.iter_mut().for_each(|m| *m /= length);
            modes.push(mode);
        }
    }
    modes
}

/// Mean over the pixels nearby that are measurements; of the nearest ones where there are none.
fn running_mean(flux: &[f64], ivar: &[f64]) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0)];
    for (flux, ivar) in flux.iter().zip(ivar) {
        let (sum, count) = sums[sums.len() - 1];
        sums.push(if *ivar > 0.0 {
            (sum + flux, count + 1.0)
        } else {
            (sum, count)
        });
    }
    let mut reach = CONTINUUM;
    let mut out = Vec::with_capacity(flux.len());
    for i in 0..flux.len() {
        let mean = loop {
            let (low, high) = (i.saturating_sub(reach), (i + reach + 1).min(flux.len()));
            let count = sums[high].1 - sums[low].1;
            if count > 0.0 {
                break (sums[high].0 - sums[low].0) / count;
            }
            if low == 0 && high == flux.len() {
                break 0.0;
            }
            reach *= 2;
        };
        reach = CONTINUUM;
        out.push(mean);
    }
    out
}
