//! Settings as a form: made from the table of all settings, with the value, whether it was changed, and what is wrong with it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::text;
use super::theme::{Role, Theme};
use crate::pipeline::settings::{Entry, Kind, Settings, TABLE};

/// A list of settings with a cursor.
#[derive(Debug, Clone)]
pub struct Form {
    entries: Vec<&'static Entry>,
    cursor: usize,
    /// First line shown.
    top: usize,
    /// Rows that were visible at the last move.
    rows: usize,
    /// What was wrong with the last value, and with which setting.
    pub error: Option<(&'static str, String)>,
}

/// One line of the form.
enum Row {
    Heading(&'static str),
    Setting(usize),
}

impl Form {
    /// The settings of some groups, in the order of the table.
    pub fn of(groups: &[&str]) -> Self {
        Self {
            entries: TABLE
                .iter()
                .filter(|entry| groups.contains(&entry.group))
                .collect(),
            cursor: 0,
            top: 0,
            rows: 10,
            error: None,
        }
    }

    /// The setting under the cursor.
    pub fn entry(&self) -> &'static Entry {
        self.entries[self.cursor]
    }

    /// Moves the cursor by so many settings, and stops at the ends.
    pub fn step(&mut self, by: isize) {
        self.cursor = self.cursor.saturating_add_signed(by).min(self.entries.len() - 1);
        self.scroll();
    }

    /// The form has so many rows from now on.
    pub fn resize(&mut self, rows: u16) {
        self.rows = usize::from(rows).max(1);
        self.scroll();
    }

    fn scroll(&mut self) {
        let rows = self.lines();
        let at = rows
            .iter()
            .position(|row| matches!(row, Row::Setting(n) if *n == self.cursor))
            .unwrap_or(0);
        // The heading above the first setting of a group comes along.
        let from = if at > 0 && matches!(rows[at - 1], Row::Heading(_)) {
            at - 1
        } else {
            at
        };
        self.top = self.top.min(from).max((at + 1).saturating_sub(self.rows));
    }

    fn lines(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut group = "";
        for (n, entry) in self.entries.iter().enumerate() {
            if entry.group != group {
                group = entry.group;
                rows.push(Row::Heading(group));
            }
            rows.push(Row::Setting(n));
        }
        rows
    }

    /// The first line shown in so many rows: what is said below the form may leave it fewer than it had at the last move.
    fn top_in(&self, rows: u16) -> usize {
        let lines = self.lines();
        let is_chosen = |row: &Row| matches!(row, Row::Setting(n) if *n == self.cursor);
        let at = lines.iter().position(is_chosen).unwrap_or(0);
        self.top.max((at + 1).saturating_sub(usize::from(rows)))
    }

    /// The setting at a row of the form that shows so many rows, put under the cursor.
    pub fn click(&mut self, row: u16, rows: u16) {
        if let Some(Row::Setting(n)) = self.lines().get(self.top_in(rows) + usize::from(row)) {
            self.cursor = *n;
        }
    }

    /// The value of the setting under the cursor as one would type it.
    pub fn value(&self, settings: &Settings) -> String {
        settings.text(self.entry())
    }

    /// The next value in a direction: of choices and switches the next one, of numbers a step of a tenth of its size.
    pub fn nudged(&self, settings: &Settings, up: bool) -> Option<String> {
        let entry = self.entry();
        let value = settings.text(entry);
        match entry.kind {
            Kind::Switch => Some((value != "true").to_string()),
            Kind::Choice(choices) => {
                let place = choices.iter().position(|choice| *choice == value).unwrap_or(0);
                let step = if up { 1 } else { choices.len() - 1 };
                Some(choices[(place + step) % choices.len()].to_owned())
            }
            Kind::Integer => {
                let value: u64 = value.parse().ok()?;
                let step = (value / 10).max(1);
                Some(
                    if up {
                        value + step
                    } else {
                        value.saturating_sub(step)
                    }
                    .to_string(),
                )
            }
            Kind::Number => {
                let value: f64 = value.parse().ok()?;
                // A tenth of the leading power of ten: 0.02 -> 0.021, 3 -> 3.1.
                let step = match value.abs() {
                    0.0 => 0.01,
                    size => 10f64.powf(size.log10().floor()) / 10.0,
                };
                let next = if up { value + step } else { value - step };
                let digits = (-step.log10().floor()).max(0.0) as usize;
                Some(format!("{next:.digits$}"))
            }
            Kind::Integers | Kind::Text | Kind::Path => None,
        }
    }

