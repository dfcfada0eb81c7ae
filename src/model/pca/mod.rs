//! Inverse-variance-weighted principal components: where the bottleneck network starts.

mod pixels;

use nalgebra::{DMatrix, DVector};
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::Sample;
use super::lesson::STRANGE_LOSS;
use super::native::dot;
use pixels::solve_pixels;

/// Expectation-maximization steps; the subspace hardly moves after the fifth.
const ITERATIONS: usize = 8;
/// Spectra from which the starting point is computed.
const MAX_START: usize = 500;
/// Pixels whose residual exceeds this many sigma count with the weight that a residual of this size would have.
const OUTLIER_SIGMA: f32 = 5.0;

/// Mean and components; latents have mean zero and unit variance on the training set.
///
/// Shapes: `mean` `[pixels]`, `components` `[latent, pixels]` row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    pub latent: usize,
    pub mean: Vec<f32>,
    pub components: Vec<f32>,
    /// Median inverse variance of the valid pixels.
    pub typical_ivar: f32,
}

impl Pca {
    /// All zeros: for a network whose weights are about to be loaded.
    pub fn zeros(latent: usize, pixels: usize) -> Self {
        Self {
            latent,
            mean: vec![0.0; pixels],
            components: vec![0.0; latent * pixels],
            typical_ivar: 1.0,
        }
    }

    /// Fits `latent` components to the sample by expectation-maximization, each pixel weighted by its inverse variance (with `error_floor` of the flux
    /// added to the noise in quadrature) and outliers bounded.
    ///
    /// Source: Bailey 2012 (PASP 124, 1015; arXiv 1208.4122), with a unit prior on the latents and Huber weights added.
    pub fn fit(sample: &Sample, latent: usize, error_floor: f64) -> Self {
        let pixels = sample.pixels;
        let floor = (error_floor * error_floor) as f32;
        let mut mean = weighted_mean(sample, floor);
        let weights = |index: usize, model: &[f32]| -> Vec<f32> {
            let (flux, ivar) = sample.get(index);
            robust_weights(flux, ivar, model, floor, OUTLIER_SIGMA)
        };
        // A strange spectrum is not what the components should learn to draw.
        let bounded_weights = |index: usize, model: &[f32]| -> Vec<f32> {
            let mut weights = weights(index, model);
            let flux = sample.get(index).0;
            let valid = weights.iter().filter(|weight| **weight > 0.0).count().max(1);
            let squares: f32 = flux
                .iter()
                .zip(model)
                .zip(&weights)
                .map(|((f, m), w)| w * (f - m) * (f - m))
                .sum();
            let trust = 1.0 / (1.0 + squares / valid as f32 / STRANGE_LOSS as f32);
            weights.iter_mut().for_each(|weight| *weight *= trust);
            weights
        };
        let mut components = start(sample, &mean, latent, floor);
        let mut latents: Vec<Vec<f32>> = vec![vec![0.0; latent]; sample.len()];
        for _ in 0..ITERATIONS {
            latents = (0..sample.len())
                .into_par_iter()
                .map(|index| {
                    let model = combine(&mean, &components, &latents[index]);
                    solve_latent(
                        sample.get(index).0,
                        &weights(index, &model),
                        &mean,
                        &components,
                        latent,
                    )
                })
                .collect();
            whiten(&mut latents, &mut components, &mut mean, latent, pixels);
            (mean, components) = solve_pixels(sample, &latents, &mean, &components, &bounded_weights);
        }
        Self {
            latent,
            mean,
            components,
            typical_ivar: typical_ivar(sample),
        }
    }

    /// Latent vector and reconstruction of a spectrum, outliers bounded as in the fit.
    ///
    /// Shapes: `[latent]` and `[pixels]`.
    pub fn reconstruct(&self, flux: &[f32], ivar: &[f32], error_floor: f64) -> (Vec<f32>, Vec<f32>) {
        const ROUNDS: usize = 4;
        let floor = (error_floor * error_floor) as f32;
        let mut model = self.mean.clone();
        let mut latent = vec![0.0; self.latent];
        for _ in 0..ROUNDS {
            let weights = robust_weights(flux, ivar, &model, floor, OUTLIER_SIGMA);
            latent = solve_latent(flux, &weights, &self.mean, &self.components, self.latent);
            model = combine(&self.mean, &self.components, &latent);
        }
        (latent, model)
    }
}

/// mean + latent · components. Shape: `[pixels]`.
fn combine(mean: &[f32], components: &[f32], latent: &[f32]) -> Vec<f32> {
    let mut out = mean.to_vec();
    for (value, component) in latent.iter().zip(components.chunks_exact(mean.len())) {
        for (out, c) in out.iter_mut().zip(component) {
            *out += value * c;
        }
    }
    out
}

