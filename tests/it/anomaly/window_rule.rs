//! The original's rule, and a test for each of its mended defects.

use spectriage::anomaly::Reason;
use spectriage::anomaly::window::{self, WindowSettings, WindowThresholds, WindowThresholdsBuilder};

use super::{Owned, noise};

fn flat(pixels: usize) -> Owned {
    Owned {
        flux: vec![1.0; pixels],
        ivar: vec![100.0; pixels],
        reconstruction: vec![1.0; pixels],
        observed: (0..pixels).map(|i| 4000.0 + i as f64).collect(),
        artifact: vec![false; pixels],
        z: 0.0,
        latent: Vec::new(),
    }
}

fn given(absolute: f64, relative: f64) -> WindowThresholds {
    WindowThresholds { absolute, relative }
}

#[test]
fn defaults_and_reasons_are_the_originals() {
    let settings = WindowSettings::default();
    assert_eq!((settings.window_size, settings.percentile_threshold), (50, 95.0));
    assert_eq!(
        (settings.range_mismatch_factor, settings.overall_anomaly_threshold),
        (1.5, 0.3)
    );
    let mut owned = flat(200);
    owned.flux[60..70].fill(2.0);
    let residual = owned.residual();
    let windows = window::windows(&residual, &settings);
    // Windows start every 25 pixels: [25, 75) and [50, 100) hold the ten pixels.
    assert_eq!(windows.len(), 7);
    assert!((windows[1].absolute - 0.2).abs() < 1e-9 && (windows[1].relative - 10.0 / 60.0).abs() < 1e-9);
    let verdict = window::judge(&residual, &windows, &given(0.1, 0.1), &settings);
    assert_eq!(verdict.regions.len(), 1);
    assert_eq!(verdict.regions[0].reason, Reason::HighAbsoluteResidual);
    assert!((verdict.regions[0].value - 0.2).abs() < 1e-9);
    assert_eq!((verdict.regions[0].start, verdict.regions[0].end), (25, 100));
    let relative = window::judge(&residual, &windows, &given(1.0, 0.1), &settings);
    assert_eq!(relative.regions[0].reason, Reason::HighRelativeResidual);
    let range = window::judge(&residual, &windows, &given(1.0, 1.0), &settings);
    assert_eq!(range.regions[0].reason, Reason::RangeMismatch);
}

#[test]
fn thresholds_are_the_percentile_of_all_windows_or_given() {
    let mut builder = WindowThresholdsBuilder::default();
    let values: Vec<window::Window> = (1..=100)
        .map(|i| window::Window {
            start: 0,
            end: 50,
            absolute: f64::from(i),
            relative: f64::from(2 * i),
            range_ratio: 1.0,
        })
        .collect();
    builder.add(&values);
    let thresholds = builder.clone().build(&WindowSettings::default());
    // numpy.percentile(arange(1, 101), 95) == 95.05
    assert!((thresholds.absolute - 95.05).abs() < 1e-9 && (thresholds.relative - 190.1).abs() < 1e-9);
    let settings = WindowSettings {
        absolute_residual_threshold: Some(7.0),
        ..Default::default()
    };
    assert_eq!(builder.build(&settings).absolute, 7.0);
}

/// Defect 4: the mask was `flux > 0`, which dropped half of the pixels of a centered spectrum.
#[test]
fn negative_flux_is_data_and_masked_flux_is_not() {
    let mut owned = flat(200);
    owned.flux[50..100].fill(-3.0);
    let settings = WindowSettings::default();
    let verdict = |owned: &Owned| {
        let residual = owned.residual();
        window::judge(
            &residual,
            &window::windows(&residual, &settings),
            &given(0.5, 1e9),
            &settings,
        )
    };
    assert!(verdict(&owned).flagged_fraction > 0.0);
    owned.ivar[50..100].fill(0.0);
    assert_eq!(verdict(&owned).flagged_fraction, 0.0);
    assert!(verdict(&owned).regions.is_empty());
}

