//! The pane as its user meets it: acts in, view and cells out.

use std::sync::Arc;

use crossterm::event::{MouseButton, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Act, Pane, PaneError};
use crate::anomaly::{Reason, Region};
use crate::figure::{FluxScale, LineSet, SkyImage, SpectrumView};
use crate::spectrum::prepare::Frame;
use crate::spectrum::{Facts, MaskKind};
use crate::tui::theme::Theme;

mod cells;

const Z: f64 = 0.12;

fn region(low: f64, high: f64, significance: f64) -> Region {
    Region {
        start: 0,
        end: 1,
        wavelength_min: low,
        wavelength_max: high,
        rest_min: low / (1.0 + Z),
        rest_max: high / (1.0 + Z),
        reason: Reason::ExcessFlux,
        value: 0.0,
        significance,
        line: None,
        artifact_fraction: 0.0,
        artifact_probability: None,
    }
}

fn view(id: &str, wavelength: Vec<f64>, flux: impl Fn(f64) -> f64, model: f32) -> SpectrumView {
    let n = wavelength.len();
    let flux: Vec<f32> = wavelength.iter().map(|w| flux(*w) as f32).collect();
    SpectrumView {
        facts: Facts {
            object_id: id.to_owned().into(),
            z: Some(Z),
            spectype: Some("GALAXY".to_owned().into()),
            ..Facts::default()
        },
        rank: 1,
        score: 1.0,
        percentile: 99.0,
        anomalous: true,
        reason: String::new(),
        sn: 10.0,
        sigma: vec![0.5; n],
        valid: vec![true; n],
        reconstruction: vec![model; n],
        residual_sigma: flux.iter().map(|f| (f - model) / 0.5).collect(),
        regions: vec![
            region(6000.0, 6030.0, 5.0),
            region(7000.0, 7010.0, -40.0),
            region(6010.0, 6040.0, 4.0),
        ],
        mask_kind: MaskKind::Desi,
        sky: SkyImage::Missing { why: String::new() },
        wavelength,
        flux,
    }
}

/// A level of 5 with Hα of flux 100 in it.
fn galaxy(id: &str) -> SpectrumView {
    let wavelength: Vec<f64> = (0..7781).map(|i| 3600.0 + 0.8 * f64::from(i)).collect();
    let peak = 100.0 / (4.0 * std::f64::consts::TAU.sqrt());
    let flux = |w: f64| 5.0 + peak * (-0.5 * ((w - 6564.61 * (1.0 + Z)) / 4.0).powi(2)).exp();
    view(id, wavelength, flux, 5.0)
}

fn pane() -> Pane {
    let mut pane = Pane::new();
    pane.layout(Rect::new(0, 0, 120, 30));
    pane.show(Arc::new(galaxy("1")));
    pane
}

fn done(acts: &[(Act, u32)]) -> Pane {
    let mut pane = pane();
    for (act, count) in acts {
        pane.act(*act, *count);
    }
    pane
}

fn rows(pane: &Pane, area: Rect, theme: &Theme) -> Vec<String> {
    let mut buf = Buffer::empty(area);
    pane.draw(area, &mut buf, theme);
    (area.top()..area.bottom())
        .map(|y| {
            (area.left()..area.right())
                .map(|x| buf[(x, y)].symbol())
                .collect()
        })
        .collect()
}

#[test]
fn the_view_is_zoomed_and_panned_within_the_spectrum() {
    let zoomed = done(&[(Act::ZoomIn, 4)]);
    let (low, high) = zoomed.range();
    assert!((high - low - 6224.0 / 1.5f64.powi(4)).abs() < 1e-6);
    assert!(((low + high) / 2.0 - 6712.0).abs() < 1e-6);
    let at_end = done(&[(Act::ZoomIn, 4), (Act::PanRight, 20)]);
    assert!(
        (at_end.range().1 - 9824.0).abs() < 1e-6
            && (at_end.range().1 - at_end.range().0 - (high - low)).abs() < 1e-6
    );
    assert_eq!(done(&[(Act::ZoomIn, 4), (Act::ZoomOut, 4)]).look().range, None);
    assert_eq!(done(&[(Act::ZoomIn, 4), (Act::ZoomReset, 1)]).look().range, None);
    let closest = done(&[(Act::ZoomIn, 1000)]).range();
    assert!(
        (closest.1 - closest.0 - 8.0).abs() < 1e-6,
        "ten pixels, {closest:?}"
    );
    let whole = done(&[(Act::PanLeft, 3)]);
    assert!(whole.look().range.is_none() && whole.note().is_some());
}

