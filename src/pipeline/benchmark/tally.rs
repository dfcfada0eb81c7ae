//! From lists and their truth to figures.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rayon::prelude::*;

use super::judged::{OURS, Row, SeedRun};
use super::labels::{Relabeled, User};
use super::report::{
    Above, Figure, Labeled, ListReport, Outranking, Part, PlantedRow, RankingReport, Repeats, Stability, Told,
};
use super::{Material, RankingRequest};
use crate::anomaly::{
    Bootstrap, Correlations, Measured, TrueList, correlations, half_found, merit, spearman,
};

/// Edges of the ranges of S/N.
const SN_EDGES: [f64; 6] = [0.0, 5.0, 10.0, 20.0, 40.0, f64::INFINITY];
/// Ranges of strength a factor of ten.
const STRENGTHS_A_DECADE: f64 = 4.0;

/// Lists of all seeds with what the parts are cut from.
struct Tally<'a> {
    runs: &'a [SeedRun],
    bootstrap: Bootstrap,
    /// Number of each base id.
    groups: HashMap<&'a str, usize>,
    odd: HashSet<&'a str>,
}

/// Which anomalies and which spectra.
type Which<'a> = &'a (dyn Fn(&Row) -> bool + Sync);

fn is_anomaly(row: &Row) -> bool {
    row.mark.kind.is_some()
}

pub(super) fn report(
    request: &RankingRequest,
    runs: &[SeedRun],
    stability: Option<Stability>,
) -> RankingReport {
    let mut groups = HashMap::new();
    for row in runs.iter().flat_map(|run| &run.rows) {
        let next = groups.len();
        groups.entry(row.mark.base_id.as_str()).or_insert(next);
    }
    let tally = Tally {
        runs,
        bootstrap: Bootstrap::new(groups.len(), request.bootstraps, 1),
        groups,
        odd: request.odd.iter().map(String::as_str).collect(),
    };
    let mut names: Vec<&str> = vec![OURS];
    names.extend(request.comparators.iter().map(|comparator| comparator.name()));
    let ours = tally.measure(OURS, &|_| true, &is_anomaly);
    let lists = names
        .par_iter()
        .filter_map(|name| tally.list(name, ours.as_ref()))
        .collect();
    let (material, planting) = match &request.material {
        Material::Planted(planting) => (
            format!(
                "anomalies of {} kinds planted into {} % of the spectra, S/N {} to {}",
                planting.kinds.len(),
                100.0 * planting.rate,
                planting.sn.0,
                planting.sn.1
            ),
            Some(planting.clone()),
        ),
        Material::Mixed { others, share } => (
            format!("objects of {} mixed in as {} %", others.join(", "), 100.0 * share),
            None,
        ),
        Material::Known { truth } => (format!("the truth is {}", truth.display()), None),
    };
    let first = runs.first().map_or(&[][..], |run| &run.rows);
    RankingReport {
        version: env!("CARGO_PKG_VERSION").into(),
        run: 0,
        inputs: request.inputs.clone(),
        material,
        planting,
        settings: request.settings.clone(),
        seeds: request.seeds.clone(),
        bootstraps: request.bootstraps,
        spectra: first.len(),
        anomalies: first.iter().filter(|row| is_anomaly(row)).count(),
        lists,
        artifacts: tally.artifacts(),
        artifact_regions: tally.told("artifact_probability of the strongest region", &|row| {
            row.region_artifact
        }),
        labels: tally.labels(&request.labels),
        stability,
        repeats: tally.repeats(),
        outranking: tally.outranking(),
        planted: tally.planted(),
        files: Vec::new(),
    }
}

