//! The app as a table of steps: keys in, state and effects out. No terminal, no thread; the clock stands still.

mod labels;

use std::time::Duration;

use crossterm::event::Event as Input;

use spectriage::pipeline::browse::Rows;
use spectriage::tui::app::{AppEvent, JobEvent, Level, Popup, Purpose};
use spectriage::tui::job::{Job, JobSpec, Task};
use spectriage::tui::keys::ScreenId;
use spectriage::tui::layout::Zoomed;

use super::bench::{Bench, verdicts};
use super::{Desk, sixty};

/// A desk with a small catalog, and a bench on it.
fn bench() -> (Desk, Bench) {
    let desk = Desk::new(&sixty()[..12]);
    let catalog = desk.path("catalog.parquet");
    let mut bench = Bench::with(catalog.to_str().unwrap(), &desk.path("."), (120, 40));
    bench.asked();
    (desk, bench)
}

fn ranked() -> (Desk, Bench) {
    let (desk, bench) = bench();
    let catalog = desk.path("catalog.parquet");
    let mut bench = bench.ranked(verdicts(catalog.to_str().unwrap(), 12));
    bench.press("3");
    bench.asked();
    (desk, bench)
}

/// The id under the cursor of the screen in front.
fn selected(bench: &Bench) -> String {
    bench.app.front().selected_id().unwrap()
}

fn job(bench: &Bench) -> Job {
    Job::new(JobSpec {
        task: Task::Run { resume: None },
        inputs: bench.app.shell.inputs.clone(),
        settings: bench.app.shell.settings.clone(),
    })
}

#[test]
fn screens_by_number_name_and_tab() {
    use ScreenId::{Anomalies, Catalog, Files, Train};
    let mut bench = Bench::alone();
    for (keys, expected) in [
        ("2", Train),
        ("3", Anomalies),
        ("4", Files),
        ("1", Catalog),
        ("tab", Train),
        ("tab tab tab", Catalog),
        ("shift-tab", Files),
        ("f3", Anomalies),
        // Digits are labels in inspection mode, on screens with objects.
        ("v 2", Anomalies),
        ("f2 3", Anomalies),
        ("v 4", Files),
        (": f i l e s enter", Files),
        (": t r a i n enter", Train),
    ] {
        bench.press(keys);
        assert_eq!(bench.app.screen, expected, "{keys}");
    }
}

#[test]
fn counts_and_repetition() {
    let (_desk, mut bench) = ranked();
    let ids: Vec<String> = (0..12)
        .map(|_| {
            let id = selected(&bench);
            bench.press("j");
            id
        })
        .collect();
    for (keys, place) in [
        ("g g", 0),
        ("5 j", 5),
        ("6 k", 0),
        ("alt-1 0 j", 10),
        ("alt-1 alt-1 k", 0),
        ("alt-3 j", 3),
        (".", 6),
        ("alt-1 .", 7),
        // The count that was typed last holds.
        (". .", 9),
        ("alt-2 k", 7),
        ("9 9 9 9 9 9 9 9 9 9 9 j", 11),
        ("g g", 0),
        ("alt-4 g g", 3),
        ("alt-2 G", 1),
        ("G", 11),
        // Esc takes a count back.
        ("g g 5 esc j", 1),
        (": t o p space 0 enter", 0),
        (": d o w n space 4 enter", 4),
    ] {
        bench.press(keys);
        assert_eq!(selected(&bench), ids[place], "{keys}");
        assert_eq!(bench.app.count, None, "{keys}");
    }
    // As many marks as there are rows, and no endless work.
    bench.press("g g 9 9 9 9 9 9 9 9 9 space");
    assert_eq!(bench.app.shell.marks.len(), 12);
    bench.press("g x").press("alt-5 g g alt-3 space");
    let marks: Vec<&String> = bench.app.shell.marks.iter().collect();
    let mut expected: Vec<&String> = ids[4..7].iter().collect();
    expected.sort();
    assert_eq!(marks, expected);
}

#[test]
fn sequences_wait_and_esc_leaves_them() {
    let (_desk, mut bench) = ranked();
    bench.press("j g");
    assert_eq!(bench.app.pending.len(), 1);
    let frame = bench.frame();
    assert!(frame.contains("g and then") && frame.contains("first"), "{frame}");
    bench.press("esc");
    assert!(bench.app.pending.is_empty());
    assert!(!bench.frame().contains("and then"));
    let second = selected(&bench);
    bench.press("j g g");
    assert_ne!(selected(&bench), second);
    bench.press("g Q");
    assert!(bench.said().contains("gQ does nothing here"), "{}", bench.said());
    bench.press("ctrl-t");
    assert!(
        bench
            .said()
            .contains("Ctrl-t does nothing here; ? shows all keys")
    );
    // Another screen does not inherit half a sequence.
    bench.press("g f2");
    assert!(bench.app.pending.is_empty());
}

