//! Batches as tensors, and what is done to them while training.

use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use super::{Sample, TrainingSettings};

/// Some spectra as tensors of shape `[batch, 1, pixels]`.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub flux: Tensor<3>,
    pub ivar: Tensor<3>,
}

impl Batch {
    pub fn new(sample: &Sample, device: &Device) -> Self {
        let shape = [sample.len(), 1, sample.pixels];
        Self {
            flux: Tensor::from_data(TensorData::new(sample.flux.clone(), shape), device),
            ivar: Tensor::from_data(TensorData::new(sample.ivar.clone(), shape), device),
        }
    }
}

/// What the encoder is shown instead of the spectra: noisier, and with blocks of pixels hidden, so that it learns to fill gaps.
pub(super) fn augment(sample: &Sample, settings: &TrainingSettings, random: &mut impl Rng) -> Sample {
    let mut shown = sample.clone();
    let noise = settings.noise as f32;
    for index in 0..sample.len() {
        let range = index * sample.pixels..(index + 1) * sample.pixels;
        let (flux, ivar) = (&mut shown.flux[range.clone()], &mut shown.ivar[range]);
        if noise > 0.0 {
            for (flux, ivar) in flux
                .iter_mut()
                .zip(ivar.iter_mut())
                .filter(|(_, ivar)| **ivar > 0.0)
            {
                let normal: f32 = random.sample(StandardNormal);
                *flux += noise * normal / ivar.sqrt();
                *ivar /= 1.0 + noise * noise;
            }
        }
        for _ in 0..settings.block_masks {
            let length = random.random_range(1..=settings.block_length.clamp(1, sample.pixels));
            let start = random.random_range(0..=sample.pixels - length);
            flux[start..start + length].fill(0.0);
            ivar[start..start + length].fill(0.0);
        }
    }
    shown
}

/// The loss of every spectrum of a batch: the mean over its valid pixels of the squared residual in units of noise and model error,
/// growing linearly beyond `outlier_sigma` (0: never). Shapes: `[batch, 1, pixels]` -> `[batch]`.
///
/// Divided by the valid pixels, not by all: a mostly masked spectrum must not look well reconstructed.
pub(super) fn losses(
    truth: &Batch,
    reconstruction: Tensor<3>,
    error_floor: f64,
    outlier_sigma: f64,
) -> Tensor<1> {
    let model = reconstruction.clone().detach();
    let weight = truth.ivar.clone() / (truth.ivar.clone() * (model * error_floor).square() + 1.0);
    let squares = (reconstruction - truth.flux.clone()).square() * weight;
    let squares = if outlier_sigma > 0.0 {
        // Charbonnier's form of the Huber loss: 2 d² (sqrt(1 + x²/d²) - 1).
        let limit = outlier_sigma * outlier_sigma;
        ((squares / limit + 1.0).sqrt() - 1.0) * (2.0 * limit)
    } else {
        squares
    };
    let valid = truth
        .ivar
        .clone()
        .greater_scalar(0.0)
        .float()
        .sum_dim(2)
        .clamp_min(1.0);
    let [batch, _, _] = squares.dims();
    (squares.sum_dim(2) / valid).reshape([batch])
}
