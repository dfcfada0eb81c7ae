//! A night's work from the first start to the second.

use std::time::Duration;

use super::{Desk, QUICK, sixty};
use crate::common::contents;

#[test]
fn a_whole_session_and_the_next() {
    let desk = Desk::simulated();
    let low = sixty()
        .iter()
        .filter(|s| s.facts.z.is_some_and(|z| z < 0.2))
        .count();
    assert!((1..60).contains(&low));

    let mut terminal = desk.open(&QUICK);
    terminal.sees("Any key closes this.");
    terminal.press(" ");
    terminal.wait("no hint", |screen| !screen.has("Any key closes this"));
    terminal.sees("60 rows");

    // Filter; a wrong filter is told, and the list stays.
    terminal.press("f");
    terminal.sees("filter:");
    terminal.press("z < 0.2\r");
    let filtered = format!("{low} of 60 rows | where z < 0.2");
    terminal.sees(&filtered);
    terminal.press("f");
    terminal.sees("filter: z < 0.2");
    terminal.press("\x15nonsense < 3\r");
    terminal.wait("what is wrong with it", |screen| {
        let last: Vec<&str> = screen.0.lines().rev().take(2).collect();
        last.iter()
            .any(|line| line.contains("nonsense") && !line.contains("nonsense <"))
    });
    terminal.press("\x1b");
    terminal.sees(&filtered);
    terminal.press("F");
    terminal.wait("all rows", |screen| {
        screen.has("60 rows") && !screen.has("of 60 rows")
    });

    // Train; the same settings without screens give the same ranking.
    terminal.watch_for("training");
    terminal.watch_for("run 1: 60 ranked");
    terminal.press("2");
    terminal.sees("epochs");
    terminal.press("s");
    terminal.saw("training");
    terminal.saw("run 1: 60 ranked");
    let other = Desk::simulated();
    other.headless(&QUICK);
    let ranking = |desk: &Desk| std::fs::read(desk.path("metadata/ranking_1.csv")).unwrap();
    assert_eq!(ranking(&desk), ranking(&other));

    // Walk the ranking and look closer.
    let ids = desk.ids();
    terminal.press("3");
    terminal.sees("ranking: 60");
    terminal.sees(&ids[0]);
    terminal.press("j");
    terminal.sees(&ids[1]);
    terminal.press("k");
    terminal.sees(&ids[0]);
    terminal.press("]");
    terminal.sees("region 1 of ");
    terminal.press("d");
    terminal.sees("smoothed by 1 pixel");

    // Label, undo, redo, comment.
    terminal.press("v");
    terminal.sees("INSPECT 0-4");
    terminal.press("3");
    terminal.sees("no label -> quality 3");
    terminal.sees("1 label");
    terminal.sees(&ids[1]);
    assert!(desk.labels().contains(&ids[0]));
    terminal.press("u");
    terminal.sees("quality 3 -> no label");
    terminal.wait("no labels", |screen| !screen.has("1 label"));
    terminal.press("\x12");
    terminal.sees("no label -> quality 3");
    terminal.press("k");
    terminal.sees(&ids[0]);
    terminal.press(";");
    terminal.sees("comment:");
    terminal.press("odd one\r");
    terminal.sees("-> quality 3, \"odd one\"");
    terminal.press("v");
    terminal.wait("no inspection", |screen| !screen.has("INSPECT"));

    // A filter of the ranking, and its error.
    terminal.press("f");
    terminal.sees("filter:");
    terminal.press("rank <= 7\r");
    terminal.sees("7 of 60");

    // A figure, and the file in the list of files.
    let before = contents(&desk.path("output_images"));
    terminal.watch_for("run 2: ");
    terminal.press("ww");
    terminal.saw("run 2: ");
    let figures = contents(&desk.path("output_images"));
    let (name, png) = figures
        .iter()
        .find(|(name, _)| !before.contains_key(*name))
        .expect("a new figure");
    assert!(
        name.ends_with(".png") && png.starts_with(b"\x89PNG\r\n\x1a\n"),
        "{name}"
    );
    terminal.press("4");
    terminal.sees("files:");
    let begun: String = name.chars().take(24).collect();
    terminal.sees(&begun);

    // Leave from the ranking, with a filter on the catalog.
    terminal.press("1");
    terminal.sees("rows");
    terminal.press("f");
    terminal.sees("filter:");
    terminal.press("z < 0.2\r");
    terminal.sees(&filtered);
    terminal.press("3");
    terminal.sees("7 of 60");
    terminal.press("j");
    terminal.sees(&ids[1]);
    terminal.press("q");
    assert_eq!(terminal.ended(Duration::from_secs(20)).exit_code(), 0);
    terminal.is_given_back();

    // Again: as it was left.
    let mut terminal = desk.open(&QUICK);
    terminal.sees("ranking 1: 7 of 60");
    terminal.sees("rank <= 7");
    terminal.sees(&ids[1]);
    terminal.sees("1 label");
    assert!(!terminal.screen().has("Any key closes this"));
    terminal.press("k");
    terminal.sees("\"odd one\"");
    terminal.press("1");
    terminal.sees(&filtered);
    terminal.press(":q\r");
    assert_eq!(terminal.ended(Duration::from_secs(20)).exit_code(), 0);
    terminal.is_given_back();
}