#[test]
fn the_line_at_the_foot() {
    let (_desk, mut bench) = bench();
    bench.press("f");
    assert_eq!(bench.app.shell.prompt.as_ref().unwrap().purpose, Purpose::Filter);
    bench.type_text("z < 0.3").press("enter");
    assert!(bench.app.shell.prompt.is_none());
    assert_eq!(bench.app.shell.filter.as_deref(), Some("z < 0.3"));
    let (listed, all) = bench.app.shell.rows.unwrap();
    let expected = sixty()[..12]
        .iter()
        .filter(|s| s.facts.z.is_some_and(|z| z < 0.3))
        .count();
    assert_eq!((listed, all), (expected as u64, 12));
    // Wrong: the line is there again with its text and its error; the list stays.
    bench.press("f ctrl-u");
    bench.type_text("zz < 0.3").press("enter");
    let prompt = bench.app.shell.prompt.as_ref().unwrap();
    assert_eq!(prompt.text(), "zz < 0.3");
    assert!(prompt.error.is_some());
    assert_eq!(bench.app.shell.rows, Some((expected as u64, 12)));
    // Typing on takes the error away, Esc the line.
    bench.type_text("1");
    assert_eq!(bench.app.shell.prompt.as_ref().unwrap().error, None);
    bench.press("esc");
    assert!(bench.app.shell.prompt.is_none());
    // What was entered is remembered, what was cancelled is not.
    bench.press("f ctrl-u up");
    assert_eq!(bench.app.shell.prompt.as_ref().unwrap().text(), "zz < 0.3");
    bench.press("up");
    assert_eq!(bench.app.shell.prompt.as_ref().unwrap().text(), "z < 0.3");
    bench.press("esc F");
    assert_eq!(bench.app.shell.rows, Some((12, 12)));
    assert_eq!(bench.app.shell.filter, None);
}

#[test]
fn a_filter_of_the_ranking_goes_back_under_its_line_too() {
    let (_desk, mut bench) = bench();
    bench.press("3");
    let wrong = || {
        spectriage::tui::app::Answer::Anomalies(spectriage::tui::anomalies::Answer::Refused {
            filter: "no > 1".into(),
            error: "there is no column `no`".into(),
        })
    };
    bench.answer(wrong());
    let prompt = bench.app.shell.prompt.as_ref().unwrap();
    assert_eq!((&prompt.purpose, prompt.text()), (&Purpose::Filter, "no > 1"));
    assert!(bench.frame().contains("there is no column `no`"));
    // While another line is open it is told as any error.
    bench.press("esc ;").press("esc :");
    bench.answer(wrong());
    assert_eq!(bench.app.shell.prompt.as_ref().unwrap().purpose, Purpose::Command);
    assert!(bench.said().contains("no > 1"));
}

#[test]
fn commands_by_name() {
    let (_desk, mut bench) = ranked();
    let mut command = |line: &str| {
        bench.press(":").type_text(line).press("enter");
        let error = bench
            .app
            .shell
            .prompt
            .as_ref()
            .and_then(|prompt| prompt.error.clone());
        bench.press("esc");
        (error, bench.asked())
    };
    let (error, asked) = command("set epochs 5");
    assert_eq!((error, asked), (None, vec!["anomalies rejudge".to_owned()]));
    let (error, _) = command("set epohcs 5");
    assert!(error.unwrap().contains("epohcs"));
    let (error, _) = command("set epochs many");
    assert!(error.unwrap().contains("many"));
    let (error, _) = command("nonsense");
    assert!(error.unwrap().starts_with("there is no command `nonsense`"));
    let (error, _) = command("fliter z > 1");
    assert!(error.unwrap().contains("did you mean `filter`?"));
    let (error, _) = command("quality 5");
    assert!(error.unwrap().contains("0 to 4"));
    assert_eq!(command("wider many").0.unwrap(), "`many` is no count for wider");
    assert_eq!(
        command("q"),
        (None, vec!["stop".into(), "save".into(), "quit".into()])
    );
    assert_eq!(command("theme light"), (None, vec!["redraw".to_owned()]));
    assert_eq!(command(""), (None, Vec::new()));
    assert_eq!(bench.app.shell.settings.training.epochs, 5);
    assert!(!bench.app.shell.theme.dark);
    // A number is a row.
    bench.press("g g");
    let first = selected(&bench);
    bench.press(":").type_text("7").press("enter");
    assert_ne!(selected(&bench), first);
    bench.press("6 k");
    assert_eq!(selected(&bench), first);
    bench.press(":").type_text("120").press("enter");
    let prompt = bench.app.shell.prompt.as_ref().unwrap();
    assert!(prompt.error.as_ref().unwrap().contains("`120`"));
}

