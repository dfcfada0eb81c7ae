//! The look of each style: thin lines, few colors, those told apart by the color-blind.
//!
//! Source: Okabe & Ito 2008, "Color Universal Design", for the hues.

use super::description::{BandKind, MarkKind, SeriesStyle};
use crate::anomaly::Reason;

pub(super) const INK: &str = "#1a1a1a";
pub(super) const FAINT: &str = "#6b6b6b";
pub(super) const HAIR: &str = "#c8c8c8";

/// A line: color, width in page units, dashes.
pub(super) struct Stroke {
    pub color: &'static str,
    pub width: f64,
    pub dashes: Option<&'static str>,
}

const CURVES: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#1a1a1a",
];

pub(super) fn series(style: SeriesStyle) -> Stroke {
    let (color, width, dashes) = match style {
        SeriesStyle::Data => ("#262626", 0.5, None),
        SeriesStyle::Raw => ("#98a1ad", 0.5, None),
        SeriesStyle::Smoothed => ("#1f1f1f", 0.8, None),
        SeriesStyle::Masked => ("#b8b8b8", 0.5, None),
        SeriesStyle::NoiseBand => ("#bccbe0", 0.0, None),
        SeriesStyle::Reconstruction => ("#d1380a", 1.15, None),
        SeriesStyle::Residual => ("#333333", 0.5, None),
        SeriesStyle::Curve(i) => (CURVES[i % CURVES.len()], 1.4, None),
        SeriesStyle::DashedCurve(i) => (CURVES[i % CURVES.len()], 1.4, Some("5 3")),
    };
    Stroke { color, width, dashes }
}

/// Fill and opacity of a band.
pub(super) fn band(kind: BandKind) -> (&'static str, f64) {
    match kind {
        BandKind::Region(reason) => (region(reason).0, 0.24),
        BandKind::Masked => ("#808080", 0.16),
        BandKind::Sky => ("#a3a3a3", 1.0),
        BandKind::Telluric => ("#69bfa5", 1.0),
        BandKind::Overlap => ("#cdb2d6", 1.0),
    }
}

/// Color of a region's shade, and a darker one for its label.
pub(super) fn region(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::ExcessFlux => ("#e69f00", "#8f5a00"),
        Reason::MissingFlux => ("#2b8cc9", "#00558a"),
        Reason::HighAbsoluteResidual => ("#cc79a7", "#8e3f6b"),
        Reason::HighRelativeResidual => ("#d6c100", "#6b6000"),
        Reason::RangeMismatch => ("#9a86d4", "#57429a"),
        Reason::RareLatent | Reason::OutsideModelRange => ("#8c8c8c", "#555555"),
    }
}

pub(super) fn mark(kind: MarkKind) -> Stroke {
    let (color, dashes) = match kind {
        MarkKind::Emission => ("#7a6f9b", None),
        MarkKind::Absorption => ("#7a6f9b", Some("3 2")),
        MarkKind::Sky => ("#9a9a9a", Some("1 2")),
        MarkKind::Best => ("#555555", Some("4 3")),
    };
    Stroke {
        color,
        width: 0.6,
        dashes,
    }
}
