//! Spectra of stellar populations: blackbodies with the absorption of [`super::features`], on a rest-frame logarithmic grid.

use std::sync::LazyLock;

use super::blanketing::{FINE, FINE_START, FINE_STEP};
use super::features::{
    AGES, ATOMIC, BANDS, BLANKETING, Degrade, HELIUM, RED_EXCESS, SPECIES, STARS, Species, StarType, vacuum,
};
use super::instrument::running_mean;
use super::random::{Draw, Purpose};
use super::sky::interpolate;
use crate::spectrum::SPEED_OF_LIGHT;

/// The rest-frame grid: `10^(START + STEP i)` Angstrom vacuum, 2200 to 10300, 41.4 km/s a pixel.
pub(super) const START: f64 = 3.342_422_68;
pub(super) const STEP: f64 = 6e-5;
pub(super) const LEN: usize = 11_180;
/// Kilometers a second in one pixel of the grid.
pub(super) const KM_S_PER_PIXEL: f64 = STEP * std::f64::consts::LN_10 * SPEED_OF_LIGHT;
/// Width in which the templates' narrow lines are drawn, km/s: what is left to convolve is less by it.
pub(super) const TEMPLATE_SIGMA: f64 = 45.0;

/// What every simulated galaxy is mixed from.
pub(super) struct Templates {
    /// Wavelengths of the grid, Angstrom vacuum.
    pub wavelength: Vec<f64>,
    /// By age, in the order of `AGES`: flux over its mean at 5450-5550 Angstrom.
    pub ages: Vec<Vec<f32>>,
    /// By species: optical depth at unit (solar) strength.
    pub depths: Vec<Vec<f32>>,
    /// By star type, for stars taken for galaxies.
    pub stars: Vec<Vec<f32>>,
}

static TEMPLATES: LazyLock<Templates> = LazyLock::new(build);

pub(super) fn templates() -> &'static Templates {
    &TEMPLATES
}

/// Light-weighted strength of every species at 5500 Angstrom in a population of one age.
pub(super) fn strengths(age: usize) -> [f64; 7] {
    let mut sum = [0.0; 7];
    for (share, star) in AGES[age].2.iter().zip(&STARS) {
        for (total, strength) in sum.iter_mut().zip(star.metals) {
            *total += share * strength;
        }
    }
    sum
}

/// Pixel of the grid at `rest` Angstrom, fractional.
pub(super) fn pixel(rest: f64) -> f64 {
    (rest.log10() - START) / STEP
}

fn build() -> Templates {
    let wavelength: Vec<f64> = (0..LEN).map(|i| 10f64.powf(START + STEP * i as f64)).collect();
    let depths: Vec<Vec<f32>> = SPECIES.iter().map(|s| depth(*s, &wavelength)).collect();
    let stars: Vec<Vec<f32>> = STARS
        .iter()
        .map(|star| spectrum(star, &wavelength, &depths))
        .collect();
    let ages = AGES
        .iter()
        .map(|(_, _, shares)| {
            (0..LEN)
                .map(|i| shares.iter().zip(&stars).map(|(w, s)| *w as f32 * s[i]).sum())
                .collect()
        })
        .collect();
    Templates {
        wavelength,
        ages,
        depths,
        stars,
    }
}

/// One star: Planck's law times what absorption leaves, over its mean at 5450-5550 Angstrom.
fn spectrum(star: &StarType, wavelength: &[f64], depths: &[Vec<f32>]) -> Vec<f32> {
    let mut flux: Vec<f64> = (0..wavelength.len())
        .map(|i| {
            let lambda = wavelength[i];
            let metals: f64 = depths
                .iter()
                .zip(star.metals)
                .map(|(depth, strength)| depth[i] as f64 * strength)
                .sum();
            let red = if star.temperature < 6000.0 {
                interpolate(&RED_EXCESS, lambda)
            } else {
                0.0
            };
            planck(lambda, star.temperature)
                * (red - metals - hydrogen(star, lambda) - star.helium * helium(lambda)).exp()
        })
        .collect();
    let (low, high) = (pixel(5450.0) as usize, pixel(5550.0) as usize);
    let mean = flux[low..high].iter().sum::<f64>() / (high - low) as f64;
    flux.iter_mut().for_each(|f| *f /= mean);
    flux.into_iter().map(|f| f as f32).collect()
}

/// Planck's law B_lambda, in arbitrary units; Angstrom and K.
pub(super) fn planck(lambda: f64, temperature: f64) -> f64 {
    1e18 * lambda.powi(-5) / (1.438_777e8 / (lambda * temperature)).exp_m1()
}

/// Optical depth of the Balmer and Paschen lines and of the Balmer continuum.
///
/// The lines up to n = 24 have Lorentz (Stark) profiles and run into the continuum, which begins smoothly near 3680 Angstrom.
fn hydrogen(star: &StarType, lambda: f64) -> f64 {
    const RYDBERG: f64 = 911.7535;
    let mut tau = 0.0;
    for n in 3..=24 {
        let center = RYDBERG / (0.25 - 1.0 / f64::from(n * n));
        let (depth, width) = match n {
            3 => (0.75, 0.8),
            4 => (1.0, 1.0),
            5..=8 => (1.05, 1.0),
            _ => (
                1.05 * (8.0 / f64::from(n)).powf(1.6),
                (8.0 / f64::from(n)).powf(0.5),
            ),
        };
        tau += star.balmer_depth * depth * lorentz((lambda - center) / (star.balmer_width * width));
    }
    for n in 8..=20 {
        let center = RYDBERG / (1.0 / 9.0 - 1.0 / f64::from(n * n));
        tau += 0.35 * star.balmer_depth * lorentz((lambda - center) / (2.0 * star.balmer_width));
    }
    let edge = 1.0 / (1.0 + ((lambda - 3685.0) / 12.0).exp());
    // The opacity of the bound-free continuum falls as lambda^3 to the blue.
    tau + star.jump * std::f64::consts::LN_10 * edge * (lambda.min(3646.0) / 3646.0).powi(2)
}

