//! Files that are cut short, corrupted, or something else altogether.

use std::fs;
use std::time::Duration;

use fitsio_pure::compat::FitsFile;
use fitsio_pure::compat::images::ImageType;
use fitsio_pure::compress::TileCompression;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spectriage::ingest::{FileKind, Status};

use super::fixtures::*;
use super::{import, real, write};

/// Runs `work` on a thread of its own and fails if it takes longer than `seconds`.
fn within(seconds: u64, work: impl FnOnce() + Send + 'static) {
    let (done, wait) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        work();
        done.send(()).ok();
    });
    match wait.recv_timeout(Duration::from_secs(seconds)) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("still running after {seconds} s"),
        _ => thread.join().unwrap(),
    }
}

/// Small files of every layout.
fn specimens() -> Vec<(&'static str, Vec<u8>)> {
    let compressed = CoaddOptions {
        mask_compression: Some(TileCompression::gzip()),
        ..PLAIN
    };
    vec![
        ("spec.fits", spec_bytes(false, Identity::Text, 1)),
        ("coadd-main-dark-1.fits", coadd_bytes(&[1, 2], &compressed)),
        ("redrock.fits", redrock_bytes(&[1, 2])),
        (
            "spec.fits.gz",
            fitsio_pure::gzip::compress(&spec_bytes(true, Identity::Unsigned, 0), 6),
        ),
        (
            "coadd-special.fits",
            fs::read(real("coadd-special-dark-27247.fits")).unwrap(),
        ),
        (
            "table.csv",
            fs::read(real("SDSSJ220248.31+123656.3.csv")).unwrap(),
        ),
    ]
}

#[test]
fn truncated_files_are_errors_that_name_them() {
    within(60, || {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in specimens() {
            let path = folder.path().join(name);
            for step in 0..60 {
                // Whole blocks and odd lengths; the last block of padding carries nothing.
                let end = (bytes.len() - 2880) * step / 60 + step % 3;
                fs::write(&path, &bytes[..end]).unwrap();
                let (outcome, spectra) = import(&path);
                // A table that ends with a whole line, and a FITS file that ends behind its spectra, are whole for all one can see.
                let may_pass =
                    name.ends_with(".csv") || outcome.status == Status::Imported && spectra.len() == 1;
                assert!(
                    may_pass || outcome.status != Status::Imported,
                    "{name} cut to {end} of {} bytes",
                    bytes.len()
                );
                assert!(outcome.status == Status::Imported || !outcome.message.is_empty());
            }
        }
    });
}

#[test]
fn corrupted_files_never_panic_or_hang() {
    within(120, || {
        let folder = tempfile::tempdir().unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(20);
        let (mut survived, mut refused) = (0, 0);
        for (name, bytes) in specimens() {
            let path = folder.path().join(name);
            for _ in 0..150 {
                let mut damaged = bytes.clone();
                for _ in 0..rng.random_range(1..6) {
                    // Half of the hits go to the beginning, where the headers are.
                    let reach = if rng.random_bool(0.5) {
                        12_000.min(damaged.len())
                    } else {
                        damaged.len()
                    };
                    let at = rng.random_range(0..reach);
                    damaged[at] = if rng.random_bool(0.1) {
                        rng.random()
                    } else {
                        rng.random_range(b' '..b'Z')
                    };
                }
                fs::write(&path, &damaged).unwrap();
                let (outcome, spectra) = import(&path);
                assert_eq!(outcome.spectra, spectra.len() as u64);
                assert!(
                    !outcome.message.contains("broke off in"),
                    "the library panicked: {}",
                    outcome.message
                );
                if outcome.status == Status::Imported {
                    survived += 1
                } else {
                    refused += 1
                }
                for spectrum in &spectra {
                    let n = spectrum.grid.len();
                    assert!(spectrum.flux.len() == n && spectrum.ivar.len() == n);
                    assert!(spectrum.ivar.iter().all(|ivar| *ivar >= 0.0 && ivar.is_finite()));
                }
                assert!(outcome.status == Status::Imported || !outcome.message.is_empty());
            }
        }
        // The damage is neither always fatal nor always without effect.
        assert!(
            survived > 100 && refused > 100,
            "{survived} imported, {refused} refused"
        );
    });
}

#[test]
fn an_html_page_and_a_picture_are_named_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let (outcome, _) = import(&write(
        folder.path(),
        "spec-1-2-3.fits",
        b"<!DOCTYPE HTML><html>404 Not Found</html>",
    ));
    assert!(outcome.message.contains("HTML"), "{}", outcome.message);
    let mut file = FitsFile::create_in_memory().unwrap();
    image(&mut file, "SCI", ImageType::Float, &[4, 4], &[0.0; 16]);
    let (outcome, _) = import(&write(folder.path(), "image.fits", &file.into_bytes().unwrap()));
    assert_eq!(
        (outcome.kind, outcome.status),
        (FileKind::Unrecognized, Status::Skipped)
    );
    assert!(
        outcome.message.contains("found HDU 0, HDU SCI"),
        "{}",
        outcome.message
    );
}
