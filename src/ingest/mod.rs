//! Survey files to spectra: SDSS `spec-*`, DESI `coadd-*` with their redshifts, tables of one spectrum.
//!
//! [`discover`] lists what is behind the inputs, [`read`] opens one of them, [`import_file`] hands its spectra on and says what
//! became of it. Nothing is written here. A damaged file is an error that names it, never a panic: the FITS library is only
//! called on files whose structure was checked, and inside `catch_unwind`.

mod desi;
mod discover;
mod error;
mod fits;
mod import;
mod position;
mod report;
mod sdss;
mod settle;
mod stack;
mod table;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::spectrum::{RowIssue, Spectrum};

pub use discover::{Source, SourceKind, discover};
pub use error::IngestError;
pub use import::{Identities, import_file};
pub use report::{FileKind, FileOutcome, ImportReport, Status};

use fits::Fits;

/// A few rows of a file: spectra, and issues in the place of those that cannot be used.
pub type Batch = Vec<Result<Spectrum, RowIssue>>;

/// A file that is read some rows at a time.
trait Rows: Send {
    /// The next rows, `None` at the end.
    fn next_batch(&mut self) -> Result<Option<Batch>, IngestError>;
}

/// The single batch of a file of one spectrum.
impl Rows for Option<Batch> {
    fn next_batch(&mut self) -> Result<Option<Batch>, IngestError> {
        Ok(self.take())
    }
}

/// An open file: an iterator over its spectra in batches of at most 64, and little more than a batch is in memory (of gzipped files
/// and tables all, of a coadd's compressed masks the marked pixels). After an error it ends.
pub struct Reader {
    path: PathBuf,
    kind: FileKind,
    notes: Vec<String>,
    rows: Option<Box<dyn Rows>>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("path", &self.path)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// What the file turned out to be.
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// What the user should know of the file: it has no redshifts, its ivar is estimated.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Iterator for Reader {
    type Item = Result<Batch, IngestError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.rows.as_mut()?;
        let batch = guarded(&self.path, "its spectra", || rows.next_batch()).transpose();
        if !matches!(batch, Some(Ok(_))) {
            self.rows = None;
        }
        batch
    }
}

/// Opens a source for reading.
///
/// Errors: it is no spectrum file (Parquet and redshift files among them), or damaged; the message names it and says what to do.
pub fn read(source: &Source) -> Result<Reader, IngestError> {
    let path = source.path.as_path();
    match &source.kind {
        SourceKind::Fits { redshifts } => {
            guarded(path, "its tables", || open_fits(path, redshifts.as_deref()))
        }
        SourceKind::Table => guarded(path, "the table", || {
            let mut notes = Vec::new();
            let batch = table::read(path, &mut notes)?;
            Ok(reader(path, FileKind::SpectrumTable, notes, Some(batch)))
        }),
        SourceKind::Parquet => Err(IngestError::not_a_spectrum(
            path,
            "Parquet, which the catalog reads",
        )),
        SourceKind::Redshifts => Err(IngestError::not_a_spectrum(path, REDSHIFTS_ALONE)),
        SourceKind::Unrecognized(why) => Err(IngestError::not_a_spectrum(path, why)),
    }
}

const REDSHIFTS_ALONE: &str =
    "redshifts without spectra; they are used with the coadd-… file of the same name beside it";

fn reader(path: &Path, kind: FileKind, notes: Vec<String>, rows: impl Rows + 'static) -> Reader {
    Reader {
        path: path.to_owned(),
        kind,
        notes,
        rows: Some(Box::new(rows)),
    }
}

/// Runs `work`, turning a panic inside it (the FITS library meeting a damaged file) into an error.
fn guarded<T>(
    path: &Path,
    place: &str,
    work: impl FnOnce() -> Result<T, IngestError>,
) -> Result<T, IngestError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(IngestError::Panicked {
            path: path.to_owned(),
            place: place.to_owned(),
        })
    })
}

/// Finds out by its HDUs and columns what a FITS file is.
fn open_fits(path: &Path, redshifts: Option<&Path>) -> Result<Reader, IngestError> {
    let fits = Fits::open(path)?;
    let mut notes = Vec::new();
    if let Some(coadd) = sdss::coadd(&fits) {
        let batch = sdss::read(&fits, coadd)?;
        return Ok(reader(path, FileKind::SdssSpec, notes, Some(batch)));
    }
    if desi::is_coadd(&fits) {
        let rows = desi::Coadd::open(fits, redshifts, &mut notes)?;
        return Ok(reader(path, FileKind::DesiCoadd, notes, rows));
    }
    if let Some(table) = desi::Andes::table(&fits).cloned() {
        let rows = desi::Andes::open(fits, table, redshifts, &mut notes)?;
        return Ok(reader(path, FileKind::DesiAndes, notes, rows));
    }
    if stack::is_stack(&fits) {
        let rows = stack::Stack::open(fits, &mut notes)?;
        return Ok(reader(path, FileKind::SpectrumStack, notes, rows));
    }
    if desi::is_redshifts(&fits) {
        return Err(IngestError::not_a_spectrum(path, REDSHIFTS_ALONE));
    }
    let titles: Vec<String> = fits.hdus().iter().take(12).map(fits::Hdu::title).collect();
    let what = format!(
        "FITS, but no spectrum file that is known; found {}; looked for an SDSS coadd (flux, loglam, ivar), DESI arms \
         (B_WAVELENGTH, B_FLUX, …), a table of TARGET… columns, or images WAVE, FLUX, IVAR",
        titles.join(", ")
    );
    Err(IngestError::not_a_spectrum(path, what))
}
