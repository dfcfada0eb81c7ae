//! Leafing through a catalog: pages, sorts and filters, searches, statistics, and what is exported.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use spectriage::catalog::{Catalog, CatalogWriter, ExtraColumn, ExtraKind, ExtraValue, Query, WriterOptions};
use spectriage::pipeline::browse::{
    Browser, Cell, ColumnKind, Direction, ExportFormat, ExportRequest, QueryFault, Rows, Value,
};
use spectriage::pipeline::{CancelToken, PipelineError, Silent};
use spectriage::spectrum::{Facts, MaskKind, Spectrum, WavelengthGrid};

const ROWS: u64 = 300;

fn spectrum(i: u64) -> Spectrum {
    let n = 60;
    Spectrum {
        facts: Facts {
            object_id: format!("Obj-{i:04}").into(),
            targetid: Some(1000 + i as i64),
            source: "TEST".into(),
            ra: Some(i as f64),
            dec: Some(10.0),
            z: (i % 10 != 0).then_some(0.001 * i as f64),
            zwarn: Some(if i % 4 == 0 { 4 } else { 0 }),
            spectype: Some(if i % 3 == 0 { "QSO" } else { "GALAXY" }.into()),
            sn: Some((i % 7) as f32),
            ..Default::default()
        },
        grid: Arc::new(WavelengthGrid::Linear {
            start: 4000.0,
            step: 2.0,
            n,
        }),
        flux: (0..n).map(|k| k as f32 + i as f32).collect(),
        // One row in fifty was never measured.
        ivar: vec![if i % 50 == 49 { 0.0 } else { 1.0 }; n],
        mask: None,
        mask_kind: MaskKind::Plain,
        ivar_estimated: false,
    }
}

/// A catalog of several row groups with two columns of its own.
fn written(folder: &Path) -> Vec<String> {
    let path = folder.join("catalog.parquet");
    let column = |name: &str, kind| ExtraColumn {
        name: name.into(),
        kind,
        unit: "km/s".into(),
        description: "a further column".into(),
    };
    let options = WriterOptions {
        row_group_rows: 64,
        extra: vec![
            column("width", ExtraKind::Float),
            column("remark", ExtraKind::Text),
        ],
        acknowledgement: Some("Thank you.".into()),
        ..Default::default()
    };
    let mut writer = CatalogWriter::create(&path, options).unwrap();
    for i in 0..ROWS {
        let remark = match i % 2 {
            0 => ExtraValue::Text(format!("even, \"{i}\"")),
            _ => ExtraValue::Null,
        };
        let extra = [ExtraValue::Float(0.1 + i as f64), remark];
        writer.write_with(&spectrum(i), &extra).unwrap();
    }
    writer.finish().unwrap();
    vec![path.to_str().unwrap().to_owned()]
}

fn browser() -> (tempfile::TempDir, Browser) {
    let folder = tempfile::tempdir().unwrap();
    let browser = Browser::open(&written(folder.path())).unwrap();
    (folder, browser)
}

fn query(filter: &str, order_by: &str) -> Query {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Query {
        filter: given(filter),
        order_by: given(order_by),
        limit: None,
    }
}

fn select(browser: &Browser, filter: &str, order_by: &str) -> Rows {
    browser
        .select(&query(filter, order_by), &CancelToken::default())
        .unwrap()
        .unwrap()
}

fn texts(page: &[Vec<Cell>]) -> Vec<Vec<&str>> {
    page.iter()
        .map(|cells| cells.iter().map(|cell| cell.text.as_str()).collect())
        .collect()
}

