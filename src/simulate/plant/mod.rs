//! Anomalies planted into spectra that are there already, real ones too: injection and recovery.
//!
//! A plant has a kind and a strength, its *visibility* V = sqrt(sum(d^2 / (sigma^2 + (0.05 f)^2))): the change d in units of what
//! hides it, the noise and a few per cent of the continuum f. Another level, slope or curvature of the continuum does not count, for ordinary galaxies differ by
//! that too (for a wrong slope only the level does not). So it is comparable among kinds. Amplitudes are scaled to a V that was asked for; where
//! the strength is no amplitude (another redshift, lines that are gone, nothing left but a star) V is what comes out.
//!
//! Pixels that a plant does not concern stay as they are, bit by bit; what is a measurement stays one, with the noise that its ivar says.

mod calibration;
mod defects;
mod ground;
mod kind;
mod light;
mod lines;

pub use kind::PlantKind;

use serde::{Deserialize, Serialize};

use super::random::{Draw, Purpose};
use crate::spectrum::Spectrum;
use ground::{Ground, Shape};

/// Sets the streams of this room apart from those of a simulated survey of the same seed.
const SALT: u64 = 0x706c_616e_7400;
/// Tries with other places, lines and redshifts before a spectrum is given up.
const TRIES: usize = 12;

/// What was planted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planted {
    pub kind: PlantKind,
    /// Visibility of the change, see the module.
    pub visibility: f64,
    /// Observed wavelengths that changed, Angstrom vacuum.
    pub wavelength_min: f64,
    pub wavelength_max: f64,
    /// The redshift of the other light, or the right one where the catalog's is wrong.
    pub z_second: Option<f64>,
}

/// Where to plant.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// With its final noise.
    pub spectrum: &'a Spectrum,
    /// The same before noise was added (or the same again): what lines and continuum are read from.
    pub clean: &'a Spectrum,
    /// Other spectra of the catalog, to blend with and to take redshifts from.
    pub others: &'a [Spectrum],
}

/// A change, before its amplitude is chosen. Shapes: one value a pixel.
enum Change {
    /// `flux + a d`
    Added { light: Vec<f64>, most: f64 },
    /// `(1 - a) flux + a light`, a up to 1, and noise so that ivar stays true.
    Mixed { light: Vec<f64> },
    /// `flux (1 + a d)`, and ivar by its inverse square.
    Calibration { factor: Vec<f64>, most: f64 },
    /// `flux = 0` from `start` on, over as many pixels as it takes.
    Zeroed { start: usize },
    /// The catalog's redshift.
    Redshift(f64),
}

/// What a room proposes.
struct Proposal {
    change: Change,
    z_second: Option<f64>,
    /// The strength cannot be chosen: V at full amplitude, if it lies in the range.
    whole: bool,
}

impl Proposal {
    fn of(change: Change) -> Self {
        Self {
            change,
            z_second: None,
            whole: false,
        }
    }
}

/// Plants `kind` with a visibility log-uniform in `range`. Depends on `seed` and `index` alone.
///
/// Returns `None` where this spectrum cannot carry it: no redshift, no emission lines to split, nothing of that visibility.
pub fn plant(
    kind: PlantKind,
    site: Site,
    range: (f64, f64),
    seed: u64,
    index: u64,
) -> Option<(Spectrum, Planted)> {
    let ground = Ground::new(site.spectrum, site.clean)?;
    let mut draw = Draw::new(seed.wrapping_add(SALT), Purpose::Anomaly, index);
    let wanted = draw.log_uniform(range.0, range.1);
    (0..TRIES).find_map(|_| {
        let proposal = match kind {
            PlantKind::NarrowLine => lines::narrow(&ground, &mut draw),
            PlantKind::BroadLines => lines::broad(&ground, &mut draw),
            PlantKind::DoublePeakedLines => lines::double_peaked(&ground, &mut draw),
            PlantKind::LensedEmission => lines::lensed(&ground, &mut draw),
            PlantKind::MissingLines => lines::missing(&ground, range, &mut draw),
            PlantKind::SupernovaLight => light::supernova(&ground, &mut draw),
            PlantKind::StarLight => light::star(&ground, &mut draw),
            PlantKind::QuasarLight => light::quasar(&ground, &mut draw),
            PlantKind::Blend => light::blend(&ground, site.others, &mut draw),
            PlantKind::WrongRedshift => light::wrong_redshift(&ground, site.others, &mut draw),
            PlantKind::ContinuumBump => calibration::bump(&ground, &mut draw),
            PlantKind::FluxStep => calibration::step(&ground, &mut draw),
            PlantKind::WrongSlope => calibration::slope(&ground, &mut draw),
            PlantKind::CosmicRay => defects::cosmic_ray(&ground, &mut draw),
            PlantKind::SkyResidual => defects::sky_residual(&ground, &mut draw),
            PlantKind::DeadRegion => defects::dead_region(&ground, &mut draw),
        }?;
        apply(kind, &ground, proposal, wanted, range, &mut draw)
    })
}

