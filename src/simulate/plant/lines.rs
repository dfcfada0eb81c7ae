//! Lines: more of them, fewer, or at other places.

use super::ground::{Ground, Shape};
use super::{Change, Proposal};
use crate::simulate::gas::{EmissionLine, Gas, Source};
use crate::simulate::random::Draw;
use crate::simulate::strange_light::{broad_lines, line};
use crate::spectrum::lines::{self as known, LineKind};
use crate::spectrum::{SPEED_OF_LIGHT, artifact_zone};

/// Sigma of an unresolved line, pixels: surveys sample it about so.
const UNRESOLVED: f64 = 1.1;

/// Groups of emission lines that stand apart: rest wavelengths from and to, Angstrom vacuum.
const GROUPS: [(f64, f64); 5] = [
    (6535.0, 6600.0), // H alpha, [N II]
    (4940.0, 5025.0), // [O III]
    (3718.0, 3739.0), // [O II]
    (4848.0, 4877.0), // H beta
    (6704.0, 6746.0), // [S II]
];

/// Lines on the ground's pixels. Fluxes are in the spectrum's unit times Angstrom.
fn drawn(ground: &Ground, lines: &[EmissionLine], z: f64) -> Vec<f64> {
    let mut light = vec![0.0; ground.len()];
    for line in lines {
        let center = line.rest * (1.0 + z) * (1.0 + line.velocity / SPEED_OF_LIGHT);
        let pixel = ground.pixel(ground.at(center));
        let own = center * line.sigma / SPEED_OF_LIGHT;
        let sigma = (own * own + (UNRESOLVED * pixel).powi(2)).sqrt();
        let peak = line.flux / (sigma * std::f64::consts::TAU.sqrt());
        let (low, high) = (ground.at(center - 5.0 * sigma), ground.at(center + 5.0 * sigma));
        for i in low..high {
            let x = (ground.wavelength[i] - center) / sigma;
            light[i] += peak * (-0.5 * x * x).exp();
        }
    }
    light
}

/// Whether a line at an observed wavelength would be seen: on measured pixels, away from the sky's lines.
fn is_clear(ground: &Ground, observed: f64, margin: usize) -> bool {
    let at = ground.at(observed);
    let (low, high) = (at.saturating_sub(margin), (at + margin + 1).min(ground.len()));
    at >= ground.span.0 + 2 * margin
        && at + 2 * margin < ground.span.1
        && (low..high).all(|i| ground.is_valid(i))
        && artifact_zone(observed, ground.spectrum.mask_kind).is_none()
}

/// One line of 60 to 220 km/s where no line is known, at the galaxy's redshift.
pub(super) fn narrow(ground: &Ground, draw: &mut Draw) -> Option<Proposal> {
    let (low, high) = ground.range();
    let observed = draw.uniform(low, high);
    let rest = observed / (1.0 + ground.z);
    let margin = 600.0 / SPEED_OF_LIGHT * rest;
    let taken = known::nearest(rest, margin, &[LineKind::Emission, LineKind::Absorption]).is_some();
    if taken || !is_clear(ground, observed, 5) {
        return None;
    }
    let line = line("unknown", rest, 1.0, draw.log_uniform(60.0, 220.0));
    Some(Proposal::of(Change::Added {
        light: drawn(ground, &[line], ground.z),
        most: f64::INFINITY,
    }))
}

/// Broad Balmer lines, at least one of the two strongest within the spectrum.
pub(super) fn broad(ground: &Ground, draw: &mut Draw) -> Option<Proposal> {
    let lines = broad_lines(1.0, draw);
    let seen = |rest: f64| {
        let at = ground.at(rest * (1.0 + ground.z));
        at > ground.span.0 + 60 && at + 60 < ground.span.1
    };
    if !seen(6564.61) && !seen(4862.68) {
        return None;
    }
    Some(Proposal::of(Change::Added {
        light: drawn(ground, &lines, ground.z),
        most: f64::INFINITY,
    }))
}

/// The lines of a star-forming galaxy behind, the strongest of them on clear pixels.
pub(super) fn lensed(ground: &Ground, draw: &mut Draw) -> Option<Proposal> {
    let (low, high) = ground.range();
    // [O II] at least must be on the detector.
    let farthest = (high / 3729.0 - 1.0 - 0.02).min(1.6);
    let nearest = (ground.z + 0.1).max(low / 5008.0 - 1.0 + 0.01);
    if nearest >= farthest {
        return None;
    }
    let z = draw.uniform(nearest, farthest);
    let (sigma, ebv) = (draw.uniform(50.0, 130.0), draw.uniform(0.0, 0.3));
    let lines = Gas::draw(draw, Source::Stars, 1.0, -0.45, sigma, ebv).lines();
    let within = |line: &&EmissionLine| (low..high).contains(&(line.rest * (1.0 + z)));
    let strongest = lines
        .iter()
        .filter(within)
        .max_by(|a, b| a.flux.total_cmp(&b.flux))?;
    if !is_clear(ground, strongest.rest * (1.0 + z), 4) {
        return None;
    }
    Some(Proposal {
        z_second: Some(z),
        ..Proposal::of(Change::Added {
            light: drawn(ground, &lines, z),
            most: f64::INFINITY,
        })
    })
}

