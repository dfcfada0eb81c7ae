//! `spectriage show`: the spectrum of an object and its sky image, printed into the terminal to scroll away.

use std::io::{self, IsTerminal as _, stdout};
use std::sync::Arc;

use image::{DynamicImage, RgbImage};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::catalogs::Catalogs;
use super::{Common, End, SettingFlags, print, start_logging};
use crate::catalog::Catalog;
use crate::cutout::{Cutout, Field, Found, Reach};
use crate::figure::SpectrumView;
use crate::pipeline::{self, Viewer};
use crate::tui::picture::{decode, marked};
use crate::tui::printed;
use crate::tui::spectrum::Pane;
use crate::tui::terminal::{self, Choice, Protocol, Surroundings};
use crate::tui::theme::{Depth, Theme};

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Object id or target id
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    catalogs: Catalogs,
    /// Columns of the chart [default: as wide as the terminal, 100 where there is none]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(40..=1000))]
    width: Option<u16>,
    /// Rows of the chart
    #[arg(long, value_name = "N", default_value = "18", value_parser = clap::value_parser!(u16).range(6..=200))]
    height: u16,
    /// Columns of the image
    #[arg(long, value_name = "N", default_value = "40", value_parser = clap::value_parser!(u16).range(4..=500))]
    image_width: u16,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    settings: SettingFlags,
}

/// Without a terminal.
const WIDTH: u16 = 100;

pub fn run(arguments: &Arguments) -> anyhow::Result<End> {
    start_logging(&arguments.common);
    let settings = arguments.settings.resolve()?.settings;
    let catalog = Catalog::open(&arguments.catalogs.inputs())?;
    let ranked = pipeline::ranked(&catalog, &arguments.id, &settings.output.metadata_dir);
    // What another catalog's ranking says has no place beside this spectrum.
    let ranked = ranked.filter(|ranked| ranked.of_this_catalog);
    let judgement = ranked.as_ref().and_then(|ranked| ranked.verdict.as_ref());
    let cutouts = pipeline::cutouts(&settings, &catalog);
    let view = Viewer::new(catalog).object(&arguments.id, judgement)?;
    let is_terminal = io::stdin().is_terminal() && stdout().is_terminal();
    let around = Surroundings::here();
    let mut theme = Theme::detect(&|name| std::env::var(name).ok());
    let mut choice = None;
    if is_terminal {
        // In raw mode, so that the answers are not echoed; and all that viuer asks by itself is asked here, of a terminal that answers.
        crossterm::terminal::enable_raw_mode()?;
        let answers = terminal::probe(&around);
        theme = answers.refine(theme);
        let chosen = terminal::choose(&settings.screens, &answers, &around, &theme);
        warm(&chosen);
        crossterm::terminal::disable_raw_mode()?;
        choice = Some(chosen);
    }
    let settings = &settings.cutouts;
    let field = Field::of(&view.facts, settings.cutout_scale, settings.cutout_pixels);
    let found = cutouts.find(&field, Reach::Network, &|| false);
    chart(arguments, view.clone(), &theme, is_terminal)?;
    image(arguments, &view, &found, choice.as_ref(), &theme)?;
    Ok(End::Done)
}

fn chart(arguments: &Arguments, view: SpectrumView, theme: &Theme, colored: bool) -> anyhow::Result<()> {
    let columns = crossterm::terminal::size().ok().filter(|_| colored);
    let width = arguments
        .width
        .or(columns.map(|(columns, _)| columns))
        .unwrap_or(WIDTH);
    let area = Rect::new(0, 0, width, arguments.height);
    let mut pane = Pane::new();
    pane.layout(area);
    pane.show(Arc::new(view));
    let mut buffer = Buffer::empty(area);
    pane.draw(area, &mut buffer, theme);
    print::whole(&(printed(&buffer, colored && theme.depth != Depth::Mono).join("\n") + "\n"))
}

fn image(
    arguments: &Arguments,
    view: &SpectrumView,
    found: &Found,
    choice: Option<&Choice>,
    theme: &Theme,
) -> anyhow::Result<()> {
    let cutout = match found {
        Found::Image(cutout) => cutout,
        Found::Missing { why } => return print::line(&format!("no sky image: {}", print::plain(why))),
    };
    let credit = print::plain(&cutout.credit);
    let image = decode(&cutout.bytes).map_err(|why| anyhow::anyhow!("the image of {credit}: {why}"))?;
    let (image, bar) = marked(&image, cutout.scale, &view.facts);
    match choice {
        Some(choice) if choice.graphics.protocol != Protocol::None => {
            viuer(&image, choice, theme, arguments.image_width)?;
        }
        Some(choice) => print::line(&format!("no picture here: {}", choice.why))?,
        // A pipe has no use for pixels.
        None => (),
    }
    print::line(&caption(cutout, bar))
}

fn caption(cutout: &Cutout, bar: Option<f64>) -> String {
    let mut parts = Vec::new();
    parts.extend(bar.map(|bar| format!("bar {bar}\"")));
    parts.extend(cutout.scale.map(|scale| format!("{scale:.3}\" a pixel")));
    parts.push("north up, east left".into());
    format!(
        "sky image: {}; {}",
        parts.join(", "),
        print::plain(&cutout.credit)
    )
}

/// Lets viuer ask for what it would ask for at its first picture, and for no more than the terminal is known to answer: it waits without
/// an end.
fn warm(choice: &Choice) {
    match choice.graphics.protocol {
        Protocol::Kitty if !choice.graphics.passthrough => drop(viuer::get_kitty_support()),
        Protocol::Sixel if !choice.graphics.passthrough => drop(viuer::is_sixel_supported()),
        _ => (),
    }
}

/// viuer knows no tmux: there it prints blocks.
fn viuer(image: &RgbImage, choice: &Choice, theme: &Theme, columns: u16) -> anyhow::Result<()> {
    let graphics = &choice.graphics;
    let by = |protocol| graphics.protocol == protocol && !graphics.passthrough;
    let (cell_w, cell_h) = (f64::from(graphics.cell.0), f64::from(graphics.cell.1));
    let width = f64::from(columns) * cell_w;
    let height = width * f64::from(image.height()) / f64::from(image.width().max(1));
    // For sixel it takes a cell for 6 x 12 pixels.
    let (unit_w, unit_h) = if by(Protocol::Sixel) {
        (6.0, 12.0)
    } else {
        (cell_w, cell_h)
    };
    let config = viuer::Config {
        absolute_offset: false,
        width: Some((width / unit_w).round().max(1.0) as u32),
        height: Some((height / unit_h).round().max(1.0) as u32),
        truecolor: theme.depth == Depth::True,
        use_kitty: by(Protocol::Kitty),
        use_iterm: by(Protocol::Iterm2),
        use_sixel: by(Protocol::Sixel),
        ..viuer::Config::default()
    };
    viuer::print(&DynamicImage::ImageRgb8(image.clone()), &config)?;
    if by(Protocol::Sixel) {
        println!();
    }
    Ok(())
}
