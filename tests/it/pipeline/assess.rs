//! A scoring that stays in hand is, after any change of a threshold, the one that a ranking from scratch would be.

use std::time::Instant;

use spectriage::pipeline::settings::{Method, Settings, TABLE};
use spectriage::pipeline::{self, Assessment, CancelToken, PipelineError, Silent};

use crate::common::{self, Workplace, contents, ordinary, simulated};

fn with_anomalies(seed: u64, count: u64) -> Vec<spectriage::spectrum::Spectrum> {
    simulated(seed, count, 0.1)
        .into_iter()
        .map(|(spectrum, _)| spectrum)
        .collect()
}

fn assessed(inputs: &[String], settings: &Settings, place: &Workplace) -> Assessment {
    let checkpoint = Some(place.checkpoint(1));
    pipeline::assess(inputs, settings, checkpoint, &mut Silent, &CancelToken::default())
        .unwrap()
        .unwrap()
}

fn rejudged(assessment: &mut Assessment, settings: &Settings) {
    let judged = assessment.rejudge(settings, &mut Silent, &CancelToken::default());
    assert!(judged.unwrap().is_some());
}

/// A value of every setting of detection that is not its default.
const OTHERWISE: [(&str, &str); 28] = [
    ("widths", "1,5,25,127"),
    ("model_floor", "0.05"),
    ("line_floor", "0.1"),
    ("artifact_weight", "0.5"),
    ("observed_bin", "6"),
    ("shrink_count", "3"),
    ("error_model_spectra", "40"),
    ("neighbors", "15"),
    ("scale_floor", "0.4"),
    ("monotone_slack", "0.5"),
    ("latent_slack", "0"),
    ("power", "1.5"),
    ("latent_weight", "1"),
    ("outside_score", "2"),
    ("injections", "90"),
    ("trees", "20"),
    ("anomaly_threshold", "1.5"),
    ("region_sigma", "3"),
    ("region_calibrated", "1"),
    ("max_regions", "2"),
    ("window_size", "20"),
    ("percentile_threshold", "80"),
    ("absolute_residual_threshold", "0.1"),
    ("relative_residual_threshold", "0.2"),
    ("range_mismatch_factor", "3"),
    ("overall_anomaly_threshold", "0.05"),
    ("relative_floor", "0.5"),
    ("least_valid", "0.95"),
];

#[test]
fn every_setting_moved_gives_the_verdicts_of_a_ranking_from_scratch() {
    let groups = ["window", "significance"];
    for entry in TABLE.iter().filter(|entry| groups.contains(&entry.group)) {
        assert!(
            OTHERWISE.iter().any(|(key, _)| *key == entry.key),
            "{}",
            entry.key
        );
    }
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &with_anomalies(41, 70));
    let mut settings = place.settings();
    common::run(&inputs, &settings).unwrap();
    let mut assessment = assessed(&inputs, &settings, &place);
    assert!(assessment.is_kept());
    let mut differing = 0;
    for method in [Method::Significance, Method::Window] {
        settings.detect.method = method;
        for (key, text) in OTHERWISE {
            let before = assessment.verdicts();
            settings.set(key, text).unwrap();
            rejudged(&mut assessment, &settings);
            let fresh = assessed(&inputs, &settings, &place);
            let (held, made) = (assessment.verdicts(), fresh.verdicts());
            assert_eq!(held.judgements, made.judgements, "{method:?}: {key} = {text}");
            assert_eq!(held.facts, made.facts);
            assert_eq!(
                (held.correlations, held.thresholds),
                (made.correlations, made.thresholds)
            );
            differing += usize::from(held.judgements != before.judgements);
        }
        // And all the way back.
        settings = Settings {
            detect: settings.detect,
            ..place.settings()
        };
    }
    assert!(differing > 20, "only {differing} of the changes change a verdict");
}

#[test]
fn it_writes_what_a_ranking_with_its_settings_writes() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &with_anomalies(42, 60));
    let mut settings = place.settings();
    settings.output.each = true;
    let cancel = CancelToken::default();
    let (summary, assessment) = pipeline::run_kept(&inputs, &settings, None, &mut Silent, &cancel).unwrap();
    let mut assessment = assessment.unwrap();
    assert_eq!(summary.ranked as usize, assessment.verdicts().judgements.len());

    settings.significance.anomaly_threshold = 1.0;
    settings.significance.neighbors = 21;
    settings.output.sample_size = 3;
    rejudged(&mut assessment, &settings);
    let (written, ranked) = (Workplace::new(), Workplace::new());
    let into = |place: &Workplace| Settings {
        output: spectriage::pipeline::settings::OutputSettings {
            images_dir: place.images(),
            metadata_dir: place.metadata(),
            ..settings.output.clone()
        },
        ..settings.clone()
    };
    rejudged(&mut assessment, &into(&written));
    let summary = assessment.write(&mut Silent).unwrap();
    assert!(summary.files.iter().all(|file| file.is_file()) && summary.run == 1);
    common::rank(&inputs, &into(&ranked), &place.checkpoint(1)).unwrap();
    for folder in [Workplace::images, Workplace::metadata] {
        let (a, b) = (contents(&folder(&written)), contents(&folder(&ranked)));
        assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
        for (name, bytes) in a.iter().filter(|(name, _)| !name.starts_with("manifest")) {
            assert!(*bytes == b[name], "{name}");
        }
    }
    let (told, expected) = (written.manifest(1), ranked.manifest(1));
    for key in [
        "inputs",
        "rows",
        "row_issues",
        "correlations",
        "files",
        "seed",
        "device",
    ] {
        assert_eq!(told[key], expected[key], "{key}");
    }

    // The figure of one object is that of `plot`.
    let id = assessment.verdicts().judgements[7].object_id.to_string();
    let ids = std::slice::from_ref(&id);
    assert_eq!(assessment.figures_of(ids, &mut Silent).unwrap().run, 2);
    let checkpoint = Some(place.checkpoint(1));
    pipeline::plot(
        &inputs,
        &into(&ranked),
        Some(1),
        ids,
        checkpoint,
        &mut Silent,
        &CancelToken::default(),
    )
    .unwrap();
    let png = |place: &Workplace| std::fs::read(place.images().join(format!("spectrum_{id}_2.png"))).unwrap();
    assert!(png(&written) == png(&ranked));
    let missing = assessment
        .figures_of(&["4711".to_owned()], &mut Silent)
        .unwrap_err();
    assert!(matches!(missing, PipelineError::NotRanked { .. }));
}

