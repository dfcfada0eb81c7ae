//! Anomalies of the sky: what changes the light before it reaches the spectrograph, or the catalog's word on it.

use super::galaxy::{Galaxy, Need};
use super::gas::{EmissionLine, Gas, Source, add_lines};
use super::instrument::{LEN, PIXEL, START, lsf, wavelength};
use super::random::Draw;
use super::scene::Scene;
use super::strange_objects::{quasar, star, supernova};
use super::truth::AnomalyKind;
use crate::spectrum::SPEED_OF_LIGHT;

/// What was done to a scene.
#[derive(Debug, Clone, Default)]
pub(super) struct Planted {
    pub strength: f64,
    pub z_second: Option<f64>,
    /// Observed wavelengths affected, where they follow from what was done; else they are found from the change itself.
    pub range: Option<(f64, f64)>,
}

/// The galaxies on which an anomaly of this kind can be planted.
pub(super) fn need(kind: AnomalyKind) -> Need {
    match kind {
        AnomalyKind::DoublePeakedLines | AnomalyKind::MissingLines => Need::Emission,
        AnomalyKind::LensedEmission => Need::EarlyType,
        _ => Need::Any,
    }
}

/// Changes the scene; `None` where the kind is one of the instrument's.
pub(super) fn plant(
    kind: AnomalyKind,
    scene: &mut Scene,
    limits: (f64, f64),
    draw: &mut Draw,
) -> Option<Planted> {
    let planted = match kind {
        AnomalyKind::BroadLineAgn => broad_line_agn(scene, draw),
        AnomalyKind::DoublePeakedLines => double_peaked_lines(scene, draw),
        AnomalyKind::Supernova => supernova(scene, draw),
        AnomalyKind::StarAsGalaxy => star(scene, draw),
        AnomalyKind::QuasarAsGalaxy => quasar(scene, draw),
        AnomalyKind::WrongRedshift => wrong_redshift(scene, draw),
        AnomalyKind::Blend => blend(scene, limits, draw),
        AnomalyKind::LensedEmission => lensed_emission(scene, draw),
        AnomalyKind::MissingLines => missing_lines(scene, draw),
        AnomalyKind::ArmStep
        | AnomalyKind::CosmicRay
        | AnomalyKind::SkyResidual
        | AnomalyKind::DeadRegion => {
            return None;
        }
    };
    Some(planted)
}

/// Adds lines at a redshift, fluxes in 1e-17 erg/s/cm2 after multiplication by `scale`.
pub(super) fn add(flux: &mut [f64], lines: &[EmissionLine], z: f64, scale: f64) {
    add_lines(flux, START, PIXEL, lines, z, scale, lsf);
}

pub(super) fn line(name: &'static str, rest: f64, flux: f64, sigma: f64) -> EmissionLine {
    EmissionLine {
        name,
        rest,
        flux,
        sigma,
        velocity: 0.0,
    }
}

/// Broad Balmer, He I and Mg II lines and Fe II blends about a broad H alpha of flux `width`.
///
/// Source of the ratios: the composite of Vanden Berk et al. 2001 (AJ 122, 549), rounded; Fe II as three broad blends.
pub(super) fn broad_lines(width: f64, draw: &mut Draw) -> Vec<EmissionLine> {
    let sigma = draw.log_uniform(900.0, 3300.0);
    let velocity = draw.normal(0.0, 150.0);
    let hb = width / (3.1 * draw.scatter(0.08));
    let iron = hb * draw.log_uniform(0.15, 0.8);
    let mut broad = vec![
        line("broad H alpha", 6564.61, width, sigma),
        line("broad H beta", 4862.68, hb, sigma),
        line("broad H gamma", 4341.68, 0.42 * hb, sigma),
        line("broad H delta", 4102.89, 0.22 * hb, sigma),
        line("broad He I", 5877.25, 0.14 * hb, sigma),
        line("Fe II blend", 4570.0, iron, 3300.0),
        line("Fe II blend", 5190.0, 0.45 * iron, 2300.0),
        line("Fe II blend", 5320.0, 0.55 * iron, 2800.0),
        line("broad Mg II", 2799.1, 1.1 * hb, sigma),
    ];
    broad.iter_mut().for_each(|line| line.velocity = velocity);
    broad
}

/// Broad lines, a power law lambda^-1.5 and Seyfert-like narrow lines.
fn broad_line_agn(scene: &mut Scene, draw: &mut Draw) -> Planted {
    let width = draw.log_uniform(12.0, 250.0);
    let broad = broad_lines(width, draw);
    let narrow_sigma = draw.uniform(120.0, 260.0);
    let narrow = Gas::draw(draw, Source::Seyfert, 0.12 * width, 0.1, narrow_sigma, 0.1).lines();
    let z = scene.galaxy.z;
    let scale = scene.scale * (1.0 + z);
    add(&mut scene.emission, &broad, z, scale);
    add(&mut scene.emission, &narrow, z, scale);
    let power_law = width / 500.0 * draw.scatter(0.15);
    for (i, flux) in scene.continuum.iter_mut().enumerate() {
        *flux += scene.scale * power_law * (wavelength(i) / (5500.0 * (1.0 + z))).powf(-1.5);
    }
    scene.lines.extend(broad);
    scene.lines.extend(narrow);
    Planted {
        strength: width,
        ..Planted::default()
    }
}

