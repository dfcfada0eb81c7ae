//! Where the panes stand: folds as the terminal shrinks, and as the astronomer likes it.

use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};

use super::keys::ScreenId;

/// Less than this and there is only room to say so.
pub const LEAST: (u16, u16) = (60, 16);

/// Rows of the pane of an image in which something can be seen.
const LEAST_IMAGE: u16 = 9;

/// What may fill the frame alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Zoomed {
    #[default]
    None,
    List,
    Spectrum,
    Facts,
    /// The sky image.
    Image,
}

/// The astronomer's choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layout {
    /// Width of the list in percent of the frame.
    pub list_share: u16,
    pub zoomed: Zoomed,
    /// Pixels of a cell, where the terminal shows pictures: no choice, but what makes a square image square.
    #[serde(skip)]
    pub cell: Option<(u16, u16)>,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            list_share: 38,
            zoomed: Zoomed::None,
            cell: None,
        }
    }
}

/// The frame cut up; an area without size is not shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Panes {
    pub tabs: Rect,
    pub list: Rect,
    pub spectrum: Rect,
    /// Of the sky.
    pub image: Rect,
    pub facts: Rect,
    pub status: Rect,
    pub keys: Rect,
}

impl Panes {
    /// The frame is too small for anything but words.
    pub fn is_too_small(&self) -> bool {
        self.tabs.is_empty()
    }
}

impl Layout {
    pub fn panes(&self, frame: Rect, screen: ScreenId) -> Panes {
        if frame.width < LEAST.0 || frame.height < LEAST.1 {
            return Panes::default();
        }
        let line = |y: u16| Rect {
            y,
            height: 1,
            ..frame
        };
        let body = Rect {
            y: frame.y + 1,
            height: frame.height - 3,
            ..frame
        };
        let mut panes = Panes {
            tabs: line(frame.y),
            status: line(frame.bottom() - 2),
            keys: line(frame.bottom() - 1),
            ..Panes::default()
        };
        // The train screen cuts its body up itself, the files screen shows a preview in the place of the spectrum.
        match (self.zoomed, screen) {
            (_, ScreenId::Train) | (Zoomed::List, _) => panes.list = body,
            (Zoomed::Spectrum, _) => panes.spectrum = body,
            (Zoomed::Facts | Zoomed::Image, ScreenId::Files) => panes.spectrum = body,
            (Zoomed::Facts, _) => (panes.image, panes.facts) = self.beside(body),
            (Zoomed::Image, _) => panes.image = body,
            (Zoomed::None, _) => self.cut(body, screen, &mut panes),
        }
        panes
    }

    fn cut(&self, body: Rect, screen: ScreenId, panes: &mut Panes) {
        /// Below this the list stands over the spectrum, not beside it.
        const BESIDE: u16 = 100;
        const FACTS: u16 = 27;
        let wide = body.width >= BESIDE;
        if !wide {
            let rows = (body.height * 2 / 5).max(5);
            panes.list = Rect { height: rows, ..body };
            panes.spectrum = Rect {
                y: body.y + rows,
                height: body.height - rows,
                ..body
            };
            return;
        }
        let facts = match (screen, body.width) {
            (ScreenId::Files, _) => 0,
            (_, 160..) => FACTS + 6,
            _ => FACTS,
        };
        let list = (u32::from(body.width) * u32::from(self.list_share) / 100) as u16;
        let list = list.clamp(24, body.width - facts - 30);
        panes.list = Rect { width: list, ..body };
        panes.spectrum = Rect {
            x: body.x + list,
            width: body.width - list - facts,
            ..body
        };
        panes.facts = Rect {
            x: body.right() - facts,
            width: facts,
            ..body
        };
        if screen != ScreenId::Files {
            (panes.image, panes.facts) = self.above(panes.facts);
        }
    }

    /// The image above the facts: as wide as they are, and not more than half as high.
    fn above(&self, facts: Rect) -> (Rect, Rect) {
        /// Rows that the facts need for the least that is to be known.
        const FACTS: u16 = 12;
        let height = self.image_height(facts.width).min(facts.height / 2);
        if height < LEAST_IMAGE || facts.height - height < FACTS {
            return (Rect::default(), facts);
        }
        let image = Rect { height, ..facts };
        let rest = Rect {
            y: facts.y + height,
            height: facts.height - height,
            ..facts
        };
        (image, rest)
    }

    /// The image beside the facts, which are all that there is to see.
    fn beside(&self, body: Rect) -> (Rect, Rect) {
        let Some((cell_w, cell_h)) = self.cell else {
            return (Rect::default(), body);
        };
        let square =
            u32::from(body.height.saturating_sub(4)) * u32::from(cell_h) / u32::from(cell_w.max(1)) + 2;
        let width = u16::try_from(square).unwrap_or(u16::MAX).min(body.width / 2);
        let image = Rect { width, ..body };
        let rest = Rect {
            x: body.x + width,
            width: body.width - width,
            ..body
        };
        (image, rest)
    }

