//! What earlier runs left behind: their trainings and the newest ranking.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::PipelineError;
use super::assessment::as_trained;
use super::report::losses_of;
use super::settings::{SelectionSettings, Settings};
use crate::anomaly::Judgement;
use crate::artifact::{self, InputFile, Manifest, rankings, read_ranking_with_facts};
use crate::catalog::Catalog;
use crate::figure::{EpochLoss, LossRun};
use crate::model::checkpoint::{Head, Origin};
use crate::model::{DeviceKind, EpochRecord};
use crate::spectrum::Facts;

/// One training, as its checkpoint tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// N of `checkpoint_N.bpk`.
    pub number: u64,
    pub path: PathBuf,
    /// All folds are trained; else it can be resumed.
    pub complete: bool,
    /// When the checkpoint was last written.
    pub when: Option<SystemTime>,
    pub origin: Origin,
    /// Begun folds, by number.
    pub folds: Vec<FoldRecord>,
}

/// The training of one fold.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldRecord {
    pub fold: usize,
    pub history: Vec<EpochRecord>,
    /// Spectra were held out to watch the loss.
    pub watched: bool,
    pub finished: bool,
}

impl RunRecord {
    /// Epochs it was to have a fold at most.
    pub fn epochs(&self) -> usize {
        self.origin.training.epochs
    }

    pub fn device(&self) -> DeviceKind {
        self.origin.training.device
    }

    /// The losses as the figure of losses takes them.
    pub fn losses(&self) -> Vec<LossRun> {
        self.folds.iter().map(FoldRecord::losses).collect()
    }

    /// The losses of all its folds as one curve: by epoch, the mean over the folds that came so far.
    pub fn mean_losses(&self) -> LossRun {
        let folds = self.losses();
        let longest = folds.iter().map(|fold| fold.epochs.len()).max().unwrap_or(0);
        let epochs = (0..longest).filter_map(|at| {
            let reached: Vec<&EpochLoss> = folds.iter().filter_map(|fold| fold.epochs.get(at)).collect();
            let mean = |value: &dyn Fn(&EpochLoss) -> Option<f64>| {
                let values: Vec<f64> = reached.iter().filter_map(|epoch| value(epoch)).collect();
                (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
            };
            Some(EpochLoss {
                epoch: reached.first()?.epoch,
                train: mean(&|epoch| Some(epoch.train))?,
                validation: mean(&|epoch| epoch.validation),
                learning_rate: mean(&|epoch| Some(epoch.learning_rate))?,
            })
        });
        LossRun {
            name: format!("run {}", self.number),
            epochs: epochs.collect(),
            best_epoch: None,
        }
    }

    /// The settings with those that this training was made with where a training that goes on from it must have them too: its rows among them,
    /// where the checkpoint tells how they were asked for.
    pub fn settings_over(&self, settings: &Settings) -> Settings {
        let mut settings = as_trained(settings, &self.origin);
        if let Some(asked) = &self.origin.asked {
            settings.selection = SelectionSettings {
                r#where: asked.r#where.clone(),
                order_by: asked.order_by.clone(),
                limit: asked.limit,
            };
        }
        settings
    }

    /// Whether it learned from the catalog of this digest; `None` where its checkpoint, of an earlier version, does not say.
    pub fn is_of(&self, catalog: &str) -> Option<bool> {
        self.origin.asked.as_ref().map(|asked| asked.catalog == catalog)
    }
}

impl FoldRecord {
    /// The losses as the figure of losses takes them.
    pub fn losses(&self) -> LossRun {
        losses_of(self.fold, &self.history, self.watched)
    }
}

/// The trainings whose checkpoints are in a folder, the newest number first, read without their weights. A file that is no readable
/// checkpoint is left out, and a folder that is not there has none.
pub fn runs(metadata_dir: &Path) -> Vec<RunRecord> {
    let found = checkpoints(metadata_dir).into_iter().rev();
    found
        .filter_map(|(number, path)| {
            let head = Head::load(&path).ok()?;
            let when = std::fs::metadata(&path).and_then(|file| file.modified()).ok();
            Some(record(number, path, when, head))
        })
        .collect()
}

/// The newest checkpoint of a folder: the file `checkpoint_N.bpk` with the highest N.
pub fn newest_checkpoint(folder: &Path) -> Option<PathBuf> {
    checkpoints(folder).pop().map(|(_, path)| path)
}

/// The newest whose training has ended.
pub(super) fn newest_finished_checkpoint(folder: &Path) -> Option<PathBuf> {
    let is_finished = |path: &PathBuf| Head::load(path).is_ok_and(|head| head.is_complete());
    let mut newest_first = checkpoints(folder).into_iter().rev().map(|(_, path)| path);
    newest_first.find(is_finished)
}

/// The checkpoints of a folder by their number, the newest last.
fn checkpoints(folder: &Path) -> Vec<(u64, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut found: Vec<(u64, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((number_of(&path)?, path))
        })
        .collect();
    found.sort_unstable();
    found
}

/// N of a path `.../checkpoint_N.bpk`.
fn number_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.strip_prefix("checkpoint_")?
        .strip_suffix(".bpk")?
        .parse()
        .ok()
}

