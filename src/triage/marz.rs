//! The files of Marz, `.mz`: two lines of comment, the second with the names of the columns, then a line an object.
//!
//! Marz's QOP and our quality: 4, 3, 2 are alike; 1 is "no redshift", which is our 1, and our 0 with a tag in the comment; 6 is a
//! star that one is sure of, which is quality 4 and class STAR; 0 is unset.

use std::io::{self, Write};
use std::path::Path;

use super::TriageError;
use super::files::{Format, LabelFile, LabelRow, Row, bare, foreign};
use super::label::Label;
use super::prospect::Notes;
use super::tags::{self, LONGEST, Tag};
use crate::spectrum::Facts;

const COLUMNS: [&str; 15] = [
    "ID", "Name", "RA", "DEC", "Mag", "Type", "AutoTID", "AutoTN", "AutoZ", "AutoXCor", "FinTID", "FinTN",
    "FinZ", "QOP", "Comment",
];

/// Marz's word for no template.
const UNSPECIFIED: &str = "Unspecified";

/// Reads a file by the names in its comments; columns may be missing, foreign ones are passed over.
///
/// `FinZ` is a redshift of the label only where it differs from `AutoZ`, which Marz writes there where nobody typed one.
///
/// Errors: no line of comment that names the columns; a cell that cannot be meant.
pub fn read(path: &Path, text: &str) -> Result<LabelFile, TriageError> {
    let mut header: Option<Vec<String>> = None;
    let mut rows = Vec::new();
    let mut initials = None;
    for (number, line) in text.lines().enumerate() {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        if let Some(comment) = line.trim_start().strip_prefix('#') {
            if cells.iter().any(|cell| cell.eq_ignore_ascii_case("QOP")) {
                header = Some(comment.split(',').map(|name| name.trim().to_owned()).collect());
            } else if let Some(found) = found_initials(comment) {
                initials = Some(found);
            }
            continue;
        }
        if line.trim().is_empty() {
            continue;
        }
        let Some(header) = &header else { break };
        let row = Row {
            path,
            line: number as u64 + 1,
            header,
            cells,
        };
        let id = [row.get("Name"), row.get("ID")]
            .into_iter()
            .find(|id| !id.is_empty());
        let id = id.ok_or_else(|| row.wrong("Name", "no name, and ID is empty too"))?;
        let label = label(&row)?;
        if !label.is_empty() {
            rows.push(LabelRow {
                id: id.to_owned(),
                by: initials.clone(),
                at: None,
                label,
            });
        }
    }
    if header.is_none() {
        return Err(foreign(
            path,
            "it begins with `#`, but no such line names ID, Name and QOP",
        ));
    }
    Ok(LabelFile {
        format: Format::Marz,
        rows,
        notes: Vec::new(),
    })
}

/// The scanner, where the first line has `Initials: ABC` in any dress.
fn found_initials(comment: &str) -> Option<String> {
    let (_, after) = comment.split_once("nitials")?;
    let plain = |c: &char| c.is_alphanumeric() || "-_.".contains(*c);
    let name: String = after
        .chars()
        .skip_while(|c| !plain(c))
        .take_while(plain)
        .collect();
    Some(name).filter(|name| !name.is_empty())
}

fn label(row: &Row) -> Result<Label, TriageError> {
    let mut label = Label::default();
    match row.get("QOP") {
        "" | "0" => {}
        qop @ ("1" | "2" | "3" | "4") => label.quality = qop.parse().ok(),
        "6" => {
            label.quality = Some(4);
            label.class = Some("STAR".into());
        }
        _ => return Err(row.wrong("QOP", "none of 0, 1, 2, 3, 4, 6")),
    }
    // Marz writes its own guess where nobody set anything: only what differs from it, or comes with a QOP, was said.
    let (auto, fin) = (row.redshift("AutoZ")?, row.redshift("FinZ")?);
    // 1e-5 is the last decimal that Marz writes.
    let kept = auto
        .zip(fin)
        .is_some_and(|(auto, fin)| (auto - fin).abs() < 0.5e-5);
    label.z = fin.filter(|_| !kept);
    let said = label.quality.is_some() || row.get("FinTN") != row.get("AutoTN");
    if said && label.class.is_none() {
        label.class = class_of(row.get("FinTN"));
    }
    tags::read(row.get("Comment"), &mut label);
    Ok(label.tidy())
}