#[test]
fn twenty_steps_cross_a_view_of_a_fifth() {
    let mut pane = done(&[(Act::ZoomIn, 4), (Act::PanLeft, 1000)]);
    pane.act(Act::PanRight, 20);
    assert!((pane.range().1 - 9824.0).abs() < 1.0, "{:?}", pane.range());
}

#[test]
fn zooming_keeps_the_crosshair_where_it_is() {
    let mut pane = done(&[(Act::Crosshair, 1), (Act::CursorFarRight, 2)]);
    let share = |pane: &Pane| (pane.cursor().unwrap() - pane.range().0) / (pane.range().1 - pane.range().0);
    let before = share(&pane);
    pane.act(Act::ZoomIn, 3);
    assert!((share(&pane) - before).abs() < 1e-9);
}

#[test]
fn the_strongest_region_comes_first_and_each_once() {
    let shown = |acts: &[(Act, u32)]| done(acts).range();
    let middle = |(low, high): (f64, f64)| (low + high) / 2.0;
    let first = shown(&[(Act::NextRegion, 1)]);
    assert!((middle(first) - 7005.0).abs() < 1e-6);
    assert!((first.1 - first.0 - 40.0).abs() < 1e-6, "at least 40 Angstrom");
    let second = shown(&[(Act::NextRegion, 2)]);
    assert!((middle(second) - 6015.0).abs() < 1e-6 && (second.1 - second.0 - 90.0).abs() < 1e-6);
    assert_eq!(
        shown(&[(Act::NextRegion, 3)]),
        first,
        "the weaker of two that overlap is no stop"
    );
    assert_eq!(shown(&[(Act::PreviousRegion, 1)]), second);
}

#[test]
fn all_lines_are_walked_once_in_order_and_back() {
    let mut pane = pane();
    let stops = super::stops::lines(pane.look(), pane.all());
    let mut notes = Vec::new();
    for _ in &stops {
        pane.act(Act::NextLine, 1);
        notes.push(pane.note().unwrap().to_owned());
    }
    assert!(
        notes[0].ends_with(&format!("line 1 of {}", stops.len())),
        "{notes:?}"
    );
    let mut once = notes.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), stops.len());
    pane.act(Act::NextLine, 1);
    assert_eq!(pane.note(), Some(&*notes[0]));
    pane.act(Act::PreviousLine, 1);
    assert_eq!(pane.note(), notes.last().map(String::as_str));
    // from anywhere, the next line to the red
    pane.typed_range("7200 7300").unwrap();
    pane.act(Act::NextLine, 1);
    let (low, high) = pane.range();
    assert!(
        ((low + high) / 2.0 - 6549.86 * (1.0 + Z)).abs() < 0.5,
        "{:?}",
        pane.note()
    );
    assert!((high - low - 120.0 * (1.0 + Z)).abs() < 1e-6);
}

#[test]
fn back_and_forward_go_through_views() {
    let mut pane = done(&[
        (Act::NextLine, 1),
        (Act::NextRegion, 1),
        (Act::PanLeft, 1),
        (Act::PanLeft, 1),
    ]);
    let last = pane.range();
    pane.act(Act::Back, 1);
    assert!(
        (pane.range().0 - 6985.0).abs() < 1e-6,
        "both steps of panning at once"
    );
    pane.act(Act::Back, 2);
    assert_eq!(pane.look().range, None);
    pane.act(Act::Back, 1);
    assert!(pane.note().is_some());
    pane.act(Act::Forward, 9);
    assert_eq!(pane.range(), last);
}

#[test]
fn a_box_needs_two_edges() {
    let mut pane = done(&[(Act::Crosshair, 1), (Act::Box, 1)]);
    assert!(pane.edge_pending() && pane.look().range.is_none());
    let from = pane.cursor().unwrap();
    pane.act(Act::CursorFarRight, 1);
    let to = pane.cursor().unwrap();
    assert!(pane.note().is_none());
    pane.act(Act::Box, 1);
    assert!(!pane.edge_pending());
    let said = pane.note().expect("what it did");
    assert!(said.starts_with("zoomed to 6712.0–"), "{said}");
    assert!((pane.range().0 - from).abs() < 1e-6 && (pane.range().1 - to).abs() < 1e-6);
    let mut canceled = done(&[(Act::Box, 1), (Act::Cancel, 1)]);
    assert!(!canceled.edge_pending() && canceled.cursor().is_some());
    canceled.act(Act::Cancel, 1);
    assert!(canceled.cursor().is_none());
}

