//! Where prepared spectra may lie: so much in memory, and so much in a folder that later jobs look into.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::stored::{Filling, Stored};
use crate::pipeline::settings::StoreSettings;
use crate::spectrum::prepare::Preparation;

const EXTENSION: &str = "prepared";
/// A draft that is older was left by a process that is gone.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// Share of the disk that is left to others.
const LEFT: f64 = 0.05;
const MEGABYTE: u64 = 1_000_000;

/// The room that the settings give to prepared spectra.
#[derive(Debug, Clone)]
pub struct Room {
    /// Bytes.
    memory: u64,
    /// `None`: no files.
    folder: Option<PathBuf>,
    limit: u64,
}

impl Room {
    pub fn of(settings: &StoreSettings) -> Self {
        let own = || dirs::cache_dir().map(|cache| cache.join("spectriage").join("prepared"));
        Self {
            memory: settings.memory_limit.saturating_mul(MEGABYTE),
            folder: match settings.prepared_limit {
                0 => None,
                _ => settings.prepared_dir.clone().or_else(own),
            },
            limit: settings.prepared_limit.saturating_mul(MEGABYTE),
        }
    }

    /// Whether `spectra` of `pixels` fit into memory with their reconstructions.
    pub fn holds(&self, spectra: usize, pixels: usize) -> bool {
        // Flux, ivar, artifact flags, reconstruction.
        const BYTES: usize = 4 + 4 + 1 + 4;
        spectra.saturating_mul(pixels).saturating_mul(BYTES) as u64 <= self.memory
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        let folder = self.folder.as_ref()?;
        Some(folder.join(format!("{}.{EXTENSION}", &key[..32])))
    }

    /// The file of a key, where there is one.
    pub(super) fn find(&self, key: &str) -> Option<Stored> {
        let path = self.path(key)?;
        let stored = Stored::open(&path, key)?;
        used(&path);
        Some(stored)
    }

    /// The preparation that was chosen from the same rows for the same settings, where a file remembers it.
    pub fn chosen(&self, from: &str) -> Option<Preparation> {
        let mut heads = files(self.folder.as_deref()?)
            .into_iter()
            .filter_map(|file| Stored::head(&file.path));
        let head = heads.find(|head| head.chosen_from.as_deref() == Some(from))?;
        Some(head.preparation)
    }

    /// Begins the file of a key that takes `bytes` at most, and makes room for it; `None` where the settings want no files.
    ///
    /// Errors: in words, why there can be none.
    pub(super) fn begin(&self, key: &str, bytes: u64) -> Option<Result<Filling, String>> {
        let (folder, path) = (self.folder.as_ref()?, self.path(key)?);
        Some(self.begin_in(folder, &path, bytes))
    }

    fn begin_in(&self, folder: &Path, path: &Path, bytes: u64) -> Result<Filling, String> {
        let megabytes = bytes.div_ceil(MEGABYTE);
        if bytes > self.limit {
            return Err(format!(
                "they take up to {megabytes} MB on disk, more than --prepared-limit {}",
                self.limit / MEGABYTE
            ));
        }
        let words = |error: std::io::Error| format!("{}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(words)?;
        make_room(folder, self.limit - bytes);
        if let Some(free) = free(folder)
            && bytes > free
        {
            return Err(format!(
                "they take up to {megabytes} MB on disk, and {} has {} MB to spare; --prepared-dir names another folder",
                folder.display(),
                free / MEGABYTE
            ));
        }
        Filling::begin(path).map_err(words)
    }
}

/// Notes that a file was used now.
fn used(path: &Path) {
    let now = fs::File::options().append(true).open(path);
    let _ = now.and_then(|file| file.set_modified(SystemTime::now()));
}

struct Kept {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

/// The files of the folder; drafts that were left behind are removed on the way.
fn files(folder: &Path) -> Vec<Kept> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let file = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.ok()?.path();
        let metadata = fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file)?;
        let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let name = path.file_name()?.to_str()?;
        if name.starts_with('.') {
            let is_ours = name.ends_with(".tmp") && name.contains(EXTENSION);
            let age = SystemTime::now().duration_since(used);
            if is_ours && age.is_ok_and(|age| age > STALE) {
                let _ = fs::remove_file(&path);
            }
            return None;
        }
        let is_kept = name.ends_with(&format!(".{EXTENSION}"));
        let bytes = metadata.len();
        is_kept.then_some(Kept { path, bytes, used })
    };
    entries.filter_map(file).collect()
}

/// Removes the files that were not used for the longest time until the rest takes `limit` bytes at most. Who reads one of them goes on reading.
fn make_room(folder: &Path, limit: u64) {
    let mut files = files(folder);
    let mut size: u64 = files.iter().map(|file| file.bytes).sum();
    files.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
    for file in files {
        if size <= limit {
            return;
        }
        if fs::remove_file(&file.path).is_ok() {
            size -= file.bytes;
            tracing::info!(file = %file.path.display(), "prepared spectra were removed to make room for others");
        }
    }
}

/// Bytes that a job may fill on the disk of a folder; `None` where the system does not tell.
#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    let left = (LEFT * disk.f_blocks as f64) as u64;
    Some(disk.f_bavail.saturating_sub(left).saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(folder: &Path, megabytes: u64) -> Room {
        Room::of(&StoreSettings {
            memory_limit: 1,
            prepared_dir: Some(folder.into()),
            prepared_limit: megabytes,
        })
    }

    #[test]
    fn the_least_recently_used_go_first_and_nothing_else_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let day = Duration::from_secs(24 * 3600);
        for (name, age) in [
            ("a.prepared", 3),
            ("b.prepared", 5),
            ("c.prepared", 1),
            (".d.prepared.x.tmp", 2),
            ("notes.txt", 9),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, vec![0; 600_000]).unwrap();
            let file = fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(SystemTime::now() - day * age).unwrap();
        }
        used(&folder.path().join("a.prepared"));
        // Of 1.8 MB there may be 1.2 beside 0.8 that are to come.
        drop(
            room(folder.path(), 2)
                .begin(&"e".repeat(64), 800_000)
                .unwrap()
                .unwrap(),
        );
        let left = |name: &str| folder.path().join(name).exists();
        assert!(left("a.prepared") && !left("b.prepared") && left("c.prepared"));
        assert!(!left(".d.prepared.x.tmp"), "a draft of a process that is gone");
        assert!(left("notes.txt"));
    }

    #[test]
    fn what_has_no_room_is_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |room: Room, bytes| room.begin(&"e".repeat(64), bytes).unwrap().err().unwrap();
        let why = refused(room(folder.path(), 2), 3_000_000);
        assert!(
            why.contains("3 MB") && why.contains("--prepared-limit 2"),
            "{why}"
        );
        let why = refused(room(folder.path(), u64::MAX / MEGABYTE), 1 << 62);
        assert!(why.contains("--prepared-dir"), "{why}");
        let taken = folder.path().join("file");
        fs::write(&taken, "").unwrap();
        let why = refused(room(&taken, 2), 1_000);
        assert!(why.contains("file"), "{why}");
        assert!(room(folder.path(), 0).begin(&"e".repeat(64), 1).is_none());
    }
}
