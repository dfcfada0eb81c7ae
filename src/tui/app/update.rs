//! How the app changes: an event in, effects out.

use std::time::Duration;

use crossterm::event::{Event as Input, KeyCode, KeyEventKind, MouseEvent, MouseEventKind};

use super::App;
use super::event::{AppEvent, Effect};
use super::links::links;
use super::popup::{Popup, Pressed};
use super::prompt::Purpose;
use crate::tui::draw::reach;
use crate::tui::keys::{Action, Copied, Found, Press, ScreenId, Written};
use crate::tui::labels;
use crate::tui::layout::Zoomed;
use crate::tui::spectra;
use crate::tui::spectrum::Act;
use crate::tui::terminal::Ending;

impl App {
    /// Changes the state; what is returned is to be done outside of it.
    pub fn update(&mut self, event: AppEvent) -> Vec<Effect> {
        let mut effects = match event {
            AppEvent::Input(Input::Key(key)) if key.kind != KeyEventKind::Release => self.press(key.into()),
            AppEvent::Input(Input::Resize(width, height)) => self.resize(width, height),
            AppEvent::Input(Input::Paste(text)) => self.paste(&text),
            AppEvent::Input(Input::Mouse(event)) => self.mouse(event),
            AppEvent::Input(_) => Vec::new(),
            AppEvent::Ending(Ending::End(_)) => vec![Effect::StopJob, Effect::Save, Effect::Quit],
            AppEvent::Ending(Ending::Suspend) => vec![Effect::Suspend],
            AppEvent::Ending(Ending::Continued) => vec![Effect::Redraw],
            AppEvent::Tick(elapsed) => self.tick(elapsed),
            AppEvent::Answer(answer) => self.answer(answer),
            AppEvent::Job(event) => self.job(event),
        };
        if effects.iter().any(|effect| matches!(effect, Effect::StopJob)) {
            self.stopping();
        }
        if let Some(screen) = self.shell.go_to.take() {
            effects.extend(self.go_to(screen));
        }
        effects.extend(self.follow());
        effects.extend(self.follow_pictures());
        effects
    }

    /// Asks for the spectrum of the selected object where the pane shows another.
    fn follow(&mut self) -> Vec<Effect> {
        if !self.has_objects() {
            return Vec::new();
        }
        let target = self.front().target();
        match self.shown.wants(target) {
            Some(target) => vec![Effect::Spectrum(spectra::Request::Show(target))],
            None => Vec::new(),
        }
    }

    /// Whether the spectrum or the rows that are seen are on their way.
    pub fn awaits(&self) -> bool {
        self.front().awaits() || self.has_objects() && self.shown.waits()
    }

    /// Once at the start, when the size is known.
    pub fn start(&mut self) -> Vec<Effect> {
        let journal = crate::pipeline::journal_path(&self.shell.settings.output.metadata_dir);
        let mut effects = vec![Effect::Labels(labels::Request::Open {
            path: journal,
            scanner: self.shell.labels.scanner.clone(),
        })];
        for id in ScreenId::ALL {
            let area = self.layout.panes(self.frame(), id).list;
            let (screen, shell) = self.screen_mut(id);
            effects.extend(screen.resized(area, shell));
            effects.extend(screen.start(shell));
        }
        let (screen, shell) = self.front_mut();
        effects.extend(screen.entered_screen(shell));
        effects.extend(self.follow());
        effects.extend(self.follow_pictures());
        effects
    }

    pub(super) fn frame(&self) -> ratatui::layout::Rect {
        let (width, height) = self.shell.size;
        ratatui::layout::Rect::new(0, 0, width, height)
    }

    fn resize(&mut self, width: u16, height: u16) -> Vec<Effect> {
        self.shell.size = (width, height);
        self.laid_out()
    }

    /// The panes may have moved.
    pub(super) fn laid_out(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for id in ScreenId::ALL {
            let area = self.layout.panes(self.frame(), id).list;
            let (screen, shell) = self.screen_mut(id);
            effects.extend(screen.resized(area, shell));
        }
        let area = self.panes().spectrum;
        self.pane.layout(area);
        effects
    }

    fn tick(&mut self, elapsed: Duration) -> Vec<Effect> {
        self.shell.shown_ticks = self.shell.shown_ticks.saturating_sub(1);
        if let Some(job) = &mut self.shell.job {
            job.elapsed += elapsed;
        }
        Vec::new()
    }

