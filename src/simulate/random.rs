//! Seeded draws: one independent ChaCha stream for every spectrum, so that a spectrum depends on the seed and its index alone.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

/// What a stream of random numbers is for. Streams of different purposes never share a number.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
pub(super) enum Purpose {
    /// The object and how it is observed.
    Object = 0,
    /// Photon and read noise, masks.
    Noise = 1,
    /// The planted anomaly.
    Anomaly = 2,
    /// Which indices of a block are anomalous, and of which kind.
    Plan = 3,
    /// The surroundings in a picture; far from the seeds of the others, four of which belong together.
    Portrait = 1 << 62,
}

/// A stream of random numbers with the distributions that the simulation needs.
pub(super) struct Draw(ChaCha8Rng);

impl Draw {
    /// The stream of `purpose` for spectrum (or block) `index` under `seed`.
    pub(super) fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(4).wrapping_add(purpose as u64));
        rng.set_stream(index);
        Self(rng)
    }

    /// Uniform in `[0, 1)`.
    pub(super) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `[low, high)`.
    pub(super) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in the logarithm between `low` and `high`.
    pub(super) fn log_uniform(&mut self, low: f64, high: f64) -> f64 {
        self.uniform(low.ln(), high.ln()).exp()
    }

    /// Normal deviate of zero mean and unit variance.
    pub(super) fn gauss(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// Normal deviate.
    pub(super) fn normal(&mut self, mean: f64, sigma: f64) -> f64 {
        mean + sigma * self.gauss()
    }

    /// `10^(N(0, dex))`: a factor that scatters by `dex`.
    pub(super) fn scatter(&mut self, dex: f64) -> f64 {
        10f64.powf(dex * self.gauss())
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Uniform integer in `[0, n)`; `n` must not be 0.
    pub(super) fn index(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n - 1)
    }

    /// Fisher-Yates.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.index(i + 1));
        }
    }
}
