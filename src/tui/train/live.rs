//! What is known of the training that runs, or that ran last in this session.

use std::collections::VecDeque;

use crate::figure::{EpochLoss, LossRun, Panel};
use crate::model::{Outcome, Progress};
use crate::pipeline::{Event, FoldRecord, Preview};
use crate::spectrum::prepare::Frame;

use super::charts;

/// Values of a sparkline that are remembered.
const REMEMBERED: usize = 400;

/// The curves of a training.
#[derive(Debug, Default)]
pub struct Live {
    pub folds: Vec<FoldRecord>,
    /// Fold, folds, and where it stands.
    pub now: Option<(usize, usize, Progress)>,
    /// Mean training loss of the epoch under way, each time it was told.
    pub losses: VecDeque<f32>,
    pub gradients: VecDeque<f32>,
    pub shown: Option<Shown>,
    /// How the folds ended, by number.
    pub ended: Vec<(usize, Outcome)>,
    /// Spectra are held out to watch the loss.
    watched: bool,
}

/// The spectrum of the previews.
#[derive(Debug)]
pub struct Shown {
    pub preview: Preview,
    /// Mean squared residual in units of the noise: of the first look at this fold's network, and now.
    pub chi2: (f64, f64),
    pub panel: Panel,
}

impl Live {
    /// A training that begins, or goes on after the epochs of `folds`.
    pub fn begin(folds: Vec<FoldRecord>, watched: bool) -> Self {
        Self {
            folds,
            watched,
            ..Self::default()
        }
    }

    /// Takes in what the job tells. `frame` is that in which its model works.
    pub fn saw(&mut self, event: &Event, frame: Frame) {
        match event {
            Event::Training {
                fold,
                folds,
                progress,
            } => self.trained(*fold, *folds, progress),
            Event::Trained { fold, outcome, .. } => {
                self.ended.push((*fold, *outcome));
                if let Some(record) = self.folds.iter_mut().find(|record| record.fold == *fold) {
                    record.finished = *outcome != Outcome::Cancelled;
                }
            }
            Event::Preview(preview) => {
                let chi2 = preview.reduced_chi2();
                let first = match &self.shown {
                    Some(shown) if shown.preview.fold == preview.fold => shown.chi2.0,
                    _ => chi2,
                };
                self.shown = Some(Shown {
                    panel: charts::preview(preview, frame),
                    chi2: (first, chi2),
                    preview: preview.clone(),
                });
            }
            _ => (),
        }
    }

    fn trained(&mut self, fold: usize, folds: usize, progress: &Progress) {
        let remember = |values: &mut VecDeque<f32>, value: f64| {
            values.push_back(value as f32);
            if values.len() > REMEMBERED {
                values.pop_front();
            }
        };
        if self.now.as_ref().is_some_and(|(before, ..)| *before != fold) {
            self.losses.clear();
            self.gradients.clear();
        }
        remember(&mut self.losses, progress.train_loss);
        remember(&mut self.gradients, progress.gradient_norm);
        if let Some(record) = &progress.finished {
            let place = self.folds.iter().position(|known| known.fold == fold);
            let place = place.unwrap_or_else(|| {
                self.folds.push(FoldRecord {
                    fold,
                    history: Vec::new(),
                    watched: self.watched,
                    finished: false,
                });
                self.folds.len() - 1
            });
            let history = &mut self.folds[place].history;
            history.retain(|known| known.epoch < record.epoch);
            history.push(record.clone());
        }
        self.now = Some((fold, folds, progress.clone()));
    }

    /// The job has ended: nothing runs any more, the curves stay.
    pub fn end(&mut self) {
        self.now = None;
    }

    /// One curve a fold, the epoch under way included as far as it is.
    pub fn curves(&self) -> Vec<LossRun> {
        let mut curves: Vec<LossRun> = self.folds.iter().map(FoldRecord::losses).collect();
        if let Some((fold, _, progress)) = self.now.as_ref().filter(|(.., now)| now.finished.is_none()) {
            let place = self.folds.iter().position(|known| known.fold == *fold);
            let place = place.unwrap_or_else(|| {
                curves.push(LossRun {
                    name: format!("fold {}", fold + 1),
                    epochs: Vec::new(),
                    best_epoch: None,
                });
                curves.len() - 1
            });
            curves[place].epochs.push(EpochLoss {
                epoch: progress.epoch,
                train: progress.train_loss,
                validation: None,
                learning_rate: progress.learning_rate,
            });
        }
        curves
    }
}
