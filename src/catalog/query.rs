//! Filters and sorts over the table columns, as SQL expressions, by datafusion.
//!
//! Only the columns that a query names are read, a batch at a time, so that twenty million rows do not fill the memory.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef, UInt64Type};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{ExprSchemable, LogicalPlan};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::CatalogError;
use super::catalog::Inner;
use super::table::{ROW, TableScan};

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
pub(super) fn select(inner: &Arc<Inner>, query: &Query) -> Result<Vec<u64>, CatalogError> {
    let limit = query.limit.unwrap_or(u64::MAX);
    if query.filter.is_none() && query.order_by.is_none() {
        return Ok((0..inner.rows.min(limit)).collect());
    }
    let broken = |e: std::io::Error| CatalogError::io(&inner.files[0].path, e);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(broken)?;
    let rows = runtime.block_on(run(inner, query));
    // A scan that is still reading when the limit was reached is not waited for.
    runtime.shutdown_background();
    rows
}

async fn run(inner: &Arc<Inner>, query: &Query) -> Result<Vec<u64>, CatalogError> {
    check(inner, query).await?;
    let sql = sql(query);
    let fields = needed(inner, &sql).await.map_err(|e| blame(inner, query, &e))?;
    let context = context();
    let schema = Arc::new(Schema::new(fields.clone()));
    let partitions = partitions(inner, &fields, &schema);
    let work = async {
        let table = StreamingTable::try_new(schema, partitions)?;
        context.register_table(TABLE, Arc::new(table))?;
        context.sql(&sql).await?.collect().await
    };
    let batches = work.await.map_err(|e| unwrapped(inner, query, e))?;
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
    Ok(rows)
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
    let bad = |reason: String| bad_expression(inner, "filter", filter, reason);
    let schema = DFSchema::try_from(inner.schema.as_ref().clone()).map_err(|e| bad(reason(&e)))?;
    let expression = context()
        .parse_sql_expr(filter, &schema)
        .map_err(|e| bad(reason(&e)))?;
    match expression.get_type(&schema).map_err(|e| bad(reason(&e)))? {
        DataType::Boolean => Ok(()),
        other => Err(bad(format!(
            "it is no condition but a value ({other}); compare it with something"
        ))),
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
fn partitions(inner: &Arc<Inner>, fields: &[FieldRef], schema: &SchemaRef) -> Vec<Arc<dyn PartitionStream>> {
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
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStreamBuilder::new(self.schema.clone(), 2);
        let sender = builder.tx();
        let (inner, groups, fields) = (self.inner.clone(), self.groups.clone(), self.fields.clone());
        builder.spawn_blocking(move || {
            // Consecutive groups of a file are one scan, whose batches may be larger than a group.
            for run in groups.chunk_by(|a, b| a.0 == b.0) {
                let (file, first, last) = (run[0].0, run[0].1, run[run.len() - 1].1);
                let scan = TableScan::new(&inner.files[file], &fields, first..last + 1, usize::MAX)
                    .map_err(external)?;
                for batch in scan {
                    let batch: RecordBatch = batch.map_err(external)?;
                    if sender.blocking_send(Ok(batch)).is_err() {
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
    bad_expression(inner, clause, expression, reason(error))
}

/// Datafusion's words, without its advice about SQL that the user did not write.
fn reason(error: &DataFusionError) -> String {
    let text = error.strip_backtrace();
    let text = text.split("Valid fields are").next().unwrap_or_default();
    text.trim()
        .trim_end_matches(['.', ' '])
        .replace(&format!("{TABLE}."), "")
}

fn bad_expression(inner: &Inner, clause: &'static str, expression: &str, reason: String) -> CatalogError {
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
        reason: format!("{reason} ({hint}; the columns are {})", columns.join(", ")),
    }
}
