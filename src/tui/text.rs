//! Text for the screen: made harmless, cut and padded by its width in cells.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::words::of_them;

/// What stands for a character that may not reach the terminal.
const HARMLESS: char = '·';

/// The text with nothing in it that could steer a terminal or mislead the eye.
///
/// Tabs, line breaks and the line and paragraph separators become spaces; control characters (C0, DEL, C1), bidirectional
/// overrides and isolates, private-use and tag characters become `·`; zero-width characters (with them soft hyphens and invisible
/// operators) are removed.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) || text.chars().all(|c| judged(c) == Some(c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter_map(judged).collect())
}

/// The character as it may be shown; `None` where it is dropped.
fn judged(c: char) -> Option<char> {
    match c {
        '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => Some(HARMLESS),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' => Some(HARMLESS),
        '\u{200b}'..='\u{200f}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{feff}'
        | '\u{ad}' => None,
        '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{10ffff}' => Some(HARMLESS),
        c => Some(c),
    }
}

/// Cells that a text takes.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text, cut to at most `cells` cells; what is cut ends in `…`.
///
/// ```
/// use spectriage::tui::text::fit;
/// assert_eq!(fit("39627835576420616", 8), "3962783…");
/// assert_eq!(fit("NGC 4151", 8), "NGC 4151");
/// ```
pub fn fit(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    if cells == 0 {
        return String::new();
    }
    let mut cut = String::with_capacity(text.len().min(4 * cells));
    let mut taken = 0;
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        if taken > cells - 1 {
            break;
        }
        cut.push(c);
    }
    // the width of a sequence may exceed the sum of its characters (emoji presentation)
    while width(&cut) > cells - 1 {
        cut.pop();
    }
    cut.push('…');
    cut
}

/// So many of a thing, the digits in groups of three.
pub fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{} {}", thousands(count), of_them(count, noun))
}

/// A number with its digits in groups of three.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A text in lines of at most `cells` cells, broken at spaces where there are any.
pub fn wrapped(words: &str, cells: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = words;
    while width(rest) > cells && cells > 0 {
        let mut taken = 0;
        let fits = rest.char_indices().find(|(_, c)| {
            taken += c.width().unwrap_or(0);
            taken > cells
        });
        // At least a character goes.
        let first = rest.chars().next().map_or(rest.len(), char::len_utf8);
        let end = fits.map_or(rest.len(), |(at, _)| at).max(first);
        let cut = rest[..end].rfind(' ').filter(|space| *space > end / 2);
        let cut = cut.map_or(end, |space| space + 1);
        lines.push(rest[..cut].trim_end().to_owned());
        rest = &rest[cut..];
    }
    if !rest.is_empty() || lines.is_empty() {
        lines.push(rest.to_owned());
    }
    lines
}

/// The text in exactly `cells` cells, at the left.
pub fn pad(text: &str, cells: usize) -> String {
    let mut fitted = fit(text, cells);
    fitted.extend(std::iter::repeat_n(' ', cells - width(&fitted).min(cells)));
    fitted
}

/// The text in exactly `cells` cells, at the right: for numbers.
pub fn pad_left(text: &str, cells: usize) -> String {
    let fitted = fit(text, cells);
    let mut padded = " ".repeat(cells - width(&fitted).min(cells));
    padded.push_str(&fitted);
    padded
}

/// The text in ASCII, as an astronomer types it: `H alpha`, `1e-17`, `A`, `sigma`; what has no such spelling becomes `?`.
pub fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 8);
    let mut raised = false;
    for c in text.chars() {
        let power = superscript(c);
        if let Some(digit) = power {
            // `cm⁻²` is read as cm-2, but 10² must not become 102
            if !raised && plain.ends_with(|last: char| last.is_ascii_digit()) {
                plain.push('^');
            }
            plain.push(digit);
        } else {
            push_ascii(&mut plain, c);
        }
        raised = power.is_some();
    }
    Cow::Owned(plain)
}

fn superscript(c: char) -> Option<char> {
    Some(match c {
        '⁻' => '-',
        '⁰' => '0',
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '⁴'..='⁹' => char::from(b'4' + (c as u32 - '⁴' as u32) as u8),
        _ => return None,
    })
}

