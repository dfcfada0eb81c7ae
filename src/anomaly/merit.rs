//! How good a list is where the truth is known, with errors: the figures of [`super::evaluate`] for weighted spectra, and their bootstrap.

use serde::{Deserialize, Serialize};

use super::draw::split_mix;

/// Shares of the list that a user looks at.
pub const FIRST: [f64; 3] = [0.01, 0.05, 0.10];

/// A scored list with its truth. Shapes: one value a spectrum.
#[derive(Debug, Clone, Default)]
pub struct TrueList {
    pub scores: Vec<f64>,
    pub anomalous: Vec<bool>,
    /// Spectra of one group (one object of the catalog, in whatever draw and copy) are drawn together by the bootstrap.
    pub groups: Vec<usize>,
}

/// Figures of merit of a list.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Merit {
    pub auc: f64,
    pub average_precision: f64,
    /// Share of the anomalies within the first 1, 5 and 10 % of the list.
    pub recall: [f64; 3],
}

impl Merit {
    fn combine(self, other: Self, with: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            auc: with(self.auc, other.auc),
            average_precision: with(self.average_precision, other.average_precision),
            recall: std::array::from_fn(|i| with(self.recall[i], other.recall[i])),
        }
    }

    fn map(self, with: impl Fn(f64) -> f64) -> Self {
        self.combine(self, |value, _| with(value))
    }
}

/// Figures of merit with their standard errors, and the bootstrap's draws for comparing two lists pairwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub value: Merit,
    pub error: Merit,
    pub draws: Vec<Option<Merit>>,
}

/// Figures of merit of the anomalies `of` (all of them where it is `anomalous`) against the normal spectra; of a list where every spectrum counts `weight`
/// times. Recall is within the first shares of the whole list. `None` where either kind is missing.
///
/// Equal scores are reached together. NaN scores stand last.
pub fn merit(list: &TrueList, of: &[bool], weights: impl Fn(usize) -> f64) -> Option<Merit> {
    Ordered::new(list).merit(list, of, weights)
}

/// A list in descending order of the score.
struct Ordered {
    order: Vec<usize>,
    /// Ends (exclusive) of the runs of equal scores.
    ends: Vec<usize>,
}

impl Ordered {
    fn new(list: &TrueList) -> Self {
        let rankable = |i: usize| {
            let score = list.scores[i];
            if score.is_nan() { f64::NEG_INFINITY } else { score }
        };
        let mut order: Vec<usize> = (0..list.scores.len()).collect();
        order.sort_by(|&a, &b| rankable(b).total_cmp(&rankable(a)));
        let ends = (1..=order.len())
            .filter(|&end| end == order.len() || rankable(order[end]) != rankable(order[end - 1]))
            .collect();
        Self { order, ends }
    }

    fn merit(&self, list: &TrueList, of: &[bool], weights: impl Fn(usize) -> f64) -> Option<Merit> {
        let sum = |which: &dyn Fn(usize) -> bool| -> f64 {
            (0..of.len()).filter(|i| which(*i)).map(&weights).sum()
        };
        let positive = sum(&|i| of[i]);
        let negative = sum(&|i| !list.anomalous[i]);
        let all = sum(&|_| true);
        if positive <= 0.0 || negative <= 0.0 {
            return None;
        }
        let room = FIRST.map(|share| share * all);
        let (mut found, mut normal, mut passed, mut first) = (0.0, 0.0, 0.0, 0);
        let mut merit = Merit {
            auc: 0.0,
            average_precision: 0.0,
            recall: [0.0; 3],
        };
        for &end in &self.ends {
            let (mut here, mut normal_here, mut all_here) = (0.0, 0.0, 0.0);
            for &i in &self.order[first..end] {
                let weight = weights(i);
                all_here += weight;
                if of[i] {
                    here += weight;
                } else if !list.anomalous[i] {
                    normal_here += weight;
                }
            }
            merit.auc += here * (negative - normal - 0.5 * normal_here);
            found += here;
            normal += normal_here;
            if here > 0.0 {
                merit.average_precision += here / positive * found / (found + normal);
            }
            for (recall, room) in merit.recall.iter_mut().zip(room) {
                let fits = (room - passed).clamp(0.0, all_here);
                if all_here > 0.0 {
                    *recall += here * fits / all_here / positive;
                }
            }
            passed += all_here;
            first = end;
        }
        merit.auc /= positive * negative;
        Some(merit)
    }
}

