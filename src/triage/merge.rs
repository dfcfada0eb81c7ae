//! Labels of several people side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::label::Label;

/// Redshifts further apart than this, as |Δz| / (1 + z), disagree: 1000 km/s over the speed of light.
///
/// Source: the merging of DESI's visual inspections, Lan et al. 2023 (ApJ 943, 68) and Alexander et al. 2023 (AJ 165, 124).
pub const SAME_REDSHIFT: f64 = 0.0033;

/// In what the labels of an object disagree. What only one person said disagrees with nothing, but for the issues.
///
/// Source: quality, class and redshift as DESI's visual inspection has it (see [`SAME_REDSHIFT`]); the issues are our addition.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Disagreement {
    /// Qualities differ by more than 1.
    pub quality: bool,
    pub class: bool,
    /// The largest |Δz| / (1 + z), where it is above [`SAME_REDSHIFT`].
    pub redshift: Option<f64>,
    pub issues: bool,
}

/// `quality, redshift (0.0120)`
impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut parts = Vec::new();
        if self.quality {
            parts.push("quality".to_owned());
        }
        if self.class {
            parts.push("class".to_owned());
        }
        parts.extend(self.redshift.map(|distance| format!("redshift ({distance:.4})")));
        if self.issues {
            parts.push("issues".to_owned());
        }
        f.write_str(&parts.join(", "))
    }
}

impl Disagreement {
    /// `None`: they agree.
    fn between(labels: &[&Label]) -> Option<Self> {
        let qualities: Vec<u8> = labels.iter().filter_map(|label| label.quality).collect();
        let spread = qualities.iter().max().zip(qualities.iter().min());
        let classes: BTreeSet<String> = labels
            .iter()
            .filter_map(|label| label.class.as_ref())
            .map(|class| class.to_lowercase())
            .collect();
        let redshifts: Vec<f64> = labels.iter().filter_map(|label| label.z).collect();
        let low = redshifts.iter().copied().fold(f64::INFINITY, f64::min);
        let high = redshifts.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let distance = (high - low) / (1.0 + low);
        let found = Self {
            quality: spread.is_some_and(|(most, least)| most - least > 1),
            class: classes.len() > 1,
            redshift: Some(distance).filter(|distance| *distance > SAME_REDSHIFT),
            issues: labels.windows(2).any(|pair| pair[0].issues != pair[1].issues),
        };
        (found != Self::default()).then_some(found)
    }
}

/// An object with what each person said of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MergedRow {
    pub object_id: String,
    /// Scanner and label, in the order in which the people were given.
    pub by: Vec<(String, Label)>,
    /// `None`: they agree, or only one saw it.
    pub disagreement: Option<Disagreement>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct MergeSummary {
    pub objects: usize,
    /// Seen by two or more.
    pub shared: usize,
    pub agree: usize,
    pub disagree: usize,
    /// Seen by one alone.
    pub single: usize,
    /// Disagreements by kind; one object may have several.
    pub quality: usize,
    pub class: usize,
    pub redshift: usize,
    pub issues: usize,
    /// Called interesting by one of them at least.
    pub interesting: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Merged {
    /// By object id.
    pub rows: Vec<MergedRow>,
    pub summary: MergeSummary,
}

/// Lays labels side by side and says where they disagree. Of two lists of one scanner the later one counts.
pub fn merge(people: &[(String, BTreeMap<String, Label>)]) -> Merged {
    let mut objects: BTreeMap<&str, Vec<(&str, &Label)>> = BTreeMap::new();
    for (scanner, labels) in people {
        for (id, label) in labels.iter().filter(|(_, label)| !label.is_empty()) {
            let by = objects.entry(id).or_default();
            match by.iter_mut().find(|(other, _)| other == scanner) {
                Some(known) => known.1 = label,
                None => by.push((scanner, label)),
            }
        }
    }
    let mut summary = MergeSummary::default();
    let rows = objects.into_iter().map(|(id, by)| {
        let labels: Vec<&Label> = by.iter().map(|(_, label)| *label).collect();
        let disagreement = Disagreement::between(&labels);
        summary.objects += 1;
        summary.interesting += usize::from(labels.iter().any(|label| label.interesting));
        match (&disagreement, labels.len()) {
            (_, 1) => summary.single += 1,
            (None, _) => summary.agree += 1,
            (Some(found), _) => {
                summary.disagree += 1;
                summary.quality += usize::from(found.quality);
                summary.class += usize::from(found.class);
                summary.redshift += usize::from(found.redshift.is_some());
                summary.issues += usize::from(found.issues);
            }
        }
        MergedRow {
            object_id: id.to_owned(),
            by: by
                .into_iter()
                .map(|(scanner, label)| (scanner.to_owned(), label.clone()))
                .collect(),
            disagreement,
        }
    });
    let rows: Vec<MergedRow> = rows.collect();
    summary.shared = summary.agree + summary.disagree;
    Merged { rows, summary }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::Issues;

    fn label(quality: u8, z: Option<f64>) -> Label {
        Label {
            quality: Some(quality),
            z,
            ..Label::default()
        }
    }

    fn verdict(a: Label, b: Label) -> String {
        let list = |label| BTreeMap::from([("x".to_owned(), label)]);
        let merged = merge(&[("ANN".into(), list(a)), ("BOB".into(), list(b))]);
        merged.rows[0]
            .disagreement
            .as_ref()
            .map_or_else(String::new, ToString::to_string)
    }

    #[test]
    fn the_rule_is_that_of_desi() {
        assert_eq!(verdict(label(4, None), label(3, None)), "");
        assert_eq!(verdict(label(4, None), label(2, None)), "quality");
        // 1000 km/s at z = 1 is 0.0067
        assert_eq!(verdict(label(4, Some(1.0)), label(4, Some(1.0065))), "");
        assert_eq!(
            verdict(label(4, Some(1.0)), label(4, Some(1.0068))),
            "redshift (0.0034)"
        );
        assert_eq!(verdict(label(4, Some(1.0)), label(4, None)), "");
        let class = |class: &str| Label {
            class: Some(class.into()),
            ..label(4, None)
        };
        assert_eq!(verdict(class("QSO"), class("STAR")), "class");
        assert_eq!(verdict(class("QSO"), class("qso")), "");
        let bad = Label {
            issues: Issues {
                spectrum: true,
                ..Issues::default()
            },
            ..label(1, None)
        };
        assert_eq!(verdict(bad, label(4, None)), "quality, issues");
    }

    #[test]
    fn what_one_alone_saw_is_listed_apart() {
        let ann = BTreeMap::from([("a".to_owned(), label(4, None)), ("b".to_owned(), label(4, None))]);
        let bob = BTreeMap::from([
            ("b".to_owned(), label(0, None)),
            ("c".to_owned(), Label::default()),
        ]);
        let merged = merge(&[("ANN".into(), ann), ("BOB".into(), bob)]);
        assert_eq!(merged.rows.len(), 2, "an empty label is none");
        let alone = merged.rows.iter().filter(|row| row.by.len() == 1);
        let alone: Vec<&str> = alone.map(|row| row.object_id.as_str()).collect();
        assert_eq!(alone, ["a"]);
        let disagree = merged.rows.iter().filter(|row| row.disagreement.is_some());
        assert_eq!(disagree.count(), 1);
        let summary = merged.summary;
        assert_eq!(
            (summary.objects, summary.shared, summary.single, summary.quality),
            (2, 1, 1, 1)
        );
    }
}
