//! SQL expressions over the table columns, by datafusion: parsed, checked against the columns, and evaluated batch by batch.
//!
//! Of datafusion only what an expression needs is here: its parser, functions, types and evaluation. Reading the table, filtering and sorting
//! are the catalog's own, so that no plan, no partitions and no runtime stand between a batch and its answer.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion_common::config::ConfigOptions;
use datafusion_common::{DFSchema, Result as Planned, TableReference, plan_err};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_expr::planner::{ContextProvider, ExprPlanner};
use datafusion_expr::{AggregateUDF, Expr, ExprSchemable, HigherOrderUDF, ScalarUDF, TableSource, WindowUDF};
use datafusion_optimizer::simplify_expressions::{ExprSimplifier, SimplifyContext};
use datafusion_physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion_sql::parser::DFParserBuilder;
use datafusion_sql::planner::{PlannerContext, SqlToRel};
use datafusion_sql::sqlparser::ast::{self, OrderByExpr};
use datafusion_sql::sqlparser::dialect::GenericDialect;
use datafusion_sql::sqlparser::parser::Parser;
use datafusion_sql::sqlparser::tokenizer::Token;

use super::catalog::Inner;
use super::condition::{self, Condition, TextTest};
use super::fault::Clause;
use super::table::ROW;
use super::{CatalogError, Query};

/// What a query asks for, understood.
#[derive(Debug)]
pub(super) struct Plan {
    /// The columns that its expressions read, the row's number first.
    pub fields: Vec<FieldRef>,
    pub condition: Option<Condition>,
    pub keys: Vec<SortKey>,
}

/// One expression over the columns of a plan.
#[derive(Debug)]
pub(super) struct Expression {
    evaluated: Arc<dyn PhysicalExpr>,
    clause: Clause,
}

/// One expression to sort by.
#[derive(Debug)]
pub(super) struct SortKey {
    pub value: Expression,
    pub descending: bool,
    pub nulls_first: bool,
}

impl Plan {
    /// Errors: an expression that cannot be understood.
    pub(super) fn of(inner: &Inner, query: &Query) -> Result<Self, CatalogError> {
        let all: Vec<FieldRef> = inner.schema.fields().iter().cloned().collect();
        let condition = match &query.filter {
            Some(text) => Some(filter(inner, &all, text)?),
            None => None,
        };
        let keys = match &query.order_by {
            Some(text) => order(inner, &all, text)?,
            None => Vec::new(),
        };
        let is_key = |column: &str| keys.iter().any(|key| reads(&key.expression, column));
        let condition = condition.map(|(condition, clause)| {
            let (texts, rest) = by_dictionary(inner, &all, condition, is_key);
            (texts, rest, clause)
        });
        // Only the columns of the keys and of what is left of the condition are read as they are.
        let field = |field: &FieldRef| {
            let name = field.name();
            let (texts, rest) = match &condition {
                Some((texts, rest, _)) => (&texts[..], &rest[..]),
                None => (&[][..], &[][..]),
            };
            if let Some((coded, _)) = texts.iter().find(|(_, test)| test.column == *name) {
                return Some(coded.clone());
            }
            let is_read = name == ROW || is_key(name) || rest.iter().any(|part| reads(part, name));
            is_read.then(|| field.clone())
        };
        let fields: Vec<FieldRef> = all.iter().filter_map(field).collect();
        let condition = match condition {
            Some((texts, rest, clause)) => Some(Condition {
                texts: texts.into_iter().map(|(_, test)| test).collect(),
                rest: rest
                    .into_iter()
                    .map(|part| Expression::over(inner, &fields, &part, &clause))
                    .collect::<Result<_, _>>()?,
            }),
            None => None,
        };
        let keys = keys.into_iter().map(|key| {
            Ok(SortKey {
                value: Expression::over(inner, &fields, &key.expression, &key.clause)?,
                descending: key.descending,
                nulls_first: key.nulls_first,
            })
        });
        Ok(Self {
            keys: keys.collect::<Result<_, _>>()?,
            fields,
            condition,
        })
    }
}

fn reads(expression: &Expr, column: &str) -> bool {
    expression.column_refs().iter().any(|read| read.name == column)
}

/// The condition of a filter. Errors: it cannot be understood, or is none.
fn filter(inner: &Inner, all: &[FieldRef], text: &str) -> Result<(Expr, Clause), CatalogError> {
    let clause = Clause::new("filter", text);
    let schema = schema(inner, all, &clause)?;
    let refused = |error| clause.refused(inner, &error);
    let condition = parsed_condition(text)
        .and_then(|parsed| planned(parsed, &schema))
        .map_err(refused)?;
    match condition.get_type(&schema).map_err(refused)? {
        DataType::Boolean => Ok((condition, clause)),
        other => {
            let reason = format!("it is no condition but a value ({other}); compare it with something");
            Err(clause.wrong(inner, reason, None))
        }
    }
}

/// A [`SortKey`] before the columns of its batches are known.
struct Key {
    expression: Expr,
    clause: Clause,
    descending: bool,
    nulls_first: bool,
}

/// What is sorted by. Errors: it cannot be understood.
fn order(inner: &Inner, all: &[FieldRef], text: &str) -> Result<Vec<Key>, CatalogError> {
    let clause = Clause::new("order by", text);
    let schema = schema(inner, all, &clause)?;
    let refused = |error| clause.refused(inner, &error);
    let keys = parsed_order(text).map_err(refused)?.into_iter().map(|one| {
        Ok(Key {
            expression: planned(one.expr, &schema).map_err(refused)?,
            clause: clause.clone(),
            descending: one.options.asc == Some(false),
            nulls_first: one.options.nulls_first == Some(true),
        })
    });
    keys.collect()
}

