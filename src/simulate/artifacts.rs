//! Anomalies of the instrument and the reduction: what changes the spectrum after it was taken.

use super::instrument::{ARMS, LEN, PIXEL, START, arm_weight, wavelength};
use super::random::Draw;
use super::strange_light::Planted;
use super::truth::AnomalyKind;

/// A spectrum as the pipeline gives it. Shapes: `[LEN]`.
pub(super) struct Product {
    pub flux: Vec<f64>,
    pub ivar: Vec<f64>,
    pub mask: Vec<u32>,
}

/// Spoils the spectrum; `None` where the kind is one of the sky's.
pub(super) fn spoil(
    kind: AnomalyKind,
    product: &mut Product,
    sky_lines: &[f64],
    draw: &mut Draw,
) -> Option<Planted> {
    match kind {
        AnomalyKind::ArmStep => Some(arm_step(product, draw)),
        AnomalyKind::CosmicRay => Some(cosmic_ray(product, draw)),
        AnomalyKind::SkyResidual => Some(sky_residual(product, sky_lines, draw)),
        AnomalyKind::DeadRegion => Some(dead_region(product, draw)),
        _ => None,
    }
}

fn arm_step(product: &mut Product, draw: &mut Draw) -> Planted {
    let arm = draw.index(3);
    let step = draw.log_uniform(0.05, 0.6);
    let factor = if draw.chance(0.5) {
        1.0 + step
    } else {
        1.0 / (1.0 + step)
    };
    let (low, high) = ARMS[arm];
    for i in low..high {
        let local = 1.0 + (factor - 1.0) * arm_weight(arm, i);
        product.flux[i] *= local;
        product.ivar[i] /= local * local;
    }
    Planted {
        strength: (factor - 1.0).abs(),
        range: Some((wavelength(low), wavelength(high - 1))),
        ..Planted::default()
    }
}

/// A stretch of `length` pixels without masked ones near its middle, away from the grid's ends.
fn place(product: &Product, length: usize, draw: &mut Draw) -> usize {
    let mut start = 0;
    for _ in 0..50 {
        start = 150 + draw.index(LEN - 300 - length);
        let good = (start..start + length).filter(|i| product.mask[*i] == 0).count();
        if good * 10 >= length * 9 {
            break;
        }
    }
    start
}

fn cosmic_ray(product: &mut Product, draw: &mut Draw) -> Planted {
    let hits = 1 + draw.index(3);
    let peak = draw.log_uniform(6.0, 80.0);
    let start = place(product, 60, draw);
    let (mut low, mut high) = (LEN, 0);
    for hit in 0..hits {
        let mut center = start + 5 + draw.index(50);
        while product.mask[center] != 0 {
            center += 1;
        }
        let sigma = draw.uniform(0.45, 0.9);
        let height = peak * if hit == 0 { 1.0 } else { draw.uniform(0.3, 1.0) };
        let noise = 1.0 / product.ivar[center].sqrt();
        for i in center - 3..=center + 3 {
            let x = (i as f64 - center as f64) / sigma;
            product.flux[i] += height * noise * (-0.5 * x * x).exp();
        }
        (low, high) = (low.min(center - 3), high.max(center + 3));
    }
    Planted {
        strength: peak,
        range: Some((wavelength(low), wavelength(high))),
        ..Planted::default()
    }
}

fn sky_residual(product: &mut Product, sky_lines: &[f64], draw: &mut Draw) -> Planted {
    const BANDS: [(f64, f64); 6] = [
        (6828.0, 6990.0),
        (7236.0, 7450.0),
        (7710.0, 8070.0),
        (8275.0, 8515.0),
        (8755.0, 9060.0),
        (9300.0, 9580.0),
    ];
    let (low, high) = BANDS[draw.index(BANDS.len())];
    let share = draw.log_uniform(0.03, 0.4);
    let sign = if draw.chance(0.5) { 1.0 } else { -1.0 };
    let pixel = |w: f64| ((w - START) / PIXEL).round() as usize;
    let band = pixel(low)..pixel(high);
    for (flux, line) in product.flux[band.clone()].iter_mut().zip(&sky_lines[band]) {
        *flux += sign * share * line;
    }
    Planted {
        strength: share,
        range: Some((low, high)),
        ..Planted::default()
    }
}

fn dead_region(product: &mut Product, draw: &mut Draw) -> Planted {
    let length = draw.log_uniform(25.0, 700.0) as usize;
    let start = place(product, length, draw);
    product.flux[start..start + length].fill(0.0);
    Planted {
        strength: length as f64,
        range: Some((wavelength(start), wavelength(start + length - 1))),
        ..Planted::default()
    }
}
