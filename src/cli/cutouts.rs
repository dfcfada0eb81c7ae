//! `spectriage cutouts`: sky images fetched ahead, counted and cleared away.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::catalogs::Catalogs;
use super::progress::Bars;
use super::{Common, End, SettingFlags, print, start_logging};
use crate::cutout::{self, Cutouts, Holding};
use crate::pipeline::settings::Settings;
use crate::pipeline::{self, CancelToken, FetchSummary, Wanted};
use crate::tui::text::clean;
use crate::words::counted;

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// Fetch images into the cache, for figures and screens without a network; what is there is not fetched again
    Fetch(FetchArguments),
    /// Show where images are kept, and how many there are
    Info(PlaceArguments),
    /// Remove the fetched images: those of --cutout-dir where it is given, else those of the user's cache folder
    Clear(PlaceArguments),
}

#[derive(Debug, Clone, clap::Args)]
struct FetchArguments {
    #[command(flatten)]
    catalogs: Catalogs,
    /// Fetch those of the K strangest objects of the newest ranking of this catalog [default: those of all rows that --where selects]
    #[arg(long, value_name = "K", conflicts_with = "ids")]
    top: Option<usize>,
    /// Fetch that of this object; may be given several times
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    settings: SettingFlags,
}

#[derive(Debug, Clone, clap::Args)]
struct PlaceArguments {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    settings: SettingFlags,
}

pub fn run(arguments: &Arguments, cancel: &CancelToken) -> anyhow::Result<End> {
    match &arguments.action {
        Action::Fetch(arguments) => fetch(arguments, cancel),
        Action::Info(arguments) => info(arguments),
        Action::Clear(arguments) => clear(arguments),
    }
}

fn fetch(arguments: &FetchArguments, cancel: &CancelToken) -> anyhow::Result<End> {
    start_logging(&arguments.common);
    let settings = arguments.settings.resolve()?.settings;
    let wanted = match (arguments.top, &arguments.ids[..]) {
        (Some(count), _) => Wanted::Top(count),
        (None, []) => Wanted::Selected,
        (None, ids) => Wanted::Ids(ids.to_vec()),
    };
    if settings.cutouts.cutout_contact.is_none() && !settings.cutouts.offline && !arguments.common.quiet {
        eprintln!(
            "the services like to know whom to ask: --cutout-contact YOU@INSTITUTE, or cutout_contact in spectriage.toml"
        );
    }
    let mut bars = Bars::new(&arguments.common);
    let inputs = arguments.catalogs.inputs();
    let summary = pipeline::fetch_cutouts(&inputs, &settings, &wanted, &mut bars, cancel)?;
    drop(bars);
    print::json_or(arguments.common.json, &summary, || told(&summary))?;
    if let Some(why) = &summary.gave_up {
        anyhow::bail!("no service can be reached: {}", clean(why));
    }
    Ok(if summary.interrupted {
        End::Interrupted
    } else {
        End::Done
    })
}

fn told(summary: &FetchSummary) -> String {
    let fetched: u64 = summary.fetched.values().sum();
    let by: Vec<String> = summary
        .fetched
        .iter()
        .map(|(name, count)| format!("{count} from {name}"))
        .collect();
    let by = if by.is_empty() {
        String::new()
    } else {
        format!(" ({}, {:.1} MB)", by.join(", "), summary.bytes as f64 / 1e6)
    };
    let mut lines = vec![format!(
        "{}: {} fetched{by}",
        counted(summary.objects, "object"),
        counted(fetched, "image")
    )];
    for (count, what) in [
        (summary.at_hand, "were there already"),
        (summary.drawn, "are simulated, and drawn when they are shown"),
        (summary.no_coverage, "are in none of the surveys"),
        (summary.not_looked_for, "were not looked for"),
        (summary.failed, "failed"),
    ] {
        if count > 0 {
            lines.push(format!("  {count} {what}"));
        }
    }
    lines.extend(
        summary
            .reasons
            .iter()
            .map(|reason| format!("  {}", clean(reason))),
    );
    if let Some(folder) = &summary.folder {
        lines.push(format!("in {}", folder.display()));
    }
    if summary.interrupted {
        lines.push("interrupted; the same command goes on".into());
    }
    lines.join("\n")
}

fn info(arguments: &PlaceArguments) -> anyhow::Result<End> {
    start_logging(&arguments.common);
    let settings = arguments.settings.resolve()?.settings;
    let cutouts = of(&settings);
    let held: Vec<(PathBuf, BTreeMap<String, Holding>)> = cutouts
        .cache_folders()
        .iter()
        .map(|folder| (folder.clone(), cutout::holdings(folder)))
        .collect();
    let kept = cutouts.keeps_in();
    let value = json!({
        "folders": held.iter().map(|(folder, services)| json!({ "folder": folder, "services": services })).collect::<Vec<_>>(),
        "keeps_in": kept,
        "limit_mb": settings.cutouts.cutout_limit,
        "offline": settings.cutouts.offline,
    });
    print::json_or(arguments.common.json, &value, || {
        let mut lines = Vec::new();
        for (folder, services) in &held {
            let note = if Some(folder) == kept.as_ref() {
                "new images come here"
            } else {
                "read"
            };
            lines.push(format!("{} ({note})", folder.display()));
            for (service, holding) in services {
                lines.push(format!(
                    "  {service:<10} {:>7} images, {:>7} places without, {:>8.1} MB",
                    holding.images,
                    holding.absences,
                    holding.bytes as f64 / 1e6
                ));
            }
            if services.is_empty() {
                lines.push("  nothing yet".into());
            }
        }
        lines.push(match settings.cutouts.cutout_limit {
            0 => "no limit".into(),
            limit => format!("at most {limit} MB"),
        });
        lines.join("\n")
    })?;
    Ok(End::Done)
}

fn clear(arguments: &PlaceArguments) -> anyhow::Result<End> {
    start_logging(&arguments.common);
    let settings = arguments.settings.resolve()?.settings;
    let cutouts = of(&settings);
    let Some(folder) = cutouts.cache_folders().first() else {
        anyhow::bail!("there is no cache folder; give one with --cutout-dir");
    };
    let (files, bytes) = cutout::clear(folder)
        .map_err(|error| anyhow::anyhow!("{} cannot be cleared: {error}", folder.display()))?;
    let value = json!({ "folder": folder, "files": files, "bytes": bytes });
    print::json_or(arguments.common.json, &value, || {
        format!(
            "{}: {} removed, {:.1} MB",
            folder.display(),
            counted(files, "file"),
            bytes as f64 / 1e6
        )
    })?;
    Ok(End::Done)
}

fn of(settings: &Settings) -> Cutouts {
    Cutouts::of(&settings.cutouts, settings.output.cutout_dir.clone())
}
