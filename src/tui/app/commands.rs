//! The command line: every row of the key table by its name, and what takes words.

use super::App;
use std::path::PathBuf;

use super::event::Effect;
use super::prompt::{Completion, Purpose};
use crate::pipeline::settings::TABLE as SETTINGS;
use crate::triage::{CLASSES, STANDARD_COMMENTS};
use crate::tui::keys::{ScreenId, table};
use crate::tui::labels::{self, Edit};
use crate::tui::spectrum::Act;

/// A command that takes words.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    pub name: &'static str,
    /// What it takes, as the help shows it.
    pub takes: &'static str,
    pub about: &'static str,
    run: fn(&mut App, &str) -> Result<Vec<Effect>, String>,
}

/// All commands that take words.
pub fn commands() -> &'static [Command] {
    &[
        Command {
            name: "filter",
            takes: "SQL",
            about: "filter the list; nothing for no filter",
            run: |app, words| app.list_line(&Purpose::Filter, words),
        },
        Command {
            name: "sort",
            takes: "COLUMN [DESC]",
            about: "sort the list",
            run: |app, words| app.list_line(&Purpose::Sort, words),
        },
        Command {
            name: "find",
            takes: "TEXT",
            about: "find an id",
            run: |app, words| app.list_line(&Purpose::Find, words),
        },
        Command {
            name: "goto",
            takes: "ROW or ID",
            about: "go to a row or id",
            run: |app, words| app.list_line(&Purpose::GoTo, words),
        },
        Command {
            name: "set",
            takes: "SETTING VALUE",
            about: "change a setting for this session",
            run: set,
        },
        Command {
            name: "export",
            takes: "FILE",
            about: "export the listed rows: .parquet, .csv or .txt",
            run: |app, words| app.on(ScreenId::Catalog, &Purpose::Export { marked: false }, words),
        },
        Command {
            name: "export-marked",
            takes: "FILE",
            about: "export the marked rows",
            run: |app, words| app.on(ScreenId::Catalog, &Purpose::Export { marked: true }, words),
        },
        Command {
            name: "statistics",
            takes: "COLUMN",
            about: "statistics and histogram of a column",
            run: |app, words| app.on(ScreenId::Catalog, &Purpose::Statistics, words),
        },
        Command {
            name: "redshift",
            takes: "Z or LINE",
            about: "redshift of the pane, or the one that puts a line at the crosshair; nothing for the catalog's",
            run: |app, words| app.entered_line(&Purpose::Redshift, words),
        },
        Command {
            name: "z",
            takes: "Z or LINE",
            about: "the same",
            run: |app, words| app.entered_line(&Purpose::Redshift, words),
        },
        Command {
            name: "view",
            takes: "FROM TO",
            about: "zoom to a stretch of wavelengths, Angstrom vacuum in the frame that is shown",
            run: |app, words| {
                app.pane.typed_range(words).map_err(|error| error.to_string())?;
                Ok(Vec::new())
            },
        },
        Command {
            name: "import-labels",
            takes: "FILE",
            about: "take in labels: a journal, prospect's CSV, Marz's .mz",
            run: |app, words| app.exchange(words, false),
        },
        Command {
            name: "export-labels",
            takes: "FILE",
            about: "write your labels: .mz for Marz, else as prospect's CSV",
            run: |app, words| app.exchange(words, true),
        },
        Command {
            name: "quality",
            takes: "0-4",
            about: "label the quality",
            run: |app, words| {
                let quality = words.parse().ok().filter(|quality| *quality <= 4);
                let quality = quality.ok_or("a quality is a number from 0 to 4")?;
                Ok(app.edit_label(Edit::Quality(quality)))
            },
        },
        Command {
            name: "class",
            takes: "CLASS",
            about: "label the class",
            run: |app, words| Ok(app.edit_label(Edit::Class(words.into()))),
        },
        Command {
            name: "comment",
            takes: "TEXT",
            about: "label with a comment",
            run: |app, words| Ok(app.edit_label(Edit::Comment(words.into()))),
        },
        Command {
            name: "theme",
            takes: "dark | light | ascii | braille",
            about: "colors and characters",
            run: theme,
        },
    ]
}

/// What a line asks for: a command and its words, or the name of a row of the key table.
pub fn read(line: &str) -> (&str, &str) {
    let line = line.trim();
    line.split_once(char::is_whitespace)
        .map_or((line, ""), |(name, words)| (name, words.trim()))
}

impl App {
    /// Runs a line of the command line.
    ///
    /// Errors: no such command (with the nearest), or what the command says.
    pub(super) fn command(&mut self, line: &str) -> Result<Vec<Effect>, String> {
        let (name, words) = read(line);
        if name.is_empty() {
            return Ok(Vec::new());
        }
        if let Ok(row) = name.parse::<u64>() {
            return self.list_line(&Purpose::GoTo, &row.to_string());
        }
        let name = if name == "q" { "quit" } else { name };
        let command = commands().iter().find(|command| command.name == name);
        match (command, table::named(name)) {
            // Alone, it opens its line.
            (Some(command), Some(row)) if words.is_empty() && command.name == row.name => {
                Ok(self.act(row.action, None))
            }
            (Some(command), _) => (command.run)(self, words),
            (None, Some(row)) => {
                let count = match words {
                    "" => None,
                    words => Some(
                        words
                            .parse()
                            .map_err(|_| format!("`{words}` is no count for {name}"))?,
                    ),
                };
                Ok(self.act(row.action, count))
            }
            (None, None) => {
                let names = commands().iter().map(|command| command.name);
                let near = names
                    .chain(table::TABLE.iter().map(|row| row.name))
                    .map(|other| (strsim::jaro_winkler(other, name), other))
                    .max_by(|a, b| a.0.total_cmp(&b.0))
                    .filter(|(likeness, _)| *likeness > 0.75)
                    .map_or_else(String::new, |(_, other)| format!("; did you mean `{other}`?"));
                Err(format!("there is no command `{name}`{near}"))
            }
        }
    }

