//! Files of a run: numbers that are never shared, files that are whole, columns and keys that others build on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use spectriage::anomaly::{Correlations, Judgement, Reason, Region};
use spectriage::artifact::{
    ArtifactError, Folder, InputFile, Manifest, Ranked, RowCounts, RunFiles, SamplingInfo, write_atomic,
    write_atomic_with, write_lists, write_manifest, write_ranking, write_regions, write_sampling_info,
};
use spectriage::figure::{EpochLoss, LossRun, loss};
use spectriage::spectrum::{Facts, RowIssue};
use tempfile::TempDir;

fn reserve(folder: &Path) -> RunFiles {
    RunFiles::reserve(&folder.join("images"), &folder.join("metadata")).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn verdicts() -> (Vec<Judgement>, Vec<Facts>) {
    let region = Region {
        start: 100,
        end: 150,
        wavelength_min: 5000.0,
        wavelength_max: 5039.2,
        rest_min: 4545.5,
        rest_max: 4581.1,
        reason: Reason::ExcessFlux,
        value: 3.25,
        significance: 17.5,
        line: Some("[O III]".to_owned()),
        artifact_fraction: 0.125,
        artifact_probability: Some(0.75),
    };
    let judgement = Judgement {
        object_id: "39627652591521181".to_owned().into(),
        targetid: Some(39627652591521181),
        rank: 1,
        score: 17.5,
        percentile: 99.5,
        anomalous: true,
        reason: "excess flux, 17.5σ at \"[O III]\"".to_owned().into(),
        flagged_fraction: 0.01,
        reduced_chi2: 1.5,
        sn: 7.25,
        masked_fraction: 0.02,
        artifact_fraction: 0.125,
        artifact_probability: None,
        suggested_kind: None,
        latent: vec![0.1, -2.5].into(),
        regions: vec![
            region.clone(),
            Region {
                start: 7,
                line: None,
                reason: Reason::MissingFlux,
                artifact_probability: None,
                ..region
            },
        ],
    };
    let facts = Facts {
        object_id: judgement.object_id.clone(),
        targetid: judgement.targetid,
        source: "DESI-DR1".to_owned().into(),
        z: Some(0.1),
        zwarn: Some(0),
        spectype: Some("GALAXY".to_owned().into()),
        ra: Some(150.5),
        dec: Some(-2.25),
        deltachi2: Some(1000.0),
        ..Facts::default()
    };
    let quiet = Judgement {
        object_id: "266-51602-1".to_owned().into(),
        targetid: None,
        rank: 2,
        score: 0.5,
        percentile: 0.0,
        anomalous: false,
        reason: "nothing stands out".to_owned().into(),
        reduced_chi2: f64::NAN,
        latent: Default::default(),
        regions: Vec::new(),
        ..judgement.clone()
    };
    let nothing_known = Facts {
        object_id: quiet.object_id.clone(),
        source: "SDSS".to_owned().into(),
        ..Facts::default()
    };
    (vec![judgement, quiet], vec![facts, nothing_known])
}

fn with_verdicts<T>(use_them: impl FnOnce(&[Ranked]) -> T) -> T {
    let (judgements, facts) = verdicts();
    let pairs = judgements.iter().zip(&facts);
    let ranked: Vec<Ranked> = pairs
        .map(|(judgement, facts)| Ranked { judgement, facts })
        .collect();
    use_them(&ranked)
}

fn window_settings() -> SamplingInfo {
    SamplingInfo {
        seed: 42,
        method: "window".to_owned(),
        absolute_residual_threshold: Some(0.75),
        relative_residual_threshold: Some(1.5),
        range_mismatch_factor: Some(1.5),
    }
}

fn read(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap();
    reader.build().unwrap().next().unwrap().unwrap()
}

#[test]
fn the_two_lists_share_nobody_and_together_are_all_that_is_called_anomalous() {
    let (judgements, _) = verdicts();
    let cases = [
        ("sky", true, Some(0.49), 1.0),
        ("instrument", true, Some(0.5), 0.0),
        // Nobody has voted: the share of prone pixels decides.
        ("unvoted sky", true, None, 0.2),
        ("unvoted instrument", true, None, 0.9),
        // An ordinary spectrum is in neither list, whatever little is strange about it.
        ("ordinary", false, Some(0.99), 1.0),
    ];
    let rows: Vec<(Judgement, Facts)> = cases
        .iter()
        .map(|(id, anomalous, probability, fraction)| {
            let judgement = Judgement {
                object_id: (*id).to_owned().into(),
                anomalous: *anomalous,
                artifact_probability: *probability,
                artifact_fraction: *fraction,
                ..judgements[0].clone()
            };
            let facts = Facts {
                object_id: (*id).to_owned().into(),
                ..Facts::default()
            };
            (judgement, facts)
        })
        .collect();
    let ranked: Vec<Ranked> = rows
        .iter()
        .map(|(judgement, facts)| Ranked { judgement, facts })
        .collect();
    let folder = TempDir::new().unwrap();
    let paths = write_lists(&reserve(folder.path()), &ranked).unwrap();
    let ids = |path: &Path| -> Vec<String> {
        let mut table = csv::Reader::from_path(path).unwrap();
        table.records().map(|row| row.unwrap()[0].to_owned()).collect()
    };
    assert_eq!(ids(&paths[0]), ["sky", "unvoted sky"]);
    assert_eq!(ids(&paths[1]), ["instrument", "unvoted instrument"]);
    // What `--hide-artifacts` and the key B leave out is the second list, and nobody else.
    let hidden: Vec<&str> = rows
        .iter()
        .filter(|(judgement, _)| judgement.is_artifact())
        .map(|(judgement, _)| judgement.object_id.as_str())
        .collect();
    assert_eq!(hidden, ["instrument", "unvoted instrument"]);
}

#[test]
fn the_number_is_one_more_than_the_highest_in_either_folder() {
    let folder = TempDir::new().unwrap();
    assert_eq!(reserve(folder.path()).n(), 1);
    fs::write(
        folder.path().join("images/combined_spectra_with_images_4.png"),
        "",
    )
    .unwrap();
    fs::write(folder.path().join("metadata/sampling_info_7.json"), "").unwrap();
    fs::write(folder.path().join("metadata/README.md"), "").unwrap();
    fs::write(folder.path().join("metadata/notes_x.txt"), "").unwrap();
    let run = reserve(folder.path());
    assert_eq!(run.n(), 8);
    assert!(run.image("loss", "png").ends_with("images/loss_8.png"));
    assert!(run.metadata("ranking", "csv").ends_with("metadata/ranking_8.csv"));
    assert!(
        run.spectrum_image("266-51602-1", "svg")
            .ends_with("images/spectrum_266-51602-1_8.svg")
    );
}

#[test]
fn runs_at_once_never_share_a_number() {
    let folder = TempDir::new().unwrap();
    let (threads, runs_each) = (12, 6);
    let taken: Vec<u64> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let path = folder.path();
                scope.spawn(move || {
                    let one_run = |i: usize| {
                        // half of them with the folders the other way round, some that write nothing
                        let (a, b) = (path.join("images"), path.join("metadata"));
                        let (a, b) = if thread % 2 == 0 { (a, b) } else { (b, a) };
                        let run = RunFiles::reserve(&a, &b).unwrap();
                        if (thread + i) % 3 != 0 {
                            run.write(&run.image("loss", "png"), b"x").unwrap();
                        }
                        // a run that wrote nothing leaves its number to the next
                        let wrote = !run.finish().is_empty();
                        wrote.then_some(())
                    };
                    (0..runs_each).filter_map(one_run).count() as u64
                })
            })
            .collect();
        workers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    let written = names(&folder.path().join("images")).len() + names(&folder.path().join("metadata")).len();
    // every write found its name free, so each had a number of its own
    assert_eq!(written as u64, taken.iter().sum::<u64>());
    assert!(
        names(&folder.path().join("images"))
            .iter()
            .all(|n| n.starts_with("loss_"))
    );
}

