//! The ranking learns from labels: what was called dull sinks, with all that is like it.

use std::collections::BTreeMap;

use spectriage::triage::{Item, Label, Reranked, relevance, rerank};

use super::{interesting, issue, quality};

/// A SplitMix-like sequence in -1..1.
fn noise(seed: u64) -> f64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// Clusters in the latent space of each of two networks, which place them differently: half of the items ordinary with low
/// scores, a quarter "sky" and a quarter "agn" with high scores in a muddle.
fn clusters(count: usize) -> Vec<Item> {
    (0..count)
        .map(|i| {
            let (kind, member) = (["plain", "sky", "plain", "agn"][i % 4], (i / 4 % 2) as u16);
            let center = match (kind, member) {
                ("sky", 0) | ("agn", 1) => [40.0, 0.0],
                ("sky", _) | ("agn", _) => [0.0, 40.0],
                _ => [0.0, 0.0],
            };
            let seed = i as u64 * 10;
            let score = if kind == "plain" {
                1.0 + noise(seed).abs()
            } else {
                6.0 + noise(seed)
            };
            Item {
                object_id: format!("{kind}-{i:04}"),
                score,
                latent: center
                    .iter()
                    .enumerate()
                    .map(|(k, c)| c + 5.0 * noise(seed + 1 + k as u64))
                    .collect(),
                evidence: vec![score.ln_1p(), noise(seed + 4), noise(seed + 5)],
                artifact: None,
                kind: None,
                member,
            }
        })
        .collect()
}

fn label(items: &[Item], kind: &str, count: usize, label: &Label) -> BTreeMap<String, Label> {
    let of_kind = items.iter().filter(|item| item.object_id.starts_with(kind));
    of_kind
        .take(count)
        .map(|item| (item.object_id.clone(), label.clone()))
        .collect()
}

/// Mean place of a kind in the order of the scores, 0 first, 1 last; labeled ones left out.
fn mean_place(items: &[Item], scores: &[f64], kind: &str, labels: &BTreeMap<String, Label>) -> f64 {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let new = |id: &str| id.starts_with(kind) && !labels.contains_key(id);
    let places: Vec<usize> = (0..order.len())
        .filter(|place| new(&items[order[*place]].object_id))
        .collect();
    places.iter().sum::<usize>() as f64 / places.len() as f64 / items.len() as f64
}

fn learned(items: &[Item]) -> (Reranked, BTreeMap<String, Label>) {
    let mut labels = label(items, "sky", 12, &issue("S"));
    labels.extend(label(items, "agn", 12, &interesting()));
    labels.extend(label(items, "plain", 6, &quality(4)));
    (rerank(items, &labels), labels)
}

