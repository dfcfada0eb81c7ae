//! Reads blocks of the table: first the columns that are seen of the rows that are seen, then what else is wanted of these, then what lies around them.

use super::work::Answer;
use crate::pipeline::browse::{Browser, Cell};
use crate::pipeline::{CancelToken, PipelineError};

/// A block's number, and its rows.
pub type Block = (u64, Vec<u64>);

/// Blocks of the list, those that are seen first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub generation: u64,
    pub blocks: Vec<Block>,
    pub columns: Vec<String>,
    /// Places in `columns` of those that are seen.
    pub seen: Vec<usize>,
}

/// A screen is so many blocks as a rule: what both need of the file is decoded once.
const SCREEN: usize = 2;
/// So it is for what is read ahead, where that is of one place: rows no farther apart than this.
const NEAR: u64 = 8192;

impl Wanted {
    pub(super) fn read(
        &self,
        browser: &Browser,
        cancel: &CancelToken,
        tell: &(dyn Fn(Answer) + Sync),
    ) -> Result<(), PipelineError> {
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let others: Vec<usize> = all.iter().copied().filter(|at| !self.seen.contains(at)).collect();
        let (first, ahead) = self.blocks.split_at(self.blocks.len().min(SCREEN));
        let mut cells = self.blank(first);
        self.fill(browser, first, &self.seen, &mut cells)?;
        if !others.is_empty() && !cancel.is_cancelled() {
            self.answer(first, cells.clone(), false, tell);
            self.fill(browser, first, &others, &mut cells)?;
        }
        self.answer(first, cells, true, tell);
        let rows = || ahead.iter().flat_map(|(_, rows)| rows.iter().copied());
        let together = match rows().max().zip(rows().min()) {
            Some((last, first)) if last - first < NEAR => ahead.len(),
            _ => SCREEN,
        };
        for blocks in ahead.chunks(together.max(1)) {
            if cancel.is_cancelled() {
                break;
            }
            let mut cells = self.blank(blocks);
            self.fill(browser, blocks, &all, &mut cells)?;
            self.answer(blocks, cells, true, tell);
        }
        Ok(())
    }

    fn blank(&self, blocks: &[Block]) -> Vec<Vec<Cell>> {
        let rows = blocks.iter().map(|(_, rows)| rows.len()).sum();
        vec![vec![Cell::default(); self.columns.len()]; rows]
    }

    /// Reads these columns of all rows of the blocks.
    fn fill(
        &self,
        browser: &Browser,
        blocks: &[Block],
        columns: &[usize],
        cells: &mut [Vec<Cell>],
    ) -> Result<(), PipelineError> {
        let rows: Vec<u64> = blocks.iter().flat_map(|(_, rows)| rows).copied().collect();
        let names: Vec<&str> = columns.iter().map(|at| self.columns[*at].as_str()).collect();
        for (row, read) in cells.iter_mut().zip(browser.page(&rows, &names)?) {
            for (at, cell) in columns.iter().zip(read) {
                row[*at] = cell;
            }
        }
        Ok(())
    }

    fn answer(&self, blocks: &[Block], cells: Vec<Vec<Cell>>, whole: bool, tell: &(dyn Fn(Answer) + Sync)) {
        let mut cells = cells.into_iter();
        for (block, rows) in blocks {
            tell(Answer::Page {
                generation: self.generation,
                block: *block,
                cells: cells.by_ref().take(rows.len()).collect(),
                whole,
            });
        }
    }
}
