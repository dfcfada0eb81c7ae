//! The workers behind the table: pages, small spectra, queries, statistics and exports each have their own, so that
//! none waits for another.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use super::reading::Wanted;
use super::words;
use crate::catalog::Query;
use crate::pipeline::browse::{
    Browser, Cell, ColumnInfo, ColumnStatistics, Direction, ExportFormat, ExportRequest, ExportSummary,
    QueryFault, Rows, Vocabulary,
};
use crate::pipeline::{CancelToken, Event, Observer, PipelineError};
use crate::tui::app;
use crate::tui::errors::in_words;
use crate::tui::inputs::Inputs;
use crate::tui::worker::{self, Worker};

/// What is looked for in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// An id with this in it.
    Text(String),
    /// The row of this number, or of the object with this id.
    Row(String),
    /// An id of these.
    OneOf(BTreeSet<String>),
    /// An id that is none of these.
    NoneOf(BTreeSet<String>),
}

/// Which rows are meant: those listed, or objects by their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    Listed(Rows),
    Ids(BTreeSet<String>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    Open,
    /// The words for completion.
    Vocabulary,
    /// `keep`: the row that the cursor stays on if it is listed.
    Select {
        query: Query,
        keep: Option<u64>,
    },
    /// What runs of these queries is not wanted any more.
    Stop,
    Seek {
        rows: Rows,
        from: u64,
        back: bool,
        sought: Sought,
    },
    /// The ids of all these rows, to mark them.
    Ids(Rows),
    Pages(Wanted),
    Sparks(Vec<u64>),
    Sheet(u64),
    Schema,
    Statistics {
        column: String,
        rows: Rows,
    },
    Export {
        chosen: Chosen,
        path: PathBuf,
        what: String,
        force: bool,
    },
    StopExport,
}

impl worker::Request for Request {
    fn slot(&self) -> Option<u8> {
        Some(match self {
            Self::Open | Self::Vocabulary => return None,
            Self::Select { .. } | Self::Seek { .. } | Self::Ids(_) | Self::Stop => 0,
            Self::Pages(_) | Self::Sparks(_) => 0,
            Self::Sheet(_) | Self::Schema => 1,
            Self::Statistics { .. } => 0,
            Self::Export { .. } | Self::StopExport => 0,
        })
    }
}

#[derive(Debug)]
pub enum Answer {
    Opened {
        rows: u64,
        columns: Vec<ColumnInfo>,
        shown: Vec<String>,
        spectra: bool,
    },
    Vocabulary(Vocabulary),
    Selected {
        query: Query,
        rows: Rows,
        /// Where the row is that was to be kept.
        place: Option<u64>,
    },
    /// So many percent of a query are done.
    Working(u8),
    /// The expression is wrong.
    Refused {
        query: Query,
        fault: QueryFault,
    },
    Found(u64),
    NotFound(Sought),
    Ids(Vec<String>),
    Page {
        generation: u64,
        block: u64,
        cells: Vec<Vec<Cell>>,
        /// Whether the cells of all columns are there, and not only of those that are seen.
        whole: bool,
    },
    /// Rows and their small spectra; `None` where a row has none that can be used.
    Sparks(Vec<(u64, Option<Vec<f32>>)>),
    /// A page of text: its title and lines.
    Text(String, Vec<String>),
    Statistics(Box<ColumnStatistics>),
    Exporting(u64, u64),
    Exported(Box<ExportSummary>),
    /// Anything else that went wrong.
    Failed(String),
    ExportFailed(String),
}

/// Samples of a small spectrum: four to each of the two columns of dots in a cell, which is drawn from the lowest to the highest, so
/// that a narrow line is still seen.
pub const SAMPLES: usize = 4 * 2 * super::table::SPARK as usize;
/// Rows whose small spectra are sent together.
const SPARKS_AT_ONCE: usize = 8;
/// Rows whose ids are read together where each is looked at until one is found: so many first, so that a near one is found at once, then twice as many each
/// time up to so many, for in a sorted list rows lie everywhere, and each reading goes through the whole table.
const FIRST_CHUNK: usize = 1024;
const LARGEST_CHUNK: usize = 131_072;
/// More rows than this are not marked at once.
pub const MOST_MARKED: u64 = 100_000;

/// The workers.
pub struct Browse {
    pages: Worker<Request>,
    sparks: Worker<Request>,
    queries: Worker<Request>,
    counts: Worker<Request>,
    exports: Worker<Request>,
}

