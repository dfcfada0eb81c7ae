//! The default network on the processor: encoding, decoding, and the loss with its gradient.
//!
//! The encoder's convolutions run spectrum by spectrum. The layers with many weights run for the whole batch at once, so that their
//! weights come from memory once a step: nearly all of them belong to the decoder, and reading them is what a step costs.

mod back;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

use super::convolution::{Convolution, Window};
use super::loss::{Truth, compare};
use super::registers::{Finish, InstructionSet, Product, gelu, multiply, silu};
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

    /// The reconstructions of latent vectors, `rows` of them by one task. Shapes: `[spectra, latent]` -> `[spectra, pixels]`.
    pub fn decode(&self, latent: &[f32], rows: usize) -> Vec<f32> {
        self.decode_all(latent, &self.perceptron(latent), rows)
    }

    /// How many of so many spectra one task decodes, where nothing else is under way: the weights are read once a task.
    pub fn rows(&self, spectra: usize) -> usize {
        spectra.div_ceil(rayon::current_num_threads()).clamp(1, ROWS)
    }

    /// The mean loss of a batch, and its gradient; `flux` and `ivar` are what the network is shown. Shapes: `[spectra, pixels]`.
    pub fn loss(&self, flux: &[f32], ivar: &[f32], truth: Truth) -> (f64, Gradient) {
        let encoded = self.encode_all(flux, ivar);
        let curved = self.perceptron(&encoded.latent);
        let rows = self.rows(flux.len() / self.pixels);
        let mut model = self.decode_all(&encoded.latent, &curved, rows);
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

    fn decode_all(&self, latent: &[f32], curved: &Curved, rows: usize) -> Vec<f32> {
        let spectra = latent.len() / self.latent;
        let mut out = vec![0.0; spectra * self.pixels];
        let scaled: Vec<f32> = curved
            .hidden
            .iter()
            .map(|v| v * self.given.decoder_rate)
            .collect();
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
}