#[test]
fn runs_that_live_at_once_have_different_numbers() {
    let folder = TempDir::new().unwrap();
    let runs: Vec<RunFiles> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..32).map(|_| scope.spawn(|| reserve(folder.path()))).collect();
        workers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    let numbers: BTreeSet<u64> = runs.iter().map(RunFiles::n).collect();
    assert_eq!(numbers.len(), 32);
    drop(runs);
    assert_eq!(names(&folder.path().join("images")), Vec::<String>::new());
    assert_eq!(names(&folder.path().join("metadata")), Vec::<String>::new());
}

#[test]
fn the_marker_of_a_killed_run_burns_its_number_and_no_more() {
    let folder = TempDir::new().unwrap();
    std::mem::forget(reserve(folder.path()));
    assert_eq!(reserve(folder.path()).n(), 2);
    let run = reserve(folder.path());
    run.write(&run.image("loss", "png"), b"x").unwrap();
    run.finish();
    assert_eq!(reserve(folder.path()).n(), 3);
}

#[test]
fn one_folder_may_serve_for_both() {
    let folder = TempDir::new().unwrap();
    let both = folder.path().join("out");
    let run = RunFiles::reserve(&both, &folder.path().join("out/../out")).unwrap();
    assert_eq!(run.n(), 1);
    run.write(&run.metadata("ranking", "csv"), b"x").unwrap();
    assert_eq!(run.finish().len(), 1);
    assert_eq!(RunFiles::reserve(&both, &both).unwrap().n(), 2);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = RunFiles::reserve(&file.join("images"), folder.path()).unwrap_err();
    assert!(error.to_string().contains("file/images"), "{error}");
}

