//! Makes pictures, in its worker: finds the image on this machine, decodes it, cuts, brightens, marks and encodes it.

use std::io::{Cursor, Read as _};
use std::path::Path;
use std::sync::Arc;

use image::{DynamicImage, ImageReader, Limits, RgbImage};

use super::adjust;
use super::encode::{Picture, Source, encode};
use super::fetch::Fetched;
use super::marks::{self, Marks};
use super::order::{Order, Subject, View};
use crate::cutout::{Cutout, Cutouts, Field, Found, Reach};
use crate::pipeline::browse::Browser;
use crate::pipeline::settings::Settings;
use crate::pipeline::{self, CancelToken};
use crate::spectrum::Facts;
use crate::tui::app::Target;
use crate::tui::inputs::Inputs;
use crate::tui::worker;

#[derive(Debug)]
pub enum Request {
    /// What the astronomer waits for.
    Show(Order),
    /// What is likely to be wanted next, the likeliest first.
    Ahead(Vec<Order>),
    /// Small spectra of objects.
    Spectra(Vec<Target>),
    /// Services that could not be reached a while ago are asked again.
    Again,
    /// What came from the network, to be made into the picture of an order.
    Found(Box<Fetched>),
}

impl worker::Request for Request {
    fn slot(&self) -> Option<u8> {
        match self {
            Self::Show(_) => Some(0),
            Self::Ahead(_) => Some(1),
            Self::Spectra(_) => Some(2),
            Self::Found(_) | Self::Again => None,
        }
    }
}

#[derive(Debug)]
pub enum Answer {
    /// `wanting`: a better one is not on this machine, and may be looked for elsewhere.
    Ready {
        order: Order,
        picture: Arc<Picture>,
        wanting: Option<Field>,
        /// That can be asked alone for this object; empty where nothing new is known of them.
        services: Vec<String>,
    },
    /// There is none on this machine.
    Absent {
        order: Order,
        field: Field,
        services: Vec<String>,
    },
    /// There is none, in words.
    Failed { order: Order, why: String },
    /// From 0 (bottom) to 1 (top); `None` where there is none.
    Spectra(Vec<(Target, Option<Vec<f32>>)>),
}

/// Objects and images that are kept for the next request.
const KEPT_FACTS: usize = 512;
const KEPT_IMAGES: usize = 48;

/// An image and where it comes from.
#[derive(Clone)]
struct Held {
    cutout: Cutout,
    image: Arc<RgbImage>,
}

/// Makes pictures.
pub struct Maker {
    inputs: Inputs,
    settings: Settings,
    /// Known when the catalog is, of whose simulated objects images are drawn.
    cutouts: Option<Cutouts>,
    /// The newest last, as in the next.
    facts: Vec<(Target, Facts)>,
    held: Vec<(Field, Held)>,
    /// Of the pictures that a terminal keeps.
    ids: Ids,
}

/// Names of pictures: the high byte is this process, the low one a color of the 256 that no theme changes, so that the name survives where
/// colors are few.
struct Ids {
    process: u32,
    next: u32,
}

impl Ids {
    const FIRST: u32 = 16;

    fn new() -> Self {
        Self {
            process: 1 + std::process::id() % 255,
            next: Self::FIRST,
        }
    }

    fn next(&mut self) -> u32 {
        let id = self.process << 24 | self.next;
        self.next = if self.next == 255 {
            Self::FIRST
        } else {
            self.next + 1
        };
        id
    }
}

impl Maker {
    pub fn new(inputs: Inputs, settings: Settings) -> Self {
        Self {
            inputs,
            settings,
            cutouts: None,
            facts: Vec::new(),
            held: Vec::new(),
            ids: Ids::new(),
        }
    }

    pub fn serve(&mut self, request: Request, cancel: &CancelToken, mut tell: impl FnMut(Answer)) {
        let orders = match request {
            Request::Show(order) => vec![order],
            Request::Ahead(orders) => orders,
            Request::Again => {
                if let Some(cutouts) = &self.cutouts {
                    cutouts.try_again();
                }
                return;
            }
            Request::Spectra(targets) => return tell(Answer::Spectra(self.spectra(targets))),
            Request::Found(fetched) => {
                let Fetched { order, field, found } = *fetched;
                tell(match self.take(&field, found) {
                    Ok(held) => self.sky(order, &held, String::new(), None, Vec::new()),
                    Err(why) => Answer::Failed { order, why },
                });
                return;
            }
        };
        for order in orders {
            if cancel.is_cancelled() {
                return;
            }
            let answer = self.make(order, cancel);
            if cancel.is_cancelled() {
                return;
            }
            tell(answer);
        }
    }

