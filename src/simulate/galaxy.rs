//! An ordinary galaxy: its stars, gas, dust, distance, and its light in the observed frame before the spectrograph.

use std::sync::LazyLock;

use super::dust::{calzetti, milky_way, transmission};
use super::features::{AGE_EDGES, AGES};
use super::gas::{EmissionLine, Gas, Source, add_lines};
use super::instrument::{self, LEN, lsf};
use super::photometry;
use super::random::Draw;
use super::stars::{self, KM_S_PER_PIXEL, STEP, TEMPLATE_SIGMA, templates};
use super::truth::GalaxyType;
use crate::spectrum::SPEED_OF_LIGHT;

/// Which galaxies will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Any,
    /// With emission lines that stand out.
    Emission,
    /// Quiescent, with next to no emission.
    EarlyType,
}

/// All that makes one galaxy.
#[derive(Debug, Clone)]
pub(super) struct Galaxy {
    pub kind: GalaxyType,
    pub z: f64,
    pub r_mag: f64,
    pub r_fiber_mag: f64,
    /// Share of the light at 5500 Angstrom by age.
    pub light: [f64; 8],
    /// Strength of every species relative to its nominal one.
    pub abundance: [f64; 7],
    pub metallicity: f64,
    pub sigma: f64,
    pub gas: Gas,
    /// E(B-V) of the Milky Way in front of it.
    pub ebv: f64,
}

/// Tables that every galaxy shares.
struct Tables {
    /// Attenuation of the galaxy's dust on the rest-frame grid, nepers for E(B-V) = 1.
    dust: Vec<f32>,
    /// Pixel of the rest-frame grid at z = 0 of every observed pixel.
    pixel: Vec<f64>,
    /// Extinction of the Milky Way by observed pixel, magnitudes for E(B-V) = 1.
    milky_way: Vec<f64>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables {
    dust: templates()
        .wavelength
        .iter()
        .map(|w| (0.4 * std::f64::consts::LN_10 * calzetti(*w)) as f32)
        .collect(),
    pixel: (0..LEN)
        .map(|i| stars::pixel(instrument::wavelength(i)))
        .collect(),
    milky_way: (0..LEN).map(|i| milky_way(instrument::wavelength(i))).collect(),
});

impl Galaxy {
    /// Draws a galaxy as DESI's Bright Galaxy Survey would have targeted it.
    pub(super) fn draw(draw: &mut Draw, need: Need, limits: (f64, f64)) -> Self {
        let r_mag = magnitude(draw, limits);
        let z = redshift(draw, r_mag);
        let absolute = r_mag - 5.0 * (luminosity_distance_mpc(z) * 1e5).log10() - 1.1 * z;
        // The red fraction rises with luminosity.
        let quiescent = 0.06 + 0.66 / (1.0 + ((absolute + 21.0) / 0.7).exp());
        let kind = match (need, draw.unit()) {
            (Need::EarlyType, _) => GalaxyType::Quiescent,
            (Need::Any, u) if u < quiescent => GalaxyType::Quiescent,
            (Need::Any, u) if u < quiescent + 0.10 => GalaxyType::GreenValley,
            (_, u) if u > 0.95 => GalaxyType::Starburst,
            _ => GalaxyType::StarForming,
        };
        Self::of_kind(draw, kind, z, r_mag, absolute)
    }

