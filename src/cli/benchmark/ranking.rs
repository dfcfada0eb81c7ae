//! `spectriage benchmark ranking`: injection and recovery.

use std::path::PathBuf;

use crate::cli::catalogs::Catalogs;
use crate::cli::progress::Bars;
use crate::cli::{Common, End, SettingFlags, UsageError, print, start_logging};
use crate::pipeline::CancelToken;
use crate::pipeline::benchmark::{
    self, Comparator, Labeled, ListReport, Material, Part, Planting, RankingReport, RankingRequest,
};
use crate::simulate::plant::PlantKind;

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    catalogs: Catalogs,
    /// Plant nothing: rank the catalog as it is, whose anomalies are the ids of FILE (as `simulate` writes them, or one a line)
    #[arg(long, value_name = "FILE", conflicts_with = "mix", help_heading = "Truth")]
    truth: Option<PathBuf>,
    /// Plant nothing: mix the objects of this catalog in as anomalies, at equal S/N
    #[arg(long, value_name = "CATALOG", help_heading = "Truth")]
    mix: Vec<String>,
    /// Share of mixed objects
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, help_heading = "Truth")]
    mix_rate: f64,
    /// Ids of normal spectra that are known to be odd: figures are given with and without them
    #[arg(long, value_name = "FILE", help_heading = "Truth")]
    odd: Option<PathBuf>,
    /// Kinds to plant [default: all]
    #[arg(long, value_name = "KIND,…", value_delimiter = ',', value_parser = kind, help_heading = "Planting")]
    kinds: Vec<PlantKind>,
    /// Share of the spectra that get an anomaly
    #[arg(long, value_name = "SHARE", default_value_t = Planting::default().rate, help_heading = "Planting")]
    rate: f64,
    /// Range of the visibility of what is planted [default: from what an eye sees to ten times that, by kind]
    #[arg(long, value_name = "LOW,HIGH", value_parser = range, help_heading = "Planting")]
    strength: Option<(f64, f64)>,
    /// Range of the median S/N a pixel that spectra are degraded to; none is made better
    #[arg(long, value_name = "LOW,HIGH", value_parser = range, default_value = "5,60", help_heading = "Planting")]
    sn: (f64, f64),
    /// How often each spectrum is taken; copies are never on both sides of a fold
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Planting")]
    count: usize,
    /// Take at most so many spectra of the catalog
    #[arg(long, value_name = "N", default_value_t = Planting::default().spectra, help_heading = "Planting")]
    spectra: usize,
    /// One draw and one training for each seed
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,2,3,4,5")]
    seeds: Vec<u64>,
    /// Methods to compare with: a list, `all` or `none`; `original` trains a network of its own and takes longest
    #[arg(
        long,
        value_name = "NAME,…",
        value_delimiter = ',',
        default_value = "pca_chi2,pca_windows,isolation_forest,local_outlier_factor,mean_squared_error"
    )]
    comparators: Vec<String>,
    /// Label the first N of the list as a user would who knows the truth, and tell what re-ranking makes of the others; 0 for not at all
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "20")]
    labels: Vec<usize>,
    /// Do not train every draw a second time to see whether the head of the list stays
    #[arg(long)]
    no_stability: bool,
    /// Draws of the bootstrap
    #[arg(long, value_name = "N", default_value_t = 200)]
    bootstraps: usize,
    /// Write the drawn spectra with their truth to this Parquet file (one a seed), and do nothing else
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    settings: SettingFlags,
}

fn kind(text: &str) -> Result<PlantKind, String> {
    PlantKind::of(text).ok_or_else(|| {
        let names: Vec<&str> = PlantKind::ALL.iter().map(|kind| kind.name()).collect();
        format!("there are {}", names.join(", "))
    })
}

fn range(text: &str) -> Result<(f64, f64), String> {
    let (low, high) = text.split_once(',').ok_or("two numbers, as in 5,60")?;
    let number = |text: &str| text.trim().parse::<f64>().map_err(|error| error.to_string());
    let (low, high) = (number(low)?, number(high)?);
    (low > 0.0 && low < high && high.is_finite())
        .then_some((low, high))
        .ok_or_else(|| "the first must be above 0 and below the second".into())
}

