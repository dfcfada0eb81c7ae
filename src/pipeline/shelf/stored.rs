//! The file of prepared spectra: records one behind the other, then a line for each, then a head that says what they are.
//!
//! It can be made again from the catalog at any time. So its writer does not wait for the disk, and its reader believes nothing: the head and
//! the lines have digests, each record has a checksum, and what does not fit is as good as not there.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::record::{self, Span};
use crate::durable::Draft;
use crate::model::Sample;
use crate::spectrum::prepare::{Preparation, Prepared};
use crate::spectrum::{Facts, RowIssue, WavelengthGrid};

const MAGIC: &[u8; 8] = b"SPTRPREP";
/// Raised where the file or the preparation of spectra changes.
pub(super) const FORMAT: u32 = 1;
/// Length of the head, its digest, and the magic again.
const TAIL: u64 = 8 + 32 + 8;

/// What the spectra of a file are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Head {
    pub format: u32,
    /// Digest of catalog, rows and preparation.
    pub key: String,
    /// Digest of what the grid of the preparation was chosen from, where it was chosen from these rows.
    pub chosen_from: Option<String>,
    pub preparation: Preparation,
    /// Rows that cannot be used, by their number in the catalog.
    pub issues: Vec<(u64, RowIssue)>,
}

#[derive(Serialize, Deserialize)]
struct Whole {
    head: Head,
    grids: Vec<WavelengthGrid>,
    spectra: usize,
    lines_at: u64,
    lines_digest: String,
}

/// A spectrum without its pixels.
#[derive(Debug)]
pub(super) struct Card {
    pub row: u64,
    pub facts: Arc<Facts>,
    pub stretch: f64,
    pub scale: f64,
    pub offset: f64,
    pub sn: f64,
    pub coverage: f64,
    pub source: Arc<WavelengthGrid>,
    at: u64,
    span: Span,
}

/// The line of a card. Numbers are kept by their bits.
#[derive(Serialize, Deserialize, PartialEq)]
struct Line {
    row: u64,
    facts: Facts,
    numbers: [u64; 5],
    grid: usize,
    at: u64,
    span: (u32, u32),
}

impl Card {
    fn line(&self, grid: usize) -> io::Result<Vec<u8>> {
        let numbers = [self.stretch, self.scale, self.offset, self.sn, self.coverage];
        let line = Line {
            row: self.row,
            facts: (*self.facts).clone(),
            numbers: numbers.map(f64::to_bits),
            grid,
            at: self.at,
            span: (self.span.first, self.span.count),
        };
        let mut text = serde_json::to_vec(&line)?;
        // A fact that JSON cannot hold, an infinite one, would come back as another one.
        if serde_json::from_slice::<Line>(&text)? != line {
            let what = format!("the facts of object {} cannot be kept", self.facts.object_id);
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        text.push(b'\n');
        Ok(text)
    }

    fn of(line: Line, grids: &[Arc<WavelengthGrid>], pixels: usize, end: u64) -> Option<Self> {
        let [stretch, scale, offset, sn, coverage] = line.numbers.map(f64::from_bits);
        let span = Span {
            first: line.span.0,
            count: line.span.1,
        };
        let is_inside = span.fits(pixels) && line.at.checked_add(span.bytes(pixels) as u64)? <= end;
        is_inside.then_some(Self {
            row: line.row,
            facts: Arc::new(line.facts),
            stretch,
            scale,
            offset,
            sn,
            coverage,
            source: Arc::clone(grids.get(line.grid)?),
            at: line.at,
            span,
        })
    }
}

/// A file that is being filled; dropped before it is finished, it leaves nothing.
pub(super) struct Filling {
    path: PathBuf,
    out: BufWriter<Draft>,
    at: u64,
    cards: Vec<Card>,
    record: Vec<u8>,
}

impl Filling {
    pub fn begin(path: &Path) -> io::Result<Self> {
        let mut out = BufWriter::with_capacity(1 << 20, Draft::of(path)?);
        out.write_all(MAGIC)?;
        Ok(Self {
            path: path.into(),
            out,
            at: MAGIC.len() as u64,
            cards: Vec::new(),
            record: Vec::new(),
        })
    }

    /// Appends a spectrum.
    ///
    /// Errors: no room on the disk.
    pub fn add(&mut self, row: u64, prepared: &Prepared) -> io::Result<()> {
        let span = Span::of(prepared);
        self.record.clear();
        record::write(prepared, span, &mut self.record);
        self.out.write_all(&self.record)?;
        self.cards.push(Card {
            row,
            facts: prepared.facts.clone(),
            stretch: prepared.stretch,
            scale: prepared.scale,
            offset: prepared.offset,
            sn: prepared.sn,
            coverage: prepared.coverage,
            source: Arc::clone(&prepared.source),
            at: self.at,
            span,
        });
        self.at += self.record.len() as u64;
        Ok(())
    }

