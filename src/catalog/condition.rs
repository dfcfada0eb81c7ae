//! A condition, its parts that ask for one of few texts apart: these are answered by the dictionary of the column, and no text is put together for a row.

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::compute::and;
use arrow::datatypes::{DataType, FieldRef, Int32Type};
use datafusion_common::ScalarValue;
use datafusion_expr::utils::split_conjunction_owned;
use datafusion_expr::{BinaryExpr, Expr, Operator};

use super::CatalogError;
use super::catalog::Inner;
use super::expression::Expression;

/// Several things that all have to hold of a row; null is no.
#[derive(Debug)]
pub(super) struct Condition {
    pub texts: Vec<TextTest>,
    /// All else, in the order in which it was said.
    pub rest: Vec<Expression>,
}

/// Whether the text of a column is one of these, or none of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TextTest {
    pub column: String,
    texts: Vec<String>,
    negated: bool,
}

/// How texts are read that are looked at by their dictionary.
pub(super) fn coded() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// The tests of texts of a condition, and what else has to hold.
pub(super) fn parted(condition: Expr) -> (Vec<TextTest>, Vec<Expr>) {
    let (mut texts, mut rest) = (Vec::new(), Vec::new());
    for part in split_conjunction_owned(condition) {
        match TextTest::of(&part) {
            Some(test) => texts.push(test),
            None => rest.push(part),
        }
    }
    (texts, rest)
}

impl TextTest {
    fn of(expression: &Expr) -> Option<Self> {
        let (column, texts, negated) = match expression {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                let negated = match op {
                    Operator::Eq => false,
                    Operator::NotEq => true,
                    _ => return None,
                };
                match (&**left, &**right) {
                    (Expr::Column(column), text) | (text, Expr::Column(column)) => {
                        (column, vec![literal(text)?], negated)
                    }
                    _ => return None,
                }
            }
            Expr::InList(list) => {
                let Expr::Column(column) = &*list.expr else {
                    return None;
                };
                let texts = list.list.iter().map(literal).collect::<Option<_>>()?;
                (column, texts, list.negated)
            }
            _ => return None,
        };
        Some(Self {
            column: column.name.clone(),
            texts,
            negated,
        })
    }

    /// The test as an expression again.
    pub(super) fn into_expression(self) -> Expr {
        let text = |text: String| Expr::Literal(ScalarValue::Utf8(Some(text)), None);
        let column = Expr::Column(datafusion_common::Column::from_name(self.column));
        column.in_list(self.texts.into_iter().map(text).collect(), self.negated)
    }

    fn holds(&self, batch: &RecordBatch) -> Option<BooleanArray> {
        let column = batch.column_by_name(&self.column)?;
        let column = column.as_dictionary_opt::<Int32Type>()?;
        let values = column.values().as_string_opt::<i32>()?;
        let is_one = |text: &str| self.texts.iter().any(|one| one == text);
        let holds: Vec<bool> = values
            .iter()
            .map(|text| text.is_some_and(|text| is_one(text) != self.negated))
            .collect();
        let keys = column.keys();
        let nulls = keys.nulls();
        let of = keys.values();
        // What stands for a null in the keys may be no key at all.
        let held = |row: usize| {
            nulls.is_none_or(|nulls| nulls.is_valid(row))
                && holds.get(of[row] as usize).is_some_and(|holds| *holds)
        };
        Some(BooleanArray::new(
            BooleanBuffer::collect_bool(of.len(), held),
            None,
        ))
    }
}

fn literal(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Literal(ScalarValue::Utf8(Some(text)), _) => Some(text.clone()),
        _ => None,
    }
}

impl Condition {
    /// Whether it holds, for every row of a batch that has the columns of the plan.
    pub(super) fn holds(&self, inner: &Inner, batch: &RecordBatch) -> Result<BooleanArray, CatalogError> {
        let rest = self.rest.iter().map(|part| part.holds(inner, batch));
        let texts = self.texts.iter().map(|test| {
            test.holds(batch).ok_or_else(|| {
                let error = arrow::error::ArrowError::SchemaError(format!("{} is no text", test.column));
                inner.broken(error)
            })
        });
        let mut all: Option<BooleanArray> = None;
        for held in rest.chain(texts) {
            let held = held?;
            let so_far = match &all {
                Some(all) => and(all, &held).map_err(|e| inner.broken(e))?,
                None => held,
            };
            // The next is not asked about rows of which none is left.
            if so_far.true_count() == 0 {
                return Ok(so_far);
            }
            all = Some(so_far);
        }
        Ok(all.unwrap_or_else(|| BooleanArray::from(vec![true; batch.num_rows()])))
    }
}

impl Inner {
    /// The field as a test of texts reads it, where all files have such a column by its dictionary.
    pub(super) fn coded_field(&self, field: &FieldRef) -> Option<FieldRef> {
        let is_coded = *field.data_type() == DataType::Utf8
            && self.files.iter().all(|file| {
                let column = file.layout.column(field.name());
                column.is_none_or(|column| file.is_coded(column))
            });
        is_coded.then(|| field.as_ref().clone().with_data_type(coded()).into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
    use datafusion_expr::{col, lit};

    use super::*;

    #[test]
    fn parts_that_ask_for_texts_are_told_from_the_others() {
        let condition = col("z")
            .lt(lit(0.5))
            .and(col("spectype").eq(lit("QSO")))
            .and(col("zwarn").eq(lit(0)));
        let (texts, rest) = parted(condition);
        assert_eq!(texts.len(), 1);
        assert_eq!((&*texts[0].column, texts[0].negated), ("spectype", false));
        assert_eq!(rest, [col("z").lt(lit(0.5)), col("zwarn").eq(lit(0))]);
        // Of an alternative neither side has to hold.
        assert_eq!(parted(col("a").eq(lit("x")).or(col("b").eq(lit("y")))).0, []);
        let (texts, rest) = parted(col("a").in_list(vec![lit("x"), lit("y")], true));
        assert!(texts[0].negated && texts[0].texts == ["x", "y"] && rest.is_empty());
        assert_eq!(parted(texts[0].clone().into_expression()).0, texts);
    }

    #[test]
    fn a_missing_text_passes_no_test() {
        let keys = Int32Array::from(vec![Some(0), None, Some(1), Some(2)]);
        let values = StringArray::from(vec![Some("QSO"), Some("STAR"), None]);
        let column = DictionaryArray::new(keys, Arc::new(values));
        let batch = RecordBatch::try_from_iter([("kind", Arc::new(column) as ArrayRef)]).unwrap();
        let of = |negated| {
            let texts = vec!["QSO".to_owned()];
            let column = "kind".to_owned();
            TextTest {
                column,
                texts,
                negated,
            }
            .holds(&batch)
            .unwrap()
        };
        assert_eq!(of(false), BooleanArray::from(vec![true, false, false, false]));
        assert_eq!(of(true), BooleanArray::from(vec![false, false, true, false]));
    }
}
