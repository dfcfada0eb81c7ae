//! Buffers that are used again, so that a step of training allocates nothing large.

use std::sync::{Mutex, PoisonError};

/// Buffers that nobody uses at the moment; the one used last is handed out first, because it is still in the cache.
pub(super) struct Spare<T>(Mutex<Vec<T>>);

impl<T> Spare<T> {
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// One that fits, or a new one.
    pub fn take(&self, fits: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.iter().rposition(fits);
        let found = found.map(|index| all.swap_remove(index));
        drop(all);
        found.unwrap_or_else(new)
    }

    /// Gives one back, and forgets those that the work has left behind.
    pub fn give(&self, used: T, still_fits: impl Fn(&T) -> bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(still_fits);
        all.push(used);
    }
}
