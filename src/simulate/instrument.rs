//! DESI seen from outside: resolution, photon and read noise, arms that overlap, masks.

use std::sync::LazyLock;

use super::random::Draw;
use super::sky::{self, BLUE, INFRARED, RED, SKY_CONTINUUM, interpolate, telluric};

/// The grid of the combined arms.
pub(super) const START: f64 = 3600.0;
pub(super) const PIXEL: f64 = 0.8;
pub(super) const LEN: usize = 7781;
/// First and last (exclusive) pixel of the arms b, r, z.
pub(super) const ARMS: [(usize, usize); 3] = [(0, 2751), (2700, 5026), (4900, LEN)];

/// `specmask` bits that the simulation sets.
pub(super) const COSMIC: u32 = 1 << 2;
pub(super) const BADCOLUMN: u32 = 1 << 10;

pub(super) fn wavelength(pixel: usize) -> f64 {
    START + PIXEL * pixel as f64
}

/// Sigma of the line spread function, Angstrom, as in the resolution matrices of public DESI coadds.
pub(super) fn lsf(observed: f64) -> f64 {
    if observed < 5780.0 {
        0.68
    } else if observed < 7570.0 {
        0.64
    } else {
        0.73
    }
}

/// What does not change from exposure to exposure. Shapes: `[LEN]`, the responses by arm.
struct Instrument {
    /// Continuum of the dark sky in a fiber, 1e-17 erg/s/cm2/Angstrom.
    continuum: Vec<f64>,
    /// Detected electrons a second and pixel for a flux of 1, by arm; 0 outside it.
    response: [Vec<f64>; 3],
    /// Depth of telluric absorption.
    telluric: Vec<f64>,
}

static INSTRUMENT: LazyLock<Instrument> = LazyLock::new(|| {
    let grid: Vec<f64> = (0..LEN).map(wavelength).collect();
    // A fiber of 107 um covers about 1.78 square arcseconds.
    let continuum = grid
        .iter()
        .map(|w| {
            let magnitude = interpolate(&SKY_CONTINUUM, *w);
            1.78 * 10f64.powf(-0.4 * (magnitude + 48.6)) * 2.998e18 / (w * w) * 1e17
        })
        .collect();
    // Photons of 1e-17 erg on 8.66 square meters in a pixel of 0.8 Angstrom.
    let photons = |w: f64| 8.66e4 * PIXEL * 1e-17 * w / (6.626e-27 * 2.998e10 * 1e8);
    let tables: [&[(f64, f64)]; 3] = [&BLUE, &RED, &INFRARED];
    let response = std::array::from_fn(|arm| {
        let (low, high) = ARMS[arm];
        (0..LEN)
            .map(|i| {
                if (low..high).contains(&i) {
                    photons(grid[i]) * interpolate(tables[arm], grid[i])
                } else {
                    0.0
                }
            })
            .collect()
    });
    Instrument {
        continuum,
        response,
        telluric: grid.iter().map(|w| telluric(*w)).collect(),
    }
});

/// How one spectrum was taken.
#[derive(Debug, Clone)]
pub(super) struct Observation {
    /// Seconds, summed over exposures.
    pub exptime: f64,
    pub exposures: u32,
    /// Moonlight over the dark sky's continuum at 4500 Angstrom.
    moon: f64,
    /// Brightness of the sky lines relative to the list, by [`line_group`].
    line_gain: [f64; 4],
    /// Share of the sky lines that subtraction leaves, by line group.
    line_residual: [f64; 4],
    /// Relative transmission of the night.
    transparency: f64,
    /// Dip of the collimator's coating: center (Angstrom), depth; 0 in most spectrographs.
    dip: (f64, f64),
    /// Barycentric shift of the sky in this spectrum, relative.
    shift: f64,
    /// Flux calibration: exponent of the color tilt, level of two slow ripples with their phases, telluric error.
    tilt: f64,
    ripples: [(f64, f64, f64); 3],
    telluric_error: f64,
    /// Relative error of the pipeline's variance, by arm.
    variance_error: [f64; 3],
}

