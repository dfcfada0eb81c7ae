//! A figure in half-blocks: two pixels a cell, in any terminal with colors.

use std::io::{BufRead, Seek};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use crate::tui::theme::{Depth, Role, Theme};

/// A picture, small enough for the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Of the file.
    pub original: (u32, u32),
    width: usize,
    height: usize,
    /// Red, green, blue, row by row.
    pixels: Vec<[u8; 3]>,
}

/// No file of ours comes near this.
const MOST_PIXELS: u64 = 100_000_000;

impl Picture {
    /// Reads a PNG and shrinks it by averaging to fit `size` columns and rows of cells, each one pixel wide and two high.
    ///
    /// Errors: no PNG, or one too large to be a figure.
    pub fn read(file: impl BufRead + Seek, size: (u16, u16)) -> Result<Self, String> {
        let mut decoder = png::Decoder::new(file);
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().map_err(|error| error.to_string())?;
        let info = reader.info();
        let original = (info.width, info.height);
        if u64::from(original.0) * u64::from(original.1) > MOST_PIXELS {
            return Err(format!("{} x {} pixels are too many", original.0, original.1));
        }
        let mut bytes = vec![0; reader.output_buffer_size().ok_or("it is too large")?];
        let frame = reader.next_frame(&mut bytes).map_err(|error| error.to_string())?;
        let channels = frame.color_type.samples();
        let color = |at: usize| -> [u8; 3] {
            match (channels, bytes.get(at * channels..(at + 1) * channels)) {
                (1 | 2, Some(gray)) => [gray[0]; 3],
                (3, Some(rgb)) => [rgb[0], rgb[1], rgb[2]],
                // Transparent is the paper.
                (_, Some(rgba)) => [0, 1, 2].map(|c| {
                    let alpha = u32::from(rgba[3]);
                    ((u32::from(rgba[c]) * alpha + 255 * (255 - alpha)) / 255) as u8
                }),
                (_, None) => [0; 3],
            }
        };
        let (from_width, from_height) = (original.0 as usize, original.1 as usize);
        let room = (usize::from(size.0.max(1)), 2 * usize::from(size.1.max(1)));
        let scale = (room.0 as f64 / from_width as f64)
            .min(room.1 as f64 / from_height as f64)
            .min(1.0);
        let width = ((from_width as f64 * scale) as usize).max(1);
        let height = ((from_height as f64 * scale) as usize).max(1);
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            let rows = y * from_height / height..((y + 1) * from_height).div_ceil(height);
            for x in 0..width {
                let columns = x * from_width / width..((x + 1) * from_width).div_ceil(width);
                let mut sum = [0u64; 3];
                let count = (rows.len() * columns.len()).max(1) as u64;
                for row in rows.clone() {
                    for column in columns.clone() {
                        let rgb = color(row * from_width + column);
                        sum.iter_mut().zip(rgb).for_each(|(sum, c)| *sum += u64::from(c));
                    }
                }
                pixels.push(sum.map(|sum| (sum / count) as u8));
            }
        }
        Ok(Self {
            original,
            width,
            height,
            pixels,
        })
    }
}

/// Draws a picture into the upper left corner of an area, as much of it as fits.
pub fn draw(picture: &Picture, area: Rect, buf: &mut Buffer, theme: &Theme) {
    if matches!(theme.depth, Depth::Mono | Depth::Ansi16) || theme.ascii {
        let words = format!(
            "{} x {} pixels; this terminal shows no pictures",
            picture.original.0, picture.original.1
        );
        buf.set_stringn(
            area.x,
            area.y,
            words,
            usize::from(area.width),
            theme.style(Role::Dim),
        );
        return;
    }
    // Shrunk again where the pane is smaller than what it was made for.
    let shrink = (picture.width as f64 / f64::from(area.width.max(1)))
        .max(picture.height as f64 / (2.0 * f64::from(area.height.max(1))))
        .max(1.0);
    let (width, height) = (
        (picture.width as f64 / shrink) as u16,
        (picture.height as f64 / shrink) as u16,
    );
    let at = |x: u16, y: u16| -> Option<Color> {
        let (x, y) = ((f64::from(x) * shrink) as usize, (f64::from(y) * shrink) as usize);
        let rgb = *picture
            .pixels
            .get(y.min(picture.height - 1) * picture.width + x)?;
        Some(match theme.depth {
            Depth::True => Color::Rgb(rgb[0], rgb[1], rgb[2]),
            _ => Color::Indexed(indexed(rgb)),
        })
    };
    for row in 0..height.div_ceil(2).min(area.height) {
        for column in 0..width.min(area.width) {
            let (Some(upper), lower) = (at(column, 2 * row), at(column, 2 * row + 1)) else {
                continue;
            };
            if let Some(cell) = buf.cell_mut((area.x + column, area.y + row)) {
                cell.set_symbol("▀")
                    .set_style(Style::new().fg(upper).bg(lower.unwrap_or(upper)));
            }
        }
    }
}

/// The nearest of the 6 x 6 x 6 colors of a 256-color terminal.
fn indexed(rgb: [u8; 3]) -> u8 {
    let level = |c: u8| match c {
        0..48 => 0,
        48..115 => 1,
        c => (c - 35) / 40,
    };
    16 + 36 * level(rgb[0]) + 6 * level(rgb[1]) + level(rgb[2])
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn encoded(width: u32, height: u32, color: png::ColorType, pixel: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, width, height);
        encoder.set_color(color);
        encoder.set_depth(png::BitDepth::Eight);
        let pixels = pixel.repeat((width * height) as usize);
        encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
        out
    }

    #[test]
    fn pictures_keep_their_color_and_shape() {
        let png = encoded(400, 100, png::ColorType::Rgba, &[200, 0, 0, 128]);
        let picture = Picture::read(Cursor::new(png), (40, 40)).unwrap();
        assert_eq!(
            (picture.width, picture.height, picture.original),
            (40, 10, (400, 100))
        );
        assert!(picture.pixels.iter().all(|rgb| *rgb == [227, 127, 127]));
        let gray = Picture::read(
            Cursor::new(encoded(2, 2, png::ColorType::Grayscale, &[9])),
            (40, 40),
        )
        .unwrap();
        assert_eq!(gray.pixels, [[9; 3]; 4]);
        assert!(Picture::read(Cursor::new(b"GIF89a".to_vec()), (40, 40)).is_err());
    }

    #[test]
    fn any_area_will_do() {
        let png = encoded(64, 64, png::ColorType::Rgb, &[1, 2, 3]);
        let picture = Picture::read(Cursor::new(png), (64, 32)).unwrap();
        for (width, height) in [(0, 0), (1, 1), (3, 40), (40, 3), (100, 50)] {
            let area = Rect::new(0, 0, width, height);
            let mut buf = Buffer::empty(area);
            draw(&picture, area, &mut buf, &Theme::default());
        }
    }

    #[test]
    fn nearest_of_256_colors() {
        assert_eq!(indexed([0, 0, 0]), 16);
        assert_eq!(indexed([255, 255, 255]), 231);
        assert_eq!(indexed([95, 135, 175]), 67);
    }
}
