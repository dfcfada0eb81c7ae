//! Which columns stand where: shown or hidden, frozen, their widths and their order.

use serde::{Deserialize, Serialize};

use crate::pipeline::browse::{Cell, ColumnInfo};
use crate::tui::text;

/// Cells of the column of small spectra.
pub const SPARK: u16 = 16;
/// Widest column, unless the astronomer makes it wider.
const WIDEST: u16 = 22;
const NARROWEST: u16 = 3;
/// Widest column there is.
const LIMIT: u16 = 120;
/// Columns between two columns.
pub const GAP: u16 = 1;

/// A column of the table as it is shown.
#[derive(Debug, Clone)]
pub struct Column {
    pub info: ColumnInfo,
    pub shown: bool,
    /// It stays at the left.
    pub frozen: bool,
    /// Chosen by the astronomer; else as wide as what was seen in it.
    pub width: Option<u16>,
    seen: u16,
}

impl Column {
    pub fn width(&self) -> u16 {
        self.width.unwrap_or(self.seen)
    }
}

/// What is kept of a column for the next session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    name: String,
    shown: bool,
    frozen: bool,
    width: Option<u16>,
}

/// A column on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// By its place in [`Table::columns`].
    Column(usize),
    Spark,
}

/// Where it stands, from the left of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub what: What,
    pub x: u16,
    pub width: u16,
}

/// All columns, in the order in which they are shown.
#[derive(Debug, Clone, Default)]
pub struct Table {
    pub columns: Vec<Column>,
    /// Columns that are scrolled away, of those that are not frozen.
    pub left: usize,
    pub sparks: bool,
}

impl Table {
    /// `shown` stand first and in this order, the first of them frozen.
    pub fn new(infos: Vec<ColumnInfo>, shown: &[String], sparks: bool) -> Self {
        let rank = |info: &ColumnInfo| shown.iter().position(|name| *name == info.name);
        let mut columns: Vec<Column> = infos
            .into_iter()
            .map(|info| Column {
                shown: rank(&info).is_some(),
                frozen: rank(&info) == Some(0),
                width: None,
                seen: header_width(&info),
                info,
            })
            .collect();
        columns.sort_by_key(|column| rank(&column.info).unwrap_or(usize::MAX));
        Self {
            columns,
            left: 0,
            sparks,
        }
    }

    /// The names of the shown columns, in their order.
    pub fn shown(&self) -> Vec<String> {
        let shown = self.columns.iter().filter(|column| column.shown);
        shown.map(|column| column.info.name.clone()).collect()
    }

    /// Makes room for what is in these cells, whose columns are `names`.
    pub fn fit(&mut self, names: &[String], cells: &[Vec<Cell>]) {
        for (at, name) in names.iter().enumerate() {
            let Some(column) = self.columns.iter_mut().find(|column| column.info.name == *name) else {
                continue;
            };
            let widest = cells
                .iter()
                .filter_map(|row| row.get(at))
                .map(|cell| text::width(&cell.text));
            let widest = widest.max().unwrap_or(0).min(usize::from(WIDEST)) as u16;
            column.seen = column.seen.max(widest);
        }
    }

    /// What stands where in `width` cells: frozen columns, the small spectra, then the others from [`left`](Self::left) on.
    pub fn slots(&self, width: u16) -> Vec<Slot> {
        let mut slots = Vec::new();
        let mut x = 0;
        let mut put = |what, wanted: u16| {
            let room = width.saturating_sub(x);
            // A column of which little more than nothing is seen is left out.
            if room < wanted.min(NARROWEST + 2) {
                return false;
            }
            let wanted = wanted.min(room);
            slots.push(Slot {
                what,
                x,
                width: wanted,
            });
            x += wanted + GAP;
            true
        };
        let shown = |frozen: bool| {
            let columns = self.columns.iter().enumerate();
            columns.filter(move |(_, column)| column.shown && column.frozen == frozen)
        };
        for (at, column) in shown(true) {
            put(What::Column(at), column.width());
        }
        if self.sparks && width >= 2 * SPARK {
            put(What::Spark, SPARK);
        }
        for (at, column) in shown(false).skip(self.left) {
            if !put(What::Column(at), column.width()) {
                break;
            }
        }
        slots
    }

    /// Scrolls by so many columns; the last one stays.
    pub fn scroll(&mut self, step: isize) {
        let loose = self
            .columns
            .iter()
            .filter(|column| column.shown && !column.frozen)
            .count();
        self.left = self.left.saturating_add_signed(step).min(loose.saturating_sub(1));
    }

    /// Shows or hides a column; the last that is shown stays.
    pub fn toggle(&mut self, at: usize) {
        let several = self.columns.iter().filter(|column| column.shown).count() > 1;
        if let Some(column) = self.columns.get_mut(at) {
            column.shown = !column.shown || !several;
        }
        self.scroll(0);
    }

