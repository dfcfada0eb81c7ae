//! The one convolution that the matrix product does badly: to a single channel.

use super::instructions::{InstructionSet, Kind};
use super::lane::{Lane, Plain};

/// The transposed convolution to one channel: with taps `weights` `[3, depth]` and `rows` `[positions, depth]`, adds to `out[2 i]` the product of row `i` and
/// tap 1, and to `out[2 i + 1]` those of row `i` and tap 2 and of row `i + 1` and tap 0. Panics if a slice is too short.
///
/// One column fills no register: here the registers lie along the channels and are summed at the end.
pub fn add_dots(set: InstructionSet, rows: &[f32], weights: &[f32], depth: usize, out: &mut [f32]) {
    assert!(
        depth % 16 == 0 && weights.len() >= 3 * depth && rows.len() >= (out.len() / 2 + 1) * depth,
        "a factor is too short"
    );
    // SAFETY: the lengths were checked, and `set` is one that the processor has.
    unsafe {
        match set.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => dots_avx512(rows, weights, depth, out),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => dots_avx2(rows, weights, depth, out),
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => dots::<std::arch::aarch64::float32x4_t>(rows, weights, depth, out),
            Kind::Plain => dots::<Plain>(rows, weights, depth, out),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn dots_avx512(rows: &[f32], weights: &[f32], depth: usize, out: &mut [f32]) {
    unsafe { dots::<std::arch::x86_64::__m512>(rows, weights, depth, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn dots_avx2(rows: &[f32], weights: &[f32], depth: usize, out: &mut [f32]) {
    unsafe { dots::<std::arch::x86_64::__m256>(rows, weights, depth, out) }
}

#[inline(always)]
unsafe fn dots<V: Lane>(rows: &[f32], weights: &[f32], depth: usize, out: &mut [f32]) {
    let weights = weights.as_ptr();
    for (index, pair) in out.chunks_mut(2).enumerate() {
        // SAFETY: `add_dots` has checked that the row after the last is there.
        unsafe {
            let row = rows.as_ptr().add(index * depth);
            let mut even = V::zero();
            for k in (0..depth).step_by(V::WIDTH) {
                even = even.plus_product(V::load(row.add(k)), V::load(weights.add(depth + k)));
            }
            pair[0] += even.sum();
            if let Some(odd) = pair.get_mut(1) {
                let (mut own, mut next) = (V::zero(), V::zero());
                for k in (0..depth).step_by(V::WIDTH) {
                    own = own.plus_product(V::load(row.add(k)), V::load(weights.add(2 * depth + k)));
                    next = next.plus_product(V::load(row.add(depth + k)), V::load(weights.add(k)));
                }
                *odd += own.add(next).sum();
            }
        }
    }
}
