//! The line at the foot in which something is typed: with history, completion, and the error under it.

use std::ops::Range;

use crossterm::event::KeyCode;
use tui_input::{Input, InputRequest};

use crate::tui::keys::Press;

/// What is typed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    Command,
    Filter,
    Sort,
    Find,
    GoTo,
    Comment,
    Class,
    Redshift,
    /// A setting, by its key.
    Setting(&'static str),
    /// The file to export to: the marked rows, or all that are listed.
    Export {
        marked: bool,
    },
    /// The column whose statistics are wanted.
    Statistics,
}

impl Purpose {
    /// What stands before the line.
    pub fn sign(&self) -> String {
        match self {
            Self::Command => ":".into(),
            Self::Filter => "filter: ".into(),
            Self::Sort => "sort by: ".into(),
            Self::Find => "/".into(),
            Self::GoTo => "go to row or id: ".into(),
            Self::Comment => "comment: ".into(),
            Self::Class => "class: ".into(),
            Self::Redshift => "redshift: ".into(),
            Self::Setting(key) => format!("{key}: "),
            Self::Export { marked: true } => "export the marked to: ".into(),
            Self::Export { marked: false } => "export the listed to: ".into(),
            Self::Statistics => "statistics of column: ".into(),
        }
    }

    /// Lines of like purpose share their history.
    pub fn history(&self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Filter => "filter",
            Self::Sort => "sort",
            Self::Find | Self::GoTo => "find",
            Self::Comment => "comment",
            Self::Class => "class",
            Self::Redshift => "redshift",
            Self::Setting(key) => key,
            Self::Export { .. } => "export",
            Self::Statistics => "statistics",
        }
    }
}

/// A way to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The bytes of the line that it takes the place of.
    pub replace: Range<usize>,
    pub text: String,
    pub about: String,
}

/// What became of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// The line is as it was.
    Nothing,
    Changed,
    Entered(String),
    Cancelled,
}

/// A line under way.
#[derive(Debug, Clone)]
pub struct Prompt {
    pub purpose: Purpose,
    input: Input,
    /// What was wrong with it when it was entered.
    pub error: Option<String>,
    completions: Vec<Completion>,
    chosen: Option<usize>,
    /// The line as it was typed, under a completion that is tried.
    typed: String,
    /// Newest last.
    history: Vec<String>,
    /// Place in the history, from its end; 0 is the new line.
    back: usize,
    draft: String,
}

impl Prompt {
    /// A line that begins with `text`.
    pub fn new(purpose: Purpose, text: &str, history: Vec<String>) -> Self {
        Self {
            purpose,
            input: Input::new(text.into()),
            error: None,
            completions: Vec::new(),
            chosen: None,
            typed: text.into(),
            history,
            back: 0,
            draft: text.into(),
        }
    }

    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// Byte place of the cursor.
    pub fn cursor(&self) -> usize {
        let text = self.text();
        text.char_indices()
            .nth(self.input.cursor())
            .map_or(text.len(), |(at, _)| at)
    }

    /// Columns before the cursor.
    pub fn cursor_column(&self) -> usize {
        self.input.visual_cursor()
    }

    pub fn completions(&self) -> (&[Completion], Option<usize>) {
        (&self.completions, self.chosen)
    }

    /// The ways to go on from `text`; late ones, for a line that has changed, are dropped.
    pub fn offer(&mut self, text: &str, completions: Vec<Completion>) {
        if text == self.typed && self.chosen.is_none() {
            self.completions = completions;
        }
    }

