//! The verdicts of `--method window`: the original's rule, and the values that its thresholds are percentiles of.

use rayon::prelude::*;

use super::parts::{of_evidence, of_windows};
use super::{Held, Pass, Step, Stopped, go_on, holds};
use crate::anomaly::window::{Window, WindowThresholds, WindowThresholdsBuilder};
use crate::anomaly::{ErrorModel, Judgement};

impl Pass<'_> {
    pub(super) fn by_windows(&mut self) -> Step<(Vec<Judgement>, WindowThresholds)> {
        let settings = &self.settings.window;
        let reconstructor = self.population.reconstructor.clone();
        let grid = reconstructor.grid();
        let of = of_evidence(&self.settings.significance);
        if !holds(&self.judge.plain, &of) {
            let neutral = ErrorModel::neutral(grid.len(), &self.settings.significance);
            let is = go_on!(self.measure(&neutral));
            self.judge.plain = Some(Held { of, is });
        }
        let of = of_windows(settings);
        if !holds(&self.judge.windows, &of) {
            let mut is = WindowThresholdsBuilder::default();
            let whole = self.population.visit(self.observer, self.cancel, |chunk| {
                let measured: Vec<Vec<Window>> = chunk
                    .par_iter()
                    .map(|scored| scored.as_look().windows(grid, settings))
                    .collect();
                measured.iter().for_each(|windows| is.add(windows));
            })?;
            if !whole {
                return Ok(Err(Stopped));
            }
            self.judge.windows = Some(Held { of, is });
        }
        let Some(windows) = &self.judge.windows else {
            return Ok(Err(Stopped));
        };
        let thresholds = windows.is.clone().build(settings);
        let evidence = self.judge.plain.as_ref().map_or(&[][..], |held| &held.is);
        let facts = self.judge.facts();
        let mut judgements: Vec<Judgement> = Vec::with_capacity(facts.len());
        let whole = self.population.visit(self.observer, self.cancel, |chunk| {
            let these = judgements.len()..judgements.len() + chunk.len();
            let known = facts[these.clone()].par_iter().zip(&evidence[these]);
            judgements.par_extend(chunk.par_iter().zip(known).map(|(scored, (facts, evidence))| {
                let look = scored.as_look();
                let pixels = &reconstructor.preparation().grid;
                let (opinion, detail) = look.by_windows(grid, pixels, &thresholds, settings);
                opinion.on(facts, evidence, &detail)
            }));
        })?;
        Ok(if whole {
            Ok((judgements, thresholds))
        } else {
            Err(Stopped)
        })
    }
}
