//! The bottleneck's middle: from the features of a spectrum to its latent vector and the decoder's hidden values, and back. A workgroup a spectrum.
//!
//! All its weights are one matrix, `[features + latent + 4, latent + hidden + features]`: it maps the row `(features, latent, 1)` on what comes of it, and so its
//! gradient is one product, of which only the blocks in use are kept.

// What is called is CubeCL's function, which only kernels know.
#![allow(unstable_name_collisions)]

use burn::cubecl;
use cubecl::prelude::*;

use super::{Buffer, Quad, Room};

/// Outputs of the layer behind the convolutions.
pub(super) const FEATURES: usize = 64;

/// Lengths, rounded up to quads; what is more than the network's own has weights of zero, and stays so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Sizes {
    pub latent: usize,
    pub hidden: usize,
}

impl Sizes {
    /// Length of a row `(features, latent, 1, 0, 0, 0)`.
    pub fn given(self) -> usize {
        FEATURES + self.latent + 4
    }

    /// Length of a row `(latent, hidden, features)`.
    pub fn made(self) -> usize {
        self.features() + FEATURES
    }

    /// Where the features begin in such a row.
    pub fn features(self) -> usize {
        self.latent + self.hidden
    }

    /// Length of a row `(hidden, latent)`, which the decoder is given.
    pub fn shown(self) -> usize {
        self.hidden + self.latent
    }
}

/// Buffers of the middle.
#[derive(Debug, Clone)]
pub(super) struct Middle {
    /// `[spectra, given]`
    pub given: Buffer,
    /// `[spectra, shown]`
    pub shown: Buffer,
    /// Slopes of the activations, `[spectra, features + hidden]`.
    pub slopes: Buffer,
    /// Gradients before the activations, `[spectra, made]`.
    pub made: Buffer,
}

/// `sums` are the features in `slices` parts without bias, `[slices, spectra, features]`, or not used where the latent vectors are `known`, in `middle.given`;
/// `weights` is where the matrix begins, in numbers.
pub(super) fn forward(
    room: &Room,
    sizes: Sizes,
    (parameters, weights): (&Buffer, usize),
    spectra: usize,
    (sums, slices): (&Buffer, usize),
    middle: &Middle,
    known: bool,
) {
    forward_kernel::launch(
        &room.client,
        CubeCount::Static(spectra as u32, 1, 1),
        CubeDim::new_1d(128),
        sums.numbers(),
        parameters.numbers(),
        middle.given.numbers(),
        middle.shown.numbers(),
        middle.slopes.numbers(),
        weights,
        slices,
        spectra,
        sizes,
        known,
    );
}

#[cube(launch)]
fn forward_kernel(
    sums: &[f32],
    parameters: &[f32],
    given: &mut [f32],
    shown: &mut [f32],
    slopes: &mut [f32],
    weights: usize,
    slices: usize,
    spectra: usize,
    #[comptime] sizes: Sizes,
    #[comptime] known: bool,
) {
    let made_row = comptime!(sizes.made());
    let given_row = comptime!(sizes.given());
    let shown_row = comptime!(sizes.shown());
    let slope_row = comptime!(FEATURES + sizes.hidden);
    let mut features = Shared::<[f32]>::new_slice(FEATURES);
    let mut latent = Shared::<[f32]>::new_slice(sizes.latent);
    let unit = UNIT_POS as usize;
    let spectrum = CUBE_POS_X as usize;
    let biases = weights + comptime!((FEATURES + sizes.latent) * sizes.made());

    if comptime!(!known) && unit < FEATURES {
        let mut x = parameters[biases + comptime!(sizes.latent + sizes.hidden) + unit];
        for slice in 0..slices {
            x += sums[(slice * spectra + spectrum) * FEATURES + unit];
        }
        let share = (f32::erf(x * std::f32::consts::FRAC_1_SQRT_2) + 1.0f32) * 0.5f32;
        let density = f32::exp(x * x * -0.5f32) * 0.398_942_28f32;
        features[unit] = x * share;
        given[spectrum * given_row + unit] = x * share;
        slopes[spectrum * slope_row + unit] = share + x * density;
    }
    sync_cube();
    if unit < sizes.latent {
        let place = spectrum * given_row + FEATURES + unit;
        let mut z = parameters[biases + unit];
        if comptime!(known) {
            z = given[place];
        } else {
            for o in 0..FEATURES {
                z = fma(features[o], parameters[weights + o * made_row + unit], z);
            }
            given[place] = z;
        }
        latent[unit] = z;
        shown[spectrum * shown_row + comptime!(sizes.hidden) + unit] = z;
    }
    if unit < 4 {
        let one = select(unit == 0, 1.0f32, 0.0f32);
        given[spectrum * given_row + comptime!(FEATURES + sizes.latent) + unit] = one;
    }
    sync_cube();
    for h in range_stepped(unit, sizes.hidden, 128usize) {
        let mut x = parameters[biases + comptime!(sizes.latent) + h];
        for l in 0..sizes.latent {
            let weight = parameters[weights + (FEATURES + l) * made_row + comptime!(sizes.latent) + h];
            x = fma(latent[l], weight, x);
        }
        let share = 1.0f32 / (1.0f32 + f32::exp(-x));
        shown[spectrum * shown_row + h] = x * share;
        slopes[spectrum * slope_row + FEATURES + h] = share * (1.0f32 + x * (1.0f32 - share));
    }
}

