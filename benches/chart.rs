//! How long a spectrum takes to become cells, and how many bytes it is to the terminal.
//!
//! `cargo bench --bench chart`. The spectrum has `SPECTRIAGE_BENCH_PIXELS` pixels (10,000) with noise, model, flagged regions and
//! lines.

use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;

use divan::{Bencher, black_box};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::{TerminalOptions, Viewport};
use spectriage::anomaly::{Reason, Region};
use spectriage::figure::{self, Panel, SkyImage, SpectrumView};
use spectriage::spectrum::{Facts, MaskKind};
use spectriage::tui::chart;
use spectriage::tui::theme::{Depth, Theme};

fn pixels() -> usize {
    let text = std::env::var("SPECTRIAGE_BENCH_PIXELS").ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(10_000)
}

fn region(from: f64, to: f64, reason: Reason, significance: f64) -> Region {
    Region {
        start: 0,
        end: 1,
        wavelength_min: from,
        wavelength_max: to,
        rest_min: from / 1.1,
        rest_max: to / 1.1,
        reason,
        value: significance,
        significance,
        line: None,
        artifact_fraction: 0.0,
        artifact_probability: None,
    }
}

/// A slope with lines and noise at z = 0.1.
fn panels() -> Vec<Panel> {
    let n = pixels();
    let wavelength: Vec<f64> = (0..n).map(|i| 3600.0 + 6224.0 * i as f64 / n as f64).collect();
    let line = |w: f64, at: f64| (-0.5 * ((w - at) / 5.0).powi(2)).exp();
    let model = |w: f64| 6.0 + (w - 3600.0) * 8e-4 + 9.0 * line(w, 5508.0) + 12.0 * line(w, 7221.0);
    // a cheap sequence without structure
    let noise = |i: usize| ((i * 7_368_787 % 100_003) as f64 / 100_003.0 - 0.5) * 4.0;
    let view = SpectrumView {
        facts: Facts {
            object_id: "bench".into(),
            z: Some(0.1),
            ..Facts::default()
        },
        rank: 1,
        score: 9.0,
        percentile: 99.0,
        anomalous: true,
        reason: "excess flux".into(),
        sn: 5.0,
        flux: (0..n).map(|i| (model(wavelength[i]) + noise(i)) as f32).collect(),
        sigma: vec![1.2; n],
        valid: (0..n).map(|i| i % 997 > 4).collect(),
        reconstruction: wavelength.iter().map(|w| model(*w) as f32).collect(),
        residual_sigma: (0..n).map(|i| (noise(i) / 1.2) as f32).collect(),
        regions: vec![
            region(5490.0, 5520.0, Reason::ExcessFlux, 14.0),
            region(6900.0, 7000.0, Reason::MissingFlux, -7.0),
        ],
        mask_kind: MaskKind::Desi,
        sky: SkyImage::Missing { why: String::new() },
        wavelength,
    };
    figure::spectrum(&view).panels
}

fn areas(width: u16, height: u16) -> [Rect; 2] {
    let lower = height / 3;
    [
        Rect::new(0, 0, width, height - lower),
        Rect::new(0, height - lower, width, lower),
    ]
}

#[divan::bench(args = [(80, 24), (120, 40), (200, 60)])]
fn spectrum_and_residual(bencher: Bencher, (width, height): (u16, u16)) {
    let panels = panels();
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let theme = Theme::default();
    bencher.bench_local(|| {
        buffer.reset();
        let panels: Vec<&Panel> = panels.iter().collect();
        chart::stack(black_box(&panels), &areas(width, height), &mut buffer, &theme)
    });
}

#[divan::bench(args = [40, 120])]
fn main_panel(bencher: Bencher, height: u16) {
    let panel = &panels()[0];
    let area = Rect::new(0, 0, 3 * height, height);
    let mut buffer = Buffer::empty(area);
    bencher.bench_local(|| {
        buffer.reset();
        chart::draw(black_box(panel), area, &mut buffer, &Theme::default())
    });
}

#[divan::bench]
fn spark_of_a_row(bencher: Bencher) {
    let values: Vec<f32> = (0..pixels()).map(|i| (i as f32 * 0.01).sin()).collect();
    bencher.bench_local(|| chart::spark(black_box(&values), 24, &Theme::default()));
}

/// Counts what is written.
#[derive(Clone, Default)]
struct Counted(Rc<Cell<usize>>);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Bytes to the terminal for a first frame, for one more of the same, and for one with a single cell changed.
fn bytes(theme: &Theme) -> std::io::Result<[usize; 3]> {
    let panels = panels();
    let panels: Vec<&Panel> = panels.iter().collect();
    let area = Rect::new(0, 0, 120, 40);
    let options = TerminalOptions {
        viewport: Viewport::Fixed(area),
    };
    let counted = Counted::default();
    let mut terminal = Terminal::with_options(CrosstermBackend::new(counted.clone()), options)?;
    let mut sizes = [0; 3];
    let mut sent = 0;
    for (i, size) in sizes.iter_mut().enumerate() {
        terminal.draw(|frame| {
            let buffer = frame.buffer_mut();
            chart::stack(&panels, &areas(area.width, area.height), buffer, theme);
            if i == 2 {
                buffer[(60, 20)].set_symbol("x");
            }
        })?;
        let all = counted.0.get();
        *size = all - sent;
        sent = all;
    }
    Ok(sizes)
}

fn main() -> std::io::Result<()> {
    divan::main();
    println!("bytes to a terminal of 120x40: first frame, the same again, one cell changed");
    for depth in [Depth::True, Depth::Indexed, Depth::Ansi16, Depth::Mono] {
        let theme = Theme {
            depth,
            ..Theme::default()
        };
        let [first, same, one] = bytes(&theme)?;
        println!("  {depth:?}: {first}, {same}, {one}");
    }
    let theme = Theme {
        depth: Depth::Mono,
        ascii: true,
        ..Theme::default()
    };
    let [first, same, one] = bytes(&theme)?;
    println!("  ASCII without color: {first}, {same}, {one}");
    Ok(())
}
