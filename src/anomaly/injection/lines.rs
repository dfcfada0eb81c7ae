//! Lines: more of them, fewer, or at other places. Shapes: all returned light has one value a pixel.

use super::canvas::Canvas;
use crate::anomaly::draw::Draw;
use crate::spectrum::SPEED_OF_LIGHT;

/// Balmer lines: rest wavelength (Angstrom vacuum) and flux relative to H alpha, about case B.
const BALMER: [(f64, f64); 4] = [(6564.61, 1.0), (4862.68, 0.33), (4341.68, 0.15), (4102.89, 0.08)];
/// The strongest lines of star-forming galaxies and their typical fluxes.
const STAR_FORMING: [(f64, f64); 7] = [
    (3728.5, 1.0),
    (4341.68, 0.16),
    (4862.68, 0.36),
    (4960.30, 0.25),
    (5008.24, 0.75),
    (6564.61, 1.1),
    (6585.27, 0.3),
];
/// Those of active nuclei with narrow lines, the same.
const ACTIVE: [(f64, f64); 10] = [
    (3728.5, 0.6),
    (3869.86, 0.25),
    (4862.68, 0.15),
    (4960.30, 0.5),
    (5008.24, 1.5),
    (6302.05, 0.15),
    (6564.61, 0.6),
    (6585.27, 0.6),
    (6718.29, 0.2),
    (6732.67, 0.2),
];
/// Groups of emission lines that stand apart: rest wavelengths from and to.
const GROUPS: [(f64, f64); 5] = [
    (6530.0, 6605.0),
    (4935.0, 5030.0),
    (3715.0, 3742.0),
    (4845.0, 4880.0),
    (6700.0, 6750.0),
];

/// Adds a Gaussian of `sigma` pixels.
fn add(light: &mut [f64], center: f64, sigma: f64, peak: f64) {
    let reach = 5.0 * sigma;
    let start = (center - reach).max(0.0) as usize;
    let end = ((center + reach).max(0.0) as usize + 1).min(light.len());
    for (pixel, light) in light.iter_mut().enumerate().take(end).skip(start) {
        let x = (pixel as f64 - center) / sigma;
        *light += peak * (-0.5 * x * x).exp();
    }
}

/// Pixels in a velocity (km/s) at a pixel.
fn pixels(canvas: &Canvas, velocity: f64, at: usize) -> f64 {
    let at = at.clamp(1, canvas.len() - 1);
    velocity / SPEED_OF_LIGHT / (canvas.rest[at] / canvas.rest[at - 1]).ln()
}

/// A set of lines at the spectrum's redshift times `stretch`, `velocity` wide (km/s); how many are on the grid.
fn set(canvas: &Canvas, lines: &[(f64, f64)], stretch: f64, velocity: f64, light: &mut [f64]) -> usize {
    let mut seen = 0;
    for (rest, flux) in lines {
        if let Some(at) = canvas.at(rest * stretch) {
            // Survey spectra sample an unresolved line with a sigma of about a pixel.
            let sigma = pixels(canvas, velocity, at).hypot(1.1);
            add(light, at as f64, sigma, flux / sigma);
            seen += usize::from(canvas.is_valid(at));
        }
    }
    seen
}

pub(super) fn narrow(canvas: &Canvas, draw: &mut Draw) -> Option<Vec<f64>> {
    let mut light = vec![0.0; canvas.len()];
    for line in 0..1 + draw.index(2) {
        let at = canvas.place(10, draw)?;
        let sigma = draw.uniform(1.0, 4.0);
        let peak = if line == 0 { 1.0 } else { draw.unit() };
        add(&mut light, at as f64, sigma, peak / sigma);
    }
    Some(light)
}

pub(super) fn absorption(canvas: &Canvas, draw: &mut Draw) -> Vec<f64> {
    let mut light = vec![0.0; canvas.len()];
    for _ in 0..1 + draw.index(3) {
        if let Some(at) = canvas.place(10, draw) {
            let depth = -canvas.smooth[at].max(0.0) * draw.uniform(0.3, 1.0);
            add(&mut light, at as f64, draw.log_uniform(1.0, 30.0), depth);
        }
    }
    light
}

