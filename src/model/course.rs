//! A training under way: batch by batch, epoch by epoch, until the last one, the last that is any better, or a stop.

use std::collections::VecDeque;
use std::time::Instant;

use super::batch::{Draws, Shown};
use super::learner::{Epoch, Learner, Set, Snapshot};
use super::schedule::learning_rate;
use super::training::{
    Best, Draft, EpochRecord, Flow, Glance, Outcome, Progress, Trainer, TrainingHeader, TrainingObserver,
    TrainingState, load,
};
use super::{ModelError, Network, Pca, Spectra};

pub(super) struct Course<'a> {
    trainer: &'a Trainer<'a>,
    train: Set<'a>,
    validation: Set<'a>,
    draws: Draws<'a>,
    learner: Learner,
    header: TrainingHeader,
    /// Of the best epoch, where that was not before a resumed training stopped.
    best: Option<Snapshot>,
    /// The best network that a resumed training came with.
    best_before: Vec<u8>,
    /// Spectra of the batches that have not been told yet.
    open: VecDeque<usize>,
    /// In an epoch.
    batches: usize,
    /// Batches of all epochs.
    steps: usize,
    /// Batches that were done before this began.
    done_before: usize,
    started: Instant,
    /// Spectra learned from since.
    seen: usize,
}

/// The next batch, where it was drawn beside the work on the one before.
type Next = Option<Result<Shown, ModelError>>;

impl<'a> Course<'a> {
    pub fn begin(
        trainer: &'a Trainer<'a>,
        train: &'a dyn Spectra,
        validation: &'a dyn Spectra,
        pca: &Pca,
        resume: Option<TrainingState>,
    ) -> Result<Self, ModelError> {
        let settings = trainer.settings;
        let device = trainer.accelerator.autodiff();
        let mut network = Network::new(trainer.model, pca, trainer.seed, &device);
        let state = resume.unwrap_or_default();
        if !state.network.is_empty() {
            network = load(network, &state.network)?;
        }
        let record = (!state.optimizer.is_empty()).then_some(&state.optimizer[..]);
        let mut learner = Learner::new(trainer, network, record)?;
        let batches = train.len().div_ceil(settings.batch_size).max(1);
        let draws = Draws {
            settings,
            architecture: trainer.model.architecture,
            seed: trainer.seed,
        };
        let began = Instant::now();
        let (train, validation) = (learner.set(trainer, train)?, learner.set(trainer, validation)?);
        learner.begin(trainer, &train);
        tracing::debug!(
            kept_on_device = train.is_kept(),
            seconds = began.elapsed().as_secs_f64(),
            "spectra at hand"
        );
        Ok(Self {
            steps: batches * settings.epochs,
            done_before: state.header.epochs * batches + state.header.batches,
            header: state.header,
            best: None,
            best_before: state.best_network,
            open: VecDeque::new(),
            seen: 0,
            trainer,
            train,
            validation,
            draws,
            learner,
            batches,
            started: Instant::now(),
        })
    }

    pub fn go(mut self, observer: &mut dyn TrainingObserver) -> Result<(Outcome, TrainingState), ModelError> {
        let (epochs, patience) = (self.trainer.settings.epochs, self.trainer.settings.patience);
        observer.glance(&self.glance(true, false));
        while self.header.epochs < epochs {
            let epoch = self.header.epochs;
            let order = self.draws.order(self.train.spectra.len(), epoch);
            let mut next = None;
            let rates = self.plan(epoch, &order);
            for batch in self.header.batches..self.batches {
                let rate = rates[batch];
                self.learn(&order, (epoch, batch), rate, &mut next)?;
                let progress = self.progress(epoch, batch, rate)?;
                let epoch_ended = progress.finished.is_some();
                if observer.progress(&progress) == Flow::Stop {
                    return self.end(Outcome::Cancelled);
                }
                if observer.wants_state(epoch_ended) {
                    observer.keep(self.draft()?)?;
                }
                observer.glance(&self.glance(false, epoch_ended));
            }
            let header = &self.header;
            if patience > 0 && header.epochs - header.best_epoch >= patience {
                return self.end(Outcome::StoppedEarly);
            }
        }
        self.end(Outcome::Finished)
    }

    /// The learning rates of an epoch's batches; where spectra are kept on a GPU, it is told what comes.
    fn plan(&mut self, epoch: usize, order: &[usize]) -> Vec<f64> {
        let first = epoch * self.batches;
        let rate = |batch| learning_rate(self.trainer.settings, first + batch, self.steps);
        let rates: Vec<f64> = (0..self.batches).map(rate).collect();
        if self.train.is_kept() {
            self.learner.plan(&Epoch {
                number: epoch,
                order,
                rates: &rates,
                first: self.header.batches,
            });
        }
        rates
    }

