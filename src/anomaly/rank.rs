//! From scores to places.

use rayon::prelude::*;

use super::Judgement;

/// The place of one spectrum in the ranking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// From 1.
    pub rank: u64,
    /// Share of the list with a lower score, in percent.
    pub percentile: f64,
}

/// A score that can be ranked: NaN becomes the least, negative infinity.
fn rankable(score: f64) -> f64 {
    if score.is_nan() { f64::NEG_INFINITY } else { score }
}

/// The places of `scores`, in their order: the highest score first, equal scores by identity, NaN last.
///
/// Shapes: `ids` has one identity a score.
pub fn places<I: Ord + Sync>(scores: &[f64], ids: &[I]) -> Vec<Place> {
    assert_eq!(scores.len(), ids.len(), "one identity a score");
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.par_sort_unstable_by(|&a, &b| {
        rankable(scores[b])
            .total_cmp(&rankable(scores[a]))
            .then_with(|| ids[a].cmp(&ids[b]))
    });
    let mut places = vec![
        Place {
            rank: 0,
            percentile: 0.0
        };
        scores.len()
    ];
    let count = scores.len();
    let mut first = 0;
    while first < count {
        let score = rankable(scores[order[first]]);
        let mut last = first;
        while last < count && rankable(scores[order[last]]) == score {
            last += 1;
        }
        let percentile = 100.0 * (count - last) as f64 / count as f64;
        for (place, &index) in order.iter().enumerate().take(last).skip(first) {
            places[index] = Place {
                rank: place as u64 + 1,
                percentile,
            };
        }
        first = last;
    }
    places
}

/// Sorts the verdicts, the strangest first, and gives each its rank and percentile; returns where each stood before.
///
/// A NaN score (which none of the methods here gives) becomes 0 and stands last.
pub fn rank(judgements: &mut [Judgement]) -> Vec<usize> {
    let scores: Vec<f64> = judgements.iter().map(|judgement| judgement.score).collect();
    let ids: Vec<&str> = judgements
        .iter()
        .map(|judgement| judgement.object_id.as_str())
        .collect();
    let places = places(&scores, &ids);
    let mut stood = vec![0; places.len()];
    for (index, (judgement, place)) in judgements.iter_mut().zip(places).enumerate() {
        stood[place.rank as usize - 1] = index;
        judgement.rank = place.rank;
        judgement.percentile = place.percentile;
        if judgement.score.is_nan() {
            judgement.score = 0.0;
        }
    }
    judgements.sort_unstable_by_key(|judgement| judgement.rank);
    stood
}
