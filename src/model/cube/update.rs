//! From the parts of the gradients to new weights: sums, L1 norm, clipping over all parameters, and Adam, without the host.

use burn::cubecl;
use cubecl::prelude::*;

use super::agenda::{Agenda, ROW};
use super::loss::total;
use super::pixels::across;
use super::{Buffer, PARTS, Quad, Room, Weights};
use crate::model::OptimizerKind;

/// Workgroups that share the parameters whose gradients are no parts.
const REST: usize = 256;
/// Quads of parts that a workgroup sums up.
const COLUMNS: usize = 32;

/// Number of sums that [`collect`] leaves.
pub(super) fn squares(small: usize) -> usize {
    (small / 4).div_ceil(COLUMNS) + REST
}

/// What holds the gradients back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pull {
    /// Factor of the L1 norm.
    pub l1: f32,
    /// The gradient's largest norm; 0 for none.
    pub clip: f32,
}

/// Sums up the parts of the gradients of the first `small` parameters, adds what the L1 norm pulls to all, leaves sums of their squares, and
/// counts the step.
pub(super) fn collect(
    room: &Room,
    (parts, small): (&Buffer, usize),
    (parameters, pull): (&Buffer, Pull),
    (gradient, sums): (&Buffer, &Buffer),
    agenda: &Agenda,
) {
    collect_kernel::launch(
        &room.client,
        CubeCount::Static(squares(small) as u32, 1, 1),
        CubeDim::new_1d(256),
        parts.quads(),
        parameters.quads(),
        gradient.quads(),
        sums.numbers(),
        agenda.now.numbers(),
        small / 4,
        parameters.len / 4,
        pull.l1,
    );
}

#[cube(launch)]
fn collect_kernel(
    parts: &[Quad],
    parameters: &[Quad],
    gradient: &mut [Quad],
    sums: &mut [f32],
    now: &mut [u32],
    small: usize,
    all: usize,
    l1: f32,
) {
    let mut rows = Shared::<[Quad]>::new_slice(256usize);
    let mut room = Shared::<[f32]>::new_slice(256usize);
    let unit = UNIT_POS as usize;
    let group = CUBE_POS_X as usize;
    let groups = (small + comptime!(COLUMNS - 1)) / COLUMNS;
    let mut square = Quad::new(0.0);
    if group < groups {
        let column = group * COLUMNS + unit % COLUMNS;
        let mut sum = Quad::new(0.0);
        if column < small {
            for part in range_stepped(unit / COLUMNS, PARTS, 8usize) {
                sum += parts[part * small + column];
            }
        }
        rows[unit] = sum;
        sync_cube();
        if unit < COLUMNS && column < small {
            #[unroll]
            for j in 1..8usize {
                sum += rows[unit + j * COLUMNS];
            }
            let value = sum + pull(parameters[column], l1);
            gradient[column] = value;
            square = value * value;
        }
    } else {
        let first = small + (group - groups) * 256 + unit;
        for at in range_stepped(first, all, comptime!(REST * 256)) {
            let value = gradient[at] + pull(parameters[at], l1);
            gradient[at] = value;
            square = fma(value, value, square);
        }
    }
    let own = across(square);
    let sum = total(&mut room, own);
    if unit == 0 {
        sums[group] = sum;
        if group == 0 {
            // No other unit of this kernel looks at it.
            now[0] += 1;
        }
    }
}

/// The gradient of the L1 norm.
#[cube]
fn pull(value: Quad, l1: f32) -> Quad {
    let zero = Quad::new(0.0);
    let up = select_many(value.greater_than(&zero), Quad::new(l1), zero);
    let down = select_many(value.less_than(&zero), Quad::new(l1), zero);
    up - down
}

/// What Adam keeps beside the weights.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub moment_1: Buffer,
    pub moment_2: Buffer,
    /// The places of the first parameters in the mirror.
    pub places: Buffer,
}

