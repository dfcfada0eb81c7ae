//! The files of a cache folder: counting them, and removing those that were not used for the longest time.
//!
//! A folder may hold an astronomer's own images too. Only files that lie and are named as the cache's are seen here at all.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::service::NAMES;

/// Share of the limit that is left after room was made, so that it is not made for every image.
const ROOM: f64 = 0.9;
/// A draft that is older was left by a process that is gone.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// A file of the cache.
#[derive(Debug, Clone)]
pub struct CacheFile {
    pub path: PathBuf,
    pub service: String,
    pub bytes: u64,
    pub used: SystemTime,
    pub is_image: bool,
}

/// What a folder holds of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Holding {
    pub images: u64,
    /// Places of which the service has no image.
    pub absences: u64,
    pub bytes: u64,
}

/// All files of the cache in a folder; drafts that were left behind are removed on the way.
pub fn files(folder: &Path) -> Vec<CacheFile> {
    let mut found = Vec::new();
    for service in NAMES {
        for layer in entries(&folder.join(service)) {
            for degree in entries(&layer) {
                for path in entries(&degree) {
                    found.extend(file(path, service));
                }
            }
        }
    }
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).into_iter().flatten();
    listed.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn file(path: PathBuf, service: &str) -> Option<CacheFile> {
    let metadata = fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file)?;
    let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let extension = path.extension()?.to_str()?;
    let name = path.file_name()?.to_str()?;
    if extension == "tmp" && name.starts_with('.') {
        if SystemTime::now()
            .duration_since(used)
            .is_ok_and(|age| age > STALE)
        {
            let _ = fs::remove_file(&path);
        }
        return None;
    }
    // as `entry::Key::stem` names them: position, scale, size
    let ours = ["jpg", "png", "none"].contains(&extension)
        && name.starts_with(|c: char| c.is_ascii_digit())
        && name.matches('_').count() == 2;
    let is_image = extension != "none";
    ours.then(|| CacheFile {
        service: service.to_owned(),
        bytes: metadata.len(),
        used,
        is_image,
        path,
    })
}

/// Removes the files that were not used for the longest time until the rest is well below `limit` bytes; returns the size of the rest.
///
/// A file that another process removes at the same time is as good as removed here.
pub fn make_room(folder: &Path, limit: u64) -> u64 {
    let mut files = files(folder);
    let mut size: u64 = files.iter().map(|file| file.bytes).sum();
    if size <= limit {
        return size;
    }
    files.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
    let room = (limit as f64 * ROOM) as u64;
    let mut removed = 0u64;
    for file in files {
        if size <= room {
            break;
        }
        let gone = match fs::remove_file(&file.path) {
            Ok(()) => true,
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        };
        if gone {
            size -= file.bytes;
            removed += 1;
        }
    }
    tracing::info!(folder = %folder.display(), removed, "the cache of images was full; the least recently used are gone");
    size
}

/// What a folder holds, by service.
pub fn holdings(folder: &Path) -> BTreeMap<String, Holding> {
    let mut holdings: BTreeMap<String, Holding> = BTreeMap::new();
    for file in files(folder) {
        let holding = holdings.entry(file.service).or_default();
        holding.images += u64::from(file.is_image);
        holding.absences += u64::from(!file.is_image);
        holding.bytes += file.bytes;
    }
    holdings
}

/// Removes all files of the cache from a folder, and the folders that are empty then; returns how many files, and their bytes.
///
/// Errors: the first file that cannot be removed.
pub fn clear(folder: &Path) -> std::io::Result<(u64, u64)> {
    let (mut count, mut bytes) = (0, 0);
    for file in files(folder) {
        fs::remove_file(&file.path)?;
        count += 1;
        bytes += file.bytes;
        // A folder goes when it is empty, and not before.
        let above = file.path.ancestors().skip(1).take(3);
        above.take_while(|folder| fs::remove_dir(folder).is_ok()).count();
    }
    Ok((count, bytes))
}
