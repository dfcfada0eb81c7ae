//! Whether the head of the list stays when the networks are trained again from another seed.

use std::collections::{HashMap, HashSet};

use super::RankingRequest;
use super::judged::{OURS, SeedRun, judge, seeded};
use super::material::Draw;
use super::report::{Agreement, Stability};
use super::tally::mean_of;
use crate::anomaly::spearman;
use crate::pipeline::{CancelToken, Observer, PipelineError};

/// The seed of the second training is the first one and this.
const OTHER: u64 = 1_000_003;
/// The head of the list.
const HEAD: f64 = 0.05;

/// Trains a draw again; `None` when cancelled.
pub(super) fn of(
    request: &RankingRequest,
    draw: &Draw,
    run: &SeedRun,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<Option<Agreement>, PipelineError> {
    let other = run.seed.wrapping_add(OTHER);
    let settings = seeded(&request.settings, draw, other);
    let Some(assessment) = judge(&draw.inputs, &settings, observer, cancel)? else {
        return Ok(None);
    };
    let again: HashMap<String, f64> = assessment
        .verdicts()
        .judgements
        .iter()
        .map(|judgement| (judgement.object_id.to_string(), judgement.score))
        .collect();
    let ids: Vec<&str> = run.rows.iter().map(|row| row.mark.object_id.as_str()).collect();
    let first = &run.scores[OURS];
    let second: Vec<f64> = ids
        .iter()
        .map(|id| again.get(*id).copied().unwrap_or(f64::NAN))
        .collect();
    let head = ((HEAD * ids.len() as f64).round() as usize).max(1);
    let top = |scores: &[f64]| -> HashSet<usize> {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| {
            scores[*b]
                .total_cmp(&scores[*a])
                .then_with(|| ids[*a].cmp(ids[*b]))
        });
        order.into_iter().take(head).collect()
    };
    let shared = top(first).intersection(&top(&second)).count();
    Ok(Some(Agreement {
        seeds: [run.seed, other],
        first: head,
        share: shared as f64 / head as f64,
        spearman: spearman(first, &second),
    }))
}

/// The mean over the draws; `None` of none.
pub(super) fn mean(draws: Vec<Agreement>) -> Option<Stability> {
    Some(Stability {
        agreement: mean_of(draws.iter().map(|draw| draw.share))?,
        spearman: mean_of(draws.iter().filter_map(|draw| draw.spearman)),
        draws,
    })
}
