//! `spectriage similar`: the objects of a ranking most like one of them.

use super::{Common, End, SettingFlags, print, start_logging};
use crate::pipeline::{self, Neighbors};

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Object id, as in the ranking
    #[arg(value_name = "ID")]
    id: String,
    /// Number of the ranking [default: the newest of the metadata folder]
    #[arg(long, value_name = "N")]
    ranking: Option<u64>,
    /// So many at most
    #[arg(short = 'k', long = "count", value_name = "K", default_value_t = 20)]
    count: usize,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    settings: SettingFlags,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<End> {
    start_logging(&arguments.common);
    let settings = arguments.settings.resolve()?.settings;
    let folder = &settings.output.metadata_dir;
    let found = pipeline::similar(folder, arguments.ranking, &arguments.id, arguments.count)?;
    print::json_or(arguments.common.json, &found, || text(&found))?;
    Ok(End::Done)
}

fn text(found: &Neighbors) -> String {
    let mut lines = vec![format!(
        "{:>8} {:>5} {:>8} {:>8} {:<22} reason",
        "distance", "rank", "score", "z", "object"
    )];
    lines.extend(found.neighbors.iter().map(|like| {
        let z = like.z.map_or_else(|| "-".into(), |z| format!("{z:.4}"));
        format!(
            "{:>8.2} {:>5} {:>8.2} {z:>8} {:<22} {}",
            like.distance, like.rank, like.score, like.object_id, like.reason
        )
    }));
    lines.push(format!(
        "\nranking {}: compared with the {} of its {} other spectra that the same network judged",
        found.ranking,
        found.compared,
        found.of.saturating_sub(1)
    ));
    lines.join("\n")
}
