//! An image as the terminal's protocol wants it, in as few bytes as will do.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use icy_sixel::{EncodeOptions, sixel_encode};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{DynamicImage, RgbImage};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::widgets::Widget as _;
use ratatui_image::Image;
use ratatui_image::protocol::Protocol as Cells;
use ratatui_image::protocol::halfblocks::Halfblocks;
use ratatui_image::protocol::kitty::Kitty;

use super::marks::{self, Marks};
use crate::tui::terminal::{Graphics, Protocol, through_tmux};

/// A picture, ready to be shown.
#[derive(Debug)]
pub struct Picture {
    pub payload: Payload,
    /// Columns and rows that it takes.
    pub cells: (u16, u16),
    pub caption: Caption,
}

/// What stands below a picture.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Caption {
    /// Whose image it is.
    pub credit: String,
    /// Which service it comes from; empty for a figure.
    pub service: String,
    /// Length of the bar in the picture, arcseconds.
    pub bar: Option<f64>,
    /// Width of what is shown, arcseconds, where known.
    pub width: Option<f64>,
    /// Of the image before it was cut.
    pub original: (u32, u32),
    /// What else is to be said: it is coarser than it was asked for.
    pub note: String,
}

/// How it comes onto the terminal.
pub enum Payload {
    /// Characters with colors.
    Colors(Box<Cells>),
    /// Sent once, then placed by characters, whose color names it.
    Kitty {
        id: u32,
        transmission: String,
        places: Box<Cells>,
    },
    /// Sent each time, where it stands.
    Sent(String),
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Colors(_) => write!(f, "colors"),
            Self::Kitty { id, transmission, .. } => write!(f, "kitty {id:#x}, {} bytes", transmission.len()),
            Self::Sent(data) => write!(f, "{} bytes", data.len()),
        }
    }
}

impl Picture {
    /// Bytes of memory, about.
    pub fn weight(&self) -> usize {
        let cells = usize::from(self.cells.0) * usize::from(self.cells.1);
        match &self.payload {
            Payload::Colors(_) => 16 * cells,
            Payload::Kitty { transmission, .. } => transmission.len(),
            Payload::Sent(data) => data.len(),
        }
    }

    /// The name of a picture that the terminal keeps.
    pub fn id(&self) -> Option<u32> {
        match self.payload {
            Payload::Kitty { id, .. } => Some(id),
            _ => None,
        }
    }
}

/// Pixels and cells that an image takes in a room, as large as it fits.
pub fn fit(image: (u32, u32), room: (u16, u16), cell: (u16, u16)) -> ((u32, u32), (u16, u16)) {
    let room = (room.0.max(1), room.1.max(1));
    let (cell_w, cell_h) = (f64::from(cell.0.max(1)), f64::from(cell.1.max(1)));
    let (w, h) = (f64::from(image.0.max(1)), f64::from(image.1.max(1)));
    let larger = (f64::from(room.0) * cell_w / w).min(f64::from(room.1) * cell_h / h);
    let pixels = ((w * larger).floor().max(1.0), (h * larger).floor().max(1.0));
    let cells = (
        ((pixels.0 / cell_w).ceil() as u16).clamp(1, room.0),
        ((pixels.1 / cell_h).ceil() as u16).clamp(1, room.1),
    );
    ((pixels.0 as u32, pixels.1 as u32), cells)
}

/// An image that is to be encoded.
pub struct Source<'a> {
    pub image: &'a RgbImage,
    /// The JPEG that `image` is, where nothing was changed.
    pub original: Option<&'a [u8]>,
    /// `None`: it goes without; else what they need to know, for the scale of `image`.
    pub marks: Option<Marks>,
}

