//! What residuals have in common: a property of the sample and its reduction, not of any spectrum.

use rayon::prelude::*;

use super::Residual;

/// Bins in observed wavelength: start, end, width, Angstrom.
const OBSERVED: (f64, f64, f64) = (3000.0, 11_500.0, 2.0);
/// A residual counts with at most so many sigma, so that a few strange spectra do not stand for all.
const BOUND: f64 = 10.0;

/// Mean and scatter of the residuals in units of their noise at one wavelength.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recurring {
    /// Angstrom vacuum.
    pub wavelength: f64,
    /// 0 where noise is all there is.
    pub mean: f64,
    /// Root mean square about the mean; 1 where noise is all there is.
    pub scatter: f64,
    /// Residuals that the two are of.
    pub count: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    count: u64,
    sum: f64,
    squares: f64,
}

/// Pixels or bins of which one task adds up all spectra, in their order: the sums are the same with any number of threads.
const STRIPE: usize = 256;

/// Collects residuals by the model's pixels and by observed wavelength, in memory that does not grow.
#[derive(Debug, Clone)]
pub struct RecurringBuilder {
    by_pixel: Vec<Sums>,
    by_observed: Vec<Sums>,
    /// Sum of the squared residuals by pixel, in units of the flux squared.
    squares: Vec<f64>,
}

impl RecurringBuilder {
    pub fn new(pixels: usize) -> Self {
        let bins = ((OBSERVED.1 - OBSERVED.0) / OBSERVED.2).ceil() as usize;
        Self {
            by_pixel: vec![Sums::default(); pixels],
            by_observed: vec![Sums::default(); bins],
            squares: vec![0.0; pixels],
        }
    }

    /// Adds spectra in their order. Panics where a residual is of another grid.
    pub fn add(&mut self, residuals: &[Residual]) {
        let pixels = self.by_pixel.len();
        assert!(
            residuals.iter().all(|residual| residual.len() == pixels),
            "residuals on one grid"
        );
        let by_pixel = self.by_pixel.par_chunks_mut(STRIPE);
        by_pixel
            .zip(self.squares.par_chunks_mut(STRIPE))
            .enumerate()
            .for_each(|(stripe, (sums, squares))| add_to_pixels(residuals, stripe * STRIPE, sums, squares));
        let by_observed = self.by_observed.par_chunks_mut(STRIPE).enumerate();
        by_observed.for_each(|(stripe, sums)| add_to_bins(residuals, stripe * STRIPE, sums));
    }

    /// Mean squared residual by the model's pixels, in units of the flux squared; NaN where nothing covers one. Shape: `[pixels]`.
    pub fn mean_squares(&self) -> Vec<f64> {
        let pairs = self.squares.iter().zip(&self.by_pixel);
        pairs.map(|(sum, sums)| sum / sums.count as f64).collect()
    }

    /// By the model's pixels; `grid` has their wavelengths. Pixels that nothing covers are left out.
    pub fn by_pixel(&self, grid: &[f64]) -> Vec<Recurring> {
        let pairs = self.by_pixel.iter().zip(grid);
        pairs
            .filter_map(|(sums, wavelength)| sums.at(*wavelength))
            .collect()
    }

    /// By observed wavelength, the middles of the bins.
    pub fn by_observed(&self) -> Vec<Recurring> {
        let middle = |bin: usize| OBSERVED.0 + OBSERVED.2 * (bin as f64 + 0.5);
        let bins = self.by_observed.iter().enumerate();
        bins.filter_map(|(bin, sums)| sums.at(middle(bin))).collect()
    }
}

/// Adds up the pixels from `first` on. Shapes: `sums` and `squares` one a pixel.
fn add_to_pixels(residuals: &[Residual], first: usize, sums: &mut [Sums], squares: &mut [f64]) {
    for residual in residuals {
        let pixels = (first..).zip(&mut *sums).zip(&mut *squares);
        for ((pixel, sums), squares) in pixels.filter(|((pixel, _), _)| residual.is_valid(*pixel)) {
            sums.add(sigmas(residual, pixel));
            let difference = f64::from(residual.flux[pixel] - residual.reconstruction[pixel]);
            *squares += difference * difference;
        }
    }
}

/// Adds up the pixels in the bins from `first` on. Shape: `sums` one a bin.
fn add_to_bins(residuals: &[Residual], first: usize, sums: &mut [Sums]) {
    for residual in residuals {
        let observed = residual.observed;
        let before = |bin: usize| observed.partition_point(|seen| bin_of(*seen) < bin as f64);
        let pixels = before(first)..before(first + sums.len());
        for pixel in pixels.filter(|&pixel| residual.is_valid(pixel)) {
            sums[bin_of(observed[pixel]) as usize - first].add(sigmas(residual, pixel));
        }
    }
}

/// A residual in units of its noise, bounded.
fn sigmas(residual: &Residual, pixel: usize) -> f64 {
    let difference = f64::from(residual.flux[pixel]) - f64::from(residual.reconstruction[pixel]);
    (difference * f64::from(residual.ivar[pixel]).sqrt()).clamp(-BOUND, BOUND)
}

