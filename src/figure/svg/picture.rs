//! Pictures of the sky and legends as SVG.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::size;
use super::write::{Label, Writer};
use crate::figure::description::{
    Anchor, BandKind, Legend, Overlay, Picture, PictureContent, Rect, SeriesStyle, Swatch,
};
use crate::figure::font;
use crate::figure::palette::{self, Stroke};

const WHITE: Stroke = Stroke {
    color: "#ffffff",
    width: 1.1,
    dashes: None,
};
/// Beneath white lines, so that they are seen on a bright sky.
const SHADOW: Stroke = Stroke {
    color: "#000000",
    width: 2.6,
    dashes: None,
};

pub(super) fn draw(out: &mut Writer, picture: &Picture) {
    let rect = picture.rect;
    match &picture.content {
        PictureContent::Image { mime, bytes, overlay } => {
            out.rect(rect.x, rect.y, rect.width, rect.height, "#d9d9d9", 1.0);
            out.open("image");
            out.number("x", rect.x);
            out.number("y", rect.y);
            out.number("width", rect.width);
            out.number("height", rect.height);
            out.raw(" xlink:href=\"data:");
            out.raw(mime);
            out.raw(";base64,");
            out.raw(&STANDARD.encode(bytes));
            out.raw("\"");
            out.close();
            over(out, rect, overlay);
        }
        PictureContent::Missing(lines) => {
            out.rect(rect.x, rect.y, rect.width, rect.height, "#f4f4f4", 1.0);
            let first = rect.y + rect.height / 2.0 - (lines.len() as f64 - 1.0) * 7.5 + 4.0;
            for (i, line) in lines.iter().enumerate() {
                out.text(&Label {
                    at: (rect.x + rect.width / 2.0, first + 15.0 * i as f64),
                    size: size::TICK,
                    anchor: Anchor::Middle,
                    color: palette::FAINT,
                    bold: false,
                    upright: false,
                    content: line,
                });
            }
        }
    }
    out.open("rect");
    out.number("x", rect.x);
    out.number("y", rect.y);
    out.number("width", rect.width);
    out.number("height", rect.height);
    out.stroke(&Stroke {
        color: palette::INK,
        width: 0.9,
        dashes: None,
    });
    out.close();
}

/// Cross-hair, fiber, scale bar and compass.
fn over(out: &mut Writer, rect: Rect, overlay: &Overlay) {
    let (cx, cy) = (rect.x + rect.width / 2.0, rect.y + rect.height / 2.0);
    let radius = overlay.fiber_radius.unwrap_or(0.0);
    let (inner, outer) = ((radius + 4.0).max(8.0), (radius + 14.0).max(18.0));
    let margin = if overlay.compass { 12.0 } else { 6.0 };
    let (right, bottom) = (rect.right() - margin, rect.bottom() - margin);
    let arm = 20.0;
    for stroke in [SHADOW, WHITE] {
        out.open("path");
        out.stroke(&stroke);
        if stroke.color == SHADOW.color {
            out.attribute("stroke-opacity", "0.45");
        }
        out.attribute("stroke-linecap", "round");
        out.raw(" d=\"");
        for (dx, dy) in [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)] {
            out.points(&[
                (cx + dx * inner, cy + dy * inner),
                (cx + dx * outer, cy + dy * outer),
            ]);
        }
        if let Some((length, _)) = &overlay.scale_bar {
            let left = rect.x + margin;
            out.points(&[(left, bottom), (left + length, bottom)]);
        }
        if overlay.compass {
            // in the lower right corner: north up, east left
            out.points(&[(right - arm, bottom), (right, bottom), (right, bottom - arm)]);
            out.points(&[
                (right - 2.6, bottom - arm + 4.0),
                (right, bottom - arm),
                (right + 2.6, bottom - arm + 4.0),
            ]);
            out.points(&[
                (right - arm + 4.0, bottom - 2.6),
                (right - arm, bottom),
                (right - arm + 4.0, bottom + 2.6),
            ]);
        }
        out.raw("\"");
        out.close();
        if radius > 0.0 {
            out.open("circle");
            out.number("cx", cx);
            out.number("cy", cy);
            out.number("r", radius);
            out.stroke(&stroke);
            if stroke.color == SHADOW.color {
                out.attribute("stroke-opacity", "0.45");
            }
            out.close();
        }
    }
    let mut word = |x: f64, y: f64, anchor: Anchor, content: &str| {
        out.raw("<g paint-order=\"stroke\" stroke=\"#000000\" stroke-opacity=\"0.5\" stroke-width=\"2\" stroke-linejoin=\"round\">");
        out.text(&Label {
            at: (x, y),
            size: size::LEGEND,
            anchor,
            color: "#ffffff",
            bold: true,
            upright: false,
            content,
        });
        out.raw("</g>\n");
    };
    if overlay.compass {
        word(right, bottom - arm - 4.0, Anchor::Middle, "N");
        word(right - arm - 4.0, bottom + 3.8, Anchor::End, "E");
    }
    if let Some((length, label)) = &overlay.scale_bar {
        word(
            rect.x + margin + length / 2.0,
            bottom - 5.0,
            Anchor::Middle,
            label,
        );
    }
}

pub(super) fn legend(out: &mut Writer, legend: &Legend) {
    let columns = legend.columns.max(1);
    let column = legend.rect.width / columns as f64;
    for (i, (swatch, name)) in legend.entries.iter().enumerate() {
        let x = legend.rect.x + (i % columns) as f64 * column;
        let y = legend.rect.y + (i / columns) as f64 * 15.0 + 7.5;
        sample(out, *swatch, x, y);
        out.text(&Label {
            at: (x + 21.0, y + size::LEGEND * 0.34),
            size: size::LEGEND,
            anchor: Anchor::Start,
            color: palette::INK,
            bold: false,
            upright: false,
            content: &font::shorten(name, size::LEGEND, false, column - Legend::SWATCH),
        });
    }
}

fn sample(out: &mut Writer, swatch: Swatch, x: f64, y: f64) {
    const WIDTH: f64 = 16.0;
    match swatch {
        Swatch::Series(SeriesStyle::NoiseBand) => {
            let stroke = palette::series(SeriesStyle::NoiseBand);
            out.rect(x, y - 4.0, WIDTH, 8.0, stroke.color, 1.0);
        }
        Swatch::Series(style) => {
            let mut stroke = palette::series(style);
            stroke.width = stroke.width.max(0.9);
            out.line((x, y), (x + WIDTH, y), &stroke);
        }
        Swatch::Band(kind) => {
            let (fill, opacity) = palette::band(kind);
            let height = match kind {
                BandKind::Region(_) | BandKind::Masked => 9.0,
                _ => 3.0,
            };
            let opacity = if opacity < 1.0 { opacity * 1.4 } else { opacity };
            out.rect(x, y - height / 2.0, WIDTH, height, fill, opacity);
        }
        Swatch::Mark(kind) => {
            let mut stroke = palette::mark(kind);
            stroke.width = 0.9;
            out.line((x, y), (x + WIDTH, y), &stroke);
        }
    }
}
