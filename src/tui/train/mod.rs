//! Training: its settings as a form, start, stop and resume, and what the network learns while it does.

mod charts;
mod draw;
mod live;
mod runs;
#[cfg(test)]
mod tests;

pub use runs::{Answer, Request, serve};

use crossterm::event::{MouseEvent, MouseEventKind};
use ratatui::Frame;
use ratatui::layout::Rect;
use serde_json::{Value, json};

use live::Live;

use crate::figure::LossRun;
use crate::pipeline::RunRecord;
use crate::pipeline::settings::{Entry, Kind, Settings, TABLE};
use crate::tui::app::{Completion, Effect, JobEvent, Purpose, Screen, Shell, Target};
use crate::tui::form::Form;
use crate::tui::job::{JobSpec, Task};
use crate::tui::keys::{Action, Move, TrainAct};

/// Groups of settings that training and what follows it depend on.
const GROUPS: &[&str] = &["training", "model", "prepare", "selection", "detect", "output"];
/// Curves that are told apart by color.
const CURVES: usize = 6;

/// The screen.
#[derive(Debug)]
pub struct Train {
    form: Form,
    live: Live,
    /// Trainings whose checkpoints are there, the newest first.
    runs: Vec<RunRecord>,
    /// Digest of the catalog, once it is known.
    catalog: Option<String>,
    /// Losses on a logarithmic axis, as on the figure.
    logarithmic: bool,
    shows_older: bool,
    /// Of the list's area.
    area: Rect,
}

impl Train {
    pub fn new(_shell: &Shell) -> Self {
        Self {
            form: Form::of(GROUPS),
            live: Live::default(),
            runs: Vec::new(),
            catalog: None,
            logarithmic: true,
            shows_older: true,
            area: Rect::default(),
        }
    }

    /// What the running job tells.
    pub fn job(&mut self, event: &JobEvent, shell: &mut Shell) -> Vec<Effect> {
        match event {
            JobEvent::Event(event) => {
                let settings = shell
                    .job
                    .as_ref()
                    .map_or(&shell.settings, |job| &job.spec.settings);
                self.live.saw(event, settings.prepare.frame);
                Vec::new()
            }
            JobEvent::Ended(_) => {
                self.live.end();
                vec![look(shell)]
            }
            _ => Vec::new(),
        }
    }

    /// What the worker has read.
    pub fn answer(&mut self, answer: Answer, _shell: &mut Shell) {
        let Answer::Runs { runs, catalog } = answer;
        (self.runs, self.catalog) = (runs, catalog);
    }

    /// The newest training that may be of this catalog: those of earlier versions do not tell.
    fn newest(&self) -> Option<&RunRecord> {
        self.runs.iter().find(|run| !self.is_of_another(run))
    }

    fn is_of_another(&self, run: &RunRecord) -> bool {
        self.catalog.as_ref().and_then(|catalog| run.is_of(catalog)) == Some(false)
    }

    /// The curves of this training (or of the newest before it), then of older ones, each as one.
    fn curves(&self) -> Vec<LossRun> {
        let mut curves = self.live.curves();
        let mut older = &self.runs[..];
        if curves.is_empty() {
            let Some((newest, rest)) = self.runs.split_first() else {
                return curves;
            };
            (curves, older) = (newest.losses(), rest);
        } else if self.live.now.is_none()
            && let Some((_, rest)) = older.split_first()
        {
            // The newest is the one that has just ended.
            older = rest;
        }
        if self.shows_older {
            let room = CURVES.saturating_sub(curves.len());
            curves.extend(older.iter().take(room).map(RunRecord::mean_losses));
        }
        curves
    }

    fn begin(&mut self, task: Task, settings: Settings, shell: &mut Shell) -> Vec<Effect> {
        if shell.job.is_some() {
            shell.note("a job is running; Ctrl-x stops it and keeps its checkpoint");
            return Vec::new();
        }
        if let Some((key, what)) = settings.problems().into_iter().next() {
            self.go_to(key);
            shell.error(format!("{key}: {what}"));
            self.form.error = Some((key, what));
            return Vec::new();
        }
        if let Task::Run { resume } = &task {
            let before = resume
                .as_ref()
                .and_then(|path| self.runs.iter().find(|run| run.path == *path));
            let folds = before.map_or_else(Vec::new, |run| run.folds.clone());
            self.live = Live::begin(folds, settings.training.validation_fraction > 0.0);
        }
        vec![Effect::Start(Box::new(JobSpec {
            task,
            inputs: shell.inputs.clone(),
            settings,
        }))]
    }

