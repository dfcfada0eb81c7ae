//! Labels with what the catalog and the rankings say of their objects: import, export and re-ranking.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::PipelineError;
use super::settings::OutputSettings;
use super::source::fold_key;
use crate::anomaly::{Judgement, places};
use crate::artifact::{RunFiles, rankings, read_manifest, read_ranking_with_facts};
use crate::catalog::Catalog;
use crate::durable::Draft;
use crate::model::fold_of;
use crate::spectrum::Facts;
use crate::triage::{
    Fit, Format, Item, Journal, Label, LabelFile, Labeled, Reranked, marz, prospect, relevance, rerank,
    unshortened,
};

/// The journal of a metadata folder, where no other is named.
pub fn journal_path(metadata_dir: &Path) -> PathBuf {
    metadata_dir.join("labels.jsonl")
}

/// The facts of the objects `ids`, by the id as given: of the catalog, else of the newest ranking that has them.
///
/// An id may be an object id or a target id.
pub fn label_facts(
    catalog: Option<&Catalog>,
    metadata_dir: &Path,
    ids: &[String],
) -> Result<BTreeMap<String, Facts>, PipelineError> {
    if let Some(catalog) = catalog {
        let mut found = Vec::new();
        for id in ids {
            if let Some(row) = catalog.find(id)?.first() {
                found.push((id.clone(), *row));
            }
        }
        let rows: Vec<u64> = found.iter().map(|(_, row)| *row).collect();
        let facts = catalog.facts(&rows)?;
        return Ok(found.into_iter().map(|(id, _)| id).zip(facts).collect());
    }
    // Rankings of several catalogs may lie in one folder. Without any the labels stand alone.
    let mut found = BTreeMap::new();
    let mut missing: BTreeSet<&String> = ids.iter().collect();
    for number in rankings(metadata_dir).into_iter().rev() {
        if missing.is_empty() {
            break;
        }
        let Ok((_, _, facts)) = read_ranking_with_facts(metadata_dir, Some(number)) else {
            continue;
        };
        let mut by_id: HashMap<String, &Facts> = HashMap::new();
        for facts in &facts {
            if let Some(targetid) = facts.targetid {
                by_id.entry(targetid.to_string()).or_insert(facts);
            }
        }
        // An object id goes before another object's target id.
        by_id.extend(facts.iter().map(|facts| (facts.object_id.to_string(), facts)));
        missing.retain(|id| match by_id.get(*id) {
            Some(facts) => {
                found.insert((*id).clone(), (*facts).clone());
                false
            }
            None => true,
        });
    }
    Ok(found)
}

/// What an import did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ImportedLabels {
    /// Labels in the files.
    pub read: usize,
    /// Labels that the journal did not have like this.
    pub changed: usize,
    /// Of objects that neither catalog nor ranking has; they are kept under the id of the file.
    pub unknown: usize,
    pub files: Vec<ImportedFile>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ImportedFile {
    pub path: PathBuf,
    pub format: Format,
    pub labels: usize,
    pub notes: Vec<String>,
}

/// Takes the labels of files into the journal, each in the name of its scanner; those without a name in that of the journal's. What comes back as an
/// export had to shorten it is left as it is.
///
/// Errors: before anything is taken in, a file that cannot be read; then those of the journal.
pub fn import_labels(
    journal: &mut Journal,
    files: &[PathBuf],
    catalog: Option<&Catalog>,
    metadata_dir: &Path,
) -> Result<ImportedLabels, PipelineError> {
    let mut imported = ImportedLabels::default();
    let mut people: Vec<(Format, String, BTreeMap<String, Label>)> = Vec::new();
    for path in files {
        let file = LabelFile::read(path)?;
        imported.read += file.rows.len();
        imported.files.push(ImportedFile {
            path: path.clone(),
            format: file.format,
            labels: file.rows.len(),
            notes: file.notes.clone(),
        });
        let (format, scanner) = (file.format, journal.scanner().to_owned());
        for (by, labels) in file.by_scanner(&scanner) {
            people.push((format, by, labels));
        }
    }
    let ids: Vec<String> = people
        .iter()
        .flat_map(|(_, _, labels)| labels.keys().cloned())
        .collect();
    let known = label_facts(catalog, metadata_dir, &ids)?;
    for (format, by, labels) in people {
        let mut taken = Vec::new();
        for (id, label) in labels {
            let facts = known.get(&id);
            imported.unknown += usize::from(facts.is_none());
            let id = facts.map_or(id, |facts| facts.object_id.to_string());
            let label = match journal.label_by(&by, &id) {
                Some(own) => unshortened(label, own, format, &id, facts),
                None => label,
            };
            taken.push((id, label));
        }
        imported.changed += journal.set_all(&by, taken)?.len();
    }
    Ok(imported)
}

/// Writes the labels of one scanner as a file of prospect or Marz; returns notes on what does not fit the format.
///
/// Errors: a file of that name that may not be replaced; one that cannot be written.
pub fn export_labels(
    path: &Path,
    format: Format,
    replace: bool,
    scanner: &str,
    labels: &[Labeled],
    facts: &BTreeMap<String, Facts>,
) -> Result<Vec<String>, PipelineError> {
    let rows: Vec<(&str, Option<&Facts>, &Label)> = labels
        .iter()
        .map(|labeled| {
            let id = labeled.object_id.as_str();
            (id, facts.get(id), &labeled.label)
        })
        .collect();
    let title = path.file_stem().unwrap_or_default().to_string_lossy();
    let write = || -> io::Result<Vec<String>> {
        let mut draft = Draft::of(path)?;
        let notes = match format {
            Format::Prospect => prospect::write(&mut draft, scanner, &rows)?,
            Format::Marz => marz::write(&mut draft, &title, scanner, &rows)?,
            Format::Journal => {
                for labeled in labels {
                    serde_json::to_writer(&mut draft, labeled)?;
                    draft.write_all(b"\n")?;
                }
                Vec::new()
            }
        };
        if replace {
            draft.publish()?
        } else {
            draft.publish_new()?
        };
        Ok(notes)
    };
    write().map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => PipelineError::OutputExists {
            path: path.to_owned(),
        },
        _ => PipelineError::Io {
            what: format!("could not write {}", path.display()),
            source,
        },
    })
}

