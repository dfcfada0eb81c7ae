//! A network that reconstructs spectra, its weights lying ready on the device.

#[cfg(feature = "gpu")]
use std::sync::{Mutex, PoisonError};

use burn::tensor::{Tensor, TensorData};

use super::batch::Batch;
#[cfg(feature = "gpu")]
use super::cube;
use super::native::{Engine, Weights};
use super::training::INFERENCE_BATCH;
use super::{Accelerator, Network, Sample, refine};

/// Reconstructions of some spectra.
///
/// Shapes: `flux` `[spectra, pixels]`, `latent` `[spectra, latent]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reconstructed {
    pub flux: Vec<f32>,
    pub latent: Vec<f32>,
}

/// Steps from the encoder's proposal to the latent vector that fits best.
const REFINEMENTS: usize = 2;

/// A network, finished or still in training, ready to reconstruct.
pub struct Inference {
    network: Network,
    error_floor: f64,
    way: Way,
}

enum Way {
    /// The kernels for the processor.
    Native(Weights),
    /// burn's operations.
    Burn(Accelerator),
    /// The kernels for a GPU, for one caller at a time. No task of rayon may be one: its thread could be lent out while it holds the lock, and meet it again.
    #[cfg(feature = "gpu")]
    Cube(Box<Mutex<cube::Engine>>),
}

impl Inference {
    /// `error_floor` is that of the model's settings.
    pub fn new(network: &Network, error_floor: f64, accelerator: &Accelerator) -> Self {
        let way = if accelerator.has_kernels() {
            Way::Native(Weights::of(network))
        } else {
            beside_kernels(network, accelerator)
        };
        Self {
            network: network.clone(),
            error_floor,
            way,
        }
    }

    /// What the network makes of spectra, with the latent vectors settled.
    pub fn reconstruct(&self, sample: &Sample) -> Reconstructed {
        #[cfg(feature = "gpu")]
        if let Way::Cube(engine) = &self.way {
            let mut engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
            return self.on_gpu(&mut engine, sample);
        }
        let indices: Vec<usize> = (0..sample.len()).collect();
        let mut out = Reconstructed::default();
        for chunk in indices.chunks(INFERENCE_BATCH) {
            let chosen = sample.select(chunk);
            let part = match &self.way {
                Way::Native(weights) => self.natively(&weights.engine(), &chosen),
                Way::Burn(accelerator) => self.in_burn(accelerator, &chosen),
                #[cfg(feature = "gpu")]
                Way::Cube(_) => unreachable!("above"),
            };
            out.flux.extend(part.flux);
            out.latent.extend(part.latent);
        }
        out
    }

    fn natively(&self, engine: &Engine, sample: &Sample) -> Reconstructed {
        let (mut flux, mut latent) = engine.reconstruct(&sample.flux, &sample.ivar, sample.pixels);
        if let Engine::Bottleneck(bottleneck) = engine {
            for _ in 0..REFINEMENTS {
                latent = refine::batch(sample, &flux, &latent, bottleneck.components(), self.error_floor);
                flux = bottleneck.decode(&latent);
            }
        }
        Reconstructed { flux, latent }
    }

    fn in_burn(&self, accelerator: &Accelerator, sample: &Sample) -> Reconstructed {
        let device = accelerator.inference();
        let batch = Batch::new(sample, &device);
        let output = self.network.forward(batch.flux, batch.ivar);
        let (mut flux, mut latent) = (values(output.flux), values(output.latent));
        if let Network::Bottleneck(bottleneck) = &self.network {
            let components = values(bottleneck.components());
            let length = latent.len() / sample.len();
            for _ in 0..REFINEMENTS {
                latent = refine::batch(sample, &flux, &latent, &components, self.error_floor);
                let latent = TensorData::new(latent.clone(), [sample.len(), length]);
                flux = values(bottleneck.decode(Tensor::from_data(latent, &device)));
            }
        }
        Reconstructed { flux, latent }
    }

    #[cfg(feature = "gpu")]
    fn on_gpu(&self, engine: &mut cube::Engine, sample: &Sample) -> Reconstructed {
        let (mut flux, mut latent) = engine.reconstruct(sample);
        if let Network::Bottleneck(bottleneck) = &self.network {
            let components = values(bottleneck.components());
            for _ in 0..REFINEMENTS {
                latent = refine::batch(sample, &flux, &latent, &components, self.error_floor);
                flux = engine.decode(&latent, sample.pixels);
            }
        }
        Reconstructed { flux, latent }
    }
}

/// The way of a device that the kernels for the processor do not serve.
fn beside_kernels(#[allow(unused_variables)] network: &Network, accelerator: &Accelerator) -> Way {
    #[cfg(feature = "gpu")]
    if accelerator.is_gpu() {
        let engine = cube::Engine::of(network, accelerator.client());
        return Way::Cube(Box::new(Mutex::new(engine)));
    }
    Way::Burn(accelerator.clone())
}

/// The numbers of a tensor, on the host.
pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor
        .into_data()
        .convert::<f32>()
        .try_into_vec()
        .expect("converted to f32")
}
