//! Survey files to spectra: real ones, synthetic ones, damaged ones.

mod coadd;
mod damage;
mod fixtures;
mod real;
mod spec;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use spectriage::ingest::{FileOutcome, Identities, Source, discover, import_file, read};
use spectriage::spectrum::{RowIssue, Spectrum};

fn real(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample_data/real")
        .join(name)
}

fn source(path: &Path) -> Source {
    discover(&[path.to_string_lossy().into_owned()])
        .unwrap()
        .remove(0)
}

fn rows(path: &Path) -> Vec<Result<Spectrum, RowIssue>> {
    let reader = read(&source(path)).unwrap_or_else(|error| panic!("{error}"));
    reader.flat_map(|batch| batch.unwrap()).collect()
}

fn only(path: &Path) -> Spectrum {
    let mut all = rows(path);
    assert_eq!(all.len(), 1);
    all.remove(0).unwrap()
}

fn import(path: &Path) -> (FileOutcome, Vec<Spectrum>) {
    let mut spectra = Vec::new();
    let mut sink = |batch: Vec<Spectrum>| -> Result<(), ()> {
        spectra.extend(batch);
        Ok(())
    };
    let outcome = import_file(&source(path), &mut Identities::default(), &mut sink).unwrap();
    (outcome, spectra)
}

fn sum(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value)).sum()
}

#[track_caller]
fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-6 * b.abs(), "{a} is not {b}");
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}
