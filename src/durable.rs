//! Files that are whole or not there: written under a temporary name in their own folder, brought to disk, renamed.
//!
//! Every floor that writes files does it through a [`Draft`]; the pure floors write none.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// The content of a file that is to be called `path`, under way.
///
/// Dropped before it is published, it leaves nothing behind and a file of that name untouched. A process that is killed
/// leaves a file `.NAME.*.tmp`, which no reader takes for a catalog.
#[derive(Debug)]
pub struct Draft {
    file: NamedTempFile,
    path: PathBuf,
}

impl Draft {
    /// Begins a file in the folder of `path`.
    ///
    /// Errors: there is no such folder, or it cannot be written to.
    pub fn of(path: &Path) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let prefix = format!(".{name}.");
        let mut builder = Builder::new();
        builder.prefix(&prefix).suffix(".tmp");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // As any new file has it, less the umask; a temporary file's own would be for its owner only.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(folder(path))?;
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }

    /// Gives the file its name, at one stroke and in the place of one that is there; returns its size in bytes.
    ///
    /// Errors: no space on disk; then what was there before is still there.
    pub fn publish(self) -> io::Result<u64> {
        self.put(|file, path| Ok(file.persist(path)?))
    }

    /// As [`publish`](Self::publish), but fails with [`io::ErrorKind::AlreadyExists`] where there is a file of that name.
    pub fn publish_new(self) -> io::Result<u64> {
        self.put(|file, path| Ok(file.persist_noclobber(path)?))
    }

    /// As [`publish`](Self::publish), but does not wait for the disk: for a file that can be made again, and that tells by itself whether it is
    /// whole.
    pub fn publish_loosely(self) -> io::Result<u64> {
        Ok(self.file.persist(&self.path)?.metadata()?.len())
    }

    fn put(self, rename: impl FnOnce(NamedTempFile, &Path) -> io::Result<File>) -> io::Result<u64> {
        self.file.as_file().sync_all()?;
        let bytes = rename(self.file, &self.path)?.metadata()?.len();
        // The rename is on disk when its folder is. Not every file system can say so, and without it the file is whole
        // under its right name all the same.
        let _ = File::open(folder(&self.path)).and_then(|folder| folder.sync_all());
        Ok(bytes)
    }
}

impl Write for Draft {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.file.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn draft(path: &Path, content: &[u8]) -> Draft {
        let mut draft = Draft::of(path).unwrap();
        draft.write_all(content).unwrap();
        draft
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_name_holds_the_old_file_until_the_new_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        assert_eq!(draft(&path, b"first").publish().unwrap(), 5);
        let second = draft(&path, b"the second");
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(second.publish().unwrap(), 10);
        assert_eq!(fs::read(&path).unwrap(), b"the second");
        drop(draft(&path, b"given up"));
        assert_eq!(fs::read(&path).unwrap(), b"the second");
        assert_eq!(names(folder.path()), ["table.csv"]);
    }

    #[test]
    fn a_new_file_takes_nobodys_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        draft(&path, b"first").publish_new().unwrap();
        let error = draft(&path, b"second").publish_new().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(names(folder.path()), ["table.csv"]);
    }

    #[cfg(unix)]
    #[test]
    fn it_is_as_readable_as_any_new_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        draft(&ours, b"").publish().unwrap();
        fs::write(&plain, b"").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
