//! How the screen changes.

use crossterm::event::{MouseEvent, MouseEventKind};
use ratatui::Frame;
use ratatui::layout::Rect;
use serde_json::{Value, json};

use super::list::{Given, Shown, SortKey};
use super::{Anomalies, Request};
use crate::pipeline::settings::Method;
use crate::triage::Label;
use crate::tui::app::{Completion, Effect, Purpose, Screen, Shell, Target};
use crate::tui::form::Form;
use crate::tui::keys::{Action, AnomaliesAct, LabelAct, Move, Press};
use crate::tui::text::counted;

/// Groups of settings that decide on the ranking and need no training.
const DETECTION: &[&str] = &["detect", "window", "significance"];

impl Anomalies {
    /// Makes the order anew and keeps the cursor on its object.
    pub(super) fn reorder(&mut self, shell: &Shell) {
        let id = self
            .current()
            .map(|(judgement, _)| judgement.object_id.to_string());
        let Some(ranking) = &self.ranking else {
            return;
        };
        let id = id.or_else(|| self.wanted.take());
        let labels = |id: &str| -> Option<&Label> { shell.labels.get(id) };
        let given = Given {
            selected: self.selected.as_deref(),
            labels: &labels,
            interest: self.learned.as_ref().map(|learned| &learned.interest),
            similar: self.similar.as_deref(),
        };
        self.order.make(&ranking.verdicts, &given);
        let judgements = &ranking.verdicts.judgements;
        let found = id.and_then(|id| {
            let place = *ranking.places.get(id.as_str())?;
            self.order.places().iter().position(|other| *other == place)
        });
        self.cursor = found
            .unwrap_or(self.cursor)
            .min(self.order.places().len().saturating_sub(1));
        debug_assert!(self.order.places().iter().all(|place| *place < judgements.len()));
        self.scroll();
    }

    pub(super) fn scroll(&mut self) {
        self.top = self
            .top
            .min(self.cursor)
            .max((self.cursor + 1).saturating_sub(self.rows))
            .min(self.order.places().len().saturating_sub(1));
    }

    fn step(&mut self, step: Move, count: Option<u32>) {
        let last = self.order.places().len().saturating_sub(1);
        let page = self.rows.max(2) - 1;
        self.cursor = step.from(self.cursor as u64, last as u64, page as u64, count) as usize;
        self.scroll();
    }

    /// Moves to the next listed object after the cursor that `is`, around the end.
    fn seek(&mut self, back: bool, is: impl Fn(&str) -> bool) -> bool {
        let Some(ranking) = &self.ranking else {
            return false;
        };
        let places = self.order.places();
        let count = places.len();
        let found = (1..=count)
            .map(|step| (self.cursor + if back { count - step } else { step }) % count)
            .find(|at| {
                ranking
                    .at(places[*at])
                    .is_some_and(|(judgement, _)| is(&judgement.object_id))
            });
        if let Some(found) = found {
            self.cursor = found;
            self.scroll();
        }
        found.is_some()
    }

    pub fn write_figures(&mut self, ids: Vec<String>, shell: &mut Shell) -> Vec<Effect> {
        if self.ranking.is_none() {
            shell.note("figures show the model too: train first, on the Train screen");
            return Vec::new();
        }
        shell.note(format!("drawing {}", counted(ids.len(), "figure")));
        vec![Effect::Anomalies(Request::Figures {
            ids,
            settings: Box::new(shell.settings.clone()),
        })]
    }

    /// Writes ranking, regions and figures as they are now, as the headless job does.
    pub fn write(&mut self, shell: &mut Shell) -> Vec<Effect> {
        if self.ranking.is_none() {
            shell.note("there is no ranking yet; start one on the Train screen");
            return Vec::new();
        }
        shell.note("writing the ranking");
        vec![Effect::Anomalies(Request::Write(Box::new(
            shell.settings.clone(),
        )))]
    }

    fn own(&mut self, act: AnomaliesAct, shell: &mut Shell) -> Vec<Effect> {
        match act {
            AnomaliesAct::Parameters => {
                let mut form = Form::of(DETECTION);
                form.resize(shell.size.1.saturating_sub(10));
                self.parameters = Some(form);
                Vec::new()
            }
            AnomaliesAct::Method => {
                let (method, name) = match shell.settings.detect.method {
                    Method::Significance => (Method::Window, "window"),
                    Method::Window => (Method::Significance, "significance"),
                };
                shell.settings.detect.method = method;
                shell.note(format!("method {name}"));
                self.rejudge(shell)
            }
            AnomaliesAct::Similar => match self.current() {
                Some((judgement, _)) => {
                    vec![Effect::Anomalies(Request::Similar(
                        judgement.object_id.to_string(),
                    ))]
                }
                None => Vec::new(),
            },
            AnomaliesAct::Learn => {
                let labels = shell.labels.all().clone();
                vec![Effect::Anomalies(Request::Learn(labels))]
            }
            AnomaliesAct::Whole => {
                self.similar = None;
                self.order.only_unlabeled = false;
                self.order.shown = Shown::All;
                (self.order.key, self.order.ascending) = (SortKey::Score, false);
                self.reorder(shell);
                vec![Effect::Anomalies(Request::Filter(None))]
            }
            AnomaliesAct::OnlyUnlabeled => {
                self.order.only_unlabeled = !self.order.only_unlabeled;
                self.reorder(shell);
                Vec::new()
            }
            AnomaliesAct::Artifacts => {
                self.order.shown = self.order.shown.next();
                self.reorder(shell);
                Vec::new()
            }
        }
    }

