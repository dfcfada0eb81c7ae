//! `spectriage [CATALOG]` without `--no-tui`: how the screens are opened.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use super::{Common, End, UsageError, log_filter};
use crate::pipeline::settings::Resolved;
use crate::triage;
use crate::tui::keys::Keymap;
use crate::tui::theme::{Depth, Theme};
use crate::tui::{self, Options};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Look {
    /// As the terminal answers
    Auto,
    Dark,
    Light,
}

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Screens")]
pub struct Arguments {
    /// Colors for a dark or a light terminal
    #[arg(
        long,
        hide_short_help = true,
        value_enum,
        default_value = "auto",
        env = "SPECTRIAGE_THEME"
    )]
    theme: Look,
    /// Plain characters in the place of braille and lines
    #[arg(long, hide_short_help = true)]
    ascii: bool,
    /// Leave the mouse to the terminal
    #[arg(long, hide_short_help = true)]
    no_mouse: bool,
    /// Who labels, as in `spectriage labels` [default: of the user's name]
    #[arg(long, value_name = "ABC", env = "SPECTRIAGE_SCANNER", hide_short_help = true)]
    scanner: Option<String>,
    /// Write times and bytes of every frame to a CSV file
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    trace: Option<PathBuf>,
}

pub fn run(
    arguments: &Arguments,
    inputs: Vec<String>,
    resolved: Resolved,
    common: &Common,
) -> anyhow::Result<End> {
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        let message = "the screens need a terminal on standard input and output; `spectriage --no-tui` runs the whole job without";
        return Err(UsageError(message.into()).into());
    }
    let keymap = Keymap::with(&resolved.keys).map_err(UsageError)?;
    if let Err(error) = log_to_file(common) {
        // A full or read-only home is no reason not to look at a catalog.
        eprintln!("spectriage: no log is kept: {error}");
    }
    let environment = |name: &str| std::env::var(name).ok();
    let theme = Theme::detect(&environment);
    let theme = Theme {
        dark: match arguments.theme {
            Look::Auto => theme.dark,
            look => look == Look::Dark,
        },
        ascii: theme.ascii || arguments.ascii,
        ..theme
    };
    let code = tui::run(Options {
        inputs,
        settings: resolved.settings,
        keymap,
        theme,
        fixed_theme: arguments.theme != Look::Auto && theme.depth != Depth::Indexed,
        mouse: !arguments.no_mouse,
        scanner: arguments.scanner.clone().unwrap_or_else(triage::default_scanner),
        trace: arguments.trace.clone(),
    })?;
    Ok(match code {
        0 => End::Done,
        code => End::Signal(code),
    })
}

/// The screen belongs to the screens; logs go to a file beside the sessions.
fn log_to_file(common: &Common) -> anyhow::Result<()> {
    let Some(folder) = tui::state_folder() else {
        return Ok(());
    };
    std::fs::create_dir_all(&folder)
        .map_err(|error| anyhow::anyhow!("the folder of logs and sessions, {}: {error}", folder.display()))?;
    let path = folder.join("spectriage.log");
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(|error| anyhow::anyhow!("the log, {}: {error}", path.display()))?;
    let _ = tracing_subscriber::fmt()
        .with_env_filter(log_filter(common, "info"))
        .with_writer(std::sync::Mutex::new(file))
        .with_ansi(false)
        .try_init();
    Ok(())
}
