//! The loss of a reconstruction: the same as [`super::super::batch::losses`], on slices, with its derivative.

use rayon::prelude::*;

use super::registers::{InstructionSet, residuals};

/// What a reconstruction is compared with, and how.
#[derive(Debug, Clone, Copy)]
pub struct Truth<'a> {
    /// `[spectra, pixels]`
    pub flux: &'a [f32],
    pub ivar: &'a [f32],
    /// Error of the model as a share of the flux.
    pub error_floor: f32,
    /// Squared residual beyond which a pixel's loss grows only linearly; infinite for never.
    pub limit: f32,
    /// Mean squared residual at which a spectrum's pull is halved; infinite for never.
    pub strange: f64,
}

impl Truth<'_> {
    /// The loss of a spectrum with this mean over its pixels, and the slope there.
    fn bounded(&self, mean: f64) -> (f64, f64) {
        if self.strange.is_finite() {
            (
                (mean / self.strange).ln_1p() * self.strange,
                1.0 / (1.0 + mean / self.strange),
            )
        } else {
            (mean, 1.0)
        }
    }
}

/// The loss of every spectrum, and its slope with the sum over the spectrum's pixels; `model` becomes the derivative of that sum.
pub(super) fn compare(
    set: InstructionSet,
    pixels: usize,
    model: &mut [f32],
    truth: Truth,
) -> Vec<(f64, f64)> {
    model
        .par_chunks_exact_mut(pixels)
        .zip(truth.flux.par_chunks_exact(pixels))
        .zip(truth.ivar.par_chunks_exact(pixels))
        .map(|((model, flux), ivar)| {
            let valid = ivar.iter().filter(|ivar| **ivar > 0.0).count().max(1) as f64;
            let sum = residuals(set, model, flux, ivar, truth.error_floor, truth.limit);
            let (loss, slope) = truth.bounded(sum / valid);
            (loss, slope / valid)
        })
        .collect()
}
