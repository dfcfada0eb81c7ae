use super::*;

fn resolve(
    file: &str,
    environment: &[(&str, &str)],
    flags: &[(&str, &str)],
) -> Result<Resolved, SettingsError> {
    let owned = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(a, b)| (a.to_string(), b.to_string()))
            .collect::<Vec<_>>()
    };
    Settings::resolve(
        Some(("spectriage.toml".into(), file.into())),
        owned(environment),
        &owned(flags),
    )
}

#[test]
fn the_table_names_every_field_and_nothing_else() {
    let value = serde_json::to_value(Settings::default()).unwrap();
    let mut fields: Vec<(String, String)> = value
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(group, keys)| {
            keys.as_object()
                .unwrap()
                .keys()
                .map(move |key| (group.clone(), key.clone()))
        })
        .collect();
    let mut named: Vec<_> = TABLE
        .iter()
        .map(|entry| (entry.group.to_string(), entry.key.to_string()))
        .collect();
    fields.sort();
    named.sort();
    assert_eq!(fields, named);
    let mut keys: Vec<_> = TABLE.iter().map(|entry| entry.key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(
        keys.len(),
        TABLE.len(),
        "a key is unique, because flags and variables have no groups"
    );
}

#[test]
fn the_page_of_settings_has_them_all() {
    let page = include_str!("../../../docs/settings.md");
    let defaults = Settings::default();
    let missing: Vec<String> = TABLE
        .iter()
        .map(|entry| {
            let default = match defaults.value(entry) {
                Value::Null => "none".to_string(),
                value => format!("`{value}`"),
            };
            let choices = match entry.kind {
                Kind::Choice(choices) => format!(" (`{}`)", choices.join("`, `")),
                _ => String::new(),
            };
            format!(
                "| `{}` | {default} | {}{choices} |",
                entry.key,
                entry.about.replace('|', "\\|")
            )
        })
        .filter(|row| !page.contains(row.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/settings.md lacks these rows:\n{}",
        missing.join("\n")
    );
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(
        rows,
        TABLE.len(),
        "docs/settings.md has rows of settings that are gone"
    );
}

#[test]
fn flag_over_environment_over_file_over_default() {
    let file = "[training]\nepochs = 3\nbatch_size = 4\nseed = 5\n";
    let resolved = resolve(
        file,
        &[("SPECTRIAGE_BATCH_SIZE", "6"), ("SPECTRIAGE_SEED", "7")],
        &[("seed", "8")],
    )
    .unwrap();
    let training = &resolved.settings.training;
    assert_eq!((training.epochs, training.batch_size, training.seed), (3, 6, 8));
    assert_eq!(training.folds, TrainingSettings::default().folds);
    assert_eq!(resolved.origins["seed"], Origin::Flag("--seed".into()));
    assert_eq!(
        resolved.origins["batch_size"],
        Origin::Environment("SPECTRIAGE_BATCH_SIZE".into())
    );
    assert_eq!(resolved.origins["folds"], Origin::Default);
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    let error = resolve("[training]\nepoch = 3\n", &[], &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("spectriage.toml") && error.contains("training.epoch") && error.contains("`epochs`"),
        "{error}"
    );
    let error = resolve("", &[("SPECTRIAGE_EPOCHS", "many")], &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("SPECTRIAGE_EPOCHS") && error.contains("many"),
        "{error}"
    );
    let error = resolve("", &[], &[("frame", "galactic")])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("--frame") && error.contains("rest, observed"),
        "{error}"
    );
    assert!(resolve("", &[("SPECTRIAGE_NONSENSE", "1")], &[]).is_err());
    assert!(
        resolve("", &[], &[("epochs", "0")])
            .unwrap_err()
            .to_string()
            .contains("epochs")
    );
}