/// Encodes an image to stand in `room` columns and rows; `id` names it among the pictures that a terminal keeps.
///
/// Errors: in words.
pub fn encode(source: &Source, room: (u16, u16), graphics: &Graphics, id: u32) -> Result<Picture, String> {
    let native = source.image.dimensions();
    let (pixels, cells) = fit(native, room, graphics.cell);
    let size = Size::new(cells.0, cells.1);
    let mut bar = None;
    // The image at the size at which it is sent, marked.
    let mut sized = |(w, h): (u32, u32)| {
        let mut image = match (w, h) == native {
            true => source.image.clone(),
            false => imageops::resize(source.image, w, h, FilterType::Triangle),
        };
        if let Some(marks) = source.marks {
            let scale = marks
                .scale
                .map(|scale| scale * f64::from(native.0) / f64::from(w));
            bar = marks::draw(&mut image, Marks { scale, ..marks });
        }
        image
    };
    let failed = |error: ratatui_image::errors::Errors| format!("the picture cannot be encoded: {error}");
    let payload = match graphics.protocol {
        Protocol::None => return Err("this terminal shows no pictures".into()),
        Protocol::Halfblocks => {
            let image = sized((u32::from(cells.0), 2 * u32::from(cells.1)));
            let blocks = Halfblocks::new(DynamicImage::ImageRgb8(image), size).map_err(failed)?;
            Payload::Colors(Box::new(Cells::Halfblocks(blocks)))
        }
        Protocol::Kitty => {
            // The terminal enlarges; only what was cut to little is enlarged here, so that the marks are fine.
            let image = sized(within(native, pixels, 128));
            kitty(image, size, graphics, id).map_err(failed)?
        }
        Protocol::Sixel => {
            let image = sized(pixels);
            let data = sixel(&image, graphics.colors)?;
            Payload::Sent(in_place(size, &data, graphics))
        }
        Protocol::Iterm2 => {
            let jpeg = match source.original.filter(|_| source.marks.is_none()) {
                Some(original) => original.to_vec(),
                None => as_jpeg(&sized(within(native, pixels, 256)))?,
            };
            Payload::Sent(in_place(size, &iterm2(&jpeg, pixels), graphics))
        }
    };
    Ok(Picture {
        payload,
        cells,
        caption: Caption {
            bar,
            original: native,
            ..Caption::default()
        },
    })
}

/// What clears the place of a picture and draws it there, as the terminal is to get it.
fn in_place(size: Size, picture: &str, graphics: &Graphics) -> String {
    let data = erased(size) + picture;
    match graphics.passthrough {
        true => through_tmux(&data),
        false => data,
    }
}

fn as_jpeg(image: &RgbImage) -> Result<Vec<u8>, String> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 88)
        .encode_image(image)
        .map_err(|error| error.to_string())?;
    Ok(jpeg)
}

/// iTerm2's inline image: a JPEG, and the pixels that it takes.
fn iterm2(jpeg: &[u8], (width, height): (u32, u32)) -> String {
    format!(
        "\x1b]1337;File=inline=1;size={};width={width}px;height={height}px;preserveAspectRatio=0;doNotMoveCursor=1:{}\x07",
        jpeg.len(),
        STANDARD.encode(jpeg)
    )
}

/// The image's own size, not larger than its place, and not smaller than `least` where the place is larger.
fn within(native: (u32, u32), place: (u32, u32), least: u32) -> (u32, u32) {
    let shrink = (f64::from(place.0) / f64::from(native.0)).min(1.0);
    let enlarge = (f64::from(least.min(place.0)) / f64::from(native.0)).max(shrink);
    let scaled = |length: u32| (f64::from(length) * enlarge).round().max(1.0) as u32;
    (scaled(native.0), scaled(native.1))
}

/// The transmission is taken out of what ratatui-image would write with the first cell: it must reach the terminal also where a
/// popup covers that cell.
fn kitty(
    image: RgbImage,
    size: Size,
    graphics: &Graphics,
    id: u32,
) -> Result<Payload, ratatui_image::errors::Errors> {
    const PLACEHOLDER: char = '\u{10EEEE}';
    let kitty = Kitty::new(
        DynamicImage::ImageRgb8(image),
        size,
        id,
        graphics.passthrough,
        true,
        false,
    )?;
    let places = Cells::Kitty(kitty);
    let area = Rect::new(0, 0, size.width, size.height);
    let mut buffer = Buffer::empty(area);
    Image::new(&places).render(area, &mut buffer);
    let first = buffer[(0, 0)].symbol();
    let transmission = first.split(PLACEHOLDER).next().unwrap_or_default().to_owned();
    Ok(Payload::Kitty {
        id,
        transmission,
        places: Box::new(places),
    })
}

