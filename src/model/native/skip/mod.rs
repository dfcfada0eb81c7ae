//! The original's network on the processor: reconstruction, and loss with its gradient, spectrum by spectrum.
//!
//! The feature maps of one spectrum take 2.4 MB, more than a core's cache. So the two fine levels, three quarters of that, are never kept: they are
//! worked out in pieces of [`PIECE`] positions where they are needed, and once more where they are needed again, which costs 3 % and
//! saves the way to memory. Loss and gradient are local in the pixels, so that one piece runs up to the pixels and back down again at once.

#[cfg(test)]
mod tests;

use rayon::prelude::*;

use super::PARTS;
use super::convolution::{Convolution, Window, add_rows};
use super::loss::Truth;
use super::registers::{Finish, InstructionSet, add_dots};
use super::spare::Spare;

/// Coarse positions of a piece: what it needs fits into the second cache level beside the coarse maps.
const PIECE: usize = 32;
/// Zeros before and after the pixels.
const MARGIN: usize = 16;

const LAYERS: [(usize, usize); 6] = [(64, 1), (32, 64), (16, 32), (16, 32), (32, 64), (64, 1)];
const DOWN1: usize = 0;
const DOWN2: usize = 1;
const DOWN3: usize = 2;
const UP1: usize = 3;
const UP2: usize = 4;
const UP3: usize = 5;
/// Channels of the levels, from the pixels down.
const C1: usize = 64;
const C2: usize = 32;
pub const LATENT: usize = 16;

/// Convolution and biases of the six layers, in the order of the network's parameters.
///
/// Shapes: weights `[64, 1, 3]`, `[32, 64, 3]`, `[16, 32, 3]`, `[16, 32, 3]`, `[32, 64, 3]`, `[64, 1, 3]`.
pub type Parameters<'a> = [(&'a [f32], &'a [f32]); 6];

/// A network that is ready to compute.
pub struct Skip {
    set: InstructionSet,
    layers: Vec<Convolution>,
    biases: Vec<Vec<f32>>,
    /// `[3, 64]`, the weights of the last layer by tap
    last: Vec<f32>,
}

/// The gradients of all weights and biases, layer by layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient {
    pub weights: Vec<Vec<f32>>,
    pub biases: Vec<Vec<f32>>,
}

/// Positions on the four levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lengths {
    pixels: usize,
    l1: usize,
    l2: usize,
    l3: usize,
    /// Pixels that the network draws: one less where the number is even.
    drawn: usize,
}

impl Lengths {
    fn new(pixels: usize) -> Self {
        let l1 = pixels.div_ceil(2);
        let l2 = l1.div_ceil(2);
        Self {
            pixels,
            l1,
            l2,
            l3: l2.div_ceil(2),
            drawn: 2 * l1 - 1,
        }
    }
}

/// Multiply-adds of the convolutions for one spectrum, forward.
pub fn operations(pixels: usize) -> usize {
    let Lengths { l1, l2, l3, .. } = Lengths::new(pixels);
    let positions = [l1, l2, l3, l3, l2, l1];
    let layers = LAYERS.iter().zip(positions);
    layers
        .map(|((coarse, fine), positions)| coarse * fine * 3 * positions)
        .sum()
}

/// The feature maps of one spectrum; whole ones have a position of zeros before and two after.
struct Maps {
    lengths: Lengths,
    x0: Vec<f32>,
    x2: Vec<f32>,
    x3: Vec<f32>,
    y1: Vec<f32>,
    /// The gradient at `y1`, then at `x2`.
    d2: Vec<f32>,
    /// The gradient before the ReLU of the first layer up.
    u1: Vec<f32>,
    d3: Vec<f32>,
    out: Vec<f32>,
    /// The gradient at the pixels, with margins.
    g: Vec<f32>,
    /// Pieces of the finest level.
    x1: Vec<f32>,
    y2: Vec<f32>,
    d1: Vec<f32>,
}

impl Maps {
    fn new(lengths: Lengths) -> Self {
        let whole = |positions: usize, channels: usize| vec![0.0; (positions + 4) * channels];
        let piece = || vec![0.0; (2 * PIECE + 4) * C1];
        Self {
            lengths,
            x0: vec![0.0; lengths.pixels + 2 * MARGIN],
            x2: whole(lengths.l2, C2),
            x3: whole(lengths.l3, LATENT),
            y1: whole(lengths.l2, C2),
            d2: whole(lengths.l2, C2),
            u1: whole(lengths.l2, C2),
            d3: whole(lengths.l3, LATENT),
            out: vec![0.0; lengths.pixels + 8],
            g: vec![0.0; lengths.pixels + 2 * MARGIN],
            x1: piece(),
            y2: piece(),
            d1: piece(),
        }
    }
}

