//! What is found again at the next start with the same catalog.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{App, Screen as _};
use crate::tui::keys::ScreenId;
use crate::tui::layout::Layout;

/// A session, written down.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    screen: ScreenId,
    layout: Layout,
    marks: BTreeSet<String>,
    /// By kind of prompt.
    history: BTreeMap<String, Vec<String>>,
    catalog: Value,
    train: Value,
    anomalies: Value,
    files: Value,
}

impl App {
    pub fn save(&self) -> Saved {
        Saved {
            screen: self.screen,
            layout: self.layout,
            marks: self.shell.marks.clone(),
            history: self.shell.history.clone(),
            catalog: self.catalog.save(),
            train: self.train.save(),
            anomalies: self.anomalies.save(),
            files: self.files.save(),
        }
    }

    /// Takes up a session; call it before [`start`](Self::start).
    pub fn restore(&mut self, saved: &Saved) {
        self.screen = saved.screen;
        // What the terminal is like is not of the session before.
        self.layout = Layout {
            cell: self.layout.cell,
            ..saved.layout
        };
        self.shell.marks = saved.marks.clone();
        self.shell.history = saved.history.clone();
        self.catalog.restore(&saved.catalog);
        self.train.restore(&saved.train);
        self.anomalies.restore(&saved.anomalies);
        self.files.restore(&saved.files);
    }
}
