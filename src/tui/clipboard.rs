//! The clipboard of the machine before which the astronomer sits, reached through the terminal.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Sends text to the terminal's clipboard by OSC 52; a terminal that does not know it ignores it.
pub fn copy(out: &mut impl Write, text: &str) -> io::Result<()> {
    write!(out, "\x1b]52;c;{}\x1b\\", STANDARD.encode(text))?;
    out.flush()
}
