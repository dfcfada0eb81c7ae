//! What a watched training shows, and that watching changes nothing.

use std::collections::BTreeSet;

use spectriage::pipeline::settings::Settings;
use spectriage::pipeline::{self, CancelToken, Event, Observer, Preview, Provisional};

use crate::common::{self, Workplace, contents, ordinary, simulated};

#[derive(Default)]
struct Watcher {
    previews: Vec<Preview>,
    lists: Vec<Provisional>,
}

impl Observer for Watcher {
    fn event(&mut self, event: Event) {
        match event {
            Event::Preview(preview) => self.previews.push(preview),
            Event::Provisional(list) => self.lists.push(list),
            _ => {}
        }
    }

    fn wants_previews(&self) -> bool {
        true
    }
}

/// Asks for no previews and would be told of one.
struct Headless;

impl Observer for Headless {
    fn event(&mut self, event: Event) {
        assert!(
            !matches!(event, Event::Preview(_) | Event::Provisional(_)),
            "{event:?}"
        );
    }
}

fn watched(inputs: &[String], settings: &Settings) -> Watcher {
    let mut watcher = Watcher::default();
    pipeline::run(inputs, settings, None, &mut watcher, &CancelToken::default()).unwrap();
    watcher
}

#[test]
fn a_watched_run_writes_the_same_files() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(31, 60));
    let (seen, unseen) = (Workplace::new(), Workplace::new());
    let watcher = watched(&inputs, &seen.settings());
    assert!(!watcher.previews.is_empty() && !watcher.lists.is_empty());
    let settings = unseen.settings();
    pipeline::run(&inputs, &settings, None, &mut Headless, &CancelToken::default()).unwrap();
    for folder in [Workplace::images, Workplace::metadata] {
        let (a, b) = (contents(&folder(&seen)), contents(&folder(&unseen)));
        assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
        for (name, bytes) in a {
            // The manifest has folders and times, and burn numbers the parameters of a checkpoint at random.
            if !name.starts_with("manifest") && !name.ends_with(".bpk") {
                assert!(bytes == b[&name], "{name} differs where the run was watched");
            }
        }
    }
}

#[test]
fn one_held_out_spectrum_is_shown_from_the_first_moment_to_the_last() {
    let spectra = ordinary(32, 80);
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &spectra);
    let mut settings = place.settings();
    settings.training.validation_fraction = 0.3;
    let watcher = watched(&inputs, &settings);
    let (folds, epochs) = (settings.training.folds, settings.training.epochs);
    let first = &watcher.previews[0];
    assert!(first.held_out);
    let shown = spectra
        .iter()
        .find(|spectrum| spectrum.facts.object_id == first.object_id)
        .unwrap();
    assert_eq!(first.z, shown.facts.z);
    let pixels = first.wavelength.len();
    for preview in &watcher.previews {
        assert_eq!((&preview.object_id, preview.folds), (&first.object_id, folds));
        assert_eq!(
            [
                preview.flux.len(),
                preview.sigma.len(),
                preview.reconstruction.len()
            ],
            [pixels; 3]
        );
        assert!(std::sync::Arc::ptr_eq(&preview.flux, &first.flux));
        assert!(preview.reconstruction.iter().all(|value| value.is_finite()));
    }
    let moments: BTreeSet<(usize, usize)> = watcher
        .previews
        .iter()
        .map(|preview| (preview.fold, preview.epoch))
        .collect();
    let expected: BTreeSet<(usize, usize)> = (0..folds)
        .flat_map(|fold| (0..=epochs).map(move |epoch| (fold, epoch)))
        .collect();
    assert_eq!(
        moments, expected,
        "at the start and after every epoch of every fold"
    );
    // Flux and reconstruction are normalized alike: they agree far better than with nothing.
    let last = watcher.previews.last().unwrap();
    let sum = |value: &dyn Fn(usize) -> f32| -> f32 {
        (0..pixels)
            .filter(|i| last.flux[*i].is_finite())
            .map(|i| value(i).powi(2))
            .sum()
    };
    let (left, all) = (
        sum(&|i| last.flux[i] - last.reconstruction[i]),
        sum(&|i| last.flux[i]),
    );
    assert!(left < 0.5 * all, "{left} of {all}");
    let chi2 = last.reduced_chi2();
    assert!((0.2..50.0).contains(&chi2), "{chi2}");
    assert!(
        (0..pixels).all(|i| last.flux[i].is_finite() == last.sigma[i].is_finite()),
        "an error for every measurement and no other"
    );
}

