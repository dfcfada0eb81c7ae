//! The app as a value: what there is, and how it changes. No file, no clock, no thread.

mod answers;
mod commands;
mod event;
mod labeling;
mod links;
mod pictures;
pub mod popup;
pub mod prompt;
mod screen;
mod session;
mod shell;
mod typing;
mod update;

pub use commands::{Command, commands, read as read_command};
pub use event::{Answer, AppEvent, Effect, JobEvent};
pub use popup::{Link, Page, Popup};
pub use prompt::{Completion, Prompt, Purpose};
pub use screen::Screen;
pub use session::Saved;
pub use shell::{Level, Message, Shell, Target};

use ratatui::layout::Rect;

use super::anomalies::Anomalies;
use super::catalog::Catalog;
use super::files::Files;
use super::keys::{Action, Place, Press, ScreenId};
use super::layout::{Layout, Panes};
use super::picture::Pictures;
use super::picture::contact::Contact;
use super::spectra::Shown;
use super::spectrum::Pane;
use super::train::Train;

/// The whole state.
pub struct App {
    pub shell: Shell,
    pub screen: ScreenId,
    pub catalog: Catalog,
    pub train: Train,
    pub anomalies: Anomalies,
    pub files: Files,
    /// The spectrum that all screens with objects share.
    pub pane: Pane,
    /// What the pane shows or waits for.
    pub shown: Shown,
    pub pictures: Pictures,
    /// Many pictures at once, over everything else.
    pub contact: Option<Contact>,
    pub layout: Layout,
    /// Keys of a sequence under way.
    pub pending: Vec<Press>,
    pub count: Option<u32>,
    /// For `.`.
    last: Option<(Action, Option<u32>)>,
    /// The object whose comment or class is being typed.
    subject: Option<String>,
    /// A first start: the hint is shown until a key is pressed.
    pub welcome: bool,
}

impl App {
    pub fn new(shell: Shell) -> Self {
        Self {
            catalog: Catalog::new(&shell),
            train: Train::new(&shell),
            anomalies: Anomalies::new(&shell),
            files: Files::default(),
            layout: Layout {
                cell: shell.graphics.shown_in(),
                ..Layout::default()
            },
            shell,
            screen: ScreenId::Catalog,
            pane: Pane::new(),
            shown: Shown::default(),
            pictures: Pictures::default(),
            contact: None,
            pending: Vec::new(),
            count: None,
            last: None,
            subject: None,
            welcome: false,
        }
    }

    /// The screen in front.
    pub fn front(&self) -> &dyn Screen {
        self.screen_of(self.screen)
    }

    pub fn screen_of(&self, id: ScreenId) -> &dyn Screen {
        match id {
            ScreenId::Catalog => &self.catalog,
            ScreenId::Train => &self.train,
            ScreenId::Anomalies => &self.anomalies,
            ScreenId::Files => &self.files,
        }
    }

    /// The screen in front and what it shares with the others.
    fn front_mut(&mut self) -> (&mut dyn Screen, &mut Shell) {
        Self::split(
            self.screen,
            &mut self.catalog,
            &mut self.train,
            &mut self.anomalies,
            &mut self.files,
            &mut self.shell,
        )
    }

    fn screen_mut(&mut self, id: ScreenId) -> (&mut dyn Screen, &mut Shell) {
        Self::split(
            id,
            &mut self.catalog,
            &mut self.train,
            &mut self.anomalies,
            &mut self.files,
            &mut self.shell,
        )
    }

    fn split<'a>(
        id: ScreenId,
        catalog: &'a mut Catalog,
        train: &'a mut Train,
        anomalies: &'a mut Anomalies,
        files: &'a mut Files,
        shell: &'a mut Shell,
    ) -> (&'a mut dyn Screen, &'a mut Shell) {
        let screen: &mut dyn Screen = match id {
            ScreenId::Catalog => catalog,
            ScreenId::Train => train,
            ScreenId::Anomalies => anomalies,
            ScreenId::Files => files,
        };
        (screen, shell)
    }

    /// Whether the screen in front shows objects with their spectra.
    pub fn has_objects(&self) -> bool {
        matches!(self.screen, ScreenId::Catalog | ScreenId::Anomalies)
    }

    /// Where keys have a meaning now, the most special first.
    pub fn places(&self) -> Vec<Place> {
        let own = match self.screen {
            ScreenId::Catalog => Place::Catalog,
            ScreenId::Train => Place::Train,
            ScreenId::Anomalies => Place::Anomalies,
            ScreenId::Files => Place::Files,
        };
        let mut places = vec![own];
        if self.has_objects() && self.shell.labels.inspecting {
            places.push(Place::Inspecting);
        } else {
            places.push(Place::Screens);
        }
        if self.has_objects() {
            places.extend([Place::Labels, Place::Spectrum, Place::Picture, Place::List]);
        } else if self.screen == ScreenId::Files {
            places.push(Place::List);
        }
        places.push(Place::Everywhere);
        places
    }

    /// Where everything stands on a terminal of the present size.
    pub fn panes(&self) -> Panes {
        let (width, height) = self.shell.size;
        self.layout.panes(Rect::new(0, 0, width, height), self.screen)
    }
}
