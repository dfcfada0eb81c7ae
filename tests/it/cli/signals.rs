//! Ctrl-C, a killed process and a full disk, in the middle of the work.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use spectriage::model::checkpoint::Checkpoint;

use super::{Desk, Ended, QUICK, program};

/// A training of a few seconds.
const LONG: [&str; 8] = [
    "--epochs",
    "60",
    "--patience",
    "0",
    "--batch-size",
    "4",
    "--learning-rate",
    "1e-4",
];

fn arguments<'a>(desk: &Desk, first: &[&'a str]) -> Vec<&'a str> {
    assert!(desk.path("catalog.parquet").is_file());
    let rest = QUICK
        .chunks(2)
        .filter(|pair| pair[0] != "--epochs")
        .flatten()
        .copied();
    first
        .iter()
        .copied()
        .chain(["catalog.parquet"])
        .chain(rest)
        .chain(LONG)
        .collect()
}

fn start(desk: &Desk, first: &[&str]) -> Child {
    let mut command = Command::new(program());
    command.current_dir(desk.path(".")).args(arguments(desk, first));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn send(child: &Child, signal: &str) {
    let status = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Waits for the first checkpoint of the training.
fn wait_for_checkpoint(desk: &Desk, child: &mut Child) {
    let since = Instant::now();
    while !desk.path("metadata/checkpoint_1.bpk").exists() {
        assert!(
            since.elapsed() < Duration::from_secs(60),
            "no checkpoint after a minute"
        );
        assert!(
            child.try_wait().unwrap().is_none(),
            "the training ended before its first checkpoint was seen"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The second ranking of a desk is that of a run without a break.
#[track_caller]
fn is_as_if_never_interrupted(desk: &Desk) {
    let whole = Desk::with_catalog(40);
    assert_eq!(whole.run(&arguments(&whole, &["--no-tui"])).code, Some(0));
    let read = |desk: &Desk, name: &str| std::fs::read_to_string(desk.path(name)).unwrap();
    assert_eq!(
        read(desk, "metadata/ranking_2.csv"),
        read(&whole, "metadata/ranking_1.csv")
    );
}

#[test]
fn an_interrupted_training_ends_with_130_and_resume_completes_it() {
    let desk = Desk::with_catalog(40);
    for signal in ["-INT", "-TERM"] {
        let mut child = start(&desk, &["--no-tui"]);
        wait_for_checkpoint(&desk, &mut child);
        send(&child, signal);
        let ended = Ended::of(&child.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(130), "{signal}: {}", ended.stderr);
        assert!(
            ended.stdout.contains("interrupted; go on with --resume"),
            "{ended:?}"
        );
        assert!(!desk.path("metadata/ranking_1.csv").exists());
        assert!(
            !Checkpoint::load(&desk.path("metadata/checkpoint_1.bpk"))
                .unwrap()
                .is_complete()
        );
        if signal == "-INT" {
            std::fs::remove_dir_all(desk.path("metadata")).unwrap();
            std::fs::remove_dir_all(desk.path("output_images")).unwrap();
        }
    }
    let ended = desk.run(&arguments(&desk, &["--no-tui", "--resume"]));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(desk.path("metadata/ranking_2.csv").is_file());

    is_as_if_never_interrupted(&desk);
}

#[test]
fn a_killed_training_leaves_a_whole_checkpoint_or_none() {
    let desk = Desk::with_catalog(40);
    for delay in [0u64, 3, 11, 29, 53] {
        for folder in ["metadata", "output_images"] {
            let _ = std::fs::remove_dir_all(desk.path(folder));
        }
        let mut child = start(&desk, &["train"]);
        if delay > 0 {
            wait_for_checkpoint(&desk, &mut child);
        }
        std::thread::sleep(Duration::from_millis(delay));
        send(&child, "-KILL");
        child.wait().unwrap();
        let checkpoint = desk.path("metadata/checkpoint_1.bpk");
        if checkpoint.exists() {
            Checkpoint::load(&checkpoint).unwrap_or_else(|error| panic!("killed after {delay} ms: {error}"));
        } else {
            assert_eq!(delay, 0, "there was a checkpoint before the process was killed");
        }
    }
    // It serves to go on from, to the ranking of a run without a break; the number of the killed run stays out of use.
    let ended = desk.run(&arguments(&desk, &["--no-tui", "--resume"]));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        Checkpoint::load(&desk.path("metadata/checkpoint_2.bpk"))
            .unwrap()
            .is_complete()
    );
    is_as_if_never_interrupted(&desk);
}

#[test]
fn an_interrupted_simulation_leaves_nothing() {
    let desk = Desk::new();
    let mut child = Command::new(program())
        .current_dir(desk.path("."))
        .args(["simulate", "huge.parquet", "-n", "10000000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let since = Instant::now();
    while std::fs::read_dir(desk.path(".")).unwrap().next().is_none()
        && since.elapsed() < Duration::from_secs(30)
    {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(child.try_wait().unwrap().is_none());
    send(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let left: Vec<_> = std::fs::read_dir(desk.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A limit on the size of files stands in for a full disk: the write fails in the middle.
#[test]
fn a_checkpoint_that_cannot_be_written_is_an_error_and_no_half_file() {
    let desk = Desk::with_catalog(40);
    let words: Vec<String> = arguments(&desk, &["train"])
        .into_iter()
        .map(|word| format!("'{word}'"))
        .collect();
    let script = format!(
        "trap '' XFSZ; ulimit -f 20; exec '{}' {}",
        program().display(),
        words.join(" ")
    );
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(desk.path("."))
        .output()
        .unwrap();
    let ended = Ended::of(&output);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        [
            "checkpoint_1.bpk",
            "cannot be written",
            "--metadata-dir",
            "nothing of this training was kept"
        ]
        .iter()
        .all(|part| ended.stderr.contains(part)),
        "{}",
        ended.stderr
    );
    let left: Vec<_> = std::fs::read_dir(desk.path("metadata"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
