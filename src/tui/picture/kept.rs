//! The pictures at hand: asked for, kept, and forgotten when there are too many.

use std::collections::VecDeque;
use std::sync::Arc;

use super::encode::Picture;
use super::fetch::{Fetch, Fetched};
use super::make::{Answer, Request};
use super::order::{Order, View};
use crate::cutout::{Field, Found};
use crate::tui::app::{Effect, Target};

/// What is known of a picture.
#[derive(Debug, Clone)]
pub enum Outcome {
    Ready(Arc<Picture>),
    /// It is looked for on the network.
    OnItsWay,
    /// There is none, in words.
    Missing(String),
}

/// Pictures that are kept at most: a contact sheet, and the way to and fro through a list.
const MOST: usize = 96;
/// And as many bytes of them, here; a terminal that keeps pictures has about three times that.
const MOST_BYTES: usize = 24 << 20;

/// Small spectra that are kept at most: some sheets.
const MOST_SPECTRA: usize = 512;
/// Fields that wait for the network; those of long ago are wanted by nobody any more.
const MOST_QUEUED: usize = 64;

/// The pictures at hand, and how they are looked at.
#[derive(Debug, Default)]
pub struct Pictures {
    pub view: View,
    /// Services that can be asked alone.
    pub services: Vec<String>,
    /// The newest last.
    kept: VecDeque<(Order, Outcome)>,
    /// The newest order that is waited for.
    asked: Option<Order>,
    ahead: Vec<Order>,
    /// Small spectra, the newest last; `None` where there is none.
    spectra: VecDeque<(Target, Option<Vec<f32>>)>,
    asked_spectra: Vec<Target>,
    /// Looked for on the network because it is waited for.
    waiting: Option<Order>,
    /// Looked for on the network ahead, one at a time.
    flying: Option<Order>,
    /// To be looked for next, the newest last.
    queue: VecDeque<(Order, Field)>,
}

impl Pictures {
    /// What is known of the picture of an order; `None`: not even whether there is one.
    pub fn get(&self, order: &Order) -> Option<&Outcome> {
        let mut kept = self.kept.iter().rev();
        kept.find(|(other, _)| other == order).map(|(_, outcome)| outcome)
    }

    /// How many there are, and their bytes.
    pub fn burden(&self) -> (usize, usize) {
        let bytes = self.kept.iter().map(|(_, outcome)| weight(outcome)).sum();
        (self.kept.len(), bytes)
    }

    /// The picture that is to be shown now.
    pub fn want(&mut self, order: &Order) -> Vec<Effect> {
        let new = self.asked.as_ref() != Some(order);
        if self.touch(order) {
            self.asked = Some(order.clone());
            // It waited its turn as a neighbor.
            let queued = self.queue.iter().position(|(other, _)| other == order);
            return match queued.and_then(|at| self.queue.remove(at)) {
                Some((order, field)) => self.fetch_now(order, field),
                None => Vec::new(),
            };
        }
        if !new {
            return Vec::new();
        }
        self.asked = Some(order.clone());
        vec![Effect::Picture(Request::Show(order.clone()))]
    }

    /// Those that are likely to be wanted next, or that are seen beside one another; the first first.
    pub fn want_soon(&mut self, orders: Vec<Order>) -> Vec<Effect> {
        let missing: Vec<Order> = orders
            .into_iter()
            .filter(|order| self.get(order).is_none() && self.asked.as_ref() != Some(order))
            .collect();
        if missing.is_empty() || missing.iter().all(|order| self.ahead.contains(order)) {
            return Vec::new();
        }
        self.ahead.clone_from(&missing);
        vec![Effect::Picture(Request::Ahead(missing))]
    }

    /// Small spectra of these objects, to be seen beside one another.
    pub fn want_spectra(&mut self, targets: Vec<Target>) -> Vec<Effect> {
        let missing = targets
            .into_iter()
            .filter(|target| self.spectrum(target).is_none() && !self.asked_spectra.contains(target));
        let missing: Vec<Target> = missing.collect();
        if missing.is_empty() {
            return Vec::new();
        }
        self.asked_spectra.clone_from(&missing);
        vec![Effect::Picture(Request::Spectra(missing))]
    }

    /// The small spectrum of an object, from 0 (bottom) to 1 (top); `None` where it has not arrived.
    pub fn spectrum(&self, target: &Target) -> Option<Option<&[f32]>> {
        let found = self.spectra.iter().find(|(other, _)| other == target);
        found.map(|(_, values)| values.as_deref())
    }

