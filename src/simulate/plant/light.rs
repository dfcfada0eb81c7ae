//! Light of other objects, and a catalog that is wrong about the redshift.

use super::ground::{Ground, Shape};
use super::{Change, Proposal};
use crate::simulate::instrument::{LEN, PIXEL, START};
use crate::simulate::random::Draw;
use crate::simulate::strange_objects::{quasar_light, star_light, supernova_light};
use crate::spectrum::Spectrum;

/// Redshifts are other ones from here on, in units of 1 + z.
const OTHER: f64 = 0.01;

/// Linear interpolation in ascending abscissae; constant beyond the ends.
fn interpolated(x: &[f64], y: &[f64], at: f64) -> f64 {
    let above = x.partition_point(|x| *x < at).clamp(1, x.len() - 1);
    let share = ((at - x[above - 1]) / (x[above] - x[above - 1])).clamp(0.0, 1.0);
    y[above - 1] * (1.0 - share) + y[above] * share
}

/// Light on the simulator's grid, on the ground's pixels.
fn regridded(ground: &Ground, light: &[f64]) -> Vec<f64> {
    let at = |wavelength: f64| {
        let position = ((wavelength - START) / PIXEL).clamp(0.0, (LEN - 2) as f64);
        let i = position as usize;
        light[i] + (light[i + 1] - light[i]) * (position - i as f64).clamp(0.0, 1.0)
    };
    ground.wavelength.iter().map(|w| at(*w)).collect()
}

pub(super) fn supernova(ground: &Ground, draw: &mut Draw) -> Option<Proposal> {
    let light = supernova_light(draw);
    let light = ground
        .wavelength
        .iter()
        .map(|w| light(w / (1.0 + ground.z)))
        .collect();
    Some(Proposal::of(Change::Added {
        light: ground.leveled(light)?,
        most: 2.0,
    }))
}

pub(super) fn star(ground: &Ground, draw: &mut Draw) -> Option<Proposal> {
    let (light, z) = star_light(draw);
    Some(Proposal {
        z_second: Some(z),
        ..Proposal::of(Change::Mixed {
            light: ground.leveled(regridded(ground, &light))?,
        })
    })
}

pub(super) fn quasar(ground: &Ground, draw: &mut Draw) -> Option<Proposal> {
    let (light, z) = quasar_light(draw);
    Some(Proposal {
        z_second: Some(z),
        ..Proposal::of(Change::Mixed {
            light: ground.leveled(regridded(ground, &light))?,
        })
    })
}

/// Another galaxy of the catalog, at most as bright as this one. Its noise is smoothed away as far as its lines allow.
pub(super) fn blend(ground: &Ground, others: &[Spectrum], draw: &mut Draw) -> Option<Proposal> {
    let other = &others[draw.index(others.len().max(1))..].first()?;
    let z = other.facts.z?;
    if (z - ground.z).abs() < OTHER * (1.0 + ground.z) {
        return None;
    }
    let other = Ground::new(other, other)?;
    let light: Vec<f64> = ground
        .wavelength
        .iter()
        .map(|w| interpolated(&other.wavelength, &other.fine, *w))
        .collect();
    Some(Proposal {
        z_second: Some(z),
        ..Proposal::of(Change::Added {
            light: ground.leveled(light)?,
            most: 1.0,
        })
    })
}

/// One line taken for another, or the redshift of another galaxy; within the redshifts of the catalog.
pub(super) fn wrong_redshift(ground: &Ground, others: &[Spectrum], draw: &mut Draw) -> Option<Proposal> {
    const CONFUSED: [f64; 5] = [6564.61, 5008.24, 4862.68, 3728.5, 3934.78];
    let redshifts = others.iter().filter_map(|other| other.facts.z);
    let highest = redshifts.fold(0.0, f64::max);
    let other = if draw.chance(0.6) {
        (1.0 + ground.z) * CONFUSED[draw.index(5)] / CONFUSED[draw.index(5)] - 1.0
    } else {
        others[draw.index(others.len().max(1))..].first()?.facts.z?
    };
    let far = (other - ground.z).abs() > OTHER * (1.0 + ground.z);
    (far && other > 0.003 && other < highest.max(0.35)).then(|| Proposal {
        z_second: Some(ground.z),
        ..Proposal::of(Change::Redshift(other))
    })
}

/// How visible it is that the spectrum's features do not stand where redshift `z` puts them: the spectrum against itself, moved.
pub(super) fn misfit(ground: &Ground, z: f64) -> f64 {
    let shift = (1.0 + ground.z) / (1.0 + z);
    let features: Vec<f64> = ground
        .fine
        .iter()
        .zip(&ground.smooth)
        .map(|(f, s)| f - s)
        .collect();
    let moved: Vec<f64> = (0..ground.len())
        .map(|i| features[i] - interpolated(&ground.wavelength, &features, ground.wavelength[i] * shift))
        .collect();
    // Half of it: the features that are there, not also those that are missed.
    ground.visibility(&moved, Shape::Curved) / std::f64::consts::SQRT_2
}
