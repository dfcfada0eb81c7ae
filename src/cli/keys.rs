//! `spectriage keys`: the table of keys, as the settings file has it.

use super::{End, SettingFlags, UsageError, print};
use crate::tui::keys::Keymap;

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: SettingFlags,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<End> {
    let keymap = Keymap::with(&arguments.settings.resolve()?.keys).map_err(UsageError)?;
    print::whole(&keymap.markdown())?;
    Ok(End::Done)
}
