//! How the table changes: on keys, on lines that were entered, and on answers of the workers.

use std::path::PathBuf;

use crossterm::event::{KeyCode, MouseEvent, MouseEventKind};
use ratatui::Frame;
use ratatui::layout::Rect;
use serde_json::Value;

use super::chooser::{Chooser, Chosen as Choice};
use super::draw::{HEADER, grouped};
use super::table::{Table, What};
use super::work::{Chosen, MOST_MARKED};
use super::{Answer, Catalog, Cover, Request, Session, Sought};
use crate::catalog::Query;
use crate::pipeline::browse::{ExportFormat, ExportSummary};
use crate::tui::app::{Completion, Effect, Level, Page, Popup, Purpose, Screen, Shell, Target};
use crate::tui::keys::{Action, CatalogAct, LabelAct, Move, Press};

impl Catalog {
    /// Takes in what a worker has to say.
    pub fn answer(&mut self, answer: Answer, shell: &mut Shell) -> Vec<Effect> {
        match answer {
            Answer::Opened {
                rows,
                columns,
                shown,
                spectra,
            } => {
                self.len = Some(rows);
                self.has_ids = columns.iter().any(|column| column.name == "object_id");
                self.table = Table::new(columns, &shown, spectra);
                if let Some(session) = &self.restored {
                    self.table.restore(&session.columns);
                    self.table.left = session.left;
                    self.table.scroll(0);
                }
                self.renew()
            }
            Answer::Vocabulary(vocabulary) => {
                self.vocabulary = vocabulary;
                Vec::new()
            }
            Answer::Selected { query, rows, place } => {
                self.running = None;
                shell.rows = Some((rows.len(), self.len.unwrap_or_else(|| rows.len())));
                shell.filter.clone_from(&query.filter);
                // The row stays where it is on the screen, as far as the list allows.
                let offset = self.cursor - self.top.min(self.cursor);
                self.cursor = place.unwrap_or(0);
                self.top = self.cursor.saturating_sub(offset);
                (self.query, self.rows) = (query, Some(rows));
                self.renew()
            }
            Answer::Refused { query, fault } => {
                self.running = None;
                let at = fault
                    .at
                    .map_or_else(String::new, |at| format!(" (at {})", at + 1));
                self.refused(query, fault.clause, format!("{}{at}", fault.text), shell)
            }
            Answer::Found(place) => {
                self.running = None;
                self.cursor = place;
                self.ask()
            }
            Answer::NotFound(sought) => {
                self.running = None;
                shell.note(match sought {
                    Sought::Text(text) => format!("no listed id has `{text}` in it"),
                    Sought::Row(text) => format!("`{text}` is neither a listed row nor the id of one"),
                    Sought::OneOf(_) => "nothing listed is marked".into(),
                    Sought::NoneOf(_) => "all that are listed have a label".into(),
                });
                Vec::new()
            }
            Answer::Ids(ids) => {
                self.running = None;
                shell.note(format!("{} marked", ids.len()));
                shell.marks.extend(ids);
                Vec::new()
            }
            Answer::Page {
                generation,
                block,
                cells,
            } => {
                let names = self.pages.columns().to_vec();
                self.table.fit(&names, &cells);
                self.pages.arrived(generation, block, cells);
                Vec::new()
            }
            Answer::Sparks(sparks) => {
                self.pages.arrived_sparks(sparks);
                Vec::new()
            }
            Answer::Text(title, lines) => {
                shell.popup = Some(Popup::Page(Page { title, lines, top: 0 }));
                Vec::new()
            }
            Answer::Statistics(statistics) => {
                self.running = None;
                self.cover = Some(Cover::Statistics(statistics));
                Vec::new()
            }
            Answer::Exporting(done, total) => {
                if self.exporting.is_some() {
                    self.exporting = Some((done, total));
                }
                Vec::new()
            }
            Answer::Exported(summary) => {
                self.exporting = None;
                exported(&summary, shell);
                Vec::new()
            }
            Answer::ExportFailed(error) => {
                self.exporting = None;
                shell.error(error);
                Vec::new()
            }
            Answer::Failed(error) => {
                self.running = None;
                self.failed = self.len.is_none();
                shell.error(error);
                Vec::new()
            }
        }
    }

