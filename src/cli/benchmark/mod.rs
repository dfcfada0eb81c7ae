//! `spectriage benchmark`: how good it is, and how fast.

mod ranking;
mod speed;

use super::End;
use crate::pipeline::CancelToken;

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Command {
    /// Plant anomalies into a catalog, rank it, and say what was found (injection and recovery)
    Ranking(Box<ranking::Arguments>),
    /// Train and reconstruct made-up spectra, and say how many a second
    Speed(speed::Arguments),
}

pub fn run(arguments: &Arguments, cancel: &CancelToken) -> anyhow::Result<End> {
    match &arguments.command {
        Command::Ranking(arguments) => ranking::run(arguments, cancel),
        Command::Speed(arguments) => speed::run(arguments),
    }
}