impl Tally<'_> {
    /// The figures of the anomalies `of` in the lists of the spectra `among`.
    fn measure(&self, name: &str, among: Which, of: Which) -> Option<Measured> {
        let (lists, parts): (Vec<TrueList>, Vec<Vec<bool>>) = self
            .runs
            .iter()
            .map(|run| self.true_list(run, name, among, of))
            .unzip();
        self.bootstrap.measure(&lists, &parts)
    }

    fn true_list(&self, run: &SeedRun, name: &str, among: Which, of: Which) -> (TrueList, Vec<bool>) {
        let mut list = TrueList::default();
        let mut part = Vec::new();
        for (row, score) in run.rows.iter().zip(&run.scores[name]) {
            if among(row) {
                list.scores.push(*score);
                list.anomalous.push(is_anomaly(row));
                list.groups.push(self.groups[row.mark.base_id.as_str()]);
                part.push(is_anomaly(row) && of(row));
            }
        }
        (list, part)
    }

    fn count(&self, of: Which) -> usize {
        let rows = self.runs.iter().flat_map(|run| &run.rows);
        rows.filter(|row| is_anomaly(row) && of(row)).count()
    }

    /// A part of the anomalies, where there are any.
    fn part(
        &self,
        list: &str,
        name: &str,
        range: Option<(f64, f64)>,
        among: Which,
        of: Which,
    ) -> Option<Part> {
        let both = |row: &Row| among(row) && of(row);
        let count = self.count(&both);
        let measured = self.measure(list, among, of)?;
        Some(Part::new(name, range, count, &measured))
    }

    /// The strength at which half of the anomalies `of` are within the first tenth of the list.
    fn half_found(&self, list: &str, of: Which) -> Option<f64> {
        let (mut strengths, mut found) = (Vec::new(), Vec::new());
        for run in self.runs {
            let scores = &run.scores[list];
            // NaN stands last in a list.
            let rankable = scores
                .iter()
                .map(|s| if s.is_nan() { f64::NEG_INFINITY } else { *s });
            let mut sorted: Vec<f64> = rankable.collect();
            sorted.sort_by(|a, b| b.total_cmp(a));
            let edge = sorted.get(scores.len() / 10).copied().unwrap_or(f64::NAN);
            for (row, score) in run.rows.iter().zip(scores) {
                if let Some(strength) = row.mark.strength.filter(|_| is_anomaly(row) && of(row)) {
                    strengths.push(strength);
                    found.push(*score > edge);
                }
            }
        }
        half_found(&strengths, &found)
    }

    fn list(&self, name: &str, ours: Option<&Measured>) -> Option<ListReport> {
        let measured = self.measure(name, &|_| true, &is_anomaly)?;
        let rows = || self.runs.iter().flat_map(|run| &run.rows);
        let kinds: BTreeSet<&str> = rows().filter_map(|row| row.mark.kind.as_deref()).collect();
        let by_kind = kinds.iter().filter_map(|kind| {
            let of = |row: &Row| row.mark.kind.as_deref() == Some(*kind);
            let part = self.part(name, kind, None, &|_| true, &of)?;
            Some(Part {
                half_found: self.half_found(name, &of),
                ..part
            })
        });
        let strengths: Vec<f64> = rows().filter_map(|row| row.mark.strength).collect();
        let by_strength = ranges_of(&strengths).into_iter().filter_map(|(low, high)| {
            let of = |row: &Row| row.mark.strength.is_some_and(|s| (low..high).contains(&s));
            let text = format!("{low:.3} to {high:.3}");
            self.part(name, &text, Some((low, high)), &|_| true, &of)
        });
        let by_sn = SN_EDGES.windows(2).filter_map(|edges| {
            let (low, high) = (edges[0], edges[1]);
            let among = |row: &Row| (low..high).contains(&row.sn);
            let text = match (low, high) {
                (0.0, high) => format!("S/N below {high}"),
                (low, high) if high.is_infinite() => format!("S/N above {low}"),
                (low, high) => format!("S/N {low} to {high}"),
            };
            self.part(name, &text, Some((low, high)), &among, &|_| true)
        });
        let is_odd = |row: &Row| self.odd.contains(row.mark.base_id.as_str());
        let without_odd = (!self.odd.is_empty())
            .then(|| {
                let among = |row: &Row| is_anomaly(row) || !is_odd(row);
                self.part(name, "without the known odd", None, &among, &|_| true)
            })
            .flatten();
        let against_odd = (!self.odd.is_empty())
            .then(|| self.measure(name, &|row| is_anomaly(row) || is_odd(row), &is_anomaly))
            .flatten();
        let seeds = self.runs.iter().filter_map(|run| {
            let (list, part) = self.true_list(run, name, &|_| true, &|_| true);
            Some((run.seed, merit(&list, &part, |_| 1.0)?))
        });
        Some(ListReport {
            name: name.to_owned(),
            overall: Part {
                half_found: self.half_found(name, &|_| true),
                ..Part::new("all", None, self.count(&|_| true), &measured)
            },
            without_odd,
            ceiling: against_odd.map(|measured| Figure {
                value: measured.value.average_precision,
                error: measured.error.average_precision,
            }),
            seeds: seeds.collect(),
            by_kind: by_kind.collect(),
            by_strength: by_strength.collect(),
            by_sn: by_sn.collect(),
            correlations: self.correlations(name, &|_| true),
            correlations_of_normal: self.correlations(name, &|row| !is_anomaly(row)),
            ours_above: ours
                .filter(|_| name != OURS)
                .map(|ours| Above::of(ours, &measured)),
        })
    }

    /// Mean over the seeds.
    fn correlations(&self, name: &str, among: Which) -> Correlations {
        let each: Vec<Correlations> = self
            .runs
            .iter()
            .map(|run| {
                let rows: Vec<(&Row, f64)> = run
                    .rows
                    .iter()
                    .zip(run.scores[name].iter().copied())
                    .filter(|(row, _)| among(row))
                    .collect();
                let column =
                    |value: fn(&Row) -> f64| rows.iter().map(|(row, _)| value(row)).collect::<Vec<_>>();
                let scores: Vec<f64> = rows.iter().map(|(_, score)| *score).collect();
                correlations(
                    &scores,
                    &column(|row| row.sn),
                    &column(|row| row.z),
                    &column(|row| row.masked_fraction),
                )
            })
            .collect();
        Correlations {
            sn: mean_of(each.iter().filter_map(|c| c.sn)),
            redshift: mean_of(each.iter().filter_map(|c| c.redshift)),
            masked_fraction: mean_of(each.iter().filter_map(|c| c.masked_fraction)),
        }
    }

    /// What so many labels are worth, to each user.
    fn labels(&self, counts: &[usize]) -> Vec<Labeled> {
        let cases = User::ALL
            .into_iter()
            .flat_map(|user| counts.iter().map(move |count| (user, *count)));
        cases
            .filter_map(|(user, count)| self.labeled(user, count))
            .collect()
    }

    /// `None` where nobody is after anything, or after all there is.
    fn labeled(&self, user: User, count: usize) -> Option<Labeled> {
        let relabeled: Vec<Relabeled> = self
            .runs
            .par_iter()
            .map(|run| Relabeled::of(run, user, &self.odd, count))
            .collect();
        let measure = |scores: &dyn Fn(&Relabeled) -> Vec<f64>| {
            let (lists, parts): (Vec<TrueList>, Vec<Vec<bool>>) = relabeled
                .iter()
                .map(|run| {
                    let wanted: Vec<bool> = run.rows.iter().map(|row| user.wants(row, &self.odd)).collect();
                    let groups = run.rows.iter().map(|row| self.groups[row.mark.base_id.as_str()]);
                    let list = TrueList {
                        scores: scores(run),
                        anomalous: wanted.clone(),
                        groups: groups.collect(),
                    };
                    (list, wanted)
                })
                .unzip();
            self.bootstrap.measure(&lists, &parts)
        };
        let before = measure(&|run| run.before.clone())?;
        let after = measure(&|run| run.after.clone())?;
        let wanted = relabeled.iter().flat_map(|run| &run.rows);
        let wanted = wanted.filter(|row| user.wants(row, &self.odd)).count();
        let interesting: usize = relabeled.iter().map(|run| run.interesting).sum();
        Some(Labeled {
            user,
            labels: count,
            interesting: interesting as f64 / relabeled.len() as f64,
            learned: relabeled.iter().filter(|run| run.learned).count(),
            wanted,
            before: Part::new("before", None, wanted, &before),
            after: Part::new("after", None, wanted, &after),
            gain: Above::of(&after, &before),
        })
    }

    fn artifacts(&self) -> Option<Told> {
        let mut rows = self.runs.iter().flat_map(|run| &run.rows);
        let by = if rows.any(|row| row.artifact_voted) {
            "artifact_probability"
        } else {
            "artifact_fraction"
        };
        self.told(by, &|row| Some(row.artifact))
    }

    /// How well artifacts are told from the other anomalies by a number of those that have one.
    fn told(&self, by: &str, of: &dyn Fn(&Row) -> Option<f64>) -> Option<Told> {
        let mut counts = [0; 2];
        let (lists, parts): (Vec<TrueList>, Vec<Vec<bool>>) = self
            .runs
            .iter()
            .map(|run| {
                let mut list = TrueList::default();
                for row in run.rows.iter().filter(|row| is_anomaly(row)) {
                    if let (Some(artifact), Some(score)) = (row.mark.artifact, of(row)) {
                        list.scores.push(score);
                        list.anomalous.push(artifact);
                        list.groups.push(self.groups[row.mark.base_id.as_str()]);
                        counts[usize::from(artifact)] += 1;
                    }
                }
                let part = list.anomalous.clone();
                (list, part)
            })
            .unzip();
        let measured = self.bootstrap.measure(&lists, &parts)?;
        Some(Told {
            by: by.into(),
            artifacts: counts[1],
            astrophysical: counts[0],
            auc: Figure {
                value: measured.value.auc,
                error: measured.error.auc,
            },
        })
    }

    fn repeats(&self) -> Option<Repeats> {
        let (mut differences, mut first, mut second) = (Vec::new(), Vec::new(), Vec::new());
        for run in self.runs {
            let mut places: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
            for row in run.rows.iter().filter(|row| !is_anomaly(row)) {
                places.entry(&row.place).or_default().push(row);
            }
            let percent = |row: &Row| 100.0 * row.rank as f64 / run.rows.len() as f64;
            for rows in places.values_mut().filter(|rows| rows.len() > 1) {
                rows.sort_by(|a, b| a.mark.object_id.cmp(&b.mark.object_id));
                for pair in rows.windows(2) {
                    let (a, b) = (percent(pair[0]), percent(pair[1]));
                    differences.push((a - b).abs());
                    first.push(a);
                    second.push(b);
                }
            }
        }
        if differences.is_empty() {
            return None;
        }
        let middle = differences.len() / 2;
        let median_difference = *differences.select_nth_unstable_by(middle, f64::total_cmp).1;
        // A pair has no order: each stands in both columns.
        let both = |a: &[f64], b: &[f64]| [a, b].concat();
        Some(Repeats {
            pairs: first.len(),
            median_difference,
            spearman: spearman(&both(&first, &second), &both(&second, &first)),
        })
    }

    fn outranking(&self) -> Vec<Outranking> {
        let mut found: BTreeMap<&str, Outranking> = BTreeMap::new();
        for run in self.runs {
            let mut ranks: Vec<u64> = run
                .rows
                .iter()
                .filter(|row| is_anomaly(row))
                .map(|row| row.rank)
                .collect();
            ranks.sort_unstable();
            for row in run.rows.iter().filter(|row| !is_anomaly(row)) {
                let above = ranks.len() - ranks.partition_point(|rank| *rank < row.rank);
                let entry = found.entry(&row.mark.base_id).or_insert_with(|| Outranking {
                    object_id: row.mark.base_id.clone(),
                    seeds: 0,
                    of: 0,
                    best_rank: u64::MAX,
                    outranks: 0.0,
                    sn: row.sn,
                    z: None,
                    reason: String::new(),
                    known_odd: self.odd.contains(row.mark.base_id.as_str()),
                });
                entry.of += 1;
                entry.seeds += usize::from(row.rank <= ranks.len() as u64);
                if row.rank < entry.best_rank {
                    entry.best_rank = row.rank;
                    entry.outranks = above as f64 / ranks.len().max(1) as f64;
                    entry.sn = row.sn;
                    entry.z = row.z.is_finite().then_some(row.z);
                    entry.reason.clone_from(&row.reason);
                }
            }
        }
        let mut found: Vec<Outranking> = found.into_values().filter(|one| one.seeds > 0).collect();
        let share = |one: &Outranking| one.seeds as f64 / one.of as f64;
        found.sort_by(|a, b| {
            share(b)
                .total_cmp(&share(a))
                .then(b.of.cmp(&a.of))
                .then(b.outranks.total_cmp(&a.outranks))
                .then_with(|| a.object_id.cmp(&b.object_id))
        });
        found
    }

    fn planted(&self) -> Vec<PlantedRow> {
        let rows = self.runs.iter().flat_map(|run| {
            let scored = run.rows.iter().zip(&run.scores[OURS]);
            scored.map(|(row, score)| (run.seed, row, *score))
        });
        rows.filter_map(|(seed, row, score)| {
            let mark = &row.mark;
            Some(PlantedRow {
                seed,
                object_id: mark.object_id.clone(),
                kind: mark.kind.clone()?,
                artifact: mark.artifact,
                strength: mark.strength,
                wavelength_min: mark.wavelength_min,
                wavelength_max: mark.wavelength_max,
                sn: row.sn,
                z: row.z.is_finite().then_some(row.z),
                rank: row.rank,
                score,
                artifact_score: row.artifact,
                reason: row.reason.clone(),
            })
        })
        .collect()
    }
}

/// The mean; `None` of none.
pub(super) fn mean_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Ranges of equal width in the logarithm that hold all strengths, at round multiples.
fn ranges_of(strengths: &[f64]) -> Vec<(f64, f64)> {
    let step = |strength: f64| (strength.log10() * STRENGTHS_A_DECADE).floor() as i32;
    let positive = strengths.iter().copied().filter(|s| *s > 0.0 && s.is_finite());
    let steps: BTreeSet<i32> = positive.map(step).collect();
    let edge = |step: i32| 10f64.powf(f64::from(step) / STRENGTHS_A_DECADE);
    steps.into_iter().map(|at| (edge(at), edge(at + 1))).collect()
}
