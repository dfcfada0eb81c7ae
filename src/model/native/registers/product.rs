//! One matrix product, of which convolutions are made: the left factor is read by any two strides, so that overlapping windows of a
//! spectrum are rows of a matrix without being copied.

use super::instructions::{InstructionSet, Kind};
use super::lane::{Lane, Plain};

/// The factors of a product: `left[row · left_row + k · left_step] · right[k · right_row + column]`, summed over `k < depth`.
#[derive(Clone, Copy)]
pub struct Product<'a> {
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
    pub left: &'a [f32],
    pub left_row: usize,
    pub left_step: usize,
    pub right: &'a [f32],
    pub right_row: usize,
}

/// What becomes of the sums before they are written; slices other than `bias` are laid out as the output is.
#[derive(Clone, Copy)]
pub enum Finish<'a> {
    Set,
    /// Added to what is there.
    Add,
    Bias {
        bias: &'a [f32],
    },
    Relu {
        bias: &'a [f32],
    },
    ReluPlus {
        bias: &'a [f32],
        plus: &'a [f32],
    },
    /// The sum where the one is greater than the other, else 0.
    Where {
        this: &'a [f32],
        exceeds: &'a [f32],
    },
    /// The sum where this is positive, else 0.
    WherePositive {
        this: &'a [f32],
    },
    /// Added to what is there, where this is positive; 0 elsewhere.
    AddWherePositive {
        this: &'a [f32],
    },
}

impl<'a> Finish<'a> {
    /// The same for an output that begins `offset` floats later.
    pub fn from(self, offset: usize) -> Self {
        let later = |slice: &'a [f32]| &slice[offset.min(slice.len())..];
        match self {
            Self::ReluPlus { bias, plus } => Self::ReluPlus {
                bias,
                plus: later(plus),
            },
            Self::Where { this, exceeds } => Self::Where {
                this: later(this),
                exceeds: later(exceeds),
            },
            Self::WherePositive { this } => Self::WherePositive { this: later(this) },
            Self::AddWherePositive { this } => Self::AddWherePositive { this: later(this) },
            Self::Set | Self::Add | Self::Bias { .. } | Self::Relu { .. } => self,
        }
    }
}