#[test]
fn the_whole_catalog_needs_no_list_and_a_page_is_in_the_order_asked_for() {
    let (_folder, browser) = browser();
    assert_eq!(select(&browser, "", ""), Rows::All(ROWS));
    let page = browser
        .page(&[299, 0, 65], &["object_id", "z", "zwarn", "sn", "Width"])
        .unwrap();
    assert_eq!(
        texts(&page),
        [
            ["Obj-0299", "0.2990", "0", "5.0", "299.1"],
            ["Obj-0000", "-", "4", "0.0", "0.1000"],
            ["Obj-0065", "0.0650", "0", "2.0", "65.10"],
        ]
    );
    assert_eq!(page[1][1].value, Value::Null);
    assert_eq!(page[0][2].value, Value::Integer(0));
    assert_eq!(page[0][4].value, Value::Number(299.1));
    let columns = browser.columns();
    let kind = |name: &str| columns.iter().find(|c| c.name == name).map(|c| c.kind);
    assert_eq!(kind("z"), Some(ColumnKind::Number));
    assert_eq!(kind("spectype"), Some(ColumnKind::Text));
    assert_eq!(kind("ivar_estimated"), Some(ColumnKind::Boolean));
    assert_eq!(
        browser.default_columns()[..4],
        ["object_id", "z", "zwarn", "spectype"]
    );
    let sheet = browser.sheet(65).unwrap();
    let line = |name: &str| sheet.iter().find(|line| line.name == name).unwrap();
    assert_eq!(line("width").text, "65.1");
    assert_eq!(line("width").unit, "km/s");
    assert_eq!(line("remark").text, "-");
    assert_eq!(line("row").text, "65");
    let error = browser.page(&[0], &["spectyp"]).unwrap_err().to_string();
    assert!(error.contains("did you mean `spectype`"), "{error}");
    assert!(browser.page(&[ROWS], &["z"]).is_err());
}

#[test]
fn a_filter_and_a_sort_give_places_to_rows() {
    let (_folder, browser) = browser();
    let rows = select(&browser, "spectype = 'QSO' AND z IS NOT NULL", "z DESC");
    let expected: Vec<u64> = (0..ROWS).rev().filter(|i| i % 3 == 0 && i % 10 != 0).collect();
    assert_eq!(rows.slice(0, usize::MAX), expected);
    assert_eq!(rows.position_of(3), Some(expected.len() as u64 - 1));
    assert_eq!(rows.position_of(1), None);
    let cancelled = CancelToken::default();
    cancelled.cancel();
    assert_eq!(browser.select(&query("z > 0", ""), &cancelled).unwrap(), None);
}

#[test]
fn a_fault_is_one_line_with_its_place() {
    let (_folder, browser) = browser();
    let fault = |filter: &str, order_by: &str| {
        let error = browser.select(&query(filter, order_by), &CancelToken::default());
        QueryFault::of(&error.unwrap_err()).unwrap()
    };
    let unknown = fault("zwarn = 0 AND spectyp = 'QSO'", "");
    assert_eq!(unknown.text, "no column `spectyp`, did you mean `spectype`?");
    assert_eq!((unknown.clause, unknown.at), ("filter", Some(14)));
    let unended = fault("z <", "");
    assert_eq!(unended.at, Some(3), "{unended:?}");
    let second = fault("z < 1 ANDD zwarn = 0", "");
    assert_eq!(second.at, Some(6), "{second:?}");
    for fault in [unended, second, fault("z", ""), fault("", "nothing DESC")] {
        assert!(
            !fault.text.contains('\n') && !fault.text.contains("columns are"),
            "{fault:?}"
        );
        assert!(fault.text.len() < 160, "{fault:?}");
    }
    assert_eq!(fault("", "nothing DESC").at, Some(0));
}

#[test]
fn an_id_is_found_in_part_in_any_order_and_direction() {
    let (_folder, browser) = browser();
    let cancel = CancelToken::default();
    let find = |text: &str, rows: &Rows, from, direction| {
        browser.find_text(text, rows, from, direction, &cancel).unwrap()
    };
    use Direction::{Backward, Forward};
    let all = Rows::All(ROWS);
    assert_eq!(find("obj-02", &all, 0, Forward), Some(200));
    assert_eq!(find("15", &all, 16, Forward), Some(115));
    assert_eq!(find("15", &all, 116, Backward), Some(115));
    assert_eq!(find("15", &all, 114, Backward), Some(15));
    assert_eq!(find("0007", &all, 8, Forward), Some(7), "from the top again");
    assert_eq!(find("0299", &all, 5, Backward), Some(299), "from the end again");
    assert_eq!(find("nobody", &all, 5, Forward), None);
    let sorted = select(&browser, "", "ra DESC");
    let found = find("0007", &sorted, 0, Forward).unwrap();
    assert_eq!(sorted.get(found), Some(7));
    let filtered = select(&browser, "zwarn = 4", "");
    assert_eq!(
        find("0007", &filtered, 0, Forward),
        None,
        "a row that is filtered out"
    );
    let twelve = find("0012", &filtered, 70, Backward).unwrap();
    assert_eq!(filtered.get(twelve), Some(12));
    assert_eq!(browser.find("Obj-0123").unwrap(), [123]);
    assert_eq!(browser.find("1123").unwrap(), [123], "by target id");
}

