//! The next row whose id has a text in it.

use std::collections::HashSet;
use std::ops::{ControlFlow, Range};

use arrow::array::AsArray;

use super::{Browser, Rows, stop};
use crate::pipeline::{CancelToken, PipelineError};

/// Which way to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
}

/// Rows that are looked through before those ahead of them, when looking backward.
const STRETCH: u64 = 16_384;

impl Browser {
    /// The place in `rows` of the next row from place `from` on (itself included) whose `object_id` has `text` in it, in any case;
    /// after the end it goes on at the other one. `Ok(None)` where there is none, and when cancelled.
    ///
    /// Errors: a table without ids; a damaged file.
    pub fn find_text(
        &self,
        text: &str,
        rows: &Rows,
        from: u64,
        direction: Direction,
        cancel: &CancelToken,
    ) -> Result<Option<u64>, PipelineError> {
        let text = text.trim().to_lowercase();
        if text.is_empty() || rows.is_empty() {
            return Ok(None);
        }
        let from = from.min(rows.len() - 1);
        match rows {
            Rows::All(len) => self.find_in_order(&text, *len, from, direction, cancel),
            Rows::Listed(_) => self.find_in_list(&text, rows, from, direction, cancel),
        }
    }

    /// Place and row are one: stretch by stretch, so that a near one is found soon.
    fn find_in_order(
        &self,
        text: &str,
        len: u64,
        from: u64,
        direction: Direction,
        cancel: &CancelToken,
    ) -> Result<Option<u64>, PipelineError> {
        let parts = match direction {
            Direction::Forward => [from..len, 0..from],
            Direction::Backward => [0..from + 1, from + 1..len],
        };
        for part in parts {
            let found = match direction {
                Direction::Forward => self.first_in(text, part, cancel)?,
                Direction::Backward => self.last_in(text, part, cancel)?,
            };
            if found.is_some() || cancel.is_cancelled() {
                return Ok(found.filter(|_| !cancel.is_cancelled()));
            }
        }
        Ok(None)
    }

    fn first_in(
        &self,
        text: &str,
        range: Range<u64>,
        cancel: &CancelToken,
    ) -> Result<Option<u64>, PipelineError> {
        let mut found = None;
        self.catalog.scan(&["object_id"], range, |first, batch| {
            let ids = batch.column(0).as_string::<i32>();
            found = ids
                .iter()
                .position(|id| id.is_some_and(|id| has(id, text)))
                .map(|place| first + place as u64);
            match found.is_some() || cancel.is_cancelled() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        Ok(found)
    }

    fn last_in(
        &self,
        text: &str,
        range: Range<u64>,
        cancel: &CancelToken,
    ) -> Result<Option<u64>, PipelineError> {
        let mut end = range.end;
        while end > range.start && !cancel.is_cancelled() {
            let start = end.saturating_sub(STRETCH).max(range.start);
            let mut found = None;
            self.catalog.scan(&["object_id"], start..end, |first, batch| {
                let ids = batch.column(0).as_string::<i32>();
                let here = (0..batch.num_rows()).rev().find(|i| has(ids.value(*i), text));
                found = here.map(|place| first + place as u64).or(found);
                ControlFlow::Continue(())
            })?;
            if found.is_some() {
                return Ok(found);
            }
            end = start;
        }
        Ok(None)
    }

    /// All matches of the listed rows are found in one pass through the ids; then the list is walked.
    fn find_in_list(
        &self,
        text: &str,
        rows: &Rows,
        from: u64,
        direction: Direction,
        cancel: &CancelToken,
    ) -> Result<Option<u64>, PipelineError> {
        let mut matches = HashSet::new();
        let listed = rows.slice(0, usize::MAX);
        let ended = self
            .catalog
            .scan_rows(&["row", "object_id"], Some(&listed), &stop(cancel), |batch| {
                let numbers = batch.column(0).as_primitive::<arrow::datatypes::UInt64Type>();
                let ids = batch.column(1).as_string::<i32>();
                let found = ids
                    .iter()
                    .enumerate()
                    .filter(|(_, id)| id.is_some_and(|id| has(id, text)));
                matches.extend(found.map(|(place, _)| numbers.value(place)));
            })?;
        if !ended || matches.is_empty() {
            return Ok(None);
        }
        let len = rows.len();
        let place = |step: u64| match direction {
            Direction::Forward => (from + step) % len,
            Direction::Backward => (from + len - step) % len,
        };
        Ok((0..len)
            .map(place)
            .find(|place| matches.contains(&listed[*place as usize])))
    }
}

/// `text` is in small letters.
fn has(id: &str, text: &str) -> bool {
    id.contains(text)
        || (!id.is_ascii() || id.bytes().any(|b| b.is_ascii_uppercase())) && id.to_lowercase().contains(text)
}
