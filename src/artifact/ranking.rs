//! `ranking_N.parquet`, `.csv`, `.json` and `regions_N.parquet`.

use std::path::PathBuf;

use super::error::ArtifactError;
use super::run::RunFiles;
use super::table::{Column, Rows, Table, Values};
use crate::anomaly::{Injection, Judgement, Reason, Recurring, Region};
use crate::spectrum::Facts;

/// A verdict with what the catalog says of the object.
#[derive(Debug, Clone, Copy)]
pub struct Ranked<'a> {
    pub judgement: &'a Judgement,
    pub facts: &'a Facts,
}

/// Writes the ranking as Parquet, CSV and JSON, in the order given; returns the three paths.
///
/// Errors: a verdict paired with another object's facts, before anything is written; files that cannot be written.
pub fn write_ranking(run: &RunFiles, ranking: &[Ranked]) -> Result<Vec<PathBuf>, ArtifactError> {
    check(ranking)?;
    let table = Rows {
        rows: ranking,
        table: ranking_table,
    };
    let paths = ["parquet", "csv", "json"].map(|extension| run.metadata("ranking", extension));
    let (parquet, (csv, json)) = rayon::join(
        || run.write_with(&paths[0], |out| table.write_parquet(out)),
        || {
            rayon::join(
                || run.write_with(&paths[1], |out| table.write_csv(out)),
                || run.write_with(&paths[2], |out| table.write_json(out)),
            )
        },
    );
    parquet.and(csv).and(json)?;
    Ok(paths.to_vec())
}

/// Writes the anomalous spectra as two CSV files with the columns of the ranking, in its order: those that are more likely an artifact than not, and the others;
/// returns the two paths.
pub fn write_lists(run: &RunFiles, ranking: &[Ranked]) -> Result<Vec<PathBuf>, ArtifactError> {
    check(ranking)?;
    [("anomalies", false), ("artifacts", true)]
        .into_iter()
        .map(|(name, artifact)| {
            let these: Vec<Ranked> = ranking
                .iter()
                .filter(|r| r.judgement.anomalous && r.judgement.is_artifact() == artifact)
                .copied()
                .collect();
            let path = run.metadata(name, "csv");
            let table = Rows {
                rows: &these,
                table: ranking_table,
            };
            run.write_with(&path, |out| table.write_csv(out))?;
            Ok(path)
        })
        .collect()
}

/// Writes what the residuals have in common as CSV, by the model's pixels (`frame`: rest or observed) and by observed wavelength; returns the path.
pub fn write_recurring(
    run: &RunFiles,
    frame: &str,
    by_pixel: &[Recurring],
    by_observed: &[Recurring],
) -> Result<PathBuf, ArtifactError> {
    let rows: Vec<(&str, &Recurring)> = by_pixel
        .iter()
        .map(|recurring| (frame, recurring))
        .chain(by_observed.iter().map(|recurring| ("observed", recurring)))
        .collect();
    let table = Rows {
        rows: &rows,
        table: recurring_table,
    };
    let path = run.metadata("recurring_residuals", "csv");
    run.write_with(&path, |out| table.write_csv(out))?;
    Ok(path)
}

fn recurring_table<'a>(rows: &[(&'a str, &Recurring)]) -> Table<'a> {
    let number = |of: fn(&Recurring) -> f64| Values::Number(rows.iter().map(|(_, r)| Some(of(r))).collect());
    let column = |name, unit, values| Column { name, unit, values };
    Table {
        kind: "recurring_residuals",
        rows: rows.len(),
        columns: vec![
            column(
                "frame",
                "",
                Values::Text(rows.iter().map(|(frame, _)| Some(*frame)).collect()),
            ),
            column("wavelength", "Angstrom", number(|r| r.wavelength)),
            column("mean", "sigma", number(|r| r.mean)),
            column("scatter", "sigma", number(|r| r.scatter)),
            column(
                "spectra",
                "",
                Values::Integer(rows.iter().map(|(_, r)| i64::try_from(r.count).ok()).collect()),
            ),
        ],
    }
}

/// Writes all regions, one row each, in the order of the ranking and within an object the strongest first; returns the path.
pub fn write_regions(run: &RunFiles, ranking: &[Ranked]) -> Result<PathBuf, ArtifactError> {
    check(ranking)?;
    let rows: Vec<(&str, &Region)> = ranking
        .iter()
        .flat_map(|r| {
            r.judgement
                .regions
                .iter()
                .map(|region| (r.judgement.object_id.as_str(), region))
        })
        .collect();
    let table = Rows {
        rows: &rows,
        table: regions_table,
    };
    let path = run.metadata("regions", "parquet");
    run.write_with(&path, |out| table.write_parquet(out))?;
    Ok(path)
}

/// Nothing is ever joined by position: a pair that does not belong together is an error, never a file.
pub(super) fn check(ranking: &[Ranked]) -> Result<(), ArtifactError> {
    match ranking
        .iter()
        .find(|r| r.judgement.object_id != r.facts.object_id)
    {
        None => Ok(()),
        Some(pair) => Err(ArtifactError::Mismatch {
            judged: pair.judgement.object_id.to_string(),
            described: pair.facts.object_id.to_string(),
        }),
    }
}

/// The columns of `ranking_N.parquet`.
pub fn ranking_columns() -> Vec<&'static str> {
    ranking_table(&[])
        .columns
        .iter()
        .map(|column| column.name)
        .collect()
}

