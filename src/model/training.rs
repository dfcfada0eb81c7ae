//! The training loop of one network: epochs, early stopping, resuming, and an observer that sees every batch.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::optim::{AdamConfig, AdamWConfig, ModuleOptimizer};
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};

use super::batch::{Draws, Shown};
use super::learner::{Learner, Told};
use super::native;
use super::schedule::learning_rate;
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
    learner: &'a Learner,
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

    /// Whether the state is to be kept now, asked after every batch: making it takes the time of some batches.
    fn wants_state(&mut self, epoch_ended: bool) -> bool {
        epoch_ended
    }

    /// The state after a batch, from which training can be resumed.
    fn keep(&mut self, state: &TrainingState) -> Result<(), ModelError>;
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

/// The numbers of a [`TrainingState`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingHeader {
    /// Finished epochs.
    pub epochs: usize,
    /// Finished batches of the running epoch.
    pub batches: usize,
    loss_sum: f64,
    spectra: usize,
    norm_sum: f64,
    /// Of the last batch.
    #[serde(default)]
    last_norm: f64,
    pub history: Vec<EpochRecord>,
    best_loss: Option<f64>,
    best_epoch: usize,
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
        let device = self.accelerator.autodiff();
        let mut network = Network::new(self.model, pca, self.seed, &device);
        let mut state = TrainingState::default();
        // Of the best epoch, where `state` does not hold its bytes yet. It shares its weights with the network until that learns on.
        let mut best = None;
        if let Some(resumed) = resume {
            network = load(network, &resumed.network)?;
            state = resumed;
        }
        let record = (!state.optimizer.is_empty()).then_some(&state.optimizer[..]);
        let mut learner = Learner::new(self, network, record)?;
        let batches = train.len().div_ceil(self.settings.batch_size).max(1);
        let steps = batches * self.settings.epochs;
        let (started, first_step) = (
            Instant::now(),
            state.header.epochs * batches + state.header.batches,
        );
        let draws = Draws {
            settings: self.settings,
            architecture: self.model.architecture,
            seed: self.seed,
        };
        let mut seen = 0;
        let held = learner.hold(self, train)?;
        observer.glance(&Glance {
            epochs: state.header.epochs,
            first: true,
            epoch_ended: false,
            learner: &learner,
        });
        while state.header.epochs < self.settings.epochs {
            let epoch = state.header.epochs;
            let order = draws.order(train.len(), epoch);
            let draw = |batch: usize| draws.batch(train, &order, epoch, batch);
            let mut next = None;
            // What a GPU has not told yet, with the number of spectra.
            let mut open = VecDeque::new();
            for batch in state.header.batches..batches {
                let step = epoch * batches + batch;
                let rate = learning_rate(self.settings, step, steps);
                let (told, count) = if held {
                    let places = draws.places(&order, batch);
                    (learner.step_on(self, places, (epoch, batch), rate), places.len())
                } else {
                    let Shown { chosen, shown } = next.take().unwrap_or_else(|| draw(batch))?;
                    // The next batch is drawn beside the work on this one; what is drawn depends on its number alone.
                    let told = rayon::in_place_scope(|scope| {
                        if batch + 1 < batches {
                            scope.spawn(|_| next = Some(draw(batch + 1)));
                        }
                        learner.step(self, &chosen, &shown, rate)
                    });
                    (told, chosen.len())
                };
                open.push_back((told, count));
                state.header.batches = batch + 1;
                seen += count;
                let last = batch + 1 == batches;
                // The first of an epoch is waited for, so that there is a loss to show.
                let ahead = if last || state.header.spectra == 0 {
                    0
                } else {
                    learner.ahead()
                };
                self.settle(&mut open, ahead, &mut state.header)?;
                let train_loss = state.header.loss_sum / state.header.spectra as f64;
                let norm = state.header.last_norm;
                let finished = last.then(|| EpochRecord {
                    epoch: epoch + 1,
                    train_loss,
                    validation_loss: 0.0,
                    learning_rate: rate,
                    gradient_norm: state.header.norm_sum / batches as f64,
                });
                let finished = match finished {
                    Some(record) => Some(self.finish_epoch(
                        record,
                        &mut learner,
                        train,
                        validation,
                        &mut state,
                        &mut best,
                    )?),
                    None => None,
                };
                let elapsed = started.elapsed();
                let done = (step + 1 - first_step) as f64;
                let flow = observer.progress(&Progress {
                    epoch: epoch + 1,
                    epochs: self.settings.epochs,
                    batch: batch + 1,
                    batches,
                    train_loss,
                    learning_rate: rate,
                    gradient_norm: norm,
                    spectra_per_second: seen as f64 / elapsed.as_secs_f64().max(1e-9),
                    left: elapsed.mul_f64((steps - step - 1) as f64 / done),
                    best: state.header.best_loss.map(|loss| (state.header.best_epoch, loss)),
                    finished: finished.clone(),
                });
                if flow == Flow::Stop {
                    self.settle(&mut open, 0, &mut state.header)?;
                    store(&mut state, &learner, &mut best)?;
                    return Ok((Outcome::Cancelled, state));
                }
                if observer.wants_state(finished.is_some()) {
                    self.settle(&mut open, 0, &mut state.header)?;
                    store(&mut state, &learner, &mut best)?;
                    observer.keep(&state)?;
                }
                observer.glance(&Glance {
                    epochs: state.header.epochs,
                    first: false,
                    epoch_ended: finished.is_some(),
                    learner: &learner,
                });
            }
            let patience = self.settings.patience;
            if patience > 0 && state.header.epochs - state.header.best_epoch >= patience {
                store(&mut state, &learner, &mut best)?;
                return Ok((Outcome::StoppedEarly, state));
            }
        }
        store(&mut state, &learner, &mut best)?;
        Ok((Outcome::Finished, state))
    }

    /// The network of the epoch with the lowest validation loss, for inference.
    pub fn best(&self, state: &TrainingState, pca: &Pca) -> Result<Network, ModelError> {
        let device = self.accelerator.inference();
        load(
            Network::new(self.model, pca, self.seed, &device),
            &state.best_network,
        )
    }

    /// Waits for what is still open, but for the last `ahead` batches.
    fn settle(
        &self,
        open: &mut VecDeque<(Told, usize)>,
        ahead: usize,
        header: &mut TrainingHeader,
    ) -> Result<(), ModelError> {
        while open.len() > ahead {
            let Some((told, spectra)) = open.pop_front() else {
                break;
            };
            let (value, norm) = told.wait();
            if !value.is_finite() {
                return Err(ModelError::Diverged {
                    value,
                    epoch: header.epochs + 1,
                    learning_rate: self.settings.learning_rate,
                });
            }
            header.loss_sum += value * spectra as f64;
            header.spectra += spectra;
            header.norm_sum += norm;
            header.last_norm = norm;
        }
        Ok(())
    }

    fn finish_epoch(
        &self,
        mut record: EpochRecord,
        learner: &mut Learner,
        train: &dyn Spectra,
        validation: &dyn Spectra,
        state: &mut TrainingState,
        best: &mut Option<Network>,
    ) -> Result<EpochRecord, ModelError> {
        let watched = if validation.is_empty() { train } else { validation };
        record.validation_loss = learner.mean_loss(self, watched)?;
        // With one batch an epoch this is the first loss that a step too far shows up in.
        if !record.validation_loss.is_finite() {
            let (value, learning_rate) = (record.validation_loss, self.settings.learning_rate);
            return Err(ModelError::Diverged {
                value,
                epoch: record.epoch,
                learning_rate,
            });
        }
        let header = &mut state.header;
        if header.best_loss.is_none_or(|best| record.validation_loss < best) {
            header.best_loss = Some(record.validation_loss);
            header.best_epoch = record.epoch;
            *best = Some(learner.network());
        }
        header.history.push(record.clone());
        header.epochs += 1;
        (header.batches, header.loss_sum, header.spectra, header.norm_sum) = (0, 0.0, 0, 0.0);
        Ok(record)
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

fn store(state: &mut TrainingState, learner: &Learner, best: &mut Option<Network>) -> Result<(), ModelError> {
    if let Some(best) = best.take() {
        state.best_network = bytes(&best)?;
    }
    (state.network, state.optimizer) = learner.records()?;
    Ok(())
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
