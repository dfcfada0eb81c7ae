//! What each of the four screens is to the app.

use crossterm::event::MouseEvent;
use ratatui::Frame;
use ratatui::layout::Rect;
use serde_json::Value;

use super::event::Effect;
use super::prompt::{Completion, Purpose};
use super::shell::{Shell, Target};
use crate::tui::keys::{Action, Press};

/// A screen: it changes on actions and answers, and draws its list; it never computes and never blocks.
pub trait Screen {
    /// Does what a key or command asks for; `count` is the number typed before it.
    fn act(&mut self, action: Action, count: Option<u32>, shell: &mut Shell) -> Vec<Effect>;

    /// A key while something of the screen's own covers it (a chooser, a form's field); `None` where nothing does.
    fn press(&mut self, _press: Press, _shell: &mut Shell) -> Option<Vec<Effect>> {
        None
    }

    /// A line was entered that this screen asked for, or that its lists understand.
    ///
    /// Errors: in words, to be shown under the line, which stays open.
    fn entered(&mut self, purpose: &Purpose, text: &str, shell: &mut Shell) -> Result<Vec<Effect>, String>;

    /// The line is `text` now, with the cursor at this byte: ways to go on may be returned or asked for.
    fn complete(
        &mut self,
        _purpose: &Purpose,
        _text: &str,
        _cursor: usize,
        _shell: &Shell,
    ) -> (Vec<Completion>, Vec<Effect>) {
        (Vec::new(), Vec::new())
    }

    /// The mouse, in the list's area.
    fn mouse(&mut self, _event: MouseEvent, _area: Rect, _shell: &mut Shell) -> Vec<Effect> {
        Vec::new()
    }

    /// The screen has come to the front.
    fn entered_screen(&mut self, _shell: &mut Shell) -> Vec<Effect> {
        Vec::new()
    }

    /// Once, when the app has started.
    fn start(&mut self, _shell: &mut Shell) -> Vec<Effect> {
        Vec::new()
    }

    /// How long the list of objects is, and the place of the cursor in it; `None` where there are none.
    fn extent(&self) -> Option<(u64, u64)> {
        None
    }

    /// The object at a place of the list, and what it is called: its id last, which stays where there is no room for what stands before.
    fn listed(&self, _place: u64) -> Option<(Target, Vec<String>)> {
        None
    }

    /// The object that the spectrum pane shows.
    fn target(&self) -> Option<Target>;

    /// The id of the selected object, where it is known already.
    fn selected_id(&self) -> Option<String> {
        match self.target() {
            Some(Target::Id(id)) => Some(id),
            _ => None,
        }
    }

    /// The list's area, borders included, is `area` from now on: what is visible may have to be asked for.
    fn resized(&mut self, _area: Rect, _shell: &mut Shell) -> Vec<Effect> {
        Vec::new()
    }

    /// Whether something that is seen of the list is on its way.
    fn awaits(&self) -> bool {
        false
    }

    /// Draws the list.
    fn draw(&self, frame: &mut Frame, area: Rect, shell: &Shell);

    /// Draws what covers the frame, where something of the screen's own does.
    fn draw_popup(&self, _frame: &mut Frame, _area: Rect, _shell: &Shell) {}

    /// What is to be found again at the next start.
    fn save(&self) -> Value {
        Value::Null
    }

    fn restore(&mut self, _saved: &Value) {}
}
