//! Gaussian-process regression on few points.
//!
//! Source: Rasmussen & Williams 2006, "Gaussian Processes for Machine Learning", chapter 2 (eqs. 2.25, 2.26) and section 5.4.2
//! (leave-one-out, eqs. 5.10-5.12).

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};
use rayon::prelude::*;

use super::space::{Point, squared};

/// The covariance of two points: squared exponentials of the evidence and, within a member of the ensemble, of the latents; and what the two have of an artifact and of
/// one kind in common.
///
/// k = share · exp(-dₗ² / 2l²) [same member] + (1 - share) · exp(-dₑ² / 2l²) + o o' + [`KIND`] [same kind], with d² the mean squared difference of the features and o half the
/// logarithm of the odds that it is an artifact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Kernel {
    pub length: f64,
    /// Share of the latents in the squared exponentials, 0 to 1.
    pub share: f64,
    /// Variance of the labels' noise over that of the signal.
    pub noise: f64,
}

/// What being of one kind adds to the covariance.
const KIND: f64 = 0.25;

impl Kernel {
    fn covariance(&self, a: &Point, b: &Point) -> f64 {
        let bell = |squared: f64| (-0.5 * squared / (self.length * self.length)).exp();
        let mut covariance = a.artifact * b.artifact;
        if a.kind.is_some() && a.kind == b.kind {
            covariance += KIND;
        }
        if self.share < 1.0 {
            covariance += (1.0 - self.share) * bell(squared(&a.evidence, &b.evidence));
        }
        if self.share > 0.0 && a.member == b.member {
            covariance += self.share * bell(squared(&a.latent, &b.latent));
        }
        covariance
    }
}

/// Kernels that are tried; the one that predicts held-out labels best is taken.
fn candidates() -> Vec<Kernel> {
    let mut kernels = Vec::new();
    for share in [0.2, 0.6] {
        for length in [0.7, 1.4] {
            for noise in [1.0, 0.5] {
                kernels.push(Kernel { length, share, noise });
            }
        }
    }
    kernels
}

/// A regression through labeled points.
#[derive(Debug)]
pub(super) struct Regression<'a> {
    pub kernel: Kernel,
    points: &'a [Point],
    mean: f64,
    weights: DVector<f64>,
    /// What each point would have been predicted without its own label.
    pub held_out: Vec<f64>,
    /// Root of the mean squared difference of that from the labels.
    pub error: f64,
    /// Mean log density of the held-out labels.
    density: f64,
}

impl<'a> Regression<'a> {
    /// The regression with the kernel that predicts held-out labels best; `None` where there are no two points.
    pub fn best(points: &'a [Point], values: &[f64]) -> Option<Self> {
        let fits: Vec<Self> = candidates()
            .into_par_iter()
            .filter_map(|kernel| Self::fit(points, values, kernel))
            .collect();
        // The first of equals, so that the order of the threads does not matter.
        fits.into_iter()
            .reduce(|best, fit| if fit.density > best.density { fit } else { best })
    }

    /// The regression with a given kernel.
    pub fn fit(points: &'a [Point], values: &[f64], kernel: Kernel) -> Option<Self> {
        let count = points.len();
        if count < 2 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let covariance = DMatrix::from_fn(count, count, |i, j| {
            kernel.covariance(&points[i], &points[j]) + if i == j { kernel.noise } else { 0.0 }
        });
        let inverse = Cholesky::<f64, Dyn>::new(covariance)?.inverse();
        let centered = DVector::from_iterator(count, values.iter().map(|value| value - mean));
        let weights = &inverse * centered;
        // Of the signal's variance the maximum of the likelihood, so that densities of kernels compare.
        let differences: Vec<f64> = (0..count).map(|i| weights[i] / inverse[(i, i)]).collect();
        let scaled = (0..count).map(|i| differences[i].powi(2) * inverse[(i, i)]);
        let variance = (scaled.sum::<f64>() / count as f64).max(1e-12);
        let density = (0..count)
            .map(|i| {
                0.5 * (inverse[(i, i)] / variance).ln()
                    - 0.5 * differences[i].powi(2) * inverse[(i, i)] / variance
            })
            .sum::<f64>()
            / count as f64;
        let error = (differences.iter().map(|d| d * d).sum::<f64>() / count as f64).sqrt();
        let held_out = values
            .iter()
            .zip(&differences)
            .map(|(value, difference)| value - difference)
            .collect();
        density.is_finite().then_some(Self {
            kernel,
            points,
            mean,
            weights,
            held_out,
            error,
            density,
        })
    }

