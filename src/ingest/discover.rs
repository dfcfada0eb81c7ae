//! From files, folders and patterns to the list of files to read, each with its container and its companion.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::IngestError;
use super::table;

/// One input to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub path: PathBuf,
    pub kind: SourceKind,
}

/// What an input is, by its first bytes; what a FITS file holds is seen when it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// FITS, possibly gzipped, with the redshift file that lies beside it, if there is one.
    Fits { redshifts: Option<PathBuf> },
    /// A text table of one spectrum (CSV, ECSV).
    Table,
    /// A Parquet file, or the folder of a HATS collection: the catalog reads these.
    Parquet,
    /// A redshift file (redrock, zbest), which serves the coadd beside it.
    Redshifts,
    /// Nothing that can be imported, and why.
    Unrecognized(String),
}

/// Longest path that a walk through folders follows.
const MAX_DEPTH: usize = 32;
/// What the redshift file of a `coadd-…` is called.
const REDSHIFT_STEMS: [&str; 2] = ["redrock-", "zbest-"];
/// `*` leaves hidden files out, as in a shell.
const PATTERN: glob::MatchOptions = glob::MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};
/// Files that mark a folder as a HATS collection or catalog.
const HATS_MARKS: [&str; 2] = ["hats.properties", "collection.properties"];

/// All files behind `inputs`: files, folders (with all below them) and patterns, sorted within each input, each file once.
///
/// Errors: an input that names nothing. A file that is no spectrum is not an error but [`SourceKind::Unrecognized`].
pub fn discover(inputs: &[String]) -> Result<Vec<Source>, IngestError> {
    let mut seen = BTreeSet::new();
    let mut sources = Vec::new();
    for input in inputs {
        for path in expand(input)? {
            let identity = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
            if seen.insert(identity) {
                let kind = recognize(&path)?;
                sources.push(Source { path, kind });
            }
        }
    }
    Ok(sources)
}

fn expand(input: &str) -> Result<Vec<PathBuf>, IngestError> {
    let mut files = Vec::new();
    let path = Path::new(input);
    if path.exists() {
        walk(path, 0, &mut files)?;
    } else if input.contains(['*', '?', '[']) {
        let matches = glob::glob_with(input, PATTERN).map_err(|error| IngestError::BadPattern {
            pattern: input.to_owned(),
            reason: error.to_string(),
        })?;
        for path in matches {
            let path = path
                .map_err(|error| IngestError::io(error.path(), std::io::Error::from(error.error().kind())))?;
            walk(&path, 0, &mut files)?;
        }
        if files.is_empty() {
            return Err(IngestError::NoMatch {
                pattern: input.to_owned(),
            });
        }
    } else {
        return Err(IngestError::NotFound {
            input: input.to_owned(),
        });
    }
    Ok(files)
}

/// Files at and below `path`, sorted; hidden ones (`.name`) are left out, a HATS collection stays whole.
fn walk(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), IngestError> {
    if !path.is_dir() || is_hats(path) {
        files.push(path.to_owned());
        return Ok(());
    }
    if depth == MAX_DEPTH {
        return Ok(());
    }
    let entries = fs::read_dir(path).map_err(|error| IngestError::io(path, error))?;
    let mut children = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| IngestError::io(path, error))?;
        // A link to a folder could lead back up, and its files are found where they are.
        let linked_folder = entry.path().is_dir() && entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if !linked_folder && !entry.file_name().to_string_lossy().starts_with('.') {
            children.push(entry.path());
        }
    }
    children.sort();
    children
        .iter()
        .try_for_each(|child| walk(child, depth + 1, files))
}

fn is_hats(path: &Path) -> bool {
    HATS_MARKS.iter().any(|mark| path.join(mark).is_file())
}

/// What `path` is, by its first bytes and, where these do not say, its name.
fn recognize(path: &Path) -> Result<SourceKind, IngestError> {
    if path.is_dir() {
        return Ok(SourceKind::Parquet);
    }
    let mut head = first_bytes(File::open(path).map_err(|error| IngestError::io(path, error))?)
        .map_err(|error| IngestError::io(path, error))?;
    let mut name = file_name(path);
    if head.starts_with(&[0x1f, 0x8b]) {
        let packed = File::open(path).map_err(|error| IngestError::io(path, error))?;
        match first_bytes(flate2::read::MultiGzDecoder::new(packed)) {
            Ok(unpacked) => head = unpacked,
            Err(_) => return Ok(unrecognized("damaged gzip file; get the file again")),
        }
        name = name.trim_end_matches(".gz").to_owned();
    }
    let text = String::from_utf8_lossy(&head);
    let beginning = text.trim_start().to_lowercase();
    let kind = if head.starts_with(b"SIMPLE  =") {
        if !name.contains("coadd-") && REDSHIFT_STEMS.iter().any(|stem| name.contains(stem)) {
            SourceKind::Redshifts
        } else {
            SourceKind::Fits {
                redshifts: redshifts_beside(path),
            }
        }
    } else if head.starts_with(b"PAR1") {
        SourceKind::Parquet
    } else if head.is_empty() {
        unrecognized("empty file; get the file again")
    } else if beginning.starts_with("<!doctype") || beginning.starts_with("<html") {
        unrecognized(
            "an HTML page, probably a server's error message under a data file's name; get the file again",
        )
    } else if [".fits", ".fit", ".fits.fz"]
        .iter()
        .any(|end| name.ends_with(end))
    {
        unrecognized("not FITS in spite of its name (does not begin with SIMPLE); get the file again")
    } else if name.ends_with(".parquet") {
        unrecognized("not Parquet in spite of its name (does not begin with PAR1); get the file again")
    } else if table::is_table_name(&name) {
        SourceKind::Table
    } else {
        unrecognized("neither FITS nor Parquet nor a table of a spectrum (.csv, .ecsv, .tsv, .txt, .dat)")
    };
    Ok(kind)
}

