//! One row, and the schema of the files, as lines of text.

use crate::catalog::{Footer, StoredColumn};
use crate::pipeline::browse::SheetLine;
use crate::tui::text;

/// Name, value with unit, and what it is.
pub fn sheet(lines: &[SheetLine]) -> Vec<String> {
    let widest = |width: &dyn Fn(&SheetLine) -> usize, most: usize| {
        lines.iter().map(width).max().unwrap_or(0).min(most)
    };
    let value = |line: &SheetLine| match line.unit.as_str() {
        "" => line.text.clone(),
        unit => format!("{} {unit}", line.text),
    };
    let name_width = widest(&|line| text::width(&line.name), 28);
    let value_width = widest(&|line| text::width(&value(line)), 34);
    let line = |line: &SheetLine| {
        let value = text::clean(&value(line)).into_owned();
        // A long value is shown in full, and pushes its description aside.
        let value = match text::width(&value) > value_width {
            true => value,
            false => text::pad(&value, value_width),
        };
        let text = format!(
            "{}  {value}  {}",
            text::pad(&text::clean(&line.name), name_width),
            line.description
        );
        text.trim_end().to_owned()
    };
    lines.iter().map(line).collect()
}

/// Lines of each file's footer that are shown of its keys and values.
const LONGEST_VALUE: usize = 2000;
/// Files of which all is said.
const FILES: usize = 20;

/// Files, row groups, columns with codecs and sizes, keys and values.
pub fn schema(footers: impl Iterator<Item = Footer>) -> Vec<String> {
    let mut lines = Vec::new();
    for (number, footer) in footers.enumerate() {
        if number >= FILES {
            lines.push(footer.path.display().to_string());
            continue;
        }
        lines.extend(file(&footer));
        lines.push(String::new());
    }
    lines
}

fn file(footer: &Footer) -> Vec<String> {
    let groups = &footer.groups;
    let rows = |pick: fn(u64, u64) -> u64| groups.iter().map(|group| group.rows).reduce(pick).unwrap_or(0);
    let index = match footer.page_index {
        true => "with a page index",
        false => "without a page index",
    };
    let program = match footer.created_by.as_str() {
        "" => "an unknown program",
        program => program,
    };
    let mut lines = vec![
        footer.path.display().to_string(),
        format!(
            "{}, {}, {}",
            text::counted(footer.rows, "row"),
            size(footer.bytes),
            footer.layout
        ),
        format!("Parquet {}, {index}, written by {program}", footer.version),
        format!(
            "{} of {} to {} rows",
            text::counted(groups.len(), "row group"),
            rows(u64::min),
            rows(u64::max)
        ),
        String::new(),
    ];
    let widest = |text: fn(&StoredColumn) -> String, least: usize| {
        let widths = footer.columns.iter().map(|column| text::width(&text(column)));
        widths.max().unwrap_or(0).max(least)
    };
    let codecs = |column: &StoredColumn| column.codecs.join(",");
    let (path_width, kind_width) = (widest(|c| c.path.clone(), 6), widest(|c| c.kind.clone(), 4));
    let codec_width = widest(codecs, 5);
    lines.push(format!(
        "{:<path_width$}  {:<kind_width$}  {:<codec_width$}  {:>8}  {:>5}  {:>8}  encodings",
        "column", "type", "codec", "stored", "ratio", "nulls"
    ));
    for column in &footer.columns {
        let ratio = column.plain as f64 / column.stored.max(1) as f64;
        let nulls = column
            .nulls
            .map_or_else(|| "-".to_owned(), |nulls| nulls.to_string());
        let bloom = match column.bloom_filter {
            true => ", bloom filter",
            false => "",
        };
        lines.push(format!(
            "{:<path_width$}  {:<kind_width$}  {:<codec_width$}  {:>8}  {ratio:>5.2}  {nulls:>8}  {}{bloom}",
            column.path,
            column.kind,
            codecs(column),
            size(column.stored),
            column.encodings.join(",")
        ));
    }
    if !footer.keys.is_empty() {
        lines.push(String::new());
    }
    for (key, value) in &footer.keys {
        lines.push(format!("{key}:"));
        let cut: String = value.chars().take(LONGEST_VALUE).collect();
        lines.extend(cut.lines().map(|line| format!("    {line}")));
    }
    lines
}

fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        b if b >= 1e9 => format!("{:.2} GB", b / 1e9),
        b if b >= 1e6 => format!("{:.1} MB", b / 1e6),
        b if b >= 1e3 => format!("{:.1} kB", b / 1e3),
        b => format!("{b} B"),
    }
}
