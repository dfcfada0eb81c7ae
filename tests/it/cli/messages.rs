//! Help, usage and errors: the exit code, and words that name what is wrong and what to do.

use spectriage::pipeline::settings::TABLE;

use super::Desk;
use crate::common;

#[test]
fn help_names_every_setting_once_and_short_help_the_frequent_ones() {
    let desk = Desk::new();
    // Lines of help that define a flag begin with it.
    let defined = |help: &str, flag: &str| {
        let names = |line: &str| {
            let words = line.trim_start().split([' ', ',', '[', '=', '.']);
            words.take(3).any(|word| word == format!("--{flag}"))
        };
        help.lines()
            .filter(|line| line.trim_start().starts_with('-') && names(line))
            .count()
    };
    for command in [&[][..], &["train"], &["rank"], &["plot"], &["inspect"], &["info"]] {
        let long = desk.good(&[command, &["--help"]].concat());
        let short = desk.good(&[command, &["-h"]].concat());
        assert!(long.stderr.is_empty() && short.stderr.is_empty());
        for entry in TABLE {
            let flag = entry.flag();
            assert_eq!(
                defined(&long.stdout, &flag),
                1,
                "{command:?} --help has --{flag} once"
            );
            assert!(
                defined(&short.stdout, &flag) <= 1,
                "{command:?} -h has --{flag} at most once"
            );
        }
        for flag in ["json", "quiet", "verbose", "help", "config"] {
            assert_eq!(
                defined(&long.stdout, flag),
                1,
                "{command:?} --help has --{flag} once"
            );
        }
        assert!(
            short.stdout.lines().count() < 72,
            "{command:?} -h has {} lines",
            short.stdout.lines().count()
        );
        assert!(short.stdout.lines().count() < long.stdout.lines().count());
    }
    for command in ["import", "simulate", "completions", "man"] {
        assert!(desk.good(&[command, "--help"]).stdout.contains("Usage"));
    }
}

#[test]
fn a_limit_of_none_is_refused() {
    let desk = Desk::with_catalog(10);
    for command in [&["--no-tui"][..], &["train"], &["rank"]] {
        let ended = desk.run(&[command, &["catalog.parquet", "--limit", "0"]].concat());
        assert_ne!(ended.code, Some(0));
        assert!(
            ended.stderr.contains("limit") && ended.stderr.contains("at least 1"),
            "{ended:?}"
        );
    }
    assert!(!desk.path("metadata").exists());
}

