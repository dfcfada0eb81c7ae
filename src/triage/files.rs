//! A file of labels, whichever program it is of.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::journal::{Journal, default_scanner};
use super::label::Label;
use super::{TriageError, marz, prospect};
use crate::spectrum::{Facts, REDSHIFTS};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Our own.
    Journal,
    Prospect,
    Marz,
}

impl Format {
    /// The format that a file's name ends in the way of; `None` for any other ending.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" => Some(Self::Prospect),
            "mz" => Some(Self::Marz),
            "jsonl" => Some(Self::Journal),
            _ => None,
        }
    }
}

/// A label with whose and of what it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Labeled {
    pub object_id: String,
    /// The scanner.
    pub by: String,
    /// RFC 3339; `None` where the file does not say.
    pub at: Option<String>,
    #[serde(flatten)]
    pub label: Label,
}

/// A label of a file, as the file names its object.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelRow {
    /// What the file calls the object: an object id, a TARGETID, a name.
    pub id: String,
    /// `None` where the file does not say.
    pub by: Option<String>,
    pub at: Option<String>,
    pub label: Label,
}

/// What was read of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelFile {
    pub format: Format,
    pub rows: Vec<LabelRow>,
    /// What the user should know: lines passed over, objects that come twice.
    pub notes: Vec<String>,
}

impl LabelFile {
    /// Reads a journal, prospect's CSV or Marz's `.mz`, told apart by what is in it.
    ///
    /// Errors: a file that cannot be read or is none of these; a cell that cannot be meant, with its line and column.
    pub fn read(path: &Path) -> Result<Self, TriageError> {
        let bytes = std::fs::read(path).map_err(|error| TriageError::read(path, error))?;
        let start = bytes.trim_ascii_start();
        let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
        match start.first() {
            None => Err(foreign(path, "it is empty")),
            Some(b'{') => Self::journal(path),
            Some(first) => {
                let text = std::str::from_utf8(start).map_err(|_| foreign(path, "it is no text"))?;
                let file = match first {
                    b'#' => marz::read(path, text)?,
                    _ => prospect::read(path, text)?,
                };
                Ok(file.without_twins())
            }
        }
    }

    fn journal(path: &Path) -> Result<Self, TriageError> {
        let journal = Journal::open(path, &default_scanner())?;
        let rows = journal.everyone().into_iter().map(|labeled| LabelRow {
            id: labeled.object_id,
            by: Some(labeled.by),
            at: labeled.at,
            label: labeled.label,
        });
        Ok(Self {
            format: Format::Journal,
            rows: rows.collect(),
            notes: journal.problems().iter().map(ToString::to_string).collect(),
        })
    }

    /// Of the labels that one person gave one object, the last.
    fn without_twins(mut self) -> Self {
        let mut last: BTreeMap<(String, Option<String>), usize> = BTreeMap::new();
        for (place, row) in self.rows.iter().enumerate() {
            if last.insert((row.id.clone(), row.by.clone()), place).is_some() {
                self.notes
                    .push(format!("{} is there more than once: its last row counts", row.id));
            }
        }
        let mut place = 0;
        self.rows.retain(|row| {
            let keep = last.get(&(row.id.clone(), row.by.clone())) == Some(&place);
            place += 1;
            keep
        });
        self
    }

    /// The labels by scanner and object id; `nameless` for rows that do not say whose they are.
    pub fn by_scanner(self, nameless: &str) -> BTreeMap<String, BTreeMap<String, Label>> {
        let mut people: BTreeMap<String, BTreeMap<String, Label>> = BTreeMap::new();
        for row in self.rows {
            let by = row.by.unwrap_or_else(|| nameless.to_owned());
            people.entry(by).or_default().insert(row.id, row.label);
        }
        people
    }
}

pub(super) fn foreign(path: &Path, what: impl Into<String>) -> TriageError {
    TriageError::Foreign {
        path: path.to_owned(),
        what: what.into(),
    }
}

/// The facts of an object where there are none but its id.
pub(super) fn bare(object_id: &str) -> Facts {
    Facts {
        object_id: object_id.into(),
        targetid: object_id.parse().ok(),
        ..Facts::default()
    }
}

/// The cells of a row by the names of the columns.
pub(super) struct Row<'a> {
    pub path: &'a Path,
    pub line: u64,
    pub header: &'a [String],
    pub cells: Vec<&'a str>,
}

impl<'a> Row<'a> {
    /// The cell under a column; empty where the file or the row lacks it.
    pub fn get(&self, name: &str) -> &'a str {
        let place = self
            .header
            .iter()
            .position(|column| column.eq_ignore_ascii_case(name));
        place
            .and_then(|place| self.cells.get(place))
            .map_or("", |cell| cell.trim())
    }

    pub fn wrong(&self, name: &str, what: impl Into<String>) -> TriageError {
        TriageError::Cell {
            path: self.path.to_owned(),
            line: self.line,
            column: name.to_owned(),
            value: self
                .get(name)
                .chars()
                .take(40)
                .collect::<String>()
                .escape_debug()
                .to_string(),
            what: what.into(),
        }
    }

    /// A redshift; `None` where the cell is empty.
    pub fn redshift(&self, name: &str) -> Result<Option<f64>, TriageError> {
        let text = self.get(name);
        if text.is_empty() {
            return Ok(None);
        }
        let z: Option<f64> = text.parse().ok();
        match z.filter(|z| REDSHIFTS.contains(z)) {
            Some(z) => Ok(Some(z)),
            None => Err(self.wrong(name, "no redshift")),
        }
    }
}
