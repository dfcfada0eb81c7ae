//! `spectriage rank`: a catalog by a trained checkpoint.

use std::path::PathBuf;

use super::catalogs::Catalogs;
use super::progress::Bars;
use super::{Common, End, SettingFlags, print, start_logging};
use crate::pipeline::{self, CancelToken};

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    catalogs: Catalogs,
    /// Trained checkpoint [default: the newest of the metadata folder whose training has ended]
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
    let summary = pipeline::rank_only(
        &inputs,
        &settings,
        arguments.checkpoint.clone(),
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
