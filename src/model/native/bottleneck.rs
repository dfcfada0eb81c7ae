//! The default network on the processor: encoding, decoding, and the loss with its gradient.
//!
//! The encoder's convolutions run spectrum by spectrum. The layers with many weights run for the whole batch at once, so that their
//! weights come from memory once a step: nearly all of them belong to the decoder, and reading them is what a step costs.

use rayon::prelude::*;

use super::PARTS;
use super::convolution::{Convolution, Window, add_rows};
use super::loss::{Truth, compare};
use super::registers::InstructionSet;
use super::registers::{Finish, Product, multiply};
use super::registers::{gelu, scale, silu};
use super::spare::Spare;

pub const CHANNELS: [usize; 3] = [16, 32, 32];
pub const KERNELS: [usize; 3] = [9, 7, 5];
pub const STRIDE: usize = 4;
pub const FEATURES: usize = 64;
/// Zeros before and after a feature map, in positions.
const MARGIN: usize = 8;
/// Rows of a large matrix that one task takes.
const ROWS: usize = 16;

/// Convolution and biases as the network has them.
///
/// Shapes: convolutions `[out, in, kernel]`, linear layers `[in, out]`, `components` and `departures` `[latent, pixels]`, `mean` `[pixels]`.
#[derive(Clone, Copy)]
pub struct Parameters<'a> {
    pub convolutions: [(&'a [f32], &'a [f32]); 3],
    pub features: (&'a [f32], &'a [f32]),
    pub latent: (&'a [f32], &'a [f32]),
    pub components: &'a [f32],
    pub departures: &'a [f32],
    pub hidden1: (&'a [f32], &'a [f32]),
    pub hidden2: &'a [f32],
    pub mean: &'a [f32],
    pub typical_ivar: f32,
    /// With which factor departures and the perceptron count.
    pub decoder_rate: f32,
}

/// The gradients of what is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient {
    pub convolutions: [(Vec<f32>, Vec<f32>); 3],
    pub features: (Vec<f32>, Vec<f32>),
    pub latent: (Vec<f32>, Vec<f32>),
    pub departures: Vec<f32>,
    pub hidden1: (Vec<f32>, Vec<f32>),
    pub hidden2: Vec<f32>,
}

/// A network that is ready to compute.
pub struct Bottleneck<'a> {
    set: InstructionSet,
    given: Parameters<'a>,
    pixels: usize,
    latent: usize,
    hidden: usize,
    lengths: [usize; 3],
    layers: Vec<Convolution>,
    /// Components and departures together, `[latent, pixels]`.
    components: Vec<f32>,
}

/// The feature maps of one spectrum, with margins of zeros.
struct Maps {
    pixels: usize,
    x0: Vec<f32>,
    x: [Vec<f32>; 3],
    /// Before the activation, then its derivative there.
    slopes: [Vec<f32>; 3],
    gradients: [Vec<f32>; 3],
}

static SPARE: Spare<Maps> = Spare::new();

impl Maps {
    fn new(pixels: usize, lengths: [usize; 3]) -> Self {
        let wide = |level: usize| vec![0.0; (lengths[level] + 2 * MARGIN) * CHANNELS[level]];
        let narrow = |level: usize| vec![0.0; lengths[level] * CHANNELS[level]];
        Self {
            pixels,
            x0: vec![0.0; (pixels + 2 * MARGIN) * 2],
            x: [wide(0), wide(1), wide(2)],
            slopes: [narrow(0), narrow(1), narrow(2)],
            gradients: [wide(0), wide(1), wide(2)],
        }
    }
}

fn inner(level: usize, length: usize) -> std::ops::Range<usize> {
    MARGIN * CHANNELS[level]..(MARGIN + length) * CHANNELS[level]
}

/// What the encoder made of a batch. Shapes: all `[spectra, ..]`.
struct Encoded {
    maps: Vec<Maps>,
    /// The last feature maps, channel by channel as the linear layer's weights have them.
    flat: Vec<f32>,
    features: Vec<f32>,
    features_slope: Vec<f32>,
    latent: Vec<f32>,
}

/// What the perceptron made of latent vectors. Shapes: `[spectra, hidden]`.
struct Curved {
    hidden: Vec<f32>,
    slope: Vec<f32>,
}