    pub fn freeze(&mut self, at: usize) {
        if let Some(column) = self.columns.get_mut(at) {
            column.frozen = !column.frozen;
            column.shown = true;
        }
        self.scroll(0);
    }

    /// Wider or narrower by so many cells; 0 makes it as wide as what is in it.
    pub fn widen(&mut self, at: usize, step: i16) {
        if let Some(column) = self.columns.get_mut(at) {
            column.width = match step {
                0 => None,
                step => Some(column.width().saturating_add_signed(step).clamp(NARROWEST, LIMIT)),
            };
        }
    }

    /// Moves a column by one place; says where it is then.
    pub fn shift(&mut self, at: usize, down: bool) -> usize {
        let to = match down {
            true => (at + 1).min(self.columns.len().saturating_sub(1)),
            false => at.saturating_sub(1),
        };
        if at < self.columns.len() {
            self.columns.swap(at, to);
        }
        to
    }

    pub fn kept(&self) -> Vec<Kept> {
        let kept = |column: &Column| Kept {
            name: column.info.name.clone(),
            shown: column.shown,
            frozen: column.frozen,
            width: column.width,
        };
        self.columns.iter().map(kept).collect()
    }

    /// As it was in an earlier session, as far as the columns are still there; new ones come last.
    pub fn restore(&mut self, kept: &[Kept]) {
        let rank = |column: &Column| kept.iter().position(|kept| kept.name == column.info.name);
        for column in &mut self.columns {
            if let Some(kept) = rank(column).map(|at| &kept[at]) {
                (column.shown, column.frozen, column.width) = (kept.shown, kept.frozen, kept.width);
            }
        }
        self.columns
            .sort_by_key(|column| rank(column).unwrap_or(usize::MAX));
        if !self.columns.iter().any(|column| column.shown) {
            self.toggle(0);
        }
    }
}

/// Its name, and a mark of the sort beside it.
fn header_width(info: &ColumnInfo) -> u16 {
    let width = text::width(&text::clean(&info.name)) as u16 + 1;
    width.clamp(NARROWEST, WIDEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::browse::ColumnKind;

    fn table() -> Table {
        let infos = ["row", "object_id", "z", "zwarn", "spectype"].map(|name| ColumnInfo {
            name: name.into(),
            kind: ColumnKind::Number,
            unit: String::new(),
            description: String::new(),
        });
        let shown = ["object_id", "z", "spectype"].map(str::to_owned);
        Table::new(infos.to_vec(), &shown, true)
    }

    fn names(table: &Table, width: u16) -> Vec<String> {
        let name = |slot: Slot| match slot.what {
            What::Spark => "~".to_owned(),
            What::Column(at) => table.columns[at].info.name.clone(),
        };
        table.slots(width).into_iter().map(name).collect()
    }

    #[test]
    fn frozen_columns_and_spectra_stay_while_the_others_scroll() {
        let mut table = table();
        assert_eq!(names(&table, 80), ["object_id", "~", "z", "spectype"]);
        table.scroll(1);
        assert_eq!(names(&table, 80), ["object_id", "~", "spectype"]);
        table.scroll(10);
        assert_eq!(
            names(&table, 80),
            ["object_id", "~", "spectype"],
            "the last one stays"
        );
        table.scroll(-10);
        table.freeze(2);
        assert_eq!(names(&table, 80), ["object_id", "spectype", "~", "z"]);
        assert_eq!(names(&table, 20), ["object_id", "spectype"]);
    }

    #[test]
    fn slots_stay_within_the_width_and_do_not_overlap() {
        let table = table();
        for width in 0..100 {
            let slots = table.slots(width);
            for pair in slots.windows(2) {
                assert!(pair[0].x + pair[0].width < pair[1].x);
            }
            assert!(
                slots.iter().all(|slot| slot.x + slot.width <= width),
                "{width} {slots:?}"
            );
        }
    }

    #[test]
    fn one_column_is_always_shown_and_a_session_is_taken_up() {
        let mut table = table();
        for at in 0..table.columns.len() {
            if table.columns[at].shown {
                table.toggle(at);
            }
        }
        assert_eq!(table.shown().len(), 1);
        table.toggle(0);
        table.widen(0, 5);
        table.shift(0, true);
        let mut other = super::tests::table();
        other.restore(&table.kept());
        assert_eq!(other.kept(), table.kept());
        let width = |table: &Table| {
            table
                .columns
                .iter()
                .find(|c| c.width.is_some())
                .map(Column::width)
        };
        assert_eq!(width(&other), width(&table));
        table.widen(1, 0);
        assert!(table.columns.iter().all(|column| column.width.is_none()));
    }
}
