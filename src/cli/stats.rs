//! `spectriage stats`: what the values of a column are like.

use super::catalogs::Catalogs;
use super::{Common, End, SettingFlags, print, start_logging};
use crate::catalog::Query;
use crate::pipeline::CancelToken;
use crate::pipeline::browse::{Browser, ColumnStatistics, Histogram, Numbers};
use crate::words::counted;

#[derive(Debug, Clone, clap::Args)]
#[command(allow_missing_positional = true)]
pub struct Arguments {
    #[command(flatten)]
    catalogs: Catalogs,
    /// Column of the table
    #[arg(value_name = "COLUMN", required = true)]
    column: String,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    settings: SettingFlags,
}

/// Longest bar of the histogram, in characters.
const BAR: f64 = 40.0;

pub fn run(arguments: &Arguments, cancel: &CancelToken) -> anyhow::Result<End> {
    start_logging(&arguments.common);
    let selection = arguments.settings.resolve()?.settings.selection;
    let query = Query {
        filter: selection.r#where,
        order_by: selection.order_by,
        limit: selection.limit,
    };
    let browser = Browser::open(&arguments.catalogs.inputs())?;
    let Some(rows) = browser.select(&query, cancel)? else {
        return Ok(End::Interrupted);
    };
    let Some(statistics) = browser.statistics(&arguments.column, &rows, cancel)? else {
        return Ok(End::Interrupted);
    };
    print::json_or(arguments.common.json, &statistics, || text(&statistics))?;
    Ok(End::Done)
}

fn text(statistics: &ColumnStatistics) -> String {
    let column = &statistics.column;
    let unit = match column.unit.as_str() {
        "" => String::new(),
        unit => format!(" [{unit}]"),
    };
    let mut lines = vec![print::plain(&format!(
        "{}{unit}  {}",
        column.name, column.description
    ))];
    let distinct = statistics
        .distinct
        .map_or_else(|| "very many".to_owned(), |distinct| distinct.to_string());
    lines.push(format!(
        "{}, {} with a value, {} without, {distinct} different values",
        counted(statistics.rows, "row"),
        statistics.count,
        statistics.nulls
    ));
    if let Some(numbers) = &statistics.numbers {
        lines.extend(number_lines(numbers));
        lines.push(String::new());
        lines.extend(histogram_lines(&numbers.histogram));
    }
    if let Some((first, last)) = &statistics.texts {
        lines.push(print::plain(&format!("from {first} to {last}")));
    }
    if !statistics.top.is_empty() {
        lines.push(String::new());
        let width = statistics
            .top
            .iter()
            .map(|top| top.value.in_full().chars().count())
            .max();
        for top in &statistics.top {
            let value = print::plain(&top.value.in_full());
            let share = 100.0 * top.count as f64 / statistics.count.max(1) as f64;
            lines.push(format!(
                "{value:<width$} {:>10} {share:>6.2}%",
                top.count,
                width = width.unwrap_or(0)
            ));
        }
    }
    lines.join("\n")
}

fn number_lines(numbers: &Numbers) -> Vec<String> {
    let mut lines = vec![
        format!("mean {}  std {}", short(numbers.mean), short(numbers.std)),
        format!(
            "min {}  1% {}  16% {}  median {}  84% {}  99% {}  max {}",
            short(numbers.min),
            short(numbers.p1),
            short(numbers.p16),
            short(numbers.p50),
            short(numbers.p84),
            short(numbers.p99),
            short(numbers.max)
        ),
    ];
    if numbers.infinite > 0 {
        lines.push(format!("{} infinite values, left out", numbers.infinite));
    }
    lines
}

fn histogram_lines(histogram: &Histogram) -> Vec<String> {
    let most = histogram.counts.iter().copied().max().unwrap_or(0).max(1);
    let mut lines = Vec::new();
    if histogram.below > 0 {
        lines.push(format!("{:>12}  {:>9}", "below", histogram.below));
    }
    for (edge, count) in histogram.edges.iter().zip(&histogram.counts) {
        let length = (BAR * *count as f64 / most as f64).ceil() as usize;
        let line = format!("{:>12}  {count:>9} {}", short(*edge), "█".repeat(length));
        lines.push(line.trim_end().to_owned());
    }
    if histogram.above > 0 {
        lines.push(format!("{:>12}  {:>9}", "above", histogram.above));
    }
    lines
}

/// Six digits that count, in powers of ten where they are many.
fn short(number: f64) -> String {
    const DIGITS: i32 = 6;
    if number == 0.0 {
        return "0".into();
    }
    let magnitude = number.abs().log10().floor() as i32;
    if !(-4..9).contains(&magnitude) {
        return format!("{number:.*e}", DIGITS as usize - 1);
    }
    let decimals = (DIGITS - 1 - magnitude).max(0) as usize;
    let text = format!("{number:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
