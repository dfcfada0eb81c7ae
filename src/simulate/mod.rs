//! Simulates DESI-like spectra of galaxies with known truth, some with planted anomalies.
//!
//! Pure and seeded: spectrum number `i` depends on the settings and `i` alone, so any number of them streams in constant memory and
//! on any number of threads. The physics, its sources and what is not realistic stand in `docs/simulation.md`.

mod artifacts;
mod blanketing;
mod degrade;
mod dust;
mod features;
mod galaxy;
mod gas;
mod instrument;
mod photometry;
mod plan;
pub mod plant;
mod portrait;
mod random;
mod row;
mod scene;
mod sky;
mod stars;
mod strange_light;
mod strange_objects;
mod truth;

pub use degrade::{degrade, signal_to_noise};
pub use gas::EmissionLine;
pub use portrait::{Portrait, portrait};
pub use truth::{AnomalyKind, GalaxyType, Truth};

use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use crate::spectrum::{MaskKind, Spectrum, WavelengthGrid};
use artifacts::Product;
use galaxy::Galaxy;
use instrument::{LEN, Observation, wavelength};
use photometry::Band;
use random::{Draw, Purpose};
use scene::Scene;
use strange_light::Planted;

/// The settings of a simulated survey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Simulation {
    pub seed: u64,
    /// Number of spectra; a spectrum does not depend on it.
    pub count: u64,
    /// Share of the spectra with a planted anomaly, 0 to 1.
    pub anomaly_fraction: f64,
    /// Bright and faint limit in r magnitude (AB, total, before the Milky Way's dust).
    pub r_min: f64,
    pub r_max: f64,
}

/// Settings that make no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SimulationError {
    #[error("anomaly_fraction is {0}; give a share between 0 and 1")]
    Fraction(f64),
    #[error("r magnitudes from {min} to {max}; give r_min < r_max, both between 10 and 24")]
    Magnitudes { min: f64, max: f64 },
}

impl Default for Simulation {
    fn default() -> Self {
        Self {
            seed: 1,
            count: 600,
            anomaly_fraction: 0.08,
            r_min: 15.0,
            r_max: 20.2,
        }
    }
}

/// A spectrum with everything that went into it.
///
/// Shapes: `expected` and `ordinary` have one value for every pixel of `spectrum`.
#[derive(Debug, Clone)]
pub struct Simulated {
    pub spectrum: Spectrum,
    pub truth: Truth,
    /// The flux without noise, sky residuals and artifacts, as calibrated: `spectrum.flux` scatters about it by `ivar`.
    pub expected: Vec<f32>,
    /// What `expected` would be had nothing been planted.
    pub ordinary: Vec<f32>,
    /// The flux added or changed by an artifact (zero otherwise).
    pub artifact: Vec<f32>,
    /// The emission lines in it, fluxes behind the galaxy's own dust.
    pub lines: Vec<EmissionLine>,
    /// E(B-V) in front of the emission lines, and their fluxes' unit: the flux density at 5500 Angstrom rest frame, 1e-17 erg/s/cm2/A.
    pub line_ebv: f64,
    pub line_scale: f64,
}

static GRID: LazyLock<Arc<WavelengthGrid>> = LazyLock::new(|| Arc::new(WavelengthGrid::DESI));

impl Simulation {
    /// Checks the settings.
    ///
    /// Errors: a share outside 0 to 1, magnitude limits that are reversed or beyond what the model covers.
    pub fn validate(&self) -> Result<(), SimulationError> {
        if !(0.0..=1.0).contains(&self.anomaly_fraction) {
            return Err(SimulationError::Fraction(self.anomaly_fraction));
        }
        if self.r_min >= 10.0 && self.r_min < self.r_max && self.r_max <= 24.0 {
            Ok(())
        } else {
            Err(SimulationError::Magnitudes {
                min: self.r_min,
                max: self.r_max,
            })
        }
    }

