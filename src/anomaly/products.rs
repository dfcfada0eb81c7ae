//! Products of rows of numbers.

use ndarray::aview1;

/// The scalar product, in several sums at once: one sum alone would wait for each of its additions.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    aview1(a).dot(&aview1(b))
}

/// The product number by number.
pub(crate) fn times(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}
