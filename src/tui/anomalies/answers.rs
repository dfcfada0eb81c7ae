//! What the worker and a running training tell the ranking.

use std::collections::HashMap;
use std::sync::Arc;

use super::desk::not_ranked;
use super::list::SortKey;
use super::{Anomalies, Answer, Learned, Ranking, Request, Reranked, Source};
use crate::pipeline::{Event, Neighbors, Summary, Verdicts, Viewer};
use crate::tui::app::{Effect, JobEvent, Level, Page, Popup, Purpose, Shell};
use crate::tui::files;
use crate::tui::spectra;
use crate::tui::text::counted;

impl Anomalies {
    /// The objects of a training that is not over, shown as the list.
    pub(super) fn provisional(&mut self, event: &Event, shell: &Shell) -> Vec<Effect> {
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
            } => return self.ranked(verdicts, source, viewer, shell),
            Answer::Filtered(filtered) => self.filtered(filtered, shell),
            Answer::Refused { filter, error } => self.refused(filter, error, shell),
            Answer::Similar(found) => self.found_similar(found, shell),
            Answer::Learned(reranked) => self.learned(reranked, shell),
            Answer::Wrote { summary, without } => {
                self.progress = None;
                wrote(&summary, &without, shell);
                return vec![Effect::Files(files::Request::List)];
            }
            Answer::Progress(stage, done, total) => {
                self.progress = (done < total).then_some((stage, done, total));
            }
            Answer::Failed(error) => {
                self.progress = None;
                match &mut self.parameters {
                    Some(form) => form.error = Some((form.entry().key, error)),
                    None => shell.error(error),
                }
            }
            Answer::Note(text) => shell.note(text),
        }
        Vec::new()
    }

    /// Lists another ranking.
    fn ranked(
        &mut self,
        verdicts: Arc<Verdicts>,
        source: Source,
        viewer: Option<Box<Viewer>>,
        shell: &mut Shell,
    ) -> Vec<Effect> {
        self.progress = None;
        self.before = None;
        shell.model = Some(match &source {
            Source::Saved(n) => format!("ranking {n}"),
            Source::Judged => "ranking of this session".into(),
            Source::Provisional(..) => "provisional".into(),
        });
        // What was selected or learned was of the ranking before.
        self.selected = None;
        let learned = self.learned.take().is_some();
        if learned && self.order.key == SortKey::Interest {
            (self.order.key, self.order.ascending) = (SortKey::Score, false);
            shell.note("judged anew, and listed by score again: A learns from the labels anew");
        }
        if self.similar.is_some() && viewer.is_some() {
            self.similar = None;
            self.order.key = SortKey::Score;
        }
        self.ranking = Some(Ranking::new(Arc::clone(&verdicts), source));
        self.reorder(shell);
        vec![Effect::Spectrum(spectra::Request::Verdicts { verdicts, viewer })]
    }

    /// Lists what a condition selects, or all again.
    fn filtered(&mut self, filtered: Option<(String, Vec<usize>)>, shell: &mut Shell) {
        match filtered {
            None => (self.filter, self.selected) = (None, None),
            Some((filter, places)) => {
                let ranking = self.ranking.as_ref();
                let count = ranking.map_or(0, |ranking| ranking.verdicts.judgements.len());
                shell.note(format!("{} of {count} where {filter}", places.len()));
                (self.filter, self.selected) = (Some(filter), Some(places));
            }
        }
        self.reorder(shell);
    }

    /// A wrong condition goes back under the line in which it was typed.
    fn refused(&mut self, filter: String, error: String, shell: &mut Shell) {
        // A session's condition is not being typed.
        if self.filter.as_ref() == Some(&filter) {
            self.filter = None;
            shell.error(format!("filter `{filter}`: {error}"));
            return;
        }
        if shell.prompt.is_none() {
            shell.ask(Purpose::Filter, &filter);
        }
        match &mut shell.prompt {
            Some(prompt) if prompt.purpose == Purpose::Filter && prompt.text() == filter => {
                prompt.error = Some(error);
            }
            _ => shell.error(format!("filter `{filter}`: {error}")),
        }
    }

    fn found_similar(&mut self, found: Box<Neighbors>, shell: &mut Shell) {
        shell.note(format!(
            "{} like {} of {} compared; W goes back",
            found.neighbors.len(),
            found.object_id,
            found.compared
        ));
        self.wanted = Some(found.object_id.clone());
        self.similar = Some(found);
        self.list_from_the_top(SortKey::Distance, true, shell);
    }

    fn learned(&mut self, reranked: Reranked, shell: &mut Shell) {
        let Some(ranking) = &self.ranking else {
            return;
        };
        let interest: HashMap<String, f64> = ranking
            .verdicts
            .judgements
            .iter()
            .zip(&reranked.scores)
            .map(|(judgement, score)| (judgement.object_id.to_string(), *score))
            .collect();
        shell.popup = Some(Popup::Page(Page {
            title: "what the labels taught".into(),
            lines: reranked.explanation.clone(),
            top: 0,
        }));
        self.learned = Some(Learned { reranked, interest });
        self.list_from_the_top(SortKey::Interest, false, shell);
    }

    fn list_from_the_top(&mut self, key: SortKey, ascending: bool, shell: &Shell) {
        (self.order.key, self.order.ascending) = (key, ascending);
        self.reorder(shell);
        (self.cursor, self.top) = (0, 0);
    }
}

/// Tells of the files of a run, and which marked objects it could not draw.
fn wrote(summary: &Summary, without: &[String], shell: &mut Shell) {
    let first = summary.files.first().map(|path| path.display().to_string());
    let files = counted(summary.files.len(), "file");
    let wrote = format!("run {}: {files}: {}", summary.run, first.unwrap_or_default());
    match without.is_empty() {
        true => shell.say(Level::Done, wrote),
        false => shell.say(Level::Warning, format!("{}; {wrote}", not_ranked(without))),
    }
}