#[test]
fn a_line_is_measured_between_two_edges() {
    let mut pane = pane();
    pane.typed_range("7300 7400").unwrap();
    let at = |pane: &mut Pane, place: f64| {
        let mut left = 5000;
        pane.act(Act::Crosshair, 1);
        while (pane.cursor().unwrap() - place).abs() > 0.5 && left > 0 {
            let act = if pane.cursor().unwrap() < place {
                Act::CursorRight
            } else {
                Act::CursorLeft
            };
            pane.act(act, 1);
            left -= 1;
        }
    };
    at(&mut pane, 7334.0);
    pane.act(Act::Measure, 1);
    pane.act(Act::Crosshair, 1);
    at(&mut pane, 7371.0);
    pane.act(Act::Measure, 1);
    let measured = pane.measurement().expect("measured");
    assert!((measured.flux.value - 100.0).abs() < 0.5, "{measured:?}");
    let width = measured.equivalent_width.unwrap();
    assert!((width.value + 20.0).abs() < 0.2);
    // Observed -20.0 is -17.9 in the rest frame; width and range outlast the S/N where there is little room.
    let shown = |width| {
        let area = Rect::new(0, 0, width, 30);
        let rows = rows(&pane, area, &Theme::default());
        let row = rows.into_iter().find(|row| row.contains("flux ")).unwrap();
        row.trim_end().to_owned()
    };
    let all = shown(180);
    for words in [
        "EW \u{2212}17.",
        " Å  7334–7371  emission, rest frame",
        "center ",
        "FWHM ",
        "S/N ",
    ] {
        assert!(all.contains(words), "{all}");
    }
    let narrow = shown(48);
    assert!(
        narrow.contains("EW \u{2212}17.") && narrow.contains("7334–7371") && !narrow.contains("S/N"),
        "{narrow}"
    );
    // The status line says all of it, and no longer that it waits for an edge.
    let done = pane.note().unwrap();
    assert!(done.starts_with("flux ") && done.contains("S/N "), "{done}");
}

#[test]
fn the_crosshair_moves_by_pixels_when_they_are_wide_and_stays_in_sight() {
    let mut pane = pane();
    pane.typed_range("6000 6010").unwrap();
    pane.act(Act::CursorRight, 1);
    let start = pane.cursor().unwrap();
    pane.act(Act::CursorRight, 3);
    assert!((pane.cursor().unwrap() - start - 2.4).abs() < 1e-6);
    pane.act(Act::CursorRight, 100);
    let (low, high) = pane.range();
    assert!((low..=high).contains(&pane.cursor().unwrap()) && low > 6010.0);
    for _ in 0..5 {
        pane.act(Act::CursorLeft, 1000);
    }
    assert_eq!(pane.cursor(), Some(3600.0));
}

#[test]
fn the_redshift_is_nudged_set_and_reset() {
    let z = |acts: &[(Act, u32)]| done(acts).redshift().unwrap();
    for (acts, expected) in [
        (vec![(Act::RedshiftUp, 3)], 0.1203),
        (vec![(Act::RedshiftDown, 1)], 0.1199),
        (vec![(Act::RedshiftFarUp, 2)], 0.122),
        (vec![(Act::RedshiftFarDown, 1)], 0.119),
        (vec![(Act::RedshiftUp, 3), (Act::RedshiftReset, 1)], 0.12),
    ] {
        assert!((z(&acts) - expected).abs() < 1e-9, "{acts:?}");
    }
    let mut pane = pane();
    assert_eq!(pane.redshift_to_line("Ha"), Err(PaneError::NoCrosshair));
    pane.act(Act::Crosshair, 1);
    let z = pane.redshift_to_line("[O III] 5007").unwrap();
    assert!((5008.24 * (1.0 + z) - pane.cursor().unwrap()).abs() < 1e-6);
    assert_eq!(pane.look().z, Some(z));
    assert!(
        pane.typed_redshift("-1").is_err()
            && pane.typed_redshift("inf").is_err()
            && pane.typed_redshift("x").is_err()
    );
    assert_eq!(pane.redshift(), Some(z), "what is no redshift changes nothing");
    pane.typed_redshift(" 0.5 ").unwrap();
    assert!((pane.redshift_nudge().unwrap() - 0.38).abs() < 1e-9);
    pane.act(Act::RedshiftReset, 1);
    assert_eq!(pane.redshift_nudge(), None);
    assert!(matches!(pane.redshift_to_line("Ly alpha"), Ok(z) if z > 4.0));
}

