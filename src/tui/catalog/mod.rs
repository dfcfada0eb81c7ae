//! The table of the catalog.

mod work;

pub use work::{Answer, Browse, Request};

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Text};

use crate::pipeline::browse::{Cell, Rows};
use crate::tui::app::{Effect, Purpose, Screen, Shell, Target};
use crate::tui::draw::framed;
use crate::tui::keys::{Action, Move};
use crate::tui::text;
use crate::tui::theme::Role;

/// The screen.
#[derive(Debug)]
pub struct Catalog {
    listed: Option<Rows>,
    filter: Option<String>,
    cursor: u64,
    top: u64,
    height: u16,
    /// The first listed place of the page at hand, and its cells.
    page: Option<(u64, Vec<Vec<Cell>>)>,
}

impl Catalog {
    pub fn new(_shell: &Shell) -> Self {
        Self {
            listed: None,
            filter: None,
            cursor: 0,
            top: 0,
            height: 20,
            page: None,
        }
    }

    pub fn answer(&mut self, answer: Answer, shell: &mut Shell) -> Vec<Effect> {
        match answer {
            Answer::Selected { rows, of, filter } => {
                shell.rows = Some((rows.len(), of));
                shell.filter.clone_from(&filter);
                (self.filter, self.listed, self.page) = (filter, Some(rows), None);
                self.ask_page()
            }
            Answer::Page { from, cells } => {
                self.page = Some((from, cells));
                Vec::new()
            }
            Answer::Failed(error) => {
                match &mut shell.prompt {
                    Some(prompt) if prompt.purpose == Purpose::Filter => prompt.error = Some(error),
                    _ => shell.error(error),
                }
                Vec::new()
            }
        }
    }

    fn ask_page(&self) -> Vec<Effect> {
        let Some(listed) = &self.listed else {
            return Vec::new();
        };
        let rows = listed.slice(self.top, usize::from(self.height));
        vec![Effect::Catalog(Request::Page { from: self.top, rows })]
    }
}

impl Screen for Catalog {
    fn start(&mut self, shell: &mut Shell) -> Vec<Effect> {
        vec![Effect::Catalog(Request::Select(shell.filter.clone()))]
    }

    fn act(&mut self, action: Action, count: Option<u32>, shell: &mut Shell) -> Vec<Effect> {
        let times = u64::from(count.unwrap_or(1));
        let last = self
            .listed
            .as_ref()
            .map_or(0, |rows| rows.len().saturating_sub(1));
        match action {
            Action::Move(Move::Down) => self.cursor = (self.cursor + times).min(last),
            Action::Move(Move::Up) => self.cursor = self.cursor.saturating_sub(times),
            Action::Move(Move::Top) => self.cursor = 0,
            Action::Move(Move::Bottom) => self.cursor = last,
            Action::Filter => {
                let filter = self.filter.clone().unwrap_or_default();
                shell.ask(Purpose::Filter, &filter);
            }
            _ => (),
        }
        let height = u64::from(self.height.max(1));
        self.top = self
            .top
            .min(self.cursor)
            .max((self.cursor + 1).saturating_sub(height));
        self.ask_page()
    }

    fn entered(&mut self, purpose: &Purpose, text: &str, _: &mut Shell) -> Result<Vec<Effect>, String> {
        match purpose {
            Purpose::Filter => {
                let filter = (!text.is_empty()).then(|| text.to_owned());
                Ok(vec![Effect::Catalog(Request::Select(filter))])
            }
            _ => Err("not on this screen".into()),
        }
    }

    fn target(&self) -> Option<Target> {
        self.listed.as_ref()?.get(self.cursor).map(Target::Row)
    }

    fn resized(&mut self, area: Rect, _: &mut Shell) -> Vec<Effect> {
        self.height = area.height.saturating_sub(2);
        self.ask_page()
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shell: &Shell) {
        let theme = &shell.theme;
        let block = framed(theme, "catalog");
        let inside = block.inner(area);
        frame.render_widget(block, area);
        let lines: Vec<Line> = (self.top..self.top + u64::from(inside.height))
            .filter_map(|place| {
                let row = self.listed.as_ref()?.get(place)?;
                let cells = self
                    .page
                    .as_ref()
                    .and_then(|(from, cells)| cells.get(place.checked_sub(*from)? as usize));
                let texts: Vec<String> = match cells {
                    Some(cells) => cells
                        .iter()
                        .map(|cell| text::clean(&cell.text).into_owned())
                        .collect(),
                    None => vec![format!("{row} …")],
                };
                let role = if place == self.cursor {
                    Role::Selected
                } else {
                    Role::Text
                };
                let text = text::fit(&texts.join("  "), usize::from(inside.width));
                Some(Line::styled(text, theme.style(role)))
            })
            .collect();
        frame.render_widget(Text::from(lines), inside);
    }
}