    /// Writes lines and head, and gives the file its name.
    ///
    /// Errors: as [`add`](Self::add), and facts that JSON cannot hold.
    pub fn finish(mut self, head: Head) -> io::Result<Stored> {
        let pixels = head.preparation.grid.len();
        let (mut grids, mut numbers) = (Vec::new(), HashMap::new());
        let mut hasher = blake3::Hasher::new();
        for card in &self.cards {
            // The catalog shares equal grids.
            let grid = *numbers.entry(Arc::as_ptr(&card.source)).or_insert_with(|| {
                grids.push((*card.source).clone());
                grids.len() - 1
            });
            let line = card.line(grid)?;
            hasher.update(&line);
            self.out.write_all(&line)?;
        }
        let whole = Whole {
            grids,
            spectra: self.cards.len(),
            lines_at: self.at,
            lines_digest: hasher.finalize().to_hex().to_string(),
            head,
        };
        let text = serde_json::to_vec(&whole)?;
        self.out.write_all(&text)?;
        self.out.write_all(&(text.len() as u64).to_le_bytes())?;
        self.out.write_all(blake3::hash(&text).as_bytes())?;
        self.out.write_all(MAGIC)?;
        let draft = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        draft.publish_loosely()?;
        Ok(Stored {
            file: File::open(&self.path)?,
            path: self.path,
            pixels,
            cards: self.cards,
            issues: whole.head.issues,
        })
    }
}

/// A file of prepared spectra, open for reading: what is small in memory, the pixels on disk.
#[derive(Debug)]
pub(super) struct Stored {
    path: PathBuf,
    file: File,
    pixels: usize,
    pub cards: Vec<Card>,
    pub issues: Vec<(u64, RowIssue)>,
}

impl Stored {
    /// Opens a file of this key; `None` where there is none, or none that is whole.
    pub fn open(path: &Path, key: &str) -> Option<Self> {
        let (mut file, whole) = read_head(path).filter(|(_, whole)| whole.head.key == key)?;
        let pixels = whole.head.preparation.grid.len();
        let grids: Vec<Arc<WavelengthGrid>> = whole.grids.into_iter().map(Arc::new).collect();
        file.seek(SeekFrom::Start(whole.lines_at)).ok()?;
        let mut reader = BufReader::with_capacity(1 << 20, file);
        let mut hasher = blake3::Hasher::new();
        let (mut cards, mut line) = (Vec::new(), Vec::new());
        for _ in 0..whole.spectra {
            line.clear();
            reader.read_until(b'\n', &mut line).ok()?;
            hasher.update(&line);
            let read = serde_json::from_slice(&line).ok()?;
            cards.push(Card::of(read, &grids, pixels, whole.lines_at)?);
        }
        (hasher.finalize().to_hex().as_str() == whole.lines_digest).then_some(Self {
            path: path.into(),
            file: reader.into_inner(),
            pixels,
            cards,
            issues: whole.head.issues,
        })
    }

    /// The head of a file, or `None` where it is none of ours or not whole.
    pub fn head(path: &Path) -> Option<Head> {
        read_head(path).map(|(_, whole)| whole.head)
    }

    /// Reads one spectrum.
    ///
    /// Errors: the disk, or a damaged record. The file is removed then, so that the next job makes it anew.
    pub fn get(&self, index: usize) -> io::Result<Prepared> {
        let card = &self.cards[index];
        let record = self.record(card)?;
        let content = self.checked(&record)?;
        let (mut flux, mut ivar) = (Vec::with_capacity(self.pixels), Vec::with_capacity(self.pixels));
        record::append(content, card.span, self.pixels, &mut flux, &mut ivar);
        Ok(Prepared {
            facts: card.facts.clone(),
            stretch: card.stretch,
            flux,
            ivar,
            scale: card.scale,
            offset: card.offset,
            sn: card.sn,
            coverage: card.coverage,
            artifact: record::artifact(content, card.span, self.pixels),
            source: Arc::clone(&card.source),
        })
    }

    /// Appends flux and ivar of one spectrum to a sample. Errors: as [`get`](Self::get).
    pub fn append(&self, index: usize, sample: &mut Sample) -> io::Result<()> {
        let card = &self.cards[index];
        let record = self.record(card)?;
        let content = self.checked(&record)?;
        record::append(
            content,
            card.span,
            self.pixels,
            &mut sample.flux,
            &mut sample.ivar,
        );
        Ok(())
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn record(&self, card: &Card) -> io::Result<Vec<u8>> {
        let mut record = vec![0; card.span.bytes(self.pixels)];
        read_at(&self.file, &self.path, &mut record, card.at)?;
        Ok(record)
    }

    fn checked<'a>(&self, record: &'a [u8]) -> io::Result<&'a [u8]> {
        record::check(record).ok_or_else(|| {
            let _ = std::fs::remove_file(&self.path);
            io::Error::new(
                io::ErrorKind::InvalidData,
                "it is damaged and was removed; start the job again",
            )
        })
    }
}

/// Reads at a place, whatever other threads read of the file at the same time.
#[cfg(unix)]
fn read_at(file: &File, _: &Path, out: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, at)
}

#[cfg(not(unix))]
fn read_at(_: &File, path: &Path, out: &mut [u8], at: u64) -> io::Result<()> {
    let mut own = File::open(path)?;
    own.seek(SeekFrom::Start(at))?;
    own.read_exact(out)
}

fn read_head(path: &Path) -> Option<(File, Whole)> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.checked_sub(TAIL)?)).ok()?;
    let mut tail = [0; TAIL as usize];
    file.read_exact(&mut tail).ok()?;
    if &tail[40..] != MAGIC {
        return None;
    }
    let size = u64::from_le_bytes(tail[..8].try_into().ok()?);
    let at = (length - TAIL).checked_sub(size)?;
    file.seek(SeekFrom::Start(at)).ok()?;
    let mut text = vec![0; usize::try_from(size).ok()?];
    file.read_exact(&mut text).ok()?;
    if blake3::hash(&text).as_bytes() != &tail[8..40] {
        return None;
    }
    let whole: Whole = serde_json::from_slice(&text).ok()?;
    (whole.head.format == FORMAT && whole.lines_at <= at).then_some((file, whole))
}

#[cfg(test)]
mod tests;
