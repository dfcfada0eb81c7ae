//! From a coarse map to a fine one: transposed convolutions, and the way back through strided ones.

use burn::cubecl;
use cubecl::prelude::*;

use super::gather::Begin;
use super::tile::{Tile, accumulate, weights_of};
use super::{Buffer, Quad, Room};
use crate::model::native::Window;

/// What becomes of the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Scattered {
    /// With bias and ReLU, and `others.0` added.
    Added,
    /// A gradient with `others.0` added, what of it passes the ReLU, where `others.1 > 0`.
    Passed,
    /// A gradient times the slope `others.0`.
    Sloped,
    /// A gradient with what the layer to the pixels adds (`edge`), what of it passes the ReLU, where `others.0 > 0`.
    Spread,
}

/// What the layer to the pixels adds to a gradient: the gradient of the pixels, and where its weights begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge<'a> {
    pub pixels: usize,
    pub gradient: &'a Buffer,
    pub weights: usize,
}

/// Positions are coarse ones, whose fine ones a unit works out.
fn tile_of(window: Window) -> Tile {
    let down = (window.fine / 4).min(8);
    Tile {
        across: if window.stride > 2 { 64 } else { 128 } / down,
        positions: 4,
        down,
        quads: window.fine / 4 / down,
    }
}

/// Shapes: `map` `[spectra, coarse positions, coarse channels]` -> `out`, `others` `[spectra, fine positions, fine channels]`.
///
/// `begin.weights` is in `mirror`, which holds the weights as `[kernel, coarse, fine]`; `begin.bias` in `parameters`.
pub(super) fn scatter(
    room: &Room,
    (window, finish): (Window, Scattered),
    (parameters, mirror, begin): (&Buffer, &Buffer, Begin),
    (spectra, fine): (usize, usize),
    map: &Buffer,
    others: (&Buffer, &Buffer),
    (out, edge): (&Buffer, Option<Edge>),
) {
    let tile = tile_of(window);
    let coarse = window.positions(fine);
    let nothing = Edge {
        pixels: 0,
        gradient: parameters,
        weights: 0,
    };
    let edge = edge.unwrap_or(nothing);
    let reached = fine.div_ceil(window.stride);
    let count = CubeCount::Static(reached.div_ceil(tile.rows()) as u32, spectra as u32, 1);
    kernel::launch(
        &room.client,
        count,
        CubeDim::new_1d(tile.units() as u32),
        map.quads(),
        parameters.quads(),
        mirror.quads(),
        others.0.quads(),
        others.1.quads(),
        edge.gradient.numbers(),
        out.quads(),
        begin.weights,
        begin.bias,
        edge.weights,
        edge.pixels,
        fine,
        coarse,
        window,
        tile,
        finish,
    );
}

#[cube(launch)]
fn kernel(
    map: &[Quad],
    parameters: &[Quad],
    mirror: &[Quad],
    other: &[Quad],
    than: &[Quad],
    gradient: &[f32],
    out: &mut [Quad],
    weights: usize,
    bias: usize,
    edge_weights: usize,
    pixels: usize,
    fine_length: usize,
    coarse_length: usize,
    #[comptime] window: Window,
    #[comptime] tile: Tile,
    #[comptime] finish: Scattered,
) {
    let fine = comptime!(window.fine / 4);
    let coarse = comptime!(window.coarse / 4);
    let stride = comptime!(window.stride);
    let chunk = 4usize;
    let row = 5usize;
    // One position more on either side.
    let rows = comptime!(tile.rows() + 2);
    let taps = comptime!(window.kernel * 16 * fine);
    let mut input = Shared::<[Quad]>::new_slice(comptime!((tile.rows() + 2) * 5));
    let mut weight = Shared::<[Quad]>::new_slice(taps);

    let unit = UNIT_POS as usize;
    let units = comptime!(tile.units());
    let across = unit % tile.across;
    let down = unit / tile.across;
    let spectrum = CUBE_POS_Y as usize;
    let first = CUBE_POS_X as usize * comptime!(tile.rows());

    let mut sums = Array::<Quad>::new(comptime!(window.stride * tile.sums()));
    for part in 0..comptime!(coarse / 4) {
        sync_cube();
        for e in range_stepped(unit, rows * chunk, units) {
            let at = first + e / chunk;
            let mut value = Quad::new(0.0);
            if at >= 1 && at < coarse_length + 1 {
                value = map[(spectrum * coarse_length + at - 1) * coarse + part * chunk + e % chunk];
            }
            input[e / chunk * row + e % chunk] = value;
        }
        for e in range_stepped(unit, taps, units) {
            let tap = e / comptime!(16 * fine);
            let rest = e % comptime!(16 * fine);
            weight[e] = mirror[weights + (tap * comptime!(window.coarse) + part * 16) * fine + rest];
        }
        sync_cube();
        #[unroll]
        for k in 0..window.kernel {
            // A fine position j takes weight k = j + padding - stride · i of the coarse position i.
            let phase = comptime!((k + window.stride * window.padding - window.padding) % window.stride);
            let ahead = comptime!((phase + window.padding + window.stride - k) / window.stride);
            for c in 0..chunk {
                let own = weights_of(&weight, (k * chunk + c) * 4 * fine + down, fine, tile);
                #[unroll]
                for p in 0..tile.positions {
                    let x = input[(across + p * tile.across + ahead) * row + c];
                    let sum = comptime!((phase * tile.positions + p) * tile.quads);
                    accumulate(&mut sums, x, &own, sum, tile.quads);
                }
            }
        }
    }

    #[unroll]
    for phase in 0..stride {
        #[unroll]
        for p in 0..tile.positions {
            let position = (first + across + p * tile.across) * stride + phase;
            if position < fine_length {
                #[unroll]
                for v in 0..tile.quads {
                    let channel = down + v * tile.down;
                    let at = (spectrum * fine_length + position) * fine + channel;
                    let sum = sums[comptime!((phase * tile.positions + p) * tile.quads + v)];
                    let zero = Quad::new(0.0);
                    if comptime!(matches!(finish, Scattered::Added)) {
                        out[at] = max(sum + parameters[bias + channel], zero) + other[at];
                    } else if comptime!(matches!(finish, Scattered::Passed)) {
                        out[at] = select_many(than[at].greater_than(&zero), sum + other[at], zero);
                    } else if comptime!(matches!(finish, Scattered::Sloped)) {
                        out[at] = sum * other[at];
                    } else {
                        let mut spread = sum;
                        #[unroll]
                        for k in 0..3usize {
                            let slope = pixel(gradient, spectrum, pixels, 2 * position + k);
                            spread = fma(
                                Quad::new(slope),
                                parameters[edge_weights + k * fine + channel],
                                spread,
                            );
                        }
                        out[at] = select_many(other[at].greater_than(&zero), spread, zero);
                    }
                }
            }
        }
    }
}

/// The pixel before `next` of a spectrum; zero beyond its ends.
#[cube]
pub(super) fn pixel(signal: &[f32], spectrum: usize, pixels: usize, next: usize) -> f32 {
    let mut value = 0.0f32;
    if next >= 1 && next <= pixels {
        value = signal[spectrum * pixels + next - 1];
    }
    value
}
