//! The ranking, re-ordered by what people found interesting.
//!
//! After the active learning of astronomaly, Lochner & Bassett 2021 (Astronomy and Computing 36, 100481; arXiv:2010.11202), with a Gaussian process
//! ([`super::gaussian`]) in the place of their random forest, because labels are few, and what the vote says of kind and artifact among the features. The score is multiplied by
//! the root of the predicted relevance, so that twenty labels move the list a little where they say a little; `docs/labels.md` has the measurements.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::Serialize;

use super::gaussian::Regression;
use super::label::Label;
use super::space::{Point, Space};
use super::told;
use crate::anomaly::{Judgement, auc};

/// Labels of either kind, interesting and not, below which nothing is learned: of one kind alone there is nothing to tell apart.
pub const LEAST_OF_EACH: usize = 1;
/// Most labels that are learned from; of more, as even a sample as can be.
pub const LABEL_LIMIT: usize = 500;
/// Most labels that the kernel is chosen and the features are weighed with.
const CHOICE_LIMIT: usize = 250;
/// The highest relevance.
const MOST: f64 = 5.0;
/// From here on an object counts as interesting.
const INTERESTING: f64 = 2.5;
/// The least relevance, as a share of the highest: nothing is so dull that its score does not count.
const LEAST_SHARE: f64 = 0.02;
/// The power of the share that the score is multiplied by.
const POWER: f64 = 0.5;

/// What is known of a ranked object.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub object_id: String,
    /// Higher is stranger.
    pub score: f64,
    /// The latent vector. Those of different members of the ensemble are never compared.
    pub latent: Vec<f64>,
    /// Numbers that mean the same for all objects, in the order of [`Item::EVIDENCE`].
    pub evidence: Vec<f64>,
    /// How likely it is an artifact, 0 to 1, where that is known.
    pub artifact: Option<f64>,
    /// What it is most like, where somebody has voted on that.
    pub kind: Option<String>,
    /// The member of the cross-fitted ensemble that reconstructed the object.
    pub member: u16,
}

impl Item {
    /// The names of the evidence that [`Item::of`] takes from a verdict.
    pub const EVIDENCE: [&'static str; 4] = ["S/N", "flagged share", "masked share", "chi-square"];

    /// A verdict as an item; skewed quantities as their logarithm.
    pub fn of(judgement: &Judgement, member: u16) -> Self {
        Self {
            object_id: judgement.object_id.to_string(),
            score: judgement.score,
            latent: judgement.latent.iter().map(|value| f64::from(*value)).collect(),
            evidence: vec![
                judgement.sn.max(0.1).ln(),
                judgement.flagged_fraction,
                judgement.masked_fraction,
                judgement.reduced_chi2.max(0.01).ln(),
            ],
            artifact: Some(judgement.artifact()),
            kind: judgement.suggested_kind.map(|kind| kind.name().to_owned()),
            member,
        }
    }
}

/// How interesting a label calls its object, 0 to 5 as in astronomaly; `None` where it says nothing about that (a comment alone).
///
/// 5 interesting; 0 a bad spectrum (S) or nothing there (quality 0); 2 a wrong redshift or class (R, C), or signal that nobody
/// could identify (quality 1): the catalog's mistake or an open question, but not called interesting; 1 what was looked at and
/// not called interesting.
pub fn relevance(label: &Label) -> Option<f64> {
    if label.interesting {
        return Some(MOST);
    }
    if label.issues.spectrum || label.quality == Some(0) {
        return Some(0.0);
    }
    if label.issues.redshift || label.issues.class || label.quality == Some(1) {
        return Some(2.0);
    }
    (label.quality.is_some() || label.class.is_some() || label.z.is_some()).then_some(1.0)
}

/// What was learned, in numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fit {
    /// Labels learned from.
    pub labels: usize,
    /// Labels on the list that say whether their object is interesting: as many, but where a sample was used.
    pub labels_on_list: usize,
    /// Of those learned from, the ones called interesting.
    pub interesting: usize,
    /// Root mean square error of the relevance (0 to 5) of held-out labels, each predicted from all others.
    pub error: f64,
    /// The same of their plain mean.
    pub error_of_mean: f64,
    /// Share of the pairs of an interesting and another labeled object in which the held-out prediction puts the first one higher.
    pub pairs_in_order: f64,
    /// By how much the error grows without a feature, the most telling first; and whether interesting objects have more of it.
    pub features: Vec<Feature>,
    /// Members of the ensemble, and those that have labels.
    pub members: usize,
    pub labeled_members: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Feature {
    pub name: String,
    pub gain: f64,
    /// `None` for the latent vector, which has no one direction.
    pub more_is_interesting: Option<bool>,
}

/// The outcome, item by item in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Reranked {
    /// Higher first; never NaN. The scores as they were where nothing was learned.
    pub scores: Vec<f64>,
    /// Predicted relevance, 0 to 5; empty where nothing was learned.
    pub predicted: Vec<f64>,
    /// What was learned and what it did, or why nothing was, in sentences.
    pub explanation: Vec<String>,
    /// `None`: nothing was learned, and nothing changed.
    pub fit: Option<Fit>,
}