    fn glance(&self, first: bool, epoch_ended: bool) -> Glance<'_> {
        Glance {
            epochs: self.header.epochs,
            first,
            epoch_ended,
            learner: &self.learner,
        }
    }

    /// Learns from one batch of an epoch.
    fn learn(
        &mut self,
        order: &[usize],
        (epoch, batch): (usize, usize),
        rate: f64,
        next: &mut Next,
    ) -> Result<(), ModelError> {
        let (trainer, train, draws, learner) = (self.trainer, &self.train, &self.draws, &mut self.learner);
        let count = if train.is_kept() {
            learner.step_on(train)
        } else {
            let spectra = train.spectra;
            let draw = |batch: usize| draws.batch(spectra, order, epoch, batch);
            let Shown { chosen, shown } = next.take().unwrap_or_else(|| draw(batch))?;
            // The next batch is drawn beside the work on this one; what is drawn depends on its number alone.
            rayon::in_place_scope(|scope| {
                if batch + 1 < self.batches {
                    scope.spawn(|_| *next = Some(draw(batch + 1)));
                }
                learner.step(trainer, &chosen, &shown, rate);
            });
            chosen.len()
        };
        self.open.push_back(count);
        self.header.batches = batch + 1;
        self.seen += count;
        Ok(())
    }

    /// Where the training stands after a batch; with the last of an epoch that ends.
    fn progress(&mut self, epoch: usize, batch: usize, rate: f64) -> Result<Progress, ModelError> {
        let last = batch + 1 == self.batches;
        // The first of an epoch is waited for, so that there is a loss to show.
        self.settle(last || self.header.spectra == 0)?;
        let header = &self.header;
        let train_loss = header.loss_sum / header.spectra as f64;
        let gradient_norm = header.last_norm;
        let finished = if last {
            Some(self.finish_epoch(EpochRecord {
                epoch: epoch + 1,
                train_loss,
                validation_loss: 0.0,
                learning_rate: rate,
                gradient_norm: header.norm_sum / self.batches as f64,
            })?)
        } else {
            None
        };
        let header = &self.header;
        let elapsed = self.started.elapsed();
        let step = epoch * self.batches + batch;
        let done = (step + 1 - self.done_before) as f64;
        Ok(Progress {
            epoch: epoch + 1,
            epochs: self.trainer.settings.epochs,
            batch: batch + 1,
            batches: self.batches,
            train_loss,
            learning_rate: rate,
            gradient_norm,
            spectra_per_second: self.seen as f64 / elapsed.as_secs_f64().max(1e-9),
            left: elapsed.mul_f64((self.steps - step - 1) as f64 / done),
            best: header.best_loss.map(|loss| (header.best_epoch, loss)),
            finished,
        })
    }

    /// Takes in what batches came to: those that a GPU has told, or all.
    fn settle(&mut self, all: bool) -> Result<(), ModelError> {
        let header = &mut self.header;
        for (value, norm) in self.learner.told(all) {
            let spectra = self.open.pop_front().expect("a batch for what is told");
            if !value.is_finite() {
                return Err(diverged(self.trainer, value, header.epochs + 1));
            }
            header.loss_sum += value * spectra as f64;
            header.spectra += spectra;
            header.norm_sum += norm;
            header.last_norm = norm;
        }
        Ok(())
    }

    fn finish_epoch(&mut self, mut record: EpochRecord) -> Result<EpochRecord, ModelError> {
        let watched = if self.validation.spectra.is_empty() {
            &self.train
        } else {
            &self.validation
        };
        record.validation_loss = self.learner.mean_loss(self.trainer, watched)?;
        // With one batch an epoch this is the first loss that a step too far shows up in.
        if !record.validation_loss.is_finite() {
            return Err(diverged(self.trainer, record.validation_loss, record.epoch));
        }
        let header = &mut self.header;
        if header.best_loss.is_none_or(|best| record.validation_loss < best) {
            header.best_loss = Some(record.validation_loss);
            header.best_epoch = record.epoch;
            self.best = Some(self.learner.snapshot());
        }
        header.history.push(record.clone());
        header.epochs += 1;
        (header.batches, header.loss_sum, header.spectra, header.norm_sum) = (0, 0.0, 0, 0.0);
        Ok(record)
    }

    /// The state after the last batch.
    fn draft(&mut self) -> Result<Draft, ModelError> {
        self.settle(true)?;
        Ok(Draft {
            header: self.header.clone(),
            best: match &self.best {
                Some(snapshot) => Best::Network(Box::new(self.learner.network_of(snapshot))),
                None => Best::Written(self.best_before.clone()),
            },
            moment: self.learner.moment(),
        })
    }

    fn end(mut self, outcome: Outcome) -> Result<(Outcome, TrainingState), ModelError> {
        Ok((outcome, self.draft()?.finish()?))
    }
}

fn diverged(trainer: &Trainer, value: f64, epoch: usize) -> ModelError {
    ModelError::Diverged {
        value,
        epoch,
        learning_rate: trainer.settings.learning_rate,
    }
}
