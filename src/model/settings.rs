//! What a user sets about the network and its training; saved with every checkpoint.

use serde::{Deserialize, Serialize};

use super::DeviceKind;

/// Which autoencoder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// CNN encoder to a small latent vector and a decoder without skips.
    #[default]
    Bottleneck,
    /// The original's CNNAutoencoderWithSkip, to reproduce its numbers.
    Skip,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerKind {
    #[default]
    Adamw,
    Adam,
}

/// How the learning rate changes from step to step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleKind {
    /// Linear warm-up over a tenth of the steps, then half a cosine down to a hundredth.
    #[default]
    OneCycle,
    Constant,
}

/// The shape of the network and how its loss weighs pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSettings {
    pub architecture: Architecture,
    /// Length of the latent vector of the bottleneck.
    pub latent: usize,
    /// Width of the decoder's hidden layer.
    pub hidden: usize,
    /// Error of the model as a share of the flux, added to the noise in quadrature, so that bright spectra do not dominate.
    pub error_floor: f64,
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            architecture: Architecture::Bottleneck,
            latent: 10,
            hidden: 128,
            error_floor: 0.02,
        }
    }
}

/// How the network is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSettings {
    pub device: DeviceKind,
    pub epochs: usize,
    pub batch_size: usize,
    pub learning_rate: f64,
    pub optimizer: OptimizerKind,
    pub schedule: ScheduleKind,
    /// Decoupled weight decay of AdamW, L2 of Adam.
    pub weight_decay: f64,
    /// The gradient's norm over all parameters is clipped at this value; 0 for no clipping.
    pub gradient_clip: f64,
    /// Weight of the L1 norm of all parameters in the loss.
    pub l1: f64,
    /// Share of the training spectra, by object, held out to watch the loss and to stop early.
    pub validation_fraction: f64,
    /// Stop when the validation loss has not improved for so many epochs; 0 for never.
    pub patience: usize,
    /// Number of cross-fitting folds: each spectrum is scored by the model of the fold that has not seen it.
    pub folds: usize,
    /// At most so many spectra are used for training, drawn with the seed.
    pub max_spectra: usize,
    /// Noise added to the input while training, in units of each pixel's sigma.
    pub noise: f64,
    /// Number of blocks hidden from the encoder in every training spectrum.
    pub block_masks: usize,
    /// Longest hidden block, in pixels.
    pub block_length: usize,
    pub seed: u64,
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self {
            device: DeviceKind::Flex,
            epochs: 20,
            batch_size: 32,
            learning_rate: 1e-3,
            optimizer: OptimizerKind::Adamw,
            schedule: ScheduleKind::OneCycle,
            weight_decay: 1e-3,
            gradient_clip: 1.0,
            l1: 0.0,
            validation_fraction: 0.1,
            patience: 10,
            folds: 3,
            max_spectra: 20_000,
            noise: 0.5,
            block_masks: 2,
            block_length: 200,
            seed: 0,
        }
    }
}
