//! The files of a benchmark.

use super::report::RankingReport;
use crate::artifact::RunFiles;
use crate::figure::{DEFAULT_SCALE, RecoveryPoint, RecoveryRun, recovery};
use crate::pipeline::settings::Settings;
use crate::pipeline::{Event, Observer, PipelineError};

/// Writes `benchmark_ranking_N.png` (where strengths are known) and `benchmark_ranking_N.json`, which names both.
pub(super) fn write(
    report: &mut RankingReport,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<(), PipelineError> {
    let output = &settings.output;
    let run = RunFiles::reserve(&output.images_dir, &output.metadata_dir)?;
    report.run = run.n();
    let points: Vec<RecoveryPoint> = report
        .planted
        .iter()
        .filter_map(|row| {
            Some(RecoveryPoint {
                kind: row.kind.replace('_', " "),
                artifact: row.artifact.unwrap_or(false),
                strength: row.strength?,
                place: row.rank as f64 / report.spectra.max(1) as f64,
            })
        })
        .collect();
    if !points.is_empty() {
        let figure = recovery(&RecoveryRun {
            points: &points,
            what: &report.material,
            is_visibility: report.planting.is_some(),
        });
        let paths = run.write_figure("benchmark_ranking", &figure, DEFAULT_SCALE, output.svg)?;
        report.files.extend(paths);
    }
    let path = run.metadata("benchmark_ranking", "json");
    report.files.push(path.clone());
    let text = serde_json::to_string_pretty(report).map_err(|error| PipelineError::Io {
        what: path.display().to_string(),
        source: error.into(),
    })?;
    run.write(&path, text.as_bytes())?;
    for path in &report.files {
        observer.event(Event::Wrote(path.clone()));
    }
    Ok(())
}
