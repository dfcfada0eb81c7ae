//! Which rows of a catalog, and in which order.

use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::AsArray;
use arrow::compute::filter;
use arrow::datatypes::UInt64Type;

use super::catalog::Inner;
use super::expression::Plan;
use super::sort::sort;
use super::sweep::Watch;
use super::{CatalogError, Stop};

/// Which rows of a catalog, and in which order.
///
/// Expressions are SQL over the table's columns, whose names are lower-case (capitals in the expression do not matter):
/// `z < 0.5 AND zwarn = 0 AND spectype = 'GALAXY'`; `sn DESC, z`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// A condition.
    pub filter: Option<String>,
    /// A list of expressions, each with `ASC` or `DESC`; nulls come last either way, unless `NULLS FIRST` is said.
    pub order_by: Option<String>,
    /// The first so many.
    pub limit: Option<u64>,
}

/// The rows that the query selects, in its order; ties and unsorted results by row. `told` hears which share of the work is done.
///
/// `None` where `stop` was asked before the end.
pub(super) fn select(
    inner: &Inner,
    query: &Query,
    stop: &Stop,
    told: &(dyn Fn(f64) + Sync),
) -> Result<Option<Vec<u64>>, CatalogError> {
    let limit = query.limit.unwrap_or(u64::MAX);
    if query.filter.is_none() && query.order_by.is_none() {
        return Ok(Some((0..inner.rows.min(limit)).collect()));
    }
    let plan = Plan::of(inner, query)?;
    let watch = Watch {
        stop,
        told,
        share: 0.0..1.0,
    };
    match plan.keys.is_empty() {
        true => passing(inner, &plan, limit, &watch),
        false => sort(inner, &plan, limit, &watch),
    }
}

/// The first `limit` rows for which the condition holds, ascending.
fn passing(inner: &Inner, plan: &Plan, limit: u64, watch: &Watch) -> Result<Option<Vec<u64>>, CatalogError> {
    let found = AtomicU64::new(0);
    // Parts are begun in their order: those that were, have all that come first.
    let enough = || found.load(Ordering::Relaxed) >= limit;
    let parts = inner.sweep(
        &plan.fields,
        &inner.parts(),
        watch,
        enough,
        |_, batch, rows: &mut Vec<u64>| {
            let numbers = match &plan.condition {
                Some(condition) => filter(batch.column(0), &condition.holds(inner, batch)?),
                None => Ok(batch.column(0).clone()),
            };
            let numbers = numbers.map_err(|e| inner.broken(e))?;
            found.fetch_add(numbers.len() as u64, Ordering::Relaxed);
            rows.extend_from_slice(numbers.as_primitive::<UInt64Type>().values());
            Ok(())
        },
    )?;
    Ok(parts.map(|parts| {
        let mut rows = parts.concat();
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        rows
    }))
}
