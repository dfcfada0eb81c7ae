//! The command line: arguments in, results on stdout, progress and logs on stderr. It never computes.

mod benchmark;
mod catalogs;
mod cutouts;
mod export;
mod import;
mod info;
mod inspect;
mod keys;
mod labels;
mod plot;
mod print;
mod progress;
mod rank;
mod run;
mod screens;
mod settings;
mod similar;
mod simulate;
mod stats;
mod train;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::pipeline::CancelToken;
use settings::SettingFlags;

/// Finds the strange galaxies in a spectroscopic survey.
///
/// Without a subcommand it opens the screens; with --no-tui it runs the whole job: train an autoencoder on CATALOG, rank its spectra by how
/// strange they are, and write figures to output_images and tables to metadata.
#[derive(Debug, Parser)]
#[command(
    name = "spectriage",
    version,
    args_conflicts_with_subcommands = true,
    max_term_width = 120
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Arguments,
}

/// Options of every command.
#[derive(Debug, Clone, clap::Args)]
struct Common {
    /// Print results on stdout as JSON
    #[arg(long, help_heading = "General")]
    json: bool,
    /// More on stderr: -v for information, -vv for debugging (or SPECTRIAGE_LOG=debug)
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = "General")]
    verbose: u8,
    /// No progress bars and no notes on stderr
    #[arg(short, long, help_heading = "General")]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a Parquet catalog of DESI, SDSS, CSV or foreign Parquet files
    Import(import::Arguments),
    /// Write a simulated DESI-like catalog with known anomalies and their truth table
    Simulate(simulate::Arguments),
    /// Train the autoencoder and keep it in a checkpoint
    Train(train::Arguments),
    /// Rank a catalog with a trained checkpoint
    Rank(rank::Arguments),
    /// Draw spectra of a ranking
    Plot(plot::Arguments),
    /// Show what is known of one object
    Inspect(inspect::Arguments),
    /// Label objects; read, write and merge label files; re-rank by labels
    Labels(labels::Arguments),
    /// Show the objects of a ranking most like one of them
    Similar(similar::Arguments),
    /// Fetch sky images ahead, show where they are kept, clear them away
    Cutouts(cutouts::Arguments),
    /// Describe a catalog, or the settings
    Info(info::Arguments),
    /// Statistics and a histogram of a column
    Stats(stats::Arguments),
    /// Measure how good the ranking is
    Benchmark(benchmark::Arguments),
    /// Write some rows to a catalog, a CSV file or a list of ids
    Export(export::Arguments),
    /// Print the keys of the screens, as they are in force, as Markdown
    Keys(keys::Arguments),
    /// Print a completion script
    Completions { shell: clap_complete::Shell },
    /// Print the manual page
    Man,
}

/// Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;
const INTERRUPTED: u8 = 130;

/// How a command ended.
enum End {
    Done,
    Interrupted,
    /// Ended from outside, with this exit code.
    Signal(u8),
}

/// Parses the arguments, runs the command and reports how it ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { WRONG_USAGE } else { 0 });
        }
    };
    let cancel = CancelToken::default();
    // The screens have a way of their own with signals.
    if arguments.command.is_some() || arguments.run.no_tui {
        let handler = cancel.clone();
        // The second Ctrl-C does not wait for the batch to end.
        let _ = ctrlc::set_handler(move || {
            if handler.is_cancelled() {
                std::process::exit(i32::from(INTERRUPTED));
            }
            handler.cancel();
        });
    }
    let end = match arguments.command {
        None => run::run(&arguments.run, &cancel),
        Some(Command::Import(arguments)) => import::run(&arguments, &cancel),
        Some(Command::Simulate(arguments)) => simulate::run(&arguments, &cancel),
        Some(Command::Train(arguments)) => train::run(&arguments, &cancel),
        Some(Command::Rank(arguments)) => rank::run(&arguments, &cancel),
        Some(Command::Plot(arguments)) => plot::run(&arguments, &cancel),
        Some(Command::Inspect(arguments)) => inspect::run(&arguments),
        Some(Command::Labels(arguments)) => labels::run(&arguments),
        Some(Command::Similar(arguments)) => similar::run(&arguments),
        Some(Command::Cutouts(arguments)) => cutouts::run(&arguments, &cancel),
        Some(Command::Info(arguments)) => info::run(&arguments),
        Some(Command::Stats(arguments)) => stats::run(&arguments, &cancel),
        Some(Command::Benchmark(arguments)) => benchmark::run(&arguments, &cancel),
        Some(Command::Export(arguments)) => export::run(&arguments, &cancel),
        Some(Command::Keys(arguments)) => keys::run(&arguments),
        Some(Command::Completions { shell }) => completions(shell),
        Some(Command::Man) => man(),
    };
    match end {
        Ok(End::Done) => ExitCode::SUCCESS,
        Ok(End::Interrupted) => ExitCode::from(INTERRUPTED),
        Ok(End::Signal(code)) => ExitCode::from(code),
        Err(error) => {
            // Every message has its cause in it already.
            eprintln!("spectriage: {error}");
            let usage = error.is::<UsageError>() || error.is::<crate::pipeline::settings::SettingsError>();
            ExitCode::from(if usage { WRONG_USAGE } else { FAILED })
        }
    }
}

/// Something on the command line that clap cannot see is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UsageError(String);

fn completions(shell: clap_complete::Shell) -> anyhow::Result<End> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "spectriage", &mut script);
    print::whole(&String::from_utf8(script)?)?;
    Ok(End::Done)
}

fn man() -> anyhow::Result<End> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
    print::whole(&String::from_utf8(page)?)?;
    Ok(End::Done)
}

/// Logs go to stderr; at rest only warnings do.
fn start_logging(common: &Common) {
    let _ = tracing_subscriber::fmt()
        .with_env_filter(log_filter(common, "warn"))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}

/// What is logged: as SPECTRIAGE_LOG says, else as the flags do, else from level `rest` on.
fn log_filter(common: &Common, rest: &str) -> tracing_subscriber::EnvFilter {
    use tracing_subscriber::EnvFilter;
    let level = match (common.quiet, common.verbose) {
        (true, _) => "error",
        (false, 0) => rest,
        (false, 1) => "info",
        (false, _) => "debug",
    };
    EnvFilter::try_from_env("SPECTRIAGE_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("spectriage={level}")))
}
