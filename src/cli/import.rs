//! `spectriage import`: survey files to a catalog.

use std::path::PathBuf;

use super::progress::Bars;
use super::{Common, End, print, start_logging};
use crate::ingest::Status;
use crate::pipeline::{self, CancelToken, ImportRequest, ImportSummary};
use crate::words::counted;

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Parquet catalog to write
    #[arg(value_name = "OUT.parquet")]
    output: PathBuf,
    /// SDSS spec, DESI coadd (redrock or zbest beside it), CSV, ECSV or Parquet: files, folders, globs
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<String>,
    /// Round flux and ivar to so many bits of mantissa (of 23), for a smaller file; announced in its provenance
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u32).range(4..=23))]
    mantissa_bits: Option<u32>,
    /// Replace OUT.parquet if it is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    common: Common,
}

pub fn run(arguments: &Arguments, cancel: &CancelToken) -> anyhow::Result<End> {
    start_logging(&arguments.common);
    let request = ImportRequest {
        output: arguments.output.clone(),
        inputs: arguments.inputs.clone(),
        mantissa_bits: arguments.mantissa_bits,
        force: arguments.force,
    };
    let summary = pipeline::import(&request, &mut Bars::new(&arguments.common), cancel)?;
    if summary.interrupted {
        return Ok(End::Interrupted);
    }
    print::json_or(arguments.common.json, &summary, || text(&summary))?;
    anyhow::ensure!(
        summary.spectra > 0,
        "no spectrum came out of these inputs; the list above says why, file by file"
    );
    Ok(End::Done)
}

fn text(summary: &ImportSummary) -> String {
    let mut lines: Vec<String> = summary
        .report
        .files
        .iter()
        .map(|file| {
            let status = match file.status {
                Status::Imported => "imported",
                Status::Skipped => "skipped",
                Status::Failed => "FAILED",
            };
            let mut line = format!(
                "{status:<9}{:>6} spectra  {:<17} {}",
                file.spectra,
                file.kind,
                file.path.display()
            );
            if !file.message.is_empty() {
                line.push_str(&format!("\n                 {}", file.message));
            }
            for issue in &file.issues {
                line.push_str(&format!(
                    "\n                 row {} ({}), {}: {}",
                    issue.row, issue.object_id, issue.column, issue.reason
                ));
            }
            line
        })
        .collect();
    if summary.spectra > 0 {
        lines.push(format!(
            "{}: {} from {} of {}, {:.1} MB",
            summary.output.display(),
            counted(summary.spectra, "spectrum"),
            summary.report.count(Status::Imported),
            counted(summary.report.files.len(), "file"),
            summary.bytes as f64 / 1e6
        ));
    }
    lines.join("\n")
}