    pub fn answer(&mut self, answer: Answer) -> Vec<Effect> {
        match answer {
            Answer::Ready {
                order,
                picture,
                wanting,
                services,
            } => {
                self.know(&order, services);
                self.ahead.retain(|other| *other != order);
                let mut effects = match wanting {
                    Some(field) => self.fetch(&order, field),
                    None => Vec::new(),
                };
                effects.extend(self.keep(order, Outcome::Ready(picture)));
                effects
            }
            Answer::Absent {
                order,
                field,
                services,
            } => {
                self.know(&order, services);
                self.ahead.retain(|other| *other != order);
                let mut effects = self.fetch(&order, field);
                effects.extend(self.keep(order, Outcome::OnItsWay));
                effects
            }
            Answer::Spectra(spectra) => {
                self.asked_spectra.clear();
                self.spectra.extend(spectra);
                let late = self.spectra.len().saturating_sub(MOST_SPECTRA);
                self.spectra.drain(..late);
                Vec::new()
            }
            Answer::Failed { order, why } => {
                self.ahead.retain(|other| *other != order);
                self.keep(order, Outcome::Missing(why))
            }
        }
    }

    /// The services of the object that is looked at.
    fn know(&mut self, order: &Order, services: Vec<String>) {
        if !services.is_empty() && self.asked.as_ref() == Some(order) {
            self.services = services;
        }
    }

    /// What the network gave.
    pub fn fetched(&mut self, fetched: Fetched) -> Vec<Effect> {
        let Fetched { order, field, found } = fetched;
        let mut effects = Vec::new();
        if self.waiting.as_ref() == Some(&order) {
            self.waiting = None;
        }
        if self.flying.as_ref() == Some(&order) {
            self.flying = None;
            effects = self.fetch_next();
        }
        match found {
            Found::Missing { why } => match self.get(&order) {
                // What is shown for the time being stays.
                Some(Outcome::Ready(_)) => (),
                _ => effects.extend(self.keep(order, Outcome::Missing(why))),
            },
            found => {
                let fetched = Box::new(Fetched { order, field, found });
                effects.push(Effect::Picture(Request::Found(fetched)));
            }
        }
        effects
    }

    /// Forgets all that was looked for in vain, so that it is looked for again.
    pub fn look_again(&mut self) -> Vec<Effect> {
        self.kept
            .retain(|(_, outcome)| matches!(outcome, Outcome::Ready(_)));
        self.asked = None;
        self.ahead.clear();
        self.queue.clear();
        vec![Effect::Picture(Request::Again)]
    }

    /// The one that is waited for has a worker to itself; the others wait for another, the newest first.
    fn fetch(&mut self, order: &Order, field: Field) -> Vec<Effect> {
        if self.asked.as_ref() == Some(order) {
            return self.fetch_now(order.clone(), field);
        }
        self.queue.push_back((order.clone(), field));
        if self.queue.len() > MOST_QUEUED
            && let Some((late, _)) = self.queue.pop_front()
        {
            self.give_up(&late);
        }
        self.fetch_next()
    }

    fn fetch_now(&mut self, order: Order, field: Field) -> Vec<Effect> {
        if let Some(before) = self
            .waiting
            .replace(order.clone())
            .filter(|before| *before != order)
        {
            self.give_up(&before);
        }
        vec![Effect::Fetch(Fetch(vec![(order, field)]))]
    }

    fn fetch_next(&mut self) -> Vec<Effect> {
        if self.flying.is_some() {
            return Vec::new();
        }
        match self.queue.pop_back() {
            Some((order, field)) => {
                self.flying = Some(order.clone());
                vec![Effect::FetchAhead(Fetch(vec![(order, field)]))]
            }
            None => Vec::new(),
        }
    }

    /// It is looked for no longer; wanted again, it is asked for again.
    fn give_up(&mut self, order: &Order) {
        self.kept
            .retain(|(other, outcome)| other != order || !matches!(outcome, Outcome::OnItsWay));
    }

    /// Whether it is there; it is the newest then.
    fn touch(&mut self, order: &Order) -> bool {
        let Some(at) = self.kept.iter().rposition(|(other, _)| other == order) else {
            return false;
        };
        if let Some(entry) = self.kept.remove(at) {
            self.kept.push_back(entry);
        }
        true
    }

