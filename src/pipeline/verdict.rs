//! One spectrum and its reconstruction, judged by either method.

use rayon::prelude::*;

use crate::anomaly::window::{self, Window, WindowSettings, WindowThresholds, WindowVerdict};
use crate::anomaly::{
    AtRest, Calibration, ErrorModel, Evidence, GridRegion, Injection, Ionized, Judgement, Jury, Origins,
    OtherRedshift, OwnLines, Reason, Recurrence, Region, RegionFacts, Residual, SignificanceSettings, Vote,
    artifact_fraction, at_rest, beside_own_lines, explain, flagged_fraction, ionized, other_redshift,
    place_of, probability, redshift_words, region_facts, regions, says_rare,
};
use crate::spectrum::prepare::{Frame, Prepared};
use crate::spectrum::{Facts, WavelengthGrid};

/// What speaks against the catalog's redshift.
#[derive(Debug, Clone, Copy)]
pub struct Doubt {
    pub other: Option<OtherRedshift>,
    pub at_rest: AtRest,
}

/// A prepared spectrum beside its reconstruction.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    pub prepared: &'a Prepared,
    pub member: usize,
    pub reconstruction: &'a [f32],
    pub latent: &'a [f32],
}

impl super::reconstructor::Reconstructor {
    /// Another redshift at which the spectrum's own network draws it better; `None` in the observed frame, which knows none.
    fn other_redshift(&self, scored: &super::reconstructor::Scored) -> Option<OtherRedshift> {
        if self.preparation().frame != Frame::Rest {
            return None;
        }
        let drawable = self.drawable(scored.member);
        let look = scored.as_look();
        look.with_residual(self.grid(), |residual| other_redshift(residual, drawable))
    }

    /// What else than the catalog's galaxy the spectrum may be of.
    pub fn doubt(&self, scored: &super::reconstructor::Scored) -> Doubt {
        Doubt {
            other: self.other_redshift(scored),
            at_rest: scored.as_look().with_residual(self.grid(), at_rest),
        }
    }

    /// All the evidence of a spectrum, its hypotheses tried.
    pub fn evidence(
        &self,
        scored: &super::reconstructor::Scored,
        errors: &ErrorModel,
        settings: &SignificanceSettings,
    ) -> Evidence {
        let look = scored.as_look();
        look.with_residual(self.grid(), |residual| {
            let corrected = errors.correct(residual);
            Evidence::measure(residual, &corrected, look.latent, look.member as u16, settings)
                .with_hypotheses(
                    &self.hypotheses,
                    residual,
                    &corrected,
                    self.directions(scored.member),
                )
        })
    }
}

impl super::reconstructor::Scored {
    pub fn as_look(&self) -> Look<'_> {
        Look {
            prepared: &self.prepared,
            member: self.member,
            reconstruction: &self.reconstruction,
            latent: &self.latent,
        }
    }
}

/// What the regions of a spectrum say: small enough to keep for every spectrum of a survey, most of which have none.
pub struct Detail {
    /// Observed wavelengths of the first and the last valid pixel, Angstrom; equal where there is none.
    pub observed: (f64, f64),
    regions: Option<Box<Regions>>,
}

struct Regions {
    found: Vec<GridRegion>,
    /// What is known of each; empty where nobody learned from it.
    facts: Vec<RegionFacts>,
    /// What ionizes its gas, if that can be told.
    ionized: Option<Ionized>,
    /// The same in pixels of the catalog's row, ends exclusive.
    rows: Vec<(usize, usize)>,
    flagged_fraction: f64,
    artifact_fraction: f64,
}

/// Score, verdict and reason, before the ranking.
pub struct Opinion {
    pub score: f64,
    pub anomalous: bool,
    pub reason: String,
    pub vote: Option<Vote>,
    /// By region, how likely the instrument made it; empty where that is not known.
    pub origins: Vec<f64>,
}

