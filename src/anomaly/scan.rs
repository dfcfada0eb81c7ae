//! Sums of a residual over windows, in constant time each.

use super::errormodel::Corrected;

/// Running sums of a residual from which any window's significance follows.
///
/// The significance of a window is that of the inverse-variance weighted sum of its residuals,
/// `S = sum(r / s^2) / sqrt(sum(1 / s^2))`: a standard Gaussian where the noise is independent and the model is right.
///
/// Source: the matched filter of a boxcar in known noise, e.g. Vio & Andreani 2016 (A&A 589, A20), eq. 7.
#[derive(Debug, Clone)]
pub(crate) struct Sums {
    /// Weighted residual of the pixels before each.
    weighted: Vec<f64>,
    weight: Vec<f64>,
    valid: Vec<u32>,
}

impl Sums {
    pub fn new(corrected: &Corrected) -> Self {
        let length = corrected.residual.len() + 1;
        let mut sums = Self {
            weighted: Vec::with_capacity(length),
            weight: Vec::with_capacity(length),
            valid: Vec::with_capacity(length),
        };
        let (mut weighted, mut weight, mut valid) = (0.0, 0.0, 0);
        sums.weighted.push(weighted);
        sums.weight.push(weight);
        sums.valid.push(valid);
        for (r, w) in corrected.residual.iter().zip(&corrected.weight) {
            weighted += r * w;
            weight += w;
            valid += u32::from(*w > 0.0);
            sums.weighted.push(weighted);
            sums.weight.push(weight);
            sums.valid.push(valid);
        }
        sums
    }

    pub fn pixels(&self) -> usize {
        self.valid.len() - 1
    }

    /// Number of valid pixels in `start..end`.
    pub fn valid(&self, start: usize, end: usize) -> usize {
        (self.valid[end] - self.valid[start]) as usize
    }

    /// Signed significance of `start..end` in sigma; 0 without valid pixels.
    pub fn significance(&self, start: usize, end: usize) -> f64 {
        let weight = self.weight[end] - self.weight[start];
        if self.valid(start, end) == 0 || weight <= 0.0 {
            return 0.0;
        }
        (self.weighted[end] - self.weighted[start]) / weight.sqrt()
    }

    /// Whether `start..end` may be of more than so many sigma, of either sign: without the root and the division that nearly all windows can do without.
    pub fn may_exceed(&self, start: usize, end: usize, sigma: f64) -> bool {
        /// Both sides are rounded.
        const ROUNDED: f64 = 1.0 - 1e-12;
        let sum = self.weighted[end] - self.weighted[start];
        let weight = self.weight[end] - self.weight[start];
        sum * sum > sigma * sigma * weight * ROUNDED
    }

    /// Valid pixels that a window of `width` needs to count: half of it.
    pub fn needed(width: usize) -> usize {
        width.div_ceil(2).max(1)
    }

    /// The greatest significance of excess and of missing flux over all windows of `width` pixels that are at least half valid;
    /// `None` where there is no such window.
    pub fn extremes(&self, width: usize) -> Option<(f64, f64)> {
        let windows = (self.pixels() + 1).checked_sub(width)?;
        let needed = Self::needed(width) as u32;
        // Squares order as the significances of one sign do, and comparing products spares nearly every division.
        let (mut most, mut least) = (None::<f64>, None::<f64>);
        let (mut most_square, mut least_square) = (0.0, 0.0);
        let mut any = false;
        let ends = self.weighted[width..]
            .iter()
            .zip(&self.weight[width..])
            .zip(&self.valid[width..]);
        let starts = self.weighted[..windows]
            .iter()
            .zip(&self.weight[..windows])
            .zip(&self.valid[..windows]);
        for (((sum_end, weight_end), valid_end), ((sum_start, weight_start), valid_start)) in ends.zip(starts)
        {
            let sum = sum_end - sum_start;
            let weight = weight_end - weight_start;
            let counts = valid_end - valid_start >= needed && weight > 0.0;
            any |= counts;
            let record = if sum > 0.0 { most_square } else { least_square };
            if counts && sum * sum > record * weight {
                let square = sum * sum / weight;
                if sum > 0.0 {
                    most_square = square;
                    most = Some(square.sqrt());
                } else {
                    least_square = square;
                    least = Some(square.sqrt());
                }
            }
        }
        any.then(|| {
            (
                most.unwrap_or_else(|| self.least_departure(width, -1.0)),
                least.unwrap_or_else(|| self.least_departure(width, 1.0)),
            )
        })
    }

    /// Where all windows of a width have one `sign`: the significance of the least departure, as that of the other sign (0 or negative).
    fn least_departure(&self, width: usize, sign: f64) -> f64 {
        (0..=self.pixels() - width)
            .filter(|&start| self.valid(start, start + width) >= Self::needed(width))
            .map(|start| -sign * self.significance(start, start + width))
            .fold(f64::NEG_INFINITY, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(residual: &[f64], weight: &[f64]) -> Sums {
        Sums::new(&Corrected {
            residual: residual.to_vec(),
            weight: weight.to_vec(),
        })
    }

    #[test]
    fn a_window_of_two_pixels_by_hand() {
        // sigma 1 and 1/2: sum(r/s^2) = 3*1 + 1*4 = 7, sum(1/s^2) = 5.
        let sums = sums(&[3.0, 1.0], &[1.0, 4.0]);
        assert!((sums.significance(0, 2) - 7.0 / 5f64.sqrt()).abs() < 1e-12);
        assert_eq!(sums.significance(0, 1), 3.0);
        assert_eq!(sums.significance(1, 2), 2.0);
        let (excess, missing) = sums.extremes(1).unwrap();
        assert!((excess - 3.0).abs() < 1e-12);
        assert!(
            (missing + 2.0).abs() < 1e-12,
            "no flux is missing: the least excess is 2"
        );
    }

    #[test]
    fn what_exceeds_is_never_left_out() {
        let sums = sums(&[3.0, 1.0, -9.0, 0.0], &[1.0, 4.0, 0.25, 0.0]);
        for (start, end) in (0..4).flat_map(|start| (start + 1..5).map(move |end| (start, end))) {
            let sigma = sums.significance(start, end).abs();
            assert!(sums.may_exceed(start, end, 0.999 * sigma) || sigma == 0.0);
            assert!(!sums.may_exceed(start, end, 1.001 * sigma + 1e-9));
        }
    }

    #[test]
    fn both_signs_are_found() {
        let (excess, missing) = sums(&[0.0, 5.0, 0.0, -7.0, 0.0], &[1.0; 5]).extremes(1).unwrap();
        assert!((excess - 5.0).abs() < 1e-12 && (missing - 7.0).abs() < 1e-12);
    }

    #[test]
    fn windows_less_than_half_valid_do_not_count() {
        let sums = sums(&[9.0, 0.0, 0.0, 0.0], &[1.0, 0.0, 0.0, 0.0]);
        assert!(sums.extremes(3).is_none());
        assert!(sums.extremes(2).is_some());
        assert!(sums.extremes(5).is_none(), "wider than the grid");
    }
}