    /// Rows of a pane with a square image, its caption and its border; 0 where the terminal shows none.
    fn image_height(&self, width: u16) -> u16 {
        let Some((cell_w, cell_h)) = self.cell else {
            return 0;
        };
        let rows =
            (u32::from(width.saturating_sub(2)) * u32::from(cell_w)).div_ceil(u32::from(cell_h.max(1)));
        u16::try_from(rows + 4).unwrap_or(u16::MAX)
    }

    /// The next pane alone, or all again.
    pub fn zoom(&mut self, screen: ScreenId) {
        self.zoomed = match (self.zoomed, screen) {
            (Zoomed::None, _) => Zoomed::Spectrum,
            (Zoomed::Spectrum, _) => Zoomed::List,
            (Zoomed::List, ScreenId::Files) | (Zoomed::Facts | Zoomed::Image, _) => Zoomed::None,
            (Zoomed::List, _) => Zoomed::Facts,
        };
    }

    /// Moves the border of the list by so many columns' worth of percent.
    pub fn widen(&mut self, percent: i16) {
        self.list_share = self.list_share.saturating_add_signed(percent).clamp(15, 75);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_fill_the_frame_and_never_overlap() {
        for cell in [None, Some((8, 16)), Some((10, 10)), Some((1, 400))] {
            let layout = Layout {
                cell,
                ..Layout::default()
            };
            fill(layout);
        }
    }

    fn fill(mut layout: Layout) {
        let all = [
            Zoomed::None,
            Zoomed::List,
            Zoomed::Spectrum,
            Zoomed::Facts,
            Zoomed::Image,
        ];
        for screen in ScreenId::ALL {
            for zoomed in all {
                layout.zoomed = zoomed;
                for (width, height) in [
                    (60, 16),
                    (80, 24),
                    (99, 17),
                    (100, 30),
                    (120, 40),
                    (200, 60),
                    (500, 200),
                ] {
                    let frame = Rect::new(0, 0, width, height);
                    let panes = layout.panes(frame, screen);
                    let all = [
                        panes.tabs,
                        panes.list,
                        panes.spectrum,
                        panes.image,
                        panes.facts,
                        panes.status,
                        panes.keys,
                    ];
                    let cells: u32 = all.iter().map(|area| area.area()).sum();
                    assert_eq!(
                        cells,
                        frame.area(),
                        "{screen:?} {width}x{height} {:?}",
                        layout.zoomed
                    );
                    for (i, a) in all.iter().enumerate() {
                        assert!(
                            all[..i]
                                .iter()
                                .all(|b| a.is_empty() || b.is_empty() || !a.intersects(*b))
                        );
                    }
                }
            }
        }
        for (width, height) in [(0, 0), (1, 1), (40, 10), (59, 16), (60, 15)] {
            assert!(
                layout
                    .panes(Rect::new(0, 0, width, height), ScreenId::Catalog)
                    .is_too_small()
            );
        }
    }

    #[test]
    fn the_image_is_square_and_leaves_room_for_the_facts() {
        let layout = Layout {
            cell: Some((8, 16)),
            ..Layout::default()
        };
        let of = |width, height| layout.panes(Rect::new(0, 0, width, height), ScreenId::Catalog);
        let panes = of(120, 40);
        assert_eq!((panes.image.width, panes.image.height), (27, 17));
        assert_eq!(panes.facts.y, panes.image.bottom());
        // Narrow, or low: by key only.
        assert!(of(80, 24).image.is_empty() && of(120, 20).image.is_empty());
        let files = layout.panes(Rect::new(0, 0, 120, 40), ScreenId::Files);
        assert!(files.image.is_empty());
        let none = Layout::default().panes(Rect::new(0, 0, 120, 40), ScreenId::Catalog);
        assert!(none.image.is_empty());
        let alone = Layout {
            zoomed: Zoomed::Image,
            ..layout
        };
        let panes = alone.panes(Rect::new(0, 0, 80, 24), ScreenId::Anomalies);
        assert_eq!((panes.image.width, panes.image.height), (80, 21));
    }

    #[test]
    fn the_border_stays_within_reason() {
        let mut layout = Layout::default();
        for _ in 0..100 {
            layout.widen(5);
        }
        let panes = layout.panes(Rect::new(0, 0, 120, 40), ScreenId::Catalog);
        assert!(panes.spectrum.width >= 30);
        for _ in 0..100 {
            layout.widen(-5);
        }
        assert!(
            layout
                .panes(Rect::new(0, 0, 120, 40), ScreenId::Catalog)
                .list
                .width
                >= 18
        );
    }
}