#[test]
fn nothing_is_ever_overwritten() {
    let folder = TempDir::new().unwrap();
    let run = reserve(folder.path());
    let path = run.image("loss", "png");
    fs::write(&path, "somebody else's").unwrap();
    let error = run.write(&path, b"ours").unwrap_err();
    assert!(matches!(error, ArtifactError::Exists { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "somebody else's");
    assert!(run.finish().is_empty());
    assert_eq!(names(&folder.path().join("images")), ["loss_1.png"]);
}

#[test]
fn a_write_that_fails_leaves_no_half_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("table.csv");
    write_atomic(&path, b"before").unwrap();
    let full = |out: &mut (dyn io::Write + Send)| {
        out.write_all(&[0; 100_000])?;
        Err(io::Error::from(io::ErrorKind::StorageFull))
    };
    let error = write_atomic_with(&path, full).unwrap_err();
    assert!(matches!(error, ArtifactError::NoSpace { .. }), "{error}");
    assert!(error.to_string().contains("no space left"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"before");
    assert_eq!(names(folder.path()), ["table.csv"]);
    write_atomic(&path, b"after").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"after");
    let missing = write_atomic(&folder.path().join("no/such/folder.csv"), b"").unwrap_err();
    assert!(missing.to_string().contains("no/such/folder.csv"), "{missing}");
}

#[cfg(unix)]
#[test]
fn files_are_as_readable_as_any_new_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
    write_atomic(&ours, b"").unwrap();
    fs::write(&plain, b"").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&plain));
}

