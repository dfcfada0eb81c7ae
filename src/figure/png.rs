//! Figures as PNG: the SVG, rendered with the bundled font alone.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{self, fontdb};

use super::description::Figure;
use super::error::FigureError;
use super::{font, svg};

/// Pixels a page unit that look sharp on a screen and in print (about 300 dpi over the width of a page).
pub const DEFAULT_SCALE: f64 = 2.0;
/// What is larger takes gigabytes of memory.
const MOST_PIXELS: u64 = 400_000_000;

static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    for face in [font::REGULAR, font::SEMIBOLD] {
        fonts.load_font_data(face.to_vec());
    }
    fonts.set_serif_family(font::FAMILY);
    fonts.set_sans_serif_family(font::FAMILY);
    Arc::new(fonts)
});

/// The figure as PNG bytes, `scale` pixels a page unit. The same figure gives the same bytes.
///
/// Errors: a page that is too large to draw, or one whose SVG resvg refuses.
pub fn png(figure: &Figure, scale: f64) -> Result<Vec<u8>, FigureError> {
    let pixels = |length: f64| (length * scale).ceil().max(1.0) as u64;
    let (width, height) = (pixels(figure.width), pixels(figure.height));
    let too_large = FigureError::TooLarge { width, height };
    if width.saturating_mul(height) > MOST_PIXELS {
        return Err(too_large);
    }
    let tree = tree(&svg(figure))?;
    let mut pixmap = Pixmap::new(width as u32, height as u32).ok_or(too_large)?;
    pixmap.fill(Color::WHITE);
    let scale = scale as f32;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    encode(pixmap).map_err(|error| FigureError::Encode {
        reason: error.to_string(),
    })
}

/// The pixels without their alpha, which is 1 everywhere; fast rather than small, since a run writes many.
fn encode(pixmap: Pixmap) -> Result<Vec<u8>, png::EncodingError> {
    let (width, height) = (pixmap.width(), pixmap.height());
    // In place: a figure of many spectra has tens of millions of them.
    let mut rgb = pixmap.take();
    let pixels = rgb.len() / 4;
    for pixel in 0..pixels {
        rgb.copy_within(4 * pixel..4 * pixel + 3, 3 * pixel);
    }
    rgb.truncate(3 * pixels);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_filter(png::Filter::Adaptive);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgb)?;
    writer.finish()?;
    Ok(bytes)
}

fn tree(svg: &str) -> Result<usvg::Tree, FigureError> {
    let options = usvg::Options {
        font_family: font::FAMILY.to_owned(),
        fontdb: FONTS.clone(),
        ..usvg::Options::default()
    };
    usvg::Tree::from_str(svg, &options).map_err(|error| FigureError::Draw {
        reason: error.to_string(),
    })
}