/// The bin of an observed wavelength (Angstrom) and how far within it; negative or beyond the last where there is none.
fn bin_of(observed: f64) -> f64 {
    (observed - OBSERVED.0) / OBSERVED.2
}

impl Sums {
    fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        self.squares += value * value;
    }

    fn at(&self, wavelength: f64) -> Option<Recurring> {
        let count = self.count as f64;
        let mean = self.sum / count;
        (self.count > 0).then(|| Recurring {
            wavelength,
            mean,
            scatter: (self.squares / count - mean * mean).max(0.0).sqrt(),
            count: self.count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_recurs_in_the_sky_is_found_in_the_observed_frame() {
        // Two spectra at two redshifts, both 3 sigma too bright at 5577 Angstrom and nowhere else.
        let grid: Vec<f64> = (0..200).map(|i| 5000.0 + 4.0 * f64::from(i)).collect();
        let mut builder = RecurringBuilder::new(grid.len());
        for z in [0.0, 0.05] {
            let observed: Vec<f64> = grid.iter().map(|rest| rest * (1.0 + z)).collect();
            let flux: Vec<f32> = observed
                .iter()
                .map(|seen| if (seen - 5577.0).abs() < 2.1 { 1.3 } else { 1.0 })
                .collect();
            builder.add(&[Residual {
                flux: &flux,
                ivar: &[100.0; 200],
                reconstruction: &[1.0; 200],
                observed: &observed,
                artifact: &[false; 200],
                z,
            }]);
        }
        let most = |found: &[Recurring]| {
            let best = found.iter().max_by(|a, b| a.mean.total_cmp(&b.mean)).unwrap();
            *best
        };
        let sky = most(&builder.by_observed());
        assert!((sky.wavelength - 5577.0).abs() < 2.1 && (sky.mean - 3.0).abs() < 1e-4);
        let rest = most(&builder.by_pixel(&grid));
        assert!((rest.mean - 1.5).abs() < 1e-4 && (rest.scatter - 1.5).abs() < 1e-4 && rest.count == 2);
    }

    #[test]
    fn all_at_once_adds_up_as_one_by_one() {
        // More pixels and bins than one task takes; the first spectrum begins below the bins, the last ends beyond them.
        let grid: Vec<f64> = (0..3 * STRIPE + 7)
            .map(|i| 2900.0 * 1.0008_f64.powi(i as i32))
            .collect();
        let mut state = 5;
        let mut number = || crate::anomaly::draw::unit_of(crate::anomaly::draw::split_mix(&mut state));
        let spectra: Vec<(Vec<f32>, Vec<f32>, Vec<f64>)> = (0..9)
            .map(|spectrum| {
                let flux = grid.iter().map(|_| 0.5 + number() as f32).collect();
                let ivar = grid.iter().map(|_| if number() < 0.2 { 0.0 } else { 90.0 });
                let stretch = 1.0 + 0.4 * f64::from(spectrum);
                (
                    flux,
                    ivar.collect(),
                    grid.iter().map(|rest| rest * stretch).collect(),
                )
            })
            .collect();
        let (model, prone) = (vec![1.0; grid.len()], vec![false; grid.len()]);
        let residuals: Vec<Residual> = spectra
            .iter()
            .map(|(flux, ivar, observed)| Residual::new(flux, ivar, &model, observed, &prone, 0.0).unwrap())
            .collect();
        let mut at_once = RecurringBuilder::new(grid.len());
        at_once.add(&residuals);
        let mut one_by_one = RecurringBuilder::new(grid.len());
        residuals.iter().for_each(|residual| one_by_one.add(&[*residual]));
        assert_eq!(at_once.by_pixel(&grid), one_by_one.by_pixel(&grid));
        assert_eq!(at_once.by_observed(), one_by_one.by_observed());
        // And as a loop over all pixels of all spectra has it.
        let bins = at_once.by_observed.len();
        let (mut counts, mut sums, mut squares) = (vec![0; bins], vec![0.0; bins], vec![0.0; grid.len()]);
        for residual in &residuals {
            for pixel in (0..grid.len()).filter(|pixel| residual.is_valid(*pixel)) {
                squares[pixel] += f64::from(residual.flux[pixel] - 1.0).powi(2);
                let bin = (residual.observed[pixel] - 3000.0) / 2.0;
                if bin >= 0.0 && bin < bins as f64 {
                    counts[bin as usize] += 1;
                    sums[bin as usize] += sigmas(residual, pixel);
                }
            }
        }
        assert!(counts.iter().sum::<u64>() > 3000, "most pixels are in a bin");
        let found: Vec<(u64, f64)> = at_once
            .by_observed
            .iter()
            .map(|sums| (sums.count, sums.sum))
            .collect();
        assert_eq!(found, counts.into_iter().zip(sums).collect::<Vec<_>>());
        let found = at_once.mean_squares();
        for ((found, squares), sums) in found.iter().zip(squares).zip(&at_once.by_pixel) {
            assert_eq!(*found, squares / sums.count as f64);
        }
    }
}
