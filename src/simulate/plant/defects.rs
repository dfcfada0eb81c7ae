//! What detector and sky leave behind.

use super::ground::{Ground, Shape};
use super::{Change, Proposal};
use crate::simulate::random::Draw;
use crate::simulate::sky;

/// One to three hits within some fifty pixels, none wider than a line could be.
pub(super) fn cosmic_ray(ground: &Ground, draw: &mut Draw) -> Option<Proposal> {
    const REACH: usize = 3;
    let (first, last) = (ground.span.0 + 20, ground.span.1.checked_sub(20)?);
    let near = first + draw.index(last.checked_sub(first)?.max(1));
    let hits = 1 + draw.index(3);
    let mut light = vec![0.0; ground.len()];
    for hit in 0..hits {
        let center = if hit == 0 { near } else { near + draw.index(50) };
        let sigma = draw.uniform(0.45, 0.9);
        let height = if hit == 0 { 1.0 } else { draw.uniform(0.3, 1.0) };
        if center + REACH >= last || (center - 1..=center + 1).any(|i| !ground.is_valid(i)) {
            return None;
        }
        for i in center - REACH..=center + REACH {
            let x = (i as f64 - center as f64) / sigma;
            light[i] += height * (-0.5 * x * x).exp();
        }
    }
    Some(Proposal::of(Change::Added {
        light,
        most: f64::INFINITY,
    }))
}

/// The lines of one band of the night sky, left in or taken away too much.
pub(super) fn sky_residual(ground: &Ground, draw: &mut Draw) -> Option<Proposal> {
    const BANDS: [(f64, f64); 8] = [
        (5565.0, 5592.0),
        (5880.0, 5910.0),
        (6828.0, 6990.0),
        (7236.0, 7450.0),
        (7710.0, 8070.0),
        (8275.0, 8515.0),
        (8755.0, 9060.0),
        (9300.0, 9580.0),
    ];
    let (low, high) = BANDS[draw.index(BANDS.len())];
    let (first, last) = (ground.at(low), ground.at(high));
    let valid = (first..last).filter(|i| ground.is_valid(*i)).count();
    if first < ground.span.0 || last >= ground.span.1 || valid * 10 < (last - first) * 7 {
        return None;
    }
    let sign = if draw.chance(0.5) { 1.0 } else { -1.0 };
    let sigma = 1.1 * ground.pixel(first);
    let mut light = vec![0.0; ground.len()];
    for (center, peak) in sky::LINES.iter().filter(|(line, _)| (low..high).contains(line)) {
        for i in ground.at(center - 5.0 * sigma)..ground.at(center + 5.0 * sigma) {
            let x = (ground.wavelength[i] - center) / sigma;
            light[i] += sign * peak * (-0.5 * x * x).exp();
        }
    }
    light.iter().any(|value| *value != 0.0).then(|| {
        Proposal::of(Change::Added {
            light,
            most: f64::INFINITY,
        })
    })
}

pub(super) fn dead_region(ground: &Ground, draw: &mut Draw) -> Option<Proposal> {
    let (first, last) = (ground.span.0 + 50, ground.span.1.checked_sub(100)?);
    let start = first + draw.index(last.checked_sub(first)?.max(1));
    Some(Proposal::of(Change::Zeroed { start }))
}

/// The end of the stretch from `start` that has the visibility wanted when it is emptied, and its visibility; `None` where it would meet masked
/// pixels or the end of the spectrum before it is half as visible.
pub(super) fn stretch(ground: &Ground, start: usize, wanted: f64) -> Option<(usize, f64)> {
    /// No shorter than this: a pixel or two is a cosmic ray's business.
    const SHORTEST: usize = 5;
    let mut change = vec![0.0; ground.len()];
    let mut end = start;
    let mut visibility = 0.0;
    while visibility < wanted {
        if end >= ground.span.1 || !ground.is_valid(end) {
            return (visibility > 0.5 * wanted && end >= start + SHORTEST).then_some((end, visibility));
        }
        change[end] = -ground.fine[end];
        end += 1;
        if (end - start) % 4 == 1 {
            visibility = ground.visibility(&change, Shape::Curved);
        }
    }
    (end >= start + SHORTEST).then_some((end, visibility))
}
