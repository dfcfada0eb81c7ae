//! Looks for images on the network, in a worker of its own: the disk is not kept waiting.

use super::order::Order;
use crate::cutout::{Cutouts, Field, Found, Reach};
use crate::pipeline::CancelToken;
use crate::tui::worker;

/// Fields that are wanted, for the pictures that they are wanted for; the newest request is the only one.
#[derive(Debug)]
pub struct Fetch(pub Vec<(Order, Field)>);

impl worker::Request for Fetch {
    fn slot(&self) -> Option<u8> {
        Some(0)
    }
}

/// What came of one of them.
#[derive(Debug)]
pub struct Fetched {
    pub order: Order,
    pub field: Field,
    pub found: Found,
}

/// Asks the services.
pub struct Fetcher {
    cutouts: Cutouts,
}

impl Fetcher {
    pub fn new(cutouts: Cutouts) -> Self {
        Self { cutouts }
    }

    pub fn serve(&self, Fetch(wanted): Fetch, cancel: &CancelToken, mut tell: impl FnMut(Fetched)) {
        for (order, field) in wanted {
            if cancel.is_cancelled() {
                return;
            }
            let found = self
                .cutouts
                .find(&field, Reach::Network, &|| cancel.is_cancelled());
            if cancel.is_cancelled() {
                return;
            }
            tell(Fetched { order, field, found });
        }
    }
}
