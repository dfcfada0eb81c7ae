//! The vote: what was planted teaches what is strange.

use spectriage::anomaly::{
    Calibration, ErrorModel, Evidence, Hypotheses, InjectedEvidence, Injection, Jury, Residual,
    SignificanceSettings, inject,
};

use super::noise;

const PIXELS: usize = 600;

/// 150 spectra about a model with one line, S/N 8 to 40; every tenth has a lump that is as strong as its noise over 40 pixels.
struct Survey {
    grid: Vec<f64>,
    flux: Vec<Vec<f32>>,
    ivar: Vec<Vec<f32>>,
    model: Vec<f32>,
    artifact: Vec<bool>,
    hypotheses: Hypotheses,
}

fn survey() -> Survey {
    let mut state = 9;
    let grid: Vec<f64> = (0..PIXELS).map(|i| 10f64.powf(3.7 + 2e-4 * i as f64)).collect();
    let model: Vec<f32> = grid
        .iter()
        .map(|rest| (1.0 + (-0.5 * ((rest - 6564.6) / 5.0).powi(2)).exp()) as f32)
        .collect();
    let sigma = |i: usize| 1.0 / (8.0 + (i % 33) as f64);
    let flux = (0..150).map(|i| {
        let lump = if i % 10 == 3 { sigma(i) } else { 0.0 };
        (0..PIXELS)
            .map(|j| {
                let lump = if (200..240).contains(&j) { lump } else { 0.0 };
                (f64::from(model[j]) + sigma(i) * noise(&mut state) + lump) as f32
            })
            .collect()
    });
    Survey {
        flux: flux.collect(),
        ivar: (0..150)
            .map(|i| vec![(1.0 / sigma(i).powi(2)) as f32; PIXELS])
            .collect(),
        artifact: vec![false; PIXELS],
        hypotheses: Hypotheses::new(&grid),
        model,
        grid,
    }
}

fn settings() -> SignificanceSettings {
    SignificanceSettings {
        widths: vec![1, 3, 9, 25, 75, 255],
        neighbors: 41,
        ..Default::default()
    }
}

impl Survey {
    fn residual<'a>(&'a self, flux: &'a [f32], ivar: &'a [f32]) -> Residual<'a> {
        Residual::new(flux, ivar, &self.model, &self.grid, &self.artifact, 0.0).unwrap()
    }

    fn evidence(&self, flux: &[f32], ivar: &[f32], model: u16) -> Evidence {
        let residual = self.residual(flux, ivar);
        let errors = ErrorModel::neutral(PIXELS, &settings());
        let corrected = errors.correct(&residual);
        Evidence::measure(&residual, &corrected, &[flux[0], flux[1]], model, &settings()).with_hypotheses(
            &self.hypotheses,
            &residual,
            &corrected,
            &[],
        )
    }

    fn population(&self) -> Vec<Evidence> {
        let spectra = self.flux.iter().zip(&self.ivar).enumerate();
        spectra
            .map(|(i, (flux, ivar))| self.evidence(flux, ivar, (i % 3) as u16))
            .collect()
    }

    fn injected(&self) -> Vec<InjectedEvidence> {
        let mut injected = Vec::new();
        for (of, (flux, ivar)) in self.flux.iter().zip(&self.ivar).enumerate() {
            for copy in 0..2 {
                let kind = Injection::ALL[(5 * of + 7 * copy) % Injection::ALL.len()];
                let residual = self.residual(flux, ivar);
                let Some(changed) = inject(kind, &residual, &self.model, (of + copy) as u64) else {
                    continue;
                };
                injected.push(InjectedEvidence {
                    kind,
                    of,
                    evidence: self.evidence(&changed.flux, &changed.ivar, (of % 3) as u16),
                });
            }
        }
        injected
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn what_was_never_planted_is_still_voted_strange() {
    let survey = survey();
    let (population, injected) = (survey.population(), survey.injected());
    let calibration = Calibration::fit(&population, &settings());
    let jury = Jury::seat(&calibration, &population, &injected, 80).unwrap();
    let score = |i: usize| calibration.score_by(Some(&jury), &population[i]).score;
    let odd = |i: &usize| i % 10 == 3;
    let strange = mean((0..150).filter(odd).map(score));
    let normal = mean((0..150).filter(|i| !odd(i)).map(score));
    assert!(strange > normal + 0.4, "{strange} {normal}");
    // What is plain is nearly unanimous, and told to be what it is.
    let mut flux = survey.flux[0].clone();
    flux[400..440].fill(0.0);
    let dead = survey.evidence(&flux, &survey.ivar[0], 0);
    let voted = calibration.score_by(Some(&jury), &dead);
    let vote = voted.vote.unwrap();
    assert!(vote.strange > 0.9 && vote.artifact > 0.5, "{vote:?}");
    assert!(voted.score.is_finite() && voted.score > 2.0);
}

#[test]
fn the_order_of_the_lists_does_not_matter() {
    let survey = survey();
    let (mut population, mut injected) = (survey.population(), survey.injected());
    let calibration = Calibration::fit(&population, &settings());
    let forward = Jury::seat(&calibration, &population, &injected, 20).unwrap();
    population.reverse();
    injected.reverse();
    for copy in &mut injected {
        copy.of = population.len() - 1 - copy.of;
    }
    let backward = Jury::seat(&calibration, &population, &injected, 20).unwrap();
    assert_eq!(forward, backward);
}

#[test]
fn too_few_seat_no_jury() {
    let survey = survey();
    let (population, injected) = (survey.population(), survey.injected());
    let calibration = Calibration::fit(&population, &settings());
    let seat = |spectra: usize, trees: usize| {
        let few: Vec<InjectedEvidence> = injected
            .iter()
            .filter(|copy| copy.of < spectra)
            .cloned()
            .collect();
        Jury::seat(&calibration, &population[..spectra], &few, trees)
    };
    assert!(seat(20, 20).is_none());
    assert!(seat(150, 0).is_none());
    let plain = calibration.score(&population[3]);
    assert_eq!(calibration.score_by(None, &population[3]), plain);
}

#[test]
fn where_all_are_equally_strange_nobody_is() {
    let survey = survey();
    let population: Vec<Evidence> = (0..150)
        .map(|i| survey.evidence(&survey.flux[0], &survey.ivar[0], i % 3))
        .collect();
    let calibration = Calibration::fit(&population, &settings());
    let jury = Jury::seat(&calibration, &population, &survey.injected(), 20);
    for evidence in &population {
        let voted = calibration.score_by(jury.as_ref(), evidence);
        assert!(voted.vote.is_none_or(|vote| vote.strange < 0.5), "{voted:?}");
        assert!(voted.score < 3.0, "{voted:?}");
    }
}
