//! What is written is what is read, in any order and from any thread.

use std::fs;
use std::fs::File;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use serde_json::json;
use spectriage::catalog::{
    Catalog, CatalogError, CatalogWriter, ExtraColumn, ExtraKind, ExtraValue, LayoutKind, WriterOptions,
};
use spectriage::spectrum::{Spectrum, WavelengthGrid};

use super::{open, spectrum, write};

/// Grids and masks of every kind among the rows.
fn various(n: u64) -> Vec<Spectrum> {
    (0..n)
        .map(|i| {
            let pixels = 60 + (i % 4) as usize * 13;
            let mut spectrum = spectrum(i, pixels);
            spectrum.grid = Arc::new(match i % 4 {
                0 | 1 => WavelengthGrid::Linear {
                    start: 3600.0,
                    step: 0.8,
                    n: pixels,
                },
                2 => WavelengthGrid::Log10 {
                    start: 3.5 + (i % 3) as f64 * 1e-4,
                    step: 1e-4,
                    n: pixels,
                },
                _ => WavelengthGrid::Listed {
                    wavelength: (0..pixels)
                        .map(|k| 4000.0 + (k as f64).powf(1.1) + i as f64)
                        .collect(),
                },
            });
            spectrum
        })
        .collect()
}

#[test]
fn spectra_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.parquet");
    let spectra = various(150);
    let options = WriterOptions {
        row_group_rows: 40,
        provenance: json!({"release": "test"}),
        acknowledgement: Some("Thanks".into()),
        ..Default::default()
    };
    let summary = write(&path, spectra.clone(), options);
    // Two linear grids (two lengths), and logarithmic ones of three starts.
    assert_eq!((summary.rows, summary.grids), (150, 5));
    let catalog = open(&path);
    assert_eq!(catalog.len(), 150);
    assert_eq!(catalog.layouts(), [LayoutKind::Native]);
    assert_eq!(catalog.files()[0].row_groups, 4);
    assert_eq!(catalog.acknowledgements(), ["Thanks"]);
    assert_eq!(catalog.provenance()[0].as_ref().unwrap()["release"], "test");
    let rows: Vec<u64> = (0..150).collect();
    for (row, read) in catalog.spectra(&rows).enumerate() {
        assert_eq!(read.unwrap().unwrap(), spectra[row], "row {row}");
    }
    let facts = catalog.facts(&[149, 0, 77]).unwrap();
    assert_eq!(facts, [149, 0, 77].map(|i: usize| spectra[i].facts.clone()));
}

#[test]
fn rows_of_one_grid_share_it() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("a.parquet"), folder.path().join("b.parquet"));
    write(&first, (0..5).map(|i| spectrum(i, 64)), WriterOptions::default());
    write(&second, (5..9).map(|i| spectrum(i, 64)), WriterOptions::default());
    let catalog = open(folder.path());
    assert_eq!(catalog.len(), 9);
    let read = |row| catalog.read(row).unwrap().unwrap().grid;
    assert!(Arc::ptr_eq(&read(0), &read(8)));
    assert_eq!(catalog.grids().len(), 1);
}

#[test]
fn shuffled_rows_keep_their_identity_when_read_in_parallel() {
    let folder = tempfile::tempdir().unwrap();
    for part in 0..3u64 {
        let path = folder.path().join(format!("part-{part}.parquet"));
        let options = WriterOptions {
            row_group_rows: 64,
            ..Default::default()
        };
        write(
            &path,
            (part * 300..part * 300 + 300).map(|i| spectrum(i, 40)),
            options,
        );
    }
    let catalog = open(folder.path());
    let mut rows: Vec<u64> = (0..900).chain(100..140).collect();
    rows.shuffle(&mut rand_chacha::ChaCha8Rng::seed_from_u64(5));
    let mut seen = 0;
    for (row, read) in rows.iter().zip(catalog.spectra(&rows)) {
        assert_eq!(read.unwrap().unwrap(), spectrum(*row, 40), "row {row}");
        seen += 1;
    }
    assert_eq!(seen, rows.len());
    // Dropping the iterator half-way leaves no thread waiting for ever.
    let mut some = catalog.spectra(&rows);
    assert_eq!(some.next().unwrap().unwrap().unwrap(), spectrum(rows[0], 40));
    drop(some);
    assert!(matches!(
        catalog.read(900),
        Err(CatalogError::RowOutOfRange { row: 900, len: 900 })
    ));
}

