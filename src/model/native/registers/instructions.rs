//! What the processor can do, asked at run time.

use std::time::Instant;

use super::product::{Finish, Product, multiply};

/// A set of vector instructions that this processor has: only [`Self::available`] makes one, so that who holds one may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstructionSet(pub(super) Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "aarch64")]
    Neon,
    Plain,
}

impl InstructionSet {
    /// All that this processor has, the widest first.
    pub fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                sets.push(Self(Kind::Avx512));
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                sets.push(Self(Kind::Avx2));
            }
        }
        #[cfg(target_arch = "aarch64")]
        sets.push(Self(Kind::Neon));
        sets.push(Self(Kind::Plain));
        sets
    }

    /// The widest of this processor.
    pub fn best() -> Self {
        static BEST: std::sync::OnceLock<InstructionSet> = std::sync::OnceLock::new();
        *BEST.get_or_init(|| Self::available()[0])
    }

    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => "neon",
            Kind::Plain => "plain",
        }
    }
}

/// Multiply-adds a second of one core on operands that stay in its registers and its first cache level: the limit of every kernel here.
pub fn peak(set: InstructionSet) -> f64 {
    const DEPTH: usize = 400_000;
    // The block that the product keeps in registers.
    let (rows, columns) = match set.0 {
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 => (12, 32),
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => (6, 16),
        #[cfg(target_arch = "aarch64")]
        Kind::Neon => (6, 16),
        Kind::Plain => (4, 8),
    };
    let (left, right, mut out) = ([1e-3; 16], [1.0; 32], [0.0; 12 * 32]);
    let product = Product {
        rows,
        columns,
        depth: DEPTH,
        left: std::hint::black_box(&left),
        left_row: 1,
        left_step: 0,
        right: std::hint::black_box(&right),
        right_row: 0,
    };
    let seconds = (0..5).map(|_| {
        let started = Instant::now();
        multiply(set, &product, Finish::Set, &mut out, columns);
        std::hint::black_box(&out);
        started.elapsed().as_secs_f64()
    });
    (DEPTH * rows * columns) as f64 / seconds.fold(f64::INFINITY, f64::min)
}
