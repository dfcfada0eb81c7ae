//! What is seen of a panel, cell by cell.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::*;
use crate::anomaly::Reason;
use crate::figure::{
    self, Axis, Band, BandKind, Guide, Mark, MarkKind, Scale, Series, SeriesStyle, Shape, SkyImage,
    SpectrumView,
};
use crate::spectrum::{Facts, MaskKind};
use crate::tui::theme::Depth;

mod properties;

const ASCII: Theme = Theme {
    depth: Depth::Mono,
    dark: true,
    ascii: true,
};

fn theme(depth: Depth) -> Theme {
    Theme {
        depth,
        ..Theme::default()
    }
}

fn panel(x: Axis, y: Axis, series: Vec<Series>) -> Panel {
    Panel {
        rect: figure::Rect {
            x: 0.0,
            y: 0.0,
            width: 1.0,
            height: 1.0,
        },
        x,
        y,
        top: None,
        series,
        bands: Vec::new(),
        guides: Vec::new(),
        marks: Vec::new(),
        band_labels: 0.0,
        note: None,
    }
}

fn curve(x: Vec<f64>, y: Vec<f64>, shape: Shape, style: SeriesStyle) -> Series {
    Series {
        name: "curve".to_owned(),
        x: Arc::from(x),
        y,
        shape,
        style,
    }
}

fn linear(min: f64, max: f64) -> Axis {
    Axis::new("Value (σ)", min, max, Scale::Linear)
}

fn text(buf: &Buffer) -> String {
    let width = usize::from(buf.area.width);
    let rows = buf.content.chunks(width.max(1));
    let line = |row: &[ratatui::buffer::Cell]| row.iter().map(|cell| cell.symbol()).collect::<String>();
    rows.map(|row| line(row).trim_end().to_owned() + "\n").collect()
}

/// A made-up galaxy at z = 0.12: a slope with Hβ, [O III] and Hα, one masked stretch, noise without chance, and one line that the model
/// does not know.
fn galaxy() -> SpectrumView {
    let n = 3000;
    let wavelength: Vec<f64> = (0..n).map(|i| 3800.0 + 1.8 * f64::from(i)).collect();
    let line = |w: f64, at: f64, sigma: f64| (-0.5 * ((w - at * 1.12) / sigma).powi(2)).exp();
    let model = |w: f64| {
        4.0 + (w - 3800.0) * 4e-4 - 1.5 * line(w, 3945.0, 30.0)
            + 6.0 * line(w, 5008.2, 4.0)
            + 2.0 * line(w, 4862.7, 4.0)
            + 8.0 * line(w, 6564.6, 5.0)
    };
    let noise = |i: usize| ((i * 7_368_787 % 100_003) as f64 / 100_003.0 - 0.5) * 1.2;
    let strange = |w: f64| 5.0 * (-0.5 * ((w - 6300.0) / 12.0).powi(2)).exp();
    let region = |from: f64, to: f64, reason: Reason, significance: f64| crate::anomaly::Region {
        start: 0,
        end: 1,
        wavelength_min: from,
        wavelength_max: to,
        rest_min: from / 1.12,
        rest_max: to / 1.12,
        reason,
        value: significance,
        significance,
        line: None,
        artifact_fraction: 0.0,
        artifact_probability: None,
    };
    SpectrumView {
        facts: Facts {
            object_id: "a".into(),
            z: Some(0.12),
            ..Facts::default()
        },
        rank: 1,
        score: 1.0,
        percentile: 99.0,
        anomalous: true,
        reason: String::new(),
        sn: 10.0,
        flux: (0..n as usize)
            .map(|i| (model(wavelength[i]) + strange(wavelength[i]) + noise(i)) as f32)
            .collect(),
        sigma: vec![0.35; n as usize],
        valid: wavelength.iter().map(|w| !(5560.0..5600.0).contains(w)).collect(),
        reconstruction: wavelength.iter().map(|w| model(*w) as f32).collect(),
        residual_sigma: (0..n as usize)
            .map(|i| ((noise(i) + strange(wavelength[i])) / 0.35) as f32)
            .collect(),
        regions: vec![
            region(6260.0, 6340.0, Reason::ExcessFlux, 41.0),
            region(4700.0, 4730.0, Reason::MissingFlux, -5.2),
        ],
        mask_kind: MaskKind::Sdss,
        sky: SkyImage::Missing { why: String::new() },
        wavelength,
    }
}