/// The parts of a condition that the dictionaries of columns answer, each with its column as it is to be read then, and what else has to hold. A
/// column that is needed for anything else, as by `is_key`, is read as it is.
fn by_dictionary(
    inner: &Inner,
    all: &[FieldRef],
    condition: Expr,
    is_key: impl Fn(&str) -> bool,
) -> (Vec<(FieldRef, TextTest)>, Vec<Expr>) {
    let (tests, mut rest) = condition::parted(condition);
    let coded = |test: &TextTest| {
        let column = &test.column;
        if is_key(column) || rest.iter().any(|part| reads(part, column)) {
            return None;
        }
        let field = all.iter().find(|field| field.name() == column)?;
        inner.coded_field(field)
    };
    let coded: Vec<Option<FieldRef>> = tests.iter().map(coded).collect();
    let mut texts = Vec::new();
    for (test, coded) in tests.into_iter().zip(coded) {
        match coded {
            Some(coded) => texts.push((coded, test)),
            None => rest.push(test.into_expression()),
        }
    }
    (texts, rest)
}

fn schema(inner: &Inner, fields: &[FieldRef], clause: &Clause) -> Result<DFSchema, CatalogError> {
    DFSchema::try_from(Schema::new(fields.to_vec())).map_err(|error| clause.refused(inner, &error))
}

impl Expression {
    /// Errors: it cannot be evaluated.
    fn over(
        inner: &Inner,
        fields: &[FieldRef],
        expression: &Expr,
        clause: &Clause,
    ) -> Result<Self, CatalogError> {
        let schema = schema(inner, fields, clause)?;
        let context = PhysicalPlanningContext::default();
        let evaluated = create_physical_expr(expression, &schema, &ExecutionProps::new(), &context);
        Ok(Self {
            evaluated: evaluated.map_err(|error| clause.refused(inner, &error))?,
            clause: clause.clone(),
        })
    }

    /// Its value for every row of a batch that has the columns of the plan.
    pub(super) fn of(&self, inner: &Inner, batch: &RecordBatch) -> Result<ArrayRef, CatalogError> {
        let value = self.evaluated.evaluate(batch);
        let value = value.and_then(|value| value.into_array(batch.num_rows()));
        value.map_err(|e| self.clause.refused(inner, &e))
    }

    /// Whether it holds, for every row of a batch; null is no.
    pub(super) fn holds(&self, inner: &Inner, batch: &RecordBatch) -> Result<BooleanArray, CatalogError> {
        let value = self.of(inner, batch)?;
        let held = value.as_boolean_opt().cloned();
        Ok(held.unwrap_or_else(|| BooleanArray::new_null(batch.num_rows())))
    }

    /// That its values cannot be put in order.
    pub(super) fn unordered(&self, inner: &Inner, reason: String) -> CatalogError {
        self.clause.wrong(inner, reason, None)
    }
}

fn parsed_condition(text: &str) -> Planned<ast::Expr> {
    let parsed = DFParserBuilder::new(text).build()?.parse_into_expr()?;
    match parsed.alias {
        Some(alias) => plan_err!("`{alias}` was not expected"),
        None => Ok(parsed.expr),
    }
}

fn parsed_order(text: &str) -> Planned<Vec<OrderByExpr>> {
    let mut parser = Parser::new(&GenericDialect {}).try_with_sql(text)?;
    let order = parser.parse_comma_separated(Parser::parse_order_by_expr)?;
    parser.expect_token(&Token::EOF)?;
    Ok(order)
}

/// The expression over columns of this schema, with the types brought together and what is constant worked out.
fn planned(parsed: ast::Expr, schema: &DFSchema) -> Planned<Expr> {
    let functions = &*FUNCTIONS;
    let expression = SqlToRel::new(functions).sql_to_expr(parsed, schema, &mut PlannerContext::new())?;
    let context = SimplifyContext::builder()
        .with_schema(Arc::new(schema.clone()))
        .with_config_options(functions.options.clone())
        .build();
    let simplifier = ExprSimplifier::new(context);
    simplifier.simplify(simplifier.coerce(expression, schema)?)
}

/// What names in an expression can mean beside columns.
struct Functions {
    by_name: HashMap<String, Arc<ScalarUDF>>,
    planners: Vec<Arc<dyn ExprPlanner>>,
    options: Arc<ConfigOptions>,
}

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| {
    let mut by_name = HashMap::new();
    for function in datafusion_functions::all_default_functions() {
        for name in function.aliases() {
            by_name.insert(name.clone(), function.clone());
        }
        by_name.insert(function.name().to_owned(), function);
    }
    Functions {
        by_name,
        planners: vec![
            Arc::new(datafusion_functions::core::planner::CoreFunctionPlanner::default()),
            Arc::new(datafusion_functions::datetime::planner::DatetimeFunctionPlanner),
            Arc::new(datafusion_functions::unicode::planner::UnicodeFunctionPlanner),
        ],
        options: Arc::new(ConfigOptions::default()),
    }
});

impl ContextProvider for Functions {
    fn get_table_source(&self, name: TableReference) -> Planned<Arc<dyn TableSource>> {
        plan_err!("there is no table `{name}`: an expression is about the columns of the catalog")
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.by_name.get(name).cloned()
    }

    fn get_higher_order_meta(&self, _: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_aggregate_meta(&self, _: &str) -> Option<Arc<AggregateUDF>> {
        None
    }

    fn get_window_meta(&self, _: &str) -> Option<Arc<WindowUDF>> {
        None
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        &self.options
    }

    fn udf_names(&self) -> Vec<String> {
        self.by_name.keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udwf_names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The names of the functions that expressions can use, in alphabetical order.
pub fn functions() -> Vec<String> {
    let mut names = FUNCTIONS.udf_names();
    names.sort();
    names
}