/// A wrong slope is nothing but another shape of the continuum.
fn shape(kind: PlantKind) -> Shape {
    match kind {
        PlantKind::WrongSlope => Shape::Level,
        _ => Shape::Curved,
    }
}

/// Scales a proposal to the visibility wanted, and makes the change; `None` where it cannot reach the range.
fn apply(
    kind: PlantKind,
    ground: &Ground,
    proposal: Proposal,
    wanted: f64,
    range: (f64, f64),
    draw: &mut Draw,
) -> Option<(Spectrum, Planted)> {
    let mut spectrum = ground.spectrum.clone();
    let shape = shape(kind);
    let within = |visibility: f64| (range.0..=range.1 * 1.0001).contains(&visibility);
    let amplitude = |full: f64, most: f64| -> Option<(f64, f64)> {
        let amplitude = if proposal.whole {
            most
        } else {
            (wanted / full).min(most)
        };
        let visibility = amplitude * full;
        (visibility >= range.0 * 0.9999 && visibility.is_finite() && (!proposal.whole || within(visibility)))
            .then_some((amplitude, visibility))
    };
    let (visibility, changed) = match proposal.change {
        Change::Added { light, most } => {
            let (a, visibility) = amplitude(ground.visibility(&light, shape), most)?;
            for (flux, light) in spectrum.flux.iter_mut().zip(&light) {
                if *light != 0.0 {
                    *flux = (f64::from(*flux) + a * light) as f32;
                }
            }
            (visibility, extent(&light))
        }
        Change::Mixed { light } => {
            let change: Vec<f64> = light.iter().zip(&ground.fine).map(|(l, f)| l - f).collect();
            let (a, visibility) = amplitude(ground.visibility(&change, shape), 1.0)?;
            let refill = (1.0 - (1.0 - a) * (1.0 - a)).sqrt();
            for i in 0..spectrum.len() {
                let deviate = draw.gauss();
                let ivar = f64::from(spectrum.ivar[i]);
                let noise = if ivar > 0.0 {
                    refill * deviate / ivar.sqrt()
                } else {
                    0.0
                };
                spectrum.flux[i] = ((1.0 - a) * f64::from(spectrum.flux[i]) + a * light[i] + noise) as f32;
            }
            (visibility, (0, spectrum.len()))
        }
        Change::Calibration { factor, most } => {
            let change: Vec<f64> = factor.iter().zip(&ground.fine).map(|(d, f)| d * f).collect();
            let (a, visibility) = amplitude(ground.visibility(&change, shape), most)?;
            for i in (0..spectrum.len()).filter(|i| factor[*i] != 0.0) {
                let factor = 1.0 + a * factor[i];
                spectrum.flux[i] = (f64::from(spectrum.flux[i]) * factor) as f32;
                spectrum.ivar[i] = (f64::from(spectrum.ivar[i]) / (factor * factor)) as f32;
            }
            (visibility, extent(&factor))
        }
        Change::Zeroed { start } => {
            let (end, visibility) = defects::stretch(ground, start, wanted)?;
            spectrum.flux[start..end].fill(0.0);
            if visibility < range.0 * 0.9 {
                return None;
            }
            (visibility, (start, end))
        }
        Change::Redshift(z) => {
            let visibility = light::misfit(ground, z);
            if !within(visibility) {
                return None;
            }
            spectrum.facts.z = Some(z);
            (visibility, (0, spectrum.len()))
        }
    };
    let (low, high) = (changed.0.max(ground.span.0), changed.1.min(ground.span.1));
    if low >= high {
        return None;
    }
    let planted = Planted {
        kind,
        visibility,
        wavelength_min: ground.wavelength[low],
        wavelength_max: ground.wavelength[high - 1],
        z_second: proposal.z_second,
    };
    Some((spectrum, planted))
}

/// First and last pixel (exclusive) that are not zero.
fn extent(values: &[f64]) -> (usize, usize) {
    let first = values.iter().position(|v| *v != 0.0).unwrap_or(0);
    let last = values.iter().rposition(|v| *v != 0.0).map_or(0, |last| last + 1);
    (first, last)
}

#[cfg(test)]
mod tests;