    /// What was typed so far, without the completion that is tried: completions are asked for it.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    pub fn press(&mut self, press: Press) -> Typed {
        let request = match (press.code, press.ctrl, press.alt) {
            (KeyCode::Esc, ..) | (KeyCode::Char('c' | 'g'), true, _) => return Typed::Cancelled,
            (KeyCode::Enter, ..) => return Typed::Entered(self.text().trim().to_owned()),
            (KeyCode::Tab, ..) => return self.complete(1),
            (KeyCode::BackTab, ..) => return self.complete(-1),
            (KeyCode::Up, ..) | (KeyCode::Char('p'), true, _) => return self.recall(1),
            (KeyCode::Down, ..) | (KeyCode::Char('n'), true, _) => return self.recall(-1),
            (KeyCode::Left, false, false) | (KeyCode::Char('b'), true, _) => InputRequest::GoToPrevChar,
            (KeyCode::Right, false, false) | (KeyCode::Char('f'), true, _) => InputRequest::GoToNextChar,
            (KeyCode::Left, ..) | (KeyCode::Char('b'), _, true) => InputRequest::GoToPrevWord,
            (KeyCode::Right, ..) | (KeyCode::Char('f'), _, true) => InputRequest::GoToNextWord,
            (KeyCode::Home, ..) | (KeyCode::Char('a'), true, _) => InputRequest::GoToStart,
            (KeyCode::End, ..) | (KeyCode::Char('e'), true, _) => InputRequest::GoToEnd,
            (KeyCode::Backspace, false, false) | (KeyCode::Char('h'), true, _) => {
                // As in vim: deleting from an empty command line leaves it.
                if self.text().is_empty() && self.purpose == Purpose::Command {
                    return Typed::Cancelled;
                }
                InputRequest::DeletePrevChar
            }
            (KeyCode::Backspace, ..) | (KeyCode::Char('w'), true, _) => InputRequest::DeletePrevWord,
            (KeyCode::Delete, ..) | (KeyCode::Char('d'), true, _) => InputRequest::DeleteNextChar,
            (KeyCode::Char('u'), true, _) => InputRequest::DeleteLine,
            (KeyCode::Char('k'), true, _) => InputRequest::DeleteTillEnd,
            (KeyCode::Char(c), false, false) => InputRequest::InsertChar(c),
            _ => return Typed::Nothing,
        };
        match self.input.handle(request) {
            Some(change) if change.value => self.changed(),
            _ => Typed::Nothing,
        }
    }

    /// Text from the clipboard; line ends and other control characters become spaces. Of a very long one the beginning is taken.
    pub fn paste(&mut self, text: &str) -> Typed {
        const MOST: usize = 10_000;
        let pasted: String = text
            .trim_end()
            .chars()
            .take(MOST)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let (before, after) = self.text().split_at(self.cursor());
        let cursor = before.chars().count() + pasted.chars().count();
        self.input = Input::new(format!("{before}{pasted}{after}")).with_cursor(cursor);
        self.changed()
    }

    fn changed(&mut self) -> Typed {
        self.typed = self.text().to_owned();
        self.error = None;
        self.completions.clear();
        self.chosen = None;
        self.back = 0;
        Typed::Changed
    }

    /// The next completion, or the one before; past the last comes what was typed.
    fn complete(&mut self, step: isize) -> Typed {
        let count = self.completions.len() as isize;
        if count == 0 {
            return Typed::Nothing;
        }
        let place = self.chosen.map_or(-1, |place| place as isize);
        let next = (place + step + 1).rem_euclid(count + 1) - 1;
        self.chosen = usize::try_from(next).ok();
        let (text, cursor) = match self.chosen {
            None => (self.typed.clone(), None),
            Some(place) => {
                let Completion { replace, text, .. } = &self.completions[place];
                match (self.typed.get(..replace.start), self.typed.get(replace.end..)) {
                    (Some(before), Some(after)) => {
                        let cursor = before.chars().count() + text.chars().count();
                        (format!("{before}{text}{after}"), Some(cursor))
                    }
                    _ => return Typed::Nothing,
                }
            }
        };
        self.input = Input::new(text);
        if let Some(cursor) = cursor {
            self.input.handle(InputRequest::SetCursor(cursor));
        }
        // A single way is taken at once, so that the next tab completes what follows.
        if count == 1 && self.chosen.is_some() {
            return self.changed();
        }
        Typed::Nothing
    }

    fn recall(&mut self, step: isize) -> Typed {
        let back = self.back as isize + step;
        if back < 0 || back > self.history.len() as isize {
            return Typed::Nothing;
        }
        if self.back == 0 {
            self.draft = self.text().to_owned();
        }
        let line = match back {
            0 => self.draft.clone(),
            back => self.history[self.history.len() - back as usize].clone(),
        };
        self.input = Input::new(line);
        let typed = self.changed();
        self.back = back as usize;
        typed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(prompt: &mut Prompt, keys: &str) -> Typed {
        let mut last = Typed::Nothing;
        for key in keys.split(' ') {
            last = prompt.press(key.parse().unwrap());
        }
        last
    }

    #[test]
    fn typing_editing_and_entering() {
        let mut prompt = Prompt::new(Purpose::Filter, "", Vec::new());
        assert_eq!(press(&mut prompt, "z space < space 0"), Typed::Changed);
        assert_eq!(prompt.text(), "z < 0");
        press(&mut prompt, "ctrl-a ä");
        assert_eq!(
            (prompt.text(), prompt.cursor(), prompt.cursor_column()),
            ("äz < 0", 2, 1)
        );
        press(&mut prompt, "delete ctrl-e backspace 1");
        assert_eq!(press(&mut prompt, "enter"), Typed::Entered("ä < 1".into()));
        assert_eq!(press(&mut prompt, "esc"), Typed::Cancelled);
        prompt.paste("a\nb\u{1b}");
        assert!(!prompt.text().contains(char::is_control));
    }

    #[test]
    fn history_keeps_what_was_being_typed() {
        let mut prompt = Prompt::new(Purpose::Filter, "", vec!["z < 1".into(), "sn > 5".into()]);
        press(&mut prompt, "q up");
        assert_eq!(prompt.text(), "sn > 5");
        press(&mut prompt, "up up");
        assert_eq!(prompt.text(), "z < 1");
        press(&mut prompt, "down down");
        assert_eq!(prompt.text(), "q");
        assert_eq!(press(&mut prompt, "down"), Typed::Nothing);
    }

    #[test]
    fn completions_go_around_and_late_ones_are_dropped() {
        let mut prompt = Prompt::new(Purpose::Filter, "z", Vec::new());
        let way = |text: &str| Completion {
            replace: 0..1,
            text: text.into(),
            about: String::new(),
        };
        prompt.offer("spec", vec![way("spectype")]);
        assert!(prompt.completions().0.is_empty());
        prompt.offer("z", vec![way("zerr"), way("zwarn")]);
        for expected in ["zerr", "zwarn", "z", "zerr"] {
            press(&mut prompt, "tab");
            assert_eq!(prompt.text(), expected);
        }
        press(&mut prompt, "shift-tab");
        assert_eq!(prompt.text(), "z");
        prompt.offer("z", vec![way("zwarn")]);
        assert_eq!(press(&mut prompt, "tab"), Typed::Changed);
        assert_eq!(prompt.text(), "zwarn");
    }
}
