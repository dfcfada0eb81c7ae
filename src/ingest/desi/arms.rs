//! One spectrum from the three cameras.

/// Number of pixels of the combined grid, [`WavelengthGrid::DESI`](crate::spectrum::WavelengthGrid::DESI).
pub(super) const PIXELS: usize = 7781;

/// A target's spectrum in one camera.
///
/// Shapes: all slices have the arm's number of pixels. `mask` is empty where the file has none.
pub(super) struct Arm<'a> {
    /// Index of its first pixel on the combined grid.
    pub(super) offset: usize,
    pub(super) flux: &'a [f32],
    pub(super) ivar: &'a [f32],
    pub(super) mask: &'a [u32],
}

/// A spectrum on the combined grid.
pub(super) struct Combined {
    pub(super) flux: Vec<f32>,
    pub(super) ivar: Vec<f32>,
    /// All bits of all arms.
    pub(super) mask: Vec<u32>,
}

/// The arms on the combined grid, averaged with `ivar` as weight where they overlap.
///
/// A masked pixel gets no weight: the coadds keep `ivar` > 0 where every exposure was masked. Flux is 0 where nothing was measured.
/// An `ivar` that no measurement can have (negative, not finite) is passed on as NaN, for the caller to refuse the row.
/// Source: `desispec.coaddition.coadd_cameras`, with the masking before it.
pub(super) fn combine(arms: &[Arm]) -> Combined {
    let mut weighted = vec![0f64; PIXELS];
    let mut weight = vec![0f64; PIXELS];
    let mut mask = vec![0u32; PIXELS];
    for arm in arms {
        for (pixel, (flux, ivar)) in arm.flux.iter().zip(arm.ivar).enumerate() {
            let at = arm.offset + pixel;
            let bits = arm.mask.get(pixel).copied().unwrap_or(0);
            mask[at] |= bits;
            if bits != 0 || *ivar == 0.0 {
                continue;
            }
            let ivar = if *ivar > 0.0 && ivar.is_finite() {
                f64::from(*ivar)
            } else {
                f64::NAN
            };
            weight[at] += ivar;
            weighted[at] += ivar * f64::from(*flux);
        }
    }
    let mean = |(sum, weight): (&f64, &f64)| {
        if *weight == 0.0 {
            0.0
        } else {
            (sum / weight) as f32
        }
    };
    Combined {
        flux: weighted.iter().zip(&weight).map(mean).collect(),
        ivar: weight.iter().map(|ivar| *ivar as f32).collect(),
        mask,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_is_the_weighted_mean_and_masked_pixels_weigh_nothing() {
        let b = Arm {
            offset: 0,
            flux: &[1.0, 2.0, 3.0, 9.0],
            ivar: &[1.0, 4.0, 1.0, 5.0],
            mask: &[0, 0, 0, 4],
        };
        let r = Arm {
            offset: 2,
            flux: &[7.0, 5.0, 6.0],
            ivar: &[3.0, 2.0, 0.0],
            mask: &[0, 1, 8],
        };
        let combined = combine(&[b, r]);
        assert_eq!(combined.flux[..6], [1.0, 2.0, 6.0, 0.0, 0.0, 0.0]);
        assert_eq!(combined.ivar[..6], [1.0, 4.0, 4.0, 0.0, 0.0, 0.0]);
        assert_eq!(combined.mask[..6], [0, 0, 0, 5, 8, 0]);
        assert_eq!(combined.flux.len(), PIXELS);
    }

    #[test]
    fn a_pixel_masked_in_one_arm_is_taken_from_the_other() {
        let b = Arm {
            offset: 0,
            flux: &[9.0],
            ivar: &[5.0],
            mask: &[4],
        };
        let r = Arm {
            offset: 0,
            flux: &[2.0],
            ivar: &[0.5],
            mask: &[],
        };
        let combined = combine(&[b, r]);
        assert_eq!(
            (combined.flux[0], combined.ivar[0], combined.mask[0]),
            (2.0, 0.5, 4)
        );
    }

    #[test]
    fn impossible_ivar_is_not_averaged_away() {
        let b = Arm {
            offset: 0,
            flux: &[1.0],
            ivar: &[-1.0],
            mask: &[],
        };
        let r = Arm {
            offset: 0,
            flux: &[1.0],
            ivar: &[2.0],
            mask: &[],
        };
        assert!(combine(&[b, r]).ivar[0].is_nan());
    }
}