impl<'a> Bottleneck<'a> {
    pub fn new(set: InstructionSet, given: Parameters<'a>) -> Self {
        let pixels = given.mean.len();
        let mut lengths = [0; 3];
        let mut length = pixels;
        for l in &mut lengths {
            length = (length - 1) / STRIDE + 1;
            *l = length;
        }
        let layers = (0..3).map(|level| {
            let mut weights = Convolution::new(Window {
                coarse: CHANNELS[level],
                fine: if level == 0 { 2 } else { CHANNELS[level - 1] },
                kernel: KERNELS[level],
                stride: STRIDE,
                padding: KERNELS[level] / 2,
            });
            weights.set(given.convolutions[level].0);
            weights
        });
        let components = given
            .components
            .iter()
            .zip(given.departures)
            .map(|(component, departure)| component + departure * given.decoder_rate);
        Self {
            set,
            given,
            pixels,
            latent: given.latent.1.len(),
            hidden: given.hidden1.1.len(),
            lengths,
            layers: layers.collect(),
            components: components.collect(),
        }
    }

    /// The latent vectors. Shapes: `[spectra, pixels]` -> `[spectra, latent]`.
    pub fn encode(&self, flux: &[f32], ivar: &[f32]) -> Vec<f32> {
        let encoded = self.encode_all(flux, ivar);
        let latent = encoded.latent.clone();
        self.give(encoded.maps);
        latent
    }

    /// The spectra along which the reconstruction changes with the latent vector, to first order. Shape: `[latent, pixels]`.
    pub fn components(&self) -> &[f32] {
        &self.components
    }

    /// The reconstructions of latent vectors. Shapes: `[spectra, latent]` -> `[spectra, pixels]`.
    pub fn decode(&self, latent: &[f32]) -> Vec<f32> {
        self.decode_all(latent, &self.perceptron(latent))
    }

    /// The mean loss of a batch, and its gradient; `flux` and `ivar` are what the network is shown. Shapes: `[spectra, pixels]`.
    pub fn loss(&self, flux: &[f32], ivar: &[f32], truth: Truth) -> (f64, Gradient) {
        let encoded = self.encode_all(flux, ivar);
        let curved = self.perceptron(&encoded.latent);
        let mut model = self.decode_all(&encoded.latent, &curved);
        let losses = compare(self.set, self.pixels, &mut model, truth);
        let share = 1.0 / losses.len() as f64;
        let loss = losses.iter().map(|(loss, _)| loss).sum::<f64>() * share;
        let slopes: Vec<f32> = losses.iter().map(|(_, slope)| (slope * share) as f32).collect();
        let gradient = self.back(&encoded, &curved, &model, &slopes);
        self.give(encoded.maps);
        (loss, gradient)
    }

    /// Multiply-adds of one forward pass for one spectrum.
    pub fn operations(&self) -> usize {
        let convolutions = self.layers.iter().zip(self.lengths);
        let convolutions: usize = convolutions
            .map(|(layer, length)| layer.window.weights() * length)
            .sum();
        let linear = [self.given.features, self.given.latent, self.given.hidden1];
        let linear: usize = linear.iter().map(|(weights, _)| weights.len()).sum();
        convolutions + linear + (self.latent + self.hidden) * self.pixels
    }

    fn give(&self, maps: Vec<Maps>) {
        for maps in maps {
            SPARE.give(maps, |other| other.pixels == self.pixels);
        }
    }

    fn encode_all(&self, flux: &[f32], ivar: &[f32]) -> Encoded {
        let [_, _, last] = self.lengths;
        let size = CHANNELS[2] * last;
        let spectra = flux.len() / self.pixels;
        let mut flat = vec![0.0; spectra * size];
        let maps: Vec<Maps> = flat
            .par_chunks_exact_mut(size)
            .zip(flux.par_chunks_exact(self.pixels))
            .zip(ivar.par_chunks_exact(self.pixels))
            .map(|((flat, flux), ivar)| {
                let new = || Maps::new(self.pixels, self.lengths);
                let mut maps = SPARE.take(|maps| maps.pixels == self.pixels, new);
                self.convolve(flux, ivar, &mut maps);
                for (position, values) in maps.x[2][inner(2, last)].chunks_exact(CHANNELS[2]).enumerate() {
                    for (channel, value) in values.iter().enumerate() {
                        flat[channel * last + position] = *value;
                    }
                }
                maps
            })
            .collect();
        let mut features_slope = self.linear(&flat, self.given.features);
        let mut features = vec![0.0; features_slope.len()];
        gelu(self.set, &mut features_slope, &mut features);
        Encoded {
            latent: self.linear(&features, self.given.latent),
            maps,
            flat,
            features,
            features_slope,
        }
    }

