//! From what a user names (file, folder, glob, HATS folder) to the list of Parquet files.

use std::fs;
use std::path::{Path, PathBuf};

use super::CatalogError;

/// Files to open together, and what a HATS folder says of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Input {
    pub files: Vec<PathBuf>,
    /// HATS: names of the columns of right ascension and declination.
    pub position: Option<(String, String)>,
}

/// Folders below folders: deeper than any tree of partitions, and an end to links that go round.
const MAX_DEPTH: usize = 8;

/// The files behind one input.
pub(super) fn expand(input: &str) -> Result<Input, CatalogError> {
    let path = Path::new(input);
    if path.is_file() {
        return Ok(Input {
            files: vec![path.to_owned()],
            position: None,
        });
    }
    if path.is_dir() {
        return folder(path, input, 0);
    }
    if !input.contains(['*', '?', '[']) {
        return Err(no_files(input, "there is no such file or folder"));
    }
    let found = glob::glob(input).map_err(|e| no_files(input, &e.to_string()))?;
    let mut files = Vec::new();
    for path in found {
        let path = path.map_err(|e| {
            let place = e.path().to_owned();
            CatalogError::io(&place, e.into())
        })?;
        if path.is_file() {
            files.push(path);
        } else {
            files.extend(folder(&path, input, 0)?.files);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(no_files(input, "no file matches"));
    }
    Ok(Input {
        files,
        position: None,
    })
}

fn no_files(input: &str, reason: &str) -> CatalogError {
    CatalogError::NoFiles {
        input: input.to_owned(),
        reason: reason.to_owned(),
    }
}

fn folder(path: &Path, input: &str, depth: usize) -> Result<Input, CatalogError> {
    if depth > MAX_DEPTH {
        return Err(no_files(input, "its collection.properties point in a circle"));
    }
    if let Some(text) = properties(path, &["collection.properties"])? {
        // The table's place within the collection; margins and indexes beside it have other rows.
        let table = property(&text, "hats_primary_table_url")
            .ok_or_else(|| no_files(input, "its collection.properties name no hats_primary_table_url"))?;
        let table = path.join(table);
        if !table.is_dir() {
            return Err(no_files(
                input,
                &format!("its table {} is not there", table.display()),
            ));
        }
        return folder(&table, input, depth + 1);
    }
    let mut files = Vec::new();
    let mut position = None;
    match properties(path, &["hats.properties", "properties"])? {
        Some(text) => {
            position = property(&text, "hats_col_ra").zip(property(&text, "hats_col_dec"));
            collect(&path.join("dataset"), 0, &mut files)?;
        }
        None => collect(path, 0, &mut files)?,
    }
    if files.is_empty() {
        return Err(no_files(input, "the folder has no .parquet files"));
    }
    files.sort();
    Ok(Input { files, position })
}

fn properties(folder: &Path, names: &[&str]) -> Result<Option<String>, CatalogError> {
    for name in names {
        let path = folder.join(name);
        if path.is_file() {
            return fs::read_to_string(&path)
                .map(Some)
                .map_err(|e| CatalogError::io(&path, e));
        }
    }
    Ok(None)
}

/// A key of a Java properties file; unknown keys and comments are passed over.
fn property(text: &str, key: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key && !value.trim().is_empty()).then(|| value.trim().to_owned())
    })
}

/// The Parquet files below a folder; names that begin with `_` or `.` are metadata or half-written.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), CatalogError> {
    if depth > MAX_DEPTH {
        return Ok(());
    }
    let io = |e| CatalogError::io(folder, e);
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(['_', '.']) {
            continue;
        }
        if path.is_dir() {
            collect(&path, depth + 1, files)?;
        } else if path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("parquet") || e.eq_ignore_ascii_case("parq"))
        {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    #[test]
    fn a_folder_is_walked_and_metadata_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "b.parquet",
            "a/c.PARQUET",
            "_metadata",
            "_x.parquet",
            ".d.parquet.tmp",
            "readme.txt",
        ] {
            touch(&folder.path().join(name));
        }
        let found = expand(folder.path().to_str().unwrap()).unwrap();
        let names: Vec<_> = found
            .files
            .iter()
            .map(|f| f.strip_prefix(folder.path()).unwrap())
            .collect();
        assert_eq!(names, [Path::new("a/c.PARQUET"), Path::new("b.parquet")]);
    }

    #[test]
    fn a_hats_collection_leads_to_its_table_and_names_the_position() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        touch(&root.join("table/dataset/Norder=2/Dir=0/Npix=106.parquet"));
        touch(&root.join("table/dataset/Norder=3/Dir=0/Npix=7/part0.parquet"));
        touch(&root.join("table/per_partition_statistics.parquet"));
        touch(&root.join("margin/dataset/Norder=2/Dir=0/Npix=106.parquet"));
        fs::write(
            root.join("collection.properties"),
            "# x\nhats_primary_table_url=table\n",
        )
        .unwrap();
        fs::write(
            root.join("table/hats.properties"),
            "obs_collection=x\nhats_col_ra = RA_X\nhats_col_dec=DEC_X\n",
        )
        .unwrap();
        let found = expand(root.to_str().unwrap()).unwrap();
        assert_eq!(found.files.len(), 2);
        assert!(
            found
                .files
                .iter()
                .all(|file| file.starts_with(root.join("table/dataset")))
        );
        assert_eq!(found.position, Some(("RA_X".into(), "DEC_X".into())));
    }

    #[test]
    fn what_is_not_there_is_said() {
        for input in ["/nonexistent/x.parquet", "/nonexistent/*.parquet"] {
            assert!(
                matches!(expand(input), Err(CatalogError::NoFiles { .. })),
                "{input}"
            );
        }
        let empty = tempfile::tempdir().unwrap();
        let error = expand(empty.path().to_str().unwrap()).unwrap_err().to_string();
        assert!(error.contains("no .parquet files"), "{error}");
    }
}
