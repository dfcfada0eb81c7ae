//! The layers to and from the one channel of the pixels.

use burn::cubecl;
use cubecl::prelude::*;

use super::gather::Begin;
use super::outer::put;
use super::scatter::pixel;
use super::{Buffer, PARTS, Quad, Room};

/// Quads of the 64 channels next to the pixels.
const QUADS: usize = 16;

/// The original's first layer, a convolution of three pixels with stride two and ReLU. Shapes: `[spectra, pixels]` -> `[spectra, length, 64]`.
pub(super) fn lift(
    room: &Room,
    (parameters, begin): (&Buffer, Begin),
    (spectra, pixels): (usize, usize),
    flux: &Buffer,
    out: &Buffer,
) {
    let length = pixels.div_ceil(2);
    lift_kernel::launch(
        &room.client,
        CubeCount::Static((length * QUADS).div_ceil(256) as u32, spectra as u32, 1),
        CubeDim::new_1d(256),
        flux.numbers(),
        parameters.quads(),
        out.quads(),
        begin.weights,
        begin.bias,
        pixels,
        length,
    );
}

#[cube(launch)]
fn lift_kernel(
    flux: &[f32],
    parameters: &[Quad],
    out: &mut [Quad],
    weights: usize,
    bias: usize,
    pixels: usize,
    length: usize,
) {
    let e = CUBE_POS_X as usize * 256 + UNIT_POS as usize;
    let spectrum = CUBE_POS_Y as usize;
    if e < length * QUADS {
        let channel = e % QUADS;
        let mut sum = parameters[bias + channel];
        #[unroll]
        for k in 0..3usize {
            let value = pixel(flux, spectrum, pixels, 2 * (e / QUADS) + k);
            sum = fma(Quad::new(value), parameters[weights + k * QUADS + channel], sum);
        }
        out[spectrum * length * QUADS + e] = max(sum, Quad::new(0.0));
    }
}

/// The original's last layer, in two steps: here what every position adds to three pixels, summed up by [`compare`](super::loss::compare) and [`paint`](super::loss::paint).
///
/// Shapes: `[spectra, length, 64]` -> `[spectra, length, 4]`, of which three are used.
pub(super) fn project(
    room: &Room,
    (parameters, begin): (&Buffer, Begin),
    (spectra, pixels): (usize, usize),
    map: &Buffer,
    out: &Buffer,
) {
    let length = pixels.div_ceil(2);
    project_kernel::launch(
        &room.client,
        CubeCount::Static(length.div_ceil(64) as u32, spectra as u32, 1),
        CubeDim::new_1d(256),
        map.quads(),
        parameters.quads(),
        out.quads(),
        begin.weights,
        length,
    );
}

#[cube(launch)]
fn project_kernel(map: &[Quad], parameters: &[Quad], out: &mut [Quad], weights: usize, length: usize) {
    let mut sums = Shared::<[Quad]>::new_slice(256usize);
    let unit = UNIT_POS as usize;
    let position = CUBE_POS_X as usize * 64 + unit / 4;
    let row = CUBE_POS_Y as usize * length + position;
    let mut sum = Quad::new(0.0);
    if position < length {
        let mut products = Array::<Quad>::new(3usize);
        #[unroll]
        for j in 0..4usize {
            let channel = unit % 4 + 4 * j;
            let y = map[row * QUADS + channel];
            #[unroll]
            for k in 0..3usize {
                products[k] = fma(y, parameters[weights + k * QUADS + channel], products[k]);
            }
        }
        #[unroll]
        for k in 0..3usize {
            let p = products[k];
            sum.insert(k, across(p));
        }
    }
    sums[unit] = sum;
    sync_cube();
    if unit % 4 == 0 && position < length {
        out[row] = (sum + sums[unit + 1]) + (sums[unit + 2] + sums[unit + 3]);
    }
}

/// The sum of four numbers.
#[cube]
pub(super) fn across(quad: Quad) -> f32 {
    (quad.extract(0usize) + quad.extract(1usize)) + (quad.extract(2usize) + quad.extract(3usize))
}

/// The mean over the positions. Shapes: `[spectra, length, 16]` -> `[spectra, 16]`.
pub(super) fn average(room: &Room, (spectra, length): (usize, usize), map: &Buffer, out: &Buffer) {
    average_kernel::launch(
        &room.client,
        CubeCount::Static(spectra as u32, 1, 1),
        CubeDim::new_1d(256),
        map.numbers(),
        out.numbers(),
        length,
    );
}

