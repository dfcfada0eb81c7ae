//! The screen as a table of steps, and what it looks like.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Answer, Request, Train, draw};
use crate::model::checkpoint::{Asked, Origin};
use crate::model::{EpochRecord, ModelSettings, Outcome, Progress, TrainingSettings};
use crate::pipeline::settings::Settings;
use crate::pipeline::{Event, FoldRecord, Preview, RunRecord};
use crate::spectrum::WavelengthGrid;
use crate::spectrum::prepare::{Frame, Normalization, Preparation};
use crate::tui::app::{Effect, JobEvent, Purpose, Screen as _, Shell};
use crate::tui::inputs::Inputs;
use crate::tui::job::{Job, JobSpec, Task};
use crate::tui::keys::{Action, Keymap, Move, TrainAct};
use crate::tui::theme::{Depth, Theme};

fn shell() -> Shell {
    Shell::new(
        vec!["catalog.parquet".into()],
        Settings::default(),
        Theme::default(),
        Keymap::default(),
    )
}

fn epoch(epoch: usize, loss: f64) -> EpochRecord {
    EpochRecord {
        epoch,
        train_loss: loss,
        validation_loss: loss * 1.1,
        learning_rate: 1e-3 / epoch as f64,
        gradient_norm: 0.5,
    }
}

fn training(fold: usize, at: usize, batch: usize) -> JobEvent {
    let loss = 2.0 / (at as f64 + 0.1 * batch as f64);
    JobEvent::Event(Event::Training {
        fold,
        folds: 3,
        progress: Progress {
            epoch: at,
            epochs: 20,
            batch,
            batches: 4,
            train_loss: loss,
            learning_rate: 9e-4,
            gradient_norm: 0.25,
            spectra_per_second: 321.4,
            left: Duration::from_secs(95),
            finished: (batch == 4).then(|| epoch(at, loss)),
            best: (at > 1).then_some((at - 1, loss)),
        },
    })
}

fn preview(fold: usize, epoch: usize, off: f32) -> JobEvent {
    let flux: Vec<f32> = (0..500)
        .map(|i| {
            if i % 50 == 7 {
                f32::NAN
            } else {
                1.0 + 0.2 * (i as f32 * 0.05).sin()
            }
        })
        .collect();
    JobEvent::Event(Event::Preview(Preview {
        object_id: "39627835576420616\u{1b}[2J".into(),
        z: Some(0.12),
        held_out: true,
        fold,
        folds: 3,
        epoch,
        wavelength: (0..500)
            .map(|i| 3600.0 * 10f64.powf(5e-4 * f64::from(i)))
            .collect(),
        reconstruction: flux
            .iter()
            .map(|flux| if flux.is_nan() { 1.0 } else { flux + off })
            .collect(),
        sigma: flux
            .iter()
            .map(|flux| if flux.is_nan() { f32::NAN } else { 0.1 })
            .collect(),
        flux: flux.into(),
    }))
}

fn run(number: u64, complete: bool) -> RunRecord {
    let fold = |fold| FoldRecord {
        fold,
        history: (1..=8).map(|at| epoch(at, 3.0 / at as f64)).collect(),
        watched: true,
        finished: complete,
    };
    RunRecord {
        number,
        path: format!("metadata/checkpoint_{number}.bpk").into(),
        complete,
        when: None,
        origin: Origin {
            preparation: Preparation {
                frame: Frame::Rest,
                min_wavelength: None,
                normalization: Normalization::default(),
                grid: WavelengthGrid::Log10 {
                    start: 3.55,
                    step: 1e-4,
                    n: 500,
                },
            },
            model: ModelSettings {
                latent: 7,
                ..ModelSettings::default()
            },
            training: TrainingSettings {
                epochs: 8,
                ..TrainingSettings::default()
            },
            catalog_digest: String::new(),
            asked: None,
        },
        folds: (0..if complete { 3 } else { 2 }).map(fold).collect(),
    }
}

/// What the worker has found, in a session with the catalog "here".
fn found(runs: Vec<RunRecord>) -> Answer {
    Answer::Runs {
        runs,
        catalog: Some("here".into()),
    }
}

/// A training on some rows of a catalog.
fn run_on(catalog: &str, number: u64, complete: bool) -> RunRecord {
    let mut run = run(number, complete);
    run.origin.asked = Some(Asked {
        catalog: catalog.into(),
        r#where: Some("z < 0.5".into()),
        order_by: Some("sn DESC".into()),
        limit: Some(500),
    });
    run
}