#[test]
fn the_status_line_tells_of_the_screen_in_front() {
    let (_desk, mut bench) = ranked();
    bench.press("1 f").type_text("z < 0.3").press("enter");
    let status = |bench: &mut Bench| {
        bench.app.shell.shown_ticks = 0;
        let frame = bench.frame();
        frame.lines().rev().nth(1).unwrap().to_owned()
    };
    assert!(status(&mut bench).contains(" of 12 rows | where z < 0.3"));
    for screen in ["2", "3", "4"] {
        bench.press(screen);
        let line = status(&mut bench);
        assert!(line.contains("12 rows |") && !line.contains("where"), "{line}");
    }
}

#[test]
fn nothing_is_cut_off_on_a_small_terminal() {
    let mut bench = Bench::alone();
    bench.resize((80, 24));
    bench.press("2");
    bench.press("g g");
    let words = |frame: &str| -> String {
        let column = |line: &str| line.chars().skip(1).take(30).collect::<String>();
        let lines: Vec<String> = frame.lines().map(|line| column(line).trim().to_owned()).collect();
        lines.join(" ")
    };
    let frame = bench.frame();
    assert!(
        words(&frame).contains("AND spectype = 'GALAXY'\". Default: none"),
        "{frame}"
    );
    // The last setting is in sight with its text too.
    bench.press("G");
    let frame = bench.frame();
    assert!(words(&frame).contains("All figures as SVG too."), "{frame}");
    bench.press("?").type_text("one pane");
    let help = bench.frame();
    let zoom = help.lines().skip_while(|line| !line.contains("  z  ")).take(2);
    let zoom: Vec<&str> = zoom.collect();
    assert!(zoom.join(" ").contains("all"), "{help}");
}

#[test]
fn leaving_asks_while_a_job_runs() {
    let mut bench = Bench::alone();
    bench.press("q");
    assert_eq!(bench.asked(), ["stop", "save", "quit"]);
    bench.app.shell.job = Some(job(&bench));
    for no in ["n", "esc", "q", "enter", "j"] {
        bench.press("q");
        assert!(matches!(bench.app.shell.popup, Some(Popup::Confirm { .. })));
        bench.press(no);
        assert!(bench.app.shell.popup.is_none());
        assert!(bench.asked().is_empty(), "{no}");
    }
    bench.press("ctrl-c y");
    assert_eq!(bench.asked(), ["stop", "save", "quit"]);
    // It takes a moment to end: the last frame says what is waited for.
    assert!(bench.said().starts_with("stopping"));
    assert!(bench.frame().contains("stopping: starting"), "{}", bench.frame());
    bench.app.shell.job = Some(job(&bench));
    bench.press("ctrl-x");
    assert_eq!(bench.asked(), ["stop"]);
    assert!(bench.app.shell.job.as_ref().unwrap().stopping);
    // Failed: it is said, and stands in the list of messages in full.
    let why = format!("the disk is full: {}end", "a long story ".repeat(20));
    bench.event(AppEvent::Job(JobEvent::Ended(Err(why))));
    assert!(bench.app.shell.job.is_none());
    assert_eq!(bench.app.shell.shown().unwrap().level, Level::Error);
    assert!(bench.frame().contains("! shows it in full"));
    bench.press("!");
    assert!(bench.frame().matches("story").count() >= 20, "{}", bench.frame());
    bench.press("q ctrl-x");
    assert_eq!(bench.said(), "no job is running");
}

#[test]
fn messages_give_way_after_a_while() {
    let mut bench = Bench::alone();
    bench.app.shell.error("lost");
    let tick = || AppEvent::Tick(Duration::from_millis(125));
    let mut ticks = 0;
    while bench.app.shell.shown().is_some() {
        bench.event(tick());
        ticks += 1;
        assert!(ticks < 1000);
    }
    assert!(ticks > 20, "an error stands long enough to be read");
    bench.app.shell.error("lost again");
    bench.press("esc");
    assert!(bench.app.shell.shown().is_none());
}

#[test]
fn pasted_text_is_text() {
    let mut bench = Bench::alone();
    bench.input(Input::Paste("q".into()));
    assert!(bench.asked().is_empty(), "pasted beside a line it is no key");
    bench.press(":");
    bench.input(Input::Paste("set\u{1b}[31m epochs\n\t5\u{7}\u{9b}\n".into()));
    assert_eq!(
        bench.app.shell.prompt.as_ref().unwrap().text(),
        "set [31m epochs  5  "
    );
    bench.press("ctrl-u").type_text("ad").press("left");
    bench.input(Input::Paste("bc".into()));
    let prompt = bench.app.shell.prompt.as_ref().unwrap();
    assert_eq!((prompt.text(), prompt.cursor()), ("abcd", 3));
    // A whole book does not hold up anything.
    let since = std::time::Instant::now();
    bench.input(Input::Paste("spectrum ".repeat(1_000_000)));
    assert!(since.elapsed() < Duration::from_secs(2));
    bench.frame();
}

