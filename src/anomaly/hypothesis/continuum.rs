//! A continuum that is not the galaxy's: a step, a tilt, a bend.

use super::projection::Projection;
use crate::anomaly::Residual;

/// Steps are looked for at every so many pixels.
const STRIDE: usize = 8;

/// Step anywhere, step at a place prone to artifacts, slope, curvature: absolute significances.
pub(super) fn measure(projection: &Projection, residual: &Residual, model: &[f64]) -> [f64; 4] {
    let pixels = projection.pixels();
    // A wrong calibration multiplies: its shape is that of the spectrum.
    let typical = model.iter().sum::<f64>() / pixels as f64;
    let light: Vec<f64> = model.iter().map(|value| value.max(0.05 * typical)).collect();
    let (mut anywhere, mut at_joint) = (0.0f64, 0.0f64);
    for (at, sigma) in projection.steps(&light, STRIDE) {
        anywhere = anywhere.max(sigma.abs());
        let near = at.saturating_sub(STRIDE)..(at + STRIDE).min(pixels);
        if residual.artifact[near].iter().any(|prone| *prone) {
            at_joint = at_joint.max(sigma.abs());
        }
    }
    let place = |pixel: usize| 2.0 * pixel as f64 / pixels as f64 - 1.0;
    let bent = |power: i32, mean: f64| -> Vec<f64> {
        light
            .iter()
            .enumerate()
            .map(|(pixel, light)| light * (place(pixel).powi(power) - mean))
            .collect()
    };
    let slope = projection.significance(&bent(1, 0.0)).abs();
    let curvature = projection.significance(&bent(2, 1.0 / 3.0)).abs();
    [anywhere, at_joint, slope, curvature]
}
