//! A spectrum by pixel: its curves and the ranges that show them well.

use std::sync::Arc;

use super::axis::{Axis, Scale};
use super::description::{Series, SeriesStyle, Shape};
use super::spectrum::SpectrumView;

/// Below this median signal-to-noise ratio a pixel, a smoothed curve is drawn over the data.
pub(super) const NOISY: f64 = 8.0;

/// The spectrum as series want it: lists of one length, NaN where nothing is known.
pub(super) struct Pixels {
    pub wavelength: Arc<[f64]>,
    flux: Vec<f64>,
    sigma: Vec<f64>,
    pub valid: Vec<bool>,
    /// Where the data are noisy.
    pub smoothed: Option<Vec<f64>>,
    pub reconstruction: Vec<f64>,
    residual: Vec<f64>,
}

impl Pixels {
    pub fn of(view: &SpectrumView) -> Self {
        let n = view.wavelength.len().min(view.flux.len());
        let values = |list: &[f32]| -> Vec<f64> {
            (0..n)
                .map(|i| list.get(i).map_or(f64::NAN, |v| f64::from(*v)))
                .collect()
        };
        let (flux, sigma) = (values(&view.flux), values(&view.sigma));
        let valid: Vec<bool> = (0..n)
            .map(|i| view.valid.get(i).copied().unwrap_or(false) && flux[i].is_finite())
            .collect();
        let mut pixels = Self {
            wavelength: Arc::from(&view.wavelength[..n]),
            flux,
            sigma,
            valid,
            smoothed: None,
            reconstruction: values(&view.reconstruction),
            residual: values(&view.residual_sigma),
        };
        let ratio = |(flux, sigma): (f64, &f64)| flux / sigma;
        let valid = pixels.valid_only(&pixels.flux);
        let sn = Bulk::of(valid.iter().copied().zip(&pixels.sigma).map(ratio));
        if n > 100 && sn.is_some_and(|sn| sn.median < NOISY) {
            pixels.smoothed = Some(smooth(&valid, &pixels.sigma));
        }
        pixels
    }

    /// A list with NaN where the pixel is not valid.
    fn valid_only(&self, list: &[f64]) -> Vec<f64> {
        let kept = |(value, valid): (&f64, &bool)| if *valid { *value } else { f64::NAN };
        list.iter().zip(&self.valid).map(kept).collect()
    }

    /// Masked pixels with their valid neighbors, so that the curve does not break off before them.
    fn masked_flux(&self) -> Vec<f64> {
        let masked = |i: usize| self.valid.get(i).is_some_and(|valid| !valid);
        let near = |i: usize| masked(i) || masked(i + 1) || i.checked_sub(1).is_some_and(masked);
        let kept = |(i, value): (usize, &f64)| if near(i) { *value } else { f64::NAN };
        self.flux.iter().enumerate().map(kept).collect()
    }

    fn series(&self, name: &str, y: Vec<f64>, shape: Shape, style: SeriesStyle) -> Series {
        Series {
            name: name.to_owned(),
            x: self.wavelength.clone(),
            y,
            shape,
            style,
        }
    }

    /// Noise, masked pixels, data and model, from back to front.
    pub fn flux_series(&self) -> Vec<Series> {
        let valid = self.valid_only(&self.flux);
        let half_width = self.sigma.clone();
        let noise = Shape::Envelope { half_width };
        let mut list = vec![
            self.series("±1σ noise", valid.clone(), noise, SeriesStyle::NoiseBand),
            self.series("masked", self.masked_flux(), Shape::Step, SeriesStyle::Masked),
        ];
        match self.smoothed.clone() {
            None => list.push(self.series("data", valid, Shape::Step, SeriesStyle::Data)),
            Some(smoothed) => {
                list.push(self.series("data", valid, Shape::Step, SeriesStyle::Raw));
                list.push(self.series("smoothed", smoothed, Shape::Step, SeriesStyle::Smoothed));
            }
        }
        let model = self.reconstruction.clone();
        list.push(self.series("model", model, Shape::Line, SeriesStyle::Reconstruction));
        list
    }

    pub fn residual_series(&self) -> Vec<Series> {
        let residual = self.valid_only(&self.residual);
        vec![self.series("residual", residual, Shape::Step, SeriesStyle::Residual)]
    }

    /// The axis of the bulk of data and model.
    pub fn flux_axis(&self) -> Axis {
        let valid = self.valid_only(&self.flux);
        let smooth = smooth(&valid, &self.sigma);
        let (low, high) = flux_range(
            &valid,
            &smooth,
            &self.valid_only(&self.sigma),
            &self.reconstruction,
        );
        Axis::new(FLUX_LABEL, low, high, Scale::Linear)
    }

    pub fn residual_axis(&self) -> Axis {
        let (low, high) = residual_range(&self.valid_only(&self.residual));
        Axis::new(RESIDUAL_LABEL, low, high, Scale::Linear)
    }
}

