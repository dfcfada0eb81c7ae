//! Curves: each as columns of dots, laid over one another.

use super::Pen;
use super::bands;
use super::canvas::{ACROSS, Canvas, DOWN};
use super::columns::Columns;
use super::frame::Frame;
use crate::figure::{Panel, Series, SeriesStyle, Shape};
use crate::tui::theme::{Depth, Role, Theme};

pub(super) fn role(style: SeriesStyle) -> Role {
    match style {
        SeriesStyle::Data => Role::Data,
        SeriesStyle::Raw => Role::Raw,
        SeriesStyle::Smoothed => Role::Smoothed,
        SeriesStyle::Masked => Role::Masked,
        SeriesStyle::NoiseBand => Role::Noise,
        SeriesStyle::Reconstruction => Role::Model,
        SeriesStyle::Residual => Role::Residual,
        SeriesStyle::Curve(i) | SeriesStyle::DashedCurve(i) => Role::Curve(i),
    }
}

/// The character of a curve in ASCII; `None` for one that is drawn by its shape.
pub(super) fn plain(style: SeriesStyle) -> Option<char> {
    match style {
        SeriesStyle::Reconstruction => Some('*'),
        SeriesStyle::Curve(i) | SeriesStyle::DashedCurve(i) => {
            Some(['o', '+', 'x', '#', '%', '@', '*'][i % 7])
        }
        SeriesStyle::Masked => Some('?'),
        _ => None,
    }
}

/// Whether a column of dots is left out of a curve that is told by its dashes.
fn gap(style: SeriesStyle, column: usize, theme: &Theme) -> bool {
    match style {
        SeriesStyle::DashedCurve(_) => column % 8 >= 5,
        // without color, dots tell the model from the data
        SeriesStyle::Reconstruction => theme.depth == Depth::Mono && !theme.ascii && column % 2 == 1,
        _ => false,
    }
}

/// A place where the data go on beyond the frame: the column of cells, and whether above.
pub(super) type Leaving = (u16, bool);

/// Draws all curves, and tells where the data leave the frame.
pub(super) fn draw(canvas: &mut Canvas, panel: &Panel, theme: &Theme) -> Vec<Leaving> {
    let (width, height) = canvas.dots();
    let mut leaving = Vec::new();
    for series in &panel.series {
        if let Shape::Envelope { .. } = series.shape {
            if theme.tint(&[Role::Noise]).is_none() {
                edges(canvas, panel, series);
            }
            continue;
        }
        let columns = Columns::of(series, &panel.x, &panel.y, (width, height));
        let mut layer = canvas.layer();
        for column in 0..width {
            if let Some((top, bottom)) = columns.stroke(column, height)
                && !gap(series.style, column, theme)
            {
                layer.stroke(column, top, bottom);
            }
        }
        canvas.lay(&layer, role(series.style), plain(series.style));
        let measured = [SeriesStyle::Data, SeriesStyle::Raw, SeriesStyle::Residual];
        if measured.contains(&series.style) {
            leaving.extend(beyond(&columns, height));
        }
    }
    leaving
}

/// The upper and lower edge of the noise, where no tint can show it.
fn edges(canvas: &mut Canvas, panel: &Panel, series: &Series) {
    let (_, height) = canvas.dots();
    let mut layer = canvas.layer();
    let frame = Frame::new(panel, canvas.plot);
    for (cell, range) in bands::noise(panel, &frame).into_iter().enumerate() {
        let Some((top, bottom)) = range else {
            continue;
        };
        for row in [top, bottom] {
            if (0.0..height as f64).contains(&row) {
                layer.stroke(cell * ACROSS, row as usize, row as usize);
            }
        }
    }
    canvas.lay_ground(&layer, role(series.style), '.');
}

/// Cells less than this apart share one arrow head.
const TOGETHER: usize = 3 * ACROSS;

/// Where a curve leaves the frame; of neighboring columns, the one that goes furthest.
fn beyond(columns: &Columns, height: usize) -> Vec<Leaving> {
    let mut found = Vec::new();
    for above in [true, false] {
        let mut run: Option<(usize, f64, usize)> = None;
        let head = |run: (usize, f64, usize)| ((run.2 / ACROSS) as u16, above);
        for (column, (low, high)) in columns.ranges.iter().enumerate() {
            let over = if above { -low } else { high - height as f64 };
            // what ends within a dot of the frame is seen to end
            if low > high || over.is_nan() || over < 1.0 {
                continue;
            }
            run = Some(match run {
                Some((last, furthest, at)) if column - last < TOGETHER => {
                    if over > furthest {
                        (column, over, column)
                    } else {
                        (column, furthest, at)
                    }
                }
                done => {
                    found.extend(done.map(head));
                    (column, over, column)
                }
            });
        }
        found.extend(run.map(head));
    }
    found
}

/// Arrow heads at the edge where the data go on beyond it.
pub(super) fn carets(pen: &mut Pen, frame: &Frame, leaving: &[Leaving]) {
    let plot = frame.plot;
    // in a few rows, the curve needs them all
    if usize::from(plot.height) * DOWN < 3 * DOWN {
        return;
    }
    for (column, above) in leaving {
        let (y, glyph) = if *above {
            (plot.top(), pen.glyph('▴', '^'))
        } else {
            (plot.bottom() - 1, pen.glyph('▾', 'v'))
        };
        pen.put(plot.x + column, y, glyph, Role::Warn);
    }
}
