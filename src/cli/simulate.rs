//! `spectriage simulate`: a catalog with known truth.

use std::path::PathBuf;

use super::progress::Bars;
use super::{Common, End, print, start_logging};
use crate::pipeline::{self, CancelToken, SimulateRequest};
use crate::simulate::Simulation;
use crate::words::counted;

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Parquet file to write
    #[arg(value_name = "OUT.parquet")]
    output: PathBuf,
    /// Number of spectra
    #[arg(short = 'n', long, default_value_t = Simulation::default().count)]
    count: u64,
    /// Seed; the same seed gives the same spectra, whatever their number
    #[arg(long, default_value_t = Simulation::default().seed)]
    seed: u64,
    /// Share of planted anomalies
    #[arg(long, value_name = "SHARE", default_value_t = Simulation::default().anomaly_fraction)]
    anomaly_fraction: f64,
    /// Truth table to write [default: OUT_truth.csv]
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Round flux and ivar to so many bits of mantissa (of 23), for a smaller file
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u32).range(4..=23))]
    mantissa_bits: Option<u32>,
    /// Replace OUT.parquet and the truth table if they are there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    common: Common,
}

pub fn run(arguments: &Arguments, cancel: &CancelToken) -> anyhow::Result<End> {
    start_logging(&arguments.common);
    anyhow::ensure!(
        (0.0..=1.0).contains(&arguments.anomaly_fraction),
        "--anomaly-fraction is a share from 0 to 1"
    );
    let simulation = Simulation {
        seed: arguments.seed,
        count: arguments.count,
        anomaly_fraction: arguments.anomaly_fraction,
        ..Simulation::default()
    };
    let truth = arguments.truth.clone().unwrap_or_else(|| {
        let stem = arguments.output.file_stem().unwrap_or_default().to_string_lossy();
        arguments.output.with_file_name(format!("{stem}_truth.csv"))
    });
    let request = SimulateRequest {
        simulation,
        output: arguments.output.clone(),
        truth,
        mantissa_bits: arguments.mantissa_bits,
        force: arguments.force,
    };
    let summary = pipeline::simulate(&request, &mut Bars::new(&arguments.common), cancel)?;
    if summary.interrupted {
        return Ok(End::Interrupted);
    }
    print::json_or(arguments.common.json, &summary, || {
        format!(
            "{}: {}, {} of them planted anomalies; truth in {}",
            summary.output.display(),
            counted(summary.spectra, "spectrum"),
            summary.anomalies,
            summary.truth.display()
        )
    })?;
    Ok(End::Done)
}
