//! The networks on the processor with kernels of their own, forward and backward; burn keeps the weights, the records and all other devices.
//!
//! burn's operations write every feature map to memory and read it again, and its autodiff keeps all of them until the backward pass: 19 MB for eight spectra in
//! the original's network. Here loss and gradient of a spectrum are worked out together while its maps are in the
//! cache. So the unit is not one operation but the whole way from a batch to the gradients, which are handed to burn's optimizer as its autodiff
//! would have. The reference device (`ndarray`) and the GPUs go burn's way; a test holds both together.

mod adam;
mod bottleneck;
mod convolution;
mod engine;
mod loss;
mod registers;
mod skip;
mod spare;
#[cfg(test)]
pub(super) mod tests;

pub(super) use adam::Adam;
pub use convolution::{Convolution, Window};
pub(super) use engine::{Engine, Lesson, Weights};
pub use loss::Truth;
#[cfg(feature = "gpu")]
pub(super) use registers::AdamStep;
pub use registers::{Finish, InstructionSet, peak};
pub use skip::Skip;

use registers::{Product, multiply};

/// The scalar product of two slices, in float64 where float32 would lose.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f64 {
    registers::dot(InstructionSet::best(), a, b)
}

/// Adds to `out`, `[rows, width]`, the sum over `count` of the outer products of the rows of `left`, `[count, rows]`, and of those of a matrix whose rows begin
/// the given number of values apart.
pub(super) fn add_outer(
    left: &[f32],
    rows: usize,
    (right, right_row): (&[f32], usize),
    count: usize,
    out: &mut [f32],
) {
    let columns = out.len() / rows;
    let product = Product {
        rows,
        columns,
        depth: count,
        left,
        left_row: 1,
        left_step: rows,
        right,
        right_row,
    };
    multiply(InstructionSet::best(), &product, Finish::Add, out, columns);
}

/// Parts into which a batch is divided whatever the number of threads, so that sums do not depend on it.
const PARTS: usize = 32;