#[test]
fn the_ranking_has_its_columns_in_all_three_files() {
    let folder = TempDir::new().unwrap();
    let run = reserve(folder.path());
    let paths = with_verdicts(|ranked| write_ranking(&run, ranked)).unwrap();
    let batch = read(&paths[0]);
    let schema = batch.schema();
    let columns: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    let expected = "object_id targetid rank score percentile anomalous reason flagged_fraction reduced_chi2 sn \
        masked_fraction artifact_fraction artifact_probability suggested_kind z zwarn spectype subtype deltachi2 ra dec source latent";
    assert_eq!(columns, expected.split_whitespace().collect::<Vec<_>>());
    assert_eq!(
        schema.field_with_name("targetid").unwrap().data_type(),
        &DataType::Int64
    );
    assert_eq!(schema.field_with_name("ra").unwrap().metadata()["unit"], "deg");
    assert_eq!(batch.column(0).as_string::<i32>().value(1), "266-51602-1");
    assert_eq!(
        batch.column(1).as_primitive::<Int64Type>().value(0),
        39627652591521181
    );
    assert!(batch.column(1).is_null(1));
    assert_eq!(batch.column(3).as_primitive::<Float64Type>().value(0), 17.5);
    assert!(batch.column(8).is_null(1), "NaN is missing");
    let latent = batch.column(22).as_list::<i32>().value(0);
    assert_eq!(latent.as_primitive::<Float32Type>().values(), &[0.1, -2.5]);

    let csv = fs::read_to_string(&paths[1]).unwrap();
    let mut lines = csv.lines();
    assert_eq!(lines.next().unwrap(), columns.join(","));
    let first = "39627652591521181,39627652591521181,1,17.5,99.5,true,\"excess flux, 17.5σ at \"\"[O III]\"\"\",0.01,1.5,7.25,\
        0.02,0.125,,,0.1,0,GALAXY,,1000.0,150.5,-2.25,DESI-DR1,\"[0.1,-2.5]\"";
    assert_eq!(lines.next().unwrap(), first);

    let json: Vec<BTreeMap<String, Value>> = serde_json::from_slice(&fs::read(&paths[2]).unwrap()).unwrap();
    assert_eq!(json.len(), 2);
    assert_eq!(json[0]["object_id"], "39627652591521181");
    assert_eq!(json[1]["targetid"], Value::Null);
    assert_eq!(json[0].len(), columns.len());
}

#[test]
fn regions_are_one_row_each() {
    let folder = TempDir::new().unwrap();
    let run = reserve(folder.path());
    let batch = read(&with_verdicts(|ranked| write_regions(&run, ranked)).unwrap());
    let schema = batch.schema();
    let columns: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    let expected = "object_id start end wavelength_min wavelength_max rest_min rest_max reason value significance line \
        artifact_fraction artifact_probability";
    assert_eq!(columns, expected.split_whitespace().collect::<Vec<_>>());
    assert_eq!(batch.num_rows(), 2);
    assert_eq!(batch.column(1).as_primitive::<Int64Type>().values(), &[100, 7]);
    assert_eq!(batch.column(7).as_string::<i32>().value(1), "missing_flux");
    assert!(batch.column(10).is_null(1));
}

#[test]
fn an_empty_ranking_is_written_too() {
    let folder = TempDir::new().unwrap();
    let run = reserve(folder.path());
    let paths = write_ranking(&run, &[]).unwrap();
    write_regions(&run, &[]).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&paths[0]).unwrap()).unwrap();
    assert_eq!(reader.schema().fields().len(), 23);
    assert_eq!(fs::read_to_string(&paths[1]).unwrap().lines().count(), 1);
    let rows: Vec<Value> = serde_json::from_slice(&fs::read(&paths[2]).unwrap()).unwrap();
    assert!(rows.is_empty());
}

#[test]
fn a_verdict_is_never_paired_with_another_object() {
    let folder = TempDir::new().unwrap();
    let run = reserve(folder.path());
    let (judgements, facts) = verdicts();
    let scrambled = [Ranked {
        judgement: &judgements[0],
        facts: &facts[1],
    }];
    for error in [
        write_ranking(&run, &scrambled).unwrap_err(),
        write_regions(&run, &scrambled).unwrap_err(),
        write_sampling_info(&run, &window_settings(), &scrambled).unwrap_err(),
    ] {
        assert!(matches!(error, ArtifactError::Mismatch { .. }), "{error}");
    }
    assert!(run.finish().is_empty());
}

