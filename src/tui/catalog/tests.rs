//! The table as an astronomer drives it: keys in, requests served by a real catalog, answers back.

use std::path::Path;
use std::sync::{Arc, Mutex};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;

use super::reading::Wanted;
use super::{Answer, Catalog, Request, serve};
use crate::catalog::{CatalogWriter, WriterOptions};
use crate::pipeline::CancelToken;
use crate::pipeline::browse::{Browser, Rows};
use crate::pipeline::settings::Settings;
use crate::spectrum::{Facts, MaskKind, Spectrum, WavelengthGrid};
use crate::tui::app::{Effect, Popup, Purpose, Screen, Shell, Target};
use crate::tui::keys::{Action, CatalogAct, Keymap, Move};
use crate::tui::theme::Theme;

const ROWS: u64 = 500;

fn spectrum(i: u64) -> Spectrum {
    let n = 64;
    Spectrum {
        facts: Facts {
            object_id: format!("obj-{i:04}").into(),
            targetid: Some(i as i64),
            source: "TEST".into(),
            ra: Some(i as f64 * 0.5),
            dec: Some(1.0),
            z: Some(0.001 * i as f64),
            zwarn: Some(if i % 5 == 0 { 4 } else { 0 }),
            spectype: Some(if i % 2 == 0 { "QSO" } else { "GALAXY" }.into()),
            sn: Some(3.0),
            ..Default::default()
        },
        grid: Arc::new(WavelengthGrid::Linear {
            start: 4000.0,
            step: 2.0,
            n,
        }),
        flux: (0..n).map(|k| (k as f32 * 0.2 + i as f32).sin() + 2.0).collect(),
        ivar: vec![1.0; n],
        mask: None,
        mask_kind: MaskKind::Plain,
        ivar_estimated: false,
    }
}

fn write(path: &Path) {
    let mut writer = CatalogWriter::create(path, WriterOptions::default()).unwrap();
    for i in 0..ROWS {
        writer.write(&spectrum(i)).unwrap();
    }
    writer.finish().unwrap();
}

/// A screen, the shell around it, and a worker that answers at once.
struct Bench {
    folder: tempfile::TempDir,
    browser: Browser,
    screen: Catalog,
    shell: Shell,
    /// Requests of pages are left lying.
    deaf: bool,
}

impl Bench {
    fn new() -> Self {
        Self::of(false)
    }

    fn of(deaf: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.parquet");
        write(&path);
        let inputs = vec![path.to_str().unwrap().to_owned()];
        let browser = Browser::open(&inputs).unwrap();
        let mut shell = Shell::new(inputs, Settings::default(), Theme::default(), Keymap::default());
        shell.size = (120, 40);
        let screen = Catalog::new(&shell);
        let mut bench = Self {
            folder,
            browser,
            screen,
            shell,
            deaf,
        };
        bench.start();
        bench
    }

    fn start(&mut self) {
        let mut effects = self.screen.resized(Rect::new(0, 0, 80, 23), &mut self.shell);
        effects.extend(self.screen.start(&mut self.shell));
        self.perform(effects);
    }

    /// Serves what was asked for, and what follows from the answers, until all is quiet.
    fn perform(&mut self, effects: Vec<Effect>) {
        let mut waiting: Vec<Request> = requests(effects);
        while !waiting.is_empty() {
            let request = waiting.remove(0);
            if self.deaf && matches!(request, Request::Pages(_) | Request::Sparks(_)) {
                continue;
            }
            let answers: Mutex<Vec<Answer>> = Mutex::default();
            serve(&self.browser, request, &CancelToken::default(), &|answer| {
                answers.lock().unwrap().push(answer);
            });
            for answer in answers.into_inner().unwrap() {
                let effects = self.screen.answer(answer, &mut self.shell);
                waiting.extend(requests(effects));
            }
        }
    }

    fn act(&mut self, action: Action, count: Option<u32>) {
        let effects = self.screen.act(action, count, &mut self.shell);
        self.perform(effects);
    }

    fn enter(&mut self, purpose: Purpose, text: &str) -> Result<(), String> {
        let effects = self.screen.entered(&purpose, text, &mut self.shell)?;
        self.perform(effects);
        Ok(())
    }

    fn press(&mut self, keys: &str) {
        for key in keys.split(' ') {
            let effects = self.screen.press(key.parse().unwrap(), &mut self.shell);
            self.perform(effects.expect("something covers the table"));
        }
    }

    fn row(&self) -> Option<u64> {
        match self.screen.target() {
            Some(Target::Row(row)) => Some(row),
            _ => None,
        }
    }

    fn note(&self) -> &str {
        self.shell.messages.back().map_or("", |message| &message.text)
    }

