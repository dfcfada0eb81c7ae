//! `spectriage labels`: the same without screens, also under a full disk and with several programs at once.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use assert_cmd::Command;
use serde_json::Value;
use spectriage::artifact::read_ranking_with_facts;
use spectriage::triage::LabelFile;

use crate::common::{self, Workplace, simulated};

const PROGRAM: &str = env!("CARGO_BIN_EXE_spectriage");

struct Desk(Workplace);

impl Desk {
    fn new() -> Self {
        Self(Workplace::new())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Exit code, stdout and stderr of `spectriage labels`.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(PROGRAM);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SPECTRIAGE_"))
        {
            command.env_remove(name);
        }
        let folders = ["--metadata-dir", "metadata", "--images-dir", "images"];
        let folders = if arguments[0] == "merge" {
            &[][..]
        } else {
            &folders[..]
        };
        let output = command
            .current_dir(self.0.path())
            .env("SPECTRIAGE_SCANNER", "ANN")
            .arg("labels")
            .args(arguments)
            .args(folders)
            .timeout(std::time::Duration::from_secs(60))
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            output.status.code().unwrap(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    fn good(&self, arguments: &[&str]) -> String {
        let (code, stdout, stderr) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {stderr}");
        stdout
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.good(&[arguments, &["--json"]].concat())).unwrap()
    }
}

#[test]
fn a_label_is_set_piece_by_piece_undone_and_listed() {
    let desk = Desk::new();
    let text = desk.good(&[
        "set",
        "A-1",
        "--quality",
        "3",
        "--issue",
        "rc",
        "--class",
        "QSO",
        "--z",
        "-0.001",
    ]);
    assert_eq!(text, "set A-1: no label -> quality 3, issues RC, QSO, z -0.001\n");
    desk.good(&[
        "set",
        "A-1",
        "--interesting",
        "--issue",
        "",
        "--comment",
        "two \u{1b}[31mlines",
    ]);
    let listed = desk.json(&["list"]);
    let label = &listed["labels"][0];
    assert_eq!(
        (&label["by"], &label["quality"], &label["interesting"]),
        (&"ANN".into(), &3.into(), &true.into())
    );
    assert_eq!(label["issues"], Value::Null);
    assert_eq!(listed["counts"]["interesting"], 1);
    assert!(label["at"].as_str().unwrap().ends_with('Z'));
    let text = desk.good(&["list"]);
    assert!(
        !text.contains('\u{1b}') && text.contains("1 of ANN: quality 4: 0, 3: 1"),
        "{text:?}"
    );
    assert!(desk.good(&["undo"]).contains("-> quality 3, issues RC"));
    assert!(desk.good(&["redo"]).contains("interesting"));
    assert!(desk.good(&["redo"]).contains("nothing is left to redo"));
    desk.good(&["set", "A-1", "--clear"]);
    assert_eq!(desk.json(&["list"])["counts"]["total"], 0);
    for wrong in [
        &["set", "A-1"][..],
        &["set", "A-1", "--quality", "5"],
        &["set", "A-1", "--issue", "X"],
    ] {
        assert_eq!(desk.run(wrong).0, 2, "{wrong:?}");
    }
    assert!(
        desk.run(&["list", "--journal", "metadata"])
            .2
            .contains("metadata")
    );
}

#[cfg(unix)]
#[test]
fn on_a_full_disk_the_label_is_not_claimed_and_the_next_one_is_saved() {
    let desk = Desk::new();
    let long = "x".repeat(700);
    desk.good(&["set", "first", "--comment", &long]);
    // A file may not grow beyond 1024 bytes: the write ends in the middle of the line.
    let script = format!(
        "trap '' XFSZ; ulimit -f 1; exec '{PROGRAM}' labels set second --comment '{long}' --metadata-dir metadata --scanner ANN"
    );
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .current_dir(desk.0.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("the label was not saved"), "{stderr}");
    assert_eq!(
        fs::metadata(desk.path("metadata/labels.jsonl")).unwrap().len(),
        1024,
        "a torn line is at its end"
    );
    let (code, _, stderr) = desk.run(&["set", "third", "--quality", "4"]);
    assert_eq!(code, 0);
    assert!(stderr.contains("line 2: its end is missing"), "{stderr}");
    let ids: Vec<Value> = desk.json(&["list"])["labels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["object_id"].clone())
        .collect();
    assert_eq!(ids, ["first", "third"]);
}

#[test]
fn programs_that_label_at_once_lose_nothing() {
    let desk = Desk::new();
    let started: Vec<_> = (0..12)
        .map(|i| {
            std::process::Command::new(PROGRAM)
                .args([
                    "labels",
                    "set",
                    &format!("o{i}"),
                    "--quality",
                    "2",
                    "--scanner",
                    "BOB",
                    "--quiet",
                ])
                .args(["--metadata-dir", "metadata"])
                .current_dir(desk.0.path())
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in started {
        assert!(child.wait().unwrap().success());
    }
    let listed = desk.json(&["list"]);
    assert_eq!(listed["labels"].as_array().unwrap().len(), 12);
    assert_eq!(listed["problems"], Value::Array(vec![]));
}

#[test]
fn labels_go_to_prospect_and_marz_and_two_people_merge() {
    let desk = Desk::new();
    desk.good(&[
        "set",
        "11",
        "--quality",
        "4",
        "--class",
        "QSO",
        "--z",
        "2.1",
        "--interesting",
    ]);
    desk.good(&["set", "12", "--quality", "4"]);
    let written = desk.json(&["export", "."]);
    assert_eq!(written["labels"], 2);
    let path = desk.path("desi-vi_labels_ANN.csv");
    assert_eq!(LabelFile::read(&path).unwrap().rows.len(), 2);
    let (code, _, stderr) = desk.run(&["export", "."]);
    assert!(code == 1 && stderr.contains("--force"), "{stderr}");
    desk.good(&["export", ".", "--force"]);
    desk.good(&["export", "ann.mz", "--format", "marz"]);
    fs::write(
        desk.path("bob.csv"),
        "TARGETID,VI_scanner,VI_quality,VI_spectype\n11,BOB,1,STAR\n13,BOB,2,\n",
    )
    .unwrap();
    let merged = desk.good(&["merge", "ann.mz", "bob.csv"]);
    assert!(merged.contains("11  disagree on quality, class\n    ANN      quality 4, QSO, z 2.1, interesting\n    BOB      quality 1, STAR\n"), "{merged}");
    assert!(
        merged.contains("3 objects: 1 seen by two or more (0 agree, 1 disagree), 2 by one alone"),
        "{merged}"
    );

    // Into an empty journal, and again: the second time nothing is new.
    let fresh = ["--journal", "fresh.jsonl"];
    let import = [&["import", "ann.mz", "bob.csv"][..], &fresh].concat();
    let (first, second) = (desk.json(&import), desk.json(&import));
    assert_eq!(
        (&first["read"], &first["changed"], &first["unknown"]),
        (&4.into(), &4.into(), &4.into())
    );
    assert_eq!(second["changed"], 0);
    let journal = desk.json(&["merge", "fresh.jsonl"]);
    let files = desk.json(&["merge", "ann.mz", "bob.csv"]);
    assert_eq!(journal, files);
    let error = desk.run(&["import", "missing.csv"]).2;
    assert!(error.contains("missing.csv"), "{error}");
}

#[test]
fn a_ranking_is_ordered_anew_beside_the_old_one() {
    let desk = Desk::new();
    let spectra: Vec<_> = simulated(5, 60, 0.2)
        .into_iter()
        .map(|(spectrum, _)| spectrum)
        .collect();
    let inputs = desk.0.catalog("catalog.parquet", &spectra);
    let settings = desk.0.settings();
    common::run(&inputs, &settings).unwrap();
    let (n, judgements, kept) = read_ranking_with_facts(&desk.path("metadata"), None).unwrap();
    assert_eq!((n, judgements.len(), kept.len()), (1, 60, 60));
    assert_eq!(judgements[0].latent.len(), 5);
    let by_id: BTreeMap<_, _> = spectra
        .iter()
        .map(|s| (s.facts.object_id.as_str(), &s.facts))
        .collect();
    for facts in &kept {
        let own = by_id[facts.object_id.as_str()];
        assert_eq!((facts.z, facts.ra, facts.targetid), (own.z, own.ra, own.targetid));
    }

    let nothing = desk.json(&["rerank"]);
    assert_eq!((&nothing["run"], &nothing["fit"]), (&Value::Null, &Value::Null));
    let csv: String = kept
        .iter()
        .take(24)
        .enumerate()
        .map(|(i, facts)| {
            let comment = if i % 2 == 0 { "[interesting]" } else { "" };
            format!("{},{},{}\n", facts.targetid.unwrap(), i % 5, comment)
        })
        .collect();
    fs::write(
        desk.path("vi.csv"),
        format!("TARGETID,VI_quality,VI_comment\n{csv}"),
    )
    .unwrap();
    let imported = desk.json(&["import", "vi.csv"]);
    assert_eq!(
        (&imported["changed"], &imported["unknown"]),
        (&24.into(), &0.into())
    );
    let summary = desk.json(&["rerank"]);
    assert_eq!((&summary["ranking"], &summary["run"]), (&1.into(), &2.into()));
    assert_eq!(
        (&summary["fit"]["labels"], &summary["fit"]["interesting"]),
        (&24.into(), &12.into())
    );
    assert_eq!(summary["fit"]["members"], 2);
    let table = fs::read_to_string(desk.path("metadata/reranking_2.csv")).unwrap();
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let header = "object_id,rerank,rank,rerank_score,score,predicted_interest,labeled_interest";
    assert_eq!(
        rows.headers().unwrap().iter().collect::<Vec<_>>().join(","),
        header
    );
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    let ranks: Vec<usize> = rows.iter().map(|row| row[1].parse().unwrap()).collect();
    assert_eq!(ranks, (1..=60).collect::<Vec<_>>());
    for row in &rows {
        let verdict = judgements
            .iter()
            .find(|verdict| verdict.object_id == row[0])
            .unwrap();
        assert_eq!(row[2], verdict.rank.to_string());
        assert_eq!(row[4].parse::<f64>().unwrap(), verdict.score);
    }
    assert!(desk.path("metadata/reranking_2.json").is_file());
    // The next one takes the next number, and what makes rankings still finds the ranking.
    assert_eq!(desk.json(&["rerank", "--run", "1"])["run"], 3);
    // Facts for an export come from the ranking, or from the catalog.
    desk.good(&["export", "ranking.csv"]);
    desk.good(&["export", "catalog.csv", "catalog.parquet"]);
    let redshifts = |name: &str| {
        let text = fs::read_to_string(desk.path(name)).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let column = reader
            .headers()
            .unwrap()
            .iter()
            .position(|name| name == "Redrock_z")
            .unwrap();
        reader
            .records()
            .map(|row| row.unwrap()[column].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(redshifts("ranking.csv"), redshifts("catalog.csv"));
    assert!(redshifts("catalog.csv").iter().all(|z| z.parse::<f64>().is_ok()));
}

#[test]
fn an_export_never_takes_the_journals_place_and_is_what_its_name_says() {
    let desk = Desk::new();
    desk.good(&["set", "11", "--quality", "4"]);
    let journal = fs::read(desk.path("metadata/labels.jsonl")).unwrap();
    for (arguments, why) in [
        (&["metadata/labels.jsonl"][..], "name of a journal"),
        (&["other.jsonl"], "name of a journal"),
        (&["out.mz", "--format", "prospect"], "the other format"),
        (&["out.csv", "--format", "marz"], "the other format"),
        (&["out.txt"], "--format"),
    ] {
        let (code, _, stderr) = desk.run(&[&["export", "--force"], arguments].concat());
        assert!(code == 2 && stderr.contains(why), "{arguments:?}: {stderr}");
    }
    assert_eq!(fs::read(desk.path("metadata/labels.jsonl")).unwrap(), journal);
    // A journal by another name is one too.
    desk.good(&["set", "12", "--quality", "4", "--journal", "mine.csv"]);
    let (code, _, stderr) = desk.run(&["export", "./mine.csv", "--journal", "mine.csv", "--force"]);
    assert!(code == 2 && stderr.contains("the journal itself"), "{stderr}");
    for (name, start) in [("out.mz", "#"), ("out.csv", "TARGETID"), ("OUT.MZ", "#")] {
        desk.good(&["export", name]);
        assert!(
            fs::read_to_string(desk.path(name)).unwrap().starts_with(start),
            "{name}"
        );
    }
    desk.good(&["export", "out.txt", "--format", "marz"]);
}

#[test]
fn ones_own_export_changes_nothing_when_it_comes_back() {
    let desk = Desk::new();
    let comment = "odd, thing \"x\" 你好";
    let set = [
        "set",
        "11",
        "--z",
        "0.123456789",
        "--class",
        "white dwarf [DA]",
        "--comment",
        comment,
    ];
    desk.good(&set);
    let label = || desk.json(&["list"])["labels"][0].clone();
    let before = label();
    for name in ["own.csv", "own.mz"] {
        desk.good(&["export", name]);
        assert_eq!(desk.json(&["import", name])["changed"], 0, "{name}");
        assert_eq!(label(), before);
    }
    // What was changed there is taken, and the rest stays.
    let file = fs::read_to_string(desk.path("own.csv")).unwrap();
    fs::write(desk.path("own.csv"), file.replace(",-1,", ",3,")).unwrap();
    assert_eq!(desk.json(&["import", "own.csv"])["changed"], 1);
    let after = label();
    assert_eq!(
        (&after["quality"], &after["comment"]),
        (&3.into(), &comment.into())
    );
    assert_eq!(after["z"], before["z"]);
    let file = fs::read_to_string(desk.path("own.csv")).unwrap();
    fs::write(desk.path("own.csv"), file.replace("odd; thing", "another")).unwrap();
    desk.good(&["import", "own.csv"]);
    assert_eq!(label()["comment"], "another 'x' ??");
}

#[test]
fn what_no_object_has_is_refused_and_an_unknown_object_noted() {
    let desk = Desk::new();
    for z in ["-0.5", "21", "nan"] {
        let (code, _, stderr) = desk.run(&["set", "11", "--z", z]);
        assert!(code == 1 && stderr.contains("no redshift"), "{z}: {stderr}");
    }
    let set = |id: &str| desk.run(&["set", id, "--quality", "1"]);
    assert_eq!(set("11").2, "", "without a ranking nothing is known of ids");
    let inputs = desk.0.catalog("catalog.parquet", &common::ordinary(5, 40));
    common::run(&inputs, &desk.0.settings()).unwrap();
    let known = desk.0.ranking(1)[0].object_id.to_string();
    assert_eq!(set(&known).2, "");
    let (code, _, stderr) = set("12");
    assert!(
        code == 0 && stderr.contains("12 is in no ranking here"),
        "{stderr}"
    );
}
