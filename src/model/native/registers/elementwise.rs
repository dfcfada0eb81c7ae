//! What is done to every number by itself, in as many registers at once as the processor has.

use super::instructions::{InstructionSet, Kind};

/// A function whose body is compiled once for every instruction set, and chosen by the first argument.
macro_rules! for_every_set {
    ($(#[$doc:meta])* $name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)? $body:block) => {
        $(#[$doc])*
        pub fn $name(set: InstructionSet, $($argument: $kind),*) $(-> $result)? {
            #[inline(always)]
            fn any($($argument: $kind),*) $(-> $result)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f")]
            fn avx512($($argument: $kind),*) $(-> $result)? {
                any($($argument),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($argument: $kind),*) $(-> $result)? {
                any($($argument),*)
            }
            match set.0 {
                // SAFETY: `set` is one that the processor has.
                #[cfg(target_arch = "x86_64")]
                Kind::Avx512 => unsafe { avx512($($argument),*) },
                #[cfg(target_arch = "x86_64")]
                Kind::Avx2 => unsafe { avx2($($argument),*) },
                _ => any($($argument),*),
            }
        }
    };
}

/// e^x for x <= 0 to two units in the last place.
///
/// Source: the polynomial of Moshier's Cephes library, `expf`.
#[inline(always)]
fn exp_negative(x: f32) -> f32 {
    let x = x.max(-87.0);
    // Adding 1.5 · 2^23 leaves the rounded exponent in the lowest bits.
    let shifted = x * std::f32::consts::LOG2_E + 12_582_912.0;
    let n = shifted - 12_582_912.0;
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5] {
        p = p * r + c;
    }
    let power = f32::from_bits(shifted.to_bits().wrapping_sub(0x4B40_0000).wrapping_add(127) << 23);
    (p * r * r + r + 1.0) * power
}

/// The error function to 3e-7.
///
/// Source: the rational approximation on [-4, 4] of Eigen (`generic_fast_erf_float`).
#[inline(always)]
fn erf(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let y = x * x;
    let mut p = -2.726_142_3e-10;
    for c in [
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906_3e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ] {
        p = p * y + c;
    }
    let mut q = -1.456_607_2e-5;
    for c in [-2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_474e-2] {
        q = q * y + c;
    }
    x * p / q
}

for_every_set! {
    /// GELU (with the error function) of `values` into `out`, and its derivative in place.
    gelu(values: &mut [f32], out: &mut [f32]) {
        for (value, out) in values.iter_mut().zip(out) {
            let x = *value;
            let below = 0.5 + 0.5 * erf(x * std::f32::consts::FRAC_1_SQRT_2);
            let density = 0.398_942_3 * exp_negative(-0.5 * x * x);
            *out = x * below;
            *value = below + x * density;
        }
    }
}

for_every_set! {
    /// SiLU of `values` into `out`, and its derivative in place.
    silu(values: &mut [f32], out: &mut [f32]) {
        for (value, out) in values.iter_mut().zip(out) {
            let x = *value;
            let small = exp_negative(-x.abs());
            let share = if x < 0.0 { small } else { 1.0 } / (1.0 + small);
            *out = x * share;
            *value = share * (1.0 + x * (1.0 - share));
        }
    }
}

for_every_set! {
    /// `values` times `factors`.
    scale(values: &mut [f32], factors: &[f32]) {
        for (value, factor) in values.iter_mut().zip(factors) {
            *value *= factor;
        }
    }
}

for_every_set! {
    /// `values` times one factor.
    scale_by(values: &mut [f32], factor: f32) {
        for value in values {
            *value *= factor;
        }
    }
}

for_every_set! {
    /// Adds `weight` times the sign of each parameter: the gradient of their L1 norm.
    add_signs(gradient: &mut [f32], parameters: &[f32], weight: f32) {
        for (gradient, parameter) in gradient.iter_mut().zip(parameters) {
            let sign = if *parameter > 0.0 { weight } else if *parameter < 0.0 { -weight } else { 0.0 };
            *gradient += sign;
        }
    }
}

for_every_set! {
    /// The scalar product. Sums of a few hundred float32 products, then float64: fast, and exact enough for normal equations.
    dot(a: &[f32], b: &[f32]) -> f64 {
        // Plain loops: what iterators are summed by is no part of this function, and would know nothing of its registers.
        let mut whole = 0.0;
        for (a, b) in a.chunks(512).zip(b.chunks(512)) {
            let mut sums = [0.0f32; 32];
            let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<32>(), b.as_chunks::<32>());
            for (a, b) in a.iter().zip(b) {
                for lane in 0..32 {
                    sums[lane] += a[lane] * b[lane];
                }
            }
            let mut rest = 0.0f32;
            for (a, b) in a_rest.iter().zip(b_rest) {
                rest += a * b;
            }
            whole += f64::from(sums.iter().sum::<f32>() + rest);
        }
        whole
    }
}

for_every_set! {
    /// The sum over the pixels of the weighted squared residual of a model, bounded as `2 d² (sqrt(1 + x² / d²) - 1)` with `limit` = d² (infinite: not bounded);
    /// the model is replaced by the derivative.
    residuals(model: &mut [f32], flux: &[f32], ivar: &[f32], error_floor: f32, limit: f32) -> f64 {
        let inverse = 1.0 / limit;
        let mut total = 0.0;
        for ((model, flux), ivar) in model.chunks_mut(256).zip(flux.chunks(256)).zip(ivar.chunks(256)) {
            let mut sums = [0.0f32; 256];
            for (((model, flux), ivar), sum) in model.iter_mut().zip(flux).zip(ivar).zip(&mut sums) {
                let error = *model * error_floor;
                let difference = *model - flux;
                let weighted = difference * (ivar / (ivar * error * error + 1.0));
                let square = difference * weighted;
                if limit.is_finite() {
                    let root = (square * inverse + 1.0).sqrt();
                    *sum = (root - 1.0) * (2.0 * limit);
                    *model = 2.0 * weighted / root;
                } else {
                    *sum = square;
                    *model = 2.0 * weighted;
                }
            }
            total += f64::from(sums.iter().sum::<f32>());
        }
        total
    }
}

/// The numbers of a step of Adam that are the same for all parameters.
#[derive(Debug, Clone, Copy)]
pub struct AdamStep {
    pub beta_1: f32,
    pub beta_2: f32,
    /// Factor of the parameter itself: 1 less AdamW's decay.
    pub keep: f32,
    /// Weight of the parameter in its gradient: Adam's L2 penalty.
    pub penalty: f32,
    /// What the first moment is divided by, or multiplied with, before the quotient.
    pub correct_1: f32,
    pub correct_2: f32,
    pub epsilon: f32,
    pub rate: f32,
}

for_every_set! {
    /// One step of AdamW in one pass.
    adamw(step: AdamStep, parameters: &mut [f32], gradient: &[f32], moment_1: &mut [f32], moment_2: &mut [f32]) {
        let (one_1, one_2) = (1.0 - step.beta_1, 1.0 - step.beta_2);
        for (((p, g), m), v) in parameters.iter_mut().zip(gradient).zip(moment_1).zip(moment_2) {
            *m = *m * step.beta_1 + g * one_1;
            *v = *v * step.beta_2 + g * g * one_2;
            let delta = (*m / step.correct_1) / ((*v / step.correct_2).sqrt() + step.epsilon);
            *p = *p * step.keep - delta * step.rate;
        }
    }
}

for_every_set! {
    /// One step of Adam in one pass.
    adam(step: AdamStep, parameters: &mut [f32], gradient: &[f32], moment_1: &mut [f32], moment_2: &mut [f32]) {
        let (one_1, one_2) = (1.0 - step.beta_1, 1.0 - step.beta_2);
        for (((p, g), m), v) in parameters.iter_mut().zip(gradient).zip(moment_1).zip(moment_2) {
            let g = *p * step.penalty + g;
            *m = *m * step.beta_1 + g * one_1;
            *v = *v * step.beta_2 + g * g * one_2;
            *p -= *m * step.correct_1 / (v.sqrt() + step.epsilon) * step.rate;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of scipy.special.erf and numpy.exp.
    #[test]
    fn erf_and_exp_have_their_published_values() {
        for (x, value) in [
            (0.0, 0.0),
            (0.1, 0.112_462_916),
            (0.5, 0.520_499_9),
            (1.0, 0.842_700_8),
            (2.0, 0.995_322_3),
            (3.0, 0.999_977_9),
            (5.0, 1.0),
        ] {
            assert!((erf(x) - value).abs() < 3e-7, "{x}: {} {value}", erf(x));
            assert!((erf(-x) + value).abs() < 3e-7);
        }
        for x in [0.0f32, -1e-3, -0.3, -1.0, -7.7, -20.0, -80.0] {
            assert!((exp_negative(x) / x.exp() - 1.0).abs() < 3e-7, "{x}");
        }
        assert!(exp_negative(-1000.0) < 1e-37);
    }

    #[test]
    fn derivatives_equal_finite_differences() {
        let xs: Vec<f32> = (-60..60).map(|i| i as f32 * 0.1 + 0.03).collect();
        for set in InstructionSet::available() {
            for activation in [gelu, silu] {
                let of = |shift: f32| {
                    let mut values: Vec<f32> = xs.iter().map(|x| x + shift).collect();
                    let mut out = vec![0.0; values.len()];
                    activation(set, &mut values, &mut out);
                    (out, values)
                };
                let (low, derivative, high) = (of(-0.01).0, of(0.0).1, of(0.01).0);
                for i in 0..xs.len() {
                    let expected = (high[i] - low[i]) / 0.02;
                    assert!(
                        (derivative[i] - expected).abs() < 2e-4,
                        "{} {expected} at {}",
                        derivative[i],
                        xs[i]
                    );
                }
            }
        }
    }
}
