//! A spectrum about to be changed, and how visible a change of it would be.

use super::{Injected, Injection};
use crate::anomaly::Residual;
use crate::anomaly::draw::Draw;

/// Share of the continuum that nobody is sure of.
const CERTAINTY: f64 = 0.05;
/// Half-width of the running mean that stands for the continuum, pixels.
const CONTINUUM: usize = 50;
/// No fewer valid pixels than this.
const LEAST_PIXELS: usize = 100;
/// Another redshift is at least so far away, in ln(1 + z), and at most.
const FARTHEST: (f64, f64) = (0.008, 0.35);

/// Shapes: one value a pixel.
pub(super) struct Canvas<'a> {
    residual: &'a Residual<'a>,
    /// Rest wavelengths, Angstrom.
    pub rest: Vec<f64>,
    /// The running mean of the model.
    pub smooth: Vec<f64>,
    /// The model above it.
    pub line_light: Vec<f64>,
    weight: Vec<f64>,
    /// Valid pixels, ascending.
    pub valid: Vec<usize>,
}

impl<'a> Canvas<'a> {
    pub fn new(residual: &'a Residual<'a>) -> Option<Self> {
        let pixels = residual.len();
        let valid: Vec<usize> = (0..pixels).filter(|&pixel| residual.is_valid(pixel)).collect();
        if valid.len() < LEAST_PIXELS {
            return None;
        }
        let model = |pixel: usize| {
            let value = f64::from(residual.reconstruction[pixel]);
            if value.is_finite() { value } else { 0.0 }
        };
        let mut sums = vec![0.0; pixels + 1];
        for pixel in 0..pixels {
            sums[pixel + 1] = sums[pixel] + model(pixel);
        }
        let smooth: Vec<f64> = (0..pixels)
            .map(|pixel| {
                let (start, end) = (
                    pixel.saturating_sub(CONTINUUM),
                    (pixel + CONTINUUM + 1).min(pixels),
                );
                (sums[end] - sums[start]) / (end - start) as f64
            })
            .collect();
        let weight = (0..pixels)
            .map(|pixel| {
                if residual.is_valid(pixel) {
                    1.0 / (1.0 / f64::from(residual.ivar[pixel]) + (CERTAINTY * smooth[pixel]).powi(2))
                } else {
                    0.0
                }
            })
            .collect();
        Some(Self {
            rest: (0..pixels).map(|pixel| residual.rest(pixel)).collect(),
            line_light: (0..pixels).map(|pixel| model(pixel) - smooth[pixel]).collect(),
            smooth,
            weight,
            valid,
            residual,
        })
    }

    pub fn len(&self) -> usize {
        self.rest.len()
    }

    pub fn is_valid(&self, pixel: usize) -> bool {
        self.weight[pixel] > 0.0
    }

    /// Observed wavelength of a pixel, Angstrom.
    pub fn observed(&self, pixel: usize) -> f64 {
        self.residual.observed[pixel]
    }

    pub fn is_artifact_prone(&self, pixel: usize) -> bool {
        self.residual.artifact[pixel]
    }

    pub fn flux(&self, pixel: usize) -> f64 {
        f64::from(self.residual.flux[pixel])
    }

    pub fn sigma(&self, pixel: usize) -> f64 {
        1.0 / f64::from(self.residual.ivar[pixel]).sqrt()
    }

    /// A random valid pixel at least `margin` valid pixels from both ends.
    pub fn place(&self, margin: usize, draw: &mut Draw) -> Option<usize> {
        let inner = self
            .valid
            .len()
            .checked_sub(2 * margin)
            .filter(|inner| *inner > 0)?;
        Some(self.valid[margin + draw.index(inner)])
    }

    /// The pixel of a rest wavelength, if it is on the grid.
    pub fn at(&self, rest: f64) -> Option<usize> {
        let pixel = self.rest.partition_point(|wavelength| *wavelength < rest);
        (pixel > 0 && pixel < self.len()).then_some(pixel)
    }

    /// ln of the ratio of neighboring wavelengths, where it is the same all over the grid: then another redshift is a shift by whole pixels.
    pub fn log_step(&self) -> Option<f64> {
        let last = self.len() - 1;
        let first = (self.rest[1] / self.rest[0]).ln();
        let end = (self.rest[last] / self.rest[last - 1]).ln();
        (first > 0.0 && (first / end - 1.0).abs() < 1e-3).then_some(first)
    }

    /// A shift to another redshift, pixels, either way.
    pub fn shift(&self, draw: &mut Draw) -> Option<isize> {
        let step = self.log_step()?;
        let pixels = draw.log_uniform(FARTHEST.0, FARTHEST.1) / step;
        Some((draw.sign() * pixels) as isize)
    }

    /// sqrt(sum(d^2 / (sigma^2 + (0.05 smooth)^2))), where d is the change less what a mere scaling of the spectrum makes of it.
    pub fn visibility(&self, change: &[f64]) -> f64 {
        let sum = |a: &[f64], b: &[f64]| -> f64 {
            let weighted = self.weight.iter().zip(a.iter().zip(b));
            weighted.map(|(w, (a, b))| w * a * b).sum()
        };
        let scaling = sum(&self.smooth, &self.smooth);
        let explained = if scaling > 0.0 {
            sum(change, &self.smooth).powi(2) / scaling
        } else {
            0.0
        };
        (sum(change, change) - explained).max(0.0).sqrt()
    }

