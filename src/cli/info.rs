//! `spectriage info`: what a catalog holds, or what the settings are.

use serde_json::{Value, json};

use super::catalogs::Catalogs;
use super::{Common, End, SettingFlags, print, start_logging};
use crate::catalog::{Catalog, Query};
use crate::model::DeviceKind;
use crate::pipeline::settings::{Origin, Resolved, TABLE};
use crate::spectrum::WavelengthGrid;
use crate::words::counted;

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    catalogs: Catalogs,
    /// Print the resolved settings, with where each comes from, as a spectriage.toml
    #[arg(long = "settings", id = "show_settings")]
    settings_only: bool,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    flags: SettingFlags,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<End> {
    start_logging(&arguments.common);
    let resolved = arguments.flags.resolve()?;
    if arguments.settings_only {
        print::json_or(arguments.common.json, &settings_json(&resolved), || {
            settings_toml(&resolved)
        })?;
        return Ok(End::Done);
    }
    let catalog = Catalog::open_table(&arguments.catalogs.inputs())?;
    let selection = resolved.settings.selection;
    let query = Query {
        filter: selection.r#where,
        order_by: selection.order_by,
        limit: selection.limit,
    };
    let selected = catalog.select(&query)?.len() as u64;
    print::json_or(arguments.common.json, &describe(&catalog, selected), || {
        text(&catalog, selected)
    })?;
    Ok(End::Done)
}

fn settings_json(resolved: &Resolved) -> Value {
    let rows: serde_json::Map<String, Value> = TABLE
        .iter()
        .map(|entry| {
            let row =
                json!({ "value": resolved.settings.value(entry), "origin": resolved.origins[entry.key] });
            (format!("{}.{}", entry.group, entry.key), row)
        })
        .collect();
    Value::Object(rows)
}

/// The settings as a file that can be used as it is: values at their default are comments.
fn settings_toml(resolved: &Resolved) -> String {
    let mut lines = vec![format!(
        "# spectriage {}; devices of this build: {}",
        env!("CARGO_PKG_VERSION"),
        DeviceKind::available()
            .into_iter()
            .map(DeviceKind::name)
            .collect::<Vec<_>>()
            .join(", ")
    )];
    let mut group = "";
    for entry in TABLE {
        if entry.group != group {
            group = entry.group;
            lines.push(format!("\n[{group}]"));
        }
        let value = resolved.settings.value(entry);
        let (default, from) = match &resolved.origins[entry.key] {
            Origin::Default => (true, String::new()),
            Origin::File(path) => (false, format!("  # from {}", path.display())),
            Origin::Environment(name) | Origin::Flag(name) => (false, format!("  # from {name}")),
        };
        let (mark, value) = match value {
            Value::Null => ("# ", "(not set)".to_string()),
            value => (if default { "# " } else { "" }, value.to_string()),
        };
        lines.push(format!("{mark}{} = {value}{from}", entry.key));
    }
    lines.join("\n")
}

fn describe(catalog: &Catalog, selected: u64) -> Value {
    json!({
        "rows": catalog.len(),
        "selected": selected,
        "layouts": catalog.layouts().iter().map(|layout| format!("{layout:?}")).collect::<Vec<_>>(),
        "digest": catalog.digest(),
        "files": catalog.files().iter().map(|file| json!({
            "path": file.path, "rows": file.rows, "bytes": file.bytes, "row_groups": file.row_groups,
        })).collect::<Vec<_>>(),
        "grids": catalog.grids().iter().map(|grid| json!(**grid)).collect::<Vec<_>>(),
        "columns": catalog.columns().fields().iter().map(|field| json!({
            "name": field.name(), "type": field.data_type().to_string(),
        })).collect::<Vec<_>>(),
        "provenance": catalog.provenance(),
        "acknowledgements": catalog.acknowledgements(),
    })
}

fn text(catalog: &Catalog, selected: u64) -> String {
    const SHOWN: usize = 20;
    let layouts: Vec<String> = catalog.layouts().iter().map(ToString::to_string).collect();
    let (files, grids) = (catalog.files(), catalog.grids());
    let more = |of: usize| (of > SHOWN).then(|| format!("  and {} more", of - SHOWN));
    let mut lines = vec![format!(
        "{} in {}, layout: {}",
        counted(catalog.len(), "row"),
        counted(files.len(), "file"),
        layouts.join(", ")
    )];
    if selected < catalog.len() {
        lines.push(format!("{} selected", counted(selected, "row")));
    }
    for file in files.iter().take(SHOWN) {
        let size = file.bytes as f64 / 1e6;
        lines.push(format!(
            "  {}: {}, {}, {size:.1} MB",
            file.path.display(),
            counted(file.rows, "row"),
            counted(file.row_groups, "row group")
        ));
    }
    lines.extend(more(files.len()));
    for grid in grids.iter().take(SHOWN) {
        let (first, last) = (grid.at(0), grid.at(grid.len().max(1) - 1));
        let kind = match **grid {
            WavelengthGrid::Linear { step, .. } => format!("by {step} Å"),
            WavelengthGrid::Log10 { step, .. } => format!("by {step} dex"),
            WavelengthGrid::Listed { .. } => "listed".into(),
        };
        lines.push(format!(
            "grid: {} pixels, {first:.1}-{last:.1} Å vacuum, {kind}",
            grid.len()
        ));
    }
    lines.extend(more(grids.len()));
    lines.push("columns:".into());
    for field in catalog.columns().fields() {
        lines.push(format!("  {:<24} {}", field.name(), field.data_type()));
    }
    for acknowledgement in catalog.acknowledgements() {
        lines.push(format!("acknowledgement: {acknowledgement}"));
    }
    lines.join("\n")
}
