//! What a line of SQL can go on with: columns, keywords, functions, and the values of columns that have few.

use std::collections::BTreeSet;
use std::ops::Range;

use super::cell::values;
use super::{Browser, ColumnInfo, ColumnKind, Value};
use crate::catalog;
use crate::pipeline::PipelineError;

/// A way to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The bytes of the line that `text` takes the place of.
    pub replace: Range<usize>,
    pub text: String,
    /// What it is, for a dim remark behind it.
    pub about: String,
}

/// The words that an expression over a catalog is made of. Made once; completing reads nothing.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    columns: Vec<ColumnInfo>,
    functions: Vec<String>,
    /// By column: values seen in a sample of the rows.
    values: Vec<(String, Vec<String>)>,
}

const KEYWORDS: [(&str, &str); 14] = [
    ("AND", "both"),
    ("OR", "one of them"),
    ("NOT", "the opposite"),
    ("IN", "one of a list: spectype IN ('QSO', 'STAR')"),
    ("BETWEEN", "z BETWEEN 0.1 AND 0.2"),
    ("LIKE", "a pattern, % is any text"),
    ("ILIKE", "a pattern in any case"),
    ("IS NULL", "has no value"),
    ("IS NOT NULL", "has a value"),
    ("TRUE", ""),
    ("FALSE", ""),
    ("ASC", "ascending"),
    ("DESC", "descending"),
    ("CASE", "CASE WHEN … THEN … ELSE … END"),
];

/// Places in the catalog at which values are looked at, and rows at each.
const LOOKS: u64 = 8;
const ROWS_A_LOOK: u64 = 256;
/// A column with more different values than this has no list of them.
const MAX_VALUES: usize = 24;

impl Browser {
    /// The words for completing filters and sorts. Looks at a sample of the rows, for the values of text columns that have few.
    ///
    /// Errors: a damaged file.
    pub fn vocabulary(&self) -> Result<Vocabulary, PipelineError> {
        let columns = self.columns();
        let texts: Vec<&str> = columns
            .iter()
            .filter(|column| column.kind == ColumnKind::Text && column.name != "object_id")
            .map(|column| column.name.as_str())
            .collect();
        let step = (self.len() / LOOKS).max(ROWS_A_LOOK);
        let rows: Vec<u64> = (0..LOOKS)
            .flat_map(|look| look * step..(look * step).saturating_add(ROWS_A_LOOK))
            .filter(|row| *row < self.len())
            .collect();
        let mut known = Vec::new();
        if !texts.is_empty() && !rows.is_empty() {
            let batch = self.catalog.table(&texts, Some(&rows))?;
            for (name, array) in texts.iter().zip(batch.columns()) {
                let seen: BTreeSet<String> = values(array)
                    .into_iter()
                    .filter_map(|value| match value {
                        Value::Text(text) if !text.is_empty() => Some(text),
                        _ => None,
                    })
                    .collect();
                if (1..=MAX_VALUES).contains(&seen.len()) {
                    known.push(((*name).to_owned(), seen.into_iter().collect()));
                }
            }
        }
        Ok(Vocabulary {
            columns,
            functions: catalog::functions(),
            values: known,
        })
    }
}

impl Vocabulary {
    /// What the word before the cursor (a byte of `text`) may become, the likeliest first: columns that begin with it, columns that
    /// have it in them, functions, keywords; within quotes, values of the column before. In any case of letters.
    pub fn complete(&self, text: &str, cursor: usize) -> Vec<Completion> {
        let cursor = (0..=cursor.min(text.len()))
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        let before = &text[..cursor];
        match open_quote(before) {
            Some(quote) => self.values(text, quote, cursor),
            None => self.words(before, cursor),
        }
    }