    fn of_kind(draw: &mut Draw, kind: GalaxyType, z: f64, r_mag: f64, absolute: f64) -> Self {
        let light = star_formation(draw, kind);
        // Luminosity over L*, in magnitudes: what metals, dust and velocities scale with.
        let mass = -absolute - 21.0;
        let old = kind == GalaxyType::Quiescent;
        let (metals_at_l_star, log_sigma_at_l_star) = if old { (0.08, 2.22) } else { (-0.12, 2.05) };
        let metallicity = (metals_at_l_star + 0.13 * mass + draw.normal(0.0, 0.13)).clamp(-1.0, 0.45);
        let sigma = (10f64.powf(log_sigma_at_l_star + 0.12 * mass) * draw.scatter(0.10)).clamp(60.0, 350.0);
        let ebv_gas = match kind {
            GalaxyType::Quiescent => draw.log_uniform(0.01, 0.15),
            GalaxyType::GreenValley => draw.log_uniform(0.05, 0.5),
            _ => ((0.30 + 0.10 * mass) * draw.scatter(0.22)).clamp(0.02, 1.2),
        };
        let gas = draw_gas(draw, kind, &light, metallicity, sigma, ebv_gas);
        let mean_enhancement = if old {
            0.2 + 0.25 * (sigma / 200.0).log10()
        } else {
            0.08
        };
        let enhancement = mean_enhancement + draw.normal(0.0, 0.05);
        let mut abundance = [0.0; 7];
        // Iron, magnesium, calcium, sodium, CH, CN, TiO: how steeply each follows [Z/H], and [alpha/Fe] beyond it.
        let slopes = [0.40, 0.35, 0.15, 0.55, 0.20, 0.75, 0.45];
        let alpha = [-0.15, 0.40, 0.05, 0.50, 0.10, 0.60, 0.30];
        for ((value, slope), alpha) in abundance.iter_mut().zip(slopes).zip(alpha) {
            *value = 10f64.powf(slope * metallicity + alpha * enhancement) * draw.scatter(0.04);
        }
        let r_fiber_mag = r_mag + (0.95 + 0.12 * (19.5 - r_mag) + draw.normal(0.0, 0.22)).max(0.35);
        Self {
            kind,
            z,
            r_mag,
            r_fiber_mag,
            light,
            abundance,
            metallicity,
            sigma,
            gas,
            ebv: (0.035 * draw.scatter(0.25)).clamp(0.005, 0.3),
        }
    }

    /// Light-weighted mean log10 age in years at 5500 Angstrom.
    pub(super) fn log_age(&self) -> f64 {
        self.light.iter().zip(&AGES).map(|(l, age)| l * age.0).sum()
    }

    pub(super) fn lines(&self) -> Vec<EmissionLine> {
        self.gas.lines()
    }

    /// The stars' light in the observed frame over the unattenuated one at 5500 Angstrom rest frame. Shape: `[LEN]`.
    pub(super) fn stars(&self, z: f64) -> Vec<f64> {
        let rest = self.rest_spectrum(z);
        to_observed(&rest, z)
    }

    /// The stars' spectrum on the rest-frame grid, broadened; zero where the observed grid does not reach.
    fn rest_spectrum(&self, z: f64) -> Vec<f32> {
        let templates = templates();
        let tables = &*TABLES;
        // The instrument, at mid-spectrum 38 km/s, broadens too; the templates' lines have a width already.
        let sigma = (self.sigma.powi(2) + 38f64.powi(2) - TEMPLATE_SIGMA.powi(2))
            .max(400.0)
            .sqrt();
        let reach = (3.5 * sigma / KM_S_PER_PIXEL).ceil() as usize + 2;
        let shift = (1.0 + z).log10() / STEP;
        let low = ((tables.pixel[0] - shift).max(0.0) as usize).saturating_sub(reach);
        let high = ((tables.pixel[LEN - 1] - shift).max(0.0) as usize + reach + 2).min(stars::LEN);

        let mut strength = [0f64; 7];
        for (age, light) in self.light.iter().enumerate() {
            for (sum, value) in strength.iter_mut().zip(stars::strengths(age)) {
                *sum += light * value;
            }
        }
        let mut excess: [f32; 7] = std::array::from_fn(|s| ((self.abundance[s] - 1.0) * strength[s]) as f32);
        // Interstellar Na I D and Ca II follow the dust.
        excess[3] += 2.2 * self.gas.ebv as f32;
        excess[2] += 0.02 * self.gas.ebv as f32;
        let ebv_stars = (0.44 * self.gas.ebv) as f32;

        let mut flux = vec![0f32; stars::LEN];
        for (light, template) in self.light.iter().zip(&templates.ages) {
            let light = *light as f32;
            for (sum, value) in flux[low..high].iter_mut().zip(&template[low..high]) {
                *sum += light * value;
            }
        }
        let mut depth: Vec<f32> = tables.dust[low..high].iter().map(|k| k * ebv_stars).collect();
        for (excess, table) in excess.iter().zip(&templates.depths) {
            for (sum, value) in depth.iter_mut().zip(&table[low..high]) {
                *sum += excess * value;
            }
        }
        for (flux, depth) in flux[low..high].iter_mut().zip(&depth) {
            *flux *= (-depth).exp();
        }
        broaden(&flux, low, high, sigma)
    }

