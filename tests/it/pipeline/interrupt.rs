//! Cancelled is an outcome: the checkpoint goes on to the same result.

use spectriage::model::Outcome;
use spectriage::model::checkpoint::Checkpoint;
use spectriage::pipeline::{self, CancelToken, PipelineError, Silent};

use crate::common::{self, StopAt, Workplace, contents, ordinary};

#[test]
fn a_cancelled_training_goes_on_to_the_same_ranking() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(4, 60));
    let whole = Workplace::new();
    let adjust = |place: &Workplace| {
        let mut settings = place.settings();
        settings.training.epochs = 3;
        settings.training.batch_size = 8;
        settings
    };
    common::run(&inputs, &adjust(&whole)).unwrap();
    let expected = contents(&whole.metadata());

    // In the middle of an epoch, in the first epoch, with its last batch, and in the second network.
    for (fold, epoch, batch) in [(0, 2, 2), (0, 1, 1), (0, 3, 3), (1, 2, 1)] {
        let place = Workplace::new();
        let settings = adjust(&place);
        let mut stop = StopAt::new(fold, epoch, batch);
        let cancel = stop.cancel.clone();
        let summary = pipeline::run(&inputs, &settings, None, &mut stop, &cancel).unwrap();
        let context = format!("cancelled in fold {fold}, epoch {epoch}, batch {batch}");
        assert!(
            cancel.is_cancelled() && summary.interrupted && summary.ranked == 0,
            "{context}"
        );
        assert_eq!(stop.outcomes.last(), Some(&Outcome::Cancelled), "{context}");
        assert!(
            summary.files.contains(&place.checkpoint(1)),
            "{context}: {:?}",
            summary.files
        );
        assert!(!place.metadata().join("ranking_1.csv").exists(), "{context}");
        let checkpoint = Checkpoint::load(&place.checkpoint(1)).unwrap();
        assert_eq!(
            (checkpoint.members.len(), checkpoint.is_complete()),
            (fold, false),
            "{context}"
        );

        // A ranking asks for a finished training and says so.
        let refused = common::rank(&inputs, &settings, &place.checkpoint(1)).unwrap_err();
        assert!(
            matches!(refused, PipelineError::UnfinishedCheckpoint { .. })
                && refused.to_string().contains("--resume")
        );

        let resume = Some(place.checkpoint(1));
        let summary =
            pipeline::run(&inputs, &settings, resume, &mut Silent, &CancelToken::default()).unwrap();
        assert!(!summary.interrupted && summary.run == 2, "{context}");
        let found = contents(&place.metadata());
        for name in ["ranking", "regions"] {
            let name = |n: u64| format!("{name}_{n}.parquet");
            assert!(
                expected[&name(1)] == found[&name(2)],
                "{context}: {} differs from that of a run without a break",
                name(2)
            );
        }
        assert!(expected["ranking_1.csv"] == found["ranking_2.csv"], "{context}");
        let members = |place: &Workplace, n| {
            let members = Checkpoint::load(&place.checkpoint(n)).unwrap().members;
            members
                .into_iter()
                .map(|(training, _)| training)
                .collect::<Vec<_>>()
        };
        assert_eq!(members(&whole, 1), members(&place, 2), "{context}: the losses");
    }
}

#[test]
fn a_finished_checkpoint_can_be_resumed_too() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(4, 40));
    let settings = place.settings();
    common::run(&inputs, &settings).unwrap();
    let resume = Some(place.checkpoint(1));
    let summary = pipeline::run(&inputs, &settings, resume, &mut Silent, &CancelToken::default()).unwrap();
    let found = contents(&place.metadata());
    assert!(found["ranking_1.csv"] == found["ranking_2.csv"]);
    assert!(
        summary.files.contains(&place.checkpoint(2)),
        "a ranking has its model beside it: {:?}",
        summary.files
    );
}

#[test]
fn cancelled_before_training_nothing_is_pretended() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(4, 30));
    let cancel = CancelToken::default();
    cancel.cancel();
    let summary = pipeline::run(&inputs, &place.settings(), None, &mut Silent, &cancel).unwrap();
    assert!(summary.interrupted && summary.ranked == 0);
    assert!(
        summary.files.iter().all(|path| path.is_file()),
        "{:?}",
        summary.files
    );
}
