//! What the ranking says: planted anomalies stand high, regions lie where they say, and a trained model serves again.

use std::collections::BTreeMap;
use std::path::PathBuf;

use spectriage::anomaly::{Judgement, average_precision};
use spectriage::pipeline::settings::{Method, NormalizationKind, Settings};
use spectriage::pipeline::{self, CancelToken, PipelineError, Silent};
use spectriage::simulate::Truth;
use spectriage::spectrum::Spectrum;
use spectriage::spectrum::prepare::Frame;

use crate::common::{self, Workplace, by_id, ordinary, simulated};

fn precision(ranking: &[Judgement], truth: &BTreeMap<String, Truth>) -> f64 {
    let labels: Vec<bool> = ranking
        .iter()
        .map(|verdict| truth[verdict.object_id.as_str()].kind.is_some())
        .collect();
    let scores: Vec<f64> = ranking.iter().map(|verdict| verdict.score).collect();
    average_precision(&labels, &scores).unwrap()
}

#[test]
fn planted_anomalies_rank_above_ordinary_spectra() {
    let (spectra, truth): (Vec<Spectrum>, Vec<Truth>) = simulated(12, 200, 0.1).into_iter().unzip();
    let truth: BTreeMap<String, Truth> = truth
        .into_iter()
        .map(|truth| (truth.object_id.clone(), truth))
        .collect();
    let share = truth.values().filter(|truth| truth.kind.is_some()).count() as f64 / 200.0;
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &spectra);
    // As a user would run it, but for a coarser grid and fewer epochs.
    let mut settings = Settings {
        output: place.settings().output,
        training: place.settings().training,
        ..Settings::default()
    };
    settings.prepare.log_step = 2e-4;
    settings.training.epochs = 4;
    common::run(&inputs, &settings).unwrap();
    settings.detect.method = Method::Window;
    common::rank(&inputs, &settings, &place.checkpoint(1)).unwrap();
    let (significance, window) = (
        precision(&place.ranking(1), &truth),
        precision(&place.ranking(2), &truth),
    );
    println!("average precision {significance:.3}, window rule {window:.3}, chance {share:.3}");
    assert!(
        significance > 0.3 && significance > 2.0 * share,
        "average precision {significance}, chance {share}"
    );
    assert!(
        significance > window,
        "significance {significance}, the original's rule {window}"
    );
}

#[test]
fn ranks_scores_and_regions_agree_with_themselves_and_with_the_catalog() {
    let spectra: Vec<Spectrum> = simulated(13, 80, 0.25)
        .into_iter()
        .map(|(spectrum, _)| spectrum)
        .collect();
    let rows: BTreeMap<&str, &Spectrum> = spectra
        .iter()
        .map(|spectrum| (spectrum.facts.object_id.as_str(), spectrum))
        .collect();
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &spectra);
    let mut settings = place.settings();
    common::run(&inputs, &settings).unwrap();
    settings.detect.method = Method::Window;
    common::rank(&inputs, &settings, &place.checkpoint(1)).unwrap();
    for run in [1, 2] {
        let ranking = place.ranking(run);
        assert_eq!(
            ranking.iter().map(|verdict| verdict.rank).collect::<Vec<_>>(),
            (1..=80).collect::<Vec<_>>()
        );
        assert!(ranking.is_sorted_by(|a, b| a.score >= b.score));
        assert!(ranking.is_sorted_by(|a, b| a.percentile >= b.percentile));
        let mut regions = 0;
        for verdict in &ranking {
            let spectrum = rows[verdict.object_id.as_str()];
            assert!(
                verdict.score.is_finite() && !verdict.reason.is_empty(),
                "{verdict:?}"
            );
            assert!(
                (0.0..=1.0).contains(&verdict.flagged_fraction)
                    && (0.0..=1.0).contains(&verdict.masked_fraction)
            );
            for region in &verdict.regions {
                regions += 1;
                assert!(
                    region.start < region.end && region.end <= spectrum.len(),
                    "{region:?}"
                );
                // The model's pixels are wider than the row's: 6e-4 dex, at most 14 Angstrom here.
                let (low, high) = (spectrum.grid.at(region.start), spectrum.grid.at(region.end - 1));
                assert!((low - region.wavelength_min).abs() < 16.0, "{low} {region:?}");
                assert!((high - region.wavelength_max).abs() < 16.0, "{high} {region:?}");
                let stretch = 1.0 + spectrum.facts.z.unwrap();
                assert!(
                    (region.rest_min * stretch / region.wavelength_min - 1.0).abs() < 1e-6,
                    "{region:?}"
                );
                assert!(
                    (region.rest_max * stretch / region.wavelength_max - 1.0).abs() < 1e-6,
                    "{region:?}"
                );
                assert!((0.0..=1.0).contains(&region.artifact_fraction) && region.value.is_finite());
            }
        }
        assert!(
            regions > 10,
            "run {run} has {regions} regions, which tests little"
        );
    }
}

