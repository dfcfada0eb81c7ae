//! Cross-fitting: one network a fold, and every object is reconstructed by the network that has not seen it.

use serde::{Deserialize, Serialize};

use super::batch::Batch;
use super::native::{Engine, Weights};
use super::training::INFERENCE_BATCH;
use super::{Accelerator, EpochRecord, ModelSettings, Network, Outcome, Sample, refine};

/// The fold of an object: a hash of its key, so that it is the same in every catalog, order and shard, and in every training: who judges an object does not
/// change with a seed.
pub fn fold_of(key: &str, folds: usize) -> usize {
    (lot_of(key, 0) % folds.max(1) as u64) as usize
}

/// A number that chance gave the object of this key.
pub fn lot_of(key: &str, seed: u64) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(key.as_bytes());
    let hash = hasher.finalize();
    u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("a hash has 32 bytes"))
}

/// What is told of a trained network beside its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    pub fold: usize,
    pub train_spectra: usize,
    pub validation_spectra: usize,
    pub outcome: Outcome,
    pub history: Vec<EpochRecord>,
}

/// The network of one fold.
#[derive(Debug, Clone)]
pub struct Member {
    pub network: Network,
    pub training: Training,
}

/// The networks of all folds.
#[derive(Debug, Clone)]
pub struct Ensemble {
    pub settings: ModelSettings,
    pub members: Vec<Member>,
}

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

impl Ensemble {
    /// Reconstructs the sample with the network of one fold.
    pub fn reconstruct(&self, member: usize, sample: &Sample, accelerator: &Accelerator) -> Reconstructed {
        let network = &self.members[member].network;
        let indices: Vec<usize> = (0..sample.len()).collect();
        #[cfg(feature = "gpu")]
        if accelerator.is_gpu() {
            let mut engine = super::cube::Engine::of(network, accelerator.client());
            return settle_on_gpu(&mut engine, network, self.settings.error_floor, sample);
        }
        let weights = accelerator.has_kernels().then(|| Weights::of(network));
        let engine = weights.as_ref().map(Weights::engine);
        let floor = self.settings.error_floor;
        let mut out = Reconstructed::default();
        for chunk in indices.chunks(INFERENCE_BATCH) {
            let chosen = sample.select(chunk);
            let part = match &engine {
                Some(engine) => settle(engine, floor, &chosen),
                None => reconstruct(network, floor, &chosen, accelerator),
            };
            out.flux.extend(part.flux);
            out.latent.extend(part.latent);
        }
        out
    }
}

impl Member {
    /// The reconstruction of the latent vector zero; empty for a network that is no bottleneck. Shape: `[pixels]`.
    pub fn center(&self) -> Vec<f32> {
        match &self.network {
            Network::Bottleneck(network) => {
                let components = network.components();
                let latent = burn::tensor::Tensor::zeros([1, components.dims()[0]], &components.device());
                values(network.decode(latent))
            }
            Network::Skip(_) => Vec::new(),
        }
    }

    /// The spectra along which the reconstruction changes with the latent vector, to first order; empty for a network that is no bottleneck.
    ///
    /// Shape: `[latent, pixels]`, row by row.
    pub fn directions(&self) -> Vec<f32> {
        match &self.network {
            Network::Bottleneck(network) => values(network.components()),
            Network::Skip(_) => Vec::new(),
        }
    }
}

/// What a network makes of a batch of at least one spectrum, with the latent vector settled as a finished ensemble does it; also of a
/// network still in training.
pub fn reconstruct(
    network: &Network,
    error_floor: f64,
    sample: &Sample,
    accelerator: &Accelerator,
) -> Reconstructed {
    if accelerator.has_kernels() {
        return settle(&Weights::of(network).engine(), error_floor, sample);
    }
    let device = accelerator.inference();
    #[cfg(feature = "gpu")]
    if accelerator.is_gpu() {
        let mut engine = super::cube::Engine::of(network, accelerator.client());
        return settle_on_gpu(&mut engine, network, error_floor, sample);
    }
    let batch = Batch::new(sample, &device);
    let output = network.forward(batch.flux, batch.ivar);
    let mut flux = values(output.flux);
    let mut latent = values(output.latent);
    if let Network::Bottleneck(bottleneck) = network {
        let components = values(bottleneck.components());
        let length = latent.len() / sample.len();
        for _ in 0..REFINEMENTS {
            latent = refine::batch(sample, &flux, &latent, &components, error_floor);
            let latent = burn::tensor::TensorData::new(latent.clone(), [sample.len(), length]);
            flux = values(bottleneck.decode(burn::tensor::Tensor::from_data(latent, &device)));
        }
    }
    Reconstructed { flux, latent }
}

/// [`reconstruct`] on the kernels.
fn settle(engine: &Engine, error_floor: f64, sample: &Sample) -> Reconstructed {
    let (mut flux, mut latent) = engine.reconstruct(&sample.flux, &sample.ivar, sample.pixels);
    if let Engine::Bottleneck(bottleneck) = engine {
        for _ in 0..REFINEMENTS {
            latent = refine::batch(sample, &flux, &latent, bottleneck.components(), error_floor);
            flux = bottleneck.decode(&latent);
        }
    }
    Reconstructed { flux, latent }
}

/// [`reconstruct`] on a GPU.
#[cfg(feature = "gpu")]
fn settle_on_gpu(
    engine: &mut super::cube::Engine,
    network: &Network,
    error_floor: f64,
    sample: &Sample,
) -> Reconstructed {
    let (mut flux, mut latent) = engine.reconstruct(sample);
    if let Network::Bottleneck(bottleneck) = network {
        let components = values(bottleneck.components());
        for _ in 0..REFINEMENTS {
            latent = refine::batch(sample, &flux, &latent, &components, error_floor);
            flux = engine.decode(&latent, sample.pixels);
        }
    }
    Reconstructed { flux, latent }
}

fn values<const D: usize>(tensor: burn::tensor::Tensor<D>) -> Vec<f32> {
    tensor
        .into_data()
        .convert::<f32>()
        .try_into_vec()
        .expect("converted to f32")
}
