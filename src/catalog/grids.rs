//! Wavelength grids of a catalog: recovered from listed wavelengths, and shared between the rows that have the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::spectrum::WavelengthGrid;

/// How far a wavelength may lie from a regular grid's, in pixels: what float32 takes away (0.002 pixels of SDSS's
/// logarithmic grid), with room.
const TOLERANCE_PIXELS: f64 = 0.02;
/// SDSS's grids have their pixels at whole multiples of 1e-4 in log10.
const PIXELS_PER_DEX: f64 = 1e4;

/// The grids in use, each kept once for as long as a spectrum has it.
#[derive(Debug, Default)]
pub(super) struct GridPool {
    grids: Mutex<HashMap<Key, Weak<WavelengthGrid>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Linear(u64, u64, usize),
    Log10(u64, u64, usize),
    Listed(blake3::Hash),
}

impl GridPool {
    /// The shared copy of this grid.
    pub(super) fn share(&self, grid: WavelengthGrid) -> Arc<WavelengthGrid> {
        let key = match &grid {
            WavelengthGrid::Linear { start, step, n } => Key::Linear(start.to_bits(), step.to_bits(), *n),
            WavelengthGrid::Log10 { start, step, n } => Key::Log10(start.to_bits(), step.to_bits(), *n),
            WavelengthGrid::Listed { wavelength } => {
                let mut hasher = blake3::Hasher::new();
                wavelength.iter().for_each(|w| {
                    hasher.update(&w.to_bits().to_le_bytes());
                });
                Key::Listed(hasher.finalize())
            }
        };
        let mut grids = self.grids.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = grids.get(&key).and_then(Weak::upgrade) {
            return known;
        }
        // Files with wavelengths of their own in every row would fill the table with grids that are gone.
        if grids.len() >= 1024 && grids.len().is_power_of_two() {
            grids.retain(|_, grid| grid.strong_count() > 0);
        }
        let grid = Arc::new(grid);
        grids.insert(key, Arc::downgrade(&grid));
        grid
    }
}

/// Why wavelengths are no grid, or `None` where they are: finite, positive and ascending.
pub(super) fn fault(wavelength: &[f64]) -> Option<String> {
    if let Some(i) = wavelength.iter().position(|w| !w.is_finite() || *w <= 0.0) {
        return Some(format!("{} at pixel {i} is no wavelength", wavelength[i]));
    }
    let i = wavelength.windows(2).position(|pair| pair[0] >= pair[1])?;
    let (here, next) = (wavelength[i], wavelength[i + 1]);
    Some(format!("not ascending at pixel {}: {next} follows {here}", i + 1))
}

/// The regular grid that these wavelengths (ascending, Angstrom) are, however rounded, or else the list itself.
///
/// Logarithmic grids are SDSS's: whole multiples of 1e-4 in log10, so that spectra of different length are on one grid
/// but for a whole shift.
pub(super) fn recover(wavelength: &[f64]) -> WavelengthGrid {
    logarithmic(wavelength)
        .or_else(|| linear(wavelength))
        .unwrap_or_else(|| WavelengthGrid::Listed {
            wavelength: wavelength.to_vec(),
        })
}

fn logarithmic(wavelength: &[f64]) -> Option<WavelengthGrid> {
    let n = wavelength.len();
    let first = (wavelength.first()?.log10() * PIXELS_PER_DEX).round();
    let fits =
        |i: usize| (wavelength[i].log10() * PIXELS_PER_DEX - first - i as f64).abs() <= TOLERANCE_PIXELS;
    // The last pixel tells most, and spares the rest where it does not fit.
    (n >= 3 && fits(n - 1) && (0..n).all(fits)).then(|| WavelengthGrid::Log10 {
        start: first / PIXELS_PER_DEX,
        step: 1.0 / PIXELS_PER_DEX,
        n,
    })
}

fn linear(wavelength: &[f64]) -> Option<WavelengthGrid> {
    let n = wavelength.len();
    if n < 3 {
        return None;
    }
    let exact = (wavelength[n - 1] - wavelength[0]) / (n - 1) as f64;
    let rounded = |x: f64, digits: f64| (x * digits).round() / digits;
    let (start, step) = (rounded(wavelength[0], 1e4), rounded(exact, 1e6));
    let fits = |i: usize| (start + step * i as f64 - wavelength[i]).abs() <= TOLERANCE_PIXELS * step;
    (step > 0.0 && (0..n).all(fits)).then_some(WavelengthGrid::Linear { start, step, n })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_wavelengths_give_their_grid_back() {
        let desi: Vec<f64> = WavelengthGrid::DESI
            .wavelengths()
            .iter()
            .map(|w| f64::from(*w as f32))
            .collect();
        assert_eq!(recover(&desi), WavelengthGrid::DESI);
        let sdss = WavelengthGrid::Log10 {
            start: 3.5802,
            step: 1e-4,
            n: 3839,
        };
        let wavelengths = sdss.wavelengths();
        let single: Vec<f64> = wavelengths.iter().map(|w| f64::from(*w as f32)).collect();
        assert_eq!(recover(&single), sdss);
        // As the spec files have it: log10 of the wavelength in float32.
        let loglam: Vec<f64> = wavelengths
            .iter()
            .map(|w| 10f64.powf(f64::from(w.log10() as f32)))
            .collect();
        assert_eq!(recover(&loglam), sdss);
    }

    #[test]
    fn what_is_no_regular_grid_stays_a_list() {
        let mut odd = WavelengthGrid::DESI.wavelengths();
        odd[4000] += 0.05;
        assert!(matches!(recover(&odd), WavelengthGrid::Listed { wavelength } if wavelength == odd));
        // A logarithmic grid of another step.
        let air: Vec<f64> = (0..500)
            .map(|i| 10f64.powf(3.6 + 2.3e-4 * f64::from(i)))
            .collect();
        assert!(matches!(recover(&air), WavelengthGrid::Listed { .. }));
        assert!(matches!(
            recover(&[4000.0, 4001.0]),
            WavelengthGrid::Listed { .. }
        ));
    }

    #[test]
    fn equal_grids_are_one_and_unused_ones_are_let_go() {
        let pool = GridPool::default();
        let list = |i: usize| WavelengthGrid::Listed {
            wavelength: vec![4000.0 + i as f64, 5000.0, 7000.0],
        };
        let kept = pool.share(list(0));
        assert!(Arc::ptr_eq(&kept, &pool.share(list(0))));
        for i in 1..5000 {
            pool.share(list(i));
        }
        assert!(pool.grids.lock().unwrap().len() <= 1025);
        assert!(Arc::ptr_eq(&kept, &pool.share(list(0))));
    }

    #[test]
    fn faults_are_named() {
        assert_eq!(fault(&[1.0, 2.0, 3.0]), None);
        assert!(fault(&[1.0, 3.0, 3.0]).unwrap().contains("pixel 2"));
        assert!(fault(&[1.0, f64::NAN]).unwrap().contains("pixel 1"));
    }
}
