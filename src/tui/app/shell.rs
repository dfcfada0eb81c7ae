//! What all screens share: settings, labels, marks, messages, the line at the foot, the running job.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::event::Effect;
use super::popup::Popup;
use super::prompt::{Prompt, Purpose};
use crate::pipeline::settings::Settings;
use crate::tui::job::Job;
use crate::tui::keys::{Keymap, ScreenId};
use crate::tui::labels::Labels;
use crate::tui::terminal::Graphics;
use crate::tui::theme::Theme;

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Note,
    Done,
    Warning,
    Error,
}

/// Something said to the astronomer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub level: Level,
    pub text: String,
}

/// An object of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// Its row in the catalog.
    Row(u64),
    Id(String),
}

/// Messages that are kept to be read in full.
const KEPT: usize = 500;
/// Lines of each kind of prompt that are remembered.
const REMEMBERED: usize = 200;

/// The shared part of the state.
pub struct Shell {
    /// Of the whole terminal: columns and rows.
    pub size: (u16, u16),
    pub theme: Theme,
    /// How pictures are shown.
    pub graphics: Graphics,
    pub keymap: Keymap,
    pub inputs: Vec<String>,
    pub settings: Settings,
    pub labels: Labels,
    /// Object ids.
    pub marks: BTreeSet<String>,
    pub job: Option<Job>,
    pub prompt: Option<Prompt>,
    pub popup: Option<Popup>,
    /// By kind of prompt, newest last.
    pub history: BTreeMap<String, Vec<String>>,
    /// Newest last.
    pub messages: VecDeque<Message>,
    /// The newest message is on the status line for so many more ticks.
    pub shown_ticks: u32,
    /// Asked for by a screen; the app goes there after the event.
    pub go_to: Option<ScreenId>,
    /// Of the catalog: how many rows, and how many of them are listed.
    pub rows: Option<(u64, u64)>,
    pub filter: Option<String>,
    /// The ranking at hand: its number and its model.
    pub model: Option<String>,
}

impl Shell {
    pub fn new(inputs: Vec<String>, settings: Settings, theme: Theme, keymap: Keymap) -> Self {
        Self {
            size: (80, 24),
            theme,
            graphics: Graphics::default(),
            keymap,
            filter: settings.selection.r#where.clone(),
            inputs,
            settings,
            labels: Labels::default(),
            marks: BTreeSet::new(),
            job: None,
            prompt: None,
            popup: None,
            history: BTreeMap::new(),
            messages: VecDeque::new(),
            shown_ticks: 0,
            go_to: None,
            rows: None,
            model: None,
        }
    }

    /// Says something on the status line, and keeps it.
    pub fn say(&mut self, level: Level, text: impl Into<String>) {
        /// Ticks for which a message stands, by its weight.
        const STANDS: [u32; 4] = [24, 32, 60, 120];
        let text = text.into();
        match level {
            Level::Error => tracing::error!("{text}"),
            Level::Warning => tracing::warn!("{text}"),
            Level::Note | Level::Done => tracing::info!("{text}"),
        }
        self.messages.push_back(Message { level, text });
        if self.messages.len() > KEPT {
            self.messages.pop_front();
        }
        self.shown_ticks = STANDS[level as usize];
    }

    pub fn note(&mut self, text: impl Into<String>) {
        self.say(Level::Note, text);
    }

    pub fn error(&mut self, text: impl Into<String>) {
        self.say(Level::Error, text);
    }

    /// The message on the status line.
    pub fn shown(&self) -> Option<&Message> {
        (self.shown_ticks > 0).then(|| self.messages.back()).flatten()
    }

    /// Opens the line at the foot, with `text` in it.
    pub fn ask(&mut self, purpose: Purpose, text: &str) {
        let history = self.history.get(purpose.history()).cloned().unwrap_or_default();
        self.prompt = Some(Prompt::new(purpose, text, history));
    }

    /// Keeps an entered line.
    pub fn remember(&mut self, purpose: &Purpose, text: &str) {
        if text.is_empty() {
            return;
        }
        let lines = self.history.entry(purpose.history().into()).or_default();
        lines.retain(|line| line != text);
        lines.push(text.into());
        if lines.len() > REMEMBERED {
            lines.remove(0);
        }
    }

    /// What a link or id copied to the clipboard asks for.
    pub fn copy(&mut self, what: &str, text: String) -> Vec<Effect> {
        self.note(format!("copied the {what}: {text}"));
        vec![Effect::Copy(text)]
    }
}
