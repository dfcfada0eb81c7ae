//! `spectriage benchmark`: how fast it is.

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
    /// Train and reconstruct made-up spectra, and say how many a second
    Speed(speed::Arguments),
}

pub fn run(arguments: &Arguments, _cancel: &CancelToken) -> anyhow::Result<End> {
    match &arguments.command {
        Command::Speed(arguments) => speed::run(arguments),
    }
}