impl Look<'_> {
    /// The residual of the spectrum on the model's grid; `grid` has its wavelengths in the working frame, Angstrom.
    pub fn with_residual<T>(&self, grid: &[f64], work: impl FnOnce(&Residual) -> T) -> T {
        work(&self.residual(&self.observed(grid)))
    }

    /// The residuals of some spectra, as [`with_residual`](Self::with_residual) has that of one.
    pub fn with_residuals<T>(looks: &[Self], grid: &[f64], work: impl FnOnce(&[Residual]) -> T) -> T {
        let observed: Vec<Vec<f64>> = looks.par_iter().map(|look| look.observed(grid)).collect();
        let pairs = looks.iter().zip(&observed);
        let residuals: Vec<Residual> = pairs.map(|(look, observed)| look.residual(observed)).collect();
        work(&residuals)
    }

    /// Observed wavelengths of the model's pixels, Angstrom vacuum; `grid` has those in the working frame.
    fn observed(&self, grid: &[f64]) -> Vec<f64> {
        let stretch = self.prepared.stretch;
        grid.iter().map(|wavelength| wavelength * stretch).collect()
    }

    /// The residual of the spectrum where its pixels are [`observed`](Self::observed).
    fn residual<'a>(&'a self, observed: &'a [f64]) -> Residual<'a> {
        let prepared = self.prepared;
        Residual {
            flux: &prepared.flux,
            ivar: &prepared.ivar,
            reconstruction: self.reconstruction,
            observed,
            artifact: &prepared.artifact,
            z: prepared.facts.z.unwrap_or(0.0),
        }
    }

    pub fn evidence(&self, grid: &[f64], errors: &ErrorModel, settings: &SignificanceSettings) -> Evidence {
        self.with_residual(grid, |residual| {
            let corrected = errors.correct(residual);
            Evidence::measure(residual, &corrected, self.latent, self.member as u16, settings)
        })
    }

    /// The regions that stand out by significance.
    pub fn significant(
        &self,
        wavelengths: &[f64],
        grid: &WavelengthGrid,
        evidence: &Evidence,
        errors: &ErrorModel,
        calibration: &Calibration,
    ) -> Detail {
        self.with_residual(wavelengths, |residual| {
            let found = regions(residual, evidence, errors, calibration);
            let mut detail = self.detail(grid, residual, found);
            if let Some(regions) = &mut detail.regions {
                regions.facts = region_facts(residual, errors, &regions.found);
                regions.ionized = ionized(residual);
            }
            detail
        })
    }

    /// The windows of `--method window`.
    pub fn windows(&self, grid: &[f64], settings: &WindowSettings) -> Vec<Window> {
        self.with_residual(grid, |residual| window::windows(residual, settings))
    }

    /// The verdict of `--method window`.
    pub fn by_windows(
        &self,
        wavelengths: &[f64],
        grid: &WavelengthGrid,
        thresholds: &WindowThresholds,
        settings: &WindowSettings,
    ) -> (Opinion, Detail) {
        self.with_residual(wavelengths, |residual| {
            let verdict = window::judge(
                residual,
                &window::windows(residual, settings),
                thresholds,
                settings,
            );
            let opinion = Opinion {
                score: verdict.score,
                anomalous: verdict.anomalous,
                reason: window_reason(&verdict),
                vote: None,
                origins: Vec::new(),
            };
            (opinion, self.detail(grid, residual, verdict.regions))
        })
    }

    fn detail(&self, grid: &WavelengthGrid, residual: &Residual, found: Vec<GridRegion>) -> Detail {
        let valid = || (0..residual.len()).filter(|&pixel| residual.is_valid(pixel));
        let seen = |pixel: Option<usize>| pixel.map_or(0.0, |pixel| residual.observed[pixel]);
        let observed = (seen(valid().next()), seen(valid().next_back()));
        if found.is_empty() {
            return Detail {
                observed,
                regions: None,
            };
        }
        let rows = found
            .iter()
            .map(|region| self.prepared.row_pixels(grid, region.start, region.end));
        let regions = Regions {
            facts: Vec::new(),
            ionized: None,
            rows: rows.collect(),
            flagged_fraction: flagged_fraction(residual, &found),
            artifact_fraction: artifact_fraction(&found),
            found,
        };
        Detail {
            observed,
            regions: Some(Box::new(regions)),
        }
    }
}

/// What tells the sky's regions from the instrument's: the rule learned from planted ones, and the sample.
#[derive(Clone, Copy)]
pub struct Telling<'a> {
    pub origins: &'a Origins,
    pub recurrence: &'a Recurrence,
}

impl Detail {
    /// The strongest first.
    pub fn found(&self) -> &[GridRegion] {
        self.regions.as_ref().map_or(&[], |regions| &regions.found)
    }

    fn own_lines(&self, vote: Option<&Vote>) -> Option<OwnLines> {
        let ionized = self.regions.as_ref().and_then(|regions| regions.ionized);
        OwnLines::of(self.found(), ionized, vote)
    }

    /// Of each region the logarithm of the odds that the instrument made it.
    fn odds(&self, telling: Telling) -> Vec<f64> {
        let facts = self.regions.as_ref().map_or(&[][..], |regions| &regions.facts);
        let regions = self.found().iter().zip(facts);
        regions
            .map(|(region, facts)| {
                let recurs = telling
                    .recurrence
                    .log_odds(region.wavelength_min, region.wavelength_max);
                telling.origins.log_odds(facts) + recurs
            })
            .collect()
    }
}

