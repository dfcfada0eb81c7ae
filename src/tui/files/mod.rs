//! What has been written: the files of the runs, newest first, with a preview.

mod work;

pub use work::{Answer, Entry, Preview, Request, serve};

use std::path::{Path, PathBuf};

use crossterm::event::{MouseEvent, MouseEventKind};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Text};
use ratatui::widgets::{Paragraph, Wrap};
use serde_json::{Value, json};

use crate::tui::app::{Effect, Page, Popup, Purpose, Screen, Shell, Target};
use crate::tui::draw::framed;
use crate::tui::keys::{Action, FilesAct};
use crate::tui::picture::{Outcome, Placed, show};
use crate::tui::terminal::Protocol;
use crate::tui::text;
use crate::tui::theme::Role;

/// The screen.
#[derive(Debug, Default)]
pub struct Files {
    entries: Vec<Entry>,
    /// Places of those that are listed.
    listed: Vec<usize>,
    cursor: usize,
    top: usize,
    rows: usize,
    filter: String,
    preview: Option<(PathBuf, Preview)>,
    /// Asked for and not there yet.
    asked: Option<PathBuf>,
    find: String,
}

impl Files {
    fn current(&self) -> Option<&Entry> {
        self.entries.get(*self.listed.get(self.cursor)?)
    }

    /// The figure under the cursor, where it is one.
    pub fn figure(&self) -> Option<&Path> {
        let path = &self.current()?.path;
        path.extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("png"))
            .then_some(path)
    }

    fn list(&mut self) {
        let filter = self.filter.to_lowercase();
        self.listed = (0..self.entries.len())
            .filter(|place| self.entries[*place].name().to_lowercase().contains(&filter))
            .collect();
        self.go_to(self.cursor);
    }

    fn go_to(&mut self, cursor: usize) {
        self.cursor = cursor.min(self.listed.len().saturating_sub(1));
        self.top = self
            .top
            .min(self.cursor)
            .max((self.cursor + 1).saturating_sub(self.rows.max(1)));
    }

    /// Asks for the preview of the selected file, where another one is shown.
    fn follow(&mut self) -> Vec<Effect> {
        // Figures are shown as pictures.
        let current = self.current().filter(|_| self.figure().is_none());
        let Some(path) = current.map(|entry| entry.path.clone()) else {
            return Vec::new();
        };
        let shown = self.preview.as_ref().is_some_and(|(of, _)| *of == path);
        if shown || self.asked.as_ref() == Some(&path) {
            return Vec::new();
        }
        self.asked = Some(path.clone());
        vec![Effect::Files(Request::Preview { path })]
    }

    pub fn answer(&mut self, answer: Answer, _: &mut Shell) -> Vec<Effect> {
        match answer {
            Answer::Listed(entries) => {
                let path = self.current().map(|entry| entry.path.clone());
                self.entries = entries;
                self.list();
                let place = self
                    .listed
                    .iter()
                    .position(|place| Some(&self.entries[*place].path) == path.as_ref());
                // At the top one sees what is new.
                if let Some(place) = place.filter(|_| self.cursor > 0) {
                    self.go_to(place);
                }
                self.asked = None;
                self.follow()
            }
            Answer::Preview(path, preview) => {
                if self.asked.as_ref() == Some(&path) {
                    self.preview = Some((path, preview));
                }
                Vec::new()
            }
        }
    }

    /// `figure` is what is known of the picture of the figure under the cursor.
    pub fn draw_preview(
        &self,
        frame: &mut Frame,
        area: Rect,
        figure: Option<&Outcome>,
        shell: &Shell,
    ) -> Option<Placed> {
        let theme = &shell.theme;
        let current = self.current().map(|entry| &entry.path);
        let shown = self.preview.as_ref().filter(|(path, _)| Some(path) == current);
        let title = current.map_or_else(
            || "preview".into(),
            |path| text::clean(&path.display().to_string()).into_owned(),
        );
        let block = framed(theme, &title);
        let inside = block.inner(area);
        frame.render_widget(block, area);
        match shown {
            _ if self.figure().is_some() => return preview(frame, inside, figure, shell),
            None => (),
            Some((_, Preview::Text(lines))) => {
                let lines: Vec<Line> = lines
                    .iter()
                    .take(usize::from(inside.height))
                    .map(|line| Line::raw(text::fit(&text::clean(line), usize::from(inside.width))))
                    .collect();
                frame.render_widget(Text::from(lines).style(theme.style(Role::Text)), inside);
            }
            Some((_, Preview::Failed(error))) => {
                frame.render_widget(
                    Paragraph::new(text::clean(error).into_owned()).style(theme.style(Role::Warn)),
                    inside,
                );
            }
        }
        None
    }
}

