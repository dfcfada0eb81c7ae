//! The worker behind the files: lists the folders and opens what is to be previewed.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::catalog::Catalog;
use crate::pipeline::settings::OutputSettings;
use crate::tui::text::counted;
use crate::tui::worker;

#[derive(Debug)]
pub enum Request {
    List,
    Preview { path: PathBuf },
}

impl worker::Request for Request {
    fn slot(&self) -> Option<u8> {
        Some(match self {
            Self::List => 0,
            Self::Preview { .. } => 1,
        })
    }
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: PathBuf,
    pub bytes: u64,
    pub is_figure: bool,
    modified: SystemTime,
}

impl Entry {
    pub fn name(&self) -> String {
        self.path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }
}

#[derive(Debug)]
pub enum Answer {
    /// The newest first.
    Listed(Vec<Entry>),
    Preview(PathBuf, Preview),
}

#[derive(Debug)]
pub enum Preview {
    Text(Vec<String>),
    Failed(String),
}

pub fn serve(output: &OutputSettings, request: Request) -> Answer {
    match request {
        Request::List => {
            let mut entries = list(&output.images_dir, true);
            if output.metadata_dir != output.images_dir {
                entries.extend(list(&output.metadata_dir, false));
            }
            entries.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.path.cmp(&b.path)));
            Answer::Listed(entries)
        }
        Request::Preview { path } => {
            let preview = preview(&path).unwrap_or_else(Preview::Failed);
            Answer::Preview(path, preview)
        }
    }
}

/// The files of a folder; one that is not there has none.
fn list(folder: &Path, is_figure: bool) -> Vec<Entry> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            (metadata.is_file() && !hidden).then(|| Entry {
                path: entry.path(),
                bytes: metadata.len(),
                is_figure,
                modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            })
        })
        .collect()
}

/// Lines of a text that are shown at most.
const LINES: usize = 2000;
/// And as many of its bytes are read.
const BYTES: u64 = 1 << 20;

fn preview(path: &Path) -> Result<Preview, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let extension = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    match extension.as_str() {
        "parquet" => parquet(path).map(Preview::Text),
        "bpk" => {
            let bytes = fs::metadata(path).map_err(failed)?.len();
            Ok(Preview::Text(vec![
                format!(
                    "A checkpoint of {bytes} bytes: the trained networks and all that is needed to go on."
                ),
                format!("spectriage rank --checkpoint {}", path.display()),
            ]))
        }
        _ => {
            let mut text = Vec::new();
            let file = File::open(path).map_err(failed)?;
            file.take(BYTES).read_to_end(&mut text).map_err(failed)?;
            Ok(Preview::Text(
                String::from_utf8_lossy(&text)
                    .lines()
                    .take(LINES)
                    .map(str::to_owned)
                    .collect(),
            ))
        }
    }
}

/// The columns and the first rows of a table.
fn parquet(path: &Path) -> Result<Vec<String>, String> {
    const ROWS: u64 = 100;
    let table = Catalog::open_table(&[path.display().to_string()]).map_err(|error| error.to_string())?;
    let schema = table.columns();
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .filter(|name| *name != "row")
        .collect();
    let rows: Vec<u64> = (0..table.len().min(ROWS)).collect();
    let batch = table
        .table(&names, Some(&rows))
        .map_err(|error| error.to_string())?;
    let mut csv = Vec::new();
    arrow::csv::WriterBuilder::new()
        .build(&mut csv)
        .write(&batch)
        .map_err(|error| error.to_string())?;
    let mut lines = vec![format!(
        "{}, {}",
        counted(table.len(), "row"),
        counted(names.len(), "column")
    )];
    lines.extend(String::from_utf8_lossy(&csv).lines().map(str::to_owned));
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_file_is_the_first_and_hidden_ones_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let output = OutputSettings {
            images_dir: folder.path().join("images"),
            metadata_dir: folder.path().join("metadata"),
            ..OutputSettings::default()
        };
        let Answer::Listed(none) = serve(&output, Request::List) else {
            panic!("a list");
        };
        assert!(none.is_empty());
        fs::create_dir_all(&output.images_dir).unwrap();
        fs::create_dir_all(&output.metadata_dir).unwrap();
        for (name, seconds) in [("old.json", 10), (".draft.tmp", 30), ("new.json", 20)] {
            let file = File::create(output.metadata_dir.join(name)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
                .unwrap();
        }
        fs::write(output.images_dir.join("figure.png"), "not an image").unwrap();
        let Answer::Listed(entries) = serve(&output, Request::List) else {
            panic!("a list");
        };
        let names: Vec<String> = entries.iter().map(Entry::name).collect();
        assert_eq!(names, ["figure.png", "new.json", "old.json"]);
        let preview = |entry: &Entry| {
            let request = Request::Preview {
                path: entry.path.clone(),
            };
            match serve(&output, request) {
                Answer::Preview(_, preview) => preview,
                Answer::Listed(_) => panic!("a preview"),
            }
        };
        assert!(matches!(preview(&entries[1]), Preview::Text(lines) if lines.is_empty()));
    }
}
