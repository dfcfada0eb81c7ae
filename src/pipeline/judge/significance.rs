//! The verdicts of `--method significance`, step by step: each looks whether what it would make is there already.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::parts::{of_evidence, of_injections, of_jury, of_regions};
use super::{Held, Judge, Pass, Step, Stopped, go_on, holds};
use crate::anomaly::{Calibration, ErrorModel, Evidence, Judgement, Jury, Origins, Recurrence};
use crate::pipeline::injections::injections;
use crate::pipeline::source::CHUNK;
use crate::pipeline::verdict::{Detail, Opinion, Telling, tell_context};

/// So many of the strangest are looked at more closely: at other redshifts, and at their neighbors.
const LOOKED_AT: usize = 200;
/// Neighbors that are named.
const NAMED_NEIGHBORS: usize = 3;

impl Judge {
    fn evidence(&self) -> &[Evidence] {
        self.evidence.as_ref().map_or(&[], |held| &held.is)
    }

    fn details(&self) -> &[Detail] {
        self.details.as_ref().map_or(&[], |held| &held.is)
    }
}

impl Pass<'_> {
    pub(super) fn by_significance(&mut self) -> Step<Vec<Judgement>> {
        let Some(Held { is: errors, of }) = self.judge.errors.take() else {
            return Ok(Err(Stopped));
        };
        let judged = self.with_errors(&errors);
        self.judge.errors = Some(Held { of, is: errors });
        judged
    }

    fn with_errors(&mut self, errors: &ErrorModel) -> Step<Vec<Judgement>> {
        go_on!(self.find_evidence(errors));
        go_on!(self.plant(errors));
        let calibration = Calibration::fit(self.judge.evidence(), &self.settings.significance);
        self.seat_jury(&calibration);
        go_on!(self.find_regions(errors, &calibration));
        let mut judgements = self.opinions(&calibration);
        go_on!(self.look_closer(&mut judgements, &calibration));
        Ok(Ok(judgements))
    }

    fn find_evidence(&mut self, errors: &ErrorModel) -> Step<()> {
        let of = of_evidence(&self.settings.significance);
        if !holds(&self.judge.evidence, &of) {
            let is = go_on!(self.measure(errors));
            self.judge.evidence = Some(Held { of, is });
        }
        Ok(Ok(()))
    }

    /// Plants anomalies into copies, and learns from them what tells the sky's regions from the instrument's.
    fn plant(&mut self, errors: &ErrorModel) -> Step<()> {
        let of = of_injections(&self.settings.significance);
        if !holds(&self.judge.injected, &of) {
            let (facts, evidence) = (self.judge.facts(), self.judge.evidence());
            let (observer, cancel) = (&mut *self.observer, self.cancel);
            let planted = injections(self.population, errors, facts, evidence, &of, observer, cancel)?;
            let Some(is) = planted else {
                return Ok(Err(Stopped));
            };
            let origins = Origins::learn(&is.planted);
            self.judge.injected = Some(Held { of, is });
            self.judge.origins = origins;
        }
        Ok(Ok(()))
    }

    fn seat_jury(&mut self, calibration: &Calibration) {
        let of = of_jury(&self.settings.significance);
        if !holds(&self.judge.jury, &of) {
            let injected = self.judge.injected.as_ref();
            let injected = injected.map_or(&[][..], |held| &held.is.evidence);
            let is = Jury::seat(calibration, self.judge.evidence(), injected, of.trees);
            self.judge.jury = Some(Held { of, is });
        }
    }

    fn find_regions(&mut self, errors: &ErrorModel, calibration: &Calibration) -> Step<()> {
        let of = of_regions(&self.settings.significance);
        if holds(&self.judge.details, &of) {
            return Ok(Ok(()));
        }
        let reconstructor = self.population.reconstructor.clone();
        let (grid, pixels) = (reconstructor.grid(), &reconstructor.preparation().grid);
        let evidence = self.judge.evidence();
        let mut details: Vec<Detail> = Vec::with_capacity(evidence.len());
        let whole = self.population.visit(self.observer, self.cancel, |chunk| {
            let evidence = &evidence[details.len()..details.len() + chunk.len()];
            details.par_extend(chunk.par_iter().zip(evidence).map(|(scored, evidence)| {
                scored
                    .as_look()
                    .significant(grid, pixels, evidence, errors, calibration)
            }));
        })?;
        if !whole {
            return Ok(Err(Stopped));
        }
        self.judge.details = Some(Held { of, is: details });
        Ok(Ok(()))
    }

    /// What each spectrum says for itself, in the order of the selection.
    fn opinions(&self, calibration: &Calibration) -> Vec<Judgement> {
        let details = self.judge.details();
        let recurrence = Recurrence::of(
            details
                .iter()
                .map(|detail| (detail.observed, detail.found().iter())),
        );
        let telling = self.judge.origins.as_ref().map(|origins| Telling {
            origins,
            recurrence: &recurrence,
        });
        let jury = self.judge.jury.as_ref().and_then(|held| held.is.as_ref());
        self.judge
            .facts()
            .par_iter()
            .zip(self.judge.evidence())
            .zip(details)
            .map(|((facts, evidence), detail)| {
                Opinion::by_significance(calibration, jury, evidence, detail, telling)
                    .on(facts, evidence, detail)
            })
            .collect()
    }

    /// Adds to the reasons of the strangest what only the whole list knows.
    fn look_closer(&mut self, judgements: &mut [Judgement], calibration: &Calibration) -> Step<()> {
        let looked_at = strangest(judgements);
        let places: Vec<usize> = looked_at.into_iter().collect();
        let of = of_jury(&self.settings.significance);
        if !holds(&self.judge.doubts, &of) {
            let reconstructor = self.population.reconstructor.clone();
            let mut is = BTreeMap::new();
            for here in places.chunks(CHUNK) {
                if self.cancel.is_cancelled() {
                    return Ok(Err(Stopped));
                }
                let scored = self.population.some(here, self.observer)?;
                is.par_extend(
                    here.par_iter()
                        .zip(&scored)
                        .map(|(place, scored)| (*place, reconstructor.doubt(scored))),
                );
            }
            self.judge.doubts = Some(Held { of, is });
        }
        let (facts, evidence) = (self.judge.facts(), self.judge.evidence());
        let doubts = self.judge.doubts.as_ref().map(|held| &held.is);
        let nearest: Vec<Vec<usize>> = places
            .par_iter()
            .map(|place| calibration.nearest(evidence, *place, NAMED_NEIGHBORS))
            .collect();
        for (place, nearest) in places.into_iter().zip(nearest) {
            let names: Vec<&str> = nearest.iter().map(|i| facts[*i].object_id.as_str()).collect();
            let doubt = doubts.and_then(|doubts| doubts.get(&place));
            tell_context(&mut judgements[place], facts[place].z, doubt, &names);
        }
        Ok(Ok(()))
    }
}

/// The indices of the strangest; equal scores by identity.
fn strangest(judgements: &[Judgement]) -> BTreeSet<usize> {
    let mut order: Vec<usize> = (0..judgements.len()).collect();
    order.sort_unstable_by(|&a, &b| {
        let (a, b) = (&judgements[a], &judgements[b]);
        b.score
            .total_cmp(&a.score)
            .then_with(|| a.object_id.cmp(&b.object_id))
    });
    order.into_iter().take(LOOKED_AT).collect()
}
