//! The running job as the screens see it, and what starts one.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::Progress;
use crate::pipeline::settings::Settings;
use crate::pipeline::{Event, Stage};

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// Train, from the checkpoint where one is given, then rank.
    Run { resume: Option<PathBuf> },
    /// Rank with a checkpoint, the newest where none is given.
    Rank { checkpoint: Option<PathBuf> },
}

/// A job to start.
#[derive(Debug, Clone, PartialEq)]
pub struct JobSpec {
    pub task: Task,
    pub inputs: Vec<String>,
    pub settings: Settings,
}

/// Where the running job stands.
#[derive(Debug, Clone)]
pub struct Job {
    pub spec: JobSpec,
    /// Since its start.
    pub elapsed: Duration,
    pub stage: Option<(Stage, u64, u64)>,
    /// Fold, folds, and where its training stands.
    pub training: Option<(usize, usize, Progress)>,
    /// Resident memory of the program, bytes.
    pub memory: Option<u64>,
    /// It was asked to stop.
    pub stopping: bool,
}

impl Job {
    pub fn new(spec: JobSpec) -> Self {
        Self {
            spec,
            elapsed: Duration::ZERO,
            stage: None,
            training: None,
            memory: None,
            stopping: false,
        }
    }

    pub fn saw(&mut self, event: &Event) {
        match event {
            Event::Step { stage, done, total } => {
                self.stage = Some((*stage, *done, *total));
                self.training = None;
            }
            Event::Training {
                fold,
                folds,
                progress,
            } => {
                self.training = Some((*fold, *folds, progress.clone()));
                self.stage = None;
            }
            _ => (),
        }
    }

    /// How far it is, 0 to 1, as far as that is known.
    pub fn share(&self) -> f64 {
        let part = |done: u64, total: u64| done as f64 / total.max(1) as f64;
        match (&self.training, &self.stage) {
            (Some((fold, folds, progress)), _) => {
                let batches = (progress.epochs * progress.batches) as u64;
                let done = ((progress.epoch - 1) * progress.batches + progress.batch) as u64;
                (*fold as f64 + part(done, batches)) / *folds as f64
            }
            (None, Some((_, done, total))) => part(*done, *total),
            (None, None) => 0.0,
        }
    }

    /// In words for the status line.
    pub fn words(&self) -> String {
        let what = match (&self.training, &self.stage) {
            (Some((fold, folds, progress)), _) => format!(
                "training {}/{folds} epoch {}/{}",
                fold + 1,
                progress.epoch,
                progress.epochs
            ),
            (None, Some((stage, done, total))) => format!("{} {done}/{total}", stage.words().0),
            (None, None) => "starting".into(),
        };
        if self.stopping {
            format!("stopping: {what}")
        } else {
            what
        }
    }
}
