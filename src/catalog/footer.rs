//! What the footers say of a file: row groups, columns, codecs, sizes, and the writer's own keys.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;

use super::Catalog;
use super::file::CatalogFile;

/// The footer of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Footer {
    pub path: PathBuf,
    pub bytes: u64,
    pub rows: u64,
    pub layout: String,
    pub created_by: String,
    /// Version of the Parquet format.
    pub version: i32,
    /// Whether every column says where its pages begin.
    pub page_index: bool,
    pub groups: Vec<RowGroup>,
    pub columns: Vec<StoredColumn>,
    /// The writer's keys and values, Arrow's encoded schema left out.
    pub keys: Vec<(String, String)>,
}

/// A row group of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RowGroup {
    pub rows: u64,
    /// Bytes in the file.
    pub stored: u64,
    /// Bytes when decompressed.
    pub plain: u64,
}

/// A leaf column of a file over all its row groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredColumn {
    /// With dots between the parts: `flux.list.element`.
    pub path: String,
    /// The physical type, and the logical one where there is one.
    pub kind: String,
    pub codecs: Vec<String>,
    pub encodings: Vec<String>,
    pub stored: u64,
    pub plain: u64,
    /// Values missing, where every row group counts them.
    pub nulls: Option<u64>,
    pub bloom_filter: bool,
}

impl Catalog {
    /// The footer of a file by its place in [`files`](Self::files); `None` where there is no such file. Reads nothing.
    pub fn footer(&self, file: usize) -> Option<Footer> {
        self.inner.files.get(file).map(footer)
    }
}

fn footer(file: &CatalogFile) -> Footer {
    let footer = file.footer();
    let positive = |bytes: i64| u64::try_from(bytes).unwrap_or(0);
    let groups = footer.row_groups().iter().map(|group| RowGroup {
        rows: positive(group.num_rows()),
        stored: group
            .columns()
            .iter()
            .map(|c| positive(c.compressed_size()))
            .sum(),
        plain: group
            .columns()
            .iter()
            .map(|c| positive(c.uncompressed_size()))
            .sum(),
    });
    let leaves = footer.file_metadata().schema_descr().num_columns();
    Footer {
        path: file.path.clone(),
        bytes: file.bytes,
        rows: file.rows,
        layout: file.layout.kind.to_string(),
        created_by: footer.file_metadata().created_by().unwrap_or_default().to_owned(),
        version: footer.file_metadata().version(),
        page_index: file.has_page_index(),
        groups: groups.collect(),
        columns: (0..leaves).map(|leaf| column(file, leaf)).collect(),
        keys: file
            .keys()
            .into_iter()
            .filter(|(key, _)| key != "ARROW:schema")
            .collect(),
    }
}

/// The name of a variant in small letters, without what is in it.
fn word(variant: &str) -> String {
    let name = variant.split(['(', ' ']).next().unwrap_or(variant);
    name.to_lowercase()
}

fn column(file: &CatalogFile, leaf: usize) -> StoredColumn {
    let described = file.footer().file_metadata().schema_descr().column(leaf);
    let positive = |bytes: i64| u64::try_from(bytes).unwrap_or(0);
    let mut codecs = BTreeSet::new();
    let mut encodings = BTreeSet::new();
    let (mut stored, mut plain, mut nulls, mut bloom_filter) = (0, 0, Some(0u64), false);
    for group in file.footer().row_groups() {
        let chunk = group.column(leaf);
        codecs.insert(word(&format!("{:?}", chunk.compression())));
        encodings.extend(chunk.encodings().map(|encoding| word(&format!("{encoding:?}"))));
        stored += positive(chunk.compressed_size());
        plain += positive(chunk.uncompressed_size());
        let here = chunk
            .statistics()
            .and_then(|statistics| statistics.null_count_opt());
        nulls = nulls.zip(here).map(|(sum, here)| sum.saturating_add(here));
        bloom_filter |= chunk.bloom_filter_offset().is_some();
    }
    let physical = described.physical_type().to_string().to_lowercase();
    let kind = match described.self_type().get_basic_info().logical_type_ref() {
        Some(logical) => format!("{physical} ({})", word(&format!("{logical:?}"))),
        None => physical,
    };
    StoredColumn {
        path: described.path().string(),
        kind,
        codecs: codecs.into_iter().collect(),
        encodings: encodings.into_iter().collect(),
        stored,
        plain,
        nulls,
        bloom_filter,
    }
}