    fn drawn(&self, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal
            .draw(|frame| {
                let area = frame.area();
                self.screen.draw(frame, area, &self.shell);
                self.screen.draw_popup(frame, area, &self.shell);
            })
            .unwrap();
        let buffer = terminal.backend().buffer();
        let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..height).map(|y| line(y) + "\n").collect()
    }
}

fn requests(effects: Vec<Effect>) -> Vec<Request> {
    effects
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Catalog(request) => Some(request),
            _ => None,
        })
        .collect()
}

#[test]
fn the_first_screen_has_names_spectra_and_rounded_numbers() {
    let bench = Bench::new();
    assert_eq!(bench.shell.rows, Some((ROWS, ROWS)));
    let screen = bench.drawn(80, 23);
    let lines: Vec<&str> = screen.lines().collect();
    assert!(
        lines[1].contains("object_id") && lines[1].contains("spectrum"),
        "{screen}"
    );
    assert!(
        lines[3].contains("obj-0001") && lines[3].contains("0.0010"),
        "{screen}"
    );
    let braille = |c: char| ('\u{2801}'..='\u{28ff}').contains(&c);
    assert!(lines[3].chars().filter(|c| braille(*c)).count() >= 12, "{screen}");
    assert!(lines[22].contains("1 / 500"), "{screen}");
}

#[test]
fn the_ends_are_at_hand() {
    let mut bench = Bench::new();
    bench.deaf = true;
    bench.act(Action::Move(Move::Bottom), None);
    assert!(bench.drawn(80, 23).contains("obj-0499"));
    bench.act(Action::Move(Move::Top), None);
    assert!(bench.drawn(80, 23).contains("obj-0000"));
}

#[test]
fn moving_never_waits_for_cells() {
    let mut bench = Bench::of(true);
    bench.act(Action::Move(Move::Bottom), None);
    assert_eq!(bench.row(), Some(499));
    let screen = bench.drawn(80, 23);
    assert!(
        screen.contains("499 …") && !screen.contains("obj-0499"),
        "{screen}"
    );
    bench.act(Action::Mark, None);
    assert!(bench.shell.marks.is_empty(), "nothing is marked unseen");
    bench.act(Action::Move(Move::Top), Some(8));
    assert_eq!(bench.row(), Some(7));
    bench.act(Action::Move(Move::PageDown), None);
    assert_eq!(bench.row(), Some(27));
    // Another pane over the whole frame, and back.
    let (top, seen) = (bench.screen.top, bench.drawn(80, 23));
    for area in [Rect::ZERO, Rect::new(0, 0, 80, 23)] {
        let effects = bench.screen.resized(area, &mut bench.shell);
        bench.perform(effects);
    }
    assert_eq!((bench.screen.top, bench.drawn(80, 23)), (top, seen));
    bench.act(Action::Move(Move::Up), Some(1000));
    assert_eq!(bench.row(), Some(0));
}

#[test]
fn a_query_says_how_far_it_is_until_it_is_stopped() {
    let mut bench = Bench::new();
    // Not served: it runs.
    let asked = bench
        .screen
        .entered(&Purpose::Sort, "z DESC", &mut bench.shell)
        .unwrap();
    assert!(matches!(requests(asked)[..], [Request::Select { .. }]));
    assert!(bench.drawn(80, 23).contains("sorting, Esc stops"));
    bench.screen.answer(Answer::Working(43), &mut bench.shell);
    assert!(bench.drawn(80, 23).contains("sorting 43%, Esc stops"));
    let stopped = bench.screen.act(Action::Cancel, None, &mut bench.shell);
    assert_eq!(requests(stopped), [Request::Stop]);
    // What was told before the worker heard of it is late.
    bench.screen.answer(Answer::Working(60), &mut bench.shell);
    assert!(!bench.drawn(80, 23).contains("sorting") && !bench.drawn(80, 23).contains('%'));
    assert_eq!((bench.row(), bench.shell.rows), (Some(0), Some((500, 500))));
    bench.enter(Purpose::Sort, "z DESC").unwrap();
    assert!(bench.drawn(80, 23).contains("catalog by z DESC"));
}

