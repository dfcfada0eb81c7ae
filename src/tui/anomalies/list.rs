//! Which verdicts are listed, and in which order.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::pipeline::{Neighbors, Verdicts};
use crate::triage::Label;

/// What the list is sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SortKey {
    #[default]
    Score,
    Interest,
    Distance,
    Chi2,
    Flagged,
    Artifact,
    Sn,
    Redshift,
    Masked,
    Quality,
    Id,
}

impl SortKey {
    pub const ALL: [Self; 11] = [
        Self::Score,
        Self::Interest,
        Self::Distance,
        Self::Chi2,
        Self::Flagged,
        Self::Artifact,
        Self::Sn,
        Self::Redshift,
        Self::Masked,
        Self::Quality,
        Self::Id,
    ];

    /// As it is typed, and what it is.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Score => ("score", "how strange"),
            Self::Interest => ("interest", "what the labels taught"),
            Self::Distance => (
                "distance",
                "latent distance from the object of \"more like this\"",
            ),
            Self::Chi2 => ("chi2", "reduced chi-square"),
            Self::Flagged => ("flagged", "share of its pixels that is flagged"),
            Self::Artifact => ("artifact", "how likely it is an artifact"),
            Self::Sn => ("sn", "median signal-to-noise ratio a pixel"),
            Self::Redshift => ("z", "redshift"),
            Self::Masked => ("masked", "share of its pixels that is masked"),
            Self::Quality => ("quality", "quality of your label"),
            Self::Id => ("id", "object id"),
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|key| key.words().0 == name.to_lowercase())
    }
}

/// Which of the two lists is shown: the pipeline's people want one, the astronomer the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    #[default]
    All,
    Astrophysics,
    Artifacts,
}

impl Shown {
    pub fn next(self) -> Self {
        match self {
            Self::All => Self::Astrophysics,
            Self::Astrophysics => Self::Artifacts,
            Self::Artifacts => Self::All,
        }
    }
}

/// What the order is made from beside the ranking.
pub struct Given<'a> {
    /// Places that the filter selects.
    pub selected: Option<&'a [usize]>,
    pub labels: &'a dyn Fn(&str) -> Option<&'a Label>,
    pub interest: Option<&'a HashMap<String, f64>>,
    pub similar: Option<&'a Neighbors>,
}

/// The places of the ranking that are listed, in their order.
#[derive(Debug, Default)]
pub struct Order {
    pub key: SortKey,
    /// The least first.
    pub ascending: bool,
    pub only_unlabeled: bool,
    pub shown: Shown,
    places: Vec<usize>,
}

impl Order {
    pub fn places(&self) -> &[usize] {
        &self.places
    }