    /// A line for the list of the screen in front; the train screen has none.
    fn list_line(&mut self, purpose: &Purpose, words: &str) -> Result<Vec<Effect>, String> {
        let (screen, shell) = self.front_mut();
        screen.entered(purpose, words, shell)
    }

    fn entered_line(&mut self, purpose: &Purpose, words: &str) -> Result<Vec<Effect>, String> {
        if words.is_empty() {
            self.pane.act(Act::RedshiftReset, 1);
            return Ok(Vec::new());
        }
        self.entered(purpose, words)
    }

    /// Labels from or to a file.
    fn exchange(&mut self, words: &str, out: bool) -> Result<Vec<Effect>, String> {
        if words.is_empty() {
            return Err("name the file".into());
        }
        let path = PathBuf::from(words);
        let metadata_dir = self.shell.settings.output.metadata_dir.clone();
        let inputs = self.shell.inputs.clone();
        Ok(vec![Effect::Labels(labels::Request::Exchange {
            path,
            out,
            inputs,
            metadata_dir,
        })])
    }

    fn on(&mut self, screen: ScreenId, purpose: &Purpose, words: &str) -> Result<Vec<Effect>, String> {
        let (screen, shell) = self.screen_mut(screen);
        screen.entered(purpose, words, shell)
    }
}

fn set(app: &mut App, words: &str) -> Result<Vec<Effect>, String> {
    let (key, value) = read(words);
    let key = key.replace('-', "_");
    app.shell
        .settings
        .set(&key, value)
        .map_err(|error| error.to_string())?;
    app.shell.note(format!("{key} = {value}"));
    Ok(app.anomalies.settings_changed(&mut app.shell))
}

fn theme(app: &mut App, words: &str) -> Result<Vec<Effect>, String> {
    let theme = &mut app.shell.theme;
    match words {
        "dark" => theme.dark = true,
        "light" => theme.dark = false,
        "ascii" => theme.ascii = true,
        "braille" => theme.ascii = false,
        _ => return Err(format!("`{words}` is none of dark, light, ascii, braille")),
    }
    Ok(vec![Effect::Redraw])
}

/// Ways to go on from `line`.
pub(super) fn complete(line: &str, cursor: usize) -> Vec<Completion> {
    let (name, words) = read(line);
    let begun = line.len() - line.trim_start().len();
    if cursor <= begun + name.len() && words.is_empty() {
        let named = commands().iter().map(|command| (command.name, command.about));
        let rows = table::TABLE.iter().map(|row| (row.name, row.about));
        let mut ways: Vec<(bool, Completion)> = named
            .chain(rows.filter(|(name, _)| !commands().iter().any(|command| command.name == *name)))
            .filter(|(other, _)| other.contains(name) && !other.starts_with("count-"))
            .map(|(other, about)| {
                let way = Completion {
                    replace: begun..begun + name.len(),
                    text: other.into(),
                    about: about.into(),
                };
                (!other.starts_with(name), way)
            })
            .collect();
        ways.sort_by_key(|(inside, _)| *inside);
        return ways.into_iter().map(|(_, way)| way).collect();
    }
    let last = line.rsplit(char::is_whitespace).next().unwrap_or_default();
    let start = line.len() - last.len();
    let ways: Vec<(&str, &str)> = match name {
        "set" if line.split_whitespace().count() <= 2 => {
            SETTINGS.iter().map(|entry| (entry.key, entry.about)).collect()
        }
        "theme" => ["dark", "light", "ascii", "braille"]
            .map(|word| (word, ""))
            .to_vec(),
        "class" => CLASSES.iter().map(|class| (*class, "")).collect(),
        _ => Vec::new(),
    };
    ways.into_iter()
        .filter(|(way, _)| way.starts_with(last))
        .map(|(way, about)| Completion {
            replace: start..line.len(),
            text: way.into(),
            about: about.into(),
        })
        .collect()
}

/// The classes of visual inspection.
pub(super) fn complete_class(line: &str) -> Vec<Completion> {
    whole(line, &CLASSES)
}

/// The comments that prospect offers.
pub(super) fn complete_comment(line: &str) -> Vec<Completion> {
    whole(line, &STANDARD_COMMENTS)
}

fn whole(line: &str, texts: &[&str]) -> Vec<Completion> {
    let begun = line.to_lowercase();
    texts
        .iter()
        .filter(|text| text.to_lowercase().contains(&begun))
        .map(|text| Completion {
            replace: 0..line.len(),
            text: (*text).into(),
            about: String::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completion_knows_commands_settings_and_classes() {
        let texts = |line: &str| -> Vec<String> {
            complete(line, line.len())
                .into_iter()
                .map(|way| way.text)
                .collect()
        };
        assert_eq!(texts("filt")[0], "filter");
        assert!(texts("unlab").contains(&"next-unlabeled".to_string()));
        assert!(texts("set epo").contains(&"epochs".to_string()));
        assert!(texts("set epochs 5").is_empty());
        assert_eq!(texts("class Q"), ["QSO"]);
        assert_eq!(complete_comment("blaz")[0].text, "Blazar");
    }

    #[test]
    fn a_command_hides_no_row_but_one_that_opens_its_line() {
        for command in commands() {
            let Some(row) = table::named(command.name) else {
                continue;
            };
            let opens = [
                "filter",
                "sort",
                "find",
                "export",
                "export-marked",
                "statistics",
                "redshift",
                "class",
                "comment",
            ];
            assert!(opens.contains(&row.name), "{} would be out of reach", row.name);
        }
    }
}