#[test]
fn statistics_agree_with_the_values_and_follow_the_filter() {
    let (_folder, browser) = browser();
    let cancel = CancelToken::default();
    let of = |column: &str, rows: &Rows| browser.statistics(column, rows, &cancel).unwrap().unwrap();
    let all = of("Z", &Rows::All(ROWS));
    assert_eq!(
        (all.rows, all.count, all.nulls, all.distinct),
        (300, 270, 30, Some(270))
    );
    let numbers = all.numbers.unwrap();
    assert!(
        (numbers.mean - 0.150).abs() < 1e-12 && numbers.max == 0.299,
        "{numbers:?}"
    );
    let counted = numbers.histogram.counts.iter().sum::<u64>();
    assert_eq!(counted + numbers.histogram.below + numbers.histogram.above, 270);
    let types = of("spectype", &select(&browser, "zwarn = 4", ""));
    let top: Vec<(String, u64)> = types.top.iter().map(|t| (t.value.in_full(), t.count)).collect();
    assert_eq!(top, [("GALAXY".to_owned(), 50), ("QSO".to_owned(), 25)]);
    let warnings = of("zwarn", &Rows::All(ROWS));
    assert_eq!(warnings.top[0].value, Value::Integer(0));
    assert_eq!(warnings.top[0].count, 225);
    let few = of("z", &Rows::Listed(Arc::from([1u64, 2])));
    assert_eq!((few.rows, few.numbers.unwrap().mean), (2, 0.0015));
    let ids = of("object_id", &Rows::All(ROWS));
    assert_eq!(ids.texts, Some(("Obj-0000".into(), "Obj-0299".into())));
    assert!(ids.top.is_empty(), "no id is frequent");
    assert!(browser.statistics("zz", &Rows::All(ROWS), &cancel).is_err());
    cancel.cancel();
    assert_eq!(browser.statistics("z", &Rows::All(ROWS), &cancel).unwrap(), None);
}

#[test]
fn sparks_rise_with_the_flux_and_a_bad_row_says_why() {
    let (_folder, browser) = browser();
    let sparks = browser.sparks(&[10, 49], 20).unwrap();
    let rising = sparks[0].as_ref().unwrap();
    assert_eq!((rising.len(), rising[0], rising[19]), (20, 0.0, 1.0));
    assert!(rising.is_sorted(), "{rising:?}");
    let issue = sparks[1].as_ref().unwrap_err();
    assert_eq!(
        (issue.object_id.as_str(), issue.column.as_str()),
        ("Obj-0049", "ivar")
    );
    assert!(browser.has_spectra());
}

#[test]
fn completion_knows_the_values_of_this_catalog() {
    let (_folder, browser) = browser();
    let vocabulary = browser.vocabulary().unwrap();
    let offered = |line: &str| -> Vec<String> {
        vocabulary
            .complete(line, line.len())
            .into_iter()
            .map(|c| c.text)
            .collect()
    };
    assert_eq!(offered("spectype = 'q"), ["'QSO'"]);
    assert_eq!(offered("wid"), ["width"]);
    assert!(offered("remark = '").is_empty(), "too many values to list");
}

