//! What ratatui draws on: crossterm's backend, but what is on the terminal already is not sent again, and the characters of a frame leave with all of it.

use std::io::{self, Stdout, Write};

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

use super::Output;

/// The characters of the terminal.
///
/// ratatui's own way of a frame in which nothing has changed is to set the colors back and to hide the cursor once more.
pub struct Canvas<W: Write = Stdout> {
    terminal: CrosstermBackend<Unflushed<W>>,
    /// Whether the cursor is, where that is known.
    hidden: Option<bool>,
}

/// ratatui and crossterm flush behind the characters and behind the cursor, where a frame has not ended.
struct Unflushed<W: Write>(Output<W>);

impl<W: Write> Write for Unflushed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Canvas<W> {
    pub fn new(output: Output<W>) -> Self {
        Self {
            terminal: CrosstermBackend::new(Unflushed(output)),
            hidden: None,
        }
    }
}

impl<W: Write> Backend for Canvas<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        self.terminal.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.hidden != Some(true) {
            self.terminal.hide_cursor()?;
            self.hidden = Some(true);
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.hidden != Some(false) {
            self.terminal.show_cursor()?;
            self.hidden = Some(false);
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.terminal.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.terminal.set_cursor_position(position)
    }

    /// Where everything is drawn anew, something else may have written to the terminal.
    fn clear(&mut self) -> io::Result<()> {
        self.hidden = None;
        self.terminal.clear()
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.hidden = None;
        self.terminal.clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        self.terminal.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.terminal.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.terminal)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use ratatui::layout::Rect;
    use ratatui::{Terminal, TerminalOptions, Viewport};

    use super::*;

    /// The writes that reach a terminal.
    #[derive(Clone, Default)]
    struct Writes(Rc<RefCell<Vec<String>>>);

    impl Writes {
        fn taken(&self) -> Vec<String> {
            self.0.borrow_mut().drain(..).collect()
        }
    }

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0
                .borrow_mut()
                .push(String::from_utf8(bytes.to_vec()).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_frame_leaves_in_one_write_and_an_empty_one_not_at_all() {
        let writes = Writes::default();
        let mut beside = Output::to(writes.clone());
        let viewport = Viewport::Fixed(Rect::new(0, 0, 8, 1));
        let mut terminal =
            Terminal::with_options(Canvas::new(beside.clone()), TerminalOptions { viewport }).unwrap();
        let mut frame = |text: &str, picture: &str| {
            beside.begin_frame();
            terminal
                .draw(|frame| frame.render_widget(text, frame.area()))
                .unwrap();
            beside.write_all(picture.as_bytes()).unwrap();
            beside.end_frame().unwrap();
            writes.taken()
        };
        let first = frame("text", "picture");
        assert_eq!(first.len(), 1, "{first:?}");
        assert!(first[0].starts_with("\x1b[?2026h") && first[0].ends_with("picture\x1b[?2026l"));
        assert!(first[0].contains("text") && first[0].contains("\x1b[?25l"));
        assert!(frame("text", "").is_empty(), "nothing has changed");
        assert_eq!(frame("text", "another"), ["\x1b[?2026hanother\x1b[?2026l"]);
        let changed = frame("next", "");
        assert!(
            changed.len() == 1 && !changed[0].contains("\x1b[?25l"),
            "the cursor is hidden already: {changed:?}"
        );
        // Pictures ask for it: through tmux the cursor has to be there before they are sent.
        beside.begin_frame();
        beside.write_all(b"cursor").unwrap();
        beside.flush().unwrap();
        assert_eq!(writes.taken(), ["\x1b[?2026hcursor"]);
        beside.end_frame().unwrap();
        assert_eq!(writes.taken(), ["\x1b[?2026l"]);
    }
}
