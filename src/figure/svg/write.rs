//! SVG syntax: elements, escaped text, short numbers.

use crate::figure::decimate::Point;
use crate::figure::description::Anchor;
use crate::figure::palette::Stroke;

/// An SVG document as it grows.
pub(super) struct Writer {
    out: String,
}

/// A text and how it is set.
pub(super) struct Label<'a> {
    /// Anchor point on the baseline.
    pub at: Point,
    pub size: f64,
    pub anchor: Anchor,
    pub color: &'a str,
    pub bold: bool,
    /// Turned to read upward.
    pub upright: bool,
    pub content: &'a str,
}

impl Writer {
    pub fn new() -> Self {
        Self { out: String::new() }
    }

    pub fn finish(self) -> String {
        self.out
    }

    pub fn raw(&mut self, text: &str) {
        self.out.push_str(text);
    }

    pub fn open(&mut self, element: &str) {
        self.out.push('<');
        self.out.push_str(element);
    }

    pub fn close(&mut self) {
        self.out.push_str("/>\n");
    }

    pub fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        self.out.push_str(value);
        self.out.push('"');
    }

    pub fn number(&mut self, name: &str, value: f64) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        self.value(value);
        self.out.push('"');
    }

    /// A number to a hundredth of a unit, as short as possible; what is no number on a page is 0.
    pub fn value(&mut self, value: f64) {
        let hundredths = if value.is_finite() {
            (value.clamp(-1e9, 1e9) * 100.0).round() as i64
        } else {
            0
        };
        if hundredths < 0 {
            self.out.push('-');
        }
        let size = hundredths.unsigned_abs();
        let mut digits = [0u8; 20];
        let mut at = digits.len();
        let mut whole = size / 100;
        loop {
            at -= 1;
            digits[at] = b'0' + (whole % 10) as u8;
            whole /= 10;
            if whole == 0 {
                break;
            }
        }
        self.out.extend(digits[at..].iter().map(|d| char::from(*d)));
        let (tenth, hundredth) = ((size / 10 % 10) as u8, (size % 10) as u8);
        if tenth + hundredth > 0 {
            self.out.push('.');
            self.out.push(char::from(b'0' + tenth));
            if hundredth > 0 {
                self.out.push(char::from(b'0' + hundredth));
            }
        }
    }

    /// Text content: markup escaped, characters that XML forbids replaced.
    pub fn escaped(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\t' | '\n' | '\r' => self.out.push(' '),
                '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => self.out.push('\u{fffd}'),
                c => self.out.push(c),
            }
        }
    }

    pub fn stroke(&mut self, stroke: &Stroke) {
        self.attribute("fill", "none");
        self.attribute("stroke", stroke.color);
        self.number("stroke-width", stroke.width);
        if let Some(dashes) = stroke.dashes {
            self.attribute("stroke-dasharray", dashes);
        }
    }

    pub fn line(&mut self, from: Point, to: Point, stroke: &Stroke) {
        self.open("path");
        self.stroke(stroke);
        self.raw(" d=\"");
        self.points(&[from, to]);
        self.raw("\"");
        self.close();
    }

    /// `Mx yLx y x y`; a single point becomes a dash as long as it is wide.
    pub fn points(&mut self, points: &[Point]) {
        for (i, (x, y)) in points.iter().enumerate() {
            self.out.push(match i {
                0 => 'M',
                1 => 'L',
                _ => ' ',
            });
            self.value(*x);
            self.out.push(' ');
            self.value(*y);
        }
        if points.len() == 1 {
            self.out.push_str("h0.5");
        }
    }

    pub fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, fill: &str, opacity: f64) {
        self.open("rect");
        self.number("x", x);
        self.number("y", y);
        self.number("width", width);
        self.number("height", height);
        self.attribute("fill", fill);
        if opacity < 1.0 {
            self.number("fill-opacity", opacity);
        }
        self.close();
    }

    pub fn text(&mut self, label: &Label) {
        if label.content.trim().is_empty() {
            return;
        }
        self.open("text");
        self.number("x", label.at.0);
        self.number("y", label.at.1);
        self.number("font-size", label.size);
        match label.anchor {
            Anchor::Start => {}
            Anchor::Middle => self.attribute("text-anchor", "middle"),
            Anchor::End => self.attribute("text-anchor", "end"),
        }
        if label.bold {
            self.attribute("font-weight", "600");
        }
        self.attribute("fill", label.color);
        if label.upright {
            self.raw(" transform=\"rotate(-90 ");
            self.value(label.at.0);
            self.raw(" ");
            self.value(label.at.1);
            self.raw(")\"");
        }
        self.raw(">");
        self.escaped(label.content);
        self.raw("</text>\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: f64) -> String {
        let mut out = Writer::new();
        out.value(value);
        out.finish()
    }

    #[test]
    fn numbers_are_short_and_exact_to_a_hundredth() {
        let cases = [
            (0.0, "0"),
            (-0.004, "0"),
            (1.5, "1.5"),
            (12.345, "12.35"),
            (-0.07, "-0.07"),
            (100.0, "100"),
            (20.1, "20.1"),
            (f64::NAN, "0"),
        ];
        for (value, expected) in cases {
            assert_eq!(written(value), expected);
        }
    }

    #[test]
    fn markup_and_control_characters_cannot_break_out() {
        let mut out = Writer::new();
        out.escaped("<a href=\"x\">&\0\u{1b}\n</a>");
        assert_eq!(
            out.finish(),
            "&lt;a href=&quot;x&quot;&gt;&amp;\u{fffd}\u{fffd} &lt;/a&gt;"
        );
    }
}
