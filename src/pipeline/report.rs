//! The figures of a run.

use std::path::Path;

use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

use super::score::{Scorer, Verdicts};
use super::settings::{Pick, Settings};
use super::source::Selection;
use super::{Event, Observer, PipelineError, Stage};
use crate::anomaly::Judgement;
use crate::artifact::RunFiles;
use crate::figure::{self, DEFAULT_SCALE, EpochLoss, LossRun, SkyImage, SpectrumView};
use crate::model::Ensemble;
use crate::spectrum::prepare::Frame;
use crate::spectrum::{Facts, Spectrum};

/// The verdicts that are drawn: the top ones or a sample drawn with the seed, in the order of their rank.
pub fn picked<'a>(judgements: &'a [Judgement], settings: &Settings) -> Vec<&'a Judgement> {
    let output = &settings.output;
    let candidates: Vec<&Judgement> = judgements
        .iter()
        .filter(|j| j.anomalous || !output.only_anomalous)
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

/// Draws the combined figure of `judgements` and, where asked for, one figure a spectrum.
pub fn draw_spectra(
    run: &RunFiles,
    selection: &Selection,
    scorer: &Scorer,
    judgements: &[&Judgement],
    observer: &mut dyn Observer,
) -> Result<(), PipelineError> {
    let output = &scorer.settings.output;
    let mut views = Vec::with_capacity(judgements.len());
    for (done, judgement) in judgements.iter().enumerate() {
        views.push(view(selection, scorer, judgement)?);
        observer.event(Event::Step {
            stage: Stage::Draw,
            done: done as u64 + 1,
            total: judgements.len() as u64,
        });
    }
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
        for view in &views {
            let figure = figure::spectrum(view);
            told(
                observer,
                run.write_spectrum_figure(&view.facts.object_id, &figure, DEFAULT_SCALE, output.svg)?,
            );
        }
    }
    Ok(())
}

/// Draws the mean reconstruction error by wavelength.
pub fn draw_mean_error(
    run: &RunFiles,
    verdicts: &Verdicts,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<(), PipelineError> {
    let frame = match settings.prepare.frame {
        Frame::Rest => "Rest-frame",
        Frame::Observed => "Observed",
    };
    let error = &verdicts.mean_error;
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
    Ok(())
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
            LossRun {
                name: format!("fold {}", training.fold + 1),
                epochs: training
                    .history
                    .iter()
                    .map(|record| EpochLoss {
                        epoch: record.epoch,
                        train: record.train_loss,
                        validation: (training.validation_spectra > 0).then_some(record.validation_loss),
                        learning_rate: record.learning_rate,
                    })
                    .collect(),
                best_epoch: training
                    .history
                    .iter()
                    .min_by(|a, b| a.validation_loss.total_cmp(&b.validation_loss))
                    .map(|record| record.epoch),
            }
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

/// Everything that the figure of one spectrum shows, in its observed pixels and physical units.
fn view(
    selection: &Selection,
    scorer: &Scorer,
    judgement: &Judgement,
) -> Result<SpectrumView, PipelineError> {
    let spectrum = find(selection, &judgement.object_id)?;
    let preparation = scorer.preparation;
    let prepared = preparation.prepare(&spectrum, &preparation.edges());
    let seen = prepared.coverage > 0.0;
    let (stretch, offset, scale) = (prepared.stretch, prepared.offset, prepared.scale);
    let scored = scorer
        .reconstruct(vec![prepared])
        .pop()
        .expect("one spectrum in, one out");
    let wavelength = spectrum.grid.wavelengths();
    let reconstruction: Vec<f32> = wavelength
        .iter()
        .map(|observed| match preparation.grid.nearest(observed / stretch) {
            // Without a valid pixel in its range the model has said nothing.
            Some(pixel) if seen => {
                ((offset + scale * f64::from(scored.reconstruction[pixel])) / stretch) as f32
            }
            _ => f32::NAN,
        })
        .collect();
    let valid: Vec<bool> = (0..spectrum.len())
        .map(|pixel| spectrum.is_valid(pixel))
        .collect();
    let sigma: Vec<f32> = spectrum
        .ivar
        .iter()
        .map(|ivar| if *ivar > 0.0 { 1.0 / ivar.sqrt() } else { f32::NAN })
        .collect();
    let residual_sigma = (0..spectrum.len())
        .map(|i| {
            if valid[i] {
                (spectrum.flux[i] - reconstruction[i]) / sigma[i]
            } else {
                f32::NAN
            }
        })
        .collect();
    Ok(SpectrumView {
        rank: judgement.rank,
        score: judgement.score,
        percentile: judgement.percentile,
        anomalous: judgement.anomalous,
        reason: judgement.reason.clone(),
        sn: if seen { judgement.sn } else { f64::NAN },
        wavelength,
        sigma,
        valid,
        reconstruction,
        residual_sigma,
        regions: judgement.regions.clone(),
        mask_kind: spectrum.mask_kind,
        sky: sky(&spectrum.facts, scorer.settings.output.cutout_dir.as_deref()),
        flux: spectrum.flux,
        facts: spectrum.facts,
    })
}

/// The spectrum of an object, by its id alone.
pub fn find(selection: &Selection, id: &str) -> Result<Spectrum, PipelineError> {
    for row in selection.catalog.find(id)? {
        if let Ok(spectrum) = selection.catalog.read(row)? {
            return Ok(spectrum);
        }
    }
    Err(PipelineError::NoSuchObject { id: id.into() })
}

/// The sky image of an object from the folder of cutouts, by its id.
fn sky(facts: &Facts, folder: Option<&Path>) -> SkyImage {
    let Some(folder) = folder else {
        return SkyImage::Missing {
            why: "give a folder of images with --cutout-dir".into(),
        };
    };
    for extension in ["jpg", "jpeg", "png"] {
        let path = folder.join(format!("{}.{extension}", facts.object_id));
        if let Ok(bytes) = std::fs::read(&path) {
            let credit = folder
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            return SkyImage::Image {
                bytes,
                pixscale: None,
                credit,
                fiber_diameter: None,
            };
        }
    }
    SkyImage::Missing {
        why: format!("no {}.jpg or .png in {}", facts.object_id, folder.display()),
    }
}
