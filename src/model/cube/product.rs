//! Products of matrices whose rows are spectra, parameters or pixels.

use burn::cubecl;
use cubecl::prelude::*;

use super::small::{FEATURES, Sizes};
use super::{Buffer, Room};

/// A matrix in memory: where it begins, and how many numbers its rows are apart; `turned` if the product takes its columns for rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub numbers: &'a Buffer,
    pub from: usize,
    pub row: usize,
    pub turned: bool,
}

/// What else is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Extra {
    Nothing,
    /// The right matrix is `rate · right + other`.
    Mixed,
    /// The product is multiplied by `other`, number by number.
    Sloped,
    /// Only what [`super::small`] uses of the product of its rows is kept; the rest is zero.
    Small(Sizes),
}

/// `out[rows, columns] = scale · left[rows, depth] · right[depth, columns]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Product<'a> {
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
    pub left: Matrix<'a>,
    pub right: Matrix<'a>,
    pub extra: Extra,
    pub other: &'a Buffer,
    pub other_from: usize,
    pub rate: f32,
    pub scale: f32,
    /// The sum over the depth is divided into so many, one matrix of the output for each.
    pub slices: usize,
    /// Add to what is there.
    pub add: bool,
}

impl<'a> Product<'a> {
    /// No product yet; buffers that are not used are `unused`.
    pub fn new(unused: &'a Buffer) -> Self {
        let nothing = Matrix {
            numbers: unused,
            from: 0,
            row: 0,
            turned: false,
        };
        Self {
            rows: 0,
            columns: 0,
            depth: 0,
            left: nothing,
            right: nothing,
            extra: Extra::Nothing,
            other: unused,
            other_from: 0,
            rate: 1.0,
            scale: 1.0,
            slices: 1,
            add: false,
        }
    }
}

/// Depth that is in shared memory at once.
const DEEP: usize = 16;
/// Columns of a workgroup.
const WIDE: usize = 64;

/// `out` begins at the number of `to`, and its rows are `row` apart.
pub(super) fn multiply(room: &Room, product: Product, (out, to, row): (&Buffer, usize, usize)) {
    let tall = if product.rows <= 16 { 1usize } else { 4 };
    let Product { left, right, .. } = product;
    let slice = product.depth.div_ceil(product.slices).next_multiple_of(DEEP);
    kernel::launch(
        &room.client,
        CubeCount::Static(
            product.columns.div_ceil(WIDE) as u32,
            product.rows.div_ceil(16 * tall) as u32,
            product.slices as u32,
        ),
        CubeDim::new_1d(256),
        left.numbers.numbers(),
        right.numbers.numbers(),
        product.other.numbers(),
        out.numbers(),
        left.from,
        left.row,
        right.from,
        right.row,
        product.other_from,
        to,
        row,
        product.rows,
        product.columns,
        product.depth,
        slice,
        product.rate,
        product.scale,
        u32::from(product.add),
        tall,
        left.turned,
        right.turned,
        product.extra,
    );
}

#[cube(launch)]
fn kernel(
    left: &[f32],
    right: &[f32],
    other: &[f32],
    out: &mut [f32],
    left_from: usize,
    left_row: usize,
    right_from: usize,
    right_row: usize,
    other_from: usize,
    to: usize,
    out_row: usize,
    rows: usize,
    columns: usize,
    depth: usize,
    slice: usize,
    rate: f32,
    scale: f32,
    add: u32,
    #[comptime] tall: usize,
    #[comptime] left_turned: bool,
    #[comptime] right_turned: bool,
    #[comptime] extra: Extra,
) {
    let height = comptime!(16 * tall);
    // One more, so that units that write columns do not meet in a bank.
    let left_wide = comptime!(16 * tall + 1);
    let right_wide = comptime!(WIDE + 1);
    let mut a = Shared::<[f32]>::new_slice(comptime!(DEEP * (16 * tall + 1)));
    let mut b = Shared::<[f32]>::new_slice(comptime!(DEEP * (WIDE + 1)));
    let unit = UNIT_POS as usize;
    let across = unit % 16;
    let down = unit / 16;
    let first_row = CUBE_POS_Y as usize * height;
    let first_column = CUBE_POS_X as usize * WIDE;
    let begin = CUBE_POS_Z as usize * slice;
    let end = min(begin + slice, depth);

    let mut sums = Array::<f32>::new(comptime!(tall * 4));
    for from in range_stepped(begin, end, DEEP) {
        sync_cube();
        #[unroll]
        for e in 0..tall {
            let i = unit + e * 256;
            // Neighboring units read neighboring numbers.
            let r = if comptime!(left_turned) {
                i % height
            } else {
                i / DEEP
            };
            let d = if comptime!(left_turned) {
                i / height
            } else {
                i % DEEP
            };
            let mut value = 0.0f32;
            if first_row + r < rows && from + d < end {
                let at = if comptime!(left_turned) {
                    (from + d) * left_row + first_row + r
                } else {
                    (first_row + r) * left_row + from + d
                };
                value = left[left_from + at];
            }
            a[d * left_wide + r] = value;
        }
        #[unroll]
        for e in 0..4usize {
            let i = unit + e * 256;
            let c = if comptime!(right_turned) {
                i / DEEP
            } else {
                i % WIDE
            };
            let d = if comptime!(right_turned) {
                i % DEEP
            } else {
                i / WIDE
            };
            let mut value = 0.0f32;
            if first_column + c < columns && from + d < end {
                let at = if comptime!(right_turned) {
                    (first_column + c) * right_row + from + d
                } else {
                    (from + d) * right_row + first_column + c
                };
                value = right[right_from + at];
                if comptime!(matches!(extra, Extra::Mixed)) {
                    value = fma(rate, value, other[other_from + at]);
                }
            }
            b[d * right_wide + c] = value;
        }
        sync_cube();
        for d in 0..DEEP {
            let mut y = Array::<f32>::new(4usize);
            #[unroll]
            for j in 0..4usize {
                y[j] = b[d * right_wide + across + j * 16];
            }
            #[unroll]
            for i in 0..tall {
                let x = a[d * left_wide + down + i * 16];
                #[unroll]
                for j in 0..4usize {
                    sums[i * 4 + j] = fma(x, y[j], sums[i * 4 + j]);
                }
            }
        }
    }
    #[unroll]
    for i in 0..tall {
        #[unroll]
        for j in 0..4usize {
            let r = first_row + down + i * 16;
            let c = first_column + across + j * 16;
            if r < rows && c < columns {
                let at = (CUBE_POS_Z as usize * rows + r) * out_row + c;
                let mut value = sums[i * 4 + j] * scale;
                if comptime!(matches!(extra, Extra::Sloped)) {
                    value *= other[other_from + at];
                }
                if comptime!(matches!(extra, Extra::Small(_))) {
                    let sizes = comptime!(match extra {
                        Extra::Small(sizes) => sizes,
                        _ => unreachable!(),
                    });
                    let first = comptime!(FEATURES);
                    let second = comptime!(FEATURES + sizes.latent);
                    let in_latent = r < first && c < sizes.latent;
                    let in_hidden = r >= first
                        && r < second
                        && c >= sizes.latent
                        && c < comptime!(sizes.latent + sizes.hidden);
                    if !(in_latent || in_hidden || r == second) {
                        value = 0.0;
                    }
                }
                if add == 1 {
                    value += out[to + at];
                }
                out[to + at] = value;
            }
        }
    }
}