/// Weight of each pixel: the inverse of its variance and the model's, bounded for outliers (Huber).
pub(super) fn robust_weights(
    flux: &[f32],
    ivar: &[f32],
    model: &[f32],
    floor: f32,
    outlier: f32,
) -> Vec<f32> {
    flux.iter()
        .zip(ivar)
        .zip(model)
        .map(|((flux, ivar), model)| {
            let weight = ivar / (1.0 + ivar * floor * model * model);
            let sigmas = (flux - model).abs() * weight.sqrt();
            if sigmas > outlier {
                weight * outlier / sigmas
            } else {
                weight
            }
        })
        .collect()
}

/// The latent vector that minimizes the weighted squares of `flux - base - latent · components` plus |latent|².
pub(super) fn solve_latent(
    flux: &[f32],
    weights: &[f32],
    base: &[f32],
    components: &[f32],
    latent: usize,
) -> Vec<f32> {
    let pixels = base.len();
    let mut weighted = components.to_vec();
    for row in weighted.chunks_exact_mut(pixels) {
        for (value, weight) in row.iter_mut().zip(weights) {
            *value *= weight;
        }
    }
    let difference: Vec<f32> = flux.iter().zip(base).map(|(f, b)| f - b).collect();
    let mut normal = DMatrix::<f64>::identity(latent, latent);
    let mut right = DVector::<f64>::zeros(latent);
    for i in 0..latent {
        let row = &weighted[i * pixels..(i + 1) * pixels];
        right[i] = dot(row, &difference);
        for j in 0..=i {
            let value = dot(row, &components[j * pixels..(j + 1) * pixels]);
            normal[(i, j)] += value;
            if i != j {
                normal[(j, i)] += value;
            }
        }
    }
    let solution = normal.cholesky().map(|cholesky| cholesky.solve(&right));
    solution.map_or_else(
        || vec![0.0; latent],
        |solution| solution.iter().map(|v| *v as f32).collect(),
    )
}

/// Mean flux of each pixel, weighted; a pixel that no spectrum covers takes its neighbor's.
fn weighted_mean(sample: &Sample, floor: f32) -> Vec<f32> {
    let mut sums = vec![(0.0f64, 0.0f64); sample.pixels];
    for index in 0..sample.len() {
        let (flux, ivar) = sample.get(index);
        for ((sum, flux), ivar) in sums.iter_mut().zip(flux).zip(ivar) {
            let weight = f64::from(ivar / (1.0 + ivar * floor.max(1e-4)));
            sum.0 += weight * f64::from(*flux);
            sum.1 += weight;
        }
    }
    let mut last = 0.0;
    sums.iter()
        .map(|(sum, weight)| {
            if *weight > 0.0 {
                last = (sum / weight) as f32;
            }
            last
        })
        .collect()
}

