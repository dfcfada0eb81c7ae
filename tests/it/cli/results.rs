//! What commands do and print: JSON on stdout and nothing else there, notes on stderr, files on disk.

use std::collections::BTreeSet;

use spectriage::spectrum::WavelengthGrid;

use super::{Desk, QUICK};
use crate::common::{self, ordinary};

#[test]
fn the_whole_job_prints_json_alone_and_leaves_its_files() {
    let desk = Desk::with_catalog(40);
    let summary = desk.json(&[&["--no-tui", "catalog.parquet", "--json", "--svg"][..], &QUICK].concat());
    assert_eq!(
        (&summary["run"], &summary["selected"], &summary["ranked"]),
        (&1.into(), &40.into(), &40.into())
    );
    assert_eq!(summary["interrupted"], false);
    let files: Vec<&str> = summary["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|path| path.as_str().unwrap())
        .collect();
    assert!(files.iter().all(|path| desk.path(path).is_file()), "{files:?}");
    let named: BTreeSet<String> = files.iter().map(|path| (*path).to_owned()).collect();
    let there: BTreeSet<String> = ["metadata", "output_images"]
        .into_iter()
        .flat_map(|folder| {
            std::fs::read_dir(desk.path(folder))
                .unwrap()
                .map(move |entry| (folder, entry.unwrap()))
        })
        .map(|(folder, entry)| format!("{folder}/{}", entry.file_name().to_str().unwrap()))
        .collect();
    assert_eq!(named, there, "it names all files that it leaves");
    let top = summary["top"].as_array().unwrap();
    assert_eq!(top.len(), 10);

    // The parts: a ranking, one object of it, figures of it.
    let id = top[0]["object_id"].as_str().unwrap();
    let ranked = desk.json(&["rank", "catalog.parquet", "--json"]);
    assert_eq!(
        (&ranked["run"], &ranked["top"][0]["object_id"]),
        (&2.into(), &id.into())
    );
    let inspected = desk.json(&["inspect", id, "catalog.parquet", "--json", "--pixels"]);
    assert_eq!(inspected["facts"]["object_id"], id);
    assert_eq!(
        (&inspected["ranking"], &inspected["verdict"]["rank"]),
        (&2.into(), &1.into())
    );
    assert_eq!(
        inspected["flux"].as_array().unwrap().len(),
        inspected["pixels"].as_u64().unwrap() as usize
    );
    let like = desk.json(&["similar", id, "-k", "3", "--json"]);
    assert_eq!((&like["ranking"], &like["of"]), (&2.into(), &40.into()));
    let neighbors = like["neighbors"].as_array().unwrap();
    assert!(neighbors.len() == 3 && neighbors.iter().all(|other| other["object_id"] != id));
    let text = desk.good(&["similar", id, "--ranking", "1"]).stdout;
    assert!(text.contains(neighbors[0]["object_id"].as_str().unwrap()) && text.contains("compared with"));
    let text = desk.good(&["inspect", id, "catalog.parquet"]).stdout;
    for part in [id, "ranking 2: rank 1", "reason: ", "valid)", "vacuum"] {
        assert!(text.contains(part), "{text}");
    }
    let plotted = desk.json(&["plot", "catalog.parquet", "--id", id, "--each", "--json"]);
    let expected = format!("output_images/spectrum_{id}_3.png");
    assert!(
        plotted["files"]
            .as_array()
            .unwrap()
            .iter()
            .any(|path| path == expected.as_str()),
        "{plotted}"
    );

    let described = desk.json(&["info", "catalog.parquet", "--json"]);
    assert_eq!(described["rows"], 40);
    assert!(
        described["columns"]
            .as_array()
            .unwrap()
            .iter()
            .any(|column| column["name"] == "spectype")
    );
}

#[test]
fn notes_go_to_stderr_as_plain_lines_and_quiet_is_quiet() {
    let desk = Desk::with_catalog(40);
    let noted = desk.quick(&["--no-tui"]);
    assert!(
        !noted.stderr.contains('\u{1b}') && !noted.stderr.contains('\r'),
        "{:?}",
        noted.stderr
    );
    assert!(noted.stderr.lines().count() < 10, "{}", noted.stderr);
    assert!(
        noted.stdout.contains("40 spectra ranked") && noted.stdout.contains("metadata/ranking_1.csv"),
        "{}",
        noted.stdout
    );
    let quiet = desk.quick(&["rank", "-q"]);
    assert_eq!(quiet.stderr, "");
    assert!(!quiet.stdout.is_empty(), "results are no notes");
}

#[test]
fn training_and_ranking_apart_give_the_ranking_of_the_whole_job() {
    let (whole, parts) = (Desk::with_catalog(40), Desk::with_catalog(40));
    whole.quick(&["--no-tui"]);
    parts.quick(&["train"]);
    assert!(
        !parts.path("metadata/ranking_1.csv").exists() && parts.path("metadata/checkpoint_1.bpk").exists()
    );
    parts.quick(&["rank"]);
    let read = |desk: &Desk, name: &str| std::fs::read_to_string(desk.path(name)).unwrap();
    assert_eq!(
        read(&whole, "metadata/ranking_1.csv"),
        read(&parts, "metadata/ranking_2.csv")
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let desk = Desk::with_catalog(10);
    let script = format!("'{}' info catalog.parquet | head -1", super::program().display());
    let ended = super::Ended::of(
        &std::process::Command::new("sh")
            .args(["-c", &script])
            .current_dir(desk.0.path())
            .output()
            .unwrap(),
    );
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.starts_with("10 rows"), "{}", ended.stdout);
}

#[test]
fn simulate_writes_the_same_bytes_twice_and_other_ones_for_another_seed() {
    let desk = Desk::new();
    for (name, seed) in [("a", "5"), ("b", "5"), ("c", "6")] {
        let name = format!("{name}/sample.parquet");
        std::fs::create_dir(desk.path(&name[..1])).unwrap();
        let made = desk.json(&[
            "simulate",
            &name,
            "-n",
            "20",
            "--seed",
            seed,
            "--anomaly-fraction",
            "0.5",
            "--json",
        ]);
        assert_eq!(made["spectra"], 20);
        assert!(made["anomalies"].as_u64().unwrap() > 2);
    }
    let read = |name: &str| std::fs::read(desk.path(name)).unwrap();
    for file in ["sample.parquet", "sample_truth.csv"] {
        assert!(read(&format!("a/{file}")) == read(&format!("b/{file}")), "{file}");
        assert!(read(&format!("a/{file}")) != read(&format!("c/{file}")), "{file}");
    }
    assert!(
        String::from_utf8(read("a/sample_truth.csv"))
            .unwrap()
            .lines()
            .count()
            == 21
    );
    let ended = desk.run(&["simulate", "d.parquet", "--anomaly-fraction", "8"]);
    assert!(
        ended.code != Some(0) && !desk.path("d.parquet").exists(),
        "{ended:?}"
    );
}

#[test]
fn simulate_replaces_neither_file_unasked() {
    let desk = Desk::new();
    let simulate = |more: &[&str]| desk.run(&[&["simulate", "a.parquet", "-n", "3"], more].concat());
    let read = |name: &str| std::fs::read(desk.path(name)).unwrap();
    for there in ["a.parquet", "a_truth.csv"] {
        std::fs::write(desk.path(there), "mine").unwrap();
        let ended = simulate(&[]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(
            ended.stderr.contains(there) && ended.stderr.contains("--force"),
            "{ended:?}"
        );
        assert_eq!(read(there), b"mine");
        std::fs::remove_file(desk.path(there)).unwrap();
        assert_eq!(
            std::fs::read_dir(desk.path(".")).unwrap().count(),
            0,
            "before any work"
        );
    }
    std::fs::write(desk.path("notes.csv"), "mine").unwrap();
    assert_eq!(simulate(&["--truth", "notes.csv"]).code, Some(1));
    for same in ["a.parquet", "./a.parquet"] {
        let ended = simulate(&["--truth", same, "--force"]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("over the catalog"), "{ended:?}");
    }
    assert!(!desk.path("a.parquet").exists());
    for _ in 0..2 {
        assert_eq!(simulate(&["--truth", "notes.csv", "--force"]).code, Some(0));
    }
    assert_ne!(read("notes.csv"), b"mine");
}

#[test]
fn the_shipped_real_spectra_are_imported_and_described() {
    let desk = Desk::new();
    let real = concat!(env!("CARGO_MANIFEST_DIR"), "/sample_data/real");
    let summary = desk.json(&["import", "real.parquet", real, "--json"]);
    assert!(summary["spectra"].as_u64().unwrap() > 0, "{summary}");
    let files = summary["files"].as_array().unwrap();
    assert!(
        files
            .iter()
            .all(|file| file["status"] == "imported" || !file["message"].as_str().unwrap().is_empty())
    );
    let described = desk.json(&["info", "real.parquet", "--json"]);
    assert_eq!(described["rows"], summary["spectra"]);
    // A file that is there is not replaced unasked.
    let again = desk.run(&["import", "real.parquet", real]);
    assert!(
        again.code == Some(1) && again.stderr.contains("--force"),
        "{again:?}"
    );
    let before = std::fs::read(desk.path("real.parquet")).unwrap();
    desk.good(&["import", "real.parquet", real, "--force"]);
    assert!(
        std::fs::read(desk.path("real.parquet")).unwrap() == before,
        "and the same input gives the same file"
    );
}

#[test]
fn the_speed_of_both_networks_is_measured_and_its_curve_can_be_read() {
    let desk = Desk::new();
    let small = [
        "--pixels",
        "120",
        "--batch",
        "2",
        "--spectra",
        "4",
        "--epochs",
        "2",
        "--threads",
        "1",
    ];
    for (model, device) in [("skip", "flex"), ("bottleneck", "flex"), ("skip", "ndarray")] {
        let asked = [
            "benchmark",
            "speed",
            "--json",
            "--model",
            model,
            "--device",
            device,
        ];
        let speed = desk.json(&[&asked[..], &small].concat());
        assert_eq!(
            (
                &speed["model"],
                &speed["device"],
                &speed["threads"],
                &speed["pixels"]
            ),
            (&model.into(), &device.into(), &1.into(), &120.into())
        );
        for rate in ["train_spectra_per_s", "reconstruct_spectra_per_s"] {
            assert!(
                speed[rate].as_f64().unwrap() > 0.0,
                "{rate} of {model} on {device}"
            );
        }
        // The kernels, and with them the instructions they use, are those of flex.
        assert_eq!(speed["kernels"].is_null(), device == "ndarray");
        assert_eq!(speed["instruction_set"].is_null(), device == "ndarray");
    }
    let curve = [
        "benchmark",
        "speed",
        "--json",
        "--model",
        "skip",
        "--curve",
        "curve",
    ];
    let losses = desk.json(&[&curve[..], &small].concat());
    let file = std::fs::read(desk.path("curve")).unwrap();
    let end = file.iter().position(|byte| *byte == b'\n').unwrap();
    let head: serde_json::Value = serde_json::from_slice(&file[..end]).unwrap();
    assert_eq!(head["losses"], losses);
    let values: u64 = head["tensors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tensor| {
            let shape = tensor[1].as_array().unwrap();
            shape.iter().map(|size| size.as_u64().unwrap()).product::<u64>()
        })
        .sum();
    assert_eq!(values, 2 * 4 * 120 + 15_953, "data and weights");
    assert_eq!(file.len() as u64, end as u64 + 1 + 4 * values);
}

#[test]
fn a_benchmark_says_what_would_have_been_found() {
    let desk = Desk::with_catalog(40);
    let flags = [
        "benchmark",
        "ranking",
        "catalog.parquet",
        "--seeds",
        "1",
        "--sn",
        "1,4",
    ];
    let planting = [
        "--rate",
        "0.2",
        "--strength",
        "30,90",
        "--bootstraps",
        "20",
        "--no-stability",
    ];
    let arguments = [&flags[..], &planting, &QUICK].concat();
    let text = desk.good(&arguments).stdout;
    for word in [
        "40 spectra, 8 anomalies",
        "spectriage",
        "pca_windows",
        "correlation of the score with S/N",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(desk.path("metadata/benchmark_ranking_1.json").is_file());
    assert!(desk.path("output_images/benchmark_ranking_1.png").is_file());
    let report = desk.json(&[&arguments[..], &["--json"]].concat());
    assert_eq!((&report["run"], &report["anomalies"]), (&2.into(), &8.into()));

    let ended = desk.run(&["benchmark", "ranking", "catalog.parquet", "--kinds", "ufo"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("narrow_line"), "{}", ended.stderr);
    let ended = desk.run(&["benchmark", "ranking", "catalog.parquet", "--comparators", "luck"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("pca_chi2"), "{}", ended.stderr);
}

#[test]
fn an_object_that_is_named_twice_is_exported_once() {
    let desk = Desk::with_catalog(5);
    let id = ordinary(21, 1)[0].facts.object_id.to_string();
    for (name, lines) in [("one.csv", 2), ("one.txt", 1)] {
        let told = desk
            .good(&["export", "catalog.parquet", name, "--id", &id, "--id", &id])
            .stdout;
        assert!(told.contains("1 row,"), "{told}");
        assert_eq!(
            std::fs::read_to_string(desk.path(name)).unwrap().lines().count(),
            lines
        );
    }
}

#[test]
fn info_says_how_much_it_leaves_out() {
    let desk = Desk::new();
    let mut spectra = ordinary(21, 25);
    for (i, spectrum) in spectra.iter_mut().enumerate() {
        spectrum.grid = std::sync::Arc::new(WavelengthGrid::Linear {
            start: 3600.0 + i as f64,
            step: 0.8,
            n: spectrum.flux.len(),
        });
    }
    common::write_catalog(&desk.path("many.parquet"), &spectra);
    let text = desk.good(&["info", "many.parquet"]).stdout;
    assert!(
        text.starts_with("25 rows in 1 file, layout: spectriage\n"),
        "{text}"
    );
    assert_eq!(text.matches("grid: ").count(), 20);
    assert!(text.contains("  and 5 more\n"), "{text}");
}
