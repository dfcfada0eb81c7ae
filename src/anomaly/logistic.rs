//! Logistic regression on few numbers.

use nalgebra::{DMatrix, DVector};

const ROUNDS: usize = 40;

/// The odds of something by a weighted sum of numbers.
///
/// Source: Cox 1958 (JRSS B 20, 215); maximum of the likelihood with a Gaussian prior on the weights, by Newton's method.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Logistic {
    /// The constant, then one a number in the units of the numbers.
    weights: Vec<f64>,
}

/// A case: its numbers, whether it is so, and how much it counts.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub numbers: Vec<f64>,
    pub is: bool,
    pub weight: f64,
}

impl Logistic {
    /// `prior` is the inverse variance of the weights where the numbers are brought to unit variance; the constant has none. `None` where either kind of case is
    /// missing or the numbers are no numbers.
    pub fn fit(cases: &[Case], prior: f64) -> Option<Self> {
        let width = cases.first()?.numbers.len();
        let total: f64 = cases.iter().map(|case| case.weight).sum();
        let so: f64 = cases.iter().filter(|case| case.is).map(|case| case.weight).sum();
        if !(so > 0.0 && so < total) {
            return None;
        }
        let mean_of = |value: &dyn Fn(&Case) -> f64| {
            cases.iter().map(|case| case.weight * value(case)).sum::<f64>() / total
        };
        let means: Vec<f64> = (0..width).map(|i| mean_of(&|case| case.numbers[i])).collect();
        let scales: Vec<f64> = (0..width)
            .map(|i| mean_of(&|case| (case.numbers[i] - means[i]).powi(2)).sqrt())
            // A number that is the same for all says nothing.
            .map(|scale| if scale > 1e-9 { scale } else { f64::INFINITY })
            .collect();
        let rows: Vec<DVector<f64>> = cases
            .iter()
            .map(|case| {
                let standard = (0..width).map(|i| (case.numbers[i] - means[i]) / scales[i]);
                DVector::from_iterator(width + 1, std::iter::once(1.0).chain(standard))
            })
            .collect();
        let mut weights = DVector::<f64>::zeros(width + 1);
        for _ in 0..ROUNDS {
            let mut slope = -prior * &weights;
            let mut bend = DMatrix::<f64>::identity(width + 1, width + 1) * prior;
            (slope[0], bend[(0, 0)]) = (0.0, 1e-9);
            for (row, case) in rows.iter().zip(cases) {
                let p = chance(weights.dot(row));
                let is = f64::from(u8::from(case.is));
                slope.axpy(case.weight * (is - p), row, 1.0);
                bend.ger(case.weight * p * (1.0 - p), row, row, 1.0);
            }
            let step = bend.cholesky()?.solve(&slope);
            // Newton overshoots far from the maximum.
            weights += step.map(|step| step.clamp(-2.0, 2.0));
            if step.amax() < 1e-10 {
                break;
            }
        }
        let slopes: Vec<f64> = (0..width).map(|i| weights[i + 1] / scales[i]).collect();
        let constant = weights[0] - slopes.iter().zip(&means).map(|(w, m)| w * m).sum::<f64>();
        let weights: Vec<f64> = std::iter::once(constant).chain(slopes).collect();
        weights
            .iter()
            .all(|weight| weight.is_finite())
            .then_some(Self { weights })
    }

    /// The logarithm of the odds.
    pub fn log_odds(&self, numbers: &[f64]) -> f64 {
        let sum: f64 = self.weights[1..].iter().zip(numbers).map(|(w, x)| w * x).sum();
        self.weights[0] + sum
    }

    /// The weight of each number.
    pub fn weights(&self) -> &[f64] {
        &self.weights[1..]
    }
}

/// The probability of logarithmic odds.
pub(crate) fn chance(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// The logarithm of the odds of a probability, which is no nearer to 0 and 1 than half a promille.
pub(crate) fn log_odds(probability: f64) -> f64 {
    let p = probability.clamp(5e-4, 1.0 - 5e-4);
    (p / (1.0 - p)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::draw::Draw;

    #[test]
    fn the_odds_that_made_the_cases_are_found() {
        let mut draw = Draw::new(3, 0);
        let truth = |x: f64, y: f64| 0.4 + 1.5 * x - 0.02 * y;
        let cases: Vec<Case> = (0..20_000)
            .map(|_| {
                let (x, y) = (draw.normal(), 30.0 * draw.normal());
                Case {
                    numbers: vec![x, y, 7.0],
                    is: draw.unit() < chance(truth(x, y)),
                    weight: 1.0,
                }
            })
            .collect();
        let fit = Logistic::fit(&cases, 1.0).unwrap();
        assert!((fit.weights()[0] - 1.5).abs() < 0.08, "{fit:?}");
        assert!((fit.weights()[1] + 0.02).abs() < 0.002, "{fit:?}");
        assert_eq!(fit.weights()[2], 0.0, "what is the same for all says nothing");
        assert!((fit.log_odds(&[0.0, 0.0, 7.0]) - 0.4).abs() < 0.06, "{fit:?}");
    }

    #[test]
    fn weights_are_repetitions() {
        let case = |x: f64, is: bool, weight: f64| Case {
            numbers: vec![x],
            is,
            weight,
        };
        let weighted = [case(0.0, false, 2.0), case(1.0, true, 1.0), case(0.5, true, 1.0)];
        let repeated = [
            case(0.0, false, 1.0),
            case(0.0, false, 1.0),
            case(1.0, true, 1.0),
            case(0.5, true, 1.0),
        ];
        let (a, b) = (
            Logistic::fit(&weighted, 1.0).unwrap(),
            Logistic::fit(&repeated, 1.0).unwrap(),
        );
        assert!((a.weights()[0] - b.weights()[0]).abs() < 1e-9);
    }

    #[test]
    fn a_perfect_separation_stays_finite_and_one_kind_alone_teaches_nothing() {
        let case = |x: f64, is: bool| Case {
            numbers: vec![x],
            is,
            weight: 1.0,
        };
        let fit = Logistic::fit(&[case(0.0, false), case(1.0, true)], 0.5).unwrap();
        assert!(fit.weights()[0] > 0.0 && fit.weights()[0] < 20.0);
        assert!(Logistic::fit(&[case(0.0, true), case(1.0, true)], 0.5).is_none());
        assert!(Logistic::fit(&[], 0.5).is_none());
        assert!(Logistic::fit(&[case(f64::NAN, true), case(1.0, false)], 0.5).is_none());
    }
}
