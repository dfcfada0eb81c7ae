//! The significance of a shape that the model may already have explained in part.

use std::ops::Range;

use nalgebra::{DMatrix, DVector};

use crate::anomaly::errormodel::Corrected;
use crate::anomaly::scan::Sums;

/// A shape of which less than this share (of its square) is left beside the model's freedom says nothing of its own.
const LEAST_LEFT: f64 = 1e-3;

/// A residual, and the spectra along which the model can change.
///
/// With weights w, residual r, shape t and directions B, the part of t that no change of the model can mimic has the significance
/// S = (t'wr - u'Gb) / sqrt(t'wt - u'Gu), u = Bwt, b = Bwr, G = (BwB')^-1: the square root of the chi-square gained by fitting t beside the model.
///
/// Source: generalized least squares with nuisance parameters, e.g. Rao 1973, "Linear Statistical Inference", section 4a.
pub(super) struct Projection<'a> {
    residual: &'a Corrected,
    /// Directions, row by row.
    basis: &'a [f32],
    rows: usize,
    /// G, row-major.
    inverse: Vec<f64>,
    /// G b.
    pull: Vec<f64>,
    /// BwB' and b.
    normal: DMatrix<f64>,
    moment: DVector<f64>,
}

impl<'a> Projection<'a> {
    pub fn new(residual: &'a Corrected, basis: &'a [f32]) -> Self {
        let pixels = residual.residual.len();
        let rows = basis.len() / pixels;
        let row = |k: usize| &basis[k * pixels..(k + 1) * pixels];
        let mut normal = DMatrix::<f64>::zeros(rows, rows);
        let mut moment = DVector::<f64>::zeros(rows);
        for k in 0..rows {
            let weighted: Vec<f64> = row(k)
                .iter()
                .zip(&residual.weight)
                .map(|(b, w)| f64::from(*b) * w)
                .collect();
            moment[k] = weighted.iter().zip(&residual.residual).map(|(b, r)| b * r).sum();
            for j in 0..=k {
                let sum: f64 = weighted.iter().zip(row(j)).map(|(b, c)| b * f64::from(*c)).sum();
                normal[(k, j)] = sum;
                normal[(j, k)] = sum;
            }
        }
        let ridge = 1e-6 * normal.trace() / rows.max(1) as f64 + f64::MIN_POSITIVE;
        let mut ridged = normal.clone();
        for k in 0..rows {
            ridged[(k, k)] += ridge;
        }
        let inverse = ridged
            .cholesky()
            .map_or_else(|| DMatrix::zeros(rows, rows), |cholesky| cholesky.inverse());
        let pull = &inverse * &moment;
        Self {
            residual,
            basis,
            rows,
            inverse: inverse.transpose().iter().copied().collect(),
            pull: pull.iter().copied().collect(),
            normal,
            moment,
        }
    }

    /// How the model would change within `shown` if it had not seen the pixels of `hidden`: what the rest of the spectrum says of them.
    ///
    /// The latent vector is fitted anew to all other pixels, with a unit Gaussian prior. Shape: one value a pixel of `shown`. `latent` is the vector as it is, of as
    /// many values as there are directions.
    pub fn without(&self, hidden: Range<usize>, latent: &[f32], shown: Range<usize>) -> Vec<f64> {
        let mut normal = self.normal.clone();
        let mut right = self.moment.clone();
        for k in 0..self.rows {
            for pixel in hidden.clone() {
                let weighted = f64::from(self.row(k)[pixel]) * self.residual.weight[pixel];
                right[k] -= weighted * self.residual.residual[pixel];
                for j in 0..self.rows {
                    normal[(k, j)] -= weighted * f64::from(self.row(j)[pixel]);
                }
            }
            // The prior acts on the latent vector, not on its change.
            right[k] -= f64::from(latent[k]);
            normal[(k, k)] += 1.0;
        }
        let change = normal.cholesky().map(|cholesky| cholesky.solve(&right));
        shown
            .map(|pixel| {
                change.as_ref().map_or(0.0, |change| {
                    (0..self.rows)
                        .map(|k| change[k] * f64::from(self.row(k)[pixel]))
                        .sum()
                })
            })
            .collect()
    }

    pub fn pixels(&self) -> usize {
        self.residual.residual.len()
    }

    fn row(&self, k: usize) -> &[f32] {
        &self.basis[k * self.pixels()..(k + 1) * self.pixels()]
    }

