//! Where images are looked for, in order.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::cache::{Cache, Known};
use super::entry::{Key, Note};
use super::fetch::{self, Failure, Fetched};
use super::http::Http;
use super::service::{self, Service, Square};
use super::{Cutout, CutoutSettings, Field, Found, drawn, folder, gate};
use crate::simulate::Simulation;

/// How far to go for an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// What lies on this machine: at once, never the network.
    Disk,
    /// The network too, where the settings allow it.
    Network,
}

/// Where an image was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The astronomer's folder.
    Folder,
    /// Drawn here, of a simulated spectrum.
    Drawn,
    Cache,
    Network,
}

/// What came of a search, for those who count.
#[derive(Debug, Clone, PartialEq)]
pub enum Search {
    Image(Cutout, Origin),
    /// Every service that was asked has no image of it.
    NoCoverage(String),
    /// Nobody was asked: no position, nothing on disk, offline.
    NotHere(String),
    /// A service could not be asked, or has a fault; another time there may be an image.
    Failed {
        why: String,
        unreachable: bool,
    },
    Cancelled,
}

/// Looks for images; cheap to clone, and shared between threads.
#[derive(Debug, Clone)]
pub struct Cutouts {
    inner: Arc<Inner>,
    /// Beside the program's own sample.
    simulations: Arc<[Simulation]>,
}

#[derive(Debug)]
struct Inner {
    settings: CutoutSettings,
    folder: Option<PathBuf>,
    cache: Cache,
    services: Vec<Box<dyn Service>>,
    /// Begun with the first request; an error stays.
    http: OnceLock<Result<Http, String>>,
}

impl Default for Cutouts {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Cutouts {
    /// Images named by object id in `folder`, and nothing else.
    pub fn new(folder: Option<PathBuf>) -> Self {
        let settings = CutoutSettings {
            offline: true,
            ..CutoutSettings::default()
        };
        Self::with(settings, folder, Cache::default())
    }

    /// Images of a folder, of the cache and of the services. The folder is a cache too, the first that is read and written; behind it, and
    /// where it may only be read, stands the user's own.
    pub fn of(settings: &CutoutSettings, folder: Option<PathBuf>) -> Self {
        let own = dirs::cache_dir().map(|cache| cache.join("spectriage").join("cutouts"));
        let folders = folder.iter().cloned().chain(own).collect();
        Self::within(settings, folder, folders)
    }

    /// As [`of`](Self::of) with these folders as the cache, and no other.
    pub fn within(settings: &CutoutSettings, folder: Option<PathBuf>, folders: Vec<PathBuf>) -> Self {
        let expiry = Duration::from_secs_f64(settings.cutout_expiry.max(0.0) * 86_400.0);
        let limit = settings.cutout_limit.saturating_mul(1_000_000);
        Self::with(settings.clone(), folder, Cache::new(folders, limit, expiry))
    }

    fn with(settings: CutoutSettings, folder: Option<PathBuf>, cache: Cache) -> Self {
        Self {
            inner: Arc::new(Inner {
                services: service::all(&settings),
                settings,
                folder,
                cache,
                http: OnceLock::new(),
            }),
            simulations: Arc::default(),
        }
    }

    /// The same, which can also draw the objects of these simulations.
    pub fn drawing(self, simulations: Vec<Simulation>) -> Self {
        Self {
            simulations: simulations.into(),
            ..self
        }
    }

    pub fn settings(&self) -> &CutoutSettings {
        &self.inner.settings
    }

    /// The folders that are read and written, in order.
    pub fn cache_folders(&self) -> &[PathBuf] {
        self.inner.cache.folders()
    }

    /// The folder that keeps what is fetched: the first that can be written to.
    pub fn keeps_in(&self) -> Option<PathBuf> {
        self.inner.cache.writable()
    }

    /// Names of the services that a field may be asked of, in order: for a key that goes through them.
    pub fn services_for(&self, field: &Field) -> Vec<String> {
        if drawn::is_simulated(&field.source) {
            return vec![drawn::NAME.into()];
        }
        self.inner.settings.order(&field.source)
    }

    /// Whether the image of a field is drawn here, so that there is nothing to fetch.
    pub fn is_drawn(&self, field: &Field) -> bool {
        drawn::is_simulated(&field.source)
    }

    /// Asks hosts again that could not be reached a while ago.
    pub fn try_again(&self) {
        gate::forget_failures();
    }

    /// The image of a field, or why there is none. `cancelled` is asked between steps; a cancelled search says so as its reason.
    pub fn find(&self, field: &Field, reach: Reach, cancelled: &dyn Fn() -> bool) -> Found {
        let why = match self.search(field, reach, cancelled) {
            Search::Image(cutout, _) => return Found::Image(cutout),
            Search::NoCoverage(why) | Search::NotHere(why) | Search::Failed { why, .. } => why,
            Search::Cancelled => "called off".into(),
        };
        Found::Missing { why }
    }

