//! Which pictures are wanted, and what keys do to them.

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use super::App;
use super::event::Effect;
use crate::tui::keys::{Action, Move, PictureAct, Press, ScreenId};
use crate::tui::layout::Zoomed;
use crate::tui::picture::contact::{Contact, Grid};
use crate::tui::picture::{Order, Subject, room};
use crate::tui::terminal::Protocol;

/// Places around the selected one whose pictures are made ahead, the likeliest first.
const AHEAD: [i64; 4] = [1, 2, -1, 3];

impl App {
    /// The picture that the frame has a place for.
    pub fn picture_order(&self) -> Option<Order> {
        let panes = self.panes();
        if self.shell.graphics.protocol == Protocol::None {
            return None;
        }
        if self.screen == ScreenId::Files {
            let path = self.files.figure()?;
            let area = panes.spectrum;
            let room = (area.width.saturating_sub(2), area.height.saturating_sub(2));
            return self.order(Subject::File(path.to_owned()), room);
        }
        let target = self.front().target().filter(|_| self.has_objects())?;
        self.order(Subject::Sky(target), room(panes.image))
    }

    /// Pixels of a cell have changed.
    pub fn cell_is(&mut self, cell: (u16, u16)) {
        self.shell.graphics.cell = cell;
        self.layout.cell = self.shell.graphics.shown_in();
    }

    /// `None` where there is no room.
    fn order(&self, subject: Subject, room: (u16, u16)) -> Option<Order> {
        let view = match subject {
            Subject::Sky(_) => self.pictures.view.clone(),
            // A figure is what it is.
            Subject::File(_) => Default::default(),
        };
        (room.0 > 1 && room.1 > 0).then_some(Order {
            subject,
            view,
            room,
            graphics: self.shell.graphics,
        })
    }

    /// The same for another object of the list.
    fn order_at(&self, place: u64, room: (u16, u16)) -> Option<Order> {
        let (target, _) = self.front().listed(place)?;
        self.order(Subject::Sky(target), room)
    }

    /// The small picture of an object on the contact sheet.
    pub fn small_order(&self, place: u64, grid: &Grid) -> Option<Order> {
        let mut order = self.order_at(place, grid.room)?;
        order.view.marks = false;
        Some(order)
    }

    /// Where the contact sheet lies: all between tabs and status.
    pub fn contact_grid(&self) -> Grid {
        let panes = self.panes();
        let frame = self.frame();
        let body = Rect {
            y: panes.tabs.bottom(),
            height: panes.status.y.saturating_sub(panes.tabs.bottom()),
            ..frame
        };
        Grid::of(body, self.shell.graphics.cell)
    }

    /// Asks for pictures that are seen, or soon will be.
    pub(super) fn follow_pictures(&mut self) -> Vec<Effect> {
        if let Some(contact) = self.contact {
            let grid = self.contact_grid();
            let count = self.front().extent().map_or(0, |(count, _)| count);
            let places = contact.places(&grid, count);
            let targets = places.clone().filter_map(|place| self.front().listed(place));
            let targets: Vec<_> = targets.map(|(target, _)| target).collect();
            let mut effects = self.pictures.want_spectra(targets);
            if self.shell.graphics.protocol != Protocol::None {
                let orders = places.filter_map(|place| self.small_order(place, &grid));
                let orders: Vec<Order> = orders.collect();
                effects.extend(self.pictures.want_soon(orders));
            }
            return effects;
        }
        let Some(order) = self.picture_order() else {
            return Vec::new();
        };
        let mut effects = self.pictures.want(&order);
        if let (Subject::Sky(_), Some((_, cursor))) = (&order.subject, self.front().extent()) {
            let ahead = AHEAD
                .iter()
                .filter_map(|step| cursor.checked_add_signed(*step))
                .filter_map(|place| self.order_at(place, order.room));
            let ahead: Vec<Order> = ahead.collect();
            effects.extend(self.pictures.want_soon(ahead));
        }
        effects
    }

    pub(super) fn picture_act(&mut self, act: PictureAct) -> Vec<Effect> {
        let view = &mut self.pictures.view;
        match act {
            PictureAct::Whole => {
                self.layout.zoomed = match self.layout.zoomed {
                    Zoomed::Image => Zoomed::None,
                    _ => Zoomed::Image,
                };
                if self.shell.graphics.protocol == Protocol::None {
                    self.shell
                        .note("this terminal shows no pictures; `spectriage doctor` says why");
                }
                return self.laid_out();
            }
            PictureAct::ContactSheet => {
                match self.front().extent() {
                    Some((_, cursor)) => self.contact = Some(Contact::at(cursor)),
                    None => self.shell.note("nothing is listed"),
                }
                self.turn_to_cursor();
                return Vec::new();
            }
            PictureAct::Brighter => view.brighten(1),
            PictureAct::Darker => view.brighten(-1),
            PictureAct::Closer => view.closer(1),
            PictureAct::Farther => view.closer(-1),
            PictureAct::AsItIs => (view.brightness, view.zoom) = (0, 0),
            PictureAct::NextService => {
                let services = self.pictures.services.clone();
                self.pictures.view.next_service(&services);
                let name = self.pictures.view.service.as_deref();
                let text = name.map_or_else(
                    || "sky images of the first service that has one".into(),
                    |name| format!("sky images of {name} alone"),
                );
                self.shell.note(text);
            }
            PictureAct::Marks => view.marks = !view.marks,
        }
        Vec::new()
    }

    /// The cursor of the contact sheet is on it.
    fn turn_to_cursor(&mut self) {
        let grid = self.contact_grid();
        if let Some(contact) = &mut self.contact {
            contact.turn(&grid);
        }
    }

    pub(super) fn press_on_contact(&mut self, press: Press) -> Vec<Effect> {
        let grid = self.contact_grid();
        let last = self
            .front()
            .extent()
            .map_or(0, |(count, _)| count.saturating_sub(1));
        let Some(contact) = &mut self.contact else {
            return Vec::new();
        };
        match (press.code, press.typed()) {
            (KeyCode::Esc, _) | (_, Some('q' | 'T')) => self.contact = None,
            (KeyCode::Enter, _) => {
                let place = contact.cursor;
                self.contact = None;
                // A place of the list, counted from 1.
                let count = u32::try_from(place + 1).ok();
                return self.act(Action::Move(Move::Top), count);
            }
            (code, typed) => {
                let step = match (code, typed) {
                    (KeyCode::Right, _) | (_, Some('l' | ' ')) => 1,
                    (KeyCode::Left, _) | (_, Some('h')) => -1,
                    (KeyCode::Down, _) | (_, Some('j')) => grid.columns(),
                    (KeyCode::Up, _) | (_, Some('k')) => -grid.columns(),
                    (KeyCode::PageDown, _) => grid.count(),
                    (KeyCode::PageUp, _) => -grid.count(),
                    (KeyCode::Home, _) | (_, Some('g')) => i64::MIN / 2,
                    (KeyCode::End, _) | (_, Some('G')) => i64::MAX / 2,
                    _ => 0,
                };
                contact.step(step, last);
                contact.turn(&grid);
            }
        }
        Vec::new()
    }
}
