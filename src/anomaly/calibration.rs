//! What is normal at a spectrum's S/N, and how far from it the spectrum stands.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::hypothesis::{contrasts, place_of};
use super::latent::Latents;
use super::{Evidence, Jury, SignificanceSettings, Vote};
use crate::spectrum::order::{location_and_scale, median};

/// Most S/N values at which a curve is fitted; between them it is interpolated.
const NODES: usize = 2048;
/// Most neighbors that one node looks at.
const NODE_SAMPLE: usize = 2001;
/// Of what the emission lines say of each other, next to the windows. It needs a part of its own: few spectra can lose a line that others foretell, so that a jury sees
/// few of them and is never sure. With more of it ordinary galaxies of unusual line ratios come before faint anomalies.
const LINES_WEIGHT: f64 = 0.6;

/// Typical value and spread of a statistic by S/N.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Curve {
    ln_sn: Vec<f64>,
    location: Vec<f64>,
    scale: Vec<f64>,
}

/// What is normal in a population: fitted once, then it judges any [`Evidence`] measured with the same settings.
///
/// The asinh of each significance (linear in noise, logarithmic far out) and the logarithm of the latent distance are compared with
/// those of the spectra nearest in S/N by their median and median absolute deviation:
/// unlike a percentile this does not saturate at the strangest neighbor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    settings: SignificanceSettings,
    /// By width.
    excess: Vec<Curve>,
    missing: Vec<Curve>,
    /// By hypothesis; empty where none was tried.
    statistics: Vec<Curve>,
    latents: Latents,
    latent: Curve,
    typical_latent: f64,
    typical_coverage: f64,
}

/// Which evidence a score rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    Windows,
    Latent,
    /// Emission lines out of proportion to each other.
    Lines,
    Coverage,
}

/// How strange a spectrum is among those of like S/N. All parts are in robust standard deviations of like spectra.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The greatest of the four parts, or what a jury makes of them; never NaN, never negative.
    pub score: f64,
    /// Power mean over the window widths and both signs.
    pub windows: f64,
    /// Latent distance, weighted.
    pub latent: f64,
    /// How much one group of emission lines lacks of what the others foretell of it, weighted.
    pub lines: f64,
    /// How little of the model's grid the spectrum reaches.
    pub coverage: f64,
    pub component: Component,
    /// The window width (pixels) that stands out most, whether with excess (true) or missing flux, and its calibrated significance.
    pub strongest: Option<(usize, bool, f64)>,
    /// Robust Mahalanobis distance of the latent vector, and the typical one.
    pub latent_distance: Option<(f64, f64)>,
    /// Of a jury, if there is one: then the score is the vote's.
    pub vote: Option<Vote>,
}

impl Calibration {
    /// Fits the calibration to a population, in O(n log n).
    ///
    /// The result does not depend on the order of `population`. An empty one gives a calibration that believes the
    /// significances as they are.
    pub fn fit(population: &[Evidence], settings: &SignificanceSettings) -> Self {
        let widths = settings.widths.len();
        let signs = |pick: fn(&Evidence, usize) -> f32| -> Vec<Curve> {
            (0..widths)
                .into_par_iter()
                .map(|width| {
                    let points = population
                        .iter()
                        .filter_map(|evidence| {
                            let sigma = f64::from(pick(evidence, width));
                            (!sigma.is_nan()).then(|| (evidence.ln_sn(), sigma.asinh()))
                        })
                        .collect();
                    Curve::fit(points, settings, settings.monotone_slack)
                })
                .collect()
        };
        let tried = population
            .iter()
            .map(|evidence| evidence.statistics.len())
            .max()
            .unwrap_or(0);
        let statistics = (0..tried)
            .into_par_iter()
            .map(|index| {
                let points = population
                    .iter()
                    .filter_map(|evidence| {
                        let value = f64::from(*evidence.statistics.get(index)?);
                        (!value.is_nan()).then(|| (evidence.ln_sn(), value.asinh()))
                    })
                    .collect();
                Curve::fit(points, settings, f64::INFINITY)
            })
            .collect();
        let latents = Latents::fit(
            population
                .iter()
                .map(|evidence| (evidence.model, &*evidence.latent)),
        );
        let distances: Vec<(f64, f64)> = population
            .par_iter()
            .filter_map(|evidence| {
                let distance = latents.distance(evidence.model, &evidence.latent)?;
                Some((evidence.ln_sn(), ln_rarity(distance, evidence.latent.len())))
            })
            .collect();
        let mut values: Vec<f64> = population
            .par_iter()
            .filter_map(|evidence| latents.distance(evidence.model, &evidence.latent))
            .collect();
        let typical_latent = median(&mut values).unwrap_or(0.0);
        let latent = Curve::fit(distances, settings, settings.latent_slack);
        let mut coverages: Vec<f64> = population
            .iter()
            .map(|evidence| f64::from(evidence.coverage))
            .filter(|coverage| *coverage > 0.0)
            .collect();
        Self {
            settings: settings.clone(),
            excess: signs(|evidence, width| evidence.excess[width]),
            missing: signs(|evidence, width| evidence.missing[width]),
            statistics,
            latents,
            latent,
            typical_latent,
            typical_coverage: median(&mut coverages).unwrap_or(0.0),
        }
    }

