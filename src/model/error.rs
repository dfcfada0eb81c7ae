//! What can go wrong with a model.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error(
        "device `{device}` is not in this build; build with `--features {feature}` or choose one of: {available}"
    )]
    DeviceNotBuilt {
        device: String,
        feature: String,
        available: String,
    },
    #[error(
        "no {device} device was found on this machine: is its driver installed? `--device flex` runs on the processor"
    )]
    DeviceMissing { device: String },
    #[error("the {device} device cannot be used: {what}; `--device flex` runs on the processor")]
    DeviceRefused { device: String, what: String },
    #[error(
        "{found} of {of} spectra are left to train on, and at least {needed} are needed: the others are held out with their fold (all of one place on the sky together), watch the loss, or hardly reach the model's grid; widen `--where` or `--limit`"
    )]
    TooFewSpectra { found: usize, of: usize, needed: usize },
    #[error("{of} spectra cannot be held out in {folds} folds: lower `--folds`, of which 3 are usual")]
    TooManyFolds { folds: usize, of: usize },
    #[error(
        "the loss became {value} in epoch {epoch}: lower `--learning-rate` (now {learning_rate:e}); an earlier state, if one was kept, is in the checkpoint"
    )]
    Diverged {
        value: f64,
        epoch: usize,
        learning_rate: f64,
    },
    #[error(
        "the weights or the optimizer's state cannot be read or written: {0}; use `--reset` to start afresh"
    )]
    Record(String),
    #[error("{0}")]
    Spectra(String),
    #[error("threads cannot be started: {0}; give fewer with `--threads`")]
    Threads(String),
    #[error("{}: {what}", path.display())]
    Checkpoint { path: PathBuf, what: String },
    #[error("{}: the checkpoint does not fit: {what}; use `--reset` to start afresh", path.display())]
    Mismatch { path: PathBuf, what: String },
}
