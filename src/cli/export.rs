//! `spectriage export`: some rows as a file of their own.

use std::collections::HashSet;
use std::path::PathBuf;

use super::catalogs::Catalogs;
use super::progress::Bars;
use super::{Common, End, SettingFlags, UsageError, print, start_logging};
use crate::catalog::Query;
use crate::pipeline::browse::{Browser, ExportFormat, ExportRequest, Rows};
use crate::pipeline::{CancelToken, PipelineError};
use crate::words::counted;

#[derive(Debug, Clone, clap::Args)]
#[command(allow_missing_positional = true)]
pub struct Arguments {
    #[command(flatten)]
    catalogs: Catalogs,
    /// File to write: .parquet has spectra and table, .csv the table, .txt one object id a line
    #[arg(value_name = "OUT", required = true)]
    output: PathBuf,
    /// Write this object; may be given several times, and stands instead of --where
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<String>,
    /// Replace OUT if it is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    settings: SettingFlags,
}

pub fn run(arguments: &Arguments, cancel: &CancelToken) -> anyhow::Result<End> {
    start_logging(&arguments.common);
    let format = ExportFormat::of(&arguments.output).ok_or_else(|| {
        let name = arguments.output.display();
        UsageError(format!("{name}: its name has to end in .parquet, .csv or .txt"))
    })?;
    let selection = arguments.settings.resolve()?.settings.selection;
    let browser = Browser::open(&arguments.catalogs.inputs())?;
    let what = match (&arguments.ids[..], &selection.r#where) {
        ([], Some(filter)) => filter.clone(),
        ([], None) => "all rows".into(),
        (ids, _) => format!("{} by id", counted(ids.len(), "object")),
    };
    let rows = if arguments.ids.is_empty() {
        let query = Query {
            filter: selection.r#where,
            order_by: selection.order_by,
            limit: selection.limit,
        };
        match browser.select(&query, cancel)? {
            Some(rows) => rows,
            None => return Ok(End::Interrupted),
        }
    } else {
        by_id(&browser, &arguments.ids)?
    };
    let request = ExportRequest {
        path: arguments.output.clone(),
        format,
        what,
        force: arguments.force,
    };
    let summary = browser.export(&rows, &request, &mut Bars::new(&arguments.common), cancel)?;
    if summary.interrupted {
        return Ok(End::Interrupted);
    }
    print::json_or(arguments.common.json, &summary, || {
        let skipped = match summary.skipped {
            0 => String::new(),
            skipped => format!(", {skipped} skipped"),
        };
        let size = summary.bytes as f64 / 1e6;
        format!(
            "{}: {}{skipped}, {size:.1} MB",
            summary.path.display(),
            counted(summary.rows, "row")
        )
    })?;
    Ok(End::Done)
}

/// The rows of these objects, each once, in their order.
fn by_id(browser: &Browser, ids: &[String]) -> Result<Rows, PipelineError> {
    let (mut rows, mut there) = (Vec::new(), HashSet::new());
    for id in ids {
        let found = browser.find(id)?;
        if found.is_empty() {
            return Err(PipelineError::NoSuchObject { id: id.clone() });
        }
        for row in found {
            // An object may be named twice, by object id and by target id too.
            if there.insert(row) {
                rows.push(row);
            }
        }
    }
    Ok(Rows::Listed(rows.into()))
}
