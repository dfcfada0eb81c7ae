//! Images on disk, by what was asked for.
//!
//! Several folders are read, in order, and the first that can be written to gets what is new: a folder that many share and may only read is
//! of use as it is. Files appear whole under their names, so that processes need no lock: two that fetch the same image write the same file.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::entry::{self, Key, Note};
use super::sweep;
use crate::durable::Draft;

/// How old the time of a file must be to be renewed when it is used: eviction needs no finer clock.
const RENEWED: Duration = Duration::from_secs(3600);
/// After so many new files the folder is measured again, since other processes write to it too.
const MEASURED: u32 = 500;

/// What the cache knows of a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    Image {
        bytes: Vec<u8>,
        note: Box<Note>,
    },
    /// The service had no image of it not long ago.
    Absent,
    Nothing,
}

/// The folders of the cache.
#[derive(Debug, Default)]
pub struct Cache {
    folders: Vec<PathBuf>,
    /// Bytes; 0 for no limit.
    limit: u64,
    expiry: Duration,
    /// By folder: bytes, and new files since they were counted.
    sizes: Mutex<HashMap<PathBuf, (u64, u32)>>,
}

impl Cache {
    /// `limit` in bytes, 0 for none; `expiry` of the notes that a service has no image.
    pub fn new(folders: Vec<PathBuf>, limit: u64, expiry: Duration) -> Self {
        Self {
            folders,
            limit,
            expiry,
            sizes: Mutex::default(),
        }
    }

    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// The first folder that can be written to; it is made where it is missing.
    pub fn writable(&self) -> Option<PathBuf> {
        let can = |folder: &&PathBuf| {
            fs::create_dir_all(folder).is_ok() && Draft::of(&folder.join("probe")).is_ok()
        };
        self.folders.iter().find(can).cloned()
    }

    /// Looks a key up; a damaged file is removed, so that it is fetched again.
    pub fn get(&self, key: &Key) -> Known {
        for folder in &self.folders {
            for extension in ["jpg", "png"] {
                let path = path_of(folder, key, extension);
                if let Some((bytes, note)) = read(&path, key)
                    && !note.is_absence()
                {
                    renew(&path);
                    let note = Box::new(note);
                    return Known::Image { bytes, note };
                }
            }
        }
        for folder in &self.folders {
            let path = path_of(folder, key, "none");
            if let Some((_, note)) = read(&path, key) {
                if note.is_absence() && note.age() < self.expiry {
                    return Known::Absent;
                }
                let _ = fs::remove_file(&path);
            }
        }
        Known::Nothing
    }

    /// Keeps an image, or with no bytes its absence. Returns whether a folder took it: where none can be written to, nothing is kept and
    /// nothing is wrong.
    pub fn put(&self, key: &Key, bytes: &[u8], note: &Note, is_png: bool) -> bool {
        let extension = match (note.is_absence(), is_png) {
            (true, _) => "none",
            (false, true) => "png",
            (false, false) => "jpg",
        };
        let file = note.file(bytes);
        for folder in &self.folders {
            let path = path_of(folder, key, extension);
            match write(&path, &file) {
                Ok(()) => {
                    if !note.is_absence() {
                        let _ = fs::remove_file(path_of(folder, key, "none"));
                    }
                    self.grown(folder, file.len() as u64);
                    return true;
                }
                Err(error) => tracing::debug!(path = %path.display(), %error, "an image is not kept here"),
            }
        }
        false
    }

    /// Keeps the size of a folder below the limit.
    fn grown(&self, folder: &Path, bytes: u64) {
        if self.limit == 0 {
            return;
        }
        let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sizes.get(folder).copied().filter(|(_, new)| *new < MEASURED);
        let (size, new) = match known {
            Some((size, new)) => (size + bytes, new + 1),
            None => (sweep::files(folder).iter().map(|file| file.bytes).sum(), 0),
        };
        let size = if size > self.limit {
            sweep::make_room(folder, self.limit)
        } else {
            size
        };
        sizes.insert(folder.to_owned(), (size, new));
    }
}

fn path_of(folder: &Path, key: &Key, extension: &str) -> PathBuf {
    let mut path = folder.to_owned();
    path.extend(key.folders());
    path.join(format!("{}.{extension}", key.stem()))
}

fn read(path: &Path, key: &Key) -> Option<(Vec<u8>, Note)> {
    let file = fs::read(path).ok()?;
    let parsed = entry::parse(&file, key);
    if parsed.is_none() {
        tracing::warn!(path = %path.display(), "a damaged image of the cache is removed");
        let _ = fs::remove_file(path);
    }
    parsed
}

/// Marks a file as used. On a folder that may only be read its time stays, which does no harm.
fn renew(path: &Path) {
    let now = SystemTime::now();
    let used = fs::metadata(path).and_then(|file| file.modified());
    let old = used.is_ok_and(|used| now.duration_since(used).is_ok_and(|age| age > RENEWED));
    if old && let Ok(file) = fs::File::options().append(true).open(path) {
        let _ = file.set_modified(now);
    }
}

fn write(path: &Path, file: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut draft = Draft::of(path)?;
    draft.write_all(file)?;
    draft.publish().map(drop)
}