#[test]
fn cancelled_or_refused_it_stays_as_it_was() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(43, 50));
    let settings = place.settings();
    common::run(&inputs, &settings).unwrap();
    let mut assessment = assessed(&inputs, &settings, &place);
    let before = assessment.verdicts();
    let mut other = settings.clone();
    other.significance.model_floor = 0.2;
    let cancel = CancelToken::default();
    cancel.cancel();
    assert!(
        assessment
            .rejudge(&other, &mut Silent, &cancel)
            .unwrap()
            .is_none()
    );
    assert_eq!(assessment.settings().significance, settings.significance);
    assert_eq!(assessment.verdicts().judgements, before.judgements);
    other.significance.widths.clear();
    let refused = assessment.rejudge(&other, &mut Silent, &CancelToken::default());
    assert!(refused.unwrap_err().to_string().contains("widths"));
    rejudged(&mut assessment, &settings);
    assert_eq!(assessment.verdicts().judgements, before.judgements);
    let checkpoint = Some(place.checkpoint(1));
    assert!(
        pipeline::assess(&inputs, &settings, checkpoint, &mut Silent, &cancel)
            .unwrap()
            .is_none()
    );
}

#[test]
fn settings_that_nothing_can_run_with_are_errors_of_every_job() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(43, 20));
    let mut settings = place.settings();
    settings.training.batch_size = 0;
    let cancel = CancelToken::default();
    let told = |result: Result<(), PipelineError>| {
        let error = result.unwrap_err();
        assert!(
            matches!(error, PipelineError::Settings(_)) && error.to_string().contains("batch_size"),
            "{error:?}"
        );
    };
    told(pipeline::run(&inputs, &settings, None, &mut Silent, &cancel).map(|_| ()));
    told(pipeline::train_only(&inputs, &settings, None, &mut Silent, &cancel).map(|_| ()));
    told(pipeline::rank_only(&inputs, &settings, None, &mut Silent, &cancel).map(|_| ()));
    told(pipeline::assess(&inputs, &settings, None, &mut Silent, &cancel).map(|_| ()));
    told(
        pipeline::plot(
            &inputs,
            &settings,
            None,
            &[],
            None,
            &mut Silent,
            &CancelToken::default(),
        )
        .map(|_| ()),
    );
    assert!(!place.metadata().exists());
}

/// Not a bound, a look: `cargo test --release --test it how_long_a_rejudging_takes -- --ignored --nocapture`.
#[test]
#[ignore = "prints timings of the shipped sample, trained with two epochs"]
fn how_long_a_rejudging_takes() {
    let place = Workplace::new();
    let inputs = vec![format!(
        "{}/sample_data/sample.parquet",
        env!("CARGO_MANIFEST_DIR")
    )];
    let mut settings = Settings {
        output: place.settings().output,
        ..Settings::default()
    };
    settings.training.epochs = 2;
    common::run(&inputs, &settings).unwrap();
    let began = Instant::now();
    let mut assessment = assessed(&inputs, &settings, &place);
    println!("assess {:?}", began.elapsed());
    for (key, text) in OTHERWISE {
        let default = settings.clone();
        let window = TABLE
            .iter()
            .any(|entry| entry.key == key && entry.group == "window");
        if window && settings.detect.method != Method::Window {
            settings.detect.method = Method::Window;
            let began = Instant::now();
            rejudged(&mut assessment, &settings);
            println!("method window {:?}", began.elapsed());
        }
        settings.set(key, text).unwrap();
        let began = Instant::now();
        rejudged(&mut assessment, &settings);
        println!("{key} {:?}", began.elapsed());
        let method = settings.detect.method;
        settings = default;
        settings.detect.method = method;
        rejudged(&mut assessment, &settings);
    }
    let began = Instant::now();
    let viewer = assessment.viewer();
    let verdicts = assessment.verdicts();
    for judgement in &verdicts.judgements[..50] {
        viewer.object(&judgement.object_id, Some(judgement)).unwrap();
    }
    println!("view {:?}", began.elapsed() / 50);
}
