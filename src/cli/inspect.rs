//! `spectriage inspect`: what is known of one object.

use serde_json::{Value, json};

use super::catalogs::Catalogs;
use super::{Common, End, SettingFlags, print, start_logging};
use crate::anomaly::percentile_words;
use crate::catalog::Catalog;
use crate::pipeline::{self, Inspection};

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Object id or target id
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    catalogs: Catalogs,
    /// With --json: flux, ivar and wavelength too
    #[arg(long)]
    pixels: bool,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    settings: SettingFlags,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<End> {
    start_logging(&arguments.common);
    let settings = arguments.settings.resolve()?.settings;
    let catalog = Catalog::open(&arguments.catalogs.inputs())?;
    let inspection = pipeline::inspect(&catalog, &arguments.id, &settings.output.metadata_dir)?;
    print::json_or(
        arguments.common.json,
        &as_json(&inspection, arguments.pixels),
        || text(&inspection),
    )?;
    Ok(End::Done)
}

fn as_json(inspection: &Inspection, pixels: bool) -> Value {
    let spectrum = &inspection.spectrum;
    // A ranking without the object says nothing of it.
    let told = inspection
        .ranked
        .as_ref()
        .filter(|ranked| ranked.verdict.is_some());
    let mut value = json!({
        "facts": spectrum.facts,
        "pixels": spectrum.len(),
        "valid_pixels": inspection.valid_pixels,
        "wavelength_min": spectrum.grid.at(0),
        "wavelength_max": spectrum.grid.at(spectrum.len() - 1),
        "median_sn": inspection.median_sn,
        "ivar_estimated": spectrum.ivar_estimated,
        "ranking": told.map(|ranked| ranked.ranking),
        "of_this_catalog": told.map(|ranked| ranked.of_this_catalog),
        "verdict": told.and_then(|ranked| ranked.verdict.as_ref()),
    });
    if pixels {
        value["wavelength"] = json!(spectrum.grid.wavelengths());
        value["flux"] = json!(spectrum.flux);
        value["ivar"] = json!(spectrum.ivar);
        value["mask"] = json!(spectrum.mask);
    }
    value
}

fn text(inspection: &Inspection) -> String {
    let spectrum = &inspection.spectrum;
    let facts = serde_json::to_value(&spectrum.facts).unwrap_or_default();
    let mut lines: Vec<String> = facts
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| {
            format!(
                "{name:<20} {}",
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            )
        })
        .collect();
    let (first, last) = (spectrum.grid.at(0), spectrum.grid.at(spectrum.len() - 1));
    lines.push(format!(
        "{:<20} {} ({} valid), {first:.1}-{last:.1} Å vacuum",
        "pixels",
        spectrum.len(),
        inspection.valid_pixels
    ));
    lines.push(format!(
        "{:<20} {:.2} a pixel (median)",
        "S/N", inspection.median_sn
    ));
    if spectrum.ivar_estimated {
        lines.push(format!("{:<20} estimated from the scatter of the flux", "ivar"));
    }
    let Some(ranked) = &inspection.ranked else {
        lines.push("\nnot in a ranking yet".into());
        return lines.join("\n");
    };
    let of = if ranked.of_this_catalog {
        ""
    } else {
        " (of another catalog)"
    };
    let n = ranked.ranking;
    match &ranked.verdict {
        Some(verdict) => {
            let label = if verdict.anomalous {
                "anomalous"
            } else {
                "ordinary"
            };
            lines.push(format!(
                "\nranking {n}{of}: rank {}, score {:.2}, percentile {}, {label}",
                verdict.rank,
                verdict.score,
                percentile_words(verdict.percentile)
            ));
            lines.push(format!("reason: {}", verdict.reason));
            for region in &verdict.regions {
                let likely = region
                    .artifact_probability
                    .map_or_else(String::new, |p| format!(" artifact {:>3.0}%,", 100.0 * p));
                lines.push(format!(
                    "  {:>7.1}-{:<7.1} Å observed, {:>7.1}-{:<7.1} rest, {:>7.1} sigma,{likely} {:>3.0}% artifact-prone {}",
                    region.wavelength_min, region.wavelength_max, region.rest_min, region.rest_max, region.significance,
                    100.0 * region.artifact_fraction, region.line.as_deref().unwrap_or("")
                ));
            }
        }
        None if ranked.of_this_catalog => {
            lines.push(format!("\nnot in ranking {n}, the newest of this catalog"))
        }
        None => lines.push("\nno ranking of this catalog yet".into()),
    }
    lines.join("\n")
}