    /// The three convolutions of one spectrum.
    fn convolve(&self, flux: &[f32], ivar: &[f32], maps: &mut Maps) {
        let pixels = maps.x0[2 * MARGIN..].chunks_exact_mut(2);
        for (((two, flux), ivar), mean) in pixels.zip(flux).zip(ivar).zip(self.given.mean) {
            two[1] = ivar / (ivar + self.given.typical_ivar);
            two[0] = (flux - mean) * two[1];
        }
        for level in 0..3 {
            let window = self.layers[level].window;
            let (before, after) = maps.x.split_at_mut(level);
            let from = before.last().unwrap_or(&maps.x0);
            let first = (MARGIN - window.padding) * window.fine;
            let finish = Finish::Bias {
                bias: self.given.convolutions[level].1,
            };
            let (length, slopes) = (self.lengths[level], &mut maps.slopes[level]);
            self.layers[level].gather(self.set, &from[first..], length, finish, slopes);
            gelu(self.set, slopes, &mut after[0][inner(level, length)]);
        }
    }

    fn perceptron(&self, latent: &[f32]) -> Curved {
        let mut slope = self.linear(latent, self.given.hidden1);
        let mut hidden = vec![0.0; slope.len()];
        silu(self.set, &mut slope, &mut hidden);
        Curved { hidden, slope }
    }

    fn decode_all(&self, latent: &[f32], curved: &Curved) -> Vec<f32> {
        let spectra = latent.len() / self.latent;
        let mut out = vec![0.0; spectra * self.pixels];
        let scaled: Vec<f32> = curved
            .hidden
            .iter()
            .map(|v| v * self.given.decoder_rate)
            .collect();
        let rows = spectra.div_ceil(rayon::current_num_threads()).clamp(1, ROWS);
        out.par_chunks_mut(rows * self.pixels)
            .zip(latent.par_chunks(rows * self.latent))
            .zip(scaled.par_chunks(rows * self.hidden))
            .for_each(|((out, latent), hidden)| {
                for (left, depth, right, finish) in [
                    (
                        latent,
                        self.latent,
                        &self.components[..],
                        Finish::Bias {
                            bias: self.given.mean,
                        },
                    ),
                    (hidden, self.hidden, self.given.hidden2, Finish::Add),
                ] {
                    let product = Product {
                        rows: left.len() / depth,
                        columns: self.pixels,
                        depth,
                        left,
                        left_row: depth,
                        left_step: 1,
                        right,
                        right_row: self.pixels,
                    };
                    multiply(self.set, &product, finish, out, self.pixels);
                }
            });
        out
    }

