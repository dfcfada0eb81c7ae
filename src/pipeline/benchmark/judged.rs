//! The real job on a draw, and what every list made of it says.

use std::collections::{BTreeMap, HashMap};

use super::material::{Draw, Mark};
use super::{Material, RankingRequest};
use crate::pipeline::settings::{OutputSettings, Settings};
use crate::pipeline::source::fold_key;
use crate::pipeline::{Assessment, CancelToken, Event, Observer, PipelineError, rerank_items, run_kept};
use crate::triage::Item;

/// The method at hand, among the names of lists.
pub(super) const OURS: &str = "spectriage";

/// One spectrum of a draw: its truth, and what our list says of it.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub mark: Mark,
    pub sn: f64,
    pub z: f64,
    pub masked_fraction: f64,
    /// From 0 to 1: how much of an artifact the list takes it for.
    pub artifact: f64,
    /// That is the vote's probability; the artifact fraction of its regions where nobody voted.
    pub artifact_voted: bool,
    /// How likely its strongest region is the instrument's, where it has one.
    pub region_artifact: Option<f64>,
    pub reason: String,
    pub rank: u64,
    /// Its place on the sky, or its id.
    pub place: String,
    /// What labels are learned by.
    pub item: Item,
}

/// All lists of one seed; scores in the order of the rows.
pub(super) struct SeedRun {
    pub seed: u64,
    pub rows: Vec<Row>,
    pub scores: BTreeMap<String, Vec<f64>>,
}

impl SeedRun {
    /// Trains, ranks and compares; `None` when cancelled.
    pub fn make(
        request: &RankingRequest,
        draw: &Draw,
        seed: u64,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<Option<Self>, PipelineError> {
        let settings = seeded(&request.settings, draw, seed);
        let Some(mut assessment) = judge(&draw.inputs, &settings, observer, cancel)? else {
            return Ok(None);
        };
        let verdicts = assessment.verdicts();
        let folds = Some(assessment.settings().training.folds);
        let items = rerank_items(&verdicts.judgements, &verdicts.facts, folds);
        let rows: Vec<Row> = verdicts
            .judgements
            .iter()
            .zip(&verdicts.facts)
            .zip(items)
            .map(|((judgement, facts), item)| {
                let mark = draw
                    .marks
                    .get(judgement.object_id.as_str())
                    .cloned()
                    .unwrap_or_else(|| Mark::ordinary(&judgement.object_id, &judgement.object_id));
                Row {
                    sn: mark.sn.unwrap_or(judgement.sn),
                    mark,
                    z: facts.z.unwrap_or(f64::NAN),
                    masked_fraction: judgement.masked_fraction,
                    artifact_voted: judgement.artifact_probability.is_some(),
                    artifact: judgement.artifact(),
                    region_artifact: judgement
                        .regions
                        .first()
                        .and_then(|region| region.artifact_probability),
                    reason: judgement.reason.to_string(),
                    rank: judgement.rank,
                    place: fold_key(facts),
                    item,
                }
            })
            .collect();
        if let Material::Known { truth } = &request.material
            && !rows.iter().any(|row| row.mark.kind.is_some())
        {
            return Err(PipelineError::Truth {
                path: truth.clone(),
                what: "names no object of this catalog".into(),
            });
        }
        let ours = verdicts
            .judgements
            .iter()
            .map(|judgement| judgement.score)
            .collect();
        let mut scores = BTreeMap::from([(OURS.to_owned(), ours)]);
        for comparator in &request.comparators {
            observer.event(Event::Note(format!("comparing with {comparator}")));
            let Some(by_id) =
                comparator.scores(&mut assessment, &draw.inputs, &settings, observer, cancel)?
            else {
                return Ok(None);
            };
            scores.insert(comparator.name().to_owned(), in_order(&rows, &by_id));
        }
        Ok(Some(Self { seed, rows, scores }))
    }
}

/// Scores in the order of the rows; NaN, which stands last, where there is none.
fn in_order(rows: &[Row], by_id: &HashMap<String, f64>) -> Vec<f64> {
    rows.iter()
        .map(|row| by_id.get(&row.mark.object_id).copied().unwrap_or(f64::NAN))
        .collect()
}

/// The settings for a draw: its own rows, and the seed of the training.
pub(super) fn seeded(settings: &Settings, draw: &Draw, seed: u64) -> Settings {
    let mut settings = settings.clone();
    settings.selection = draw.selection.clone();
    settings.training.seed = seed;
    settings
}

/// Runs the real job; its files go to a folder that is gone afterwards. `None` when cancelled.
pub(super) fn judge(
    inputs: &[String],
    settings: &Settings,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<Option<Assessment>, PipelineError> {
    let folder = tempfile::tempdir().map_err(|source| PipelineError::Io {
        what: "a temporary folder cannot be made".into(),
        source,
    })?;
    let settings = Settings {
        output: OutputSettings {
            images_dir: folder.path().join("images"),
            metadata_dir: folder.path().join("metadata"),
            sample_size: 1,
            ..OutputSettings::default()
        },
        ..settings.clone()
    };
    let (_, assessment) = run_kept(inputs, &settings, None, &mut Unwritten(observer), cancel)?;
    Ok(assessment)
}

/// Passes all on but files, which nobody will find.
struct Unwritten<'a>(&'a mut dyn Observer);

impl Observer for Unwritten<'_> {
    fn event(&mut self, event: Event) {
        if !matches!(event, Event::Wrote(_)) {
            self.0.event(event);
        }
    }
}