    /// Makes the order anew; ties stay in the order of the ranking, and what has no value stands last.
    pub fn make(&mut self, verdicts: &Verdicts, given: &Given) {
        let judgements = &verdicts.judgements;
        let mut places: Vec<usize> = match given.selected {
            Some(selected) => selected
                .iter()
                .copied()
                .filter(|place| *place < judgements.len())
                .collect(),
            None => (0..judgements.len()).collect(),
        };
        if self.only_unlabeled {
            places.retain(|place| (given.labels)(&judgements[*place].object_id).is_none());
        }
        match self.shown {
            Shown::All => (),
            Shown::Astrophysics => places.retain(|place| !judgements[*place].is_artifact()),
            Shown::Artifacts => places.retain(|place| judgements[*place].is_artifact()),
        }
        let distances: HashMap<&str, f64> = given
            .similar
            .map(|similar| {
                let near = similar
                    .neighbors
                    .iter()
                    .map(|near| (near.object_id.as_str(), near.distance));
                near.chain([(similar.object_id.as_str(), 0.0)]).collect()
            })
            .unwrap_or_default();
        if given.similar.is_some() {
            places.retain(|place| distances.contains_key(judgements[*place].object_id.as_str()));
        }
        match self.key {
            SortKey::Score if !self.ascending => (),
            SortKey::Id => {
                places.sort_by(|a, b| judgements[*a].object_id.cmp(&judgements[*b].object_id));
                if self.ascending {
                    places.reverse();
                }
            }
            key => {
                let value = |place: usize| -> f64 {
                    let judgement = &judgements[place];
                    let id = judgement.object_id.as_str();
                    match key {
                        SortKey::Score | SortKey::Id => judgement.score,
                        SortKey::Interest => given
                            .interest
                            .and_then(|of| of.get(id).copied())
                            .unwrap_or(f64::NAN),
                        SortKey::Distance => distances.get(id).copied().unwrap_or(f64::NAN),
                        SortKey::Chi2 => judgement.reduced_chi2,
                        SortKey::Flagged => judgement.flagged_fraction,
                        SortKey::Artifact => judgement.artifact(),
                        SortKey::Sn => judgement.sn,
                        SortKey::Redshift => verdicts.facts[place].z.unwrap_or(f64::NAN),
                        SortKey::Masked => judgement.masked_fraction,
                        SortKey::Quality => (given.labels)(id)
                            .and_then(|label| label.quality)
                            .map_or(f64::NAN, f64::from),
                    }
                };
                let mut valued: Vec<(f64, usize)> =
                    places.iter().map(|place| (value(*place), *place)).collect();
                let ascending = self.ascending;
                valued.sort_by(|(a, _), (b, _)| match (a.is_nan(), b.is_nan()) {
                    (false, false) if ascending => a.total_cmp(b),
                    (false, false) => b.total_cmp(a),
                    (a, b) => a.cmp(&b),
                });
                places = valued.into_iter().map(|(_, place)| place).collect();
            }
        }
        self.places = places;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::anomaly::{Correlations, Judgement};
    use crate::spectrum::Facts;

    fn verdicts(rows: &[(&str, f64, Option<f64>)]) -> Verdicts {
        let judgement = |(n, (id, score, _)): (usize, &(&str, f64, Option<f64>))| Judgement {
            object_id: (*id).into(),
            targetid: None,
            rank: n as u64 + 1,
            score: *score,
            percentile: 0.0,
            anomalous: false,
            reason: Default::default(),
            flagged_fraction: 0.0,
            reduced_chi2: 1.0,
            sn: 10.0,
            masked_fraction: 0.0,
            artifact_fraction: 0.0,
            artifact_probability: None,
            suggested_kind: None,
            latent: Default::default(),
            regions: Vec::new(),
        };
        Verdicts {
            judgements: rows.iter().enumerate().map(judgement).collect(),
            facts: rows
                .iter()
                .map(|(id, _, z)| {
                    Arc::new(Facts {
                        object_id: (*id).into(),
                        z: *z,
                        ..Facts::default()
                    })
                })
                .collect(),
            correlations: Correlations::default(),
            thresholds: None,
        }
    }

    #[test]
    fn sorted_filtered_and_unlabeled() {
        let verdicts = verdicts(&[
            ("d", 9.0, Some(0.3)),
            ("b", 5.0, None),
            ("c", 3.0, Some(0.1)),
            ("a", 1.0, Some(0.2)),
        ]);
        let label = Label::default();
        let labels = |id: &str| (id == "c").then_some(&label);
        let mut given = Given {
            selected: None,
            labels: &labels,
            interest: None,
            similar: None,
        };
        let mut order = Order::default();
        let mut places = |key, ascending, only_unlabeled, given: &Given| {
            (order.key, order.ascending, order.only_unlabeled) = (key, ascending, only_unlabeled);
            order.make(&verdicts, given);
            order.places().to_vec()
        };
        assert_eq!(places(SortKey::Score, false, false, &given), [0, 1, 2, 3]);
        assert_eq!(
            places(SortKey::Redshift, true, false, &given),
            [2, 3, 0, 1],
            "no redshift stands last"
        );
        assert_eq!(places(SortKey::Redshift, false, false, &given), [0, 3, 2, 1]);
        assert_eq!(
            places(SortKey::Sn, false, true, &given),
            [0, 1, 3],
            "ties stay in the order of the ranking"
        );
        given.selected = Some(&[3, 2, 99]);
        assert_eq!(places(SortKey::Score, true, false, &given), [3, 2]);
    }
}