#[test]
fn a_filter_keeps_the_row_and_a_wrong_one_says_why_under_its_line() {
    let mut bench = Bench::new();
    bench.act(Action::Move(Move::Down), Some(10));
    bench.enter(Purpose::Filter, "spectype = 'QSO'").unwrap();
    assert_eq!((bench.row(), bench.shell.rows), (Some(10), Some((250, 500))));
    assert_eq!(bench.shell.filter.as_deref(), Some("spectype = 'QSO'"));
    bench.enter(Purpose::Sort, "z DESC").unwrap();
    assert_eq!(bench.row(), Some(10));
    bench.act(Action::Move(Move::Top), None);
    assert_eq!(bench.row(), Some(498));
    assert!(bench.drawn(80, 23).contains("z▼"));

    bench.enter(Purpose::Filter, "spectyp = 'QSO'").unwrap();
    let prompt = bench.shell.prompt.as_ref().expect("the line is open again");
    assert_eq!(prompt.text(), "spectyp = 'QSO'");
    assert_eq!(
        prompt.error.as_deref(),
        Some("no column `spectyp`, did you mean `spectype`? (at character 1)")
    );
    assert_eq!(bench.shell.rows, Some((250, 500)), "the list is still there");
    bench.shell.prompt = None;
    bench.act(Action::ClearFilter, None);
    assert_eq!(bench.shell.rows, Some((500, 500)));
    bench.enter(Purpose::Filter, "z > 9").unwrap();
    assert!(bench.drawn(80, 23).contains("No row passes the filter"));
    assert_eq!(bench.row(), None);
}

#[test]
fn searches_go_around_and_jumps_take_rows_and_ids() {
    let mut bench = Bench::new();
    bench.enter(Purpose::Find, "obj-010").unwrap();
    assert_eq!(bench.row(), Some(100));
    bench.act(Action::FindNext, None);
    assert_eq!(bench.row(), Some(101));
    bench.act(Action::FindPrevious, None);
    bench.act(Action::FindPrevious, None);
    assert_eq!(bench.row(), Some(109));
    bench.enter(Purpose::GoTo, "obj-0400").unwrap();
    assert_eq!(bench.row(), Some(400));
    bench.enter(Purpose::GoTo, "17").unwrap();
    assert_eq!(bench.row(), Some(17));
    bench.enter(Purpose::GoTo, "nobody").unwrap();
    assert_eq!(bench.row(), Some(17));
    assert!(bench.note().contains("`nobody`"), "{}", bench.note());
}

#[test]
fn marks_are_ids_and_the_next_is_found() {
    let mut bench = Bench::new();
    bench.act(Action::Mark, Some(2));
    assert_eq!(
        bench.shell.marks.iter().collect::<Vec<_>>(),
        ["obj-0000", "obj-0001"]
    );
    assert_eq!(bench.row(), Some(2));
    bench.act(Action::NextMarked, None);
    assert_eq!(bench.row(), Some(0));
    bench.act(Action::NextMarked, None);
    assert_eq!(bench.row(), Some(1));
    assert!(bench.drawn(80, 23).lines().nth(2).unwrap().contains("*obj-0000"));
    bench.enter(Purpose::Filter, "zwarn = 4").unwrap();
    bench.act(Action::MarkAll, None);
    assert_eq!(bench.shell.marks.len(), 101);
    bench.act(Action::ClearMarks, None);
    assert!(bench.shell.marks.is_empty());
}

#[test]
fn columns_are_chosen_frozen_widened_and_sorted() {
    let mut bench = Bench::new();
    bench.act(Action::Catalog(CatalogAct::Columns), None);
    assert!(bench.drawn(100, 40).contains("[x]| object_id"));
    // The second is z: hidden, and shown again behind the third.
    bench.press("j space");
    assert!(!bench.screen.table.shown().contains(&"z".to_owned()));
    bench.press("space J esc");
    assert_eq!(bench.screen.table.shown()[..3], ["object_id", "zwarn", "z"]);
    let screen = bench.drawn(80, 23);
    let header = screen.lines().nth(1).unwrap();
    assert!(header.find("zwarn") < header.find(" z "), "{screen}");
    bench.act(Action::Catalog(CatalogAct::Columns), None);
    bench.press("j j s s");
    assert_eq!(bench.screen.query.order_by.as_deref(), Some("z DESC"));
    bench.press("s");
    assert_eq!(bench.screen.query.order_by, None);
    bench.press("f esc");
    bench.act(Action::Catalog(CatalogAct::ScrollRight), Some(3));
    let screen = bench.drawn(80, 23);
    assert!(
        screen.contains("3 columns to the left") && screen.contains("object_id"),
        "{screen}"
    );
}

#[test]
fn sheet_schema_and_statistics_are_shown() {
    let mut bench = Bench::new();
    bench.act(Action::Catalog(CatalogAct::Sheet), None);
    let lines = |bench: &Bench| match &bench.shell.popup {
        Some(Popup::Page(page)) => page.lines.join("\n"),
        _ => String::new(),
    };
    assert!(
        lines(&bench).contains("identity of the spectrum"),
        "{}",
        lines(&bench)
    );
    bench.act(Action::Catalog(CatalogAct::Schema), None);
    let schema = lines(&bench);
    for part in [
        "500 rows",
        "flux.list.element",
        "zstd",
        "spectra.grids",
        "bloom filter",
    ] {
        assert!(schema.contains(part), "{part} in {schema}");
    }
    bench.shell.popup = None;
    bench.enter(Purpose::Statistics, "Z").unwrap();
    let screen = bench.drawn(120, 40);
    assert!(
        screen.contains("percentiles: 1 0.0050") && screen.contains("500 rows"),
        "{screen}"
    );
    bench.press("x");
    assert!(!bench.drawn(120, 40).contains("percentiles"));
    assert!(
        bench
            .enter(Purpose::Statistics, "nothing")
            .unwrap_err()
            .contains("`nothing`")
    );
}

