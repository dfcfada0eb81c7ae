//! The app without its loop: events in, requests served at once and in order, answers back, a frame as text.

use std::path::Path;
use std::sync::{Arc, Mutex};

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use spectriage::anomaly::{Correlations, Judgement, Reason, Region};
use spectriage::catalog::Catalog;
use spectriage::figure::SpectrumView;
use spectriage::pipeline::browse::Browser;
use spectriage::pipeline::settings::{OutputSettings, Settings};
use spectriage::pipeline::{CancelToken, Verdicts, Viewer};
use spectriage::tui::anomalies::{self, Source};
use spectriage::tui::app::{Answer, App, AppEvent, Effect, Shell};
use spectriage::tui::draw::draw;
use spectriage::tui::inputs::Inputs;
use spectriage::tui::keys::{Keymap, Press};
use spectriage::tui::terminal::Protocol;
use spectriage::tui::theme::Theme;
use spectriage::tui::{catalog, files, labels, picture, spectra, train};

/// What was asked for and is not done here, in a word each.
pub fn name(effect: &Effect) -> String {
    match effect {
        Effect::Catalog(request) => format!("catalog {request:?}"),
        Effect::Spectrum(_) => "spectrum".into(),
        Effect::Anomalies(request) => match request {
            anomalies::Request::Open(_) => "anomalies open".into(),
            anomalies::Request::Rejudge(_) => "anomalies rejudge".into(),
            anomalies::Request::Filter(filter) => format!("anomalies filter {filter:?}"),
            anomalies::Request::Similar(id) => format!("anomalies similar {id}"),
            anomalies::Request::Learn(labels) => format!("anomalies learn {}", labels.len()),
            anomalies::Request::Figures { ids, .. } => format!("figures {}", ids.join(" ")),
            anomalies::Request::Adopt(_) | anomalies::Request::Write(_) => "anomalies".into(),
        },
        Effect::Labels(request) => format!("labels {request:?}"),
        Effect::Files(_) => "files".into(),
        Effect::Train(_) => "train".into(),
        Effect::Picture(request) => match request {
            picture::Request::Show(order) => format!("picture {:?}", order.subject),
            picture::Request::Ahead(orders) => format!("pictures ahead {}", orders.len()),
            picture::Request::Spectra(targets) => format!("small spectra {}", targets.len()),
            picture::Request::Found(_) => "picture found".into(),
            picture::Request::Again => "pictures again".into(),
        },
        Effect::Fetch(_) => "fetch".into(),
        Effect::FetchAhead(_) => "fetch ahead".into(),
        Effect::Forget(ids) => format!("forget {}", ids.len()),
        Effect::Start(spec) => format!("start {:?}", spec.task),
        Effect::StopJob => "stop".into(),
        Effect::Copy(text) => format!("copy {text}"),
        Effect::Redraw => "redraw".into(),
        Effect::Suspend => "suspend".into(),
        Effect::Save => "save".into(),
        Effect::Quit => "quit".into(),
    }
}

/// Those who serve the requests.
struct Servers {
    inputs: Inputs,
    browser: Browser,
    maker: spectra::Maker,
    keeper: labels::Keeper,
    desk: anomalies::Desk,
    pictures: picture::Maker,
    fetcher: picture::Fetcher,
    output: OutputSettings,
    /// Spectra are shown with a reconstruction.
    modeled: bool,
}

pub struct Bench {
    pub app: App,
    servers: Option<Servers>,
    /// What was asked for since the last look and is nobody's here.
    pub left: Vec<String>,
}

impl Bench {
    /// An app to which nobody answers, with the shipped defaults.
    pub fn alone() -> Self {
        let mut app = App::new(Shell::new(
            vec!["catalog.parquet".into()],
            Settings::default(),
            Theme::default(),
            Keymap::default(),
        ));
        app.shell.size = (120, 40);
        Self {
            app,
            servers: None,
            left: Vec::new(),
        }
    }

    /// An app with a catalog, started; its files go to a folder.
    pub fn with(catalog: &str, folder: &Path, size: (u16, u16)) -> Self {
        let inputs = vec![catalog.to_owned()];
        let mut settings = Settings::default();
        settings.output.images_dir = folder.join("output_images");
        settings.output.metadata_dir = folder.join("metadata");
        settings.cutouts.offline = true;
        let mut shell = Shell::new(inputs.clone(), settings, Theme::default(), Keymap::default());
        // A hole where the picture will be: the noise of a drawing is no text to compare.
        shell.graphics.protocol = Protocol::Sixel;
        shell.size = size;
        shell.labels.scanner = "ann".into();
        let cutouts = spectriage::cutout::Cutouts::new(None);
        let inputs = Inputs::new(inputs);
        let servers = Servers {
            inputs: inputs.clone(),
            browser: Browser::of(inputs.table().unwrap()),
            maker: spectra::Maker::new(inputs.clone()),
            keeper: labels::Keeper::default(),
            desk: anomalies::Desk::new(inputs.clone()),
            pictures: picture::Maker::new(inputs, shell.settings.clone()),
            fetcher: picture::Fetcher::new(cutouts),
            output: shell.settings.output.clone(),
            modeled: false,
        };
        let mut bench = Self {
            app: App::new(shell),
            servers: Some(servers),
            left: Vec::new(),
        };
        let effects = bench.app.start();
        bench.perform(effects);
        bench
    }