pub(super) const FLUX_LABEL: &str = "Flux (10⁻¹⁷ erg s⁻¹ cm⁻² Å⁻¹)";
pub(super) const RESIDUAL_LABEL: &str = "Residual (σ)";

/// Covers the bulk of the data and of the model; what goes far beyond it is cut off, so that neither one line nor the
/// noisy ends of the range flatten the rest. NaN counts nowhere.
pub(super) fn flux_range(valid: &[f64], smooth: &[f64], sigma: &[f64], model: &[f64]) -> (f64, f64) {
    let bulk = |values: &[f64]| Bulk::of(values.iter().copied());
    let noise = bulk(sigma).map_or(0.0, |sigma| sigma.median);
    let (low, high) = match (bulk(valid).zip(bulk(smooth)), bulk(model)) {
        (Some((data, smooth)), model) => {
            let span = (smooth.high - smooth.low).max(1e-30);
            let scatter = 2.2 * (data.upper - data.lower);
            let low = (smooth.low - (0.3 * span).max(3.0 * noise)).min(data.median - scatter);
            let high = (smooth.high + (1.1 * span).max(4.0 * noise)).max(data.median + scatter);
            let (mut low, mut high) = (data.min.max(low), data.max.min(high));
            if let Some(model) = model {
                low = low.min(model.low.max(smooth.low - span));
                high = high.max(model.high.min(smooth.high + 2.0 * span));
            }
            (low, high)
        }
        (None, Some(model)) => (model.min, model.max),
        (None, None) => (0.0, 1.0),
    };
    with_room(low, high)
}

/// A range with a margin, from 0 where that is near.
pub(super) fn with_room(low: f64, high: f64) -> (f64, f64) {
    let room = (high - low) * 0.06;
    let near_zero = low >= 0.0 && low < 0.45 * high;
    (if near_zero { 0.0 } else { low - room }, high + room)
}

/// Covers ±5 sigma and the bulk of the residuals.
pub(super) fn residual_range(residual: &[f64]) -> (f64, f64) {
    let (low, high) = match Bulk::of(residual.iter().copied()) {
        Some(bulk) => {
            let span = (bulk.high - bulk.low).max(4.0);
            (
                bulk.min.max(bulk.low - 0.8 * span),
                bulk.max.min(bulk.high + 0.8 * span),
            )
        }
        None => (0.0, 0.0),
    };
    (low.min(-5.0) - 0.6, high.max(5.0) + 0.6)
}

/// Extremes, quartiles, and the 2nd and 98th percentile of what is finite.
struct Bulk {
    min: f64,
    low: f64,
    lower: f64,
    median: f64,
    upper: f64,
    high: f64,
    max: f64,
}

impl Bulk {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.filter(|v| v.is_finite()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let at = |share: f64| sorted[(share * last as f64).round() as usize];
        Some(Self {
            min: sorted[0],
            low: at(0.02),
            lower: at(0.25),
            median: at(0.5),
            upper: at(0.75),
            high: at(0.98),
            max: sorted[last],
        })
    }
}

/// The median of what is finite.
pub(super) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    Bulk::of(values).map(|bulk| bulk.median)
}

/// The values, weighted by inverse variance, smoothed with a Gaussian of sigma 2 pixels; NaN where there is no value.
pub(super) fn smooth(values: &[f64], sigma: &[f64]) -> Vec<f64> {
    let ivar: Vec<f64> = sigma.iter().map(|sigma| 1.0 / (sigma * sigma)).collect();
    let smoothed = crate::spectrum::smooth(values, &ivar, 2.0).flux;
    let kept = |(value, smoothed): (&f64, f64)| {
        if value.is_finite() && smoothed.is_finite() {
            smoothed
        } else {
            *value
        }
    };
    values.iter().zip(smoothed).map(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_keeps_a_level_and_does_not_fill_gaps() {
        let mut values = vec![4.0; 50];
        values[20] = f64::NAN;
        values[30] = 1e6;
        let mut sigma = vec![1.0; 50];
        sigma[30] = 1e9;
        let smoothed = smooth(&values, &sigma);
        assert!(smoothed[20].is_nan());
        assert!(
            smoothed
                .iter()
                .filter(|v| v.is_finite())
                .all(|v| (v - 4.0).abs() < 1e-6)
        );
    }

    #[test]
    fn one_line_does_not_flatten_the_rest() {
        let wavelength: Vec<f64> = (0..1000).map(|i| 4000.0 + f64::from(i)).collect();
        let mut flux: Vec<f64> = (0..1000).map(|i| 10.0 + f64::from(i % 7)).collect();
        flux[500] = 1e5;
        let pixels = Pixels {
            wavelength: Arc::from(wavelength),
            sigma: vec![0.5; 1000],
            valid: vec![true; 1000],
            smoothed: None,
            reconstruction: vec![f64::NAN; 1000],
            residual: vec![0.0; 1000],
            flux,
        };
        let axis = pixels.flux_axis();
        assert!(axis.min < 10.0 && axis.max > 16.0 && axis.max < 1e3, "{axis:?}");
    }
}
