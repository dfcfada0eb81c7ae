//! Text from files and from the clipboard reaches the terminal as text.

use std::time::Duration;

use spectriage::triage::Journal;

use super::terminal::find;
use super::{Desk, QUICK};
use crate::common;

/// What would retitle the window, ring, leave the screens, answer for the terminal, or turn the reading direction round.
const EVIL: &str =
    "\u{1b}]0;owned\u{7}\u{1b}[?1049l\u{1b}[99;98;97t\u{1b}P$q\u{1b}\\\u{9b}5n\u{202e}\u{2066}\u{200b}\u{7f}";

/// Byte sequences of it that the program never sends by itself before it ends.
const TELLTALES: [&str; 8] = [
    "\u{1b}]0;",
    "\u{7}",
    "\u{1b}[?1049l",
    "\u{1b}[99;98;97t",
    "\u{9b}",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
];

#[test]
fn text_from_files_and_the_clipboard_steers_nothing() {
    let mut spectra = super::sixty();
    for (n, spectrum) in spectra.iter_mut().enumerate() {
        let facts = &mut spectrum.facts;
        facts.object_id = format!("evil{n:02}{EVIL}").into();
        for text in [
            &mut facts.spectype,
            &mut facts.subtype,
            &mut facts.survey,
            &mut facts.program,
        ] {
            *text = Some(format!("G{EVIL}").into());
        }
        facts.source = format!("S{EVIL}").into();
    }
    let desk = Desk(tempfile::tempdir().unwrap());
    common::write_catalog(&desk.path("catalog.parquet"), &spectra);
    desk.headless(&QUICK);
    // A file's name, too.
    let name = format!("figure{}.json", EVIL.replace('/', ""));
    std::fs::write(desk.path("metadata").join(name), format!("{{\"a\": \"{EVIL}\"}}")).unwrap();

    let mut terminal = desk.opened(&QUICK);
    let quiet = || std::thread::sleep(Duration::from_millis(300));
    terminal.sees("evil00");
    // The row as a sheet; the columns; an error with the text in it.
    for keys in ["\r", "\x1b", "gc", "\x1b", "gs", "\x1b", "o", "\x1b", "jjj", "e"] {
        terminal.press(keys);
        quiet();
    }
    terminal.press("3");
    terminal.sees("ranking 1: 60");
    terminal.sees("evil");
    for keys in ["j", "]", "z", "z", "z", "z", "\r", "W", "v3", "c", "\x1b"] {
        terminal.press(keys);
        quiet();
    }
    terminal.press(";");
    terminal.sees("comment:");
    terminal.write(format!("\x1b[200~pasted {EVIL}\x1b[201~").as_bytes());
    terminal.sees("pasted");
    terminal.press("\r");
    terminal.sees("\"pasted");
    terminal.press("f");
    terminal.sees("filter:");
    terminal.write(format!("\x1b[200~nothing{EVIL}\x1b[201~\r").as_bytes());
    quiet();
    terminal.press("\x1b");
    quiet();
    terminal.press("!");
    terminal.sees("messages");
    terminal.press("\x1b");
    quiet();
    terminal.press("v");
    quiet();
    terminal.press("4");
    terminal.sees("files:");
    for _ in 0..8 {
        terminal.press("j");
        quiet();
    }
    let raw = terminal.raw();
    for telltale in TELLTALES {
        let at = find(&raw, telltale.as_bytes());
        let around =
            at.map(|at| String::from_utf8_lossy(&raw[at.saturating_sub(60)..raw.len().min(at + 40)]));
        assert!(at.is_none(), "{telltale:?} reached the terminal in {around:?}");
    }
    let journal = Journal::open(&desk.path("metadata/labels.jsonl"), "ann").unwrap();
    let comments: Vec<&str> = journal
        .labels()
        .map(|(_, label)| label.comment.as_str())
        .collect();
    assert!(comments.iter().any(|comment| comment.starts_with("pasted")));
    assert!(!comments.concat().contains(char::is_control), "{comments:?}");
    terminal.press("q");
    assert_eq!(terminal.ended(Duration::from_secs(20)).exit_code(), 0);
    terminal.is_given_back();
}
