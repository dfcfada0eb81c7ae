//! The ranking: a list that can be sorted, filtered, re-judged by other thresholds, and taught by labels.

mod answers;
mod desk;
mod draw;
mod list;
mod parameters;
mod update;

pub use desk::{Answer, Desk, Request, Source};
pub use list::SortKey;

use std::collections::HashMap;
use std::sync::Arc;

use compact_str::CompactString;
use list::{Order, Shown};

use crate::anomaly::Judgement;
use crate::pipeline::{Neighbors, Stage, Verdicts};
use crate::spectrum::Facts;
use crate::triage::Reranked;
use crate::tui::app::Shell;
use crate::tui::form::Form;

/// The screen.
pub struct Anomalies {
    ranking: Option<Ranking>,
    /// What heads the list while training runs, and the ranking that it hides.
    before: Option<Ranking>,
    order: Order,
    /// Place in the order.
    cursor: usize,
    top: usize,
    rows: usize,
    filter: Option<String>,
    /// Places in the ranking that the filter selects.
    selected: Option<Vec<usize>>,
    learned: Option<Learned>,
    similar: Option<Box<Neighbors>>,
    parameters: Option<Form>,
    /// The worker is at it.
    progress: Option<(Stage, u64, u64)>,
    find: String,
    /// To be found again when the ranking is there.
    wanted: Option<String>,
}

/// A ranking that is shown.
#[derive(Clone)]
struct Ranking {
    verdicts: Arc<Verdicts>,
    source: Source,
    /// Place by object.
    places: Arc<HashMap<CompactString, usize>>,
}

/// What the labels taught.
struct Learned {
    reranked: Reranked,
    /// By object.
    interest: HashMap<String, f64>,
}

impl Ranking {
    fn new(verdicts: Arc<Verdicts>, source: Source) -> Self {
        let places = verdicts
            .judgements
            .iter()
            .enumerate()
            .map(|(place, judgement)| (judgement.object_id.clone(), place))
            .collect();
        Self {
            verdicts,
            source,
            places: Arc::new(places),
        }
    }

    fn at(&self, place: usize) -> Option<(&Judgement, &Facts)> {
        Some((
            self.verdicts.judgements.get(place)?,
            self.verdicts.facts.get(place)?,
        ))
    }
}

impl Anomalies {
    pub fn new(_shell: &Shell) -> Self {
        Self {
            ranking: None,
            before: None,
            order: Order::default(),
            cursor: 0,
            top: 0,
            rows: 20,
            filter: None,
            selected: None,
            learned: None,
            similar: None,
            parameters: None,
            progress: None,
            find: String::new(),
            wanted: None,
        }
    }

    /// The verdict on an object, where the ranking has one.
    pub fn judgement(&self, id: &str) -> Option<&Judgement> {
        let ranking = self.ranking.as_ref()?;
        Some(ranking.at(*ranking.places.get(id)?)?.0)
    }

    /// The ids of the first `count` of the ranking.
    pub fn top(&self, count: usize) -> Vec<String> {
        let judgements = self
            .ranking
            .as_ref()
            .map(|ranking| &ranking.verdicts.judgements[..]);
        judgements
            .unwrap_or_default()
            .iter()
            .take(count)
            .map(|judgement| judgement.object_id.to_string())
            .collect()
    }

    /// The verdict under the cursor.
    fn current(&self) -> Option<(&Judgement, &Facts)> {
        let place = *self.order.places().get(self.cursor)?;
        self.ranking.as_ref()?.at(place)
    }
}