    fn sort(&mut self, text: &str, shell: &Shell) -> Result<Vec<Effect>, String> {
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or("score");
        let key = SortKey::named(name).ok_or_else(|| {
            let names: Vec<&str> = SortKey::ALL.into_iter().map(|key| key.words().0).collect();
            format!("`{name}` is none of {}", names.join(", "))
        })?;
        let ascending = match words.next().map(str::to_lowercase).as_deref() {
            None => matches!(key, SortKey::Distance),
            Some("asc") => true,
            Some("desc") => false,
            Some(other) => return Err(format!("`{other}` is neither asc nor desc")),
        };
        (self.order.key, self.order.ascending) = (key, ascending);
        self.reorder(shell);
        Ok(Vec::new())
    }
}

fn note_unless(found: bool, shell: &mut Shell, text: &str) {
    if !found {
        shell.note(text);
    }
}

impl Screen for Anomalies {
    fn start(&mut self, shell: &mut Shell) -> Vec<Effect> {
        let mut effects = vec![Effect::Anomalies(Request::Open(Box::new(shell.settings.clone())))];
        // Of the session before.
        if let Some(filter) = &self.filter {
            effects.push(Effect::Anomalies(Request::Filter(Some(filter.clone()))));
        }
        effects
    }

    fn act(&mut self, action: Action, count: Option<u32>, shell: &mut Shell) -> Vec<Effect> {
        match action {
            Action::Move(step) => self.step(step, count),
            Action::Mark => {
                // Down to the end of the list, and no further.
                let left = self.order.places().len().saturating_sub(self.cursor);
                for _ in 0..left.min(count.unwrap_or(1) as usize) {
                    let Some((judgement, _)) = self.current() else {
                        break;
                    };
                    let id = judgement.object_id.as_str();
                    if !shell.marks.remove(id) {
                        shell.marks.insert(id.to_owned());
                    }
                    self.step(Move::Down, None);
                }
            }
            Action::MarkAll => {
                if let Some(ranking) = &self.ranking {
                    let listed = self.order.places().iter().filter_map(|place| ranking.at(*place));
                    shell
                        .marks
                        .extend(listed.map(|(judgement, _)| judgement.object_id.to_string()));
                }
            }
            Action::ClearMarks => shell.marks.clear(),
            Action::NextMarked => {
                let found = self.seek(false, |id| shell.marks.contains(id));
                note_unless(found, shell, "nothing listed is marked");
            }
            Action::Label(LabelAct::NextUnlabeled) => {
                let found = self.seek(false, |id| shell.labels.get(id).is_none());
                note_unless(found, shell, "all that are listed have a label");
            }
            Action::Find => shell.ask(Purpose::Find, ""),
            Action::GoTo => shell.ask(Purpose::GoTo, ""),
            Action::FindNext | Action::FindPrevious => {
                let text = self.find.clone();
                let back = action == Action::FindPrevious;
                if text.is_empty() || !self.seek(back, |id| id.contains(&text)) {
                    shell.note(format!("no listed id has `{text}` in it"));
                }
            }
            Action::Filter => {
                let filter = self.filter.clone().unwrap_or_default();
                shell.ask(Purpose::Filter, &filter);
            }
            Action::ClearFilter => return vec![Effect::Anomalies(Request::Filter(None))],
            Action::Sort => shell.ask(Purpose::Sort, ""),
            Action::Anomalies(act) => return self.own(act, shell),
            _ => (),
        }
        Vec::new()
    }

    fn press(&mut self, press: Press, shell: &mut Shell) -> Option<Vec<Effect>> {
        self.parameters
            .is_some()
            .then(|| self.parameter_key(press, shell))
    }

    fn entered(&mut self, purpose: &Purpose, text: &str, shell: &mut Shell) -> Result<Vec<Effect>, String> {
        match purpose {
            Purpose::Filter => {
                let filter = (!text.is_empty()).then(|| text.to_owned());
                Ok(vec![Effect::Anomalies(Request::Filter(filter))])
            }
            Purpose::Sort => self.sort(text, shell),
            Purpose::Find => {
                text.clone_into(&mut self.find);
                match self.seek(false, |id| id.contains(text)) {
                    true => Ok(Vec::new()),
                    false => Err(format!("no listed id has `{text}` in it")),
                }
            }
            Purpose::GoTo => {
                let row = text
                    .parse::<usize>()
                    .ok()
                    .filter(|row| (1..=self.order.places().len()).contains(row));
                match row {
                    Some(row) => self.cursor = row - 1,
                    None if self.seek(false, |id| id == text) => (),
                    None => {
                        return Err(format!(
                            "`{text}` is neither a place in this list nor an id in it"
                        ));
                    }
                }
                self.scroll();
                Ok(Vec::new())
            }
            Purpose::Setting(key) => {
                let entry = crate::pipeline::settings::TABLE
                    .iter()
                    .find(|entry| entry.key == *key);
                match entry {
                    Some(entry) => self.set(entry, text, shell),
                    None => Ok(Vec::new()),
                }
            }
            _ => Err("not on this screen".into()),
        }
    }

