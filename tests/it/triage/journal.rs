//! A file that is only ever appended to, whatever happens to the program, the disk or the connection.

use std::fs;
use std::path::{Path, PathBuf};

use spectriage::triage::{Change, Journal, Label, TriageError};

use super::{interesting, issue, quality};

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("metadata/labels.jsonl")
    }

    fn open(&self, scanner: &str) -> Journal {
        Journal::open(&self.path(), scanner).unwrap()
    }
}

fn held(journal: &Journal) -> Vec<(String, Label)> {
    journal
        .labels()
        .map(|(id, label)| (id.to_owned(), label.clone()))
        .collect()
}

#[test]
fn labels_undo_and_redo_outlive_the_program() {
    let desk = Desk::new();
    let mut journal = desk.open("ANN");
    assert!(!desk.path().exists(), "looking writes nothing");
    let change = journal.set("a", quality(3)).unwrap().unwrap();
    assert_eq!((change.before, change.after), (None, Some(quality(3))));
    journal.set("a", quality(4)).unwrap();
    journal.set("b", issue("RC")).unwrap();
    assert!(
        journal.set("b", issue("RC")).unwrap().is_none(),
        "nothing new, nothing written"
    );
    assert_eq!(fs::read_to_string(desk.path()).unwrap().lines().count(), 3);

    let mut journal = desk.open("ANN");
    assert_eq!(
        held(&journal),
        [("a".into(), quality(4)), ("b".into(), issue("RC"))]
    );
    assert_eq!(journal.depth(), (3, 0));
    let undone = journal.undo().unwrap().unwrap();
    assert_eq!(undone.to_string(), "b: issues RC -> no label");
    let undone = journal.undo().unwrap().unwrap();
    assert_eq!(undone.to_string(), "a: quality 4 -> quality 3");
    let mut journal = desk.open("ANN");
    assert_eq!((journal.get("a"), journal.get("b")), (Some(&quality(3)), None));
    assert_eq!(journal.depth(), (1, 2));
    assert_eq!(journal.redo().unwrap().unwrap().object_id, "a");
    assert_eq!(journal.get("a"), Some(&quality(4)));
    // A new label ends what could be redone.
    journal.set("c", interesting()).unwrap();
    assert!(journal.redo().unwrap().is_none());
    for _ in 0..3 {
        journal.undo().unwrap().unwrap();
    }
    assert!(journal.undo().unwrap().is_none());
    assert_eq!(held(&desk.open("ANN")), []);
    // All of it is there to be read: 4 labels, 5 undone, 1 redone.
    assert_eq!(fs::read_to_string(desk.path()).unwrap().lines().count(), 10);
}

#[test]
fn a_worker_can_own_it() {
    fn can_be_sent<T: Send + 'static>() {}
    can_be_sent::<Journal>();
    can_be_sent::<Result<Option<Change>, TriageError>>();
}

#[test]
fn an_empty_label_is_none() {
    let desk = Desk::new();
    let mut journal = desk.open("ANN");
    assert!(journal.set("a", Label::default()).unwrap().is_none());
    journal.set("a", quality(1)).unwrap();
    assert_eq!(journal.counts().total, 1);
    journal.set("a", Label::default()).unwrap().unwrap();
    assert_eq!((journal.get("a"), journal.counts().total), (None, 0));
    let mut journal = desk.open("ANN");
    assert_eq!(journal.undo().unwrap().unwrap().after, Some(quality(1)));
}

