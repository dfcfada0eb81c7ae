//! Sky images of a catalog's objects: which can be found for it, and fetching them ahead.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use serde::Serialize;
use serde_json::Value;

use super::history::own_ranking;
use super::settings::Settings;
use super::{CancelToken, Event, Observer, PipelineError, Stage};
use crate::artifact::read_ranking_with_facts;
use crate::catalog::{Catalog, Query};
use crate::cutout::{Cutouts, Field, Origin, Reach, Search};
use crate::simulate::Simulation;
use crate::spectrum::Facts;

/// Rows whose facts are read at once.
const CHUNK: usize = 1024;
/// Images that are looked for at once; of each host's requests the gate lets two through.
const AT_ONCE: usize = 8;
/// After so many images in a row for which no service could be reached, the rest is not tried.
const IN_VAIN: usize = 16;
/// Reasons that are told in full.
const TOLD: usize = 10;

/// The images of a catalog's objects as the settings say; simulated ones are drawn with the settings that the catalog's provenance tells.
pub fn cutouts(settings: &Settings, catalog: &Catalog) -> Cutouts {
    let mut simulations = Vec::new();
    for provenance in catalog.provenance().iter().flatten() {
        told(provenance, &mut simulations);
    }
    Cutouts::of(&settings.cutouts, settings.output.cutout_dir.clone()).drawing(simulations)
}

/// The simulations in a provenance, which in an exported catalog has those of its sources within it.
fn told(provenance: &Value, simulations: &mut Vec<Simulation>) {
    match provenance {
        Value::Object(map) => {
            for (key, value) in map {
                let simulation = (key == "simulation").then(|| serde_json::from_value(value.clone()).ok());
                match simulation.flatten() {
                    Some(simulation) if simulations.contains(&simulation) => {}
                    Some(simulation) => simulations.push(simulation),
                    None => told(value, simulations),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| told(item, simulations)),
        _ => {}
    }
}

/// Whose images are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The rows that the settings select.
    Selected,
    /// The strangest of the newest ranking of the catalog.
    Top(usize),
    Ids(Vec<String>),
}

/// What came of fetching ahead. Every object is counted once.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FetchSummary {
    pub objects: u64,
    /// In the astronomer's folder or the cache already.
    pub at_hand: u64,
    /// Simulated: drawn when they are shown.
    pub drawn: u64,
    /// Fetched now, by service.
    pub fetched: BTreeMap<String, u64>,
    pub bytes: u64,
    /// No service has an image of the place.
    pub no_coverage: u64,
    /// Not looked for: no position, or offline and not at hand.
    pub not_looked_for: u64,
    /// A service could not be asked, or has a fault.
    pub failed: u64,
    /// The first reasons of those that have no image, with their objects.
    pub reasons: Vec<String>,
    /// Where new images are kept.
    pub folder: Option<PathBuf>,
    pub interrupted: bool,
    /// Why the rest was not tried: no service could be reached.
    pub gave_up: Option<String>,
}

