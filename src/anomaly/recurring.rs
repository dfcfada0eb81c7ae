//! What residuals have in common: a property of the sample and its reduction, not of any spectrum.

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

/// Collects residuals by the model's pixels and by observed wavelength, in memory that does not grow.
#[derive(Debug, Clone)]
pub struct RecurringBuilder {
    by_pixel: Vec<Sums>,
    by_observed: Vec<Sums>,
}

impl RecurringBuilder {
    pub fn new(pixels: usize) -> Self {
        let bins = ((OBSERVED.1 - OBSERVED.0) / OBSERVED.2).ceil() as usize;
        Self {
            by_pixel: vec![Sums::default(); pixels],
            by_observed: vec![Sums::default(); bins],
        }
    }

    /// Panics where the residual is of another grid.
    pub fn add(&mut self, residual: &Residual) {
        assert_eq!(residual.len(), self.by_pixel.len(), "residuals on one grid");
        for pixel in (0..residual.len()).filter(|&pixel| residual.is_valid(pixel)) {
            let difference = f64::from(residual.flux[pixel]) - f64::from(residual.reconstruction[pixel]);
            let sigmas = (difference * f64::from(residual.ivar[pixel]).sqrt()).clamp(-BOUND, BOUND);
            self.by_pixel[pixel].add(sigmas);
            let bin = (residual.observed[pixel] - OBSERVED.0) / OBSERVED.2;
            if bin >= 0.0
                && let Some(sums) = self.by_observed.get_mut(bin as usize)
            {
                sums.add(sigmas);
            }
        }
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
            builder.add(&Residual {
                flux: &flux,
                ivar: &[100.0; 200],
                reconstruction: &[1.0; 200],
                observed: &observed,
                artifact: &[false; 200],
                z,
            });
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
}
