//! Smoothing that believes each pixel as much as it deserves, and knows what noise is left.

/// A smoothed spectrum; NaN where there is nothing to smooth.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Smoothed {
    pub flux: Vec<f64>,
    /// Standard deviation of the smoothed flux. Neighbors share pixels, so their errors are correlated.
    pub sigma: Vec<f64>,
}

/// The widest kernel, in pixels: wider ones are cut to it.
pub const WIDEST: f64 = 100.0;

/// The kernel ends at this many of its sigmas.
const REACH: f64 = 3.0;

/// The flux convolved with a Gaussian of `width` pixels (sigma), weighted by inverse variance.
///
/// With kernel k and weights w = ivar, s_i = Σ_j k_ij w_j f_j / Σ_j k_ij w_j. The errors of the pixels are independent with variance
/// 1/w_j, and s_i is linear in f, so that var(s_i) = Σ_j k_ij² w_j / (Σ_j k_ij w_j)². A pixel that is not a measurement (`ivar` not
/// positive and finite, flux not finite) has weight 0; where all of them within three sigmas are such, the result is NaN. A
/// `width` that is not above 0 leaves every pixel as it is.
///
/// Shapes: `flux` and `ivar` have one length, the result too. Units: `width` in pixels. Time: O(n width).
///
/// Source: the smoothing of DESI's visual inspection tool `prospect`; the variance by propagation.
pub fn smooth(flux: &[f64], ivar: &[f64], width: f64) -> Smoothed {
    let n = flux.len().min(ivar.len());
    let measured = |i: usize| ivar[i] > 0.0 && ivar[i].is_finite() && flux[i].is_finite();
    let weight: Vec<f64> = (0..n).map(|i| if measured(i) { ivar[i] } else { 0.0 }).collect();
    let weighted: Vec<f64> = (0..n)
        .map(|i| if measured(i) { ivar[i] * flux[i] } else { 0.0 })
        .collect();
    let width = if width > 0.0 { width.min(WIDEST) } else { 0.0 };
    let reach = ((REACH * width).ceil() as usize).min(n.saturating_sub(1));

    // offset by offset, so that the inner loops run along the pixels
    let (mut sum, mut total, mut variance) = (weighted.clone(), weight.clone(), weight.clone());
    for offset in 1..=reach {
        let k = (-0.5 * (offset as f64 / width).powi(2)).exp();
        add_shifted(&mut sum, &weighted, offset, k);
        add_shifted(&mut total, &weight, offset, k);
        add_shifted(&mut variance, &weight, offset, k * k);
    }
    let known = |i: usize, value: f64| if total[i] > 0.0 { value } else { f64::NAN };
    Smoothed {
        flux: (0..n).map(|i| known(i, sum[i] / total[i])).collect(),
        sigma: (0..n).map(|i| known(i, variance[i].sqrt() / total[i])).collect(),
    }
}

/// Adds `factor` times the values `offset` pixels to the left and to the right.
fn add_shifted(to: &mut [f64], values: &[f64], offset: usize, factor: f64) {
    let n = values.len();
    for (to, value) in to[offset..].iter_mut().zip(&values[..n - offset]) {
        *to += factor * value;
    }
    for (to, value) in to[..n - offset].iter_mut().zip(&values[offset..]) {
        *to += factor * value;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Deviates of mean 0 and variance 1, the same every time.
    fn noise(n: usize) -> Vec<f64> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut uniform = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..n)
            .map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0)
            .collect()
    }

    /// Independent values: `scipy.ndimage.gaussian_filter1d(flux * ivar, 1.5, mode="constant", truncate=10/3)` (a reach of five
    /// pixels) over the same of `ivar`; the variance with `numpy.convolve` and the square of that kernel.
    #[test]
    fn values_agree_with_scipy() {
        let flux = [1.0, 4.0, 2.0, f64::NAN, 8.0, 5.0, 7.0, 1.0, 3.0, 3.5, 900.0, 2.0];
        let ivar = [1.0, 0.5, 2.0, 1.0, 4.0, 0.25, 1.0, 3.0, 1.0, 2.0, 0.0, 1.0];
        let smoothed = smooth(&flux, &ivar, 1.5);
        let expected: [(usize, f64, f64); 5] = [
            (0, 2.209258408421, 0.551428264094),
            (3, 5.726783472203, 0.366021301102),
            (6, 4.317597327649, 0.332431077791),
            (10, 2.785827571137, 0.451147225234),
            (11, 2.636163878208, 0.569422744543),
        ];
        for (i, value, sigma) in expected {
            assert!(
                (smoothed.flux[i] - value).abs() < 1e-9,
                "{i}: {}",
                smoothed.flux[i]
            );
            assert!(
                (smoothed.sigma[i] - sigma).abs() < 1e-9,
                "{i}: {}",
                smoothed.sigma[i]
            );
        }
    }

    #[test]
    fn white_noise_falls_as_the_kernel_says() {
        let n = 100_000;
        let flux = noise(n);
        for width in [1.0, 2.0, 5.0] {
            let smoothed = smooth(&flux, &vec![1.0; n], width);
            let inner = &smoothed.flux[50..n - 50];
            let scatter = (inner.iter().map(|v| v * v).sum::<f64>() / inner.len() as f64).sqrt();
            // an untruncated Gaussian: 1 / sqrt(2 sqrt(pi) width)
            let expected = (2.0 * std::f64::consts::PI.sqrt() * width).powf(-0.5);
            assert!(
                (scatter / expected - 1.0).abs() < 0.03,
                "{width}: {scatter} {expected}"
            );
            assert!((smoothed.sigma[n / 2] / expected - 1.0).abs() < 0.01, "{width}");
        }
    }

    #[test]
    fn without_width_nothing_changes_and_without_weight_nothing_is_known() {
        let flux = [1.0, 2.0, 3.0, 4.0];
        for width in [0.0, -1.0, f64::NAN] {
            let same = smooth(&flux, &[4.0, 0.0, 1.0, f64::NAN], width);
            assert_eq!((same.flux[0], same.sigma[0], same.flux[2]), (1.0, 0.5, 3.0));
            assert!(same.flux[1].is_nan() && same.sigma[3].is_nan());
        }
        let nothing = smooth(&flux, &[0.0; 4], 2.0);
        assert!(nothing.flux.iter().chain(&nothing.sigma).all(|v| v.is_nan()));
        assert_eq!(smooth(&[], &[], 2.0), Smoothed::default());
        assert_eq!(smooth(&[5.0], &[1.0], 1e9).flux, [5.0]);
    }

    proptest! {
        #[test]
        fn a_constant_stays_constant_and_noise_never_grows(
            level in -1e3..1e3f64,
            ivar in prop::collection::vec(prop_oneof![Just(0.0), 1e-3..1e3f64], 1..200),
            width in 0.0..20.0f64,
        ) {
            let smoothed = smooth(&vec![level; ivar.len()], &ivar, width);
            for (i, value) in smoothed.flux.iter().enumerate() {
                prop_assert!(value.is_nan() || (value - level).abs() <= level.abs() * 1e-9);
                if ivar[i] > 0.0 {
                    prop_assert!(smoothed.sigma[i] <= ivar[i].sqrt().recip() * (1.0 + 1e-9), "more noise than before");
                }
            }
        }
    }
}
