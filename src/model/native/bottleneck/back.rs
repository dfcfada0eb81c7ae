//! The backward pass: from the derivatives at the pixels to all weights.

use rayon::prelude::*;

use super::super::PARTS;
use super::super::convolution::add_rows;
use super::super::registers::{Finish, Product, multiply, scale};
use super::{Bottleneck, CHANNELS, Curved, Encoded, FEATURES, Gradient, MARGIN, Maps, ROWS, SPARE, inner};

impl Bottleneck<'_> {
    /// The gradient of a matrix `[in, out]` from what went in, `[spectra, in]`, and the gradient of what came out, `[spectra, out]`.
    fn outer(&self, from: &[f32], gradient: &[f32], into: usize, columns: usize) -> Vec<f32> {
        let spectra = from.len() / into;
        let mut out = vec![0.0; into * columns];
        out.par_chunks_mut(ROWS * columns)
            .enumerate()
            .for_each(|(index, out)| {
                let product = Product {
                    rows: out.len() / columns,
                    columns,
                    depth: spectra,
                    left: &from[index * ROWS..],
                    left_row: 1,
                    left_step: into,
                    right: gradient,
                    right_row: columns,
                };
                multiply(self.set, &product, Finish::Set, out, columns);
            });
        out
    }

    /// A matrix `[rows, depth]` times the gradient of what it made, position first: `[depth, wide]` -> `[rows, wide]`.
    fn against(&self, matrix: &[f32], depth: usize, gradient: &[f32], wide: usize) -> Vec<f32> {
        let rows = matrix.len() / depth;
        let mut out = vec![0.0; rows * wide];
        out.par_chunks_mut(ROWS * wide)
            .enumerate()
            .for_each(|(index, out)| {
                let product = Product {
                    rows: out.len() / wide,
                    columns: wide,
                    depth,
                    left: &matrix[index * ROWS * depth..],
                    left_row: depth,
                    left_step: 1,
                    right: gradient,
                    right_row: wide,
                };
                multiply(self.set, &product, Finish::Set, out, wide);
            });
        out
    }

    /// From the derivatives at the pixels, which count with a spectrum's slope, to all weights.
    pub(super) fn back(
        &self,
        encoded: &Encoded,
        curved: &Curved,
        derivatives: &[f32],
        slopes: &[f32],
    ) -> Gradient {
        let (latent, hidden, rate) = (self.latent, self.hidden, self.given.decoder_rate);
        let spectra = slopes.len();
        let with_slopes = |values: &[f32], width: usize| -> Vec<f32> {
            values
                .chunks_exact(width)
                .zip(slopes)
                .flat_map(|(values, slope)| values.iter().map(move |v| v * slope * rate))
                .collect()
        };
        let departures = self.outer(
            &with_slopes(&encoded.latent, latent),
            derivatives,
            latent,
            self.pixels,
        );
        let hidden2 = self.outer(
            &with_slopes(&curved.hidden, hidden),
            derivatives,
            hidden,
            self.pixels,
        );

        let wide = spectra.next_multiple_of(16);
        let turned = turn(derivatives, self.pixels, wide);
        let flat = self.against(&self.components, self.pixels, &turned, wide);
        let bent = self.against(self.given.hidden2, self.pixels, &turned, wide);
        let mut d_hidden = vec![0.0; spectra * hidden];
        let mut d_latent = vec![0.0; spectra * latent];
        for spectrum in 0..spectra {
            let row = &mut d_hidden[spectrum * hidden..(spectrum + 1) * hidden];
            for (h, d) in row.iter_mut().enumerate() {
                *d =
                    bent[h * wide + spectrum] * rate * slopes[spectrum] * curved.slope[spectrum * hidden + h];
            }
            for k in 0..latent {
                let weights = &self.given.hidden1.0[k * hidden..(k + 1) * hidden];
                d_latent[spectrum * latent + k] = flat[k * wide + spectrum] * slopes[spectrum]
                    + weights.iter().zip(&*row).map(|(w, d)| w * d).sum::<f32>();
            }
        }
        let mut d_features = vec![0.0; spectra * FEATURES];
        for (d, latents) in d_features
            .chunks_exact_mut(FEATURES)
            .zip(d_latent.chunks_exact(latent))
        {
            for (d, weights) in d.iter_mut().zip(self.given.latent.0.chunks_exact(latent)) {
                *d = weights.iter().zip(latents).map(|(w, d)| w * d).sum();
            }
        }
        scale(self.set, &mut d_features, &encoded.features_slope);
        let size = CHANNELS[2] * self.lengths[2];
        let turned = turn(&d_features, FEATURES, wide);
        let d_flat = self.against(self.given.features.0, FEATURES, &turned, wide);
        let layer = |from: &[f32], gradient: &[f32], into: usize, columns: usize| {
            let mut bias = vec![0.0; columns];
            add_rows(self.set, spectra, gradient, &mut bias);
            (self.outer(from, gradient, into, columns), bias)
        };
        Gradient {
            convolutions: self.convolve_back(&encoded.maps, &d_flat, wide),
            features: layer(&encoded.flat, &d_features, size, FEATURES),
            latent: layer(&encoded.features, &d_latent, FEATURES, latent),
            departures,
            hidden1: layer(&encoded.latent, &d_hidden, latent, hidden),
            hidden2,
        }
    }

    /// Through the convolutions. Shape of `d_flat`: `[channels · positions, wide]`.
    fn convolve_back(&self, maps: &[Maps], d_flat: &[f32], wide: usize) -> [(Vec<f32>, Vec<f32>); 3] {
        let zeros = || -> [(Vec<f32>, Vec<f32>); 3] {
            std::array::from_fn(|level| {
                (
                    vec![0.0; self.layers[level].window.weights()],
                    vec![0.0; CHANNELS[level]],
                )
            })
        };
        let part = maps.len().div_ceil(PARTS).max(1);
        let parts: Vec<_> = maps
            .par_chunks(part)
            .enumerate()
            .map(|(index, maps)| {
                let mut sums = zeros();
                for (spectrum, maps) in maps.iter().enumerate() {
                    self.convolve_back_one(maps, d_flat, wide, index * part + spectrum, &mut sums);
                }
                sums
            })
            .collect();
        let mut total = zeros();
        for sums in &parts {
            for (level, (weights, bias)) in sums.iter().enumerate() {
                self.layers[level].unpack(weights, &mut total[level].0);
                for (total, value) in total[level].1.iter_mut().zip(bias) {
                    *total += value;
                }
            }
        }
        total
    }

    fn convolve_back_one(
        &self,
        maps: &Maps,
        d_flat: &[f32],
        wide: usize,
        spectrum: usize,
        sums: &mut [(Vec<f32>, Vec<f32>); 3],
    ) {
        let [_, _, last] = self.lengths;
        let new = || Maps::new(self.pixels, self.lengths);
        let mut own = SPARE.take(|maps| maps.pixels == self.pixels, new);
        for (position, values) in own.gradients[2][inner(2, last)]
            .chunks_exact_mut(CHANNELS[2])
            .enumerate()
        {
            for (channel, value) in values.iter_mut().enumerate() {
                *value = d_flat[(channel * last + position) * wide + spectrum];
            }
        }
        for level in (0..3).rev() {
            let length = self.lengths[level];
            let range = inner(level, length);
            scale(
                self.set,
                &mut own.gradients[level][range.clone()],
                &maps.slopes[level],
            );
            let layer = &self.layers[level];
            let from = if level == 0 { &maps.x0 } else { &maps.x[level - 1] };
            let first = (MARGIN - layer.window.padding) * layer.window.fine;
            let (finer, here) = own.gradients.split_at_mut(level);
            let here = &here[0];
            layer.correlate(
                self.set,
                &from[first..],
                &here[range.clone()],
                length,
                &mut sums[level].0,
            );
            add_rows(self.set, length, &here[range], &mut sums[level].1);
            if let Some(finer) = finer.last_mut() {
                let length = self.lengths[level - 1];
                let out = &mut finer[inner(level - 1, length)];
                layer.scatter(self.set, here, MARGIN, length, Finish::Set, out);
            }
        }
        SPARE.give(own, |other| other.pixels == self.pixels);
    }
}

/// `[spectra, length]` -> `[length, wide]`, zeros beyond the spectra.
fn turn(values: &[f32], length: usize, wide: usize) -> Vec<f32> {
    let mut out = vec![0.0; length * wide];
    out.par_chunks_mut(256 * wide)
        .enumerate()
        .for_each(|(index, out)| {
            for (spectrum, row) in values.chunks_exact(length).enumerate() {
                for (out, value) in out.chunks_exact_mut(wide).zip(&row[index * 256..]) {
                    out[spectrum] = *value;
                }
            }
        });
    out
}
