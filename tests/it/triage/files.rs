//! prospect's and Marz's files: written as they write them, read as they and people's programs leave them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use spectriage::spectrum::Facts;
use spectriage::triage::{Format, Issues, Label, LabelFile, TriageError, marz, prospect};

use super::{interesting, quality};

fn read(name: &str, text: &str) -> Result<LabelFile, TriageError> {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join(name);
    fs::write(&path, text).unwrap();
    LabelFile::read(&path)
}

fn facts() -> Facts {
    Facts {
        object_id: "39627652591521181".into(),
        targetid: Some(39_627_652_591_521_181),
        ra: Some(180.0),
        dec: Some(-45.0),
        z: Some(0.123_456),
        spectype: Some("GALAXY".into()),
        deltachi2: Some(1234.567),
        flux_r: Some(100.0),
        ..Facts::default()
    }
}

fn quasar() -> Label {
    Label {
        quality: Some(4),
        issues: Issues::parse("CR").unwrap(),
        class: Some("QSO".into()),
        z: Some(2.345_678),
        comment: "Blazar, \"Hα\"".into(),
        interesting: true,
    }
}

fn as_prospect(rows: &[(&str, Option<&Facts>, &Label)]) -> (String, Vec<String>) {
    let mut out = Vec::new();
    let notes = prospect::write(&mut out, "ABC", rows).unwrap();
    (String::from_utf8(out).unwrap(), notes)
}

fn as_marz(rows: &[(&str, Option<&Facts>, &Label)]) -> (String, Vec<String>) {
    let mut out = Vec::new();
    let notes = marz::write(&mut out, "night 3", "ABC", rows).unwrap();
    (String::from_utf8(out).unwrap(), notes)
}

#[test]
fn prospect_is_written_in_its_columns_and_decimals() {
    let facts = facts();
    let (text, notes) = as_prospect(&[("39627652591521181", Some(&facts), &quasar())]);
    assert_eq!(
        text,
        "TARGETID,Redrock_spectype,Redrock_z,Redrock_deltachi2,VI_scanner,VI_quality,VI_issue,VI_z,VI_spectype,VI_comment\n\
         39627652591521181,GALAXY,0.1235,1234.6,ABC,4,RC,2.3457,QSO,[interesting] Blazar; 'H?'\n"
    );
    assert_eq!(notes.len(), 1, "{notes:?}");
    // Without a catalog its columns are absent.
    let (text, notes) = as_prospect(&[("266-51602-0001", None, &quality(0))]);
    assert_eq!(
        text,
        "TARGETID,VI_scanner,VI_quality,VI_issue,VI_z,VI_spectype,VI_comment\n266-51602-0001,ABC,0,,,,\n"
    );
    assert!(notes[0].starts_with("1 object without a TARGETID"), "{notes:?}");
    assert_eq!(
        prospect::file_name("tile 80613", "A/C"),
        "desi-vi_tile-80613_A-C.csv"
    );
}

#[test]
fn prospect_is_read_by_its_header() {
    let text = "\u{feff}vi_comment, VI_quality,EXPID,TARGETID,VI_spectype,VI_scanner,VI_issue,extra\n\
                \"one, two\",2.0,7,11,STAR,XYZ,sc,?\n,-1,7,12,,XYZ,,\n[interesting],--,7,13,--,,--\n";
    let file = read("any.csv", text).unwrap();
    assert_eq!(
        (file.format, file.rows.len()),
        (Format::Prospect, 2),
        "a row that says nothing is no label"
    );
    let first = &file.rows[0];
    assert_eq!((first.id.as_str(), first.by.as_deref()), ("11", Some("XYZ")));
    assert_eq!(
        (first.label.quality, first.label.class.as_deref()),
        (Some(2), Some("STAR"))
    );
    assert_eq!(
        (first.label.issues.to_string(), first.label.comment.as_str()),
        ("CS".into(), "one, two")
    );
    assert_eq!(
        (file.rows[1].by.clone(), &file.rows[1].label),
        (None, &interesting())
    );
}

#[test]
fn marz_is_written_as_marz_does() {
    let facts = facts();
    let star = Label {
        class: Some("STAR".into()),
        ..quality(4)
    };
    let (text, notes) = as_marz(&[("39627652591521181", Some(&facts), &quasar()), ("b", None, &star)]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("# Results of night 3 [Initials: ABC;"),
        "{text}"
    );
    let names: Vec<&str> = lines[1]
        .trim_start_matches("# ")
        .split(",")
        .map(str::trim)
        .collect();
    let columns = "ID Name RA DEC Mag Type AutoTID AutoTN AutoZ AutoXCor FinTID FinTN FinZ QOP Comment";
    assert_eq!(names, columns.split(' ').collect::<Vec<_>>());
    let cells: Vec<&str> = lines[2].split(",  ").map(str::trim).collect();
    // 180° and -45° in radians; 22.5 - 2.5 log10(100) = 17.5
    let expected = [
        "0001",
        "39627652591521181",
        "3.141593",
        "-0.785398",
        "17.50",
        "GALAXY",
        "0",
        "Unspecified",
        "0.12346",
        "0.00000",
        "0",
        "Quasar",
        "2.34568",
        "4",
        "[interesting] [issues RC] Blazar; 'H?'",
    ];
    assert_eq!(cells, expected);
    let cells: Vec<&str> = lines[3].split(",  ").map(str::trim).collect();
    assert_eq!((cells[11], cells[13]), ("Star", "6"));
    assert_eq!(
        notes.len(),
        2,
        "one comment was changed, one has no position: {notes:?}"
    );
}

