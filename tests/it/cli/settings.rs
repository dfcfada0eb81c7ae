//! Settings from flag, environment and file, and what is told of them.

use super::{Desk, Ended};

const SHOW: [&str; 2] = ["info", "--settings"];

#[test]
fn settings_show_where_they_come_from() {
    let desk = Desk::new();
    std::fs::write(
        desk.path("spectriage.toml"),
        "[training]\nepochs = 3\nbatch_size = 4\nseed = 5\n",
    )
    .unwrap();
    let mut command = desk.command(&[&SHOW[..], &["--seed", "8", "--json"]].concat());
    command
        .env("SPECTRIAGE_BATCH_SIZE", "6")
        .env("SPECTRIAGE_SEED", "7");
    let ended = Ended::of(&command.output().unwrap());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let shown: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let expected = [
        (
            "training.epochs",
            3,
            serde_json::json!({ "file": "spectriage.toml" }),
        ),
        (
            "training.batch_size",
            6,
            serde_json::json!({ "environment": "SPECTRIAGE_BATCH_SIZE" }),
        ),
        ("training.seed", 8, serde_json::json!({ "flag": "--seed" })),
    ];
    for (name, value, origin) in expected {
        assert_eq!(
            (&shown[name]["value"], &shown[name]["origin"]),
            (&value.into(), &origin),
            "{name}"
        );
    }
    assert_eq!(shown["training.folds"]["origin"], "default");
    let text = desk.good(&SHOW).stdout;
    assert!(text.contains("epochs = 3  # from spectriage.toml"), "{text}");
}

#[test]
fn shown_settings_are_a_settings_file() {
    let desk = Desk::new();
    let flags = [
        "--where",
        "spectype = 'GALAXY' AND z < 0.5",
        "--learning-rate",
        "1e-4",
        "--svg",
        "--widths",
        "3,9,27",
    ];
    let text = desk.good(&[&SHOW[..], &flags].concat()).stdout;
    let table: toml::Table = text.parse().expect("it is valid TOML as it is");
    assert_eq!(table["training"]["learning_rate"].as_float(), Some(1e-4));
    assert_eq!(table["output"]["svg"].as_bool(), Some(true));

    // Used as a file it gives the same settings.
    let values = |arguments: &[&str]| -> Vec<serde_json::Value> {
        let shown = desk.json(&[&SHOW[..], arguments, &["--json"]].concat());
        shown
            .as_object()
            .unwrap()
            .values()
            .map(|row| row["value"].clone())
            .collect()
    };
    std::fs::write(desk.path("mine.toml"), &text).unwrap();
    assert_eq!(values(&["--config", "mine.toml"]), values(&flags));
    // With every default written out, too.
    let all: String = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(setting) if setting.contains(" = ") && !setting.contains("(not set)") => {
                format!("{setting}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    assert!(all.contains("\nepochs = "), "{all}");
    std::fs::write(desk.path("all.toml"), &all).unwrap();
    assert_eq!(values(&["--config", "all.toml"]), values(&flags));
}

#[test]
fn a_setting_that_does_not_exist_is_refused_with_the_nearest_name() {
    let desk = Desk::new();
    std::fs::write(desk.path("wrong.toml"), "[training]\nepoch = 3\n").unwrap();
    let ended = desk.run(&[&SHOW[..], &["--config", "wrong.toml"]].concat());
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("wrong.toml") && ended.stderr.contains("`epochs`"),
        "{}",
        ended.stderr
    );
    let ended = desk.run(&[&SHOW[..], &["--config", "absent.toml"]].concat());
    assert!(
        ended.code == Some(2) && ended.stderr.contains("absent.toml"),
        "{ended:?}"
    );
    let ended = Ended::of(
        &desk
            .command(&SHOW)
            .env("SPECTRIAGE_EPOHCS", "3")
            .output()
            .unwrap(),
    );
    assert!(
        ended.code == Some(2)
            && ended.stderr.contains("SPECTRIAGE_EPOHCS")
            && ended.stderr.contains("epochs"),
        "{ended:?}"
    );
    let ended = desk.run(&["train", "--lerning-rate", "1"]);
    assert!(
        ended.code == Some(2) && ended.stderr.contains("--learning-rate"),
        "{ended:?}"
    );
}
