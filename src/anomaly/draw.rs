//! Repeatable random numbers without a random-number crate.

/// The next number of a SplitMix64 sequence: repeatable thinning of large populations without a random-number crate.
///
/// Source: Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators" (OOPSLA 2014).
pub(crate) fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number from 0 (inclusive) to 1 (exclusive) of random bits.
pub(crate) fn unit_of(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// A stream of random numbers that depends on its seed and its number alone.
#[derive(Debug, Clone)]
pub(crate) struct Draw {
    state: u64,
}

impl Draw {
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut state = seed ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        split_mix(&mut state);
        Self { state }
    }

    /// 0 (inclusive) to 1 (exclusive).
    pub fn unit(&mut self) -> f64 {
        unit_of(split_mix(&mut self.state))
    }

    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Both limits positive.
    pub fn log_uniform(&mut self, low: f64, high: f64) -> f64 {
        (low.ln() + (high / low).ln() * self.unit()).exp()
    }

    /// 0 to `count` (exclusive); `count` is not 0.
    pub fn index(&mut self, count: usize) -> usize {
        ((self.unit() * count as f64) as usize).min(count - 1)
    }

    pub fn sign(&mut self) -> f64 {
        if self.unit() < 0.5 { -1.0 } else { 1.0 }
    }

    /// Of a standard Gaussian. Source: Box & Muller 1958 (Annals of Mathematical Statistics 29, 610).
    pub fn normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.unit(), self.unit());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_the_deviates() {
        let mut draw = Draw::new(3, 1);
        let normal: Vec<f64> = (0..20_000).map(|_| draw.normal()).collect();
        let mean = normal.iter().sum::<f64>() / 20_000.0;
        let square = normal.iter().map(|v| v * v).sum::<f64>() / 20_000.0;
        assert!(
            mean.abs() < 0.03 && (square - 1.0).abs() < 0.05,
            "{mean} {square}"
        );
        let unit = (0..20_000).map(|_| draw.unit()).sum::<f64>() / 20_000.0;
        assert!((unit - 0.5).abs() < 0.01);
    }

    #[test]
    fn streams_differ_and_repeat() {
        let first = |seed, stream| Draw::new(seed, stream).unit();
        assert_eq!(first(1, 2), first(1, 2));
        assert_ne!(first(1, 2), first(1, 3));
        assert_ne!(first(1, 2), first(2, 2));
    }
}