#[test]
fn an_exported_catalog_opens_again_with_all_its_columns() {
    let (folder, browser) = browser();
    let path = folder.path().join("out.parquet");
    let request = |force| ExportRequest {
        path: path.clone(),
        format: ExportFormat::Parquet,
        what: "ra > 240".into(),
        force,
    };
    let rows = select(&browser, "ra > 240", "ra DESC");
    let export = |force| browser.export(&rows, &request(force), &mut Silent, &CancelToken::default());
    let summary = export(false).unwrap();
    // 249 and 299 were never measured.
    assert_eq!((summary.rows, summary.skipped), (57, 2));
    assert_eq!(summary.issues[0].object_id, "Obj-0299");
    assert_eq!(summary.bytes, std::fs::metadata(&path).unwrap().len());
    let again = Browser::open(&[path.to_str().unwrap().to_owned()]).unwrap();
    let columns = ["object_id", "z", "width", "remark", "targetid"];
    assert_eq!(
        again.page(&[0, 56], &columns).unwrap(),
        browser.page(&[298, 241], &columns).unwrap()
    );
    assert_eq!(again.columns(), browser.columns());
    let there = again.catalog().read(0).unwrap().unwrap();
    assert_eq!(there, browser.catalog().read(298).unwrap().unwrap());
    assert_eq!(again.catalog().acknowledgements(), ["Thank you."]);
    let provenance = again.catalog().provenance()[0].clone().unwrap();
    assert_eq!(provenance["exported"], "ra > 240");
    assert!(matches!(export(false), Err(PipelineError::OutputExists { .. })));
    assert_eq!(export(true).unwrap().rows, 57);
    let onto_itself = ExportRequest {
        path: browser.files()[0].path.clone(),
        ..request(true)
    };
    let refused = browser.export(&rows, &onto_itself, &mut Silent, &CancelToken::default());
    assert!(matches!(refused, Err(PipelineError::OutputIsInput { .. })));
}

#[test]
fn a_table_and_a_list_of_ids_are_written_in_the_order_of_the_rows() {
    let (folder, browser) = browser();
    let rows = Rows::Listed(Arc::from([5u64, 4, 299]));
    let export = |name: &str, cancel: &CancelToken| {
        let path = folder.path().join(name);
        let request = ExportRequest {
            format: ExportFormat::of(&path).unwrap(),
            path,
            what: String::new(),
            force: false,
        };
        browser.export(&rows, &request, &mut Silent, cancel).unwrap()
    };
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(export("ids.txt", &CancelToken::default()).rows, 3);
    assert_eq!(read("ids.txt"), "Obj-0005\nObj-0004\nObj-0299\n");
    export("table.csv", &CancelToken::default());
    let mut csv = csv::Reader::from_path(folder.path().join("table.csv")).unwrap();
    let headers = csv.headers().unwrap().clone();
    let place = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let records: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    assert_eq!(&records[1][place("remark")], "even, \"4\"");
    assert_eq!(&records[0][place("remark")], "");
    assert_eq!(&records[2][place("width")], "299.1");
    let cancel = CancelToken::default();
    cancel.cancel();
    assert!(export("cancelled.csv", &cancel).interrupted);
    assert!(!folder.path().join("cancelled.csv").exists());
}

