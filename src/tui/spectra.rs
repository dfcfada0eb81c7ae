//! The spectrum that the pane shows: asked for when the selection moves, made by a worker, dropped where it comes too late.

use std::collections::HashMap;
use std::sync::Arc;

use compact_str::CompactString;

use super::app::{Shell, Target};
use super::inputs::Inputs;
use super::spectrum::Pane;
use super::worker;
use crate::figure::SpectrumView;
use crate::pipeline::{CancelToken, Verdicts, Viewer};
use crate::spectrum::Facts;

pub enum Request {
    Show(Target),
    /// The verdicts that views show, and the views of another model where there is one.
    Verdicts {
        verdicts: Arc<Verdicts>,
        viewer: Option<Box<Viewer>>,
    },
}

impl worker::Request for Request {
    /// Only the newest selection matters.
    fn slot(&self) -> Option<u8> {
        match self {
            Self::Show(_) => Some(0),
            Self::Verdicts { .. } => None,
        }
    }
}

/// What became of a request.
#[derive(Debug)]
pub struct Answer {
    pub target: Target,
    pub view: Result<Arc<SpectrumView>, Missing>,
}

/// Why there is no spectrum to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// What is wrong with this one.
    One(String),
    /// The catalog has none: of another selection nobody needs to ask.
    All(String),
}

impl Missing {
    fn text(&self) -> &str {
        match self {
            Self::One(text) | Self::All(text) => text,
        }
    }
}

/// What the pane shows, and what it waits for.
#[derive(Debug, Default)]
pub struct Shown {
    target: Option<Target>,
    view: Option<Result<Arc<SpectrumView>, Missing>>,
    waits: bool,
}

impl Shown {
    /// The target to ask for where the selection is another than what was asked for last.
    pub fn wants(&mut self, target: Option<Target>) -> Option<Target> {
        if target == self.target {
            return None;
        }
        self.target.clone_from(&target);
        if let Some(Err(Missing::All(_))) = self.view {
            return None;
        }
        self.waits = target.is_some();
        if target.is_none() {
            self.view = None;
        }
        target
    }

    /// The model or the verdicts have changed: the same is asked for again.
    pub fn is_stale(&mut self) {
        self.target = None;
        self.view.take_if(|view| matches!(view, Err(Missing::All(_))));
    }

    pub fn answer(&mut self, answer: Answer, pane: &mut Pane, shell: &mut Shell) {
        if self.target.as_ref() != Some(&answer.target) {
            return;
        }
        self.waits = false;
        match &answer.view {
            Ok(view) => pane.show(view.clone()),
            Err(error) => shell.say(super::app::Level::Warning, error.text()),
        }
        self.view = Some(answer.view);
    }

    pub fn waits(&self) -> bool {
        self.waits
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
            Some(Err(missing)) if !self.waits => Some(missing.text()),
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

/// Makes the views, in its worker.
pub struct Maker {
    inputs: Inputs,
    /// Or why the catalog has no spectra, which is found out once.
    viewer: Option<Result<Viewer, String>>,
    verdicts: Option<Arc<Verdicts>>,
    /// Place in the verdicts by object.
    places: HashMap<CompactString, usize>,
}

impl Maker {
    pub fn new(inputs: Inputs) -> Self {
        Self {
            inputs,
            viewer: None,
            verdicts: None,
            places: HashMap::new(),
        }
    }

    pub fn serve(&mut self, request: Request, cancel: &CancelToken) -> Option<Answer> {
        match request {
            Request::Verdicts { verdicts, viewer } => {
                let ids = verdicts.judgements.iter().enumerate();
                self.places = ids
                    .map(|(place, judgement)| (judgement.object_id.clone(), place))
                    .collect();
                self.verdicts = Some(verdicts);
                if let Some(viewer) = viewer {
                    // Images have a worker of their own, which a spectrum does not wait for.
                    self.viewer = Some(Ok(viewer.with_cutouts(None)));
                }
                None
            }
            Request::Show(target) => {
                let view = self.view(&target).map(Arc::new);
                (!cancel.is_cancelled()).then_some(Answer { target, view })
            }
        }
    }

    fn view(&mut self, target: &Target) -> Result<SpectrumView, Missing> {
        let inputs = &self.inputs;
        let viewer = self
            .viewer
            .get_or_insert_with(|| inputs.spectra().map(Viewer::new));
        let viewer = viewer.as_mut().map_err(|error| Missing::All(error.clone()))?;
        let verdict = |id: &str| Some(&self.verdicts.as_ref()?.judgements[*self.places.get(id)?]);
        let view = match target {
            Target::Id(id) => viewer.object(id, verdict(id)),
            Target::Row(row) => viewer.row(*row, verdict),
        };
        view.map_err(|error| Missing::One(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::settings::Settings;
    use crate::tui::keys::Keymap;
    use crate::tui::theme::Theme;

    /// What is asked for on the way over three rows of a catalog whose answers are `missing`.
    fn asked(missing: impl Fn(&str) -> Missing) -> Vec<Target> {
        let (mut shown, mut pane) = (Shown::default(), Pane::default());
        let mut shell = Shell::new(
            Vec::new(),
            Settings::default(),
            Theme::default(),
            Keymap::default(),
        );
        let mut asked = Vec::new();
        for row in 0..3 {
            if let Some(target) = shown.wants(Some(Target::Row(row))) {
                assert!(shown.waits() && shown.failure().is_none());
                asked.push(target.clone());
                let view = Err(missing("no flux"));
                shown.answer(Answer { target, view }, &mut pane, &mut shell);
            }
            assert!(!shown.waits(), "no frame waits for row {row}");
            assert_eq!(shown.failure(), Some("no flux"));
        }
        shown.is_stale();
        assert!(shown.wants(Some(Target::Row(2))).is_some(), "with another model");
        asked
    }

    #[test]
    fn a_catalog_without_spectra_is_asked_for_one_once() {
        assert_eq!(asked(|text| Missing::All(text.into())), [Target::Row(0)]);
        assert_eq!(
            asked(|text| Missing::One(text.into())),
            [0, 1, 2].map(Target::Row)
        );
    }
}