/// Fetches images into the cache, those that it has not; what was fetched before an interruption stays, so that the same call goes on.
///
/// Errors: a catalog or ranking that cannot be read; no folder to keep images in.
pub fn fetch_cutouts(
    inputs: &[String],
    settings: &Settings,
    wanted: &Wanted,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<FetchSummary, PipelineError> {
    settings.check()?;
    let catalog = Catalog::open_table(inputs)?;
    let cutouts = cutouts(settings, &catalog);
    let mut summary = FetchSummary::default();
    if !settings.cutouts.offline {
        let folder = cutouts.keeps_in();
        summary.folder = Some(folder.ok_or_else(|| PipelineError::NoCutoutFolder {
            folders: cutouts.cache_folders().to_vec(),
        })?);
    }
    let source = Source::of(&catalog, settings, wanted)?;
    summary.objects = source.len() as u64;
    observer.event(Event::Selected {
        rows: summary.objects,
        of: catalog.len(),
    });
    let (mut vain, mut last) = (0, None);
    let mut done = 0;
    while done < source.len() && summary.gave_up.is_none() && !cancel.is_cancelled() {
        let facts = source.chunk(&catalog, done)?;
        let before = done;
        each(&cutouts, settings, &facts, cancel, |facts, search| {
            vain = match &search {
                Some(Search::Failed {
                    unreachable: true, ..
                }) => vain + 1,
                _ => 0,
            };
            if let Some(Search::Failed { why, .. }) = &search {
                last = Some(why.clone());
            }
            if vain >= IN_VAIN {
                summary.gave_up = last.clone();
            }
            if search != Some(Search::Cancelled) {
                done += 1;
            }
            match search {
                Some(search) => summary.count(facts, search),
                None => summary.drawn += 1,
            }
            observer.event(Event::Step {
                stage: Stage::Fetch,
                done: done as u64,
                total: source.len() as u64,
            });
            summary.gave_up.is_none()
        });
        if done == before && !facts.is_empty() {
            break;
        }
    }
    summary.interrupted = cancel.is_cancelled() && done < source.len();
    if vain > 0 && vain as u64 == summary.failed && summary.fetched.is_empty() {
        // Few objects, and not one of them could be asked for.
        summary.gave_up = summary.gave_up.or_else(|| last.clone());
    }
    if settings.cutouts.cutout_limit > 0 && summary.bytes > settings.cutouts.cutout_limit * 1_000_000 {
        observer.event(Event::Note(format!(
            "these images are more than the {} MB of the cache: the first ones are gone again; raise --cutout-limit",
            settings.cutouts.cutout_limit
        )));
    }
    Ok(summary)
}

impl FetchSummary {
    fn count(&mut self, facts: &Facts, search: Search) {
        let (count, why) = match search {
            Search::Image(_, Origin::Folder | Origin::Cache) => return self.at_hand += 1,
            Search::Image(cutout, Origin::Network | Origin::Drawn) => {
                self.bytes += cutout.bytes.len() as u64;
                return *self.fetched.entry(cutout.service).or_default() += 1;
            }
            Search::Cancelled => return,
            Search::NoCoverage(why) => (&mut self.no_coverage, why),
            Search::NotHere(why) => (&mut self.not_looked_for, why),
            Search::Failed { why, .. } => (&mut self.failed, why),
        };
        *count += 1;
        if self.reasons.len() < TOLD {
            self.reasons.push(format!("{}: {why}", facts.object_id));
        }
    }
}

/// Looks for the image of each object on a few threads; `tell` hears what came of it in this thread, and says whether to go on.
fn each(
    cutouts: &Cutouts,
    settings: &Settings,
    facts: &[Facts],
    cancel: &CancelToken,
    mut tell: impl FnMut(&Facts, Option<Search>) -> bool,
) {
    let (next, enough) = (AtomicUsize::new(0), AtomicBool::new(false));
    let stop = || cancel.is_cancelled() || enough.load(Ordering::Relaxed);
    // No further ahead than one: whoever gives up does so before the rest is tried.
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(facts.len()) {
            let (sender, next, stop) = (sender.clone(), &next, &stop);
            scope.spawn(move || {
                while let Some(facts) = facts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if stop() {
                        return;
                    }
                    let settings = &settings.cutouts;
                    let field = Field::of(facts, settings.cutout_scale, settings.cutout_pixels);
                    // A drawing is made when it is shown: there is nothing to fetch.
                    let search =
                        (!cutouts.is_drawn(&field)).then(|| cutouts.search(&field, Reach::Network, stop));
                    if sender.send((facts, search)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (facts, search) in receiver {
            if !tell(facts, search) {
                enough.store(true, Ordering::Relaxed);
            }
        }
    });
}

/// The objects in their order: rows of the catalog, or what a ranking says of them.
enum Source {
    Rows(Vec<u64>),
    Facts(Vec<Facts>),
}

impl Source {
    fn of(catalog: &Catalog, settings: &Settings, wanted: &Wanted) -> Result<Self, PipelineError> {
        let selection = &settings.selection;
        Ok(match wanted {
            Wanted::Selected => Self::Rows(catalog.select(&Query {
                filter: selection.r#where.clone(),
                order_by: selection.order_by.clone(),
                limit: selection.limit,
            })?),
            Wanted::Top(count) => {
                let folder = &settings.output.metadata_dir;
                let number = own_ranking(folder, catalog)?;
                let (_, _, facts) = read_ranking_with_facts(folder, Some(number))?;
                Self::Facts(facts.into_iter().take(*count).collect())
            }
            Wanted::Ids(ids) => {
                let mut rows = Vec::new();
                for id in ids {
                    let found = catalog.find(id)?;
                    let row = found.first().copied();
                    rows.push(row.ok_or_else(|| PipelineError::NoSuchObject { id: id.clone() })?);
                }
                Self::Rows(rows)
            }
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.len(),
            Self::Facts(facts) => facts.len(),
        }
    }

    /// The next objects from place `from` on.
    fn chunk(&self, catalog: &Catalog, from: usize) -> Result<Vec<Facts>, PipelineError> {
        let range = from..(from + CHUNK).min(self.len());
        Ok(match self {
            Self::Rows(rows) => catalog.facts(&rows[range])?,
            Self::Facts(facts) => facts[range].to_vec(),
        })
    }
}
