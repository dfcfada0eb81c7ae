//! The worker behind the ranking: it holds the assessment, judges it anew, filters, learns, writes.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use crate::anomaly::correlations;
use crate::artifact::{Ranked, RunFiles, write_ranking};
use crate::catalog::{Catalog, Query};
use crate::pipeline::settings::Settings;
use crate::pipeline::{
    self, Assessment, CancelToken, Event, Neighbors, Observer, Reconstructor, SavedRanking, Stage, Summary,
    Verdicts, Viewer,
};
use crate::triage::{self, Label, Reranked};
use crate::tui::errors::in_words;
use crate::tui::inputs::Inputs;
use crate::tui::worker;

/// What the screen asks for.
pub enum Request {
    /// The newest ranking on disk, and its model.
    Open(Box<Settings>),
    /// The job that has just ended hands its assessment over.
    Adopt(Box<Assessment>),
    /// The same spectra by other thresholds and parameters.
    Rejudge(Box<Settings>),
    /// The rows of the ranking that a condition selects.
    Filter(Option<String>),
    Similar(String),
    /// Learn from the labels.
    Learn(BTreeMap<String, Label>),
    /// Draw the figures of these objects.
    Figures {
        ids: Vec<String>,
        settings: Box<Settings>,
    },
    /// Write the ranking as it is now.
    Write(Box<Settings>),
}

impl worker::Request for Request {
    fn slot(&self) -> Option<u8> {
        match self {
            Self::Rejudge(_) => Some(0),
            Self::Filter(_) => Some(1),
            Self::Similar(_) => Some(2),
            _ => None,
        }
    }
}

/// Where a ranking comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Read from the files of this run.
    Saved(u64),
    /// Judged in this session.
    Judged,
    /// From a training that is not over: fold, folds, epochs.
    Provisional(usize, usize, usize),
}

/// What the worker tells.
pub enum Answer {
    Ranking {
        verdicts: Arc<Verdicts>,
        source: Source,
        /// It makes the views as the model of this ranking sees the spectra.
        viewer: Option<Box<Viewer>>,
    },
    /// Places in the ranking that a condition selects.
    Filtered(Option<(String, Vec<usize>)>),
    /// The condition is wrong; the one before stays.
    Refused {
        filter: String,
        error: String,
    },
    Similar(Box<Neighbors>),
    Learned(Reranked),
    Wrote {
        summary: Box<Summary>,
        /// Objects that were asked for and are not in the ranking.
        without: Vec<String>,
    },
    Progress(Stage, u64, u64),
    Failed(String),
    Note(String),
}

/// The worker's own.
pub struct Desk {
    inputs: Inputs,
    catalog: Option<Catalog>,
    assessment: Option<Box<Assessment>>,
    /// Of the ranking that is shown.
    verdicts: Option<Arc<Verdicts>>,
    settings: Settings,
    checkpoint: Option<std::path::PathBuf>,
    filter: Option<String>,
}

impl Desk {
    pub fn new(inputs: Inputs) -> Self {
        Self {
            inputs,
            catalog: None,
            assessment: None,
            verdicts: None,
            settings: Settings::default(),
            checkpoint: None,
            filter: None,
        }
    }

    pub fn serve(&mut self, request: Request, cancel: &CancelToken, mut tell: impl FnMut(Answer) + Send) {
        let done = match request {
            Request::Open(settings) => self.open(*settings, &mut tell),
            Request::Adopt(assessment) => {
                self.settings = assessment.settings().clone();
                tell(Answer::Ranking {
                    verdicts: self.now(assessment.verdicts()),
                    source: Source::Judged,
                    viewer: Some(Box::new(assessment.viewer())),
                });
                self.assessment = Some(assessment);
                self.filter_again(&mut tell)
            }
            Request::Rejudge(settings) => self.rejudge(*settings, cancel, &mut tell),
            Request::Filter(filter) => {
                let before = std::mem::replace(&mut self.filter, filter);
                match (self.filter_again(&mut tell), self.filter.clone()) {
                    (Err(error), Some(filter)) => {
                        self.filter = before;
                        tell(Answer::Refused { filter, error });
                        Ok(())
                    }
                    (done, _) => done,
                }
            }
            Request::Similar(id) => self.similar(&id, &mut tell),
            Request::Learn(labels) => self.learn(&labels, &mut tell),
            Request::Figures { ids, settings } => self.figures(&ids, *settings, cancel, &mut tell),
            Request::Write(settings) => self.write(*settings, cancel, &mut tell),
        };
        if let Err(error) = done {
            tell(Answer::Failed(error));
        }
    }

