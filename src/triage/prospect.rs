//! The files of DESI's visual inspection with prospect: `desi-vi_<title>_<scanner>.csv`.

use std::io::{self, Write};
use std::path::Path;

use super::TriageError;
use super::files::{Format, LabelFile, LabelRow, Row, bare, foreign};
use super::label::{CLASSES, Issues, Label, NOTHING};
use super::tags::{self, LONGEST, Tag};
use crate::spectrum::Facts;

/// `desi-vi_<title>_<scanner>.csv`
pub fn file_name(title: &str, scanner: &str) -> String {
    let plain = |text: &str| text.replace(|c: char| !(c.is_ascii_alphanumeric() || "-.".contains(c)), "-");
    format!("desi-vi_{}_{}.csv", plain(title), plain(scanner))
}

/// Reads a file by its header; columns may be missing, foreign ones are passed over.
///
/// Errors: no TARGETID or none of the VI columns; a cell that cannot be meant.
pub fn read(path: &Path, text: &str) -> Result<LabelFile, TriageError> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let broken = |error: csv::Error| foreign(path, error.to_string());
    let header: Vec<String> = reader
        .headers()
        .map_err(broken)?
        .iter()
        .map(str::to_owned)
        .collect();
    let has = |name: &str| header.iter().any(|column| column.eq_ignore_ascii_case(name));
    if !has("TARGETID")
        || !header
            .iter()
            .any(|column| column.to_ascii_uppercase().starts_with("VI_"))
    {
        let columns: String = header.join(", ").chars().take(120).collect();
        let what = format!(
            "its first line should name TARGETID and columns like VI_quality, and says `{}`",
            columns.escape_debug()
        );
        return Err(foreign(path, what));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let line = record.position().map_or(0, csv::Position::line);
        let row = Row {
            path,
            line,
            header: &header,
            cells: record.iter().collect(),
        };
        let label = label(&row)?;
        if row.get("TARGETID").is_empty() {
            return Err(row.wrong("TARGETID", "no id"));
        }
        if label.is_empty() {
            continue;
        }
        rows.push(LabelRow {
            id: row.get("TARGETID").to_owned(),
            by: Some(row.get("VI_scanner").to_owned()).filter(|by| !by.is_empty()),
            at: None,
            label,
        });
    }
    Ok(LabelFile {
        format: Format::Prospect,
        rows,
        notes: Vec::new(),
    })
}

fn label(row: &Row) -> Result<Label, TriageError> {
    let quality = match row.get("VI_quality") {
        // prospect's "not yet"
        "" | "-1" | NOTHING => None,
        // Tables that went through a program with floats.
        text => match text.parse::<f64>() {
            Ok(quality) if (0.0..=4.0).contains(&quality) && quality.fract() == 0.0 => Some(quality as u8),
            _ => return Err(row.wrong("VI_quality", "none of 0 to 4")),
        },
    };
    let issues = match row.get("VI_issue") {
        NOTHING => Issues::default(),
        letters => Issues::parse(letters)
            .map_err(|letter| row.wrong("VI_issue", format!("no issue: `{letter}` is none of R, C, S")))?,
    };
    let masked = |text: &str| text.is_empty() || text == NOTHING;
    let mut label = Label {
        quality,
        issues,
        class: Some(row.get("VI_spectype").to_owned()).filter(|class| !masked(class)),
        z: if masked(row.get("VI_z")) {
            None
        } else {
            row.redshift("VI_z")?
        },
        ..Label::default()
    };
    let comment = row.get("VI_comment");
    tags::read(if masked(comment) { "" } else { comment }, &mut label);
    Ok(label.tidy())
}

/// Writes labels of `scanner` with what the catalog says; returns notes on what does not fit the format.
///
/// Errors: those of `out`.
pub fn write(
    out: &mut dyn Write,
    scanner: &str,
    rows: &[(&str, Option<&Facts>, &Label)],
) -> io::Result<Vec<String>> {
    let any = |of: fn(&Facts) -> bool| rows.iter().any(|(_, facts, _)| facts.is_some_and(of));
    // A column is absent where the source has no such value.
    let spectype = any(|facts| facts.spectype.is_some());
    let redshift = any(|facts| facts.z.is_some());
    let deltachi2 = any(|facts| facts.deltachi2.is_some());
    let mut header = vec!["TARGETID"];
    for (there, name) in [
        (spectype, "Redrock_spectype"),
        (redshift, "Redrock_z"),
        (deltachi2, "Redrock_deltachi2"),
    ] {
        if there {
            header.push(name);
        }
    }
    header.extend([
        "VI_scanner",
        "VI_quality",
        "VI_issue",
        "VI_z",
        "VI_spectype",
        "VI_comment",
    ]);
    let mut csv = csv::WriterBuilder::new().from_writer(out);
    csv.write_record(&header)?;
    let mut notes = Notes::default();
    for (object_id, facts, label) in rows {
        let bare = bare(object_id);
        let facts = facts.unwrap_or(&bare);
        let number = |value: Option<f64>, decimals: usize| {
            let value = value.filter(|value| value.is_finite());
            value.map_or_else(String::new, |value| format!("{value:.decimals$}"))
        };
        let mut cells = vec![match facts.targetid {
            Some(targetid) => targetid.to_string(),
            None => {
                notes.nameless += 1;
                tags::cell(object_id).0
            }
        }];
        if spectype {
            cells.push(tags::cell(facts.spectype.as_deref().unwrap_or_default()).0);
        }
        if redshift {
            cells.push(number(facts.z, 4));
        }
        if deltachi2 {
            cells.push(number(facts.deltachi2, 1));
        }
        let known = label
            .class
            .as_deref()
            .is_none_or(|class| CLASSES.contains(&class));
        let wanted: &[Tag] = if known {
            &[Tag::Interesting]
        } else {
            &[Tag::Interesting, Tag::Class]
        };
        let (comment, lost) = tags::comment(label, wanted, LONGEST);
        notes.changed += usize::from(lost);
        cells.extend([
            tags::cell(scanner).0,
            label
                .quality
                .map_or_else(|| "-1".to_owned(), |quality| quality.to_string()),
            label.issues.to_string(),
            number(label.z, 4),
            label.class.clone().filter(|_| known).unwrap_or_default(),
            comment,
        ]);
        csv.write_record(&cells)?;
    }
    csv.flush()?;
    Ok(notes.words())
}

/// What did not fit, counted.
#[derive(Default)]
pub(super) struct Notes {
    pub nameless: usize,
    pub unplaced: usize,
    pub changed: usize,
}

impl Notes {
    pub fn words(&self) -> Vec<String> {
        let lines = [
            (
                self.nameless,
                "without a TARGETID: their object id stands in its place",
            ),
            (self.unplaced, "without a position: RA and DEC are 0"),
            (
                self.changed,
                "with a comment that was changed or cut: the format holds ASCII without commas, at most 100 characters",
            ),
        ];
        let told = lines.into_iter().filter(|(count, _)| *count > 0);
        told.map(|(count, what)| format!("{count} {} {what}", if count == 1 { "object" } else { "objects" }))
            .collect()
    }
}