/// What a re-ranking did.
#[derive(Debug, Clone, Serialize)]
pub struct RerankSummary {
    /// The ranking it began with.
    pub ranking: u64,
    /// The number of its own files; `None` where nothing was learned, and nothing written.
    pub run: Option<u64>,
    pub explanation: Vec<String>,
    pub fit: Option<Fit>,
    /// The first ten.
    pub top: Vec<RerankedRow>,
    pub files: Vec<PathBuf>,
}

/// A row of `reranking_N.csv`.
#[derive(Debug, Clone, Serialize)]
pub struct RerankedRow {
    pub object_id: String,
    /// From 1, in the new order.
    pub rerank: u64,
    pub rank: u64,
    pub rerank_score: f64,
    pub score: f64,
    /// Predicted relevance, 0 to 5.
    pub predicted_interest: f64,
    /// The relevance that its label says.
    pub labeled_interest: Option<f64>,
}

/// Ranked objects as items for [`rerank`], with the network of the ensemble that judged each; and a note where that cannot be said.
///
/// `folds` are those of the training, as in the ranking's manifest. Where they are not known latent vectors cannot be compared
/// and are left out.
pub fn rerank_items(
    judgements: &[Judgement],
    facts: &[impl Borrow<Facts>],
    folds: Option<usize>,
) -> Vec<Item> {
    let item = |(judgement, facts): (&Judgement, &Facts)| match folds {
        Some(folds) => {
            let member = fold_of(&fold_key(facts), folds);
            Item::of(judgement, u16::try_from(member).unwrap_or(u16::MAX))
        }
        None => Item {
            latent: Vec::new(),
            ..Item::of(judgement, 0)
        },
    };
    let facts = facts.iter().map(Borrow::borrow);
    judgements.iter().zip(facts).map(item).collect()
}

/// Re-orders ranking `n` (the newest where none is given) by labels (by object id) and writes `reranking_N.csv` and `.json` under a
/// number of their own.
///
/// Errors: no ranking; files that cannot be written.
pub fn rerank_saved(
    labels: &BTreeMap<String, Label>,
    output: &OutputSettings,
    n: Option<u64>,
) -> Result<RerankSummary, PipelineError> {
    let (ranking, judgements, facts) = read_ranking_with_facts(&output.metadata_dir, n)?;
    let manifest = read_manifest(&output.metadata_dir, ranking).ok();
    let folds = manifest
        .and_then(|manifest| manifest.settings["settings"]["training"]["folds"].as_u64())
        .and_then(|folds| usize::try_from(folds).ok());
    let items = rerank_items(&judgements, &facts, folds);
    let mut reranked = rerank(&items, labels);
    if folds.is_none() {
        reranked.explanation.push(format!(
            "manifest_{ranking}.json cannot be read, so nothing is known of the networks behind the latent vectors, and they were left out"
        ));
    }
    let mut summary = RerankSummary {
        ranking,
        run: None,
        explanation: reranked.explanation.clone(),
        fit: reranked.fit.clone(),
        top: Vec::new(),
        files: Vec::new(),
    };
    if reranked.fit.is_none() {
        return Ok(summary);
    }
    let rows = rows(&judgements, &reranked, labels);
    let run = RunFiles::reserve(&output.images_dir, &output.metadata_dir)?;
    let (table, told) = (
        run.metadata("reranking", "csv"),
        run.metadata("reranking", "json"),
    );
    run.write_with(&table, |out| {
        let mut csv = csv::Writer::from_writer(out);
        for row in &rows {
            csv.serialize(row)?;
        }
        csv.flush()
    })?;
    summary.run = Some(run.n());
    summary.files = vec![table, told.clone()];
    summary.top = rows.into_iter().take(10).collect();
    run.write_with(&told, |out| {
        serde_json::to_writer_pretty(&mut *out, &summary)?;
        out.write_all(b"\n")
    })?;
    Ok(summary)
}

/// The rows in the new order.
fn rows(judgements: &[Judgement], reranked: &Reranked, labels: &BTreeMap<String, Label>) -> Vec<RerankedRow> {
    let ids: Vec<&str> = judgements
        .iter()
        .map(|judgement| judgement.object_id.as_str())
        .collect();
    let places = places(&reranked.scores, &ids);
    let mut rows: Vec<RerankedRow> = judgements
        .iter()
        .enumerate()
        .map(|(i, judgement)| RerankedRow {
            object_id: judgement.object_id.to_string(),
            rerank: places[i].rank,
            rank: judgement.rank,
            rerank_score: reranked.scores[i],
            score: judgement.score,
            predicted_interest: reranked.predicted[i],
            labeled_interest: labels.get(judgement.object_id.as_str()).and_then(relevance),
        })
        .collect();
    rows.sort_unstable_by_key(|row| row.rerank);
    rows
}
