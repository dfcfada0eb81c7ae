//! How long a catalog takes to open, to give one spectrum by its id, to stream, to filter, and to be leafed through.
//!
//! `cargo bench --bench catalog`. The catalog is made anew in a temporary folder: `SPECTRIAGE_BENCH_ROWS` spectra (2048) of
//! `SPECTRIAGE_BENCH_PIXELS` pixels (7781, as DESI's), `SPECTRIAGE_BENCH_GROUP` rows in a row group (512). Afterwards the largest memory the process had is printed (Linux).

use std::fmt::Display;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use divan::Bencher;
use divan::counter::ItemsCount;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spectriage::catalog::{Catalog, CatalogWriter, Query, WriterOptions};
use spectriage::pipeline::CancelToken;
use spectriage::pipeline::browse::{Browser, Direction, Rows};
use spectriage::spectrum::{Facts, MaskKind, Spectrum, WavelengthGrid};

fn setting<T: FromStr + Display>(name: &str, default: T) -> T {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

static ROWS: LazyLock<u64> = LazyLock::new(|| setting("SPECTRIAGE_BENCH_ROWS", 2048));
static PIXELS: LazyLock<usize> = LazyLock::new(|| setting("SPECTRIAGE_BENCH_PIXELS", 7781));
static GROUP: LazyLock<usize> = LazyLock::new(|| setting("SPECTRIAGE_BENCH_GROUP", 512));
static FOLDER: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));

fn input() -> Vec<String> {
    vec![FOLDER.path().join("bench.parquet").display().to_string()]
}

fn id(i: u64) -> String {
    format!("{}", 39_627_000_000_000_000 + (i * 7_368_787) % 100_000_007)
}

/// Noise around a slope, like a spectrum to a compressor.
fn spectrum(i: u64, random: &mut ChaCha8Rng) -> Spectrum {
    let flux = (0..*PIXELS)
        .map(|k| 5.0 + k as f32 * 1e-3 + random.random_range(-1.0..1.0))
        .collect();
    let ivar = (0..*PIXELS)
        .map(|k| 2.0 + (k as f32 * 0.01).sin() + random.random_range(-0.05..0.05))
        .collect();
    Spectrum {
        facts: Facts {
            object_id: id(i).into(),
            targetid: id(i).parse().ok(),
            source: "SIMULATED".into(),
            ra: Some(random.random_range(0.0..360.0)),
            dec: Some(random.random_range(-30.0..85.0)),
            z: Some(random.random_range(0.0..1.0)),
            zwarn: Some(i64::from(i % 20 == 0)),
            spectype: Some("GALAXY".into()),
            sn: Some(random.random_range(0.5..20.0)),
            ..Default::default()
        },
        grid: Arc::new(WavelengthGrid::Linear {
            start: 3600.0,
            step: 0.8,
            n: *PIXELS,
        }),
        flux,
        ivar,
        mask: None,
        mask_kind: MaskKind::Desi,
        ivar_estimated: false,
    }
}

/// Resident memory now and at its largest, MB.
fn memory() -> Option<(f64, f64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let value = |key: &str| -> Option<f64> {
        let line = status.lines().find(|line| line.starts_with(key))?;
        Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
    };
    Some((value("VmRSS:")?, value("VmHWM:")?))
}

fn main() {
    // Made by a process of its own where asked to, so that the memory printed below is the reader's alone.
    if let Ok(path) = std::env::var("SPECTRIAGE_BENCH_MAKE") {
        make(std::path::Path::new(&path));
        return;
    }
    let file = FOLDER.path().join("bench.parquet");
    let made = std::process::Command::new(std::env::current_exe().expect("this program"))
        .env("SPECTRIAGE_BENCH_MAKE", &file)
        .status();
    assert!(made.expect("this program starts").success());
    first_look();
    divan::main();
    if let Some((_, most)) = memory() {
        println!("at most {most:.0} MB of memory over all benchmarks");
    }
    // A static is never dropped.
    let _ = std::fs::remove_dir_all(FOLDER.path());
}