fn ranking_table<'a>(ranking: &[Ranked<'a>]) -> Table<'a> {
    let text = |of: fn(Ranked<'a>) -> Option<&'a str>| Values::Text(ranking.iter().map(|r| of(*r)).collect());
    let integer = |of: fn(Ranked) -> Option<i64>| Values::Integer(ranking.iter().map(|r| of(*r)).collect());
    let number = |of: fn(Ranked) -> Option<f64>| Values::Number(ranking.iter().map(|r| of(*r)).collect());
    let column = |name, unit, values| Column { name, unit, values };
    Table {
        kind: "ranking",
        rows: ranking.len(),
        columns: vec![
            column("object_id", "", text(|r| Some(&r.judgement.object_id))),
            column("targetid", "", integer(|r| r.judgement.targetid)),
            column("rank", "", integer(|r| i64::try_from(r.judgement.rank).ok())),
            column("score", "", number(|r| Some(r.judgement.score))),
            column("percentile", "percent", number(|r| Some(r.judgement.percentile))),
            column(
                "anomalous",
                "",
                Values::Flag(ranking.iter().map(|r| r.judgement.anomalous).collect()),
            ),
            column("reason", "", text(|r| Some(&r.judgement.reason))),
            column(
                "flagged_fraction",
                "",
                number(|r| Some(r.judgement.flagged_fraction)),
            ),
            column("reduced_chi2", "", number(|r| Some(r.judgement.reduced_chi2))),
            column("sn", "", number(|r| Some(r.judgement.sn))),
            column(
                "masked_fraction",
                "",
                number(|r| Some(r.judgement.masked_fraction)),
            ),
            column(
                "artifact_fraction",
                "",
                number(|r| Some(r.judgement.artifact_fraction)),
            ),
            column(
                "artifact_probability",
                "",
                number(|r| r.judgement.artifact_probability),
            ),
            column(
                "suggested_kind",
                "",
                text(|r| r.judgement.suggested_kind.map(Injection::name)),
            ),
            column("z", "", number(|r| r.facts.z)),
            column("zwarn", "", integer(|r| r.facts.zwarn)),
            column("spectype", "", text(|r| r.facts.spectype.as_deref())),
            column("subtype", "", text(|r| r.facts.subtype.as_deref())),
            column("deltachi2", "", number(|r| r.facts.deltachi2)),
            column("ra", "deg", number(|r| r.facts.ra)),
            column("dec", "deg", number(|r| r.facts.dec)),
            column("source", "", text(|r| Some(&r.facts.source))),
            column(
                "latent",
                "",
                Values::List(ranking.iter().map(|r| &*r.judgement.latent).collect()),
            ),
        ],
    }
}

fn regions_table<'a>(rows: &[(&'a str, &'a Region)]) -> Table<'a> {
    let integer = |of: fn(&Region) -> usize| {
        Values::Integer(
            rows.iter()
                .map(|(_, region)| i64::try_from(of(region)).ok())
                .collect(),
        )
    };
    let number =
        |of: fn(&Region) -> f64| Values::Number(rows.iter().map(|(_, region)| Some(of(region))).collect());
    let column = |name, unit, values| Column { name, unit, values };
    Table {
        kind: "regions",
        rows: rows.len(),
        columns: vec![
            column(
                "object_id",
                "",
                Values::Text(rows.iter().map(|(id, _)| Some(*id)).collect()),
            ),
            column("start", "pixel", integer(|r| r.start)),
            column("end", "pixel", integer(|r| r.end)),
            column("wavelength_min", "Angstrom", number(|r| r.wavelength_min)),
            column("wavelength_max", "Angstrom", number(|r| r.wavelength_max)),
            column("rest_min", "Angstrom", number(|r| r.rest_min)),
            column("rest_max", "Angstrom", number(|r| r.rest_max)),
            column(
                "reason",
                "",
                Values::Text(rows.iter().map(|(_, region)| Some(key(region.reason))).collect()),
            ),
            column("value", "", number(|r| r.value)),
            column("significance", "sigma", number(|r| r.significance)),
            column(
                "line",
                "",
                Values::Text(rows.iter().map(|(_, region)| region.line.as_deref()).collect()),
            ),
            column("artifact_fraction", "", number(|r| r.artifact_fraction)),
            column(
                "artifact_probability",
                "",
                Values::Number(
                    rows.iter()
                        .map(|(_, region)| region.artifact_probability)
                        .collect(),
                ),
            ),
        ],
    }
}

/// The reason as JSON writes it.
fn key(reason: Reason) -> &'static str {
    match reason {
        Reason::HighAbsoluteResidual => "high_absolute_residual",
        Reason::HighRelativeResidual => "high_relative_residual",
        Reason::RangeMismatch => "range_mismatch",
        Reason::ExcessFlux => "excess_flux",
        Reason::MissingFlux => "missing_flux",
        Reason::RareLatent => "rare_latent",
        Reason::OutsideModelRange => "outside_model_range",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_one_name_in_parquet_and_json() {
        for reason in [
            Reason::HighAbsoluteResidual,
            Reason::HighRelativeResidual,
            Reason::RangeMismatch,
            Reason::ExcessFlux,
            Reason::MissingFlux,
            Reason::RareLatent,
            Reason::OutsideModelRange,
        ] {
            assert_eq!(serde_json::json!(reason), serde_json::json!(key(reason)));
        }
    }
}
