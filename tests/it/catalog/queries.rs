//! SQL over the table columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::Float32Type;
use spectriage::catalog::{Catalog, CatalogError, Query, Stop, WriterOptions};

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

/// A table of several row groups with texts of all lengths, numbers that tie, and gaps.
struct Table {
    name: Vec<Option<String>>,
    grade: Vec<Option<i64>>,
    value: Vec<Option<f64>>,
}

const TABLE_ROWS: usize = 3000;

impl Table {
    fn new() -> Self {
        let number = |i: usize, of: usize| (i * 7919 + i * i * 31) % of;
        let name = |i: usize| match number(i, 7) {
            0 => None,
            1 => Some(String::new()),
            2 => Some("a".repeat(number(i, 60))),
            3 => Some(format!("a name that many share, and then {:05}", number(i, 900))),
            4 => Some(format!("Ünïcode {}", number(i, 40))),
            _ => Some(format!("{}", 39_627_000_000_000_000u64 + number(i, 1009) as u64)),
        };
        let rows = 0..TABLE_ROWS;
        Self {
            name: rows.clone().map(name).collect(),
            grade: rows
                .clone()
                .map(|i| (number(i, 11) > 0).then(|| number(i, 5) as i64 - 2))
                .collect(),
            value: rows
                .map(|i| (number(i, 13) > 0).then(|| number(i, 501) as f64 - 250.0))
                .collect(),
        }
    }

