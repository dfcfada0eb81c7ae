//! Flux, equivalent width and signal-to-noise ratio of a line between two wavelengths, as one measures them by hand.

use super::order::upper_median;

/// A value and its standard deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    pub value: f64,
    pub error: f64,
}

/// What was measured between two wavelengths.
///
/// Units: Angstrom, and flux of the spectrum's unit (1e-17 erg s⁻¹ cm⁻²) in the frame of the wavelengths given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    pub from: f64,
    pub to: f64,
    /// Flux above the continuum (negative for absorption).
    pub flux: Value,
    /// Equivalent width, **positive for absorption**; `None` where the continuum is not above zero by three sigma.
    pub equivalent_width: Option<Value>,
    /// Median of flux over its standard deviation over the pixels of the interval, continuum included.
    pub sn: f64,
    /// Flux-weighted mean wavelength and full width at half maximum from the second moment, for lines of at least
    /// three sigma; the moments of a Gaussian cut off at its feet are somewhat too small.
    pub center: Option<Value>,
    pub fwhm: Option<f64>,
    /// The straight continuum: its value at `from` and at `to`.
    pub continuum: (f64, f64),
    /// Share of the interval that valid pixels cover; what they leave counts as continuum.
    pub coverage: f64,
}

/// Why there is nothing to measure.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum MeasureError {
    #[error("the interval is empty: mark two different wavelengths")]
    Empty,
    #[error("only {valid} valid pixels between the edges, {needed} are needed: mark a wider interval")]
    FewPixels { valid: usize, needed: usize },
    #[error(
        "only {valid} valid pixels {side} of the interval for the continuum, {needed} are needed: mark a wider interval, or one \
         away from gaps and ends"
    )]
    NoContinuum {
        side: &'static str,
        valid: usize,
        needed: usize,
    },
}

/// Valid pixels that the interval needs, and each side band.
const NEEDED: usize = 3;

/// A line is only described by its moments from this significance on.
const SIGNIFICANT: f64 = 3.0;

/// FWHM of a Gaussian over its sigma.
const FWHM: f64 = 2.354_820_045;

/// The pixels of a spectrum: wavelengths ascending; a pixel that is not valid, or whose flux or sigma is not finite (sigma not
/// positive), is left out. Shapes: all of one length; the shortest counts.
#[derive(Debug, Clone, Copy)]
pub struct Pixels<'a> {
    pub wavelength: &'a [f64],
    pub flux: &'a [f32],
    pub sigma: &'a [f32],
    pub valid: &'a [bool],
}

/// A valid pixel and how much of it lies in the interval.
struct Sample {
    x: f64,
    flux: f64,
    variance: f64,
    /// Angstrom.
    overlap: f64,
}