    fn now(&mut self, verdicts: Arc<Verdicts>) -> Arc<Verdicts> {
        self.verdicts = Some(Arc::clone(&verdicts));
        verdicts
    }

    fn open(&mut self, settings: Settings, tell: &mut impl FnMut(Answer)) -> Result<(), String> {
        self.settings = settings;
        let catalog = self.inputs.spectra()?;
        self.catalog = Some(catalog.clone());
        let folder = &self.settings.output.metadata_dir;
        let Some(saved) = pipeline::latest_ranking(folder, &catalog).map_err(words)? else {
            return Ok(());
        };
        if !saved.of_this_catalog {
            tell(Answer::Note(format!(
                "ranking {} in {} is of another catalog",
                saved.number,
                folder.display()
            )));
            return Ok(());
        }
        let SavedRanking {
            number,
            judgements,
            facts,
            settings,
            checkpoint,
            ..
        } = saved;
        if let Some(settings) = settings {
            // Its detection is what the list shows; where files go is for this session to say.
            let output = self.settings.output.clone();
            self.settings = Settings { output, ..settings };
        }
        let of =
            |value: fn(&crate::anomaly::Judgement) -> f64| judgements.iter().map(value).collect::<Vec<f64>>();
        let redshifts: Vec<f64> = facts.iter().map(|facts| facts.z.unwrap_or(f64::NAN)).collect();
        let correlations = correlations(
            &of(|j| j.score),
            &of(|j| j.sn),
            &redshifts,
            &of(|j| j.masked_fraction),
        );
        let verdicts = Arc::new(Verdicts {
            judgements,
            facts: facts.into_iter().map(Arc::new).collect(),
            correlations,
            thresholds: None,
        });
        tell(Answer::Ranking {
            verdicts: self.now(Arc::clone(&verdicts)),
            source: Source::Saved(number),
            viewer: None,
        });
        self.checkpoint = checkpoint;
        // The list is there; its model follows.
        if let Some(viewer) = self.viewer()? {
            tell(Answer::Ranking {
                verdicts,
                source: Source::Saved(number),
                viewer: Some(Box::new(viewer)),
            });
        }
        self.filter_again(tell)
    }

    /// Views by the checkpoint of the ranking; `None` where it has none.
    fn viewer(&self) -> Result<Option<Viewer>, String> {
        let (Some(catalog), Some(path)) = (&self.catalog, &self.checkpoint) else {
            return Ok(None);
        };
        let output = &self.settings.output;
        let device = self.settings.training.device;
        let model = Reconstructor::open(Some(path.clone()), &output.metadata_dir, device).map_err(words)?;
        let viewer = Viewer::new(catalog.clone());
        Ok(Some(viewer.with_model(Some(Arc::new(model)))))
    }

    /// The assessment; a saved ranking is reconstructed once for it.
    fn assessment(
        &mut self,
        cancel: &CancelToken,
        tell: &mut (impl FnMut(Answer) + Send),
    ) -> Result<Option<&mut Assessment>, String> {
        if self.assessment.is_none() {
            let mut watch = Watch { tell };
            let checkpoint = self.checkpoint.clone();
            let made = pipeline::assess(&self.inputs.names, &self.settings, checkpoint, &mut watch, cancel);
            self.assessment = made.map_err(words)?.map(Box::new);
        }
        Ok(self.assessment.as_deref_mut())
    }

    fn rejudge(
        &mut self,
        settings: Settings,
        cancel: &CancelToken,
        tell: &mut (impl FnMut(Answer) + Send),
    ) -> Result<(), String> {
        let Some(assessment) = self.assessment(cancel, tell)? else {
            return Ok(());
        };
        let judged = assessment
            .rejudge(&settings, &mut Watch { tell }, cancel)
            .map_err(words)?;
        if let Some(verdicts) = judged {
            // Those of the trained model where it decides: its folds tell which latent vectors can be compared.
            self.settings = assessment.settings().clone();
            tell(Answer::Ranking {
                verdicts: self.now(verdicts),
                source: Source::Judged,
                viewer: None,
            });
            self.filter_again(tell)?;
        }
        Ok(())
    }

    /// The places that the filter selects, in a ranking that may have changed since.
    fn filter_again(&mut self, tell: &mut impl FnMut(Answer)) -> Result<(), String> {
        let Some(filter) = self.filter.clone() else {
            tell(Answer::Filtered(None));
            return Ok(());
        };
        let Some(verdicts) = &self.verdicts else {
            return Ok(());
        };
        let places = places(verdicts, &filter)?;
        tell(Answer::Filtered(Some((filter, places))));
        Ok(())
    }

