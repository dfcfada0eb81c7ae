//! Which spectra are anomalous, and of which kind: known from the seed and the index alone.

use super::random::{Draw, Purpose};
use super::truth::AnomalyKind;

/// Indices are planned in blocks of so many, within which the places of the anomalies are shuffled.
const BLOCK: u64 = 100;

/// How many of the first `end` indices are anomalous.
fn planted_before(end: u64, fraction: f64) -> u64 {
    (end as f64 * fraction + 1e-9).floor() as u64
}

/// What is planted at `index`: of any number of whole blocks exactly the share `fraction` (rounded down) is anomalous, and all kinds
/// come equally often.
pub(super) fn kind_at(seed: u64, fraction: f64, index: u64) -> Option<AnomalyKind> {
    let fraction = if fraction.is_finite() {
        fraction.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let block = index / BLOCK;
    let first = planted_before(block * BLOCK, fraction);
    let count = planted_before((block + 1) * BLOCK, fraction) - first;
    let mut places: Vec<u64> = (0..BLOCK).collect();
    Draw::new(seed, Purpose::Plan, block).shuffle(&mut places);
    let serial = first
        + places
            .iter()
            .take(count as usize)
            .position(|place| *place == index % BLOCK)? as u64;
    // Kinds are dealt in shuffled rounds, so that a small sample has some of each.
    let kinds = AnomalyKind::ALL.len() as u64;
    let mut round = AnomalyKind::ALL;
    Draw::new(seed, Purpose::Plan, u64::MAX - serial / kinds).shuffle(&mut round);
    Some(round[(serial % kinds) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_asked_for_is_planted_and_every_kind_comes() {
        for fraction in [0.0, 0.003, 0.08, 0.5, 1.0] {
            let planted: Vec<_> = (0..2600).filter_map(|i| kind_at(7, fraction, i)).collect();
            assert_eq!(planted.len(), (2600.0 * fraction + 1e-9) as usize, "{fraction}");
        }
        let planted: Vec<_> = (0..1300).filter_map(|i| kind_at(3, 0.08, i)).collect();
        for kind in AnomalyKind::ALL {
            assert_eq!(planted.iter().filter(|k| **k == kind).count(), 8, "{kind}");
        }
    }

    #[test]
    fn nonsense_fractions_plant_nothing_or_everything() {
        assert_eq!(kind_at(1, f64::NAN, 5), None);
        assert_eq!(kind_at(1, -1.0, 5), None);
        assert!((0..100).all(|i| kind_at(1, 2.0, i).is_some()));
    }
}
