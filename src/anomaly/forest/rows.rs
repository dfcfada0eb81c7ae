//! Examples as the trees look at them: row by row, of which a register takes many columns at once.

use super::Examples;

/// Columns of a block: as many as the widest register takes.
pub(super) const LANES: usize = 16;
pub(super) type Lanes = [f32; LANES];

/// Examples as the trees look at them.
pub(super) struct Rows<'a> {
    pub examples: Examples<'a>,
    /// Rows of vectors, filled up with zeros. Shape: `[vectors, blocks]`.
    values: Vec<Lanes>,
    pub blocks: usize,
}

impl<'a> Rows<'a> {
    pub fn of(examples: Examples<'a>) -> Self {
        let blocks = examples.columns.div_ceil(LANES);
        let mut values = vec![[0.0; LANES]; examples.kind.len() * blocks];
        let rows = values.chunks_exact_mut(blocks.max(1));
        for (row, own) in rows.zip(examples.values.chunks_exact(examples.columns.max(1))) {
            row.as_flattened_mut()[..own.len()].copy_from_slice(own);
        }
        Self {
            examples,
            values,
            blocks,
        }
    }

    #[inline(always)]
    pub fn block(&self, vector: u32, block: usize) -> &Lanes {
        &self.values[vector as usize * self.blocks + block]
    }

    #[inline(always)]
    pub fn value(&self, vector: u32, column: usize) -> f32 {
        self.block(vector, column / LANES)[column % LANES]
    }
}
