//! What no light does: pixels sharper than the resolution, bands of bad sky, no flux where there should be.

use crate::anomaly::Residual;
use crate::anomaly::errormodel::Corrected;

/// A squared residual counts with at most this.
const BOUND: f64 = 25.0;
/// Pixels within which darkness is measured.
const DARK: usize = 25;
/// Windows in which scatter is measured, pixels.
const WORST: [usize; 3] = [15, 60, 240];
/// A stretch of artifact-prone pixels goes on over gaps of so many others.
const GAP: usize = 12;

/// Mean square of all pixels, of artifact-prone ones and of the others; the worst prone stretch; the worst windows; the sharpest pixel; the darkest window.
pub(super) fn measure(corrected: &Corrected, residual: &Residual, model: &[f64]) -> [f64; 9] {
    let pixels = corrected.residual.len();
    let square = |pixel: usize| corrected.residual[pixel].powi(2) * corrected.weight[pixel];
    let (mut sums, mut counts) = ([0.0; 2], [0.0; 2]);
    // The stretch in hand: sum, pixels, where it ended.
    let (mut stretch, mut worst) = ((0.0, 0.0, 0usize), 0.0f64);
    for pixel in (0..pixels).filter(|&pixel| corrected.weight[pixel] > 0.0) {
        let prone = usize::from(residual.artifact[pixel]);
        sums[prone] += square(pixel).min(BOUND);
        counts[prone] += 1.0;
        if prone == 1 {
            if pixel > stretch.2 + GAP {
                stretch = (0.0, 0.0, pixel);
            }
            stretch = (stretch.0 + square(pixel).min(4.0 * BOUND), stretch.1 + 1.0, pixel);
            worst = worst.max((stretch.0 - stretch.1) / (2.0 * stretch.1).sqrt());
        }
    }
    let mean = |sum: f64, count: f64| if count > 0.0 { sum / count } else { f64::NAN };
    let sigma = |pixel: usize| corrected.residual[pixel] * corrected.weight[pixel].sqrt();
    let sharpest = (1..pixels.saturating_sub(1))
        .filter(|&pixel| {
            corrected.weight[pixel - 1..pixel + 2]
                .iter()
                .all(|weight| *weight > 0.0)
        })
        .map(|pixel| {
            let beside = sigma(pixel - 1).abs().max(sigma(pixel + 1).abs());
            sigma(pixel).abs() - 1.3 * beside
        })
        .fold(0.0, f64::max);
    [
        mean(sums[0] + sums[1], counts[0] + counts[1]),
        mean(sums[1], counts[1]),
        mean(sums[0], counts[0]),
        worst,
        scatter(corrected, WORST[0]),
        scatter(corrected, WORST[1]),
        scatter(corrected, WORST[2]),
        sharpest,
        darkest(residual, model),
    ]
}

/// The greatest (chi2 - n) / sqrt(2 n) of windows of so many pixels, at least half valid.
fn scatter(corrected: &Corrected, width: usize) -> f64 {
    let pixels = corrected.residual.len();
    let (mut sums, mut counts) = (vec![0.0; pixels + 1], vec![0.0; pixels + 1]);
    for pixel in 0..pixels {
        let weight = corrected.weight[pixel];
        let square = corrected.residual[pixel].powi(2) * weight;
        sums[pixel + 1] = sums[pixel] + square.min(4.0 * BOUND);
        counts[pixel + 1] = counts[pixel] + f64::from(u8::from(weight > 0.0));
    }
    (0..(pixels + 1).saturating_sub(width))
        .step_by((width / 8).max(1))
        .map(|start| {
            (
                sums[start + width] - sums[start],
                counts[start + width] - counts[start],
            )
        })
        .filter(|(_, count)| 2.0 * count >= width as f64)
        .map(|(sum, count)| (sum - count) / (2.0 * count).sqrt())
        .fold(f64::NAN, f64::max)
}

/// 1 less the least ratio of flux to model within a window.
fn darkest(residual: &Residual, model: &[f64]) -> f64 {
    let pixels = model.len();
    let (mut flux, mut drawn, mut count) =
        (vec![0.0; pixels + 1], vec![0.0; pixels + 1], vec![0; pixels + 1]);
    for pixel in 0..pixels {
        let valid = residual.is_valid(pixel);
        let (f, m) = if valid {
            (f64::from(residual.flux[pixel]), model[pixel])
        } else {
            (0.0, 0.0)
        };
        flux[pixel + 1] = flux[pixel] + f;
        drawn[pixel + 1] = drawn[pixel] + m;
        count[pixel + 1] = count[pixel] + usize::from(valid);
    }
    (0..(pixels + 1).saturating_sub(DARK))
        .filter(|start| 2 * (count[start + DARK] - count[*start]) >= DARK)
        .filter_map(|start| {
            let below = drawn[start + DARK] - drawn[start];
            (below > 0.0).then(|| 1.0 - (flux[start + DARK] - flux[start]) / below)
        })
        .fold(0.0, f64::max)
}