/// Starts a job as the loop does.
fn started(screen: &mut Train, shell: &mut Shell, action: TrainAct) -> JobSpec {
    let mut effects = screen.act(Action::Train(action), None, shell);
    let Some(Effect::Start(spec)) = effects.pop() else {
        panic!("nothing was started: {:?}", shell.messages);
    };
    shell.job = Some(Job::new(JobSpec::clone(&spec)));
    *spec
}

fn drawn(screen: &mut Train, shell: &mut Shell, (width, height): (u16, u16)) -> Buffer {
    screen.resized(Rect::new(0, 0, width, height), shell);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| screen.draw(frame, frame.area(), shell))
        .unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let row = |y| {
        (0..buffer.area.width)
            .map(|x| buffer[(x, y)].symbol())
            .collect::<String>()
    };
    (0..buffer.area.height).map(row).collect::<Vec<_>>().join("\n")
}

/// A screen in the middle of a training with older runs.
fn busy() -> (Train, Shell) {
    let mut shell = shell();
    let mut screen = Train::new(&shell);
    screen.answer(found(vec![run(4, true), run(3, true), run(2, false)]), &mut shell);
    started(&mut screen, &mut shell, TrainAct::Start);
    for event in [
        preview(0, 0, 0.3),
        training(0, 1, 3),
        training(0, 1, 4),
        training(0, 2, 4),
        preview(0, 2, 0.1),
    ] {
        screen.job(&event, &mut shell);
    }
    for batch in 1..=3 {
        screen.job(&training(0, 3, batch), &mut shell);
    }
    shell.job.as_mut().unwrap().memory = Some(820 << 20);
    (screen, shell)
}