static SPARE: Spare<Maps> = Spare::new();

fn with_maps<R>(lengths: Lengths, work: impl FnOnce(&mut Maps) -> R) -> R {
    let mut maps = SPARE.take(|maps| maps.lengths == lengths, || Maps::new(lengths));
    let result = work(&mut maps);
    SPARE.give(maps, |other| other.lengths == lengths);
    result
}

impl Gradient {
    fn zeros() -> Self {
        Self {
            weights: LAYERS
                .iter()
                .map(|(coarse, fine)| vec![0.0; coarse * fine * 3])
                .collect(),
            biases: (0..6).map(|layer| vec![0.0; bias_of(layer)]).collect(),
        }
    }
}

fn bias_of(layer: usize) -> usize {
    let (coarse, fine) = LAYERS[layer];
    if layer < UP1 { coarse } else { fine }
}

impl Skip {
    pub fn new(set: InstructionSet, parameters: &Parameters) -> Self {
        let layers = LAYERS
            .iter()
            .zip(parameters)
            .map(|((coarse, fine), (values, _))| {
                let mut weights = Convolution::new(Window {
                    coarse: *coarse,
                    fine: *fine,
                    kernel: 3,
                    stride: 2,
                    padding: 1,
                });
                weights.set(values);
                weights
            });
        let last = parameters[UP3].0;
        Self {
            set,
            layers: layers.collect(),
            biases: parameters.iter().map(|(_, bias)| bias.to_vec()).collect(),
            last: (0..3)
                .flat_map(|k| (0..C1).map(move |c| last[c * 3 + k]))
                .collect(),
        }
    }

    /// Reconstructions and the means of the latent feature maps.
    ///
    /// Shapes: `flux` `[spectra, pixels]` -> `[spectra, pixels]`, `[spectra, 16]`.
    pub fn reconstruct(&self, flux: &[f32], pixels: usize) -> (Vec<f32>, Vec<f32>) {
        let spectra = flux.len() / pixels;
        let (mut out, mut latent) = (vec![0.0; flux.len()], vec![0.0; spectra * LATENT]);
        let lengths = Lengths::new(pixels);
        out.par_chunks_exact_mut(pixels)
            .zip(latent.par_chunks_exact_mut(LATENT))
            .zip(flux.par_chunks_exact(pixels))
            .for_each(|((out, latent), flux)| {
                with_maps(lengths, |maps| {
                    self.encode(flux, maps);
                    self.decode(maps);
                    out[..lengths.drawn].copy_from_slice(&maps.out[..lengths.drawn]);
                    // The network draws one pixel less than an even number: its last one is repeated.
                    let last = out[lengths.drawn - 1];
                    out[lengths.drawn..].fill(last);
                    add_rows(self.set, lengths.l3, &maps.x3[LATENT..], latent);
                    latent.iter_mut().for_each(|sum| *sum /= lengths.l3 as f32);
                });
            });
        (out, latent)
    }

    /// The mean loss of a batch and its gradient. Shapes: `flux` `[spectra, pixels]`, what the network is shown.
    pub fn loss(&self, flux: &[f32], truth: Truth, pixels: usize) -> (f64, Gradient) {
        let spectra = flux.len() / pixels;
        let share = 1.0 / spectra as f32;
        let part = spectra.div_ceil(PARTS.min(spectra.max(1)));
        let parts: Vec<(f64, Gradient)> = (0..spectra.div_ceil(part))
            .into_par_iter()
            .map(|index| {
                let mut sum = 0.0;
                let mut gradient = Gradient::zeros();
                for spectrum in index * part..((index + 1) * part).min(spectra) {
                    let range = spectrum * pixels..(spectrum + 1) * pixels;
                    let truth = Truth {
                        flux: &truth.flux[range.clone()],
                        ivar: &truth.ivar[range.clone()],
                        ..truth
                    };
                    sum += with_maps(Lengths::new(pixels), |maps| {
                        self.encode(&flux[range], maps);
                        let loss = self.decode_and_back(truth, share, maps, &mut gradient);
                        self.encode_back(maps, &mut gradient);
                        loss
                    });
                }
                (sum, gradient)
            })
            .collect();
        let mut total = Gradient::zeros();
        let mut loss = 0.0;
        for (sum, gradient) in &parts {
            loss += sum;
            for (layer, weights) in self.layers.iter().enumerate() {
                weights.unpack(&gradient.weights[layer], &mut total.weights[layer]);
                for (total, value) in total.biases[layer].iter_mut().zip(&gradient.biases[layer]) {
                    *total += value;
                }
            }
        }
        (loss / spectra as f64, total)
    }