/// Sizes change under the running program, also between the size that it knows and the frame that it draws.
#[test]
fn any_size_at_any_time() {
    let desk = Desk::ranked();
    let mut terminal = desk.opened(&QUICK);
    terminal.press("3");
    terminal.sees("ranking 1: 60");
    let sizes = [
        (1, 1),
        (200, 60),
        (40, 10),
        (61, 16),
        (80, 24),
        (2, 50),
        (300, 3),
        (120, 40),
        (100, 20),
    ];
    for round in 0..6 {
        for (n, size) in sizes.into_iter().enumerate() {
            terminal.resize(size);
            terminal.press(["j", "]", "3", "1", "?", "\x1b[B", "\x1b[5~"][(round + n) % 7]);
            if n % 3 == round % 3 {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        std::thread::sleep(Duration::from_millis(60));
        terminal.press("\x1b");
        std::thread::sleep(Duration::from_millis(60));
    }
    terminal.resize((40, 10));
    terminal.sees("needs 60 x 16");
    terminal.resize((120, 40));
    // crossterm leaves a key that comes with a change of size lying until the next key.
    terminal.sees("60 rows");
    terminal.press("3");
    terminal.sees("ranking 1: 60");
    assert!(terminal.is_running());
    terminal.press("q");
    assert_eq!(terminal.ended(Duration::from_secs(20)).exit_code(), 0);
    terminal.is_given_back();
}

#[test]
fn stopped_by_the_shell_and_brought_back() {
    let desk = Desk::ranked();
    let mut terminal = desk.opened(&QUICK);
    for _ in 0..2 {
        terminal.press("\x1a");
        terminal.wait("a stopped process", |_| terminal.status("State").starts_with('T'));
        terminal.wait("the shell's screen", |screen| !screen.has("60 rows"));
        terminal.is_given_back();
        // What is typed at the shell meanwhile is not for the program.
        terminal.signal("CONT");
        terminal.sees("60 rows");
        terminal.wait("raw mode", |_| !terminal.is_cooked());
        terminal.press("3");
        terminal.sees("ranking 1: 60");
        terminal.press("1");
        terminal.sees("60 rows");
    }
    // A stop that asks nobody.
    terminal.signal("STOP");
    terminal.wait("a stopped process", |_| terminal.status("State").starts_with('T'));
    terminal.signal("CONT");
    terminal.press("3");
    terminal.sees("ranking 1: 60");
    terminal.press("q");
    assert_eq!(terminal.ended(Duration::from_secs(20)).exit_code(), 0);
    terminal.is_given_back();
}