fn double_peaked_lines(scene: &mut Scene, draw: &mut Draw) -> Planted {
    let separation = draw.log_uniform(200.0, 750.0);
    let share = draw.uniform(0.35, 0.65);
    let sigma = scene.galaxy.gas.sigma.min(separation / 3.2);
    let lines: Vec<EmissionLine> = scene
        .lines
        .iter()
        .flat_map(|line| {
            [(share, -1.0 + share), (1.0 - share, share)].map(|(part, place)| EmissionLine {
                flux: line.flux * part,
                velocity: place * separation,
                sigma,
                ..*line
            })
        })
        .collect();
    let z = scene.galaxy.z;
    scene.emission.fill(0.0);
    add(&mut scene.emission, &lines, z, scene.scale * (1.0 + z));
    scene.lines = lines;
    let middle = 5500.0 * (1.0 + z);
    let instrument = lsf(middle) / middle * SPEED_OF_LIGHT;
    Planted {
        strength: separation / (2.3548 * (sigma * sigma + instrument * instrument).sqrt()),
        ..Planted::default()
    }
}

/// The catalog takes one line for another, or any other redshift.
fn wrong_redshift(scene: &mut Scene, draw: &mut Draw) -> Planted {
    const CONFUSED: [f64; 5] = [6564.61, 5008.24, 4862.68, 3728.5, 3934.78];
    let z = scene.galaxy.z;
    let far = |other: f64| (0.01..0.62).contains(&other) && ((other - z) / (1.0 + z)).abs() > 0.01;
    let mut other = f64::NAN;
    if draw.chance(0.6) {
        for _ in 0..20 {
            let (is, taken) = (CONFUSED[draw.index(5)], CONFUSED[draw.index(5)]);
            let candidate = (1.0 + z) * is / taken - 1.0;
            if far(candidate) {
                other = candidate;
                break;
            }
        }
    }
    while !far(other) {
        other = draw.uniform(0.01, 0.6);
    }
    scene.z_catalog = other;
    Planted {
        strength: (other - z).abs() / (1.0 + z),
        z_second: Some(other),
        ..Planted::default()
    }
}

fn blend(scene: &mut Scene, limits: (f64, f64), draw: &mut Draw) -> Planted {
    let z = scene.galaxy.z;
    let mut other = Galaxy::draw(draw, Need::Any, limits);
    while (other.z - z).abs() / (1.0 + z) < 0.01 {
        other = Galaxy::draw(draw, Need::Any, limits);
    }
    let share = draw.log_uniform(0.08, 0.5);
    let second = Scene::new(other);
    let at = ((6000.0 - START) / PIXEL) as usize;
    let factor = scene.continuum[at] / second.continuum[at] * share / (1.0 - share);
    for i in 0..LEN {
        scene.continuum[i] += factor * second.continuum[i];
        scene.emission[i] += factor * second.emission[i];
    }
    Planted {
        strength: share,
        z_second: Some(second.galaxy.z),
        ..Planted::default()
    }
}

fn lensed_emission(scene: &mut Scene, draw: &mut Draw) -> Planted {
    // At least [O II] must fall on the detector, away from the thick of the OH lines.
    let z = draw.uniform((scene.galaxy.z + 0.15).max(0.25), 1.45);
    let sigma = draw.uniform(50.0, 130.0);
    let ebv = draw.uniform(0.0, 0.3);
    let lines = Gas::draw(draw, Source::Stars, 1.0, -0.45, sigma, ebv).lines();
    let visible = |line: &&EmissionLine| (3750.0..9750.0).contains(&(line.rest * (1.0 + z)));
    let strongest = lines
        .iter()
        .filter(visible)
        .map(|line| line.flux)
        .fold(0.0, f64::max);
    let flux = draw.log_uniform(4.0, 80.0);
    add(&mut scene.emission, &lines, z, flux / strongest);
    Planted {
        strength: flux,
        z_second: Some(z),
        ..Planted::default()
    }
}

fn missing_lines(scene: &mut Scene, draw: &mut Draw) -> Planted {
    const GROUPS: [(f64, f64); 4] = [
        (6540.0, 6595.0),
        (4950.0, 5015.0),
        (3720.0, 3735.0),
        (6710.0, 6740.0),
    ];
    let z = scene.galaxy.z;
    let scale = scene.scale * (1.0 + z);
    let mut groups: Vec<(f64, (f64, f64))> = GROUPS
        .iter()
        .filter(|(low, high)| low * (1.0 + z) > 3700.0 && high * (1.0 + z) < 9750.0)
        .map(|(low, high)| {
            let flux: f64 = scene
                .lines
                .iter()
                .filter(|line| (*low..*high).contains(&line.rest))
                .map(|line| line.flux * scale)
                .sum();
            (flux, (*low, *high))
        })
        .collect();
    groups.sort_by(|a, b| b.0.total_cmp(&a.0));
    // The strongest or the next: [O III] and [O II] are always in range of the redshifts drawn.
    let (flux, (low, high)) = groups[draw.index(2.min(groups.len()))];
    scene.lines.retain(|line| !(low..high).contains(&line.rest));
    scene.emission.fill(0.0);
    add(&mut scene.emission, &scene.lines, z, scale);
    let margin = 3.5 * scene.galaxy.gas.sigma / SPEED_OF_LIGHT * low + 2.0;
    Planted {
        strength: flux,
        range: Some(((low - margin) * (1.0 + z), (high + margin) * (1.0 + z))),
        ..Planted::default()
    }
}
