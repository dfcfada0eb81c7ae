//! The spectrum that the pane shows: asked for when the selection moves, made by a worker, dropped where it comes too late.

use std::sync::Arc;

use super::app::{Shell, Target};
use super::spectrum::Pane;
use super::worker;
use crate::figure::SpectrumView;
use crate::pipeline::{CancelToken, Viewer};
use crate::spectrum::Facts;

#[derive(Debug)]
pub enum Request {
    Show(Target),
}

impl worker::Request for Request {
    /// Only the newest selection matters.
    fn slot(&self) -> Option<u8> {
        Some(0)
    }
}

/// What became of a request.
#[derive(Debug)]
pub struct Answer {
    pub target: Target,
    /// Or what is wrong with the row.
    pub view: Result<Arc<SpectrumView>, String>,
}

/// What the pane shows, and what it waits for.
#[derive(Debug, Default)]
pub struct Shown {
    target: Option<Target>,
    view: Option<Result<Arc<SpectrumView>, String>>,
    waits: bool,
}

impl Shown {
    /// The target to ask for where the selection is another than what was asked for last.
    pub fn wants(&mut self, target: Option<Target>) -> Option<Target> {
        if target == self.target {
            return None;
        }
        self.target.clone_from(&target);
        self.waits = target.is_some();
        if target.is_none() {
            self.view = None;
        }
        target
    }

    /// The model or the verdicts have changed: the same is asked for again.
    pub fn is_stale(&mut self) {
        self.target = None;
    }

    pub fn answer(&mut self, answer: Answer, pane: &mut Pane, shell: &mut Shell) {
        if self.target.as_ref() != Some(&answer.target) {
            return;
        }
        self.waits = false;
        match &answer.view {
            Ok(view) => pane.show(view.clone()),
            Err(error) => shell.say(super::app::Level::Warning, error.clone()),
        }
        self.view = Some(answer.view);
    }

    /// The spectrum of the selection; `None` while it is on its way.
    pub fn view(&self) -> Option<&SpectrumView> {
        match &self.view {
            Some(Ok(view)) if !self.waits => Some(view),
            _ => None,
        }
    }

    /// Why there is none.
    pub fn failure(&self) -> Option<&str> {
        match &self.view {
            Some(Err(error)) if !self.waits => Some(error),
            _ => None,
        }
    }

    /// Of the selection; `None` while its spectrum is on its way.
    pub fn facts(&self) -> Option<&Facts> {
        self.view().map(|view| &view.facts)
    }

    /// The id of `target`, where that is what is shown.
    pub fn id_of(&self, target: Option<&Target>) -> Option<String> {
        (target.is_some() && target == self.target.as_ref())
            .then(|| self.id().map(str::to_owned))
            .flatten()
    }

    pub fn id(&self) -> Option<&str> {
        self.facts().map(|facts| facts.object_id.as_str())
    }
}

/// Makes the view of a target.
pub fn serve(viewer: &mut Viewer, request: Request, cancel: &CancelToken) -> Option<Answer> {
    let Request::Show(target) = request;
    let view = match &target {
        Target::Row(row) => viewer.row(*row),
        Target::Id(id) => viewer.object(id),
    };
    (!cancel.is_cancelled()).then(|| Answer {
        target,
        view: view.map(Arc::new).map_err(|error| error.to_string()),
    })
}