/// Draws of groups with replacement, the same for every list that is compared.
///
/// Source: Efron 1979 (Annals of Statistics 7, 1); by groups because spectra of one object are not independent (Field & Welsh 2007, JRSS B 69, 369).
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// How often each group was drawn, by draw.
    counts: Vec<Vec<f64>>,
}

impl Bootstrap {
    pub fn new(groups: usize, draws: usize, seed: u64) -> Self {
        let mut state = seed;
        let counts = (0..draws).map(|_| {
            let mut counts = vec![0.0; groups];
            for _ in 0..groups {
                counts[(split_mix(&mut state) % groups as u64) as usize] += 1.0;
            }
            counts
        });
        Self {
            counts: counts.collect(),
        }
    }

    /// The mean figures of several lists (one a seed) with their error. `of` says which anomalies of each list. Lists without any, or
    /// without normal spectra, are left out; `None` where none is left.
    pub fn measure(&self, lists: &[TrueList], of: &[Vec<bool>]) -> Option<Measured> {
        let ordered: Vec<Ordered> = lists.iter().map(Ordered::new).collect();
        let mean = |weights: &dyn Fn(&TrueList, usize) -> f64| -> Option<Merit> {
            let merits: Vec<Merit> = lists
                .iter()
                .zip(&ordered)
                .zip(of)
                .filter_map(|((list, ordered), of)| ordered.merit(list, of, |i| weights(list, i)))
                .collect();
            let sum = merits.iter().copied().reduce(|a, b| a.combine(b, |a, b| a + b))?;
            Some(sum.map(|value| value / merits.len() as f64))
        };
        let value = mean(&|_, _| 1.0)?;
        let draws: Vec<Option<Merit>> = self
            .counts
            .iter()
            .map(|counts| mean(&|list: &TrueList, i: usize| counts[list.groups[i]]))
            .collect();
        let error = scatter(draws.iter().flatten());
        Some(Measured { value, error, draws })
    }
}

impl Measured {
    /// How much better this is than `other`, drawn in the same bootstrap, and the error of that.
    pub fn above(&self, other: &Self) -> (Merit, Merit) {
        let difference = self.value.combine(other.value, |a, b| a - b);
        let draws: Vec<Merit> = self
            .draws
            .iter()
            .zip(&other.draws)
            .filter_map(|(a, b)| Some((*a)?.combine((*b)?, |a, b| a - b)))
            .collect();
        (difference, scatter(draws.iter()))
    }
}

/// Standard deviation of the draws.
fn scatter<'a>(draws: impl Iterator<Item = &'a Merit> + Clone) -> Merit {
    let count = draws.clone().count().max(1) as f64;
    let zero = Merit {
        auc: 0.0,
        average_precision: 0.0,
        recall: [0.0; 3],
    };
    let mean = draws
        .clone()
        .fold(zero, |sum, merit| sum.combine(*merit, |a, b| a + b / count));
    let variance = draws.fold(zero, |sum, merit| {
        let squares = merit.combine(mean, |a, b| (a - b).powi(2));
        sum.combine(squares, |a, b| a + b / (count - 1.0).max(1.0))
    });
    variance.map(f64::sqrt)
}

#[cfg(test)]
mod tests {
    use super::super::{auc, average_precision, recall_in_top};
    use super::*;

    fn list(count: usize, seed: u64) -> TrueList {
        let mut state = seed;
        let mut unit = || (split_mix(&mut state) >> 11) as f64 / (1u64 << 53) as f64;
        let anomalous: Vec<bool> = (0..count).map(|i| i % 5 == 0).collect();
        let scores = anomalous
            .iter()
            .map(|anomalous| {
                let score = unit() + if *anomalous { 0.4 } else { 0.0 };
                // Some are equal.
                (score * 50.0).round()
            })
            .collect();
        TrueList {
            scores,
            anomalous,
            groups: (0..count).collect(),
        }
    }