fn comparators(names: &[String]) -> Result<Vec<Comparator>, UsageError> {
    match names {
        [one] if one == "all" => Ok(Comparator::ALL.to_vec()),
        [one] if one == "none" => Ok(Vec::new()),
        names => names
            .iter()
            .map(|name| {
                let known = Comparator::ALL.into_iter().find(|one| one.name() == name);
                known.ok_or_else(|| {
                    let all: Vec<&str> = Comparator::ALL.iter().map(|one| one.name()).collect();
                    UsageError(format!(
                        "--comparators: there is no `{name}`; there are {}",
                        all.join(", ")
                    ))
                })
            })
            .collect(),
    }
}

impl Arguments {
    fn request(&self) -> anyhow::Result<RankingRequest> {
        let share = |name: &str, value: f64| {
            if (0.0..1.0).contains(&value) {
                Ok(value)
            } else {
                Err(UsageError(format!(
                    "{name}: {value} is no share from 0 to below 1"
                )))
            }
        };
        if self.count == 0 || self.seeds.is_empty() {
            return Err(UsageError("--count and --seeds: at least one is needed".into()).into());
        }
        let material = if let Some(truth) = &self.truth {
            Material::Known { truth: truth.clone() }
        } else if !self.mix.is_empty() {
            Material::Mixed {
                others: self.mix.clone(),
                share: share("--mix-rate", self.mix_rate)?,
            }
        } else {
            Material::Planted(Planting {
                kinds: if self.kinds.is_empty() {
                    PlantKind::ALL.to_vec()
                } else {
                    self.kinds.clone()
                },
                rate: share("--rate", self.rate)?,
                strength: self.strength,
                sn: self.sn,
                count: self.count,
                spectra: self.spectra,
            })
        };
        Ok(RankingRequest {
            inputs: self.catalogs.inputs(),
            settings: self.settings.resolve()?.settings,
            material,
            seeds: self.seeds.clone(),
            comparators: comparators(&self.comparators)?,
            odd: match &self.odd {
                Some(path) => benchmark::ids(path)?,
                None => Vec::new(),
            },
            stability: !self.no_stability,
            labels: self.labels.iter().copied().filter(|count| *count > 0).collect(),
            bootstraps: self.bootstraps,
        })
    }
}

pub fn run(arguments: &Arguments, cancel: &CancelToken) -> anyhow::Result<End> {
    start_logging(&arguments.common);
    let request = arguments.request()?;
    let json = arguments.common.json;
    let mut bars = Bars::new(&arguments.common);
    if let Some(path) = &arguments.export {
        let Some(exports) = benchmark::export(&request, path, &mut bars, cancel)? else {
            return Ok(End::Interrupted);
        };
        print::json_or(json, &exports, || {
            let lines = exports.iter().map(|one| {
                format!(
                    "{}: {} spectra, {} anomalies",
                    one.path.display(),
                    one.spectra,
                    one.anomalies
                )
            });
            lines.collect::<Vec<_>>().join("\n")
        })?;
        return Ok(End::Done);
    }
    let Some(report) = benchmark::ranking(&request, &mut bars, cancel)? else {
        return Ok(End::Interrupted);
    };
    print::json_or(json, &report, || text(&report))?;
    Ok(End::Done)
}

/// Normal spectra that outrank anomalies, listed at most.
const LISTED: usize = 10;

fn text(report: &RankingReport) -> String {
    let seeds: Vec<String> = report.seeds.iter().map(u64::to_string).collect();
    let mut lines = vec![
        format!(
            "{} spectra, {} anomalies; {}; seeds {}",
            report.spectra,
            report.anomalies,
            report.material,
            seeds.join(", ")
        ),
        String::new(),
        format!("{:<22} {}   ours above it by AUC, AP", "list", heading()),
    ];
    for list in &report.lists {
        let above = list.ours_above.map_or_else(String::new, |above| {
            format!(
                "   {:+.3} +-{:.3}  {:+.3} +-{:.3}",
                above.auc.value,
                above.auc.error,
                above.average_precision.value,
                above.average_precision.error
            )
        });
        lines.push(format!("{:<22} {}{above}", list.name, figures(&list.overall)));
        if let Some(part) = &list.without_odd {
            lines.push(format!("{:<22} {}", "  without the odd", figures(part)));
        }
        if let Some(ceiling) = list.ceiling {
            lines.push(format!(
                "  the odd ones leave an AP of {:.3} +-{:.3} to a list without any other false alarm",
                ceiling.value, ceiling.error
            ));
        }
    }
    if let Some(ours) = report.lists.first() {
        parts(&mut lines, "kind", &ours.by_kind);
        parts(&mut lines, "strength", &ours.by_strength);
        parts(&mut lines, "S/N", &ours.by_sn);
        lines.extend(rest(report, ours));
    }
    lines.push(String::new());
    lines.extend(report.files.iter().map(|path| path.display().to_string()));
    lines.join("\n")
}