pub(super) fn broad_balmer(canvas: &Canvas, draw: &mut Draw) -> Vec<f64> {
    let mut light = vec![0.0; canvas.len()];
    let velocity = draw.log_uniform(800.0, 4500.0);
    let stretch = 1.0 + draw.normal() * 200.0 / SPEED_OF_LIGHT;
    set(canvas, &BALMER, stretch, velocity, &mut light);
    light
}

/// More of the galaxy's own lines than it has: a starburst, or an active nucleus.
pub(super) fn strong(canvas: &Canvas, draw: &mut Draw) -> Option<Vec<f64>> {
    let mut light = vec![0.0; canvas.len()];
    let typical = if draw.unit() < 0.5 {
        &STAR_FORMING[..]
    } else {
        &ACTIVE[..]
    };
    let lines: Vec<(f64, f64)> = typical
        .iter()
        .map(|(rest, flux)| (*rest, flux * draw.log_uniform(0.5, 2.0)))
        .collect();
    let seen = set(canvas, &lines, 1.0, draw.uniform(50.0, 250.0), &mut light);
    (seen > 1).then_some(light)
}

pub(super) fn second(canvas: &Canvas, draw: &mut Draw) -> Option<Vec<f64>> {
    let mut light = vec![0.0; canvas.len()];
    let lines = STAR_FORMING.map(|(rest, flux)| (rest, flux * draw.log_uniform(0.4, 2.5)));
    let stretch = draw.uniform(0.6, 2.4);
    let seen = set(canvas, &lines, stretch, draw.uniform(40.0, 150.0), &mut light);
    (seen > 0).then_some(light)
}

/// Emission that the model draws within the groups; 0 elsewhere.
fn drawn(canvas: &Canvas, group: (f64, f64)) -> Vec<f64> {
    (0..canvas.len())
        .map(|pixel| {
            let inside = (group.0..group.1).contains(&canvas.rest[pixel]);
            if inside {
                canvas.line_light[pixel].max(0.0)
            } else {
                0.0
            }
        })
        .collect()
}

/// A group of lines gone in a spectrum that shows others: without them it would be a galaxy without lines, which is nothing strange. Lines that are too strong are not planted: the
/// sky makes those, in starbursts and active nuclei, and no instrument does.
pub(super) fn gone(canvas: &Canvas, draw: &mut Draw, least: f64) -> Option<Vec<f64>> {
    // What is really there, not what the model makes of it, as far as the noise allows.
    let mut visible: Vec<Vec<f64>> = GROUPS
        .iter()
        .map(|group| drawn(canvas, *group))
        .filter(|light| canvas.visibility(light) >= least)
        .collect();
    if visible.len() < 2 {
        return None;
    }
    let light = visible.swap_remove(draw.index(visible.len()));
    let kept = draw.uniform(0.0, 0.25);
    Some(light.iter().map(|value| (kept - 1.0) * value).collect())
}

pub(super) fn double_peak(canvas: &Canvas, draw: &mut Draw) -> Option<Vec<f64>> {
    let mut light = vec![0.0; canvas.len()];
    let separation = draw.log_uniform(220.0, 850.0);
    let share = draw.uniform(0.35, 0.65);
    let mut found = false;
    for group in GROUPS {
        let Some(at) = canvas.at(group.0) else { continue };
        let own = drawn(canvas, group);
        let apart = pixels(canvas, separation, at);
        let shifts = [(share, (share - 1.0) * apart), (1.0 - share, share * apart)];
        for (pixel, own_light) in own.iter().enumerate() {
            if *own_light <= 0.0 {
                continue;
            }
            found = true;
            light[pixel] -= own_light;
            for (part, shift) in shifts {
                let to = pixel as f64 + shift;
                let low = to.floor();
                for (index, weight) in [(low, 1.0 - (to - low)), (low + 1.0, to - low)] {
                    if index >= 0.0 && (index as usize) < light.len() {
                        light[index as usize] += part * weight * own_light;
                    }
                }
            }
        }
    }
    found.then_some(light)
}