    /// `x0` to `y1`.
    fn encode(&self, flux: &[f32], maps: &mut Maps) {
        let Lengths { l2, l3, pixels, .. } = maps.lengths;
        maps.x0[MARGIN..MARGIN + pixels].copy_from_slice(flux);
        for from in (0..l2).step_by(PIECE) {
            let count = PIECE.min(l2 - from);
            self.x1(maps, 2 * from as isize - 1, 2 * count + 1);
            let finish = Finish::Relu {
                bias: &self.biases[DOWN2],
            };
            let out = &mut maps.x2[(1 + from) * C2..];
            self.layers[DOWN2].gather(self.set, &maps.x1, count, finish, out);
        }
        let finish = Finish::Relu {
            bias: &self.biases[DOWN3],
        };
        self.layers[DOWN3].gather(self.set, &maps.x2, l3, finish, &mut maps.x3[LATENT..]);
        let finish = Finish::ReluPlus {
            bias: &self.biases[UP1],
            plus: &maps.x2[C2..],
        };
        self.layers[UP1].scatter(self.set, &maps.x3, 1, l2, finish, &mut maps.y1[C2..]);
    }

    /// `x1` at `count` positions, zeros beside its ends.
    fn x1(&self, maps: &mut Maps, from: isize, count: usize) {
        let finish = Finish::Relu {
            bias: &self.biases[DOWN1],
        };
        let first = (MARGIN as isize + 2 * from - 1) as usize;
        self.layers[DOWN1].gather(self.set, &maps.x0[first..], count, finish, &mut maps.x1);
        clear_outside(&mut maps.x1, from, count, maps.lengths.l1);
    }

    /// `y2` and `x1` at `count` positions from an even one, zeros beside the ends.
    fn y2(&self, maps: &mut Maps, from: isize, count: usize) {
        self.x1(maps, from, count);
        let finish = Finish::ReluPlus {
            bias: &self.biases[UP2],
            plus: &maps.x1,
        };
        let origin = (1 + from.div_euclid(2)) as usize;
        self.layers[UP2].scatter(self.set, &maps.y1, origin, count, finish, &mut maps.y2);
        clear_outside(&mut maps.y2, from, count, maps.lengths.l1);
    }

    /// `y1` to the pixels.
    fn decode(&self, maps: &mut Maps) {
        let Lengths { l2, .. } = maps.lengths;
        for from in (0..l2).step_by(PIECE) {
            let count = PIECE.min(l2 - from);
            self.y2(maps, 2 * from as isize, 2 * count + 1);
            self.draw(maps, 0, 4 * from, 4 * count);
        }
    }

    /// `count` pixels from `pixel`, an even one that belongs to position `row` of the piece `y2`.
    fn draw(&self, maps: &mut Maps, row: usize, pixel: usize, count: usize) {
        let count = count.min(maps.lengths.drawn - pixel.min(maps.lengths.drawn));
        let out = &mut maps.out[pixel..pixel + count];
        out.fill(self.biases[UP3][0]);
        add_dots(self.set, &maps.y2[row * C1..], &self.last, C1, out);
    }

    /// `y1` to the pixels, the loss there, and the gradient back to `y1` (in `d2`).
    fn decode_and_back(&self, truth: Truth, share: f32, maps: &mut Maps, gradient: &mut Gradient) -> f64 {
        let Lengths {
            l1,
            l2,
            pixels,
            drawn,
            ..
        } = maps.lengths;
        let valid = truth.ivar.iter().filter(|ivar| **ivar > 0.0).count().max(1) as f32;
        let mut loss = 0.0;
        for from in (0..l2).step_by(PIECE) {
            let count = PIECE.min(l2 - from);
            // One position of y1 needs the gradient at three of y2, and that the pixels beside them: three more positions of y2.
            let first = 2 * from as isize - 2;
            self.y2(maps, first, 2 * count + 3);
            let start = (2 * first).max(0) as usize;
            let skipped = ((start as isize - 2 * first) / 2) as usize;
            let end = (4 * (from + count)).min(drawn);
            self.draw(maps, skipped, start, end - start);
            for pixel in start..end {
                let mut d = 0.0;
                // The last pixel of an even number repeats the one before.
                let last = if pixel + 1 == drawn { pixels } else { pixel + 1 };
                for seen in pixel..last {
                    let (value, flux, ivar) = (maps.out[pixel], truth.flux[seen], truth.ivar[seen]);
                    let error = value * truth.error_floor;
                    let weighted = (value - flux) * ivar / (ivar * error * error + 1.0);
                    d += 2.0 * weighted;
                    if pixel >= 4 * from {
                        loss += f64::from((value - flux) * weighted);
                    }
                }
                maps.g[MARGIN + pixel] = d * share / valid;
            }
            // Own positions of y2: the last layer's weights and bias.
            let own = (2 * count).min(l1 - 2 * from);
            let g = &maps.g[MARGIN + 4 * from - 1..];
            self.layers[UP3].correlate(self.set, g, &maps.y2[2 * C1..], own, &mut gradient.weights[UP3]);
            gradient.biases[UP3][0] += maps.g[MARGIN + 4 * from..MARGIN + end].iter().sum::<f32>();
            // Back through the last layer and the ReLU: y2 exceeds x1 where the ReLU let something through.
            let finish = Finish::Where {
                this: &maps.y2[C1..],
                exceeds: &maps.x1[C1..],
            };
            let before = (MARGIN as isize + 2 * (first + 1) - 1) as usize;
            let rows = 2 * count + 1;
            self.layers[UP3].gather(self.set, &maps.g[before..], rows, finish, &mut maps.d1);
            clear_outside(&mut maps.d1, first + 1, rows, l1);
            add_rows(self.set, 2 * count, &maps.d1[C1..], &mut gradient.biases[UP2]);
            let y1 = &maps.y1[(1 + from) * C2..];
            self.layers[UP2].correlate(self.set, &maps.d1, y1, count, &mut gradient.weights[UP2]);
            let out = &mut maps.d2[(1 + from) * C2..];
            self.layers[UP2].gather(self.set, &maps.d1, count, Finish::Set, out);
        }
        loss / f64::from(valid)
    }

