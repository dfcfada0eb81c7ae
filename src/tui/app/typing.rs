//! The line at the foot: what is typed, completed and entered.

use super::event::Effect;
use super::prompt::{Purpose, Typed};
use super::{App, commands};
use crate::tui::keys::Press;
use crate::tui::labels::Edit;
use crate::tui::spectrum::Act;

impl App {
    pub(super) fn paste(&mut self, text: &str) -> Vec<Effect> {
        match &mut self.shell.prompt {
            Some(prompt) => {
                prompt.paste(text);
                self.complete()
            }
            None => Vec::new(),
        }
    }

    pub(super) fn type_into_prompt(&mut self, press: Press) -> Vec<Effect> {
        let Some(prompt) = &mut self.shell.prompt else {
            return Vec::new();
        };
        match prompt.press(press) {
            Typed::Nothing => Vec::new(),
            Typed::Changed => self.complete(),
            Typed::Cancelled => {
                self.shell.prompt = None;
                Vec::new()
            }
            Typed::Entered(text) => {
                let purpose = prompt.purpose.clone();
                match self.entered(&purpose, &text) {
                    Ok(effects) => {
                        self.shell.remember(&purpose, &text);
                        // A command may have opened another line.
                        if self
                            .shell
                            .prompt
                            .as_ref()
                            .is_some_and(|prompt| prompt.purpose == purpose)
                        {
                            self.shell.prompt = None;
                        }
                        effects
                    }
                    Err(error) => {
                        if let Some(prompt) = &mut self.shell.prompt {
                            prompt.error = Some(error);
                        }
                        Vec::new()
                    }
                }
            }
        }
    }

    /// Asks for ways to go on from what is typed.
    pub(super) fn complete(&mut self) -> Vec<Effect> {
        let Some(prompt) = &self.shell.prompt else {
            return Vec::new();
        };
        let (purpose, text, cursor) = (prompt.purpose.clone(), prompt.typed().to_owned(), prompt.cursor());
        let (ways, effects) = match purpose {
            Purpose::Command => (commands::complete(&text, cursor), Vec::new()),
            Purpose::Class => (commands::complete_class(&text), Vec::new()),
            Purpose::Comment => (commands::complete_comment(&text), Vec::new()),
            _ => {
                let (screen, shell) = self.front_mut();
                screen.complete(&purpose, &text, cursor, shell)
            }
        };
        if let Some(prompt) = &mut self.shell.prompt {
            prompt.offer(&text, ways);
        }
        effects
    }

    pub(super) fn entered(&mut self, purpose: &Purpose, text: &str) -> Result<Vec<Effect>, String> {
        match purpose {
            Purpose::Command => self.command(text),
            Purpose::Comment => Ok(self.edit_subject(Edit::Comment(text.into()))),
            Purpose::Class => Ok(self.edit_subject(Edit::Class(text.into()))),
            Purpose::Redshift => {
                if text.is_empty() {
                    self.pane.act(Act::RedshiftReset, 1);
                } else {
                    // A number, or the line that stands at the crosshair.
                    match text.parse::<f64>() {
                        Ok(_) => self.pane.typed_redshift(text),
                        Err(_) => self.pane.redshift_to_line(text).map(drop),
                    }
                    .map_err(|error| error.to_string())?;
                }
                Ok(Vec::new())
            }
            purpose => {
                let (screen, shell) = self.front_mut();
                screen.entered(purpose, text, shell)
            }
        }
    }
}
