//! Anomaly scoring: against an independent implementation, and by properties.

mod gas;
mod vote;
mod window_rule;

use proptest::prelude::*;
use spectriage::anomaly::window::{self, WindowSettings, WindowThresholdsBuilder};
use spectriage::anomaly::{
    AnomalyError, Calibration, Component, ErrorModel, Evidence, GridRegion, Judgement, Reason, Residual,
    Score, SignificanceSettings, explain, flagged_fraction, places, rank, regions,
};

/// One spectrum that owns its pixels.
#[derive(Clone)]
struct Owned {
    flux: Vec<f32>,
    ivar: Vec<f32>,
    reconstruction: Vec<f32>,
    observed: Vec<f64>,
    artifact: Vec<bool>,
    z: f64,
    latent: Vec<f32>,
}

impl Owned {
    fn residual(&self) -> Residual<'_> {
        Residual::new(
            &self.flux,
            &self.ivar,
            &self.reconstruction,
            &self.observed,
            &self.artifact,
            self.z,
        )
        .unwrap()
    }

    fn scaled(mut self, factor: f32) -> Self {
        for value in self.flux.iter_mut().chain(&mut self.reconstruction) {
            *value *= factor;
        }
        for value in &mut self.ivar {
            *value /= factor * factor;
        }
        self
    }
}

/// SplitMix64, as in the numpy script that computed the expected values.
fn next(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// Unit variance, nearly Gaussian.
fn noise(state: &mut u64) -> f64 {
    ((0..4).map(|_| next(state)).sum::<f64>() - 2.0) * 3f64.sqrt()
}

/// Sixty flat spectra of S/N 5 to 34 with strong residuals near the sky line at 5580 A, and three anomalies:
/// 7 a narrow line, 20 a broad one, 33 a lower continuum; 50 has a strange latent vector.
fn population() -> Vec<Owned> {
    let (count, pixels) = (60usize, 400usize);
    let mut state = 1;
    (0..count)
        .map(|i| {
            let noise: Vec<f64> = (0..pixels).map(|_| noise(&mut state)).collect();
            let sn = 5.0 + (i % 30) as f64;
            let z = 0.01 * (i % 5) as f64;
            let observed: Vec<f64> = (0..pixels)
                .map(|j| (5000.0 + 2.0 * j as f64) * (1.0 + z))
                .collect();
            let mut flux: Vec<f32> = (0..pixels)
                .map(|j| {
                    let sky = if observed[j] > 5570.0 && observed[j] < 5590.0 {
                        3.0
                    } else {
                        1.0
                    };
                    (1.0 + sky * noise[j] / sn) as f32
                })
                .collect();
            let mut ivar = vec![(sn * sn) as f32; pixels];
            ivar[390..].fill(0.0);
            match i {
                5 => ivar[40..60].fill(0.0),
                7 => flux[100..103].iter_mut().for_each(|flux| *flux += 2.0),
                20 => flux[150..210].iter_mut().for_each(|flux| *flux += 0.3),
                33 => flux[250..].iter_mut().for_each(|flux| *flux -= 0.2),
                _ => {}
            }
            let shift = if i == 50 { 60.0 } else { 0.0 };
            Owned {
                flux,
                ivar,
                reconstruction: vec![1.0; pixels],
                artifact: vec![false; pixels],
                observed,
                z,
                latent: vec![(noise[0] + shift) as f32, (noise[1] + shift) as f32],
            }
        })
        .collect()
}

fn small() -> SignificanceSettings {
    SignificanceSettings {
        widths: vec![1, 3, 9, 25, 75, 255],
        neighbors: 31,
        ..Default::default()
    }
}

struct Judged {
    errors: ErrorModel,
    evidence: Vec<Evidence>,
    calibration: Calibration,
    scores: Vec<Score>,
}

fn judge(population: &[Owned], settings: &SignificanceSettings) -> Judged {
    let pixels = population[0].flux.len();
    let errors = ErrorModel::fit(pixels, population.iter().map(Owned::residual), settings);
    let evidence: Vec<Evidence> = population
        .iter()
        .map(|owned| {
            let residual = owned.residual();
            Evidence::measure(&residual, &errors.correct(&residual), &owned.latent, 0, settings)
        })
        .collect();
    let calibration = Calibration::fit(&evidence, settings);
    let scores = evidence
        .iter()
        .map(|evidence| calibration.score(evidence))
        .collect();
    Judged {
        errors,
        evidence,
        calibration,
        scores,
    }
}

impl Judged {
    fn regions(&self, population: &[Owned], i: usize) -> Vec<GridRegion> {
        regions(
            &population[i].residual(),
            &self.evidence[i],
            &self.errors,
            &self.calibration,
        )
    }

    fn words(&self, i: usize, regions: &[GridRegion]) -> String {
        explain(
            &self.scores[i],
            &self.evidence[i],
            regions,
            None,
            &self.calibration,
        )
    }
}

fn close(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance * expected.abs().max(1e-3),
        "{found}, expected {expected}"
    );
}