#[test]
fn exports_are_told_and_refuse_what_they_should() {
    let mut bench = Bench::new();
    let path = |name: &str| bench.folder.path().join(name).to_str().unwrap().to_owned();
    let (csv, ids) = (path("out.csv"), path("ids.txt"));
    let listed = Purpose::Export { marked: false };
    assert!(
        bench
            .enter(listed.clone(), "out.doc")
            .unwrap_err()
            .contains(".parquet")
    );
    bench.enter(Purpose::Filter, "z < 0.1").unwrap();
    bench.enter(listed.clone(), &csv).unwrap();
    assert!(bench.note().contains("100 rows"), "{}", bench.note());
    bench.enter(listed.clone(), &csv).unwrap();
    assert!(bench.note().contains("is there already"), "{}", bench.note());
    bench.enter(listed, &format!("{csv}!")).unwrap();
    assert!(bench.note().contains("100 rows"), "{}", bench.note());
    bench.act(Action::Mark, Some(2));
    bench.enter(Purpose::Export { marked: true }, &ids).unwrap();
    assert_eq!(std::fs::read_to_string(ids).unwrap(), "obj-0000\nobj-0001\n");
}

#[test]
fn a_session_is_taken_up_where_it_was_left() {
    let mut bench = Bench::new();
    bench.enter(Purpose::Filter, "zwarn = 4").unwrap();
    bench.enter(Purpose::Sort, "z DESC").unwrap();
    bench.enter(Purpose::GoTo, "obj-0300").unwrap();
    bench.act(Action::Catalog(CatalogAct::Columns), None);
    bench.press("j space esc");
    let saved = bench.screen.save();
    bench.screen = Catalog::new(&bench.shell);
    bench.screen.restore(&saved);
    assert_eq!(bench.screen.save(), saved, "before it is open");
    bench.start();
    assert_eq!((bench.row(), bench.shell.rows), (Some(300), Some((100, 500))));
    assert!(!bench.screen.table.shown().contains(&"z".to_owned()));
    assert_eq!(bench.screen.save(), saved);
    // A filter on a column that is gone does not lock anybody out.
    let mut gone = saved;
    gone["filter"] = "lost > 1".into();
    bench.screen = Catalog::new(&bench.shell);
    bench.screen.restore(&gone);
    bench.start();
    assert_eq!(bench.screen.rows, Some(Rows::All(ROWS)));
    assert!(bench.note().contains("no column `lost`"), "{}", bench.note());
}

#[test]
fn no_size_is_too_small_to_draw() {
    let mut bench = Bench::new();
    bench.shell.marks.insert("obj-0003".into());
    for cover in [None, Some("columns"), Some("statistics")] {
        match cover {
            Some("columns") => bench.act(Action::Catalog(CatalogAct::Columns), None),
            Some(_) => bench.enter(Purpose::Statistics, "zwarn").unwrap(),
            None => (),
        }
        for width in [0, 1, 2, 3, 5, 9, 20, 39, 41, 80, 200] {
            for height in [0, 1, 2, 3, 4, 7, 24] {
                let effects = bench
                    .screen
                    .resized(Rect::new(0, 0, width, height), &mut bench.shell);
                bench.perform(effects);
                if width > 0 && height > 0 {
                    bench.drawn(width, height);
                }
            }
        }
    }
}

#[test]
fn what_is_seen_is_read_before_the_other_columns() {
    let bench = Bench::new();
    let wanted = Wanted {
        generation: 1,
        blocks: vec![(0, vec![0, 1])],
        columns: ["object_id", "z", "spectype"].map(str::to_owned).to_vec(),
        seen: vec![0],
    };
    let answers: Mutex<Vec<Answer>> = Mutex::default();
    let tell = |answer| answers.lock().unwrap().push(answer);
    serve(
        &bench.browser,
        Request::Pages(wanted),
        &CancelToken::default(),
        &tell,
    );
    let pages: Vec<(bool, Vec<bool>)> = answers
        .into_inner()
        .unwrap()
        .into_iter()
        .map(|answer| match answer {
            Answer::Page { cells, whole, .. } => {
                (whole, cells[1].iter().map(|cell| !cell.text.is_empty()).collect())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(pages, [(false, vec![true, false, false]), (true, vec![true; 3])]);
}
