//! The tables and figures of a run.

use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::judge::{MeanError, Verdicts};
use super::settings::{Method, OutputSettings, Pick, Settings};
use super::viewer::Viewer;
use super::{Event, Observer, PipelineError, Stage};
use crate::anomaly::Judgement;
use crate::artifact::{
    ArtifactError, Ranked, RunFiles, SamplingInfo, write_lists, write_ranking, write_recurring,
    write_regions, write_sampling_info,
};
use crate::figure::{self, DEFAULT_SCALE, EpochLoss, LossRun, RecurringResiduals, SpectrumView};
use crate::model::{Ensemble, EpochRecord};
use crate::spectrum::MaskKind;
use crate::spectrum::prepare::Frame;

/// The verdicts that are drawn: the top ones or a sample drawn with the seed, in the order of their rank.
pub fn picked<'a>(judgements: &'a [Judgement], settings: &Settings) -> Vec<&'a Judgement> {
    let output = &settings.output;
    let candidates: Vec<&Judgement> = judgements
        .iter()
        .filter(|j| j.anomalous || !output.only_anomalous)
        .filter(|j| !(output.hide_artifacts && j.is_artifact()))
        .collect();
    let count = output.sample_size.min(candidates.len());
    match output.pick {
        Pick::Top => candidates.into_iter().take(count).collect(),
        Pick::Random => {
            let mut random = ChaCha8Rng::seed_from_u64(settings.training.seed);
            let mut chosen = index::sample(&mut random, candidates.len(), count).into_vec();
            chosen.sort_unstable();
            chosen.into_iter().map(|i| candidates[i]).collect()
        }
    }
}