#[test]
fn another_object_keeps_the_manner_and_starts_the_view_afresh() {
    let mut pane = done(&[
        (Act::Smoother, 3),
        (Act::Frame, 1),
        (Act::ToggleNoise, 1),
        (Act::CycleLines, 2),
        (Act::NextLine, 1),
        (Act::Crosshair, 1),
        (Act::RedshiftUp, 5),
    ]);
    let range = pane.look().range;
    let mut better = galaxy("1");
    better.reconstruction = vec![5.5; better.flux.len()];
    pane.show(Arc::new(better));
    assert_eq!(
        (pane.look().range, pane.redshift_nudge().is_some()),
        (range, true),
        "the same object"
    );
    pane.show(Arc::new(galaxy("2")));
    let look = pane.look();
    assert_eq!((look.range, look.z, pane.cursor()), (None, Some(Z), None));
    assert_eq!(
        (look.smoothing, look.frame, look.noise),
        (Some(2.0), Frame::Rest, false)
    );
    assert_eq!(look.lines, LineSet::Absorption);
    pane.act(Act::Back, 1);
    assert_eq!(pane.look().range, None, "the views of another object are gone");
}

#[test]
fn layers_and_manners_turn_on_and_off() {
    for (act, of) in [
        (Act::ToggleData, (|pane| pane.look().data) as fn(&Pane) -> bool),
        (Act::ToggleNoise, |pane| pane.look().noise),
        (Act::ToggleModel, |pane| pane.look().model),
        (Act::ToggleResidual, |pane| pane.look().residual),
        (Act::ToggleRegions, |pane| pane.look().regions),
        (Act::ToggleMasked, |pane| pane.look().masked),
        (Act::ToggleZones, |pane| pane.look().zones),
        (Act::ToggleSkyLines, |pane| pane.look().sky_lines),
    ] {
        let before = of(&pane());
        assert_eq!(of(&done(&[(act, 1)])), !before, "{act:?}");
        assert_eq!(of(&done(&[(act, 2)])), before, "{act:?}");
    }
    let smoothing = |acts: &[(Act, u32)]| done(acts).look().smoothing;
    assert_eq!(smoothing(&[(Act::Rougher, 1)]), None);
    assert_eq!(smoothing(&[(Act::Smoother, 1)]), Some(1.0));
    assert_eq!(smoothing(&[(Act::Smoother, 99), (Act::Rougher, 1)]), Some(28.0));
    assert_eq!(smoothing(&[(Act::Smoother, 9), (Act::SmoothOff, 1)]), None);
    let trend = |acts: &[(Act, u32)]| done(acts).look().trend;
    assert!(trend(&[(Act::Smoother, 9), (Act::SmoothOff, 1)]) && !trend(&[(Act::SmoothOff, 1)]));
    let scale = |count| done(&[(Act::ScaleMode, count)]).look().scale;
    assert_eq!(
        (scale(1), scale(2), scale(3)),
        (FluxScale::Bulk, FluxScale::All, FluxScale::Auto)
    );
    assert_eq!(done(&[(Act::ScaleUp, 3), (Act::ScaleDown, 3)]).look().taller, 1.0);
}

#[test]
fn the_mouse_clicks_drags_and_turns_its_wheel() {
    let mut pane = pane();
    let left = MouseButton::Left;
    assert!(pane.mouse(60, 10, MouseEventKind::Down(left)));
    pane.mouse(60, 10, MouseEventKind::Up(left));
    let clicked = pane.cursor().expect("a click puts the crosshair");
    assert!((6000.0..7400.0).contains(&clicked));
    pane.mouse(60, 10, MouseEventKind::ScrollUp);
    let (low, high) = pane.range();
    assert!((high - low - 6224.0 / 1.5).abs() < 1e-6);
    pane.mouse(40, 10, MouseEventKind::Down(left));
    pane.mouse(80, 11, MouseEventKind::Drag(left));
    pane.mouse(80, 11, MouseEventKind::Up(left));
    let boxed = pane.range();
    assert!(boxed.0 > low && boxed.1 < high && pane.look().scale == FluxScale::Auto);
    pane.mouse(40, 6, MouseEventKind::Down(left));
    pane.mouse(80, 14, MouseEventKind::Up(left));
    assert!(matches!(pane.look().scale, FluxScale::Fixed { low, high } if low < high));
    pane.act(Act::Back, 1);
    assert_eq!(
        (pane.range(), pane.look().scale),
        (boxed, FluxScale::Auto),
        "a box is one step"
    );
    assert!(!pane.mouse(0, 29, MouseEventKind::Down(left)), "beside the chart");
    assert!(!pane.mouse(60, 10, MouseEventKind::Moved));
}