/// Lorentz profile with its far wings cut, so that they do not act as a continuum.
fn lorentz(x: f64) -> f64 {
    (-(x / 9.0).powi(2)).exp() / (1.0 + x * x)
}

fn helium(lambda: f64) -> f64 {
    HELIUM
        .iter()
        .map(|(center, width)| {
            let sigma = center * 90.0 / SPEED_OF_LIGHT;
            let x = (lambda - center) / sigma;
            width / (sigma * 2.5066) * (-0.5 * x * x).exp()
        })
        .sum()
}

/// Optical depth of a species at unit strength over the grid.
fn depth(species: Species, wavelength: &[f64]) -> Vec<f32> {
    let mut tau = vec![0f64; wavelength.len()];
    for (air, width, _) in ATOMIC.iter().filter(|line| line.2 == species) {
        add_line(&mut tau, wavelength, vacuum(*air), *width);
    }
    for (air, peak, shape, _) in BANDS.iter().filter(|band| band.3 == species) {
        let head = vacuum(*air);
        for (tau, lambda) in tau.iter_mut().zip(wavelength) {
            let x = lambda - head;
            *tau += peak
                * match *shape {
                    Degrade::Red(scale) => {
                        (-(x.max(0.0)) / scale).exp() / (1.0 + (-x / 4.0).clamp(-50.0, 50.0).exp())
                    }
                    Degrade::Blue(scale) => {
                        (1.0 + x / scale).clamp(0.0, 1.0) / (1.0 + (x / 3.0).clamp(-50.0, 50.0).exp())
                    }
                    Degrade::Both(sigma) => (-0.5 * (x / sigma).powi(2)).exp(),
                };
        }
    }
    if species == Species::Iron {
        forest(&mut tau, wavelength);
    }
    tau.into_iter().map(|t| t as f32).collect()
}

/// Adds a line of this solar equivalent width; strong ones get damping wings.
fn add_line(tau: &mut [f64], wavelength: &[f64], center: f64, width: f64) {
    let sigma = center * TEMPLATE_SIGMA / SPEED_OF_LIGHT;
    let strong = width > 1.2;
    let hwhm = if strong { sigma.max(width / 4.6) } else { sigma };
    let reach = if strong { 30.0 * hwhm } else { 5.0 * sigma };
    let low = pixel(center - reach).max(0.0) as usize;
    let high = (pixel(center + reach).max(0.0) as usize).min(tau.len());
    for i in low..high {
        let x = wavelength[i] - center;
        tau[i] += if strong {
            // Depth such that the saturated profile has about the asked equivalent width.
            1.1 * width / (std::f64::consts::PI * hwhm) * lorentz(x / hwhm) * 1.6
        } else {
            width / (sigma * 2.5066) * (-0.5 * (x / sigma).powi(2)).exp()
        };
    }
}

/// The countless faint lines: their mean depth is that of the tables; their positions within some 10 Angstrom are random, the same in
/// every galaxy, because no list of them is shipped.
fn forest(tau: &mut [f64], wavelength: &[f64]) {
    let mut draw = Draw::new(0x5eed, Purpose::Plan, 0);
    let mut raw = vec![0f64; wavelength.len()];
    let mut center = wavelength[0];
    while center < wavelength[wavelength.len() - 1] {
        center += -1.6 * (1.0 - draw.unit()).ln();
        let strength = -(1.0 - draw.unit()).ln();
        let sigma = center * TEMPLATE_SIGMA / SPEED_OF_LIGHT;
        let low = pixel(center - 5.0 * sigma).max(0.0) as usize;
        let high = (pixel(center + 5.0 * sigma).max(0.0) as usize).min(raw.len());
        for i in low..high {
            raw[i] += strength / sigma * (-0.5 * ((wavelength[i] - center) / sigma).powi(2)).exp();
        }
    }
    // Some 14 Angstrom at 5000.
    let mean = running_mean(&raw, 10);
    for (i, tau) in tau.iter_mut().enumerate() {
        let depth = blanketing(wavelength[i]);
        let smooth = depth.min(PEDESTAL);
        *tau += smooth + (depth - smooth) * (0.25 + 0.75 * raw[i] / mean[i].max(1e-9));
    }
}

/// Part of the blanketing that has no lines in it: the tables are measured from a zero below the brightest wavelengths.
const PEDESTAL: f64 = 0.09;

/// Mean optical depth of faint iron-peak lines at unit strength.
fn blanketing(lambda: f64) -> f64 {
    let position = (lambda - FINE_START) / FINE_STEP;
    if position < 0.0 || position > (FINE.len() - 1) as f64 {
        return interpolate(&BLANKETING, lambda);
    }
    let i = (position as usize).min(FINE.len() - 2);
    let share = position - i as f64;
    FINE[i] * (1.0 - share) + FINE[i + 1] * share
}
