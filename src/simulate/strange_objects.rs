//! Supernovae, stars and quasars: spectra that are no galaxy's.

use super::galaxy::{broaden, to_observed};
use super::instrument::{LEN, PIXEL, START, wavelength};
use super::photometry::{self, Band};
use super::random::Draw;
use super::scene::Scene;
use super::stars::{self, planck, templates};
use super::strange_light::{Planted, add, line};
use crate::spectrum::SPEED_OF_LIGHT;
use crate::spectrum::light::{Feature, QUASAR_LINES, TYPE_IA, TYPE_II};

/// A supernova's light against rest wavelength in Angstrom, in units of its blackbody's at 5500 Angstrom.
pub(super) fn supernova_light(draw: &mut Draw) -> impl Fn(f64) -> f64 + use<> {
    let (features, temperature): (&[Feature], f64) = if draw.chance(0.7) {
        (&TYPE_IA, draw.uniform(7500.0, 13000.0))
    } else {
        (&TYPE_II, draw.uniform(6000.0, 10000.0))
    };
    let speed = draw.uniform(8000.0, 13000.0);
    let depth = draw.uniform(0.75, 1.15);
    move |rest: f64| {
        let mut flux = planck(rest, temperature) / planck(5500.0, temperature);
        // Iron-peak lines blanket the ultraviolet.
        flux *= 1.0 / (1.0 + ((3600.0 - rest) / 250.0).exp());
        for (center, absorbed, emitted, width) in features {
            let profile = |at: f64, km_s: f64| {
                let x = (rest / at - 1.0) * SPEED_OF_LIGHT / km_s;
                (-0.5 * x * x).exp()
            };
            flux *=
                1.0 - (depth * absorbed).min(0.95) * profile(center * (1.0 - speed / SPEED_OF_LIGHT), *width);
            flux *= 1.0 + depth * emitted * profile(*center, 1.2 * width);
        }
        flux
    }
}

/// Adds a supernova's light.
pub(super) fn supernova(scene: &mut Scene, draw: &mut Draw) -> Planted {
    let share = draw.log_uniform(0.06, 0.65);
    let light = supernova_light(draw);
    let z = scene.galaxy.z;
    // The host's flux density at 5500 Angstrom rest frame is the scale times what dust lets through, about its continuum there.
    let host = {
        let i = ((5500.0 * (1.0 + z) - START) / PIXEL).clamp(0.0, (LEN - 1) as f64) as usize;
        scene.continuum[i]
    };
    let factor = host * share / (1.0 - share) / light(5500.0);
    for (i, flux) in scene.continuum.iter_mut().enumerate() {
        *flux += factor * light(wavelength(i) / (1.0 + z));
    }
    Planted {
        strength: share,
        ..Planted::default()
    }
}

/// Replaces the galaxy by an object of its fiber magnitude.
fn replace(scene: &mut Scene, mut flux: Vec<f64>, z_true: f64) {
    let scale = photometry::nanomaggies(scene.galaxy.r_fiber_mag) / photometry::flux(&flux, Band::R);
    flux.iter_mut().for_each(|f| *f *= scale);
    scene.continuum = flux;
    scene.emission.fill(0.0);
    scene.lines.clear();
    scene.z_true = z_true;
}

/// A star's light in the observed frame, and its velocity over that of light. Shape: `[LEN]`.
pub(super) fn star_light(draw: &mut Draw) -> (Vec<f64>, f64) {
    let z = draw.normal(0.0, 60.0) / SPEED_OF_LIGHT;
    // Mostly cool dwarfs and giants, as blended or extended-looking stars are; two neighbors of the table are mixed.
    let place = 2.0 + 6.0 * draw.unit().powf(0.6);
    let first = (place as usize).min(7);
    let share = (place - first as f64) as f32;
    let stars = &templates().stars;
    let rest: Vec<f32> = stars[first]
        .iter()
        .zip(&stars[first + 1])
        .map(|(a, b)| a * (1.0 - share) + b * share)
        .collect();
    let rest = broaden(&rest, 0, stars::LEN, 30.0);
    (to_observed(&rest, z), z)
}

/// A star in the galaxy's place.
pub(super) fn star(scene: &mut Scene, draw: &mut Draw) -> Planted {
    let (light, z) = star_light(draw);
    replace(scene, light, z);
    Planted::default()
}

/// A quasar's light in the observed frame, and its redshift. Shape: `[LEN]`.
pub(super) fn quasar_light(draw: &mut Draw) -> (Vec<f64>, f64) {
    let z = draw.log_uniform(0.75, 3.2);
    let slope = draw.normal(-1.5, 0.25);
    let sigma = draw.log_uniform(1300.0, 3500.0);
    let strength = draw.scatter(0.15);
    let mut flux: Vec<f64> = (0..LEN).map(|i| (wavelength(i) / 6000.0).powf(slope)).collect();
    for (rest, width, factor) in QUASAR_LINES {
        let center = rest * (1.0 + z) / 6000.0;
        let flux_of_line = width * strength * draw.scatter(0.08) * center.powf(slope) * (1.0 + z);
        add(
            &mut flux,
            &[line("quasar", rest, flux_of_line, sigma * factor)],
            z,
            1.0,
        );
    }
    // Mean Lyman alpha forest of Faucher-Giguere et al. 2008 (ApJ 681, 831) with a coarse scatter, and the Lyman limit.
    let mut patch = 1.0;
    for (i, flux) in flux.iter_mut().enumerate() {
        let w = wavelength(i);
        if w > 1215.67 * (1.0 + z) {
            break;
        }
        if i % 3 == 0 {
            patch = draw.log_uniform(0.15, 3.0);
        }
        let tau = 0.0018 * (w / 1215.67).powf(3.92) * patch;
        let limit = if w < 912.0 * (1.0 + z) { 0.1 } else { 1.0 };
        *flux *= (-tau).exp() * limit;
    }
    (flux, z)
}

/// A quasar in the galaxy's place.
pub(super) fn quasar(scene: &mut Scene, draw: &mut Draw) -> Planted {
    let (light, z) = quasar_light(draw);
    replace(scene, light, z);
    Planted {
        z_second: Some(z),
        ..Planted::default()
    }
}
