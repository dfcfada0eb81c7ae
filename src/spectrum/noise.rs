//! Robust scatter, and the noise of a spectrum that comes without one.

use super::order::{self, MAD_TO_SIGMA};

/// Width of the window in which the local scatter is measured, pixels.
const WINDOW: usize = 201;
/// Distance between the windows' centers, pixels; the scatter is interpolated between them.
const WINDOW_STEP: usize = 50;
/// Lags at which the scatter is measured, pixels.
const LAGS: [usize; 6] = [1, 2, 4, 8, 16, 32];
/// Neighboring pixels count as independent once doubling the lag raises the scatter by less than this factor.
const PLATEAU: f64 = 1.15;
/// A run of at least so many zeros is a gap, not a measurement.
const GAP: usize = 8;

/// Median of the finite values, or `None` where there is none; of an even number the mean of the middle two.
pub fn median(values: impl IntoIterator<Item = f32>) -> Option<f32> {
    let finite = values.into_iter().filter(|value| value.is_finite());
    let mut finite: Vec<f64> = finite.map(f64::from).collect();
    order::median(&mut finite).map(|median| median as f32)
}

/// Median signal-to-noise ratio a pixel, over the pixels with positive `ivar`.
pub fn median_sn(flux: &[f32], ivar: &[f32]) -> Option<f32> {
    let measured = flux.iter().zip(ivar).filter(|(_, ivar)| **ivar > 0.0);
    median(measured.map(|(flux, ivar)| flux * ivar.sqrt()))
}

/// Noise of `flux` from its second differences at `lag` pixels, insensitive to a continuum that is straight over 2 lags.
///
/// `None` where no pixel has finite neighbors on both sides.
/// Source: the DER_SNR of Stoehr et al. 2008, ASP Conf. Ser. 394, 505, whose lag is 2.
pub fn difference_sigma(flux: &[f32], lag: usize) -> Option<f32> {
    let inner = lag..flux.len().saturating_sub(lag);
    let differences = inner.map(|i| (2.0 * flux[i] - flux[i - lag] - flux[i + lag]).abs());
    let scatter = median(differences)?;
    Some((MAD_TO_SIGMA / 6f64.sqrt() * f64::from(scatter)) as f32)
}

/// The lag, in pixels, from which on the noise of `flux` is no longer correlated.
///
/// Resampled and smoothed spectra have neighbors that share their noise; the differences of such neighbors say too little.
pub fn correlation_lag(flux: &[f32]) -> usize {
    let scatter = LAGS.map(|lag| difference_sigma(flux, lag).map_or(0.0, f64::from));
    let settled = scatter
        .windows(2)
        .position(|pair| pair[0] > 0.0 && pair[1] <= PLATEAU * pair[0]);
    settled.map_or(LAGS[LAGS.len() - 1], |at| LAGS[at])
}

/// Inverse variance estimated from the local scatter of the flux, for a spectrum that has none.
///
/// 0 where the flux is not finite, in runs of zeros, and where it does not scatter at all.
/// Measured against the surveys' own ivar: 0.97 to 1.16 times their sigma for 32 DESI and SDSS spectra with S/N below 25; about
/// twice theirs at S/N above 50, where the object's own lines count as scatter.
/// It knows nothing of single bad pixels and smears sky lines over about 200 pixels, so it is no substitute for a survey's own.
/// Shapes: as long as `flux`. Units: 1 / flux².
pub fn estimate_ivar(flux: &[f32]) -> Vec<f32> {
    let flux = without_gaps(flux);
    let lag = correlation_lag(&flux);
    let reach = WINDOW / 2 + lag;
    let local = |center: usize| {
        let window = &flux[center.saturating_sub(reach)..(center + reach + 1).min(flux.len())];
        difference_sigma(window, lag).filter(|sigma| *sigma > 0.0)
    };
    let knots: Vec<(usize, f32)> = (0..flux.len())
        .step_by(WINDOW_STEP)
        .filter_map(|center| Some((center, local(center)?)))
        .collect();
    flux.iter()
        .enumerate()
        .map(|(pixel, value)| {
            let sigma = if value.is_finite() {
                interpolate(&knots, pixel)
            } else {
                0.0
            };
            let ivar = 1.0 / (sigma * sigma);
            if ivar.is_finite() { ivar } else { 0.0 }
        })
        .collect()
}

/// `flux` with NaN for runs of zeros, which stand for "no data" in files that have neither mask nor ivar.
fn without_gaps(flux: &[f32]) -> Vec<f32> {
    let mut flux = flux.to_vec();
    for run in flux.chunk_by_mut(|a, b| (*a == 0.0) == (*b == 0.0)) {
        if run[0] == 0.0 && run.len() >= GAP {
            run.fill(f32::NAN);
        }
    }
    flux
}