#[test]
fn without_a_screen_the_program_points_to_the_headless_job() {
    let desk = Desk::with_catalog(10);
    let ended = desk.run(&["catalog.parquet"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(
        ended.stdout.is_empty() && ended.stderr.contains("--no-tui"),
        "{}",
        ended.stderr
    );
}

#[test]
fn wrong_usage_is_2_and_a_failed_job_is_1() {
    let desk = Desk::with_catalog(10);
    let wrong: [&[&str]; 9] = [
        &["--frobnicate"],
        &["train", "catalog.parquet", "--epochs", "many"],
        &["train", "catalog.parquet", "--epochs", "0"],
        &["train", "catalog.parquet", "--method", "guess"],
        &["train", "catalog.parquet", "--learning-rate", "nan"],
        &["import", "out.parquet"],
        &["inspect"],
        &["completions", "klingon"],
        &["import", "out.parquet", "x.fits", "--mantissa-bits", "99"],
    ];
    for arguments in wrong {
        let ended = desk.run(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(
            ended.stdout.is_empty() && !ended.stderr.is_empty(),
            "{arguments:?}"
        );
    }
    let failed: [&[&str]; 5] = [
        &["--no-tui", "nowhere.parquet"],
        &["info", "nowhere.parquet"],
        &["rank", "catalog.parquet"],
        &["inspect", "4711", "catalog.parquet"],
        &["import", "out.parquet", "nothing_here.fits"],
    ];
    for arguments in failed {
        let ended = desk.run(arguments);
        assert_eq!(ended.code, Some(1), "{arguments:?}: {}", ended.stderr);
        assert!(
            ended.stdout.is_empty() && ended.stderr.lines().last().unwrap().starts_with("spectriage: "),
            "{ended:?}"
        );
    }
    assert!(!desk.path("out.parquet").exists());
}

#[test]
fn errors_name_the_thing_and_the_way_out() {
    let desk = Desk::with_catalog(30);
    std::fs::write(desk.path("notes.parquet"), "these are notes, not a table").unwrap();
    std::fs::write(desk.path("occupied"), "a file where a folder is wanted").unwrap();
    common::write_catalog(&desk.path("empty.parquet"), &[]);
    let cases: [(&[&str], &[&str]); 10] = [
        (&["--no-tui", "empty.parquet"], &["no rows", "empty.parquet"]),
        (&["info", "nowhere.parquet"], &["nowhere.parquet"]),
        (&["info", "notes.parquet"], &["notes.parquet"]),
        (
            &["--no-tui", "catalog.parquet", "--where", "redshft < 1"],
            &["redshft", "z", "zwarn", "spectype", "object_id"],
        ),
        (
            &["--no-tui", "catalog.parquet", "--where", "z > 90"],
            &["z > 90", "30"],
        ),
        (
            &["rank", "catalog.parquet", "--metadata-dir", "absent"],
            &["absent", "spectriage train"],
        ),
        (&["plot", "catalog.parquet"], &["metadata", "ranking"]),
        (
            &["train", "catalog.parquet", "--metadata-dir", "occupied/below"],
            &["occupied"],
        ),
        (&["train", "catalog.parquet", "--resume"], &["spectriage train"]),
        (&["inspect", "4711", "catalog.parquet"], &["4711", "object_id"]),
    ];
    for (arguments, words) in cases {
        let ended = desk.run(arguments);
        assert_eq!(ended.code, Some(1), "{arguments:?}: {}", ended.stderr);
        let message = ended
            .stderr
            .lines()
            .filter(|line| !line.ends_with("spectra"))
            .collect::<Vec<_>>()
            .join("\n");
        for word in words {
            assert!(
                message.contains(word),
                "{arguments:?}: the message lacks `{word}`: {message}"
            );
        }
        assert!(
            !message.contains("panicked") && !message.contains("Os {"),
            "{arguments:?}: {message}"
        );
        assert!(
            message.matches("os error").count() <= 1,
            "{arguments:?} says it twice: {message}"
        );
    }
}

#[test]
fn a_device_that_is_not_in_the_build_is_named_with_the_ones_that_are() {
    let desk = Desk::with_catalog(30);
    for device in ["cuda", "vulkan"] {
        let available: Vec<_> = spectriage::model::DeviceKind::available()
            .into_iter()
            .map(spectriage::model::DeviceKind::name)
            .collect();
        if available.contains(&device) {
            continue;
        }
        let ended = desk.run(&["train", "catalog.parquet", "--device", device]);
        assert_eq!(ended.code, Some(1));
        assert!(
            ended.stderr.contains("flex") && ended.stderr.contains(&format!("--features {device}")),
            "{}",
            ended.stderr
        );
        assert!(!desk.path("metadata").exists());
    }
}

#[test]
fn completions_and_the_manual_are_there() {
    let desk = Desk::new();
    for (shell, sign) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef spectriage"),
        ("fish", "complete -c spectriage"),
    ] {
        let script = desk.good(&["completions", shell]).stdout;
        assert!(
            script.contains(sign) && script.contains("learning-rate") && script.contains("simulate"),
            "{shell}"
        );
    }
    let manual = desk.good(&["man"]).stdout;
    for part in [
        ".TH spectriage 1",
        ".SH NAME",
        ".SH SYNOPSIS",
        ".SH OPTIONS",
        "simulate",
        "learning\\-rate",
    ] {
        assert!(manual.contains(part), "the manual lacks {part}");
    }
}