/// Defect 5: means over all pixels made a mostly masked spectrum look well reconstructed.
#[test]
fn means_are_over_valid_pixels() {
    let mut owned = flat(50);
    owned.flux.fill(2.0);
    owned.ivar[..25].fill(0.0);
    owned.flux[..25].fill(f32::NAN);
    let windows = window::windows(&owned.residual(), &WindowSettings::default());
    assert!((windows[0].absolute - 1.0).abs() < 1e-9);
    owned.ivar[25..35].fill(0.0);
    let windows = window::windows(&owned.residual(), &WindowSettings::default());
    assert!(windows.is_empty(), "a window less than half valid says nothing");
}

/// Defect 7: the relative residual exploded where the centered flux is near zero.
#[test]
fn relative_residual_stays_finite_near_zero_flux() {
    let mut owned = flat(200);
    owned.flux[100..150].fill(0.0);
    owned.reconstruction[100..150].fill(0.01);
    let windows = window::windows(&owned.residual(), &WindowSettings::default());
    let most = windows.iter().map(|window| window.relative).fold(0.0, f64::max);
    // The original's |r / (f + 1e-5)| is 1000 here.
    assert!(most < 0.2, "{most}");
}

/// Defect 8: overlapping windows were counted twice, and the last pixels never looked at.
#[test]
fn flagged_pixels_count_once_and_the_last_pixels_are_seen() {
    let settings = WindowSettings::default();
    let mut owned = flat(210);
    owned.flux.fill(5.0);
    let residual = owned.residual();
    let windows = window::windows(&residual, &settings);
    let verdict = window::judge(&residual, &windows, &given(0.1, 0.1), &settings);
    assert_eq!(verdict.flagged_fraction, 1.0);
    assert!(verdict.anomalous);

    let mut end = flat(210);
    end.flux[204..].fill(9.0);
    let residual = end.residual();
    let windows = window::windows(&residual, &settings);
    assert_eq!(
        windows.last().map(|window| (window.start, window.end)),
        Some((160, 210))
    );
    let verdict = window::judge(&residual, &windows, &given(0.5, 1e9), &settings);
    assert_eq!(verdict.regions[0].end, 210);
    assert!((verdict.flagged_fraction - 50.0 / 210.0).abs() < 1e-9);
}

/// Defect 9: range mismatch saw a model that draws too much, and not the line that it smooths away.
#[test]
fn a_line_that_the_model_smooths_away_is_a_range_mismatch() {
    let settings = WindowSettings::default();
    let reason = |owned: &Owned| {
        let residual = owned.residual();
        let windows = window::windows(&residual, &settings);
        window::judge(&residual, &windows, &given(1e9, 1e9), &settings)
            .regions
            .first()
            .map(|region| region.reason)
    };
    let mut missed = flat(200);
    missed.flux[100..103].fill(4.0);
    assert_eq!(reason(&missed), Some(Reason::RangeMismatch));
    let mut invented = flat(200);
    invented.reconstruction[100..103].fill(4.0);
    assert_eq!(reason(&invented), Some(Reason::RangeMismatch));
    // Noise alone, which a model rightly leaves out, is none.
    let mut noisy = flat(200);
    let mut state = 3;
    noisy
        .flux
        .iter_mut()
        .for_each(|flux| *flux += 0.1 * noise(&mut state) as f32);
    assert_eq!(reason(&noisy), None);
}

/// Defect 11: a yes or no ranks nothing.
#[test]
fn the_window_method_ranks() {
    let settings = WindowSettings::default();
    let score = |height: f32| {
        let mut owned = flat(200);
        owned.flux[60..70].fill(height);
        let residual = owned.residual();
        window::judge(
            &residual,
            &window::windows(&residual, &settings),
            &given(10.0, 10.0),
            &settings,
        )
    };
    let (weak, strong) = (score(1.1), score(1.5));
    assert!(strong.score > weak.score && weak.score > 0.0);
    assert!(!strong.anomalous && strong.flagged_fraction <= 1.0);
    let blank = Owned {
        ivar: vec![0.0; 200],
        ..flat(200)
    };
    let residual = blank.residual();
    let verdict = window::judge(
        &residual,
        &window::windows(&residual, &settings),
        &given(0.0, 0.0),
        &settings,
    );
    assert_eq!((verdict.score, verdict.anomalous), (0.0, false));
}