    fn press(&mut self, press: Press) -> Vec<Effect> {
        // What closes anything closes the hint and does no more; the keys that it names do what it says.
        let closes =
            matches!(press.code, KeyCode::Esc | KeyCode::Enter) || matches!(press.typed(), Some(' ' | 'q'));
        if std::mem::take(&mut self.welcome) && closes {
            return Vec::new();
        }
        if self.shell.prompt.is_some() {
            return self.type_into_prompt(press);
        }
        let reach = self.shell.popup.as_ref().map(|popup| reach(popup, &self.shell));
        if let Some((popup, reach)) = self.shell.popup.as_mut().zip(reach) {
            return match popup.press(press, reach) {
                Pressed::Stays => Vec::new(),
                Pressed::Closes(effects) => {
                    self.shell.popup = None;
                    effects
                }
            };
        }
        if self.contact.is_some() {
            return self.press_on_contact(press);
        }
        let (screen, shell) = self.front_mut();
        if let Some(effects) = screen.press(press, shell) {
            return effects;
        }
        // Esc leaves a sequence or a count before it means anything else.
        let escape = press.code == KeyCode::Esc;
        if escape && (!self.pending.is_empty() || self.count.is_some()) {
            self.pending.clear();
            self.count = None;
            return Vec::new();
        }
        if let (Some(_), Some(digit), true) = (
            self.count,
            press.typed().and_then(|c| c.to_digit(10)),
            self.pending.is_empty(),
        ) {
            self.count_on(digit);
            return Vec::new();
        }
        self.pending.push(press);
        match self.shell.keymap.find(&self.places(), &self.pending) {
            Found::Prefix(_) => Vec::new(),
            Found::Row(row) => {
                self.pending.clear();
                self.perform(row.action)
            }
            Found::Nothing => {
                let keys = crate::tui::keys::written(&self.pending);
                self.pending.clear();
                self.count = None;
                self.shell
                    .note(format!("{keys} does nothing here; ? shows all keys"));
                Vec::new()
            }
        }
    }

    /// One digit more of a count.
    fn count_on(&mut self, digit: u32) {
        const MOST: u32 = 1_000_000_000;
        let count = self.count.unwrap_or(0);
        self.count = Some(count.saturating_mul(10).saturating_add(digit).min(MOST));
    }

    /// Does an action with the count that was typed before it.
    fn perform(&mut self, action: Action) -> Vec<Effect> {
        let count = match action {
            Action::Count(digit) => {
                self.count_on(digit.into());
                return Vec::new();
            }
            _ => self.count.take(),
        };
        let (action, count) = match action {
            Action::Repeat => match self.last {
                Some((action, before)) => (action, count.or(before)),
                None => return Vec::new(),
            },
            action => (action, count),
        };
        if repeats(action) {
            self.last = Some((action, count));
        }
        self.act(action, count)
    }

    /// Does an action.
    pub fn act(&mut self, action: Action, count: Option<u32>) -> Vec<Effect> {
        match action {
            Action::Screen(id) => self.go_to(id),
            Action::NextScreen => self.go_to(self.screen.after(1)),
            Action::PreviousScreen => self.go_to(self.screen.after(-1)),
            Action::Zoom => {
                self.layout.zoom(self.screen);
                self.laid_out()
            }
            Action::Narrower | Action::Wider => {
                let step = 3 * count.unwrap_or(1).min(20) as i16;
                self.layout
                    .widen(if action == Action::Wider { step } else { -step });
                self.laid_out()
            }
            Action::Help => {
                self.shell.popup = Some(Popup::help());
                Vec::new()
            }
            Action::Problems => {
                self.shell.popup = Some(Popup::Messages { top: 0 });
                Vec::new()
            }
            Action::Command => {
                self.shell.ask(Purpose::Command, "");
                self.complete()
            }
            Action::Redraw => {
                let mut effects = self.pictures.look_again();
                effects.push(Effect::Redraw);
                effects
            }
            Action::Suspend => vec![Effect::Save, Effect::Suspend],
            Action::Quit => self.quit(),
            Action::Cancel => self.cancel(),
            Action::StopJob => self.stop(),
            Action::Repeat | Action::Count(_) => Vec::new(),
            Action::Links => self.open_links(),
            Action::Copy(what) => self.copy(what),
            Action::TypeRedshift => {
                self.shell.ask(Purpose::Redshift, "");
                Vec::new()
            }
            Action::Spectrum(act) => {
                // The arrows move the crosshair while there is one.
                let act = match act {
                    Act::PanLeft if self.pane.cursor().is_some() => Act::CursorLeft,
                    Act::PanRight if self.pane.cursor().is_some() => Act::CursorRight,
                    act => act,
                };
                self.pane.act(act, count.unwrap_or(1));
                if let Some(note) = self.pane.note() {
                    self.shell.note(note.to_owned());
                }
                Vec::new()
            }
            Action::Label(act) => self.label(act),
            Action::Write(what) => self.write(what),
            Action::Picture(act) => self.picture_act(act),
            action => {
                let (screen, shell) = self.front_mut();
                screen.act(action, count, shell)
            }
        }
    }