    /// A wrong expression goes back under the line in which it was typed.
    fn refused(&mut self, query: Query, clause: &str, error: String, shell: &mut Shell) -> Vec<Effect> {
        let (purpose, text) = match clause {
            "order by" => (Purpose::Sort, query.order_by.unwrap_or_default()),
            _ => (Purpose::Filter, query.filter.unwrap_or_default()),
        };
        // A session's or a setting's expression is not being typed: the whole catalog is listed instead.
        if self.rows.is_none() {
            shell.error(format!("{clause} `{text}`: {error}"));
            return self.select(Query::default(), "listing");
        }
        if shell.prompt.is_none() {
            shell.ask(purpose.clone(), &text);
        }
        match &mut shell.prompt {
            Some(prompt) if prompt.purpose == purpose && prompt.text() == text => prompt.error = Some(error),
            _ => shell.error(format!("{clause} `{text}`: {error}")),
        }
        Vec::new()
    }

    fn step(&mut self, step: Move, count: Option<u32>) {
        let last = self.rows.as_ref().map_or(0, |rows| rows.len().saturating_sub(1));
        let height = u64::from(self.height.max(1));
        let times = u64::from(count.unwrap_or(1));
        let down = |rows: u64| self.cursor.saturating_add(rows.saturating_mul(times)).min(last);
        let up = |rows: u64| self.cursor.saturating_sub(rows.saturating_mul(times));
        let before = self.cursor;
        self.cursor = match step {
            Move::Down => down(1),
            Move::Up => up(1),
            Move::PageDown => down(height),
            Move::PageUp => up(height),
            Move::HalfDown => down(height.div_ceil(2)),
            Move::HalfUp => up(height.div_ceil(2)),
            Move::Top => count.map_or(0, |n| u64::from(n).saturating_sub(1).min(last)),
            Move::Bottom => count.map_or(last, |n| u64::from(n).saturating_sub(1).min(last)),
        };
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

    fn seek(&mut self, sought: Sought, back: bool) -> Vec<Effect> {
        let Some(rows) = self.rows.clone() else {
            return Vec::new();
        };
        self.running = Some("searching");
        vec![Effect::Catalog(Request::Seek {
            rows,
            from: self.cursor,
            back,
            sought,
        })]
    }

    fn mark(&mut self, count: Option<u32>, shell: &mut Shell) {
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

    fn mark_all(&mut self, shell: &mut Shell) -> Vec<Effect> {
        match &self.rows {
            Some(rows) if rows.len() > MOST_MARKED => {
                shell.note(format!(
                    "{} rows are more than can be marked; `w e` exports all that are listed",
                    grouped(rows.len())
                ));
                Vec::new()
            }
            Some(rows) => {
                self.running = Some("marking");
                vec![Effect::Catalog(Request::Ids(rows.clone()))]
            }
            None => Vec::new(),
        }
    }

    /// Esc: what runs is stopped.
    fn cancel(&mut self) -> Vec<Effect> {
        if self.running.take().is_some() {
            return vec![Effect::Catalog(Request::Stop)];
        }
        if self.exporting.is_some() {
            return vec![Effect::Catalog(Request::StopExport)];
        }
        Vec::new()
    }

    fn own(&mut self, act: CatalogAct, count: Option<u32>, shell: &mut Shell) -> Vec<Effect> {
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

    fn statistics(&mut self, column: &str) -> Result<Vec<Effect>, String> {
        let rows = self.rows.clone().ok_or("the catalog is not open yet")?;
        let columns = &self.table.columns;
        let known = columns
            .iter()
            .find(|known| known.info.name.eq_ignore_ascii_case(column));
        let known = known.ok_or_else(|| format!("there is no column `{column}`; `g c` shows all"))?;
        let column = known.info.name.clone();
        self.running = Some("counting");
        Ok(vec![Effect::Catalog(Request::Statistics { column, rows })])
    }

    /// A `!` at the end replaces a file, as in vim's `:w!`.
    fn export(&mut self, text: &str, marked: bool, shell: &Shell) -> Result<Vec<Effect>, String> {
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

    fn choose(&mut self, press: Press) -> Vec<Effect> {
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

    fn click(&mut self, event: MouseEvent, area: Rect, shell: &Shell) -> Vec<Effect> {
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

fn exported(summary: &ExportSummary, shell: &mut Shell) {
    if summary.interrupted {
        shell.say(Level::Warning, "the export was stopped; nothing was written");
        return;
    }
    for issue in &summary.issues {
        shell.say(Level::Warning, format!("left out: {issue}"));
    }
    let skipped = match summary.skipped {
        0 => String::new(),
        skipped => format!(", {skipped} left out (! names them)"),
    };
    shell.say(
        Level::Done,
        format!(
            "{}: {} rows, {:.1} MB{skipped}",
            summary.path.display(),
            grouped(summary.rows),
            summary.bytes as f64 / 1e6
        ),
    );
}

impl Screen for Catalog {
    fn start(&mut self, shell: &mut Shell) -> Vec<Effect> {
        // What was asked for now goes before what was there the last time.
        let mut keep = None;
        if let Some(session) = &self.restored {
            keep = session.row;
            self.find.clone_from(&session.find);
            if self.query.filter.is_none() && self.query.order_by.is_none() {
                self.query.filter.clone_from(&session.filter);
                self.query.order_by.clone_from(&session.order_by);
            }
        }
        shell.filter.clone_from(&self.query.filter);
        self.running = Some("listing");
        let query = self.query.clone();
        vec![
            Effect::Catalog(Request::Open),
            Effect::Catalog(Request::Select { query, keep }),
            // For completion, which nobody needs before there is a list.
            Effect::Catalog(Request::Vocabulary),
        ]
    }

    fn act(&mut self, action: Action, count: Option<u32>, shell: &mut Shell) -> Vec<Effect> {
        match action {
            Action::Move(step) => self.step(step, count),
            Action::Mark => self.mark(count, shell),
            Action::MarkAll => return self.mark_all(shell),
            Action::ClearMarks => shell.marks.clear(),
            Action::NextMarked if shell.marks.is_empty() => shell.note("nothing is marked; Space marks"),
            Action::NextMarked => return self.seek(Sought::OneOf(shell.marks.clone()), false),
            Action::Label(LabelAct::NextUnlabeled) => {
                let labeled = shell.labels.all().keys().cloned().collect();
                return self.seek(Sought::NoneOf(labeled), false);
            }
            Action::Find => shell.ask(Purpose::Find, ""),
            Action::GoTo => shell.ask(Purpose::GoTo, ""),
            Action::FindNext | Action::FindPrevious if self.find.is_empty() => shell.ask(Purpose::Find, ""),
            Action::FindNext | Action::FindPrevious => {
                let sought = Sought::Text(self.find.clone());
                return self.seek(sought, action == Action::FindPrevious);
            }
            Action::Filter => {
                let filter = self.query.filter.clone().unwrap_or_default();
                shell.ask(Purpose::Filter, &filter);
            }
            Action::ClearFilter if self.query.filter.is_none() => shell.note("there is no filter"),
            Action::ClearFilter => {
                let query = Query {
                    filter: None,
                    ..self.query.clone()
                };
                return self.select(query, "listing");
            }
            Action::Sort => {
                let order = self.query.order_by.clone().unwrap_or_default();
                shell.ask(Purpose::Sort, &order);
            }
            Action::Cancel => return self.cancel(),
            Action::Catalog(act) => return self.own(act, count, shell),
            _ => (),
        }
        self.ask()
    }

    fn press(&mut self, press: Press, _: &mut Shell) -> Option<Vec<Effect>> {
        match &self.cover {
            None => None,
            Some(Cover::Columns(_)) => Some(self.choose(press)),
            Some(Cover::Statistics(_)) => {
                // Leaves as it came; any key will do.
                self.cover = None;
                Some(match press.code {
                    KeyCode::Esc | KeyCode::Enter => Vec::new(),
                    _ => self.ask(),
                })
            }
        }
    }

    fn entered(&mut self, purpose: &Purpose, text: &str, shell: &mut Shell) -> Result<Vec<Effect>, String> {
        let given = (!text.is_empty()).then(|| text.to_owned());
        match purpose {
            Purpose::Filter => {
                let query = Query {
                    filter: given,
                    ..self.query.clone()
                };
                Ok(self.select(query, "filtering"))
            }
            Purpose::Sort => {
                let query = Query {
                    order_by: given,
                    ..self.query.clone()
                };
                Ok(self.select(query, "sorting"))
            }
            Purpose::Find => {
                text.clone_into(&mut self.find);
                match text {
                    "" => Ok(Vec::new()),
                    text => Ok(self.seek(Sought::Text(text.to_owned()), false)),
                }
            }
            Purpose::GoTo => Ok(self.seek(Sought::Row(text.to_owned()), false)),
            Purpose::Statistics => self.statistics(text),
            Purpose::Export { marked } => self.export(text, *marked, shell),
            _ => Err("not on this screen".into()),
        }
    }

    fn complete(
        &mut self,
        purpose: &Purpose,
        text: &str,
        cursor: usize,
        _: &Shell,
    ) -> (Vec<Completion>, Vec<Effect>) {
        let sql = matches!(purpose, Purpose::Filter | Purpose::Sort | Purpose::Statistics);
        if !sql || (text.is_empty() && *purpose != Purpose::Statistics) {
            return (Vec::new(), Vec::new());
        }
        let ways = self
            .vocabulary
            .complete(text, cursor)
            .into_iter()
            .map(|way| Completion {
                replace: way.replace,
                text: way.text,
                about: way.about,
            });
        (ways.collect(), Vec::new())
    }

    fn mouse(&mut self, event: MouseEvent, area: Rect, shell: &mut Shell) -> Vec<Effect> {
        if self.cover.is_some() {
            return Vec::new();
        }
        match event.kind {
            MouseEventKind::ScrollDown => self.step(Move::Down, Some(3)),
            MouseEventKind::ScrollUp => self.step(Move::Up, Some(3)),
            MouseEventKind::ScrollLeft => self.table.scroll(-1),
            MouseEventKind::ScrollRight => self.table.scroll(1),
            MouseEventKind::Down(_) => return self.click(event, area, shell),
            _ => return Vec::new(),
        }
        self.ask()
    }

    fn target(&self) -> Option<Target> {
        self.row().map(Target::Row)
    }

    fn selected_id(&self) -> Option<String> {
        self.id_at(self.cursor).map(str::to_owned)
    }

    fn resized(&mut self, area: Rect, _: &mut Shell) -> Vec<Effect> {
        self.height = area.height.saturating_sub(2 + HEADER);
        self.ask()
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shell: &Shell) {
        self.draw_table(frame, area, shell);
    }

    fn draw_popup(&self, frame: &mut Frame, area: Rect, shell: &Shell) {
        self.draw_cover(frame, area, shell);
    }

    fn save(&self) -> Value {
        // Before the catalog is open, nothing is known that was not known the last time.
        let session = match (&self.restored, self.table.columns.is_empty()) {
            (Some(session), true) => session.clone(),
            _ => Session {
                filter: self.query.filter.clone(),
                order_by: self.query.order_by.clone(),
                row: self.row(),
                left: self.table.left,
                columns: self.table.kept(),
                find: self.find.clone(),
            },
        };
        serde_json::to_value(session).unwrap_or_default()
    }

    fn restore(&mut self, saved: &Value) {
        self.restored = serde_json::from_value(saved.clone()).ok();
    }
}
