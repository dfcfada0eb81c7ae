//! How rare a latent vector is among those of the same model.

use std::collections::BTreeMap;

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::spectrum::order::location_and_scale;

/// Degrees of freedom of the fitted t distribution: heavy tails, so that outliers do not widen their own excuse.
const FREEDOM: f64 = 3.0;
const ROUNDS: usize = 25;
/// Most vectors that a fit looks at.
const FIT_LIMIT: usize = 20_000;

/// Location and scatter of the latent vectors of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Cloud {
    location: Vec<f64>,
    /// Inverse of the lower Cholesky factor of the scatter matrix, row-major.
    whitening: Vec<f64>,
}

/// Robust Mahalanobis distances, for each of the cross-fitted models by itself.
///
/// Source: maximum likelihood of the multivariate t distribution by EM, Lange, Little & Taylor 1989 (JASA 84, 881).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latents {
    clouds: BTreeMap<u16, Cloud>,
}

impl Latents {
    /// Fits the cloud of each model. Vectors with a NaN, or of another length than the first of their model, do not take part.
    pub fn fit<'a>(vectors: impl Iterator<Item = (u16, &'a [f32])>) -> Self {
        let mut groups: BTreeMap<u16, Vec<&[f32]>> = BTreeMap::new();
        for (model, vector) in vectors {
            if !vector.is_empty() && vector.iter().all(|value| value.is_finite()) {
                groups.entry(model).or_default().push(vector);
            }
        }
        let clouds = groups
            .into_par_iter()
            .filter_map(|(model, mut vectors)| {
                let dimensions = vectors[0].len();
                vectors.retain(|vector| vector.len() == dimensions);
                // The same sums in the same order, whatever the order of the catalog.
                vectors.sort_unstable_by(|a, b| {
                    let unequal = a
                        .iter()
                        .zip(*b)
                        .map(|(a, b)| a.total_cmp(b))
                        .find(|order| order.is_ne());
                    unequal.unwrap_or(std::cmp::Ordering::Equal)
                });
                let stride = vectors.len().div_ceil(FIT_LIMIT);
                let thinned: Vec<&[f32]> = vectors.into_iter().step_by(stride).collect();
                Some((model, Cloud::fit(&thinned)?))
            })
            .collect();
        Self { clouds }
    }

    /// Distance of a vector from the center of its model's cloud, in units of its scatter; `None` where it cannot be said.
    pub fn distance(&self, model: u16, vector: &[f32]) -> Option<f64> {
        let cloud = self.clouds.get(&model)?;
        if vector.len() != cloud.location.len() || !vector.iter().all(|value| value.is_finite()) {
            return None;
        }
        let distance = cloud.distance(vector);
        distance.is_finite().then_some(distance)
    }

    /// Distance between two vectors of one model; `None` where it cannot be said.
    pub fn between(&self, model: u16, a: &[f32], b: &[f32]) -> Option<f64> {
        let cloud = self.clouds.get(&model)?;
        let dimensions = cloud.location.len();
        let usable = |vector: &[f32]| vector.len() == dimensions && vector.iter().all(|v| v.is_finite());
        (usable(a) && usable(b)).then(|| cloud.between(a, b))
    }
}

/// The latent vector of one spectrum and the cross-fitted model that made it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatentOf<'a> {
    pub id: &'a str,
    pub model: u16,
    pub vector: &'a [f32],
}

/// A spectrum like another one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Similar<'a> {
    pub id: &'a str,
    /// Mahalanobis distance under the robust scatter of the model's latent vectors: 1 is a typical spread.
    pub distance: f64,
}

/// The `k` spectra nearest to `id` in latent space, the nearest first (ties by id), and how many it was compared with; `None` where
/// `id` has no usable vector.
///
/// Only spectra whose vectors come from the same cross-fitted model take part. Each model has axes of its own, found up to a rotation, so
/// a distance between vectors of two models means nothing, and neither do ranks of matched components. With three folds that is a third
/// of the list. Source of the scatter: as that of the rarity, a robust covariance.
pub fn similar<'a>(latents: &[LatentOf<'a>], id: &str, k: usize) -> Option<(Vec<Similar<'a>>, usize)> {
    let usable =
        |latent: &&LatentOf| !latent.vector.is_empty() && latent.vector.iter().all(|value| value.is_finite());
    let own = latents.iter().filter(usable).find(|latent| latent.id == id)?;
    let peers: Vec<&LatentOf<'a>> = latents
        .iter()
        .filter(usable)
        .filter(|latent| latent.model == own.model && latent.vector.len() == own.vector.len())
        .collect();
    let fitted = Latents::fit(peers.iter().map(|latent| (latent.model, latent.vector)));
    let cloud = fitted.clouds.get(&own.model)?;
    let mut found: Vec<Similar<'a>> = peers
        .iter()
        .filter(|latent| latent.id != id)
        .map(|latent| Similar {
            id: latent.id,
            distance: cloud.between(own.vector, latent.vector),
        })
        .collect();
    let compared = found.len();
    found.sort_unstable_by(|a, b| a.distance.total_cmp(&b.distance).then_with(|| a.id.cmp(b.id)));
    found.truncate(k);
    Some((found, compared))
}

