//! What files hold, in short: sizes and BLAKE3 digests.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::ArtifactError;

/// Which of a run's two folders a file is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Folder {
    Images,
    Metadata,
}

/// A file that the run wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    pub folder: Folder,
    pub name: String,
    pub bytes: u64,
    /// Hexadecimal BLAKE3 digest of the content.
    pub blake3: String,
}

/// A file that the run read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// As the user gave it.
    pub path: String,
    pub bytes: u64,
    /// Hexadecimal BLAKE3 digest of the content.
    pub blake3: String,
    /// Rows, where it is a table.
    pub rows: Option<u64>,
}

/// Bytes of a file that all threads hash together: a catalog may have hundreds of gigabytes.
const AT_ONCE: u64 = 1 << 23;

impl InputFile {
    /// Reads the file through for its digest.
    pub fn read(path: &Path, rows: Option<u64>) -> Result<Self, ArtifactError> {
        let digest = || -> io::Result<(u64, String)> {
            let (mut file, mut hasher) = (File::open(path)?, blake3::Hasher::new());
            let (mut part, mut bytes) = (Vec::new(), 0);
            while Read::by_ref(&mut file).take(AT_ONCE).read_to_end(&mut part)? > 0 {
                hasher.update_rayon(&part);
                bytes += part.len() as u64;
                part.clear();
            }
            Ok((bytes, hasher.finalize().to_hex().to_string()))
        };
        let (bytes, blake3) = digest().map_err(|error| ArtifactError::io("read", path, error))?;
        Ok(Self {
            path: path.display().to_string(),
            bytes,
            blake3,
            rows,
        })
    }
}

/// Passes bytes on and keeps their digest and number.
pub(super) struct Hashing<W> {
    inner: W,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl<W: Write> Hashing<W> {
    pub(super) fn new(inner: W) -> Self {
        Self {
            inner,
            hasher: blake3::Hasher::new(),
            bytes: 0,
        }
    }

    pub(super) fn digest(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hasher.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
