//! Labels by key: which object a label is for, and what changes in it.

use super::App;
use super::event::Effect;
use super::prompt::Purpose;
use crate::tui::keys::{Action, LabelAct, Move};
use crate::tui::labels::{self, Edit};

const NOTHING_TO_LABEL: &str = "there is nothing selected to label";

impl App {
    pub(super) fn label(&mut self, act: LabelAct) -> Vec<Effect> {
        let edit = match act {
            LabelAct::Mode => {
                self.shell.labels.inspecting = !self.shell.labels.inspecting;
                let text = match self.shell.labels.inspecting {
                    true => {
                        "inspection mode: 0-4 label the quality and go on; screens by Tab or F1-F4; v leaves"
                    }
                    false => "inspection mode off: 1-4 are the screens",
                };
                self.shell.note(text);
                return Vec::new();
            }
            LabelAct::Undo => return vec![Effect::Labels(labels::Request::Undo)],
            LabelAct::Redo => return vec![Effect::Labels(labels::Request::Redo)],
            LabelAct::NextUnlabeled => {
                let (screen, shell) = self.front_mut();
                return screen.act(Action::Label(act), None, shell);
            }
            LabelAct::Class | LabelAct::Comment => {
                let Some(id) = self.selected_id() else {
                    self.shell.note(NOTHING_TO_LABEL);
                    return Vec::new();
                };
                let label = self.shell.labels.get(&id);
                let (purpose, text) = match act {
                    LabelAct::Class => (Purpose::Class, label.and_then(|label| label.class.clone())),
                    _ => (Purpose::Comment, label.map(|label| label.comment.clone())),
                };
                self.shell.ask(purpose, &text.unwrap_or_default());
                self.subject = Some(id);
                return self.complete();
            }
            LabelAct::Quality(quality) => Edit::Quality(quality),
            LabelAct::BadRedshift => Edit::BadRedshift,
            LabelAct::BadClass => Edit::BadClass,
            LabelAct::BadSpectrum => Edit::BadSpectrum,
            LabelAct::Interesting => Edit::Interesting,
            LabelAct::Clear => Edit::Clear,
            LabelAct::Redshift => Edit::Redshift(self.pane.redshift()),
        };
        let mut effects = self.edit_label(edit);
        // A quality is the last word on an object.
        if matches!(act, LabelAct::Quality(_)) && !effects.is_empty() {
            let (screen, shell) = self.front_mut();
            effects.extend(screen.act(Action::Move(Move::Down), None, shell));
        }
        effects
    }

    /// Labels the selected object.
    ///
    /// While the next spectrum is on its way the selection is not what is seen: the key then labels what was selected, by
    /// its id, never a row that is not known yet.
    pub(super) fn edit_label(&mut self, edit: Edit) -> Vec<Effect> {
        match self.selected_id() {
            Some(id) => vec![Effect::Labels(labels::Request::Edit { id, edit })],
            None => {
                self.shell.note(NOTHING_TO_LABEL);
                Vec::new()
            }
        }
    }

    /// The id of the selected object, as far as it is known.
    pub(super) fn selected_id(&self) -> Option<String> {
        let front = self.front();
        front
            .selected_id()
            .or_else(|| self.shown.id_of(front.target().as_ref()))
    }

    /// Labels the object for which the line was opened: the list may have moved under it, as it does while training runs.
    pub(super) fn edit_subject(&mut self, edit: Edit) -> Vec<Effect> {
        match self.subject.take() {
            Some(id) => vec![Effect::Labels(labels::Request::Edit { id, edit })],
            None => self.edit_label(edit),
        }
    }
}
