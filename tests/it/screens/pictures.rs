//! What every screen looks like at three sizes, as text. `INSTA_UPDATE=always cargo test --release --test it pictures` writes the
//! pictures anew; look at the difference before it is committed.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::bench::{Bench, verdicts};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// As the tests of a package are run in its folder, no path of this machine comes into the pictures.
const SAMPLE: &str = "sample_data/sample.parquet";

fn bench(folder: &Path, size: (u16, u16)) -> Bench {
    Bench::with(SAMPLE, folder, size).ranked(verdicts(SAMPLE, 40))
}

#[track_caller]
fn picture(name: &str, bench: &Bench) {
    let (width, height) = bench.app.shell.size;
    insta::assert_snapshot!(format!("{name}_{width}x{height}"), bench.frame());
}

#[test]
fn catalog() {
    let folder = tempfile::tempdir().unwrap();
    for size in SIZES {
        let mut bench = bench(folder.path(), size);
        bench.press("j j space j");
        picture("catalog", &bench);
    }
}

#[test]
fn train() {
    // The form shows where files go; nothing is written here.
    let folder = Path::new("target/pictures-of-training");
    for size in SIZES {
        let mut bench = bench(folder, size);
        bench.press("2 j j");
        picture("train", &bench);
    }
}

#[test]
fn anomalies() {
    for size in SIZES {
        let folder = tempfile::tempdir().unwrap();
        let mut bench = bench(folder.path(), size);
        bench.press("3 e j space v 3 k d d");
        // What was said has been read.
        bench.app.shell.shown_ticks = 0;
        picture("anomalies", &bench);
    }
}

#[test]
fn a_closer_look() {
    let folder = tempfile::tempdir().unwrap();
    for size in SIZES {
        let mut bench = bench(folder.path(), size);
        bench.press("3 ] x z");
        bench.app.shell.shown_ticks = 0;
        picture("closer", &bench);
    }
}

#[test]
fn files() {
    // A relative folder, for its path is shown.
    let folder = Path::new("target/pictures-of-files");
    let _ = fs::remove_dir_all(folder);
    let (images, metadata) = (folder.join("output_images"), folder.join("metadata"));
    fs::create_dir_all(&images).unwrap();
    fs::create_dir_all(&metadata).unwrap();
    let write = |path: &Path, bytes: &[u8], age: u64| {
        fs::write(path, bytes).unwrap();
        let when = SystemTime::now() - Duration::from_secs(age);
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(when)
            .unwrap();
    };
    let mut ranking = "rank,object_id,score\n".to_owned();
    for rank in 1..=100 {
        ranking += &format!("{rank},sim-{:05},{:.3}\n", rank * 37 % 101, 9.0 / f64::from(rank));
    }
    write(&metadata.join("ranking_1.csv"), ranking.as_bytes(), 10);
    write(
        &metadata.join("anomaly_metadata_1.json"),
        b"{\n  \"objects\": []\n}\n",
        20,
    );
    write(&images.join("anomaly_1_01.svg"), b"<svg/>", 30);
    for size in SIZES {
        let mut bench = bench(folder, size);
        bench.press("4");
        picture("files", &bench);
    }
}

#[test]
fn what_covers_the_screens() {
    let folder = tempfile::tempdir().unwrap();
    for size in SIZES {
        let mut bench = bench(folder.path(), size);
        bench.press("?");
        picture("help", &bench);
        bench.press("esc : s e t space l");
        picture("prompt", &bench);
        bench.press("esc 3 g");
        picture("sequence", &bench);
    }
    let mut bench = bench(folder.path(), (120, 40));
    bench.app.welcome = true;
    picture("welcome", &bench);
    bench.app.welcome = false;
    bench.press("3 p");
    picture("parameters", &bench);
}

#[test]
fn too_small_a_terminal() {
    let mut bench = Bench::alone();
    bench.resize((40, 10));
    picture("small", &bench);
}