fn preview(frame: &mut Frame, area: Rect, figure: Option<&Outcome>, shell: &Shell) -> Option<Placed> {
    let theme = &shell.theme;
    let words = match figure {
        Some(Outcome::Ready(picture)) => return show(picture, area, frame.buffer_mut(), theme),
        Some(Outcome::Missing(why)) => text::clean(why).into_owned(),
        Some(Outcome::OnItsWay) => String::new(),
        None if shell.graphics.protocol == Protocol::None => {
            "This terminal shows no pictures; `spectriage doctor` says why.".into()
        }
        None => return None,
    };
    let words = Paragraph::new(words).style(theme.style(Role::Warn));
    frame.render_widget(words.wrap(Wrap { trim: true }), area);
    None
}

impl Screen for Files {
    fn start(&mut self, _: &mut Shell) -> Vec<Effect> {
        vec![Effect::Files(Request::List)]
    }

    fn entered_screen(&mut self, _: &mut Shell) -> Vec<Effect> {
        vec![Effect::Files(Request::List)]
    }

    fn act(&mut self, action: Action, count: Option<u32>, shell: &mut Shell) -> Vec<Effect> {
        let page = self.rows.max(2) - 1;
        let last = self.listed.len().saturating_sub(1);
        match action {
            Action::Move(step) => {
                let to = step.from(self.cursor as u64, last as u64, page as u64, count) as usize;
                self.go_to(to);
                self.follow()
            }
            Action::Files(FilesAct::Preview) => {
                if let Some((path, Preview::Text(lines))) = &self.preview {
                    shell.popup = Some(Popup::Page(Page {
                        title: path.display().to_string(),
                        lines: lines.clone(),
                        top: 0,
                    }));
                }
                Vec::new()
            }
            Action::Filter => {
                let filter = self.filter.clone();
                shell.ask(Purpose::Filter, &filter);
                Vec::new()
            }
            Action::ClearFilter => {
                self.filter.clear();
                self.list();
                self.follow()
            }
            Action::Find => {
                shell.ask(Purpose::Find, "");
                Vec::new()
            }
            Action::FindNext | Action::FindPrevious => {
                let text = self.find.clone();
                self.seek(&text, action == Action::FindPrevious);
                self.follow()
            }
            Action::Copy(_) => match self.current() {
                Some(entry) => {
                    let path = entry.path.display().to_string();
                    shell.copy("path", path)
                }
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    fn entered(&mut self, purpose: &Purpose, line: &str, _: &mut Shell) -> Result<Vec<Effect>, String> {
        match purpose {
            Purpose::Filter => {
                line.clone_into(&mut self.filter);
                self.list();
            }
            Purpose::Find => {
                line.clone_into(&mut self.find);
                if !self.seek(line, false) {
                    return Err(format!("no file has `{line}` in its name"));
                }
            }
            _ => return Err("not on this screen".into()),
        }
        Ok(self.follow())
    }

    fn mouse(&mut self, event: MouseEvent, area: Rect, _: &mut Shell) -> Vec<Effect> {
        match event.kind {
            MouseEventKind::ScrollDown => self.go_to(self.cursor + 3),
            MouseEventKind::ScrollUp => self.go_to(self.cursor.saturating_sub(3)),
            MouseEventKind::Down(_) => {
                self.go_to(self.top + usize::from(event.row.saturating_sub(area.y + 1)))
            }
            _ => (),
        }
        self.follow()
    }

    fn target(&self) -> Option<Target> {
        None
    }

    fn resized(&mut self, area: Rect, _: &mut Shell) -> Vec<Effect> {
        self.rows = usize::from(area.height.saturating_sub(2)).max(1);
        self.go_to(self.cursor);
        self.follow()
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shell: &Shell) {
        let theme = &shell.theme;
        let title = match self.filter.as_str() {
            "" => format!("files: {}", self.listed.len()),
            filter => format!("files with {}: {}", text::clean(filter), self.listed.len()),
        };
        let block = framed(theme, &title);
        let inside = block.inner(area);
        frame.render_widget(block, area);
        if self.entries.is_empty() {
            let output = &shell.settings.output;
            let words = format!(
                "Nothing is written yet. Figures go to {}, tables to {}.",
                output.images_dir.display(),
                output.metadata_dir.display()
            );
            let words = Paragraph::new(words).wrap(Wrap { trim: true });
            frame.render_widget(words.style(theme.style(Role::Dim)), inside);
            return;
        }
        let width = usize::from(inside.width);
        let lines: Vec<Line> = self
            .listed
            .iter()
            .enumerate()
            .skip(self.top)
            .take(usize::from(inside.height))
            .map(|(at, place)| {
                let entry = &self.entries[*place];
                let size = text::pad_left(&bytes(entry.bytes), 8);
                let name = shorten(&text::clean(&entry.name()), width.saturating_sub(9));
                let name = text::pad(&name, width.saturating_sub(9));
                let role = match (at == self.cursor, entry.is_figure) {
                    (true, _) => Role::Selected,
                    (_, true) => Role::Text,
                    _ => Role::Dim,
                };
                Line::styled(format!("{name} {size}"), theme.style(role))
            })
            .collect();
        frame.render_widget(Text::from(lines), inside);
    }

    fn save(&self) -> Value {
        json!({ "filter": self.filter })
    }

    fn restore(&mut self, saved: &Value) {
        saved["filter"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut self.filter);
    }
}

impl Files {
    /// Moves to the next file with `text` in its name, around the end.
    fn seek(&mut self, text: &str, back: bool) -> bool {
        let count = self.listed.len();
        let found = (1..=count)
            .map(|step| (self.cursor + if back { count - step } else { step }) % count)
            .find(|at| !text.is_empty() && self.entries[self.listed[*at]].name().contains(text));
        if let Some(found) = found {
            self.go_to(found);
        }
        found.is_some()
    }
}

/// A name that fits: its end, with the number of the run, stays.
fn shorten(name: &str, width: usize) -> String {
    let count = name.chars().count();
    if count <= width {
        return name.to_owned();
    }
    let tail: String = name.chars().skip(count.saturating_sub(width / 2)).collect();
    text::fit(name, width.saturating_sub(tail.chars().count())) + &tail
}

/// A size for people.
fn bytes(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if size < 1000.0 {
            return if unit == "B" {
                format!("{bytes} B")
            } else {
                format!("{size:.1} {unit}")
            };
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::{bytes, shorten};

    #[test]
    fn the_end_of_a_name_stays() {
        assert_eq!(shorten("loss_1.png", 12), "loss_1.png");
        assert_eq!(
            shorten("mean_reconstruction_error_12.png", 20),
            "mean_reco…ror_12.png"
        );
    }

    #[test]
    fn sizes_for_people() {
        assert_eq!(
            [0, 999, 1000, 13_400_000].map(bytes),
            ["0 B", "999 B", "1.0 kB", "13.4 MB"]
        );
        assert_eq!(bytes(u64::MAX), "18446744.1 TB");
    }
}
