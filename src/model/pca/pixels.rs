//! The step of the fit that takes the latents as they are: mean and components of every pixel.

use std::ops::Range;

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use super::combine;
use crate::model::Sample;
use crate::model::native::add_outer;

/// Pixels solved together, and spectra summed together: what a core's cache holds.
const BLOCK: usize = 256;

/// Mean and components of every pixel by weighted least squares over the spectra, with a weak prior that holds uncovered pixels at zero components.
pub(super) fn solve_pixels(
    sample: &Sample,
    latents: &[Vec<f32>],
    mean: &[f32],
    components: &[f32],
    weights: &(impl Fn(usize, &[f32]) -> Vec<f32> + Sync),
) -> (Vec<f32>, Vec<f32>) {
    let pixels = sample.pixels;
    let latent = latents.first().map_or(0, Vec::len);
    let mut all_weights = vec![0.0; sample.flux.len()];
    all_weights
        .par_chunks_exact_mut(pixels)
        .enumerate()
        .for_each(|(index, row)| {
            let model = combine(mean, components, &latents[index]);
            row.copy_from_slice(&weights(index, &model));
        });
    let regressors = Regressors::of(latents);
    let blocks: Vec<Vec<Option<Vec<f64>>>> = (0..pixels.div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let range = block * BLOCK..((block + 1) * BLOCK).min(pixels);
            let equations = NormalEquations::of(sample, &all_weights, &regressors, range.clone());
            let solve = |pixel| equations.solve(pixel, sample.len());
            (0..range.len()).map(solve).collect()
        })
        .collect();
    let mut new_mean = mean.to_vec();
    let mut new_components = vec![0.0; latent * pixels];
    for (pixel, solution) in blocks.into_iter().flatten().enumerate() {
        if let Some(solution) = solution {
            new_mean[pixel] = solution[latent] as f32;
            for k in 0..latent {
                new_components[k * pixels + pixel] = solution[k] as f32;
            }
        }
    }
    (new_mean, new_components)
}

/// Of every spectrum its latents and a one, and the products of each two of these: what the weights of a pixel are summed with.
struct Regressors {
    /// Latents and the one.
    unknowns: usize,
    /// Shape: `[spectra, unknowns]`.
    values: Vec<f32>,
    /// The lower triangle of each outer product, row by row. Shape: `[spectra, triangle]`.
    products: Vec<f32>,
}

impl Regressors {
    fn of(latents: &[Vec<f32>]) -> Self {
        let unknowns = latents.first().map_or(0, Vec::len) + 1;
        let with_one = |z: &Vec<f32>| {
            z.iter()
                .copied()
                .chain(std::iter::once(1.0))
                .collect::<Vec<f32>>()
        };
        let values: Vec<f32> = latents.iter().flat_map(with_one).collect();
        let products = values
            .chunks_exact(unknowns)
            .flat_map(|z| (0..unknowns).flat_map(move |i| (0..=i).map(move |j| z[i] * z[j])))
            .collect();
        Self {
            unknowns,
            values,
            products,
        }
    }

    /// Entries of a triangle.
    fn triangle(&self) -> usize {
        self.unknowns * (self.unknowns + 1) / 2
    }
}

/// The normal equations of the components and the mean in each of some pixels.
struct NormalEquations {
    unknowns: usize,
    width: usize,
    /// Lower triangles. Shape: `[triangle, width]`.
    left: Vec<f32>,
    /// Shape: `[unknowns, width]`.
    right: Vec<f32>,
}

impl NormalEquations {
    /// Sums over all spectra, of the pixels in `range`. Shape of `weights`: `[spectra, pixels]`.
    fn of(sample: &Sample, weights: &[f32], regressors: &Regressors, range: Range<usize>) -> Self {
        let (pixels, width) = (sample.pixels, range.len());
        let (unknowns, triangle) = (regressors.unknowns, regressors.triangle());
        let mut left = vec![0.0f32; triangle * width];
        let mut right = vec![0.0f32; unknowns * width];
        for first in (0..sample.len()).step_by(BLOCK) {
            let count = BLOCK.min(sample.len() - first);
            let of = |index: usize| index * pixels + range.start..index * pixels + range.end;
            let weighted: Vec<f32> = (first..first + count)
                .flat_map(|index| {
                    let flux = &sample.flux[of(index)];
                    flux.iter().zip(&weights[of(index)]).map(|(f, w)| f * w)
                })
                .collect();
            add_outer(
                &regressors.products[first * triangle..],
                triangle,
                (&weights[first * pixels + range.start..], pixels),
                count,
                &mut left,
            );
            add_outer(
                &regressors.values[first * unknowns..],
                unknowns,
                (&weighted, width),
                count,
                &mut right,
            );
        }
        Self {
            unknowns,
            width,
            left,
            right,
        }
    }

    /// Components and, last, mean of one of the pixels; `None` where none of the `spectra` covers it.
    fn solve(&self, pixel: usize, spectra: usize) -> Option<Vec<f64>> {
        let unknowns = self.unknowns;
        let mut matrix = DMatrix::<f64>::zeros(unknowns, unknowns);
        let mut entry = 0;
        for i in 0..unknowns {
            for j in 0..=i {
                matrix[(i, j)] = f64::from(self.left[entry * self.width + pixel]);
                matrix[(j, i)] = matrix[(i, j)];
                entry += 1;
            }
        }
        let latent = unknowns - 1;
        let total = matrix[(latent, latent)];
        if total <= 0.0 {
            return None;
        }
        // A prior worth about two spectra on each component keeps thinly covered pixels tame.
        let prior = 2.0 * total / spectra as f64;
        for k in 0..latent {
            matrix[(k, k)] += prior;
        }
        let right = DVector::from_fn(unknowns, |k, _| f64::from(self.right[k * self.width + pixel]));
        let solution = matrix.cholesky()?.solve(&right);
        Some(solution.iter().copied().collect())
    }
}
