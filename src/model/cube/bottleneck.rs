//! The default network: its maps, and the way through its layers and back.

use super::gather::{Begin, Gathered, gather};
use super::layout::Layout;
use super::loss::{Drawing, Drawn, compare};
use super::outer::{Output, outer};
use super::product::{Extra, Matrix, Product, multiply};
use super::scatter::{Scattered, scatter};
use super::small::{self, FEATURES, Middle, Sizes};
use super::{Batch, Buffer, Gradients, Room, Weights};
use crate::model::bottleneck::DECODER_RATE;
use crate::model::native::Window;

/// Where every layer begins, and its sizes.
#[derive(Debug, Clone)]
pub(super) struct Bottleneck {
    pixels: usize,
    /// Length of a row of pixels, a multiple of four.
    row: usize,
    convolutions: [Begin; 3],
    pub sizes: Sizes,
    /// The matrix of [`small`], the features' `[features, positions, channels]`, and the decoder's `[hidden + latent, row]`.
    middle: usize,
    features: usize,
    decoder: usize,
}

/// The feature maps of some spectra.
#[derive(Clone)]
pub(super) struct Maps {
    presented: Buffer,
    /// Of every convolution what it makes, the slope of its activation, and the gradient before it.
    layers: [[Buffer; 3]; 3],
    /// Sums over parts of the pixels or positions.
    sums: Buffer,
    pub middle: Middle,
    pub model: Buffer,
    gradient: Buffer,
}

/// The encoder's convolutions; the first has two channels, and two that are always zero.
const WINDOWS: [Window; 3] = [
    Window {
        coarse: 16,
        fine: 4,
        kernel: 9,
        stride: 4,
        padding: 4,
    },
    Window {
        coarse: 32,
        fine: 16,
        kernel: 7,
        stride: 4,
        padding: 3,
    },
    Window {
        coarse: 32,
        fine: 32,
        kernel: 5,
        stride: 4,
        padding: 2,
    },
];
const CHANNELS: usize = WINDOWS[2].coarse;

/// Positions before every convolution, and after the last.
fn lengths(pixels: usize) -> [usize; 4] {
    let mut lengths = [pixels; 4];
    for (layer, window) in WINDOWS.iter().enumerate() {
        lengths[layer + 1] = window.positions(lengths[layer]);
    }
    lengths
}

/// Parts into which a sum over a depth is divided, so that there is work for a whole GPU.
fn slices(workgroups: usize, depth: usize) -> usize {
    (264 / workgroups).clamp(1, depth.div_ceil(64)).min(SLICES)
}

const SLICES: usize = 32;

impl Bottleneck {
    /// `latent` and `hidden` are the network's own numbers.
    pub fn new(layout: &mut Layout, pixels: usize, latent: usize, hidden: usize) -> Self {
        let sizes = Sizes {
            latent: latent.next_multiple_of(4),
            hidden: hidden.next_multiple_of(4),
        };
        let row = pixels.next_multiple_of(4);
        let convolutions = std::array::from_fn(|layer| {
            let window = WINDOWS[layer];
            let weights = layout.convolution(window, if layer == 0 { 2 } else { window.fine });
            Begin {
                weights: weights / 4,
                bias: layout.row(window.coarse) / 4,
            }
        });
        let positions = lengths(pixels)[3];
        let flat = positions * CHANNELS;
        let middle = layout.reserve(sizes.given() * sizes.made());
        let features = layout.reserve(FEATURES * flat);
        let decoder = layout.reserve(sizes.shown() * row);
        let small = |i: usize, j: usize| middle + i * sizes.made() + j;
        let biases = FEATURES + sizes.latent;
        // In the order of burn's visit: features, latent, departures, hidden1, hidden2.
        layout.matrix(flat, FEATURES, |i, o| {
            features + o * flat + i % positions * CHANNELS + i / positions
        });
        layout.matrix(1, FEATURES, |_, o| small(biases, sizes.latent + sizes.hidden + o));
        layout.matrix(FEATURES, latent, small);
        layout.matrix(1, latent, |_, l| small(biases, l));
        layout.matrix(latent, pixels, |l, pixel| {
            decoder + (sizes.hidden + l) * row + pixel
        });
        layout.matrix(latent, hidden, |l, h| small(FEATURES + l, sizes.latent + h));
        layout.matrix(1, hidden, |_, h| small(biases, sizes.latent + h));
        layout.matrix(hidden, pixels, |h, pixel| decoder + h * row + pixel);
        Self {
            pixels,
            row,
            convolutions,
            sizes,
            middle,
            features,
            decoder,
        }
    }

