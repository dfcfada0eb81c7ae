//! What the screens cost: time from key to frame, bytes, start-up, memory. Run it on a machine with nothing else to do:
//!
//! ```text
//! cargo test --release --test it -- --ignored --nocapture figures_of_the_screens
//! ```
//!
//! `SPECTRIAGE_BENCH_CATALOG` names another catalog than the sample.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::program;
use super::terminal::{Kind, Terminal};

fn catalog() -> PathBuf {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/sample.parquet");
    std::env::var_os("SPECTRIAGE_BENCH_CATALOG").map_or(sample, PathBuf::from)
}

/// Of the trace: milliseconds from key to frame since a frame, and bytes of the same frames.
fn traced(path: &Path, from: usize) -> (Vec<f64>, Vec<f64>) {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .skip(1 + from)
        .filter_map(|line| {
            let mut fields = line.split(',').skip(1);
            let waited = fields.next()?.parse::<f64>().ok()?;
            Some((waited, fields.next()?.parse::<f64>().ok()?))
        })
        .unzip()
}

fn frames(path: &Path) -> usize {
    std::fs::read_to_string(path)
        .unwrap_or_default()
        .lines()
        .count()
        .saturating_sub(1)
}

fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values
        .get((last as f64 * share).round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}

/// Waits until nothing was written for a while.
fn settle(terminal: &Terminal) {
    let (mut before, mut since) = (terminal.bytes(), Instant::now());
    let begun = Instant::now();
    while since.elapsed() < Duration::from_millis(250) && begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(10));
        if terminal.bytes() != before {
            (before, since) = (terminal.bytes(), Instant::now());
        }
    }
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default()
}

/// All bytes that follow a key until the screen is at rest: the answer to the key, and the spectrum that comes after it.
fn bytes_of(terminal: &Terminal, key: &str, times: usize) -> Vec<f64> {
    (0..times)
        .map(|_| {
            let before = terminal.bytes();
            terminal.press(key);
            settle(terminal);
            (terminal.bytes() - before) as f64
        })
        .collect()
}

#[test]
#[ignore = "measures; for the benchmark page"]
fn figures_of_the_screens() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = catalog();
    let trace = folder.path().join("trace.csv");
    let arguments = [
        catalog.to_str().unwrap(),
        "--trace",
        trace.to_str().unwrap(),
        "--epochs",
        "400",
        "--patience",
        "0",
    ];
    println!("load before: {}", load().trim());
    let mut starts = Vec::new();
    for _ in 0..5 {
        let since = Instant::now();
        let mut terminal = Terminal::start(program(), &arguments, folder.path(), (120, 40));
        terminal.wait("a frame", |_| terminal.wrote(b"\x1b[?2026l"));
        let frame = since.elapsed();
        terminal.wait("the list", |screen| screen.has("rows |"));
        let list = since.elapsed();
        starts.push((frame, list));
        terminal.press("\r");
        settle(&terminal);
        println!(
            "start-up: first frame {:.0} ms, list {:.0} ms, resident {}",
            frame.as_secs_f64() * 1e3,
            list.as_secs_f64() * 1e3,
            terminal.status("VmRSS")
        );
        terminal.press("\x1b");
        settle(&terminal);
        terminal.press("q");
        terminal.ended(Duration::from_secs(20));
    }

    let mut terminal = Terminal::start(program(), &arguments, folder.path(), (120, 40));
    terminal.wait("the list", |screen| screen.has("rows |"));
    settle(&terminal);
    let tell = |what: &str, mut bytes: Vec<f64>, from: usize| {
        let (mut waits, _) = traced(&trace, from);
        println!(
            "{what:<28} bytes: median {:>6.0}, most {:>6.0}; key to frame: median {:>5.1} ms, 99 % {:>5.1} ms ({} keys)",
            quantile(&mut bytes, 0.5),
            quantile(&mut bytes, 1.0),
            quantile(&mut waits, 0.5),
            quantile(&mut waits, 0.99),
            waits.len()
        );
    };
    for (what, key, times) in [
        ("catalog: j", "j", 40),
        ("catalog: page down", "\x1b[6~", 10),
        ("spectrum: + (zoom in)", "+", 4),
        ("spectrum: l (pan)", "l", 8),
        ("spectrum: h (pan)", "h", 8),
        ("spectrum: } (next line)", "}", 8),
        ("another screen", "\t", 8),
    ] {
        let from = frames(&trace);
        let bytes = bytes_of(&terminal, key, times);
        tell(what, bytes, from);
    }
    println!("at rest, resident: {}", terminal.status("VmRSS"));
    let rest = terminal.bytes();
    std::thread::sleep(Duration::from_secs(5));
    println!("at rest: {} bytes in 5 s", terminal.bytes() - rest);

    // While both cores train.
    terminal.press("2");
    terminal.sees("epochs");
    terminal.press("s");
    terminal.wait("the training", |screen| screen.has("training "));
    for (what, screen, keys) in [
        ("training, catalog: j k", "1", ["j", "k"]),
        ("training, anomalies: j k", "3", ["j", "k"]),
        ("training, spectrum: + -", "1", ["+", "-"]),
        ("training, screens: tab", "1", ["\t", "\t"]),
    ] {
        terminal.press(screen);
        std::thread::sleep(Duration::from_secs(1));
        let from = frames(&trace);
        let before = terminal.bytes();
        for n in 0..100 {
            terminal.press(keys[n % 2]);
            std::thread::sleep(Duration::from_millis(90 + 7 * (n as u64 % 5)));
        }
        std::thread::sleep(Duration::from_secs(1));
        tell(what, vec![(terminal.bytes() - before) as f64 / 100.0], from);
    }
    println!(
        "training, resident: {}, most {}; load: {}",
        terminal.status("VmRSS"),
        terminal.status("VmHWM"),
        load().trim()
    );
    terminal.press("\x18");
    terminal.wait("its end", |screen| !screen.has("training "));
    terminal.press("q");
    terminal.ended(Duration::from_secs(30));
}