impl Pixels<'_> {
    /// Measures what lies between `a` and `b` (Angstrom, either order) above or below the continuum.
    ///
    /// The continuum is the straight line through the valid pixels of two side bands, each half as wide as the interval, weighted
    /// by inverse variance. With o_i the overlap of pixel i with the interval in Angstrom:
    /// F = Σ o_i (f_i - c_i) and W = Σ o_i (1 - f_i / c_i). The errors of pixels and of the two parameters of the continuum are
    /// propagated to first order; Vollmann & Eversberg 2006 (AN 327, 862) give the same in closed form for a constant S/N.
    pub fn measure(&self, a: f64, b: f64) -> Result<Measurement, MeasureError> {
        let (from, to) = (a.min(b), a.max(b));
        if !(to > from && (to - from).is_finite()) {
            return Err(MeasureError::Empty);
        }
        let inside = self.samples(from, to);
        if inside.len() < NEEDED {
            return Err(MeasureError::FewPixels {
                valid: inside.len(),
                needed: NEEDED,
            });
        }
        let continuum = self.continuum(from, to)?;
        let level = |x: f64| continuum.at(x);

        let mut flux = 0.0;
        let mut variance = 0.0;
        let mut lever = (0.0, 0.0);
        for s in &inside {
            flux += s.overlap * (s.flux - level(s.x));
            variance += s.overlap * s.overlap * s.variance;
            lever.0 += s.overlap;
            lever.1 += s.overlap * (s.x - continuum.pivot);
        }
        let flux = Value {
            value: flux,
            error: (variance + continuum.variance_of(lever)).sqrt(),
        };
        let center = moments(&inside, &continuum, flux);
        Ok(Measurement {
            from,
            to,
            flux,
            equivalent_width: equivalent_width(&inside, &continuum, from, to),
            sn: upper_median(inside.iter().map(|s| s.flux / s.variance.sqrt()))
                .expect("there is a pixel inside"),
            center: center.map(|(center, _)| center),
            fwhm: center.and_then(|(_, variance)| (variance > 0.0).then(|| FWHM * variance.sqrt())),
            continuum: (level(from), level(to)),
            coverage: lever.0 / (to - from),
        })
    }

    fn len(&self) -> usize {
        let slices = [self.flux.len(), self.sigma.len(), self.valid.len()];
        slices.into_iter().fold(self.wavelength.len(), usize::min)
    }

    /// The valid pixels of which some part lies between two wavelengths.
    fn samples(&self, from: f64, to: f64) -> Vec<Sample> {
        let n = self.len();
        let edge = |i: usize| (self.wavelength[i] + self.wavelength[i + 1]) / 2.0;
        let mut samples = Vec::new();
        for i in 0..n {
            let x = self.wavelength[i];
            let left = i.checked_sub(1).map(edge);
            let right = (i + 1 < n).then(|| edge(i));
            // the outermost pixels are as wide as their inner halves say
            let low = left.or(right.map(|r| 2.0 * x - r)).unwrap_or(x - 0.5);
            let high = right.or(left.map(|l| 2.0 * x - l)).unwrap_or(x + 0.5);
            let overlap = high.min(to) - low.max(from);
            let (flux, sigma) = (f64::from(self.flux[i]), f64::from(self.sigma[i]));
            let measured = self.valid[i] && flux.is_finite() && sigma.is_finite() && sigma > 0.0;
            if measured && overlap > 0.0 {
                samples.push(Sample {
                    x,
                    flux,
                    variance: sigma * sigma,
                    overlap,
                });
            }
        }
        samples
    }

    /// The line through the side bands of an interval; pixels that reach into the interval are left out.
    fn continuum(&self, from: f64, to: f64) -> Result<Continuum, MeasureError> {
        let width = (to - from) / 2.0;
        let band = |low: f64, high: f64, side| {
            let mut samples = self.samples(low, high);
            samples.retain(|s| (low..=high).contains(&s.x));
            match samples.len() {
                valid if valid < NEEDED => Err(MeasureError::NoContinuum {
                    side,
                    valid,
                    needed: NEEDED,
                }),
                _ => Ok(samples),
            }
        };
        let mut samples = band(from - width, from, "blueward")?;
        samples.extend(band(to, to + width, "redward")?);
        Ok(Continuum::fit(&samples))
    }
}

/// A straight line about a pivot, with the covariance of its two parameters.
struct Continuum {
    pivot: f64,
    level: f64,
    slope: f64,
    variance: [f64; 2],
}

impl Continuum {
    /// Weighted least squares; about the weighted mean wavelength, level and slope are uncorrelated.
    fn fit(samples: &[Sample]) -> Self {
        let weight: f64 = samples.iter().map(|s| 1.0 / s.variance).sum();
        let mean =
            |of: &dyn Fn(&Sample) -> f64| samples.iter().map(|s| of(s) / s.variance).sum::<f64>() / weight;
        let pivot = mean(&|s| s.x);
        let level = mean(&|s| s.flux);
        let spread = mean(&|s| (s.x - pivot).powi(2));
        Self {
            pivot,
            level,
            slope: mean(&|s| (s.x - pivot) * s.flux) / spread,
            variance: [1.0 / weight, 1.0 / (weight * spread)],
        }
    }

