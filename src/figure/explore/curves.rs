//! The curves of a spectrum that is looked at.

use std::sync::Arc;

use super::look::{FluxScale, Look};
use crate::figure::description::{Series, SeriesStyle, Shape};
use crate::figure::pixels;
use crate::figure::spectrum::SpectrumView;
use crate::spectrum::{ArtifactZone, Smoothed, artifact_zone, smooth};

/// From so many pixels a dot on, noisy data get a trend.
const CROWD: f64 = 2.0;

/// The pixels in view and one beyond each end, as curves; NaN where there is nothing.
pub(super) struct Curves {
    /// Observed.
    pub wavelength: Vec<f64>,
    /// On the x axis.
    x: Arc<[f64]>,
    pub valid: Vec<bool>,
    /// Data to be believed, of valid pixels.
    data: Vec<f64>,
    /// Masked pixels and those dominated by the night sky, as far as the look greys them.
    greyed: Vec<f64>,
    noise: Vec<f64>,
    model: Vec<f64>,
    pub residual: Vec<f64>,
    pub smoothed: bool,
    /// Of noisy data, with the sigma of its smoothing in pixels.
    trend: Option<(f64, Vec<f64>)>,
    /// The pixels between the ends of the view.
    within: std::ops::Range<usize>,
}

impl Curves {
    pub fn of(view: &SpectrumView, look: &Look, low: f64, high: f64) -> Self {
        let n = view.wavelength.len().min(view.flux.len());
        let wavelength = &view.wavelength[..n];
        let inner = wavelength.partition_point(|w| *w < low)..wavelength.partition_point(|w| *w <= high);
        let inner = inner.start.min(inner.end)..inner.end;
        let seen = inner.start.saturating_sub(1)..(inner.end + 1).min(n);
        // what smoothing draws from beyond the ends
        let reach = look.smoothing.map_or(0, |width| (3.0 * width).ceil() as usize);
        let wide = seen.start.saturating_sub(reach)..(seen.end + reach).min(n);
        let value = |list: &[f32], i: usize| list.get(i).map_or(f64::NAN, |v| f64::from(*v));
        let list = |of: &dyn Fn(usize) -> f64| -> Vec<f64> { wide.clone().map(of).collect() };

        let flux = list(&|i| value(&view.flux, i));
        let model = list(&|i| value(&view.reconstruction, i));
        let is_valid =
            |i: usize| view.valid.get(i).copied().unwrap_or(false) && value(&view.flux, i).is_finite();
        let only = |i: usize, value: f64| if is_valid(i) { value } else { f64::NAN };
        let (data, noise, model, residual) = match look.smoothing.filter(|width| *width > 0.0) {
            None => (
                list(&|i| only(i, value(&view.flux, i))),
                list(&|i| only(i, value(&view.sigma, i))),
                model,
                list(&|i| only(i, value(&view.residual_sigma, i))),
            ),
            Some(width) => {
                let ivar = list(&|i| only(i, value(&view.sigma, i).powi(-2)));
                let Smoothed { flux, sigma } = smooth(&flux, &ivar, width);
                let model = smooth(&model, &ivar, width).flux;
                let residual = |j: usize| (flux[j] - model[j]) / sigma[j];
                let gone = |j: usize, value: f64| only(wide.start + j, value);
                (
                    (0..flux.len()).map(|j| gone(j, flux[j])).collect(),
                    (0..flux.len()).map(|j| gone(j, sigma[j])).collect(),
                    (0..flux.len())
                        .map(|j| {
                            if value(&view.reconstruction, wide.start + j).is_finite() {
                                model[j]
                            } else {
                                f64::NAN
                            }
                        })
                        .collect(),
                    (0..flux.len()).map(|j| gone(j, residual(j))).collect(),
                )
            }
        };
        let cut = |list: &[f64]| list[seen.start - wide.start..seen.end - wide.start].to_vec();
        let wavelength: Vec<f64> = wavelength[seen.clone()].to_vec();
        let mut curves = Self {
            x: wavelength.iter().map(|w| look.x_of(*w)).collect(),
            valid: seen.clone().map(is_valid).collect(),
            data: cut(&data),
            greyed: cut(&flux),
            noise: cut(&noise),
            model: cut(&model),
            residual: cut(&residual),
            smoothed: look.smoothing.is_some_and(|width| width > 0.0),
            trend: None,
            within: inner.start - seen.start..inner.end - seen.start,
            wavelength,
        };
        curves.grey(view, look);
        curves
    }

    /// Parts the data that are to be believed from those that are not.
    fn grey(&mut self, view: &SpectrumView, look: &Look) {
        let n = self.wavelength.len();
        let sky = |i: usize| {
            look.zones && artifact_zone(self.wavelength[i], view.mask_kind) == Some(ArtifactZone::Sky)
        };
        let doubted: Vec<bool> = (0..n)
            .map(|i| if self.valid[i] { sky(i) } else { look.masked })
            .collect();
        for i in 0..n {
            if self.valid[i] {
                self.greyed[i] = self.data[i];
            }
            // the neighbors belong to both, so that neither curve breaks off before the other
            let near = doubted[i.saturating_sub(1)..(i + 2).min(n)].contains(&true);
            if !near || (!self.valid[i] && !look.masked) {
                self.greyed[i] = f64::NAN;
            }
        }
        for i in 0..n {
            if doubted[i] {
                self.data[i] = f64::NAN;
            }
        }
    }

