//! "More like this": the objects of a ranking whose latent vectors are nearest to that of one of them.

use std::borrow::Borrow;
use std::path::Path;

use serde::Serialize;

use super::PipelineError;
use super::history::settings_of;
use super::source::fold_key;
use crate::anomaly::{Judgement, LatentOf, similar as nearest};
use crate::artifact::{read_manifest, read_ranking_with_facts};
use crate::model::fold_of;
use crate::spectrum::Facts;

/// An object like another one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Neighbor {
    pub object_id: String,
    /// 1 is a typical spread of the latent vectors.
    pub distance: f64,
    pub rank: u64,
    pub score: f64,
    pub reason: String,
    pub z: Option<f64>,
    pub spectype: Option<String>,
}

/// What was found, and among how many.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Neighbors {
    pub ranking: u64,
    pub object_id: String,
    /// Other spectra that the same network reconstructed: those of the other folds cannot be compared.
    pub compared: usize,
    /// Spectra in the ranking.
    pub of: usize,
    /// The nearest first.
    pub neighbors: Vec<Neighbor>,
}

/// The `k` objects most like `id` in ranking `of`, or in the newest of the folder.
///
/// Errors: no such ranking, or it has no latent vector of the object.
pub fn similar(metadata_dir: &Path, of: Option<u64>, id: &str, k: usize) -> Result<Neighbors, PipelineError> {
    let (ranking, judgements, facts) = read_ranking_with_facts(metadata_dir, of)?;
    let settings = settings_of(&read_manifest(metadata_dir, ranking)?).unwrap_or_default();
    similar_in(&judgements, &facts, settings.training.folds, id, k)
        .map(|found| Neighbors { ranking, ..found })
        .ok_or_else(|| PipelineError::NoLatent {
            id: id.into(),
            ranking,
        })
}

/// The same in verdicts that are in hand; `folds` are those of the training. The ranking's number is 0. `None` where the
/// object has no usable latent vector.
pub fn similar_in(
    judgements: &[Judgement],
    facts: &[impl Borrow<Facts>],
    folds: usize,
    id: &str,
    k: usize,
) -> Option<Neighbors> {
    let pairs = || judgements.iter().zip(facts.iter().map(Borrow::borrow));
    let latents: Vec<LatentOf> = pairs()
        .map(|(judgement, facts)| LatentOf {
            id: &judgement.object_id,
            model: fold_of(&fold_key(facts), folds) as u16,
            vector: &judgement.latent,
        })
        .collect();
    let (found, compared) = nearest(&latents, id, k)?;
    let by_id: std::collections::HashMap<&str, (&Judgement, &Facts)> =
        pairs().map(|pair| (pair.0.object_id.as_str(), pair)).collect();
    let neighbors = found.iter().filter_map(|like| {
        let (judgement, facts) = by_id.get(like.id)?;
        Some(Neighbor {
            object_id: like.id.into(),
            distance: like.distance,
            rank: judgement.rank,
            score: judgement.score,
            reason: judgement.reason.to_string(),
            z: facts.z,
            spectype: facts.spectype.as_deref().map(str::to_owned),
        })
    });
    Some(Neighbors {
        ranking: 0,
        object_id: id.into(),
        compared,
        of: judgements.len(),
        neighbors: neighbors.collect(),
    })
}
