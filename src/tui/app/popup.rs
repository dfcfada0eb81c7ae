//! What covers the screen until it is closed.

use crossterm::event::KeyCode;

use super::event::Effect;
use crate::tui::keys::Press;

/// A page to link to: its name and address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub name: &'static str,
    pub address: String,
}

/// A page of text that can be scrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub title: String,
    pub lines: Vec<String>,
    pub top: usize,
}

/// What covers the screen.
pub enum Popup {
    /// All keys, by place; the first line shown.
    Help {
        top: usize,
        /// Only rows that have this text.
        search: String,
    },
    /// What was said, newest first.
    Messages {
        top: usize,
    },
    Page(Page),
    Links {
        links: Vec<Link>,
        chosen: usize,
    },
    /// A question that only `y` answers with yes.
    Confirm {
        question: String,
        then: Vec<Effect>,
    },
}

/// What a key does to a popup.
pub enum Pressed {
    Stays,
    Closes(Vec<Effect>),
}

impl Popup {
    pub fn help() -> Self {
        Self::Help {
            top: 0,
            search: String::new(),
        }
    }

    /// The first line shown of what can be scrolled.
    pub fn top(&self) -> usize {
        match self {
            Self::Help { top, .. } | Self::Messages { top } | Self::Page(Page { top, .. }) => *top,
            Self::Links { .. } | Self::Confirm { .. } => 0,
        }
    }

    /// `rows` are those that are visible; no line after `last` may be the first of them.
    pub fn press(&mut self, press: Press, (rows, last): (usize, usize)) -> Pressed {
        if press.code == KeyCode::Esc {
            return Pressed::Closes(Vec::new());
        }
        match self {
            Self::Confirm { then, .. } => {
                return match press.typed() {
                    Some('y' | 'Y') => Pressed::Closes(std::mem::take(then)),
                    _ => Pressed::Closes(Vec::new()),
                };
            }
            Self::Links { links, chosen } => match (press.code, press.typed()) {
                (KeyCode::Down, _) | (_, Some('j')) => {
                    *chosen = (*chosen + 1).min(links.len().saturating_sub(1))
                }
                (KeyCode::Up, _) | (_, Some('k')) => *chosen = chosen.saturating_sub(1),
                (KeyCode::Enter, _) | (_, Some('y')) => {
                    let address = links.get(*chosen).map(|link| link.address.clone());
                    return Pressed::Closes(address.map(Effect::Copy).into_iter().collect());
                }
                _ => return Pressed::Closes(Vec::new()),
            },
            Self::Help { top, search } => match (press.code, press.typed()) {
                (KeyCode::Backspace, _) => {
                    search.pop();
                    *top = 0;
                }
                (_, Some('?')) if search.is_empty() => return Pressed::Closes(Vec::new()),
                (_, Some(c)) => {
                    search.push(c);
                    *top = 0;
                }
                _ => scroll(top, press, rows, last),
            },
            Self::Messages { top } | Self::Page(Page { top, .. }) => match press.typed() {
                Some('q' | '!') => return Pressed::Closes(Vec::new()),
                _ => scroll(top, press, rows, last),
            },
        }
        Pressed::Stays
    }
}

fn scroll(top: &mut usize, press: Press, rows: usize, last: usize) {
    let typed = press.typed();
    let next = match press.code {
        KeyCode::Down => *top + 1,
        KeyCode::Up => top.saturating_sub(1),
        KeyCode::PageDown => *top + rows,
        KeyCode::PageUp => top.saturating_sub(rows),
        KeyCode::Home => 0,
        KeyCode::End => last,
        _ => match typed {
            Some('j') => *top + 1,
            Some('k') => top.saturating_sub(1),
            Some(' ') => *top + rows,
            Some('g') => 0,
            Some('G') => last,
            _ => *top,
        },
    };
    *top = next.min(last);
}
