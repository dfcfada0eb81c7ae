//! Standard output, buffered: a frame leaves in one write, within a synchronized update, and its bytes are counted.

use std::cell::{Cell, RefCell};
use std::io::{self, BufWriter, Stdout, Write};
use std::rc::Rc;

use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};

/// Bytes written so far, shared with whoever wants to know.
#[derive(Debug, Clone, Default)]
pub struct Spent(Rc<Cell<u64>>);

impl Spent {
    pub fn bytes(&self) -> u64 {
        self.0.get()
    }
}

/// What ratatui's backend writes to, and who has to write beside it: clones share one buffer.
pub struct Output<W: Write = Stdout> {
    buffer: Rc<RefCell<BufWriter<W>>>,
    spent: Spent,
    frame: Rc<Cell<Frame>>,
}

/// Where a frame stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    /// There is none.
    None,
    /// It has begun, and nothing is written of it.
    Blank,
    /// Something is.
    Written,
}

/// A frame of a large terminal fits.
const CAPACITY: usize = 1 << 16;

impl Output {
    pub fn new() -> (Self, Spent) {
        let output = Self::to(io::stdout());
        let spent = output.spent.clone();
        (output, spent)
    }
}

impl<W: Write> Clone for Output<W> {
    fn clone(&self) -> Self {
        Self {
            buffer: self.buffer.clone(),
            spent: self.spent.clone(),
            frame: self.frame.clone(),
        }
    }
}

impl<W: Write> Output<W> {
    pub(super) fn to(terminal: W) -> Self {
        Self {
            buffer: Rc::new(RefCell::new(BufWriter::with_capacity(CAPACITY, terminal))),
            spent: Spent::default(),
            frame: Rc::new(Cell::new(Frame::None)),
        }
    }

    /// What is written from now on is one synchronized update.
    pub fn begin_frame(&self) {
        self.frame.set(Frame::Blank);
    }

    /// Sends the frame, unless nothing was written of it.
    ///
    /// Errors: the terminal takes no more.
    pub fn end_frame(&mut self) -> io::Result<()> {
        if self.frame.get() == Frame::Written {
            queue!(self, EndSynchronizedUpdate)?;
        }
        self.frame.set(Frame::None);
        self.flush()
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.frame.get() == Frame::Blank && !bytes.is_empty() {
            self.frame.set(Frame::Written);
            queue!(self, BeginSynchronizedUpdate)?;
        }
        let written = self.buffer.borrow_mut().write(bytes)?;
        self.spent.0.set(self.spent.0.get() + written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.buffer.borrow_mut().flush()
    }
}