impl Cloud {
    fn fit(vectors: &[&[f32]]) -> Option<Self> {
        let (count, dimensions) = (vectors.len(), vectors[0].len());
        let mut location = vec![0.0; dimensions];
        let mut spread = vec![0.0; dimensions];
        for dimension in 0..dimensions {
            let mut values: Vec<f64> = vectors
                .iter()
                .map(|vector| f64::from(vector[dimension]))
                .collect();
            (location[dimension], spread[dimension]) = location_and_scale(&mut values)?;
        }
        // A latent that is the same for most carries no distance, unless it is rarely something else.
        let largest = spread.iter().copied().fold(0.0, f64::max);
        let least = if largest > 0.0 { 1e-3 * largest } else { 1.0 };
        for value in &mut spread {
            *value = value.max(least);
        }
        let mut cloud = Self::diagonal(&location, &spread);
        // A scatter matrix needs more vectors than it has directions.
        if count < 4 * dimensions {
            return Some(cloud);
        }
        for _ in 0..ROUNDS {
            let weights: Vec<f64> = vectors
                .iter()
                .map(|vector| (FREEDOM + dimensions as f64) / (FREEDOM + cloud.distance(vector).powi(2)))
                .collect();
            let total: f64 = weights.iter().sum();
            let mut center = DVector::<f64>::zeros(dimensions);
            for (vector, weight) in vectors.iter().zip(&weights) {
                for (sum, value) in center.iter_mut().zip(*vector) {
                    *sum += weight * f64::from(*value) / total;
                }
            }
            let mut scatter = DMatrix::<f64>::zeros(dimensions, dimensions);
            let mut difference = DVector::<f64>::zeros(dimensions);
            for (vector, weight) in vectors.iter().zip(&weights) {
                for (dimension, value) in vector.iter().enumerate() {
                    difference[dimension] = f64::from(*value) - center[dimension];
                }
                scatter.ger(weight / count as f64, &difference, &difference, 1.0);
            }
            for (dimension, spread) in spread.iter().enumerate() {
                scatter[(dimension, dimension)] += 1e-6 * spread * spread;
            }
            let Some(next) = Self::of(&center, scatter) else {
                break;
            };
            cloud = next;
        }
        Some(cloud)
    }

    fn diagonal(location: &[f64], spread: &[f64]) -> Self {
        let dimensions = location.len();
        let mut whitening = vec![0.0; dimensions * dimensions];
        for (dimension, spread) in spread.iter().enumerate() {
            whitening[dimension * dimensions + dimension] = 1.0 / spread;
        }
        Self {
            location: location.to_vec(),
            whitening,
        }
    }

    fn of(center: &DVector<f64>, scatter: DMatrix<f64>) -> Option<Self> {
        let inverse = scatter.cholesky()?.l().try_inverse()?;
        Some(Self {
            location: center.iter().copied().collect(),
            whitening: inverse.transpose().iter().copied().collect(),
        })
    }

    fn distance(&self, vector: &[f32]) -> f64 {
        let difference: Vec<f64> = vector
            .iter()
            .zip(&self.location)
            .map(|(value, center)| f64::from(*value) - center)
            .collect();
        self.length(&difference)
    }

    /// Distance between two vectors in units of the scatter.
    fn between(&self, a: &[f32], b: &[f32]) -> f64 {
        let difference: Vec<f64> = a
            .iter()
            .zip(b)
            .map(|(a, b)| f64::from(*a) - f64::from(*b))
            .collect();
        self.length(&difference)
    }