    /// Goes on from the newest checkpoint of this catalog, with the settings that it was begun with.
    fn resume(&mut self, shell: &mut Shell) -> Vec<Effect> {
        let Some(run) = self.newest() else {
            shell.note(match self.runs.is_empty() {
                true => "there is no checkpoint yet; s starts a training",
                false => "no checkpoint here is of this catalog; s starts a training",
            });
            return Vec::new();
        };
        let settings = run.settings_over(&shell.settings);
        shell.note(match run.complete {
            true => format!(
                "run {} is trained already: its spectra are ranked again",
                run.number
            ),
            false => format!("going on with run {} and its settings", run.number),
        });
        let resume = Some(run.path.clone());
        self.begin(Task::Run { resume }, settings, shell)
    }

    /// Ranks with the newest networks that are trained on this catalog; without any, with the newest of another.
    fn rank(&mut self, shell: &mut Shell) -> Vec<Effect> {
        let mut finished = self.runs.iter().filter(|run| run.complete);
        let own = finished.clone().find(|run| !self.is_of_another(run));
        let run = own.or_else(|| finished.next());
        if let Some(run) = run {
            shell.note(match self.is_of_another(run) {
                true => format!(
                    "ranking with run {}, which was trained on another catalog",
                    run.number
                ),
                false => format!("ranking with run {}", run.number),
            });
        }
        let checkpoint = run.map(|run| run.path.clone());
        self.begin(Task::Rank { checkpoint }, shell.settings.clone(), shell)
    }

    /// Enter: the next one of choices and switches; anything else is typed.
    fn edit(&mut self, shell: &mut Shell) {
        let entry = self.form.entry();
        match (entry.kind, self.form.nudged(&shell.settings, true)) {
            (Kind::Choice(_) | Kind::Switch, Some(next)) => {
                let _ = self.set(entry.key, &next, shell);
            }
            _ => {
                let value = self.form.value(&shell.settings);
                shell.ask(Purpose::Setting(entry.key), &value);
            }
        }
    }

    /// Errors: in words; they stand under the field too.
    fn set(&mut self, key: &'static str, text: &str, shell: &mut Shell) -> Result<(), String> {
        match shell.settings.set(key, text) {
            Ok(()) => {
                self.form.error = None;
                Ok(())
            }
            Err(error) => {
                self.form.error = Some((key, error.to_string()));
                Err(error.to_string())
            }
        }
    }

    fn step(&mut self, by: isize) {
        self.form.error = None;
        self.form.step(by);
    }

    /// Puts the cursor on a setting of the form; false where the form does not have it.
    fn go_to(&mut self, key: &str) -> bool {
        self.form.step(-(TABLE.len() as isize));
        for _ in TABLE {
            if self.form.entry().key == key {
                return true;
            }
            self.form.step(1);
        }
        false
    }

    /// Goes to the next setting whose name has `text` in it, or else whose description has.
    fn find(&mut self, text: &str) -> bool {
        let text = text.to_lowercase();
        let name = text.replace([' ', '-'], "_");
        self.seek(|entry| entry.key.contains(&name))
            || self.seek(|entry| entry.about.to_lowercase().contains(&text))
    }

    /// Goes to the next setting after the cursor, around the end, that fits; without one it stays.
    fn seek(&mut self, fits: impl Fn(&Entry) -> bool) -> bool {
        let begun = self.form.entry().key;
        for _ in TABLE {
            let before = self.form.entry().key;
            self.step(1);
            if self.form.entry().key == before {
                self.step(-(TABLE.len() as isize));
            }
            if fits(self.form.entry()) {
                return true;
            }
        }
        self.go_to(begun);
        false
    }
}

/// Asks for the trainings that are there.
fn look(shell: &Shell) -> Effect {
    Effect::Train(Request::Runs(shell.settings.output.metadata_dir.clone()))
}