    /// Shows a ranking of the first rows of the catalog.
    pub fn ranked(mut self, verdicts: Verdicts) -> Self {
        self.servers.as_mut().unwrap().modeled = true;
        self.answer(Answer::Anomalies(anomalies::Answer::Ranking {
            verdicts: Arc::new(verdicts),
            source: Source::Saved(1),
            viewer: None,
        }));
        self
    }

    pub fn answer(&mut self, answer: Answer) {
        self.event(AppEvent::Answer(answer));
    }

    pub fn event(&mut self, event: AppEvent) {
        let effects = self.app.update(event);
        self.perform(effects);
    }

    pub fn input(&mut self, input: Input) {
        self.event(AppEvent::Input(input));
    }

    pub fn resize(&mut self, (width, height): (u16, u16)) {
        self.input(Input::Resize(width, height));
    }

    /// Presses keys, written as in the table and separated by spaces.
    pub fn press(&mut self, keys: &str) -> &mut Self {
        for key in keys.split_whitespace() {
            let press: Press = key.parse().unwrap();
            self.input(Input::Key(event(press)));
        }
        self
    }

    /// Types a text as it is.
    pub fn type_text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.input(Input::Key(event(Press::plain(KeyCode::Char(c)))));
        }
        self
    }

    /// What was asked for since the last look.
    pub fn asked(&mut self) -> Vec<String> {
        std::mem::take(&mut self.left)
    }

    /// The newest message.
    pub fn said(&self) -> &str {
        self.app.shell.messages.back().map_or("", |message| &message.text)
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        let mut waiting = std::collections::VecDeque::from(effects);
        while let Some(effect) = waiting.pop_front() {
            self.left
                .extend(Some(name(&effect)).filter(|_| self.servers.is_none()));
            let Some(servers) = &mut self.servers else {
                continue;
            };
            let mut answers = Vec::new();
            if let Some(effect) = servers.serve(effect, &mut answers) {
                self.left.push(name(&effect));
            }
            for answer in answers {
                waiting.extend(self.app.update(AppEvent::Answer(answer)));
            }
        }
    }

    /// The frame of a terminal of the size that the app was told.
    pub fn frame(&self) -> String {
        self.frame_of(self.app.shell.size)
    }

    pub fn frame_of(&self, (width, height): (u16, u16)) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal
            .draw(|frame| {
                draw(frame, &self.app);
            })
            .unwrap();
        let buffer = terminal.backend().buffer();
        let mut text = String::new();
        for y in 0..height {
            let mut skip = 0;
            let mut line = String::new();
            for x in 0..width {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                let symbol = buffer[(x, y)].symbol();
                skip = spectriage::tui::text::width(symbol).saturating_sub(1);
                line.push_str(symbol);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

fn event(press: Press) -> KeyEvent {
    let mut modifiers = KeyModifiers::NONE;
    modifiers.set(KeyModifiers::CONTROL, press.ctrl);
    modifiers.set(KeyModifiers::ALT, press.alt);
    modifiers.set(KeyModifiers::SHIFT, press.shift);
    KeyEvent::new(press.code, modifiers)
}

impl Servers {
    /// Returns what is nobody's.
    fn serve(&mut self, effect: Effect, answers: &mut Vec<Answer>) -> Option<Effect> {
        let quiet = CancelToken::default();
        match effect {
            // Files of the person who runs the tests are left alone.
            Effect::Catalog(request @ catalog::Request::Export { .. }) => {
                return Some(Effect::Catalog(request));
            }
            Effect::Catalog(request) => {
                let told = Mutex::new(Vec::new());
                catalog::serve(&self.browser, request, &quiet, &|answer| {
                    told.lock().unwrap().push(answer);
                });
                answers.extend(told.into_inner().unwrap().into_iter().map(Answer::Catalog));
            }
            Effect::Spectrum(request) => {
                if let Some(mut answer) = self.maker.serve(request, &quiet) {
                    if self.modeled {
                        answer.view = answer.view.map(|view| Arc::new(modeled((*view).clone())));
                    }
                    answers.push(Answer::Spectrum(answer));
                }
            }
            Effect::Anomalies(
                request @ (anomalies::Request::Filter(_)
                | anomalies::Request::Similar(_)
                | anomalies::Request::Learn(_)),
            ) => self
                .desk
                .serve(request, &quiet, |answer| answers.push(Answer::Anomalies(answer))),
            Effect::Labels(request) => answers.push(Answer::Labels(self.keeper.serve(request))),
            Effect::Files(request) => {
                answers.push(Answer::Files(files::serve(&self.output, request)));
            }
            Effect::Train(request) => answers.push(Answer::Train(train::serve(request, &self.inputs))),
            Effect::Picture(request) => {
                self.pictures
                    .serve(request, &quiet, |answer| answers.push(Answer::Picture(answer)));
            }
            Effect::Fetch(fetch) | Effect::FetchAhead(fetch) => {
                self.fetcher
                    .serve(fetch, &quiet, |fetched| answers.push(Answer::Fetched(fetched)));
            }
            effect => return Some(effect),
        }
        None
    }
}

/// A view with the running mean of its flux as its reconstruction.
fn modeled(mut view: SpectrumView) -> SpectrumView {
    const HALF: usize = 40;
    let usable = |i: usize| view.valid[i] && view.flux[i].is_finite();
    view.reconstruction = (0..view.flux.len())
        .map(|i| {
            let near = i.saturating_sub(HALF)..(i + HALF + 1).min(view.flux.len());
            let (sum, count) = near.filter(|i| usable(*i)).fold((0.0, 0u32), |(sum, count), i| {
                (sum + f64::from(view.flux[i]), count + 1)
            });
            (sum / f64::from(count)) as f32
        })
        .collect();
    view.residual_sigma = (0..view.flux.len())
        .map(|i| match usable(i) {
            true => (view.flux[i] - view.reconstruction[i]) / view.sigma[i],
            false => f32::NAN,
        })
        .collect();
    view
}

/// Verdicts on the first `count` rows of a catalog, as a job might have found them.
pub fn verdicts(catalog: &str, count: u64) -> Verdicts {
    let catalog = Catalog::open(&[catalog.to_owned()]).unwrap();
    let viewer = Viewer::new(catalog);
    let views: Vec<SpectrumView> = (0..count).map(|row| viewer.row(row, |_| None).unwrap()).collect();
    let judgements = views
        .iter()
        .enumerate()
        .map(|(n, view)| judgement(n, count, view));
    Verdicts {
        judgements: judgements.collect(),
        facts: views.iter().map(|view| Arc::new(view.facts.clone())).collect(),
        correlations: Correlations {
            sn: Some(0.12),
            redshift: Some(-0.08),
            masked_fraction: Some(0.31),
        },
        thresholds: None,
    }
}

fn judgement(n: usize, count: u64, view: &SpectrumView) -> Judgement {
    let z = view.facts.z.unwrap_or(0.0);
    let region = |middle: f64, width: f64, significance: f64, line: Option<&str>| {
        let at = |wavelength: f64| view.wavelength.partition_point(|other| *other < wavelength);
        let (low, high) = (middle - width, middle + width);
        Region {
            start: at(low),
            end: at(high),
            wavelength_min: low,
            wavelength_max: high,
            rest_min: low / (1.0 + z),
            rest_max: high / (1.0 + z),
            reason: if significance > 0.0 {
                Reason::ExcessFlux
            } else {
                Reason::MissingFlux
            },
            value: significance / 3.0,
            significance,
            line: line.map(str::to_owned),
            artifact_fraction: if n % 4 == 1 { 0.75 } else { 0.1 },
            artifact_probability: None,
        }
    };
    let regions = match n % 3 {
        0 => vec![
            region(5007.0 * (1.0 + z.min(0.9)), 20.0, 31.0, Some("[O III]")),
            region(4500.0, 60.0, -7.5, None),
        ],
        1 => vec![region(7600.0, 35.0, 12.0, None)],
        _ => Vec::new(),
    };
    Judgement {
        object_id: view.facts.object_id.clone(),
        targetid: view.facts.targetid,
        rank: n as u64 + 1,
        score: 12.0 / (1.0 + 0.15 * n as f64),
        percentile: 100.0 * (count as f64 - 1.0 - n as f64) / (count as f64 - 1.0),
        anomalous: n < 8,
        reason: match regions.first() {
            Some(region) => format!(
                "flux {} at {:.0}-{:.0} Å",
                if region.significance > 0.0 {
                    "excess"
                } else {
                    "missing"
                },
                region.rest_min,
                region.rest_max
            )
            .into(),
            None => "well reconstructed, but rare".into(),
        },
        flagged_fraction: 0.01 * (n % 7) as f64,
        reduced_chi2: 1.0 + 0.05 * n as f64,
        sn: view.sn,
        masked_fraction: 0.02,
        artifact_fraction: if n % 4 == 1 { 0.75 } else { 0.1 },
        artifact_probability: None,
        suggested_kind: None,
        latent: vec![n as f32, (n * n % 17) as f32].into(),
        regions,
    }
}
