//! What instrument and reduction leave behind. Shapes: all that is returned has one value a pixel.

use super::canvas::Canvas;
use crate::anomaly::draw::Draw;

pub(super) fn bump(canvas: &Canvas, draw: &mut Draw) -> Vec<f64> {
    let center = canvas.place(20, draw).unwrap_or(canvas.len() / 2) as f64;
    let sigma = draw.log_uniform(0.01, 0.11) * canvas.valid.len() as f64;
    let sign = draw.sign();
    (0..canvas.len())
        .map(|pixel| {
            let x = (pixel as f64 - center) / sigma;
            sign * (-0.5 * x * x).exp()
        })
        .collect()
}

/// At a place that is prone to artifacts where there is one, as camera joints are, or anywhere.
pub(super) fn step(canvas: &Canvas, draw: &mut Draw) -> Vec<f64> {
    let margin = canvas.valid.len() / 10;
    let mut at = canvas.place(margin, draw).unwrap_or(canvas.len() / 2);
    if draw.unit() < 0.6 {
        for _ in 0..20 {
            let Some(other) = canvas.place(margin, draw) else {
                break;
            };
            if canvas.is_artifact_prone(other) {
                at = other;
                break;
            }
        }
    }
    let (sign, side) = (draw.sign(), draw.sign());
    let width = draw.uniform(1.0, 10.0);
    (0..canvas.len())
        .map(|pixel| {
            sign / (1.0
                + (-side * (pixel as f64 - at as f64) / width)
                    .clamp(-60.0, 60.0)
                    .exp())
        })
        .collect()
}

pub(super) fn slope(canvas: &Canvas, draw: &mut Draw) -> Vec<f64> {
    let (low, high) = (canvas.valid[0], canvas.valid[canvas.valid.len() - 1]);
    let (middle, half) = ((low + high) as f64 / 2.0, ((high - low) as f64 / 2.0).max(1.0));
    let sign = draw.sign();
    (0..canvas.len())
        .map(|pixel| sign * ((pixel as f64 - middle) / half).clamp(-1.0, 1.0))
        .collect()
}

pub(super) fn cosmic_ray(canvas: &Canvas, draw: &mut Draw) -> Option<Vec<f64>> {
    let near = canvas.place(30, draw)?;
    let mut light = vec![0.0; canvas.len()];
    for hit in 0..1 + draw.index(3) {
        let center = if hit == 0 { near } else { near + draw.index(50) };
        let (sigma, height) = (
            draw.uniform(0.4, 0.9),
            if hit == 0 { 1.0 } else { draw.uniform(0.3, 1.0) },
        );
        for (pixel, light) in light
            .iter_mut()
            .enumerate()
            .take(center + 4)
            .skip(center.saturating_sub(3))
        {
            let x = (pixel as f64 - center as f64) / sigma;
            *light += height * (-0.5 * x * x).exp();
        }
    }
    Some(light)
}

pub(super) fn sky_residual(canvas: &Canvas, draw: &mut Draw) -> Option<Vec<f64>> {
    let mut start = canvas.place(60, draw)?;
    // Mostly where the sky is bright.
    for _ in 0..12 {
        if canvas.is_artifact_prone(start) {
            break;
        }
        start = canvas.place(60, draw)?;
    }
    let length = draw.log_uniform(6.0, 260.0) as usize + 1;
    let (sign, wiggles) = (draw.sign(), draw.unit() < 0.3);
    let mut light = vec![0.0; canvas.len()];
    let mut center = start as f64;
    while center < (start + length) as f64 && (center as usize) + 6 < canvas.len() {
        let height = sign * draw.log_uniform(0.1, 1.0);
        for (pixel, light) in light
            .iter_mut()
            .enumerate()
            .take(center as usize + 6)
            .skip((center as usize).saturating_sub(5))
        {
            let x = (pixel as f64 - center) / 1.2;
            // A line that was shifted by a part of a pixel leaves its derivative.
            let shape = if wiggles { 1.6 * x } else { 1.0 };
            *light += height * shape * (-0.5 * x * x).exp();
        }
        center += draw.uniform(4.0, 34.0);
    }
    Some(light)
}

pub(super) fn dead(canvas: &Canvas, draw: &mut Draw) -> Option<Vec<f64>> {
    let start = canvas.place(20, draw)?;
    let end = (start + draw.log_uniform(6.0, 500.0) as usize).min(canvas.len());
    let flux = (0..canvas.len()).map(|pixel| {
        if (start..end).contains(&pixel) {
            -canvas.flux(pixel)
        } else {
            0.0
        }
    });
    Some(flux.collect())
}

pub(super) fn noisy_band(canvas: &Canvas, draw: &mut Draw) -> Vec<f64> {
    let start = canvas.place(20, draw).unwrap_or(0);
    let end = start + draw.log_uniform(30.0, 600.0) as usize;
    (0..canvas.len())
        .map(|pixel| {
            if (start..end).contains(&pixel) && canvas.is_valid(pixel) {
                draw.normal() * canvas.sigma(pixel)
            } else {
                0.0
            }
        })
        .collect()
}
