//! Rebinning of flux and inverse variance onto another grid, and the rest frame.

use super::WavelengthGrid;

/// A target bin is a measurement if at least this share of it is covered by valid source pixels.
const MIN_OVERLAP: f64 = 0.5;

/// Edges of the pixels: midway between neighboring centers (in wavelength, or in log wavelength for a logarithmic grid), and the
/// outermost half a pixel beyond the ends.
///
/// Shape: `[len + 1]`. Units: Angstrom. Panics on a grid of fewer than two pixels.
pub fn edges(grid: &WavelengthGrid) -> Vec<f64> {
    let n = grid.len();
    assert!(n >= 2, "a grid has at least two pixels");
    match grid {
        WavelengthGrid::Linear { start, step, .. } => {
            (0..=n).map(|i| start + step * (i as f64 - 0.5)).collect()
        }
        WavelengthGrid::Log10 { start, step, .. } => (0..=n)
            .map(|i| 10f64.powf(start + step * (i as f64 - 0.5)))
            .collect(),
        WavelengthGrid::Listed { wavelength } => {
            let mut edges = Vec::with_capacity(n + 1);
            edges.push(1.5 * wavelength[0] - 0.5 * wavelength[1]);
            edges.extend(wavelength.windows(2).map(|pair| 0.5 * (pair[0] + pair[1])));
            edges.push(1.5 * wavelength[n - 1] - 0.5 * wavelength[n - 2]);
            edges
        }
    }
}

/// Flux and inverse variance in the bins of another grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Resampled {
    pub flux: Vec<f32>,
    /// 0 where less than half of the bin is covered by valid pixels.
    pub ivar: Vec<f32>,
}

/// Rebins onto the grid with edges `target`, conserving flux: each bin is the mean of the valid source pixels weighted by the
/// overlap, f = Σ oᵢ fᵢ / Σ oᵢ, and its variance is Σ oᵢ² σᵢ² / (Σ oᵢ)². Neighboring bins share source pixels, so their errors are correlated;
/// the covariance is not kept.
///
/// Shapes: `flux`, `ivar` have one element fewer than `source`; the result one fewer than `target`. Units: `source` and `target`
/// in the same unit, ascending; `shrink` divides the source edges, so that `shrink = 1 + z` leads to the rest frame, where
/// f·(1+z) and ivar/(1+z)² conserve the energy. Pixels with `ivar <= 0` are never looked at.
///
/// Source: Carnall 2017 (arXiv 1705.05165), equations 1 and 2.
pub fn rebin(source: &[f64], flux: &[f32], ivar: &[f32], target: &[f64], shrink: f64) -> Resampled {
    let bins = target.len() - 1;
    let mut out = Resampled {
        flux: vec![0.0; bins],
        ivar: vec![0.0; bins],
    };
    let mut first = source
        .partition_point(|edge| edge / shrink <= target[0])
        .saturating_sub(1);
    for bin in 0..bins {
        let (low, high) = (target[bin], target[bin + 1]);
        while first < flux.len() && source[first + 1] / shrink <= low {
            first += 1;
        }
        let (mut weight, mut sum, mut variance) = (0.0, 0.0, 0.0);
        for pixel in first..flux.len() {
            let (left, right) = (source[pixel] / shrink, source[pixel + 1] / shrink);
            if left >= high {
                break;
            }
            if ivar[pixel] > 0.0 {
                let overlap = right.min(high) - left.max(low);
                weight += overlap;
                sum += overlap * f64::from(flux[pixel]);
                variance += overlap * overlap / f64::from(ivar[pixel]);
            }
        }
        if weight >= MIN_OVERLAP * (high - low) {
            out.flux[bin] = (sum / weight * shrink) as f32;
            out.ivar[bin] = (weight * weight / variance / (shrink * shrink)) as f32;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_pixels_into_one_average_and_halve_the_variance() {
        let out = rebin(&[0.0, 1.0, 2.0], &[1.0, 3.0], &[4.0, 4.0], &[0.0, 2.0], 1.0);
        // mean of two values of variance 1/4: variance 1/8
        assert_eq!(
            out,
            Resampled {
                flux: vec![2.0],
                ivar: vec![8.0]
            }
        );
    }

    #[test]
    fn a_bin_less_than_half_covered_is_no_measurement() {
        let out = rebin(
            &[0.0, 1.0, 2.0],
            &[f32::NAN, 5.0],
            &[0.0, 1.0],
            &[0.0, 1.4, 2.0],
            1.0,
        );
        assert_eq!(out.ivar[0], 0.0);
        assert_eq!(out.flux, vec![0.0, 5.0]);
    }

    #[test]
    fn a_line_keeps_its_flux_in_the_rest_frame() {
        let grid = WavelengthGrid::DESI;
        let z: f64 = 0.3;
        let center = 5008.24 * (1.0 + z);
        let flux: Vec<f32> = grid
            .wavelengths()
            .iter()
            .map(|w| (-0.5 * ((w - center) / 4.0).powi(2)).exp() as f32)
            .collect();
        let target = edges(&WavelengthGrid::Log10 {
            start: 3.6,
            step: 1e-4,
            n: 3000,
        });
        let out = rebin(&edges(&grid), &flux, &vec![1.0; flux.len()], &target, 1.0 + z);
        let observed: f64 = flux.iter().map(|f| f64::from(*f) * 0.8).sum();
        let rest: f64 = out
            .flux
            .iter()
            .zip(target.windows(2))
            .map(|(f, e)| f64::from(*f) * (e[1] - e[0]))
            .sum();
        assert!((rest / observed - 1.0).abs() < 1e-4, "{rest} {observed}");
        let peak = (0..3000)
            .max_by(|a, b| out.flux[*a].total_cmp(&out.flux[*b]))
            .unwrap();
        assert!((target[peak] - 5008.24).abs() < 1.5);
    }

    proptest! {
        #[test]
        fn a_constant_stays_constant(value in -1e3f32..1e3, z in 0.0f64..0.8, holes in proptest::collection::vec(0usize..7781, 0..50)) {
            let grid = WavelengthGrid::DESI;
            let mut ivar = vec![2.0f32; grid.len()];
            for hole in holes {
                ivar[hole] = 0.0;
            }
            let target = edges(&WavelengthGrid::Log10 { start: 3.4, step: 1e-4, n: 6500 });
            let out = rebin(&edges(&grid), &vec![value; grid.len()], &ivar, &target, 1.0 + z);
            for (flux, ivar) in out.flux.iter().zip(&out.ivar) {
                if *ivar > 0.0 {
                    prop_assert!((flux - value * (1.0 + z) as f32).abs() <= value.abs() * 1e-5);
                } else {
                    prop_assert_eq!(*flux, 0.0);
                }
            }
        }
    }
}
