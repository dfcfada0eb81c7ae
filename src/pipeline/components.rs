//! The principal components that networks begin with.

use std::panic::resume_unwind;
use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::Instant;

use super::settings::Settings;
use super::train::{Part, TrainingSet};
use super::{Event, Observer, PipelineError, Silent, Stage};
use crate::model::{Accelerator, Architecture, Pca};

/// Spectra from which they are computed: more of them make the start no better.
const MOST_SPECTRA: usize = 4000;

/// What new networks begin with: the principal components of what they learn from. Where a GPU learns, those of the next fold are computed meanwhile, since
/// the processor has nothing else to do.
pub struct Starts<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    set: &'scope TrainingSet<'env>,
    settings: &'scope Settings,
    beside: bool,
    /// Of this fold, on its way.
    next: Option<(usize, ScopedJoinHandle<'scope, Result<Pca, PipelineError>>)>,
}

impl<'scope, 'env> Starts<'scope, 'env> {
    pub fn new(
        scope: &'scope Scope<'scope, 'env>,
        set: &'scope TrainingSet<'env>,
        settings: &'scope Settings,
        accelerator: &Accelerator,
    ) -> Self {
        Self {
            scope,
            set,
            settings,
            beside: accelerator.is_gpu() && settings.model.architecture == Architecture::Bottleneck,
            next: None,
        }
    }

    /// No components, for a network that needs none.
    pub fn nothing(&self) -> Pca {
        Pca::zeros(self.settings.model.latent, self.set.shelf.pixels())
    }

    /// What the network of `fold` begins with, which learns from `train`; progress is told where it is waited for.
    ///
    /// Errors: spectra cannot be read.
    pub fn of(
        &mut self,
        fold: usize,
        train: &Part,
        observer: &mut dyn Observer,
    ) -> Result<Pca, PipelineError> {
        if self.settings.model.architecture == Architecture::Skip {
            return Ok(self.nothing());
        }
        match self.next.take_if(|(of, _)| *of == fold) {
            Some((_, made)) => made.join().unwrap_or_else(|panic| resume_unwind(panic)),
            None => components(train, self.settings, observer),
        }
    }

    /// Begins with the components of `fold`, if there is such a fold and somebody to compute them.
    pub fn prepare(&mut self, fold: usize) {
        if self.beside && fold < self.settings.training.folds {
            let (set, settings) = (self.set, self.settings);
            let make = move || components(&set.split(fold, settings).0, settings, &mut Silent);
            let begun = Builder::new()
                .name("components".into())
                .spawn_scoped(self.scope, make);
            // Without another thread they are computed when they are needed.
            self.next = begun.ok().map(|made| (fold, made));
        }
    }
}

/// The weighted principal components of some spectra, shapes as of [`Pca`].
///
/// Errors: spectra cannot be read.
fn components(train: &Part, settings: &Settings, observer: &mut dyn Observer) -> Result<Pca, PipelineError> {
    let began = Instant::now();
    let start = train.spread(MOST_SPECTRA)?;
    let total = start.len() as u64;
    let mut step = |done| {
        observer.event(Event::Step {
            stage: Stage::Components,
            done,
            total,
        });
    };
    step(0);
    let pca = Pca::fit(&start, settings.model.latent, settings.model.error_floor);
    step(total);
    tracing::debug!(
        spectra = total,
        seconds = began.elapsed().as_secs_f64(),
        "principal components"
    );
    Ok(pca)
}
