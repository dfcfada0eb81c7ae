//! Stars that the catalog calls galaxies: absorption where stars have it, at no redshift.

use super::Residual;
use crate::spectrum::SPEED_OF_LIGHT;

/// Absorption of stars from A to M: Ca K and H, the Balmer lines, Mg b, Na D, H alpha, the calcium triplet. Angstrom vacuum.
///
/// Source: `spectrum/lines.csv`; the triplet as in SDSS's list of absorption lines.
const LINES: [f64; 14] = [
    3934.78, 3969.59, 4102.90, 4341.68, 4862.68, 5168.76, 5174.13, 5185.05, 5891.58, 5897.56, 6564.61,
    8500.36, 8544.44, 8664.52,
];
/// Velocities that are tried, km/s: few stars of the Galaxy are faster.
const VELOCITIES: [f64; 5] = [-180.0, -90.0, 0.0, 90.0, 180.0];
/// A line is measured so far about its center, and compared with what lies from the second to the third of these, Angstrom.
const WINDOW: (f64, f64, f64) = (4.0, 9.0, 24.0);
/// One line counts with at most so many sigma: a single deep one is no star.
const BOUND: f64 = 6.0;
/// A line is there from here on, sigma.
const THERE: f64 = 3.0;

/// How much a spectrum looks like a star's at rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AtRest {
    /// Sum of the bounded significances of the lines over the root of their number: galaxies of any redshift stay below 9 (690 of SDSS), stars of types A to M reach 12 to 18.
    pub significance: f64,
    /// Lines that are observed, and those that are there.
    pub observed: usize,
    pub there: usize,
}

impl AtRest {
    /// From here on it is a star's.
    const STAR: f64 = 10.5;
    /// From here on it may be one where something else says so too.
    const MAYBE: f64 = 5.0;
    /// Fewer lines than this could be anybody's.
    const LEAST: usize = 4;

    pub fn is_star(&self) -> bool {
        self.there >= Self::LEAST && self.significance >= Self::STAR
    }

    /// Whether it may be a star, which the fit at another redshift must say too.
    pub fn may_be_star(&self) -> bool {
        self.there >= Self::LEAST && self.significance >= Self::MAYBE
    }
}

/// Measures the lines of stars where they would be observed in one of the Galaxy; the depth of each against the scatter of the spectrum beside it.
pub fn at_rest(residual: &Residual) -> AtRest {
    let tried = VELOCITIES.map(|velocity| comb(residual, 1.0 + velocity / SPEED_OF_LIGHT));
    tried
        .into_iter()
        .reduce(|best, next| {
            if next.significance > best.significance {
                next
            } else {
                best
            }
        })
        .unwrap_or(AtRest {
            significance: 0.0,
            observed: 0,
            there: 0,
        })
}

fn comb(residual: &Residual, stretch: f64) -> AtRest {
    let depths: Vec<f64> = LINES
        .iter()
        .filter_map(|line| Some(-residual.above(line * stretch, WINDOW)?.sigma()))
        .collect();
    let sum: f64 = depths.iter().map(|depth| depth.clamp(-BOUND, BOUND)).sum();
    AtRest {
        significance: sum / (depths.len().max(1) as f64).sqrt(),
        observed: depths.len(),
        there: depths.iter().filter(|depth| **depth >= THERE).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::draw::Draw;

    /// Absorption at the lines of stars, moved by 1 + z; seen from 4000 to 9200 Angstrom in pixels of 1e-4 dex at S/N 20.
    fn seen(z: f64, depth: f64) -> AtRest {
        let mut draw = Draw::new(5, 0);
        let observed: Vec<f64> = (0..3617)
            .map(|i| 4000.0 * 10f64.powf(1e-4 * f64::from(i)))
            .collect();
        let flux: Vec<f32> = observed
            .iter()
            .map(|seen| {
                let absorbed: f64 = LINES
                    .iter()
                    .map(|line| (-0.5 * ((seen / (1.0 + z) - line) / 2.5).powi(2)).exp())
                    .sum();
                (1.0 - depth * absorbed.min(1.0) + 0.05 * draw.normal()) as f32
            })
            .collect();
        let (ivar, model, clean) = (
            vec![400.0; flux.len()],
            vec![1.0; flux.len()],
            vec![false; flux.len()],
        );
        at_rest(&Residual {
            flux: &flux,
            ivar: &ivar,
            reconstruction: &model,
            observed: &observed,
            artifact: &clean,
            z: 0.3,
        })
    }

    #[test]
    fn a_star_is_known_by_its_lines_at_rest_and_a_galaxy_is_none() {
        let star = seen(0.0003, 0.4);
        assert!(star.is_star() && star.observed == 12, "{star:?}");
        for z in [0.02, 0.07, 0.12, 0.3] {
            let galaxy = seen(z, 0.4);
            assert!(!galaxy.is_star() && !galaxy.may_be_star(), "{z}: {galaxy:?}");
        }
        assert!(!seen(0.0, 0.0).may_be_star(), "noise");
    }
}