#[cube(launch)]
fn average_kernel(map: &[f32], out: &mut [f32], length: usize) {
    let mut sums = Shared::<[f32]>::new_slice(256usize);
    let unit = UNIT_POS as usize;
    let spectrum = CUBE_POS_X as usize;
    let mut sum = 0.0f32;
    for position in range_stepped(unit / 16, length, 16usize) {
        sum += map[(spectrum * length + position) * 16 + unit % 16];
    }
    sums[unit] = sum;
    sync_cube();
    if unit < 16 {
        #[unroll]
        for j in 1..16usize {
            sum += sums[unit + j * 16];
        }
        out[spectrum * 16 + unit] = sum / f32::cast_from(length);
    }
}

/// Which of the two layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Brim {
    /// The first: `map` is the gradient behind it, `signal` the pixels.
    Lift,
    /// The last: `map` is what it was given, `signal` the gradient of the pixels. The map becomes the gradient of what was added to `below` in it, behind its ReLU.
    Project,
}

/// Adds to the parts of the gradients of the first or last layer, or begins them. Shapes: `map`, `below` `[spectra, length, 64]`, `signal` `[spectra, pixels]`.
pub(super) fn brim(
    room: &Room,
    layer: Brim,
    (parameters, begin): (&Buffer, Begin),
    (spectra, pixels): (usize, usize),
    (map, below): (&Buffer, &Buffer),
    signal: &Buffer,
    (parts, row, add): (&Buffer, usize, bool),
) {
    brim_kernel::launch(
        &room.client,
        CubeCount::Static(PARTS as u32, 1, 1),
        CubeDim::new_1d(256),
        map.quads(),
        below.quads(),
        signal.numbers(),
        parameters.quads(),
        parts.quads(),
        begin.weights,
        begin.bias,
        row / 4,
        spectra,
        pixels,
        pixels.div_ceil(2),
        u32::from(add),
        layer,
    );
}

#[cube(launch)]
fn brim_kernel(
    map: &mut [Quad],
    below: &[Quad],
    signal: &[f32],
    parameters: &[Quad],
    parts: &mut [Quad],
    weights: usize,
    bias: usize,
    part_row: usize,
    spectra: usize,
    pixels: usize,
    length: usize,
    add: u32,
    #[comptime] layer: Brim,
) {
    let mut sums = Array::<Quad>::new(4usize);
    let unit = UNIT_POS as usize;
    let channel = unit % QUADS;
    let tiles = length.div_ceil(64);
    for item in range_stepped(CUBE_POS_X as usize, spectra * tiles, PARTS) {
        let spectrum = item / tiles;
        #[unroll]
        for j in 0..4usize {
            let position = item % tiles * 64 + j * 16 + unit / QUADS;
            if position < length {
                let at = (spectrum * length + position) * QUADS + channel;
                let value = map[at];
                let mut spread = Quad::new(0.0);
                #[unroll]
                for k in 0..3usize {
                    let s = Quad::new(pixel(signal, spectrum, pixels, 2 * position + k));
                    sums[k] = fma(value, s, sums[k]);
                    if comptime!(matches!(layer, Brim::Project)) {
                        spread = fma(s, parameters[weights + k * QUADS + channel], spread);
                        if comptime!(k > 0) {
                            sums[3] += s;
                        }
                    }
                }
                if comptime!(matches!(layer, Brim::Project)) {
                    map[at] = select_many(value.greater_than(&below[at]), spread, Quad::new(0.0));
                } else {
                    sums[3] += value;
                }
            }
        }
    }
    let mut rows = Shared::<[Quad]>::new_slice(256usize);
    let from = CUBE_POS_X as usize * part_row;
    let more = add == 1;
    #[unroll]
    for k in 0..4usize {
        rows[unit] = sums[k];
        sync_cube();
        if unit < QUADS {
            let mut sum = rows[unit];
            #[unroll]
            for j in 1..16usize {
                sum += rows[unit + j * QUADS];
            }
            if comptime!(k < 3) {
                put(parts, from + weights + k * QUADS + channel, sum, more);
            } else if comptime!(matches!(layer, Brim::Lift)) {
                put(parts, from + bias + channel, sum, more);
            } else if unit == 0 {
                // All four are the same sum, of which the one bias takes the first.
                let mut single = Quad::new(0.0);
                single.insert(0usize, sum.extract(0usize));
                put(parts, from + bias, single, more);
            }
        }
        sync_cube();
    }
}