fn typical_ivar(sample: &Sample) -> f32 {
    let mut valid: Vec<f32> = sample
        .ivar
        .iter()
        .copied()
        .filter(|v| *v > 0.0)
        .step_by(7)
        .collect();
    if valid.is_empty() {
        return 1.0;
    }
    let middle = valid.len() / 2;
    *valid.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// A first guess: the eigenvectors of the sample's departures from the mean, shrunk where they are noise.
fn start(sample: &Sample, mean: &[f32], latent: usize, floor: f32) -> Vec<f32> {
    let pixels = sample.pixels;
    let count = sample.len().min(MAX_START);
    let typical = typical_ivar(sample);
    let mut departures = Array2::<f32>::zeros((count, pixels));
    for (index, mut row) in departures.axis_iter_mut(Axis(0)).enumerate() {
        // Spread over the whole sample, whatever its order.
        let (flux, ivar) = sample.get(index * sample.len() / count);
        for (((out, flux), ivar), mean) in row.iter_mut().zip(flux).zip(ivar).zip(mean) {
            let weight = ivar / (1.0 + ivar * floor * mean * mean);
            let bound = OUTLIER_SIGMA * (1.0 + mean.abs());
            *out = (flux - mean).clamp(-bound, bound) * weight / (weight + typical);
        }
    }
    let gram = departures.dot(&departures.t());
    let eigen = DMatrix::from_fn(count, count, |i, j| f64::from(gram[(i, j)])).symmetric_eigen();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    let mut components = Array2::<f32>::zeros((latent, pixels));
    for (k, column) in order.into_iter().take(latent).enumerate() {
        let vector = Array2::from_shape_fn((1, count), |(_, i)| eigen.eigenvectors[(i, column)] as f32);
        // Latents of unit variance: the component carries the spread.
        let component = vector.dot(&departures) / (count as f32).sqrt();
        components.row_mut(k).assign(&component.row(0));
    }
    components.into_raw_vec_and_offset().0
}

/// Gives the latents mean zero and the unit matrix as covariance, and changes mean and components so that every reconstruction stays as it is.
fn whiten(
    latents: &mut [Vec<f32>],
    components: &mut Vec<f32>,
    mean: &mut Vec<f32>,
    latent: usize,
    pixels: usize,
) {
    let count = latents.len() as f64;
    let center = DVector::from_fn(latent, |k, _| {
        latents.iter().map(|z| f64::from(z[k])).sum::<f64>() / count
    });
    let mut covariance = DMatrix::<f64>::identity(latent, latent) * 1e-6;
    for z in latents.iter() {
        let z = DVector::from_fn(latent, |k, _| f64::from(z[k])) - &center;
        covariance += &z * z.transpose() / count;
    }
    *mean = combine(
        mean,
        components,
        &center.iter().map(|v| *v as f32).collect::<Vec<_>>(),
    );
    // Symmetric square root: keeps the order of the components, unlike a triangular factor.
    let eigen = covariance.symmetric_eigen();
    let root = |power: f64| {
        &eigen.eigenvectors
            * DMatrix::from_diagonal(&eigen.eigenvalues.map(|v| v.max(1e-9).powf(power)))
            * eigen.eigenvectors.transpose()
    };
    let (shrink, stretch) = (root(-0.5), root(0.5));
    for z in latents.iter_mut() {
        let white = &shrink * (DVector::from_fn(latent, |k, _| f64::from(z[k])) - &center);
        *z = white.iter().map(|v| *v as f32).collect();
    }
    let old = ArrayView2::from_shape((latent, pixels), components).expect("components are [latent, pixels]");
    let turn = Array2::from_shape_fn((latent, latent), |(i, j)| stretch[(i, j)] as f32);
    *components = turn.dot(&old).into_raw_vec_and_offset().0;
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Two true components, noise of a tenth, a third of the pixels missing, one spectrum with a cosmic ray.
    fn sample(count: usize, pixels: usize) -> (Sample, Vec<Vec<f32>>) {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut sample = Sample::new(pixels);
        let mut truth = Vec::new();
        for index in 0..count {
            let (a, b) = (
                random.random_range(-1.0..1.0f32),
                random.random_range(-1.0..1.0f32),
            );
            let clean: Vec<f32> = (0..pixels)
                .map(|i| 1.0 + a * (i as f32 * 0.05).sin() + b * (i as f32 * 0.11).cos())
                .collect();
            let ivar: Vec<f32> = (0..pixels)
                .map(|_| if random.random_bool(0.33) { 0.0 } else { 100.0 })
                .collect();
            let mut flux: Vec<f32> = clean
                .iter()
                .zip(&ivar)
                .map(|(f, v)| {
                    if *v > 0.0 {
                        f + 0.1 * random.random_range(-1.7..1.7f32)
                    } else {
                        0.0
                    }
                })
                .collect();
            if index == 5 {
                flux[40] += 100.0;
            }
            sample.push(&flux, &ivar);
            truth.push(clean);
        }
        (sample, truth)
    }

    #[test]
    fn two_components_are_found_through_noise_gaps_and_an_outlier() {
        let (sample, truth) = sample(120, 300);
        let pca = Pca::fit(&sample, 2, 0.0);
        let mut squares = 0.0;
        for (index, clean) in truth.iter().enumerate() {
            let (flux, ivar) = sample.get(index);
            let z = solve_latent(
                flux,
                &robust_weights(flux, ivar, &pca.mean, 0.0, 5.0),
                &pca.mean,
                &pca.components,
                2,
            );
            let model = combine(&pca.mean, &pca.components, &z);
            squares += clean
                .iter()
                .zip(&model)
                .map(|(a, b)| f64::from((a - b).powi(2)))
                .sum::<f64>()
                / 300.0;
            // Outliers bounded at the model and not only at the mean: the spectrum with the hit as well as the others.
            let (_, settled) = pca.reconstruct(flux, ivar, 0.0);
            let error = clean
                .iter()
                .zip(&settled)
                .map(|(a, b)| (a - b).powi(2))
                .sum::<f32>()
                / 300.0;
            assert!(error.sqrt() < 0.06, "{index}: {}", error.sqrt());
        }
        let rms = (squares / 120.0).sqrt();
        assert!(
            rms < 0.03,
            "rms error {rms}: noise is 0.1, two latents of 200 valid pixels should leave about 0.015"
        );
    }
}
