//! Whatever is pressed, clicked, pasted or resized, the app stays up and draws.

use std::sync::Arc;

use crossterm::event::{
    Event as Input, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use proptest::prelude::*;

use spectriage::spectrum::{Facts, MaskKind, Spectrum, WavelengthGrid};
use spectriage::tui::app::{AppEvent, JobEvent};
use spectriage::tui::keys::table::TABLE;
use spectriage::tui::theme::{Depth, Theme};

use super::Desk;
use super::bench::{Bench, verdicts};

/// Short spectra, so that there is time for many deeds.
fn small(count: u32) -> Vec<Spectrum> {
    const PIXELS: usize = 600;
    (0..count)
        .map(|n| Spectrum {
            facts: Facts {
                object_id: format!("small-{n}").into(),
                source: "TEST".into(),
                ra: Some(f64::from(n)),
                dec: Some(-1.5),
                z: (n != 1).then_some(0.05 * f64::from(n)),
                ..Facts::default()
            },
            grid: Arc::new(WavelengthGrid::Linear {
                start: 3700.0,
                step: 9.0,
                n: PIXELS,
            }),
            flux: (0..PIXELS)
                .map(|i| 2.0 + (0.05 * i as f32 + n as f32).sin())
                .collect(),
            ivar: vec![4.0; PIXELS],
            mask: None,
            mask_kind: MaskKind::Plain,
            ivar_estimated: false,
        })
        .collect()
}

#[derive(Debug, Clone)]
enum Deed {
    /// A row of the table of keys.
    Row(usize),
    Key(KeyCode, u8),
    Text(String),
    Paste(String),
    /// One of the lines at the foot is opened, and something typed that is nearly what it takes.
    Line(usize, String),
    Resize(u16, u16),
    Mouse(MouseEventKind, u16, u16),
    Tick,
    JobEnded,
    Theme(u8),
}

/// Keys that open a line.
const LINES: [&str; 7] = [":", "f", "s", "/", "g o", "c", "Z"];

fn code() -> impl Strategy<Value = KeyCode> {
    prop_oneof![
        any::<char>().prop_map(KeyCode::Char),
        proptest::char::range(' ', '~').prop_map(KeyCode::Char),
        prop_oneof![
            Just(KeyCode::Enter),
            Just(KeyCode::Esc),
            Just(KeyCode::Tab),
            Just(KeyCode::BackTab),
            Just(KeyCode::Backspace),
            Just(KeyCode::Delete),
            Just(KeyCode::Up),
            Just(KeyCode::Down),
            Just(KeyCode::Left),
            Just(KeyCode::Right),
            Just(KeyCode::Home),
            Just(KeyCode::End),
            Just(KeyCode::PageUp),
            Just(KeyCode::PageDown),
        ],
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    let mouse = prop_oneof![
        Just(MouseEventKind::ScrollDown),
        Just(MouseEventKind::ScrollUp),
        Just(MouseEventKind::Down(MouseButton::Left)),
        Just(MouseEventKind::Drag(MouseButton::Left)),
        Just(MouseEventKind::Up(MouseButton::Left)),
        Just(MouseEventKind::Moved),
    ];
    prop_oneof![
        12 => (0..TABLE.len()).prop_map(Deed::Row),
        4 => (code(), 0u8..8).prop_map(|(code, held)| Deed::Key(code, held)),
        1 => "[a-z0-9<> .%'\"\\-]{0,12}".prop_map(Deed::Text),
        1 => any::<String>().prop_map(Deed::Paste),
        3 => (0..LINES.len(), "(set|class|theme|sort|filter|z|rank)?[ \u{a0}\u{3000}<αé銀]{0,3}[a-z0-9.]{0,4}")
            .prop_map(|(line, text)| Deed::Line(line, text)),
        2 => (0u16..=200, 0u16..=60).prop_map(|(width, height)| Deed::Resize(width, height)),
        2 => (mouse, 0u16..220, 0u16..80).prop_map(|(kind, x, y)| Deed::Mouse(kind, x, y)),
        1 => Just(Deed::Tick),
        1 => Just(Deed::JobEnded),
        1 => any::<u8>().prop_map(Deed::Theme),
    ]
}

fn perform(bench: &mut Bench, deed: &Deed) {
    match deed {
        Deed::Row(row) => {
            if let Some(keys) = TABLE[*row].keys.first() {
                bench.press(keys);
            }
        }
        Deed::Key(code, held) => {
            let mut modifiers = KeyModifiers::NONE;
            for (bit, modifier) in [
                (1, KeyModifiers::CONTROL),
                (2, KeyModifiers::ALT),
                (4, KeyModifiers::SHIFT),
            ] {
                modifiers.set(modifier, held & bit != 0);
            }
            bench.input(Input::Key(KeyEvent::new(*code, modifiers)));
        }
        Deed::Text(text) => {
            bench.type_text(text);
        }
        Deed::Paste(text) => bench.input(Input::Paste(text.clone())),
        Deed::Line(line, text) => {
            bench
                .press("esc esc")
                .press(LINES[*line])
                .type_text(text)
                .press("tab tab left");
            bench.frame();
            bench.press("enter");
        }
        Deed::Resize(width, height) => bench.resize((*width, *height)),
        Deed::Mouse(kind, column, row) => bench.input(Input::Mouse(MouseEvent {
            kind: *kind,
            column: *column,
            row: *row,
            modifiers: KeyModifiers::NONE,
        })),
        Deed::Tick => bench.event(AppEvent::Tick(std::time::Duration::from_millis(125))),
        Deed::JobEnded => bench.event(AppEvent::Job(JobEvent::Ended(Err("it failed".into())))),
        Deed::Theme(bits) => {
            bench.app.shell.theme = Theme {
                depth: [Depth::True, Depth::Indexed, Depth::Ansi16, Depth::Mono][usize::from(bits % 4)],
                dark: bits & 4 != 0,
                ascii: bits & 8 != 0,
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_brings_it_down(
        deeds in prop::collection::vec(deed(), 1..70),
        sizes in prop::collection::vec((0u16..=200, 0u16..=60), 6),
        ranked: bool,
    ) {
        let desk = Desk::new(&small(8));
        let path = desk.path("catalog.parquet");
        let catalog = path.to_str().unwrap();
        let mut bench = Bench::with(catalog, &desk.path("."), (120, 40));
        if ranked {
            bench = bench.ranked(verdicts(catalog, 8));
        }
        for (n, deed) in deeds.iter().enumerate() {
            perform(&mut bench, deed);
            if n % 3 == 0 {
                bench.frame();
            }
        }
        // Of the size that it knows, and of any other.
        bench.frame();
        for size in sizes {
            bench.frame_of(size);
            bench.resize(size);
            bench.frame();
        }
        let state = serde_json::to_string(&bench.app.save()).unwrap();
        let mut again = Bench::with(catalog, &desk.path("."), (80, 24));
        again.app.restore(&serde_json::from_str(&state).unwrap());
        again.frame();
    }
}

#[test]
fn every_size_from_nothing_up() {
    let desk = Desk::new(&small(4));
    let path = desk.path("catalog.parquet");
    let catalog = path.to_str().unwrap();
    let mut bench = Bench::with(catalog, &desk.path("."), (120, 40)).ranked(verdicts(catalog, 4));
    for keys in ["1", "2", "3", "4", "?", "esc : f", "esc 1 g"] {
        bench.press(keys);
        for width in [0, 1, 59, 60, 61, 80, 99, 100, 160, 200] {
            for height in [0, 1, 15, 16, 17, 24, 60] {
                bench.frame_of((width, height));
                bench.resize((width, height));
                bench.frame();
            }
        }
    }
}