    /// As [`find`](Self::find), and tells how it came about.
    pub fn search(&self, field: &Field, reach: Reach, cancelled: &dyn Fn() -> bool) -> Search {
        let inner = &*self.inner;
        let only = |name: &str| field.service.as_deref().is_none_or(|wanted| wanted == name);
        let mut unusable = None;
        if let Some(folder) = inner.folder.as_deref().filter(|_| only(folder::NAME)) {
            match folder::find(folder, field) {
                Some(Ok(cutout)) => return Search::Image(cutout, Origin::Folder),
                Some(Err(what)) => unusable = Some(what),
                None => {}
            }
        }
        let not_here = |why: &str| Search::NotHere(unusable.clone().unwrap_or_else(|| why.to_owned()));
        if drawn::is_simulated(&field.source) {
            return match drawn::find(&self.simulations, field) {
                Ok(cutout) => Search::Image(cutout, Origin::Drawn),
                Err(why) => not_here(why),
            };
        }
        let Some(position) = field.position else {
            return not_here(
                "the catalog has no position of it; a folder of images by id can have one (--cutout-dir)",
            );
        };
        let Some(square) = Square::at(position, field.scale, field.pixels) else {
            return not_here("its position is no place on the sky");
        };
        let reach = if inner.settings.offline {
            Reach::Disk
        } else {
            reach
        };
        let mut report = Report::default();
        for name in inner.settings.order(&field.source) {
            let found = inner.services.iter().find(|service| service.name() == name);
            let Some(service) = found.filter(|service| only(service.name())) else {
                continue;
            };
            if !service.reaches(&square) {
                report.absent.push(name);
                continue;
            }
            for layer in service.layers() {
                match inner.layer(service.as_ref(), &layer, &square, reach, cancelled) {
                    Layer::Image(cutout, origin) => return Search::Image(cutout, origin),
                    Layer::Absent => report.absent.push(name.clone()),
                    Layer::Unknown => report.unknown = true,
                    Layer::Failed(Failure::Cancelled) => return Search::Cancelled,
                    Layer::Failed(failure) => {
                        report.failed(&name, failure);
                        // Its other layers are at the same host.
                        break;
                    }
                }
            }
        }
        report.search(unusable, field.service.as_deref(), &inner.settings)
    }
}

/// What is found of one layer.
enum Layer {
    Image(Cutout, Origin),
    Absent,
    /// It is not on disk, and the network is not asked.
    Unknown,
    Failed(Failure),
}

impl Inner {
    fn layer(
        &self,
        service: &dyn Service,
        layer: &str,
        asked: &Square,
        reach: Reach,
        cancelled: &dyn Fn() -> bool,
    ) -> Layer {
        let widths = service.widths();
        let square = Square {
            pixels: asked.pixels.clamp(*widths.start(), *widths.end()),
            ..*asked
        };
        let key = Key {
            service: service.name().into(),
            layer: layer.into(),
            square,
        };
        match self.cache.get(&key) {
            Known::Image { bytes, note } => {
                return Layer::Image(cutout(bytes, &note), Origin::Cache);
            }
            Known::Absent => return Layer::Absent,
            Known::Nothing if reach == Reach::Disk => return Layer::Unknown,
            Known::Nothing => {}
        }
        let http = match self.http.get_or_init(|| Http::start(&self.settings)) {
            Ok(http) => http,
            Err(why) => return Layer::Failed(Failure::Unreachable(why.clone())),
        };
        match fetch::fetch(http, &self.settings, service, layer, &square, cancelled) {
            Fetched::Image { bytes, checked } => {
                let size = (checked.width, checked.height);
                let note = Note::new(&key, &bytes, size, service.scale(&square), &service.credit(layer));
                self.cache.put(&key, &bytes, &note, checked.is_png);
                Layer::Image(cutout(bytes, &note), Origin::Network)
            }
            Fetched::NoCoverage => {
                let note = Note::new(&key, b"", (0, 0), square.scale, "");
                self.cache.put(&key, b"", &note, false);
                Layer::Absent
            }
            Fetched::Failed(failure) => Layer::Failed(failure),
        }
    }
}

fn cutout(bytes: Vec<u8>, note: &Note) -> Cutout {
    Cutout {
        bytes: Arc::from(bytes),
        width: note.width,
        height: note.height,
        scale: Some(note.scale),
        service: note.service.clone(),
        layer: note.layer.clone(),
        credit: note.credit.clone(),
    }
}

/// What the services said that had no image.
#[derive(Debug, Default)]
struct Report {
    absent: Vec<String>,
    /// Something was not on disk, and nobody was asked.
    unknown: bool,
    /// What went wrong, and of which services: one word for all where there is no network.
    failures: Vec<(Vec<String>, String)>,
    /// Every failure is one of the way to a host.
    unreachable: bool,
}

impl Report {
    fn failed(&mut self, name: &str, failure: Failure) {
        let (why, unreachable) = match failure {
            Failure::Cancelled => return,
            Failure::Unreachable(why) => (why, true),
            Failure::Fault(why) => (why, false),
        };
        self.unreachable = unreachable && (self.failures.is_empty() || self.unreachable);
        match self.failures.iter_mut().find(|(_, other)| *other == why) {
            Some((names, _)) => names.push(name.to_owned()),
            None => self.failures.push((vec![name.to_owned()], why)),
        }
    }

    fn search(mut self, unusable: Option<String>, only: Option<&str>, settings: &CutoutSettings) -> Search {
        self.absent.dedup();
        if !self.failures.is_empty() {
            let told = self.failures.iter();
            let told = told.map(|(names, why)| format!("{}: {why}", names.join(", ")));
            return Search::Failed {
                why: told.collect::<Vec<_>>().join("; "),
                unreachable: self.unreachable,
            };
        }
        if let Some(what) = unusable {
            return Search::NotHere(what);
        }
        if self.unknown {
            return Search::NotHere(if settings.offline {
                "not among the images on this machine, and --offline is set".into()
            } else {
                "not among the images on this machine; `spectriage cutouts fetch` or --fetch-cutouts gets them".into()
            });
        }
        if self.absent.is_empty() {
            let name = only.unwrap_or("one");
            return Search::NotHere(format!(
                "there is no service `{name}` among those of the settings"
            ));
        }
        Search::NoCoverage(format!("{} has no image of this place", self.absent.join(", ")))
    }
}
