//! Files that are whole or not there: written under a temporary name, synced, renamed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use super::error::ArtifactError;

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
    let written = || -> io::Result<()> {
        let file = temporary(path, content)?;
        file.persist(path).map_err(|error| error.error)?;
        sync_folder(path);
        Ok(())
    };
    written().map_err(|error| ArtifactError::io("write", path, error))
}

/// As [`write_atomic_with`], but fails with [`ArtifactError::Exists`] where `path` is there already.
pub(super) fn write_new_with(
    path: &Path,
    content: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<(), ArtifactError> {
    let written = || -> io::Result<()> {
        let file = temporary(path, content)?;
        file.persist_noclobber(path).map_err(|error| error.error)?;
        sync_folder(path);
        Ok(())
    };
    written().map_err(|error| ArtifactError::io("write", path, error))
}

/// The content, synced to disk, under a temporary name in the folder of `path`; it is removed when it is dropped.
fn temporary(
    path: &Path,
    content: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> io::Result<NamedTempFile> {
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut builder = Builder::new();
    builder.prefix(".spectriage-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // as for any new file: all that the umask leaves
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    {
        let mut out = BufWriter::with_capacity(1 << 16, file.as_file_mut());
        content(&mut out)?;
        out.flush()?;
    }
    file.as_file().sync_all()?;
    Ok(file)
}

/// Makes the rename last over a power failure, where the system can.
fn sync_folder(path: &Path) {
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        // a failure here leaves a whole file under the right name all the same
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}
