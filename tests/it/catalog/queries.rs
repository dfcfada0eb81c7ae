//! SQL over the table columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array};
use arrow::datatypes::Float32Type;
use spectriage::catalog::{Catalog, CatalogError, Query, WriterOptions};

use super::layouts::{lists, text, write_columns};
use super::{open, spectrum, write};

fn query(filter: &str, order_by: &str, limit: Option<u64>) -> Query {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Query {
        filter: given(filter),
        order_by: given(order_by),
        limit,
    }
}

fn select(catalog: &Catalog, filter: &str, order_by: &str, limit: Option<u64>) -> Vec<u64> {
    catalog.select(&query(filter, order_by, limit)).unwrap()
}

/// Three files of several row groups, so that the scan has several partitions.
fn catalog() -> (tempfile::TempDir, Catalog) {
    let folder = tempfile::tempdir().unwrap();
    for part in 0..3u64 {
        let options = WriterOptions {
            row_group_rows: 50,
            ..Default::default()
        };
        let path = folder.path().join(format!("{part}.parquet"));
        write(
            &path,
            (part * 200..part * 200 + 200).map(|i| spectrum(i, 8)),
            options,
        );
    }
    let catalog = open(folder.path());
    (folder, catalog)
}

fn expected(condition: impl Fn(u64) -> bool) -> Vec<u64> {
    (0..600).filter(|i| condition(*i)).collect()
}

#[test]
fn filters_select_what_the_same_condition_selects_in_rust() {
    let (_folder, catalog) = catalog();
    let galaxy = |i: u64| i % 4 != 0;
    assert_eq!(
        select(
            &catalog,
            "z < 0.3 AND zwarn = 0 AND spectype = 'GALAXY'",
            "",
            None
        ),
        expected(|i| 0.01 + 0.001 * (i as f64) < 0.3 && i % 5 != 0 && galaxy(i))
    );
    assert_eq!(
        select(&catalog, "SPECTYPE = 'QSO' -- a remark", "", None),
        expected(|i| !galaxy(i))
    );
    assert_eq!(
        select(&catalog, "survey IS NULL", "", None),
        expected(|i| i % 3 == 0)
    );
    assert_eq!(
        select(&catalog, "source LIKE 'DESI%'", "", None),
        expected(|i| i % 2 == 0)
    );
    assert_eq!(
        select(&catalog, "object_id IN ('obj-000007', 'obj-000599')", "", None),
        [7, 599]
    );
    assert_eq!(
        select(&catalog, "row BETWEEN 198 AND 201", "", None),
        [198, 199, 200, 201]
    );
    assert_eq!(select(&catalog, "z > 5", "", None), Vec::<u64>::new());
    assert_eq!(select(&catalog, "", "", None).len(), 600);
    assert_eq!(select(&catalog, "", "", Some(3)), [0, 1, 2]);
    let seven: Vec<u64> = (0..7).map(|k| 2 * k + 1).collect();
    assert_eq!(select(&catalog, "source = 'SDSS-DR17'", "", Some(7)), seven);
}

#[test]
fn sorts_are_stable_and_nulls_come_last() {
    let (_folder, catalog) = catalog();
    let mut by_sn = expected(|_| true);
    by_sn.sort_by_key(|i| (std::cmp::Reverse(i % 17), *i));
    assert_eq!(select(&catalog, "", "sn DESC", None), by_sn);
    assert_eq!(select(&catalog, "", "SN desc, row", Some(10)), by_sn[..10]);
    let mut by_survey = expected(|_| true);
    by_survey.sort_by_key(|i| (i % 3 == 0, *i));
    assert_eq!(select(&catalog, "", "survey", None), by_survey);
    assert_eq!(select(&catalog, "", "survey DESC", None), by_survey);
    assert_eq!(select(&catalog, "zwarn = 0", "z DESC", Some(2)), [599, 598]);
}

#[test]
fn the_original_sample_cut_is_one_expression() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zpix.parquet");
    let pixels = || lists::<Float32Type>(&vec![vec![1.0; 7781]; 6]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("TARGETID", Arc::new(Int64Array::from(vec![1, 2, 3, 4, 5, 6]))),
        (
            "Z",
            Arc::new(Float64Array::from(vec![0.5, 0.50001, 0.2, 0.2, 0.2, f64::NAN])),
        ),
        ("ZWARN", Arc::new(Int64Array::from(vec![0, 0, 0, 4, 0, 0]))),
        (
            "SPECTYPE",
            text(&["GALAXY", "GALAXY", "QSO", "GALAXY", "GALAXY", "GALAXY"]),
        ),
        ("ZCAT_NSPEC", Arc::new(Int64Array::from(vec![3, 3, 3, 3, 2, 3]))),
        ("ZCAT_PRIMARY", Arc::new(BooleanArray::from(vec![true; 6]))),
        ("FLUX", pixels()),
        ("IVAR", pixels()),
    ];
    write_columns(&path, columns);
    let cut = "zcat_primary AND zcat_nspec > 2 AND z <= 0.5 AND spectype = 'GALAXY' AND zwarn = 0";
    assert_eq!(select(&open(&path), cut, "", None), [0]);
    // A NaN redshift passes no comparison.
    assert_eq!(select(&open(&path), "z > 0.4", "", None), [0, 1]);
    assert_eq!(select(&open(&path), "z IS NULL", "", None), [5]);
}

#[test]
fn a_bad_expression_is_quoted_and_the_columns_are_listed() {
    let (_folder, catalog) = catalog();
    let error = |filter: &str, order_by: &str| {
        let error = catalog.select(&query(filter, order_by, None)).unwrap_err();
        assert!(matches!(error, CatalogError::BadExpression { .. }), "{error:?}");
        error.to_string()
    };
    let unknown = error("zz < 0.5", "");
    for part in ["filter `zz < 0.5`", "zz", "spectype", "zwarn"] {
        assert!(unknown.contains(part), "{part} in {unknown}");
    }
    assert!(error("z <", "").contains("filter `z <`"));
    assert!(error("z", "").contains("no condition"));
    assert!(error("spectype = GALAXY", "").contains("single quotes"));
    assert!(error("z < 1; DROP TABLE catalog", "").contains("filter"));
    assert!(error("", "nothing DESC").contains("order by `nothing DESC`"));
    assert!(error("z < 1", "z DESC; SELECT 1").contains("order by"));
    assert!(
        error("", "flux").contains("order by `flux`"),
        "pixels are no table columns"
    );
}

#[test]
fn a_sort_by_one_column_is_the_same_as_by_an_expression_of_it() {
    let (_folder, catalog) = catalog();
    let filter = "ra > 20";
    for (column, same) in [
        ("z", "z + 0"),
        ("sn", "sn * 1"),
        ("zwarn", "zwarn + 0"),
        ("survey", "CASE WHEN TRUE THEN survey END"),
        ("ivar_estimated", "CASE WHEN TRUE THEN ivar_estimated END"),
        ("object_id", "CASE WHEN TRUE THEN object_id END"),
        ("row", "row * 1"),
        ("flux_g", "flux_g + 0"),
    ] {
        for direction in ["", " DESC", " asc"] {
            for limit in [None, Some(7)] {
                assert_eq!(
                    select(&catalog, filter, &format!("{column}{direction}"), limit),
                    select(&catalog, filter, &format!("{same}{direction}"), limit),
                    "{column}{direction}"
                );
            }
        }
    }
}