    pub fn settings(&self) -> &SignificanceSettings {
        &self.settings
    }

    /// How strange a spectrum is.
    pub fn score(&self, evidence: &Evidence) -> Score {
        let ln_sn = evidence.ln_sn();
        let power = self.settings.power;
        let (mut sum, mut strongest) = (0.0, None::<(usize, bool, f64)>);
        for (index, &width) in self.settings.widths.iter().enumerate() {
            for (excess, sigma) in [(true, evidence.excess[index]), (false, evidence.missing[index])] {
                let z = self.calibrated(index, excess, f64::from(sigma), ln_sn).max(0.0);
                sum += z.powf(power);
                if z > strongest.map_or(0.0, |(_, _, most)| most) {
                    strongest = Some((width, excess, z));
                }
            }
        }
        let windows = (sum / (2 * self.settings.widths.len()) as f64).powf(1.0 / power);
        let distance = self.latents.distance(evidence.model, &evidence.latent);
        let latent = self
            .latent_z(evidence)
            .map_or(0.0, |z| (self.settings.latent_weight * z).max(0.0));
        let lines = LINES_WEIGHT * self.statistic(place_of("foretold_contrast"), evidence).max(0.0);
        let half = 0.5 * self.typical_coverage;
        let lacking = if half > 0.0 {
            ((half - f64::from(evidence.coverage)) / half).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let coverage = self.settings.outside_score * lacking;
        let (mut score, mut component) = (windows, Component::Windows);
        for (part, name) in [
            (latent, Component::Latent),
            (lines, Component::Lines),
            (coverage, Component::Coverage),
        ] {
            if part > score {
                (score, component) = (part, name);
            }
        }
        Score {
            score,
            windows,
            latent,
            lines,
            coverage,
            component,
            strongest,
            latent_distance: distance.map(|distance| (distance, self.typical_latent)),
            vote: None,
        }
    }

    /// How strange a spectrum is in the eyes of a jury that was seated with this calibration; without one as [`Calibration::score`] has it.
    ///
    /// Votes are counted, so many spectra may have them all: what stands out more by the unlearned score comes before them. What the model does not see it
    /// cannot vote on, so that this is added to what it makes of the rest.
    pub fn score_by(&self, jury: Option<&Jury>, evidence: &Evidence) -> Score {
        /// Weight of the logarithm of the unlearned score.
        const UNLEARNED: f64 = 0.7;
        let plain = self.score(evidence);
        let Some(jury) = jury else { return plain };
        let vote = jury.vote(self, evidence);
        let voted = if evidence.coverage > 0.0 {
            vote.score()
        } else {
            0.0
        };
        Score {
            score: voted + plain.coverage + UNLEARNED * plain.score.ln_1p(),
            vote: Some(vote),
            ..plain
        }
    }

    /// What a jury votes on: the calibrated statistics, as signed logarithms of robust standard deviations (0 where there is none), and which of them stands out more.
    pub(crate) fn columns(&self, evidence: &Evidence) -> Vec<f32> {
        let ln_sn = evidence.ln_sn();
        let mut columns = Vec::with_capacity(2 * self.settings.widths.len() + 1 + self.statistics.len());
        for index in 0..self.settings.widths.len() {
            for (excess, sigma) in [(true, evidence.excess[index]), (false, evidence.missing[index])] {
                columns.push(self.calibrated(index, excess, f64::from(sigma), ln_sn));
            }
        }
        columns.push(self.latent_z(evidence).unwrap_or(0.0));
        columns.extend((0..self.statistics.len()).map(|index| self.statistic(index, evidence)));
        columns
            .into_iter()
            .map(|z| (z.signum() * z.abs().ln_1p()) as f32)
            .chain(contrasts(&evidence.statistics).map(|value| value as f32))
            .collect()
    }

    /// A hypothesis's statistic in robust standard deviations of like spectra; 0 where there is none.
    pub(crate) fn statistic(&self, index: usize, evidence: &Evidence) -> f64 {
        match evidence.statistics.get(index) {
            Some(value) if !value.is_nan() => {
                let value = f64::from(*value).asinh();
                self.statistics[index].calibrated(value, evidence.ln_sn(), self.settings.scale_floor)
            }
            _ => 0.0,
        }
    }

    /// The latent distance in robust standard deviations of like spectra; `None` without one.
    fn latent_z(&self, evidence: &Evidence) -> Option<f64> {
        let distance = self.latents.distance(evidence.model, &evidence.latent)?;
        let rarity = ln_rarity(distance, evidence.latent.len());
        Some(
            self.latent
                .calibrated(rarity, evidence.ln_sn(), self.settings.scale_floor),
        )
    }

    /// The `k` of the population nearest to one of them in the latent space of its model, the nearest first (ties by place in the list).
    pub fn nearest(&self, population: &[Evidence], of: usize, k: usize) -> Vec<usize> {
        let own = &population[of];
        // The nearest so far, in their order; there are few.
        let mut found: Vec<(f64, usize)> = Vec::with_capacity(k + 1);
        for (index, other) in population.iter().enumerate() {
            let comparable = index != of && other.model == own.model && other.coverage > 0.0;
            let distance = comparable.then(|| self.latents.between(own.model, &own.latent, &other.latent));
            let Some(distance) = distance.flatten() else {
                continue;
            };
            let place = found.partition_point(|(nearer, _)| nearer.total_cmp(&distance).is_le());
            if place < k {
                found.insert(place, (distance, index));
                found.truncate(k);
            }
        }
        found.into_iter().map(|(_, index)| index).collect()
    }

    /// Whether the score makes the spectrum an anomaly.
    pub fn is_anomalous(&self, score: &Score) -> bool {
        score.score >= self.settings.anomaly_threshold
    }

    /// A significance (sigma, sign as asked for) at a window width in robust standard deviations of like spectra; 0 for NaN.
    pub(crate) fn calibrated(&self, width: usize, excess: bool, sigma: f64, ln_sn: f64) -> f64 {
        if sigma.is_nan() {
            return 0.0;
        }
        let curve = if excess {
            &self.excess[width]
        } else {
            &self.missing[width]
        };
        curve.calibrated(sigma.asinh(), ln_sn, self.settings.scale_floor)
    }
}

/// Half the logarithm of dimensions + distance^2: far out the logarithm of the distance, and flat within the cloud, where a distance
/// close to 0 is not the opposite of rare.
fn ln_rarity(distance: f64, dimensions: usize) -> f64 {
    0.5 * (dimensions as f64 + distance * distance).max(1e-9).ln()
}

impl Curve {
    /// Fits the curve to points `(ln S/N, statistic)`.
    fn fit(mut points: Vec<(f64, f64)>, settings: &SignificanceSettings, slack: f64) -> Self {
        let count = points.len();
        if count == 0 {
            return Self::default();
        }
        points.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let neighbors = settings.neighbors.max(count / 200).min(count);
        let stride = neighbors.div_ceil(NODE_SAMPLE);
        let nodes = count.min(NODES);
        let fitted: Vec<(f64, f64, f64)> = (0..nodes)
            .into_par_iter()
            .filter_map(|node| {
                let rank = if nodes == count {
                    node
                } else {
                    node * (count - 1) / (nodes - 1)
                };
                let first = rank.saturating_sub(neighbors / 2).min(count - neighbors);
                let mut values: Vec<f64> = points[first..first + neighbors]
                    .iter()
                    .step_by(stride)
                    .map(|point| point.1)
                    .collect();
                let (location, scale) = location_and_scale(&mut values)?;
                Some((points[rank].0, location, scale))
            })
            .collect();
        Self::monotone(fitted, slack)
    }

