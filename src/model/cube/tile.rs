//! What convolutions have in common, those to a coarse map ([`gather`](super::gather)) and those to a fine one ([`scatter`](super::scatter)): how a workgroup shares
//! its outputs among its units, and the sums that a unit has in its registers.

use burn::cubecl;
use cubecl::prelude::*;

use super::Quad;

/// Outputs of a workgroup: `across` units beside each other have `positions` each, `down` units have `quads` of channels each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Tile {
    pub across: usize,
    pub positions: usize,
    pub down: usize,
    pub quads: usize,
}

impl Tile {
    /// Positions of a workgroup.
    pub fn rows(self) -> usize {
        self.across * self.positions
    }

    pub fn units(self) -> usize {
        self.across * self.down
    }

    /// Sums of a unit, one for each of its positions and quads.
    pub fn sums(self) -> usize {
        self.positions * self.quads
    }
}

/// The weights from the four channels of a quad to the channels of a unit, of which each is `tile.down` quads after the one before. Shape: `[4, tile.quads]`, quads.
///
/// `from`: the first weight of the quad's first channel, `row`: quads from one channel to the next.
#[cube]
pub(super) fn weights_of(
    weights: &Shared<[Quad]>,
    from: usize,
    row: usize,
    #[comptime] tile: Tile,
) -> Array<Quad> {
    let mut own = Array::<Quad>::new(comptime!(4 * tile.quads));
    #[unroll]
    for channel in 0..4usize {
        #[unroll]
        for quad in 0..tile.quads {
            own[channel * tile.quads + quad] = weights[from + channel * row + quad * tile.down];
        }
    }
    own
}

/// Adds what the four channels of `quad` give to the sums from `first` on.
#[cube]
pub(super) fn accumulate(
    sums: &mut Array<Quad>,
    quad: Quad,
    weights: &Array<Quad>,
    #[comptime] first: usize,
    #[comptime] quads: usize,
) {
    #[unroll]
    for channel in 0..4usize {
        let value = Quad::new(quad.extract(channel));
        #[unroll]
        for v in 0..quads {
            let sum = comptime!(first + v);
            sums[sum] = fma(value, weights[channel * quads + v], sums[sum]);
        }
    }
}
