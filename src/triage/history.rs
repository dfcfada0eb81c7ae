//! The journal's entries and what they come to, one after another.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::label::Label;

/// One line of the journal.
///
/// `at` and `by` together name an entry, so that a later one can take it back wherever the line stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// RFC 3339, UTC, nanoseconds.
    pub at: String,
    pub by: String,
    #[serde(flatten)]
    pub deed: Deed,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub(super) enum Deed {
    /// From now on this is the label of the object; an empty one takes the label away.
    Set { id: String, label: Label },
    /// The entry of the same person at `of` no longer counts.
    Undo { of: String },
    /// It counts again.
    Redo { of: String },
}

/// What a step did: the label of an object before and after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub object_id: String,
    /// `None`: no label.
    pub before: Option<Label>,
    pub after: Option<Label>,
}

/// `A-1: quality 3 -> no label`
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let none = Label::default();
        let (before, after) = (self.before.as_ref(), self.after.as_ref());
        write!(
            f,
            "{}: {} -> {}",
            self.object_id,
            before.unwrap_or(&none),
            after.unwrap_or(&none)
        )
    }
}

/// A line of the journal that could not be used; it stays in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// From 1.
    pub line: u64,
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

#[derive(Debug)]
struct Step {
    at: String,
    id: String,
    label: Label,
}

/// All that one person ever did.
#[derive(Debug, Default)]
pub(super) struct History {
    steps: Vec<Step>,
    by_time: BTreeMap<String, usize>,
    /// Steps that count, by object; the last one holds.
    counting: BTreeMap<String, BTreeSet<usize>>,
    /// Steps that undo would take back, the next one last.
    done: Vec<usize>,
    /// Steps that redo would bring back, the next one last.
    undone: Vec<usize>,
}

impl History {
    pub fn get(&self, id: &str) -> Option<&Label> {
        let last = self.counting.get(id)?.last()?;
        Some(&self.steps[*last].label).filter(|label| !label.is_empty())
    }

    /// The labels that hold, by object id.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &Label)> {
        self.counting.iter().filter_map(|(id, steps)| {
            let label = &self.steps[*steps.last()?].label;
            (!label.is_empty()).then_some((id.as_str(), label))
        })
    }

    /// The `at` of the step that undo would take back.
    pub fn last_done(&self) -> Option<&str> {
        self.done.last().map(|step| self.steps[*step].at.as_str())
    }

    /// The `at` of the step that redo would bring back.
    pub fn last_undone(&self) -> Option<&str> {
        self.undone.last().map(|step| self.steps[*step].at.as_str())
    }

    pub fn depth(&self) -> (usize, usize) {
        (self.done.len(), self.undone.len())
    }

    /// When the label of the object was set.
    pub fn when(&self, id: &str) -> Option<&str> {
        let last = self.counting.get(id)?.last()?;
        Some(&self.steps[*last].at)
    }

    /// Takes the next entry in.
    ///
    /// Errors: what is wrong with it; then nothing changed.
    pub fn apply(&mut self, at: String, deed: Deed) -> Result<Change, String> {
        match deed {
            Deed::Set { id, label } => {
                let label = label.tidy();
                label.check()?;
                let before = self.get(&id).cloned();
                let step = self.steps.len();
                self.counting.entry(id.clone()).or_default().insert(step);
                self.by_time.insert(at.clone(), step);
                self.done.push(step);
                self.undone.clear();
                let after = Some(label.clone()).filter(|label| !label.is_empty());
                self.steps.push(Step {
                    at,
                    id: id.clone(),
                    label,
                });
                Ok(Change {
                    object_id: id,
                    before,
                    after,
                })
            }
            Deed::Undo { of } => self.toggle(&of, false),
            Deed::Redo { of } => self.toggle(&of, true),
        }
    }

    fn toggle(&mut self, of: &str, counts: bool) -> Result<Change, String> {
        let verb = if counts { "redo" } else { "undo" };
        let unknown = || format!("it would {verb} an entry of {of}, which is not there");
        let step = *self.by_time.get(of).ok_or_else(unknown)?;
        let (from, to) = if counts {
            (&mut self.undone, &mut self.done)
        } else {
            (&mut self.done, &mut self.undone)
        };
        // The last one, but where two programs of one person undid at once.
        let Some(place) = from.iter().rposition(|other| *other == step) else {
            return Err(format!("it would {verb} an entry of {of} for the second time"));
        };
        to.push(from.remove(place));
        let id = self.steps[step].id.clone();
        let before = self.get(&id).cloned();
        let steps = self.counting.entry(id.clone()).or_default();
        if counts {
            steps.insert(step);
        } else {
            steps.remove(&step);
        }
        let after = self.get(&id).cloned();
        Ok(Change {
            object_id: id,
            before,
            after,
        })
    }
}
