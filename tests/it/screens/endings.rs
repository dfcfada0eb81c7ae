//! However it ends, nothing that was saved is lost: a signal, a terminal that goes away, a kill in the middle of it.

use std::time::{Duration, Instant};

use spectriage::model::checkpoint::Checkpoint;
use spectriage::triage::Journal;

use super::images;
use super::terminal::{Kind, Terminal};
use super::{Desk, LONG, QUICK};

/// How a program ends from outside, and the exit code that tells of it.
const ENDS: [(&str, Option<u32>); 4] = [
    ("HUP", Some(129)),
    ("TERM", Some(143)),
    ("close", Some(129)),
    ("KILL", None),
];

/// Ends it; it is gone within ten seconds, with the right code.
#[track_caller]
fn end(terminal: &mut Terminal, how: &str, code: Option<u32>) {
    let id = terminal.id();
    match how {
        // Moving about gives the reader something to read.
        "close" => terminal.close("jkjk"),
        signal => terminal.signal(signal),
    }
    let status = terminal.ended(Duration::from_secs(10));
    match code {
        Some(code) => assert_eq!(status.exit_code(), code, "{how}: {status:?}"),
        None => assert!(status.signal().is_some(), "{how}: {status:?}"),
    }
    assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
    if matches!(how, "HUP" | "TERM") {
        terminal.is_given_back();
    }
}

/// A terminal that hangs with half of a picture keeps nobody: nothing can be given back to it, but the program ends.
#[test]
fn an_image_half_sent_keeps_no_process() {
    let desk = images::desk();
    for kind in [Kind::Kitty, Kind::Sixel] {
        for (how, code) in [("HUP", Some(129)), ("TERM", Some(143)), ("close", Some(129))] {
            let mut terminal = images::open(&desk, kind, &[]);
            let id = terminal.id();
            let before = terminal.bytes();
            terminal.press("ti");
            images::shows(&terminal, kind, before, 0);
            terminal.hold();
            terminal.press("jjjjjjj");
            std::thread::sleep(Duration::from_millis(400));
            match how {
                "close" => terminal.close("jkjk"),
                signal => terminal.signal(signal),
            }
            let status = terminal.ended(Duration::from_secs(12));
            if let Some(code) = code {
                assert_eq!(status.exit_code(), code, "{kind:?} {how}: {status:?}");
            }
            assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
        }
    }
}

#[test]
fn no_label_that_was_said_to_be_saved_is_lost() {
    let desk = Desk::ranked();
    let ids = desk.ids();
    let mut known = 0;
    for (round, (how, code)) in ENDS.into_iter().enumerate() {
        let mut terminal = desk.opened(&QUICK);
        // By F3: in inspection mode, where the session before may have been left, 3 is a label.
        terminal.press("\x1bOR");
        terminal.sees("ranking 1: 60");
        if known > 0 {
            terminal.sees(&format!("{known} labels"));
        }
        if !terminal.screen().has("INSPECT") {
            terminal.press("v");
            terminal.sees("INSPECT");
        }
        terminal.press("gg");
        terminal.sees(&ids[0]);
        // To the first without a label; each label goes on to the next.
        if known > 0 {
            terminal.press("U");
            terminal.sees(&ids[known]);
        }
        let first = known;
        for n in 1..=3 {
            terminal.press("2");
            terminal.sees(&format!("{} label", first + n));
        }
        // And some that are on their way.
        terminal.press("444");
        end(&mut terminal, how, code);
        let journal = Journal::open(&desk.path("metadata/labels.jsonl"), "ann").unwrap();
        let said = first + 3;
        let counts = journal.counts();
        assert!(
            (said..=said + 3).contains(&counts.total),
            "{how}: {counts:?}, {said} were said to be saved"
        );
        for id in &ids[first..said] {
            let label = journal
                .get(id)
                .unwrap_or_else(|| panic!("{how}: {id} lost its label"));
            assert_eq!(label.quality, Some(2));
        }
        assert!(journal.problems().len() <= round, "{:?}", journal.problems());
        known = counts.total;
    }
    let mut terminal = desk.opened(&QUICK);
    terminal.sees(&format!("{known} labels"));
    terminal.press("q");
    assert_eq!(terminal.ended(Duration::from_secs(20)).exit_code(), 0);
}

#[test]
fn no_training_is_lost() {
    for (how, code) in ENDS {
        let desk = Desk::simulated();
        let mut terminal = desk.opened(&LONG);
        terminal.press("2");
        terminal.sees("epochs");
        terminal.press("s");
        let checkpoint = desk.path("metadata/checkpoint_1.bpk");
        terminal.wait("a checkpoint", |_| checkpoint.exists());
        terminal.sees("training ");
        end(&mut terminal, how, code);
        let kept = Checkpoint::load(&checkpoint).unwrap_or_else(|error| panic!("{how}: {error}"));
        assert!(!kept.is_complete(), "{how}: the training was over already");
        assert!(!desk.path("metadata/ranking_1.csv").exists());
        match how {
            // On the screens, where the run before is known.
            "HUP" => {
                let mut terminal = desk.opened(&LONG);
                terminal.press("2");
                terminal.sees("epochs");
                terminal.watch_for("training ");
                terminal.watch_for("60 ranked");
                terminal.press("R");
                terminal.saw("training ");
                terminal.saw("60 ranked");
                terminal.press("q");
                assert_eq!(terminal.ended(Duration::from_secs(20)).exit_code(), 0);
                assert!(desk.path("metadata/ranking_2.csv").exists());
            }
            "KILL" => {
                desk.headless(&[&LONG[..], &["--resume"]].concat());
                assert!(desk.path("metadata/ranking_2.csv").exists());
            }
            _ => (),
        }
    }
}

/// `q` asks before it stops a training, and what is learned is kept.
#[test]
fn leaving_asks_while_a_job_runs() {
    let desk = Desk::simulated();
    let mut terminal = desk.opened(&LONG);
    terminal.press("2");
    terminal.sees("epochs");
    terminal.press("s");
    terminal.sees("training ");
    terminal.press("q");
    terminal.sees("A job is running");
    terminal.press("n");
    terminal.wait("no question", |screen| !screen.has("A job is running"));
    let checkpoint = desk.path("metadata/checkpoint_1.bpk");
    terminal.wait("a checkpoint", |_| checkpoint.exists());
    // Stopped by a key, it says how to go on; the program stays.
    terminal.press("\x18");
    terminal.sees("stopped; ");
    assert!(terminal.is_running());
    terminal.press("q");
    let since = Instant::now();
    assert_eq!(terminal.ended(Duration::from_secs(20)).exit_code(), 0);
    assert!(since.elapsed() < Duration::from_secs(5), "nothing runs any more");
    assert!(!Checkpoint::load(&checkpoint).unwrap().is_complete());
    terminal.is_given_back();
}
