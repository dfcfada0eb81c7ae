//! From a population to its ranking. What was computed for earlier settings is used again as far as it does not depend on what has
//! changed since, so that thresholds can be moved and the list follows at once.
//!
//! | computed | again where one of these has changed |
//! |---|---|
//! | error model | the floors, bins, weights and counts of the errors |
//! | evidence | these, and the widths |
//! | injections, origins of regions | as evidence, and their number |
//! | jury | these, and what calibrates |
//! | regions | these, and what calibrates and bounds regions |
//! | calibration, scores, reasons, ranks | always: they take milliseconds |

mod parts;
mod significance;
mod windows;

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use parts::of_errors;

use super::injections::Injections;
use super::score::Population;
use super::settings::{Method, Settings};
use super::verdict::{Detail, Doubt, Look};
use super::{CancelToken, Observer, PipelineError};
use crate::anomaly::window::{WindowSettings, WindowThresholds, WindowThresholdsBuilder};
use crate::anomaly::{
    Correlations, ErrorModel, ErrorModelBuilder, Evidence, Judgement, Jury, Origins, Recurring,
    RecurringBuilder, SignificanceSettings, correlations, rank,
};
use crate::spectrum::Facts;

/// What was found in a catalog.
#[derive(Debug, Clone)]
pub struct Verdicts {
    /// The strangest first.
    pub judgements: Vec<Judgement>,
    /// Of the same spectra, in the same order.
    pub facts: Vec<Arc<Facts>>,
    pub correlations: Correlations,
    /// Of `--method window`.
    pub thresholds: Option<WindowThresholds>,
}

/// Mean squared residual by pixel of the model's grid, in units of the normalized flux squared; NaN where no spectrum has a valid pixel.
///
/// Shapes: `[grid.len()]`. Units: wavelength in the working frame, Angstrom vacuum.
pub struct MeanError {
    pub wavelength: Vec<f64>,
    pub mean_squared_residual: Vec<f64>,
    /// What the residuals have in common, by pixel of the grid and by observed wavelength.
    pub recurring: Vec<Recurring>,
    pub recurring_observed: Vec<Recurring>,
}

/// Something computed, and the settings that it was computed with.
struct Held<K, T> {
    of: K,
    is: T,
}

fn holds<K: PartialEq, T>(held: &Option<Held<K, T>>, of: &K) -> bool {
    held.as_ref().is_some_and(|held| held.of == *of)
}

/// What a population has been found to be; the lists are in the order of the selection.
#[derive(Default)]
pub struct Judge {
    /// Of every spectrum, with the mean error of all: neither depends on a setting.
    seen: Option<(Vec<Arc<Facts>>, MeanError)>,
    errors: Option<Held<SignificanceSettings, ErrorModel>>,
    evidence: Option<Held<SignificanceSettings, Vec<Evidence>>>,
    injected: Option<Held<SignificanceSettings, Injections>>,
    jury: Option<Held<SignificanceSettings, Option<Jury>>>,
    /// What tells the sky's regions from the instrument's, learned from what was planted.
    origins: Option<Origins>,
    /// Of the strangest, by index.
    doubts: Option<Held<SignificanceSettings, BTreeMap<usize, Doubt>>>,
    details: Option<Held<SignificanceSettings, Vec<Detail>>>,
    /// Evidence that believes the catalog's errors, which the window method tells S/N and chi-square from.
    plain: Option<Held<SignificanceSettings, Vec<Evidence>>>,
    /// The values that the thresholds are percentiles of.
    windows: Option<Held<WindowSettings, WindowThresholdsBuilder>>,
}

/// A step was cancelled: what was complete before it is kept.
struct Stopped;

impl Judge {
    pub fn mean_error(&self) -> Option<&MeanError> {
        self.seen.as_ref().map(|(_, error)| error)
    }