    /// The value expected at a point.
    pub fn judge(&self, point: &Point) -> f64 {
        let known = self.points.iter().zip(self.weights.iter());
        self.mean
            + known
                .map(|(known, weight)| weight * self.kernel.covariance(point, known))
                .sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(places: &[f64]) -> Vec<Point> {
        let point = |x: &f64| Point {
            evidence: vec![*x],
            artifact: 0.0,
            kind: None,
            latent: vec![],
            member: 0,
        };
        places.iter().map(point).collect()
    }

    const KERNEL: Kernel = Kernel {
        length: 1.0,
        share: 0.0,
        noise: 0.01,
    };

    #[test]
    fn held_out_predictions_are_those_of_a_fit_without_the_point() {
        let places = [0.0, 0.5, 1.1, 2.0, 3.2];
        let values = [1.0, 2.0, 2.5, 0.0, -1.0];
        let all = points(&places);
        let fit = Regression::fit(&all, &values, KERNEL).unwrap();
        for left in 0..places.len() {
            let rest: Vec<Point> = (0..5).filter(|i| *i != left).map(|i| all[i].clone()).collect();
            // The closed form keeps the mean of all labels; the check does so by taking it off first.
            let others: Vec<f64> = (0..5)
                .filter(|i| *i != left)
                .map(|i| values[i] - fit.mean)
                .collect();
            let covariance = DMatrix::from_fn(4, 4, |i, j| {
                KERNEL.covariance(&rest[i], &rest[j]) + if i == j { KERNEL.noise } else { 0.0 }
            });
            let weights = covariance.lu().solve(&DVector::from_vec(others)).unwrap();
            let expected: f64 = (0..4)
                .map(|i| weights[i] * KERNEL.covariance(&rest[i], &all[left]))
                .sum::<f64>()
                + fit.mean;
            assert!(
                (fit.held_out[left] - expected).abs() < 1e-9,
                "{left}: {} {expected}",
                fit.held_out[left]
            );
        }
    }

    #[test]
    fn two_points_by_hand() {
        // K = [[1.01, c], [c, 1.01]], y = ±1, mean 0: weights are ±1 / (1.01 - c)
        let all = points(&[0.0, 2.0]);
        let fit = Regression::fit(&all, &[1.0, -1.0], KERNEL).unwrap();
        let c = (-2.0f64).exp();
        let expected = (1.0 - c) / (1.01 - c);
        assert!((fit.judge(&all[0]) - expected).abs() < 1e-12);
        assert!(fit.judge(&points(&[1.0])[0]).abs() < 1e-12);
    }

    #[test]
    fn latents_of_different_members_are_no_neighbors() {
        let point = |member| Point {
            evidence: vec![],
            artifact: 0.0,
            kind: None,
            latent: vec![0.0],
            member,
        };
        let kernel = Kernel { share: 1.0, ..KERNEL };
        assert_eq!(kernel.covariance(&point(0), &point(0)), 1.0);
        assert_eq!(kernel.covariance(&point(0), &point(1)), 0.0);
    }

    #[test]
    fn artifacts_are_alike_by_their_odds_and_kinds_by_their_name() {
        let point = |artifact: f64, kind: &str| Point {
            evidence: vec![],
            artifact,
            kind: Some(kind.to_owned()),
            latent: vec![],
            member: 0,
        };
        // No evidence is no difference: 1 of the squared exponentials.
        let both = |a: &Point, b: &Point| KERNEL.covariance(a, b) - 1.0;
        assert_eq!(both(&point(1.5, "star"), &point(2.0, "step")), 3.0);
        assert_eq!(both(&point(1.5, "star"), &point(-1.0, "star")), -1.5 + KIND);
    }
}