#[test]
fn whatever_is_cut_off_the_end_nothing_but_the_last_line_is_lost() {
    let desk = Desk::new();
    let mut journal = desk.open("ANN");
    let comment = |text: &str| Label {
        comment: text.into(),
        ..quality(2)
    };
    for (id, label) in [
        ("a", quality(4)),
        ("b", issue("S")),
        ("ç", comment("Hα, \"broad\"\nand more")),
    ] {
        journal.set(id, label).unwrap();
    }
    let whole = fs::read(desk.path()).unwrap();
    let last = whole[..whole.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap()
        + 1;
    let kept = [("a".to_owned(), quality(4)), ("b".to_owned(), issue("S"))];
    for cut in last..whole.len() {
        fs::write(desk.path(), &whole[..cut]).unwrap();
        let mut journal = desk.open("ANN");
        let labels = held(&journal);
        assert_eq!(labels[..2], kept, "cut at {cut}");
        // Without its end of line the entry itself is whole.
        assert_eq!(
            labels.len(),
            if cut == whole.len() - 1 { 3 } else { 2 },
            "cut at {cut}"
        );
        let torn = cut > last && cut < whole.len() - 1;
        assert_eq!(journal.problems().len(), usize::from(torn), "cut at {cut}");
        if torn {
            assert_eq!(journal.problems()[0].line, 3);
        }
        journal.set("d", interesting()).unwrap().unwrap();
        assert!(
            fs::read(desk.path()).unwrap().starts_with(&whole[..cut]),
            "nothing is rewritten"
        );
        assert_eq!(held(&journal).len(), labels.len() + 1, "cut at {cut}");
        let again = desk.open("ANN");
        assert_eq!(held(&again), held(&journal), "cut at {cut}");
        assert_eq!(again.problems(), journal.problems());
    }
}

#[test]
fn damaged_lines_are_told_and_kept() {
    let desk = Desk::new();
    let mut journal = desk.open("ANN");
    journal.set("a", quality(4)).unwrap();
    let mut bytes = fs::read(desk.path()).unwrap();
    let good = String::from_utf8(bytes.clone()).unwrap();
    bytes.extend(b"\xff\xfe\n{\"half\":\n\n");
    bytes.extend(good.replace("\"quality\":4", "\"quality\":9").bytes());
    bytes.extend(
        good.replace("\"id\":\"a\"", "\"id\":\"b\"")
            .replace("Z\"", "1Z\"")
            .bytes(),
    );
    bytes.extend(br#"{"at":"x","by":"ANN","do":"undo","of":"never"}"#);
    bytes.extend(b"\n{\"at\":\"y\",\"by\":\"ANN\",\"do\":\"dance\"}\n");
    fs::write(desk.path(), &bytes).unwrap();
    let mut journal = desk.open("ANN");
    assert_eq!(
        held(&journal),
        [("a".into(), quality(4)), ("b".into(), quality(4))]
    );
    let lines: Vec<u64> = journal.problems().iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [2, 3, 5, 7, 8]);
    assert!(
        journal.problems()[2]
            .to_string()
            .starts_with("line 5: quality 9 is not one of 0 to 4")
    );
    journal.set("c", quality(0)).unwrap();
    assert!(fs::read(desk.path()).unwrap().starts_with(&bytes));
}

#[test]
fn several_programs_and_people_share_a_file() {
    let desk = Desk::new();
    const EACH: usize = 60;
    std::thread::scope(|scope| {
        for scanner in ["ANN", "ANN", "BOB", "BOB"] {
            let desk = &desk;
            scope.spawn(move || {
                let mut journal = desk.open(scanner);
                let place = std::thread::current().id();
                for i in 0..EACH {
                    let label = Label {
                        comment: "x".repeat(i),
                        ..quality(1)
                    };
                    journal.set(&format!("{place:?}-{i}"), label).unwrap().unwrap();
                }
            });
        }
    });
    let journal = desk.open("ANN");
    assert_eq!(journal.problems(), []);
    assert_eq!(journal.everyone().len(), 4 * EACH);
    assert_eq!(journal.counts().total, 2 * EACH);
}

#[test]
fn people_see_each_other_when_they_look_and_undo_their_own() {
    let desk = Desk::new();
    let (mut ann, mut bob) = (desk.open("ANN"), desk.open("BOB"));
    ann.set("a", quality(4)).unwrap();
    bob.set("a", quality(1)).unwrap();
    assert_eq!(ann.refresh().unwrap().entries, 1);
    assert_eq!(ann.refresh().unwrap().entries, 0);
    assert_eq!(
        (ann.get("a"), bob.get("a")),
        (Some(&quality(4)), Some(&quality(1)))
    );
    let names: Vec<String> = ann.everyone().into_iter().map(|labeled| labeled.by).collect();
    assert_eq!(names, ["ANN", "BOB"]);
    assert_eq!(bob.best()["a"], quality(1));
    assert_eq!(ann.undo().unwrap().unwrap().before, Some(quality(4)));
    assert_eq!(ann.best()["a"], quality(1), "where she has none, his");
    bob.refresh().unwrap();
    assert_eq!(bob.get("a"), Some(&quality(1)));
    // Her other window undoes what this one did.
    let mut window = desk.open("ANN");
    ann.set("b", interesting()).unwrap();
    assert_eq!(window.undo().unwrap().unwrap().object_id, "b");
    ann.refresh().unwrap();
    assert_eq!(ann.get("b"), None);
}

#[test]
fn what_was_not_saved_is_not_claimed() {
    let desk = Desk::new();
    let mut journal = desk.open("ANN");
    journal.set("a", quality(4)).unwrap();
    // A folder takes the place of the file: as unwritable for root as for anybody.
    let moved = desk.path().with_extension("moved");
    fs::rename(desk.path(), &moved).unwrap();
    fs::create_dir(desk.path()).unwrap();
    let error = journal.set("a", quality(0)).unwrap_err();
    assert!(matches!(error, TriageError::Io { .. }), "{error}");
    assert!(error.to_string().contains("was not saved"), "{error}");
    assert_eq!(journal.get("a"), Some(&quality(4)));
    assert!(journal.undo().is_err());
    fs::remove_dir(desk.path()).unwrap();
    fs::rename(&moved, desk.path()).unwrap();
    journal.set("a", quality(0)).unwrap();
    assert_eq!(desk.open("ANN").get("a"), Some(&quality(0)));
}

#[test]
fn a_file_that_was_replaced_is_read_anew() {
    let desk = Desk::new();
    let mut journal = desk.open("ANN");
    journal.set("a", quality(4)).unwrap();
    let other = Desk::new();
    let mut another = other.open("ANN");
    for id in ["x", "y", "z"] {
        another.set(id, quality(2)).unwrap();
    }
    fs::rename(other.path(), desk.path()).unwrap();
    assert!(journal.refresh().unwrap().replaced);
    assert_eq!(held(&journal).len(), 3);
    fs::remove_file(desk.path()).unwrap();
    assert!(journal.refresh().unwrap().replaced);
    assert_eq!(held(&journal), []);
    journal.set("b", quality(1)).unwrap();
    assert_eq!(held(&desk.open("ANN")).len(), 1);
}

#[test]
fn impossible_labels_and_names_are_refused() {
    let desk = Desk::new();
    for scanner in ["", " ", "A B", "A,B", "a\nb", &"x".repeat(33)] {
        assert!(Journal::open(&desk.path(), scanner).is_err(), "{scanner:?}");
    }
    let mut journal = desk.open("ANN");
    let error = journal.set("a", quality(7)).unwrap_err().to_string();
    assert!(error.contains("a: quality 7"), "{error}");
    assert!(
        journal
            .set(
                "a",
                Label {
                    z: Some(f64::NAN),
                    ..Label::default()
                }
            )
            .is_err()
    );
    assert!(journal.set("  ", quality(1)).is_err());
    assert!(!desk.path().exists());
    assert!(Journal::open(Path::new("/dev/null"), "ANN").is_err());
}