/// Spectrum above, residual below.
fn drawn(width: u16, height: u16, theme: &Theme) -> (Buffer, Vec<Frame>) {
    let panels = figure::spectrum(&galaxy()).panels;
    let lower = height / 3;
    let areas = [
        Rect::new(0, 0, width, height - lower),
        Rect::new(0, height - lower, width, lower),
    ];
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    let frames = stack(&[&panels[0], &panels[1]], &areas, &mut buf, theme);
    (buf, frames)
}

/// Whether a dot is drawn.
fn lit(buf: &Buffer, frame: &Frame, column: usize, row: usize) -> bool {
    let at = (
        frame.plot.x + (column / canvas::ACROSS) as u16,
        frame.plot.y + (row / canvas::DOWN) as u16,
    );
    let glyph = buf[at].symbol().chars().next().unwrap_or(' ') as u32;
    (0x2800..0x2900).contains(&glyph) && (glyph - 0x2800) as u8 & canvas::bit(column, row) != 0
}

#[test]
fn a_spectrum_with_its_residual() {
    insta::assert_snapshot!("spectrum_and_residual", text(&drawn(80, 28, &Theme::default()).0));
    insta::assert_snapshot!("spectrum_in_ascii", text(&drawn(80, 24, &ASCII).0));
}

#[test]
fn panels_of_a_stack_are_aligned_at_every_size() {
    for (width, height) in [(80, 24), (120, 40), (40, 12), (200, 60)] {
        let (_, frames) = drawn(width, height, &Theme::default());
        assert_eq!(frames[0].plot.left(), frames[1].plot.left());
        assert_eq!(frames[0].plot.right(), frames[1].plot.right());
        for x in [3801.0, 5000.0, 6300.0, 9100.0] {
            assert_eq!(frames[0].column_of(x), frames[1].column_of(x));
        }
    }
}

#[test]
fn the_same_panel_gives_the_same_cells() {
    let (first, _) = drawn(120, 40, &Theme::default());
    let (second, _) = drawn(120, 40, &Theme::default());
    assert!(first.diff(&second).is_empty());
}

#[test]
fn ascii_is_ascii_and_mono_has_no_color() {
    let (buf, _) = drawn(120, 40, &ASCII);
    assert!(text(&buf).is_ascii(), "{}", text(&buf));
    let (mono, _) = drawn(120, 40, &theme(Depth::Mono));
    assert!(
        mono.content
            .iter()
            .all(|c| c.fg == Color::Reset && c.bg == Color::Reset)
    );
    // flagged stretches are named and marked without color
    let shown = text(&mono);
    assert!(shown.contains("+41σ") && shown.contains("━━"), "{shown}");
}

#[test]
fn flagged_stretches_are_tinted_over_the_whole_height() {
    let (buf, frames) = drawn(120, 40, &Theme::default());
    for frame in frames {
        let plain = frame.column_of(8000.0).unwrap();
        let flagged = frame.column_of(6300.0).unwrap();
        for y in frame.plot.top()..frame.plot.bottom() {
            assert_ne!(buf[(flagged, y)].bg, Color::Reset);
            assert_ne!(buf[(flagged, y)].bg, buf[(plain, y)].bg);
        }
    }
}

#[test]
fn a_flagged_stretch_leaves_a_title_whole() {
    let mut flagged = panel(linear(0.0, 100.0), linear(-2.0, 2.0), Vec::new());
    flagged.bands.push(figure::Band {
        from: 0.0,
        to: 100.0,
        kind: figure::BandKind::Region(Reason::ExcessFlux),
        label: None,
        weight: 1.0,
    });
    for theme in [Theme::default(), ASCII] {
        let area = Rect::new(0, 0, 40, 10);
        let mut buf = Buffer::empty(area);
        draw(&flagged, area, &mut buf, &theme);
        let shown = text(&buf);
        let title = if theme.ascii {
            " Value (sigma) "
        } else {
            " Value (σ) "
        };
        assert!(shown.contains(title), "{shown}");
        assert!(shown.contains(if theme.ascii { "===" } else { "━━━" }), "{shown}");
    }
}

