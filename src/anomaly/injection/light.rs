//! The light of other things: supernovae, stars, quasars, another galaxy. Shapes: all returned light has one value a pixel.

use super::canvas::Canvas;
use crate::anomaly::draw::Draw;
use crate::anomaly::templates;
use crate::spectrum::SPEED_OF_LIGHT;

pub(super) fn supernova(canvas: &Canvas, draw: &mut Draw) -> Vec<f64> {
    let kind = usize::from(draw.unit() < 0.3);
    let temperature = draw.uniform(6500.0, 13_000.0);
    let speed = draw.uniform(7500.0, 13_500.0);
    let depth = draw.uniform(0.7, 1.2);
    canvas
        .rest
        .iter()
        .map(|rest| templates::supernova(kind, *rest, temperature, speed, depth))
        .collect()
}

pub(super) fn star(canvas: &Canvas, draw: &mut Draw) -> Vec<f64> {
    let temperature = draw.log_uniform(2900.0, 22_000.0);
    let metals = draw.uniform(0.3, 1.3);
    let velocity = 1.0 + draw.normal() * 60.0 / SPEED_OF_LIGHT;
    (0..canvas.len())
        .map(|pixel| templates::star(canvas.observed(pixel) / velocity, temperature, metals))
        .collect()
}

pub(super) fn quasar(canvas: &Canvas, draw: &mut Draw) -> Vec<f64> {
    let stretch = draw.log_uniform(1.3, 4.3);
    let slope = -1.4 + 0.35 * draw.normal();
    let width = draw.log_uniform(1300.0, 4000.0);
    let strength = draw.log_uniform(0.5, 1.6);
    (0..canvas.len())
        .map(|pixel| templates::quasar(canvas.observed(pixel) / stretch, slope, width, strength))
        .collect()
}

/// Another spectrum's model at another redshift; beyond its ends it goes on as it ended.
pub(super) fn blend(canvas: &Canvas, other: &[f32], draw: &mut Draw) -> Option<Vec<f64>> {
    let shift = canvas.shift(draw)?;
    let last = other.len().checked_sub(1)? as isize;
    let light: Vec<f64> = (0..canvas.len() as isize)
        .map(|pixel| f64::from(other[(pixel - shift).clamp(0, last) as usize]))
        .collect();
    light.iter().all(|value| value.is_finite()).then_some(light)
}
