//! `spectriage train`: the autoencoder alone.

use std::path::PathBuf;

use super::catalogs::Catalogs;
use super::progress::Bars;
use super::{Common, End, SettingFlags, print, start_logging};
use crate::pipeline::settings::Settings;
use crate::pipeline::{self, CancelToken, PipelineError};

/// Where training starts.
#[derive(Debug, Clone, clap::Args)]
pub struct Start {
    /// Go on from a checkpoint: the newest one of the metadata folder, or FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "newest",
          env = "SPECTRIAGE_RESUME", help_heading = "Training")]
    resume: Option<String>,
    /// Start afresh, even where SPECTRIAGE_RESUME asks to go on
    #[arg(long, help_heading = "Training")]
    reset: bool,
}

impl Start {
    /// The checkpoint to go on from.
    pub fn from(&self, settings: &Settings) -> Result<Option<PathBuf>, PipelineError> {
        match self.resume.as_deref() {
            None => Ok(None),
            Some(_) if self.reset => Ok(None),
            Some("newest") => pipeline::newest_checkpoint(&settings.output.metadata_dir)
                .map(Some)
                .ok_or_else(|| PipelineError::NoCheckpoint {
                    folder: settings.output.metadata_dir.clone(),
                }),
            // For batch scripts: go on where there is something to go on from.
            Some("auto") => Ok(pipeline::newest_checkpoint(&settings.output.metadata_dir)),
            Some(path) => Ok(Some(path.into())),
        }
    }
}

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    catalogs: Catalogs,
    #[command(flatten)]
    start: Start,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    settings: SettingFlags,
}

pub fn run(arguments: &Arguments, cancel: &CancelToken) -> anyhow::Result<End> {
    start_logging(&arguments.common);
    let settings = arguments.settings.resolve()?.settings;
    let start = arguments.start.from(&settings)?;
    let mut bars = Bars::new(&arguments.common);
    let summary = pipeline::train_only(&arguments.catalogs.inputs(), &settings, start, &mut bars, cancel)?;
    print::summary(&summary, arguments.common.json)?;
    Ok(if summary.interrupted {
        End::Interrupted
    } else {
        End::Done
    })
}
