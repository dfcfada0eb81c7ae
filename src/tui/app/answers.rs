//! What workers and the running job tell, and what changes by it.

use super::App;
use super::event::{Answer, Effect, JobEvent};
use super::shell::Level;
use crate::pipeline::Event;
use crate::tui::job::Job;
use crate::tui::labels;
use crate::tui::text::counted;

impl App {
    pub(super) fn answer(&mut self, answer: Answer) -> Vec<Effect> {
        match answer {
            Answer::Catalog(answer) => self.catalog.answer(answer, &mut self.shell),
            Answer::Anomalies(answer) => {
                let new = matches!(answer, crate::tui::anomalies::Answer::Ranking { .. });
                let effects = self.anomalies.answer(answer, &mut self.shell);
                if new {
                    self.shown.is_stale();
                }
                effects
            }
            Answer::Files(answer) => self.files.answer(answer, &mut self.shell),
            Answer::Train(answer) => {
                self.train.answer(answer, &mut self.shell);
                Vec::new()
            }
            Answer::Picture(answer) => self.pictures.answer(answer),
            Answer::Fetched(fetched) => self.pictures.fetched(fetched),
            Answer::Spectrum(answer) => {
                self.shown.answer(answer, &mut self.pane, &mut self.shell);
                Vec::new()
            }
            Answer::Labels(answer) => {
                self.labels_answer(answer);
                Vec::new()
            }
            Answer::Fault(text) => {
                self.shell.error(text);
                Vec::new()
            }
        }
    }

    pub(super) fn labels_answer(&mut self, answer: labels::Answer) {
        match answer {
            labels::Answer::Opened {
                labels,
                scanner,
                problems,
            } => {
                self.shell.labels.opened(labels, scanner);
                for problem in problems {
                    self.shell.say(Level::Warning, problem);
                }
            }
            labels::Answer::Saved(change) => {
                self.shell.labels.changed(&change);
                self.shell.say(Level::Done, change.to_string());
            }
            labels::Answer::Exchanged { labels, said } => {
                if let Some(labels) = labels {
                    let scanner = self.shell.labels.scanner.clone();
                    self.shell.labels.opened(labels, scanner);
                }
                for text in said {
                    self.shell.say(Level::Done, text);
                }
            }
            labels::Answer::Nothing(text) => self.shell.note(text),
            labels::Answer::Failed(text) => self.shell.error(text),
        }
    }

    pub(super) fn job(&mut self, event: JobEvent) -> Vec<Effect> {
        let mut effects = self.train.job(&event, &mut self.shell);
        effects.extend(self.anomalies.job(&event, &mut self.shell));
        match event {
            JobEvent::Assessed(assessment) => effects.extend(self.anomalies.adopt(assessment)),
            JobEvent::Memory(bytes) => {
                if let Some(job) = &mut self.shell.job {
                    job.memory = Some(bytes);
                }
            }
            JobEvent::Event(event) => {
                if let Some(job) = &mut self.shell.job {
                    job.saw(&event);
                }
                match event {
                    Event::Issue(issue) => self.keep(Level::Warning, issue.to_string()),
                    Event::Note(text) => self.shell.note(text),
                    Event::Wrote(path) => self.keep(Level::Done, format!("wrote {}", path.display())),
                    _ => (),
                }
            }
            JobEvent::Ended(result) => {
                let job: Option<Job> = self.shell.job.take();
                match result {
                    Ok(summary) if summary.interrupted => {
                        self.shell.say(
                            Level::Warning,
                            "stopped; `R` on the Train screen goes on from the checkpoint",
                        );
                    }
                    Ok(summary) => self.shell.say(
                        Level::Done,
                        format!(
                            "run {}: {} ranked, {} anomalous, {} skipped, {} in {:.0} s",
                            summary.run,
                            summary.ranked,
                            summary.anomalous,
                            summary.skipped,
                            counted(summary.files.len(), "file"),
                            job.map_or(0.0, |job| job.elapsed.as_secs_f64())
                        ),
                    ),
                    Err(error) => self.shell.error(error),
                }
                effects.push(Effect::Files(crate::tui::files::Request::List));
                effects.push(Effect::Save);
            }
        }
        effects
    }

    /// A message that is not worth the status line: it stands before the one that is shown.
    pub(super) fn keep(&mut self, level: Level, text: String) {
        let shown = self.shell.shown_ticks;
        self.shell.say(level, text);
        self.shell.shown_ticks = shown;
        if shown > 0 {
            let newest = self.shell.messages.len() - 1;
            self.shell.messages.swap(newest, newest.saturating_sub(1));
        }
    }
}