#[test]
fn sampling_info_has_the_keys_of_the_original() {
    let folder = TempDir::new().unwrap();
    let run = reserve(folder.path());
    let path = with_verdicts(|ranked| write_sampling_info(&run, &window_settings(), ranked)).unwrap();
    let info: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_eq!(info["Number of Anomalies"], 1);
    assert_eq!(info["Seed"], 42);
    assert_eq!(info["absolute_residual_threshold"], 0.75);
    assert_eq!(info["relative_residual_threshold"], 1.5);
    assert_eq!(info["range_mismatch_factor"], 1.5);
    let spectra = info["anomalous_spectra"].as_object().unwrap();
    assert_eq!(spectra.keys().collect::<Vec<_>>(), ["39627652591521181"]);
    let range = &spectra["39627652591521181"]["anomaly_ranges"][0];
    assert_eq!(
        (&range["range_start"], &range["range_end"]),
        (&Value::from(100), &Value::from(150))
    );
    assert_eq!(range["justification"], "excess_flux");
    assert_eq!(range["value"], 3.25);
    assert_eq!(
        (&info["method"], &range["line"]),
        (&Value::from("window"), &Value::from("[O III]"))
    );
}

#[test]
fn the_manifest_lists_the_files_as_they_are() {
    let folder = TempDir::new().unwrap();
    let input = folder.path().join("catalog.parquet");
    fs::write(&input, "rows").unwrap();
    let run = reserve(folder.path());
    with_verdicts(|ranked| write_ranking(&run, ranked)).unwrap();
    let figure = loss(&[LossRun {
        name: "all".to_owned(),
        epochs: vec![EpochLoss {
            epoch: 1,
            train: 2.0,
            validation: Some(3.0),
            learning_rate: 1e-3,
        }],
        best_epoch: Some(1),
    }]);
    let drawn = run.write_figure("loss", &figure, 1.0, true).unwrap();
    assert!(fs::read(&drawn[0]).unwrap().starts_with(b"\x89PNG"));
    assert!(fs::read_to_string(&drawn[1]).unwrap().starts_with("<svg"));
    let manifest = Manifest {
        version: "0.1.0".to_owned(),
        run: 0,
        settings: serde_json::json!({"seed": 42}),
        seed: 42,
        device: "cpu".to_owned(),
        inputs: vec![InputFile::read(&input, Some(1)).unwrap()],
        checkpoint: None,
        ranking: None,
        rows: RowCounts {
            selected: 3,
            skipped: 1,
            ranked: 2,
            anomalous: 1,
        },
        row_issues: vec![RowIssue {
            file: "catalog.parquet".to_owned(),
            row: 2,
            object_id: String::new(),
            column: "targetid".to_owned(),
            reason: "is null".to_owned(),
        }],
        correlations: Correlations {
            sn: Some(0.1),
            ..Correlations::default()
        },
        files: Vec::new(),
        timings: BTreeMap::from([("train".to_owned(), 1.5)]),
    };
    let path = write_manifest(&run, &manifest).unwrap();
    let written: Manifest = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_eq!(written.run, 1);
    assert_eq!(
        written.inputs[0].blake3,
        blake3::hash(b"rows").to_hex().to_string()
    );
    assert_eq!(written.inputs[0].bytes, 4);
    let listed: Vec<&str> = written.files.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(
        listed,
        [
            "loss_1.png",
            "loss_1.svg",
            "ranking_1.csv",
            "ranking_1.json",
            "ranking_1.parquet"
        ]
    );
    for file in &written.files {
        let sub = if file.folder == Folder::Images {
            "images"
        } else {
            "metadata"
        };
        let content = fs::read(folder.path().join(sub).join(&file.name)).unwrap();
        assert_eq!(
            (file.bytes, &file.blake3),
            (content.len() as u64, &blake3::hash(&content).to_hex().to_string())
        );
    }
    let keys: Value = serde_json::to_value(&written).unwrap();
    assert_eq!(keys["timings"]["train"], 1.5);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let folder = TempDir::new().unwrap();
    let files = |name: &str| {
        let run = reserve(&folder.path().join(name));
        with_verdicts(|ranked| {
            write_ranking(&run, ranked).unwrap();
            write_regions(&run, ranked).unwrap();
            write_sampling_info(&run, &window_settings(), ranked).unwrap();
        });
        run.finish()
    };
    let (one, two) = (files("one"), files("two"));
    assert_eq!(one.len(), 5);
    assert_eq!(one, two);
}