fn push_ascii(plain: &mut String, c: char) {
    let spelled = match c {
        c if c.is_ascii() => {
            plain.push(c);
            return;
        }
        '−' | '–' | '—' => "-",
        'Å' => "A",
        'σ' => "sigma",
        'α' => " alpha",
        'β' => " beta",
        'γ' => " gamma",
        'δ' => " delta",
        'ε' => " epsilon",
        'ζ' => " zeta",
        'λ' => "lambda",
        'χ' => "chi",
        'μ' | 'µ' => "u",
        'Δ' => "d",
        '×' => "x",
        '±' => "+-",
        '°' => "deg",
        '·' | '•' => ".",
        '…' => "~",
        '≥' => ">=",
        '≤' => "<=",
        '→' => "->",
        '←' => "<-",
        '“' | '”' | '″' => "\"",
        '‘' | '’' | '′' => "'",
        '\u{a0}' | '\u{202f}' | '\u{2009}' => " ",
        _ => "?",
    };
    plain.push_str(spelled);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_steers_the_terminal() {
        let cases = [
            ("plain µJy Å", "plain µJy Å"),
            ("\u{1b}[31mred\u{7}", "·[31mred·"),
            ("a\u{9b}31m", "a·31m"),
            ("one\ttwo\nthree\u{2028}four", "one two three four"),
            ("gal\u{202e}yxa\u{2066}", "gal·yxa·"),
            ("zero\u{200b}\u{200d}\u{feff}width", "zerowidth"),
            ("\u{7f}\u{0}", "··"),
            ("\u{e0b0}\u{f0000}\u{e0041}", "···"),
        ];
        for (text, shown) in cases {
            assert_eq!(clean(text), shown, "{text:?}");
        }
        assert!(matches!(clean("Hβ 4861 Å"), Cow::Borrowed(_)));
    }

    #[test]
    fn long_lines_are_broken_and_nothing_is_lost() {
        let error =
            "catalog.parquet: column `flux` of row 17 has 12 values where its wavelength grid has 7781";
        let lines = wrapped(error, 30);
        assert!(lines.iter().all(|line| width(line) <= 30), "{lines:?}");
        assert_eq!(lines.join(" "), error);
        assert_eq!(wrapped("銀河銀河", 3), ["銀", "河", "銀", "河"]);
        assert_eq!(wrapped("銀", 1), ["銀"]);
        assert_eq!(wrapped("", 0), [""]);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 20_000_000].map(thousands),
            ["0", "999", "1,000", "20,000,000"]
        );
        assert_eq!(counted(0_usize, "label"), "0 labels");
    }

    #[test]
    fn widths_are_cells_and_not_characters() {
        assert_eq!(fit("銀河の光", 6), "銀河…");
        assert_eq!(fit("銀河の光", 8), "銀河の光");
        assert_eq!(pad("銀河", 6), "銀河  ");
        assert_eq!(pad_left("3.2", 6), "   3.2");
        assert_eq!(pad_left("3.25e-17", 5), "3.25…");
        assert_eq!(fit("abc", 0), "");
    }

    #[test]
    fn units_are_spelled_in_ascii() {
        assert_eq!(
            ascii("Flux (10⁻¹⁷ erg s⁻¹ cm⁻² Å⁻¹)"),
            "Flux (10^-17 erg s-1 cm-2 A-1)"
        );
        assert_eq!(ascii("+9.0σ Hα"), "+9.0sigma H alpha");
        assert_eq!(ascii("\u{2212}4×10⁵"), "-4x10^5");
    }

    proptest! {
        #[test]
        fn any_text_becomes_harmless_and_keeps_to_its_room(text in any::<String>(), cells in 0usize..40) {
            let shown = clean(&text);
            prop_assert!(shown.chars().all(|c| !c.is_control() && judged(c) == Some(c)));
            prop_assert_eq!(&clean(&shown), &shown);
            prop_assert!(width(&fit(&shown, cells)) <= cells);
            prop_assert_eq!(width(&pad(&shown, cells)), cells);
            prop_assert_eq!(width(&pad_left(&shown, cells)), cells);
            prop_assert!(ascii(&shown).is_ascii());
        }
    }
}
