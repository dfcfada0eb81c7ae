//! What a re-ranking says of itself.

use super::rerank::{Feature, Fit, Item, LEAST_OF_EACH};
use crate::anomaly::places;
use crate::words::counted;

/// The head of the list whose movement is told.
const HEAD: usize = 100;
/// Below this share of pairs in the right order a prediction is hardly one,
const CHANCE: f64 = 0.6;
/// nor with more than this share of the error of the plain mean.
const NO_BETTER: f64 = 0.97;
/// Features named at most.
const NAMED: usize = 3;

/// Why nothing was learned.
pub(super) fn too_few(labels: usize, interesting: usize, others: usize) -> Vec<String> {
    let on_list = interesting + others;
    let missing = [(interesting, "interesting"), (others, "seen and not interesting")];
    let missing: Vec<String> = missing
        .into_iter()
        .filter(|(count, _)| *count < LEAST_OF_EACH)
        .map(|(count, what)| format!("{} more {what}", LEAST_OF_EACH - count))
        .collect();
    vec![
        format!(
            "nothing was learned and the order is as it was: of {} {on_list} {} on this list and say whether the object is interesting, {interesting} do call it so and {others} do not",
            counted(labels, "label"),
            if on_list == 1 { "is" } else { "are" }
        ),
        format!("label at least {}", missing.join(" and ")),
    ]
}

/// What a re-ranking did to the head of the list.
pub(super) struct Move {
    head: usize,
    new: usize,
    /// Labeled objects in the head, before and after: interesting, and others.
    interesting: (usize, usize),
    others: (usize, usize),
}

impl Move {
    /// `kinds`: the labeled items, and whether they are interesting.
    pub fn between(items: &[Item], before: &[f64], after: &[f64], kinds: &[(usize, bool)]) -> Self {
        let ids: Vec<&str> = items.iter().map(|item| item.object_id.as_str()).collect();
        let head = HEAD.min(items.len().div_ceil(4)).max(1);
        let in_head = |scores: &[f64]| -> Vec<bool> {
            places(scores, &ids)
                .iter()
                .map(|place| place.rank <= head as u64)
                .collect()
        };
        let (before, after) = (in_head(before), in_head(after));
        let count = |list: &[bool], kind: bool| {
            kinds
                .iter()
                .filter(|(place, other)| *other == kind && list[*place])
                .count()
        };
        Self {
            head,
            new: before
                .iter()
                .zip(&after)
                .filter(|(before, after)| !**before && **after)
                .count(),
            interesting: (count(&before, true), count(&after, true)),
            others: (count(&before, false), count(&after, false)),
        }
    }
}

/// What was learned, and what it did.
pub(super) fn learned(fit: &Fit, moved: &Move) -> Vec<String> {
    let mut lines = vec![
        format!(
            "learned from {}: {} interesting, {} not",
            counted(fit.labels, "label"),
            fit.interesting,
            fit.labels - fit.interesting
        ),
        format!(
            "predicting each label from the others is wrong by {:.1} on the scale of 0 to 5 (their mean: {:.1}), and puts an interesting object before another in {:.0}% of the pairs (chance: 50%)",
            fit.error,
            fit.error_of_mean,
            100.0 * fit.pairs_in_order
        ),
    ];
    if fit.pairs_in_order < CHANCE || fit.error > NO_BETTER * fit.error_of_mean {
        lines.push("that is hardly better than chance: do not trust this order, label more first".into());
    }
    if fit.labels < fit.labels_on_list {
        lines.push(format!(
            "an even sample of the {} labels on the list",
            fit.labels_on_list
        ));
    }
    let telling: Vec<&Feature> = fit
        .features
        .iter()
        .filter(|feature| feature.gain > 0.01 * fit.error)
        .take(NAMED)
        .collect();
    if telling.is_empty() {
        lines.push("no single feature tells them apart; the labels differ from each other by many of them at once, or by none".into());
    } else {
        let named: Vec<String> = telling.iter().map(|feature| feature_words(feature)).collect();
        lines.push(format!(
            "what tells them apart, the most telling first: {}",
            named.join("; ")
        ));
    }
    if fit.members > 1 {
        let without = fit.members - fit.labeled_members;
        let rest = if without > 0 {
            format!("; {without} of them without a label, whose objects are told apart by the rest")
        } else {
            String::new()
        };
        lines.push(format!(
            "latent vectors are compared only among objects of one of the {} cross-fitted networks{rest}",
            fit.members
        ));
    }
    lines.push(format!(
        "of the first {}, {} are new; labeled ones among them: interesting {} -> {}, others {} -> {}",
        moved.head, moved.new, moved.interesting.0, moved.interesting.1, moved.others.0, moved.others.1
    ));
    lines
}

fn feature_words(feature: &Feature) -> String {
    match feature.more_is_interesting {
        None => feature.name.clone(),
        Some(true) => format!("{} (interesting ones have more)", feature.name),
        Some(false) => format!("{} (interesting ones have less)", feature.name),
    }
}
