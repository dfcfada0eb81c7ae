//! What keys and clicks do to the table: moving, marking, searching, choosing columns, sorting, exporting.

use std::path::PathBuf;

use crossterm::event::MouseEvent;
use ratatui::layout::Rect;

use super::chooser::{Chooser, Chosen as Choice};
use super::draw::HEADER;
use super::table::What;
use super::work::{Chosen, MOST_MARKED};
use super::{Catalog, Cover, Request, Sought};
use crate::catalog::Query;
use crate::pipeline::browse::ExportFormat;
use crate::tui::app::{Effect, Purpose, Shell};
use crate::tui::keys::{CatalogAct, Move, Press};
use crate::tui::text::thousands;

impl Catalog {
    pub(super) fn step(&mut self, step: Move, count: Option<u32>) {
        let last = self.rows.as_ref().map_or(0, |rows| rows.len().saturating_sub(1));
        let height = u64::from(self.height.max(1));
        let before = self.cursor;
        self.cursor = step.from(before, last, height, count);
        // A page moves what is seen, not only the cursor in it.
        if matches!(
            step,
            Move::PageDown | Move::PageUp | Move::HalfDown | Move::HalfUp
        ) {
            self.top = match self.cursor > before {
                true => self.top + (self.cursor - before),
                false => self.top.saturating_sub(before - self.cursor),
            };
            self.top = self.top.min((last + 1).saturating_sub(height));
        }
    }

    pub(super) fn seek(&mut self, sought: Sought, back: bool) -> Vec<Effect> {
        let Some(rows) = self.rows.clone() else {
            return Vec::new();
        };
        (self.running, self.share) = (Some("searching"), 0);
        vec![Effect::Catalog(Request::Seek {
            rows,
            from: self.cursor,
            back,
            sought,
        })]
    }

    pub(super) fn mark(&mut self, count: Option<u32>, shell: &mut Shell) {
        for _ in 0..count.unwrap_or(1) {
            let before = self.cursor;
            let Some(id) = self.id_at(before).map(str::to_owned) else {
                // What has not arrived cannot be marked: nothing is marked unseen.
                break;
            };
            if !shell.marks.remove(&id) {
                shell.marks.insert(id);
            }
            self.step(Move::Down, None);
            if self.cursor == before {
                break;
            }
        }
    }

    pub(super) fn mark_all(&mut self, shell: &mut Shell) -> Vec<Effect> {
        match &self.rows {
            Some(rows) if rows.len() > MOST_MARKED => {
                shell.note(format!(
                    "{} rows are more than can be marked; `w e` exports all that are listed",
                    thousands(rows.len())
                ));
                Vec::new()
            }
            Some(rows) => {
                (self.running, self.share) = (Some("marking"), 0);
                vec![Effect::Catalog(Request::Ids(rows.clone()))]
            }
            None => Vec::new(),
        }
    }

    /// Esc: what runs is stopped.
    pub(super) fn cancel(&mut self) -> Vec<Effect> {
        if self.running.take().is_some() {
            return vec![Effect::Catalog(Request::Stop)];
        }
        if self.exporting.is_some() {
            return vec![Effect::Catalog(Request::StopExport)];
        }
        Vec::new()
    }

    pub(super) fn own(&mut self, act: CatalogAct, count: Option<u32>, shell: &mut Shell) -> Vec<Effect> {
        let columns = count.unwrap_or(1).min(1000) as isize;
        match act {
            CatalogAct::Columns => {
                self.cover = Some(Cover::Columns(Chooser::default()));
                Vec::new()
            }
            CatalogAct::Sheet => {
                let row = self.row();
                row.map(|row| Effect::Catalog(Request::Sheet(row)))
                    .into_iter()
                    .collect()
            }
            CatalogAct::Schema => vec![Effect::Catalog(Request::Schema)],
            CatalogAct::Statistics => {
                let column = self.sorted().map_or("", |(name, _)| name).to_owned();
                shell.ask(Purpose::Statistics, &column);
                Vec::new()
            }
            CatalogAct::ScrollLeft => {
                self.table.scroll(-columns);
                Vec::new()
            }
            CatalogAct::ScrollRight => {
                self.table.scroll(columns);
                Vec::new()
            }
            CatalogAct::ExportSelected => {
                shell.ask(Purpose::Export { marked: false }, "");
                Vec::new()
            }
            CatalogAct::ExportMarked if shell.marks.is_empty() => {
                shell.note("nothing is marked; Space marks");
                Vec::new()
            }
            CatalogAct::ExportMarked => {
                shell.ask(Purpose::Export { marked: true }, "");
                Vec::new()
            }
        }
    }