    /// A linear layer. Shapes: `[spectra, in]` -> `[spectra, out]`.
    fn linear(&self, from: &[f32], (weights, bias): (&[f32], &[f32])) -> Vec<f32> {
        let (depth, columns) = (weights.len() / bias.len(), bias.len());
        let rows = from.len() / depth;
        let mut out = vec![0.0; rows * columns];
        let product = Product {
            rows,
            columns,
            depth,
            left: from,
            left_row: depth,
            left_step: 1,
            right: weights,
            right_row: columns,
        };
        multiply(self.set, &product, Finish::Bias { bias }, &mut out, columns);
        out
    }

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
    fn back(&self, encoded: &Encoded, curved: &Curved, derivatives: &[f32], slopes: &[f32]) -> Gradient {
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

#[cfg(test)]
mod tests {
    use super::super::registers::values;
    use super::*;

    const LATENT: usize = 3;
    const HIDDEN: usize = 20;
    const RATE: f64 = 0.05;

    /// All parameters one after another, in float64: convolutions, features, latent, departures, hidden1, hidden2.
    struct Case {
        pixels: usize,
        parameters: Vec<Vec<f64>>,
        components: Vec<f32>,
        mean: Vec<f32>,
        flux: Vec<f32>,
        ivar: Vec<f32>,
        truth: Vec<f32>,
    }

    /// The error function by its Taylor series.
    fn erf(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..60 {
            term *= -x * x / n as f64;
            sum += term / (2 * n + 1) as f64;
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }

    fn gelu(x: f64) -> f64 {
        0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2))
    }

    impl Case {
        fn new(pixels: usize, spectra: usize) -> Self {
            let length = (0..3).fold(pixels, |length, _| (length - 1) / STRIDE + 1);
            let sizes = [
                (2 * 16 * 9, 4.0),
                (16, 1.0),
                (16 * 32 * 7, 3.0),
                (32, 1.0),
                (32 * 32 * 5, 3.0),
                (32, 1.0),
                (32 * length * FEATURES, 2.0),
                (FEATURES, 1.0),
                (FEATURES * LATENT, 8.0),
                (LATENT, 1.0),
                (LATENT * pixels, 5.0),
                (LATENT * HIDDEN, 3.0),
                (HIDDEN, 1.0),
                (HIDDEN * pixels, 9.0),
            ];
            let parameters = sizes.iter().enumerate().map(|(i, (size, scale))| {
                let divisor = if i < 6 { 20.0 } else { 10.0 };
                values(*size, i as u32 + 1)
                    .into_iter()
                    .map(|v| f64::from(v) * scale / divisor)
                    .collect()
            });
            Self {
                pixels,
                parameters: parameters.collect(),
                components: values(LATENT * pixels, 31),
                mean: values(pixels, 32).into_iter().map(|v| v + 1.0).collect(),
                flux: values(spectra * pixels, 33)
                    .into_iter()
                    .map(|v| 3.0 * v + 1.0)
                    .collect(),
                ivar: values(spectra * pixels, 34)
                    .into_iter()
                    .map(|v| if v < -0.2 { 0.0 } else { 10.0 * (v + 1.0) })
                    .collect(),
                truth: values(spectra * pixels, 35)
                    .into_iter()
                    .map(|v| 3.0 * v + 1.0)
                    .collect(),
            }
        }

        fn narrow(&self) -> Vec<Vec<f32>> {
            self.parameters
                .iter()
                .map(|p| p.iter().map(|v| *v as f32).collect())
                .collect()
        }

        fn given<'a>(&'a self, p: &'a [Vec<f32>]) -> Parameters<'a> {
            Parameters {
                convolutions: [(&p[0], &p[1]), (&p[2], &p[3]), (&p[4], &p[5])],
                features: (&p[6], &p[7]),
                latent: (&p[8], &p[9]),
                components: &self.components,
                departures: &p[10],
                hidden1: (&p[11], &p[12]),
                hidden2: &p[13],
                mean: &self.mean,
                typical_ivar: 5.0,
                decoder_rate: RATE as f32,
            }
        }

        fn truth(&self) -> Truth<'_> {
            Truth {
                flux: &self.truth,
                ivar: &self.ivar,
                error_floor: 0.05,
                limit: 25.0,
                strange: 3.0,
            }
        }

        /// Latent vector and reconstruction by their definition.
        fn forward(&self, spectrum: usize) -> (Vec<f64>, Vec<f64>) {
            let p = &self.parameters;
            let range = spectrum * self.pixels..(spectrum + 1) * self.pixels;
            let weight: Vec<f64> = self.ivar[range.clone()]
                .iter()
                .map(|v| f64::from(*v) / (f64::from(*v) + 5.0))
                .collect();
            let departure = self.flux[range].iter().zip(&self.mean).zip(&weight);
            let departure = departure
                .map(|((f, m), w)| (f64::from(*f) - f64::from(*m)) * w)
                .collect();
            let mut maps: Vec<Vec<f64>> = vec![departure, weight];
            for level in 0..3 {
                let (weights, bias) = (&p[2 * level], &p[2 * level + 1]);
                let (kernel, length) = (KERNELS[level], (maps[0].len() - 1) / STRIDE + 1);
                maps = (0..CHANNELS[level])
                    .map(|o| {
                        (0..length)
                            .map(|i| {
                                let mut sum = bias[o];
                                for (c, map) in maps.iter().enumerate() {
                                    for k in 0..kernel {
                                        let at = (STRIDE * i + k).checked_sub(kernel / 2);
                                        if let Some(value) = at.and_then(|at| map.get(at)) {
                                            sum += weights[(o * maps.len() + c) * kernel + k] * value;
                                        }
                                    }
                                }
                                gelu(sum)
                            })
                            .collect()
                    })
                    .collect();
            }
            let linear = |x: &[f64], weights: &[f64], bias: &[f64]| -> Vec<f64> {
                let n = bias.len();
                (0..n)
                    .map(|o| {
                        bias[o]
                            + x.iter()
                                .enumerate()
                                .map(|(i, x)| x * weights[i * n + o])
                                .sum::<f64>()
                    })
                    .collect()
            };
            let features: Vec<f64> = linear(&maps.concat(), &p[6], &p[7])
                .into_iter()
                .map(gelu)
                .collect();
            let latent = linear(&features, &p[8], &p[9]);
            let hidden: Vec<f64> = linear(&latent, &p[11], &p[12])
                .into_iter()
                .map(|x| x / (1.0 + (-x).exp()))
                .collect();
            let out = (0..self.pixels).map(|pixel| {
                let mut sum = f64::from(self.mean[pixel]);
                for (k, z) in latent.iter().enumerate() {
                    let at = k * self.pixels + pixel;
                    sum += z * (f64::from(self.components[at]) + RATE * p[10][at]);
                }
                for (h, value) in hidden.iter().enumerate() {
                    sum += RATE * value * p[13][h * self.pixels + pixel];
                }
                sum
            });
            let out = out.collect();
            (latent, out)
        }

        fn loss(&self, spectra: usize, held: &[Vec<f64>]) -> f64 {
            let sum: f64 = (0..spectra)
                .map(|index| {
                    let (_, out) = self.forward(index);
                    let (mut sum, mut valid) = (0.0, 0.0);
                    for pixel in 0..self.pixels {
                        let at = index * self.pixels + pixel;
                        let (f, v) = (f64::from(self.truth[at]), f64::from(self.ivar[at]));
                        let square =
                            (out[pixel] - f).powi(2) * v / (v * (held[index][pixel] * 0.05).powi(2) + 1.0);
                        sum += ((square / 25.0 + 1.0).sqrt() - 1.0) * 50.0;
                        valid += f64::from(v > 0.0);
                    }
                    (sum / valid / 3.0).ln_1p() * 3.0
                })
                .sum();
            sum / spectra as f64
        }
    }