    /// All spectra in order; lazy, so that memory does not grow with their number.
    pub fn spectra(&self) -> impl Iterator<Item = (Spectrum, Truth)> + '_ {
        (0..self.count).map(|index| self.spectrum(index))
    }

    /// Spectrum number `index` and the truth about it.
    pub fn spectrum(&self, index: u64) -> (Spectrum, Truth) {
        let simulated = self.simulate(index);
        (simulated.spectrum, simulated.truth)
    }

    /// The usual settings with the seed that a target id has in it.
    pub fn with_seed_of(targetid: i64) -> Self {
        Self {
            seed: row::seed_of(targetid),
            ..Self::default()
        }
    }

    /// The number of the spectrum with this target id; `None` where it is of another seed, or not simulated at all.
    pub fn index_of(&self, targetid: i64) -> Option<u64> {
        let index = row::index_of(targetid)?;
        (row::targetid(self.seed, index) == targetid).then_some(index)
    }

    /// What is planted at `index`, without simulating it.
    pub fn planted(&self, index: u64) -> Option<AnomalyKind> {
        plan::kind_at(self.seed, self.anomaly_fraction, index)
    }

    /// Spectrum number `index` with its noiseless flux and its parts.
    pub fn simulate(&self, index: u64) -> Simulated {
        let kind = self.planted(index);
        let mut object = Draw::new(self.seed, Purpose::Object, index);
        let mut noise = Draw::new(self.seed, Purpose::Noise, index);
        let mut strange = Draw::new(self.seed, Purpose::Anomaly, index);

        let observation = Observation::draw(&mut object);
        let need = kind.map_or(galaxy::Need::Any, strange_light::need);
        let mut scene = Scene::new(Galaxy::draw(&mut object, need, (self.r_min, self.r_max)));
        let through = |scene: &Scene| {
            let mut flux = scene.total();
            galaxy::redden(&mut flux, scene.galaxy.ebv);
            let photometry = [Band::G, Band::R, Band::Z].map(|band| photometry::flux(&flux, band));
            observation.calibrate(&mut flux);
            (flux, photometry)
        };
        let mut planted = None;
        let (ordinary, expected, bands) =
            match kind.filter(|kind| !kind.is_artifact() || changes_light(*kind)) {
                None => {
                    let (flux, bands) = through(&scene);
                    (flux.clone(), flux, bands)
                }
                Some(kind) => {
                    let (ordinary, _) = through(&scene);
                    planted = strange_light::plant(kind, &mut scene, (self.r_min, self.r_max), &mut strange);
                    let (expected, bands) = through(&scene);
                    (ordinary, expected, bands)
                }
            };

        let sky_lines = observation.sky_lines();
        let mut product = exposed(&observation, &expected, &sky_lines, &mut noise);
        let mut artifact = vec![0f32; LEN];
        if let Some(kind) = kind.filter(|_| planted.is_none()) {
            let before = product.flux.clone();
            planted = artifacts::spoil(kind, &mut product, &sky_lines, &mut strange);
            for i in 0..LEN {
                artifact[i] = (product.flux[i] - before[i]) as f32;
            }
        }
        hit_masked_pixels(&mut product, &mut noise);

        let features = features_significance(&expected, &product);
        let changed: Vec<f64> = (0..LEN)
            .map(|i| expected[i] - ordinary[i] + f64::from(artifact[i]))
            .collect();
        let sn = arm_signal_to_noise(&product);
        let mut facts = row::facts(
            self.seed,
            index,
            &scene,
            &observation,
            features,
            bands,
            &mut object,
        );
        facts.sn = Some(sn as f32);
        let mut truth = row::truth(index, &facts, &scene, sn);
        if let (Some(kind), Some(planted)) = (kind, planted) {
            tell(&mut truth, kind, &planted, (&changed, features), (&product, sn));
        }
        Simulated {
            spectrum: Spectrum {
                facts,
                grid: Arc::clone(&GRID),
                flux: product.flux.iter().map(|f| *f as f32).collect(),
                ivar: product.ivar.iter().map(|v| *v as f32).collect(),
                mask: product.mask.iter().any(|bits| *bits != 0).then_some(product.mask),
                mask_kind: MaskKind::Desi,
                ivar_estimated: false,
            },
            truth,
            expected: expected.iter().map(|f| *f as f32).collect(),
            ordinary: ordinary.iter().map(|f| *f as f32).collect(),
            artifact,
            line_ebv: scene.galaxy.gas.ebv,
            line_scale: scene.scale,
            lines: scene.lines,
        }
    }
}

