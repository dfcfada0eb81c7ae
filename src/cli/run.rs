//! `spectriage [CATALOG]`: the screens, or with `--no-tui` the whole job.

use super::catalogs::Catalogs;
use super::progress::Bars;
use super::train::Start;
use super::{Common, End, SettingFlags, UsageError, print, start_logging};
use crate::pipeline::{self, CancelToken};

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    catalogs: Catalogs,
    /// Run the whole job without the screens
    #[arg(long, help_heading = "General")]
    no_tui: bool,
    #[command(flatten)]
    start: Start,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    settings: SettingFlags,
}

pub fn run(arguments: &Arguments, cancel: &CancelToken) -> anyhow::Result<End> {
    if !arguments.no_tui {
        let message = "the screens are not built yet: run the whole job with `spectriage --no-tui`, or see `spectriage --help`";
        return Err(UsageError(message.into()).into());
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