impl Browse {
    pub fn start(
        inputs: Inputs,
        tell: impl Fn(app::Answer) + Clone + Send + Sync + 'static,
        fault: impl FnMut(String) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let worker = |name| {
            let (inputs, tell) = (inputs.clone(), tell.clone());
            Worker::start(
                name,
                move |request, cancel: &CancelToken| {
                    let tell = |answer| tell(app::Answer::Catalog(answer));
                    match inputs.table().map(Browser::of) {
                        Ok(browser) => serve(&browser, request, cancel, &tell),
                        // Said once, not by every worker.
                        Err(error) if request == Request::Open => tell(Answer::Failed(error)),
                        Err(_) => (),
                    }
                },
                fault.clone(),
            )
        };
        Ok(Self {
            pages: worker("pages")?,
            sparks: worker("sparks")?,
            queries: worker("queries")?,
            counts: worker("counts")?,
            exports: worker("exports")?,
        })
    }

    pub fn ask(&mut self, request: Request) {
        match &request {
            Request::Open
            | Request::Vocabulary
            | Request::Select { .. }
            | Request::Seek { .. }
            | Request::Ids(_) => self.queries.ask(request),
            Request::Stop => {
                self.queries.ask(Request::Stop);
                self.counts.ask(Request::Stop);
            }
            Request::Pages(_) | Request::Sheet(_) | Request::Schema => self.pages.ask(request),
            Request::Sparks(_) => self.sparks.ask(request),
            Request::Statistics { .. } => self.counts.ask(request),
            Request::Export { .. } | Request::StopExport => self.exports.ask(request),
        }
    }
}

/// Answers a request; an error of anything but an export or an expression is told as such.
pub fn serve(browser: &Browser, request: Request, cancel: &CancelToken, tell: &(dyn Fn(Answer) + Sync)) {
    let exporting = matches!(request, Request::Export { .. });
    if let Err(error) = attempt(browser, request, cancel, tell) {
        let text = in_words(&error);
        tell(match exporting {
            true => Answer::ExportFailed(text),
            false => Answer::Failed(text),
        });
    }
}

fn attempt(
    browser: &Browser,
    request: Request,
    cancel: &CancelToken,
    tell: &(dyn Fn(Answer) + Sync),
) -> Result<(), PipelineError> {
    match request {
        Request::Open => tell(Answer::Opened {
            rows: browser.len(),
            columns: browser.columns(),
            shown: browser.default_columns(),
            spectra: browser.has_spectra(),
        }),
        Request::Vocabulary => tell(Answer::Vocabulary(browser.vocabulary()?)),
        Request::Select { query, keep } => select(browser, query, keep, cancel, tell)?,
        Request::Stop | Request::StopExport => (),
        Request::Seek {
            rows,
            from,
            back,
            sought,
        } => {
            let found = seek(browser, &rows, from, back, &sought, cancel)?;
            if !cancel.is_cancelled() {
                tell(found.map_or(Answer::NotFound(sought), Answer::Found));
            }
        }
        Request::Ids(rows) => {
            // No more than can be marked, and all at once: sorted rows lie everywhere, and each reading goes through the whole table.
            let ids = ids_of(browser, &rows.slice(0, MOST_MARKED as usize))?;
            if !cancel.is_cancelled() {
                tell(Answer::Ids(ids.into_iter().filter(|id| !id.is_empty()).collect()));
            }
        }
        Request::Pages(wanted) => wanted.read(browser, cancel, tell)?,
        Request::Sparks(rows) => {
            for rows in rows.chunks(SPARKS_AT_ONCE) {
                if cancel.is_cancelled() {
                    break;
                }
                let sparks = browser.sparks(rows, SAMPLES)?;
                let sparks = rows.iter().copied().zip(sparks.into_iter().map(Result::ok));
                tell(Answer::Sparks(sparks.collect()));
            }
        }
        Request::Sheet(row) => {
            let sheet = browser.sheet(row)?;
            tell(Answer::Text(format!("row {row}"), words::sheet(&sheet)));
        }
        Request::Schema => {
            let footers = (0..browser.files().len()).map_while(|file| browser.footer(file));
            tell(Answer::Text("schema".into(), words::schema(footers)));
        }
        Request::Statistics { column, rows } => {
            if let Some(statistics) = browser.statistics(&column, &rows, cancel)? {
                tell(Answer::Statistics(Box::new(statistics)));
            }
        }
        Request::Export {
            chosen,
            path,
            what,
            force,
        } => {
            let rows = match chosen {
                Chosen::Listed(rows) => rows,
                Chosen::Ids(ids) => rows_of(browser, &ids)?,
            };
            let format = ExportFormat::of(&path).unwrap_or(ExportFormat::Ids);
            let request = ExportRequest {
                path,
                format,
                what,
                force,
            };
            let mut teller = Teller {
                tell,
                told: Instant::now(),
            };
            let summary = browser.export(&rows, &request, &mut teller, cancel)?;
            tell(Answer::Exported(Box::new(summary)));
        }
    }
    Ok(())
}

