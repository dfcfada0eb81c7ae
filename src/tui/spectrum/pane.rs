//! The state of the pane and what each act does to it.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::Act;
use super::draw::Drawn;
use super::measured::Measured;
use super::redshift::Redshift;
use super::views::{self, View, Views, Way};
use crate::figure::{FluxScale, LineSet, Look, SpectrumView};
use crate::spectrum::prepare::Frame;

/// A spectrum and how it is looked at. How it is looked at outlives the spectrum.
#[derive(Debug, Clone, Default)]
pub struct Pane {
    pub(super) view: Option<Arc<SpectrumView>>,
    pub(super) look: Look,
    pub(super) redshift: Redshift,
    pub(super) views: Views,
    /// Place of the crosshair, observed Angstrom: the middle of a pixel.
    pub(super) cursor: Option<f64>,
    pub(super) edge: Option<Edge>,
    pub(super) measured: Option<Measured>,
    /// Which region one jumped to last, counted from the strongest.
    pub(super) region: Option<usize>,
    /// The line one jumped to last (Angstrom, rest frame), and the view that this gave.
    pub(super) line: Option<(f64, Option<(f64, f64)>)>,
    /// What there is to say about the last act.
    pub(super) note: Option<String>,
    /// Where a button of the mouse went down, and where the pointer is now.
    pub(super) drag: Option<((u16, u16), (u16, u16))>,
    pub(super) area: Rect,
    pub(super) drawn: Option<Drawn>,
}

/// The first edge of an interval, waiting for the second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Edge {
    /// Observed Angstrom.
    pub at: f64,
    /// What the interval is for.
    pub purpose: Purpose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Box,
    Measure,
}

/// Share of the view by which it is panned.
const PAN: f64 = 0.25;
/// How much a step of zoom narrows the view.
pub(super) const ZOOM: f64 = 1.5;
/// How much taller a step makes the curves.
const TALLER: f64 = 1.25;
/// No view is narrower than so many pixels.
const LEAST_PIXELS: f64 = 10.0;
/// Widths of the smoothing, pixels.
const WIDTHS: [f64; 12] = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 14.0, 20.0, 28.0, 40.0];
/// More than so many steps at once are a slip of the finger.
const MOST: u32 = 1000;

impl Pane {
    /// A pane that shows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows a spectrum. Layers, smoothing, frame and lines stay as they are; for another object, view, redshift and crosshair
    /// start afresh.
    pub fn show(&mut self, view: Arc<SpectrumView>) {
        let known = self.view.as_ref().map(|view| &view.facts.object_id);
        if known != Some(&view.facts.object_id) {
            self.forget();
            self.redshift = Redshift::of(view.facts.z);
        }
        self.look.z = self.redshift.value();
        self.view = Some(view);
        self.refresh();
    }

    /// Shows nothing.
    pub fn clear(&mut self) {
        self.forget();
        self.view = None;
        self.redshift = Redshift::default();
        self.look.z = None;
        self.refresh();
    }

    fn forget(&mut self) {
        self.look.range = None;
        self.look.taller = 1.0;
        if matches!(self.look.scale, FluxScale::Fixed { .. }) {
            self.look.scale = FluxScale::Auto;
        }
        self.views = Views::default();
        self.cursor = None;
        self.edge = None;
        self.measured = None;
        self.region = None;
        self.line = None;
        self.note = None;
        self.drag = None;
    }

    /// The spectrum that is shown.
    pub fn shown(&self) -> Option<&Arc<SpectrumView>> {
        self.view.as_ref()
    }

    /// How it is looked at.
    pub fn look(&self) -> &Look {
        &self.look
    }

    /// Takes on a look, as one was saved; the stretch in view and the redshift stay.
    pub fn restore(&mut self, look: Look) {
        self.look = Look {
            range: self.look.range,
            z: self.look.z,
            ..look
        };
        self.refresh();
    }

    /// Observed wavelength of the crosshair, Angstrom.
    pub fn cursor(&self) -> Option<f64> {
        self.cursor
    }

    /// Whether an interval is begun, so that the key line can say how it ends.
    pub fn edge_pending(&self) -> bool {
        self.edge.is_some()
    }