/// Writes the ranking, its regions and the original project's JSON.
pub fn write_tables(
    run: &RunFiles,
    verdicts: &Verdicts,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<(), PipelineError> {
    let ranked: Vec<Ranked> = verdicts
        .judgements
        .iter()
        .zip(&verdicts.facts)
        .map(|(judgement, facts)| Ranked { judgement, facts })
        .collect();
    let info = SamplingInfo {
        seed: settings.training.seed,
        method: match settings.detect.method {
            Method::Significance => "significance".into(),
            Method::Window => "window".into(),
        },
        absolute_residual_threshold: verdicts.thresholds.map(|thresholds| thresholds.absolute),
        relative_residual_threshold: verdicts.thresholds.map(|thresholds| thresholds.relative),
        range_mismatch_factor: verdicts.thresholds.map(|_| settings.window.range_mismatch_factor),
    };
    // A survey's tables are gigabytes of text.
    let (ranking, others) = rayon::join(
        || write_ranking(run, &ranked),
        || {
            let mut paths = write_lists(run, &ranked)?;
            paths.extend([
                write_regions(run, &ranked)?,
                write_sampling_info(run, &info, &ranked)?,
            ]);
            Ok::<_, ArtifactError>(paths)
        },
    );
    told(observer, ranking?);
    told(observer, others?);
    Ok(())
}

/// The spectra of `judgements` as figures take them, in their order.
fn views(
    viewer: &Viewer,
    judgements: &[&Judgement],
    observer: &mut dyn Observer,
) -> Result<Vec<SpectrumView>, PipelineError> {
    let mut views = Vec::with_capacity(judgements.len());
    for (done, judgement) in judgements.iter().enumerate() {
        views.push(viewer.object(&judgement.object_id, Some(judgement))?);
        observer.event(Event::Step {
            stage: Stage::Draw,
            done: done as u64 + 1,
            total: judgements.len() as u64,
        });
    }
    Ok(views)
}

/// Draws the combined figure of `judgements` and, where asked for, one figure a spectrum.
pub fn draw_spectra(
    run: &RunFiles,
    viewer: &Viewer,
    output: &OutputSettings,
    judgements: &[&Judgement],
    observer: &mut dyn Observer,
) -> Result<(), PipelineError> {
    let views = views(viewer, judgements, observer)?;
    if views.is_empty() {
        observer.event(Event::Note(
            "no spectrum is to be drawn: none is anomalous, or `--sample-size` is 0".into(),
        ));
        return Ok(());
    }
    told(
        observer,
        run.write_figure(
            "combined_spectra_with_images",
            &figure::combined(&views),
            DEFAULT_SCALE,
            output.svg,
        )?,
    );
    if output.each {
        let write = |view: &SpectrumView| {
            let figure = figure::spectrum(view);
            run.write_spectrum_figure(&view.facts.object_id, &figure, DEFAULT_SCALE, output.svg)
        };
        // Some at a time, so that each is told of soon after it is there.
        for some in views.chunks(rayon::current_num_threads()) {
            let written: Result<Vec<_>, _> = some.par_iter().map(write).collect();
            written?.into_iter().for_each(|paths| told(observer, paths));
        }
    }
    Ok(())
}

/// Draws the first of `judgements` as a contact sheet, as many as the settings say.
pub fn draw_contact_sheet(
    run: &RunFiles,
    viewer: &Viewer,
    output: &OutputSettings,
    judgements: &[&Judgement],
    observer: &mut dyn Observer,
) -> Result<(), PipelineError> {
    let shown = &judgements[..output.contact_sheet.min(judgements.len())];
    if shown.is_empty() {
        return Ok(());
    }
    let figure = figure::contact_sheet(&views(viewer, shown, observer)?);
    told(
        observer,
        run.write_figure("contact_sheet", &figure, DEFAULT_SCALE, output.svg)?,
    );
    Ok(())
}

/// Writes and draws what residuals have in common, and draws the mean reconstruction error by wavelength.
///
/// `mask_kind` tells whose cameras meet where.
pub fn draw_mean_error(
    run: &RunFiles,
    error: &MeanError,
    mask_kind: MaskKind,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<(), PipelineError> {
    let frame = match settings.prepare.frame {
        Frame::Rest => "Rest-frame",
        Frame::Observed => "Observed",
    };
    let named = match settings.prepare.frame {
        Frame::Rest => "rest",
        Frame::Observed => "grid",
    };
    let path = write_recurring(run, named, &error.recurring, &error.recurring_observed)?;
    told(observer, vec![path]);
    let figure = figure::mean_reconstruction_error(
        &error.wavelength,
        &error.mean_squared_residual,
        frame,
        "norm. flux²",
    );
    told(
        observer,
        run.write_figure(
            "mean_reconstruction_error",
            &figure,
            DEFAULT_SCALE,
            settings.output.svg,
        )?,
    );
    let figure = figure::recurring_residuals(&RecurringResiduals {
        observed: &error.recurring_observed,
        model: &error.recurring,
        at_rest: settings.prepare.frame == Frame::Rest,
        mask_kind,
    });
    told(
        observer,
        run.write_figure("recurring_residuals", &figure, DEFAULT_SCALE, settings.output.svg)?,
    );
    Ok(())
}

/// The losses of one network as the figure of losses takes them; `watched` where spectra were held out to watch it.
pub fn losses_of(fold: usize, history: &[EpochRecord], watched: bool) -> LossRun {
    LossRun {
        name: format!("fold {}", fold + 1),
        epochs: history
            .iter()
            .map(|record| EpochLoss {
                epoch: record.epoch,
                train: record.train_loss,
                validation: watched.then_some(record.validation_loss),
                learning_rate: record.learning_rate,
            })
            .collect(),
        best_epoch: history
            .iter()
            .min_by(|a, b| a.validation_loss.total_cmp(&b.validation_loss))
            .map(|record| record.epoch),
    }
}

/// Draws the losses of all networks.
pub fn draw_loss(
    run: &RunFiles,
    ensemble: &Ensemble,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<(), PipelineError> {
    let runs: Vec<LossRun> = ensemble
        .members
        .iter()
        .map(|member| {
            let training = &member.training;
            losses_of(training.fold, &training.history, training.validation_spectra > 0)
        })
        .collect();
    told(
        observer,
        run.write_figure("loss", &figure::loss(&runs), DEFAULT_SCALE, settings.output.svg)?,
    );
    Ok(())
}

fn told(observer: &mut dyn Observer, paths: Vec<std::path::PathBuf>) {
    for path in paths {
        observer.event(Event::Wrote(path));
    }
}