    fn make(&mut self, order: Order, cancel: &CancelToken) -> Answer {
        let target = match &order.subject {
            Subject::File(path) => {
                let made = figure(path).and_then(|image| {
                    let source = Source {
                        image: &image,
                        original: None,
                        marks: None,
                    };
                    encode(&source, order.room, &order.graphics, self.ids.next())
                });
                return match made {
                    Ok(picture) => Answer::Ready {
                        order,
                        picture: Arc::new(picture),
                        wanting: None,
                        services: Vec::new(),
                    },
                    Err(why) => Answer::Failed { order, why },
                };
            }
            Subject::Sky(target) => target.clone(),
        };
        let facts = match self.facts_of(&target) {
            Ok(facts) => facts,
            Err(why) => return Answer::Failed { order, why },
        };
        let field = order.view.field(&facts, &self.settings.cutouts);
        let services = self
            .cutouts()
            .map(|cutouts| cutouts.services_for(&field))
            .unwrap_or_default();
        if let Ok(held) = self.look(&field, cancel) {
            return self.sky(order, &held, String::new(), None, services);
        }
        // Farther away than what is at hand: that is shown meanwhile.
        if order.view.zoom < 0 {
            let near = View {
                zoom: 0,
                ..order.view.clone()
            };
            let near = near.field(&facts, &self.settings.cutouts);
            if let Ok(held) = self.look(&near, cancel) {
                let note = "a wider field is not at hand".to_owned();
                return self.sky(order, &held, note, Some(field), services);
            }
        }
        Answer::Absent {
            order,
            field,
            services,
        }
    }

    fn sky(
        &mut self,
        order: Order,
        held: &Held,
        note: String,
        wanting: Option<Field>,
        services: Vec<String>,
    ) -> Answer {
        match self.picture(&order, held, note) {
            Ok(picture) => Answer::Ready {
                order,
                picture: Arc::new(picture),
                wanting,
                services,
            },
            Err(why) => Answer::Failed { order, why },
        }
    }

    fn picture(&mut self, order: &Order, held: &Held, note: String) -> Result<Picture, String> {
        let view = &order.view;
        let fiber = match &order.subject {
            Subject::Sky(target) => self
                .facts_of(target)
                .ok()
                .and_then(|facts| facts.fiber_diameter()),
            Subject::File(_) => None,
        };
        let settings = &self.settings.cutouts;
        let whole = View::default().width(settings);
        let mut image = adjust::cut(&held.image, held.cutout.scale, whole, view.width(settings));
        adjust::brighten(&mut image, view.brightness);
        let untouched = view.brightness == 0 && image.dimensions() == held.image.dimensions();
        let is_jpeg = held.cutout.bytes.starts_with(b"\xff\xd8\xff");
        let source = Source {
            image: &image,
            original: Some(&held.cutout.bytes[..]).filter(|_| untouched && is_jpeg),
            marks: view.marks.then_some(Marks {
                scale: held.cutout.scale,
                fiber,
            }),
        };
        let mut picture = encode(&source, order.room, &order.graphics, self.ids.next())?;
        let caption = &mut picture.caption;
        caption.credit = held.cutout.credit.clone();
        caption.service = held.cutout.service.clone();
        caption.original = held.image.dimensions();
        caption.width = held.cutout.scale.map(|scale| scale * f64::from(image.width()));
        caption.note = note;
        Ok(picture)
    }

    /// The image of a field, from memory or from this machine's disk; or why there is none.
    fn look(&mut self, field: &Field, cancel: &CancelToken) -> Result<Held, String> {
        if let Some(at) = self.held.iter().position(|(other, _)| other == field) {
            let (field, held) = self.held.remove(at);
            self.held.push((field, held.clone()));
            return Ok(held);
        }
        let found = self
            .cutouts()?
            .find(field, Reach::Disk, &|| cancel.is_cancelled());
        self.take(field, found)
    }

    /// Decodes what was found and keeps it.
    fn take(&mut self, field: &Field, found: Found) -> Result<Held, String> {
        let cutout = match found {
            Found::Image(cutout) => cutout,
            Found::Missing { why } => return Err(why),
        };
        let image =
            decode(&cutout.bytes).map_err(|why| format!("the image from {}: {why}", cutout.service))?;
        let held = Held {
            cutout,
            image: Arc::new(image),
        };
        self.held.retain(|(other, _)| other != field);
        self.held.push((field.clone(), held.clone()));
        if self.held.len() > KEPT_IMAGES {
            self.held.remove(0);
        }
        Ok(held)
    }

