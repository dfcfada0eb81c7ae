//! Batches as tensors, and what is done to them while training.

use burn::tensor::{Device, Tensor, TensorData};
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::{Architecture, ModelError, Sample, Spectra, TrainingSettings};

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

/// Which spectra make a batch, and how they are shown.
#[derive(Debug, Clone, Copy)]
pub struct Draws<'a> {
    pub settings: &'a TrainingSettings,
    pub architecture: Architecture,
    pub seed: u64,
}

/// A batch, and what the encoder is shown of it.
pub struct Shown {
    pub chosen: Sample,
    pub shown: Sample,
}

impl Draws<'_> {
    /// The order of the training spectra in an epoch.
    pub fn order(&self, count: usize, epoch: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        order.shuffle(&mut self.random(1 + epoch as u64, 0));
        order
    }

    /// The places in the training set of a batch of an epoch with this order.
    fn places<'o>(&self, order: &'o [usize], batch: usize) -> &'o [usize] {
        let from = batch * self.settings.batch_size;
        &order[from..(from + self.settings.batch_size).min(order.len())]
    }

    /// A batch of an epoch with this order.
    ///
    /// Errors: the spectra cannot be read.
    pub fn batch(
        &self,
        train: &dyn Spectra,
        order: &[usize],
        epoch: usize,
        batch: usize,
    ) -> Result<Shown, ModelError> {
        let chosen = train.select(self.places(order, batch))?;
        let mut random = self.random(1 + epoch as u64, 1 + batch as u64);
        let shown = match self.architecture {
            Architecture::Bottleneck => augment(&chosen, self.settings, &mut random),
            Architecture::Skip => chosen.clone(),
        };
        Ok(Shown { chosen, shown })
    }

    /// A generator of its own for every epoch and batch: what is drawn does not depend on where a run was interrupted.
    fn random(&self, epoch: u64, batch: u64) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(epoch << 32 | batch);
        random
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
