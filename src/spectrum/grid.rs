//! Wavelength grids: linear (DESI), logarithmic (SDSS) or listed.

use serde::{Deserialize, Serialize};

/// Vacuum wavelengths of the pixels, ascending, in Angstrom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum WavelengthGrid {
    /// `start + step * i`
    Linear { start: f64, step: f64, n: usize },
    /// `10^(start + step * i)`
    Log10 { start: f64, step: f64, n: usize },
    /// Every wavelength by itself.
    Listed { wavelength: Vec<f64> },
}

impl WavelengthGrid {
    /// The grid of DESI's combined arms: 3600 to 9824 Angstrom by 0.8.
    ///
    /// Source: DESI data model, `desispec.coaddition.coadd_cameras`.
    pub const DESI: Self = Self::Linear {
        start: 3600.0,
        step: 0.8,
        n: 7781,
    };

    pub fn len(&self) -> usize {
        match self {
            Self::Linear { n, .. } | Self::Log10 { n, .. } => *n,
            Self::Listed { wavelength } => wavelength.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Wavelength of pixel `i`, Angstrom.
    ///
    /// Panics where a listed grid has no such pixel.
    pub fn at(&self, i: usize) -> f64 {
        match self {
            Self::Linear { start, step, .. } => start + step * i as f64,
            Self::Log10 { start, step, .. } => 10f64.powf(start + step * i as f64),
            Self::Listed { wavelength } => wavelength[i],
        }
    }

    /// All wavelengths, Angstrom. Shape: `[len]`.
    pub fn wavelengths(&self) -> Vec<f64> {
        (0..self.len()).map(|i| self.at(i)).collect()
    }

    /// The pixel whose center is nearest to `wavelength`, or `None` outside the grid (more than half a pixel beyond its ends).
    pub fn nearest(&self, wavelength: f64) -> Option<usize> {
        if self.is_empty() || !wavelength.is_finite() {
            return None;
        }
        let last = self.len() - 1;
        let position = match self {
            Self::Linear { start, step, .. } => (wavelength - start) / step,
            Self::Log10 { start, step, .. } => (wavelength.log10() - start) / step,
            Self::Listed { wavelength: list } => {
                let above = list.partition_point(|w| *w < wavelength);
                let (low, high) = (above.saturating_sub(1).min(last), above.min(last));
                if low == high {
                    let edge = list[low];
                    let neighbor = if low == 0 { list.get(1) } else { list.get(low - 1) };
                    let half = neighbor.map_or(0.5, |n| (n - edge).abs() / 2.0);
                    return ((wavelength - edge).abs() <= half).then_some(low);
                }
                low as f64 + (wavelength - list[low]) / (list[high] - list[low])
            }
        };
        (position > -0.5 && position < last as f64 + 0.5).then(|| position.round().max(0.0) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn desi_grid_ends_where_the_data_model_says() {
        let grid = WavelengthGrid::DESI;
        assert_eq!(grid.at(0), 3600.0);
        assert!((grid.at(7780) - 9824.0).abs() < 1e-9);
    }

    #[test]
    fn nearest_is_the_inverse_of_at() {
        let grids = [
            WavelengthGrid::DESI,
            WavelengthGrid::Log10 {
                start: 3.5,
                step: 1e-4,
                n: 5200,
            },
            WavelengthGrid::Listed {
                wavelength: vec![4000.0, 4001.0, 4003.0, 4007.0],
            },
        ];
        for grid in grids {
            for i in (0..grid.len()).step_by(grid.len() / 4) {
                assert_eq!(grid.nearest(grid.at(i)), Some(i));
            }
            assert_eq!(grid.nearest(grid.at(0) - 10.0), None);
            assert_eq!(grid.nearest(grid.at(grid.len() - 1) + 10.0), None);
        }
    }
}