fn heading() -> String {
    format!(
        "{:>5} {:<13} {:<13} {:<14}   half at",
        "count", "AUC", "AP", "first 1,5,10 %"
    )
}

fn figures(part: &Part) -> String {
    let half = part
        .half_found
        .map_or_else(|| "-".into(), |half| format!("{half:.0}"));
    format!(
        "{:>5} {:.3} +-{:.3}  {:.3} +-{:.3}  {:.2} {:.2} {:.2}   {half:>7}",
        part.anomalies,
        part.auc.value,
        part.auc.error,
        part.average_precision.value,
        part.average_precision.error,
        part.recall[0].value,
        part.recall[1].value,
        part.recall[2].value,
    )
}

fn parts(lines: &mut Vec<String>, name: &str, parts: &[Part]) {
    if parts.is_empty() {
        return;
    }
    lines.push(String::new());
    lines.push(format!("{name:<22} {}", heading()));
    lines.extend(
        parts
            .iter()
            .map(|part| format!("{:<22} {}", part.name, figures(part))),
    );
}

fn labeled(told: &Labeled) -> String {
    let (auc, precision) = (&told.gain.auc, &told.gain.average_precision);
    format!(
        "{} labels ({:.0} interesting) of one who {}: of the rest AUC {:.3} -> {:.3} ({:+.3} +-{:.3}), AP {:.3} -> {:.3} ({:+.3} +-{:.3})",
        told.labels,
        told.interesting,
        told.user.name(),
        told.before.auc.value,
        told.after.auc.value,
        auc.value,
        auc.error,
        told.before.average_precision.value,
        told.after.average_precision.value,
        precision.value,
        precision.error,
    )
}

/// Correlations, artifacts, labels, stability, repeats, and what outranks.
fn rest(report: &RankingReport, ours: &ListReport) -> Vec<String> {
    let number = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value:+.2}"));
    let mut lines = vec![String::new()];
    for (who, correlations) in [
        ("all", ours.correlations),
        ("normal ones", ours.correlations_of_normal),
    ] {
        lines.push(format!(
            "correlation of the score with S/N {}, redshift {}, masked fraction {} ({who})",
            number(correlations.sn),
            number(correlations.redshift),
            number(correlations.masked_fraction)
        ));
    }
    for told in [&report.artifacts, &report.artifact_regions]
        .into_iter()
        .flatten()
    {
        lines.push(format!(
            "artifacts ({}) told from the rest ({}) by {}: AUC {:.3} +-{:.3}",
            told.artifacts, told.astrophysical, told.by, told.auc.value, told.auc.error
        ));
    }
    lines.extend(report.labels.iter().map(labeled));
    if let Some(stability) = &report.stability {
        lines.push(format!(
            "trained again from another seed: {:.0} % of the first {} are the same ({} draws), correlation of the scores {}",
            100.0 * stability.agreement,
            stability.draws.first().map_or(0, |draw| draw.first),
            stability.draws.len(),
            number(stability.spearman)
        ));
    }
    if let Some(repeats) = &report.repeats {
        lines.push(format!(
            "{} pairs observed twice: median difference of their places {:.0} % of the list, correlation {}",
            repeats.pairs,
            repeats.median_difference,
            number(repeats.spearman)
        ));
    }
    if !report.outranking.is_empty() {
        lines.push(String::new());
        lines.push(format!(
            "{} normal spectra stand among the first {}; those that do in most draws:",
            report.outranking.len(),
            report.anomalies
        ));
        lines.extend(report.outranking.iter().take(LISTED).map(|one| {
            format!(
                "{:>3} of {} {:<22} S/N {:>5.1} best rank {:>4}{} {}",
                one.seeds,
                one.of,
                one.object_id,
                one.sn,
                one.best_rank,
                if one.known_odd { " (known odd)" } else { "" },
                one.reason
            )
        }));
    }
    lines
}
