//! Rows that cannot be used: each is an issue with its reason, and the others are read.

use std::sync::Arc;

use arrow::array::{ListArray, StringArray};
use arrow::datatypes::{Float32Type, Float64Type, Int32Type};
use spectriage::catalog::WriterOptions;

use super::layouts::{folder, lists, write_columns};
use super::{open, spectrum, write};

#[test]
fn every_kind_of_bad_row_is_an_issue_and_the_others_are_read() {
    let folder = folder();
    let path = folder.path().join("bad.parquet");
    let nan = f32::NAN;
    // (id, flux, ivar, mask, wavelength, column at fault)
    type Case<'a> = (
        Option<&'a str>,
        Option<Vec<f32>>,
        Vec<f32>,
        Vec<i32>,
        Vec<f64>,
        Option<&'a str>,
    );
    let wave = || vec![4000.0, 4001.0, 4002.0];
    let good = || Some(vec![1.0, 2.0, 3.0]);
    let cases: Vec<Case> = vec![
        (Some("good"), good(), vec![1.0; 3], vec![0; 3], wave(), None),
        (
            Some("short ivar"),
            good(),
            vec![1.0; 2],
            vec![0; 3],
            wave(),
            Some("ivar"),
        ),
        (
            Some("short mask"),
            good(),
            vec![1.0; 3],
            vec![0; 2],
            wave(),
            Some("mask"),
        ),
        (
            Some("short wavelength"),
            good(),
            vec![1.0; 3],
            vec![0; 3],
            vec![4000.0],
            Some("wavelength"),
        ),
        (
            Some("NaN"),
            Some(vec![1.0, nan, 1.0]),
            vec![1.0; 3],
            vec![0; 3],
            wave(),
            Some("flux"),
        ),
        (
            Some("NaN unmeasured"),
            Some(vec![1.0, nan, 1.0]),
            vec![1.0, 0.0, 1.0],
            vec![0; 3],
            wave(),
            None,
        ),
        (
            Some("infinite"),
            Some(vec![f32::INFINITY, 1.0, 1.0]),
            vec![1.0; 3],
            vec![0; 3],
            wave(),
            Some("flux"),
        ),
        (
            Some("negative ivar"),
            good(),
            vec![1.0, -1.0, 1.0],
            vec![0; 3],
            wave(),
            Some("ivar"),
        ),
        (
            Some("no ivar"),
            good(),
            vec![0.0; 3],
            vec![0; 3],
            wave(),
            Some("ivar"),
        ),
        (
            Some("all masked"),
            good(),
            vec![1.0; 3],
            vec![1, 4, 1],
            wave(),
            Some("mask"),
        ),
        (None, good(), vec![1.0; 3], vec![0; 3], wave(), Some("object_id")),
        (
            Some("descending"),
            good(),
            vec![1.0; 3],
            vec![0; 3],
            vec![4002.0, 4001.0, 4000.0],
            Some("wavelength"),
        ),
        (
            Some("null flux"),
            None,
            vec![1.0; 3],
            vec![0; 3],
            wave(),
            Some("flux"),
        ),
        (
            Some("no pixels"),
            Some(vec![]),
            vec![],
            vec![],
            vec![],
            Some("flux"),
        ),
        (
            Some("good too"),
            good(),
            vec![1.0; 3],
            vec![0, 1, 0],
            wave(),
            None,
        ),
    ];
    let flux = ListArray::from_iter_primitive::<Float32Type, _, _>(cases.iter().map(|c| {
        c.1.as_ref()
            .map(|row| row.iter().map(|v| Some(*v)).collect::<Vec<_>>())
    }));
    let column = |i: usize| -> Vec<Vec<f32>> { cases.iter().map(|c| [&c.2][i].clone()).collect() };
    write_columns(
        &path,
        vec![
            (
                "object_id",
                Arc::new(StringArray::from(cases.iter().map(|c| c.0).collect::<Vec<_>>())),
            ),
            ("flux", Arc::new(flux)),
            ("ivar", lists::<Float32Type>(&column(0))),
            (
                "mask",
                lists::<Int32Type>(&cases.iter().map(|c| c.3.clone()).collect::<Vec<_>>()),
            ),
            (
                "wavelength",
                lists::<Float64Type>(&cases.iter().map(|c| c.4.clone()).collect::<Vec<_>>()),
            ),
        ],
    );
    let catalog = open(&path);
    let rows: Vec<u64> = (0..cases.len() as u64).collect();
    for ((row, read), case) in rows.iter().zip(catalog.spectra(&rows)).zip(&cases) {
        match (read.unwrap(), case.5) {
            (Ok(spectrum), None) => assert_eq!(Some(spectrum.facts.object_id.as_str()), case.0),
            (Err(issue), Some(column)) => {
                assert_eq!((issue.row, issue.column.as_str()), (*row, column), "{issue}");
                assert_eq!(issue.object_id, case.0.unwrap_or_default());
                assert!(issue.file.ends_with("bad.parquet") && !issue.reason.is_empty());
            }
            (outcome, _) => panic!("{:?}: {outcome:?}", case.0),
        }
    }
}

#[test]
fn the_second_of_two_rows_with_one_id_is_an_issue() {
    let folder = folder();
    write(
        &folder.path().join("a.parquet"),
        (0..40).map(|i| spectrum(i, 20)),
        WriterOptions::default(),
    );
    write(
        &folder.path().join("b.parquet"),
        (30..50).map(|i| spectrum(i, 20)),
        WriterOptions::default(),
    );
    let catalog = open(folder.path());
    let duplicates = catalog.duplicate_rows().unwrap();
    let rows: Vec<u64> = duplicates.iter().map(|(row, _)| *row).collect();
    assert_eq!(rows, (40..50).collect::<Vec<u64>>());
    let (_, issue) = &duplicates[3];
    assert_eq!((issue.row, issue.object_id.as_str()), (3, "obj-000033"));
    assert!(
        issue.file.ends_with("b.parquet") && issue.reason.contains("row 33 of"),
        "{issue}"
    );
    assert_eq!(catalog.find("obj-000033").unwrap(), [33, 43]);
}
