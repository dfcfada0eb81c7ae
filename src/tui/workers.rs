//! All workers, and the thread of the running job.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::app::{Answer, AppEvent, Effect, JobEvent, Shell};
use super::errors::in_words;
use super::inputs::Inputs;
use super::job::{Job, JobSpec, Task};
use super::worker::{Worker, words};
use super::{anomalies, catalog, files, labels, picture, priority, spectra, train};
use crate::cutout::Cutouts;
use crate::pipeline::{self, CancelToken, Event, Observer};

/// Whoever does the work.
pub struct Workers {
    events: Sender<AppEvent>,
    catalog: catalog::Browse,
    spectrum: Worker<spectra::Request>,
    anomalies: Worker<anomalies::Request>,
    labels: Worker<labels::Request>,
    files: Worker<files::Request>,
    train: Worker<train::Request>,
    pictures: Worker<picture::Request>,
    /// Images that are waited for, and others.
    fetches: [Worker<picture::Fetch>; 2],
    /// The running job: what stops it, and what hears its end.
    job: Option<(CancelToken, Receiver<()>)>,
}

impl Workers {
    pub fn start(shell: &Shell, events: &Sender<AppEvent>) -> io::Result<Self> {
        let inputs = Inputs::new(shell.inputs.clone());
        let answer = |events: &Sender<AppEvent>| {
            let events = events.clone();
            move |answer: Answer| drop(events.send(AppEvent::Answer(answer)))
        };
        let fault = |events: &Sender<AppEvent>| {
            let events = events.clone();
            move |text: String| drop(events.send(AppEvent::Answer(Answer::Fault(text))))
        };
        let tell = answer(events);
        let mut maker = spectra::Maker::new(inputs.clone());
        let spectrum = Worker::start(
            "spectrum",
            move |request, cancel: &CancelToken| {
                if let Some(answer) = maker.serve(request, cancel) {
                    tell(Answer::Spectrum(answer));
                }
            },
            fault(events),
        )?;
        let tell = answer(events);
        let mut desk = anomalies::Desk::new(inputs.clone());
        let anomalies = Worker::start(
            "anomalies",
            move |request, cancel: &CancelToken| {
                desk.serve(request, cancel, |answer| tell(Answer::Anomalies(answer)))
            },
            fault(events),
        )?;
        let tell = answer(events);
        let mut keeper = labels::Keeper::default();
        let labels = Worker::start(
            "labels",
            move |request, _: &CancelToken| tell(Answer::Labels(keeper.serve(request))),
            fault(events),
        )?;
        let (tell, output) = (answer(events), shell.settings.output.clone());
        let files = Worker::start(
            "files",
            move |request, _: &CancelToken| tell(Answer::Files(files::serve(&output, request))),
            fault(events),
        )?;
        let (tell, of) = (answer(events), inputs.clone());
        let train = Worker::start(
            "train",
            move |request, _: &CancelToken| tell(Answer::Train(train::serve(request, &of))),
            fault(events),
        )?;
        let settings = &shell.settings;
        let cutouts = Cutouts::of(&settings.cutouts, settings.output.cutout_dir.clone());
        let tell = answer(events);
        let mut maker = picture::Maker::new(inputs.clone(), settings.clone());
        let pictures = Worker::start(
            "pictures",
            move |request, cancel: &CancelToken| {
                maker.serve(request, cancel, |answer| tell(Answer::Picture(answer)));
            },
            fault(events),
        )?;
        let fetch = |name: &str| {
            let (tell, fetcher) = (answer(events), picture::Fetcher::new(cutouts.clone()));
            Worker::start(
                name,
                move |request, cancel: &CancelToken| {
                    fetcher.serve(request, cancel, |fetched| tell(Answer::Fetched(fetched)));
                },
                fault(events),
            )
        };
        Ok(Self {
            events: events.clone(),
            catalog: catalog::Browse::start(inputs, answer(events), fault(events))?,
            spectrum,
            anomalies,
            labels,
            files,
            train,
            pictures,
            fetches: [fetch("fetch")?, fetch("fetch ahead")?],
            job: None,
        })
    }

