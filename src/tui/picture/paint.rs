//! Pixels beside the characters: what ratatui does not know of is sent, taken away and sent again here.
//!
//! A sixel or an inline image lies over the cells until characters are written there. ratatui takes these cells for blank; so before a
//! frame the cells of a picture that goes are erased, and after it the picture is sent that came.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crossterm::cursor::MoveTo;
use crossterm::queue;
use ratatui::layout::{Rect, Size};

use super::draw::Placed;
use super::encode::{Payload, erased};
use crate::tui::terminal::through_tmux;

/// What of pictures is on the terminal.
#[derive(Debug, Default)]
pub struct Painter {
    /// Sent, and not covered since.
    painted: Vec<Placed>,
    /// Names of pictures that the terminal keeps.
    sent: BTreeSet<u32>,
    /// The names go through tmux.
    passthrough: bool,
    /// Of the terminal at the last frame.
    area: Rect,
}

impl Painter {
    pub fn new(passthrough: bool) -> Self {
        Self {
            passthrough,
            ..Self::default()
        }
    }

    /// Whether a frame with these pictures needs none sent.
    pub fn has(&self, placed: &[Placed]) -> bool {
        placed.iter().all(|one| self.has_one(one))
    }

    fn has_one(&self, one: &Placed) -> bool {
        match &one.picture.payload {
            Payload::Kitty { id, .. } => self.sent.contains(id),
            Payload::Sent(_) => self.painted.contains(one),
            Payload::Colors(_) => true,
        }
    }

    /// The terminal's area in the frame that begins: of another size than before, ratatui has cleared it.
    pub fn fits(&mut self, area: Rect) {
        if std::mem::replace(&mut self.area, area) != area {
            self.painted.clear();
        }
    }

    /// Before the characters of a frame: erases what goes, and sends what characters place.
    pub fn before(&mut self, placed: &[Placed], out: &mut impl Write) -> io::Result<()> {
        let (stay, go): (Vec<Placed>, Vec<Placed>) = std::mem::take(&mut self.painted)
            .into_iter()
            .partition(|old| placed.contains(old));
        self.painted = stay;
        for old in go {
            // What takes its place erases as much itself.
            let replaced = placed
                .iter()
                .any(|new| covers(new.area, old.area) && is_sent(new));
            if !replaced {
                queue!(out, MoveTo(old.area.x, old.area.y))?;
                write!(
                    out,
                    "\x1b[m{}",
                    erased(Size::new(old.area.width, old.area.height))
                )?;
            }
        }
        for one in placed {
            if let Payload::Kitty { id, transmission, .. } = &one.picture.payload
                && self.sent.insert(*id)
            {
                out.write_all(transmission.as_bytes())?;
            }
        }
        Ok(())
    }