/// Groups of sky lines that vary together: atomic lines, then OH and O2 by wavelength.
fn line_group(wavelength: f64) -> usize {
    match wavelength {
        w if w < 6400.0 => 0,
        w if w < 7700.0 => 1,
        w if w < 8720.0 => 2,
        _ => 3,
    }
}

impl Observation {
    /// Draws the conditions of DESI's bright program: nominally 180 s, more under moon and cloud, one to three exposures.
    pub(super) fn draw(draw: &mut Draw) -> Self {
        let moon = if draw.chance(0.6) {
            draw.log_uniform(0.1, 4.0)
        } else {
            0.0
        };
        let exposures = match draw.unit() {
            u if u < 0.72 => 1,
            u if u < 0.94 => 2,
            _ => 3,
        };
        let one = 190.0 * (1.0 + 0.35 * moon) * draw.scatter(0.12);
        let amplitude = |draw: &mut Draw, level: f64| level * draw.gauss();
        Self {
            exptime: one * f64::from(exposures),
            exposures,
            moon,
            line_gain: std::array::from_fn(|_| draw.scatter(0.13)),
            line_residual: std::array::from_fn(|_| amplitude(draw, 0.01)),
            transparency: draw.uniform(0.75, 1.05),
            dip: if draw.chance(0.3) {
                (draw.uniform(4310.0, 4385.0), draw.uniform(0.3, 0.75))
            } else {
                (4340.0, 0.0)
            },
            shift: draw.uniform(-8e-5, 8e-5),
            tilt: draw.normal(0.0, 0.06),
            ripples: std::array::from_fn(|i| {
                let period = [2900.0, 900.0, 350.0][i];
                (
                    draw.normal(0.0, 0.008),
                    period,
                    draw.uniform(0.0, std::f64::consts::TAU),
                )
            }),
            telluric_error: draw.normal(0.0, 0.015),
            variance_error: std::array::from_fn(|_| draw.normal(0.0, 0.02)),
        }
    }

    /// Multiplies the flux by the errors of the flux calibration: fiber losses that depend on color, slow ripples, tellurics.
    pub(super) fn calibrate(&self, flux: &mut [f64]) {
        let instrument = &*INSTRUMENT;
        for (i, flux) in flux.iter_mut().enumerate() {
            let w = wavelength(i);
            let mut factor = (self.tilt * (w / 6200.0).ln()).exp();
            for (level, period, phase) in self.ripples {
                factor *= 1.0 + level * fast_sine(w / period * std::f64::consts::TAU + phase);
            }
            *flux *= factor * (1.0 + self.telluric_error * instrument.telluric[i]);
        }
    }

    /// Flux of the night-sky lines in a fiber by pixel.
    pub(super) fn sky_lines(&self) -> Vec<f64> {
        let mut flux = vec![0.0; LEN];
        for (center, peak) in sky::LINES {
            let center = center * (1.0 + self.shift);
            let sigma = lsf(center);
            let peak = peak * self.line_gain[line_group(center)];
            let low = ((center - 5.0 * sigma - START) / PIXEL).max(0.0) as usize;
            let high = (((center + 5.0 * sigma - START) / PIXEL) as usize + 1).min(LEN);
            for (i, flux) in flux.iter_mut().enumerate().take(high).skip(low) {
                let x = (wavelength(i) - center) / sigma;
                *flux += peak * (-0.5 * x * x).exp();
            }
        }
        flux
    }

    /// What imperfect sky subtraction leaves of these lines by pixel.
    pub(super) fn sky_residual(&self, sky_lines: &[f64]) -> Vec<f64> {
        sky_lines
            .iter()
            .enumerate()
            .map(|(i, line)| {
                if *line == 0.0 {
                    0.0
                } else {
                    line * self.line_residual[line_group(wavelength(i))]
                }
            })
            .collect()
    }