#[test]
fn dull_clusters_sink_and_interesting_ones_rise() {
    let items = clusters(800);
    let (reranked, labels) = learned(&items);
    let old: Vec<f64> = items.iter().map(|item| item.score).collect();
    let place = |scores: &[f64], kind| mean_place(&items, scores, kind, &labels);
    assert!(
        (place(&old, "sky") - place(&old, "agn")).abs() < 0.05,
        "a muddle before"
    );
    let (sky, agn) = (place(&reranked.scores, "sky"), place(&reranked.scores, "agn"));
    assert!(
        agn < 0.15 && sky > 0.35,
        "agn at {agn:.2}, sky at {sky:.2}: {:?}",
        reranked.explanation
    );
    for (item, predicted) in items.iter().zip(&reranked.predicted) {
        if item.object_id.starts_with("agn") {
            assert!(*predicted > 3.0, "{}: {predicted}", item.object_id);
        } else if item.object_id.starts_with("sky") {
            assert!(*predicted < 2.0, "{}: {predicted}", item.object_id);
        }
    }
    let fit = reranked.fit.unwrap();
    assert_eq!(
        (fit.labels, fit.interesting, fit.members, fit.labeled_members),
        (30, 12, 2, 2)
    );
    assert!(
        fit.pairs_in_order > 0.95 && fit.error < 1.0 && fit.error_of_mean > 2.0,
        "{fit:?}"
    );
    assert_eq!(fit.features[0].name, "latent vector", "{fit:?}");
    let told = reranked.explanation.join("\n");
    for part in [
        "learned from 30 labels: 12 interesting, 18 not",
        "latent vector",
        "of the 2 cross-fitted networks",
        "of the first 100",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn latents_of_other_networks_are_not_compared() {
    // Where one network puts the agn, the other puts the sky: labels of network 0 alone must not speak for network 1.
    let items = clusters(400);
    let of_zero: Vec<Item> = items.iter().filter(|item| item.member == 0).cloned().collect();
    let mut labels = label(&of_zero, "sky", 10, &issue("S"));
    labels.extend(label(&of_zero, "agn", 10, &interesting()));
    let reranked = rerank(&items, &labels);
    let place = |kind: &str| {
        let of_one: Vec<f64> = items
            .iter()
            .zip(&reranked.predicted)
            .filter(|(item, _)| item.member == 1 && item.object_id.starts_with(kind))
            .map(|(_, predicted)| *predicted)
            .collect();
        of_one.iter().sum::<f64>() / of_one.len() as f64
    };
    assert!(
        (place("sky") - place("agn")).abs() < 0.3,
        "{} {}",
        place("sky"),
        place("agn")
    );
    assert!(
        reranked
            .explanation
            .iter()
            .any(|line| line.contains("1 of them without a label"))
    );
}

#[test]
fn too_few_labels_change_nothing_and_say_so() {
    let items = clusters(100);
    let mut labels = label(&items, "sky", 20, &issue("S"));
    labels.insert("not on the list".into(), interesting());
    let reranked = rerank(&items, &labels);
    let old: Vec<f64> = items.iter().map(|item| item.score).collect();
    assert_eq!((reranked.scores, reranked.fit), (old, None));
    assert!(
        reranked.explanation[1].contains("at least 1 more interesting"),
        "{:?}",
        reranked.explanation
    );
    let nothing = rerank(&[], &BTreeMap::new());
    assert!(nothing.scores.is_empty() && nothing.fit.is_none());
}

#[test]
fn labels_without_a_pattern_are_told_apart_from_knowledge() {
    let items = clusters(400);
    let any = items.iter().enumerate().step_by(7);
    let labels: BTreeMap<String, Label> = any
        .map(|(i, item)| {
            (
                item.object_id.clone(),
                if noise(i as u64 + 999) > 0.0 {
                    interesting()
                } else {
                    quality(4)
                },
            )
        })
        .collect();
    let reranked = rerank(&items, &labels);
    assert!(
        reranked
            .explanation
            .iter()
            .any(|line| line.contains("do not trust this order")),
        "{:?}",
        reranked.explanation
    );
    let fit = reranked.fit.unwrap();
    assert!(
        fit.error > 0.9 * fit.error_of_mean && fit.pairs_in_order < 0.7,
        "{fit:?}"
    );
}

#[test]
fn nan_and_ragged_features_harm_nobody() {
    let mut items = clusters(400);
    items[0].score = f64::NAN;
    items[1].latent = vec![f64::NAN; 2];
    items[2].evidence.clear();
    items[3].latent = vec![f64::INFINITY, 1e300];
    items[4].score = -3.0;
    let (reranked, _) = learned(&items);
    assert!(
        reranked
            .scores
            .iter()
            .chain(&reranked.predicted)
            .all(|value| value.is_finite())
    );
    let one_network = vec![
        Item {
            latent: vec![],
            evidence: vec![],
            ..items[5].clone()
        };
        1
    ];
    assert!(rerank(&one_network, &BTreeMap::new()).fit.is_none());
    let blank: Vec<Item> = items
        .iter()
        .map(|item| Item {
            latent: vec![],
            evidence: vec![],
            ..item.clone()
        })
        .collect();
    let (reranked, _) = learned(&blank);
    assert!(reranked.scores.iter().all(|score| score.is_finite()));
}

#[test]
fn many_labels_are_thinned_and_the_result_does_not_depend_on_the_order() {
    let items = clusters(3000);
    let mut labels = label(&items, "sky", 700, &issue("S"));
    labels.extend(label(&items, "agn", 40, &interesting()));
    let reranked = rerank(&items, &labels);
    let fit = reranked.fit.clone().unwrap();
    assert_eq!((fit.labels, fit.labels_on_list, fit.interesting), (500, 740, 40));
    assert!(
        reranked
            .explanation
            .iter()
            .any(|line| line.contains("sample of the 740 labels"))
    );
    let mut turned = items.clone();
    turned.reverse();
    let again = rerank(&turned, &labels);
    for (a, b) in reranked.scores.iter().zip(again.scores.iter().rev()) {
        assert!((a - b).abs() < 1e-9 * a.abs().max(1.0));
    }
    assert_eq!(reranked, rerank(&items, &labels), "bit for bit");
}

#[test]
fn labels_mean_interest_as_documented() {
    assert_eq!(relevance(&interesting()), Some(5.0));
    assert_eq!(
        relevance(&Label {
            interesting: true,
            ..issue("S")
        }),
        Some(5.0)
    );
    for (label, value) in [
        (issue("S"), 0.0),
        (issue("RS"), 0.0),
        (quality(0), 0.0),
        (issue("R"), 2.0),
        (issue("C"), 2.0),
        (quality(1), 2.0),
        (quality(4), 1.0),
    ] {
        assert_eq!(relevance(&label), Some(value), "{label}");
    }
    let remark = Label {
        comment: "hm".into(),
        ..Label::default()
    };
    assert_eq!(relevance(&remark), None);
}

#[test]
fn labels_tell_the_instrument_from_the_sky_by_what_the_vote_says() {
    // Scores alike, latents of no use; every second one is an artifact, of which the vote is fairly sure.
    let items: Vec<Item> = (0..300)
        .map(|i| Item {
            object_id: format!("{}-{i}", if i % 2 == 0 { "sky" } else { "instrument" }),
            score: 5.0 + noise(i),
            latent: vec![noise(1000 + i)],
            evidence: vec![noise(2000 + i)],
            artifact: Some(if i % 2 == 0 { 0.25 } else { 0.75 } + 0.2 * noise(3000 + i)),
            kind: Some(if i % 3 == 0 { "star" } else { "step" }.into()),
            member: (i % 3) as u16,
        })
        .collect();
    let mut labels = label(&items, "sky", 10, &interesting());
    labels.extend(label(&items, "instrument", 10, &issue("S")));
    let reranked = rerank(&items, &labels);
    let place = |kind| mean_place(&items, &reranked.scores, kind, &labels);
    assert!(
        place("sky") < 0.35 && place("instrument") > 0.65,
        "{} {}",
        place("sky"),
        place("instrument")
    );
    let fit = reranked.fit.unwrap();
    assert_eq!(
        (fit.features[0].name.as_str(), fit.features[0].more_is_interesting),
        ("artifact", Some(false))
    );
}

#[test]
fn without_a_label_scores_stay_bit_for_bit() {
    let items = clusters(200);
    let reranked = rerank(&items, &BTreeMap::new());
    let bits = |scores: &[f64]| scores.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
    let before: Vec<f64> = items.iter().map(|item| item.score).collect();
    assert_eq!(bits(&reranked.scores), bits(&before));
    assert!(reranked.fit.is_none() && reranked.predicted.is_empty());
}