#[test]
fn the_physical_options_apply() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    write(
        &path,
        (0..1100)
            .map(|i| spectrum(i, 1500))
            .take(100)
            .chain((100..1100).map(|i| spectrum(i, 30))),
        WriterOptions::default(),
    );
    let metadata = ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Optional)
        .parse_and_finish(&File::open(&path).unwrap())
        .unwrap();
    let rows: Vec<i64> = metadata
        .row_groups()
        .iter()
        .map(|group| group.num_rows())
        .collect();
    assert_eq!(rows, [512, 512, 76]);
    let pages = metadata.offset_index().unwrap();
    for (i, column) in metadata.row_group(0).columns().iter().enumerate() {
        let name = column.column_path().parts()[0].as_str();
        assert!(matches!(column.compression(), Compression::ZSTD(_)), "{name}");
        let encodings: Vec<Encoding> = column.encodings().collect();
        let is_pixels = ["flux", "ivar", "mask", "wavelength"].contains(&name);
        let split = encodings.contains(&Encoding::BYTE_STREAM_SPLIT);
        assert_eq!(split, is_pixels && name != "mask", "{name}: {encodings:?}");
        assert_eq!(
            column.bloom_filter_offset().is_some(),
            ["targetid", "object_id"].contains(&name),
            "{name}"
        );
        assert_eq!(column.statistics().is_some(), !is_pixels, "{name}");
        let starts: Vec<i64> = pages[0][i]
            .page_locations()
            .iter()
            .map(|page| page.first_row_index)
            .collect();
        if ["flux", "ivar"].contains(&name) {
            assert_eq!(
                starts[..13],
                [0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96],
                "{name}"
            );
        } else if !is_pixels {
            assert_eq!(starts.len(), 1, "{name}: a table column is one page a row group");
        }
    }
}

#[test]
fn rounding_is_announced_small_and_makes_a_smaller_file() {
    let folder = tempfile::tempdir().unwrap();
    let (exact, rounded) = (
        folder.path().join("exact.parquet"),
        folder.path().join("rounded.parquet"),
    );
    let exact_bytes = write(
        &exact,
        (0..40).map(|i| spectrum(i, 500)),
        WriterOptions::default(),
    )
    .bytes;
    let options = WriterOptions {
        mantissa_bits: Some(11),
        ..Default::default()
    };
    let rounded_bytes = write(&rounded, (0..40).map(|i| spectrum(i, 500)), options).bytes;
    assert!(
        rounded_bytes < exact_bytes * 3 / 4,
        "{rounded_bytes} of {exact_bytes}"
    );
    let catalog = open(&rounded);
    assert_eq!(catalog.provenance()[0].as_ref().unwrap()["mantissa_bits"], 11);
    let (read, whole) = (catalog.read(39).unwrap().unwrap(), spectrum(39, 500));
    for (a, b) in read
        .flux
        .iter()
        .zip(&whole.flux)
        .chain(read.ivar.iter().zip(&whole.ivar))
    {
        assert!((a - b).abs() <= b.abs() / 4096.0);
    }
}

#[test]
fn further_columns_are_written_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("extra.parquet");
    let column = |name: &str, kind| ExtraColumn {
        name: name.into(),
        kind,
        unit: String::new(),
        description: String::new(),
    };
    let options = WriterOptions {
        extra: vec![
            column("ZCAT_PRIMARY", ExtraKind::Bool),
            column("zcat_nspec", ExtraKind::Int),
        ],
        ..Default::default()
    };
    let mut writer = CatalogWriter::create(&path, options).unwrap();
    let row = |i: u64| [ExtraValue::Bool(i % 2 == 0), ExtraValue::Int(i as i64)];
    for i in 0..10 {
        writer.write_with(&spectrum(i, 20), &row(i)).unwrap();
    }
    let error = writer
        .write_with(&spectrum(10, 20), &[ExtraValue::Int(1), ExtraValue::Int(1)])
        .unwrap_err();
    assert!(error.to_string().contains("ZCAT_PRIMARY"), "{error}");
    assert_eq!(writer.finish().unwrap().rows, 10);
    let table = open(&path)
        .table(&["zcat_primary", "ZCAT_NSPEC"], Some(&[3, 2]))
        .unwrap();
    assert_eq!(table.num_rows(), 2);
    assert_eq!(
        format!("{:?}", table.column(1).slice(0, 1)).matches('3').count(),
        1
    );
    let taken = WriterOptions {
        extra: vec![column("Flux", ExtraKind::Float)],
        ..Default::default()
    };
    assert!(matches!(
        CatalogWriter::create(&path, taken),
        Err(CatalogError::Options(_))
    ));
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    fs::write(&path, "older").unwrap();
    let names = || -> Vec<String> {
        let entries = fs::read_dir(folder.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let mut writer = CatalogWriter::create(&path, WriterOptions::default()).unwrap();
    for i in 0..600 {
        writer.write(&spectrum(i, 30)).unwrap();
    }
    assert_eq!(names().len(), 2, "the temporary file is in the same folder");
    assert_eq!(fs::read(&path).unwrap(), b"older");
    drop(writer);
    assert_eq!(names(), ["x.parquet"]);
    assert_eq!(fs::read(&path).unwrap(), b"older");

    let summary = write(&path, (0..3).map(|i| spectrum(i, 30)), WriterOptions::default());
    assert_eq!(names(), ["x.parquet"]);
    assert_eq!(summary.bytes, fs::metadata(&path).unwrap().len());
    assert_eq!(open(&path).len(), 3);

    let nowhere = folder.path().join("missing/x.parquet");
    assert!(matches!(
        CatalogWriter::create(&nowhere, WriterOptions::default()),
        Err(CatalogError::Io { .. })
    ));
}

#[test]
fn a_spectrum_that_does_not_fit_itself_is_refused_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let mut writer = CatalogWriter::create(&path, WriterOptions::default()).unwrap();
    let mut bad = spectrum(1, 30);
    bad.ivar.pop();
    let error = writer.write(&bad).unwrap_err().to_string();
    assert!(
        error.contains("obj-000001") && error.contains("ivar") && error.contains("29"),
        "{error}"
    );
    writer.write(&spectrum(2, 30)).unwrap();
    assert_eq!(writer.finish().unwrap().rows, 1);
    assert_eq!(open(&path).read(0).unwrap().unwrap(), spectrum(2, 30));
}

