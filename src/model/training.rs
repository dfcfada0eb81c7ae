//! The training loop of one network: epochs, early stopping, resuming, and an observer that sees every batch.

use std::time::{Duration, Instant};

use burn::module::Module;
use burn::optim::{AdamConfig, AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Bytes, Device};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::batch::{Batch, augment, losses};
use super::gradients::{clip, l1_norm};
use super::native::{self, Lesson, Truth, Weights};
use super::schedule::learning_rate;
use super::{
    Accelerator, Architecture, ModelError, ModelSettings, Network, OptimizerKind, Pca, Sample,
    TrainingSettings,
};

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
    network: &'a Network,
}

impl Glance<'_> {
    /// The network as it is now, for inference.
    pub fn network(&self) -> Network {
        self.network.valid()
    }
}

/// Sees every batch of a training run, and is handed its state to keep at the end of every epoch.
pub trait TrainingObserver {
    fn progress(&mut self, progress: &Progress) -> Flow;

    /// Before the first batch and after every batch; it costs nothing but what is done with it.
    fn glance(&mut self, _glance: &Glance) {}

    /// The state after an epoch, from which training can be resumed.
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

/// Outliers beyond this many sigma count linearly in the bottleneck's loss; the original's loss is quadratic.
const OUTLIER_SIGMA: f64 = 5.0;
/// Mean squared residual, in units of the noise, at which a spectrum's pull on the network is halved.
pub(super) const STRANGE_LOSS: f64 = 3.0;
/// Spectra that are decoded at once outside training.
pub(super) const INFERENCE_BATCH: usize = 64;

impl Trainer<'_> {
    /// Trains on `train`, watches the loss on `validation` (may be empty), and returns the best network's state.
    ///
    /// `resume` is the state of an earlier call with the same settings and data: the result is the same as if that call had gone on.
    ///
    /// Errors: a loss that is not finite, or what the observer's `keep` reports.
    pub fn train(
        &self,
        train: &Sample,
        validation: &Sample,
        pca: &Pca,
        resume: Option<TrainingState>,
        observer: &mut dyn TrainingObserver,
    ) -> Result<(Outcome, TrainingState), ModelError> {
        let device = self.accelerator.autodiff();
        let mut network = Network::new(self.model, pca, self.seed, &device);
        let mut optimizer = self.optimizer();
        let mut state = TrainingState::default();
        if let Some(resumed) = resume {
            network = load(network, &resumed.network)?;
            optimizer = optimizer
                .from_bytes(Bytes::from_bytes_vec(resumed.optimizer.clone()))
                .map_err(|error| damaged(&error))?;
            state = resumed;
        }
        let batches = train.len().div_ceil(self.settings.batch_size).max(1);
        let steps = batches * self.settings.epochs;
        let (started, first_step) = (
            Instant::now(),
            state.header.epochs * batches + state.header.batches,
        );
        let mut seen = 0;
        observer.glance(&Glance {
            epochs: state.header.epochs,
            first: true,
            epoch_ended: false,
            network: &network,
        });
        while state.header.epochs < self.settings.epochs {
            let epoch = state.header.epochs;
            let order = self.order(train.len(), epoch);
            for batch in state.header.batches..batches {
                let from = batch * self.settings.batch_size;
                let chosen = train.select(&order[from..(from + self.settings.batch_size).min(order.len())]);
                let mut random = self.random(1 + epoch as u64, 1 + batch as u64);
                let shown = match self.model.architecture {
                    Architecture::Bottleneck => augment(&chosen, self.settings, &mut random),
                    Architecture::Skip => chosen.clone(),
                };
                let Lesson {
                    loss: value,
                    gradients,
                    norm,
                } = self.learn(&network, &chosen, &shown, &device);
                if !value.is_finite() {
                    let learning_rate = self.settings.learning_rate;
                    return Err(ModelError::Diverged {
                        value,
                        epoch: epoch + 1,
                        learning_rate,
                    });
                }
                let step = epoch * batches + batch;
                let rate = learning_rate(self.settings, step, steps);
                network = optimizer.step(rate, network, gradients);

                let header = &mut state.header;
                header.batches = batch + 1;
                header.loss_sum += value * chosen.len() as f64;
                header.spectra += chosen.len();
                header.norm_sum += norm;
                seen += chosen.len();
                let train_loss = header.loss_sum / header.spectra as f64;
                let finished = (batch + 1 == batches).then(|| EpochRecord {
                    epoch: epoch + 1,
                    train_loss,
                    validation_loss: 0.0,
                    learning_rate: rate,
                    gradient_norm: state.header.norm_sum / batches as f64,
                });
                let finished = match finished {
                    Some(record) => Some(self.finish_epoch(record, &network, train, validation, &mut state)?),
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
                    self.store(&mut state, &network, &optimizer)?;
                    return Ok((Outcome::Cancelled, state));
                }
                observer.glance(&Glance {
                    epochs: state.header.epochs,
                    first: false,
                    epoch_ended: finished.is_some(),
                    network: &network,
                });
            }
            self.store(&mut state, &network, &optimizer)?;
            observer.keep(&state)?;
            let patience = self.settings.patience;
            if patience > 0 && state.header.epochs - state.header.best_epoch >= patience {
                return Ok((Outcome::StoppedEarly, state));
            }
        }
        Ok((Outcome::Finished, state))
    }

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
    fn truth<'a>(&self, sample: &'a Sample) -> Truth<'a> {
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

    /// The network of the epoch with the lowest validation loss, for inference.
    pub fn best(&self, state: &TrainingState, pca: &Pca) -> Result<Network, ModelError> {
        let device = self.accelerator.inference();
        load(
            Network::new(self.model, pca, self.seed, &device),
            &state.best_network,
        )
    }

    fn finish_epoch(
        &self,
        mut record: EpochRecord,
        network: &Network,
        train: &Sample,
        validation: &Sample,
        state: &mut TrainingState,
    ) -> Result<EpochRecord, ModelError> {
        let watched = if validation.is_empty() { train } else { validation };
        record.validation_loss = self.mean_loss(&network.valid(), watched);
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
            state.best_network = bytes(network)?;
        }
        header.history.push(record.clone());
        header.epochs += 1;
        (header.batches, header.loss_sum, header.spectra, header.norm_sum) = (0, 0.0, 0, 0.0);
        Ok(record)
    }

    /// Mean loss over a sample, without augmentation.
    fn mean_loss(&self, network: &Network, sample: &Sample) -> f64 {
        let device = self.accelerator.inference();
        let indices: Vec<usize> = (0..sample.len()).collect();
        let weights = self.accelerator.has_kernels().then(|| Weights::of(network));
        let engine = weights.as_ref().map(Weights::engine);
        let sum: f64 = indices
            .chunks(INFERENCE_BATCH)
            .map(|chunk| {
                let chosen = sample.select(chunk);
                if let Some(engine) = &engine {
                    return engine.loss(self.truth(&chosen), sample.pixels);
                }
                let batch = Batch::new(&chosen, &device);
                let output = network.forward(batch.flux.clone(), batch.ivar.clone());
                f64::from(
                    self.bounded(self.losses(&batch, output.flux))
                        .sum()
                        .into_scalar::<f32>(),
                )
            })
            .sum();
        sum / sample.len().max(1) as f64
    }

    /// The loss that is learned from: that of a spectrum which the network cannot draw grows only with its logarithm, so that the few
    /// strange spectra of a training set do not teach it what strange spectra look like.
    ///
    /// Source: the Cauchy (Lorentzian) loss of robust statistics, applied to whole spectra.
    fn bounded(&self, losses: burn::tensor::Tensor<1>) -> burn::tensor::Tensor<1> {
        match self.model.architecture {
            Architecture::Bottleneck => (losses / STRANGE_LOSS).log1p() * STRANGE_LOSS,
            Architecture::Skip => losses,
        }
    }

    fn losses(&self, truth: &Batch, reconstruction: burn::tensor::Tensor<3>) -> burn::tensor::Tensor<1> {
        let outlier_sigma = match self.model.architecture {
            Architecture::Bottleneck => OUTLIER_SIGMA,
            Architecture::Skip => 0.0,
        };
        losses(truth, reconstruction, self.model.error_floor, outlier_sigma)
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

    fn store(
        &self,
        state: &mut TrainingState,
        network: &Network,
        optimizer: &ModuleOptimizer,
    ) -> Result<(), ModelError> {
        state.network = bytes(network)?;
        state.optimizer = optimizer.into_bytes().map_err(|error| damaged(&error))?.to_vec();
        Ok(())
    }

    /// The order of the training spectra in an epoch.
    fn order(&self, count: usize, epoch: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        order.shuffle(&mut self.random(1 + epoch as u64, 0));
        order
    }

    /// A generator of its own for every epoch and batch: what is drawn does not depend on where a run was interrupted.
    fn random(&self, epoch: u64, batch: u64) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(epoch << 32 | batch);
        random
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

fn damaged(error: &dyn std::fmt::Display) -> ModelError {
    ModelError::Record(error.to_string())
}