    /// Length of a difference in units of the scatter.
    fn length(&self, difference: &[f64]) -> f64 {
        let dimensions = self.location.len();
        self.whitening
            .chunks_exact(dimensions)
            .map(|row| {
                let projected: f64 = row.iter().zip(difference).map(|(a, b)| a * b).sum();
                projected * projected
            })
            .sum::<f64>()
            .sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A correlated cloud in two dimensions and one vector against the correlation.
    fn vectors() -> Vec<[f32; 2]> {
        let mut vectors: Vec<[f32; 2]> = (0..200)
            .map(|i| {
                let (a, b) = ((i as f32 * 0.7).sin(), (i as f32 * 1.3).cos());
                [a, a + 0.1 * b]
            })
            .collect();
        vectors.push([0.8, -0.8]);
        vectors
    }

    #[test]
    fn a_vector_against_the_correlation_is_far() {
        let vectors = vectors();
        let latents = Latents::fit(vectors.iter().map(|vector| (0, vector.as_slice())));
        let odd = latents.distance(0, &[0.8, -0.8]).unwrap();
        let along = latents.distance(0, &[0.8, 0.8]).unwrap();
        assert!(odd > 8.0 * along, "{odd} against {along}");
    }

    #[test]
    fn distance_does_not_depend_on_the_units_of_a_latent() {
        let vectors = vectors();
        let scaled: Vec<[f32; 2]> = vectors.iter().map(|v| [v[0] * 1000.0 + 5.0, v[1]]).collect();
        let a = Latents::fit(vectors.iter().map(|vector| (0, vector.as_slice())));
        let b = Latents::fit(scaled.iter().map(|vector| (0, vector.as_slice())));
        let near = a.distance(0, &[0.8, -0.8]).unwrap();
        let far = b.distance(0, &[805.0, -0.8]).unwrap();
        assert!((near / far - 1.0).abs() < 0.02, "{near} {far}");
    }

    #[test]
    fn the_nearest_come_first_and_only_of_the_same_model() {
        let cloud = vectors();
        let names: Vec<String> = (0..cloud.len()).map(|i| format!("{i:03}")).collect();
        let mut latents: Vec<LatentOf> = names
            .iter()
            .zip(&cloud)
            .map(|(id, vector)| LatentOf { id, model: 0, vector })
            .collect();
        let twin = [cloud[5][0] + 1e-4, cloud[5][1]];
        let stranger = cloud[5];
        latents.push(LatentOf {
            id: "twin",
            model: 0,
            vector: &twin,
        });
        latents.push(LatentOf {
            id: "stranger",
            model: 1,
            vector: &stranger,
        });
        latents.push(LatentOf {
            id: "blank",
            model: 0,
            vector: &[f32::NAN, 0.0],
        });
        let (found, compared) = similar(&latents, "005", 10).unwrap();
        assert_eq!((found[0].id, found.len(), compared), ("twin", 10, cloud.len()));
        assert!(found.is_sorted_by(|a, b| a.distance <= b.distance));
        assert!(
            found
                .iter()
                .all(|other| !["005", "stranger", "blank"].contains(&other.id))
        );
        // Symmetric, and along the correlation nearer than the same step against it.
        let step = |vector: [f32; 2]| {
            let mut with = latents.clone();
            with.push(LatentOf {
                id: "step",
                model: 0,
                vector: &vector,
            });
            similar(&with, "step", 500)
                .unwrap()
                .0
                .into_iter()
                .find(|other| other.id == "005")
                .unwrap()
                .distance
        };
        let (along, against) = (
            step([cloud[5][0] + 0.3, cloud[5][1] + 0.3]),
            step([cloud[5][0] + 0.3, cloud[5][1] - 0.3]),
        );
        assert!(against > 5.0 * along, "{against} {along}");
        assert_eq!(similar(&latents, "nobody", 3), None);
        assert_eq!(similar(&latents, "blank", 3), None);
        assert_eq!(similar(&latents, "stranger", 3).unwrap(), (Vec::new(), 0));
    }

    #[test]
    fn models_are_not_compared_and_nan_has_no_distance() {
        let shifted = vec![[100.0f32, 0.0]; 50];
        let near = vectors();
        let all = near
            .iter()
            .map(|v| (0, v.as_slice()))
            .chain(shifted.iter().map(|v| (1, v.as_slice())));
        let latents = Latents::fit(all);
        assert!(latents.distance(1, &[100.0, 0.0]).unwrap() < 1e-6);
        assert_eq!(latents.distance(0, &[f32::NAN, 0.0]), None);
        assert_eq!(latents.distance(0, &[0.0]), None);
        assert_eq!(latents.distance(7, &[0.0, 0.0]), None);
    }
}