    /// Variance of the flux by pixel: the true one, and the pipeline's estimate of it.
    ///
    /// The arms are combined with inverse-variance weights where they overlap. The pipeline adds a variance for the sky model's error
    /// of 1 % of the lines, as `desispec` does.
    pub(super) fn variance(&self, source: &[f64], sky_lines: &[f64]) -> (Vec<f64>, Vec<f64>) {
        // Electrons^2 a pixel and exposure: 3 electrons in about 4.5 rows.
        const READ_NOISE: f64 = 40.0;
        let instrument = &*INSTRUMENT;
        let gain = self.exptime * self.transparency;
        let read = READ_NOISE * f64::from(self.exposures);
        let smooth = running_mean(source, 12);
        let mut actual = vec![0.0; LEN];
        let mut claimed = vec![0.0; LEN];
        for i in 0..LEN {
            let w = wavelength(i);
            let sky = instrument.continuum[i] * (1.0 + self.moon * (4500.0 / w).powi(3)) + sky_lines[i];
            let (mut weight, mut weight_claimed) = (0.0, 0.0);
            for (arm, response) in instrument.response.iter().enumerate() {
                if response[i] <= 0.0 {
                    continue;
                }
                let mut k = response[i] * gain;
                if arm == 0 && self.dip.1 > 0.0 {
                    let x = (w - self.dip.0) / 16.0;
                    k *= 1.0 - self.dip.1 * (-0.5 * x * x).exp();
                }
                let electrons = (sky + smooth[i].max(0.0)) * k + read;
                let ivar = k * k / electrons;
                weight += ivar;
                weight_claimed += ivar * (1.0 + self.variance_error[arm]);
            }
            actual[i] = 1.0 / weight;
            claimed[i] = 1.0 / weight_claimed + (0.01 * sky_lines[i]).powi(2);
        }
        (actual, claimed)
    }
}

/// Share of the light at a pixel of the overlap that comes from the redder arm's weight; 0 or 1 outside the overlaps.
///
/// `arm` is 0 (b), 1 (r) or 2 (z): the weight of this arm in the combined flux.
pub(super) fn arm_weight(arm: usize, pixel: usize) -> f64 {
    let instrument = &*INSTRUMENT;
    let square = |a: usize| instrument.response[a][pixel].powi(2);
    let sum: f64 = (0..3).map(square).sum();
    square(arm) / sum
}

/// Mean over `2 half + 1` pixels, fewer at the ends.
pub(super) fn running_mean(values: &[f64], half: usize) -> Vec<f64> {
    let mut sums = Vec::with_capacity(values.len() + 1);
    let mut sum = 0.0;
    sums.push(sum);
    for value in values {
        sum += value;
        sums.push(sum);
    }
    (0..values.len())
        .map(|i| {
            let (low, high) = (i.saturating_sub(half), (i + half + 1).min(values.len()));
            (sums[high] - sums[low]) / (high - low) as f64
        })
        .collect()
}

/// Sine to 1e-3: the ripples need no more.
fn fast_sine(x: f64) -> f64 {
    let t = x / std::f64::consts::TAU;
    let t = t - t.floor() - 0.5;
    let y = 8.0 * t * (2.0 * t.abs() - 1.0);
    y * (0.775 + 0.225 * y.abs())
}

/// Pixels to mask and the spikes that sit in them: cosmic-ray hits in about 0.3 % of the pixels, and now and then a bad column.
pub(super) fn masks(draw: &mut Draw, mask: &mut [u32]) {
    let hits = (0.003 * LEN as f64 / 2.5 * draw.log_uniform(0.3, 2.5)) as usize;
    for _ in 0..hits {
        let start = draw.index(LEN);
        let length = 1 + draw.index(4);
        for bits in mask.iter_mut().skip(start).take(length) {
            *bits |= COSMIC;
        }
    }
    let columns = if draw.chance(0.35) { 1 + draw.index(2) } else { 0 };
    for _ in 0..columns {
        let start = draw.index(LEN);
        let length = 3 + draw.index(6);
        for bits in mask.iter_mut().skip(start).take(length) {
            *bits |= BADCOLUMN;
        }
    }
}