    /// Smooths noisy data for a screen on which many pixels share a column of dots.
    pub fn draw_trend(&mut self, dots: usize) {
        let crowd = self.within.len() as f64 / dots.max(1) as f64;
        let noisy = {
            let data = self.valid_data();
            let ratios = data
                .iter()
                .zip(&self.noise[self.within.clone()])
                .map(|(f, s)| f / s);
            pixels::median(ratios).is_some_and(|sn| sn < pixels::NOISY)
        };
        if crowd < CROWD || !noisy {
            return;
        }
        let width = (crowd / 4.0).clamp(2.0, 10.0);
        let n = self.wavelength.len();
        let flux: Vec<f64> = (0..n)
            .map(|i| {
                if self.data[i].is_finite() {
                    self.data[i]
                } else {
                    self.greyed[i]
                }
            })
            .collect();
        let ivar: Vec<f64> = (0..n)
            .map(|i| {
                if self.valid[i] {
                    self.noise[i].powi(-2)
                } else {
                    f64::NAN
                }
            })
            .collect();
        let smoothed = smooth(&flux, &ivar, width).flux;
        let only = |i: usize| if self.valid[i] { smoothed[i] } else { f64::NAN };
        self.trend = Some((width, (0..n).map(only).collect()));
    }

    /// The part of a curve that is in view.
    pub fn inner(&self, curve: &[f64]) -> Vec<f64> {
        curve[self.within.clone()].to_vec()
    }

    /// The data of valid pixels in view.
    fn valid_data(&self) -> Vec<f64> {
        let value = |i: usize| match (self.valid[i], self.data[i].is_finite()) {
            (true, true) => self.data[i],
            (true, false) => self.greyed[i],
            (false, _) => f64::NAN,
        };
        self.within.clone().map(value).collect()
    }

    pub fn nothing(&self) -> bool {
        [&self.data, &self.greyed, &self.model]
            .into_iter()
            .all(|curve| !curve[self.within.clone()].iter().any(|v| v.is_finite()))
    }

    pub fn flux_range(&self, look: &Look, narrow: bool) -> (f64, f64) {
        let (data, model, noise) = (
            self.valid_data(),
            self.inner(&self.model),
            self.inner(&self.noise),
        );
        let every = |empty: (f64, f64)| {
            let shown = data.iter().chain(&model).filter(|v| v.is_finite());
            let (low, high) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
                (low.min(*v), high.max(*v))
            });
            if low <= high {
                pixels::with_room(low, high)
            } else {
                empty
            }
        };
        let bulk = || {
            // Under a trend it is the trend that is read: its noise may leave the view, its lines and the model may not.
            if let Some(range) = self.trend_range(&noise, &model) {
                return range;
            }
            let smooth = if self.smoothed {
                data.clone()
            } else {
                pixels::smooth(&data, &noise)
            };
            pixels::flux_range(&data, &smooth, &noise, &model)
        };
        let (low, high) = match look.scale {
            FluxScale::Fixed { low, high } => (low, high),
            FluxScale::All => every((0.0, 1.0)),
            FluxScale::Auto if narrow => every((0.0, 1.0)),
            FluxScale::Auto | FluxScale::Bulk => bulk(),
        };
        let taller = if look.taller > 0.0 { look.taller } else { 1.0 };
        (low, low + (high - low) / taller)
    }

    /// What shows the trend and the model, with the noise of a typical pixel about them; `None` without a trend in view.
    fn trend_range(&self, noise: &[f64], model: &[f64]) -> Option<(f64, f64)> {
        /// Shares of the values that may lie below and above: lines stand up, the noise of the blue end hangs down.
        const BEYOND: [f64; 2] = [0.02, 0.003];
        let (_, trend) = self.trend.as_ref()?;
        let finite =
            |values: &[f64]| -> Vec<f64> { values.iter().copied().filter(|v| v.is_finite()).collect() };
        let mut values = finite(&self.inner(trend));
        if values.is_empty() {
            return None;
        }
        values.extend(finite(model));
        values.sort_unstable_by(f64::total_cmp);
        let [below, above] = BEYOND.map(|share| (share * values.len() as f64) as usize);
        let mut noise = finite(noise);
        noise.sort_unstable_by(f64::total_cmp);
        let sigma = noise.get(noise.len() / 2).copied().unwrap_or(0.0);
        Some(pixels::with_room(
            values[below] - sigma,
            values[values.len() - 1 - above] + sigma,
        ))
    }

    pub fn series(&self, name: &str, y: &[f64], style: SeriesStyle) -> Series {
        Series {
            name: name.to_owned(),
            x: self.x.clone(),
            y: y.to_vec(),
            shape: match style {
                SeriesStyle::Reconstruction | SeriesStyle::NoiseBand => Shape::Line,
                _ => Shape::Step,
            },
            style,
        }
    }

    /// The curves of the main panel, from back to front.
    pub fn shown(&self, look: &Look) -> Vec<Series> {
        let mut list = Vec::new();
        let mut add = |on: bool, name: &str, y: &[f64], style| {
            if on && y.iter().any(|v| v.is_finite()) {
                list.push(self.series(name, y, style));
            }
        };
        add(look.noise, "noise (1σ)", &self.noise, SeriesStyle::NoiseBand);
        add(look.data, "masked or sky", &self.greyed, SeriesStyle::Masked);
        match self.smoothed {
            false if self.trend.is_some() => add(look.data, "data", &self.data, SeriesStyle::Raw),
            false => add(look.data, "data", &self.data, SeriesStyle::Data),
            true => add(look.data, "smoothed data", &self.data, SeriesStyle::Smoothed),
        }
        if let Some((width, trend)) = &self.trend {
            let name = format!("smoothed ({width:.0} px)");
            add(look.data, &name, trend, SeriesStyle::Smoothed);
        }
        add(look.model, "model", &self.model, SeriesStyle::Reconstruction);
        list
    }
}
