//! What labels are worth: a simulated user labels the head of a list by the truth, and the rest is ranked again.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::judged::{OURS, Row, SeedRun};
use crate::triage::{Issues, Item, Label, rerank};

/// What a simulated user is after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum User {
    /// Calls all that is strange interesting, whoever made it.
    Everything,
    /// Calls what the sky made interesting, and a bad spectrum what instrument or reduction made.
    Astrophysics,
}

impl User {
    pub const ALL: [Self; 2] = [Self::Everything, Self::Astrophysics];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Everything => "wants all that is strange",
            Self::Astrophysics => "wants the sky's, not the instrument's",
        }
    }

    /// Whether it is what the user is after, by the truth: a spectrum that is known to be `odd` is, whether it was planted or not.
    pub(super) fn wants(self, row: &Row, odd: &HashSet<&str>) -> bool {
        let strange = row.mark.kind.is_some() || odd.contains(row.mark.base_id.as_str());
        match self {
            Self::Everything => strange,
            Self::Astrophysics => strange && row.mark.artifact != Some(true),
        }
    }

    fn label(self, row: &Row, odd: &HashSet<&str>) -> Label {
        if self.wants(row, odd) {
            return Label {
                interesting: true,
                ..Label::default()
            };
        }
        if row.mark.artifact == Some(true) {
            let issues = Issues {
                spectrum: true,
                ..Issues::default()
            };
            return Label {
                issues,
                ..Label::default()
            };
        }
        Label {
            quality: Some(4),
            ..Label::default()
        }
    }
}

/// A list before and after the labels of its first spectra.
pub(super) struct Relabeled<'a> {
    /// Those that nobody has labeled, in the order of the run's rows.
    pub rows: Vec<&'a Row>,
    pub before: Vec<f64>,
    pub after: Vec<f64>,
    /// Labels that call their object interesting.
    pub interesting: usize,
    /// Whether anything was learned; else `after` is `before`.
    pub learned: bool,
}

impl<'a> Relabeled<'a> {
    /// The user labels the first `count` of our list from the top, and the list is ranked again by the function that screens and `spectriage labels rerank` use.
    pub fn of(run: &'a SeedRun, user: User, odd: &HashSet<&str>, count: usize) -> Self {
        let seen = |row: &Row| row.rank <= count as u64;
        let labels: BTreeMap<String, Label> = run
            .rows
            .iter()
            .filter(|row| seen(row))
            .map(|row| (row.mark.object_id.clone(), user.label(row, odd)))
            .collect();
        let items: Vec<Item> = run.rows.iter().map(|row| row.item.clone()).collect();
        let reranked = rerank(&items, &labels);
        let mut relabeled = Self {
            rows: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            interesting: labels.values().filter(|label| label.interesting).count(),
            learned: reranked.fit.is_some(),
        };
        let scores = run.scores[OURS].iter().zip(&reranked.scores);
        for (row, (before, after)) in run.rows.iter().zip(scores) {
            if !seen(row) {
                relabeled.rows.push(row);
                relabeled.before.push(*before);
                relabeled.after.push(*after);
            }
        }
        relabeled
    }
}
