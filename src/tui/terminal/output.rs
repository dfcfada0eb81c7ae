//! Standard output, buffered: a frame leaves in one write, within a synchronized update, and its bytes are counted.

use std::cell::{Cell, RefCell};
use std::io::{self, BufWriter, Stdout, Write};
use std::rc::Rc;

/// Bytes written so far, shared with whoever wants to know.
#[derive(Debug, Clone, Default)]
pub struct Spent(Rc<Cell<u64>>);

impl Spent {
    pub fn bytes(&self) -> u64 {
        self.0.get()
    }
}

/// What ratatui's backend writes to, and who has to write beside it: clones share one buffer.
#[derive(Clone)]
pub struct Output {
    buffer: Rc<RefCell<BufWriter<Stdout>>>,
    spent: Spent,
}

/// A frame of a large terminal fits.
const CAPACITY: usize = 1 << 16;

impl Output {
    pub fn new() -> (Self, Spent) {
        let spent = Spent::default();
        let buffer = BufWriter::with_capacity(CAPACITY, io::stdout());
        (
            Self {
                buffer: Rc::new(RefCell::new(buffer)),
                spent: spent.clone(),
            },
            spent,
        )
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.buffer.borrow_mut().write(bytes)?;
        self.spent.0.set(self.spent.0.get() + written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.buffer.borrow_mut().flush()
    }
}
