//! Cells as text with colors, for what is printed and scrolls away.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// The rows of a buffer, each without its blank end; `colored` with the sequences that color them.
pub fn printed(buffer: &Buffer, colored: bool) -> Vec<String> {
    let area = buffer.area;
    (area.y..area.bottom())
        .map(|y| {
            let row = (area.x..area.right()).filter_map(|x| buffer.cell((x, y)));
            let row: Vec<&Cell> = row.collect();
            let last = row
                .iter()
                .rposition(|cell| cell.symbol() != " " || cell.bg != Color::Reset);
            let row = &row[..last.map_or(0, |last| last + 1)];
            line(row, colored)
        })
        .collect()
}

fn line(row: &[&Cell], colored: bool) -> String {
    let mut text = String::new();
    let mut before = (Color::Reset, Color::Reset, Modifier::empty());
    let mut skip = 0;
    for cell in row {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        let look = (cell.fg, cell.bg, cell.modifier);
        if colored && look != before {
            let _ = write!(
                text,
                "\x1b[0{}{}{}m",
                modifiers(look.2),
                color(look.0, 30),
                color(look.1, 40)
            );
            before = look;
        }
        text += cell.symbol();
        // A wide character stands over the next cell.
        skip = super::text::width(cell.symbol()).saturating_sub(1);
    }
    if before != (Color::Reset, Color::Reset, Modifier::empty()) {
        text += "\x1b[0m";
    }
    text
}

fn modifiers(modifiers: Modifier) -> String {
    let known = [
        (Modifier::BOLD, ";1"),
        (Modifier::DIM, ";2"),
        (Modifier::UNDERLINED, ";4"),
        (Modifier::REVERSED, ";7"),
    ];
    let set = known.iter().filter(|(one, _)| modifiers.contains(*one));
    set.map(|(_, code)| *code).collect()
}

/// `base` is 30 for characters and 40 for what is behind them.
fn color(color: Color, base: u8) -> String {
    let plain = |n: u8| format!(";{}", base + n);
    let bright = |n: u8| format!(";{}", base + 60 + n);
    match color {
        Color::Reset => String::new(),
        Color::Rgb(r, g, b) => format!(";{};2;{r};{g};{b}", base + 8),
        Color::Indexed(n) => format!(";{};5;{n}", base + 8),
        Color::Black => plain(0),
        Color::Red => plain(1),
        Color::Green => plain(2),
        Color::Yellow => plain(3),
        Color::Blue => plain(4),
        Color::Magenta => plain(5),
        Color::Cyan => plain(6),
        Color::Gray => plain(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn colors_are_set_once_and_set_back() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 2));
        buffer.set_string(
            1,
            0,
            "ab",
            Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::Indexed(9)),
        );
        buffer.set_string(0, 1, "c", Style::new());
        assert_eq!(
            printed(&buffer, true),
            [" \x1b[0;38;2;1;2;3;48;5;9mab\x1b[0m", "c"]
        );
        assert_eq!(printed(&buffer, false), [" ab", "c"]);
    }
}