    /// After them: sends what lies over them.
    pub fn after(&mut self, placed: &[Placed], out: &mut impl Write) -> io::Result<()> {
        for one in placed {
            if let Payload::Sent(data) = &one.picture.payload
                && !self.painted.contains(one)
            {
                // The cursor may stand in a line that is typed.
                out.write_all(b"\x1b7")?;
                queue!(out, MoveTo(one.area.x, one.area.y))?;
                // tmux moves the cursor of its terminal when it has read all that there is.
                if self.passthrough {
                    out.flush()?;
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
                out.write_all(data.as_bytes())?;
                out.write_all(b"\x1b8")?;
                self.painted.push(one.clone());
            }
        }
        Ok(())
    }

    /// Takes pictures out of the terminal's memory.
    pub fn forget(&mut self, ids: &[u32], out: &mut impl Write) -> io::Result<()> {
        for id in ids {
            if self.sent.remove(id) {
                let delete = format!("\x1b_Ga=d,d=I,i={id},q=2\x1b\\");
                let delete = if self.passthrough {
                    through_tmux(&delete)
                } else {
                    delete
                };
                out.write_all(delete.as_bytes())?;
            }
        }
        Ok(())
    }

    /// The terminal is cleared, left or entered again: nothing of ours is to stay on it, and all is to be sent again.
    pub fn clear(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.painted.clear();
        let ids: Vec<u32> = self.sent.iter().copied().collect();
        self.forget(&ids, out)
    }
}

fn is_sent(placed: &Placed) -> bool {
    matches!(placed.picture.payload, Payload::Sent(_))
}

fn covers(new: Rect, old: Rect) -> bool {
    new.union(old) == new
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::encode::{Caption, Picture};
    use super::*;

    fn placed(area: Rect, payload: Payload) -> Placed {
        Placed {
            area,
            picture: Arc::new(Picture {
                payload,
                cells: (area.width, area.height),
                caption: Caption::default(),
            }),
        }
    }

    /// What one frame sends before and after its characters.
    fn frame(painter: &mut Painter, placed: &[Placed]) -> (String, String) {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        painter.before(placed, &mut before).unwrap();
        painter.after(placed, &mut after).unwrap();
        (
            String::from_utf8(before).unwrap(),
            String::from_utf8(after).unwrap(),
        )
    }

    #[test]
    fn a_picture_is_sent_once_and_again_after_it_was_covered() {
        let mut painter = Painter::new(false);
        let picture = [placed(Rect::new(3, 2, 4, 2), Payload::Sent("SIXEL".into()))];
        let (before, after) = frame(&mut painter, &picture);
        assert!(before.is_empty());
        assert_eq!(after, "\x1b7\x1b[3;4HSIXEL\x1b8");
        assert_eq!(frame(&mut painter, &picture), (String::new(), String::new()));
        // A popup over it: no ghost.
        let (before, after) = frame(&mut painter, &[]);
        assert_eq!(before, "\x1b[3;4H\x1b[m\x1b[4X\x1b[1B\x1b[4X\x1b[1A");
        assert!(after.is_empty());
        // It closes: no hole.
        assert!(frame(&mut painter, &picture).1.contains("SIXEL"));
        // The pane moves.
        let moved = [placed(Rect::new(30, 2, 4, 2), Payload::Sent("SIXEL".into()))];
        let (before, after) = frame(&mut painter, &moved);
        assert!(before.contains("\x1b[3;4H") && after.contains("\x1b[3;31HSIXEL"));
        // Another picture at the same place erases for itself.
        let other = [placed(Rect::new(30, 2, 4, 2), Payload::Sent("OTHER".into()))];
        assert!(frame(&mut painter, &other).0.is_empty());
    }

    #[test]
    fn kept_pictures_are_sent_once_and_deleted_by_name() {
        let kitty = |id| {
            use ratatui_image::protocol::Protocol as Cells;
            use ratatui_image::protocol::halfblocks::Halfblocks;
            placed(
                Rect::new(0, 0, 2, 1),
                Payload::Kitty {
                    id,
                    transmission: format!("<{id}>"),
                    places: Box::new(Cells::Halfblocks(Halfblocks::default())),
                },
            )
        };
        let mut painter = Painter::new(false);
        assert_eq!(frame(&mut painter, &[kitty(7)]).0, "<7>");
        assert_eq!(frame(&mut painter, &[kitty(8)]).0, "<8>");
        assert_eq!(
            frame(&mut painter, &[kitty(7)]).0,
            "",
            "it is in the terminal's memory"
        );
        let mut out = Vec::new();
        painter.forget(&[7, 9], &mut out).unwrap();
        assert_eq!(out, b"\x1b_Ga=d,d=I,i=7,q=2\x1b\\");
        assert_eq!(frame(&mut painter, &[kitty(7)]).0, "<7>");
        out.clear();
        painter.clear(&mut out).unwrap();
        assert!(out.windows(3).filter(|bytes| bytes == b"d=I").count() == 2);
        assert_eq!(frame(&mut painter, &[kitty(8)]).0, "<8>");
    }
}