/// One step of Adam or AdamW on the clipped gradient, that of the agenda before the one [`collect`] has counted to; it is told the mean loss, and the norm before clipping.
///
/// Source: Kingma & Ba 2015 (arXiv 1412.6980); Loshchilov & Hutter 2019 (arXiv 1711.05101).
pub(super) fn adam(
    room: &Room,
    (kind, pull): (OptimizerKind, Pull),
    (weights, kept): (&Weights, &Kept),
    (gradient, sums): (&Buffer, &Buffer),
    (losses, batch): (&Buffer, usize),
    agenda: &Agenda,
) {
    let all = weights.parameters.len / 4;
    adam_kernel::launch(
        &room.client,
        CubeCount::Static(all.div_ceil(256) as u32, 1, 1),
        CubeDim::new_1d(256),
        weights.parameters.quads(),
        kept.moment_1.quads(),
        kept.moment_2.quads(),
        weights.mirror.numbers(),
        kept.places.numbers(),
        gradient.quads(),
        sums.numbers(),
        losses.numbers(),
        agenda.rows.numbers(),
        agenda.now.numbers(),
        agenda.told.numbers(),
        all,
        kept.places.len / 4,
        squares(kept.places.len),
        batch,
        pull.clip,
        kind == OptimizerKind::Adamw,
    );
}

#[cube(launch)]
fn adam_kernel(
    parameters: &mut [Quad],
    moment_1: &mut [Quad],
    moment_2: &mut [Quad],
    mirror: &mut [f32],
    places: &[u32],
    gradient: &[Quad],
    sums: &[f32],
    losses: &[f32],
    rows: &[f32],
    now: &[u32],
    told: &mut [f32],
    all: usize,
    mirrored: usize,
    count: usize,
    batch: usize,
    clip: f32,
    #[comptime] decoupled: bool,
) {
    let step = now[0] as usize - 1;
    let row = step * comptime!(ROW);
    let mut room = Shared::<[f32]>::new_slice(256usize);
    let unit = UNIT_POS as usize;
    let mut own = 0.0f32;
    for at in range_stepped(unit, count, 256usize) {
        own += sums[at];
    }
    let norm = f32::sqrt(total(&mut room, own));
    if CUBE_POS_X == 0 {
        let mut loss = 0.0f32;
        for at in range_stepped(unit, batch, 256usize) {
            loss += losses[at];
        }
        let loss = total(&mut room, loss);
        if unit == 0 {
            told[2 * step] = loss / f32::cast_from(batch);
            told[2 * step + 1] = norm;
        }
    }
    let mut factor = 1.0f32;
    if clip > 0.0 && norm > clip {
        factor = clip / norm;
    }
    let at = CUBE_POS_X as usize * 256 + unit;
    if at < all {
        let (beta_1, beta_2) = (rows[row], rows[row + 1]);
        let (keep, penalty) = (rows[row + 2], rows[row + 3]);
        let (correct_1, correct_2) = (rows[row + 4], rows[row + 5]);
        let (epsilon, rate) = (rows[row + 6], rows[row + 7]);
        let mut p = parameters[at];
        let mut g = gradient[at] * Quad::new(factor);
        if comptime!(!decoupled) {
            g = fma(p, Quad::new(penalty), g);
        }
        let m = moment_1[at] * Quad::new(beta_1) + g * Quad::new(1.0f32 - beta_1);
        let v = moment_2[at] * Quad::new(beta_2) + g * g * Quad::new(1.0f32 - beta_2);
        moment_1[at] = m;
        moment_2[at] = v;
        if comptime!(decoupled) {
            let delta =
                m / Quad::new(correct_1) / (Quad::sqrt(v / Quad::new(correct_2)) + Quad::new(epsilon));
            p = p * Quad::new(keep) - delta * Quad::new(rate);
        } else {
            p -= m * Quad::new(correct_1) / (Quad::sqrt(v) + Quad::new(epsilon)) * Quad::new(rate);
        }
        parameters[at] = p;
        if at < mirrored {
            #[unroll]
            for i in 0..4usize {
                mirror[places[at * 4 + i] as usize] = p.extract(i);
            }
        }
    }
}

/// All numbers of a buffer into one as long.
pub(super) fn copy(room: &Room, from: &Buffer, to: &Buffer) {
    let quads = to.len / 4;
    copy_kernel::launch(
        &room.client,
        CubeCount::Static(quads.div_ceil(256) as u32, 1, 1),
        CubeDim::new_1d(256),
        from.quads(),
        to.quads(),
        quads,
    );
}

#[cube(launch)]
fn copy_kernel(from: &[Quad], to: &mut [Quad], quads: usize) {
    let at = CUBE_POS_X as usize * 256 + UNIT_POS as usize;
    if at < quads {
        to[at] = from[at];
    }
}
