//! What is drawn, of whatever spectrum, at whatever size.

use std::sync::Arc;

use crossterm::event::{MouseButton, MouseEventKind};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::{Act, Pane, PaneError};
use super::{done, galaxy, region, rows, view};
use crate::figure::SpectrumView;
use crate::tui::theme::Theme;

#[test]
fn the_words_are_there_when_there_is_room() {
    let theme = Theme::default();
    let pane = done(&[(Act::Crosshair, 1), (Act::CursorLine, 1)]);
    let tall = rows(&pane, Rect::new(0, 0, 140, 30), &theme);
    assert!(
        tall[0].starts_with("1  z 0.1200  S/N 10.0  GALAXY"),
        "{}",
        tall[0]
    );
    assert!(
        tall.iter().any(|row| row.contains("Residual")),
        "{}",
        tall.join("\n")
    );
    let readout = tall
        .iter()
        .find(|row| row.starts_with("λ "))
        .expect("the crosshair's row");
    assert!(
        readout.contains("rest ") && readout.contains("f 5.0") && readout.contains(" km/s"),
        "{readout}"
    );
    let low = rows(&pane, Rect::new(0, 0, 140, 11), &theme).join("\n");
    assert!(!low.contains("Residual") && low.contains("λ "), "{low}");
    let lowest = rows(&pane, Rect::new(0, 0, 140, 5), &theme).join("\n");
    assert!(
        !lowest.contains("S/N") && lowest.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)),
        "{lowest}"
    );
}

#[test]
fn text_of_a_file_cannot_steer_the_terminal() {
    let mut pane = Pane::new();
    let mut evil = galaxy("\u{1b}[31mred\u{202e}");
    evil.facts.spectype = Some("\u{7}QSO".to_owned().into());
    pane.show(Arc::new(evil));
    let text = rows(&pane, Rect::new(0, 0, 100, 20), &Theme::default()).join("\n");
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{text}");
}

/// Spectra as odd as they come.
fn odd() -> Vec<SpectrumView> {
    let nan = f64::NAN;
    let grid: Vec<f64> = (0..300).map(|i| 4000.0 + f64::from(i)).collect();
    let mut list = vec![
        galaxy("plain"),
        view("empty", Vec::new(), |_| 1.0, 1.0),
        view("one", vec![5000.0], |_| 1.0, 1.0),
        view("nan", grid.clone(), |_| nan, f32::NAN),
        view("huge", grid.clone(), |w| (w - 4150.0) * 1e36, 1e38),
        view("nan wavelengths", vec![nan; 5], |_| 1.0, 1.0),
        view("one wavelength", vec![4000.0; 9], |_| 1.0, 1.0),
        view("flat", grid.clone(), |_| 0.0, f32::NAN),
    ];
    let mut short = view("short lists", grid, |_| 2.0, 2.0);
    short.valid.truncate(7);
    short.sigma.clear();
    short.residual_sigma.truncate(40);
    short.facts.z = Some(-7.0);
    short.regions = vec![region(nan, nan, nan), region(1e300, -1e300, f64::INFINITY)];
    list.push(short);
    let mut unknown = galaxy("no redshift");
    unknown.facts.z = None;
    unknown.regions.clear();
    list.push(unknown);
    list
}

#[test]
fn every_spectrum_is_drawn_at_every_size() {
    for view in odd() {
        let mut pane = Pane::new();
        pane.show(Arc::new(view));
        for act in [
            Act::Crosshair,
            Act::Measure,
            Act::CursorFarRight,
            Act::Measure,
            Act::Box,
        ] {
            pane.act(act, 1);
        }
        for (width, height) in [
            (0, 0),
            (1, 1),
            (3, 40),
            (300, 1),
            (20, 6),
            (40, 12),
            (80, 20),
            (200, 60),
        ] {
            let area = Rect::new(0, 0, width, height);
            rows(&pane, area, &Theme::default());
            pane.layout(area);
            let theme = Theme {
                ascii: true,
                ..Theme::default()
            };
            let plain = rows(&pane, area, &theme);
            let ascii = |c: char| c.is_ascii() || c == '…';
            assert!(plain.iter().all(|row| row.chars().all(ascii)), "{plain:?}");
        }
        // a place that is not on the screen
        let mut small = Buffer::empty(Rect::new(0, 0, 10, 5));
        pane.draw(Rect::new(4, 3, 50, 20), &mut small, &Theme::default());
    }
    let mut nothing = Pane::new();
    for act in Act::ALL {
        nothing.act(*act, 3);
    }
    rows(&nothing, Rect::new(0, 0, 40, 10), &Theme::default());
    assert_eq!(nothing.typed_range("1 2"), Err(PaneError::NoSpectrum));
}

#[test]
fn a_drawn_pane_is_the_one_that_was_laid_out() {
    let mut pane = done(&[(Act::NextLine, 3), (Act::Smoother, 2), (Act::Crosshair, 1)]);
    let area = Rect::new(0, 0, 90, 25);
    let fresh = rows(&pane, area, &Theme::default());
    pane.layout(area);
    assert_eq!(rows(&pane, area, &Theme::default()), fresh);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_order_of_acts_breaks_the_pane(
        which in 0usize..10,
        steps in prop::collection::vec((0usize..60, 0u32..50, 0u16..70, 0u16..25), 1..40),
    ) {
        let mut pane = Pane::new();
        let area = Rect::new(2, 1, 60, 20);
        pane.layout(area);
        pane.show(Arc::new(odd().swap_remove(which)));
        for (i, count, column, row) in steps {
            match (Act::ALL.get(i), i % 6) {
                (Some(act), _) => pane.act(*act, count),
                (None, 0) => { pane.mouse(column, row, MouseEventKind::Down(MouseButton::Left)); }
                (None, 1) => { pane.mouse(column, row, MouseEventKind::Drag(MouseButton::Left)); }
                (None, 2) => { pane.mouse(column, row, MouseEventKind::Up(MouseButton::Left)); }
                (None, 3) => { pane.mouse(column, row, MouseEventKind::ScrollUp); }
                (None, 4) => pane.layout(Rect::new(0, 0, column, row)),
                (None, _) => { let _ = pane.redshift_to_line("Ha"); }
            }
            let (low, high) = pane.range();
            prop_assert!(low.is_finite() && high.is_finite() && low < high, "{low} {high}");
            let all = pane.all();
            prop_assert!(low >= all.0 - 1e-6 && high <= all.1 + 1e-6);
        }
        rows(&pane, Rect::new(0, 0, 80, 24), &Theme::default());
    }
}
