//! What is at hand of the table: blocks of cells around what is seen, and small spectra; and what is still to be asked for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::reading::Wanted;
use super::work::Request;
use crate::pipeline::browse::{Cell, Rows};

/// The column that says whose row it is.
pub const OBJECT_ID: &str = "object_id";
/// Rows of a block.
pub const BLOCK: u64 = 64;
/// Blocks at hand: a tall screen and what is read ahead, several times over.
const KEPT_BLOCKS: usize = 24;
/// Blocks that are read ahead below and above where the next ones are not at hand. In catalog order they are one reading; of a list in another
/// order each row has to be looked for.
const AHEAD: (u64, u64) = (6, 2);
const AHEAD_ANYWHERE: (u64, u64) = (1, 1);
/// Blocks at either end of the list that are read where nothing else is missing, and stay: one key leads there. As many as a screen has, as a rule.
const ENDS: usize = 2;
/// Small spectra at hand.
const KEPT_SPARKS: usize = 4096;

/// Cells and small spectra.
#[derive(Debug, Default)]
pub struct Pages {
    /// Of the present list and columns; answers of another are late.
    generation: u64,
    blocks: BTreeMap<u64, Vec<Vec<Cell>>>,
    /// Blocks of which only the columns that were seen have arrived.
    partial: BTreeSet<u64>,
    asked: BTreeSet<u64>,
    /// The columns of the cells; the id is the first.
    columns: Vec<String>,
    sparks: HashMap<u64, Option<Vec<f32>>>,
    asked_sparks: BTreeSet<u64>,
}

impl Pages {
    /// Another list, or other columns: the cells are of no use any more. The id is always among them.
    pub fn renew(&mut self, shown: &[String]) {
        self.generation += 1;
        self.blocks.clear();
        self.partial.clear();
        self.asked.clear();
        self.columns = vec![OBJECT_ID.to_owned()];
        self.columns
            .extend(shown.iter().filter(|name| *name != OBJECT_ID).cloned());
    }

    /// Without ids in the catalog, the columns alone.
    pub fn renew_without_ids(&mut self, shown: &[String]) {
        self.renew(shown);
        self.columns = shown.to_vec();
    }

    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The cells at a place of the list, if they are there.
    pub fn row(&self, place: u64) -> Option<&[Cell]> {
        let block = self.blocks.get(&(place / BLOCK))?;
        block.get((place % BLOCK) as usize).map(Vec::as_slice)
    }

    pub fn cell(&self, place: u64, column: &str) -> Option<&Cell> {
        let at = self.columns.iter().position(|name| name == column)?;
        self.row(place)?.get(at)
    }

    /// A row's small spectrum: `None` where it has not arrived, `Some(None)` where there is none.
    pub fn spark(&self, row: u64) -> Option<Option<&[f32]>> {
        self.sparks.get(&row).map(Option::as_deref)
    }

    /// Takes in a block; says whether it was one of the present list.
    pub fn arrived(&mut self, generation: u64, block: u64, cells: Vec<Vec<Cell>>, whole: bool) -> bool {
        if generation != self.generation {
            return false;
        }
        if whole {
            self.asked.remove(&block);
            self.partial.remove(&block);
        } else {
            self.partial.insert(block);
        }
        self.blocks.insert(block, cells);
        true
    }

    pub fn arrived_sparks(&mut self, sparks: Vec<(u64, Option<Vec<f32>>)>) {
        if self.sparks.len() + sparks.len() > KEPT_SPARKS {
            self.sparks.clear();
        }
        for (row, spark) in sparks {
            self.asked_sparks.remove(&row);
            self.sparks.insert(row, spark);
        }
    }

    /// What has to be asked for where places `top` to `top + height` are seen: their blocks, of which the columns `seen` are wanted first, then those below and above.
    pub fn wanted(&mut self, rows: &Rows, top: u64, height: u64, seen: &[String]) -> Option<Request> {
        if rows.is_empty() || self.columns.is_empty() {
            return None;
        }
        let last = (rows.len() - 1) / BLOCK;
        let (first, end) = (top / BLOCK, ((top + height) / BLOCK).min(last));
        let around = |(below, above): (u64, u64)| {
            let seen = first.min(last)..=end;
            let below = (end + 1..=end + below).filter(|block| *block <= last);
            let above = (first.saturating_sub(above)..first).rev();
            seen.chain(below).chain(above).collect::<Vec<u64>>()
        };
        self.forget(first, last);
        let whole = |block: &u64| self.blocks.contains_key(block) && !self.partial.contains(block);
        let at_hand = |block: &u64| whole(block) || self.asked.contains(block);
        let in_order = matches!(rows, Rows::All(_));
        // The newest request takes the place of the one before, so it has to ask for all that is missing.
        let mut blocks = if !around(AHEAD_ANYWHERE).iter().all(at_hand) {
            around(if in_order { AHEAD } else { AHEAD_ANYWHERE })
        } else if in_order && self.asked.is_empty() {
            ends(last).collect()
        } else {
            Vec::new()
        };
        blocks.retain(|block| !whole(block));
        if blocks.is_empty() {
            return None;
        }
        self.asked = blocks.iter().copied().collect();
        let blocks = blocks
            .into_iter()
            .map(|block| (block, rows.slice(block * BLOCK, BLOCK as usize)));
        let places = 0..self.columns.len();
        let in_sight = |at: &usize| seen.contains(&self.columns[*at]);
        Some(Request::Pages(Wanted {
            generation: self.generation,
            blocks: blocks.collect(),
            columns: self.columns.clone(),
            seen: match places.clone().any(|at| in_sight(&at)) {
                true => places.filter(in_sight).collect(),
                false => places.collect(),
            },
        }))
    }