    /// The light in the observed frame before the Milky Way: stars and lines, 1e-17 erg/s/cm2/Angstrom for the fiber magnitude.
    ///
    /// Returns the two apart and the scale that was applied.
    pub(super) fn light(&self, lines: &[EmissionLine]) -> (Vec<f64>, Vec<f64>, f64) {
        let mut continuum = self.stars(self.z);
        let mut emission = vec![0.0; LEN];
        add_lines(
            &mut emission,
            instrument::START,
            instrument::PIXEL,
            lines,
            self.z,
            1.0 + self.z,
            lsf,
        );
        let total: Vec<f64> = continuum.iter().zip(&emission).map(|(c, e)| c + e).collect();
        let scale = photometry::nanomaggies(self.r_fiber_mag) / photometry::flux(&total, photometry::Band::R);
        continuum.iter_mut().for_each(|v| *v *= scale);
        emission.iter_mut().for_each(|v| *v *= scale);
        (continuum, emission, scale)
    }
}

/// Dims a spectrum in the observed frame by the Milky Way's dust.
pub(super) fn redden(flux: &mut [f64], ebv: f64) {
    let factor = 0.4 * std::f64::consts::LN_10 * ebv;
    for (flux, k) in flux.iter_mut().zip(&TABLES.milky_way) {
        *flux *= (-factor * k).exp();
    }
}

/// Brings a spectrum from the rest-frame grid to the observed one by linear interpolation.
pub(super) fn to_observed(rest: &[f32], z: f64) -> Vec<f64> {
    let shift = (1.0 + z).log10() / STEP;
    TABLES
        .pixel
        .iter()
        .map(|pixel| {
            let position = (pixel - shift).clamp(0.0, (rest.len() - 2) as f64);
            let i = position as usize;
            let share = position - i as f64;
            f64::from(rest[i]) * (1.0 - share) + f64::from(rest[i + 1]) * share
        })
        .collect()
}

/// Convolves `[low, high)` with a Gaussian of `sigma` km/s.
pub(super) fn broaden(flux: &[f32], low: usize, high: usize, sigma: f64) -> Vec<f32> {
    let sigma = sigma / KM_S_PER_PIXEL;
    let half = (3.5 * sigma).ceil() as usize;
    let mut kernel: Vec<f32> = (0..=2 * half)
        .map(|k| (-0.5 * ((k as f64 - half as f64) / sigma).powi(2)).exp() as f32)
        .collect();
    let sum: f32 = kernel.iter().sum();
    kernel.iter_mut().for_each(|k| *k /= sum);
    let mut padded = vec![flux[low]; half];
    padded.extend_from_slice(&flux[low..high]);
    padded.resize(high - low + 2 * half, flux[high - 1]);
    let mut out = vec![0f32; flux.len()];
    let target = &mut out[low..high];
    for (k, weight) in kernel.iter().enumerate() {
        for (sum, value) in target.iter_mut().zip(&padded[k..]) {
            *sum += weight * value;
        }
    }
    out
}

/// r magnitude with the counts of a flux-limited survey: fainter than 19.5 half as many as the counts would be.
fn magnitude(draw: &mut Draw, (bright, faint): (f64, f64)) -> f64 {
    const SLOPE: f64 = 0.38;
    loop {
        let r = draw
            .uniform(10f64.powf(SLOPE * bright), 10f64.powf(SLOPE * faint))
            .log10()
            / SLOPE;
        if r < 19.5 || draw.chance(0.5) {
            return r;
        }
    }
}

/// Redshift of a galaxy of this magnitude: `z^2 exp(-(z/z0)^1.5)`, peaking near 0.2 at the survey's limit.
fn redshift(draw: &mut Draw, r_mag: f64) -> f64 {
    let z0 = 0.165 * 10f64.powf(0.11 * (r_mag - 19.3));
    loop {
        // With u = (z/z0)^1.5 this is a gamma distribution of shape 2.
        let u = -((1.0 - draw.unit()) * (1.0 - draw.unit())).ln();
        let z = z0 * u.powf(2.0 / 3.0);
        if (0.01..0.6).contains(&z) {
            return z;
        }
    }
}