/// The class of a template: of Marz's (`Late Type Emission Galaxy`, `K Star`, `Quasar`), or of one that we wrote.
fn class_of(template: &str) -> Option<String> {
    let lower = template.to_ascii_lowercase();
    // "High Redshift Star Forming Galaxy" is no star.
    let known = [
        ("galaxy", "GALAXY"),
        ("star", "STAR"),
        ("quasar", "QSO"),
        ("qso", "QSO"),
    ];
    match known.iter().find(|(word, _)| lower.contains(word)) {
        Some((_, class)) => Some((*class).to_owned()),
        None if template.is_empty() || template == UNSPECIFIED || template == "0" => None,
        None => Some(template.to_owned()),
    }
}

/// Writes labels of `scanner` with what the catalog says; returns notes on what does not fit the format.
///
/// Units: RA and DEC in radians; Mag is the r magnitude (AB) of `flux_r`.
///
/// Errors: those of `out`.
pub fn write(
    out: &mut dyn Write,
    title: &str,
    scanner: &str,
    rows: &[(&str, Option<&Facts>, &Label)],
) -> io::Result<Vec<String>> {
    let mut notes = Notes::default();
    let lines: Vec<[String; 15]> = rows
        .iter()
        .enumerate()
        .map(|(place, (object_id, facts, label))| {
            let bare = bare(object_id);
            cells(place + 1, object_id, facts.unwrap_or(&bare), label, &mut notes)
        })
        .collect();
    let mut widths = COLUMNS.map(str::len);
    for cells in &lines {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.len());
        }
    }
    let padded = |cells: &[&str]| {
        let cells: Vec<String> = cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        cells.join(",  ")
    };
    let (title, scanner) = (tags::cell(title).0, tags::cell(scanner).0);
    writeln!(
        out,
        "# Results of {title} [Initials: {scanner}; written by spectriage {}]",
        env!("CARGO_PKG_VERSION")
    )?;
    writeln!(out, "# {}", padded(&COLUMNS))?;
    for cells in &lines {
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        writeln!(out, "{}", padded(&cells))?;
    }
    out.flush()?;
    Ok(notes.words())
}

fn cells(id: usize, object_id: &str, facts: &Facts, label: &Label, notes: &mut Notes) -> [String; 15] {
    let star = label.class.as_deref() == Some("STAR");
    let qop = match label.quality {
        None => 0,
        Some(4) if star => 6,
        Some(quality) => quality.max(1),
    };
    let mut wanted = vec![Tag::Interesting, Tag::Issues];
    if label.quality == Some(0) {
        wanted.push(Tag::Quality);
    }
    // The word for it in the names of Marz's templates.
    let template = match label.class.as_deref() {
        None => UNSPECIFIED.to_owned(),
        Some("STAR") => "Star".to_owned(),
        Some("GALAXY") => "Galaxy".to_owned(),
        Some("QSO") => "Quasar".to_owned(),
        Some(_) => {
            wanted.push(Tag::Class);
            UNSPECIFIED.to_owned()
        }
    };
    let (comment, lost) = tags::comment(label, &wanted, LONGEST);
    notes.changed += usize::from(lost);
    let place = facts
        .ra
        .zip(facts.dec)
        .filter(|(ra, dec)| ra.is_finite() && dec.is_finite());
    notes.unplaced += usize::from(place.is_none());
    let (ra, dec) = place.unwrap_or((0.0, 0.0));
    let auto = facts.z.filter(|z| z.is_finite());
    [
        format!("{id:04}"),
        tags::cell(object_id).0,
        format!("{:.6}", ra.to_radians()),
        format!("{:.6}", dec.to_radians()),
        facts
            .flux_r
            .and_then(magnitude)
            .map_or_else(|| "0.00".into(), |magnitude| format!("{magnitude:.2}")),
        tags::cell(facts.spectype.as_deref().unwrap_or("NA")).0,
        "0".into(),
        UNSPECIFIED.into(),
        format!("{:.5}", auto.unwrap_or(0.0)),
        "0.00000".into(),
        "0".into(),
        template,
        format!("{:.5}", label.z.or(auto).unwrap_or(0.0)),
        qop.to_string(),
        comment,
    ]
}

/// AB magnitude of a flux in nanomaggies.
fn magnitude(flux: f32) -> Option<f64> {
    (flux > 0.0 && flux.is_finite()).then(|| 22.5 - 2.5 * f64::from(flux).log10())
}
