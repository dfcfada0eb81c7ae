//! The parts of a figure, with nothing of how they are drawn.
//!
//! Lengths on the page are in page units: one unit is a CSS pixel, and a page is [`Figure::width`] of them wide. In a panel,
//! everything is in the units of its axes.

use std::sync::Arc;

use super::axis::Axis;
use crate::anomaly::Reason;

/// A page: panels, pictures and words at their places.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    pub width: f64,
    pub height: f64,
    /// What it shows, in one sentence, for those who cannot see it.
    pub title: String,
    pub panels: Vec<Panel>,
    pub pictures: Vec<Picture>,
    pub texts: Vec<Text>,
    pub legends: Vec<Legend>,
    /// Heights of the thin lines that part the rows of a page.
    pub rules: Vec<f64>,
}

/// A place on the page, y downward.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Rect {
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }
}

/// One set of axes and what is drawn in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// The frame; labels of the axes stand outside it.
    pub rect: Rect,
    pub x: Axis,
    pub y: Axis,
    /// A second scale along the top, whose ends are those of `x`.
    pub top: Option<Axis>,
    /// Drawn from back to front.
    pub series: Vec<Series>,
    pub bands: Vec<Band>,
    /// Horizontal lines.
    pub guides: Vec<Guide>,
    /// Vertical lines with names; the names get a strip of their own at the top of the frame.
    pub marks: Vec<Mark>,
    /// Height of the room below the frame in which the labels of the bands may stand; 0 for none.
    pub band_labels: f64,
    /// A word in the upper left corner of the frame.
    pub note: Option<String>,
}

/// A curve.
///
/// Shapes: `x` and `y` (and an envelope's half-width) have one length; what is longer is not drawn. NaN makes a gap.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub name: String,
    pub x: Arc<[f64]>,
    pub y: Vec<f64>,
    pub shape: Shape,
    pub style: SeriesStyle,
}

/// How the points of a series are joined.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Line,
    /// A level for each point, from half-way to its neighbors.
    Step,
    /// Filled between `y - half_width` and `y + half_width`.
    Envelope {
        half_width: Vec<f64>,
    },
    /// A line with a dot at each point.
    Dots,
}

/// What a series stands for; the backend has a look for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesStyle {
    Data,
    /// Noisy data behind a smoothed curve.
    Raw,
    /// The data, smoothed.
    Smoothed,
    /// Data that is not to be believed.
    Masked,
    NoiseBand,
    Reconstruction,
    Residual,
    /// One of several curves, by color.
    Curve(usize),
    /// The same, dashed.
    DashedCurve(usize),
}

/// A shaded stretch of the x axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    pub from: f64,
    pub to: f64,
    pub kind: BandKind,
    pub label: Option<String>,
    /// Where there is no room for all labels, the heaviest get it.
    pub weight: f64,
}

/// Why a stretch is shaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BandKind {
    /// Flagged, over the whole height.
    Region(Reason),
    /// Without measurement, over the whole height.
    Masked,
    /// Night-sky emission: a bar at the foot of the panel, as the next two.
    Sky,
    Telluric,
    Overlap,
}

/// A horizontal line at a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guide {
    pub y: f64,
    /// Dashed where it marks a limit, solid where it marks zero.
    pub limit: bool,
}

/// A vertical line with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub x: f64,
    pub name: String,
    pub kind: MarkKind,
}

/// What a mark stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    Emission,
    Absorption,
    Sky,
    /// The best epoch.
    Best,
}

/// Where a text's anchor point lies in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// How dark a text is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Strong,
    Normal,
    /// Regular weight in gray.
    Faint,
}

/// Words at a place on the page; `y` is that of the baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    pub x: f64,
    pub y: f64,
    pub size: f64,
    pub anchor: Anchor,
    pub weight: Weight,
    pub content: String,
}

/// What the styles mean: entries in two columns from the upper left corner.
#[derive(Debug, Clone, PartialEq)]
pub struct Legend {
    pub rect: Rect,
    pub columns: usize,
    pub entries: Vec<(Swatch, String)>,
}

impl Legend {
    /// Size of the names.
    pub(super) const TEXT: f64 = 11.0;
    /// Room for the sample of a style and the gaps about it.
    pub(super) const SWATCH: f64 = 24.0;
}

/// The sample of a style in a legend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swatch {
    Series(SeriesStyle),
    Band(BandKind),
    Mark(MarkKind),
}

/// A picture of the sky, or the reason why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    pub rect: Rect,
    pub content: PictureContent,
}

#[derive(Debug, Clone, PartialEq)]
pub enum PictureContent {
    Image {
        /// `image/jpeg` or `image/png`.
        mime: &'static str,
        bytes: Arc<[u8]>,
        overlay: Overlay,
    },
    /// The reason, in lines that fit.
    Missing(Vec<String>),
}

/// What is drawn over a picture of the sky, in page units; north is up and east left.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlay {
    /// Radius of the fiber.
    pub fiber_radius: Option<f64>,
    /// Length and label of the scale bar.
    pub scale_bar: Option<(f64, String)>,
    /// Where north and east are; a thumbnail has no room for it.
    pub compass: bool,
}