    fn at(&self, x: f64) -> f64 {
        self.level + self.slope * (x - self.pivot)
    }

    /// The variance of a quantity with these derivatives by level and slope.
    fn variance_of(&self, lever: (f64, f64)) -> f64 {
        lever.0 * lever.0 * self.variance[0] + lever.1 * lever.1 * self.variance[1]
    }
}

fn equivalent_width(inside: &[Sample], continuum: &Continuum, from: f64, to: f64) -> Option<Value> {
    let error = |x: f64| continuum.variance_of((1.0, x - continuum.pivot)).sqrt();
    let sure = |x: f64| continuum.at(x) > SIGNIFICANT * error(x);
    if !(sure(from) && sure(to)) {
        return None;
    }
    let (mut width, mut variance, mut lever) = (0.0, 0.0, (0.0, 0.0));
    for s in inside {
        // a pixel that only reaches into the interval may have its center beyond it
        let c = continuum.at(s.x.clamp(from, to));
        width += s.overlap * (1.0 - s.flux / c);
        variance += (s.overlap / c).powi(2) * s.variance;
        let by_continuum = s.overlap * s.flux / (c * c);
        lever.0 += by_continuum;
        lever.1 += by_continuum * (s.x - continuum.pivot);
    }
    Some(Value {
        value: width,
        error: (variance + continuum.variance_of(lever)).sqrt(),
    })
}

