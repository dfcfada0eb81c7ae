//! Pictures on the screens: sky images beside the spectrum, figures among the files, the contact sheet.
//!
//! The way of a picture: the screens say which [`Order`] they have a place for; [`Pictures`] has it, or asks; a worker ([`Maker`]) finds the
//! image on disk, another ([`Fetcher`]) on the network; it is cut, brightened, marked and encoded for the terminal's protocol, off the loop;
//! [`draw`] puts it into the frame, and [`Painter`] sends what no character can hold.

mod adjust;
mod compass;
pub mod contact;
mod draw;
mod encode;
mod fetch;
mod kept;
mod make;
mod marks;
mod order;
mod paint;

pub use draw::{Placed, draw, postpone, room, settle, show};
pub use encode::{Caption, Payload, Picture, Source, encode};
pub use fetch::{Fetch, Fetched, Fetcher};
pub use kept::{Outcome, Pictures};
pub use make::{Answer, Maker, Request, decode, marked};
pub use marks::Marks;
pub use order::{Order, Subject, View};
pub use paint::Painter;
