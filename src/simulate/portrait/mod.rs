//! A picture of a simulated object and its surroundings, as an imaging survey would show it: drawn, not observed, and marked so.
//!
//! The object has the magnitudes and colors that its spectrum was made with, and a size and a bulge that let its share of the light fall into the
//! fiber. Its neighbors have none in the catalog. Bands, stretch and noise are those of the Legacy Surveys' color pictures.

mod canvas;
mod field;
mod galaxy;
mod mark;

use canvas::{Canvas, Colors, Light};

use super::random::{Draw, Purpose};
use super::{AnomalyKind, Simulated};

/// A picture in color, north up and east left, the object in its middle.
///
/// Shapes: `rgb` has three bytes a pixel, row by row from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portrait {
    /// Width and height.
    pub pixels: u32,
    pub rgb: Vec<u8>,
}

/// The picture of a simulated object at `scale` arcseconds a pixel. The same object, scale and size give the same picture.
pub fn portrait(simulated: &Simulated, scale: f64, pixels: u32) -> Portrait {
    let truth = &simulated.truth;
    // The target id has the seed in it, so that no two simulations have the same neighbors.
    let mut draw = Draw::new(truth.targetid.cast_unsigned(), Purpose::Portrait, truth.index);
    let mut canvas = Canvas::new(scale, pixels);
    field::paint(&mut canvas, &mut draw);
    object(&mut canvas, simulated, &mut draw);
    let mut rgb = canvas.develop(&mut draw);
    mark::stamp(&mut rgb, pixels);
    Portrait { pixels, rgb }
}

/// Paints the object itself.
fn object(canvas: &mut Canvas, simulated: &Simulated, draw: &mut Draw) {
    let (facts, truth) = (&simulated.spectrum.facts, &simulated.truth);
    let flux = |value: Option<f32>| f64::from(value.unwrap_or_default()).max(0.0);
    let total: Colors = [flux(facts.flux_g), flux(facts.flux_r), flux(facts.flux_z)];
    let in_fiber = 10f64
        .powf(-0.4 * (truth.r_fiber_mag - truth.r_mag))
        .clamp(0.02, 0.98);
    let point = |share: f64| total.map(|flux| flux * in_fiber * share / canvas::in_fiber(0.0));
    let strength = truth.strength.unwrap_or_default();
    match truth.kind {
        Some(AnomalyKind::StarAsGalaxy) => canvas.star((0.0, 0.0), point(1.0)),
        Some(AnomalyKind::QuasarAsGalaxy) => {
            canvas.star((0.0, 0.0), point(0.97));
            // the host, faint and smooth
            let host = galaxy::Shape {
                radius: 1.0,
                axis_ratio: 1.0,
                angle: 0.0,
                bulge: 1.0,
                bulge_radius: 0.8,
            };
            galaxy::smooth(canvas, (0.0, 0.0), &host, point(0.06));
        }
        Some(AnomalyKind::BroadLineAgn) => {
            // The nucleus has the share of a continuum that its lines' width goes with.
            let share = (strength / 500.0 / (1.0 + strength / 500.0)).clamp(0.05, 0.6);
            let blue = [1.25, 1.0, 0.8];
            let nucleus = std::array::from_fn(|band| point(share)[band] * blue[band]);
            let host = std::array::from_fn(|band| (total[band] - nucleus[band]).max(0.3 * total[band]));
            galaxy::paint(canvas, truth.galaxy_type, host, in_fiber, draw);
            canvas.star((0.0, 0.0), nucleus);
        }
        Some(AnomalyKind::Supernova) => {
            let light: Colors = std::array::from_fn(|band| point(strength)[band] * [1.3, 1.0, 0.7][band]);
            let host = std::array::from_fn(|band| (total[band] - light[band]).max(0.3 * total[band]));
            galaxy::paint(canvas, truth.galaxy_type, host, in_fiber, draw);
            let (angle, away) = (draw.uniform(0.0, std::f64::consts::TAU), draw.uniform(0.3, 0.7));
            canvas.star((away * angle.cos(), away * angle.sin()), light);
        }
        Some(AnomalyKind::Blend) => {
            let first = total.map(|flux| flux * (1.0 - strength));
            galaxy::paint(canvas, truth.galaxy_type, first, in_fiber, draw);
            let (angle, away) = (draw.uniform(0.0, std::f64::consts::TAU), draw.uniform(1.3, 2.6));
            let warm = draw.chance(0.5);
            let tint = if warm { [0.7, 1.0, 1.2] } else { [1.4, 1.0, 0.75] };
            let second: Colors = std::array::from_fn(|band| total[band] * strength * tint[band]);
            let shape = galaxy::Shape {
                radius: draw.uniform(0.6, 1.3),
                axis_ratio: draw.uniform(0.45, 0.95),
                angle: draw.uniform(0.0, std::f64::consts::PI),
                bulge: if warm { 0.8 } else { 0.15 },
                bulge_radius: 0.5,
            };
            galaxy::smooth(canvas, (away * angle.cos(), away * angle.sin()), &shape, second);
        }
        Some(AnomalyKind::LensedEmission) => {
            galaxy::paint(canvas, truth.galaxy_type, total, in_fiber, draw);
            galaxy::arcs(canvas, draw);
        }
        _ => galaxy::paint(canvas, truth.galaxy_type, total, in_fiber, draw),
    }
}

impl Canvas {
    /// A point of light as the air spreads it.
    fn star(&mut self, at: (f64, f64), flux: Colors) {
        self.add(&Light {
            at,
            flux,
            ..Light::point()
        });
    }
}
