//! `spectriage [CATALOG]`: the screens, or with `--no-tui` the whole job.

use super::catalogs::Catalogs;
use super::progress::Bars;
use super::train::Start;
use super::{Common, End, SettingFlags, print, start_logging};
use crate::pipeline::{self, CancelToken};

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    catalogs: Catalogs,
    /// Run the whole job without the screens
    #[arg(long, help_heading = "General")]
    pub no_tui: bool,
    #[command(flatten)]
    start: Start,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    settings: SettingFlags,
    #[command(flatten)]
    screens: super::screens::Arguments,
}

pub fn run(arguments: &Arguments, cancel: &CancelToken) -> anyhow::Result<End> {
    if !arguments.no_tui {
        let resolved = arguments.settings.resolve()?;
        return super::screens::run(
            &arguments.screens,
            arguments.catalogs.inputs(),
            resolved,
            &arguments.common,
        );
    }
    start_logging(&arguments.common);
    let settings = arguments.settings.resolve()?.settings;
    let inputs = arguments.catalogs.inputs();
    let mut bars = Bars::new(&arguments.common);
    let start = arguments.start.from(&settings)?;
    let summary = pipeline::run(&inputs, &settings, start, &mut bars, cancel)?;
    print::summary(&summary, arguments.common.json)?;
    Ok(if summary.interrupted {
        End::Interrupted
    } else {
        End::Done
    })
}
