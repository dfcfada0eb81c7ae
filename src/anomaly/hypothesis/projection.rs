//! The significance of a shape that the model may already have explained in part.

use std::ops::Range;

use nalgebra::{DMatrix, DVector};

use crate::anomaly::errormodel::Corrected;
use crate::anomaly::products::{add_times, dot, times};
use crate::anomaly::scan::Sums;

/// A shape of which less than this share (of its square) is left beside the model's freedom says nothing of its own.
const LEAST_LEFT: f64 = 1e-3;

/// A residual, and the spectra along which the model can change.
///
/// With weights w, residual r, shape t and directions B, the part of t that no change of the model can mimic has the significance
/// S = (t'wr - u'Gb) / sqrt(t'wt - u'Gu), u = Bwt, b = Bwr, G = (BwB')^-1: the square root of the chi-square gained by fitting t beside the model.
/// With directions that are orthonormal under w, G is 1, and r - B'b can stand for r.
///
/// Source: generalized least squares with nuisance parameters, e.g. Rao 1973, "Linear Statistical Inference", section 4a.
pub(super) struct Projection<'a> {
    residual: &'a Corrected,
    /// Directions, row by row.
    basis: &'a [f32],
    /// The same, orthonormal under the weights. Shape: one `[pixels]` a direction.
    orthonormal: Vec<Vec<f64>>,
    /// What no change of the model explains of the residual, times the weight. Shape: `[pixels]`.
    unexplained: Vec<f64>,
    /// BwB' and b.
    normal: DMatrix<f64>,
    moment: DVector<f64>,
}

impl<'a> Projection<'a> {
    pub fn new(residual: &'a Corrected, basis: &'a [f32]) -> Self {
        let pixels = residual.residual.len();
        let mut directions: Vec<Vec<f64>> = basis
            .chunks_exact(pixels)
            .map(|row| row.iter().map(|value| f64::from(*value)).collect())
            .collect();
        let rows = directions.len();
        let mut normal = DMatrix::<f64>::zeros(rows, rows);
        let mut moment = DVector::<f64>::zeros(rows);
        for k in 0..rows {
            let weighted = times(&directions[k], &residual.weight);
            moment[k] = dot(&weighted, &residual.residual);
            for j in 0..=k {
                let sum = dot(&weighted, &directions[j]);
                normal[(k, j)] = sum;
                normal[(j, k)] = sum;
            }
        }
        let ridge = 1e-6 * normal.trace() / rows.max(1) as f64 + f64::MIN_POSITIVE;
        let mut ridged = normal.clone();
        for k in 0..rows {
            ridged[(k, k)] += ridge;
        }
        match ridged.cholesky() {
            Some(cholesky) => orthonormalize(&mut directions, &cholesky.l()),
            None => directions.clear(),
        }
        let mut unexplained = times(&residual.residual, &residual.weight);
        let along: Vec<f64> = directions.iter().map(|row| dot(row, &unexplained)).collect();
        for (row, along) in directions.iter().zip(along) {
            for ((left, value), weight) in unexplained.iter_mut().zip(row).zip(&residual.weight) {
                *left -= along * value * weight;
            }
        }
        Self {
            residual,
            basis,
            orthonormal: directions,
            unexplained,
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
        let rows = self.moment.len();
        for k in 0..rows {
            for pixel in hidden.clone() {
                let weighted = f64::from(self.row(k)[pixel]) * self.residual.weight[pixel];
                right[k] -= weighted * self.residual.residual[pixel];
                for j in 0..rows {
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
                    (0..rows).map(|k| change[k] * f64::from(self.row(k)[pixel])).sum()
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

    /// Significance of a shape, signed; 0 where the model can mimic it. Shape: `[pixels]`.
    pub fn significance(&self, shape: &[f64]) -> f64 {
        let weighted = times(shape, &self.residual.weight);
        let taken = self.orthonormal.iter().map(|row| dot(&weighted, row).powi(2));
        significance(dot(shape, &self.unexplained), dot(&weighted, shape), taken.sum())
    }

    /// For each width the most significant excess and lack of flux over windows of so many pixels that are at least half valid; NaN where there is none.
    pub fn windows(&self, widths: &[usize]) -> Vec<(f64, f64)> {
        let sums = self.cumulated(|_| 1.0);
        let of_width = |&width: &usize| {
            let needed = Sums::needed(width);
            let last = self.pixels().checked_sub(width);
            last.map_or(0..0, |last| 0..last + 1)
                .step_by((width / 16).max(1))
                .map(|start| (start, start + width))
                .filter(|&(start, end)| sums.valid[end] - sums.valid[start] >= needed)
                .map(|(start, end)| sums.between(start, end))
                .fold((f64::NAN, f64::NAN), |(most, least): (f64, f64), sigma| {
                    (most.max(sigma), least.max(-sigma))
                })
        };
        widths.iter().map(of_width).collect()
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
            .map(|at| (at, sums.between(at, self.pixels())))
            .collect()
    }

    /// Running sums of a shape's products.
    fn cumulated(&self, shape: impl Fn(usize) -> f64) -> Cumulated {
        let (pixels, rows) = (self.pixels(), self.orthonormal.len());
        let mut sums = Cumulated {
            product: vec![0.0; pixels + 1],
            norm: vec![0.0; pixels + 1],
            along: vec![0.0; (pixels + 1) * rows],
            rows,
            valid: vec![0; pixels + 1],
        };
        for pixel in 0..pixels {
            let (t, weight) = (shape(pixel), self.residual.weight[pixel]);
            let weighted = t * weight;
            sums.product[pixel + 1] = sums.product[pixel] + t * self.unexplained[pixel];
            sums.norm[pixel + 1] = sums.norm[pixel] + weighted * t;
            sums.valid[pixel + 1] = sums.valid[pixel] + usize::from(weight > 0.0);
            let (before, after) = sums.along[pixel * rows..(pixel + 2) * rows].split_at_mut(rows);
            for ((after, before), row) in after.iter_mut().zip(before).zip(&self.orthonormal) {
                *after = *before + weighted * row[pixel];
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
    rows: usize,
    valid: Vec<usize>,
}

impl Cumulated {
    /// The significance of the shape within a window.
    fn between(&self, start: usize, end: usize) -> f64 {
        let at = |pixel: usize| self.along[pixel * self.rows..(pixel + 1) * self.rows].iter();
        let taken = at(end).zip(at(start)).map(|(end, start)| (end - start).powi(2));
        significance(
            self.product[end] - self.product[start],
            self.norm[end] - self.norm[start],
            taken.sum(),
        )
    }
}

/// The significance of a shape from its product with the residual, its square, and how much of the square the model can mimic.
fn significance(product: f64, norm: f64, taken: f64) -> f64 {
    let left = norm - taken;
    if left > LEAST_LEFT * norm && norm > 0.0 {
        product / left.sqrt()
    } else {
        0.0
    }
}

/// Solves L x = b for the rows of `directions`, in place, where L is the lower triangle.
fn orthonormalize(directions: &mut [Vec<f64>], lower: &DMatrix<f64>) {
    for k in 0..directions.len() {
        let (before, rest) = directions.split_at_mut(k);
        let row = &mut rest[0];
        for (j, other) in before.iter().enumerate() {
            add_times(row, -lower[(k, j)], other);
        }
        let length = lower[(k, k)];
        row.iter_mut().for_each(|value| *value /= length);
    }
}
