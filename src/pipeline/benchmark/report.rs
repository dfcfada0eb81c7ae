//! What a benchmark found; its JSON is `benchmark_ranking_N.json`.

use std::path::PathBuf;

use serde::Serialize;

use super::labels::User;
use crate::anomaly::{Correlations, Measured, Merit};
use crate::pipeline::settings::Settings;

/// A figure with its standard error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    pub value: f64,
    pub error: f64,
}

/// The figures of merit of a list, or of a part of its anomalies.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// Of what: a kind, a range.
    pub name: String,
    /// The ends of a range of strength or S/N.
    pub range: Option<(f64, f64)>,
    /// Anomalies in it, over all seeds.
    pub anomalies: usize,
    pub auc: Figure,
    pub average_precision: Figure,
    /// Within the first 1, 5 and 10 % of the list.
    pub recall: [Figure; 3],
    /// The strength at which half of them are within the first 10 %, where that can be said.
    pub half_found: Option<f64>,
}

impl Part {
    pub(super) fn new(name: &str, range: Option<(f64, f64)>, anomalies: usize, measured: &Measured) -> Self {
        let (value, error) = (measured.value, measured.error);
        let figure = |of: fn(&Merit) -> f64| Figure {
            value: of(&value),
            error: of(&error),
        };
        Self {
            name: name.to_owned(),
            range,
            anomalies,
            auc: figure(|merit| merit.auc),
            average_precision: figure(|merit| merit.average_precision),
            recall: std::array::from_fn(|i| Figure {
                value: value.recall[i],
                error: error.recall[i],
            }),
            half_found: None,
        }
    }
}

/// How much better our list is than another one, by the same draws of the bootstrap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Above {
    pub auc: Figure,
    pub average_precision: Figure,
}

impl Above {
    pub(super) fn of(one: &Measured, other: &Measured) -> Self {
        let (difference, error) = one.above(other);
        let figure = |of: fn(&Merit) -> f64| Figure {
            value: of(&difference),
            error: of(&error),
        };
        Self {
            auc: figure(|merit| merit.auc),
            average_precision: figure(|merit| merit.average_precision),
        }
    }
}

/// One way to rank.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListReport {
    pub name: String,
    pub overall: Part,
    /// The same without the normal spectra that are known to be odd.
    pub without_odd: Option<Part>,
    /// The average precision that the odd ones, where they stand, leave to a list in which no other normal spectrum is above an anomaly.
    pub ceiling: Option<Figure>,
    /// Average precision and AUC of each seed alone.
    pub seeds: Vec<(u64, Merit)>,
    pub by_kind: Vec<Part>,
    pub by_strength: Vec<Part>,
    pub by_sn: Vec<Part>,
    /// Of the score, mean over the seeds: all spectra, and the normal ones alone.
    pub correlations: Correlations,
    pub correlations_of_normal: Correlations,
    /// How much better ours is; `None` for ours.
    pub ours_above: Option<Above>,
}

/// Artifacts told from astrophysical anomalies among those that are there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    /// The score that tells.
    pub by: String,
    pub artifacts: usize,
    pub astrophysical: usize,
    pub auc: Figure,
}

/// What labels of the head of our list do for the rest of it.
///
/// The figures are of the spectra that nobody has labeled, and of those among them that the user is after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Labeled {
    pub user: User,
    /// Labels in every draw.
    pub labels: usize,
    /// Those that call their object interesting, mean over the seeds.
    pub interesting: f64,
    /// Seeds in which something was learned; in the others the order stays.
    pub learned: usize,
    /// What the user is after among the rest, over all seeds.
    pub wanted: usize,
    pub before: Part,
    pub after: Part,
    /// How much better the list is afterwards, by the same draws of the bootstrap.
    pub gain: Above,
}

/// Two trainings on the spectra of every draw.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stability {
    /// Share of the first 5 % that both lists have there, and rank correlation of the scores: means over the draws.
    pub agreement: f64,
    pub spearman: Option<f64>,
    pub draws: Vec<Agreement>,
}

/// Two trainings on the same spectra.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    pub seeds: [u64; 2],
    /// Spectra in the first 5 %.
    pub first: usize,
    /// Share of them that both lists have there.
    pub share: f64,
    /// Of the scores of all spectra.
    pub spearman: Option<f64>,
}

/// Normal objects observed more than once.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repeats {
    /// Over all seeds.
    pub pairs: usize,
    /// Median difference of the places of a pair, in percent of the list; 29 for pairs drawn at random.
    pub median_difference: f64,
    pub spearman: Option<f64>,
}

/// A normal spectrum that stands above anomalies.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outranking {
    /// The id of the catalog's row.
    pub object_id: String,
    /// Seeds in which it stands among the first N, N being the number of anomalies; and seeds in which it is normal.
    pub seeds: usize,
    pub of: usize,
    pub best_rank: u64,
    /// Share of the anomalies that it outranks at its best, 0 to 1.
    pub outranks: f64,
    pub sn: f64,
    pub z: Option<f64>,
    pub reason: String,
    pub known_odd: bool,
}

/// One anomaly of a draw.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlantedRow {
    pub seed: u64,
    pub object_id: String,
    pub kind: String,
    pub artifact: Option<bool>,
    pub strength: Option<f64>,
    pub wavelength_min: Option<f64>,
    pub wavelength_max: Option<f64>,
    pub sn: f64,
    pub z: Option<f64>,
    pub rank: u64,
    pub score: f64,
    /// What our list says how much of an artifact it is.
    pub artifact_score: f64,
    pub reason: String,
}

/// A whole benchmark.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankingReport {
    pub version: String,
    /// The number in the files' names.
    pub run: u64,
    pub inputs: Vec<String>,
    /// How the truth came about, in words and as it was asked for.
    pub material: String,
    pub planting: Option<super::Planting>,
    pub settings: Settings,
    pub seeds: Vec<u64>,
    pub bootstraps: usize,
    /// Spectra and anomalies of one draw, and spectra over all.
    pub spectra: usize,
    pub anomalies: usize,
    /// Ours first.
    pub lists: Vec<ListReport>,
    pub artifacts: Option<Told>,
    /// The same by the strongest region alone, of the anomalies that have one.
    pub artifact_regions: Option<Told>,
    /// By user and number of labels.
    pub labels: Vec<Labeled>,
    pub stability: Option<Stability>,
    pub repeats: Option<Repeats>,
    /// Those that outrank most first.
    pub outranking: Vec<Outranking>,
    pub planted: Vec<PlantedRow>,
    /// Files written.
    pub files: Vec<PathBuf>,
}
