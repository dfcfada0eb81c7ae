//! Rows that cannot be used are counted, listed and skipped; a catalog with nothing else is an error that says why.

use std::collections::BTreeSet;

use compact_str::CompactString;
use spectriage::model::ModelError;
use spectriage::pipeline::{self, CancelToken, PipelineError};
use spectriage::spectrum::Spectrum;

use crate::common::{self, StopAt, Workplace, ordinary};

fn ids(spectra: &[Spectrum]) -> BTreeSet<CompactString> {
    spectra
        .iter()
        .map(|spectrum| spectrum.facts.object_id.clone())
        .collect()
}

#[test]
fn bad_rows_are_listed_and_everything_else_is_ranked() {
    let mut spectra = ordinary(8, 48);
    let valid = (0..spectra[3].len())
        .find(|pixel| spectra[3].is_valid(*pixel))
        .unwrap();
    spectra[3].flux[valid] = f32::NAN;
    spectra[11].ivar[100] = -1.0;
    spectra[12].ivar.fill(0.0);
    spectra[20].flux[valid] = f32::INFINITY;
    spectra[20].ivar[valid] = 1.0;
    spectra[40].flux[valid] = 3e38;
    spectra[41].ivar.fill(1e38);
    let copied = spectra[30].facts.object_id.clone();
    spectra[31].facts.object_id = copied.clone();
    let bad = [3usize, 11, 12, 20, 31, 40, 41];
    let good: Vec<Spectrum> = spectra
        .iter()
        .enumerate()
        .filter(|(i, _)| !bad.contains(i))
        .map(|(_, spectrum)| spectrum.clone())
        .collect();

    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &spectra);
    // Whether training reads all rows or some of them.
    for (run, max_spectra) in [(1, 20_000), (2, 32)] {
        let mut settings = place.settings();
        settings.training.max_spectra = max_spectra;
        let summary = common::run(&inputs, &settings).unwrap();
        assert_eq!((summary.selected, summary.ranked, summary.skipped), (48, 41, 7));
        let ranked: BTreeSet<CompactString> = place
            .ranking(run)
            .into_iter()
            .map(|verdict| verdict.object_id)
            .collect();
        assert_eq!(ranked, ids(&good));
        let manifest = place.manifest(run);
        assert_eq!(manifest["rows"]["selected"], 48);
        let issues = manifest["row_issues"].as_array().unwrap();
        for row in bad {
            let named: Vec<_> = issues.iter().filter(|issue| issue["row"] == row as u64).collect();
            assert_eq!(named.len(), 1, "row {row}: {named:?}");
            assert_eq!(named[0]["object_id"], spectra[row].facts.object_id.as_str());
            assert!(
                !named[0]["reason"].as_str().unwrap().is_empty()
                    && !named[0]["column"].as_str().unwrap().is_empty()
            );
        }
        assert_eq!(issues.len(), bad.len());
    }
    // The selected rows alone are counted.
    let mut settings = place.settings();
    settings.selection.limit = Some(30);
    let summary = common::run(&inputs, &settings).unwrap();
    assert_eq!((summary.selected, summary.ranked, summary.skipped), (30, 26, 4));
}

#[test]
fn a_catalog_with_nothing_usable_says_why() {
    let mut spectra = ordinary(8, 12);
    for spectrum in &mut spectra {
        spectrum.ivar.fill(0.0);
    }
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &spectra);
    let error = common::run(&inputs, &place.settings()).unwrap_err();
    let PipelineError::NothingUsable { selected, first } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*selected, 12);
    assert!(
        first.contains("catalog.parquet") && first.contains(&*spectra[0].facts.object_id),
        "{first}"
    );
}

#[test]
fn too_few_spectra_are_an_error_with_a_number() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(8, 6));
    let error = common::run(&inputs, &place.settings()).unwrap_err();
    assert!(
        matches!(error, PipelineError::Model(ModelError::TooFewSpectra { .. })),
        "{error:?}"
    );
    assert!(error.to_string().contains("at least"), "{error}");
}

#[test]
fn a_condition_that_selects_nothing_is_named() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(8, 12));
    let mut settings = place.settings();
    settings.selection.r#where = Some("z > 17".into());
    let error = common::run(&inputs, &settings).unwrap_err();
    assert!(
        matches!(error, PipelineError::NothingSelected { rows: 12, .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("z > 17"));
    assert!(
        !place.metadata().exists(),
        "a job that cannot begin leaves no folder"
    );
}

#[test]
fn a_selection_is_ranked_whole_and_alone() {
    let spectra = ordinary(8, 60);
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &spectra);
    let mut redshifts: Vec<f64> = spectra.iter().map(|spectrum| spectrum.facts.z.unwrap()).collect();
    redshifts.sort_by(f64::total_cmp);
    let mut settings = place.settings();
    settings.selection.r#where = Some(format!("z < {} AND zwarn = 0", redshifts[45]));
    settings.selection.order_by = Some("z DESC".into());
    common::run(&inputs, &settings).unwrap();
    let expected: Vec<Spectrum> = spectra
        .into_iter()
        .filter(|s| s.facts.z.unwrap() < redshifts[45] && s.facts.zwarn == Some(0))
        .collect();
    let ranked: BTreeSet<CompactString> = place
        .ranking(1)
        .into_iter()
        .map(|verdict| verdict.object_id)
        .collect();
    assert_eq!(ranked, ids(&expected));
    assert!(ranked.len() > 30);
}

#[test]
fn folds_that_leave_too_little_are_refused_before_the_first_training() {
    let place = Workplace::new();
    // Most of them at one place on the sky: they are held out together.
    let mut spectra = ordinary(8, 20);
    let first = spectra[0].facts.clone();
    for spectrum in &mut spectra[..15] {
        (spectrum.facts.ra, spectrum.facts.dec) = (first.ra, first.dec);
    }
    let crowded = place.catalog("crowded.parquet", &spectra);
    let mut settings = place.settings();
    let mut told = StopAt::new(9, 9, 9);
    let error =
        pipeline::train_only(&crowded, &settings, None, &mut told, &CancelToken::default()).unwrap_err();
    assert!(
        matches!(
            error,
            PipelineError::Model(ModelError::TooFewSpectra { of: 20, .. })
        ),
        "{error:?}"
    );
    settings.training.folds = 21;
    let error =
        pipeline::train_only(&crowded, &settings, None, &mut told, &CancelToken::default()).unwrap_err();
    assert!(
        matches!(
            error,
            PipelineError::Model(ModelError::TooManyFolds { folds: 21, of: 20 })
        ),
        "{error:?}"
    );
    assert!(told.outcomes.is_empty() && !place.checkpoint(1).exists());
}

#[test]
fn a_catalog_without_positions_may_say_zero() {
    let mut spectra = ordinary(8, 40);
    for spectrum in &mut spectra {
        (spectrum.facts.ra, spectrum.facts.dec) = (Some(0.0), Some(0.0));
    }
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &spectra);
    let summary = common::run(&inputs, &place.settings()).unwrap();
    assert_eq!((summary.ranked, summary.skipped), (40, 0));
}