/// A table of another writer: one row group of many pages, text and numbers with nulls, no page index.
fn large_group(path: &Path, rows: u64) {
    let id = |i: u64| format!("id-{}", i * 7919 % 1_000_003);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("ID", Arc::new(StringArray::from_iter_values((0..rows).map(id)))),
        (
            "Z",
            Arc::new(Float64Array::from_iter(
                (0..rows).map(|i| (i % 3 != 0).then_some(i as f64)),
            )),
        ),
        (
            "CLASS",
            Arc::new(StringArray::from_iter((0..rows).map(|i| {
                (i % 5 != 0).then_some(if i % 2 == 0 { "STAR" } else { "GALAXY" })
            }))),
        ),
        (
            "PIX",
            Arc::new(Int64Array::from_iter_values((0..rows).map(|i| -(i as i64)))),
        ),
        (
            "WIDE",
            Arc::new(UInt64Array::from_iter_values((0..rows).map(|i| u64::MAX - i))),
        ),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder()
        .set_data_page_row_count_limit(1000)
        .set_write_batch_size(100)
        .set_offset_index_disabled(true)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::Chunk)
        .build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn pages_in_the_middle_of_a_large_row_group_are_those_that_reading_it_through_gives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.parquet");
    large_group(&path, 40_000);
    let inputs = [path.to_str().unwrap().to_owned()];
    let catalog = Catalog::open_table(&inputs).unwrap();
    let columns = ["row", "object_id", "z", "spectype", "pix", "wide"];
    let whole = catalog.table(&columns, None).unwrap();
    let take = |rows: &[u64]| {
        let places = UInt64Array::from(rows.to_vec());
        arrow::compute::take_record_batch(&whole, &places).unwrap()
    };
    let page: Vec<u64> = (31_990..32_050).collect();
    let sides: Vec<u64> = vec![39_999, 0, 999, 1000, 1001, 17_000, 17_999, 18_000, 8_191];
    let scattered: Vec<u64> = (0..500).map(|i| i * 7_919 % 40_000).collect();
    for rows in [page, sides, scattered] {
        assert_eq!(catalog.table(&columns, Some(&rows)).unwrap(), take(&rows));
    }
    let browser = Browser::open(&inputs).unwrap();
    let cells = browser.page(&[20_000, 20_001], &["wide", "spectype"]).unwrap();
    assert_eq!(
        texts(&cells),
        [["18446744073709531615", "-"], ["18446744073709531614", "GALAXY"]]
    );
    assert!(!browser.has_spectra());
    assert!(browser.sparks(&[0], 10).is_err());
    let footer = browser.footer(0).unwrap();
    assert_eq!((footer.groups.len(), footer.groups[0].rows), (1, 40_000));
    assert!(!footer.page_index);
    let class = footer
        .columns
        .iter()
        .find(|column| column.path == "CLASS")
        .unwrap();
    assert_eq!(
        (class.nulls, class.codecs.as_slice()),
        (Some(8000), &["uncompressed".to_owned()][..])
    );
    assert_eq!(browser.footer(1), None);
}

fn command(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_spectriage"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SPECTRIAGE_"))
    {
        command.env_remove(name);
    }
    let output = command.current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_line_counts_and_exports_by_the_same_functions() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let run = |arguments: &[&str]| command(folder.path(), arguments);
    let stats = ["stats", "catalog.parquet", "zwarn", "--where", "spectype = 'QSO'"];
    let (code, json, errors) = run(&[&stats[..], &["--json"]].concat());
    assert_eq!(code, Some(0), "{errors}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["rows"], &json["column"]["name"]),
        (&100.into(), &"zwarn".into())
    );
    assert_eq!(json["top"][0], serde_json::json!({ "value": 0, "count": 75 }));
    let (_, text, _) = run(&stats);
    assert!(
        text.contains("100 rows, 100 with a value") && text.contains('█'),
        "{text}"
    );

    let export = [
        "export",
        "catalog.parquet",
        "out.csv",
        "--where",
        "z < 0.1",
        "--order-by",
        "z DESC",
    ];
    let (code, text, errors) = run(&export);
    assert_eq!(code, Some(0), "{errors}");
    assert!(text.starts_with("out.csv: 90 rows, "), "{text}");
    let csv = std::fs::read_to_string(folder.path().join("out.csv")).unwrap();
    assert!(csv.lines().nth(1).unwrap().contains("Obj-0099"), "{csv}");
    let (code, _, errors) = run(&export);
    assert_eq!(code, Some(1));
    assert!(errors.contains("out.csv is there already"), "{errors}");

    let (code, text, errors) = run(&[
        "export",
        "catalog.parquet",
        "two.parquet",
        "--id",
        "Obj-0007",
        "--id",
        "1049",
        "--quiet",
    ]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(text.starts_with("two.parquet: 1 row, 1 skipped"), "{text}");
    let (code, _, errors) = run(&["export", "catalog.parquet", "out.fits"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains(".parquet, .csv or .txt"), "{errors}");
    let (code, _, errors) = run(&["stats", "catalog.parquet", "zz"]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("no column `zz`"), "{errors}");
}
