//! The same seed gives the same bytes, and runs do not get into each other's way.

use spectriage::pipeline::settings::{Method, Pick, Settings};

use crate::common::{self, Workplace, contents, ordinary, simulated};

/// A manifest without what depends on clock and folder.
fn settled(manifest: &[u8]) -> serde_json::Value {
    let mut manifest: serde_json::Value = serde_json::from_slice(manifest).unwrap();
    assert!(
        manifest["timings"]
            .as_object()
            .is_some_and(|timings| !timings.is_empty())
    );
    manifest.as_object_mut().unwrap().remove("timings");
    // As below, its bytes are not the same, and it is named with its folder.
    assert!(manifest["checkpoint"].take()["blake3"].is_string());
    for folder in ["images_dir", "metadata_dir"] {
        assert!(
            manifest["settings"]["settings"]["output"][folder]
                .take()
                .is_string()
        );
    }
    manifest
}

fn assert_same_files(a: &Workplace, b: &Workplace) {
    for (a, b) in [(a.images(), b.images()), (a.metadata(), b.metadata())] {
        let (a, b) = (contents(&a), contents(&b));
        assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
        for (name, bytes) in &a {
            if name.starts_with("manifest") {
                assert_eq!(settled(bytes), settled(&b[name]), "{name}");
            } else if !name.ends_with(".bpk") {
                // burn numbers parameters at random; that the weights are the same shows in everything else.
                assert!(
                    *bytes == b[name],
                    "{name} differs between two runs with the same seed"
                );
            }
        }
    }
}

fn both(inputs: &[String], change: impl Fn(&mut Settings)) -> (Workplace, Workplace) {
    let places = (Workplace::new(), Workplace::new());
    for place in [&places.0, &places.1] {
        let mut settings = place.settings();
        change(&mut settings);
        common::run(inputs, &settings).unwrap();
    }
    places
}

#[test]
fn the_same_seed_gives_the_same_bytes_in_another_folder() {
    let place = Workplace::new();
    let spectra: Vec<_> = simulated(2, 70, 0.1)
        .into_iter()
        .map(|(spectrum, _)| spectrum)
        .collect();
    let inputs = place.catalog("catalog.parquet", &spectra);
    let (a, b) = both(&inputs, |settings| {
        settings.output.each = true;
        settings.output.svg = true;
        settings.output.pick = Pick::Random;
    });
    assert_same_files(&a, &b);
    let names: Vec<String> = contents(&a.metadata())
        .into_keys()
        .chain(contents(&a.images()).into_keys())
        .collect();
    for expected in [
        "checkpoint_1.bpk",
        "manifest_1.json",
        "ranking_1.csv",
        "ranking_1.json",
        "ranking_1.parquet",
        "regions_1.parquet",
        "sampling_info_1.json",
        "combined_spectra_with_images_1.png",
        "combined_spectra_with_images_1.svg",
        "loss_1.png",
        "loss_1.svg",
        "mean_reconstruction_error_1.png",
        "mean_reconstruction_error_1.svg",
        "recurring_residuals_1.png",
        "recurring_residuals_1.svg",
    ] {
        assert!(
            names.iter().any(|name| name == expected),
            "{expected} is missing from {names:?}"
        );
    }
    assert!(
        !names
            .iter()
            .any(|name| name.contains("reserved") || name.contains("tmp")),
        "{names:?}"
    );

    let (a, b) = both(&inputs, |settings| settings.detect.method = Method::Window);
    assert_same_files(&a, &b);
}

#[test]
fn another_seed_gives_another_ranking() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(2, 40));
    let mut settings = place.settings();
    common::run(&inputs, &settings).unwrap();
    settings.training.seed += 1;
    common::run(&inputs, &settings).unwrap();
    let scores = |n| {
        place
            .ranking(n)
            .iter()
            .map(|verdict| verdict.score)
            .collect::<Vec<_>>()
    };
    assert_ne!(scores(1), scores(2));
}

#[test]
fn two_runs_at_once_have_a_number_each_and_all_their_files() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(3, 50));
    let settings = place.settings();
    let summaries: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| common::run(&inputs, &settings).unwrap()))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let mut numbers: Vec<u64> = summaries.iter().map(|summary| summary.run).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3]);
    for summary in &summaries {
        let ending =
            |path: &std::path::PathBuf| path.to_str().unwrap().contains(&format!("_{}.", summary.run));
        assert!(
            summary.files.iter().all(|path| path.is_file() && ending(path)),
            "{:?}",
            summary.files
        );
        assert_eq!(summary.files.len(), summaries[0].files.len());
    }
    // The same job each: what one does in the same process changes nothing in another.
    let csv = |n: u64| std::fs::read(place.metadata().join(format!("ranking_{n}.csv"))).unwrap();
    assert!(csv(1) == csv(2) && csv(2) == csv(3));
    let left: Vec<String> = contents(&place.images())
        .into_keys()
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
