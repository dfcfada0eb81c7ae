//! Which rows and columns of an area belong to what.

use ratatui::layout::Rect;

use crate::figure::{BandKind, Panel};
use crate::tui::text;

/// Smaller areas hold a bare curve.
const FRAMED: (u16, u16) = (16, 5);
/// Room for numbers at the left and the axis itself, so that panels drawn apart are aligned in most cases.
const USUAL_GUTTER: u16 = 7;
/// Narrower areas keep their cells for the curve.
const NUMBERED: u16 = 30;

/// The rows and columns of a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub area: Rect,
    /// The cells of the curves.
    pub plot: Rect,
    /// Whether the axes are drawn.
    pub framed: bool,
    /// Whether there is room for numbers at the left.
    pub numbered: bool,
    /// Numbers of the second scale.
    pub top_numbers: Option<u16>,
    /// The line above everything, with the title of the y axis.
    pub top_line: Option<u16>,
    /// Names of marks: first row and how many.
    pub names: (u16, u16),
    /// Flagged stretches and their labels.
    pub flags: Option<u16>,
    /// Zones prone to artifacts.
    pub foot: Option<u16>,
    pub bottom_line: Option<u16>,
    pub numbers: Option<u16>,
}

/// Columns that the y axis of a panel wants at the left of its plot.
pub(super) fn gutter(panel: &Panel, area: Rect) -> u16 {
    if area.width < FRAMED.0 || area.height < FRAMED.1 {
        return 0;
    }
    if area.width < NUMBERED {
        return 1;
    }
    let longest = (1..=most_ticks(area.height))
        .flat_map(|wanted| panel.y.ticks(wanted).major)
        .map(|(_, label)| text::width(&label))
        .max()
        .unwrap_or(0);
    let longest = u16::try_from(longest).unwrap_or(u16::MAX);
    (longest + 1).max(USUAL_GUTTER).min(area.width / 3)
}

/// How many numbers an axis of this many rows bears. Which of them find room is known later, so that the gutter does not depend on it.
pub(super) fn most_ticks(height: u16) -> usize {
    (usize::from(height) / 3).clamp(2, 8)
}

impl Layout {
    pub(super) fn new(panel: &Panel, area: Rect, gutter: u16) -> Self {
        // beside a larger panel, a small one keeps the gutter so that both are aligned
        let framed = gutter > 0 && area.width > gutter;
        let mut layout = Self {
            area,
            plot: area,
            framed,
            numbered: framed && gutter > 1 && panel.y.labeled,
            top_numbers: None,
            top_line: None,
            names: (area.y, 0),
            flags: None,
            foot: None,
            bottom_line: None,
            numbers: None,
        };
        if !framed {
            return layout;
        }
        let mut left = area.height;
        // rows are given away, the most needed first, as long as the curve keeps enough
        let mut take = |wanted: bool, rows: u16, keep: u16| {
            let taken = wanted && left >= rows + keep;
            if taken {
                left -= rows;
            }
            taken
        };
        let named = panel.marks.iter().any(|mark| !mark.name.is_empty());
        let labeled = panel.bands.iter().any(|band| band.label.is_some());
        let zones = |kind: BandKind| matches!(kind, BandKind::Sky | BandKind::Telluric | BandKind::Overlap);
        let zoned = panel.bands.iter().any(|band| zones(band.kind));
        let numbers = take(panel.x.labeled, 2, 3);
        let title = take(true, 1, 3);
        let first_names = take(named, 1, 4);
        let flags = take(labeled, 1, 5);
        let top = take(panel.top.is_some(), 1, 6);
        let foot = take(zoned, 1, 6);
        let second_names = take(named, 1, 9);
        let line = !numbers && take(panel.x.labeled, 1, 2);

        let mut y = area.y;
        let mut next = |wanted: bool| {
            let row = wanted.then_some(y);
            y += u16::from(wanted);
            row
        };
        layout.top_numbers = next(top);
        layout.top_line = next(title);
        let names = next(first_names);
        let lanes = u16::from(names.is_some()) + u16::from(next(second_names).is_some());
        layout.names = (names.unwrap_or(area.y), lanes);
        layout.flags = next(flags);
        layout.plot = Rect {
            x: area.x + gutter,
            y,
            width: area.width - gutter,
            height: left,
        };
        y += left;
        let mut next = |wanted: bool| {
            let row = wanted.then_some(y);
            y += u16::from(wanted);
            row
        };
        layout.foot = next(foot);
        layout.bottom_line = next(numbers || line);
        layout.numbers = next(numbers);
        layout
    }
}
