//! Results on stdout: text for people, JSON for programs.

use std::io::Write;

use serde::Serialize;

use crate::pipeline::Summary;
use crate::words::counted;

/// Prints one line to stdout.
pub fn line(text: &str) -> anyhow::Result<()> {
    whole(&format!("{text}\n"))
}

/// Prints a text to stdout as it is; a reader that has gone away (`| head`) is no error.
pub fn whole(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        result => Ok(result?),
    }
}

/// Text of a file without control characters, which a terminal would obey.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// The value as JSON where asked for, else the text.
pub fn json_or(json: bool, value: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    if json {
        line(&serde_json::to_string_pretty(value)?)
    } else {
        line(&text())
    }
}

/// What a job did: the files and the head of the ranking.
pub fn summary(summary: &Summary, json: bool) -> anyhow::Result<()> {
    json_or(json, summary, || {
        let mut lines = Vec::new();
        if !summary.top.is_empty() {
            lines.push(format!("{:>5} {:>8} {:<22} reason", "rank", "score", "object"));
            for verdict in &summary.top {
                lines.push(format!(
                    "{:>5} {:>8.2} {:<22} {}",
                    verdict.rank, verdict.score, verdict.object_id, verdict.reason
                ));
            }
            let skipped = if summary.skipped > 0 {
                format!(", {} skipped", counted(summary.skipped, "row"))
            } else {
                String::new()
            };
            lines.push(format!(
                "\n{} ranked, {} anomalous{skipped}",
                counted(summary.ranked, "spectrum"),
                summary.anomalous
            ));
        }
        if let Some(correlations) = &summary.correlations {
            let number =
                |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value:+.2}"));
            lines.push(format!(
                "correlation of the score with S/N {}, redshift {}, masked fraction {}",
                number(correlations.sn),
                number(correlations.redshift),
                number(correlations.masked_fraction)
            ));
        }
        if summary.interrupted {
            let resumable = summary
                .files
                .iter()
                .any(|path| path.extension().is_some_and(|extension| extension == "bpk"));
            lines.push(
                if resumable {
                    "interrupted; go on with --resume"
                } else {
                    "interrupted; nothing was ranked"
                }
                .into(),
            );
        }
        lines.push(format!("\nrun {} wrote:", summary.run));
        lines.extend(summary.files.iter().map(|path| format!("  {}", path.display())));
        lines.join("\n")
    })
}
