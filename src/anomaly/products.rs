//! Products of rows of numbers, in the widest registers that the processor has.
//!
//! Nothing is rounded otherwise in wide registers: sums that are made beside each other are so in all of them.

use pulp::Arch;

/// Sums that are made beside each other: one alone would wait for each of its additions.
const SUMS: usize = 8;

/// The scalar product.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let length = a.len().min(b.len());
    let ((a, a_rest), (b, b_rest)) = (a[..length].as_chunks::<SUMS>(), b[..length].as_chunks::<SUMS>());
    let sums = Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut sums = [0.0; SUMS];
            for (a, b) in a.iter().zip(b) {
                for lane in 0..SUMS {
                    sums[lane] += a[lane] * b[lane];
                }
            }
            sums
        },
    );
    let (low, high) = sums.split_at(SUMS / 2);
    let whole: f64 = low.iter().zip(high).map(|(low, high)| low + high).sum();
    a_rest.iter().zip(b_rest).fold(whole, |sum, (a, b)| sum + a * b)
}

/// The product number by number.
pub(crate) fn times(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut products = a.to_vec();
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (product, b) in products.iter_mut().zip(b) {
                *product *= b;
            }
        },
    );
    products
}

/// Adds `factor` times `row`.
pub(crate) fn add_times(sums: &mut [f64], factor: f64, row: &[f64]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += factor * value;
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_by_hand() {
        let a: Vec<f64> = (0..21).map(f64::from).collect();
        let b: Vec<f64> = a.iter().map(|value| 2.0 * value).collect();
        // 2 times the squares up to 20.
        assert_eq!(dot(&a, &b), 2.0 * 2870.0);
        assert_eq!(dot(&a[..3], &b), 10.0, "the shorter row counts");
        assert_eq!(times(&a, &b)[20], 800.0);
        let mut sums = b;
        add_times(&mut sums, -2.0, &a);
        assert_eq!(sums, [0.0; 21]);
    }
}