/// Computes a product into `out[row · out_row + column]`. Panics if a slice is too short.
pub fn multiply(set: InstructionSet, p: &Product, finish: Finish, out: &mut [f32], out_row: usize) {
    if p.rows == 0 || p.columns == 0 {
        return;
    }
    let last = p.depth.saturating_sub(1);
    let end = (p.rows - 1) * out_row + p.columns;
    let fits = |slice: &[f32]| slice.len() >= end;
    assert!(
        p.depth == 0
            || (p.left.len() > (p.rows - 1) * p.left_row + last * p.left_step
                && p.right.len() >= last * p.right_row + p.columns),
        "a factor is too short"
    );
    assert!(
        fits(out) && (p.rows == 1 || out_row >= p.columns),
        "the output is too short"
    );
    assert!(
        match finish {
            Finish::Set | Finish::Add => true,
            Finish::Bias { bias } | Finish::Relu { bias } => bias.len() >= p.columns,
            Finish::ReluPlus { bias, plus } => bias.len() >= p.columns && fits(plus),
            Finish::Where { this, exceeds } => fits(this) && fits(exceeds),
            Finish::WherePositive { this } | Finish::AddWherePositive { this } => fits(this),
        },
        "what the output is finished with is too short"
    );
    // SAFETY: the indices were checked above, and `set` is one that the processor has (they are made by `available`).
    unsafe {
        match set.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => avx512(p, finish, out.as_mut_ptr(), out_row),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => avx2(p, finish, out.as_mut_ptr(), out_row),
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => {
                all::<std::arch::aarch64::float32x4_t, 6, 4, 6, 6>(p, finish, out.as_mut_ptr(), out_row)
            }
            Kind::Plain => all::<Plain, 3, 2, 3, 4>(p, finish, out.as_mut_ptr(), out_row),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(p: &Product, finish: Finish, out: *mut f32, out_row: usize) {
    unsafe { all::<std::arch::x86_64::__m512, 6, 4, 12, 12>(p, finish, out, out_row) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(p: &Product, finish: Finish, out: *mut f32, out_row: usize) {
    unsafe { all::<std::arch::x86_64::__m256, 6, 2, 6, 6>(p, finish, out, out_row) }
}

/// The whole product in blocks that stay in registers: `WIDE` registers across by `M` rows, then two by `M2`, then one by `M1`.
#[inline(always)]
unsafe fn all<V: Lane, const M: usize, const WIDE: usize, const M2: usize, const M1: usize>(
    p: &Product,
    finish: Finish,
    out: *mut f32,
    out_row: usize,
) {
    let mut column = 0;
    let left = |column: usize| (p.columns - column) / V::WIDTH;
    unsafe {
        while WIDE > 2 && left(column) >= WIDE {
            strip::<V, M, WIDE>(p, finish, column, out, out_row);
            column += WIDE * V::WIDTH;
        }
        while left(column) >= 2 {
            strip::<V, M2, 2>(p, finish, column, out, out_row);
            column += 2 * V::WIDTH;
        }
        if left(column) >= 1 {
            strip::<V, M1, 1>(p, finish, column, out, out_row);
            column += V::WIDTH;
        }
        if column < p.columns {
            rest(p, finish, column, out, out_row);
        }
    }
}

/// All rows of `N` registers of columns.
#[inline(always)]
unsafe fn strip<V: Lane, const M: usize, const N: usize>(
    p: &Product,
    finish: Finish,
    column: usize,
    out: *mut f32,
    out_row: usize,
) {
    let mut row = 0;
    unsafe {
        while row + M <= p.rows {
            block::<V, M, N>(p, finish, row, column, out, out_row);
            row += M;
        }
        if M > 8 && row + 8 <= p.rows {
            block::<V, 8, N>(p, finish, row, column, out, out_row);
            row += 8;
        }
        if M > 4 && row + 4 <= p.rows {
            block::<V, 4, N>(p, finish, row, column, out, out_row);
            row += 4;
        }
        if M > 2 && row + 2 <= p.rows {
            block::<V, 2, N>(p, finish, row, column, out, out_row);
            row += 2;
        }
        while row < p.rows {
            block::<V, 1, N>(p, finish, row, column, out, out_row);
            row += 1;
        }
    }
}

/// `M` rows by `N` registers.
#[inline(always)]
unsafe fn block<V: Lane, const M: usize, const N: usize>(
    p: &Product,
    finish: Finish,
    row: usize,
    column: usize,
    out: *mut f32,
    out_row: usize,
) {
    unsafe {
        let mut sums = [[V::zero(); N]; M];
        let mut left = p.left.as_ptr().add(row * p.left_row);
        let mut right = p.right.as_ptr().add(column);
        for _ in 0..p.depth {
            let mut across = [V::zero(); N];
            for n in 0..N {
                across[n] = V::load(right.add(n * V::WIDTH));
            }
            for m in 0..M {
                let factor = V::splat(*left.add(m * p.left_row));
                for n in 0..N {
                    sums[m][n] = sums[m][n].plus_product(factor, across[n]);
                }
            }
            left = left.wrapping_add(p.left_step);
            right = right.wrapping_add(p.right_row);
        }
        macro_rules! write {
            (|$sum:ident, $at:ident, $column:ident| $value:expr) => {
                for m in 0..M {
                    for n in 0..N {
                        let $sum = sums[m][n];
                        let $column = column + n * V::WIDTH;
                        let $at = (row + m) * out_row + $column;
                        $value.store(out.add($at));
                    }
                }
            };
        }
        match finish {
            Finish::Set => write!(|sum, at, _c| sum),
            Finish::Add => write!(|sum, at, _c| V::load(out.add(at)).add(sum)),
            Finish::Bias { bias } => write!(|sum, at, c| sum.add(V::load(bias.as_ptr().add(c)))),
            Finish::Relu { bias } => write!(|sum, at, c| sum.add(V::load(bias.as_ptr().add(c))).positive()),
            Finish::ReluPlus { bias, plus } => write!(|sum, at, c| {
                let relu = sum.add(V::load(bias.as_ptr().add(c))).positive();
                relu.add(V::load(plus.as_ptr().add(at)))
            }),
            Finish::Where { this, exceeds } => write!(|sum, at, _c| {
                sum.where_greater(V::load(this.as_ptr().add(at)), V::load(exceeds.as_ptr().add(at)))
            }),
            Finish::WherePositive { this } => {
                write!(|sum, at, _c| sum.where_greater(V::load(this.as_ptr().add(at)), V::zero()))
            }
            Finish::AddWherePositive { this } => write!(|sum, at, _c| {
                V::load(out.add(at))
                    .add(sum)
                    .where_greater(V::load(this.as_ptr().add(at)), V::zero())
            }),
        }
    }
}

/// The columns that fill no register.
unsafe fn rest(p: &Product, finish: Finish, from: usize, out: *mut f32, out_row: usize) {
    for row in 0..p.rows {
        for column in from..p.columns {
            let mut sum = 0.0;
            for k in 0..p.depth {
                sum += p.left[row * p.left_row + k * p.left_step] * p.right[k * p.right_row + column];
            }
            let at = row * out_row + column;
            // SAFETY: `multiply` has checked the length.
            let old = unsafe { &mut *out.add(at) };
            *old = match finish {
                Finish::Set => sum,
                Finish::Add => *old + sum,
                Finish::Bias { bias } => sum + bias[column],
                Finish::Relu { bias } => relu(sum + bias[column]),
                Finish::ReluPlus { bias, plus } => relu(sum + bias[column]) + plus[at],
                Finish::Where { this, exceeds } if this[at] > exceeds[at] => sum,
                Finish::WherePositive { this } if this[at] > 0.0 => sum,
                Finish::AddWherePositive { this } if this[at] > 0.0 => *old + sum,
                _ => 0.0,
            };
        }
    }
}

/// Nothing below zero; what is no number stays none.
fn relu(value: f32) -> f32 {
    if value < 0.0 { 0.0 } else { value }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn values(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761).max(1);
        (0..count)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                state as f32 / u32::MAX as f32 - 0.5
            })
            .collect()
    }

    /// What becomes of a sum, at an index of the output and a column.
    type Expected<'a> = &'a dyn Fn(f32, usize, usize) -> f32;

    #[test]
    fn every_instruction_set_computes_every_shape_and_finish() {
        for set in InstructionSet::available() {
            for (rows, columns, depth) in [
                (1, 1, 1),
                (3, 64, 7),
                (13, 32, 5),
                (25, 16, 96),
                (7, 112, 3),
                (12, 48, 1),
                (5, 21, 4),
                (31, 200, 9),
                (2, 64, 0),
            ] {
                let (left_row, left_step) = (3, 2);
                let left = values(rows * left_row + depth * left_step + 1, 1);
                let right = values((depth + 1) * (columns + 2), 2);
                let (out_row, before) = (columns + 3, values(rows * (columns + 3), 3));
                let (bias, this, that) = (
                    values(columns, 4),
                    values(rows * out_row, 5),
                    values(rows * out_row, 6),
                );
                let p = Product {
                    rows,
                    columns,
                    depth,
                    left: &left,
                    left_row,
                    left_step,
                    right: &right,
                    right_row: columns + 2,
                };
                let finishes: [(Finish, Expected); 8] = [
                    (Finish::Bias { bias: &bias }, &|sum, _, c| sum + bias[c]),
                    (Finish::Set, &|sum, _, _| sum),
                    (Finish::Add, &|sum, at, _| before[at] + sum),
                    (Finish::Relu { bias: &bias }, &|sum, _, c| {
                        (sum + bias[c]).max(0.0)
                    }),
                    (
                        Finish::ReluPlus {
                            bias: &bias,
                            plus: &this,
                        },
                        &|sum, at, c| (sum + bias[c]).max(0.0) + this[at],
                    ),
                    (
                        Finish::Where {
                            this: &this,
                            exceeds: &that,
                        },
                        &|sum, at, _| if this[at] > that[at] { sum } else { 0.0 },
                    ),
                    (Finish::WherePositive { this: &this }, &|sum, at, _| {
                        if this[at] > 0.0 { sum } else { 0.0 }
                    }),
                    (Finish::AddWherePositive { this: &this }, &|sum, at, _| {
                        if this[at] > 0.0 { before[at] + sum } else { 0.0 }
                    }),
                ];
                for (index, (finish, expected)) in finishes.into_iter().enumerate() {
                    let mut out = before.clone();
                    multiply(set, &p, finish, &mut out, out_row);
                    for row in 0..rows {
                        for column in 0..out_row {
                            let at = row * out_row + column;
                            if column >= columns {
                                assert_eq!(out[at], before[at], "written beside the output");
                                continue;
                            }
                            let sum: f64 = (0..depth)
                                .map(|k| {
                                    f64::from(left[row * left_row + k * left_step])
                                        * f64::from(right[k * (columns + 2) + column])
                                })
                                .sum();
                            let expected = expected(sum as f32, at, column);
                            assert!(
                                (out[at] - expected).abs() < 1e-5,
                                "{set:?} {rows} x {columns} x {depth}, finish {index}, {row} {column}: {} {expected}",
                                out[at]
                            );
                        }
                    }
                }
            }
        }
    }
}
