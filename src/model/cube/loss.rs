//! What a reconstruction is compared with: the loss, and its gradient with the pixels.

use burn::cubecl;
use cubecl::prelude::*;

use super::{Buffer, Room};

/// How the reconstruction lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Drawn {
    /// As [`project`](super::pixels::project) leaves it; the number added to every pixel is where the bias begins.
    Projected,
    /// Rows of pixels, to which the mean spectrum is added.
    Rows,
}

/// A reconstruction in memory: how, the buffer, numbers a spectrum, and what is added with the place where it begins, in numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawing<'a> {
    pub drawn: Drawn,
    pub model: &'a Buffer,
    pub row: usize,
    pub added: &'a Buffer,
    pub from: usize,
}

#[cube]
fn drawn_at(
    model: &[f32],
    added: &[f32],
    from: usize,
    row: usize,
    spectrum: usize,
    wanted: usize,
    pixels: usize,
    #[comptime] drawn: Drawn,
) -> f32 {
    let base = spectrum * row;
    if comptime!(matches!(drawn, Drawn::Rows)) {
        model[base + wanted] + added[from + wanted]
    } else {
        // The original's network returns an odd number of pixels; the last one is repeated.
        let at = min(wanted, (pixels - 1) / 2 * 2);
        let own = base + at / 2 * 4;
        let mut value = added[from] + model[own + 1 + at % 2];
        if at % 2 == 1 && own + 4 < base + row {
            value += model[own + 4];
        }
        value
    }
}

/// The reconstructions as rows. Shape: `[spectra, pixels]`.
pub(super) fn paint(room: &Room, (spectra, pixels): (usize, usize), drawing: Drawing, out: &Buffer) {
    paint_kernel::launch(
        &room.client,
        CubeCount::Static(pixels.div_ceil(256) as u32, spectra as u32, 1),
        CubeDim::new_1d(256),
        drawing.model.numbers(),
        drawing.added.numbers(),
        out.numbers(),
        drawing.from,
        drawing.row,
        pixels,
        drawing.drawn,
    );
}

#[cube(launch)]
fn paint_kernel(
    model: &[f32],
    added: &[f32],
    out: &mut [f32],
    from: usize,
    row: usize,
    pixels: usize,
    #[comptime] drawn: Drawn,
) {
    let at = CUBE_POS_X as usize * 256 + UNIT_POS as usize;
    let spectrum = CUBE_POS_Y as usize;
    if at < pixels {
        out[spectrum * pixels + at] = drawn_at(model, added, from, row, spectrum, at, pixels, drawn);
    }
}

/// What a reconstruction is compared with, and how; as [`crate::model::native::Truth`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub error_floor: f32,
    /// Infinite for none.
    pub limit: f32,
    /// Infinite for none.
    pub strange: f32,
    /// Spectra of the whole batch.
    pub batch: usize,
}

/// The loss of every spectrum, and the gradient of the batch's mean loss with the pixels.
///
/// Shapes: `flux`, `ivar` `[spectra, pixels]` -> `gradient` `[spectra, out_row]`, `losses`, from `begin` on, `[spectra]`.
pub(super) fn compare(
    room: &Room,
    (spectra, pixels): (usize, usize),
    drawing: Drawing,
    (flux, ivar): (&Buffer, &Buffer),
    terms: Terms,
    (gradient, out_row): (&Buffer, usize),
    (losses, begin): (&Buffer, usize),
) {
    compare_kernel::launch(
        &room.client,
        CubeCount::Static(spectra as u32, 1, 1),
        CubeDim::new_1d(256),
        drawing.model.numbers(),
        drawing.added.numbers(),
        flux.numbers(),
        ivar.numbers(),
        gradient.numbers(),
        losses.numbers(),
        drawing.from,
        drawing.row,
        pixels,
        out_row,
        begin,
        terms.error_floor,
        terms.limit,
        terms.strange,
        1.0 / terms.batch as f32,
        drawing.drawn,
        terms.limit.is_finite(),
    );
}

