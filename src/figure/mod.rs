//! What to draw: axes, series, bands, marks and words, described once and drawn by any backend.
//!
//! [`spectrum()`], [`combined`], [`contact_sheet`], [`mean_reconstruction_error`], [`recurring_residuals`] and [`loss`] build a [`Figure`]; [`svg()`] writes it as SVG
//! and [`png`] renders that same SVG with the bundled font, so that both show the same. A terminal draws the panels of the
//! same description in braille. Everything here is pure: same input, same bytes.

mod annotate;
mod axis;
mod contact;
mod decimate;
mod description;
mod error;
mod explore;
mod font;
mod loss;
mod mean_error;
mod palette;
mod pixels;
mod place;
mod png;
mod recovery;
mod recurring;
mod sky;
mod spectrum;
mod svg;
mod words;

pub use axis::{Axis, Scale, Ticks};
pub use contact::contact_sheet;
pub use description::{
    Anchor, Band, BandKind, Figure, Guide, Legend, Mark, MarkKind, Overlay, Panel, Picture, PictureContent,
    Rect, Series, SeriesStyle, Shape, Swatch, Text, Weight,
};
pub use error::FigureError;
pub use explore::{Explored, FluxScale, LineSet, Look, explore, line_name};
pub use loss::{EpochLoss, LossRun, loss};
pub use mean_error::mean_reconstruction_error;
pub use png::{DEFAULT_SCALE, png};
pub use recovery::{RecoveryPoint, RecoveryRun, recovery};
pub use recurring::{RecurringResiduals, recurring_residuals};
pub use sky::SkyImage;
pub use spectrum::{SpectrumView, combined, spectrum};
pub use svg::svg;
pub use words::region_label;
