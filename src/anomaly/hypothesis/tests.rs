use super::*;
use crate::anomaly::draw::Draw;
use crate::anomaly::templates;
use crate::anomaly::{ErrorModel, SignificanceSettings};

const PIXELS: usize = 3800;
const Z: f64 = 0.05;

struct Seen {
    grid: Vec<f64>,
    observed: Vec<f64>,
    flux: Vec<f32>,
    artifact: Vec<bool>,
}

/// Noise of 0.05 about a flat model, and `light` of the rest wavelength on it.
fn seen(light: impl Fn(f64) -> f64) -> Seen {
    let mut draw = Draw::new(11, 0);
    let grid: Vec<f64> = (0..PIXELS).map(|i| 10f64.powf(3.57 + 1e-4 * i as f64)).collect();
    Seen {
        observed: grid.iter().map(|rest| rest * (1.0 + Z)).collect(),
        flux: grid
            .iter()
            .map(|rest| (1.0 + 0.05 * draw.normal() + light(*rest)) as f32)
            .collect(),
        artifact: (0..PIXELS).map(|i| (2000..2040).contains(&i)).collect(),
        grid,
    }
}

fn measured(seen: &Seen, basis: &[f32]) -> Vec<f32> {
    let settings = SignificanceSettings {
        model_floor: 0.0,
        ..SignificanceSettings::default()
    };
    let residual = Residual {
        flux: &seen.flux,
        ivar: &[400.0; PIXELS],
        reconstruction: &[1.0; PIXELS],
        observed: &seen.observed,
        artifact: &seen.artifact,
        z: Z,
    };
    Hypotheses::new(&seen.grid).measure(
        &residual,
        &ErrorModel::neutral(PIXELS, &settings).correct(&residual),
        basis,
        &vec![0.0; basis.len() / PIXELS],
    )
}

fn of(statistics: &[f32], name: &str) -> f32 {
    statistics[STATISTICS.iter().position(|other| *other == name).unwrap()]
}

fn gaussian(x: f64, center: f64, sigma: f64) -> f64 {
    (-0.5 * ((x - center) / sigma).powi(2)).exp()
}

#[test]
fn noise_has_the_significance_of_noise() {
    let statistics = measured(&seen(|_| 0.0), &[]);
    for name in [
        "slope",
        "curvature",
        "balmer_2000",
        "star_5400",
        "supernova_ia_10500",
    ] {
        assert!(
            of(&statistics, name).abs() < 4.0,
            "{name} {}",
            of(&statistics, name)
        );
    }
    assert!((of(&statistics, "chi2") - 1.0).abs() < 0.1);
    assert!(of(&statistics, "darkest") < 0.1);
}

#[test]
fn each_hypothesis_sees_its_own() {
    let lines = |rest: f64| {
        0.1 * (gaussian(rest, 6564.61, 45.0)
            + 0.33 * gaussian(rest, 4862.68, 33.0)
            + 0.15 * gaussian(rest, 4341.68, 29.0))
    };
    let statistics = measured(&seen(lines), &[]);
    assert!(of(&statistics, "balmer_2000") > 10.0);
    assert!(of(&statistics, "balmer_2000") > of(&statistics, "balmer_4000"));

    let step = measured(&seen(|rest| if rest > 5887.0 { 0.02 } else { 0.0 }), &[]);
    assert!(of(&step, "step") > 10.0 && of(&step, "step_at_joint") > 0.9 * of(&step, "step"));

    let cool = measured(
        &seen(|rest| 0.1 * templates::star(rest * (1.0 + Z), 3500.0, 1.0)),
        &[],
    );
    let best = STATISTICS
        .iter()
        .filter(|name| name.starts_with("star_"))
        .max_by(|a, b| of(&cool, a).total_cmp(&of(&cool, b)));
    assert_eq!(best, Some(&"star_3500"));

    // [O II], H beta and [O III] at rest 1.2 times ours.
    let second = measured(
        &seen(|rest| {
            [(3728.5, 1.0), (4862.68, 0.35), (5008.24, 0.75)]
                .iter()
                .map(|(line, flux)| 0.2 * flux * gaussian(rest, 1.2 * line, 2.5))
                .sum()
        }),
        &[],
    );
    assert!(of(&second, "second_lines") > 8.0 && of(&second, "unknown_line") > 5.0);

    let hit = measured(
        &seen(|rest| if (rest - 5200.0).abs() < 0.6 { 2.0 } else { 0.0 }),
        &[],
    );
    assert!(of(&hit, "sharpest") > 20.0);
    let dark = measured(
        &seen(|rest| {
            if (5000.0..5100.0).contains(&rest) {
                -1.0
            } else {
                0.0
            }
        }),
        &[],
    );
    assert!(of(&dark, "darkest") > 0.9);
}

#[test]
fn what_the_model_can_mimic_is_not_counted() {
    let tilt = |rest: f64| 0.05 * (rest - 5800.0) / 2200.0;
    let seen = seen(tilt);
    let direction: Vec<f32> = (0..PIXELS)
        .map(|i| 2.0 * i as f32 / PIXELS as f32 - 1.0)
        .collect();
    let free = of(&measured(&seen, &direction), "slope");
    let stiff = of(&measured(&seen, &[]), "slope");
    assert!(stiff > 10.0 && free < 1.0, "{stiff} {free}");
    // A shape that lies partly along the model's direction keeps what is its own: computed by hand for three pixels.
    let corrected = Corrected {
        residual: vec![1.0, 2.0, 4.0],
        weight: vec![1.0, 1.0, 1.0],
    };
    let projection = Projection::new(&corrected, &[1.0, 1.0, 1.0]);
    // t = (0, 0, 1): t'r = 4, u = 1, G = 1/3, b = 7; S = (4 - 7/3) / sqrt(1 - 1/3).
    let expected = (4.0 - 7.0 / 3.0) / (2.0f64 / 3.0).sqrt();
    assert!((projection.significance(&[0.0, 0.0, 1.0]) - expected).abs() < 1e-5);
}

#[test]
fn too_little_to_say_anything() {
    let seen = seen(|_| 0.0);
    let settings = SignificanceSettings::default();
    let residual = Residual {
        flux: &seen.flux,
        ivar: &[0.0; PIXELS],
        reconstruction: &[1.0; PIXELS],
        observed: &seen.observed,
        artifact: &seen.artifact,
        z: Z,
    };
    let hypotheses = Hypotheses::new(&seen.grid);
    let corrected = ErrorModel::neutral(PIXELS, &settings).correct(&residual);
    let statistics = hypotheses.measure(&residual, &corrected, &[], &[]);
    assert!(statistics.len() == STATISTICS.len() && statistics.iter().all(|value| value.is_nan()));
}
