//! How right a ranking is where the truth is known, and what it leans on where it is not.

use serde::{Deserialize, Serialize};

/// Ranks from 1 of the values, equal values sharing their mean rank.
fn mean_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    while first < order.len() {
        let mut last = first;
        while last < order.len() && values[order[last]] == values[order[first]] {
            last += 1;
        }
        let mean = (first + last + 1) as f64 / 2.0;
        for &index in &order[first..last] {
            ranks[index] = mean;
        }
        first = last;
    }
    ranks
}

/// Area under the ROC curve: the chance that an anomaly scores above a normal spectrum, ties counting half; `None` where
/// either kind is missing.
///
/// Source: Hanley & McNeil 1982 (Radiology 143, 29).
pub fn auc(labels: &[bool], scores: &[f64]) -> Option<f64> {
    assert_eq!(labels.len(), scores.len(), "one label a score");
    let ranks = mean_ranks(scores);
    let positive = labels.iter().filter(|label| **label).count() as f64;
    let negative = labels.len() as f64 - positive;
    let sum: f64 = ranks
        .iter()
        .zip(labels)
        .filter(|(_, label)| **label)
        .map(|(rank, _)| rank)
        .sum();
    (positive > 0.0 && negative > 0.0)
        .then(|| (sum - positive * (positive + 1.0) / 2.0) / (positive * negative))
}

/// Average precision: the mean over the anomalies of the purity of the list down to each; `None` without anomalies.
///
/// Equal scores are reached together, as in scikit-learn, so that the order of the input does not matter.
///
/// Source: `AP = sum (R_n - R_(n-1)) P_n`, Buckley & Voorhees 2000 (SIGIR, 33).
pub fn average_precision(labels: &[bool], scores: &[f64]) -> Option<f64> {
    assert_eq!(labels.len(), scores.len(), "one label a score");
    let positive = labels.iter().filter(|label| **label).count() as f64;
    if positive == 0.0 {
        return None;
    }
    let order = descending(scores);
    let (mut found, mut precision, mut first) = (0.0, 0.0, 0);
    while first < order.len() {
        let mut last = first;
        let mut here = 0.0;
        while last < order.len() && scores[order[last]] == scores[order[first]] {
            here += f64::from(u8::from(labels[order[last]]));
            last += 1;
        }
        found += here;
        precision += here / positive * found / last as f64;
        first = last.max(first + 1);
    }
    Some(precision)
}

/// Share of the anomalies within the first `fraction` of the list (0 to 1); `None` without anomalies.
///
/// Equal scores at the edge count by the share of them that fits.
pub fn recall_in_top(labels: &[bool], scores: &[f64], fraction: f64) -> Option<f64> {
    assert_eq!(labels.len(), scores.len(), "one label a score");
    let positive = labels.iter().filter(|label| **label).count() as f64;
    if positive == 0.0 {
        return None;
    }
    let order = descending(scores);
    let room = (fraction.clamp(0.0, 1.0) * labels.len() as f64).round() as usize;
    let Some(edge) = room.checked_sub(1).map(|last| scores[order[last]]) else {
        return Some(0.0);
    };
    let (mut above, mut found, mut equal, mut found_equal) = (0usize, 0.0, 0usize, 0.0);
    for &index in &order {
        let label = f64::from(u8::from(labels[index]));
        if scores[index] > edge {
            above += 1;
            found += label;
        } else if scores[index] == edge {
            equal += 1;
            found_equal += label;
        }
    }
    let share = (room - above.min(room)) as f64 / equal.max(1) as f64;
    Some((found + share * found_equal) / positive)
}

fn descending(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    order
}

/// Spearman's rank correlation over the pairs that are both finite; `None` of fewer than three, or where either is constant.
///
/// Source: Spearman 1904 (American Journal of Psychology 15, 72).
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "values come in pairs");
    let (a, b): (Vec<f64>, Vec<f64>) = a
        .iter()
        .zip(b)
        .filter(|(a, b)| a.is_finite() && b.is_finite())
        .map(|(a, b)| (*a, *b))
        .unzip();
    if a.len() < 3 {
        return None;
    }
    let (a, b) = (mean_ranks(&a), mean_ranks(&b));
    let mean = (a.len() + 1) as f64 / 2.0;
    let (mut product, mut square_a, mut square_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(&b) {
        product += (a - mean) * (b - mean);
        square_a += (a - mean).powi(2);
        square_b += (b - mean).powi(2);
    }
    (square_a > 0.0 && square_b > 0.0).then(|| product / (square_a * square_b).sqrt())
}

/// What a ranking leans on: Spearman correlations of the score. Far from 0, the list is sorted by that rather than by strangeness.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Correlations {
    pub sn: Option<f64>,
    pub redshift: Option<f64>,
    pub masked_fraction: Option<f64>,
}

/// The correlations of the scores of a list; unknown values (NaN) are left out.
///
/// Shapes: one value a spectrum each.
pub fn correlations(scores: &[f64], sn: &[f64], redshift: &[f64], masked_fraction: &[f64]) -> Correlations {
    Correlations {
        sn: spearman(scores, sn),
        redshift: spearman(scores, redshift),
        masked_fraction: spearman(scores, masked_fraction),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // sklearn.metrics.roc_auc_score and average_precision_score of the same lists.
    const LABELS: [bool; 6] = [true, false, true, false, false, true];
    const SCORES: [f64; 6] = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4];

    #[test]
    fn known_values() {
        assert!((auc(&LABELS, &SCORES).unwrap() - 5.0 / 9.0).abs() < 1e-12);
        let expected = (1.0 + 2.0 / 3.0 + 3.0 / 6.0) / 3.0;
        assert!((average_precision(&LABELS, &SCORES).unwrap() - expected).abs() < 1e-12);
        assert!((recall_in_top(&LABELS, &SCORES, 0.5).unwrap() - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn ties_and_missing_kinds() {
        assert_eq!(auc(&LABELS, &[1.0; 6]), Some(0.5));
        assert_eq!(average_precision(&LABELS, &[1.0; 6]), Some(0.5));
        assert_eq!(recall_in_top(&LABELS, &[1.0; 6], 0.5), Some(0.5));
        assert_eq!(auc(&[true; 3], &[1.0; 3]), None);
        assert_eq!(average_precision(&[false; 3], &[1.0; 3]), None);
    }

    #[test]
    fn spearman_of_a_monotone_relation_is_one() {
        let a = [1.0, 2.0, 3.0, 4.0, f64::NAN];
        let b = [1.0, 8.0, 27.0, 64.0, 5.0];
        assert_eq!(spearman(&a, &b), Some(1.0));
        assert_eq!(spearman(&a, &[2.0; 5]), None);
        // scipy.stats.spearmanr([1, 2, 3, 4], [2, 1, 4, 3]) == 0.6
        assert!((spearman(&a[..4], &[2.0, 1.0, 4.0, 3.0]).unwrap() - 0.6).abs() < 1e-12);
    }
}
