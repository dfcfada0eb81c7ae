//! Thresholds and parameters: each change judges the ranking anew, and nothing is trained.

use crossterm::event::KeyCode;

use super::{Anomalies, Request};
use crate::pipeline::settings::Entry;
use crate::tui::app::{Effect, Purpose, Shell};
use crate::tui::keys::Press;

impl Anomalies {
    /// A setting was changed elsewhere.
    pub fn settings_changed(&mut self, shell: &mut Shell) -> Vec<Effect> {
        match self.ranking {
            Some(_) => self.rejudge(shell),
            None => Vec::new(),
        }
    }

    pub(super) fn rejudge(&mut self, shell: &Shell) -> Vec<Effect> {
        vec![Effect::Anomalies(Request::Rejudge(Box::new(
            shell.settings.clone(),
        )))]
    }

    /// Sets a detection setting, and judges anew.
    pub(super) fn set(
        &mut self,
        entry: &Entry,
        text: &str,
        shell: &mut Shell,
    ) -> Result<Vec<Effect>, String> {
        shell
            .settings
            .set(entry.key, text)
            .map_err(|error| error.to_string())?;
        if let Some(form) = &mut self.parameters {
            form.error = None;
        }
        Ok(self.rejudge(shell))
    }

    pub(super) fn parameter_key(&mut self, press: Press, shell: &mut Shell) -> Vec<Effect> {
        let Some(form) = &mut self.parameters else {
            return Vec::new();
        };
        let up = match (press.code, press.typed()) {
            (KeyCode::Esc, _) | (_, Some('p' | 'q')) => {
                self.parameters = None;
                return Vec::new();
            }
            (KeyCode::Down, _) | (_, Some('j')) => {
                form.step(1);
                return Vec::new();
            }
            (KeyCode::Up, _) | (_, Some('k')) => {
                form.step(-1);
                return Vec::new();
            }
            (KeyCode::Enter, _) => {
                let entry = form.entry();
                let value = form.value(&shell.settings);
                shell.ask(Purpose::Setting(entry.key), &value);
                return Vec::new();
            }
            (KeyCode::Delete, _) => {
                let entry = form.entry();
                let default = form.value(&crate::pipeline::settings::Settings::default());
                return self.try_setting(entry, &default, shell);
            }
            (KeyCode::Right, _) | (_, Some('l' | '+' | '=')) => true,
            (KeyCode::Left, _) | (_, Some('h' | '-')) => false,
            _ => return Vec::new(),
        };
        match form.nudged(&shell.settings, up) {
            Some(text) => {
                let entry = form.entry();
                self.try_setting(entry, &text, shell)
            }
            None => Vec::new(),
        }
    }

    pub(super) fn try_setting(
        &mut self,
        entry: &'static Entry,
        text: &str,
        shell: &mut Shell,
    ) -> Vec<Effect> {
        match self.set(entry, text, shell) {
            Ok(effects) => effects,
            Err(error) => {
                if let Some(form) = &mut self.parameters {
                    form.error = Some((entry.key, error));
                }
                Vec::new()
            }
        }
    }
}
