//! The training of one network: what it is given, what an observer sees of it, and the state that it can be resumed from. [`Course`](super::course::Course) is its loop.

use std::time::Duration;

use burn::module::Module;
use burn::optim::{AdamConfig, AdamWConfig, ModuleOptimizer};
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};

use super::course::Course;
use super::learner::{Learner, Moment};
use super::native;
use super::{Accelerator, ModelError, ModelSettings, Network, OptimizerKind, Pca, Spectra, TrainingSettings};

/// One finished epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: usize,
    /// Mean loss over the training spectra as they were shown (with augmentation).
    pub train_loss: f64,
    /// Mean loss over the held-out spectra, or over the training ones where none are held out.
    pub validation_loss: f64,
    pub learning_rate: f64,
    /// Mean gradient norm before clipping.
    pub gradient_norm: f64,
}

/// Where the training stands, after every batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// From 1, of `epochs`.
    pub epoch: usize,
    pub epochs: usize,
    /// From 1, of `batches`.
    pub batch: usize,
    pub batches: usize,
    /// Mean over the epoch so far.
    pub train_loss: f64,
    pub learning_rate: f64,
    pub gradient_norm: f64,
    pub spectra_per_second: f64,
    /// To the last epoch; early stopping may end it sooner.
    pub left: Duration,
    /// The epoch that has just ended, on its last batch.
    pub finished: Option<EpochRecord>,
    /// The lowest validation loss so far and its epoch.
    pub best: Option<(usize, f64)>,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Continue,
    /// Stop after this batch and keep the state.
    Stop,
}

/// A chance to look at the network while it learns. It draws no random number and changes nothing: a run that is looked at ends
/// with the same weights.
pub struct Glance<'a> {
    /// Finished epochs.
    pub epochs: usize,
    /// Nothing was learned yet since the training started or was resumed.
    pub first: bool,
    /// An epoch has just ended.
    pub epoch_ended: bool,
    pub(super) learner: &'a Learner,
}

impl Glance<'_> {
    /// The network as it is now, for inference.
    pub fn network(&self) -> Network {
        self.learner.network().valid()
    }
}

/// Sees every batch of a training run, and is handed its state to keep when it asks for it.
pub trait TrainingObserver {
    fn progress(&mut self, progress: &Progress) -> Flow;

    /// Before the first batch and after every batch; it costs nothing but what is done with it.
    fn glance(&mut self, _glance: &Glance) {}

    /// Whether the state is to be kept now, asked after every batch: reading it from a GPU takes the time of some batches.
    fn wants_state(&mut self, epoch_ended: bool) -> bool {
        epoch_ended
    }

    /// The state after a batch, from which training can be resumed.
    fn keep(&mut self, draft: Draft) -> Result<(), ModelError>;
}

/// Everything a training run needs to go on as if it had never stopped.
#[derive(Debug, Clone, Default)]
pub struct TrainingState {
    pub header: TrainingHeader,
    /// burnpack bytes.
    pub network: Vec<u8>,
    pub best_network: Vec<u8>,
    pub optimizer: Vec<u8>,
}

/// A [`TrainingState`] of which the bytes are not made yet: any thread can do that, while the training goes on.
pub struct Draft {
    pub(super) header: TrainingHeader,
    pub(super) best: Best,
    pub(super) moment: Moment,
}

/// The network of the best epoch.
#[derive(Clone)]
pub(super) enum Best {
    /// In burnpack bytes: of a resumed training, or none yet.
    Written(Vec<u8>),
    Network(Box<Network>),
}

impl Draft {
    /// The state of which this is the draft.
    ///
    /// Errors: records cannot be written.
    pub fn finish(self) -> Result<TrainingState, ModelError> {
        let (network, optimizer) = self.moment.records()?;
        let best_network = match self.best {
            Best::Written(bytes) => bytes,
            Best::Network(network) => bytes(&network)?,
        };
        Ok(TrainingState {
            header: self.header,
            network,
            best_network,
            optimizer,
        })
    }
}

/// The numbers of a [`TrainingState`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingHeader {
    /// Finished epochs.
    pub epochs: usize,
    /// Finished batches of the running epoch.
    pub batches: usize,
    pub(super) loss_sum: f64,
    pub(super) spectra: usize,
    pub(super) norm_sum: f64,
    /// Of the last batch.
    #[serde(default)]
    pub(super) last_norm: f64,
    pub history: Vec<EpochRecord>,
    pub(super) best_loss: Option<f64>,
    pub(super) best_epoch: usize,
}

/// How a training run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All epochs were done.
    Finished,
    /// The validation loss stopped improving.
    StoppedEarly,
    /// The observer asked for it; the state can be resumed.
    Cancelled,
}

/// Trains one network.
pub struct Trainer<'a> {
    pub model: &'a ModelSettings,
    pub settings: &'a TrainingSettings,
    pub accelerator: &'a Accelerator,
    /// Seeds weights, order and augmentation of this network.
    pub seed: u64,
}

/// Spectra that are decoded at once outside training.
pub(super) const INFERENCE_BATCH: usize = 64;

impl Trainer<'_> {
    /// Trains on `train`, watches the loss on `validation` (may be empty), and returns the best network's state.
    ///
    /// `resume` is the state of an earlier call with the same settings and data: the result is the same as if that call had gone on.
    ///
    /// Errors: a loss that is not finite, spectra that cannot be read, or what the observer's `keep` reports.
    pub fn train(
        &self,
        train: &dyn Spectra,
        validation: &dyn Spectra,
        pca: &Pca,
        resume: Option<TrainingState>,
        observer: &mut dyn TrainingObserver,
    ) -> Result<(Outcome, TrainingState), ModelError> {
        Course::begin(self, train, validation, pca, resume)?.go(observer)
    }

    /// The network of the epoch with the lowest validation loss, for inference.
    pub fn best(&self, state: &TrainingState, pca: &Pca) -> Result<Network, ModelError> {
        let device = self.accelerator.inference();
        load(
            Network::new(self.model, pca, self.seed, &device),
            &state.best_network,
        )
    }

    pub(super) fn optimizer(&self) -> ModuleOptimizer {
        let decay = self.settings.weight_decay as f32;
        if self.accelerator.has_kernels() {
            return native::Adam::new(self.settings.optimizer, decay).into();
        }
        match self.settings.optimizer {
            OptimizerKind::Adamw => AdamWConfig::new()
                .with_epsilon(1e-8)
                .with_weight_decay(decay)
                .init(),
            OptimizerKind::Adam => {
                let config = AdamConfig::new().with_epsilon(1e-8);
                if decay > 0.0 {
                    config
                        .with_weight_decay(Some(burn::optim::decay::WeightDecayConfig::new(decay)))
                        .init()
                } else {
                    config.init()
                }
            }
        }
    }
}

pub(super) fn bytes(network: &Network) -> Result<Vec<u8>, ModelError> {
    Ok(network
        .clone()
        .into_record()
        .into_bytes()
        .map_err(|error| damaged(&error))?
        .to_vec())
}

pub(super) fn load(network: Network, bytes: &[u8]) -> Result<Network, ModelError> {
    let record = burn::store::ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes.to_vec()))
        .map_err(|error| damaged(&error))?;
    network.try_load_record(record).map_err(|error| damaged(&error))
}

pub(super) fn damaged(error: &dyn std::fmt::Display) -> ModelError {
    ModelError::Record(error.to_string())
}
