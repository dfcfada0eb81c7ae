//! A network that reconstructs spectra, its weights lying ready on the device.

#[cfg(feature = "gpu")]
use std::sync::{LazyLock, Mutex, PoisonError};

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use super::batch::Batch;
#[cfg(feature = "gpu")]
use super::cube;
use super::native::{Engine, Weights};
use super::training::INFERENCE_BATCH;
use super::{Accelerator, FluxIvar, Network, Sample, refine};

/// What a network makes of one spectrum. Shapes: `flux` `[pixels]`, `latent` `[latent]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconstructed {
    pub flux: Vec<f32>,
    pub latent: Vec<f32>,
}

/// Steps from the encoder's proposal to the latent vector that fits best.
const REFINEMENTS: usize = 2;
/// Spectra that one task takes through the whole network, at most: for them the decoder's weights are read once.
const AT_ONCE: usize = 16;

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

/// Threads that copy and refine for a GPU. The others take up what comes from outside only when they have nothing else to do, so that a GPU would wait for all that they
/// measure. Started by one of those, whose priority they get.
#[cfg(feature = "gpu")]
static FOR_GPU: LazyLock<Option<rayon::ThreadPool>> = LazyLock::new(|| {
    rayon::scope(|_| {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(rayon::current_num_threads());
        threads.build().ok()
    })
});

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

    /// What each network makes of its spectra. On the processor they look at theirs side by side.
    ///
    /// Panics where the spectra of one network are not of one length.
    pub fn reconstruct_all(networks: &[Self], spectra: &[Vec<FluxIvar>]) -> Vec<Vec<Reconstructed>> {
        let look = |(network, spectra): (&Self, &Vec<FluxIvar>)| network.reconstruct(spectra);
        let natively = |network: &Self| matches!(network.way, Way::Native(_));
        if networks.iter().all(natively) {
            networks.par_iter().zip(spectra).map(look).collect()
        } else {
            networks.iter().zip(spectra).map(look).collect()
        }
    }

    /// What the network makes of spectra, with the latent vectors settled.
    ///
    /// Panics where they are not of one length.
    pub fn reconstruct(&self, spectra: &[FluxIvar]) -> Vec<Reconstructed> {
        if spectra.is_empty() {
            return Vec::new();
        }
        match &self.way {
            Way::Native(weights) => {
                let engine = weights.engine();
                // Each task goes all the way with its spectra, so that nobody waits for the others between two layers.
                let at_once = spectra.len().div_ceil(rayon::current_num_threads());
                let parts = spectra.par_chunks(at_once.clamp(1, AT_ONCE));
                parts
                    .flat_map_iter(|part| self.natively(&engine, &Sample::of(part)))
                    .collect()
            }
            Way::Burn(accelerator) => {
                let parts = spectra.chunks(INFERENCE_BATCH);
                parts
                    .flat_map(|part| self.in_burn(accelerator, &Sample::of(part)))
                    .collect()
            }
            #[cfg(feature = "gpu")]
            Way::Cube(engine) => {
                // The lock first: a thread of these that waits could else be lent out to who wants it, too.
                let mut engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
                let engine = &mut *engine;
                let mut look = || self.on_gpu(engine, &Sample::of(spectra));
                match &*FOR_GPU {
                    Some(threads) => threads.install(look),
                    None => look(),
                }
            }
        }
    }

    fn natively(&self, engine: &Engine, sample: &Sample) -> Vec<Reconstructed> {
        match engine {
            Engine::Skip(skip) => one_by_one(sample, skip.reconstruct(&sample.flux, sample.pixels)),
            Engine::Bottleneck(bottleneck) => {
                let decode = |latent: &[f32]| bottleneck.decode(latent, sample.len());
                let latent = bottleneck.encode(&sample.flux, &sample.ivar);
                let proposed = (decode(&latent), latent);
                self.settled(sample, proposed, bottleneck.components(), decode)
            }
        }
    }

    fn in_burn(&self, accelerator: &Accelerator, sample: &Sample) -> Vec<Reconstructed> {
        let device = accelerator.inference();
        let batch = Batch::new(sample, &device);
        let output = self.network.forward(batch.flux, batch.ivar);
        let proposed = (values(output.flux), values(output.latent));
        match &self.network {
            Network::Skip(_) => one_by_one(sample, proposed),
            Network::Bottleneck(bottleneck) => {
                let decode = |latent: &[f32]| {
                    let latent =
                        TensorData::new(latent.to_vec(), [sample.len(), latent.len() / sample.len()]);
                    values(bottleneck.decode(Tensor::from_data(latent, &device)))
                };
                self.settled(sample, proposed, &values(bottleneck.components()), decode)
            }
        }
    }

    #[cfg(feature = "gpu")]
    fn on_gpu(&self, engine: &mut cube::Engine, sample: &Sample) -> Vec<Reconstructed> {
        let proposed = engine.reconstruct(sample);
        match &self.network {
            Network::Skip(_) => one_by_one(sample, proposed),
            Network::Bottleneck(bottleneck) => {
                let decode = |latent: &[f32]| engine.decode(latent, sample.pixels);
                self.settled(sample, proposed, &values(bottleneck.components()), decode)
            }
        }
    }

    /// What a bottleneck makes of spectra once their latent vectors are settled, from what its encoder proposed. Shapes: as for [`one_by_one`], `components` `[latent, pixels]`.
    fn settled(
        &self,
        sample: &Sample,
        (mut flux, mut latent): (Vec<f32>, Vec<f32>),
        components: &[f32],
        mut decode: impl FnMut(&[f32]) -> Vec<f32>,
    ) -> Vec<Reconstructed> {
        for _ in 0..REFINEMENTS {
            latent = refine::batch(sample, &flux, &latent, components, self.error_floor);
            flux = decode(&latent);
        }
        one_by_one(sample, (flux, latent))
    }
}

/// Reconstructions of a sample and its latent vectors, each spectrum's by themselves; of one spectrum at least. Shapes: `[spectra, pixels]`, `[spectra, latent]`.
fn one_by_one(sample: &Sample, (flux, latent): (Vec<f32>, Vec<f32>)) -> Vec<Reconstructed> {
    let rows = flux.par_chunks_exact(sample.pixels);
    rows.zip(latent.par_chunks_exact(latent.len() / sample.len()))
        .map(|(flux, latent)| Reconstructed {
            flux: flux.to_vec(),
            latent: latent.to_vec(),
        })
        .collect()
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
