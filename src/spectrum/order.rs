//! Order statistics: what a few strange values cannot move.

/// Ratio of the standard deviation to the median absolute deviation of a Gaussian.
///
/// Source: Rousseeuw & Croux 1993 (JASA 88, 1273), section 1.
pub(crate) const MAD_TO_SIGMA: f64 = 1.482_602_218_505_602;

/// Median of the values, the mean of the two middle ones where their number is even; `None` of none. Reorders the values.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    if !even {
        return Some(upper);
    }
    let lower = below.iter().copied().max_by(f64::total_cmp).unwrap_or(upper);
    Some(0.5 * (lower + upper))
}

/// The middle value, the upper of two where their number is even; `None` of none.
pub(crate) fn upper_median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f64::total_cmp).1)
}

/// Median, and median absolute deviation from it scaled to a Gaussian's standard deviation. Overwrites the values.
pub(crate) fn location_and_scale(values: &mut [f64]) -> Option<(f64, f64)> {
    let location = median(values)?;
    for value in values.iter_mut() {
        *value = (*value - location).abs();
    }
    Some((location, MAD_TO_SIGMA * median(values)?))
}

/// The `percent` percentile with linear interpolation between order statistics; `None` of none. Reorders the values.
///
/// Source: definition 7 of Hyndman & Fan 1996 (The American Statistician 50, 361), as NumPy's default.
pub(crate) fn percentile(values: &mut [f64], percent: f64) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let position = (percent / 100.0).clamp(0.0, 1.0) * (values.len() - 1) as f64;
    let low = position.floor() as usize;
    let (_, at, above) = values.select_nth_unstable_by(low, f64::total_cmp);
    let at = *at;
    let next = above.iter().copied().min_by(f64::total_cmp).unwrap_or(at);
    Some(at + (position - low as f64) * (next - at))
}

/// The same of values in ascending order, by the share of them that lies below (0 to 1).
pub(crate) fn quantile_of_sorted(values: &[f64], share: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let position = share * last as f64;
    let low = values[position.floor() as usize];
    let high = values[position.ceil() as usize];
    Some(low + (high - low) * position.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_numbers() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&mut []), None);
        assert_eq!(upper_median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(upper_median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(3.0));
        assert_eq!(upper_median([].into_iter()), None);
    }

    #[test]
    fn scale_ignores_an_outlier() {
        let (location, scale) = location_and_scale(&mut [1.0, 2.0, 3.0, 4.0, 1e9]).unwrap();
        assert_eq!((location, scale), (3.0, MAD_TO_SIGMA));
    }

    #[test]
    fn percentile_is_that_of_numpy() {
        // numpy.percentile([1, 2, 4, 8, 16], 95) == 14.4
        assert!((percentile(&mut [16.0, 1.0, 8.0, 2.0, 4.0], 95.0).unwrap() - 14.4).abs() < 1e-12);
        assert_eq!(percentile(&mut [5.0], 95.0), Some(5.0));
        assert!((quantile_of_sorted(&[1.0, 2.0, 4.0, 8.0, 16.0], 0.95).unwrap() - 14.4).abs() < 1e-12);
        assert_eq!(quantile_of_sorted(&[], 0.5), None);
    }
}