    pub(super) fn statistics(&mut self, column: &str) -> Result<Vec<Effect>, String> {
        let rows = self.rows.clone().ok_or("the catalog is not open yet")?;
        let columns = &self.table.columns;
        let known = columns
            .iter()
            .find(|known| known.info.name.eq_ignore_ascii_case(column));
        let known = known.ok_or_else(|| format!("there is no column `{column}`; `g c` shows all"))?;
        let column = known.info.name.clone();
        (self.running, self.share) = (Some("counting"), 0);
        Ok(vec![Effect::Catalog(Request::Statistics { column, rows })])
    }

    /// A `!` at the end replaces a file, as in vim's `:w!`.
    pub(super) fn export(&mut self, text: &str, marked: bool, shell: &Shell) -> Result<Vec<Effect>, String> {
        let rows = self.rows.clone().ok_or("the catalog is not open yet")?;
        if self.exporting.is_some() {
            return Err("an export is running; Esc stops it".into());
        }
        let (name, force) = match text.strip_suffix('!') {
            Some(name) => (name.trim_end(), true),
            None => (text, false),
        };
        let path = PathBuf::from(name);
        if ExportFormat::of(&path).is_none() {
            return Err(
                "the name has to end in .parquet (a catalog), .csv (the table) or .txt (the ids)".into(),
            );
        }
        let (chosen, what, count) = match marked {
            true => (
                Chosen::Ids(shell.marks.clone()),
                "marked rows".to_owned(),
                shell.marks.len() as u64,
            ),
            false => {
                let what = self.query.filter.clone().unwrap_or_else(|| "all rows".into());
                let count = rows.len();
                (Chosen::Listed(rows), what, count)
            }
        };
        if count == 0 {
            return Err("there is nothing to export".into());
        }
        self.exporting = Some((0, count));
        Ok(vec![Effect::Catalog(Request::Export {
            chosen,
            path,
            what,
            force,
        })])
    }

    /// Sorted by this column: ascending, then descending, then as in the files.
    fn sort_by(&mut self, at: usize) -> Vec<Effect> {
        let Some(column) = self.table.columns.get(at) else {
            return Vec::new();
        };
        let name = &column.info.name;
        let order_by = match self.sorted() {
            Some((sorted, false)) if sorted == name => Some(format!("{} DESC", quoted(name))),
            Some((sorted, true)) if sorted == name => None,
            _ => Some(quoted(name)),
        };
        let query = Query {
            order_by,
            ..self.query.clone()
        };
        self.select(query, "sorting")
    }

    pub(super) fn choose(&mut self, press: Press) -> Vec<Effect> {
        let Some(Cover::Columns(chooser)) = &mut self.cover else {
            return Vec::new();
        };
        match chooser.press(press, &mut self.table) {
            Choice::Nothing => Vec::new(),
            Choice::Changed => self.renew(),
            Choice::Sort(at) => self.sort_by(at),
            Choice::Statistics(at) => {
                let name = self.table.columns.get(at).map(|column| column.info.name.clone());
                name.and_then(|name| self.statistics(&name).ok())
                    .unwrap_or_default()
            }
            Choice::Close => {
                self.cover = None;
                Vec::new()
            }
        }
    }

    pub(super) fn click(&mut self, event: MouseEvent, area: Rect, shell: &Shell) -> Vec<Effect> {
        let line = event.row.saturating_sub(area.y + 1);
        if line >= HEADER {
            let place = self.top + u64::from(line - HEADER);
            if self.rows.as_ref().is_some_and(|rows| place < rows.len()) {
                self.cursor = place;
            }
            return self.ask();
        }
        // A click on a name sorts by it.
        let gutter = Self::gutter(shell);
        let x = event.column.saturating_sub(area.x + 1 + gutter);
        let slots = self.table.slots(area.width.saturating_sub(2 + gutter));
        let slot = slots
            .iter()
            .find(|slot| (slot.x..slot.x + slot.width).contains(&x));
        match slot.map(|slot| slot.what) {
            Some(What::Column(at)) => self.sort_by(at),
            _ => Vec::new(),
        }
    }
}

/// A name as SQL takes it.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    match name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}