#[test]
fn marz_is_read_with_its_own_words() {
    let text = "# Results generated by Marz {'Initials':'SH','Version':'1.4.6'}\n\
        #ID,  Name,  RA,  DEC,  Mag,  Type,  AutoTID,  AutoTN,  AutoZ,  AutoXCor,  FinTID,  FinTN,  FinZ,  QOP,  Comment,  HelioCor\n\
        1,  G1,  0.1,  0.1,  20.00,  Gal,  8,  Late Type Emission Galaxy,  0.30000,  9.1,  8,  Late Type Emission Galaxy,  0.30000,  4,  ,  0\n\
        2,  S1,  0.1,  0.1,  20.00,  Gal,  8,  Late Type Emission Galaxy,  0.30000,  9.1,  3,  K Star,  0.00010,  6,  ,  0\n\
        3,  U1,  0.1,  0.1,  20.00,  Gal,  8,  Late Type Emission Galaxy,  0.30000,  9.1,  8,  Late Type Emission Galaxy,  0.30000,  0,  ,  0\n\
        4,  H1,  0.1,  0.1,  20.00,  Gal,  8,  Late Type Emission Galaxy,  0.30000,  9.1,  10,  High Redshift Star Forming Galaxy,  2.10000,  1,  faint,  0\n";
    let file = read("night.mz", text).unwrap();
    let labels: BTreeMap<&str, &Label> = file
        .rows
        .iter()
        .map(|row| (row.id.as_str(), &row.label))
        .collect();
    assert_eq!(
        labels.keys().copied().collect::<Vec<_>>(),
        ["G1", "H1", "S1"],
        "nobody looked at U1"
    );
    assert_eq!(
        *labels["G1"],
        Label {
            class: Some("GALAXY".into()),
            ..quality(4)
        }
    );
    assert_eq!(
        *labels["S1"],
        Label {
            class: Some("STAR".into()),
            z: Some(1e-4),
            ..quality(4)
        }
    );
    let distant = Label {
        class: Some("GALAXY".into()),
        z: Some(2.1),
        comment: "faint".into(),
        ..quality(1)
    };
    assert_eq!(*labels["H1"], distant);
    assert!(file.rows.iter().all(|row| row.by.as_deref() == Some("SH")));
}

#[test]
fn errors_name_the_line_and_the_column() {
    let head = "TARGETID,VI_quality,VI_issue,VI_z\n";
    let cases = [
        (
            "a.csv",
            format!("{head}1,4,,\n2,7,,\n"),
            "line 3, column VI_quality: `7` is none of 0 to 4",
        ),
        (
            "a.csv",
            format!("{head}1,4,RX,\n"),
            "line 2, column VI_issue: `RX` is no issue",
        ),
        (
            "a.csv",
            format!("{head}1,4,,high\n"),
            "line 2, column VI_z: `high` is no redshift",
        ),
        ("a.csv", format!("{head},4,,\n"), "line 2, column TARGETID"),
        ("a.csv", "name,z\nx,1\n".into(), "should name TARGETID"),
        ("a.mz", "# a\n# b\n1, x\n".into(), "no such line names"),
        (
            "a.mz",
            "# a\n# ID, Name, QOP\n1,  x,  5\n".into(),
            "line 3, column QOP: `5` is none of",
        ),
        ("a", String::new(), "it is empty"),
    ];
    for (name, text, what) in cases {
        let error = read(name, &text).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains(name), "{error}");
    }
    assert!(
        read("a.csv", "TARGETID,VI_\u{1b}[31m\n1,\u{1b}]0;x\u{7}\n").is_ok(),
        "foreign columns are passed over"
    );
}

#[test]
fn the_last_row_of_an_object_counts() {
    let file = read("a.csv", "TARGETID,VI_quality\n1,4\n2,3\n1,0\n").unwrap();
    let labels: Vec<_> = file
        .rows
        .iter()
        .map(|row| (row.id.as_str(), row.label.quality))
        .collect();
    assert_eq!(labels, [("2", Some(3)), ("1", Some(0))]);
    assert_eq!(file.notes.len(), 1);
    let people = file.by_scanner("me");
    assert_eq!(people["me"]["1"], quality(0));
}

fn labels() -> impl Strategy<Value = Label> {
    let class = prop::option::of(prop::sample::select(vec!["STAR", "GALAXY", "QSO", "white dwarf"]));
    (
        prop::option::of(0u8..5),
        prop::array::uniform3(any::<bool>()),
        class,
        prop::option::of(0u32..60_000),
        "[a-zA-Z0-9 .:()?+-]{0,40}",
        any::<bool>(),
    )
        .prop_map(
            |(quality, [redshift, class_issue, spectrum], class, z, comment, interesting)| {
                let label = Label {
                    quality,
                    issues: Issues {
                        redshift,
                        class: class_issue,
                        spectrum,
                    },
                    class: class.map(str::to_owned),
                    z: z.map(|z| f64::from(z) / 1e4),
                    comment,
                    interesting,
                };
                label.tidy()
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_is_written_is_read_back(label in labels()) {
        let facts = facts();
        let rows = [("39627652591521181", Some(&facts), &label)];
        for text in [as_prospect(&rows).0, as_marz(&rows).0] {
            let file = read("labels", &text).unwrap();
            if label.is_empty() {
                prop_assert!(file.rows.is_empty());
                continue;
            }
            prop_assert_eq!(&file.rows[0].label, &label, "{}", text);
            prop_assert_eq!(file.rows[0].by.as_deref(), Some("ABC"));
            prop_assert_eq!(&file.rows[0].id, "39627652591521181");
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "[\\PC\n,#\"\u{1b}]{0,200}") {
        for head in ["", "#", "TARGETID,VI_quality,VI_z,VI_comment\n", "# a\n# ID, Name, AutoZ, FinZ, QOP, Comment\n"] {
            let _ = read("any", &format!("{head}{text}"));
        }
    }
}
