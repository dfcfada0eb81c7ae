//! Errors of the flux calibration: flux and error are wrong by the same factor.

use super::ground::Ground;
use super::{Change, Proposal};
use crate::simulate::random::Draw;
use crate::spectrum::{ArtifactZone, MaskKind, WavelengthGrid, artifact_zone};

/// A Gaussian bump or trough of 60 to 400 Angstrom (sigma).
pub(super) fn bump(ground: &Ground, draw: &mut Draw) -> Option<Proposal> {
    let (low, high) = ground.range();
    let sigma = draw.log_uniform(60.0, 400.0);
    let center = draw.uniform(low + 150.0, high - 150.0);
    let sign = if draw.chance(0.6) { 1.0 } else { -1.0 };
    let factor = ground
        .wavelength
        .iter()
        .map(|w| {
            let x = (w - center) / sigma;
            if x.abs() < 5.0 {
                sign * (-0.5 * x * x).exp()
            } else {
                0.0
            }
        })
        .collect();
    Some(Proposal::of(Change::Calibration {
        factor,
        most: if sign > 0.0 { 3.0 } else { 0.85 },
    }))
}

/// One side of a place where two cameras meet is too bright or too faint; of any place where none is known.
pub(super) fn step(ground: &Ground, draw: &mut Draw) -> Option<Proposal> {
    let (low, high) = ground.range();
    let observed = draw.uniform(low + 0.1 * (high - low), high - 0.1 * (high - low));
    // A foreign file's mask does not say whose it is; the logarithmic grid is that of SDSS.
    let kind = match (ground.spectrum.mask_kind, ground.spectrum.grid.as_ref()) {
        (MaskKind::Plain, WavelengthGrid::Log10 { .. }) => MaskKind::Sdss,
        (MaskKind::Plain, WavelengthGrid::Linear { .. }) => MaskKind::Desi,
        (kind, _) => kind,
    };
    let joints: Vec<f64> = ground
        .wavelength
        .iter()
        .copied()
        .filter(|w| (low + 200.0..high - 200.0).contains(w))
        .filter(|w| artifact_zone(*w, kind) == Some(ArtifactZone::Overlap))
        .collect();
    let at = if joints.is_empty() {
        observed
    } else {
        joints[draw.index(joints.len())]
    };
    let red = draw.chance(0.5);
    let sign = if draw.chance(0.5) { 1.0 } else { -1.0 };
    // Combined spectra change over within some ten pixels.
    let width = draw.uniform(1.0, 6.0) * ground.pixel(ground.at(at));
    let factor = ground
        .wavelength
        .iter()
        .map(|w| {
            let x = (w - at) / width * if red { 1.0 } else { -1.0 };
            if x > -8.0 { sign / (1.0 + (-x).exp()) } else { 0.0 }
        })
        .collect();
    Some(Proposal::of(Change::Calibration {
        factor,
        most: if sign > 0.0 { 3.0 } else { 0.75 },
    }))
}

/// A tilt in the logarithm of the wavelength.
pub(super) fn slope(ground: &Ground, draw: &mut Draw) -> Option<Proposal> {
    let (low, high) = ground.range();
    let sign = if draw.chance(0.5) { 1.0 } else { -1.0 };
    let (middle, half) = ((low * high).sqrt(), 0.5 * (high / low).ln());
    let factor = ground
        .wavelength
        .iter()
        .map(|w| sign * ((w / middle).ln() / half).clamp(-1.0, 1.0))
        .collect();
    Some(Proposal::of(Change::Calibration { factor, most: 0.9 }))
}