    fn with(&self, kind: Injection, flux: impl Fn(usize) -> f64) -> Injected {
        let changed = (0..self.len()).map(|pixel| {
            if self.is_valid(pixel) {
                flux(pixel) as f32
            } else {
                self.residual.flux[pixel]
            }
        });
        Injected {
            kind,
            flux: changed.collect(),
            ivar: self.residual.ivar.to_vec(),
            moved: 0,
        }
    }

    /// flux + a d, as visible as asked for.
    pub fn add(&self, kind: Injection, change: &[f64], visibility: f64) -> Option<Injected> {
        let full = self.visibility(change);
        (full > 0.0).then(|| {
            let amplitude = visibility / full;
            self.with(kind, |pixel| self.flux(pixel) + amplitude * change[pixel])
        })
    }

    /// flux + a d, a such that it is so visible, or as visible as gas can make it, which leaves a tenth of the light.
    pub fn absorb(&self, kind: Injection, change: &[f64], visibility: f64) -> Option<Injected> {
        const DEEPEST: f64 = 0.9;
        let depth = |&pixel: &usize| -change[pixel] / self.smooth[pixel].max(f64::MIN_POSITIVE);
        let deepest = self.valid.iter().map(depth).fold(0.0, f64::max);
        let full = self.visibility(change);
        let amplitude = (visibility / full).min(DEEPEST / deepest);
        (amplitude * full >= kind.least())
            .then(|| self.with(kind, |pixel| self.flux(pixel) + amplitude * change[pixel]))
    }

    /// flux + d, where that is visible.
    pub fn add_once(&self, kind: Injection, change: &[f64]) -> Option<Injected> {
        (self.visibility(change) >= kind.least())
            .then(|| self.with(kind, |pixel| self.flux(pixel) + change[pixel]))
    }

    /// (1 - a) flux + a light, with the noise that is missing then.
    pub fn mix(&self, kind: Injection, light: &[f64], visibility: f64, draw: &mut Draw) -> Option<Injected> {
        let (mut level, mut own) = (0.0, 0.0);
        for &pixel in &self.valid {
            level += self.weight[pixel] * self.smooth[pixel];
            own += self.weight[pixel] * light[pixel];
        }
        let scale = level / own;
        if !(scale.is_finite() && scale > 0.0) {
            return None;
        }
        let model = |pixel: usize| self.smooth[pixel] + self.line_light[pixel];
        let change: Vec<f64> = (0..self.len())
            .map(|pixel| scale * light[pixel] - model(pixel))
            .collect();
        let full = self.visibility(&change);
        let share = (visibility / full).min(1.0);
        if share * full < kind.least() {
            return None;
        }
        let missing = (1.0 - (1.0 - share) * (1.0 - share)).sqrt();
        let noise: Vec<f64> = (0..self.len()).map(|_| draw.normal()).collect();
        Some(self.with(kind, |pixel| {
            (1.0 - share) * self.flux(pixel)
                + share * scale * light[pixel]
                + missing * noise[pixel] * self.sigma(pixel)
        }))
    }

    /// flux (1 + a d), and the error with it.
    pub fn calibrate(&self, kind: Injection, factor: &[f64], visibility: f64) -> Option<Injected> {
        let change: Vec<f64> = factor.iter().zip(&self.smooth).map(|(d, f)| d * f).collect();
        let full = self.visibility(&change);
        let deepest = factor.iter().copied().fold(0.0, |least: f64, d| least.min(d));
        let most = if deepest < 0.0 { -0.85 / deepest } else { 4.0 };
        let amplitude = (visibility / full).min(most);
        let visible = amplitude * full;
        if visible.is_nan() || visible < kind.least() {
            return None;
        }
        let mut injected = self.with(kind, |pixel| self.flux(pixel) * (1.0 + amplitude * factor[pixel]));
        for (ivar, d) in injected.ivar.iter_mut().zip(factor) {
            let factor = 1.0 + amplitude * d;
            *ivar = (f64::from(*ivar) / (factor * factor)) as f32;
        }
        Some(injected)
    }

    /// The spectrum at another redshift; what leaves the grid is lost.
    pub fn moved(&self, draw: &mut Draw) -> Option<Injected> {
        let moved = self.shift(draw)?;
        let taken = |values: &[f32]| -> Vec<f32> {
            (0..self.len() as isize)
                .map(|pixel| {
                    let from = usize::try_from(pixel - moved).ok();
                    from.and_then(|from| values.get(from)).copied().unwrap_or(0.0)
                })
                .collect()
        };
        let ivar = taken(self.residual.ivar);
        (ivar.iter().filter(|ivar| **ivar > 0.0).count() >= LEAST_PIXELS).then(|| Injected {
            kind: Injection::WrongRedshift,
            flux: taken(self.residual.flux),
            ivar,
            moved,
        })
    }
}