    /// From the gradients at `y1` (in `d2`) and at the pixels to the weights of the encoder and of the first layer up.
    fn encode_back(&self, maps: &mut Maps, gradient: &mut Gradient) {
        let Lengths { l1, l2, l3, .. } = maps.lengths;
        let inner = C2..(1 + l2) * C2;
        for (((u1, d2), y1), x2) in maps.u1[inner.clone()]
            .iter_mut()
            .zip(&maps.d2[inner.clone()])
            .zip(&maps.y1[inner.clone()])
            .zip(&maps.x2[inner])
        {
            *u1 = if y1 > x2 { *d2 } else { 0.0 };
        }
        let set = self.set;
        add_rows(set, l2, &maps.u1[C2..], &mut gradient.biases[UP1]);
        self.layers[UP1].correlate(set, &maps.u1, &maps.x3[LATENT..], l3, &mut gradient.weights[UP1]);
        let finish = Finish::WherePositive {
            this: &maps.x3[LATENT..],
        };
        self.layers[UP1].gather(set, &maps.u1, l3, finish, &mut maps.d3[LATENT..]);
        add_rows(set, l3, &maps.d3[LATENT..], &mut gradient.biases[DOWN3]);
        self.layers[DOWN3].correlate(
            set,
            &maps.x2,
            &maps.d3[LATENT..],
            l3,
            &mut gradient.weights[DOWN3],
        );
        let finish = Finish::AddWherePositive { this: &maps.x2[C2..] };
        self.layers[DOWN3].scatter(set, &maps.d3, 1, l2, finish, &mut maps.d2[C2..]);
        add_rows(set, l2, &maps.d2[C2..], &mut gradient.biases[DOWN2]);
        for from in (0..l2).step_by(PIECE) {
            let count = PIECE.min(l2 - from);
            let first = 2 * from as isize - 1;
            self.x1(maps, first, 2 * count + 1);
            let d2 = &maps.d2[(1 + from) * C2..];
            self.layers[DOWN2].correlate(set, &maps.x1, d2, count, &mut gradient.weights[DOWN2]);
            // The gradient at x1: what came by the skip, then what comes through the second layer.
            let own = (2 * count).min(l1 - 2 * from);
            let g = &maps.g[MARGIN + 4 * from - 1..];
            self.layers[UP3].gather(set, g, own, Finish::Set, &mut maps.d1);
            let finish = Finish::AddWherePositive { this: &maps.x1[C1..] };
            self.layers[DOWN2].scatter(set, &maps.d2, 1 + from, own, finish, &mut maps.d1);
            add_rows(set, own, &maps.d1, &mut gradient.biases[DOWN1]);
            let x0 = &maps.x0[MARGIN + 4 * from - 1..];
            self.layers[DOWN1].correlate(set, x0, &maps.d1, own, &mut gradient.weights[DOWN1]);
        }
    }
}

/// Zeros at the positions of a piece that lie before 0 or from `length` on.
fn clear_outside(piece: &mut [f32], from: isize, count: usize, length: usize) {
    let before = (-from).clamp(0, count as isize) as usize;
    piece[..before * C1].fill(0.0);
    let inside = (length as isize - from).clamp(0, count as isize) as usize;
    piece[inside * C1..count * C1].fill(0.0);
}
