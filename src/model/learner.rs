//! A network in training, wherever that happens.

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::{Bytes, Device};
#[cfg(feature = "gpu")]
use rayon::prelude::*;

#[cfg(feature = "gpu")]
use super::cube;
use super::native::Lesson;
use super::training::{Trainer, bytes, damaged};
use super::{ModelError, Network, Sample, Spectra};

/// Spectra that are read at once for a GPU.
#[cfg(feature = "gpu")]
const CHUNK: usize = 1024;

/// A network and its optimizer.
#[cfg_attr(
    feature = "gpu",
    expect(clippy::large_enum_variant, reason = "a training has one of them")
)]
pub(super) enum Learner {
    /// In burn's hands; the gradients are those of [`Trainer::learn`].
    Burn {
        /// Given back after every step.
        network: Option<Network>,
        optimizer: ModuleOptimizer,
        device: Device,
        /// Of the steps that have not been asked for.
        told: Vec<Told>,
    },
    /// On a GPU, whose kernels do it all.
    #[cfg(feature = "gpu")]
    Cube(Box<cube::Learner>),
}

/// Mean loss of a step without the L1 norm, and the gradient's norm before clipping.
pub(super) type Told = (f64, f64);

/// An epoch on a set that is kept.
#[cfg_attr(not(feature = "gpu"), allow(dead_code))]
pub(super) struct Epoch<'a> {
    /// From 0.
    pub number: usize,
    /// Places of the spectra, in the order in which they are learned from.
    pub order: &'a [usize],
    /// Learning rates of all its batches.
    pub rates: &'a [f64],
    /// The batch to begin with.
    pub first: usize,
}

/// The weights of a network as they once were.
#[cfg_attr(
    feature = "gpu",
    expect(clippy::large_enum_variant, reason = "a training has one of them")
)]
pub(super) enum Snapshot {
    /// Sharing its numbers with the network until that learns on.
    Burn(Network),
    #[cfg(feature = "gpu")]
    Cube(cube::Snapshot),
}

/// What a learner is after some step: records can be made of it by any thread, while it learns on.
pub(super) enum Moment {
    Burn {
        network: Network,
        optimizer: ModuleOptimizer,
    },
    #[cfg(feature = "gpu")]
    Cube(cube::Moment),
}

impl Moment {
    /// The records of network and optimizer.
    ///
    /// Errors: they cannot be written.
    pub fn records(self) -> Result<(Vec<u8>, Vec<u8>), ModelError> {
        let (network, optimizer) = match self {
            Self::Burn { network, optimizer } => {
                let optimizer = optimizer.into_bytes().map(|bytes| bytes.to_vec());
                (network, optimizer)
            }
            #[cfg(feature = "gpu")]
            Self::Cube(moment) => moment.records(),
        };
        Ok((bytes(&network)?, optimizer.map_err(|error| damaged(&error))?))
    }
}

impl Learner {
    /// Goes on from a network and the record of its optimizer, where there is one.
    ///
    /// Errors: a damaged record.
    pub fn new(trainer: &Trainer, network: Network, record: Option<&[u8]>) -> Result<Self, ModelError> {
        #[cfg(feature = "gpu")]
        if trainer.accelerator.is_gpu() {
            let learner = cube::Learner::new(trainer, network, record.map(<[u8]>::to_vec));
            return Ok(Self::Cube(Box::new(learner.map_err(|error| damaged(&error))?)));
        }
        let mut optimizer = trainer.optimizer();
        if let Some(record) = record {
            let record = Bytes::from_bytes_vec(record.to_vec());
            optimizer = optimizer.from_bytes(record).map_err(|error| damaged(&error))?;
        }
        Ok(Self::Burn {
            network: Some(network),
            optimizer,
            device: trainer.accelerator.autodiff(),
            told: Vec::new(),
        })
    }

    /// One step on a batch, of which the encoder is shown `shown`.
    pub fn step(&mut self, trainer: &Trainer, chosen: &Sample, shown: &Sample, rate: f64) {
        match self {
            Self::Burn {
                network,
                optimizer,
                device,
                told,
            } => {
                // Moved and not cloned: the optimizer changes weights in place where nobody else holds them.
                let before = network.take().expect("given back after every step");
                let Lesson {
                    loss,
                    gradients,
                    norm,
                } = trainer.learn(&before, chosen, shown, device);
                *network = Some(if loss.is_finite() {
                    optimizer.step(rate, before, gradients)
                } else {
                    before
                });
                told.push((loss, norm));
            }
            #[cfg(feature = "gpu")]
            Self::Cube(learner) => {
                let shown = (trainer.model.architecture == super::Architecture::Bottleneck)
                    .then_some((&shown.flux[..], &shown.ivar[..]));
                learner.step(trainer.truth(chosen), shown, chosen.pixels, rate);
            }
        }
    }