    fn similar(&self, id: &str, tell: &mut impl FnMut(Answer)) -> Result<(), String> {
        const MOST: usize = 200;
        let Some(verdicts) = &self.verdicts else {
            return Err("there is no ranking yet".into());
        };
        let folds = self.settings.training.folds;
        let found = pipeline::similar_in(&verdicts.judgements, &verdicts.facts, folds, id, MOST);
        let found = found.ok_or_else(|| {
            format!("{id} has no latent vector here; rank again (A on the Train screen) to have them")
        })?;
        tell(Answer::Similar(Box::new(found)));
        Ok(())
    }

    fn learn(&self, labels: &BTreeMap<String, Label>, tell: &mut impl FnMut(Answer)) -> Result<(), String> {
        let Some(verdicts) = &self.verdicts else {
            return Err("there is no ranking yet".into());
        };
        let folds = Some(self.settings.training.folds);
        let items = pipeline::rerank_items(&verdicts.judgements, &verdicts.facts, folds);
        tell(Answer::Learned(triage::rerank(&items, labels)));
        Ok(())
    }

    fn figures(
        &mut self,
        ids: &[String],
        settings: Settings,
        cancel: &CancelToken,
        tell: &mut (impl FnMut(Answer) + Send),
    ) -> Result<(), String> {
        let Some(verdicts) = &self.verdicts else {
            return Err("there is no ranking yet".into());
        };
        let ranked: HashSet<&str> = verdicts
            .judgements
            .iter()
            .map(|of| of.object_id.as_str())
            .collect();
        let (ids, without): (Vec<String>, Vec<String>) =
            ids.iter().cloned().partition(|id| ranked.contains(id.as_str()));
        if ids.is_empty() {
            return Err(format!("no figure is drawn: {}", not_ranked(&without)));
        }
        let done = match &self.assessment {
            Some(assessment) => assessment.figures_of(&ids, &mut Watch { tell }),
            None => pipeline::plot(
                &self.inputs.names,
                &settings,
                None,
                &ids,
                None,
                &mut Watch { tell },
                cancel,
            ),
        };
        let summary = Box::new(done.map_err(words)?);
        tell(Answer::Wrote { summary, without });
        Ok(())
    }

    fn write(
        &mut self,
        settings: Settings,
        cancel: &CancelToken,
        tell: &mut (impl FnMut(Answer) + Send),
    ) -> Result<(), String> {
        let Some(assessment) = self.assessment(cancel, tell)? else {
            return Ok(());
        };
        assessment
            .rejudge(&settings, &mut Watch { tell }, cancel)
            .map_err(words)?;
        let summary = assessment.write(&mut Watch { tell }).map_err(words)?;
        tell(Answer::Wrote {
            summary: Box::new(summary),
            without: Vec::new(),
        });
        Ok(())
    }
}

/// Of objects that were marked elsewhere, in the catalog or in a ranking of other rows.
pub(super) fn not_ranked(ids: &[String]) -> String {
    const NAMED: usize = 3;
    let named = ids.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = match ids.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("not in this ranking: {named}{more}")
}

fn words(error: impl std::fmt::Display) -> String {
    in_words(&error)
}

/// The places in the ranking for which an SQL condition holds, by the same columns as `ranking_N.parquet` has.
fn places(verdicts: &Verdicts, filter: &str) -> Result<Vec<usize>, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let ranked: Vec<Ranked> = verdicts
        .judgements
        .iter()
        .zip(&verdicts.facts)
        .map(|(judgement, facts)| Ranked { judgement, facts })
        .collect();
    let run = RunFiles::reserve(folder.path(), folder.path()).map_err(words)?;
    let paths = write_ranking(&run, &ranked).map_err(words)?;
    let table = table(&paths[0])?;
    let query = Query {
        filter: Some(filter.to_owned()),
        ..Query::default()
    };
    let rows = table.select(&query).map_err(words)?;
    Ok(rows.into_iter().map(|row| row as usize).collect())
}

fn table(path: &Path) -> Result<Catalog, String> {
    Catalog::open_table(&[path.display().to_string()]).map_err(words)
}

/// Passes progress on.
struct Watch<'a, T> {
    tell: &'a mut T,
}

impl<T: FnMut(Answer) + Send> Observer for Watch<'_, T> {
    fn event(&mut self, event: Event) {
        if let Event::Step { stage, done, total } = event {
            (self.tell)(Answer::Progress(stage, done, total));
        }
    }
}