    fn open(&self) -> (tempfile::TempDir, Catalog) {
        let folder = tempfile::tempdir().unwrap();
        let ids: Vec<String> = (0..TABLE_ROWS).map(|i| format!("row {i}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        // Two files, so that rows do not begin anew where the second does.
        for (part, rows) in [(0, 0..1000), (1, 1000..TABLE_ROWS)] {
            let columns: Vec<(&str, ArrayRef)> = vec![
                ("object_id", text(&ids[rows.clone()])),
                (
                    "name",
                    Arc::new(StringArray::from(self.name[rows.clone()].to_vec())),
                ),
                (
                    "grade",
                    Arc::new(Int64Array::from(self.grade[rows.clone()].to_vec())),
                ),
                ("value", Arc::new(Float64Array::from(self.value[rows].to_vec()))),
            ];
            write_columns(&folder.path().join(format!("{part}.parquet")), columns);
        }
        let catalog = Catalog::open_table(&[folder.path().display().to_string()]).unwrap();
        (folder, catalog)
    }

    /// Rows in the order of a key, with those that have none where they belong, and ties by row.
    fn by<K: Ord>(&self, key: impl Fn(usize) -> K) -> Vec<u64> {
        let mut rows: Vec<u64> = (0..TABLE_ROWS as u64).collect();
        rows.sort_by_key(|row| (key(*row as usize), *row));
        rows
    }
}

/// Behind all values, as SQL has it here.
fn nulls_last<T>(value: Option<T>) -> (bool, Option<T>) {
    (value.is_none(), value)
}

#[test]
fn sorts_are_those_of_the_same_keys_in_rust() {
    let table = Table::new();
    let (_folder, catalog) = table.open();
    let name = |i: usize| table.name[i].as_deref().map(str::as_bytes);
    let value = |i: usize| table.value[i].map(|value| value as i64);
    let grade = |i: usize| table.grade[i];
    let all = |order: &str| select(&catalog, "", order, None);
    assert_eq!(all("name"), table.by(|i| nulls_last(name(i))));
    assert_eq!(
        all("name DESC"),
        table.by(|i| (name(i).is_none(), std::cmp::Reverse(name(i))))
    );
    assert_eq!(all("name NULLS FIRST"), table.by(name));
    assert_eq!(
        all("grade DESC NULLS FIRST, value"),
        table.by(|i| (
            grade(i).is_some(),
            std::cmp::Reverse(grade(i)),
            nulls_last(value(i))
        ))
    );
    assert_eq!(
        all("grade, name DESC, value desc"),
        table.by(|i| (
            nulls_last(grade(i)),
            (name(i).is_none(), std::cmp::Reverse(name(i))),
            (value(i).is_none(), std::cmp::Reverse(value(i)))
        ))
    );
    assert_eq!(
        all("value * value, upper(name)"),
        table.by(|i| (
            nulls_last(value(i).map(|value| value * value)),
            nulls_last(
                table.name[i]
                    .as_ref()
                    .map(|name| name.to_uppercase().into_bytes())
            )
        ))
    );
    assert_eq!(all("row DESC"), (0..TABLE_ROWS as u64).rev().collect::<Vec<_>>());
    assert_eq!(
        all("1"),
        (0..TABLE_ROWS as u64).collect::<Vec<_>>(),
        "nothing to sort by"
    );
}

#[test]
fn a_filter_and_a_limit_take_from_the_same_order() {
    let table = Table::new();
    let (_folder, catalog) = table.open();
    for order in [
        "name",
        "grade",
        "grade DESC, name",
        "value DESC NULLS FIRST, grade",
    ] {
        let all = select(&catalog, "", order, None);
        for limit in [0, 1, 7, 600, 2999, 5000] {
            let first = &all[..all.len().min(limit)];
            assert_eq!(
                select(&catalog, "", order, Some(limit as u64)),
                first,
                "{order} {limit}"
            );
        }
        let passing: Vec<u64> = all
            .iter()
            .copied()
            .filter(|row| table.grade[*row as usize].is_some_and(|grade| grade >= 0))
            .collect();
        assert_eq!(select(&catalog, "grade >= 0", order, None), passing, "{order}");
        assert_eq!(
            select(&catalog, "grade >= 0", order, Some(9)),
            passing[..9],
            "{order}"
        );
    }
    let passing = select(&catalog, "value < 0", "", None);
    assert_eq!(select(&catalog, "value < 0", "", Some(17)), passing[..17]);
    assert_eq!(select(&catalog, "value > 1e9", "name", None), Vec::<u64>::new());
}

#[test]
fn what_is_done_is_told_and_a_stop_is_heard() {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let (_folder, catalog) = Table::new().open();
    let query = query("grade IS NOT NULL", "name, value", None);
    let told = Mutex::new(Vec::new());
    let all = catalog.select_until(&query, &Stop::never(), &|share| told.lock().unwrap().push(share));
    assert!(all.unwrap().is_some());
    let told = told.into_inner().unwrap();
    assert!(
        told.len() > 3 && told.iter().all(|share| (0.0..=1.0).contains(share)),
        "{told:?}"
    );
    assert!(told.iter().copied().fold(0.0, f64::max) > 0.9, "{told:?}");
    // Wherever it is stopped, there is no list.
    let questions = Arc::new(AtomicUsize::new(0));
    for last in 0..12 {
        let (asked, left) = (questions.clone(), AtomicUsize::new(last));
        let stop = Stop::when(move || {
            asked.fetch_add(1, Ordering::Relaxed);
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                .is_err()
        });
        assert_eq!(
            catalog.select_until(&query, &stop, &|_| ()).unwrap(),
            None,
            "after {last}"
        );
    }
    assert!(questions.load(Ordering::Relaxed) > 12);
}

#[test]
fn an_expression_is_about_the_columns_alone() {
    let (_folder, catalog) = catalog();
    let error = |filter: &str, order_by: &str| {
        let error = catalog.select(&query(filter, order_by, None)).unwrap_err();
        assert!(matches!(error, CatalogError::BadExpression { .. }), "{error:?}");
        error.to_string()
    };
    assert!(error("z > (SELECT avg(z) FROM catalog)", "").contains("there is no table"));
    assert!(error("z > avg(z)", "").contains("avg"));
    assert!(error("z < 1 AS small", "").contains("small"));
    assert!(error("", "z, nothing").contains("no column `nothing`"));
    assert!(
        error("zwarn / (row - row) > 1", "")
            .to_lowercase()
            .contains("zero")
    );
    assert_eq!(
        select(
            &catalog,
            "abs(round(sin(ra))) >= 0 AND substr(object_id, 1, 3) = 'obj'",
            "",
            Some(2)
        ),
        [0, 1]
    );
}

#[test]
fn an_open_quote_is_told_in_words() {
    let (_folder, catalog) = catalog();
    for filter in ["object_id = 'obj", "object_id = \"obj"] {
        let error = catalog.select(&query(filter, "", None)).unwrap_err();
        let CatalogError::BadExpression { brief, at, .. } = &error else {
            panic!("{error:?}")
        };
        assert!(!brief.contains("Error") && !brief.contains('('), "{brief}");
        assert!(at.is_some(), "{brief}");
    }
}