    pub fn go_to(&mut self, id: ScreenId) -> Vec<Effect> {
        self.pending.clear();
        self.contact = None;
        self.screen = id;
        let mut effects = self.laid_out();
        let (screen, shell) = self.front_mut();
        effects.extend(screen.entered_screen(shell));
        effects
    }

    fn quit(&mut self) -> Vec<Effect> {
        let leave = vec![Effect::StopJob, Effect::Save, Effect::Quit];
        if self.shell.job.is_none() {
            return leave;
        }
        self.shell.popup = Some(Popup::Confirm {
            question: "A job is running. Stop it, keep its checkpoint, and leave?".into(),
            then: leave,
        });
        Vec::new()
    }

    fn stop(&mut self) -> Vec<Effect> {
        if self.shell.job.is_none() {
            self.shell.note("no job is running");
            return Vec::new();
        }
        vec![Effect::StopJob]
    }

    /// The job was asked to stop; it says so until it has.
    fn stopping(&mut self) {
        if let Some(job) = &mut self.shell.job {
            job.stopping = true;
            self.shell
                .note("stopping after this batch; what is learned so far is kept in a checkpoint");
        }
    }

    /// Esc: the pane's edge or crosshair first, then the zoom.
    fn cancel(&mut self) -> Vec<Effect> {
        if self.has_objects() && (self.pane.cursor().is_some() || self.pane.edge_pending()) {
            self.pane.act(Act::Cancel, 1);
            return Vec::new();
        }
        if self.layout.zoomed != Zoomed::None {
            self.layout.zoomed = Zoomed::None;
            return self.laid_out();
        }
        self.shell.shown_ticks = 0;
        let (screen, shell) = self.front_mut();
        screen.act(Action::Cancel, None, shell)
    }

    fn open_links(&mut self) -> Vec<Effect> {
        let links = self.shown.facts().map(links).unwrap_or_default();
        if links.is_empty() {
            self.shell.note("there is no position to link to");
        } else {
            self.shell.popup = Some(Popup::Links { links, chosen: 0 });
        }
        Vec::new()
    }

    fn copy(&mut self, what: Copied) -> Vec<Effect> {
        let Some(facts) = self.shown.facts() else {
            self.shell.note("there is nothing to copy");
            return Vec::new();
        };
        let (name, text) = match what {
            Copied::Id => ("id", Some(facts.object_id.to_string())),
            Copied::Position => (
                "position",
                facts
                    .ra
                    .zip(facts.dec)
                    .map(|(ra, dec)| format!("{ra:.6} {dec:+.6}")),
            ),
            Copied::Link => ("link", links(facts).first().map(|link| link.address.clone())),
        };
        match text {
            Some(text) => self.shell.copy(name, text),
            None => {
                self.shell.note("the catalog has no position of this object");
                Vec::new()
            }
        }
    }

    fn write(&mut self, what: Written) -> Vec<Effect> {
        let marked: Vec<String> = self.shell.marks.iter().cloned().collect();
        let ids = match what {
            Written::Selected => self.selected_id().into_iter().collect(),
            Written::Marked => marked,
            Written::Top => self.anomalies.top(self.shell.settings.output.sample_size),
            Written::Ranking => return self.anomalies.write(&mut self.shell),
        };
        if ids.is_empty() {
            let text = match what {
                Written::Marked => "nothing is marked; Space marks",
                Written::Selected => "nothing is selected",
                Written::Top | Written::Ranking => "there is no ranking yet; start one on the Train screen",
            };
            self.shell.note(text);
            return Vec::new();
        }
        self.anomalies.write_figures(ids, &mut self.shell)
    }

    fn mouse(&mut self, event: MouseEvent) -> Vec<Effect> {
        if self.shell.prompt.is_some() || self.shell.popup.is_some() || self.contact.is_some() {
            return Vec::new();
        }
        let panes = self.panes();
        let at = ratatui::layout::Position::new(event.column, event.row);
        if panes.tabs.contains(at) && matches!(event.kind, MouseEventKind::Down(_)) {
            return match super::super::draw::tab_at(event.column) {
                Some(id) => self.go_to(id),
                None => Vec::new(),
            };
        }
        if panes.spectrum.contains(at) && self.has_objects() {
            self.pane.mouse(event.column, event.row, event.kind);
            return Vec::new();
        }
        if panes.list.contains(at) {
            let (screen, shell) = self.front_mut();
            return screen.mouse(event, panes.list, shell);
        }
        Vec::new()
    }
}

/// Whether `.` does it again.
fn repeats(action: Action) -> bool {
    matches!(
        action,
        Action::Move(_)
            | Action::Mark
            | Action::NextMarked
            | Action::FindNext
            | Action::FindPrevious
            | Action::Narrower
            | Action::Wider
            | Action::Spectrum(_)
            | Action::Picture(_)
            | Action::Catalog(_)
            | Action::Label(_)
    )
}