    /// What is not trained: the mean, the typical ivar, and the components in rows like the decoder's.
    pub fn fixed(&self, components: &[f32], mean: &[f32], typical_ivar: f32) -> Vec<f32> {
        let mut fixed = vec![0.0; self.components() + self.sizes.shown() * self.row];
        fixed[..self.pixels].copy_from_slice(mean);
        fixed[self.row] = typical_ivar;
        let rows = fixed[self.components() + self.sizes.hidden * self.row..].chunks_exact_mut(self.row);
        for (row, component) in rows.zip(components.chunks_exact(self.pixels)) {
            row[..self.pixels].copy_from_slice(component);
        }
        fixed
    }

    /// Where the components begin in [`Self::fixed`].
    fn components(&self) -> usize {
        self.row + 4
    }

    /// Numbers of a spectrum's coarsest map.
    fn flat(&self) -> usize {
        lengths(self.pixels)[3] * CHANNELS
    }

    pub fn maps(&self, room: &Room, spectra: usize) -> Maps {
        let lengths = lengths(self.pixels);
        let rows = |length: usize| room.empty(spectra * length);
        Maps {
            presented: rows(self.pixels * 4),
            layers: std::array::from_fn(|layer| {
                std::array::from_fn(|_| rows(lengths[layer + 1] * WINDOWS[layer].coarse))
            }),
            sums: rows(SLICES * self.sizes.shown().max(FEATURES)),
            middle: Middle {
                given: rows(self.sizes.given()),
                shown: rows(self.sizes.shown()),
                slopes: rows(FEATURES + self.sizes.hidden),
                made: rows(self.sizes.made()),
            },
            model: rows(self.row),
            gradient: rows(self.row),
        }
    }

    /// From the pixels to the reconstruction.
    pub fn draw<'a>(&self, room: &Room, weights: &'a Weights, batch: &Batch, maps: &'a Maps) -> Drawing<'a> {
        let Batch { spectra, pixels, .. } = *batch;
        let parameters = &weights.parameters;
        let shown = (&batch.shown_flux, &batch.shown_ivar);
        small::present(
            room,
            (spectra, pixels),
            shown,
            (&weights.fixed, self.row),
            &maps.presented,
        );
        let lengths = lengths(pixels);
        let mut before = &maps.presented;
        for (layer, [made, slope, _]) in maps.layers.iter().enumerate() {
            let begin = (parameters, self.convolutions[layer]);
            let layer_of = (WINDOWS[layer], Gathered::Gelu);
            let nothing = (parameters, parameters);
            gather(
                room,
                layer_of,
                begin,
                (spectra, lengths[layer]),
                before,
                nothing,
                (made, slope),
            );
            before = made;
        }
        let flat = self.flat();
        let slices = slices(spectra.div_ceil(64), flat);
        let product = Product {
            rows: spectra,
            columns: FEATURES,
            depth: flat,
            left: plain(before, 0, flat),
            right: turned(parameters, self.features, flat),
            slices,
            ..Product::new(parameters)
        };
        multiply(room, product, (&maps.sums, 0, FEATURES));
        let sums = (&maps.sums, slices);
        small::forward(
            room,
            self.sizes,
            (parameters, self.middle),
            spectra,
            sums,
            &maps.middle,
            false,
        );
        self.decode(room, weights, spectra, maps)
    }

    /// From latent vectors, in rows as the middle is `given` them, to the reconstruction.
    pub fn redraw<'a>(
        &self,
        room: &Room,
        weights: &'a Weights,
        spectra: usize,
        given: &Buffer,
        maps: &'a Maps,
    ) -> Drawing<'a> {
        let begin = (&weights.parameters, self.middle);
        let unused = (&weights.parameters, 0);
        let middle = Middle {
            given: given.clone(),
            ..maps.middle.clone()
        };
        small::forward(room, self.sizes, begin, spectra, unused, &middle, true);
        self.decode(room, weights, spectra, maps)
    }

    fn decode<'a>(&self, room: &Room, weights: &'a Weights, spectra: usize, maps: &'a Maps) -> Drawing<'a> {
        let product = Product {
            rows: spectra,
            columns: self.pixels,
            depth: self.sizes.shown(),
            left: plain(&maps.middle.shown, 0, self.sizes.shown()),
            right: plain(&weights.parameters, self.decoder, self.row),
            ..self.mixed(weights)
        };
        multiply(room, product, (&maps.model, 0, self.row));
        Drawing {
            drawn: Drawn::Rows,
            model: &maps.model,
            row: self.row,
            added: &weights.fixed,
            from: 0,
        }
    }

    /// A product with the decoder: components and what was learned on top of them.
    fn mixed<'a>(&self, weights: &'a Weights) -> Product<'a> {
        Product {
            extra: Extra::Mixed,
            other: &weights.fixed,
            other_from: self.components(),
            rate: DECODER_RATE as f32,
            ..Product::new(&weights.parameters)
        }
    }

    /// From the reconstruction to the gradients.
    pub fn learn(
        &self,
        room: &Room,
        weights: &Weights,
        batch: &Batch,
        drawing: Drawing,
        maps: &Maps,
        gradients: &Gradients,
    ) {
        let Batch { spectra, pixels, .. } = *batch;
        compare(
            room,
            (spectra, pixels),
            drawing,
            (&batch.flux, &batch.ivar),
            gradients.terms,
            (&maps.gradient, self.row),
            (&gradients.losses, gradients.first),
        );
        let back = Backward {
            net: self,
            room,
            weights,
            spectra,
            maps,
            gradients,
        };
        back.through_decoder();
        back.matrices();
        back.through_encoder();
    }
}