/// Tells the rows of a query, and on the way how far it is.
fn select(
    browser: &Browser,
    query: Query,
    keep: Option<u64>,
    cancel: &CancelToken,
    tell: &(dyn Fn(Answer) + Sync),
) -> Result<(), PipelineError> {
    let told = AtomicU8::new(0);
    // From several threads, and not more often than it changes.
    let share = |share: f64| {
        let percent = (100.0 * share) as u8;
        if told.fetch_max(percent, Ordering::Relaxed) < percent && !cancel.is_cancelled() {
            tell(Answer::Working(percent));
        }
    };
    match browser.select_told(&query, cancel, &share) {
        Ok(Some(rows)) => {
            let place = keep.and_then(|row| rows.position_of(row));
            tell(Answer::Selected { query, rows, place });
        }
        Ok(None) => (),
        Err(error) => match QueryFault::of(&error) {
            Some(fault) => tell(Answer::Refused { query, fault }),
            None => return Err(error),
        },
    }
    Ok(())
}

fn ids_of(browser: &Browser, rows: &[u64]) -> Result<Vec<String>, PipelineError> {
    let cells = browser.page(rows, &["object_id"])?;
    let id = |cells: Vec<Cell>| cells.into_iter().next().map(|cell| cell.value.in_full());
    Ok(cells.into_iter().filter_map(id).collect())
}

/// The rows of these objects, in catalog order. A few are looked up; for many the ids are gone through.
fn rows_of(browser: &Browser, ids: &BTreeSet<String>) -> Result<Rows, PipelineError> {
    let mut rows = Vec::new();
    for id in ids {
        rows.extend(browser.find(id)?);
    }
    rows.sort_unstable();
    rows.dedup();
    Ok(Rows::Listed(rows.into()))
}

/// The next place of what is sought after `from`, around the end.
fn seek(
    browser: &Browser,
    rows: &Rows,
    from: u64,
    back: bool,
    sought: &Sought,
    cancel: &CancelToken,
) -> Result<Option<u64>, PipelineError> {
    let len = rows.len();
    if len == 0 {
        return Ok(None);
    }
    let next = match back {
        true => (from + len - 1) % len,
        false => (from + 1) % len,
    };
    match sought {
        Sought::Text(text) => {
            let direction = match back {
                true => Direction::Backward,
                false => Direction::Forward,
            };
            browser.find_text(text, rows, next, direction, cancel)
        }
        Sought::Row(text) => {
            let row = text.parse::<u64>().ok().filter(|row| *row < browser.len());
            let place = row.and_then(|row| rows.position_of(row));
            match place {
                Some(place) => Ok(Some(place)),
                None => Ok(browser
                    .find(text)?
                    .into_iter()
                    .find_map(|row| rows.position_of(row))),
            }
        }
        Sought::OneOf(ids) => {
            let mut places = Vec::new();
            for id in ids {
                if cancel.is_cancelled() {
                    return Ok(None);
                }
                places.extend(
                    browser
                        .find(id)?
                        .into_iter()
                        .filter_map(|row| rows.position_of(row)),
                );
            }
            // The nearest ahead; the same place again is a whole round away.
            let ahead = |place: &u64| match back {
                true => (next + len - place) % len,
                false => (place + len - next) % len,
            };
            Ok(places.into_iter().min_by_key(ahead))
        }
        Sought::NoneOf(ids) => {
            let (mut place, mut looked, mut size) = (next, 0, FIRST_CHUNK);
            while looked < len && !cancel.is_cancelled() {
                let chunk = rows.slice(place, size.min((len - looked) as usize));
                size = (2 * size).min(LARGEST_CHUNK);
                let found = ids_of(browser, &chunk)?.iter().position(|id| !ids.contains(id));
                if let Some(at) = found {
                    return Ok(Some(place + at as u64));
                }
                looked += chunk.len() as u64;
                place = (place + chunk.len() as u64) % len;
            }
            Ok(None)
        }
    }
}

/// Tells how far an export is, and not more often than it can be shown.
struct Teller<'a> {
    tell: &'a (dyn Fn(Answer) + Sync),
    told: Instant,
}

impl Observer for Teller<'_> {
    fn event(&mut self, event: Event) {
        const TOLD: Duration = Duration::from_millis(100);
        if let Event::Step { done, total, .. } = event
            && self.told.elapsed() > TOLD
        {
            self.told = Instant::now();
            (self.tell)(Answer::Exporting(done, total));
        }
    }
}