fn unrecognized(why: &str) -> SourceKind {
    SourceKind::Unrecognized(why.to_owned())
}

fn first_bytes(file: impl Read) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(64);
    file.take(64).read_to_end(&mut head)?;
    Ok(head)
}

/// The file's name in lower case; empty where it has none.
fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase()
}

/// The redshift file for a `coadd-…` in the same folder: `coadd-` replaced by `redrock-` or `zbest-`, with and without what
/// stands before it (`main_dark_91_9144_coadd-main-dark-9144.fits`), gzipped or not.
fn redshifts_beside(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let (before, after) = name.split_once("coadd-")?;
    let after = after.trim_end_matches(".gz");
    let folder = path.parent()?;
    REDSHIFT_STEMS
        .iter()
        .flat_map(|stem| [format!("{before}{stem}{after}"), format!("{stem}{after}")])
        .flat_map(|plain| [format!("{plain}.gz"), plain].into_iter().rev())
        .map(|name| folder.join(name))
        .find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, bytes: &[u8]) -> String {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    }

    #[test]
    fn folders_patterns_and_repeats_give_each_file_once() {
        let folder = tempfile::tempdir().unwrap();
        let a = write(folder.path(), "a.csv", b"wave,flux\n");
        write(folder.path(), "sub/deep/b.csv", b"wave,flux\n");
        write(folder.path(), ".hidden.csv", b"wave,flux\n");
        let whole = folder.path().to_string_lossy().into_owned();
        let found = discover(&[whole.clone(), a, format!("{whole}/*.csv")]).unwrap();
        let names: Vec<_> = found.iter().map(|source| file_name(&source.path)).collect();
        assert_eq!(names, ["a.csv", "b.csv"]);
    }

    #[test]
    fn content_decides_not_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let kind =
            |name: &str, bytes: &[u8]| recognize(Path::new(&write(folder.path(), name, bytes))).unwrap();
        let why = |kind: SourceKind| match kind {
            SourceKind::Unrecognized(why) => why,
            other => panic!("recognized as {other:?}"),
        };
        assert_eq!(
            kind("x", b"SIMPLE  =                    T"),
            SourceKind::Fits { redshifts: None }
        );
        assert_eq!(kind("y.txt", b"PAR1...."), SourceKind::Parquet);
        assert!(why(kind("spec.fits", b"\n<!DOCTYPE html><html>404")).contains("HTML"));
        assert!(why(kind("spec2.fits", b"hello")).contains("not FITS"));
        assert!(why(kind("empty.fits", b"")).contains("empty"));
        assert!(why(kind("z.gz", &[0x1f, 0x8b, 0, 0])).contains("gzip"));
        assert!(why(kind("photo.jpg", &[0xff, 0xd8])).contains("neither"));
    }

    #[test]
    fn a_coadd_finds_its_redshifts() {
        let folder = tempfile::tempdir().unwrap();
        let fits = b"SIMPLE  =                    T";
        write(folder.path(), "zbest-lrg-1.fits", fits);
        write(folder.path(), "redrock-main-dark-7.fits.gz", fits);
        for (coadd, companion) in [
            ("coadd-lrg-1.fits", Some("zbest-lrg-1.fits")),
            (
                "main_dark_0_7_coadd-main-dark-7.fits",
                Some("redrock-main-dark-7.fits.gz"),
            ),
            ("coadd-main-bright-7.fits", None),
            ("spec-1.fits", None),
        ] {
            let path = write(folder.path(), coadd, fits);
            let SourceKind::Fits { redshifts } = recognize(Path::new(&path)).unwrap() else {
                panic!("{coadd} is FITS");
            };
            assert_eq!(
                redshifts.as_deref().map(file_name).as_deref(),
                companion,
                "{coadd}"
            );
        }
    }

    #[test]
    fn what_names_nothing_is_an_error() {
        assert!(matches!(
            discover(&["/no/such/file".into()]),
            Err(IngestError::NotFound { .. })
        ));
        assert!(matches!(
            discover(&["/no/such/*.fits".into()]),
            Err(IngestError::NoMatch { .. })
        ));
        assert!(matches!(
            discover(&["/no/[".into()]),
            Err(IngestError::BadPattern { .. })
        ));
    }
}