    /// What there is to say about the last act, such as why it did nothing.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Does one act, `count` times where that makes sense (0 counts as 1).
    pub fn act(&mut self, act: Act, count: u32) {
        let count = count.clamp(1, MOST);
        self.note = None;
        match act {
            Act::PanLeft => self.pan(-f64::from(count)),
            Act::PanRight => self.pan(f64::from(count)),
            Act::ZoomIn => self.zoom(ZOOM.powf(-f64::from(count)), self.focus()),
            Act::ZoomOut => self.zoom(ZOOM.powf(f64::from(count)), self.focus()),
            Act::ZoomReset => self.go(Way::Jump, |view| {
                *view = View {
                    range: None,
                    scale: FluxScale::Auto,
                    taller: 1.0,
                };
            }),
            Act::ScaleUp => self.scale(TALLER.powf(f64::from(count))),
            Act::ScaleDown => self.scale(TALLER.powf(-f64::from(count))),
            Act::ScaleMode => self.scale_mode(count),
            Act::NextRegion => self.go_to_region(i64::from(count)),
            Act::PreviousRegion => self.go_to_region(-i64::from(count)),
            Act::NextLine => self.go_to_line(i64::from(count)),
            Act::PreviousLine => self.go_to_line(-i64::from(count)),
            Act::Back => self.travel(Views::back, count, "no earlier view"),
            Act::Forward => self.travel(Views::forward, count, "no later view"),
            Act::Crosshair => {
                self.cursor = match self.cursor {
                    Some(_) => None,
                    None => self.at_middle(),
                }
            }
            Act::CursorLeft => self.move_cursor(-f64::from(count), false),
            Act::CursorRight => self.move_cursor(f64::from(count), false),
            Act::CursorFarLeft => self.move_cursor(-f64::from(count), true),
            Act::CursorFarRight => self.move_cursor(f64::from(count), true),
            Act::CursorLine => self.cursor_to_line(),
            Act::Box => self.mark(Purpose::Box),
            Act::Measure => self.mark(Purpose::Measure),
            Act::Cancel => self.cancel(),
            Act::Smoother => self.smooth(i64::from(count)),
            Act::Rougher => self.smooth(-i64::from(count)),
            Act::SmoothOff => self.smooth_off(),
            Act::Frame => self.turn_frame(),
            Act::RedshiftUp => self.nudge(i64::from(count)),
            Act::RedshiftDown => self.nudge(-i64::from(count)),
            Act::RedshiftFarUp => self.nudge(10 * i64::from(count)),
            Act::RedshiftFarDown => self.nudge(-10 * i64::from(count)),
            Act::RedshiftReset => self.redshift.reset(),
            Act::CycleLines => self.cycle_lines(count),
            Act::ToggleSkyLines => toggle(&mut self.look.sky_lines, count),
            Act::ToggleData => toggle(&mut self.look.data, count),
            Act::ToggleNoise => toggle(&mut self.look.noise, count),
            Act::ToggleModel => toggle(&mut self.look.model, count),
            Act::ToggleResidual => toggle(&mut self.look.residual, count),
            Act::ToggleRegions => toggle(&mut self.look.regions, count),
            Act::ToggleMasked => toggle(&mut self.look.masked, count),
            Act::ToggleZones => toggle(&mut self.look.zones, count),
        }
        self.look.z = self.redshift.value();
        self.refresh();
    }

    /// All of the spectrum, observed Angstrom.
    pub(super) fn all(&self) -> (f64, f64) {
        self.view.as_ref().map_or((0.0, 1.0), |view| view.extent())
    }

    /// The stretch in view, observed Angstrom.
    pub(super) fn range(&self) -> (f64, f64) {
        self.look.range.unwrap_or_else(|| self.all())
    }

    pub(super) fn middle(&self) -> f64 {
        let (low, high) = self.range();
        (low + high) / 2.0
    }

    /// Where zooming leads: the crosshair where it is in view, or the middle.
    fn focus(&self) -> f64 {
        let (low, high) = self.range();
        let seen = |cursor: &f64| (low..=high).contains(cursor);
        self.cursor.filter(seen).unwrap_or_else(|| self.middle())
    }

    fn here(&self) -> View {
        View {
            range: self.look.range,
            scale: self.look.scale,
            taller: self.look.taller,
        }
    }

    /// Changes the view and remembers the one before, where they differ.
    pub(super) fn go(&mut self, way: Way, change: impl FnOnce(&mut View)) {
        let before = self.here();
        let mut after = before;
        change(&mut after);
        if after != before {
            self.views.leave(before, way);
            self.set_view(after);
        }
    }

    fn set_view(&mut self, view: View) {
        self.look.range = view.range;
        self.look.scale = view.scale;
        self.look.taller = view.taller;
    }

    fn travel(&mut self, step: fn(&mut Views, View, usize) -> Option<View>, count: u32, nowhere: &str) {
        let here = self.here();
        match step(&mut self.views, here, count as usize) {
            Some(view) => self.set_view(view),
            None => self.note = Some(nowhere.to_owned()),
        }
    }

    fn pan(&mut self, steps: f64) {
        let (all, (low, high)) = (self.all(), self.range());
        let width = high - low;
        self.go(Way::Pan, |view| {
            view.range = views::within(all, (low + high) / 2.0 + steps * PAN * width, width);
        });
        if self.look.range.is_none() {
            self.note = Some("all of the spectrum is in view: zoom in first".to_owned());
        }
    }