/// Luminosity distance to second order in z, for H0 = 70 and q0 = -0.55; 3 % at z = 0.6.
fn luminosity_distance_mpc(z: f64) -> f64 {
    SPEED_OF_LIGHT / 70.0 * (z + 0.775 * z * z)
}

/// Shares of the light by age from a delayed exponential star formation history with scatter in every age bin.
fn star_formation(draw: &mut Draw, kind: GalaxyType) -> [f64; 8] {
    let onset = draw.uniform(8e9, 13e9);
    let tau = 1e9
        * match kind {
            GalaxyType::Quiescent => draw.log_uniform(0.4, 1.25),
            GalaxyType::GreenValley => draw.log_uniform(1.4, 2.4),
            _ => draw.log_uniform(2.6, 20.0),
        };
    let mut light = [0.0; 8];
    for (k, light) in light.iter_mut().enumerate() {
        let (young, old) = (AGE_EDGES[k], AGE_EDGES[k + 1].min(onset));
        let width = (old - young).max(0.0);
        let mass: f64 = (0..4)
            .map(|j| {
                let age = young + width * (j as f64 + 0.5) / 4.0;
                let t = (onset - age).max(0.0);
                t * (-t / tau).exp() * width / 4.0
            })
            .sum();
        *light = mass * AGES[k].1 * draw.scatter(if k < 4 { 0.22 } else { 0.12 });
    }
    match kind {
        GalaxyType::Starburst => {
            let burst = draw.log_uniform(3.0, 14.0);
            light[0] *= burst;
            light[1] *= burst * draw.uniform(0.2, 0.8);
        }
        GalaxyType::Quiescent if draw.chance(0.2) => {
            let total: f64 = light.iter().sum();
            light[2 + draw.index(3)] += total * draw.log_uniform(0.005, 0.08);
        }
        _ => {}
    }
    let total: f64 = light.iter().sum();
    light.map(|l| l / total)
}

fn draw_gas(
    draw: &mut Draw,
    kind: GalaxyType,
    light: &[f64; 8],
    metallicity: f64,
    sigma: f64,
    ebv: f64,
) -> Gas {
    // Ionizing photons come from the youngest stars: 650 Angstrom of H alpha for each unit of their light.
    let young = 650.0 * light[0] * draw.scatter(0.15);
    let gas_metallicity = metallicity + 0.12 + draw.normal(0.0, 0.08);
    let narrow = |draw: &mut Draw| (sigma * draw.uniform(0.55, 1.05)).clamp(35.0, 220.0);
    match kind {
        GalaxyType::Quiescent => {
            let width = (sigma * draw.uniform(0.8, 1.1)).clamp(60.0, 300.0);
            let halpha = draw.log_uniform(0.08, 2.0) + young;
            Gas::draw(draw, Source::Liner, halpha, gas_metallicity, width, ebv)
        }
        GalaxyType::GreenValley if draw.chance(0.5) => {
            let width = narrow(draw);
            let halpha = young + draw.log_uniform(0.5, 5.0);
            Gas::draw(draw, Source::Liner, halpha, gas_metallicity, width, ebv)
        }
        GalaxyType::StarForming if draw.chance(0.06) => {
            // Narrow-line Seyferts are ordinary members of the survey.
            let width = (1.2 * narrow(draw)).max(90.0);
            let halpha = young + draw.log_uniform(5.0, 40.0);
            Gas::draw(draw, Source::Seyfert, halpha, gas_metallicity, width, ebv)
        }
        _ => {
            let width = narrow(draw);
            Gas::draw(draw, Source::Stars, young, gas_metallicity, width, ebv)
        }
    }
}

/// H alpha's rest-frame equivalent width as observed through the galaxy's dust, Angstrom.
pub(super) fn halpha_width(galaxy: &Galaxy) -> f64 {
    let line = galaxy.gas.halpha * transmission(calzetti(6564.61), galaxy.gas.ebv);
    let i = stars::pixel(6620.0) as usize;
    let continuum: f64 = galaxy
        .light
        .iter()
        .zip(&templates().ages)
        .map(|(l, t)| l * f64::from(t[i]))
        .sum::<f64>()
        * transmission(calzetti(6620.0), 0.44 * galaxy.gas.ebv);
    line / continuum
}