/// The expected values were computed by an independent numpy implementation of `docs/detection.md`.
#[test]
fn scores_equal_an_independent_implementation() {
    let population = population();
    let judged = judge(&population, &small());
    close(
        judged.errors.scale(0, 5580.0) / judged.errors.scale(0, 1.0),
        2.692_662_719,
        1e-5,
    );
    close(judged.errors.scale(100, 1.0), 1.033_801_123, 1e-5);
    close(judged.errors.offset(100), -0.000_306_422, 1e-2);
    for (spectrum, three_up, three_down, wide_up, wide_down) in [
        (0, 2.817_897, 3.174_006, 1.123_837, 2.079_816),
        (7, 37.509_584, 2.955_408, 7.440_324, 2.035_695),
        (20, 16.190_210, 2.400_817, 49.697_428, 2.209_564),
        (33, 3.098_102, 6.268_541, 2.805_373, 14.929_170),
    ] {
        let evidence = &judged.evidence[spectrum];
        close(f64::from(evidence.excess[1]), three_up, 1e-4);
        close(f64::from(evidence.missing[1]), three_down, 1e-4);
        close(f64::from(evidence.excess[4]), wide_up, 1e-4);
        close(f64::from(evidence.missing[4]), wide_down, 1e-4);
    }
    for (spectrum, expected) in [
        (7, 10.473_031),
        (20, 8.531_843),
        (33, 6.161_557),
        (14, 2.836_435),
        (0, 0.790_477),
    ] {
        close(judged.scores[spectrum].windows, expected, 2e-3);
    }
}

#[test]
fn planted_anomalies_come_first_and_a_rare_latent_is_seen() {
    let population = population();
    let judged = judge(&population, &small());
    let scores: Vec<f64> = judged.scores.iter().map(|score| score.score).collect();
    let ids: Vec<usize> = (0..scores.len()).collect();
    let mut first: Vec<usize> = ids.clone();
    let places = places(&scores, &ids);
    first.sort_by_key(|&i| places[i].rank);
    assert_eq!(first[..3], [7, 20, 33]);
    assert!(first[..6].contains(&50), "{first:?}");
    assert_eq!(judged.scores[50].component, Component::Latent);
    let words = judged.words(50, &[]);
    assert!(words.starts_with("rare latent vector (distance"), "{words}");
}

#[test]
fn regions_have_the_right_sign_place_and_value() {
    let population = population();
    let judged = judge(&population, &small());
    let narrow = &judged.regions(&population, 7)[0];
    assert_eq!(
        (narrow.start, narrow.end, narrow.reason),
        (100, 103, Reason::ExcessFlux)
    );
    assert!((narrow.rest_min - 5200.0).abs() < 1e-6 && (narrow.rest_max - 5204.0).abs() < 1e-6);
    assert!((narrow.wavelength_min - 5200.0 * 1.02).abs() < 1e-6);
    // 2.0 of flux at S/N 12 a pixel is 24 sigma a pixel.
    assert!((narrow.value - 24.0).abs() < 3.0, "{}", narrow.value);

    let broad = &judged.regions(&population, 20)[0];
    assert_eq!(broad.reason, Reason::ExcessFlux);
    assert!(
        broad.start.abs_diff(150) <= 2 && broad.end.abs_diff(210) <= 2,
        "{broad:?}"
    );

    let step = &judged.regions(&population, 33)[0];
    assert_eq!(step.reason, Reason::MissingFlux);
    assert!(step.significance < -10.0 && step.value < 0.0);
    assert!(
        step.start.abs_diff(250) <= 10 && step.end > 380 && step.end <= 390,
        "{step:?}"
    );
    assert!(step.words().starts_with("lack of "), "{}", step.words());

    let found = judged.regions(&population, 33);
    for (i, a) in found.iter().enumerate() {
        assert!(
            found[i + 1..]
                .iter()
                .all(|b| a.end <= b.start || b.end <= a.start),
            "regions overlap"
        );
    }
    let share = flagged_fraction(&population[33].residual(), &found);
    assert!(share > 0.3 && share <= 1.0);
    assert!(
        judged.regions(&population, 0).is_empty(),
        "an ordinary spectrum has no regions"
    );
}

#[test]
fn a_line_is_named_and_an_artifact_called_one() {
    let mut population = population();
    // Move the grid so that rest-frame H alpha lies on pixels 155 to 165, and let it be broad.
    for owned in &mut population {
        for (pixel, wavelength) in owned.observed.iter_mut().enumerate() {
            *wavelength = (6244.61 + 2.0 * pixel as f64) * (1.0 + owned.z);
        }
    }
    let odd = &mut population[9];
    for (pixel, flux) in odd.flux.iter_mut().enumerate() {
        *flux += 1.5 * (-0.5 * ((pixel as f32 - 160.0) / 12.0).powi(2)).exp();
    }
    for flux in &mut population[12].flux[300..340] {
        *flux -= 0.6;
    }
    population[12].artifact[295..345].fill(true);
    let judged = judge(&population, &small());
    let line = &judged.regions(&population, 9)[0];
    assert_eq!(line.line, Some("H alpha"));
    assert_eq!(line.reason, Reason::ExcessFlux);
    assert!(line.rest_min < 6560.0 && line.rest_max > 6570.0);
    let found = judged.regions(&population, 9);
    let words = judged.words(9, &found);
    assert!(words.contains(": broad H alpha"), "{words}");

    let artifact = &judged.regions(&population, 12)[0];
    assert_eq!(artifact.reason, Reason::MissingFlux);
    assert!(artifact.artifact_fraction > 0.9);
    assert!(
        artifact.words().contains("likely artifact"),
        "{}",
        artifact.words()
    );
}