    #[test]
    fn latents_and_reconstructions_equal_the_definition() {
        for pixels in [65, 203, 410] {
            let case = Case::new(pixels, 3);
            let narrow = case.narrow();
            for set in InstructionSet::available() {
                let network = Bottleneck::new(set, case.given(&narrow));
                let latent = network.encode(&case.flux, &case.ivar);
                let out = network.decode(&latent);
                for index in 0..3 {
                    let (z, y) = case.forward(index);
                    for (a, b) in latent[index * LATENT..].iter().zip(z) {
                        assert!((f64::from(*a) - b).abs() < 1e-4, "{a} {b}");
                    }
                    for (a, b) in out[index * pixels..].iter().zip(y) {
                        assert!((f64::from(*a) - b).abs() < 1e-4, "{set:?} {pixels}: {a} {b}");
                    }
                }
            }
        }
    }

    #[test]
    fn gradients_equal_finite_differences() {
        let (pixels, spectra) = (203, 3);
        let mut case = Case::new(pixels, spectra);
        let narrow = case.narrow();
        let held: Vec<Vec<f64>> = (0..spectra).map(|index| case.forward(index).1).collect();
        let expected = case.loss(spectra, &held);
        for set in InstructionSet::available() {
            let network = Bottleneck::new(set, case.given(&narrow));
            let (loss, g) = network.loss(&case.flux, &case.ivar, case.truth());
            assert!((loss / expected - 1.0).abs() < 1e-5, "{loss} {expected}");
            let [(c0, b0), (c1, b1), (c2, b2)] = g.convolutions;
            let gradients = [
                c0,
                b0,
                c1,
                b1,
                c2,
                b2,
                g.features.0,
                g.features.1,
                g.latent.0,
                g.latent.1,
                g.departures,
                g.hidden1.0,
                g.hidden1.1,
                g.hidden2,
            ];
            for (layer, gradient) in gradients.iter().enumerate() {
                let norm = gradient.iter().map(|g| f64::from(g * g)).sum::<f64>().sqrt();
                assert!(norm > 1e-6, "layer {layer} learns nothing");
                for index in (0..gradient.len()).step_by(1 + gradient.len() / 6) {
                    let mut moved = |by: f64| {
                        case.parameters[layer][index] += by;
                        let loss = case.loss(spectra, &held);
                        case.parameters[layer][index] -= by;
                        loss
                    };
                    let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                    let found = f64::from(gradient[index]);
                    assert!(
                        (found - expected).abs() < 1e-3 * norm + 1e-7,
                        "{set:?} layer {layer}, {index}: {found} {expected}, norm {norm}"
                    );
                }
            }
        }
    }
}
