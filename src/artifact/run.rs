//! The number of a run, and its files.
//!
//! All files of a run end in `_N.ext` with one N, one more than the highest there is in either folder. Two runs never share
//! one: a run first creates a marker `.spectriage_N.reserved` in both folders, which only one can create, and removes it at its
//! end. The marker of a killed run stays and takes its number out of use, nothing more.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::atomic::write_new_with;
use super::digest::{FileRecord, Folder, Hashing};
use super::error::ArtifactError;
use crate::figure::{self, Figure};

/// More runs than this do not start within the same moment.
const TRIES: usize = 10_000;
const MARKER_PREFIX: &str = ".spectriage_";
const MARKER_EXTENSION: &str = "reserved";

/// The files of one run; dropping it gives the number's markers back.
#[derive(Debug)]
pub struct RunFiles {
    n: u64,
    images: PathBuf,
    metadata: PathBuf,
    _markers: Markers,
    written: Mutex<Vec<FileRecord>>,
}

impl RunFiles {
    /// Takes a number for a run that writes to these folders, which are made where they are missing.
    ///
    /// Errors: folders that cannot be made, read or written.
    pub fn reserve(images_dir: &Path, metadata_dir: &Path) -> Result<Self, ArtifactError> {
        let mut folders: Vec<PathBuf> = Vec::new();
        for folder in [images_dir, metadata_dir] {
            fs::create_dir_all(folder).map_err(|e| ArtifactError::io("make the folder", folder, e))?;
            let folder =
                fs::canonicalize(folder).map_err(|e| ArtifactError::io("open the folder", folder, e))?;
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        // one order for all runs, whichever of their folders is which
        folders.sort();
        for _ in 0..TRIES {
            let n = highest(&folders, true)? + 1;
            let Some(markers) = Markers::create(&folders, n)? else {
                continue;
            };
            // another run may have finished with this number between the look and the marker
            if highest(&folders, false)? < n {
                return Ok(Self {
                    n,
                    images: images_dir.to_owned(),
                    metadata: metadata_dir.to_owned(),
                    _markers: markers,
                    written: Mutex::default(),
                });
            }
        }
        Err(ArtifactError::NoNumber {
            images: images_dir.to_owned(),
            metadata: metadata_dir.to_owned(),
            tries: TRIES,
        })
    }

    /// The number of the run.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// `IMAGES_DIR/name_N.extension`
    pub fn image(&self, name: &str, extension: &str) -> PathBuf {
        self.images.join(format!("{name}_{}.{extension}", self.n))
    }

    /// `METADATA_DIR/name_N.extension`
    pub fn metadata(&self, name: &str, extension: &str) -> PathBuf {
        self.metadata.join(format!("{name}_{}.{extension}", self.n))
    }

    /// `IMAGES_DIR/spectrum_OBJECT_N.extension`; an id with characters that file names should not have keeps the others and gets
    /// the start of its digest, so that no two ids share a file.
    pub fn spectrum_image(&self, object_id: &str, extension: &str) -> PathBuf {
        self.image(&format!("spectrum_{}", file_name_of(object_id)), extension)
    }

    /// Writes a file of this run at a path that this run gave.
    ///
    /// Errors: [`ArtifactError::Exists`] where there is one already; no space; any other failure. No half file stays.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), ArtifactError> {
        self.write_with(path, |out| out.write_all(bytes))
    }

    /// As [`Self::write`], with a function that writes the content piece by piece.
    pub fn write_with(
        &self,
        path: &Path,
        content: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
    ) -> Result<(), ArtifactError> {
        let mut record = None;
        write_new_with(path, |out| {
            let mut hashing = Hashing::new(out);
            content(&mut hashing)?;
            record = Some((hashing.bytes(), hashing.digest()));
            Ok(())
        })?;
        if let Some((bytes, blake3)) = record {
            let folder = match path.parent() {
                Some(parent) if parent == self.metadata => Folder::Metadata,
                _ => Folder::Images,
            };
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            written.push(FileRecord {
                folder,
                name,
                bytes,
                blake3,
            });
        }
        Ok(())
    }

    /// Draws a figure as `name_N.png` and, where asked, `name_N.svg` in the images folder; returns what was written.
    pub fn write_figure(
        &self,
        name: &str,
        figure: &Figure,
        scale: f64,
        with_svg: bool,
    ) -> Result<Vec<PathBuf>, ArtifactError> {
        self.write_figure_at(self.image(name, "png"), figure, scale, with_svg)
    }

    /// As [`Self::write_figure`], as `spectrum_OBJECT_N`.
    pub fn write_spectrum_figure(
        &self,
        object_id: &str,
        figure: &Figure,
        scale: f64,
        with_svg: bool,
    ) -> Result<Vec<PathBuf>, ArtifactError> {
        self.write_figure_at(self.spectrum_image(object_id, "png"), figure, scale, with_svg)
    }