/// What a picture costs by protocol, and what five hundred of them leave behind:
///
/// ```text
/// cargo test --release --test it -- --ignored --nocapture figures_of_the_images
/// ```
#[test]
#[ignore = "measures; for the benchmark page"]
fn figures_of_the_images() {
    let catalog = catalog();
    let open = |kind, flags: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let arguments = [&[catalog.to_str().unwrap()], flags].concat();
        let terminal = Terminal::start_on(kind, program(), &arguments, folder.path(), (120, 40));
        terminal.wait("the list", |screen| screen.has("rows |"));
        terminal.press("\x1b");
        settle(&terminal);
        (folder, terminal)
    };
    println!("load before: {}", load().trim());
    let mut without = 0.0;
    let cases: [(&str, Kind, &[&str]); 9] = [
        ("none", Kind::Xterm, &["--graphics", "none"]),
        ("halfblocks", Kind::Xterm, &[]),
        ("kitty", Kind::Kitty, &[]),
        ("iterm2", Kind::WezTerm, &[]),
        ("sixel, 256 colors", Kind::Sixel, &[]),
        ("sixel, 64 colors", Kind::Sixel, &["--sixel-colors", "64"]),
        ("sixel, 16 colors", Kind::Sixel, &["--sixel-colors", "16"]),
        ("kitty, whole frame", Kind::Kitty, &["whole"]),
        ("sixel, whole frame", Kind::Sixel, &["whole"]),
    ];
    for (what, kind, flags) in cases {
        let whole = flags == ["whole"];
        let (_folder, terminal) = open(kind, if whole { &[] } else { flags });
        if whole {
            terminal.press("I");
            settle(&terminal);
        }
        let measure = |key: &str, times: usize| {
            let mut both: (Vec<f64>, Vec<f64>) = Default::default();
            for _ in 0..times {
                let (before, since) = (terminal.bytes(), Instant::now());
                terminal.press(key);
                let (mut seen, mut last) = (before, Duration::ZERO);
                while since.elapsed() < last + Duration::from_millis(400) {
                    std::thread::sleep(Duration::from_micros(200));
                    let now = terminal.bytes();
                    if now != seen {
                        (seen, last) = (now, since.elapsed());
                    }
                }
                both.0.push((seen - before) as f64);
                both.1.push(last.as_secs_f64() * 1e3);
            }
            both
        };
        let (mut bytes, mut times) = measure("j", 40);
        let (mut again, _) = measure("k", 20);
        let median = quantile(&mut bytes, 0.5);
        if what == "none" {
            without = median;
        }
        println!(
            "{what:<20} bytes a switch: median {:>7.0}, most {:>7.0}, the picture {:>7.0}, back {:>7.0}; key to last byte: median {:>5.1} ms, 99 % {:>5.1} ms",
            median,
            quantile(&mut bytes, 1.0),
            median - without,
            quantile(&mut again, 0.5) - without,
            quantile(&mut times, 0.5),
            quantile(&mut times, 0.99),
        );
    }
    for (what, kind) in [
        ("kitty", Kind::Kitty),
        ("sixel", Kind::Sixel),
        ("halfblocks", Kind::Xterm),
    ] {
        let (_folder, terminal) = open(kind, &[]);
        let mut resident = vec![terminal.status("VmRSS")];
        for n in 1..=500 {
            terminal.press("j");
            std::thread::sleep(Duration::from_millis(25));
            if n % 100 == 0 {
                settle(&terminal);
                resident.push(terminal.status("VmRSS"));
            }
        }
        println!(
            "{what}: resident after 0, 100, … 500 switches: {}",
            resident.join(", ")
        );
    }
}
