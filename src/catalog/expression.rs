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
        let schema = |fields: &[FieldRef], clause: &Clause| {
            DFSchema::try_from(Schema::new(fields.to_vec())).map_err(|e| clause.refused(inner, &e))
        };
        let all: Vec<FieldRef> = inner.schema.fields().iter().cloned().collect();
        let mut understood = Vec::new();
        let mut directions = Vec::new();
        if let Some(text) = &query.filter {
            let clause = Clause::new("filter", text);
            let schema = schema(&all, &clause)?;
            let condition = parsed_condition(text).and_then(|parsed| planned(parsed, &schema));
            let condition = condition.map_err(|e| clause.refused(inner, &e))?;
            match condition
                .get_type(&schema)
                .map_err(|e| clause.refused(inner, &e))?
            {
                DataType::Boolean => understood.push((condition, clause)),
                other => {
                    let reason =
                        format!("it is no condition but a value ({other}); compare it with something");
                    return Err(clause.wrong(inner, reason, None));
                }
            }
        }
        if let Some(text) = &query.order_by {
            let clause = Clause::new("order by", text);
            let schema = schema(&all, &clause)?;
            for one in parsed_order(text).map_err(|e| clause.refused(inner, &e))? {
                let key = planned(one.expr, &schema).map_err(|e| clause.refused(inner, &e))?;
                directions.push((
                    one.options.asc == Some(false),
                    one.options.nulls_first == Some(true),
                ));
                understood.push((key, clause.clone()));
            }
        }
        // Only the columns of the keys and of what is left of the condition are read as they are.
        let mut texts = Vec::new();
        if query.filter.is_some() {
            let (condition, clause) = understood.remove(0);
            let (tests, mut rest) = condition::parted(condition);
            let coded = |test: &TextTest| {
                let others = rest.iter().chain(understood.iter().map(|(key, _)| key));
                let mut others = others.flat_map(Expr::column_refs);
                let field = all.iter().find(|field| *field.name() == test.column)?;
                match others.any(|column| column.name == test.column) {
                    true => None,
                    false => inner.coded_field(field),
                }
            };
            let (by_dictionary, by_text): (Vec<_>, Vec<_>) = tests
                .into_iter()
                .map(|test| (coded(&test), test))
                .partition(|(coded, _)| coded.is_some());
            texts = by_dictionary;
            for (_, test) in by_text {
                rest.push(test.into_expression());
            }
            let rest = rest.into_iter().map(|part| (part, clause.clone()));
            understood.splice(0..0, rest);
        }
        let left = understood.len() - directions.len();
        let field = |field: &FieldRef| {
            let mut columns = understood
                .iter()
                .flat_map(|(expression, _)| expression.column_refs());
            let coded = texts.iter().find(|(_, test)| test.column == *field.name());
            match coded {
                Some((coded, _)) => coded.clone(),
                None => (field.name() == ROW || columns.any(|column| column.name == *field.name()))
                    .then(|| field.clone()),
            }
        };
        let fields: Vec<FieldRef> = all.iter().filter_map(field).collect();
        let mut expressions = Vec::with_capacity(understood.len());
        for (expression, clause) in understood {
            let schema = schema(&fields, &clause)?;
            let context = PhysicalPlanningContext::default();
            let evaluated = create_physical_expr(&expression, &schema, &ExecutionProps::new(), &context);
            expressions.push(Expression {
                evaluated: evaluated.map_err(|e| clause.refused(inner, &e))?,
                clause,
            });
        }
        let keys = expressions.split_off(left);
        let key = |(value, (descending, nulls_first))| SortKey {
            value,
            descending,
            nulls_first,
        };
        Ok(Self {
            fields,
            condition: query.filter.as_ref().map(|_| Condition {
                texts: texts.into_iter().map(|(_, test)| test).collect(),
                rest: expressions,
            }),
            keys: keys.into_iter().zip(directions).map(key).collect(),
        })
    }
}

impl Expression {
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