/// What the detectors make of the expected flux: sky residuals, noise, and masks.
fn exposed(observation: &Observation, expected: &[f64], sky_lines: &[f64], noise: &mut Draw) -> Product {
    let residual = observation.sky_residual(sky_lines);
    let (actual, claimed) = observation.variance(expected, sky_lines);
    let mut mask = vec![0; LEN];
    instrument::masks(noise, &mut mask);
    let flux = (0..LEN)
        .map(|i| expected[i] + residual[i] + actual[i].sqrt() * noise.gauss())
        .collect::<Vec<f64>>();
    let ivar = (0..LEN)
        .map(|i| if mask[i] == 0 { 1.0 / claimed[i] } else { 0.0 })
        .collect();
    Product { flux, ivar, mask }
}

/// Puts down what was planted, where it is and how strong. `changed` is what it did to the flux, `features` the significance of the spectrum's features.
fn tell(
    truth: &mut Truth,
    kind: AnomalyKind,
    planted: &Planted,
    (changed, features): (&[f64], f64),
    (product, sn): (&Product, f64),
) {
    let whole = (wavelength(0), wavelength(LEN - 1));
    let own_strength = matches!(kind, AnomalyKind::StarAsGalaxy | AnomalyKind::QuasarAsGalaxy);
    let by_features = kind == AnomalyKind::WrongRedshift;
    let range = if own_strength || by_features {
        whole
    } else {
        planted.range.unwrap_or_else(|| extent(changed, product))
    };
    truth.kind = Some(kind);
    truth.artifact = Some(kind.is_artifact());
    truth.strength = Some(if own_strength { sn } else { planted.strength });
    truth.significance = Some(if by_features {
        features
    } else {
        weighted_size(changed, product)
    });
    truth.wavelength_min = Some(range.0.max(whole.0));
    truth.wavelength_max = Some(range.1.min(whole.1));
    truth.z_second = planted.z_second;
}

/// Artifacts that are made by taking light away before the noise.
fn changes_light(kind: AnomalyKind) -> bool {
    kind == AnomalyKind::MissingLines
}

/// What cosmic rays leave in the masked pixels: nobody may look at them, and a reader that does sees it.
fn hit_masked_pixels(product: &mut Product, draw: &mut Draw) {
    for i in 0..LEN {
        if product.mask[i] & instrument::COSMIC != 0 {
            product.flux[i] += draw.log_uniform(3.0, 300.0);
        } else if product.mask[i] & instrument::BADCOLUMN != 0 {
            product.flux[i] *= draw.uniform(0.0, 2.0);
        }
    }
}

/// `sqrt(sum(change^2 ivar))`, sigma.
fn weighted_size(changed: &[f64], product: &Product) -> f64 {
    changed
        .iter()
        .zip(&product.ivar)
        .map(|(c, v)| c * c * v)
        .sum::<f64>()
        .sqrt()
}

/// The observed wavelengths between which all but 2 % of the noise-weighted change lies.
fn extent(changed: &[f64], product: &Product) -> (f64, f64) {
    let weight: Vec<f64> = changed
        .iter()
        .zip(&product.ivar)
        .map(|(c, v)| c * c * v)
        .collect();
    let total: f64 = weight.iter().sum();
    let edge = |share: f64| {
        let mut sum = 0.0;
        weight
            .iter()
            .position(|w| {
                sum += w;
                sum >= share * total
            })
            .unwrap_or(LEN - 1)
    };
    (wavelength(edge(0.01)), wavelength(edge(0.99)))
}

/// Noise-weighted size of the spectrum's features about its continuum (mean over 200 Angstrom), sigma.
fn features_significance(expected: &[f64], product: &Product) -> f64 {
    let continuum = instrument::running_mean(expected, 125);
    let features: Vec<f64> = expected.iter().zip(&continuum).map(|(e, c)| e - c).collect();
    weighted_size(&features, product)
}

/// Median signal-to-noise ratio a pixel in the r arm, as DESI's MEDIAN_COADD_SNR_R (which is per sqrt(Angstrom)) does it.
fn arm_signal_to_noise(product: &Product) -> f64 {
    let (low, high) = instrument::ARMS[1];
    let mut ratios: Vec<f64> = (low + 60..high)
        .filter(|i| product.ivar[*i] > 0.0)
        .map(|i| product.flux[i] * product.ivar[i].sqrt())
        .collect();
    if ratios.is_empty() {
        return 0.0;
    }
    let middle = ratios.len() / 2;
    *ratios.select_nth_unstable_by(middle, f64::total_cmp).1
}