fn make(path: &std::path::Path) {
    let start = Instant::now();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let options = WriterOptions {
        row_group_rows: *GROUP,
        ..WriterOptions::default()
    };
    let mut writer = CatalogWriter::create(path, options).expect("a writer");
    for i in 0..*ROWS {
        writer.write(&spectrum(i, &mut random)).expect("written");
    }
    let summary = writer.finish().expect("finished");
    println!(
        "{} spectra of {} pixels: {:.1} MB, written in {:.1} s with at most {:.0} MB of memory",
        summary.rows,
        *PIXELS,
        summary.bytes as f64 / 1e6,
        start.elapsed().as_secs_f64(),
        memory().map_or(0.0, |(_, most)| most)
    );
}

/// Rows on a tall screen.
const PAGE: u64 = 60;

/// One spectrum by its id, and the first screen, as a new process sees them.
fn first_look() {
    let (before, _) = memory().unwrap_or_default();
    let start = Instant::now();
    let catalog = Catalog::open(&input()).expect("opened");
    let opened = start.elapsed();
    let rows = catalog.find(&id(*ROWS * 2 / 3)).expect("searched");
    let found = start.elapsed();
    let spectrum = catalog.read(rows[0]).expect("read").expect("a sound row");
    let read = start.elapsed();
    assert_eq!(spectrum.facts.object_id, id(*ROWS * 2 / 3));
    let (after, _) = memory().unwrap_or_default();
    drop((catalog, spectrum));
    let start = Instant::now();
    let browser = Browser::open(&input()).expect("opened");
    let columns = browser.default_columns();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let page: Vec<u64> = (0..PAGE.min(*ROWS)).collect();
    browser.page(&page, &columns).expect("a page");
    let first_page = start.elapsed();
    browser.sparks(&page, 40).expect("sparks");
    println!(
        "first screen: a page of {} rows after {:.2} ms, their small spectra after {:.2} ms",
        page.len(),
        first_page.as_secs_f64() * 1e3,
        start.elapsed().as_secs_f64() * 1e3
    );
    println!(
        "first look: opened after {:.2} ms, found after {:.2} ms, read after {:.2} ms, {:.1} MB more memory",
        opened.as_secs_f64() * 1e3,
        found.as_secs_f64() * 1e3,
        read.as_secs_f64() * 1e3,
        after - before
    );
}

#[divan::bench]
fn open() -> u64 {
    Catalog::open(&input()).expect("opened").len()
}

#[divan::bench]
fn one_row_by_id(bencher: Bencher) {
    let catalog = Catalog::open(&input()).expect("opened");
    let mut random = ChaCha8Rng::seed_from_u64(2);
    bencher
        .with_inputs(|| id(random.random_range(0..*ROWS)))
        .bench_local_refs(|id| {
            let rows = catalog.find(id).expect("searched");
            catalog.read(rows[0]).expect("read").expect("a sound row")
        });
}

#[divan::bench]
fn one_row_by_number(bencher: Bencher) {
    let catalog = Catalog::open(&input()).expect("opened");
    let mut random = ChaCha8Rng::seed_from_u64(3);
    bencher
        .with_inputs(|| random.random_range(0..*ROWS))
        .bench_local_refs(|row| catalog.read(*row).expect("read").expect("a sound row"));
}

#[divan::bench(sample_count = 5)]
fn stream_512_in_order(bencher: Bencher) {
    let catalog = Catalog::open(&input()).expect("opened");
    let rows: Vec<u64> = (0..512.min(*ROWS)).collect();
    bencher.counter(ItemsCount::new(rows.len())).bench_local(|| {
        catalog
            .spectra(&rows)
            .filter(|row| matches!(row, Ok(Ok(_))))
            .count()
    });
}