    fn words(&self, before: &str, cursor: usize) -> Vec<Completion> {
        let start = before
            .rfind(|c| !is_name(c))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let word = before[start..].to_ascii_lowercase();
        // A number is no name.
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            return Vec::new();
        }
        let found = |text: String, about: String| Completion {
            replace: start..cursor,
            text,
            about,
        };
        let column = |info: &ColumnInfo| found(info.name.clone(), about(info));
        let begins = |info: &&ColumnInfo| info.name.to_ascii_lowercase().starts_with(&word);
        let holds = |info: &&ColumnInfo| {
            let name = info.name.to_ascii_lowercase();
            !word.is_empty() && !name.starts_with(&word) && name.contains(&word)
        };
        let mut completions: Vec<Completion> = self.columns.iter().filter(begins).map(column).collect();
        completions.extend(self.columns.iter().filter(holds).map(column));
        let functions = self
            .functions
            .iter()
            .filter(|name| !word.is_empty() && name.starts_with(&word));
        completions.extend(functions.map(|name| found(format!("{name}("), "function".into())));
        let keywords = KEYWORDS
            .iter()
            .filter(|(name, _)| name.to_ascii_lowercase().starts_with(&word));
        completions.extend(keywords.map(|(name, about)| found((*name).into(), (*about).into())));
        completions.retain(|completion| completion.text.to_ascii_lowercase() != word);
        completions
    }

    /// Values of the column that the quote at `quote` is compared with.
    fn values(&self, text: &str, quote: usize, cursor: usize) -> Vec<Completion> {
        let begun = text[quote + 1..cursor].to_lowercase();
        let Some(column) = self.compared(&text[..quote]) else {
            return Vec::new();
        };
        // A quote that is there already is not put twice.
        let end = cursor + usize::from(text[cursor..].starts_with('\''));
        let known = self.values.iter().filter(|(name, _)| name == column);
        let values = known.flat_map(|(_, values)| values);
        values
            .filter(|value| value.to_lowercase().starts_with(&begun))
            .map(|value| Completion {
                replace: quote..end,
                text: format!("'{}'", value.replace('\'', "''")),
                about: column.to_owned(),
            })
            .collect()
    }

    /// The last column that the text names.
    fn compared(&self, before: &str) -> Option<&str> {
        let names = before.split(|c| !is_name(c)).rev();
        names
            .filter(|name| !name.is_empty())
            .find_map(|name| {
                self.columns
                    .iter()
                    .find(|info| info.name.eq_ignore_ascii_case(name))
            })
            .map(|info| info.name.as_str())
    }
}

fn about(info: &ColumnInfo) -> String {
    let unit = match info.unit.as_str() {
        "" => String::new(),
        unit => format!(" [{unit}]"),
    };
    match info.description.as_str() {
        "" => format!("{}{unit}", info.kind.word()),
        description => format!("{description}{unit}"),
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The quote that is open at the end of the text.
fn open_quote(text: &str) -> Option<usize> {
    let mut open = None;
    for (at, _) in text.match_indices('\'') {
        open = match open {
            None => Some(at),
            Some(_) => None,
        };
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        let column = |name: &str, kind| ColumnInfo {
            name: name.into(),
            kind,
            unit: String::new(),
            description: String::new(),
        };
        Vocabulary {
            columns: vec![
                column("row", ColumnKind::Integer),
                column("z", ColumnKind::Number),
                column("zwarn", ColumnKind::Integer),
                column("spectype", ColumnKind::Text),
                column("flux_z", ColumnKind::Number),
            ],
            functions: vec!["coalesce".into()],
            values: vec![(
                "spectype".into(),
                vec!["GALAXY".into(), "QSO".into(), "it's".into()],
            )],
        }
    }

    fn texts(text: &str) -> Vec<String> {
        let (before, after) = text.split_once('|').unwrap();
        let completions = vocabulary().complete(&format!("{before}{after}"), before.len());
        completions
            .into_iter()
            .map(|completion| completion.text)
            .collect()
    }

    /// The line after the first completion was taken.
    fn taken(text: &str) -> String {
        let (before, after) = text.split_once('|').unwrap();
        let mut line = format!("{before}{after}");
        let first = vocabulary().complete(&line, before.len()).remove(0);
        line.replace_range(first.replace, &first.text);
        line
    }

    #[test]
    fn columns_come_first_and_those_that_begin_so_before_others() {
        assert_eq!(texts("z|")[..], ["zwarn", "flux_z"]);
        assert_eq!(texts("ZW|"), ["zwarn"]);
        assert_eq!(texts("zwarn = 0 an|"), ["AND"]);
        assert_eq!(texts("co|"), ["coalesce("]);
        assert_eq!(texts("z < 0.5|"), [""; 0]);
        assert!(texts("z < 1 AND |").starts_with(&["row".into(), "z".into()]));
        assert_eq!(taken("z < 0.5 AND zw| = 0"), "z < 0.5 AND zwarn = 0");
    }

    #[test]
    fn within_quotes_the_values_of_the_column_before_are_offered() {
        assert_eq!(texts("spectype = '|"), ["'GALAXY'", "'QSO'", "'it''s'"]);
        assert_eq!(taken("spectype = 'gal|"), "spectype = 'GALAXY'");
        assert_eq!(
            taken("SPECTYPE IN ('QSO', 'g|')"),
            "SPECTYPE IN ('QSO', 'GALAXY')"
        );
        assert_eq!(texts("z = '|"), [""; 0]);
        assert_eq!(texts("spectype = 'GALAXY' AND zw|"), ["zwarn"]);
    }

    #[test]
    fn a_cursor_anywhere_is_no_panic() {
        let line = "ñ = 'é' AND 'ß";
        for cursor in 0..=line.len() + 3 {
            vocabulary().complete(line, cursor);
        }
    }
}