    fn write_figure_at(
        &self,
        path: PathBuf,
        figure: &Figure,
        scale: f64,
        with_svg: bool,
    ) -> Result<Vec<PathBuf>, ArtifactError> {
        let png = figure::png(figure, scale).map_err(|source| ArtifactError::Figure {
            path: path.clone(),
            source,
        })?;
        self.write(&path, &png)?;
        let mut paths = vec![path];
        if with_svg {
            let path = paths[0].with_extension("svg");
            self.write(&path, figure::svg(figure).as_bytes())?;
            paths.push(path);
        }
        Ok(paths)
    }

    /// The files written so far, by folder and name.
    pub fn files(&self) -> Vec<FileRecord> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let mut files = written.clone();
        files.sort_by(|a, b| (a.folder, &a.name).cmp(&(b.folder, &b.name)));
        files
    }

    /// Ends the run: gives its markers back and returns its files.
    pub fn finish(self) -> Vec<FileRecord> {
        self.files()
    }
}

/// The markers of a number, removed when dropped.
#[derive(Debug, Default)]
struct Markers(Vec<PathBuf>);

impl Markers {
    /// Creates the markers of `n` in all folders, or `None` where another run has it.
    fn create(folders: &[PathBuf], n: u64) -> Result<Option<Self>, ArtifactError> {
        let mut markers = Self::default();
        for folder in folders {
            let path = folder.join(format!("{MARKER_PREFIX}{n}.{MARKER_EXTENSION}"));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(_) => markers.0.push(path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
                Err(error) => return Err(ArtifactError::io("reserve a run number with", &path, error)),
            }
        }
        Ok(Some(markers))
    }
}

impl Drop for Markers {
    fn drop(&mut self) {
        for path in &self.0 {
            // a marker that stays takes a number out of use, nothing more
            let _ = fs::remove_file(path);
        }
    }
}

/// The highest N of the files `*_N.ext` in the folders, with or without markers.
fn highest(folders: &[PathBuf], with_markers: bool) -> Result<u64, ArtifactError> {
    let mut highest = 0;
    for folder in folders {
        let read = |e| ArtifactError::io("list the folder", folder, e);
        for entry in fs::read_dir(folder).map_err(read)? {
            let name = entry.map_err(read)?.file_name();
            let Some(n) = name.to_str().and_then(number_of) else {
                continue;
            };
            let marker = name.to_string_lossy().starts_with(MARKER_PREFIX);
            if with_markers || !marker {
                highest = highest.max(n);
            }
        }
    }
    Ok(highest)
}

/// N of a file name `*_N.ext`.
fn number_of(name: &str) -> Option<u64> {
    let (stem, extension) = name.rsplit_once('.')?;
    let (_, digits) = stem.rsplit_once('_')?;
    let plain = !extension.is_empty() && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    // longer ones are object ids or times, not runs
    (plain && digits.len() <= 9)
        .then(|| digits.parse().ok())
        .flatten()
}

/// A file name for an object id: the id itself where it is made of harmless characters.
fn file_name_of(object_id: &str) -> String {
    const LONGEST: usize = 80;
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-+.".contains(c);
    let mut name: String = object_id
        .chars()
        .take(LONGEST)
        .map(|c| if harmless(c) || c == '_' { c } else { '-' })
        .collect();
    if name != object_id || name.is_empty() {
        let digest = blake3::hash(object_id.as_bytes()).to_hex();
        name = format!("{name}-{}", &digest[..8]);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_names() {
        assert_eq!(number_of("combined_spectra_with_images_12.png"), Some(12));
        assert_eq!(number_of("ranking_3.parquet"), Some(3));
        assert_eq!(number_of(".spectriage_4.reserved"), Some(4));
        assert_eq!(number_of("spectrum_266-51602-0001_7.png"), Some(7));
        for other in [
            "README.md",
            "ranking.csv",
            "ranking_x.csv",
            "ranking_3",
            "_.png",
            "a_39627652591521181.png",
        ] {
            assert_eq!(number_of(other), None, "{other}");
        }
    }

    #[test]
    fn ids_become_harmless_names_and_stay_apart() {
        assert_eq!(file_name_of("266-51602-0001"), "266-51602-0001");
        assert_eq!(file_name_of("39627652591521181"), "39627652591521181");
        let odd = [
            "../../etc/passwd",
            "a/b",
            "a b",
            "a-b",
            "",
            "ä",
            "x\0",
            &"y".repeat(300),
        ];
        let names: std::collections::HashSet<String> = odd.iter().map(|id| file_name_of(id)).collect();
        assert_eq!(names.len(), odd.len());
        for name in names {
            assert!(!name.contains(['/', '\\', '\0', ' ']) && name.len() < 100 && !name.is_empty());
        }
    }
}
