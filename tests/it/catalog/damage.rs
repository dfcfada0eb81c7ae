//! Cut and corrupted files: an error or row issues, in good time, and never a panic.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spectriage::catalog::{Catalog, CatalogError, Query, WriterOptions};

use super::{spectrum, write};

fn sample(folder: &Path, pixels: usize) -> PathBuf {
    let path = folder.join("sound.parquet");
    let options = WriterOptions {
        row_group_rows: 16,
        ..Default::default()
    };
    write(&path, (0..40).map(|i| spectrum(i, pixels)), options);
    path
}

/// Everything a reader does. Returns how many spectra were read, or the error.
fn use_all_of(path: &Path) -> Result<usize, CatalogError> {
    let catalog = Catalog::open(&[path.to_str().unwrap().to_owned()])?;
    let rows: Vec<u64> = (0..catalog.len().min(1000)).collect();
    let mut good = 0;
    for spectrum in catalog.spectra(&rows) {
        good += usize::from(spectrum?.is_ok());
    }
    catalog.find("obj-000007")?;
    catalog.find("39627000000000049")?;
    catalog.duplicate_rows()?;
    catalog.select(&Query {
        filter: Some("z < 0.02".into()),
        ..Default::default()
    })?;
    Ok(good)
}

/// A decoder's caught panic would still print its message; the test is about what comes back.
fn in_good_time(what: &str, path: &Path) -> Result<usize, CatalogError> {
    let start = Instant::now();
    let outcome = use_all_of(path);
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{what} took {:?}",
        start.elapsed()
    );
    outcome
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = fs::read(sample(folder.path(), 25)).unwrap();
    let path = folder.path().join("cut.parquet");
    let near_the_end = (1..60).map(|k| bytes.len() - k);
    for length in (0..bytes.len()).step_by(bytes.len() / 150).chain(near_the_end) {
        fs::write(&path, &bytes[..length]).unwrap();
        let error = in_good_time("a cut file", &path).unwrap_err();
        assert!(matches!(error, CatalogError::Corrupt { .. }), "{length}: {error}");
        assert!(error.to_string().contains("cut.parquet"), "{error}");
    }
}

#[test]
fn a_file_with_wrong_bytes_anywhere_is_an_error_or_has_issues() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = fs::read(sample(folder.path(), 25)).unwrap();
    let footer = u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap()) as usize;
    let path = folder.path().join("wrong.parquet");
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut outcomes = (0, 0);
    for case in 0..700 {
        let mut wrong = bytes.clone();
        // Half of the damage goes to the footer, which has all the lengths and places.
        let from = if case % 2 == 0 {
            0
        } else {
            bytes.len() - 8 - footer
        };
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(from..bytes.len());
            wrong[at] = match case % 3 {
                0 => wrong[at] ^ (1 << random.random_range(0..8)),
                1 => 0xff,
                _ => random.random(),
            };
        }
        fs::write(&path, &wrong).unwrap();
        match in_good_time("a file with wrong bytes", &path) {
            Ok(good) => {
                assert!(good <= 1000);
                outcomes.0 += 1;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                outcomes.1 += 1;
            }
        }
    }
    // Most wrong bits in pixels are only wrong values; in the footer they are errors. Neither kind may be all there is.
    assert!(outcomes.0 > 50 && outcomes.1 > 50, "{outcomes:?}");
}

#[test]
fn damaged_pixels_cost_their_own_rows_only() {
    let folder = tempfile::tempdir().unwrap();
    // Pages of eight rows take spectra of some length: the writer looks at its limits every 1024 pixels.
    let path = sample(folder.path(), 200);
    let mut bytes = fs::read(&path).unwrap();
    let file = fs::File::open(&path).unwrap();
    let metadata = parquet::file::metadata::ParquetMetaDataReader::new()
        .with_page_index_policy(parquet::file::metadata::PageIndexPolicy::Required)
        .parse_and_finish(&file)
        .unwrap();
    let flux = metadata
        .row_group(1)
        .columns()
        .iter()
        .position(|column| column.column_path().parts()[0] == "flux")
        .unwrap();
    let page = &metadata.offset_index().unwrap()[1][flux].page_locations()[0];
    let next = &metadata.offset_index().unwrap()[1][flux].page_locations()[1];
    let (start, end) = (
        page.offset as usize,
        page.offset as usize + page.compressed_page_size as usize,
    );
    // The page's header stays, its compressed data do not.
    bytes[start + 40..end].fill(0xab);
    fs::write(&path, &bytes).unwrap();
    let catalog = Catalog::open(&[path.to_str().unwrap().to_owned()]).unwrap();
    let rows: Vec<u64> = (0..40).collect();
    let lost = 16..16 + next.first_row_index as u64;
    assert!(lost.end < 32);
    for (row, read) in rows.iter().zip(catalog.spectra(&rows)) {
        match read.unwrap() {
            Ok(read) => {
                assert!(!lost.contains(row), "row {row}");
                assert_eq!(read, spectrum(*row, 200));
            }
            Err(issue) => {
                assert!(lost.contains(row), "{issue}");
                assert_eq!((issue.row, issue.column.as_str()), (*row, "flux"));
                assert_eq!(issue.object_id, format!("obj-{row:06}"));
            }
        }
    }
}

#[test]
fn what_is_no_parquet_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("empty.parquet", &b""[..]),
        ("text.parquet", b"id,flux\n1,2\n"),
        ("fake.parquet", b"PAR1xxxxPAR1"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let error = in_good_time(name, &path).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("Parquet"), "{error}");
    }
}
