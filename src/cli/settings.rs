//! The flags of all settings, made from the one table, and the reading of the other layers.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::pipeline::settings::{Kind, Resolved, Settings, SettingsError, TABLE};

/// Values given as flags, and the file to read.
#[derive(Debug, Clone, Default)]
pub struct SettingFlags {
    flags: Vec<(String, String)>,
    config: Option<PathBuf>,
}

/// Shown by `-h`; `--help` shows all.
const OFTEN: &[&str] = &[
    "where",
    "order_by",
    "limit",
    "method",
    "epochs",
    "device",
    "seed",
    "sample_size",
    "images_dir",
    "metadata_dir",
];

const DEFAULT_FILE: &str = "spectriage.toml";

impl clap::Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        // Written out once: the flags are made for every subcommand, before anything else can begin.
        let defaults = serde_json::to_value(Settings::default()).unwrap_or_default();
        let command = command.arg(
            Arg::new("config")
                .long("config")
                .env("SPECTRIAGE_CONFIG")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help("Settings file [default: spectriage.toml, if there is one]")
                .help_heading("General"),
        );
        TABLE.iter().fold(command, |command, entry| {
            let default = match &defaults[entry.group][entry.key] {
                serde_json::Value::Null => String::new(),
                serde_json::Value::String(text) => format!(" [default: {text}]"),
                value => format!(" [default: {value}]"),
            };
            let argument = Arg::new(entry.key)
                .long(entry.flag())
                .help(format!("{}{default}", entry.about))
                .help_heading(heading(entry.group))
                .hide_short_help(!OFTEN.contains(&entry.key))
                .action(ArgAction::Set);
            command.arg(match entry.kind {
                Kind::Integer => argument.value_name("N"),
                Kind::Integers => argument.value_name("N,N,…"),
                Kind::Number => argument.value_name("X").allow_negative_numbers(true),
                Kind::Text if entry.group == "selection" => argument.value_name("SQL"),
                Kind::Text => argument.value_name("TEXT"),
                Kind::Path => argument.value_name("DIR"),
                Kind::Switch => argument
                    .value_name("BOOL")
                    .num_args(0..=1)
                    .require_equals(true)
                    .default_missing_value("true"),
                Kind::Choice(choices) => argument.value_parser(choices.to_vec()),
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let flags = TABLE
            .iter()
            .filter_map(|entry| {
                let value = matches.try_get_one::<String>(entry.key).ok().flatten()?;
                Some((entry.key.to_string(), value.clone()))
            })
            .collect();
        Ok(Self {
            flags,
            config: matches.get_one::<PathBuf>("config").cloned(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn heading(group: &str) -> &'static str {
    match group {
        "selection" => "Rows",
        "prepare" => "Preparation",
        "model" => "Model",
        "training" => "Training",
        "detect" | "window" | "significance" => "Detection",
        "cutouts" => "Sky images",
        "screens" => "Screens",
        _ => "Output",
    }
}

impl SettingFlags {
    /// Flags over environment over file over default.
    pub fn resolve(&self) -> Result<Resolved, SettingsError> {
        let path = self.config.clone().or_else(|| {
            let path = PathBuf::from(DEFAULT_FILE);
            path.is_file().then_some(path)
        });
        let file = match path {
            Some(path) => {
                let text = std::fs::read_to_string(&path).map_err(|error| SettingsError::File {
                    file: path.clone(),
                    what: error.to_string(),
                })?;
                Some((path, text))
            }
            None => None,
        };
        Settings::resolve(file, std::env::vars(), &self.flags)
    }
}