#[test]
fn an_empty_catalog_is_a_catalog() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.parquet");
    write(&path, [], WriterOptions::default());
    let catalog = open(&path);
    assert!(catalog.is_empty());
    assert_eq!(catalog.find("obj-000001").unwrap(), Vec::<u64>::new());
    assert!(catalog.duplicate_rows().unwrap().is_empty());
    assert_eq!(catalog.spectra(&[]).count(), 0);
}

#[test]
fn the_digest_names_the_content_and_not_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    write(&path, (0..20).map(|i| spectrum(i, 30)), WriterOptions::default());
    let digest = open(&path).digest();
    let elsewhere = folder.path().join("y");
    fs::create_dir(&elsewhere).unwrap();
    fs::copy(&path, elsewhere.join("x.parquet")).unwrap();
    assert_eq!(open(&elsewhere.join("x.parquet")).digest(), digest);
    let mut changed: Vec<Spectrum> = (0..20).map(|i| spectrum(i, 30)).collect();
    changed[7].facts.z = Some(0.5);
    write(&path, changed, WriterOptions::default());
    assert_ne!(open(&path).digest(), digest);
}

#[test]
fn identities_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let options = || WriterOptions {
        row_group_rows: 100,
        ..Default::default()
    };
    let shuffled = |i: u64| (i * 7919) % 1000;
    write(
        &folder.path().join("a.parquet"),
        (0..1000).map(|i| spectrum(shuffled(i), 20)),
        options(),
    );
    write(
        &folder.path().join("b.parquet"),
        (1000..1500).map(|i| spectrum(i, 20)),
        options(),
    );
    let catalog = open(folder.path());
    for id in [0u64, 1, 517, 999, 1000, 1499] {
        let expected = (0..1500).find(|row| {
            if *row < 1000 {
                shuffled(*row) == id
            } else {
                *row == id
            }
        });
        let expected = [expected.unwrap()];
        let facts = spectrum(id, 20).facts;
        assert_eq!(catalog.find(&facts.object_id).unwrap(), expected);
        assert_eq!(
            catalog.find(&facts.targetid.unwrap().to_string()).unwrap(),
            expected
        );
        assert_eq!(catalog.read(expected[0]).unwrap().unwrap().facts, facts);
    }
    for id in ["obj-1", "", "39627000000000001", "-5", "obj-001500"] {
        assert!(catalog.find(id).unwrap().is_empty(), "{id}");
    }
}

#[test]
fn a_file_replaced_under_an_open_catalog_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    write(&path, (0..20).map(|i| spectrum(i, 30)), WriterOptions::default());
    let catalog: Catalog = open(&path);
    write(&path, (0..25).map(|i| spectrum(i, 30)), WriterOptions::default());
    assert!(matches!(catalog.read(3), Err(CatalogError::Changed { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_finite_pixels_survive_the_file(
        rows in prop::collection::vec(
            // Up to the signal-to-noise ratio that is taken for an error.
            prop::collection::vec((-1e8f32..1e8, 1e-20f32..1e7, any::<u32>()), 1..80), 1..30),
        row_group_rows in 1usize..20,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.parquet");
        let spectra: Vec<Spectrum> = rows.iter().enumerate().map(|(i, pixels)| {
            let mut spectrum = spectrum(i as u64, pixels.len());
            spectrum.flux = pixels.iter().map(|p| p.0).collect();
            spectrum.ivar = pixels.iter().map(|p| p.1).collect();
            let mut mask: Vec<u32> = pixels.iter().map(|p| p.2).collect();
            // At least one good and one bad pixel, where there are two.
            mask[0] = 0;
            spectrum.mask = mask.iter().any(|bits| *bits != 0).then_some(mask);
            spectrum
        }).collect();
        write(&path, spectra.clone(), WriterOptions { row_group_rows, ..Default::default() });
        let catalog = open(&path);
        let order: Vec<u64> = (0..spectra.len() as u64).rev().collect();
        for (row, read) in order.iter().zip(catalog.spectra(&order)) {
            prop_assert_eq!(&read.unwrap().unwrap(), &spectra[*row as usize]);
        }
    }
}