    /// Whether places `top` to `top + height` are all at hand.
    pub fn has(&self, rows: &Rows, top: u64, height: u64) -> bool {
        let end = (top + height).min(rows.len());
        (top / BLOCK..end.div_ceil(BLOCK)).all(|block| self.blocks.contains_key(&block))
    }

    /// Whether nothing is on its way.
    pub fn are_still(&self) -> bool {
        self.asked.is_empty()
    }

    /// Small spectra of the rows that are seen.
    pub fn wanted_sparks(&mut self, rows: &Rows, top: u64, height: u64) -> Option<Request> {
        let mut seen = rows.slice(top, height as usize);
        seen.retain(|row| !self.sparks.contains_key(row));
        if seen.iter().all(|row| self.asked_sparks.contains(row)) {
            return None;
        }
        self.asked_sparks = seen.iter().copied().collect();
        Some(Request::Sparks(seen))
    }

    /// Lets the blocks go that are farthest from what is seen, but for those at the ends.
    fn forget(&mut self, around: u64, last: u64) {
        while self.blocks.len() > KEPT_BLOCKS {
            let between = self
                .blocks
                .keys()
                .copied()
                .filter(|block| ends(last).all(|end| end != *block));
            let farthest = between.max_by_key(|block| block.abs_diff(around));
            if let Some(block) = farthest {
                self.blocks.remove(&block);
                self.partial.remove(&block);
            }
        }
    }
}

/// The blocks at either end of a list up to block `last`.
fn ends(last: u64) -> impl Iterator<Item = u64> {
    (0..=last).take(ENDS).chain((0..=last).rev().take(ENDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(request: Option<Request>) -> Vec<u64> {
        match request {
            Some(Request::Pages(wanted)) => wanted.blocks.into_iter().map(|(block, _)| block).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn what_is_seen_is_asked_for_first_and_nothing_twice() {
        let mut pages = Pages::default();
        pages.renew(&["z".into()]);
        let rows = Rows::Listed((0..1000).collect());
        assert_eq!(blocks(pages.wanted(&rows, 200, 40, &[])), [3, 4, 2]);
        assert!(blocks(pages.wanted(&rows, 200, 40, &[])).is_empty());
        assert!(!pages.has(&rows, 200, 40));
        assert!(pages.arrived(1, 3, Vec::new(), true));
        assert!(pages.has(&rows, 200, 40) && !pages.has(&rows, 230, 40));
        assert!(pages.arrived(1, 4, Vec::new(), false));
        assert!(
            blocks(pages.wanted(&rows, 210, 40, &[])).is_empty(),
            "the others are on their way"
        );
        // A jump: what was on its way is given up by the worker, and is not waited for; what had come in part comes anew.
        assert_eq!(blocks(pages.wanted(&rows, 960, 40, &[])), [15, 14]);
        assert_eq!(blocks(pages.wanted(&rows, 200, 40, &[])), [4, 2]);
        pages.renew(&["z".into(), "sn".into()]);
        assert!(!pages.arrived(1, 2, Vec::new(), true), "late");
        assert_eq!(pages.columns(), ["object_id", "z", "sn"]);
    }

    #[test]
    fn in_catalog_order_much_is_read_ahead_at_once() {
        let mut pages = Pages::default();
        pages.renew(&["z".into()]);
        let rows = Rows::All(100_000);
        let asked = blocks(pages.wanted(&rows, 64 * 100, 40, &[]));
        assert_eq!(asked, [100, 101, 102, 103, 104, 105, 106, 99, 98]);
        for block in asked {
            pages.arrived(1, block, Vec::new(), true);
        }
        // Many pages further down nothing is missing yet but the ends, of which nothing is asked for twice.
        assert_eq!(blocks(pages.wanted(&rows, 64 * 104, 40, &[])), [0, 1, 1562, 1561]);
        assert!(blocks(pages.wanted(&rows, 64 * 104, 40, &[])).is_empty());
        assert_eq!(
            blocks(pages.wanted(&rows, 64 * 105 + 30, 40, &[]))[..2],
            [107, 108]
        );
    }

    #[test]
    fn memory_does_not_grow_with_scrolling() {
        let mut pages = Pages::default();
        pages.renew(&[]);
        let rows = Rows::All(20_000_000);
        for top in [0].into_iter().chain((0..20_000_000).step_by(50_000)) {
            for block in blocks(pages.wanted(&rows, top, 60, &[])) {
                pages.arrived(1, block, vec![Vec::new(); 64], true);
            }
            if let Some(Request::Sparks(rows)) = pages.wanted_sparks(&rows, top, 60) {
                pages.arrived_sparks(rows.into_iter().map(|row| (row, None)).collect());
            }
            assert!(pages.row(top).is_some() && pages.spark(top).is_some());
        }
        assert!(pages.blocks.len() <= KEPT_BLOCKS + 16 && pages.sparks.len() <= KEPT_SPARKS);
        assert!(
            pages.row(0).is_some() && pages.row(19_999_999).is_some(),
            "ends stay"
        );
    }
}
