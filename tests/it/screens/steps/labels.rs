//! Labels and marks: whose they are, and what becomes of them when a list changes.

use super::*;

#[test]
fn a_label_is_for_the_object_that_is_known_and_seen() {
    // Nothing is open: nothing is labelled.
    let mut bench = Bench::alone();
    bench.press("v 3 e");
    assert!(bench.asked().iter().all(|asked| !asked.contains("Edit")));
    assert!(bench.said().contains("nothing selected"));
    bench.press(";");
    assert!(bench.app.shell.prompt.is_none(), "a comment on nothing");
    // A row is listed, but its cells and its spectrum have not arrived.
    let query = spectriage::catalog::Query::default();
    bench.answer(spectriage::tui::app::Answer::Catalog(
        spectriage::tui::catalog::Answer::Selected {
            query,
            rows: Rows::All(20),
            place: None,
        },
    ));
    bench.asked();
    for keys in ["3", "e", "R", "delete", "g z"] {
        bench.press(keys);
        assert!(
            bench.asked().iter().all(|asked| !asked.contains("Edit")),
            "{keys}"
        );
    }

    let (_desk, mut bench) = ranked();
    let first = selected(&bench);
    bench.press("v 3");
    let second = selected(&bench);
    assert_ne!(first, second, "a quality goes on to the next");
    let label = |bench: &Bench, id: &str| {
        bench
            .app
            .shell
            .labels
            .get(id)
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    assert_eq!(label(&bench, &first), "quality 3");
    bench.press("e R");
    assert_eq!(label(&bench, &second), "issues R, interesting");
    assert_eq!(selected(&bench), second, "other labels stay");
    bench.press("u");
    assert_eq!(label(&bench, &second), "interesting");
    bench.press("u u");
    assert_eq!(label(&bench, &first), "");
    bench.press("u");
    assert_eq!(bench.said(), "no label to undo");
    bench.press("ctrl-r ctrl-r ctrl-r");
    assert_eq!(
        (label(&bench, &first), label(&bench, &second)),
        ("quality 3".into(), "issues R, interesting".into())
    );
    bench.press("ctrl-r");
    assert_eq!(bench.said(), "no label to redo");
    // The same again takes it back.
    bench.press("k 3");
    assert_eq!(label(&bench, &first), "");
    bench.press("v");
    assert!(!bench.app.shell.labels.inspecting);
    bench.press("U");
    assert!(bench.app.shell.labels.get(&selected(&bench)).is_none());
}

/// While training runs the list moves by itself; a comment is for the object for which its line was opened.
#[test]
fn a_comment_stays_with_its_object() {
    let (desk, mut bench) = ranked();
    let first = selected(&bench);
    bench.press("; o d d");
    let catalog = desk.path("catalog.parquet");
    let mut other = verdicts(catalog.to_str().unwrap(), 12);
    other.judgements.rotate_left(5);
    other.facts.rotate_left(5);
    for (n, judgement) in other.judgements.iter_mut().enumerate() {
        judgement.rank = n as u64 + 1;
    }
    other.judgements.retain(|judgement| judgement.object_id != first);
    other.facts.retain(|facts| facts.object_id != first);
    let mut bench = bench.ranked(other);
    assert_ne!(selected(&bench), first);
    bench.press("enter");
    assert_eq!(bench.app.shell.labels.get(&first).unwrap().comment, "odd");
    assert_eq!(bench.app.shell.labels.counts().total, 1);
    // And no longer than for this line.
    let now = selected(&bench);
    bench.press(";").press("esc j");
    let next = selected(&bench);
    bench.press(": c o m m e n t space x enter");
    assert_eq!(bench.app.shell.labels.get(&next).unwrap().comment, "x");
    assert!(bench.app.shell.labels.get(&now).is_none());
}

/// Figures of the marked: those that the ranking has are drawn, the others named.
#[test]
fn marks_outside_the_ranking_do_not_keep_the_others_from_being_drawn() {
    use spectriage::pipeline::CancelToken;
    use spectriage::tui::anomalies::{self, Answer, Request};
    let desk = Desk::ranked();
    let mut settings = spectriage::pipeline::settings::Settings::default();
    settings.output.images_dir = desk.path("output_images");
    settings.output.metadata_dir = desk.path("metadata");
    settings.output.each = true;
    settings.cutouts.offline = true;
    let catalog = desk.path("catalog.parquet").display().to_string();
    let mut worker = anomalies::Desk::new(spectriage::tui::inputs::Inputs::new(vec![catalog]));
    let mut ask = |request| {
        let mut answers = Vec::new();
        worker.serve(request, &CancelToken::default(), |answer| answers.push(answer));
        answers.pop().unwrap()
    };
    ask(Request::Open(Box::new(settings.clone())));
    let mut figures = |ids: &[&str]| {
        ask(Request::Figures {
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            settings: Box::new(settings.clone()),
        })
    };
    let ids = desk.ids();
    let answer = figures(&["stranger", &ids[3], "other"]);
    let Answer::Wrote { summary, without } = &answer else {
        panic!("nothing is drawn");
    };
    assert_eq!(without, &["stranger", "other"]);
    let is_of = |path: &&std::path::PathBuf| {
        path.display()
            .to_string()
            .contains(&format!("spectrum_{}", ids[3]))
    };
    assert_eq!(summary.files.iter().filter(is_of).count(), 1, "{summary:?}");
    let mut bench = Bench::alone();
    bench.answer(spectriage::tui::app::Answer::Anomalies(answer));
    assert!(
        bench
            .said()
            .starts_with("not in this ranking: stranger, other; run 2: "),
        "{}",
        bench.said()
    );
    let Answer::Failed(why) = figures(&["stranger"]) else {
        panic!("there is nothing to draw");
    };
    assert_eq!(why, "no figure is drawn: not in this ranking: stranger");
}

/// What labels have taught was of the scores before a change of method.
#[test]
fn a_new_judging_is_listed_by_its_own_scores() {
    use spectriage::tui::anomalies::{Answer, Source};
    let (desk, mut bench) = ranked();
    let catalog = desk.path("catalog.parquet");
    let judged = verdicts(catalog.to_str().unwrap(), 12);
    let first = judged.judgements[0].object_id.to_string();
    let reranked = spectriage::triage::Reranked {
        scores: (0..12).map(f64::from).collect(),
        explanation: vec!["learned from 4 labels".into()],
        predicted: Vec::new(),
        fit: None,
    };
    let answer = |answer| spectriage::tui::app::Answer::Anomalies(answer);
    bench.answer(answer(Answer::Learned(reranked)));
    bench.press("esc g g");
    assert!(bench.frame().contains("learned from 4 labels"));
    assert_eq!(selected(&bench), judged.judgements[11].object_id);
    bench.press("M");
    assert_eq!(bench.asked(), ["anomalies rejudge"]);
    bench.answer(answer(Answer::Ranking {
        verdicts: std::sync::Arc::new(judged),
        source: Source::Judged,
        viewer: None,
    }));
    assert!(bench.said().contains("by score again"), "{}", bench.said());
    assert!(!bench.frame().contains("learned from"));
    bench.press("g g");
    assert_eq!(selected(&bench), first);
}
