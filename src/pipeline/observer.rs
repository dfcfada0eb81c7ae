//! What a job tells while it runs; the command line and the screens each draw it in their way.

use std::path::PathBuf;

use super::{Preview, Provisional};
use crate::model::{Outcome, Progress};
use crate::spectrum::RowIssue;

/// A step of the main job that can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Read,
    /// Principal components, with which a network starts.
    Components,
    Reconstruct,
    Judge,
    Draw,
    Import,
    Simulate,
    Export,
    Fetch,
}

impl Stage {
    /// What is being done, and to what: "reading", "spectra".
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Read => ("reading", "spectra"),
            Self::Components => ("components of", "spectra"),
            Self::Reconstruct => ("reconstructing", "spectra"),
            Self::Judge => ("judging", "spectra"),
            Self::Draw => ("drawing", "figures"),
            Self::Import => ("importing", "files"),
            Self::Simulate => ("simulating", "spectra"),
            Self::Export => ("exporting", "rows"),
            Self::Fetch => ("fetching", "images"),
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The catalog is open and the rows are selected.
    Selected { rows: u64, of: u64 },
    /// A counted step moved on.
    Step { stage: Stage, done: u64, total: u64 },
    /// A row cannot be used.
    Issue(RowIssue),
    /// A batch of training is done.
    Training {
        fold: usize,
        folds: usize,
        progress: Progress,
    },
    /// The network of a fold is trained.
    Trained {
        fold: usize,
        folds: usize,
        outcome: Outcome,
        best_epoch: usize,
        best_loss: f64,
    },
    /// What the network in training makes of a spectrum that was held out; only where the observer asks for previews.
    Preview(Preview),
    /// What would head the list by now; only where the observer asks for previews.
    Provisional(Provisional),
    /// Worth telling the user, once.
    Note(String),
    /// A file was written.
    Wrote(PathBuf),
}

/// Sees the events of a job, in its thread.
pub trait Observer: Send {
    fn event(&mut self, event: Event);

    /// Whether it wants [`Event::Preview`] and [`Event::Provisional`], which take time; asked once a training.
    fn wants_previews(&self) -> bool {
        false
    }
}

/// Ignores everything.
pub struct Silent;

impl Observer for Silent {
    fn event(&mut self, _: Event) {}
}
