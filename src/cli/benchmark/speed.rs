//! `spectriage benchmark speed`: spectra a second.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::{Common, End, print, start_logging};
use crate::durable::Draft;
use crate::model::{Architecture, Curve, DeviceKind, Speed, SpeedTest};

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Network
    #[arg(long, value_enum, default_value_t)]
    model: Architecture,
    #[arg(long, value_enum, default_value_t)]
    device: DeviceKind,
    /// Pixels of a spectrum
    #[arg(long, default_value_t = 7281, value_parser = clap::value_parser!(u32).range(16..=1_000_000))]
    pixels: u32,
    /// Spectra of a batch
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=65536))]
    batch: u32,
    /// Threads that compute [default: all]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: Option<u32>,
    /// Spectra of an epoch
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    spectra: u32,
    /// Epochs that are timed
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    epochs: u32,
    /// Train for as many epochs instead, and write data, first weights and loss curve to this file, for benches/peers/speed.py
    #[arg(long, value_name = "FILE")]
    curve: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<End> {
    start_logging(&arguments.common);
    let test = SpeedTest {
        architecture: arguments.model,
        device: arguments.device,
        pixels: arguments.pixels as usize,
        batch: arguments.batch as usize,
        spectra: arguments.spectra as usize,
        epochs: arguments.epochs as usize,
        threads: arguments
            .threads
            .map_or_else(rayon::current_num_threads, |threads| threads as usize),
    };
    if let Some(path) = &arguments.curve {
        let curve = test.curve()?;
        write(path, &test, &curve)?;
        print::json_or(arguments.common.json, &curve.losses, || {
            let losses: Vec<String> = curve.losses.iter().map(|loss| format!("{loss:.6}")).collect();
            losses.join("\n")
        })?;
        return Ok(End::Done);
    }
    let speed = test.run()?;
    print::json_or(arguments.common.json, &speed, || text(&speed))?;
    Ok(End::Done)
}

fn text(speed: &Speed) -> String {
    let mut lines = vec![
        format!(
            "{} pixels, batches of {}, {} threads, {}{}",
            speed.pixels,
            speed.batch,
            speed.threads,
            speed.device,
            speed
                .instruction_set
                .map(|set| format!(" ({set})"))
                .unwrap_or_default()
        ),
        format!("training      {:>8.0} spectra/s", speed.train_spectra_per_s),
        format!("reconstructing{:>8.0} spectra/s", speed.reconstruct_spectra_per_s),
    ];
    if let Some(kernels) = &speed.kernels {
        lines.push(format!(
            "{:.0} % and {:.0} % of {:.0} thousand million multiply-adds a second",
            100.0 * kernels.train_share_of_peak,
            100.0 * kernels.reconstruct_share_of_peak,
            kernels.peak_per_s / 1e9
        ));
    }
    lines.join("\n")
}

/// A line of JSON that names the tensors, then their values as little-endian float32.
fn write(path: &Path, test: &SpeedTest, curve: &Curve) -> anyhow::Result<()> {
    let shapes: Vec<_> = curve
        .tensors
        .iter()
        .map(|(name, shape, _)| (name, shape))
        .collect();
    let head = serde_json::json!({
        "model": test.architecture,
        "pixels": test.pixels,
        "batch": test.batch,
        "losses": curve.losses,
        "tensors": shapes,
    });
    let mut draft = Draft::of(path)?;
    writeln!(draft, "{head}")?;
    for (_, _, values) in &curve.tensors {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        draft.write_all(&bytes)?;
    }
    draft.publish()?;
    Ok(())
}