/// `sums` are the gradients of what the decoder is given, in `slices` parts, `[slices, spectra, shown]`.
pub(super) fn backward(
    room: &Room,
    sizes: Sizes,
    (parameters, weights): (&Buffer, usize),
    spectra: usize,
    (sums, slices): (&Buffer, usize),
    middle: &Middle,
) {
    backward_kernel::launch(
        &room.client,
        CubeCount::Static(spectra as u32, 1, 1),
        CubeDim::new_1d(128),
        sums.numbers(),
        parameters.numbers(),
        middle.slopes.numbers(),
        middle.made.numbers(),
        weights,
        slices,
        spectra,
        sizes,
    );
}

#[cube(launch)]
fn backward_kernel(
    sums: &[f32],
    parameters: &[f32],
    slopes: &[f32],
    made: &mut [f32],
    weights: usize,
    slices: usize,
    spectra: usize,
    #[comptime] sizes: Sizes,
) {
    let made_row = comptime!(sizes.made());
    let shown_row = comptime!(sizes.shown());
    let slope_row = comptime!(FEATURES + sizes.hidden);
    let mut hidden = Shared::<[f32]>::new_slice(sizes.hidden);
    let mut latent = Shared::<[f32]>::new_slice(sizes.latent);
    let unit = UNIT_POS as usize;
    let spectrum = CUBE_POS_X as usize;

    for h in range_stepped(unit, sizes.hidden, 128usize) {
        let mut sum = 0.0f32;
        for slice in 0..slices {
            sum += sums[(slice * spectra + spectrum) * shown_row + h];
        }
        let value = sum * slopes[spectrum * slope_row + FEATURES + h];
        hidden[h] = value;
        made[spectrum * made_row + comptime!(sizes.latent) + h] = value;
    }
    sync_cube();
    if unit < sizes.latent {
        let mut sum = 0.0f32;
        for slice in 0..slices {
            sum += sums[(slice * spectra + spectrum) * shown_row + comptime!(sizes.hidden) + unit];
        }
        for h in 0..sizes.hidden {
            let weight = parameters[weights + (FEATURES + unit) * made_row + comptime!(sizes.latent) + h];
            sum = fma(hidden[h], weight, sum);
        }
        latent[unit] = sum;
        made[spectrum * made_row + unit] = sum;
    }
    sync_cube();
    if unit < FEATURES {
        let mut sum = 0.0f32;
        for l in 0..sizes.latent {
            sum = fma(latent[l], parameters[weights + unit * made_row + l], sum);
        }
        made[spectrum * made_row + comptime!(sizes.latent + sizes.hidden) + unit] =
            sum * slopes[spectrum * slope_row + unit];
    }
}

/// What the encoder is shown: departure from the mean times weight, weight, and two empty channels. `fixed` holds the mean, then the typical ivar at `typical`.
///
/// Shapes: `[spectra, pixels]` -> `[spectra, pixels, 4]`.
pub(super) fn present(
    room: &Room,
    (spectra, pixels): (usize, usize),
    (flux, ivar): (&Buffer, &Buffer),
    (fixed, typical): (&Buffer, usize),
    out: &Buffer,
) {
    present_kernel::launch(
        &room.client,
        CubeCount::Static(pixels.div_ceil(256) as u32, spectra as u32, 1),
        CubeDim::new_1d(256),
        flux.numbers(),
        ivar.numbers(),
        fixed.numbers(),
        out.quads(),
        pixels,
        typical,
    );
}

#[cube(launch)]
fn present_kernel(
    flux: &[f32],
    ivar: &[f32],
    fixed: &[f32],
    out: &mut [Quad],
    pixels: usize,
    typical: usize,
) {
    let at = CUBE_POS_X as usize * 256 + UNIT_POS as usize;
    let place = CUBE_POS_Y as usize * pixels + at;
    if at < pixels {
        let weight = ivar[place] / (ivar[place] + fixed[typical]);
        let mut quad = Quad::new(0.0);
        quad.insert(0usize, (flux[place] - fixed[at]) * weight);
        quad.insert(1usize, weight);
        out[place] = quad;
    }
}