    /// Spectra to learn from or to be watched by, kept where the network is, if that is a GPU with room for them.
    ///
    /// Errors: spectra cannot be read.
    #[cfg_attr(not(feature = "gpu"), allow(unused_variables))]
    pub fn set<'a>(&self, trainer: &Trainer, spectra: &'a dyn Spectra) -> Result<Set<'a>, ModelError> {
        Ok(Set {
            spectra,
            #[cfg(feature = "gpu")]
            held: match self {
                Self::Burn { .. } => None,
                Self::Cube(learner) => hold(learner, trainer, spectra)?,
            },
        })
    }

    /// Gets ready to learn from a set, where that is kept.
    #[cfg_attr(not(feature = "gpu"), allow(unused_variables))]
    pub fn begin(&mut self, trainer: &Trainer, set: &Set) {
        #[cfg(feature = "gpu")]
        if let (Self::Cube(learner), Some(held)) = (self, &set.held) {
            learner.begin(held, trainer.settings.batch_size);
        }
    }

    /// Begins an epoch on the set that it is ready for. Panics if that is not kept, or if steps of another epoch have not been told.
    #[cfg_attr(not(feature = "gpu"), allow(unused_variables))]
    pub fn plan(&mut self, epoch: &Epoch) {
        match self {
            Self::Burn { .. } => unreachable!("burn keeps no spectra"),
            #[cfg(feature = "gpu")]
            Self::Cube(learner) => learner.plan(epoch),
        }
    }

    /// The next step of the epoch; the number of its spectra. Panics if the set is not kept.
    #[cfg_attr(not(feature = "gpu"), allow(unused_variables))]
    pub fn step_on(&mut self, set: &Set) -> usize {
        match self {
            Self::Burn { .. } => unreachable!("burn keeps no spectra"),
            #[cfg(feature = "gpu")]
            Self::Cube(learner) => learner.step_on(set.held.as_ref().expect("kept on the GPU")),
        }
    }

    /// What the steps that have not been told yet came to, in their order. A GPU tells later: those that are there, or `all`.
    #[cfg_attr(not(feature = "gpu"), allow(unused_variables))]
    pub fn told(&mut self, all: bool) -> Vec<Told> {
        match self {
            Self::Burn { told, .. } => std::mem::take(told),
            #[cfg(feature = "gpu")]
            Self::Cube(learner) => learner.told(all),
        }
    }

    /// The weights as they are now, kept where they are.
    pub fn snapshot(&self) -> Snapshot {
        match self {
            Self::Burn { .. } => Snapshot::Burn(self.network()),
            #[cfg(feature = "gpu")]
            Self::Cube(learner) => Snapshot::Cube(learner.snapshot()),
        }
    }

    /// burn's network with the weights of a snapshot of this learner.
    pub fn network_of(&self, snapshot: &Snapshot) -> Network {
        match (self, snapshot) {
            (_, Snapshot::Burn(network)) => network.clone(),
            #[cfg(feature = "gpu")]
            (Self::Cube(learner), Snapshot::Cube(snapshot)) => learner.network_of(snapshot),
            #[cfg(feature = "gpu")]
            (Self::Burn { .. }, Snapshot::Cube(_)) => unreachable!("of another learner"),
        }
    }

    /// burn's network with the weights as they are now.
    pub fn network(&self) -> Network {
        match self {
            Self::Burn { network, .. } => network.clone().expect("given back after every step"),
            #[cfg(feature = "gpu")]
            Self::Cube(learner) => learner.network(),
        }
    }

    /// What it is now.
    pub fn moment(&self) -> Moment {
        match self {
            Self::Burn { optimizer, .. } => Moment::Burn {
                network: self.network(),
                optimizer: optimizer.clone(),
            },
            #[cfg(feature = "gpu")]
            Self::Cube(learner) => Moment::Cube(learner.moment()),
        }
    }

    /// Mean loss over a set, without augmentation.
    ///
    /// Errors: spectra cannot be read.
    pub fn mean_loss(&mut self, trainer: &Trainer, set: &Set) -> Result<f64, ModelError> {
        match self {
            Self::Burn { .. } => trainer.mean_loss(&self.network().valid(), set.spectra),
            #[cfg(feature = "gpu")]
            Self::Cube(learner) => {
                let sum = match &set.held {
                    Some(held) => learner.loss_on(held),
                    None => {
                        let indices: Vec<usize> = (0..set.spectra.len()).collect();
                        let mut sum = 0.0;
                        for chunk in indices.chunks(CHUNK) {
                            let chosen = set.spectra.select(chunk)?;
                            sum += learner.loss(trainer.truth(&chosen), chosen.pixels);
                        }
                        sum
                    }
                };
                Ok(sum / set.spectra.len().max(1) as f64)
            }
        }
    }
}

/// Spectra to learn from or to be watched by.
pub(super) struct Set<'a> {
    pub spectra: &'a dyn Spectra,
    #[cfg(feature = "gpu")]
    held: Option<cube::Held>,
}

impl Set<'_> {
    /// Whether they lie where the network is.
    pub fn is_kept(&self) -> bool {
        #[cfg(feature = "gpu")]
        return self.held.is_some();
        #[cfg(not(feature = "gpu"))]
        return false;
    }
}

/// Uploads spectra, where there are some and a GPU can have them in one buffer.
#[cfg(feature = "gpu")]
fn hold(
    learner: &cube::Learner,
    trainer: &Trainer,
    spectra: &dyn Spectra,
) -> Result<Option<cube::Held>, ModelError> {
    let indices: Vec<usize> = (0..spectra.len()).collect();
    let Some(first) = indices.first() else {
        return Ok(None);
    };
    let pixels = spectra.select(&[*first])?.pixels;
    if spectra.len() * pixels * size_of::<f32>() > trainer.accelerator.largest_buffer() {
        return Ok(None);
    }
    let held = learner.room_for(spectra.len(), pixels);
    for chunk in indices.chunks(CHUNK) {
        let parts = chunk.par_chunks(CHUNK / 16);
        let read: Vec<Sample> = parts.map(|part| spectra.select(part)).collect::<Result<_, _>>()?;
        for (part, sample) in read.iter().enumerate() {
            learner.put(&held, chunk[0] + part * (CHUNK / 16), &sample.flux, &sample.ivar);
        }
    }
    Ok(Some(held))
}