/// Some spaces are more than a byte.
#[test]
fn any_space_parts_words() {
    let mut bench = Bench::alone();
    for space in ["\u{a0}", "\u{3000}", "\t"] {
        bench.press(":");
        bench.input(Input::Paste(format!("set{space}epo")));
        let (ways, _) = bench.app.shell.prompt.as_ref().unwrap().completions();
        assert!(ways.iter().any(|way| way.text == "epochs"), "{space:?}: {ways:?}");
        bench.press("tab");
        bench.frame();
        bench.press("esc");
    }
}

#[test]
fn panes_are_zoomed_in_turn() {
    let (_desk, mut bench) = ranked();
    let expected = [Zoomed::Spectrum, Zoomed::List, Zoomed::Facts, Zoomed::None];
    for zoomed in expected {
        bench.press("z");
        assert_eq!(bench.app.layout.zoomed, zoomed);
        bench.frame();
    }
    bench.press("z z esc");
    assert_eq!(bench.app.layout.zoomed, Zoomed::None);
    // Without facts there are two to be zoomed.
    bench.press("4 z z z");
    assert_eq!(bench.app.layout.zoomed, Zoomed::None);
    let wide = |bench: &Bench| bench.app.panes().list.width;
    bench.press("3");
    let before = wide(&bench);
    bench.press("alt-3 >");
    assert!(wide(&bench) > before);
    bench.press("alt-3 <");
    assert_eq!(wide(&bench), before);
}

#[test]
fn the_hint_of_a_first_start_is_closed_by_any_key() {
    for (keys, screen, asked) in [
        ("q", ScreenId::Catalog, 0),
        ("esc", ScreenId::Catalog, 0),
        ("2", ScreenId::Train, 0),
        ("q q", ScreenId::Catalog, 3),
    ] {
        let mut bench = Bench::alone();
        bench.app.welcome = true;
        assert!(bench.frame().contains("Any key closes this"));
        bench.press(keys);
        assert!(!bench.app.welcome);
        assert_eq!((bench.app.screen, bench.asked().len()), (screen, asked), "{keys}");
    }
}

#[test]
fn pages_scroll_as_far_as_they_go() {
    let mut bench = Bench::alone();
    bench.press("?");
    let first = bench.frame();
    bench.press("down");
    assert_ne!(bench.frame(), first);
    for _ in 0..100 {
        bench.press("pagedown");
    }
    let last = bench.frame();
    // One step back is seen at once.
    bench.press("up");
    assert_ne!(bench.frame(), last);
    bench.press("home");
    assert_eq!(bench.frame(), first);
    bench.type_text("redshift");
    let found = bench.frame();
    assert!(found.contains("issue R: the redshift is wrong") && !found.contains("half a page down"));
    bench.press("esc");
    assert!(bench.app.shell.popup.is_none());
}

/// What is saved is what is found again.
#[test]
fn a_session_is_found_again() {
    let (desk, mut bench) = ranked();
    bench.press("5 j space");
    bench.press(">").press("v");
    bench.press(": s o r t space s n enter");
    let at = selected(&bench);
    let saved = serde_json::to_string(&bench.app.save()).unwrap();
    let catalog = desk.path("catalog.parquet");
    let catalog = catalog.to_str().unwrap();
    let mut again = Bench::alone();
    again.app.restore(&serde_json::from_str(&saved).unwrap());
    again.app.start();
    // Saved once more before the ranking is there: nothing is forgotten.
    let soon = serde_json::to_string(&again.app.save()).unwrap();
    let of = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["anomalies"].clone();
    assert_eq!(of(&soon), of(&saved));
    again.answer(spectriage::tui::app::Answer::Anomalies(
        spectriage::tui::anomalies::Answer::Ranking {
            verdicts: std::sync::Arc::new(verdicts(catalog, 12)),
            source: spectriage::tui::anomalies::Source::Saved(1),
            viewer: None,
        },
    ));
    assert_eq!(again.app.screen, ScreenId::Anomalies);
    assert_eq!(selected(&again), at);
    assert!(!again.app.shell.labels.inspecting);
    assert_eq!(again.app.shell.marks, bench.app.shell.marks);
    assert_eq!(again.app.layout, bench.app.layout);
    // A file of another version is taken as far as it goes.
    let odd = r#"{"screen":"files","future":1,"anomalies":[],"catalog":"x","train":7,"files":{"filter":3}}"#;
    let mut other = Bench::alone();
    other.app.restore(&serde_json::from_str(odd).unwrap());
    assert_eq!(other.app.screen, ScreenId::Files);
    other.frame();
}