/// Learns from the labels (by object id) which objects are interesting, and lowers the score of those that are not.
///
/// s' = s · sqrt(r/5), where r is the predicted relevance. Far from all labels r is their mean, which moves nobody past another.
///
/// The same items and labels give the same result, whatever the number of threads. NaN in a feature is "not known".
pub fn rerank(items: &[Item], labels: &BTreeMap<String, Label>) -> Reranked {
    let scores: Vec<f64> = items
        .iter()
        .map(|item| if item.score.is_nan() { 0.0 } else { item.score })
        .collect();
    let known: Vec<(usize, f64)> = items
        .iter()
        .enumerate()
        .filter_map(|(place, item)| Some((place, relevance(labels.get(&item.object_id)?)?)))
        .collect();
    let interesting = known.iter().filter(|(_, value)| *value >= INTERESTING).count();
    let others = known.len() - interesting;
    let unchanged = |explanation| Reranked {
        scores: scores.clone(),
        predicted: Vec::new(),
        explanation,
        fit: None,
    };
    if interesting.min(others) < LEAST_OF_EACH {
        return unchanged(told::too_few(labels.len(), interesting, others));
    }
    let on_list = known.len();
    let used = thinned(items, known);
    let space = Space::of(items);
    let points: Vec<Point> = used
        .iter()
        .map(|(place, _)| space.point(&items[*place]))
        .collect();
    let values: Vec<f64> = used.iter().map(|(_, value)| *value).collect();
    // The kernel is chosen, and features are weighed, on a part: both take many fits.
    let step = points.len().div_ceil(CHOICE_LIMIT);
    let part: Vec<Point> = points.iter().step_by(step).cloned().collect();
    let part_values: Vec<f64> = values.iter().step_by(step).copied().collect();
    let chosen = Regression::best(&part, &part_values);
    let fitted = chosen
        .as_ref()
        .and_then(|chosen| Regression::fit(&points, &values, chosen.kernel));
    let (Some(chosen), Some(regression)) = (&chosen, &fitted) else {
        return unchanged(vec![
            "nothing was learned: the features of the labeled objects are no numbers".into(),
        ]);
    };
    let predicted: Vec<f64> = items
        .par_iter()
        .map(|item| regression.judge(&space.point(item)).clamp(0.0, MOST))
        .collect();
    let new = combined(&scores, &predicted);
    let features = features(chosen, &part, &part_values);
    let fit = Fit {
        labels_on_list: on_list,
        ..fit(items, regression, &points, &values, features)
    };
    let kinds: Vec<(usize, bool)> = used
        .iter()
        .map(|(place, value)| (*place, *value >= INTERESTING))
        .collect();
    let explanation = told::learned(&fit, &told::Move::between(items, &scores, &new, &kinds));
    Reranked {
        scores: new,
        predicted,
        explanation,
        fit: Some(fit),
    }
}

/// At most [`LABEL_LIMIT`] labels, half of either kind where there are so many, evenly by object id.
fn thinned(items: &[Item], mut known: Vec<(usize, f64)>) -> Vec<(usize, f64)> {
    known.sort_unstable_by(|a, b| {
        items[a.0]
            .object_id
            .cmp(&items[b.0].object_id)
            .then(a.0.cmp(&b.0))
    });
    if known.len() <= LABEL_LIMIT {
        return known;
    }
    let (interesting, others): (Vec<_>, Vec<_>) =
        known.into_iter().partition(|(_, value)| *value >= INTERESTING);
    let half = LABEL_LIMIT / 2;
    let first = interesting
        .len()
        .min(half.max(LABEL_LIMIT.saturating_sub(others.len())));
    let evenly = |list: Vec<(usize, f64)>, count: usize| -> Vec<(usize, f64)> {
        let length = list.len();
        (0..count.min(length))
            .map(|i| list[i * length / count.min(length)])
            .collect()
    };
    let mut used = evenly(interesting, first);
    used.extend(evenly(others, LABEL_LIMIT - first));
    used
}