#[test]
fn a_model_through_noise_is_a_line_of_its_own_color() {
    let x: Vec<f64> = (0..4000).map(f64::from).collect();
    let noise: Vec<f64> = (0..4000)
        .map(|i| f64::from(i * 7919 % 101) / 50.0 - 1.0)
        .collect();
    let series = vec![
        curve(x.clone(), noise, Shape::Step, SeriesStyle::Data),
        curve(x, vec![0.1; 4000], Shape::Line, SeriesStyle::Reconstruction),
    ];
    let area = Rect::new(0, 0, 12, 4);
    let mut buf = Buffer::empty(area);
    let theme = Theme::default();
    let frame = draw(
        &panel(linear(0.0, 4000.0), linear(-2.0, 2.0), series),
        area,
        &mut buf,
        &theme,
    );
    let row = frame.row_of(0.1).unwrap();
    for x in area.left()..area.right() {
        assert_eq!(buf[(x, row)].fg, theme.style(Role::Model).fg.unwrap());
        assert_eq!(buf[(x, row + 1)].fg, theme.style(Role::Data).fg.unwrap());
        // its dots alone: one row of them
        assert_eq!(buf[(x, row)].symbol(), "⣀");
    }
}

#[test]
fn a_model_along_the_data_leaves_both_in_sight() {
    let x: Vec<f64> = (0..100).map(f64::from).collect();
    let series = vec![
        curve(x.clone(), vec![0.1; 100], Shape::Line, SeriesStyle::Data),
        curve(x, vec![0.1; 100], Shape::Line, SeriesStyle::Reconstruction),
    ];
    let area = Rect::new(0, 0, 12, 4);
    let mut buf = Buffer::empty(area);
    let theme = Theme::default();
    let frame = draw(
        &panel(linear(0.0, 99.0), linear(-2.0, 2.0), series),
        area,
        &mut buf,
        &theme,
    );
    let row = frame.row_of(0.1).unwrap();
    for role in [Role::Data, Role::Model] {
        let own = (0..12).filter(|x| buf[(*x, row)].fg == theme.style(role).fg.unwrap());
        assert_eq!(own.count(), 6);
    }
}

#[test]
fn names_and_numbers_never_touch() {
    let mut crowded = panel(linear(3600.0, 9800.0), linear(-1e-4, 3e-4), Vec::new());
    crowded.marks = (0..40)
        .map(|i| Mark {
            x: 3600.0 + 155.0 * f64::from(i),
            name: format!("L{i:02}"),
            kind: MarkKind::Emission,
        })
        .collect();
    for width in 16..140 {
        let area = Rect::new(0, 0, width, 24);
        let mut buf = Buffer::empty(area);
        draw(&crowded, area, &mut buf, &Theme::default());
        let shown = text(&buf);
        for word in shown.split_whitespace().filter(|word| word.starts_with('L')) {
            assert!(word.len() == 3, "{word} at {width}:\n{shown}");
        }
        for word in shown.lines().last().unwrap_or_default().split_whitespace() {
            let value: f64 = word.parse().unwrap();
            assert!(value % 100.0 == 0.0, "{word} at {width}");
        }
    }
}