    fn facts_of(&mut self, target: &Target) -> Result<Facts, String> {
        if let Some((_, facts)) = self.facts.iter().find(|(other, _)| other == target) {
            return Ok(facts.clone());
        }
        let row = self.row_of(target)?;
        let catalog = self.inputs.table()?;
        let facts = catalog.facts(&[row]).map_err(|error| error.to_string())?;
        let facts = facts.into_iter().next().ok_or("the row is gone")?;
        self.facts.push((target.clone(), facts.clone()));
        if self.facts.len() > KEPT_FACTS {
            self.facts.remove(0);
        }
        Ok(facts)
    }
}

impl Maker {
    fn browser(&self) -> Result<Browser, String> {
        self.inputs.table().map(Browser::of)
    }

    fn cutouts(&mut self) -> Result<&Cutouts, String> {
        let cutouts = match self.cutouts.take() {
            Some(cutouts) => cutouts,
            None => {
                let settings = self.settings.clone();
                pipeline::cutouts(&settings, &self.inputs.table()?)
            }
        };
        Ok(self.cutouts.insert(cutouts))
    }

    fn row_of(&mut self, target: &Target) -> Result<u64, String> {
        let id = match target {
            Target::Row(row) => return Ok(*row),
            Target::Id(id) => id,
        };
        let rows = self.browser()?.find(id).map_err(|error| error.to_string())?;
        rows.first()
            .copied()
            .ok_or_else(|| format!("{id} is not in the catalog"))
    }

    fn spectra(&mut self, targets: Vec<Target>) -> Vec<(Target, Option<Vec<f32>>)> {
        /// More than the columns of dots of any small image.
        const SAMPLES: usize = 64;
        let mut spectra = Vec::with_capacity(targets.len());
        for target in targets {
            let row = self.row_of(&target);
            let read = row.and_then(|row| {
                let browser = self.browser()?;
                browser.sparks(&[row], SAMPLES).map_err(|error| error.to_string())
            });
            let values = read.ok().and_then(|sparks| sparks.into_iter().next()?.ok());
            spectra.push((target, values));
        }
        spectra
    }
}

/// Longest side of an image, pixels: the largest cutout of any service, and figures of any run.
const LONGEST: u32 = 8192;

/// The pixels of a JPEG or PNG; what is transparent is paper.
///
/// Errors: in words; it is none of these, damaged, or larger than any cutout.
pub fn decode(bytes: &[u8]) -> Result<RgbImage, String> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST);
    limits.max_image_height = Some(LONGEST);
    limits.max_alloc = Some(512 << 20);
    reader.limits(limits);
    let image = reader.decode().map_err(|error| error.to_string())?;
    if !image.color().has_alpha() {
        return Ok(image.into_rgb8());
    }
    let rgba = image.into_rgba8();
    let mut rgb = RgbImage::new(rgba.width(), rgba.height());
    for (to, from) in rgb.pixels_mut().zip(rgba.pixels()) {
        let alpha = u32::from(from[3]);
        to.0 = [0, 1, 2].map(|c| ((u32::from(from[c]) * alpha + 255 * (255 - alpha)) / 255) as u8);
    }
    Ok(DynamicImage::ImageRgb8(rgb).into_rgb8())
}

/// A sky image with its marks, and the length of its bar in arcseconds.
pub fn marked(image: &RgbImage, scale: Option<f64>, facts: &Facts) -> (RgbImage, Option<f64>) {
    let mut image = image.clone();
    let fiber = facts.fiber_diameter();
    let bar = marks::draw(&mut image, Marks { scale, fiber });
    (image, bar)
}

/// A figure from a file.
fn figure(path: &Path) -> Result<RgbImage, String> {
    /// No figure of ours comes near this.
    const MOST: u64 = 256 << 20;
    let failed = |why: String| format!("{}: {why}", path.display());
    let file = std::fs::File::open(path).map_err(|error| failed(error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(MOST)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(error.to_string()))?;
    decode(&bytes).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pictures_are_colors_that_no_theme_changes() {
        let mut ids = Ids::new();
        let first = ids.next();
        let all: Vec<u32> = (0..300).map(|_| ids.next()).collect();
        assert!(all.iter().all(|id| id >> 24 == first >> 24 && id >> 24 != 0));
        assert!(all.iter().all(|id| (16..=255).contains(&(id & 0xff_ffff))));
        // None comes again before 239 others.
        assert!(!all[..239].contains(&first) && all[239] == first);
    }

    #[test]
    fn no_image_is_told() {
        assert!(decode(b"<html>").is_err());
        assert!(decode(b"\xff\xd8\xff\xe0").is_err());
        assert!(decode(&[]).is_err());
        let mut png = Vec::new();
        let image = image::RgbaImage::from_pixel(2, 2, image::Rgba([200, 0, 0, 128]));
        image
            .write_to(&mut Cursor::new(&mut png), image::ImageFormat::Png)
            .unwrap();
        assert_eq!(decode(&png).unwrap().get_pixel(0, 0).0, [227, 127, 127]);
    }
}