/// Center of the line and the variance of its profile, Angstrom and Angstrom².
fn moments(inside: &[Sample], continuum: &Continuum, flux: Value) -> Option<(Value, f64)> {
    if flux.value.abs() < SIGNIFICANT * flux.error || flux.value == 0.0 {
        return None;
    }
    let mean = |of: &dyn Fn(f64) -> f64| {
        let sum = |s: &Sample| s.overlap * (s.flux - continuum.at(s.x)) * of(s.x);
        inside.iter().map(sum).sum::<f64>() / flux.value
    };
    let pivot = inside[inside.len() / 2].x;
    let center = pivot + mean(&|x| x - pivot);
    let error = inside
        .iter()
        .map(|s| (s.overlap * (s.x - center)).powi(2) * s.variance)
        .sum::<f64>()
        .sqrt()
        / flux.value.abs();
    let within = inside[0].x <= center && center <= inside[inside.len() - 1].x;
    within.then(|| (Value { value: center, error }, mean(&|x| (x - center).powi(2))))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;

    /// A Gaussian line of this flux and sigma at 5000 Angstrom on a sloping continuum, on DESI's pixels.
    struct Line {
        wavelength: Vec<f64>,
        flux: Vec<f32>,
        sigma: Vec<f32>,
        valid: Vec<bool>,
    }

    const WIDTH: f64 = 3.0;

    impl Line {
        fn of(flux: f64, level: f64, slope: f64) -> Self {
            let wavelength: Vec<f64> = (0..500).map(|i| 4800.3 + 0.8 * f64::from(i)).collect();
            let peak = flux / (WIDTH * std::f64::consts::TAU.sqrt());
            let value =
                |x: &f64| level + slope * (x - 5000.0) + peak * (-0.5 * ((x - 5000.0) / WIDTH).powi(2)).exp();
            Self {
                flux: wavelength.iter().map(|x| value(x) as f32).collect(),
                sigma: vec![0.5; 500],
                valid: vec![true; 500],
                wavelength,
            }
        }

        fn measure(&self, a: f64, b: f64) -> Result<Measurement, MeasureError> {
            Pixels {
                wavelength: &self.wavelength,
                flux: &self.flux,
                sigma: &self.sigma,
                valid: &self.valid,
            }
            .measure(a, b)
        }
    }

    fn near(value: f64, expected: f64, tolerance: f64) {
        assert!((value - expected).abs() < tolerance, "{value}, not {expected}");
    }

    #[test]
    fn a_line_of_known_flux_and_equivalent_width() {
        let emission = Line::of(60.0, 10.0, 0.01).measure(4985.0, 5015.0).unwrap();
        near(emission.flux.value, 60.0, 0.01);
        near(emission.equivalent_width.unwrap().value, -6.0, 0.01);
        near(emission.center.unwrap().value, 5000.0, 0.01);
        near(emission.fwhm.unwrap(), FWHM * WIDTH, 0.02);
        near(emission.continuum.0, 9.85, 1e-3);
        near(emission.continuum.1, 10.15, 1e-3);
        near(emission.coverage, 1.0, 1e-9);
        near(emission.sn, 20.5, 0.7);

        let absorption = Line::of(-45.0, 20.0, 0.0).measure(5015.0, 4985.0).unwrap();
        near(absorption.flux.value, -45.0, 0.01);
        near(absorption.equivalent_width.unwrap().value, 2.25, 0.001);
        near(absorption.fwhm.unwrap(), FWHM * WIDTH, 0.02);
    }

    /// The errors are the scatter of a thousand noisy spectra.
    #[test]
    fn errors_are_the_scatter_of_many() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let clean = Line::of(30.0, 5.0, 0.005);
        let (mut fluxes, mut widths, mut centers) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..1000 {
            let mut noisy = Line::of(30.0, 5.0, 0.005);
            for value in &mut noisy.flux {
                let deviate: f64 = StandardNormal.sample(&mut random);
                *value += 0.5 * deviate as f32;
            }
            let measured = noisy.measure(4988.0, 5012.0).unwrap();
            fluxes.push(measured.flux.value);
            widths.push(measured.equivalent_width.unwrap().value);
            centers.push(measured.center.unwrap().value);
        }
        let scatter = |values: &[f64]| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
        };
        let said = clean.measure(4988.0, 5012.0).unwrap();
        near(scatter(&fluxes) / said.flux.error, 1.0, 0.08);
        near(scatter(&widths) / said.equivalent_width.unwrap().error, 1.0, 0.08);
        near(scatter(&centers) / said.center.unwrap().error, 1.0, 0.15);
    }

    #[test]
    fn masked_and_broken_pixels_are_left_out() {
        let mut line = Line::of(0.0, 10.0, 0.0);
        for (i, wrong) in [f32::NAN, f32::INFINITY, 1e30, 50.0].into_iter().enumerate() {
            line.flux[250 + i] = wrong;
        }
        line.valid[252] = false;
        line.sigma[253] = f32::NAN;
        let measured = line.measure(4985.0, 5015.0).unwrap();
        near(measured.flux.value, 0.0, 1e-4);
        near(measured.coverage, 1.0 - 4.0 * 0.8 / 30.0, 1e-9);
        assert!(measured.center.is_none() && measured.fwhm.is_none());
    }

    #[test]
    fn what_cannot_be_measured_says_why() {
        let line = Line::of(30.0, 10.0, 0.0);
        assert_eq!(line.measure(5000.0, 5000.0), Err(MeasureError::Empty));
        assert_eq!(line.measure(f64::NAN, 5000.0), Err(MeasureError::Empty));
        assert!(matches!(
            line.measure(5000.0, 5001.0),
            Err(MeasureError::FewPixels { .. })
        ));
        let side = |result: Result<Measurement, MeasureError>| match result {
            Err(MeasureError::NoContinuum { side, .. }) => side,
            other => panic!("{other:?}"),
        };
        assert_eq!(side(line.measure(4800.0, 4900.0)), "blueward");
        assert_eq!(side(line.measure(5100.0, 5199.0)), "redward");
        let mut dark = Line::of(30.0, 0.1, 0.0);
        assert_eq!(dark.measure(4985.0, 5015.0).unwrap().equivalent_width, None);
        dark.valid = vec![false; 500];
        assert!(dark.measure(4985.0, 5015.0).is_err());
        dark.wavelength.clear();
        assert!(dark.measure(4985.0, 5015.0).is_err());
    }
}
