//! What else is in the picture: faint galaxies and stars of the Milky Way, at the same places at every scale.

use super::canvas::Canvas;
use super::galaxy::{self, Shape};
use crate::simulate::photometry::nanomaggies;
use crate::simulate::random::Draw;

/// Half the side of the square in which there are neighbors, arcseconds.
const REACH: f64 = 180.0;
/// Galaxies from magnitude 18 to 24.3 in r and stars from 14 to 22.5, in a square arcminute: rounded from the counts of deep surveys.
const GALAXIES: f64 = 26.0;
const STARS: f64 = 1.6;
/// No neighbor is nearer to the middle, arcseconds, so that the fiber has what its spectrum has; a bright one stays farther away.
const NEAREST: f64 = 4.0;

pub(super) fn paint(canvas: &mut Canvas, draw: &mut Draw) {
    let area = (2.0 * REACH / 60.0).powi(2);
    let around = |at: (f64, f64), room: f64| {
        let edge = canvas.reach() + 8.0;
        at.0.hypot(at.1) > room && at.0.abs() < edge && at.1.abs() < edge
    };
    let mut galaxies = Vec::new();
    for _ in 0..(area * GALAXIES) as usize {
        let at = (draw.uniform(-REACH, REACH), draw.uniform(-REACH, REACH));
        // Counts rise by 10^0.35 a magnitude.
        let r = 24.3 + (draw.unit().max(1e-3)).log10() / 0.35;
        let r = r.max(18.0);
        // g - r of galaxies that form stars and of those that do not, and r - z along with it.
        let blue = if draw.chance(0.72) {
            draw.normal(0.6, 0.2)
        } else {
            draw.normal(1.35, 0.2)
        };
        let red = 0.15 + 0.5 * blue + draw.normal(0.0, 0.08);
        let shape = Shape {
            radius: (0.55 * 10f64.powf(0.14 * (23.0 - r)) * draw.scatter(0.15)).clamp(0.15, 6.0),
            axis_ratio: draw.uniform(0.3, 1.0),
            angle: draw.uniform(0.0, std::f64::consts::PI),
            bulge: if blue > 1.0 { 0.8 } else { draw.uniform(0.0, 0.3) },
            bulge_radius: 0.0,
        };
        let shape = Shape {
            bulge_radius: 0.5 * shape.radius,
            ..shape
        };
        if around(at, NEAREST + 3.0 * shape.radius) {
            galaxies.push((at, shape, [r + blue, r, r - red].map(nanomaggies)));
        }
    }
    let mut stars = Vec::new();
    for _ in 0..(area * STARS) as usize {
        let at = (draw.uniform(-REACH, REACH), draw.uniform(-REACH, REACH));
        let r = 22.5 + (draw.unit().max(1e-3)).log10() / 0.25;
        let r = r.max(14.0);
        let blue = draw.uniform(0.3, 1.5);
        if around(at, NEAREST + 2.5 * (20.0 - r).max(0.0)) {
            stars.push((at, [r + blue, r, r - 0.6 * blue].map(nanomaggies)));
        }
    }
    for (at, shape, flux) in galaxies {
        galaxy::smooth(canvas, at, &shape, flux);
    }
    for (at, flux) in stars {
        canvas.star(at, flux);
    }
}