    /// Zooms so that what lies at `fixed` stays there.
    pub(super) fn zoom(&mut self, factor: f64, fixed: f64) {
        let (all, range) = (self.all(), self.range());
        let least = LEAST_PIXELS * self.pixel_width(fixed);
        self.go(Way::Zoom, |view| {
            view.range = views::zoomed(all, range, factor, fixed, least);
        });
    }

    /// Shows what lies between two observed wavelengths.
    pub(super) fn zoom_to(&mut self, a: f64, b: f64) {
        self.zoom_to_box(a, b, None);
    }

    /// Shows what lies between two observed wavelengths and, where they are given, two values of the flux.
    pub(super) fn zoom_to_box(&mut self, a: f64, b: f64, flux: Option<(f64, f64)>) {
        let all = self.all();
        let middle = (a + b) / 2.0;
        let width = (b - a).abs().max(LEAST_PIXELS * self.pixel_width(middle));
        self.go(Way::Jump, |view| {
            *view = View {
                range: views::within(all, middle, width),
                scale: match (flux, view.scale) {
                    (Some((low, high)), _) => FluxScale::Fixed { low, high },
                    (None, FluxScale::Fixed { .. }) => FluxScale::Auto,
                    (None, scale) => scale,
                },
                taller: 1.0,
            };
        });
    }

    fn scale(&mut self, factor: f64) {
        self.go(Way::Scale, |view| {
            view.taller = (view.taller * factor).clamp(1e-2, 1e4);
        });
    }

    fn scale_mode(&mut self, count: u32) {
        self.go(Way::Scale, |view| {
            for _ in 0..(count - 1) % 3 + 1 {
                view.scale = match view.scale {
                    FluxScale::Auto => FluxScale::Bulk,
                    FluxScale::Bulk => FluxScale::All,
                    FluxScale::All | FluxScale::Fixed { .. } => FluxScale::Auto,
                };
            }
            view.taller = 1.0;
        });
        let mode = match self.look.scale {
            FluxScale::Auto => "flux range: automatic",
            FluxScale::Bulk => "flux range: the bulk of the pixels",
            FluxScale::All => "flux range: every pixel",
            FluxScale::Fixed { .. } => "flux range: fixed",
        };
        self.note = Some(mode.to_owned());
    }

    fn smooth(&mut self, steps: i64) {
        // 0 is no smoothing, k the k-th width
        let now = self.look.smoothing.map_or(0, |width| {
            WIDTHS.iter().take_while(|known| **known <= width).count() as i64
        });
        let next = (now + steps).clamp(0, WIDTHS.len() as i64);
        let index = usize::try_from(next - 1).ok();
        self.look.smoothing = index.map(|index| WIDTHS[index]);
        self.note = Some(match self.look.smoothing {
            Some(1.0) => "smoothed by 1 pixel".to_owned(),
            Some(width) => format!("smoothed by {width} pixels"),
            None => "not smoothed".to_owned(),
        });
    }

    fn smooth_off(&mut self) {
        if self.look.smoothing.take().is_none() {
            self.look.trend = !self.look.trend;
            let trend = if self.look.trend {
                "noisy data with their trend"
            } else {
                "no trend over noisy data"
            };
            self.note = Some(trend.to_owned());
        }
    }

    fn turn_frame(&mut self) {
        if self.redshift.value().is_none() {
            self.note = Some("no redshift, so no rest frame: give one with :z".to_owned());
            return;
        }
        self.look.frame = match self.look.frame {
            Frame::Observed => Frame::Rest,
            Frame::Rest => Frame::Observed,
        };
    }

    fn cycle_lines(&mut self, count: u32) {
        const CYCLE: [(LineSet, &str); 5] = [
            (LineSet::Major, "lines: the major ones"),
            (LineSet::Emission, "lines: emission"),
            (LineSet::Absorption, "lines: absorption"),
            (LineSet::All, "lines: all"),
            (LineSet::None, "lines: none"),
        ];
        let now = CYCLE.iter().position(|(set, _)| *set == self.look.lines);
        let next = (now.unwrap_or(0) + count as usize) % CYCLE.len();
        self.look.lines = CYCLE[next].0;
        self.note = Some(CYCLE[next].1.to_owned());
    }

    fn cancel(&mut self) {
        if self.edge.take().is_some() {
            self.note = Some("the edge is taken back".to_owned());
            return;
        }
        if self.drag.take().is_some() || self.measured.take().is_some() {
            return;
        }
        self.cursor = None;
    }
}

/// An even number of presses changes nothing.
fn toggle(layer: &mut bool, count: u32) {
    *layer ^= count % 2 == 1;
}