/// Linear between the knots (ascending in pixel), constant beyond them; 0 without any.
fn interpolate(knots: &[(usize, f32)], pixel: usize) -> f32 {
    let above = knots.partition_point(|(at, _)| *at < pixel);
    match (above.checked_sub(1).map(|below| knots[below]), knots.get(above)) {
        (None, None) => 0.0,
        (Some((_, sigma)), None) => sigma,
        (None, Some((_, sigma))) => *sigma,
        (Some((low, a)), Some((high, b))) => {
            let share = (pixel - low) as f32 / (high - low) as f32;
            a + share * (b - a)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    fn white(n: usize, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| StandardNormal.sample(&mut rng)).collect()
    }

    /// Noise convolved with a Gaussian of `width` pixels (standard deviation), and its true standard deviation.
    fn smoothed(noise: &[f32], width: f64) -> (Vec<f32>, f64) {
        let reach = (4.0 * width).ceil() as usize;
        let kernel: Vec<f64> = (0..=2 * reach)
            .map(|i| (-0.5 * ((i as f64 - reach as f64) / width).powi(2)).exp())
            .collect();
        let sum: f64 = kernel.iter().sum();
        let sigma = kernel.iter().map(|k| (k / sum).powi(2)).sum::<f64>().sqrt();
        let convolved = noise
            .windows(kernel.len())
            .map(|window| {
                window
                    .iter()
                    .zip(&kernel)
                    .map(|(v, k)| f64::from(*v) * k / sum)
                    .sum::<f64>() as f32
            })
            .collect();
        (convolved, sigma)
    }

    fn mean_sigma(ivar: &[f32]) -> f64 {
        ivar.iter().map(|ivar| 1.0 / f64::from(*ivar).sqrt()).sum::<f64>() / ivar.len() as f64
    }

    #[test]
    fn median_of_odd_even_and_nothing() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([7.0]), Some(7.0));
        assert_eq!(median([f32::NAN, 5.0, f32::INFINITY]), Some(5.0));
        assert_eq!(median([f32::NAN]), None);
    }

    #[test]
    fn white_noise_is_measured_on_a_sloping_continuum() {
        let flux: Vec<f32> = white(5000, 2)
            .iter()
            .enumerate()
            .map(|(i, v)| 100.0 + 0.02 * i as f32 + 2.0 * v)
            .collect();
        assert_eq!(correlation_lag(&flux), 1);
        let sigma = mean_sigma(&estimate_ivar(&flux));
        assert!((sigma / 2.0 - 1.0).abs() < 0.03, "{sigma}");
    }

    #[test]
    fn smoothed_noise_is_not_taken_for_a_better_spectrum() {
        let (flux, sigma) = smoothed(&white(8000, 3), 2.5);
        let naive = f64::from(difference_sigma(&flux, 1).unwrap());
        assert!(naive < 0.2 * sigma, "the adjacent pixels say {naive} of {sigma}");
        let estimated = mean_sigma(&estimate_ivar(&flux));
        assert!((estimated / sigma - 1.0).abs() < 0.15, "{estimated} for {sigma}");
    }

    #[test]
    fn noise_that_changes_with_wavelength_is_followed() {
        let flux: Vec<f32> = white(6000, 4)
            .iter()
            .enumerate()
            .map(|(i, v)| if i < 3000 { *v } else { 5.0 * v })
            .collect();
        let ivar = estimate_ivar(&flux);
        let (blue, red) = (mean_sigma(&ivar[..2800]), mean_sigma(&ivar[3200..]));
        assert!(
            (blue - 1.0).abs() < 0.06 && (red - 5.0).abs() < 0.3,
            "{blue} {red}"
        );
    }

    #[test]
    fn scales_with_the_flux_and_leaves_gaps_unmeasured() {
        let mut flux = white(2000, 5);
        flux[100] = f32::NAN;
        flux[700..760].fill(0.0);
        let ivar = estimate_ivar(&flux);
        let doubled = estimate_ivar(&flux.iter().map(|v| 2.0 * v).collect::<Vec<_>>());
        for (pixel, (one, four)) in ivar.iter().zip(&doubled).enumerate() {
            let gap = pixel == 100 || (700..760).contains(&pixel);
            assert_eq!(*one == 0.0, gap, "pixel {pixel}");
            assert!((one - 4.0 * four).abs() <= 1e-5 * one);
        }
        assert!(estimate_ivar(&[1.0; 500]).iter().all(|ivar| *ivar == 0.0));
        assert!(estimate_ivar(&[f32::NAN; 10]).iter().all(|ivar| *ivar == 0.0));
        assert!(estimate_ivar(&[]).is_empty());
    }

    #[test]
    fn signal_to_noise_counts_measured_pixels_only() {
        assert_eq!(
            median_sn(&[10.0, 20.0, 1e9, 30.0], &[0.25, 0.25, 0.0, 0.25]),
            Some(10.0)
        );
        assert_eq!(median_sn(&[1.0], &[0.0]), None);
    }
}
