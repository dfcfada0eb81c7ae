//! Features brought to like units, so that distances mean something.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::rerank::Item;
use crate::spectrum::order::{MAD_TO_SIGMA, upper_median};

/// Values further out than this many sigma count as so far out.
const FARTHEST: f64 = 5.0;

/// Odds of an artifact beyond e to this count as that.
const ODDS: f64 = 3.9;

/// A place among the features: evidence, which is comparable between all items, and the latent vector, which is so only among
/// the items of one member of the cross-fitted ensemble.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub evidence: Vec<f64>,
    /// Half the logarithm of the odds that it is an artifact; 0 where that is not known.
    pub artifact: f64,
    pub kind: Option<String>,
    pub latent: Vec<f64>,
    pub member: u16,
}

/// Location and scale of each feature.
#[derive(Debug, Clone, Default, PartialEq)]
struct Scales(Vec<Option<(f64, f64)>>);

/// What brings items to standard units: the evidence over all of them, the latents within each member.
#[derive(Debug)]
pub(super) struct Space {
    evidence: Scales,
    latent: BTreeMap<u16, Scales>,
}

impl Space {
    pub fn of(items: &[Item]) -> Self {
        let mut members: BTreeMap<u16, Vec<&[f64]>> = BTreeMap::new();
        for item in items {
            members.entry(item.member).or_default().push(&item.latent);
        }
        let evidence: Vec<&[f64]> = items.iter().map(|item| item.evidence.as_slice()).collect();
        Self {
            evidence: Scales::of(&evidence),
            latent: members
                .iter()
                .map(|(member, rows)| (*member, Scales::of(rows)))
                .collect(),
        }
    }

    pub fn point(&self, item: &Item) -> Point {
        let latent = self.latent.get(&item.member);
        Point {
            evidence: self.evidence.standard(&item.evidence),
            artifact: item
                .artifact
                .map_or(0.0, |p| 0.5 * (p / (1.0 - p)).ln().clamp(-ODDS, ODDS)),
            kind: item.kind.clone(),
            latent: latent
                .map(|scales| scales.standard(&item.latent))
                .unwrap_or_default(),
            member: item.member,
        }
    }
}

impl Scales {
    fn of(rows: &[&[f64]]) -> Self {
        let width = rows.iter().map(|row| row.len()).max().unwrap_or(0);
        let column = |place: usize| -> Vec<f64> {
            let values = rows.iter().filter_map(|row| row.get(place)).copied();
            values.filter(|value| value.is_finite()).collect()
        };
        Self(
            (0..width)
                .into_par_iter()
                .map(|place| location_and_scale(&column(place)))
                .collect(),
        )
    }

    /// In sigma from the middle, [`FARTHEST`] at most; 0 for what is missing, and for a feature that is the same for all.
    fn standard(&self, row: &[f64]) -> Vec<f64> {
        let standard = |(place, scale): (usize, &Option<(f64, f64)>)| match (scale, row.get(place)) {
            (Some((location, scale)), Some(value)) if value.is_finite() => {
                ((value - location) / scale).clamp(-FARTHEST, FARTHEST)
            }
            _ => 0.0,
        };
        self.0.iter().enumerate().map(standard).collect()
    }
}

/// Median, and the scaled median absolute deviation; the standard deviation where more than half are alike.
fn location_and_scale(values: &[f64]) -> Option<(f64, f64)> {
    let location = upper_median(values.iter().copied())?;
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
    let robust = MAD_TO_SIGMA * upper_median(values.iter().map(|value| (value - location).abs()))?;
    let deviation = variance.sqrt();
    let scale = if robust > 0.0 { robust } else { deviation };
    (scale > 0.0 && scale.is_finite()).then_some((location, scale))
}

/// Squared distance over the number of features.
pub(super) fn squared(a: &[f64], b: &[f64]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    sum / a.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(member: u16, latent: f64, evidence: f64) -> Item {
        Item {
            object_id: String::new(),
            score: 1.0,
            latent: vec![latent],
            evidence: vec![evidence],
            artifact: None,
            kind: None,
            member,
        }
    }

    #[test]
    fn members_have_units_of_their_own() {
        let spread = |i: i32| f64::from(i - 5);
        let mut items: Vec<Item> = (0..11).map(|i| item(0, spread(i), spread(i))).collect();
        items.extend((0..11).map(|i| item(1, 1000.0 + 50.0 * spread(i), spread(i))));
        let space = Space::of(&items);
        let (a, b) = (space.point(&items[7]), space.point(&items[18]));
        assert!(
            (a.latent[0] - b.latent[0]).abs() < 1e-12 && a.latent[0] > 0.0,
            "{a:?} {b:?}"
        );
        assert_eq!(a.evidence, b.evidence);
    }

    #[test]
    fn nan_and_constants_say_nothing_and_outliers_are_bounded() {
        let mut items: Vec<Item> = (0..9).map(|i| item(0, 7.0, f64::from(i))).collect();
        items.push(item(0, f64::NAN, 1e30));
        items.push(Item {
            latent: vec![],
            ..item(0, 0.0, f64::NAN)
        });
        let space = Space::of(&items);
        assert_eq!(space.point(&items[9]).latent, [0.0]);
        assert_eq!(space.point(&items[9]).evidence, [FARTHEST]);
        assert_eq!(
            space.point(&items[10]),
            Point {
                evidence: vec![0.0],
                artifact: 0.0,
                kind: None,
                latent: vec![0.0],
                member: 0
            }
        );
    }
}