#[test]
fn guides_and_zones_are_told_without_color() {
    let mut guided = panel(linear(0.0, 10.0), linear(-5.0, 5.0), Vec::new());
    guided.guides = [(-3.0, true), (0.0, false), (3.0, true)]
        .map(|(y, limit)| Guide { y, limit })
        .to_vec();
    let zone = |from: f64, kind: BandKind| Band {
        from,
        to: from + 2.0,
        kind,
        label: None,
        weight: 0.0,
    };
    guided.bands = vec![
        zone(0.0, BandKind::Sky),
        zone(3.0, BandKind::Telluric),
        zone(6.0, BandKind::Overlap),
    ];
    let area = Rect::new(0, 0, 40, 16);
    let mut buf = Buffer::empty(area);
    let frame = draw(&guided, area, &mut buf, &theme(Depth::Mono));
    let dots = |y: f64| {
        let row = frame.row_of(y).unwrap();
        (frame.plot.left()..frame.plot.right())
            .filter(|x| buf[(*x, row)].symbol() != " ")
            .count()
    };
    assert_eq!(dots(0.0), usize::from(frame.plot.width));
    assert_eq!(dots(3.0), usize::from(frame.plot.width).div_ceil(2));
    let foot = |x: f64| buf[(frame.column_of(x).unwrap(), frame.plot.bottom())].symbol();
    assert_eq!([foot(1.0), foot(4.0), foot(7.0), foot(9.5)], ["▁", "▃", "▆", " "]);
}

#[test]
fn data_beyond_the_frame_are_pointed_at() {
    let mut y = vec![0.0; 200];
    y[100] = 50.0;
    y[150] = -50.0;
    let x: Vec<f64> = (0..200).map(f64::from).collect();
    let series = vec![curve(x, y, Shape::Step, SeriesStyle::Data)];
    let area = Rect::new(0, 0, 50, 14);
    let mut buf = Buffer::empty(area);
    let frame = draw(
        &panel(linear(0.0, 199.0), linear(-1.0, 1.0), series),
        area,
        &mut buf,
        &Theme::default(),
    );
    let shown = |x: f64, y: u16| buf[(frame.column_of(x).unwrap(), y)].symbol();
    assert_eq!(shown(100.0, frame.plot.top()), "▴");
    assert_eq!(shown(150.0, frame.plot.bottom() - 1), "▾");
}

#[test]
fn a_log_axis_has_its_decades() {
    let x: Vec<f64> = (1..=50).map(f64::from).collect();
    let y: Vec<f64> = x.iter().map(|x| 10.0 / (x * x)).collect();
    let axis = Axis::covering("Loss", y.iter().copied(), 0.05, Scale::Log);
    let series = vec![curve(x, y, Shape::Line, SeriesStyle::Curve(0))];
    let area = Rect::new(0, 0, 60, 20);
    let mut buf = Buffer::empty(area);
    let frame = draw(
        &panel(linear(0.5, 50.5).counting(), axis, series),
        area,
        &mut buf,
        &Theme::default(),
    );
    let (one, tenth, hundredth) = (frame.row_of(1.0), frame.row_of(0.1), frame.row_of(0.01));
    let step = tenth.unwrap() - one.unwrap();
    assert!((hundredth.unwrap() - tenth.unwrap()).abs_diff(step) <= 1);
    assert!(frame.row_of(0.0).is_none() && frame.row_of(-1.0).is_none());
    for label in ["1┤", "0.1┤", "0.01┤"] {
        assert!(text(&buf).contains(label), "{}", text(&buf));
    }
}

#[test]
fn crosshair_and_selection_leave_the_curve() {
    let (mut buf, frames) = drawn(120, 40, &Theme::default());
    let frame = frames[0];
    let before = buf.clone();
    selection(&frame, 6200.0, 6400.0, &mut buf, &Theme::default());
    let (first, last) = (frame.column_of(6200.0).unwrap(), frame.column_of(6400.0).unwrap());
    for y in frame.plot.top()..frame.plot.bottom() {
        for x in first..=last {
            let (old, new) = (&before[(x, y)], &buf[(x, y)]);
            assert_eq!((old.symbol(), old.fg), (new.symbol(), new.fg));
            assert_ne!(old.bg, new.bg);
        }
    }
    crosshair(&frame, 7000.0, 2.0, &mut buf, &Theme::default());
    let column = frame.column_of(7000.0).unwrap();
    assert_eq!(buf[(column, frame.row_of(2.0).unwrap())].symbol(), "┼");
    assert!((frame.x_of(column) - 7000.0).abs() <= 5400.0 / f64::from(frame.plot.width));
    // without color, a chosen interval is reversed
    let (mut mono, frames) = drawn(120, 40, &theme(Depth::Mono));
    selection(&frames[0], 6200.0, 6400.0, &mut mono, &theme(Depth::Mono));
    assert!(
        mono[(first, frames[0].plot.y)]
            .modifier
            .contains(Modifier::REVERSED)
    );
}