#[test]
fn the_screen_tells_where_the_training_stands() {
    let (mut screen, mut shell) = busy();
    let shown = text(&drawn(&mut screen, &mut shell, (120, 37)));
    for words in [
        "settings of the next run",
        "network 1/3",
        "epoch 3/20",
        "batch 3/4",
        "best 0.6061 in epoch 2",
        "321 spectra/s",
        "1:35 min left",
        "rate 9.00e-4",
        "flex 820 MB",
        "gradient 0.250",
        "fold 1",
        "run 4",
        "run 2",
        "dashed: training",
        "loss, logarithmic",
        "learning rate",
        "after 2 epochs",
        "1.000, at first 9.000",
        "epochs",
    ] {
        assert!(shown.contains(words), "`{words}` is missing:\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'));
    screen.act(Action::Train(TrainAct::LogScale), None, &mut shell);
    screen.act(Action::Train(TrainAct::OlderRuns), None, &mut shell);
    let shown = text(&drawn(&mut screen, &mut shell, (120, 37)));
    assert!(
        !shown.contains("logarithmic") && !shown.contains("run 4"),
        "{shown}"
    );
    // Both are found again at the next start.
    let saved = screen.save();
    let mut again = Train::new(&shell);
    again.restore(&saved);
    assert_eq!((again.logarithmic, again.shows_older), (false, false));
    again.restore(&serde_json::json!({ "logarithmic": "x", "setting": "no such" }));
    assert_eq!(again.form.entry().key, Train::new(&shell).form.entry().key);
}

#[test]
fn curves_are_those_of_this_run_then_of_older_ones() {
    let (mut screen, mut shell) = busy();
    let names = |screen: &Train| -> Vec<String> { screen.curves().into_iter().map(|run| run.name).collect() };
    assert_eq!(names(&screen), ["fold 1", "run 4", "run 3", "run 2"]);
    let epochs: Vec<usize> = screen.curves()[0]
        .epochs
        .iter()
        .map(|epoch| epoch.epoch)
        .collect();
    assert_eq!(epochs, [1, 2, 3], "the epoch under way is there as far as it is");
    assert_eq!(screen.curves()[0].epochs[2].validation, None);
    screen.job(&training(1, 1, 2), &mut shell);
    assert_eq!(names(&screen), ["fold 1", "fold 2", "run 4", "run 3", "run 2"]);
    // When it has ended, its own checkpoint is the newest on disk and not an older run.
    let ended = JobEvent::Ended(Err("stopped for a test".into()));
    let effects = screen.job(&ended, &mut shell);
    assert!(matches!(&effects[..], [Effect::Train(Request::Runs(_))]));
    screen.answer(found(vec![run(5, false), run(4, true)]), &mut shell);
    assert_eq!(names(&screen), ["fold 1", "run 4"]);
    // At a new start the newest run is drawn fold by fold.
    let mut fresh = Train::new(&shell);
    assert!(fresh.curves().is_empty());
    fresh.answer(found(vec![run(5, true), run(4, true)]), &mut shell);
    assert_eq!(names(&fresh), ["fold 1", "fold 2", "fold 3", "run 4"]);
}

#[test]
fn a_training_goes_on_with_the_settings_it_began_with() {
    let mut shell = shell();
    let mut screen = Train::new(&shell);
    assert!(
        screen
            .act(Action::Train(TrainAct::Resume), None, &mut shell)
            .is_empty()
    );
    assert!(shell.messages.back().unwrap().text.contains("no checkpoint"));
    screen.answer(found(vec![run(7, false), run(6, true)]), &mut shell);
    let shown = text(&drawn(&mut screen, &mut shell, (120, 37)));
    assert!(shown.contains("run 7") && shown.contains("R goes on"), "{shown}");
    shell.settings.output.sample_size = 3;
    let spec = started(&mut screen, &mut shell, TrainAct::Resume);
    assert_eq!(
        spec.task,
        Task::Run {
            resume: Some("metadata/checkpoint_7.bpk".into())
        }
    );
    assert_eq!(
        (
            spec.settings.model.latent,
            spec.settings.training.epochs,
            spec.settings.output.sample_size
        ),
        (7, 8, 3)
    );
    assert_eq!(
        screen.live.curves()[1].epochs.len(),
        8,
        "what it has learned before is there"
    );
    screen.job(&training(1, 9, 4), &mut shell);
    assert_eq!(screen.live.curves()[1].epochs.len(), 9);
    // One job at a time.
    assert!(
        screen
            .act(Action::Train(TrainAct::Start), None, &mut shell)
            .is_empty()
    );
    assert!(shell.messages.back().unwrap().text.contains("Ctrl-x"));
    let event = JobEvent::Event(Event::Trained {
        fold: 1,
        folds: 3,
        outcome: Outcome::StoppedEarly,
        best_epoch: 3,
        best_loss: 1.0,
    });
    screen.job(&event, &mut shell);
    assert!(screen.live.folds[1].finished);
}

#[test]
fn a_training_goes_on_with_its_own_rows_of_its_own_catalog() {
    let mut shell = shell();
    shell.settings.selection.r#where = Some("z > 0.5".into());
    let mut screen = Train::new(&shell);
    screen.answer(
        found(vec![
            run_on("elsewhere", 9, true),
            run_on("here", 8, false),
            run(7, true),
        ]),
        &mut shell,
    );
    let shown = text(&drawn(&mut screen, &mut shell, (120, 37)));
    assert!(shown.contains("newest: run 8, unfinished"), "{shown}");
    let spec = started(&mut screen, &mut shell, TrainAct::Resume);
    let path = |number: u64| Some(format!("metadata/checkpoint_{number}.bpk").into());
    assert_eq!(spec.task, Task::Run { resume: path(8) });
    let rows = &spec.settings.selection;
    assert_eq!(
        (rows.r#where.as_deref(), rows.order_by.as_deref(), rows.limit),
        (Some("z < 0.5"), Some("sn DESC"), Some(500))
    );
    // The form keeps what was typed for the next one.
    assert_eq!(shell.settings.selection.r#where.as_deref(), Some("z > 0.5"));
    shell.job = None;
    // What does not tell of which catalog it is may be of this one.
    let spec = started(&mut screen, &mut shell, TrainAct::Rank);
    assert_eq!(spec.task, Task::Rank { checkpoint: path(7) });
    assert_eq!(spec.settings.selection.r#where.as_deref(), Some("z > 0.5"));
    shell.job = None;
    // Without any of this catalog there is nothing to go on from; one of another can still rank, and that is said.
    screen.answer(found(vec![run_on("elsewhere", 9, true)]), &mut shell);
    let shown = text(&drawn(&mut screen, &mut shell, (120, 37)));
    assert!(
        shown.contains("run 9 in this folder is of another catalog"),
        "{shown}"
    );
    assert!(
        screen
            .act(Action::Train(TrainAct::Resume), None, &mut shell)
            .is_empty()
    );
    let said = |shell: &Shell| shell.messages.back().unwrap().text.clone();
    assert!(said(&shell).contains("of this catalog"));
    let spec = started(&mut screen, &mut shell, TrainAct::Rank);
    assert_eq!(spec.task, Task::Rank { checkpoint: path(9) });
    assert!(said(&shell).contains("run 9, which was trained on another catalog"));
}

#[test]
fn settings_are_edited_found_and_refused_under_the_field() {
    let mut shell = shell();
    let mut screen = Train::new(&shell);
    // A choice goes on by itself, anything else is typed.
    assert!(screen.entered(&Purpose::Find, "optim", &mut shell).is_ok());
    screen.act(Action::Train(TrainAct::Edit), None, &mut shell);
    assert!(shell.prompt.is_none());
    assert_eq!(shell.settings.text(screen.form.entry()), "adam");
    assert!(screen.entered(&Purpose::Find, "epochs", &mut shell).is_ok());
    screen.act(Action::Train(TrainAct::Edit), None, &mut shell);
    let prompt = shell.prompt.take().unwrap();
    assert_eq!(
        (prompt.text(), &prompt.purpose),
        ("20", &Purpose::Setting("epochs"))
    );
    let refused = screen.entered(&Purpose::Setting("epochs"), "0", &mut shell);
    let error = refused.err().unwrap();
    assert!(error.contains("at least 1"), "{error}");
    let shown = text(&drawn(&mut screen, &mut shell, (120, 37)));
    assert!(shown.contains("at least 1"), "under the field:\n{shown}");
    assert_eq!(shell.settings.training.epochs, 20);
    assert!(
        screen
            .entered(&Purpose::Setting("epochs"), "5", &mut shell)
            .is_ok()
    );
    assert_eq!(shell.settings.training.epochs, 5);
    let shown = text(&drawn(&mut screen, &mut shell, (120, 37)));
    assert!(
        shown.contains("* 5") && !shown.contains("at least 1"),
        "changed is marked:\n{shown}"
    );
    screen.act(Action::Train(TrainAct::Reset), None, &mut shell);
    assert_eq!(shell.settings.training.epochs, 20);
    assert!(
        screen
            .entered(&Purpose::Find, "quasar catalog", &mut shell)
            .is_err()
    );
    assert_eq!(screen.form.entry().key, "epochs", "the cursor stays");
    let (ways, _) = screen.complete(&Purpose::Setting("device"), "cu", 2, &shell);
    assert_eq!(ways[0].text, "cuda");
    // A setting that cannot be run with stops the start, and the cursor goes there.
    shell.settings.model.latent = 0;
    assert!(
        screen
            .act(Action::Train(TrainAct::Start), None, &mut shell)
            .is_empty()
    );
    assert_eq!(screen.form.entry().key, "latent");
    screen.act(Action::Move(Move::Bottom), None, &mut shell);
    let last = screen.form.entry().key;
    screen.act(Action::Move(Move::Down), Some(500), &mut shell);
    assert_eq!(screen.form.entry().key, last);
}

#[test]
fn it_is_drawn_at_any_size_and_with_any_looks() {
    for (width, height) in (0..14).flat_map(|w| (0..14).map(move |h| (w * 9, h * 4))) {
        for depth in [Depth::True, Depth::Mono] {
            let (mut screen, mut shell) = busy();
            shell.theme = Theme {
                depth,
                ascii: depth == Depth::Mono,
                ..Theme::default()
            };
            let buffer = drawn(&mut screen, &mut shell, (width, height));
            if depth == Depth::Mono {
                let odd = text(&buffer).chars().find(|c| !c.is_ascii() && *c != '…');
                assert_eq!(odd, None, "{width} x {height}");
            }
            let mut idle = Train::new(&shell);
            shell.job = None;
            drawn(&mut idle, &mut shell, (width, height));
        }
    }
}

#[test]
fn the_parts_fill_the_screen_and_do_not_overlap() {
    for width in 0..200 {
        for height in 0..60 {
            let area = Rect::new(3, 1, width, height);
            let areas = draw::areas(area);
            let parts = [areas.form, areas.numbers, areas.losses, areas.spectrum];
            let cells: u32 = parts.iter().map(|part| part.area()).sum();
            assert_eq!(cells, area.area(), "{width} x {height}: {areas:?}");
            for (i, part) in parts.iter().enumerate() {
                assert!(part.is_empty() || area.union(*part) == area, "{areas:?}");
                assert!(
                    parts[..i]
                        .iter()
                        .all(|other| !other.intersects(*part) || part.is_empty())
                );
            }
        }
    }
    let home = draw::areas(Rect::new(0, 1, 80, 21));
    assert!(home.losses.height >= 7 && home.spectrum.height >= 7, "{home:?}");
}

#[test]
fn trainings_are_looked_for_at_the_start() {
    let mut shell = shell();
    let mut screen = Train::new(&shell);
    let effects = screen.start(&mut shell);
    let [Effect::Train(Request::Runs(folder))] = &effects[..] else {
        panic!("no look for older runs");
    };
    assert_eq!(*folder, shell.settings.output.metadata_dir);
    let inputs = Inputs::new(vec!["no such catalog".into()]);
    let Answer::Runs { runs, catalog } = super::serve(Request::Runs("no such folder".into()), &inputs);
    assert!(runs.is_empty() && catalog.is_none());
}
