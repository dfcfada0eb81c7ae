//! `spectriage plot`: spectra of a ranking, drawn again.

use std::path::PathBuf;

use super::catalogs::Catalogs;
use super::progress::Bars;
use super::{Common, End, SettingFlags, print, start_logging};
use crate::pipeline::{self, CancelToken};

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    catalogs: Catalogs,
    /// Number of the ranking [default: the newest of this catalog in the metadata folder]
    #[arg(long, value_name = "N")]
    run: Option<u64>,
    /// Draw this object; may be given several times [default: what --sample-size and --pick say]
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<String>,
    /// Trained checkpoint [default: that of the ranking, else the newest whose training has ended]
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    settings: SettingFlags,
}

pub fn run(arguments: &Arguments, cancel: &CancelToken) -> anyhow::Result<End> {
    start_logging(&arguments.common);
    let settings = arguments.settings.resolve()?.settings;
    let mut bars = Bars::new(&arguments.common);
    let inputs = arguments.catalogs.inputs();
    let checkpoint = arguments.checkpoint.clone();
    let summary = pipeline::plot(
        &inputs,
        &settings,
        arguments.run,
        &arguments.ids,
        checkpoint,
        &mut bars,
        cancel,
    )?;
    print::summary(&summary, arguments.common.json)?;
    Ok(if summary.interrupted {
        End::Interrupted
    } else {
        End::Done
    })
}