#[test]
fn names_cannot_steer_the_terminal() {
    let mut named = panel(linear(0.0, 10.0), linear(0.0, 1.0), Vec::new());
    named.x.label = "\u{1b}[31mx".into();
    named.note = Some("a\u{202e}b".into());
    named.marks = vec![Mark {
        x: 5.0,
        name: "\u{9b}31m\u{7}".into(),
        kind: MarkKind::Sky,
    }];
    let area = Rect::new(0, 0, 60, 20);
    let mut buf = Buffer::empty(area);
    draw(&named, area, &mut buf, &Theme::default());
    assert!(
        text(&buf)
            .chars()
            .all(|c| c == '\n' || (!c.is_control() && c != '\u{202e}'))
    );
    assert!(text(&buf).contains("·[31mx"));
}

#[test]
fn sparks_have_their_width_and_their_gaps() {
    let theme = Theme::default();
    let ramp: Vec<f32> = (0..8).map(|i| i as f32).collect();
    assert_eq!(spark(&ramp, 4, &theme), "⣀⠤⠒⠉");
    assert_eq!(spark(&[f32::NAN; 10], 3, &theme), "   ");
    assert_eq!(spark(&[], 3, &theme), "   ");
    assert_eq!(spark(&[2.0; 10], 0, &theme), "");
    let gap = [0.0, 0.0, f32::NAN, f32::NAN, 1.0, 1.0];
    assert_eq!(spark_within(&gap, (0.0, 1.0), 3, &theme), "⣀ ⠉");
    assert_eq!(spark_within(&gap, (0.0, 1.0), 3, &ASCII), ". '");
    // one sample of many is seen
    let mut flat = vec![0.0f32; 5000];
    flat[2500] = 1.0;
    assert!(spark_within(&flat, (0.0, 1.0), 10, &theme).contains(['⡇', '⢸', '⣇', '⣸']));
}

#[test]
fn a_histogram_shows_each_count() {
    let area = Rect::new(0, 0, 20, 6);
    let mut buf = Buffer::empty(area);
    let edges: Vec<f64> = (0..=5).map(f64::from).collect();
    histogram(&[1, 1000, 500, 0, 1], &edges, area, &mut buf, &Theme::default());
    let shown = text(&buf);
    let rows: Vec<&str> = shown.lines().collect();
    assert_eq!(rows[3], "▁▁▁▁████████    ▁▁▁▁", "{shown}");
    assert!(rows[0].ends_with("1000"), "{shown}");
    assert_eq!(buf[(8, 1)].symbol(), " ");
    assert_eq!(buf[(8, 2)].symbol(), "█");
}

#[test]
fn numbers_of_the_y_axis_are_regular() {
    for height in 5..50 {
        for top in [1.0, 3.0, 7.3, 240.0, 1e5] {
            let area = Rect::new(0, 0, 60, height);
            let mut buf = Buffer::empty(area);
            draw(
                &panel(linear(0.0, 1.0), linear(-0.3 * top, top), Vec::new()),
                area,
                &mut buf,
                &Theme::default(),
            );
            let shown = text(&buf);
            let numbers = shown.lines().filter_map(|line| line.split_once('┤'));
            let values: Vec<f64> = numbers
                .map(|(n, _)| n.trim().replace('−', "-").parse().unwrap())
                .collect();
            let steps: Vec<f64> = values.windows(2).map(|pair| pair[0] - pair[1]).collect();
            assert!(
                steps.iter().all(|s| (s - steps[0]).abs() < 1e-9 * top),
                "{values:?} in {height} rows"
            );
        }
    }
}
