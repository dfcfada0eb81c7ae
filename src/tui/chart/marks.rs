//! Lines at a value: guides across, marks with their names down.

use super::canvas::{ACROSS, Canvas, DOWN};
use super::frame::Frame;
use super::lanes::Lanes;
use super::layout::Layout;
use super::{Pen, text};
use crate::figure::{BandKind, Mark, MarkKind, Panel};
use crate::tui::theme::Role;

/// Horizontal lines behind everything: zero dotted closely, limits widely.
pub(super) fn guides(canvas: &mut Canvas, panel: &Panel) {
    let (width, height) = canvas.dots();
    for guide in &panel.guides {
        let at = 1.0 - panel.y.fraction(guide.y);
        if !(0.0..=1.0).contains(&at) {
            continue;
        }
        let row = ((at * height as f64) as usize).min(height.saturating_sub(1));
        let mut layer = canvas.layer();
        let apart = if guide.limit { 2 * ACROSS } else { ACROSS };
        for column in (0..width).step_by(apart) {
            layer.stroke(column, row, row);
        }
        canvas.lay_ground(&layer, Role::Guide, if guide.limit { '.' } else { '-' });
    }
}

pub(super) fn role(kind: MarkKind) -> Role {
    match kind {
        MarkKind::Emission => Role::Emission,
        MarkKind::Absorption => Role::Absorption,
        MarkKind::Sky => Role::SkyLine,
        MarkKind::Best => Role::Good,
    }
}

/// The rows of dots of a mark's line in each cell: emission every other, absorption the upper half, sky one, so that they can be
/// told without color.
pub(super) fn pattern(kind: MarkKind) -> (&'static [usize], char) {
    match kind {
        MarkKind::Emission => (&[0, 2], ':'),
        MarkKind::Absorption => (&[0, 1], ';'),
        MarkKind::Sky => (&[1], ','),
        MarkKind::Best => (&[0, 1, 2, 3], '!'),
    }
}

/// Vertical lines behind the curves.
pub(super) fn lines(canvas: &mut Canvas, panel: &Panel) {
    let (width, height) = canvas.dots();
    // the object's own lines over those of the sky
    for kind in [
        MarkKind::Sky,
        MarkKind::Absorption,
        MarkKind::Emission,
        MarkKind::Best,
    ] {
        let (rows, plain) = pattern(kind);
        let mut layer = canvas.layer();
        for mark in panel.marks.iter().filter(|mark| mark.kind == kind) {
            let at = panel.x.fraction(mark.x);
            if !(0.0..=1.0).contains(&at) {
                continue;
            }
            let column = ((at * width as f64) as usize).min(width.saturating_sub(1));
            for top in (0..height).step_by(DOWN) {
                for row in rows {
                    layer.stroke(column, top + row, top + row);
                }
            }
        }
        canvas.lay_ground(&layer, role(kind), plain);
    }
}

/// Lines that say most of a galaxy, the most telling first; the others follow them.
const TELLING: [&str; 16] = [
    "Lyα", "Hα", "[O III]", "[O II]", "Hβ", "C IV", "Mg II", "C III]", "[N II]", "[S II]", "Ca K", "Ca H",
    "Na D", "Mg b", "Hγ", "Hδ",
];

/// The names of marks in their strip: of those without room for all, the flagged and the telling ones.
pub(super) fn names(pen: &mut Pen, panel: &Panel, layout: &Layout, frame: &Frame) {
    let (first, lanes) = layout.names;
    if lanes == 0 {
        return;
    }
    let flagged = |mark: &Mark| {
        let within = |b: &crate::figure::Band| (b.from..=b.to).contains(&mark.x);
        panel
            .bands
            .iter()
            .any(|b| matches!(b.kind, BandKind::Region(_)) && within(b))
    };
    let telling = |mark: &Mark| {
        TELLING
            .iter()
            .position(|name| *name == mark.name)
            .unwrap_or(TELLING.len())
    };
    let mut marks: Vec<(&Mark, u16)> = panel
        .marks
        .iter()
        .filter(|mark| !mark.name.is_empty())
        .filter_map(|mark| frame.column_of(mark.x).map(|column| (mark, column)))
        .collect();
    marks.sort_by(|(a, _), (b, _)| {
        let key = |mark: &Mark| (!flagged(mark), telling(mark), mark.kind == MarkKind::Sky);
        key(a).cmp(&key(b)).then(a.x.total_cmp(&b.x))
    });
    let mut room = Lanes::new(usize::from(lanes), layout.area.left(), layout.area.right(), 1);
    for (mark, column) in marks {
        let shown = pen.spelled(&mark.name).into_owned();
        let width = u16::try_from(text::width(&shown)).unwrap_or(u16::MAX);
        // a name stands over its line, not beside it
        if let Some((lane, at)) = room.place(column, width, width / 2) {
            // the lane next to the plot is filled first
            let row = first + lanes - 1 - lane as u16;
            pen.text(at, row, &shown, width, role(mark.kind));
        }
    }
}
