//! From a fine map to a coarse one: strided convolutions, and the way back through transposed ones.

use burn::cubecl;
use cubecl::prelude::*;

use super::tile::{Tile, accumulate, weights_of};
use super::{Buffer, Quad, Room};
use crate::model::native::Window;

/// What becomes of the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Gathered {
    /// With bias and ReLU.
    Relu,
    /// With bias and GELU; its slope is the second map.
    Gelu,
    /// A gradient; the second map is what of it passes the ReLU, where `others.0 > others.1`.
    Both,
    /// A gradient, what of it passes the ReLU, where `others.0 > 0`.
    Passed,
}

/// Positions are coarse ones.
fn tile_of(window: Window) -> Tile {
    let down = 4.min(window.coarse / 4);
    Tile {
        across: if window.stride > 2 { 64 } else { 128 } / down,
        positions: if window.stride > 2 { 2 } else { 4 },
        down,
        quads: window.coarse / 4 / down,
    }
}

/// Where the layer's weights and its bias begin among the parameters, in quads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begin {
    pub weights: usize,
    pub bias: usize,
}

/// Shapes: `map` `[spectra, fine positions, fine channels]` -> `out`, `second`, `others` `[spectra, coarse positions, coarse channels]`.
pub(super) fn gather(
    room: &Room,
    (window, finish): (Window, Gathered),
    (parameters, begin): (&Buffer, Begin),
    (spectra, fine): (usize, usize),
    map: &Buffer,
    others: (&Buffer, &Buffer),
    (out, second): (&Buffer, &Buffer),
) {
    let tile = tile_of(window);
    let coarse = window.positions(fine);
    let count = CubeCount::Static(coarse.div_ceil(tile.rows()) as u32, spectra as u32, 1);
    kernel::launch(
        &room.client,
        count,
        CubeDim::new_1d(tile.units() as u32),
        map.quads(),
        parameters.quads(),
        others.0.quads(),
        others.1.quads(),
        out.quads(),
        second.quads(),
        begin.weights,
        begin.bias,
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
    other: &[Quad],
    than: &[Quad],
    out: &mut [Quad],
    second: &mut [Quad],
    weights: usize,
    bias: usize,
    fine_length: usize,
    coarse_length: usize,
    #[comptime] window: Window,
    #[comptime] tile: Tile,
    #[comptime] finish: Gathered,
) {
    let fine = comptime!(window.fine / 4);
    let coarse = comptime!(window.coarse / 4);
    // Channels are taken some quads at a time; rows of an odd number of quads, so that neighbors are in other banks.
    let chunk = comptime!(if window.fine >= 16 {
        4usize
    } else {
        window.fine / 4
    });
    let row = comptime!(chunk | 1);
    let rows = comptime!(window.stride * (tile.rows() - 1) + window.kernel);
    let taps = comptime!(window.kernel * chunk * 4 * coarse);
    let mut input = Shared::<[Quad]>::new_slice(comptime!(rows * row));
    let mut weight = Shared::<[Quad]>::new_slice(taps);

    let unit = UNIT_POS as usize;
    let units = comptime!(tile.units());
    let across = unit % tile.across;
    let down = unit / tile.across;
    let spectrum = CUBE_POS_Y as usize;
    let first = CUBE_POS_X as usize * comptime!(tile.rows());

    let mut sums = Array::<Quad>::new(comptime!(tile.sums()));
    for part in 0..comptime!(fine / chunk) {
        sync_cube();
        for e in range_stepped(unit, comptime!(rows * chunk), units) {
            let at = first * comptime!(window.stride) + e / chunk;
            let mut value = Quad::new(0.0);
            if at >= comptime!(window.padding) && at < fine_length + comptime!(window.padding) {
                let position = spectrum * fine_length + at - comptime!(window.padding);
                value = map[position * fine + part * chunk + e % chunk];
            }
            input[e / chunk * row + e % chunk] = value;
        }
        for e in range_stepped(unit, taps, units) {
            let tap = e / comptime!(chunk * 4 * coarse);
            let rest = e % comptime!(chunk * 4 * coarse);
            weight[e] = parameters
                [weights + (tap * comptime!(window.fine) + part * comptime!(chunk * 4)) * coarse + rest];
        }
        sync_cube();
        #[unroll]
        for k in 0..window.kernel {
            for c in 0..chunk {
                let own = weights_of(&weight, (k * chunk + c) * 4 * coarse + down, coarse, tile);
                #[unroll]
                for p in 0..tile.positions {
                    let x = input[((across + p * tile.across) * window.stride + k) * row + c];
                    accumulate(&mut sums, x, &own, comptime!(p * tile.quads), tile.quads);
                }
            }
        }
    }

    #[unroll]
    for p in 0..tile.positions {
        let position = first + across + p * tile.across;
        if position < coarse_length {
            #[unroll]
            for v in 0..tile.quads {
                let channel = down + v * tile.down;
                let at = (spectrum * coarse_length + position) * coarse + channel;
                let sum = sums[p * tile.quads + v];
                let zero = Quad::new(0.0);
                if comptime!(matches!(finish, Gathered::Relu)) {
                    out[at] = max(sum + parameters[bias + channel], zero);
                } else if comptime!(matches!(finish, Gathered::Gelu)) {
                    let x = sum + parameters[bias + channel];
                    let share = normal_share(x);
                    out[at] = x * share;
                    second[at] = share + x * normal_density(x);
                } else if comptime!(matches!(finish, Gathered::Both)) {
                    out[at] = sum;
                    second[at] = select_many(other[at].greater_than(&than[at]), sum, zero);
                } else {
                    out[at] = select_many(other[at].greater_than(&zero), sum, zero);
                }
            }
        }
    }
}

/// The share of a normal distribution below `x`.
#[cube]
pub(super) fn normal_share(x: Quad) -> Quad {
    let root = Quad::new(std::f32::consts::FRAC_1_SQRT_2);
    (Quad::erf(x * root) + Quad::new(1.0)) * Quad::new(0.5)
}

/// The density of a normal distribution at `x`.
#[cube]
pub(super) fn normal_density(x: Quad) -> Quad {
    Quad::exp(x * x * Quad::new(-0.5)) * Quad::new(0.398_942_28)
}