    /// Judges and ranks the population; `None` where it was cancelled.
    ///
    /// The same settings give the same verdicts, whatever was judged before.
    ///
    /// Errors: spectra that cannot be read, or none that can be used.
    pub fn verdicts(
        &mut self,
        population: &mut Population,
        settings: &Settings,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<Option<Verdicts>, PipelineError> {
        let mut pass = Pass {
            judge: self,
            population,
            settings,
            observer,
            cancel,
        };
        if let Err(Stopped) = pass.see()? {
            return Ok(None);
        }
        let judged = match settings.detect.method {
            Method::Significance => pass.by_significance()?.map(|judgements| (judgements, None)),
            Method::Window => pass
                .by_windows()?
                .map(|(judgements, thresholds)| (judgements, Some(thresholds))),
        };
        let Ok((judgements, thresholds)) = judged else {
            return Ok(None);
        };
        if judgements.is_empty() {
            return Err(population.selection.nothing_usable());
        }
        Ok(Some(ranked(judgements, self.facts(), thresholds)))
    }

    fn facts(&self) -> &[Arc<Facts>] {
        self.seen.as_ref().map_or(&[], |(facts, _)| facts)
    }
}

/// Ranks the verdicts, given in the order of `facts`.
fn ranked(
    mut judgements: Vec<Judgement>,
    facts: &[Arc<Facts>],
    thresholds: Option<WindowThresholds>,
) -> Verdicts {
    let redshifts: Vec<f64> = facts.iter().map(|facts| facts.z.unwrap_or(f64::NAN)).collect();
    let column = |value: fn(&Judgement) -> f64| judgements.iter().map(value).collect::<Vec<_>>();
    let correlations = correlations(
        &column(|j| j.score),
        &column(|j| j.sn),
        &redshifts,
        &column(|j| j.masked_fraction),
    );
    // The verdicts are sorted; the facts follow them.
    let facts = rank(&mut judgements)
        .into_iter()
        .map(|stood| Arc::clone(&facts[stood]))
        .collect();
    Verdicts {
        judgements,
        facts,
        correlations,
        thresholds,
    }
}

/// One judging of a population.
struct Pass<'a> {
    judge: &'a mut Judge,
    population: &'a mut Population,
    settings: &'a Settings,
    observer: &'a mut dyn Observer,
    cancel: &'a CancelToken,
}

type Step<T> = Result<Result<T, Stopped>, PipelineError>;

/// Leaves with [`Stopped`] where a step was cancelled.
macro_rules! go_on {
    ($step:expr) => {
        match $step? {
            Ok(value) => value,
            Err(Stopped) => return Ok(Err(Stopped)),
        }
    };
}
use go_on;

impl Pass<'_> {
    /// Facts and mean error and, as long as the spectra are there, the error model.
    fn see(&mut self) -> Step<()> {
        let significance = self.settings.detect.method == Method::Significance;
        let of = of_errors(&self.settings.significance);
        let needs_errors = significance && !holds(&self.judge.errors, &of);
        if self.judge.seen.is_some() && !needs_errors {
            return Ok(Ok(()));
        }
        let grid = self.population.reconstructor.grid().to_vec();
        let mut facts = Vec::new();
        let mut errors = ErrorModelBuilder::new(grid.len(), &self.settings.significance);
        let mut recurring = RecurringBuilder::new(grid.len());
        let whole = self.population.visit(self.observer, self.cancel, |chunk| {
            facts.extend(chunk.iter().map(|scored| Arc::clone(&scored.prepared.facts)));
            let looks: Vec<Look> = chunk.iter().map(|scored| scored.as_look()).collect();
            Look::with_residuals(&looks, &grid, |residuals| {
                if needs_errors {
                    errors.add(residuals);
                }
                recurring.add(residuals);
            });
        })?;
        if !whole {
            return Ok(Err(Stopped));
        }
        if needs_errors {
            let is = errors.build();
            self.judge.errors = Some(Held { of, is });
        }
        let mean_error = MeanError {
            mean_squared_residual: recurring.mean_squares(),
            recurring: recurring.by_pixel(&grid),
            recurring_observed: recurring.by_observed(),
            wavelength: grid,
        };
        self.judge.seen = Some((facts, mean_error));
        Ok(Ok(()))
    }

    /// Measures every spectrum with an error model.
    fn measure(&mut self, errors: &ErrorModel) -> Step<Vec<Evidence>> {
        let reconstructor = self.population.reconstructor.clone();
        let settings = &self.settings.significance;
        let mut evidence = Vec::new();
        let whole = self.population.visit(self.observer, self.cancel, |chunk| {
            evidence.par_extend(
                chunk
                    .par_iter()
                    .map(|scored| reconstructor.evidence(scored, errors, settings)),
            );
        })?;
        Ok(if whole { Ok(evidence) } else { Err(Stopped) })
    }
}
