//! At what strength anomalies are found.

/// Fewer say nothing.
const FEWEST: usize = 8;

/// The strength at which half of the anomalies are found: logistic regression of found or not on the logarithm of the strength. `None` where all or none are found, of
/// fewer than eight, and where the stronger ones are not found more often; also where it would lie beyond twice the range of the strengths.
///
/// A weak prior (one pseudo-observation on the slope) keeps a perfect separation finite.
///
/// Source: Cox 1958 (JRSS B 20, 215); Newton's method.
pub fn half_found(strengths: &[f64], found: &[bool]) -> Option<f64> {
    assert_eq!(strengths.len(), found.len(), "one verdict a strength");
    let points: Vec<(f64, f64)> = strengths
        .iter()
        .zip(found)
        .filter(|(strength, _)| **strength > 0.0 && strength.is_finite())
        .map(|(strength, found)| (strength.ln(), f64::from(u8::from(*found))))
        .collect();
    let count = points.iter().map(|(_, y)| y).sum::<f64>();
    if points.len() < FEWEST || count == 0.0 || count == points.len() as f64 {
        return None;
    }
    let center = points.iter().map(|(x, _)| x).sum::<f64>() / points.len() as f64;
    const PRIOR: f64 = 0.05;
    let (mut level, mut slope) = (0.0f64, 0.0f64);
    for _ in 0..60 {
        let (mut g0, mut g1) = (0.0, -PRIOR * slope);
        let (mut h00, mut h01, mut h11) = (1e-9, 0.0, PRIOR);
        for (x, y) in &points {
            let x = x - center;
            let p = 1.0 / (1.0 + (-(level + slope * x)).exp());
            let w = p * (1.0 - p);
            g0 += y - p;
            g1 += (y - p) * x;
            h00 += w;
            h01 += w * x;
            h11 += w * x * x;
        }
        let determinant = h00 * h11 - h01 * h01;
        let (step0, step1) = (
            (h11 * g0 - h01 * g1) / determinant,
            (h00 * g1 - h01 * g0) / determinant,
        );
        // Newton overshoots far from the maximum.
        let bound = |step: f64| step.clamp(-2.0, 2.0);
        (level, slope) = (level + bound(step0), slope + bound(step1));
        if step0.abs() + step1.abs() < 1e-10 {
            break;
        }
    }
    let (low, high) = points
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (x, _)| {
            (low.min(*x), high.max(*x))
        });
    let half = center - level / slope;
    let room = std::f64::consts::LN_2;
    (slope > 0.0 && (low - room..=high + room).contains(&half)).then(|| half.exp())
}

#[cfg(test)]
mod tests {
    use super::super::draw::{split_mix, unit_of};
    use super::*;

    #[test]
    fn half_lies_where_the_odds_are_even() {
        // Odds are (strength / 20)^3, found where a repeatable number says so.
        let strengths: Vec<f64> = (0..4000)
            .map(|i| 5.0 * (16f64).powf(f64::from(i) / 4000.0))
            .collect();
        let mut state = 3;
        let found: Vec<bool> = strengths
            .iter()
            .map(|strength| {
                let odds = (strength / 20.0f64).powi(3);
                let unit = unit_of(split_mix(&mut state));
                unit < odds / (1.0 + odds)
            })
            .collect();
        let half = half_found(&strengths, &found).unwrap();
        assert!((half / 20.0 - 1.0).abs() < 0.05, "{half}");
    }

    #[test]
    fn a_clean_cut_is_found_and_nonsense_is_none() {
        let strengths: Vec<f64> = (1..=20).map(f64::from).collect();
        let cut: Vec<bool> = strengths.iter().map(|s| *s > 10.5).collect();
        let half = half_found(&strengths, &cut).unwrap();
        assert!((9.0..12.0).contains(&half), "{half}");
        assert_eq!(half_found(&strengths, &[true; 20]), None);
        assert_eq!(half_found(&strengths, &[false; 20]), None);
        let against: Vec<bool> = cut.iter().map(|found| !found).collect();
        assert_eq!(half_found(&strengths, &against), None);
        assert_eq!(half_found(&strengths[..4], &cut[..4]), None);
    }
}