impl Opinion {
    /// The opinion of the significance method.
    pub fn by_significance(
        calibration: &Calibration,
        jury: Option<&Jury>,
        evidence: &Evidence,
        detail: &Detail,
        telling: Option<Telling>,
    ) -> Self {
        let mut score = calibration.score_by(jury, evidence);
        let own = detail.own_lines(score.vote.as_ref());
        if let (Some(vote), Some(own)) = (&mut score.vote, &own) {
            vote.weigh(own);
        }
        let odds = telling.map(|telling| detail.odds(telling)).unwrap_or_default();
        Self {
            origins: odds.into_iter().map(probability).collect(),
            score: score.score,
            anomalous: calibration.is_anomalous(&score),
            reason: explain(&score, evidence, detail.found(), own.as_ref(), calibration),
            vote: score.vote.filter(|_| evidence.coverage > 0.0),
        }
    }

    /// The whole verdict, not yet ranked.
    pub fn on(self, facts: &Facts, evidence: &Evidence, detail: &Detail) -> Judgement {
        let regions = detail.regions.as_deref();
        Judgement {
            object_id: facts.object_id.clone(),
            targetid: facts.targetid,
            rank: 0,
            score: self.score,
            percentile: 0.0,
            anomalous: self.anomalous,
            // Of its length: there is one for every spectrum.
            reason: self.reason.as_str().into(),
            flagged_fraction: regions.map_or(0.0, |regions| regions.flagged_fraction),
            reduced_chi2: f64::from(evidence.reduced_chi2),
            sn: f64::from(evidence.sn),
            masked_fraction: f64::from(evidence.masked_fraction),
            artifact_fraction: regions.map_or(0.0, |regions| regions.artifact_fraction),
            artifact_probability: self.vote.map(|vote| vote.artifact),
            suggested_kind: self.vote.map(|vote| vote.kind),
            latent: evidence.latent.clone(),
            regions: regions
                .into_iter()
                .flat_map(|regions| regions.found.iter().zip(&regions.rows))
                .enumerate()
                .map(|(index, (region, (start, end)))| Region {
                    artifact_probability: self.origins.get(index).copied(),
                    ..region.in_row(*start, *end)
                })
                .collect(),
        }
    }
}

/// Another redshift is told where chi-square is less by this, and by this share of it.
const BETTER_FIT: (f64, f64) = (60.0, 0.1);
/// Nearer to 0 than this, a redshift is the velocity of a star.
const OF_A_STAR: f64 = 0.003;

/// Adds to a reason what only the whole list knows: that it is a star, another redshift that fits better, and the nearest neighbors of what is rare.
pub fn tell_context(judgement: &mut Judgement, z: Option<f64>, doubt: Option<&Doubt>, neighbors: &[&str]) {
    let other = doubt
        .and_then(|doubt| doubt.other)
        .filter(|other| other.gain >= BETTER_FIT.0.max(BETTER_FIT.1 * other.chi2));
    let fits_at_rest = other.is_some_and(|other| other.z.abs() < OF_A_STAR);
    let star = doubt
        .map(|doubt| doubt.at_rest)
        .filter(|lines| lines.is_star() || (fits_at_rest && lines.may_be_star()));
    if let (Some(z), Some(lines)) = (z.filter(|z| z.abs() >= OF_A_STAR), star) {
        // What the vote made of it, it made of a galaxy.
        let place = place_of(&judgement.reason);
        judgement.reason = format!(
            "lines of a star at rest ({} of {}): a star, or one before a galaxy, for the catalog says z = {}; {place}",
            lines.there,
            lines.observed,
            redshift_words(z)
        ).into();
        judgement.suggested_kind = judgement.suggested_kind.is_some().then_some(Injection::Star);
        judgement.artifact_probability = judgement.artifact_probability.map(beside_own_lines);
    } else if let (Some(z), Some(other)) = (z, other) {
        let share = 100.0 * other.gain / other.chi2;
        judgement.reason = format!(
            "fits z = {} better than z = {} (chi-square {share:.0}% less); {}",
            redshift_words(other.z),
            redshift_words(z),
            judgement.reason
        )
        .into();
    }
    if says_rare(&judgement.reason) && !neighbors.is_empty() {
        judgement
            .reason
            .push_str(&format!("; nearest neighbors are {}", neighbors.join(", ")));
    }
}

/// The reason of the window method in words.
fn window_reason(verdict: &WindowVerdict) -> String {
    let Some(region) = verdict.regions.first() else {
        return "no window beyond its threshold".into();
    };
    let what = match region.reason {
        Reason::HighAbsoluteResidual => "high absolute residual",
        Reason::HighRelativeResidual => "high relative residual",
        Reason::RangeMismatch => "range of model and data differ",
        _ => "residual",
    };
    format!(
        "{what} ({:.2}) at {:.0}-{:.0} A rest; {:.0}% of its pixels flagged",
        region.value,
        region.rest_min,
        region.rest_max,
        100.0 * verdict.flagged_fraction
    )
}