#[test]
fn the_list_is_there_after_the_first_epoch_and_grows_with_the_folds() {
    let spectra: Vec<_> = simulated(33, 120, 0.1)
        .into_iter()
        .map(|(spectrum, _)| spectrum)
        .collect();
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &spectra);
    let settings = place.settings();
    let watcher = watched(&inputs, &settings);
    let (folds, epochs) = (settings.training.folds, settings.training.epochs);
    let moments: Vec<(usize, usize)> = watcher.lists.iter().map(|list| (list.fold, list.epoch)).collect();
    let expected: Vec<(usize, usize)> = (0..folds)
        .flat_map(|fold| (1..=epochs).map(move |epoch| (fold, epoch)))
        .collect();
    assert_eq!(moments, expected);
    for list in &watcher.lists {
        assert_eq!(list.judgements.len(), list.judged.min(50));
        assert_eq!(list.judgements.len(), list.facts.len());
        for (i, (judgement, facts)) in list.judgements.iter().zip(list.facts.iter()).enumerate() {
            assert_eq!(
                (judgement.rank, &judgement.object_id),
                (i as u64 + 1, &facts.object_id)
            );
        }
        assert!(list.judgements.is_sorted_by(|a, b| a.score >= b.score));
    }
    let counts: Vec<usize> = watcher.lists.iter().map(|list| list.judged).collect();
    assert!(counts[0] < 120 && counts[counts.len() - 1] == 120, "{counts:?}");
    // The last one has seen every spectrum by a network that did not learn from it: its top is that of the ranking, but for the
    // weights of the best epoch.
    let top: BTreeSet<_> = place
        .ranking(1)
        .into_iter()
        .take(10)
        .map(|judgement| judgement.object_id)
        .collect();
    let last = &watcher.lists[watcher.lists.len() - 1];
    let common = last.judgements[..10]
        .iter()
        .filter(|judgement| top.contains(&judgement.object_id))
        .count();
    assert!(common >= 6, "{common} of the top ten");
}

#[test]
fn a_resumed_run_shows_the_same_spectrum_and_the_finished_folds() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(32, 60));
    let settings = place.settings();
    let whole = watched(&inputs, &settings);
    let mut stop = common::StopAt::new(1, 1, 1);
    let cancel = stop.cancel.clone();
    pipeline::run(&inputs, &settings, None, &mut stop, &cancel).unwrap();
    let mut watcher = Watcher::default();
    let resume = Some(place.checkpoint(2));
    pipeline::run(&inputs, &settings, resume, &mut watcher, &CancelToken::default()).unwrap();
    assert_eq!(watcher.previews[0].object_id, whole.previews[0].object_id);
    let (resumed, straight) = (watcher.lists.last().unwrap(), whole.lists.last().unwrap());
    assert_eq!(resumed.judged, straight.judged);
    assert_eq!(resumed.judgements, straight.judgements);
}

#[test]
fn without_anything_held_out_it_says_so() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(34, 40));
    let mut settings = place.settings();
    settings.training.validation_fraction = 0.0;
    settings.training.folds = 1;
    let watcher = watched(&inputs, &settings);
    assert!(watcher.previews.iter().all(|preview| !preview.held_out));
    assert!(watcher.lists.is_empty());
}
