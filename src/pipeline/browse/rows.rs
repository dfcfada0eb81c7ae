//! Which rows are looked at, and in which order.

use std::sync::Arc;

/// Rows of a catalog in the order of a list on the screen. A *place* is where in the list, a *row* is the catalog's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// The first so many rows of the catalog, in its order.
    All(u64),
    /// These, in this order.
    Listed(Arc<[u64]>),
}

impl Rows {
    pub fn len(&self) -> u64 {
        match self {
            Self::All(rows) => *rows,
            Self::Listed(rows) => rows.len() as u64,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row at a place.
    pub fn get(&self, place: u64) -> Option<u64> {
        match self {
            Self::All(rows) => (place < *rows).then_some(place),
            Self::Listed(rows) => rows.get(usize::try_from(place).ok()?).copied(),
        }
    }

    /// The rows from a place on, at most `count`.
    pub fn slice(&self, from: u64, count: usize) -> Vec<u64> {
        let end = from.saturating_add(count as u64).min(self.len());
        match self {
            Self::All(_) => (from.min(end)..end).collect(),
            Self::Listed(rows) => rows[from.min(end) as usize..end as usize].to_vec(),
        }
    }

    /// The place of a row; `None` where the list leaves it out.
    pub fn position_of(&self, row: u64) -> Option<u64> {
        match self {
            Self::All(rows) => (row < *rows).then_some(row),
            // A filter's list ascends; a sorted one is gone through.
            Self::Listed(rows) => rows
                .binary_search(&row)
                .ok()
                .or_else(|| rows.iter().position(|other| *other == row))
                .map(|place| place as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_rows_are_each_others_inverse() {
        for rows in [
            Rows::All(5),
            Rows::Listed(Arc::from([3u64, 7, 11])),
            Rows::Listed(Arc::from([9u64, 2, 30, 4])),
        ] {
            for place in 0..rows.len() {
                let row = rows.get(place).unwrap();
                assert_eq!(rows.position_of(row), Some(place), "{rows:?}");
            }
            assert_eq!(rows.get(rows.len()), None);
            assert_eq!(rows.position_of(1000), None);
        }
    }

    #[test]
    fn a_slice_ends_with_the_list() {
        let listed = Rows::Listed(Arc::from([9u64, 2, 30]));
        assert_eq!(listed.slice(1, 5), [2, 30]);
        assert_eq!(listed.slice(8, 5), Vec::<u64>::new());
        assert_eq!(Rows::All(4).slice(2, 1), [2]);
        assert_eq!(Rows::All(4).slice(u64::MAX, 3), Vec::<u64>::new());
    }
}
