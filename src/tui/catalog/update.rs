//! How the table changes: on keys, on lines that were entered, and on answers of the workers.

use crossterm::event::{KeyCode, MouseEvent, MouseEventKind};
use ratatui::Frame;
use ratatui::layout::Rect;
use serde_json::Value;

use super::draw::HEADER;
use super::table::Table;
use super::{Answer, Catalog, Cover, Request, Session, Sought};
use crate::catalog::Query;
use crate::pipeline::browse::{ColumnInfo, ExportSummary, QueryFault, Rows};
use crate::tui::app::{Completion, Effect, Level, Page, Popup, Purpose, Screen, Shell, Target};
use crate::tui::keys::{Action, LabelAct, Move, Press};
use crate::tui::text::counted;

impl Catalog {
    /// Takes in what a worker has to say.
    pub fn answer(&mut self, answer: Answer, shell: &mut Shell) -> Vec<Effect> {
        match answer {
            Answer::Opened {
                rows,
                columns,
                shown,
                spectra,
            } => return self.opened(rows, columns, &shown, spectra),
            Answer::Vocabulary(vocabulary) => self.vocabulary = vocabulary,
            Answer::Selected { query, rows, place } => return self.listed_anew(query, rows, place, shell),
            Answer::Working(percent) => self.share = percent,
            Answer::Refused { query, fault } => {
                self.running = None;
                return self.refused(query, fault, shell);
            }
            Answer::Found(place) => {
                self.running = None;
                self.cursor = place;
                return self.ask();
            }
            Answer::NotFound(sought) => {
                self.running = None;
                shell.note(match sought {
                    Sought::Text(text) => format!("no listed id has `{text}` in it"),
                    Sought::Row(text) => format!("`{text}` is neither a listed row nor the id of one"),
                    Sought::OneOf(_) => "nothing listed is marked".into(),
                    Sought::NoneOf(_) => "all that are listed have a label".into(),
                });
            }
            Answer::Ids(ids) => {
                self.running = None;
                shell.note(format!("{} marked", ids.len()));
                shell.marks.extend(ids);
            }
            Answer::Page {
                generation,
                block,
                cells,
                whole,
            } => {
                let names = self.pages.columns().to_vec();
                self.table.fit(&names, &cells);
                self.pages.arrived(generation, block, cells, whole);
                if self.pages.are_still() {
                    return self.ask();
                }
            }
            Answer::Sparks(sparks) => self.pages.arrived_sparks(sparks),
            Answer::Text(title, lines) => shell.popup = Some(Popup::Page(Page { title, lines, top: 0 })),
            Answer::Statistics(statistics) => {
                self.running = None;
                self.cover = Some(Cover::Statistics(statistics));
            }
            Answer::Exporting(done, total) => {
                if self.exporting.is_some() {
                    self.exporting = Some((done, total));
                }
            }
            Answer::Exported(summary) => {
                self.exporting = None;
                exported(&summary, shell);
            }
            Answer::ExportFailed(error) => {
                self.exporting = None;
                shell.error(error);
            }
            Answer::Failed(error) => {
                self.running = None;
                self.failed = self.len.is_none();
                shell.error(error);
            }
        }
        Vec::new()
    }

    fn opened(
        &mut self,
        rows: u64,
        columns: Vec<ColumnInfo>,
        shown: &[String],
        spectra: bool,
    ) -> Vec<Effect> {
        self.len = Some(rows);
        self.has_ids = columns.iter().any(|column| column.name == "object_id");
        self.table = Table::new(columns, shown, spectra);
        if let Some(session) = &self.restored {
            self.table.restore(&session.columns);
            self.table.left = session.left;
            self.table.scroll(0);
        }
        self.renew()
    }

    /// The rows of a query; `place`: of the row that the cursor was on.
    fn listed_anew(
        &mut self,
        query: Query,
        rows: Rows,
        place: Option<u64>,
        shell: &mut Shell,
    ) -> Vec<Effect> {
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

    /// A wrong expression goes back under the line in which it was typed.
    fn refused(&mut self, query: Query, fault: QueryFault, shell: &mut Shell) -> Vec<Effect> {
        let clause = fault.clause;
        let (purpose, text) = match clause {
            "order by" => (Purpose::Sort, query.order_by.unwrap_or_default()),
            _ => (Purpose::Filter, query.filter.unwrap_or_default()),
        };
        let before = fault.at.and_then(|at| text.get(..at));
        let error = match before {
            Some(before) => format!("{} (at character {})", fault.text, before.chars().count() + 1),
            None => fault.text,
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
            "{}: {}, {:.1} MB{skipped}",
            summary.path.display(),
            counted(summary.rows, "row"),
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
        (self.running, self.share) = (Some("listing"), 0);
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

    fn extent(&self) -> Option<(u64, u64)> {
        let rows = self.rows.as_ref()?;
        (!rows.is_empty()).then(|| (rows.len(), self.cursor))
    }

    fn listed(&self, place: u64) -> Option<(Target, Vec<String>)> {
        let row = self.rows.as_ref()?.get(place)?;
        let name = self
            .id_at(place)
            .map_or_else(|| format!("row {row}"), str::to_owned);
        Some((Target::Row(row), vec![name]))
    }

    fn awaits(&self) -> bool {
        let height = u64::from(self.height.max(1));
        let rows = self.rows.as_ref();
        rows.is_some_and(|rows| !self.pages.has(rows, self.top, height))
    }

    fn target(&self) -> Option<Target> {
        self.row().map(Target::Row)
    }

    fn selected_id(&self) -> Option<String> {
        self.id_at(self.cursor).map(str::to_owned)
    }

    fn resized(&mut self, area: Rect, _: &mut Shell) -> Vec<Effect> {
        // Behind another pane it stays as it is, to be found again so.
        if area.is_empty() {
            return Vec::new();
        }
        self.height = area.height.saturating_sub(2 + HEADER);
        self.width = area.width.saturating_sub(2);
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
