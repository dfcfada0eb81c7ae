//! What a batch teaches a network on the processor: by the kernels on flex, by burn's operations and autodiff on the reference device.

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

use super::batch::{Batch, losses};
use super::gradients::{clip, l1_norm};
use super::native::{Lesson, Truth, Weights};
use super::training::{INFERENCE_BATCH, Trainer};
use super::{Architecture, ModelError, Network, Sample, Spectra};

/// Outliers beyond this many sigma count linearly in the bottleneck's loss; the original's loss is quadratic.
const OUTLIER_SIGMA: f64 = 5.0;
/// Mean squared residual, in units of the noise, at which a spectrum's pull on the network is halved.
pub(super) const STRANGE_LOSS: f64 = 3.0;

impl Trainer<'_> {
    /// What a batch teaches the network, of which it is shown `shown`.
    pub(super) fn learn(
        &self,
        network: &Network,
        chosen: &Sample,
        shown: &Sample,
        device: &Device,
    ) -> Lesson {
        let (l1, limit) = (self.settings.l1, self.settings.gradient_clip);
        if self.accelerator.has_kernels() {
            let inputs = (&shown.flux[..], &shown.ivar[..]);
            let truth = self.truth(chosen);
            return Weights::of(network).learn(inputs, chosen.pixels, truth, l1, limit, device);
        }
        let (truth, shown) = (Batch::new(chosen, device), Batch::new(shown, device));
        let output = network.forward(shown.flux, shown.ivar);
        let mut loss = self.bounded(self.losses(&truth, output.flux)).mean();
        let value = f64::from(loss.clone().into_scalar::<f32>());
        if l1 > 0.0
            && let Some(norm) = l1_norm(network)
        {
            loss = loss + norm * l1;
        }
        let mut gradients = GradientsParams::from_grads(loss.backward(), network);
        let norm = clip(network, &mut gradients, limit);
        Lesson {
            loss: value,
            gradients,
            norm,
        }
    }

    /// What the kernels compare a reconstruction with.
    pub(super) fn truth<'a>(&self, sample: &'a Sample) -> Truth<'a> {
        let bottleneck = self.model.architecture == Architecture::Bottleneck;
        let bound = |value: f64| if bottleneck { value } else { f64::INFINITY };
        Truth {
            flux: &sample.flux,
            ivar: &sample.ivar,
            error_floor: self.model.error_floor as f32,
            limit: bound(OUTLIER_SIGMA * OUTLIER_SIGMA) as f32,
            strange: bound(STRANGE_LOSS),
        }
    }

    /// Mean loss over a sample, without augmentation.
    pub(super) fn mean_loss(&self, network: &Network, spectra: &dyn Spectra) -> Result<f64, ModelError> {
        let device = self.accelerator.inference();
        let indices: Vec<usize> = (0..spectra.len()).collect();
        let weights = self.accelerator.has_kernels().then(|| Weights::of(network));
        let engine = weights.as_ref().map(Weights::engine);
        let mut sum = 0.0;
        for chunk in indices.chunks(INFERENCE_BATCH) {
            let chosen = spectra.select(chunk)?;
            sum += match &engine {
                Some(engine) => engine.loss(self.truth(&chosen), chosen.pixels),
                None => {
                    let batch = Batch::new(&chosen, &device);
                    let output = network.forward(batch.flux.clone(), batch.ivar.clone());
                    let losses = self.bounded(self.losses(&batch, output.flux));
                    f64::from(losses.sum().into_scalar::<f32>())
                }
            };
        }
        Ok(sum / spectra.len().max(1) as f64)
    }

    /// The loss that is learned from: that of a spectrum which the network cannot draw grows only with its logarithm, so that the few
    /// strange spectra of a training set do not teach it what strange spectra look like.
    ///
    /// Source: the Cauchy (Lorentzian) loss of robust statistics, applied to whole spectra.
    fn bounded(&self, losses: Tensor<1>) -> Tensor<1> {
        match self.model.architecture {
            Architecture::Bottleneck => (losses / STRANGE_LOSS).log1p() * STRANGE_LOSS,
            Architecture::Skip => losses,
        }
    }

    fn losses(&self, truth: &Batch, reconstruction: Tensor<3>) -> Tensor<1> {
        let outlier_sigma = match self.model.architecture {
            Architecture::Bottleneck => OUTLIER_SIGMA,
            Architecture::Skip => 0.0,
        };
        losses(truth, reconstruction, self.model.error_floor, outlier_sigma)
    }
}