#[test]
fn a_trained_model_ranks_another_catalog_and_its_ranking_is_drawn_again() {
    let place = Workplace::new();
    let training = place.catalog("training.parquet", &ordinary(14, 50));
    let settings = place.settings();
    assert_eq!(common::run(&training, &settings).unwrap().run, 1);

    // The newest checkpoint is taken where none is named.
    let new = ordinary(15, 30);
    let inputs = place.catalog("new.parquet", &new);
    let cancel = pipeline::CancelToken::default();
    let summary = pipeline::rank_only(&inputs, &settings, None, &mut Silent, &cancel).unwrap();
    assert_eq!((summary.run, summary.ranked, summary.selected), (2, 30, 30));
    let ranking = by_id(place.ranking(2));
    assert!(
        new.iter()
            .all(|spectrum| ranking.contains_key(spectrum.facts.object_id.as_str()))
    );
    assert!(!place.checkpoint(2).exists(), "nothing was trained");

    // Two of the ranking, whatever their rank.
    let mut settings = settings;
    settings.output.each = true;
    let ids = [3, 17].map(|at| new[at].facts.object_id.to_string());
    let plot = |of: Option<u64>, ids: &[String]| {
        pipeline::plot(
            &inputs,
            &settings,
            of,
            ids,
            None,
            &mut Silent,
            &CancelToken::default(),
        )
    };
    let summary = plot(None, &ids).unwrap();
    assert_eq!(summary.run, 3);
    for id in &ids {
        let name = place.images().join(format!("spectrum_{id}_3.png"));
        assert!(
            summary.files.contains(&name) && name.is_file(),
            "{name:?}: {:?}",
            summary.files
        );
    }
    let drawn: Vec<&PathBuf> = summary
        .files
        .iter()
        .filter(|path| path.to_str().unwrap().contains("spectrum_"))
        .collect();
    assert_eq!(drawn.len(), 2, "{drawn:?}");

    let missing = plot(Some(2), &["4711".to_owned()]).unwrap_err();
    assert!(matches!(missing, PipelineError::NotRanked { .. }) && missing.to_string().contains("4711"));
    let missing = plot(Some(99), &[]).unwrap_err().to_string();
    assert!(missing.contains("99"), "{missing}");
}

#[test]
fn a_ranking_by_a_trained_model_tells_the_settings_of_that_model() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(14, 40));
    let mut settings = place.settings();
    settings.prepare.frame = Frame::Observed;
    settings.prepare.normalization = NormalizationKind::Robust;
    common::run(&inputs, &settings).unwrap();
    let unaware = Settings {
        output: settings.output.clone(),
        ..Settings::default()
    };
    common::rank(&inputs, &unaware, &place.checkpoint(1)).unwrap();
    let told = |n: u64| place.manifest(n)["settings"]["settings"].take();
    for group in ["prepare", "model", "training"] {
        let (trained, ranked) = (&told(1)[group], &told(2)[group]);
        for (key, value) in trained.as_object().unwrap() {
            // These two only decide on a grid and on rows to train on; the observed frame has the spectra's own grid.
            if !["log_step", "min_coverage"].contains(&key.as_str()) {
                assert_eq!(ranked[key], *value, "{group}.{key}");
            }
        }
    }
    assert!(
        std::fs::read(place.metadata().join("ranking_1.csv")).unwrap()
            == std::fs::read(place.metadata().join("ranking_2.csv")).unwrap()
    );
}

#[test]
fn a_figure_drawn_again_is_the_same_figure() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(14, 40));
    let mut settings = place.settings();
    settings.output.each = true;
    common::run(&inputs, &settings).unwrap();
    let top = place.ranking(1)[0].object_id.to_string();
    pipeline::plot(
        &inputs,
        &settings,
        None,
        std::slice::from_ref(&top),
        None,
        &mut Silent,
        &CancelToken::default(),
    )
    .unwrap();
    let png = |n: u64| std::fs::read(place.images().join(format!("spectrum_{top}_{n}.png"))).unwrap();
    assert!(png(1) == png(2));
}
