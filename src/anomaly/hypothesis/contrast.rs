//! Which of two hypotheses explains a spectrum better: what a tree that looks at one statistic at a time hardly sees.

use super::{STATISTICS, place_of};

/// How many there are.
pub(crate) const CONTRASTS: usize = 24;

/// Differences of statistics (asinh of each, so that they are those of logarithms where much is found), 0 where they cannot be said.
///
/// What is a step and what the light of a star, a cosmic ray and a line, sky and galaxy, is told by which of them stands out more, while how much they do is told by strength and noise.
///
/// Shape: `statistics` in the order of [`STATISTICS`].
pub(crate) fn contrasts(statistics: &[f32]) -> [f64; CONTRASTS] {
    if statistics.len() != STATISTICS.len() {
        return [0.0; CONTRASTS];
    }
    let raw = |index: usize| {
        let value = f64::from(statistics[index]);
        if value.is_nan() { 0.0 } else { value }
    };
    let of = |name: &str| raw(place_of(name)).asinh();
    let most = |prefix: &str| {
        (0..STATISTICS.len())
            .filter(|index| STATISTICS[*index].starts_with(prefix))
            .map(|index| raw(index).asinh())
            .fold(f64::NEG_INFINITY, f64::max)
    };
    let window = |widths: &[usize]| {
        widths
            .iter()
            .flat_map(|width| [of(&format!("excess_{width}")), of(&format!("missing_{width}"))])
            .fold(f64::NEG_INFINITY, f64::max)
    };
    let (star, supernova, balmer) = (most("star_"), most("supernova"), most("balmer"));
    let source = star.max(supernova);
    let (narrow, wide) = (window(&[25, 45]), window(&[255, 511, 1023]));
    let (sharpest, unknown, known) = (of("sharpest"), of("unknown_line"), of("known_line_excess"));
    let (step, prone, contrast) = (of("step"), of("worst_prone"), of("foretold_contrast"));
    // The ratio of the mean squares, which are near 1 where nothing is wrong.
    let detector =
        (of("chi2_prone").sinh() + 0.1).max(0.01).ln() - (of("chi2_clean").sinh() + 0.1).max(0.01).ln();
    [
        step - source,
        of("step_at_joint") - step,
        step - wide,
        of("slope") - source,
        of("curvature") - source,
        of("slope") - step,
        detector,
        sharpest - unknown,
        sharpest - known,
        sharpest - of("worst_15"),
        balmer - source,
        balmer - wide,
        of("second_lines") - unknown,
        unknown - known,
        unknown - narrow,
        supernova - star,
        wide - source,
        narrow - wide,
        prone - of("worst_15"),
        prone - of("worst_240"),
        of("worst_15") - of("worst_240"),
        contrast - known,
        of("foretold_lack") - known,
        contrast.max(0.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(values: &[(&str, f32)]) -> [f64; CONTRASTS] {
        let mut statistics = vec![0.0; STATISTICS.len()];
        for (name, value) in values {
            statistics[STATISTICS.iter().position(|other| other == name).unwrap()] = *value;
        }
        contrasts(&statistics)
    }

    #[test]
    fn the_better_explanation_has_the_sign() {
        assert!(with(&[("step", 40.0), ("star_5400", 10.0)])[0] > 1.0);
        assert!(with(&[("step", 10.0), ("star_5400", 40.0)])[0] < -1.0);
        assert!(with(&[("sharpest", 30.0), ("unknown_line", 12.0)])[7] > 0.5);
        // asinh(40) - asinh(10), by hand.
        assert!((with(&[("step", 40.0), ("star_5400", 10.0)])[0] - (4.382_183 - 2.998_223)).abs() < 1e-5);
    }

    #[test]
    fn what_was_not_measured_says_nothing() {
        assert_eq!(contrasts(&[]), [0.0; CONTRASTS]);
        assert!(with(&[("step", f32::NAN)]).iter().all(|value| value.is_finite()));
    }
}