    pub fn draw(&self, settings: &Settings, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let names = self
            .entries
            .iter()
            .map(|entry| entry.key.len())
            .max()
            .unwrap_or(0);
        for (line, row) in self
            .lines()
            .iter()
            .skip(self.top_in(area.height))
            .take(usize::from(area.height))
            .enumerate()
        {
            let area = Rect {
                y: area.y + line as u16,
                height: 1,
                ..area
            };
            match row {
                Row::Heading(group) => Line::styled(*group, theme.style(Role::Title)).render(area, buf),
                Row::Setting(n) => {
                    let entry = self.entries[*n];
                    let value = settings.text(entry);
                    let changed = !settings.is_default(entry);
                    let wrong = self.error.as_ref().is_some_and(|(key, _)| *key == entry.key);
                    let role = match (wrong, changed) {
                        (true, _) => Role::Bad,
                        (_, true) => Role::Key,
                        _ => Role::Text,
                    };
                    let chosen = *n == self.cursor;
                    let value = if value.is_empty() { "-".to_owned() } else { value };
                    let sign = if changed { "*" } else { " " };
                    let mut name = Span::styled(format!(" {:<names$}", entry.key), theme.style(Role::Dim));
                    if chosen {
                        name.style = theme.style(Role::Selected);
                    }
                    let room = usize::from(area.width).saturating_sub(names + 3);
                    let value = text::fit(&text::clean(&value), room);
                    let value = Span::styled(format!("{sign} {value}"), theme.style(role));
                    Line::from(vec![name, value]).render(area, buf);
                }
            }
        }
    }

    /// What the setting under the cursor does, or what was wrong with its value, in lines of at most `width` cells.
    pub fn about(&self, width: u16, theme: &Theme) -> Vec<Line<'static>> {
        let (words, role) = self.about_words();
        let lines = text::wrapped(&words, usize::from(width)).into_iter();
        lines.map(|line| Line::styled(line, theme.style(role))).collect()
    }

    fn about_words(&self) -> (String, Role) {
        let entry = self.entry();
        match &self.error {
            Some((key, error)) if *key == entry.key => (text::clean(error).into_owned(), Role::Bad),
            _ => {
                let default = Settings::default().text(entry);
                let default = if default.is_empty() {
                    "none".into()
                } else {
                    default
                };
                let choices = match entry.kind {
                    Kind::Choice(choices) => format!(" ({})", choices.join(", ")),
                    _ => String::new(),
                };
                (format!("{}{choices}. Default: {default}", entry.about), Role::Dim)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_in_the_list_and_in_sight() {
        let mut form = Form::of(&["detect", "window", "significance"]);
        form.resize(5);
        assert_eq!(form.entry().key, "method");
        for by in [1000, -3, -1000, 7] {
            form.step(by);
            let rows = form.lines();
            let at = rows
                .iter()
                .position(|row| matches!(row, Row::Setting(n) if *n == form.cursor))
                .unwrap();
            assert!((form.top..form.top + 5).contains(&at));
        }
    }

    #[test]
    fn values_are_nudged_by_their_kind() {
        let settings = Settings::default();
        let mut form = Form::of(&["detect", "significance"]);
        assert_eq!(form.nudged(&settings, true).as_deref(), Some("window"));
        let expected = [
            ("model_floor", "0.011", "0.009"),
            ("neighbors", "111", "91"),
            ("anomaly_threshold", "3.1", "2.9"),
        ];
        for (key, up, down) in expected {
            while form.entry().key != key {
                form.step(1);
            }
            assert_eq!(form.nudged(&settings, true).as_deref(), Some(up), "{key}");
            assert_eq!(form.nudged(&settings, false).as_deref(), Some(down), "{key}");
        }
    }
}
