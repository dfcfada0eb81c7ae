//! Injection and recovery: what would the ranking have found, and at what strength?
//!
//! A draw of spectra with known truth ([`Material`]) is written as a catalog of its own, and the real job runs on it with whatever settings the
//! user has; [`Comparator`]s rank the same spectra over the same folds. `docs/benchmark.md` says how it is measured.

mod comparators;
mod files;
mod judged;
mod labels;
mod material;
mod report;
mod stability;
mod tally;
mod truth;

pub use comparators::Comparator;
pub use labels::User;
pub use material::{Export, Planting};
pub use report::{
    Above, Agreement, Figure, Labeled, ListReport, Outranking, Part, PlantedRow, RankingReport, Repeats,
    Stability, Told,
};
pub use truth::ids;

use std::path::PathBuf;

use super::settings::Settings;
use super::{CancelToken, Event, Observer, PipelineError};
use judged::SeedRun;
use material::Draw;

/// What is ranked, and how its truth is known.
#[derive(Debug, Clone)]
pub enum Material {
    /// Anomalies planted into degraded copies of the catalog.
    Planted(Planting),
    /// Objects of another catalog mixed in as anomalies, at this share, at equal S/N.
    Mixed { others: Vec<String>, share: f64 },
    /// The catalog as it is; the truth is a table of ids.
    Known { truth: PathBuf },
}

/// One benchmark.
#[derive(Debug, Clone)]
pub struct RankingRequest {
    pub inputs: Vec<String>,
    pub settings: Settings,
    pub material: Material,
    /// One draw and one training each.
    pub seeds: Vec<u64>,
    pub comparators: Vec<Comparator>,
    /// Normal spectra that are known to be odd: the figures are given with and without them.
    pub odd: Vec<String>,
    /// Train every draw a second time, to see whether the head of the list stays.
    pub stability: bool,
    /// So many of the head of our list a simulated user labels, one report each.
    pub labels: Vec<usize>,
    /// Draws of the bootstrap.
    pub bootstraps: usize,
}

/// Draws, ranks, measures and writes `benchmark_ranking_N.json` and `benchmark_ranking_N.png`; `None` when cancelled.
///
/// Errors: as [`run`](super::run); a truth table that cannot be read or names none of the catalog's objects; nothing that can be planted.
pub fn ranking(
    request: &RankingRequest,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<Option<RankingReport>, PipelineError> {
    request.settings.check()?;
    let mut runs: Vec<SeedRun> = Vec::new();
    let mut trained_again = Vec::new();
    for (number, &seed) in request.seeds.iter().enumerate() {
        let of = request.seeds.len();
        observer.event(Event::Note(format!("seed {seed} ({} of {of})", number + 1)));
        let Some(draw) = Draw::make(request, seed, observer, cancel)? else {
            return Ok(None);
        };
        let Some(run) = SeedRun::make(request, &draw, seed, observer, cancel)? else {
            return Ok(None);
        };
        if request.stability {
            observer.event(Event::Note(
                "the same spectra with another seed of the training".into(),
            ));
            let Some(agreement) = stability::of(request, &draw, &run, observer, cancel)? else {
                return Ok(None);
            };
            trained_again.push(agreement);
        }
        runs.push(run);
    }
    let mut report = tally::report(request, &runs, stability::mean(trained_again));
    files::write(&mut report, &request.settings, observer)?;
    Ok(Some(report))
}

/// Writes the drawn spectra of every seed as catalogs with their truth, for other programs; nothing is trained. Returns `None` when cancelled.
///
/// Errors: a file of that name is there; as [`ranking`].
pub fn export(
    request: &RankingRequest,
    path: &std::path::Path,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<Option<Vec<Export>>, PipelineError> {
    request.settings.check()?;
    material::export(request, path, observer, cancel)
}