#[divan::bench(sample_count = 5)]
fn stream_512_shuffled(bencher: Bencher) {
    let catalog = Catalog::open(&input()).expect("opened");
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let rows: Vec<u64> = (0..512.min(*ROWS))
        .map(|_| random.random_range(0..*ROWS))
        .collect();
    bencher.counter(ItemsCount::new(rows.len())).bench_local(|| {
        catalog
            .spectra(&rows)
            .filter(|row| matches!(row, Ok(Ok(_))))
            .count()
    });
}

#[divan::bench(sample_count = 20)]
fn filter_and_sort(bencher: Bencher) {
    let catalog = Catalog::open(&input()).expect("opened");
    let query = Query {
        filter: Some("z < 0.5 AND zwarn = 0 AND spectype = 'GALAXY'".into()),
        order_by: Some("sn DESC".into()),
        limit: None,
    };
    bencher.bench_local(|| catalog.select(&query).expect("selected").len());
}

fn browser() -> Browser {
    Browser::open(&input()).expect("opened")
}

fn query(filter: &str, order_by: &str) -> Query {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Query {
        filter: given(filter),
        order_by: given(order_by),
        limit: None,
    }
}

/// A page of a screen, anywhere in the list.
fn pages_of(bencher: Bencher, rows: impl Fn(&Browser) -> Rows, sparks: bool) {
    let browser = browser();
    let rows = rows(&browser);
    let columns = browser.default_columns();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut random = ChaCha8Rng::seed_from_u64(5);
    bencher
        .with_inputs(|| rows.slice(random.random_range(0..rows.len()), PAGE as usize))
        .bench_local_refs(|page| match sparks {
            true => browser.sparks(page, 40).expect("sparks").len(),
            false => browser.page(page, &columns).expect("a page").len(),
        });
}

#[divan::bench]
fn page_anywhere(bencher: Bencher) {
    pages_of(bencher, |browser| Rows::All(browser.len()), false);
}

#[divan::bench]
fn page_anywhere_of_a_sorted_list(bencher: Bencher) {
    let sorted = |browser: &Browser| {
        let rows = browser.select(&query("", "sn DESC"), &CancelToken::default());
        rows.expect("sorted").expect("not cancelled")
    };
    pages_of(bencher, sorted, false);
}

#[divan::bench]
fn sparks_anywhere(bencher: Bencher) {
    pages_of(bencher, |browser| Rows::All(browser.len()), true);
}

#[divan::bench(sample_count = 5)]
fn filter_alone(bencher: Bencher) {
    let browser = browser();
    let query = query("z < 0.5 AND zwarn = 0 AND spectype = 'GALAXY'", "");
    bencher.bench_local(|| browser.select(&query, &CancelToken::default()).expect("selected"));
}

#[divan::bench(sample_count = 5)]
fn sort_all(bencher: Bencher) {
    let browser = browser();
    bencher.bench_local(|| {
        let rows = browser.select(&query("", "sn DESC"), &CancelToken::default());
        rows.expect("sorted")
    });
}

#[divan::bench(sample_count = 5, args = ["z", "spectype", "object_id"])]
fn statistics(bencher: Bencher, column: &str) {
    let browser = browser();
    let rows = Rows::All(browser.len());
    bencher.bench_local(|| {
        browser
            .statistics(column, &rows, &CancelToken::default())
            .expect("counted")
    });
}

#[divan::bench(sample_count = 5)]
fn search_in_vain(bencher: Bencher) {
    let browser = browser();
    let rows = Rows::All(browser.len());
    bencher.bench_local(|| {
        let found = browser.find_text("nobody", &rows, 0, Direction::Forward, &CancelToken::default());
        found.expect("searched")
    });
}

#[divan::bench(sample_count = 5)]
fn vocabulary(bencher: Bencher) {
    let browser = browser();
    bencher.bench_local(|| browser.vocabulary().expect("looked at"));
}
