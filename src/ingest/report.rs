//! What became of each input.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::spectrum::RowIssue;

/// What a file turned out to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    SdssSpec,
    DesiCoadd,
    /// Early DESI table, one column a target.
    DesiAndes,
    /// FITS images WAVE, FLUX, IVAR.
    SpectrumStack,
    /// CSV, ECSV.
    SpectrumTable,
    Parquet,
    Redshifts,
    Unrecognized,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::SdssSpec => "SDSS spec",
            Self::DesiCoadd => "DESI coadd",
            Self::DesiAndes => "DESI andes table",
            Self::SpectrumStack => "stack of spectra",
            Self::SpectrumTable => "spectrum table",
            Self::Parquet => "Parquet",
            Self::Redshifts => "redshifts",
            Self::Unrecognized => "not recognized",
        })
    }
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// At least one spectrum came out.
    Imported,
    /// It holds no spectrum and need not: a redshift file, a picture.
    Skipped,
    /// It should hold spectra, but none came out, or reading broke off.
    Failed,
}

/// One line of the summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileOutcome {
    pub path: PathBuf,
    pub kind: FileKind,
    pub status: Status,
    /// Number of spectra that came out.
    pub spectra: u64,
    /// Spectra that could not be used, and why.
    pub issues: Vec<RowIssue>,
    /// What to tell the user: the reason for a failure, what the file lacked; empty where there is nothing to say.
    pub message: String,
}

/// The outcome of all inputs, in their order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ImportReport {
    pub files: Vec<FileOutcome>,
}

impl ImportReport {
    pub fn spectra(&self) -> u64 {
        self.files.iter().map(|file| file.spectra).sum()
    }

    pub fn issues(&self) -> impl Iterator<Item = &RowIssue> {
        self.files.iter().flat_map(|file| &file.issues)
    }

    pub fn count(&self, status: Status) -> usize {
        self.files.iter().filter(|file| file.status == status).count()
    }
}
