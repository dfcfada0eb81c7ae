//! Widths of words in the bundled font, read from the font itself.

use std::sync::LazyLock;

pub(super) static REGULAR: &[u8] = include_bytes!("../../assets/fonts/SpectriageSans-Regular.ttf");
pub(super) static SEMIBOLD: &[u8] = include_bytes!("../../assets/fonts/SpectriageSans-Semibold.ttf");
/// Family of the bundled font.
pub(super) const FAMILY: &str = "Spectriage Sans";

/// Width of a text in page units (kerning, which mostly narrows it, is left out).
pub(super) fn width(text: &str, size: f64, bold: bool) -> f64 {
    let widths = if bold { &*SEMIBOLD_WIDTHS } else { &*REGULAR_WIDTHS };
    let advance: f64 = text.chars().map(|c| widths.advance(c)).sum();
    advance * size
}

/// The text, cut with an ellipsis where it is wider than `room`.
pub(super) fn shorten(text: &str, size: f64, bold: bool, room: f64) -> String {
    if width(text, size, bold) <= room {
        return text.to_owned();
    }
    let mut left = room - width("…", size, bold);
    let mut short = String::new();
    for c in text.chars() {
        left -= width(c.encode_utf8(&mut [0; 4]), size, bold);
        if left < 0.0 {
            break;
        }
        short.push(c);
    }
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

/// The text in at most `lines` lines no wider than `room`, broken at spaces; what is left over ends in an ellipsis.
pub(super) fn wrap(text: &str, size: f64, room: f64, lines: usize) -> Vec<String> {
    let mut done: Vec<String> = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while words.peek().is_some() && done.len() < lines {
        if done.len() + 1 == lines {
            let rest: Vec<&str> = words.by_ref().collect();
            done.push(shorten(&rest.join(" "), size, false, room));
            break;
        }
        let mut line = words.next().unwrap_or_default().to_owned();
        while let Some(word) = words.peek() {
            let longer = format!("{line} {word}");
            if width(&longer, size, false) > room {
                break;
            }
            line = longer;
            words.next();
        }
        done.push(shorten(&line, size, false, room));
    }
    done
}

static REGULAR_WIDTHS: LazyLock<Widths> = LazyLock::new(|| Widths::read(REGULAR));
static SEMIBOLD_WIDTHS: LazyLock<Widths> = LazyLock::new(|| Widths::read(SEMIBOLD));

/// Advance widths by code point of the Basic Multilingual Plane, in ems.
struct Widths {
    by_code: Vec<f32>,
    missing: f32,
}

impl Widths {
    fn advance(&self, c: char) -> f64 {
        let width = self.by_code.get(c as usize).copied().filter(|w| *w >= 0.0);
        f64::from(width.unwrap_or(self.missing))
    }

    /// Reads `cmap` format 4 and `hmtx` of a font of ours; panics if it is not one, which a test would show.
    ///
    /// Source: OpenType specification 1.9.
    fn read(font: &[u8]) -> Self {
        let u16_at = |at: usize| u16::from_be_bytes([font[at], font[at + 1]]);
        let u32_at = |at: usize| u32::from(u16_at(at)) << 16 | u32::from(u16_at(at + 2));
        let table = |tag: &[u8; 4]| {
            (0..usize::from(u16_at(4)))
                .map(|i| 12 + 16 * i)
                .find(|at| &font[*at..at + 4] == tag)
                .map(|at| u32_at(at + 8) as usize)
                .expect("the bundled font has the tables of a font")
        };
        let em = f32::from(u16_at(table(b"head") + 18));
        let long_metrics = usize::from(u16_at(table(b"hhea") + 34));
        let hmtx = table(b"hmtx");
        let advance = |glyph: usize| f32::from(u16_at(hmtx + 4 * glyph.min(long_metrics - 1))) / em;
        let cmap = table(b"cmap");
        let format4 = (0..usize::from(u16_at(cmap + 2)))
            .map(|i| cmap + u32_at(cmap + 4 + 8 * i + 4) as usize)
            .find(|at| u16_at(*at) == 4)
            .expect("the bundled font has a cmap of format 4");
        let segments = usize::from(u16_at(format4 + 6)) / 2;
        let mut by_code = vec![-1.0; 0x1_0000];
        for i in 0..segments {
            let end = usize::from(u16_at(format4 + 14 + 2 * i));
            let start = usize::from(u16_at(format4 + 16 + 2 * segments + 2 * i));
            let delta = u16_at(format4 + 16 + 4 * segments + 2 * i);
            let offset_at = format4 + 16 + 6 * segments + 2 * i;
            let offset = usize::from(u16_at(offset_at));
            for code in start..=end.min(0xFFFE) {
                let glyph = if offset == 0 {
                    (code as u16).wrapping_add(delta)
                } else {
                    match u16_at(offset_at + offset + 2 * (code - start)) {
                        0 => 0,
                        glyph => glyph.wrapping_add(delta),
                    }
                };
                if glyph != 0 {
                    by_code[code] = advance(usize::from(glyph));
                }
            }
        }
        Self {
            by_code,
            missing: advance(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_the_figures_use_is_in_the_font() {
        let signs = "ABCxyz0189 .,;:()[]#%+-=×±·–—…°′″\u{2212}⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺αβγδεζηλμνσχΔΩÅ≤≥∼~→";
        for widths in [&*REGULAR_WIDTHS, &*SEMIBOLD_WIDTHS] {
            for c in signs.chars().filter(|c| *c != '∼') {
                assert!(widths.by_code[c as usize] > 0.0, "{c} is missing");
            }
        }
    }

    #[test]
    fn widths_are_those_of_the_font_file() {
        // hmtx of Source Sans Pro 2.020 Regular, 1000 units an em: A 544, space 200
        assert!((width("A A", 10.0, false) - (0.544 + 0.2 + 0.544) * 10.0).abs() < 1e-6);
    }

    #[test]
    fn long_texts_are_cut_and_wrapped_to_their_room() {
        let text = "excess flux at the rest wavelength of [O III] and much more of it elsewhere";
        let short = shorten(text, 12.0, false, 100.0);
        assert!(short.ends_with('…') && width(&short, 12.0, false) <= 100.0);
        let lines = wrap(text, 12.0, 120.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|l| width(l, 12.0, false) <= 120.0));
        assert!(lines[0].starts_with("excess flux") && lines[1].ends_with('…'));
        assert_eq!(wrap("  ", 12.0, 50.0, 3), Vec::<String>::new());
    }
}