    #[test]
    fn equal_weights_give_the_plain_figures() {
        let list = list(200, 1);
        let merit = merit(&list, &list.anomalous, |_| 1.0).unwrap();
        let close = |a: f64, b: Option<f64>| assert!((a - b.unwrap()).abs() < 1e-12, "{a} {b:?}");
        close(merit.auc, auc(&list.anomalous, &list.scores));
        close(
            merit.average_precision,
            average_precision(&list.anomalous, &list.scores),
        );
        for (recall, share) in merit.recall.iter().zip(FIRST) {
            close(*recall, recall_in_top(&list.anomalous, &list.scores, share));
        }
    }

    #[test]
    fn a_weight_of_two_is_the_spectrum_twice() {
        let once = list(60, 2);
        let mut twice = once.clone();
        for i in (0..60).step_by(3) {
            twice.scores.push(once.scores[i]);
            twice.anomalous.push(once.anomalous[i]);
            twice.groups.push(i);
        }
        let weighted = merit(&once, &once.anomalous, |i| if i % 3 == 0 { 2.0 } else { 1.0 }).unwrap();
        let plain = merit(&twice, &twice.anomalous, |_| 1.0).unwrap();
        assert!((weighted.auc - plain.auc).abs() < 1e-12);
        assert!((weighted.average_precision - plain.average_precision).abs() < 1e-12);
        assert!((weighted.recall[2] - plain.recall[2]).abs() < 1e-12);
    }

    #[test]
    fn a_part_of_the_anomalies_is_measured_against_the_normal_ones() {
        // By hand: b outranks both normal spectra, d one of them; the first 10 % of five spectra is half of a.
        let list = TrueList {
            scores: vec![5.0, 4.0, 3.0, 2.0, 1.0],
            anomalous: vec![true, true, false, true, false],
            groups: (0..5).collect(),
        };
        let part = merit(&list, &[false, true, false, true, false], |_| 1.0).unwrap();
        assert!((part.auc - 0.75).abs() < 1e-12);
        assert!((part.average_precision - 0.5 * (1.0 + 2.0 / 3.0)).abs() < 1e-12);
        assert_eq!(part.recall[2], 0.0);
        assert!(merit(&list, &[false; 5], |_| 1.0).is_none());
    }

    #[test]
    fn the_bootstrap_finds_the_published_error_of_auc() {
        // Hanley & McNeil 1982 (Radiology 143, 29), equations 1 and 2, of exponential scores.
        let (positive, negative) = (60.0, 240.0);
        let list = list(300, 5);
        let measured = Bootstrap::new(300, 400, 9)
            .measure(std::slice::from_ref(&list), std::slice::from_ref(&list.anomalous))
            .unwrap();
        let a = measured.value.auc;
        let (q1, q2) = (a / (2.0 - a), 2.0 * a * a / (1.0 + a));
        let variance = (a * (1.0 - a) + (positive - 1.0) * (q1 - a * a) + (negative - 1.0) * (q2 - a * a))
            / (positive * negative);
        let ratio = measured.error.auc / variance.sqrt();
        assert!((0.6..1.4).contains(&ratio), "{ratio}");
        let (difference, error) = measured.above(&measured);
        assert_eq!((difference.auc, error.auc), (0.0, 0.0));
    }

    #[test]
    fn copies_of_one_object_count_once_for_the_error() {
        let one = list(100, 6);
        let mut four = TrueList::default();
        for copy in 0..4 {
            let _ = copy;
            four.scores.extend(&one.scores);
            four.anomalous.extend(&one.anomalous);
            four.groups.extend(&one.groups);
        }
        let error = |list: &TrueList| {
            Bootstrap::new(100, 200, 3)
                .measure(std::slice::from_ref(list), std::slice::from_ref(&list.anomalous))
                .unwrap()
                .error
                .auc
        };
        assert!((error(&one) / error(&four) - 1.0).abs() < 1e-9);
    }
}
