//! What is wrong with an expression, in words for the one who typed it, and where.

use datafusion_common::{DataFusionError, SchemaError};

use super::CatalogError;
use super::catalog::Inner;
use super::error::nearest_name;

/// Which of a query's expressions is meant: `filter` or `order by`, and its text.
#[derive(Debug, Clone)]
pub(super) struct Clause {
    pub name: &'static str,
    pub text: String,
}

impl Clause {
    pub(super) fn new(name: &'static str, text: &str) -> Self {
        Self {
            name,
            text: text.to_owned(),
        }
    }

    /// The catalog's error for one of datafusion's.
    pub(super) fn refused(&self, inner: &Inner, error: &DataFusionError) -> CatalogError {
        let (reason, at) = fault(inner, &self.text, error);
        self.wrong(inner, reason, at)
    }

    /// An error about the expression, at one of its bytes where that is known.
    pub(super) fn wrong(&self, inner: &Inner, reason: String, at: Option<usize>) -> CatalogError {
        let fields = inner.schema.fields().iter();
        let columns: Vec<&str> = fields.map(|field| field.name().as_str()).collect();
        CatalogError::BadExpression {
            clause: self.name,
            expression: self.text.trim().to_owned(),
            reason: format!(
                "{reason} (text stands in single quotes; the columns are {})",
                columns.join(", ")
            ),
            brief: reason,
            at,
        }
    }
}

fn fault(inner: &Inner, expression: &str, error: &DataFusionError) -> (String, Option<usize>) {
    if let DataFusionError::SchemaError(error, _) = error.find_root()
        && let SchemaError::FieldNotFound { field, .. } = error.as_ref()
    {
        let known: Vec<&str> = inner.schema.fields().iter().map(|f| f.name().as_str()).collect();
        let suggestion = nearest_name(&field.name, &known)
            .map_or_else(String::new, |name| format!(", did you mean `{name}`?"));
        return (
            format!("no column `{}`{suggestion}", field.name),
            place_of(expression, &field.name),
        );
    }
    let words = reason(error);
    let at = line_and_column(&words).and_then(|(line, column)| byte_at(expression, line, column));
    let reason = words.split(" at Line:").next().unwrap_or(&words);
    let reason = reason.trim_start_matches("SQL error: ");
    let reason = reason
        .trim_start_matches("ParserError(\"")
        .trim_start_matches("TokenizerError(\"")
        .trim_end_matches("\")");
    (
        reason
            .replace("found: EOF", "found the end")
            .replace("before EOF", "before the end")
            .replace("\\\"", "\""),
        at.or_else(|| words.contains("EOF").then_some(expression.len())),
    )
}

/// Datafusion's words, without its advice about SQL that the user did not write.
fn reason(error: &DataFusionError) -> String {
    let text = error.strip_backtrace();
    let text = text.split("Valid fields are").next().unwrap_or_default();
    text.trim().trim_end_matches(['.', ' ']).to_owned()
}

/// The first byte of a name in an expression, as a whole word and in any case.
fn place_of(expression: &str, name: &str) -> Option<usize> {
    let (text, name) = (expression.to_ascii_lowercase(), name.to_ascii_lowercase());
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(&name).map(|(at, _)| at).find(|at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

/// `Line: 1, Column: 8` in an error's words.
fn line_and_column(words: &str) -> Option<(usize, usize)> {
    let (_, rest) = words.split_once("Line: ")?;
    let (line, rest) = rest.split_once(", Column: ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((line.parse().ok()?, digits.parse().ok()?))
}

/// The byte of a character, both counted from line 1, column 1.
fn byte_at(text: &str, line: usize, column: usize) -> Option<usize> {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.checked_sub(1)?)
        .map(str::len)
        .sum();
    let rest = text.get(before..)?;
    let within = rest.char_indices().nth(column.checked_sub(1)?);
    Some(before + within.map_or(rest.len(), |(byte, _)| byte))
}