/// What stands above the continuum in a group of lines: nothing outside it, `None` where it is no emission that can be told from noise.
fn group_light(ground: &Ground, group: (f64, f64)) -> Option<(usize, Vec<f64>)> {
    const FLANK: f64 = 25.0;
    const LEAST_SIGMA: f64 = 12.0;
    let stretch = 1.0 + ground.z;
    let bounds = [group.0 - FLANK, group.0, group.1, group.1 + FLANK].map(|rest| ground.at(rest * stretch));
    let [before, low, high, after] = bounds;
    let short = bounds.windows(2).any(|pair| pair[1] - pair[0] < 4);
    if before < ground.span.0 || after >= ground.span.1 || short {
        return None;
    }
    if (before..after).any(|i| !ground.is_valid(i) || !ground.clean.is_valid(i)) {
        return None;
    }
    let median = |range: std::ops::Range<usize>| {
        let mut values: Vec<f64> = range.map(|i| f64::from(ground.clean.flux[i])).collect();
        let middle = values.len() / 2;
        *values.select_nth_unstable_by(middle, f64::total_cmp).1
    };
    let (left, right) = (median(before..low), median(high..after));
    let light: Vec<f64> = (low..high)
        .map(|i| {
            let share = (i - low) as f64 / (high - low) as f64;
            f64::from(ground.clean.flux[i]) - (left + share * (right - left))
        })
        .collect();
    let variance: f64 = (low..high).map(|i| 1.0 / f64::from(ground.clean.ivar[i])).sum();
    (light.iter().sum::<f64>() > LEAST_SIGMA * variance.sqrt()).then_some((low, light))
}

/// Emission lines split by 250 to 800 km/s, all alike.
pub(super) fn double_peaked(ground: &Ground, draw: &mut Draw) -> Option<Proposal> {
    let separation = draw.log_uniform(250.0, 800.0);
    let share = draw.uniform(0.35, 0.65);
    let parts = [(share, share - 1.0), (1.0 - share, share)];
    let mut light = vec![0.0; ground.len()];
    let mut found = false;
    for (low, group) in GROUPS.iter().filter_map(|group| group_light(ground, *group)) {
        found = true;
        for (i, value) in group.iter().enumerate() {
            light[low + i] -= value;
        }
        for (part, place) in parts {
            let shift = 1.0 + place * separation / SPEED_OF_LIGHT;
            let margin = 30.min(low);
            for i in low - margin..(low + group.len() + 30).min(ground.len()) {
                // Where the light of this pixel stood before it was shifted.
                let at = position(ground, ground.wavelength[i] / shift) - low as f64;
                light[i] += part * interpolated(&group, at);
            }
        }
    }
    found.then(|| Proposal::of(Change::Added { light, most: 1.0 }))
}

/// The fractional pixel of a wavelength.
fn position(ground: &Ground, wavelength: f64) -> f64 {
    let above = ground.at(wavelength).max(1);
    let (low, high) = (ground.wavelength[above - 1], ground.wavelength[above]);
    (above - 1) as f64 + (wavelength - low) / (high - low)
}

/// The value at a fractional index; 0 outside.
fn interpolated(values: &[f64], at: f64) -> f64 {
    let low = at.floor();
    let value = |index: f64| {
        if index >= 0.0 {
            values.get(index as usize).copied().unwrap_or(0.0)
        } else {
            0.0
        }
    };
    value(low) * (1.0 - (at - low)) + value(low + 1.0) * (at - low)
}

/// H alpha with \[N II\], or \[O III\], gone altogether: one whose absence has a visibility in `range`, of a galaxy whose other lines are there to see. Without them it
/// would be an ordinary quiescent galaxy.
pub(super) fn missing(ground: &Ground, range: (f64, f64), draw: &mut Draw) -> Option<Proposal> {
    const SEEN: f64 = 7.0;
    let groups: Vec<Option<(Vec<f64>, f64)>> = GROUPS
        .iter()
        .map(|group| {
            let (low, group) = group_light(ground, *group)?;
            let mut light = vec![0.0; ground.len()];
            for (i, value) in group.iter().enumerate() {
                light[low + i] = -value;
            }
            let visibility = ground.visibility(&light, Shape::Curved);
            Some((light, visibility))
        })
        .collect();
    let seen = groups
        .iter()
        .flatten()
        .filter(|(_, visibility)| *visibility >= SEEN)
        .count();
    let mut candidates: Vec<Vec<f64>> = groups
        .into_iter()
        .take(2)
        .flatten()
        .filter(|(_, visibility)| {
            let others = seen - usize::from(*visibility >= SEEN);
            others > 0 && (range.0..range.1).contains(visibility)
        })
        .map(|(light, _)| light)
        .collect();
    if candidates.is_empty() {
        return None;
    }
    let light = candidates.swap_remove(draw.index(candidates.len()));
    Some(Proposal {
        whole: true,
        ..Proposal::of(Change::Added { light, most: 1.0 })
    })
}
