//! Times and bytes of every frame, for the benchmark page: `--trace FILE`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use super::terminal::Spent;

/// A CSV file with a line for each frame: seconds since the start, milliseconds since the first key that the frame answers
/// (empty where it answers none), bytes.
pub struct Trace {
    file: BufWriter<File>,
    spent: Spent,
    started: Instant,
    /// The first input since the last frame.
    asked: Option<Instant>,
    before: u64,
}

impl Trace {
    pub fn create(path: &Path, spent: Spent) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        writeln!(file, "seconds,key_to_frame_ms,bytes")?;
        Ok(Self {
            file,
            before: spent.bytes(),
            spent,
            started: Instant::now(),
            asked: None,
        })
    }

    pub fn input(&mut self) {
        self.asked.get_or_insert_with(Instant::now);
    }

    /// A frame has been written to the terminal.
    pub fn frame(&mut self) {
        let now = self.spent.bytes();
        let waited = self.asked.take().map_or_else(String::new, |asked| {
            format!("{:.3}", asked.elapsed().as_secs_f64() * 1e3)
        });
        // A trace that cannot be written is no reason to stop the work.
        let _ = writeln!(
            self.file,
            "{:.4},{waited},{}",
            self.started.elapsed().as_secs_f64(),
            now - self.before
        );
        let _ = self.file.flush();
        self.before = now;
    }
}