    /// Lets no location stand more than `slack` above that of any higher S/N; the spread is then that of the higher S/N.
    ///
    /// Nodes of equal S/N become one, their mean.
    fn monotone(mut nodes: Vec<(f64, f64, f64)>, slack: f64) -> Self {
        let (mut least, mut spread) = (f64::INFINITY, 0.0);
        for (_, location, scale) in nodes.iter_mut().rev() {
            if *location <= least {
                (least, spread) = (*location, *scale);
            } else if *location > least + slack {
                (*location, *scale) = (least + slack, spread);
            }
        }
        let mut curve = Self::default();
        for group in nodes.chunk_by(|a, b| a.0 == b.0) {
            let count = group.len() as f64;
            curve.ln_sn.push(group[0].0);
            curve
                .location
                .push(group.iter().map(|node| node.1).sum::<f64>() / count);
            curve
                .scale
                .push(group.iter().map(|node| node.2).sum::<f64>() / count);
        }
        curve
    }

    /// Robust standard deviations of `value` above what is typical at `ln_sn`.
    ///
    /// A curve without points believes the value: one standard deviation a unit.
    fn calibrated(&self, value: f64, ln_sn: f64, scale_floor: f64) -> f64 {
        let above = self.ln_sn.partition_point(|node| *node < ln_sn);
        let (location, scale) = match (above.checked_sub(1), self.ln_sn.get(above)) {
            (None, None) => (0.0, 1.0),
            (None, Some(_)) => (self.location[0], self.scale[0]),
            (Some(last), None) => (self.location[last], self.scale[last]),
            (Some(low), Some(high)) => {
                let share = (ln_sn - self.ln_sn[low]) / (high - self.ln_sn[low]);
                let between = |values: &[f64]| values[low] + share * (values[above] - values[low]);
                (between(&self.location), between(&self.scale))
            }
        };
        (value - location) / scale.max(scale_floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::STATISTICS;
    use crate::anomaly::settings::MAX_WIDTHS;

    #[test]
    fn a_faint_crowd_of_outliers_is_no_excuse_for_itself() {
        // Bright: typical 1. Faint: typical 3, another kind of object.
        let bright = (0..300).map(|i| (3.0 + 0.001 * f64::from(i), 1.0 + 0.01 * f64::from(i % 7)));
        let faint = (0..120).map(|i| (0.01 * f64::from(i), 3.0 + 0.01 * f64::from(i % 7)));
        let settings = SignificanceSettings::default();
        let curve = Curve::fit(bright.chain(faint).collect(), &settings, 0.1);
        assert!(curve.calibrated(3.03, 0.5, 0.1) > 10.0);
        assert!(curve.calibrated(1.03, 3.1, 0.1).abs() < 1.0);
    }

    #[test]
    fn brighter_spectra_may_stand_out_more() {
        let points = (0..1000)
            .map(|i| {
                (
                    0.003 * f64::from(i),
                    0.003 * f64::from(i) + 0.1 * f64::from(i % 5),
                )
            })
            .collect();
        let curve = Curve::fit(points, &SignificanceSettings::default(), 0.1);
        assert!(curve.calibrated(0.5 + 0.2, 0.5, 0.05).abs() < 0.5);
        assert!(curve.calibrated(2.5 + 0.2, 2.5, 0.05).abs() < 0.5);
    }

    #[test]
    fn a_line_that_others_foretell_is_a_part_of_its_own() {
        let with = |contrast: f32| {
            let mut statistics = vec![0.0; STATISTICS.len()];
            statistics[place_of("foretold_contrast")] = contrast;
            Evidence {
                excess: [1.0; MAX_WIDTHS],
                missing: [1.0; MAX_WIDTHS],
                sn: 20.0,
                z: 0.1,
                reduced_chi2: 1.0,
                coverage: 1.0,
                masked_fraction: 0.0,
                model: 0,
                latent: Default::default(),
                statistics: statistics.into(),
            }
        };
        let population: Vec<Evidence> = (0..200).map(|i| with(0.1 + 0.01 * (i % 9) as f32)).collect();
        let calibration = Calibration::fit(&population, &SignificanceSettings::default());
        let (ordinary, lacking, too_much) = (with(0.14), with(0.9), with(-0.9));
        let judged = calibration.score(&lacking);
        assert_eq!(judged.component, Component::Lines);
        assert_eq!(judged.score, judged.lines);
        assert!(judged.lines > 3.0, "{judged:?}");
        // Only a lack counts: a group that outshines the others is the lack of those.
        for other in [ordinary, too_much] {
            assert!(calibration.score(&other).lines < 0.5);
        }
    }

    #[test]
    fn no_population_and_a_population_of_one() {
        let settings = SignificanceSettings::default();
        assert_eq!(
            Curve::fit(Vec::new(), &settings, 0.1).calibrated(2.0, 1.0, 0.1),
            2.0
        );
        assert_eq!(
            Curve::fit(vec![(1.0, 2.0)], &settings, 0.1).calibrated(2.0, 1.0, 0.1),
            0.0
        );
    }
}
