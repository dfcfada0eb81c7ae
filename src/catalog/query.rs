//! Filters and sorts over the table columns, as SQL expressions, by datafusion.
//!
//! Only the columns that a query names are read, a batch at a time, so that twenty million rows do not fill the memory.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef, UInt64Type};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchema, SchemaError};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{ExprSchemable, LogicalPlan};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::catalog::Inner;
use super::error::nearest_name;
use super::table::{ROW, TableScan};
use super::{CatalogError, Stop};

/// The name of the table in SQL.
const TABLE: &str = "catalog";

/// Which rows of a catalog, and in which order.
///
/// Expressions are SQL over the table's columns, whose names are lower-case (capitals in the expression do not matter):
/// `z < 0.5 AND zwarn = 0 AND spectype = 'GALAXY'`; `sn DESC, z`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// A condition.
    pub filter: Option<String>,
    /// A list of expressions, each with `ASC` or `DESC`; nulls come last either way.
    pub order_by: Option<String>,
    /// The first so many.
    pub limit: Option<u64>,
}

/// The rows that the query selects, in its order; ties and unsorted results by row.
///
/// `None` where `stop` was asked before the end.
pub(super) fn select(
    inner: &Arc<Inner>,
    query: &Query,
    stop: &Stop,
) -> Result<Option<Vec<u64>>, CatalogError> {
    let limit = query.limit.unwrap_or(u64::MAX);
    if query.filter.is_none() && query.order_by.is_none() {
        return Ok(Some((0..inner.rows.min(limit)).collect()));
    }
    let broken = |e: std::io::Error| CatalogError::io(&inner.files[0].path, e);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(broken)?;
    let rows = runtime.block_on(run(inner, query, stop));
    // A scan that is still reading when the limit was reached is not waited for.
    runtime.shutdown_background();
    rows
}

async fn run(inner: &Arc<Inner>, query: &Query, stop: &Stop) -> Result<Option<Vec<u64>>, CatalogError> {
    check(inner, query).await?;
    let sql = sql(query);
    let fields = needed(inner, &sql).await.map_err(|e| blame(inner, query, &e))?;
    let context = context();
    let schema = Arc::new(Schema::new(fields.clone()));
    let partitions = partitions(inner, &fields, &schema, stop);
    let work = async {
        let table = StreamingTable::try_new(schema, partitions)?;
        context.register_table(TABLE, Arc::new(table))?;
        context.sql(&sql).await?.collect().await
    };
    let batches = work.await.map_err(|e| unwrapped(inner, query, e))?;
    // What was not read any more is missing from the result.
    if stop.is_asked() {
        return Ok(None);
    }
    let mut rows: Vec<u64> = batches
        .iter()
        .flat_map(|batch| {
            batch
                .column(0)
                .as_primitive::<UInt64Type>()
                .values()
                .iter()
                .copied()
        })
        .collect();
    if query.order_by.is_none() && query.limit.is_none() {
        rows.sort_unstable();
    }
    Ok(Some(rows))
}

fn sql(query: &Query) -> String {
    // The line breaks end a comment that the user may have put at the end.
    let filter = query
        .filter
        .as_ref()
        .map_or_else(String::new, |filter| format!(" WHERE (\n{filter}\n)"));
    let order = match (&query.order_by, query.limit) {
        (Some(order), _) => format!(" ORDER BY {order}\n, {ROW}"),
        (None, Some(_)) => format!(" ORDER BY {ROW}"),
        (None, None) => String::new(),
    };
    let limit = query.limit.map_or_else(String::new, |limit| {
        format!(" LIMIT {}", limit.min(i64::MAX as u64))
    });
    format!("SELECT {ROW} FROM {TABLE}{filter}{order}{limit}")
}

fn context() -> SessionContext {
    let mut config = SessionConfig::new().with_target_partitions(scan_threads());
    config.options_mut().sql_parser.default_null_ordering = "nulls_last".into();
    SessionContext::new_with_config(config)
}

fn scan_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
}

/// Checks the filter by itself, so that the error is about the expression and not about SQL around it.
async fn check(inner: &Inner, query: &Query) -> Result<(), CatalogError> {
    let Some(filter) = &query.filter else {
        return Ok(());
    };
    let bad = |fault: Fault| bad_expression(inner, "filter", filter, fault);
    let schema =
        DFSchema::try_from(inner.schema.as_ref().clone()).map_err(|e| bad(fault(inner, filter, &e)))?;
    let expression = context()
        .parse_sql_expr(filter, &schema)
        .map_err(|e| bad(fault(inner, filter, &e)))?;
    match expression
        .get_type(&schema)
        .map_err(|e| bad(fault(inner, filter, &e)))?
    {
        DataType::Boolean => Ok(()),
        other => Err(bad(Fault {
            reason: format!("it is no condition but a value ({other}); compare it with something"),
            at: None,
        })),
    }
}

/// The columns that the query reads, found by planning it over an empty table.
async fn needed(inner: &Inner, sql: &str) -> Result<Vec<FieldRef>, DataFusionError> {
    let context = context();
    let empty = MemTable::try_new(inner.schema.clone(), vec![vec![]])?;
    context.register_table(TABLE, Arc::new(empty))?;
    let plan = context.sql(sql).await?.into_optimized_plan()?;
    let mut names: Vec<String> = vec![ROW.to_owned()];
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            names.extend(
                scan.projected_schema
                    .fields()
                    .iter()
                    .map(|field| field.name().clone()),
            );
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let fields = inner.schema.fields().iter();
    Ok(fields
        .filter(|field| names.contains(field.name()))
        .cloned()
        .collect())
}