/// A batch on its way from the gradient with the pixels to those of the parameters.
struct Backward<'a> {
    net: &'a Bottleneck,
    room: &'a Room,
    weights: &'a Weights,
    spectra: usize,
    maps: &'a Maps,
    gradients: &'a Gradients,
}

impl Backward<'_> {
    /// To the gradients of the small layers' results.
    fn through_decoder(&self) {
        let Self { net, maps, .. } = self;
        let parameters = &self.weights.parameters;
        let shown = net.sizes.shown();
        let slices = slices(self.spectra.div_ceil(64) * shown.div_ceil(64), net.pixels);
        let product = Product {
            rows: self.spectra,
            columns: shown,
            depth: net.pixels,
            left: plain(&maps.gradient, 0, net.row),
            right: turned(parameters, net.decoder, net.row),
            slices,
            ..net.mixed(self.weights)
        };
        multiply(self.room, product, (&maps.sums, 0, shown));
        let begin = (parameters, net.middle);
        let sums = (&maps.sums, slices);
        small::backward(self.room, net.sizes, begin, self.spectra, sums, &maps.middle);
    }

    /// The gradients of the decoder, of the small layers and of the features, which are sums over the spectra.
    fn matrices(&self) {
        let Self { net, maps, .. } = self;
        let (shown, given, made) = (net.sizes.shown(), net.sizes.given(), net.sizes.made());
        let over_spectra = Product {
            depth: self.spectra,
            add: self.gradients.add,
            ..Product::new(&self.weights.parameters)
        };
        let decoder = Product {
            rows: shown,
            columns: net.row,
            left: turned(&maps.middle.shown, 0, shown),
            right: plain(&maps.gradient, 0, net.row),
            scale: DECODER_RATE as f32,
            ..over_spectra
        };
        let small = Product {
            rows: given,
            columns: made,
            left: turned(&maps.middle.given, 0, given),
            right: plain(&maps.middle.made, 0, made),
            extra: Extra::Small(net.sizes),
            ..over_spectra
        };
        let flat = net.flat();
        let features = Product {
            rows: FEATURES,
            columns: flat,
            left: turned(&maps.middle.made, net.sizes.features(), made),
            right: plain(&maps.layers[2][0], 0, flat),
            ..over_spectra
        };
        let to = &self.gradients.all;
        multiply(self.room, decoder, (to, net.decoder, net.row));
        multiply(self.room, small, (to, net.middle, made));
        multiply(self.room, features, (to, net.features, flat));
    }

    /// From the features back to the pixels, with the gradients of the convolutions.
    fn through_encoder(&self) {
        let Self { net, maps, .. } = self;
        let (parameters, spectra, lengths) = (&self.weights.parameters, self.spectra, lengths(net.pixels));
        let flat = net.flat();
        let product = Product {
            rows: spectra,
            columns: flat,
            depth: FEATURES,
            left: plain(&maps.middle.made, net.sizes.features(), net.sizes.made()),
            right: plain(parameters, net.features, flat),
            extra: Extra::Sloped,
            other: &maps.layers[2][1],
            ..Product::new(parameters)
        };
        multiply(self.room, product, (&maps.layers[2][2], 0, flat));
        let Gradients {
            parts, small, add, ..
        } = self.gradients;
        for layer in (0..3).rev() {
            let shape = (spectra, lengths[layer]);
            let behind = &maps.layers[layer][2];
            let before = if layer > 0 {
                &maps.layers[layer - 1][0]
            } else {
                &maps.presented
            };
            let begin = net.convolutions[layer];
            let window = WINDOWS[layer];
            outer(
                self.room,
                (window, Output::Coarse),
                begin,
                shape,
                (before, behind),
                (parts, *small, *add),
            );
            if layer > 0 {
                let [_, slope, to] = &maps.layers[layer - 1];
                scatter(
                    self.room,
                    (window, Scattered::Sloped),
                    (parameters, &self.weights.mirror, begin),
                    shape,
                    behind,
                    (slope, slope),
                    (to, None),
                );
            }
        }
    }
}

fn plain(numbers: &Buffer, from: usize, row: usize) -> Matrix<'_> {
    Matrix {
        numbers,
        from,
        row,
        turned: false,
    }
}

fn turned(numbers: &Buffer, from: usize, row: usize) -> Matrix<'_> {
    Matrix {
        turned: true,
        ..plain(numbers, from, row)
    }
}
