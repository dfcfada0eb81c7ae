//! The content of an output file, written whole or not at all.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::error::ArtifactError;
use crate::durable::Draft;

/// Writes `bytes` to `path`, replacing what is there at one stroke.
///
/// Errors: [`ArtifactError`]; then what was at `path` before is still there, and no half file.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), ArtifactError> {
    write_atomic_with(path, |out| out.write_all(bytes))
}

/// As [`write_atomic`], with a function that writes the content piece by piece.
pub fn write_atomic_with(
    path: &Path,
    content: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<(), ArtifactError> {
    written(path, content, Draft::publish)
}

/// As [`write_atomic_with`], but fails with [`ArtifactError::Exists`] where `path` is there already.
pub(super) fn write_new_with(
    path: &Path,
    content: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<(), ArtifactError> {
    written(path, content, Draft::publish_new)
}

fn written(
    path: &Path,
    content: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
    publish: impl FnOnce(Draft) -> io::Result<u64>,
) -> Result<(), ArtifactError> {
    let write = || {
        let mut out = BufWriter::with_capacity(1 << 16, Draft::of(path)?);
        content(&mut out)?;
        publish(out.into_inner()?)
    };
    write()
        .map(|_| ())
        .map_err(|error| ArtifactError::io("write", path, error))
}
