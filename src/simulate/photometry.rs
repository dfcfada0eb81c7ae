//! Synthetic magnitudes in bands like those of the Legacy Surveys.

use super::instrument::{LEN, wavelength};

/// A band; the edges are those of the DECam filters, z cut at the grid's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Band {
    G,
    R,
    Z,
}

impl Band {
    fn edges(self) -> (f64, f64) {
        match self {
            Self::G => (4000.0, 5480.0),
            Self::R => (5680.0, 7150.0),
            Self::Z => (8480.0, 9820.0),
        }
    }
}

/// Flux in nanomaggies for a flux density in 1e-17 erg/s/cm2/Angstrom on the DESI grid.
///
/// Mean f_nu weighted by photons over a flat band with edges that rise over 100 Angstrom.
pub(super) fn flux(flux: &[f64], band: Band) -> f64 {
    let (low, high) = band.edges();
    let (mut sum, mut weight) = (0.0, 0.0);
    for (i, flux) in flux.iter().enumerate().take(LEN) {
        let w = wavelength(i);
        let response =
            (((w - low) / 100.0 + 0.5).clamp(0.0, 1.0)).min(((high - w) / 100.0 + 0.5).clamp(0.0, 1.0));
        sum += response * flux * w;
        weight += response / w;
    }
    // f_nu = f_lambda lambda^2 / c; one nanomaggy is 3.631e-29 erg/s/cm2/Hz.
    sum / weight * 1e-17 / 2.997_924_58e18 / 3.631e-29
}

/// Nanomaggies of an AB magnitude.
pub(super) fn nanomaggies(magnitude: f64) -> f64 {
    10f64.powf(0.4 * (22.5 - magnitude))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_f_nu_source_has_one_magnitude_in_all_bands() {
        // 22.5 AB is 3.631e-29 erg/s/cm2/Hz: f_lambda = f_nu c / lambda^2.
        let source: Vec<f64> = (0..LEN)
            .map(|i| 3.631e-29 * 2.997_924_58e18 / wavelength(i).powi(2) * 1e17)
            .collect();
        for band in [Band::G, Band::R, Band::Z] {
            assert!((flux(&source, band) - 1.0).abs() < 1e-6);
        }
        assert!((nanomaggies(20.0) - 10.0).abs() < 1e-9);
    }
}
