//! The word SIMULATED in the picture itself, so that no copy of it can be taken for an observation.

/// The letters of the word: rows of 5 bits, from the top.
const LETTERS: [[u8; 7]; 9] = [
    [0x0f, 0x10, 0x10, 0x0e, 0x01, 0x01, 0x1e], // S
    [0x0e, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0e], // I
    [0x11, 0x1b, 0x15, 0x15, 0x11, 0x11, 0x11], // M
    [0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e], // U
    [0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1f], // L
    [0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11], // A
    [0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04], // T
    [0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f], // E
    [0x1e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1e], // D
];

/// Writes the word into the upper left corner, about two fifths of the width.
pub(super) fn stamp(rgb: &mut [u8], pixels: u32) {
    let pixels = pixels as usize;
    let dot = (pixels / 128).max(1);
    let margin = 3 * dot;
    for (place, letter) in LETTERS.iter().enumerate() {
        for (row, bits) in letter.iter().enumerate() {
            for column in (0..5).filter(|column| bits >> (4 - column) & 1 == 1) {
                let (left, top) = (margin + (place * 6 + column) * dot, margin + row * dot);
                for (x, y) in (0..dot * dot).map(|i| (left + i % dot, top + i / dot)) {
                    if x < pixels && y < pixels {
                        let at = 3 * (y * pixels + x);
                        // Half there: what lies behind stays seen.
                        for value in &mut rgb[at..at + 3] {
                            *value = (u16::from(*value) / 3 + 150) as u8;
                        }
                    }
                }
            }
        }
    }
}