    fn complete(
        &mut self,
        purpose: &Purpose,
        text: &str,
        _: usize,
        _: &Shell,
    ) -> (Vec<Completion>, Vec<Effect>) {
        let begun = text
            .chars()
            .rev()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .count();
        // Of these characters each is a byte.
        let start = text.len() - begun;
        let word = text[start..].to_ascii_lowercase();
        let way = |text: &str, about: &str| Completion {
            replace: start..start + begun,
            text: text.into(),
            about: about.into(),
        };
        let ways = match purpose {
            Purpose::Sort => SortKey::ALL
                .into_iter()
                .map(SortKey::words)
                .filter(|(name, _)| start == 0 && name.starts_with(&word))
                .map(|(name, about)| way(name, about))
                .collect(),
            Purpose::Filter if !word.is_empty() => crate::artifact::ranking_columns()
                .iter()
                .filter(|name| name.starts_with(&word))
                .map(|name| way(name, ""))
                .collect(),
            _ => Vec::new(),
        };
        (ways, Vec::new())
    }

    fn mouse(&mut self, event: MouseEvent, area: Rect, _: &mut Shell) -> Vec<Effect> {
        match event.kind {
            MouseEventKind::ScrollDown => self.step(Move::Down, Some(3)),
            MouseEventKind::ScrollUp => self.step(Move::Up, Some(3)),
            MouseEventKind::Down(_) => {
                let header = super::draw::HEADER;
                let row = usize::from(event.row.saturating_sub(area.y + 1));
                if row >= header && self.top + row - header < self.order.places().len() {
                    self.cursor = self.top + row - header;
                }
            }
            _ => (),
        }
        Vec::new()
    }

    fn entered_screen(&mut self, shell: &mut Shell) -> Vec<Effect> {
        self.reorder(shell);
        Vec::new()
    }

    fn extent(&self) -> Option<(u64, u64)> {
        let count = self.order.places().len() as u64;
        (count > 0).then_some((count, self.cursor as u64))
    }

    fn listed(&self, place: u64) -> Option<(Target, Vec<String>)> {
        let place = *self.order.places().get(usize::try_from(place).ok()?)?;
        let (judgement, _) = self.ranking.as_ref()?.at(place)?;
        let id = judgement.object_id.to_string();
        let names = vec![
            format!("#{}", judgement.rank),
            format!("{:.1}", judgement.score),
            id.clone(),
        ];
        Some((Target::Id(id), names))
    }

    fn target(&self) -> Option<Target> {
        let (judgement, _) = self.current()?;
        Some(Target::Id(judgement.object_id.to_string()))
    }

    fn resized(&mut self, area: Rect, _: &mut Shell) -> Vec<Effect> {
        self.rows = usize::from(area.height)
            .saturating_sub(2 + super::draw::HEADER)
            .max(1);
        if let Some(form) = &mut self.parameters {
            form.resize(area.height.saturating_sub(6));
        }
        self.scroll();
        Vec::new()
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shell: &Shell) {
        self.draw_list(frame, area, shell);
    }

    fn draw_popup(&self, frame: &mut Frame, area: Rect, shell: &Shell) {
        if let Some(form) = &self.parameters {
            self.draw_parameters(form, frame, area, shell);
        }
    }

    fn save(&self) -> Value {
        json!({
            "id": self.current().map(|(judgement, _)| judgement.object_id.as_str()).or(self.wanted.as_deref()),
            "sort": self.order.key.words().0,
            "ascending": self.order.ascending,
            "filter": self.filter,
            "only_unlabeled": self.order.only_unlabeled,
            "shown": self.order.shown,
        })
    }

    fn restore(&mut self, saved: &Value) {
        self.wanted = saved["id"].as_str().map(str::to_owned);
        let key = saved["sort"].as_str().and_then(SortKey::named);
        // What the labels taught and what is alike are not kept.
        let kept = key.filter(|key| !matches!(key, SortKey::Interest | SortKey::Distance));
        if let Some(key) = kept {
            self.order.key = key;
            self.order.ascending = saved["ascending"].as_bool().unwrap_or(false);
        }
        self.filter = saved["filter"].as_str().map(str::to_owned);
        self.order.only_unlabeled = saved["only_unlabeled"].as_bool().unwrap_or(false);
        self.order.shown = serde_json::from_value(saved["shown"].clone()).unwrap_or_default();
    }
}