#[cube(launch)]
fn compare_kernel(
    model: &[f32],
    added: &[f32],
    flux: &[f32],
    ivar: &[f32],
    gradient: &mut [f32],
    losses: &mut [f32],
    from: usize,
    row: usize,
    pixels: usize,
    out_row: usize,
    begin: usize,
    error_floor: f32,
    limit: f32,
    strange: f32,
    share: f32,
    #[comptime] drawn: Drawn,
    #[comptime] robust: bool,
) {
    let mut room = Shared::<[f32]>::new_slice(256usize);
    let unit = UNIT_POS as usize;
    let spectrum = CUBE_POS_X as usize;
    let mut sum = 0.0f32;
    let mut valid = 0.0f32;
    for at in range_stepped(unit, pixels, 256usize) {
        let weight = ivar[spectrum * pixels + at];
        let value = drawn_at(model, added, from, row, spectrum, at, pixels, drawn);
        let off = value - flux[spectrum * pixels + at];
        let error = value * error_floor;
        let square = off * off * (weight / (weight * error * error + 1.0f32));
        if comptime!(robust) {
            sum += (f32::sqrt(square / limit + 1.0f32) - 1.0f32) * 2.0f32 * limit;
        } else {
            sum += square;
        }
        if weight > 0.0 {
            valid += 1.0f32;
        }
    }
    let sum = total(&mut room, sum);
    let valid = max(total(&mut room, valid), 1.0f32);
    let mut loss = sum / valid;
    let mut slope = share / valid;
    if comptime!(robust) {
        slope /= 1.0f32 + loss / strange;
        loss = f32::log1p(loss / strange) * strange;
    }
    if unit == 0 {
        losses[begin + spectrum] = loss;
    }
    for at in range_stepped(unit, out_row, 256usize) {
        let mut value = 0.0f32;
        if at < pixels {
            value = slant(
                model,
                added,
                flux,
                ivar,
                from,
                row,
                spectrum,
                at,
                pixels,
                error_floor,
                limit,
                drawn,
                robust,
            );
        }
        if comptime!(matches!(drawn, Drawn::Projected)) {
            // The repeated pixel pulls at the one that it repeats.
            if pixels % 2 == 0 && at + 2 == pixels {
                value += slant(
                    model,
                    added,
                    flux,
                    ivar,
                    from,
                    row,
                    spectrum,
                    at + 1,
                    pixels,
                    error_floor,
                    limit,
                    drawn,
                    robust,
                );
            }
            if pixels % 2 == 0 && at + 1 == pixels {
                value = 0.0;
            }
        }
        gradient[spectrum * out_row + at] = value * slope;
    }
}

/// The slope of a pixel's loss with its reconstruction; the error of the model counts as given.
#[cube]
fn slant(
    model: &[f32],
    added: &[f32],
    flux: &[f32],
    ivar: &[f32],
    from: usize,
    row: usize,
    spectrum: usize,
    at: usize,
    pixels: usize,
    error_floor: f32,
    limit: f32,
    #[comptime] drawn: Drawn,
    #[comptime] robust: bool,
) -> f32 {
    let value = drawn_at(model, added, from, row, spectrum, at, pixels, drawn);
    let weight = ivar[spectrum * pixels + at];
    let off = value - flux[spectrum * pixels + at];
    let error = value * error_floor;
    let pull = off * (weight / (weight * error * error + 1.0f32));
    let mut slope = 2.0f32 * pull;
    if comptime!(robust) {
        slope /= f32::sqrt(off * pull / limit + 1.0f32);
    }
    slope
}

/// The sum over a workgroup of 256 units, for all of them.
#[cube]
pub(super) fn total(room: &mut Shared<[f32]>, value: f32) -> f32 {
    let unit = UNIT_POS as usize;
    room[unit] = value;
    sync_cube();
    #[unroll]
    for step in 0..8usize {
        let half = comptime!(128usize >> step);
        if unit < half {
            let other = room[unit + half];
            room[unit] += other;
        }
        sync_cube();
    }
    let sum = room[0];
    sync_cube();
    sum
}
