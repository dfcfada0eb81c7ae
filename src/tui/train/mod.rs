//! Training: settings, start and stop, and what the network learns while it does.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::tui::app::{Effect, JobEvent, Purpose, Screen, Shell, Target};
use crate::tui::draw::framed;
use crate::tui::form::Form;
use crate::tui::job::{JobSpec, Task};
use crate::tui::keys::{Action, Move, TrainAct};

/// Groups of settings that training depends on.
const GROUPS: &[&str] = &["training", "model", "prepare", "selection"];

/// The screen.
#[derive(Debug)]
pub struct Train {
    form: Form,
}

impl Train {
    pub fn new(_shell: &Shell) -> Self {
        Self {
            form: Form::of(GROUPS),
        }
    }

    pub fn job(&mut self, _event: &JobEvent, _shell: &mut Shell) -> Vec<Effect> {
        Vec::new()
    }
}

impl Screen for Train {
    fn act(&mut self, action: Action, count: Option<u32>, shell: &mut Shell) -> Vec<Effect> {
        let times = count.unwrap_or(1) as isize;
        let task = match action {
            Action::Move(Move::Down) => {
                self.form.step(times);
                return Vec::new();
            }
            Action::Move(Move::Up) => {
                self.form.step(-times);
                return Vec::new();
            }
            Action::Train(TrainAct::Start) => Task::Run { resume: None },
            Action::Train(TrainAct::Rank) => Task::Rank { checkpoint: None },
            Action::Train(TrainAct::Edit) => {
                let value = self.form.value(&shell.settings);
                shell.ask(Purpose::Setting(self.form.entry().key), &value);
                return Vec::new();
            }
            _ => return Vec::new(),
        };
        vec![Effect::Start(JobSpec {
            task,
            inputs: shell.inputs.clone(),
            settings: shell.settings.clone(),
        })]
    }

    fn entered(&mut self, purpose: &Purpose, text: &str, shell: &mut Shell) -> Result<Vec<Effect>, String> {
        match purpose {
            Purpose::Setting(key) => {
                shell.settings.set(key, text).map_err(|error| error.to_string())?;
                Ok(Vec::new())
            }
            _ => Err("not on this screen".into()),
        }
    }

    fn target(&self) -> Option<Target> {
        None
    }

    fn resized(&mut self, area: Rect, _: &mut Shell) -> Vec<Effect> {
        self.form.resize(area.height.saturating_sub(2));
        Vec::new()
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shell: &Shell) {
        let block = framed(&shell.theme, "train");
        let inside = block.inner(area);
        frame.render_widget(block, area);
        self.form
            .draw(&shell.settings, inside, frame.buffer_mut(), &shell.theme);
    }
}
