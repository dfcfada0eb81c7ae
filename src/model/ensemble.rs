//! Cross-fitting: one network a fold, and every object is reconstructed by the network that has not seen it.

use serde::{Deserialize, Serialize};

use super::inference::values;
use super::{EpochRecord, ModelSettings, Network, Outcome};

/// The fold of an object: a hash of its key, so that it is the same in every catalog, order and shard, and in every training: who judges an object does not
/// change with a seed.
pub fn fold_of(key: &str, folds: usize) -> usize {
    (lot_of(key, 0) % folds.max(1) as u64) as usize
}

/// A number that chance gave the object of this key.
pub fn lot_of(key: &str, seed: u64) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(key.as_bytes());
    let hash = hasher.finalize();
    u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("a hash has 32 bytes"))
}

/// What is told of a trained network beside its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    pub fold: usize,
    pub train_spectra: usize,
    pub validation_spectra: usize,
    pub outcome: Outcome,
    pub history: Vec<EpochRecord>,
}

/// The network of one fold.
#[derive(Debug, Clone)]
pub struct Member {
    pub network: Network,
    pub training: Training,
}

/// The networks of all folds.
#[derive(Debug, Clone)]
pub struct Ensemble {
    pub settings: ModelSettings,
    pub members: Vec<Member>,
}

impl Member {
    /// The reconstruction of the latent vector zero; empty for a network that is no bottleneck. Shape: `[pixels]`.
    pub fn center(&self) -> Vec<f32> {
        match &self.network {
            Network::Bottleneck(network) => {
                let components = network.components();
                let latent = burn::tensor::Tensor::zeros([1, components.dims()[0]], &components.device());
                values(network.decode(latent))
            }
            Network::Skip(_) => Vec::new(),
        }
    }

    /// The spectra along which the reconstruction changes with the latent vector, to first order; empty for a network that is no bottleneck.
    ///
    /// Shape: `[latent, pixels]`, row by row.
    pub fn directions(&self) -> Vec<f32> {
        match &self.network {
            Network::Bottleneck(network) => values(network.components()),
            Network::Skip(_) => Vec::new(),
        }
    }
}