    /// Hands a request to the one it is for.
    pub fn perform(&mut self, effect: Effect, shell: &mut Shell) {
        match effect {
            Effect::Catalog(request) => self.catalog.ask(request),
            Effect::Spectrum(request) => self.spectrum.ask(request),
            Effect::Anomalies(request) => self.anomalies.ask(request),
            Effect::Labels(request) => self.labels.ask(request),
            Effect::Files(request) => self.files.ask(request),
            Effect::Train(request) => self.train.ask(request),
            Effect::Picture(request) => self.pictures.ask(request),
            Effect::Fetch(request) => self.fetches[0].ask(request),
            Effect::FetchAhead(request) => self.fetches[1].ask(request),
            Effect::Start(spec) => self.start_job(*spec, shell),
            Effect::StopJob => {
                if let Some((cancel, _)) = &self.job {
                    cancel.cancel();
                }
            }
            // The loop's own.
            Effect::Copy(_)
            | Effect::Forget(_)
            | Effect::Redraw
            | Effect::Suspend
            | Effect::Save
            | Effect::Quit => (),
        }
    }

    /// One job at a time.
    fn start_job(&mut self, spec: JobSpec, shell: &mut Shell) {
        if shell.job.is_some() {
            shell.error("a job is running; Ctrl-x stops it");
            return;
        }
        let cancel = CancelToken::default();
        let (done, ended) = mpsc::channel();
        let (events, stop, job) = (self.events.clone(), cancel.clone(), spec.clone());
        let started = thread::Builder::new().name("job".into()).spawn(move || {
            priority::step_back();
            let mut teller = Teller::new(events.clone());
            let work = std::panic::AssertUnwindSafe(|| run(&job, &mut teller, &stop));
            let result = std::panic::catch_unwind(work).unwrap_or_else(|panic| Err(words(&*panic)));
            let (summary, assessment) = match result {
                Ok((summary, assessment)) => (Ok(Box::new(summary)), assessment),
                Err(error) => (Err(error), None),
            };
            if let Some(assessment) = assessment {
                let _ = events.send(AppEvent::Job(JobEvent::Assessed(Box::new(assessment))));
            }
            let _ = events.send(AppEvent::Job(JobEvent::Ended(summary)));
            drop(done);
        });
        match started {
            Ok(_) => {
                self.job = Some((cancel, ended));
                shell.job = Some(Job::new(spec));
            }
            Err(error) => shell.error(format!("the job cannot be started: {error}")),
        }
    }

    /// Ends the job, its checkpoint written, and waits for the labels that are on their way to disk.
    pub fn finish(self, patience: Duration) {
        let until = Instant::now() + patience;
        let left = || until.saturating_duration_since(Instant::now());
        if let Some((cancel, _)) = &self.job {
            cancel.cancel();
        }
        // The labels first: they take a moment, the job may take all there is.
        self.labels.finish(left());
        if let Some((_, ended)) = self.job {
            // The thread drops its end of the channel when it is done.
            let _ = ended.recv_timeout(left());
        }
        self.anomalies.finish(left());
    }
}

/// The same functions as on the command line.
fn run(
    spec: &JobSpec,
    teller: &mut Teller,
    cancel: &CancelToken,
) -> Result<(pipeline::Summary, Option<pipeline::Assessment>), String> {
    let done = match &spec.task {
        Task::Run { resume } => {
            pipeline::run_kept(&spec.inputs, &spec.settings, resume.clone(), teller, cancel)
        }
        Task::Rank { checkpoint } => {
            pipeline::rank_kept(&spec.inputs, &spec.settings, checkpoint.clone(), teller, cancel)
        }
    };
    done.map_err(|error| in_words(&error))
}

/// Tells the loop what the job does, and not more often than it can be shown.
struct Teller {
    events: Sender<AppEvent>,
    told: Instant,
    measured: Instant,
}

impl Teller {
    fn new(events: Sender<AppEvent>) -> Self {
        let now = Instant::now();
        Self {
            events,
            told: now,
            measured: now,
        }
    }
}

impl Observer for Teller {
    fn event(&mut self, event: Event) {
        const TOLD: Duration = Duration::from_millis(60);
        const MEASURED: Duration = Duration::from_secs(1);
        let matters = match &event {
            Event::Step { done, total, .. } => *done == 0 || done == total,
            Event::Training { progress, .. } => progress.finished.is_some(),
            _ => true,
        };
        if !matters && self.told.elapsed() < TOLD {
            return;
        }
        self.told = Instant::now();
        if self.measured.elapsed() > MEASURED {
            self.measured = Instant::now();
            if let Some(bytes) = pipeline::resident_memory() {
                let _ = self.events.send(AppEvent::Job(JobEvent::Memory(bytes)));
            }
        }
        let _ = self.events.send(AppEvent::Job(JobEvent::Event(event)));
    }

    fn wants_previews(&self) -> bool {
        true
    }
}