impl Screen for Train {
    fn act(&mut self, action: Action, count: Option<u32>, shell: &mut Shell) -> Vec<Effect> {
        let times = count.unwrap_or(1) as isize;
        let page = (self.rows() / 2).max(1) as isize;
        let whole = TABLE.len() as isize;
        match action {
            Action::Move(Move::Down) => self.step(times),
            Action::Move(Move::Up) => self.step(-times),
            Action::Move(Move::HalfDown | Move::PageDown) => self.step(page * times),
            Action::Move(Move::HalfUp | Move::PageUp) => self.step(-page * times),
            Action::Move(Move::Top) => self.step(-whole),
            Action::Move(Move::Bottom) => self.step(whole),
            Action::Find => shell.ask(Purpose::Find, ""),
            Action::Train(TrainAct::Start) => {
                let settings = shell.settings.clone();
                return self.begin(Task::Run { resume: None }, settings, shell);
            }
            Action::Train(TrainAct::Resume) => return self.resume(shell),
            Action::Train(TrainAct::Rank) => return self.rank(shell),
            Action::Train(TrainAct::Edit) => self.edit(shell),
            Action::Train(TrainAct::Reset) => {
                let key = self.form.entry().key;
                let default = self.form.value(&Settings::default());
                let _ = self.set(key, &default, shell);
            }
            Action::Train(TrainAct::LogScale) => self.logarithmic = !self.logarithmic,
            Action::Train(TrainAct::OlderRuns) => self.shows_older = !self.shows_older,
            _ => (),
        }
        Vec::new()
    }

    fn entered(&mut self, purpose: &Purpose, text: &str, shell: &mut Shell) -> Result<Vec<Effect>, String> {
        match purpose {
            Purpose::Setting(key) => self.set(key, text, shell).map(|()| Vec::new()),
            Purpose::Find if self.find(text) => Ok(Vec::new()),
            Purpose::Find => Err(format!("no setting here has `{text}` in its name or description")),
            _ => Err("this screen has no list of spectra".into()),
        }
    }

    fn complete(
        &mut self,
        purpose: &Purpose,
        text: &str,
        _cursor: usize,
        _shell: &Shell,
    ) -> (Vec<Completion>, Vec<Effect>) {
        let Purpose::Setting(key) = purpose else {
            return (Vec::new(), Vec::new());
        };
        let kind = TABLE
            .iter()
            .find(|entry| entry.key == *key)
            .map(|entry| entry.kind);
        let choices: &[&str] = match kind {
            Some(Kind::Choice(choices)) => choices,
            Some(Kind::Switch) => &["true", "false"],
            _ => &[],
        };
        let ways = choices
            .iter()
            .filter(|choice| choice.starts_with(text) && **choice != text)
            .map(|choice| Completion {
                replace: 0..text.len(),
                text: (*choice).into(),
                about: String::new(),
            });
        (ways.collect(), Vec::new())
    }

    fn mouse(&mut self, event: MouseEvent, area: Rect, _shell: &mut Shell) -> Vec<Effect> {
        let form = self.form_rows(draw::areas(area).form);
        match event.kind {
            MouseEventKind::ScrollDown => self.step(1),
            MouseEventKind::ScrollUp => self.step(-1),
            MouseEventKind::Down(_) if form.contains((event.column, event.row).into()) => {
                self.form.error = None;
                self.form.click(event.row - form.y, form.height);
            }
            _ => (),
        }
        Vec::new()
    }

    fn start(&mut self, shell: &mut Shell) -> Vec<Effect> {
        vec![look(shell)]
    }

    fn target(&self) -> Option<Target> {
        None
    }

    fn resized(&mut self, area: Rect, _: &mut Shell) -> Vec<Effect> {
        self.area = area;
        self.form.resize(self.rows());
        Vec::new()
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shell: &Shell) {
        self.draw_all(frame, area, shell);
    }

    fn save(&self) -> Value {
        json!({ "logarithmic": self.logarithmic, "older": self.shows_older, "setting": self.form.entry().key })
    }

    fn restore(&mut self, saved: &Value) {
        let flag = |name: &str, otherwise: bool| saved[name].as_bool().unwrap_or(otherwise);
        self.logarithmic = flag("logarithmic", self.logarithmic);
        self.shows_older = flag("older", self.shows_older);
        let key = saved["setting"].as_str().unwrap_or_default();
        if !self.go_to(key) {
            self.step(-(TABLE.len() as isize));
        }
    }
}

impl Train {
    fn rows(&self) -> u16 {
        self.form_rows(draw::areas(self.area).form).height
    }
}