fn record(number: u64, path: PathBuf, when: Option<SystemTime>, head: Head) -> RunRecord {
    let watched = head.origin.training.validation_fraction > 0.0;
    let complete = head.is_complete();
    let next = head.members.len();
    let finished = head.members.into_iter().map(|training| FoldRecord {
        fold: training.fold,
        watched: training.validation_spectra > 0,
        history: training.history,
        finished: true,
    });
    let running = head.running.map(|state| FoldRecord {
        fold: next,
        history: state.history,
        watched,
        finished: false,
    });
    RunRecord {
        number,
        path,
        complete,
        when,
        origin: head.origin,
        folds: finished.chain(running).collect(),
    }
}

/// A ranking on disk, as a list that is there before anything is computed.
#[derive(Debug, Clone)]
pub struct SavedRanking {
    pub number: u64,
    /// The strangest first.
    pub judgements: Vec<Judgement>,
    /// Of the same objects in the same order, as far as a ranking has them.
    pub facts: Vec<Facts>,
    /// The settings it was made with, where its manifest tells.
    pub settings: Option<Settings>,
    /// The checkpoint that it was made with, where it is still there.
    pub checkpoint: Option<PathBuf>,
    /// Whether it was made of this catalog; a ranking without a manifest was not.
    pub of_this_catalog: bool,
}

/// The number of the newest ranking of this catalog in a folder, and `true`; where it has none, the newest of all, and `false`.
pub(super) fn newest_ranking_of(metadata_dir: &Path, catalog: &Catalog) -> Option<(u64, bool)> {
    let there = rankings(metadata_dir);
    let is_of_it = |number: &u64| {
        artifact::read_manifest(metadata_dir, *number).is_ok_and(|manifest| is_of(&manifest, catalog))
    };
    match there.iter().rev().copied().find(is_of_it) {
        Some(number) => Some((number, true)),
        None => there.last().map(|number| (*number, false)),
    }
}

/// The number of the newest ranking of this catalog.
///
/// Errors: there is none yet, or only of other catalogs.
pub(super) fn own_ranking(metadata_dir: &Path, catalog: &Catalog) -> Result<u64, PipelineError> {
    match newest_ranking_of(metadata_dir, catalog) {
        Some((number, true)) => Ok(number),
        Some((number, false)) => Err(PipelineError::OtherRanking {
            folder: metadata_dir.to_owned(),
            ranking: number,
            inputs: inputs_of(metadata_dir, number),
        }),
        None => Err(PipelineError::NoRanking {
            folder: metadata_dir.to_owned(),
        }),
    }
}

/// The files that a run read, in words.
fn inputs_of(metadata_dir: &Path, number: u64) -> String {
    match artifact::read_manifest(metadata_dir, number) {
        Ok(manifest) => {
            let names: Vec<String> = manifest.inputs.into_iter().map(|input| input.path).collect();
            names.join(", ")
        }
        Err(_) => "a catalog that nothing tells of, for its manifest cannot be read".into(),
    }
}

/// The newest ranking of this catalog in a folder, else the newest of all, and which of the two it is; `None` where there is none yet.
///
/// Errors: its files are damaged.
pub fn latest_ranking(metadata_dir: &Path, catalog: &Catalog) -> Result<Option<SavedRanking>, PipelineError> {
    let Some((number, of_this_catalog)) = newest_ranking_of(metadata_dir, catalog) else {
        return Ok(None);
    };
    let (number, judgements, facts) = read_ranking_with_facts(metadata_dir, Some(number))?;
    let manifest = artifact::read_manifest(metadata_dir, number).ok();
    Ok(Some(SavedRanking {
        number,
        judgements,
        facts,
        settings: manifest.as_ref().and_then(settings_of),
        // Without its own networks the list is still there.
        checkpoint: checkpoint_of_run(metadata_dir, number).unwrap_or_default(),
        of_this_catalog,
    }))
}

/// The checkpoint that run `number` trained or was made with; `None` where its manifest, of an earlier version, does not say.
///
/// Errors: it is no longer there, or another one is in its place.
pub(super) fn checkpoint_of_run(metadata_dir: &Path, number: u64) -> Result<Option<PathBuf>, PipelineError> {
    let own = metadata_dir.join(format!("checkpoint_{number}.bpk"));
    if own.is_file() {
        return Ok(Some(own));
    }
    let manifest = artifact::read_manifest(metadata_dir, number).ok();
    let Some(used) = manifest.and_then(|manifest| manifest.checkpoint) else {
        return Ok(None);
    };
    let path = PathBuf::from(&used.path);
    // The folder may have moved with all that is in it.
    let beside = path.file_name().map(|name| metadata_dir.join(name));
    let is_it = |path: &PathBuf| InputFile::read(path, None).is_ok_and(|file| file.blake3 == used.blake3);
    let found = beside.into_iter().chain([path]).find(is_it);
    found.map(Some).ok_or(PipelineError::CheckpointGone {
        ranking: number,
        path: used.path,
    })
}

/// The settings in a manifest; `None` where they are those of another version.
pub(super) fn settings_of(manifest: &Manifest) -> Option<Settings> {
    serde_json::from_value(manifest.settings.get("settings")?.clone()).ok()
}

/// Whether a run read this catalog: by the digest of names, sizes and footers or, in an older manifest, by sizes and rows. Neither reads
/// the files through.
fn is_of(manifest: &Manifest, catalog: &Catalog) -> bool {
    if let Some(digest) = manifest.settings.get("catalog") {
        return digest == catalog.digest().as_str();
    }
    let files = catalog.files();
    manifest.inputs.len() == files.len()
        && manifest
            .inputs
            .iter()
            .zip(&files)
            .all(|(input, file)| (input.bytes, input.rows) == (file.bytes, Some(file.rows)))
}
