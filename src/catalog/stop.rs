//! Ending a long look through a catalog before it is through.

use std::fmt;
use std::sync::Arc;

/// A question asked between batches: is the answer still wanted?
#[derive(Clone)]
pub struct Stop(Arc<dyn Fn() -> bool + Send + Sync>);

impl Stop {
    /// Stops when `asked` says so.
    pub fn when(asked: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(asked))
    }

    /// Goes on to the end.
    pub fn never() -> Self {
        Self::when(|| false)
    }

    pub fn is_asked(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stop(asked: {})", self.is_asked())
    }
}