    /// The significance from the three sums t'wr, t'wt and Bwt; 0 where the model can mimic the shape.
    fn significance_of(&self, product: f64, norm: f64, along: &[f64]) -> f64 {
        let mut explained = 0.0;
        let mut taken = 0.0;
        for (i, u) in along.iter().enumerate() {
            explained += u * self.pull[i];
            let row = &self.inverse[i * self.rows..(i + 1) * self.rows];
            taken += u * row.iter().zip(along).map(|(g, v)| g * v).sum::<f64>();
        }
        let left = norm - taken;
        if left > LEAST_LEFT * norm && norm > 0.0 {
            (product - explained) / left.sqrt()
        } else {
            0.0
        }
    }

    /// Significance of a shape, signed. Shape: `[pixels]`.
    pub fn significance(&self, shape: &[f64]) -> f64 {
        let weighted: Vec<f64> = shape
            .iter()
            .zip(&self.residual.weight)
            .map(|(t, w)| t * w)
            .collect();
        let product = weighted
            .iter()
            .zip(&self.residual.residual)
            .map(|(t, r)| t * r)
            .sum();
        let norm = weighted.iter().zip(shape).map(|(t, s)| t * s).sum();
        let along: Vec<f64> = (0..self.rows)
            .map(|k| {
                weighted
                    .iter()
                    .zip(self.row(k))
                    .map(|(t, b)| t * f64::from(*b))
                    .sum()
            })
            .collect();
        self.significance_of(product, norm, &along)
    }

    /// The most significant excess and lack of flux over windows of `width` pixels that are at least half valid; NaN where there is none.
    pub fn windows(&self, width: usize) -> (f64, f64) {
        let cumulated = self.cumulated(|_| 1.0);
        let needed = Sums::needed(width);
        let (mut most, mut least) = (f64::NAN, f64::NAN);
        let mut start = 0;
        while start + width <= self.pixels() {
            let end = start + width;
            if cumulated.valid[end] - cumulated.valid[start] >= needed {
                let sigma = self.between(&cumulated, start, end);
                most = most.max(sigma);
                least = least.max(-sigma);
            }
            start += (width / 16).max(1);
        }
        (most, least)
    }

    /// The significance of a window whose sums are known.
    fn between(&self, sums: &Cumulated, start: usize, end: usize) -> f64 {
        let along: Vec<f64> = (0..self.rows)
            .map(|k| sums.along[end * self.rows + k] - sums.along[start * self.rows + k])
            .collect();
        let (product, norm) = (
            sums.product[end] - sums.product[start],
            sums.norm[end] - sums.norm[start],
        );
        self.significance_of(product, norm, &along)
    }

    /// The significances of the spectrum's being `shape` times too bright from each `step`th pixel on, and the pixels.
    pub fn steps(&self, shape: &[f64], step: usize) -> Vec<(usize, f64)> {
        /// A step this near to an end (as a share of the weight) is no step.
        const END: f64 = 0.02;
        let sums = self.cumulated(|pixel| shape[pixel]);
        let all = sums.norm[self.pixels()];
        (0..self.pixels())
            .step_by(step)
            .filter(|&at| (END * all..(1.0 - END) * all).contains(&sums.norm[at]))
            .map(|at| (at, self.between(&sums, at, self.pixels())))
            .collect()
    }

    /// Running sums of a shape's products.
    fn cumulated(&self, shape: impl Fn(usize) -> f64) -> Cumulated {
        let pixels = self.pixels();
        let mut sums = Cumulated {
            product: vec![0.0; pixels + 1],
            norm: vec![0.0; pixels + 1],
            along: vec![0.0; (pixels + 1) * self.rows],
            valid: vec![0; pixels + 1],
        };
        for pixel in 0..pixels {
            let (t, weight) = (shape(pixel), self.residual.weight[pixel]);
            let weighted = t * weight;
            sums.product[pixel + 1] = sums.product[pixel] + weighted * self.residual.residual[pixel];
            sums.norm[pixel + 1] = sums.norm[pixel] + weighted * t;
            sums.valid[pixel + 1] = sums.valid[pixel] + usize::from(weight > 0.0);
            for k in 0..self.rows {
                sums.along[(pixel + 1) * self.rows + k] =
                    sums.along[pixel * self.rows + k] + weighted * f64::from(self.row(k)[pixel]);
            }
        }
        sums
    }
}

/// Sums over the pixels before each. Shapes: `[pixels + 1]`, `along` with one value a direction for each.
struct Cumulated {
    product: Vec<f64>,
    norm: Vec<f64>,
    along: Vec<f64>,
    valid: Vec<usize>,
}
