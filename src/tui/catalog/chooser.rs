//! The chooser of columns: show, hide, freeze, widen, move, sort, statistics.

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};

use super::table::Table;
use crate::tui::draw::{centered, cover};
use crate::tui::keys::Press;
use crate::tui::text;
use crate::tui::theme::{Role, Theme};

/// Where the chooser is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Chooser {
    pub at: usize,
}

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    Nothing,
    /// The shown columns are others.
    Changed,
    Sort(usize),
    Statistics(usize),
    Close,
}

/// Its keys, in a line.
const KEYS: &str = "Space show  f freeze  + - 0 width  J K move  s sort  Enter statistics  Esc";

impl Chooser {
    pub fn press(&mut self, press: Press, table: &mut Table) -> Chosen {
        const PAGE: usize = 10;
        const STEP: i16 = 2;
        let last = table.columns.len().saturating_sub(1);
        match (press.code, press.typed()) {
            (KeyCode::Esc, _) | (_, Some('q')) => return Chosen::Close,
            (KeyCode::Down, _) | (_, Some('j')) => self.at = (self.at + 1).min(last),
            (KeyCode::Up, _) | (_, Some('k')) => self.at = self.at.saturating_sub(1),
            (KeyCode::PageDown, _) => self.at = (self.at + PAGE).min(last),
            (KeyCode::PageUp, _) => self.at = self.at.saturating_sub(PAGE),
            (KeyCode::Home, _) | (_, Some('g')) => self.at = 0,
            (KeyCode::End, _) | (_, Some('G')) => self.at = last,
            (_, Some(' ')) => {
                table.toggle(self.at);
                return Chosen::Changed;
            }
            (_, Some('f')) => {
                table.freeze(self.at);
                return Chosen::Changed;
            }
            (KeyCode::Right, _) | (_, Some('+' | '=')) => table.widen(self.at, STEP),
            (KeyCode::Left, _) | (_, Some('-')) => table.widen(self.at, -STEP),
            (_, Some('0')) => table.widen(self.at, 0),
            (_, Some('J')) => {
                self.at = table.shift(self.at, true);
                return Chosen::Changed;
            }
            (_, Some('K')) => {
                self.at = table.shift(self.at, false);
                return Chosen::Changed;
            }
            (_, Some('s')) => return Chosen::Sort(self.at),
            (KeyCode::Enter, _) => return Chosen::Statistics(self.at),
            _ => (),
        }
        Chosen::Nothing
    }

    pub fn draw(
        self,
        table: &Table,
        sorted: Option<(&str, bool)>,
        frame: &mut Frame,
        area: Rect,
        theme: &Theme,
    ) {
        let height = table.columns.len() as u16 + 3;
        let inside = cover(frame, centered(area, 88, height), theme, "columns");
        let rows = usize::from(inside.height.saturating_sub(1));
        let top = (self.at + 1).saturating_sub(rows);
        let width = usize::from(inside.width);
        let mut lines: Vec<Line> = Vec::with_capacity(rows + 1);
        for (at, column) in table.columns.iter().enumerate().skip(top).take(rows) {
            let mark = |on: bool, sign: char| if on { sign } else { ' ' };
            let name = text::pad(&text::clean(&column.info.name), 20);
            let sort = match sorted {
                Some((name, descending)) if name == column.info.name => match descending {
                    true => "desc",
                    false => "asc",
                },
                _ => "",
            };
            let chosen = column.width.map_or_else(String::new, |width| width.to_string());
            let unit = text::fit(&text::clean(&column.info.unit), 8);
            let line = format!(
                "[{}]{} {name} {sort:<4} {chosen:>3} {:<7} {unit:<8} {}",
                mark(column.shown, 'x'),
                mark(column.frozen, '|'),
                column.info.kind.word(),
                text::clean(&column.info.description)
            );
            let role = match (at == self.at, column.shown) {
                (true, _) => Role::Selected,
                (_, true) => Role::Text,
                _ => Role::Dim,
            };
            lines.push(Line::styled(text::pad(&line, width), theme.style(role)));
        }
        lines.push(Line::from(Span::styled(
            text::fit(KEYS, width),
            theme.style(Role::Dim),
        )));
        frame.render_widget(Text::from(lines), inside);
    }
}
