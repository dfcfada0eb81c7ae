//! Dots in cells: what lies over what, and how a cell that holds several things is shown.

use ratatui::layout::Rect;

use super::Pen;
use crate::tui::theme::{Role, Theme};

/// Dots of a cell across and down.
pub(super) const ACROSS: usize = 2;
pub(super) const DOWN: usize = 4;

/// Bits of the dots by column and row, as Unicode numbers them.
const BITS: [[u8; DOWN]; ACROSS] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// A cell with this many dots is a filled one, in which nothing else could be told.
const FILLED: u32 = 6;

/// The braille character of a cell.
pub(super) fn braille(bits: u8) -> char {
    char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' ')
}

/// The bit of one dot.
pub(super) fn bit(across: usize, down: usize) -> u8 {
    BITS[across % ACROSS][down % DOWN]
}

/// What a cell shows.
#[derive(Debug, Clone, Copy)]
struct Ink {
    bits: u8,
    role: Role,
    /// The character in place of dots where only ASCII may be drawn.
    plain: Option<char>,
}

/// The dots of one curve, before they meet the others.
#[derive(Debug)]
pub(super) struct Layer {
    /// Cells across.
    width: usize,
    bits: Vec<u8>,
}

impl Layer {
    /// A vertical stroke over the rows of dots from `top` to `bottom`, both included.
    pub(super) fn stroke(&mut self, column: usize, top: usize, bottom: usize) {
        let cell = column / ACROSS;
        let bits = &BITS[column % ACROSS];
        for row in top / DOWN..=bottom / DOWN {
            let from = top.saturating_sub(row * DOWN);
            let to = (bottom - row * DOWN).min(DOWN - 1);
            let at = row * self.width + cell;
            if cell < self.width && at < self.bits.len() {
                self.bits[at] |= bits[from..=to].iter().fold(0, |all, bit| all | bit);
            }
        }
    }
}

/// Cells with their dots.
#[derive(Debug)]
pub(super) struct Canvas {
    pub plot: Rect,
    ascii: bool,
    ink: Vec<Option<Ink>>,
    /// What shows where no curve is.
    ground: Vec<Option<Ink>>,
}

impl Canvas {
    pub(super) fn new(plot: Rect, theme: &Theme) -> Self {
        let cells = usize::from(plot.width) * usize::from(plot.height);
        Self {
            plot,
            ascii: theme.ascii,
            ink: vec![None; cells],
            ground: vec![None; cells],
        }
    }

    /// Dots across and down.
    pub(super) fn dots(&self) -> (usize, usize) {
        (
            usize::from(self.plot.width) * ACROSS,
            usize::from(self.plot.height) * DOWN,
        )
    }

    pub(super) fn layer(&self) -> Layer {
        Layer {
            width: usize::from(self.plot.width),
            bits: vec![0; self.ink.len()],
        }
    }

    /// Lays a curve over what is there.
    ///
    /// A cell has one color. Where a curve crosses a filled cell, its dots alone are shown, and it is seen as a line. Where it runs
    /// along another thin curve, both keep their dots; the model and the data then take turns by column, so that both are seen.
    pub(super) fn lay(&mut self, layer: &Layer, role: Role, plain: Option<char>) {
        let width = usize::from(self.plot.width).max(1);
        for (i, (ink, bits)) in self.ink.iter_mut().zip(&layer.bits).enumerate() {
            if *bits == 0 {
                continue;
            }
            let over = Ink {
                bits: *bits,
                role,
                plain,
            };
            *ink = Some(match *ink {
                None => over,
                Some(under) if under.bits.count_ones() >= FILLED && under.role != role => over,
                Some(under) => {
                    let shared = role == Role::Model && i % width % 2 == 1;
                    let top = if shared { under } else { over };
                    Ink {
                        bits: under.bits | bits,
                        ..top
                    }
                }
            });
        }
    }

    /// Lays dots below all curves.
    pub(super) fn lay_ground(&mut self, layer: &Layer, role: Role, plain: char) {
        for (ground, bits) in self.ground.iter_mut().zip(&layer.bits) {
            if *bits != 0 {
                *ground = Some(Ink {
                    bits: *bits,
                    role,
                    plain: Some(plain),
                });
            }
        }
    }

    pub(super) fn flush(&self, pen: &mut Pen) {
        let width = usize::from(self.plot.width).max(1);
        for (i, (ink, ground)) in self.ink.iter().zip(&self.ground).enumerate() {
            let (ink, style) = match (ink, ground) {
                (Some(ink), _) => (ink, pen.theme.style(ink.role)),
                (None, Some(ground)) => (ground, pen.theme.faint(ground.role)),
                (None, None) => continue,
            };
            let (x, y) = ((i % width) as u16, (i / width) as u16);
            let glyph = if self.ascii {
                ink.plain.unwrap_or(plain(ink.bits))
            } else {
                braille(ink.bits)
            };
            pen.styled(self.plot.x + x, self.plot.y + y, glyph, style);
        }
    }
}

/// The dots of a cell as a character of ASCII.
pub(super) fn plain(bits: u8) -> char {
    let row = |down: usize| bits & (BITS[0][down] | BITS[1][down]) != 0;
    match (row(0), row(1), row(2), row(3)) {
        (false, false, false, false) => ' ',
        (_, false, false, false) => '\'',
        (false, false, false, _) => '.',
        (false, _, _, false) => '-',
        (_, _, false, false) => '"',
        (false, false, _, _) => '_',
        (true, false, _, _) | (_, _, false, true) => ':',
        _ => '|',
    }
}
