//! How the screen changes.

use std::collections::HashMap;
use std::sync::Arc;

use crossterm::event::{KeyCode, MouseEvent, MouseEventKind};
use ratatui::Frame;
use ratatui::layout::Rect;
use serde_json::{Value, json};

use super::list::{Given, SortKey};
use super::{Anomalies, Answer, Learned, Ranking, Request, Source};
use crate::pipeline::settings::{Entry, Method};
use crate::pipeline::{Event, Verdicts};
use crate::triage::Label;
use crate::tui::app::{Completion, Effect, JobEvent, Level, Page, Popup, Purpose, Screen, Shell, Target};
use crate::tui::files;
use crate::tui::form::Form;
use crate::tui::keys::{Action, AnomaliesAct, LabelAct, Move, Press};
use crate::tui::spectra;

/// Groups of settings that decide on the ranking and need no training.
const DETECTION: &[&str] = &["detect", "window", "significance"];

impl Anomalies {
    /// Makes the order anew and keeps the cursor on its object.
    fn reorder(&mut self, shell: &Shell) {
        let id = self.current().map(|(judgement, _)| judgement.object_id.clone());
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
            let place = *ranking.places.get(&id)?;
            self.order.places().iter().position(|other| *other == place)
        });
        self.cursor = found
            .unwrap_or(self.cursor)
            .min(self.order.places().len().saturating_sub(1));
        debug_assert!(self.order.places().iter().all(|place| *place < judgements.len()));
        self.scroll();
    }

    fn scroll(&mut self) {
        self.top = self
            .top
            .min(self.cursor)
            .max((self.cursor + 1).saturating_sub(self.rows))
            .min(self.order.places().len().saturating_sub(1));
    }

    fn step(&mut self, step: Move, count: Option<u32>) {
        let last = self.order.places().len().saturating_sub(1);
        let times = count.unwrap_or(1).max(1) as usize;
        let page = self.rows.max(2) - 1;
        self.cursor = match step {
            Move::Down => self.cursor.saturating_add(times),
            Move::Up => self.cursor.saturating_sub(times),
            Move::PageDown => self.cursor.saturating_add(times * page),
            Move::PageUp => self.cursor.saturating_sub(times * page),
            Move::HalfDown => self.cursor.saturating_add(times * (page / 2).max(1)),
            Move::HalfUp => self.cursor.saturating_sub(times * (page / 2).max(1)),
            Move::Top => count.map_or(0, |count| (count as usize).saturating_sub(1)),
            Move::Bottom => count.map_or(last, |count| (count as usize).saturating_sub(1)),
        }
        .min(last);
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

    /// The objects of a training that is not over, shown as the list.
    fn provisional(&mut self, event: &Event, shell: &Shell) -> Vec<Effect> {
        let Event::Provisional(list) = event else {
            return Vec::new();
        };
        if self.before.is_none() {
            self.before = self.ranking.take();
        }
        let verdicts = Verdicts {
            judgements: list.judgements.to_vec(),
            facts: list.facts.to_vec(),
            correlations: crate::anomaly::Correlations::default(),
            thresholds: None,
        };
        let follows = self.cursor > 0;
        let verdicts = Arc::new(verdicts);
        let source = Source::Provisional(list.fold + 1, list.folds, list.epoch);
        self.ranking = Some(Ranking::new(Arc::clone(&verdicts), source));
        self.reorder(shell);
        // At the head of the list one watches the head.
        if !follows {
            self.cursor = 0;
            self.scroll();
        }
        vec![Effect::Spectrum(spectra::Request::Verdicts {
            verdicts,
            viewer: None,
        })]
    }

    pub fn job(&mut self, event: &JobEvent, shell: &mut Shell) -> Vec<Effect> {
        match event {
            JobEvent::Event(event) => self.provisional(event, shell),
            JobEvent::Ended(_) => {
                // Without a ranking of its own (stopped, failed), the one before is the ranking again.
                let provisional = self
                    .ranking
                    .as_ref()
                    .is_some_and(|ranking| matches!(ranking.source, Source::Provisional(..)));
                if let (true, Some(before)) = (provisional, self.before.take()) {
                    self.ranking = Some(before);
                    self.reorder(shell);
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// The assessment of the job that has just ended.
    pub fn adopt(&self, assessment: Box<crate::pipeline::Assessment>) -> Vec<Effect> {
        vec![Effect::Anomalies(Request::Adopt(assessment))]
    }

    pub fn answer(&mut self, answer: Answer, shell: &mut Shell) -> Vec<Effect> {
        match answer {
            Answer::Ranking {
                verdicts,
                source,
                viewer,
            } => {
                self.progress = None;
                self.before = None;
                let words = match &source {
                    Source::Saved(n) => format!("ranking {n}"),
                    Source::Judged => "ranking of this session".into(),
                    Source::Provisional(..) => "provisional".into(),
                };
                shell.model = Some(words);
                // What was selected or learned was of the ranking before.
                self.selected = None;
                if self.similar.is_some() && viewer.is_some() {
                    self.similar = None;
                    self.order.key = SortKey::Score;
                }
                self.ranking = Some(Ranking::new(Arc::clone(&verdicts), source));
                self.reorder(shell);
                vec![Effect::Spectrum(spectra::Request::Verdicts { verdicts, viewer })]
            }
            Answer::Filtered(filtered) => {
                match filtered {
                    None => (self.filter, self.selected) = (None, None),
                    Some((filter, places)) => {
                        let count = self
                            .ranking
                            .as_ref()
                            .map_or(0, |ranking| ranking.verdicts.judgements.len());
                        shell.note(format!("{} of {count} where {filter}", places.len()));
                        (self.filter, self.selected) = (Some(filter), Some(places));
                    }
                }
                self.reorder(shell);
                Vec::new()
            }
            Answer::Refused { filter, error } => {
                // A session's condition is not being typed.
                if self.filter.as_ref() == Some(&filter) {
                    self.filter = None;
                    shell.error(format!("filter `{filter}`: {error}"));
                    return Vec::new();
                }
                // It goes back under the line in which it was typed.
                if shell.prompt.is_none() {
                    shell.ask(Purpose::Filter, &filter);
                }
                match &mut shell.prompt {
                    Some(prompt) if prompt.purpose == Purpose::Filter && prompt.text() == filter => {
                        prompt.error = Some(error);
                    }
                    _ => shell.error(format!("filter `{filter}`: {error}")),
                }
                Vec::new()
            }
            Answer::Similar(found) => {
                shell.note(format!(
                    "{} like {} of {} compared; W goes back",
                    found.neighbors.len(),
                    found.object_id,
                    found.compared
                ));
                self.wanted = Some(found.object_id.clone());
                self.similar = Some(found);
                (self.order.key, self.order.ascending) = (SortKey::Distance, true);
                self.reorder(shell);
                (self.cursor, self.top) = (0, 0);
                Vec::new()
            }
            Answer::Learned(reranked) => {
                let Some(ranking) = &self.ranking else {
                    return Vec::new();
                };
                let interest: HashMap<String, f64> = ranking
                    .verdicts
                    .judgements
                    .iter()
                    .zip(&reranked.scores)
                    .map(|(judgement, score)| (judgement.object_id.clone(), *score))
                    .collect();
                shell.popup = Some(Popup::Page(Page {
                    title: "what the labels taught".into(),
                    lines: reranked.explanation.clone(),
                    top: 0,
                }));
                self.learned = Some(Learned { reranked, interest });
                (self.order.key, self.order.ascending) = (SortKey::Interest, false);
                self.reorder(shell);
                (self.cursor, self.top) = (0, 0);
                Vec::new()
            }
            Answer::Wrote(summary) => {
                self.progress = None;
                let first = summary.files.first().map(|path| path.display().to_string());
                shell.say(
                    Level::Done,
                    format!(
                        "run {}: {} files: {}",
                        summary.run,
                        summary.files.len(),
                        first.unwrap_or_default()
                    ),
                );
                vec![Effect::Files(files::Request::List)]
            }
            Answer::Progress(stage, done, total) => {
                self.progress = (done < total).then_some((stage, done, total));
                Vec::new()
            }
            Answer::Failed(error) => {
                self.progress = None;
                if let Some(form) = &mut self.parameters {
                    form.error = Some((form.entry().key, error));
                } else {
                    shell.error(error);
                }
                Vec::new()
            }
            Answer::Note(text) => {
                shell.note(text);
                Vec::new()
            }
        }
    }

    /// A setting was changed elsewhere.
    pub fn settings_changed(&mut self, shell: &mut Shell) -> Vec<Effect> {
        match self.ranking {
            Some(_) => self.rejudge(shell),
            None => Vec::new(),
        }
    }

    fn rejudge(&mut self, shell: &Shell) -> Vec<Effect> {
        vec![Effect::Anomalies(Request::Rejudge(Box::new(
            shell.settings.clone(),
        )))]
    }

    pub fn write_figures(&mut self, ids: Vec<String>, shell: &mut Shell) -> Vec<Effect> {
        if self.ranking.is_none() {
            shell.note("figures show the model too: train first, on the Train screen");
            return Vec::new();
        }
        shell.note(format!("drawing {} figures", ids.len()));
        vec![Effect::Anomalies(Request::Figures {
            ids,
            settings: Box::new(shell.settings.clone()),
        })]
    }

    /// Sets a detection setting, and judges anew.
    fn set(&mut self, entry: &Entry, text: &str, shell: &mut Shell) -> Result<Vec<Effect>, String> {
        shell
            .settings
            .set(entry.key, text)
            .map_err(|error| error.to_string())?;
        if let Some(form) = &mut self.parameters {
            form.error = None;
        }
        Ok(self.rejudge(shell))
    }

    fn parameter_key(&mut self, press: Press, shell: &mut Shell) -> Vec<Effect> {
        let Some(form) = &mut self.parameters else {
            return Vec::new();
        };
        let up = match (press.code, press.typed()) {
            (KeyCode::Esc, _) | (_, Some('p' | 'q')) => {
                self.parameters = None;
                return Vec::new();
            }
            (KeyCode::Down, _) | (_, Some('j')) => {
                form.step(1);
                return Vec::new();
            }
            (KeyCode::Up, _) | (_, Some('k')) => {
                form.step(-1);
                return Vec::new();
            }
            (KeyCode::Enter, _) => {
                let entry = form.entry();
                let value = form.value(&shell.settings);
                shell.ask(Purpose::Setting(entry.key), &value);
                return Vec::new();
            }
            (KeyCode::Delete, _) => {
                let entry = form.entry();
                let default = form.value(&crate::pipeline::settings::Settings::default());
                return self.try_setting(entry, &default, shell);
            }
            (KeyCode::Right, _) | (_, Some('l' | '+' | '=')) => true,
            (KeyCode::Left, _) | (_, Some('h' | '-')) => false,
            _ => return Vec::new(),
        };
        match form.nudged(&shell.settings, up) {
            Some(text) => {
                let entry = form.entry();
                self.try_setting(entry, &text, shell)
            }
            None => Vec::new(),
        }
    }

    fn try_setting(&mut self, entry: &'static Entry, text: &str, shell: &mut Shell) -> Vec<Effect> {
        match self.set(entry, text, shell) {
            Ok(effects) => effects,
            Err(error) => {
                if let Some(form) = &mut self.parameters {
                    form.error = Some((entry.key, error));
                }
                Vec::new()
            }
        }
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
                    vec![Effect::Anomalies(Request::Similar(judgement.object_id.clone()))]
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
                (self.order.key, self.order.ascending) = (SortKey::Score, false);
                self.reorder(shell);
                vec![Effect::Anomalies(Request::Filter(None))]
            }
            AnomaliesAct::OnlyUnlabeled => {
                self.order.only_unlabeled = !self.order.only_unlabeled;
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
                    let id = judgement.object_id.clone();
                    if !shell.marks.remove(&id) {
                        shell.marks.insert(id);
                    }
                    self.step(Move::Down, None);
                }
            }
            Action::MarkAll => {
                if let Some(ranking) = &self.ranking {
                    let listed = self.order.places().iter().filter_map(|place| ranking.at(*place));
                    shell
                        .marks
                        .extend(listed.map(|(judgement, _)| judgement.object_id.clone()));
                }
            }
            Action::ClearMarks => shell.marks.clear(),
            Action::NextMarked => {
                if !self.seek(false, |id| shell.marks.contains(id)) {
                    shell.note("nothing listed is marked");
                }
            }
            Action::Label(LabelAct::NextUnlabeled) => {
                if !self.seek(false, |id| shell.labels.get(id).is_none()) {
                    shell.note("all that are listed have a label");
                }
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

    fn target(&self) -> Option<Target> {
        let (judgement, _) = self.current()?;
        Some(Target::Id(judgement.object_id.clone()))
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
            "id": self.current().map(|(judgement, _)| &judgement.object_id).or(self.wanted.as_ref()),
            "sort": self.order.key.words().0,
            "ascending": self.order.ascending,
            "filter": self.filter,
            "only_unlabeled": self.order.only_unlabeled,
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
    }
}
