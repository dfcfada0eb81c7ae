//! A figure as SVG text: the only drawing there is, since the PNG is rendered from it.

mod curve;
mod frame;
mod panel;
mod picture;
mod write;

use super::description::{Figure, Text, Weight};
use super::{font, palette};
use write::Writer;

/// Sizes of the small print, in page units.
mod size {
    pub const TICK: f64 = 11.5;
    pub const LABEL: f64 = 12.5;
    pub const MARK: f64 = 11.0;
    pub const BAND: f64 = 11.0;
    pub const LEGEND: f64 = crate::figure::Legend::TEXT;
}

/// The figure as a stand-alone SVG document.
///
/// Text stays text, in the bundled font's family with fallbacks. The same figure gives the same bytes.
pub fn svg(figure: &Figure) -> String {
    let mut out = Writer::new();
    out.raw("<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"");
    out.number("width", figure.width);
    out.number("height", figure.height);
    out.raw(" viewBox=\"0 0 ");
    out.value(figure.width);
    out.raw(" ");
    out.value(figure.height);
    out.raw("\" font-family=\"'");
    out.raw(font::FAMILY);
    out.raw(
        "', 'Source Sans 3', 'Source Sans Pro', 'DejaVu Sans', Arial, sans-serif\" role=\"img\">\n<title>",
    );
    out.escaped(&figure.title);
    out.raw("</title>\n");
    out.open("rect");
    out.number("width", figure.width);
    out.number("height", figure.height);
    out.attribute("fill", "#ffffff");
    out.close();
    for y in &figure.rules {
        out.line(
            (0.0, *y),
            (figure.width, *y),
            &palette::Stroke {
                color: palette::HAIR,
                width: 0.8,
                dashes: None,
            },
        );
    }
    for panel in &figure.panels {
        panel::draw(&mut out, panel);
    }
    for picture in &figure.pictures {
        picture::draw(&mut out, picture);
    }
    for legend in &figure.legends {
        picture::legend(&mut out, legend);
    }
    for text in &figure.texts {
        page_text(&mut out, text);
    }
    out.raw("</svg>\n");
    out.finish()
}

fn page_text(out: &mut Writer, text: &Text) {
    out.text(&write::Label {
        at: (text.x, text.y),
        size: text.size,
        anchor: text.anchor,
        color: if text.weight == Weight::Faint {
            palette::FAINT
        } else {
            palette::INK
        },
        bold: text.weight == Weight::Strong,
        upright: false,
        content: &text.content,
    });
}