    fn keep(&mut self, order: Order, outcome: Outcome) -> Vec<Effect> {
        let id = |outcome: &Outcome| match outcome {
            Outcome::Ready(picture) => picture.id(),
            _ => None,
        };
        let mut forgotten = Vec::new();
        let new = id(&outcome);
        self.kept.retain(|(other, old)| {
            // A name that comes again takes the old picture with it.
            let stays = *other != order && (new.is_none() || id(old) != new);
            if !stays {
                forgotten.extend(id(old));
            }
            stays
        });
        self.kept.push_back((order, outcome));
        let mut bytes = self.burden().1;
        while self.kept.len() > MOST || (bytes > MOST_BYTES && self.kept.len() > 1) {
            let Some((order, old)) = self.kept.pop_front() else {
                break;
            };
            bytes -= weight(&old);
            forgotten.extend(id(&old));
            if self.asked.as_ref() == Some(&order) {
                self.asked = None;
            }
        }
        match forgotten.is_empty() {
            true => Vec::new(),
            false => vec![Effect::Forget(forgotten)],
        }
    }
}

fn weight(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Ready(picture) => picture.weight(),
        Outcome::OnItsWay | Outcome::Missing(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::encode::{Caption, Payload};
    use super::super::order::Subject;
    use super::*;
    use crate::tui::terminal::Graphics;

    fn order(row: u64) -> Order {
        Order {
            subject: Subject::Sky(Target::Row(row)),
            view: View::default(),
            room: (20, 10),
            graphics: Graphics::default(),
        }
    }

    fn ready(row: u64, bytes: usize) -> Answer {
        Answer::Ready {
            order: order(row),
            picture: Arc::new(Picture {
                payload: Payload::Sent("x".repeat(bytes)),
                cells: (20, 10),
                caption: Caption::default(),
            }),
            wanting: None,
            services: Vec::new(),
        }
    }

    fn shows(effects: &[Effect]) -> Vec<Order> {
        let show = |effect: &Effect| match effect {
            Effect::Picture(Request::Show(order)) => Some(order.clone()),
            _ => None,
        };
        effects.iter().filter_map(show).collect()
    }

    #[test]
    fn it_is_asked_for_once() {
        let mut pictures = Pictures::default();
        assert_eq!(shows(&pictures.want(&order(1))), [order(1)]);
        assert!(pictures.want(&order(1)).is_empty());
        assert_eq!(shows(&pictures.want(&order(2))), [order(2)]);
        // The answer to the first is late and of use all the same.
        pictures.answer(ready(1, 9));
        assert!(pictures.want(&order(1)).is_empty());
        assert!(matches!(pictures.get(&order(1)), Some(Outcome::Ready(_))));
    }

    #[test]
    fn memory_is_bounded() {
        let mut pictures = Pictures::default();
        for row in 0..500 {
            pictures.want(&order(row));
            pictures.answer(ready(row, 400_000));
            let (count, bytes) = pictures.burden();
            assert!(count <= MOST && bytes <= MOST_BYTES);
        }
        assert!(pictures.get(&order(499)).is_some() && pictures.get(&order(0)).is_none());
        for row in 0..500 {
            pictures.answer(ready(row, 9));
        }
        assert_eq!(pictures.burden().0, MOST);
        // One too large for the bound is shown, and alone.
        pictures.answer(ready(1, MOST_BYTES + 1));
        assert_eq!(pictures.burden().0, 1);
    }

    #[test]
    fn what_is_not_on_disk_is_fetched_and_what_is_nowhere_is_told() {
        let mut pictures = Pictures::default();
        let field = order(1).view.field(
            &crate::spectrum::Facts::default(),
            &crate::cutout::CutoutSettings::default(),
        );
        pictures.want(&order(1));
        let absent = |row| Answer::Absent {
            order: order(row),
            field: field.clone(),
            services: Vec::new(),
        };
        let effects = pictures.answer(absent(1));
        assert!(matches!(&effects[..], [Effect::Fetch(Fetch(wanted))] if wanted.len() == 1));
        assert!(matches!(pictures.get(&order(1)), Some(Outcome::OnItsWay)));
        // A neighbor does not take the place of the one that is waited for.
        let effects = pictures.answer(absent(2));
        assert!(matches!(&effects[..], [Effect::FetchAhead(Fetch(wanted))] if wanted.len() == 1));
        assert!(pictures.answer(absent(3)).is_empty(), "one at a time");
        pictures.fetched(Fetched {
            order: order(1),
            field: field.clone(),
            found: Found::Missing {
                why: "no network".into(),
            },
        });
        assert!(matches!(pictures.get(&order(1)), Some(Outcome::Missing(why)) if why == "no network"));
        assert!(pictures.want(&order(1)).is_empty());
        // The third is gone to before its turn has come.
        let effects = pictures.want(&order(3));
        assert!(matches!(&effects[..], [Effect::Fetch(_)]));
        // Left for the fourth, it is asked for anew when one comes back.
        pictures.want(&order(4));
        pictures.answer(absent(4));
        assert!(pictures.get(&order(3)).is_none());
        pictures.look_again();
        assert_eq!(shows(&pictures.want(&order(1))), [order(1)]);
    }
}
