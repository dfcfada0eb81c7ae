//! The table of the catalog: what is seen of it, and where the cursor is.
//!
//! Nothing here waits: a row is shown by its number until its cells arrive, and what is seen next is read ahead.

mod acts;
mod chooser;
mod draw;
mod pages;
mod reading;
mod statistics;
mod table;
mod update;
mod words;
mod work;

#[cfg(test)]
mod tests;

pub use work::{Answer, Browse, Request, Sought, serve};

use serde::{Deserialize, Serialize};

use crate::catalog::Query;
use crate::pipeline::browse::{self, ColumnStatistics, Rows, Vocabulary};
use crate::tui::app::{Effect, Shell};
use chooser::Chooser;
use pages::{OBJECT_ID, Pages};
use table::{Kept, Table, What};

/// What covers the table.
#[derive(Debug)]
enum Cover {
    Columns(Chooser),
    Statistics(Box<ColumnStatistics>),
}

/// The screen.
#[derive(Debug)]
pub struct Catalog {
    /// Rows of the whole catalog, once it is open.
    len: Option<u64>,
    /// It could not be opened.
    failed: bool,
    has_ids: bool,
    /// What is listed, and the query that listed it.
    rows: Option<Rows>,
    query: Query,
    cursor: u64,
    top: u64,
    /// Rows that are seen, and cells beside each other.
    height: u16,
    width: u16,
    table: Table,
    pages: Pages,
    vocabulary: Vocabulary,
    /// What was looked for last.
    find: String,
    /// What runs, in words.
    running: Option<&'static str>,
    /// How much of it is done, percent; 0 where that is not known.
    share: u8,
    /// Rows done and rows in all.
    exporting: Option<(u64, u64)>,
    cover: Option<Cover>,
    restored: Option<Session>,
}

/// What is found again at the next start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Session {
    filter: Option<String>,
    order_by: Option<String>,
    row: Option<u64>,
    left: usize,
    columns: Vec<Kept>,
    find: String,
}

impl Catalog {
    pub fn new(shell: &Shell) -> Self {
        let selection = &shell.settings.selection;
        Self {
            len: None,
            failed: false,
            has_ids: false,
            rows: None,
            query: Query {
                filter: selection.r#where.clone(),
                order_by: selection.order_by.clone(),
                limit: selection.limit,
            },
            cursor: 0,
            top: 0,
            height: 20,
            width: 80,
            table: Table::default(),
            pages: Pages::default(),
            vocabulary: Vocabulary::default(),
            find: String::new(),
            running: None,
            share: 0,
            exporting: None,
            cover: None,
            restored: None,
        }
    }

    /// The row under the cursor.
    fn row(&self) -> Option<u64> {
        self.rows.as_ref()?.get(self.cursor)
    }

    /// The id at a place of the list, if it has arrived.
    fn id_at(&self, place: u64) -> Option<&str> {
        match &self.pages.cell(place, OBJECT_ID)?.value {
            browse::Value::Text(id) if !id.is_empty() => Some(id),
            _ => None,
        }
    }

    /// The column that the list is sorted by, and whether it descends; `None` where that is an expression.
    fn sorted(&self) -> Option<(&str, bool)> {
        let order = self.query.order_by.as_deref()?;
        let first = order.split(',').next().unwrap_or(order).trim();
        let (name, rest) = first.split_once(char::is_whitespace).unwrap_or((first, ""));
        let columns = &self.table.columns;
        let column = columns
            .iter()
            .find(|column| column.info.name.eq_ignore_ascii_case(name))?;
        match rest.trim().to_ascii_lowercase().as_str() {
            "" | "asc" => Some((&column.info.name, false)),
            "desc" => Some((&column.info.name, true)),
            _ => None,
        }
    }

    /// What is seen and not at hand is asked for.
    fn ask(&mut self) -> Vec<Effect> {
        let Some(rows) = &self.rows else {
            return Vec::new();
        };
        let height = u64::from(self.height.max(1));
        self.cursor = self.cursor.min(rows.len().saturating_sub(1));
        self.top = self
            .top
            .min(self.cursor)
            .max((self.cursor + 1).saturating_sub(height));
        let wanted = self.pages.wanted(rows, self.top, height, &self.seen());
        let mut requests: Vec<Request> = wanted.into_iter().collect();
        if self.table.sparks {
            requests.extend(self.pages.wanted_sparks(rows, self.top, height));
        }
        requests.into_iter().map(Effect::Catalog).collect()
    }

    /// The columns that are seen, and the one that says whose row it is.
    fn seen(&self) -> Vec<String> {
        let slots = self.table.slots(self.width).into_iter();
        let names = slots.filter_map(|slot| match slot.what {
            What::Column(at) => Some(self.table.columns[at].info.name.clone()),
            What::Spark => None,
        });
        names.chain([OBJECT_ID.to_owned()]).collect()
    }

    /// The cells are read anew: another list, or other columns.
    fn renew(&mut self) -> Vec<Effect> {
        let shown = self.table.shown();
        match self.has_ids {
            true => self.pages.renew(&shown),
            false => self.pages.renew_without_ids(&shown),
        }
        self.ask()
    }

    /// Asks for another list.
    fn select(&mut self, query: Query, what: &'static str) -> Vec<Effect> {
        (self.running, self.share) = (Some(what), 0);
        let keep = self.row();
        vec![Effect::Catalog(Request::Select { query, keep })]
    }
}
