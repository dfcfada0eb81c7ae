//! Gradients of the weights of convolutions: sums over all positions of products of a fine and a coarse map.

use burn::cubecl;
use cubecl::prelude::*;

use super::gather::Begin;
use super::{Buffer, PARTS, Quad, Room};
use crate::model::native::Window;

/// On which grid the layer's output is, whose gradient sums up to that of the bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Output {
    Coarse,
    Fine,
}

/// Units of a workgroup.
const UNITS: usize = 256;

/// How a workgroup divides the work: a unit has one quad of fine channels and one of coarse ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Tile {
    /// Coarse positions that are in shared memory at once.
    positions: usize,
    /// Groups of units that share the positions.
    teams: usize,
}

impl Tile {
    fn of(window: Window) -> Self {
        let teams = UNITS / (window.fine / 4 * (window.coarse / 4));
        Self {
            positions: teams.max(32),
            teams,
        }
    }
}

/// Adds to the parts of the gradients, or begins them.
///
/// Shapes: `fine` `[spectra, fine positions, fine channels]`, `coarse` `[spectra, coarse positions, coarse channels]`, `parts` `[PARTS, row]`, in which the
/// weights `[kernel, fine, coarse]` and the bias are at `begin`.
pub(super) fn outer(
    room: &Room,
    (window, output): (Window, Output),
    begin: Begin,
    (spectra, length): (usize, usize),
    (fine, coarse): (&Buffer, &Buffer),
    (parts, row, add): (&Buffer, usize, bool),
) {
    let tile = Tile::of(window);
    kernel::launch(
        &room.client,
        CubeCount::Static(PARTS as u32, 1, 1),
        CubeDim::new_1d(UNITS as u32),
        fine.quads(),
        coarse.quads(),
        parts.quads(),
        begin.weights,
        begin.bias,
        row / 4,
        spectra,
        length,
        window.positions(length),
        u32::from(add),
        window,
        tile,
        output,
    );
}

#[cube(launch)]
fn kernel(
    fine_map: &[Quad],
    coarse_map: &[Quad],
    parts: &mut [Quad],
    weights: usize,
    bias: usize,
    part_row: usize,
    spectra: usize,
    fine_length: usize,
    coarse_length: usize,
    add: u32,
    #[comptime] window: Window,
    #[comptime] tile: Tile,
    #[comptime] output: Output,
) {
    let fine = comptime!(window.fine / 4);
    let coarse = comptime!(window.coarse / 4);
    let stride = comptime!(window.stride);
    let rows = comptime!(window.stride * (tile.positions - 1) + window.kernel);
    let team_units = comptime!(UNITS / tile.teams);
    let mut fine_rows = Shared::<[Quad]>::new_slice(comptime!(rows * fine));
    let mut coarse_rows = Shared::<[Quad]>::new_slice(comptime!(tile.positions * coarse));

    let unit = UNIT_POS as usize;
    let team = unit / team_units;
    let f = unit % team_units % fine;
    let c = unit % team_units / fine;

    let mut sums = Array::<Quad>::new(comptime!(window.kernel * 4));
    let mut bias_sum = Quad::new(0.0);

    let tiles = (coarse_length + comptime!(tile.positions - 1)) / tile.positions;
    for item in range_stepped(CUBE_POS_X as usize, spectra * tiles, PARTS) {
        let spectrum = item / tiles;
        let first = item % tiles * tile.positions;
        sync_cube();
        for e in range_stepped(unit, comptime!(rows * fine), UNITS) {
            let at = first * stride + e / fine;
            let mut value = Quad::new(0.0);
            if at >= comptime!(window.padding) && at < fine_length + comptime!(window.padding) {
                value = fine_map[(spectrum * fine_length + at - comptime!(window.padding)) * fine + e % fine];
            }
            fine_rows[e] = value;
        }
        for e in range_stepped(unit, comptime!(tile.positions * coarse), UNITS) {
            let at = first + e / coarse;
            let mut value = Quad::new(0.0);
            if at < coarse_length {
                value = coarse_map[(spectrum * coarse_length + at) * coarse + e % coarse];
            }
            coarse_rows[e] = value;
        }
        sync_cube();
        for position in range_stepped(team, tile.positions, tile.teams) {
            let y = coarse_rows[position * coarse + c];
            if comptime!(matches!(output, Output::Coarse)) {
                bias_sum += y;
            }
            #[unroll]
            for k in 0..window.kernel {
                let x = fine_rows[(position * stride + k) * fine + f];
                // Every fine position is under one of these weights once.
                if comptime!(
                    matches!(output, Output::Fine)
                        && k >= window.padding
                        && k < window.padding + window.stride
                ) {
                    bias_sum += x;
                }
                #[unroll]
                for i in 0..4usize {
                    let x_i = Quad::new(x.extract(i));
                    sums[k * 4 + i] = fma(x_i, y, sums[k * 4 + i]);
                }
            }
        }
    }

    // The teams' sums are added in their order, so that they are the same every time.
    let mut room = Shared::<[Quad]>::new_slice(UNITS);
    let from = CUBE_POS_X as usize * part_row;
    let more = add == 1;
    #[unroll]
    for k in 0..window.kernel {
        #[unroll]
        for i in 0..4usize {
            let sum = over_teams(&mut room, sums[k * 4 + i], team_units, tile.teams);
            if team == 0 {
                let row = k * comptime!(window.fine) + f * 4 + i;
                put(parts, from + weights + row * coarse + c, sum, more);
            }
        }
    }
    let sum = over_teams(&mut room, bias_sum, team_units, tile.teams);
    if comptime!(matches!(output, Output::Coarse)) {
        if team == 0 && f == 0 {
            put(parts, from + bias + c, sum, more);
        }
    } else if team == 0 && c == 0 {
        put(parts, from + bias + f, sum, more);
    }
}

/// The sum over the teams, for the units of the first.
#[cube]
fn over_teams(
    room: &mut Shared<[Quad]>,
    value: Quad,
    #[comptime] team_units: usize,
    #[comptime] teams: usize,
) -> Quad {
    let unit = UNIT_POS as usize;
    let mut sum = value;
    if comptime!(teams > 1) {
        sync_cube();
        room[unit] = value;
        sync_cube();
        #[unroll]
        for step in 0..comptime!(teams.ilog2() as usize) {
            let half = comptime!(teams >> (step + 1));
            if unit < half * team_units {
                let other = room[unit + half * team_units];
                room[unit] += other;
            }
            sync_cube();
        }
        sum = room[unit];
    }
    sum
}

#[cube]
pub(super) fn put(parts: &mut [Quad], at: usize, value: Quad, more: bool) {
    if more {
        parts[at] += value;
    } else {
        parts[at] = value;
    }
}
