//! The reason of a verdict in words.

use super::reason::of_vote;
use super::{Calibration, Component, Evidence, GridRegion, OwnLines, Score};

/// What is said where a group of lines lacks what the others foretell.
pub(super) const OUT_OF_PROPORTION: &str = "emission lines out of proportion to each other";

/// A percentile to the first decimal, rounded down: nothing but the whole is 100 %.
pub fn percentile_words(percentile: f64) -> String {
    // 98.9 is not what a division has left a bit below 99.
    const BIT: f64 = 1e-6;
    format!("{:.1}", (10.0 * percentile + BIT).floor() / 10.0)
}

/// A redshift to the third decimal; what is nothing then has no sign.
pub fn redshift_words(z: f64) -> String {
    format!("{:.3}", (1000.0 * z).round() / 1000.0 + 0.0)
}

/// Why a spectrum has its score, in words; regions must be sorted, the strongest first, and `own` be what its lines among them say.
pub fn explain(
    score: &Score,
    evidence: &Evidence,
    regions: &[GridRegion],
    own: Option<&OwnLines>,
    calibration: &Calibration,
) -> String {
    let windows = || match (regions.first(), score.strongest) {
        (Some(region), _) => region.words(),
        (None, Some((width, excess, _))) => {
            let sign = if excess { "excess" } else { "missing" };
            let pixels = if width == 1 { "pixel" } else { "pixels" };
            format!("diffuse {sign} flux at the scale of {width} {pixels}, no single region stands out")
        }
        (None, None) => "nothing stands out".to_owned(),
    };
    let latent = || {
        let (distance, typical) = score.latent_distance.unwrap_or((0.0, 0.0));
        format!("rare latent vector (distance {distance:.1}, typical {typical:.1})")
    };
    let coverage = || {
        let z = redshift_words(f64::from(evidence.z));
        if evidence.coverage == 0.0 {
            return format!("no valid pixel within the model's range at z = {z}");
        }
        let share = 100.0 * evidence.coverage;
        format!("outside the model's range: only {share:.0}% of it is observed at z = {z}")
    };
    if let Some(vote) = score
        .vote
        .as_ref()
        .filter(|_| score.component != Component::Coverage)
    {
        return of_vote(vote, score, evidence, regions, own, calibration);
    }
    let first = match score.component {
        Component::Windows => windows(),
        Component::Latent => latent(),
        Component::Lines => OUT_OF_PROPORTION.to_owned(),
        Component::Coverage => coverage(),
    };
    let notable = calibration.settings().anomaly_threshold;
    let mut words = first;
    if score.component != Component::Windows && score.windows >= notable && !regions.is_empty() {
        words.push_str("; ");
        words.push_str(&windows());
    }
    if score.component != Component::Latent && score.latent >= notable {
        words.push_str("; ");
        words.push_str(&latent());
    }
    if score.component != Component::Coverage && score.coverage >= notable {
        words.push_str("; ");
        words.push_str(&coverage());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_redshift_has_no_sign() {
        assert_eq!(redshift_words(-0.0003), "0.000");
        assert_eq!(redshift_words(-0.0016), "-0.002");
        assert_eq!(redshift_words(0.3021), "0.302");
    }

    #[test]
    fn a_percentile_is_rounded_down_once() {
        // 100 (n - rank) / n of the first, and of others.
        let of = |rank: f64, n: f64| percentile_words(100.0 * (n - rank) / n);
        assert_eq!(of(1.0, 696.0), "99.8");
        assert_eq!(of(1.0, 100_000.0), "99.9");
        assert_eq!(of(7.0, 694.0), "98.9");
        for (n, tenth) in [(1000.0, 0.1), (500.0, 0.2)] {
            for rank in 1..100 {
                let exact = format!("{:.1}", 100.0 - tenth * f64::from(rank));
                assert_eq!(of(f64::from(rank), n), exact);
            }
        }
    }
}