/// Sixel without error diffusion, which costs a third more bytes and makes grain of a smooth sky.
fn sixel(image: &RgbImage, colors: u16) -> Result<String, String> {
    let rgba = DynamicImage::ImageRgb8(image.clone()).to_rgba8();
    let options = EncodeOptions {
        max_colors: colors,
        diffusion: 0.0,
        ..EncodeOptions::default()
    };
    let (width, height) = (image.width() as usize, image.height() as usize);
    sixel_encode(rgba.as_raw(), width, height, &options)
        .map_err(|error| format!("the picture cannot be encoded: {error}"))
}

/// Erases the cells below, from the cursor on, and comes back.
pub(super) fn erased(size: Size) -> String {
    let mut text = String::new();
    for row in 0..size.height {
        let _ = write!(text, "\x1b[{}X", size.width);
        if row + 1 < size.height {
            text += "\x1b[1B";
        }
    }
    if size.height > 1 {
        let _ = write!(text, "\x1b[{}A", size.height - 1);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_fit_their_room() {
        // A square of 20 cells of 8 x 16 is 160 pixels wide, ten rows high.
        assert_eq!(fit((256, 256), (20, 40), (8, 16)), ((160, 160), (20, 10)));
        assert_eq!(fit((256, 256), (200, 10), (8, 16)), ((160, 160), (20, 10)));
        assert_eq!(fit((1600, 400), (50, 50), (8, 17)), ((400, 100), (50, 6)));
        for room in [(0, 0), (1, 1), (3, 200), (200, 3)] {
            for image in [(1, 1), (0, 0), (1, 5000), (5000, 1)] {
                let (pixels, cells) = fit(image, room, (9, 19));
                assert!(pixels.0 >= 1 && pixels.1 >= 1);
                assert!(cells.0 <= room.0.max(1) && cells.1 <= room.1.max(1));
            }
        }
    }

    #[test]
    fn kitty_is_never_sent_more_than_it_shows() {
        assert_eq!(within((256, 256), (400, 400), 128), (256, 256));
        assert_eq!(within((256, 256), (160, 160), 128), (160, 160));
        assert_eq!(within((64, 64), (400, 400), 128), (128, 128));
        assert_eq!(within((64, 64), (80, 80), 128), (80, 80));
        assert_eq!(within((1600, 800), (400, 200), 128), (400, 200));
    }

    #[test]
    fn every_protocol_makes_a_picture() {
        let image = RgbImage::from_fn(64, 64, |x, y| image::Rgb([4 * x as u8, 4 * y as u8, 90]));
        for protocol in Protocol::ALL {
            for passthrough in [false, true] {
                let graphics = Graphics {
                    protocol,
                    passthrough,
                    ..Graphics::default()
                };
                let source = Source {
                    image: &image,
                    original: None,
                    marks: Some(Marks::default()),
                };
                let made = encode(&source, (20, 20), &graphics, 0x0100_0010);
                let Ok(picture) = made else {
                    assert_eq!(protocol, Protocol::None);
                    continue;
                };
                assert_eq!(picture.cells, (20, 10), "{protocol:?}");
                assert!(picture.weight() > 100);
                match &picture.payload {
                    Payload::Colors(_) => assert_eq!(protocol, Protocol::Halfblocks),
                    Payload::Kitty { transmission, .. } => {
                        let start = if passthrough {
                            "\x1bPtmux;\x1b\x1b_G"
                        } else {
                            "\x1b_G"
                        };
                        assert!(transmission.starts_with(start), "{:?}", &transmission[..30]);
                        assert!(transmission.contains("i=16777232") && transmission.contains("o=z"));
                    }
                    Payload::Sent(data) => assert_eq!(data.starts_with("\x1bPtmux;"), passthrough),
                }
            }
        }
    }
}