/// Consecutive row groups, about as many partitions as there are threads to read them.
fn partitions(
    inner: &Arc<Inner>,
    fields: &[FieldRef],
    schema: &SchemaRef,
    stop: &Stop,
) -> Vec<Arc<dyn PartitionStream>> {
    let groups: Vec<(usize, usize)> = (0..inner.files.len())
        .flat_map(|file| (0..inner.files[file].row_groups()).map(move |group| (file, group)))
        .collect();
    let share = groups.len().div_ceil(scan_threads()).max(1);
    let partition = |groups: &[(usize, usize)]| {
        Arc::new(Partition {
            inner: inner.clone(),
            groups: groups.to_vec(),
            fields: fields.to_vec(),
            schema: schema.clone(),
            stop: stop.clone(),
        }) as Arc<dyn PartitionStream>
    };
    match groups.is_empty() {
        true => vec![partition(&[])],
        false => groups.chunks(share).map(partition).collect(),
    }
}

/// Part of the table, read as it is asked for.
#[derive(Debug)]
struct Partition {
    inner: Arc<Inner>,
    /// File and row group.
    groups: Vec<(usize, usize)>,
    fields: Vec<FieldRef>,
    schema: SchemaRef,
    stop: Stop,
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStreamBuilder::new(self.schema.clone(), 2);
        let sender = builder.tx();
        let (inner, groups, fields) = (self.inner.clone(), self.groups.clone(), self.fields.clone());
        let stop = self.stop.clone();
        builder.spawn_blocking(move || {
            // Consecutive groups of a file are one scan, whose batches may be larger than a group.
            for run in groups.chunk_by(|a, b| a.0 == b.0) {
                let (file, first, last) = (run[0].0, run[0].1, run[run.len() - 1].1);
                let scan = TableScan::new(&inner.files[file], &fields, first..last + 1, usize::MAX)
                    .map_err(external)?;
                for batch in scan {
                    let batch: RecordBatch = batch.map_err(external)?;
                    if sender.blocking_send(Ok(batch)).is_err() || stop.is_asked() {
                        return Ok(());
                    }
                }
            }
            Ok(())
        });
        builder.build()
    }
}

fn external(error: CatalogError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// The catalog's own error where a scan failed, or else one about the expression.
fn unwrapped(inner: &Inner, query: &Query, error: DataFusionError) -> CatalogError {
    match error {
        DataFusionError::External(source) => match source.downcast::<CatalogError>() {
            Ok(own) => *own,
            Err(other) => blame(inner, query, &DataFusionError::External(other)),
        },
        DataFusionError::Context(_, source) => unwrapped(inner, query, *source),
        other => blame(inner, query, &other),
    }
}

fn blame(inner: &Inner, query: &Query, error: &DataFusionError) -> CatalogError {
    // The filter alone was understood before.
    let (clause, expression) = match (&query.order_by, &query.filter) {
        (Some(order), _) => ("order by", order.as_str()),
        (None, filter) => ("filter", filter.as_deref().unwrap_or_default()),
    };
    bad_expression(inner, clause, expression, fault(inner, expression, error))
}

/// What is wrong with an expression, and at which of its bytes where that is known.
struct Fault {
    reason: String,
    at: Option<usize>,
}

fn fault(inner: &Inner, expression: &str, error: &DataFusionError) -> Fault {
    if let DataFusionError::SchemaError(error, _) = error.find_root()
        && let SchemaError::FieldNotFound { field, .. } = error.as_ref()
    {
        let known: Vec<&str> = inner.schema.fields().iter().map(|f| f.name().as_str()).collect();
        let suggestion = nearest_name(&field.name, &known)
            .map_or_else(String::new, |name| format!(", did you mean `{name}`?"));
        return Fault {
            reason: format!("no column `{}`{suggestion}", field.name),
            at: place_of(expression, &field.name),
        };
    }
    let words = reason(error);
    let at = line_and_column(&words).and_then(|(line, column)| byte_at(expression, line, column));
    let reason = words.split(" at Line:").next().unwrap_or(&words);
    let reason = reason.trim_start_matches("SQL error: ");
    let reason = reason
        .trim_start_matches("ParserError(\"")
        .trim_end_matches("\")");
    Fault {
        reason: reason.replace("found: EOF", "found the end"),
        at: at.or_else(|| words.contains("EOF").then_some(expression.len())),
    }
}

/// Datafusion's words, without its advice about SQL that the user did not write.
fn reason(error: &DataFusionError) -> String {
    let text = error.strip_backtrace();
    let text = text.split("Valid fields are").next().unwrap_or_default();
    text.trim()
        .trim_end_matches(['.', ' '])
        .replace(&format!("{TABLE}."), "")
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

fn bad_expression(inner: &Inner, clause: &'static str, expression: &str, fault: Fault) -> CatalogError {
    let columns: Vec<&str> = inner
        .schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    let hint = "text stands in single quotes";
    CatalogError::BadExpression {
        clause,
        expression: expression.trim().to_owned(),
        reason: format!(
            "{} ({hint}; the columns are {})",
            fault.reason,
            columns.join(", ")
        ),
        brief: fault.reason,
        at: fault.at,
    }
}

/// The names of the functions that expressions can use, in alphabetical order.
pub fn functions() -> Vec<String> {
    let mut names: Vec<String> = context().state().scalar_functions().keys().cloned().collect();
    names.sort();
    names
}
