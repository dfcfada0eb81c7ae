//! The observer of the command line: bars on stderr while it is a terminal, notes always, and nothing when asked for quiet.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Common;
use crate::model::Outcome;
use crate::pipeline::{Event, Observer, Stage};
use crate::words::counted;

/// Row issues told one by one; the rest is only counted here and listed in the manifest.
const TOLD_ISSUES: u64 = 5;

pub struct Bars {
    bar: ProgressBar,
    stage: Option<Stage>,
    fold: Option<usize>,
    quiet: bool,
    issues: u64,
}

impl Bars {
    pub fn new(common: &Common) -> Self {
        let visible = !common.quiet && std::io::stderr().is_terminal();
        let target = if visible {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            bar: ProgressBar::with_draw_target(None, target),
            stage: None,
            fold: None,
            quiet: common.quiet,
            issues: 0,
        }
    }

    fn tell(&self, text: &str) {
        if !self.quiet {
            self.bar.suspend(|| eprintln!("{text}"));
        }
    }

    fn start(&mut self, total: u64, template: &str) {
        self.bar.reset();
        self.bar.set_length(total);
        let style = ProgressStyle::with_template(template).expect("the templates are part of the program");
        self.bar.set_style(style.progress_chars("━╸ "));
    }
}

impl Observer for Bars {
    fn event(&mut self, event: Event) {
        match event {
            Event::Selected { rows, of } if rows == of => self.tell(&counted(rows, "spectrum")),
            Event::Selected { rows, of } => self.tell(&format!("{rows} of {of} spectra")),
            Event::Step { stage, done, total } => {
                if self.stage != Some(stage) {
                    let (doing, what) = stage.words();
                    self.start(
                        total,
                        &format!("{doing:>14} {{bar:30.cyan}} {{pos}}/{{len}} {what} {{per_sec}} {{eta}}"),
                    );
                    self.stage = Some(stage);
                    self.fold = None;
                }
                self.bar.set_length(total);
                self.bar.set_position(done);
                if done == total {
                    self.bar.finish_and_clear();
                    self.stage = None;
                }
            }
            Event::Issue(issue) => {
                self.issues += 1;
                if self.issues <= TOLD_ISSUES {
                    self.tell(&format!("skipped: {issue}"));
                } else if self.issues == TOLD_ISSUES + 1 {
                    self.tell("skipped: more rows; the manifest lists them all");
                }
            }
            Event::Training {
                fold,
                folds,
                progress,
            } => {
                if self.fold != Some(fold) {
                    self.start(
                        (progress.epochs * progress.batches) as u64,
                        "{prefix:>14} {bar:30.cyan} {msg} {eta}",
                    );
                    self.bar.set_prefix(format!("training {}/{folds}", fold + 1));
                    self.fold = Some(fold);
                    self.stage = None;
                }
                self.bar
                    .set_position(((progress.epoch - 1) * progress.batches + progress.batch) as u64);
                let validation = progress.best.map_or_else(String::new, |(epoch, loss)| {
                    format!(", best {loss:.4} (epoch {epoch})")
                });
                self.bar.set_message(format!(
                    "epoch {}/{} loss {:.4}{validation} {:.0} spectra/s",
                    progress.epoch, progress.epochs, progress.train_loss, progress.spectra_per_second
                ));
            }
            Event::Trained {
                fold,
                folds,
                outcome,
                best_epoch,
                best_loss,
            } => {
                self.bar.finish_and_clear();
                self.fold = None;
                let how = ending(outcome, best_epoch, best_loss);
                self.tell(&format!("trained {}/{folds}: {how}", fold + 1));
            }
            // Not asked for: there is no room for them in a line.
            Event::Preview(_) | Event::Provisional(_) => {}
            Event::Note(text) => self.tell(&text),
            Event::Wrote(path) => tracing::info!(path = %path.display(), "wrote"),
        }
    }
}

/// How the training of a network ended, in words; without an epoch there is no best one.
fn ending(outcome: Outcome, best_epoch: usize, best_loss: f64) -> String {
    let best = format!("best loss {best_loss:.4} in epoch {best_epoch}");
    match outcome {
        Outcome::Finished => best,
        Outcome::StoppedEarly => format!("{best}, stopped early"),
        Outcome::Cancelled if best_loss.is_nan() => "interrupted in the first epoch".into(),
        Outcome::Cancelled => format!("{best}, interrupted"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_loss_is_told_before_there_is_one() {
        assert_eq!(
            ending(Outcome::Cancelled, 0, f64::NAN),
            "interrupted in the first epoch"
        );
        let text = ending(Outcome::Cancelled, 2, 0.5);
        assert_eq!(text, "best loss 0.5000 in epoch 2, interrupted");
    }
}
