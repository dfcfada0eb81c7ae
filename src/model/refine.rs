//! The last step of encoding: the latent vector that fits best, found from the encoder's proposal.

use rayon::prelude::*;

use super::Sample;
use super::pca::{robust_weights, solve_latent};

/// Pixels further than this from the model hardly pull at the fit, so that an anomaly is not explained away.
const OUTLIER_SIGMA: f32 = 3.0;

/// The step from `latent` to the latent vector that minimizes the inverse-variance-weighted residual, with the decoder taken as
/// linear around `reconstruction`, outliers bounded, and a unit Gaussian prior.
///
/// An encoder sees a spectrum once and guesses; with weights that differ from pixel to pixel the guess is a little off, which would look like an
/// anomaly. Shapes: `flux`, `ivar`, `reconstruction` `[pixels]`, `components` `[latent, pixels]`.
///
/// Source: semi-amortized inference, Kim et al. 2018 (arXiv 1802.02550).
pub(super) fn step(
    flux: &[f32],
    ivar: &[f32],
    reconstruction: &[f32],
    latent: &[f32],
    components: &[f32],
    error_floor: f64,
) -> Vec<f32> {
    let floor = (error_floor * error_floor) as f32;
    let weights = robust_weights(flux, ivar, reconstruction, floor, OUTLIER_SIGMA);
    // Expanded around latent zero, so that the prior acts on the latent vector itself and not on the step.
    let mut base = reconstruction.to_vec();
    for (value, component) in latent.iter().zip(components.chunks_exact(flux.len())) {
        for (base, c) in base.iter_mut().zip(component) {
            *base -= value * c;
        }
    }
    solve_latent(flux, &weights, &base, components, latent.len())
}

/// [`step`] for every spectrum of a sample. Shapes: `reconstruction` `[spectra, pixels]`, `latents` `[spectra, latent]`.
pub(super) fn batch(
    sample: &Sample,
    reconstruction: &[f32],
    latents: &[f32],
    components: &[f32],
    error_floor: f64,
) -> Vec<f32> {
    let length = latents.len() / sample.len();
    (0..sample.len())
        .into_par_iter()
        .flat_map_iter(|index| {
            let (flux, ivar) = sample.get(index);
            let model = &reconstruction[index * sample.pixels..(index + 1) * sample.pixels];
            step(
                flux,
                ivar,
                model,
                &latents[index * length..(index + 1) * length],
                components,
                error_floor,
            )
        })
        .collect()
}