/// The scores with the prediction in them.
fn combined(scores: &[f64], predicted: &[f64]) -> Vec<f64> {
    // A share of a score makes sense from 0 on only.
    let least = scores
        .iter()
        .copied()
        .filter(|score| score.is_finite())
        .fold(0.0, f64::min);
    let combine = |(score, predicted): (&f64, &f64)| {
        let share = (predicted / MOST).clamp(LEAST_SHARE, 1.0);
        (score - least) * share.powf(POWER)
    };
    scores.iter().zip(predicted).map(combine).collect()
}

fn fit(
    items: &[Item],
    regression: &Regression,
    points: &[Point],
    values: &[f64],
    features: Vec<Feature>,
) -> Fit {
    let kinds: Vec<bool> = values.iter().map(|value| *value >= INTERESTING).collect();
    let count = values.len() as f64;
    let sum: f64 = values.iter().sum();
    let held_out_means = values.iter().map(|value| (sum - value) / (count - 1.0));
    let squares: f64 = values
        .iter()
        .zip(held_out_means)
        .map(|(value, mean)| (value - mean).powi(2))
        .sum();
    let all: BTreeSet<u16> = items.iter().map(|item| item.member).collect();
    let labeled: BTreeSet<u16> = points.iter().map(|point| point.member).collect();
    Fit {
        labels: values.len(),
        labels_on_list: values.len(),
        interesting: kinds.iter().filter(|kind| **kind).count(),
        error: regression.error,
        error_of_mean: (squares / count).sqrt(),
        pairs_in_order: auc(&kinds, &regression.held_out).unwrap_or(0.5),
        features,
        members: all.len(),
        labeled_members: labeled.len(),
    }
}

/// What each feature is worth: the growth of the held-out error where it is taken away.
fn features(regression: &Regression, points: &[Point], values: &[f64]) -> Vec<Feature> {
    let error_without = |remove: &dyn Fn(&mut Point)| {
        let mut less = points.to_vec();
        less.iter_mut().for_each(remove);
        Regression::fit(&less, values, regression.kernel).map_or(regression.error, |fit| fit.error)
    };
    let mean = |kind: bool, of: &dyn Fn(&Point) -> f64| {
        let of_kind = points
            .iter()
            .zip(values)
            .filter(|(_, value)| (**value >= INTERESTING) == kind);
        let list: Vec<f64> = of_kind.map(|(point, _)| of(point)).collect();
        list.iter().sum::<f64>() / list.len().max(1) as f64
    };
    let more = |of: &dyn Fn(&Point) -> f64| Some(mean(true, of) > mean(false, of));
    let width = points.first().map_or(0, |point| point.evidence.len());
    let mut features: Vec<Feature> = (0..width)
        .map(|place| Feature {
            name: Item::EVIDENCE
                .get(place)
                .map_or_else(|| format!("feature {}", place + 1), |name| (*name).to_owned()),
            gain: error_without(&|point: &mut Point| point.evidence[place] = 0.0) - regression.error,
            more_is_interesting: more(&|point| point.evidence[place]),
        })
        .collect();
    features.push(Feature {
        name: "artifact".into(),
        gain: error_without(&|point: &mut Point| point.artifact = 0.0) - regression.error,
        more_is_interesting: more(&|point| point.artifact),
    });
    features.push(Feature {
        name: "suggested kind".into(),
        gain: error_without(&|point: &mut Point| point.kind = None) - regression.error,
        more_is_interesting: None,
    });
    features.push(Feature {
        name: "latent vector".into(),
        gain: error_without(&|point: &mut Point| point.latent.fill(0.0)) - regression.error,
        more_is_interesting: None,
    });
    features.sort_by(|a, b| b.gain.total_cmp(&a.gain));
    features
}