#[test]
fn order_does_not_matter_and_equal_spectra_score_equally() {
    let mut population = population();
    population[41] = population[11].clone();
    let settings = small();
    let forward = judge(&population, &settings);
    population.reverse();
    let backward = judge(&population, &settings);
    let last = population.len() - 1;
    for i in 0..=last {
        assert_eq!(forward.scores[i], backward.scores[last - i]);
    }
    assert_eq!(forward.scores[41].score, forward.scores[11].score);
}

#[test]
fn spectra_without_coverage_are_strange_and_never_nan() {
    let mut population = population();
    population[3].ivar.fill(0.0);
    population[3].flux.fill(f32::NAN);
    population[4].ivar[30..].fill(0.0);
    population[4].latent = vec![f32::NAN; 2];
    population[6].reconstruction.fill(f32::NAN);
    let judged = judge(&population, &small());
    assert!(judged.scores.iter().all(|score| score.score.is_finite()));
    assert_eq!(judged.scores[3].score, small().outside_score);
    assert_eq!(judged.scores[3].component, Component::Coverage);
    assert_eq!(judged.scores[6].component, Component::Coverage);
    assert!(judged.scores[4].score > 4.0 && judged.scores[4].score < small().outside_score);
    let words = judged.words(3, &[]);
    assert!(words.starts_with("no valid pixel"), "{words}");
    assert!(judged.regions(&population, 3).is_empty());
}

#[test]
fn nan_never_ranks() {
    let judgement = |id: &str, score| Judgement {
        object_id: id.into(),
        targetid: None,
        rank: 0,
        score,
        percentile: 0.0,
        anomalous: false,
        reason: String::new().into(),
        flagged_fraction: 0.0,
        reduced_chi2: 1.0,
        sn: 1.0,
        masked_fraction: 0.0,
        artifact_fraction: 0.0,
        artifact_probability: None,
        suggested_kind: None,
        latent: Default::default(),
        regions: Vec::new(),
    };
    let mut list = vec![
        judgement("nan", f64::NAN),
        judgement("b", 1.0),
        judgement("top", 5.0),
        judgement("a", 1.0),
    ];
    rank(&mut list);
    let order: Vec<(&str, u64, f64)> = list
        .iter()
        .map(|judgement| (judgement.object_id.as_str(), judgement.rank, judgement.percentile))
        .collect();
    assert_eq!(
        order,
        [("top", 1, 75.0), ("a", 2, 25.0), ("b", 3, 25.0), ("nan", 4, 0.0)]
    );
    assert_eq!(list[3].score, 0.0);
}

#[test]
fn slices_and_settings_that_do_not_fit_are_refused() {
    let owned = &population()[0];
    let short = Residual::new(
        &owned.flux,
        &owned.ivar[1..],
        &owned.flux,
        &owned.observed,
        &owned.artifact,
        0.0,
    );
    assert!(matches!(
        short,
        Err(AnomalyError::Length {
            column: "ivar",
            expected: 400,
            found: 399
        })
    ));
    assert!(SignificanceSettings::default().check().is_ok());
    for widths in [vec![], vec![0, 3], vec![5, 3], (1..20).collect()] {
        let settings = SignificanceSettings {
            widths,
            ..Default::default()
        };
        assert!(settings.check().is_err());
    }
    let settings = WindowSettings {
        range_mismatch_factor: 0.5,
        ..Default::default()
    };
    assert!(settings.check().is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// No unit of flux changes a score.
    #[test]
    fn scores_do_not_depend_on_the_unit_of_flux(exponent in -20i32..20) {
        let factor = 2f32.powi(exponent);
        let population = population();
        let scaled: Vec<Owned> = population.iter().map(|owned| owned.clone().scaled(factor)).collect();
        let (a, b) = (judge(&population, &small()), judge(&scaled, &small()));
        for (a, b) in a.scores.iter().zip(&b.scores) {
            prop_assert!((a.score - b.score).abs() < 1e-6, "{} {}", a.score, b.score);
        }
        let (settings, given) = (WindowSettings::default(), WindowThresholdsBuilder::default());
        let verdict = |list: &[Owned]| {
            let mut builder = given.clone();
            for owned in list {
                builder.add(&window::windows(&owned.residual(), &settings));
            }
            let thresholds = builder.build(&settings);
            let odd = list[20].residual();
            window::judge(&odd, &window::windows(&odd, &settings), &thresholds, &settings)
        };
        prop_assert!((verdict(&population).score - verdict(&scaled).score).abs() < 1e-6);
    }
}
