//! The spectra of a benchmark: degraded copies with anomalies planted, two catalogs mixed, or a catalog as it is.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Material, RankingRequest, truth};
use crate::catalog::{CatalogWriter, ExtraColumn, ExtraKind, ExtraValue, WriterOptions};
use crate::model::fold_of;
use crate::pipeline::settings::SelectionSettings;
use crate::pipeline::source::{Selection, fold_key};
use crate::pipeline::{CancelToken, Observer, PipelineError};
use crate::simulate::plant::{PlantKind, Site, plant};
use crate::simulate::{degrade, signal_to_noise};
use crate::spectrum::Spectrum;
use crate::spectrum::prepare::Frame;

/// What is planted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planting {
    pub kinds: Vec<PlantKind>,
    /// Share of the spectra that get an anomaly.
    pub rate: f64,
    /// Range of the visibility, log-uniform; `None`: from what an eye sees of each kind to ten times that.
    pub strength: Option<(f64, f64)>,
    /// Range of the median S/N a pixel, log-uniform.
    pub sn: (f64, f64),
    /// How often each spectrum of the catalog is taken.
    pub count: usize,
    /// At most so many spectra of the catalog are taken.
    pub spectra: usize,
}

impl Default for Planting {
    fn default() -> Self {
        Self {
            kinds: PlantKind::ALL.to_vec(),
            rate: 0.1,
            strength: None,
            sn: (5.0, 60.0),
            count: 1,
            spectra: 5000,
        }
    }
}

/// The truth about one spectrum of a draw.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    pub object_id: String,
    /// The id of the catalog's row that it was made of.
    pub base_id: String,
    /// `None` for a normal spectrum.
    pub kind: Option<String>,
    pub artifact: Option<bool>,
    /// Visibility of a planted anomaly; the table's own measure where the truth is a table.
    pub strength: Option<f64>,
    pub wavelength_min: Option<f64>,
    pub wavelength_max: Option<f64>,
    pub z_second: Option<f64>,
    /// Median S/N a pixel, as drawn; `None` where nothing was drawn.
    pub sn: Option<f64>,
}

impl Mark {
    pub fn ordinary(object_id: &str, base_id: &str) -> Self {
        Self {
            object_id: object_id.to_owned(),
            base_id: base_id.to_owned(),
            kind: None,
            artifact: None,
            strength: None,
            wavelength_min: None,
            wavelength_max: None,
            z_second: None,
            sn: None,
        }
    }
}

/// A catalog to rank, and its truth.
pub(super) struct Draw {
    pub inputs: Vec<String>,
    pub selection: SelectionSettings,
    /// By object id. Objects without an entry are normal.
    pub marks: HashMap<String, Mark>,
    /// The catalog's folder, gone with the draw; `None` where the catalog is the user's own.
    _folder: Option<tempfile::TempDir>,
}

impl Draw {
    /// Makes the draw of a seed; `None` when cancelled.
    pub fn make(
        request: &RankingRequest,
        seed: u64,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<Option<Self>, PipelineError> {
        if let Material::Known { truth: path } = &request.material {
            return Ok(Some(Self {
                inputs: request.inputs.clone(),
                selection: request.settings.selection.clone(),
                marks: truth::marks(path)?,
                _folder: None,
            }));
        }
        let Some(drawn) = draw(request, seed, observer, cancel)? else {
            return Ok(None);
        };
        let folder = tempfile::tempdir().map_err(|source| PipelineError::Io {
            what: "a temporary folder cannot be made".into(),
            source,
        })?;
        let path = folder.path().join("draw.parquet");
        write(&path, &drawn, request, seed)?;
        Ok(Some(Self {
            inputs: vec![path.to_string_lossy().into_owned()],
            selection: SelectionSettings::default(),
            marks: drawn
                .into_iter()
                .map(|(_, mark)| (mark.object_id.clone(), mark))
                .collect(),
            _folder: Some(folder),
        }))
    }
}

/// A catalog that was written for other programs.
#[derive(Debug, Clone, Serialize)]
pub struct Export {
    pub path: PathBuf,
    pub seed: u64,
    pub spectra: usize,
    pub anomalies: usize,
}

/// Writes the draws of all seeds: at `path`, or where there are several at `STEM_SEED.parquet`.
pub(super) fn export(
    request: &RankingRequest,
    path: &Path,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<Option<Vec<Export>>, PipelineError> {
    let mut exports = Vec::new();
    for &seed in &request.seeds {
        let Some(drawn) = draw(request, seed, observer, cancel)? else {
            return Ok(None);
        };
        let path = if request.seeds.len() == 1 {
            path.to_owned()
        } else {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            path.with_file_name(format!("{stem}_{seed}.parquet"))
        };
        if path.exists() {
            return Err(PipelineError::OutputExists { path });
        }
        write(&path, &drawn, request, seed)?;
        exports.push(Export {
            path,
            seed,
            spectra: drawn.len(),
            anomalies: drawn.iter().filter(|(_, mark)| mark.kind.is_some()).count(),
        });
    }
    Ok(Some(exports))
}

type Drawn = Vec<(Spectrum, Mark)>;

/// Spectra and truth of a seed.
fn draw(
    request: &RankingRequest,
    seed: u64,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<Option<Drawn>, PipelineError> {
    let selection = &request.settings.selection;
    let limit = match &request.material {
        Material::Planted(planting) => planting.spectra,
        _ => usize::MAX,
    };
    let spectra = read(&request.inputs, selection, limit, seed, observer)?;
    let drawn = match &request.material {
        Material::Planted(planting) => planted(&spectra, planting, seed)?,
        Material::Mixed { others, share } => {
            let others = read(others, &SelectionSettings::default(), usize::MAX, seed, observer)?;
            mixed(&spectra, &others, *share, seed)
        }
        Material::Known { truth } => {
            return Err(PipelineError::Truth {
                path: truth.clone(),
                what: "stands beside a catalog that is ranked as it is: there is nothing to export".into(),
            });
        }
    };
    Ok((!cancel.is_cancelled()).then_some(drawn))
}

fn read(
    inputs: &[String],
    selection: &SelectionSettings,
    limit: usize,
    seed: u64,
    observer: &mut dyn Observer,
) -> Result<Vec<Spectrum>, PipelineError> {
    let mut selection = Selection::open(inputs, selection, observer)?;
    let rows = selection.training_rows(limit, seed);
    let mut spectra = Vec::with_capacity(rows.len());
    selection.read(&rows, Frame::Observed, observer, |spectrum| {
        spectra.push(spectrum);
        Ok(())
    })?;
    if spectra.is_empty() {
        return Err(selection.nothing_usable());
    }
    Ok(spectra)
}

fn log_uniform(random: &mut ChaCha8Rng, (low, high): (f64, f64)) -> f64 {
    let share: f64 = random.random();
    (low.ln() + share * (high / low).ln()).exp()
}

/// Degraded copies with anomalies planted in them.
fn planted(spectra: &[Spectrum], planting: &Planting, seed: u64) -> Result<Drawn, PipelineError> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let total = spectra.len() * planting.count;
    let wanted: Vec<f64> = (0..total)
        .map(|_| log_uniform(&mut random, planting.sn))
        .collect();
    let mut drawn: Drawn = (0..total)
        .into_par_iter()
        .map(|index| {
            let clean = &spectra[index % spectra.len()];
            let copy = index / spectra.len();
            let mut spectrum = degrade(clean, wanted[index], seed, index as u64);
            if copy > 0 {
                // The place on the sky stays: it decides on the fold.
                spectrum.facts.object_id = format!("{}~{copy}", clean.facts.object_id).into();
                spectrum.facts.targetid = None;
            }
            let mark = Mark {
                sn: Some(signal_to_noise(&spectrum)),
                ..Mark::ordinary(&spectrum.facts.object_id, &clean.facts.object_id)
            };
            (spectrum, mark)
        })
        .collect();
    let mut places: Vec<usize> = (0..total).collect();
    places.shuffle(&mut random);
    let goal = (planting.rate * total as f64).round() as usize;
    let mut deck: Vec<PlantKind> = Vec::new();
    let mut done = 0;
    for place in places {
        if done == goal {
            break;
        }
        if deck.len() < planting.kinds.len() {
            // Kinds are dealt in shuffled rounds, the next one under what is left of the last.
            let mut round = planting.kinds.clone();
            round.shuffle(&mut random);
            deck.extend(round);
        }
        // The first kind of the deck that this spectrum can carry; the others wait for another spectrum.
        let clean = &spectra[place % spectra.len()];
        let site = Site {
            spectrum: &drawn[place].0,
            clean,
            others: spectra,
        };
        let tried = planting.kinds.len();
        let found = deck.iter().take(tried).enumerate().find_map(|(at, kind)| {
            let range = planting.strength.unwrap_or_else(|| kind.seen());
            Some((at, plant(*kind, site, range, seed, place as u64)?))
        });
        let Some((at, (spectrum, plant))) = found else {
            continue;
        };
        deck.remove(at);
        let mark = &mut drawn[place].1;
        mark.kind = Some(plant.kind.name().to_owned());
        mark.artifact = Some(plant.kind.is_artifact());
        mark.strength = Some(plant.visibility);
        mark.wavelength_min = Some(plant.wavelength_min);
        mark.wavelength_max = Some(plant.wavelength_max);
        mark.z_second = plant.z_second;
        drawn[place].0 = spectrum;
        done += 1;
    }
    if goal > 0 && done == 0 {
        return Err(PipelineError::NothingPlanted { spectra: total });
    }
    Ok(drawn)
}

/// Two catalogs in one, with one distribution of S/N: that of the strange ones. A galaxy that is worse than what it was to get stays.
fn mixed(spectra: &[Spectrum], others: &[Spectrum], share: f64, seed: u64) -> Drawn {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut places: Vec<usize> = (0..others.len()).collect();
    places.shuffle(&mut random);
    // So that they are `share` of all.
    let count = (share / (1.0 - share) * spectra.len() as f64).round() as usize;
    places.truncate(count.max(1));
    let ratios: Vec<f64> = others
        .iter()
        .map(signal_to_noise)
        .filter(|sn| *sn > 0.0)
        .collect();
    let mut drawn: Drawn = spectra
        .iter()
        .enumerate()
        .map(|(index, clean)| {
            let sn = ratios[random.random_range(0..ratios.len())];
            let spectrum = degrade(clean, sn, seed, index as u64);
            let mark = Mark {
                sn: Some(signal_to_noise(&spectrum)),
                ..Mark::ordinary(&spectrum.facts.object_id, &clean.facts.object_id)
            };
            (spectrum, mark)
        })
        .collect();
    let taken: std::collections::HashSet<&str> = spectra.iter().map(|s| s.facts.object_id.as_str()).collect();
    for place in places {
        let spectrum = &others[place];
        let id = &spectrum.facts.object_id;
        // The same object in both catalogs is no stranger.
        if taken.contains(id.as_str()) {
            continue;
        }
        let class = spectrum.facts.spectype.as_deref().unwrap_or("other");
        let mark = Mark {
            kind: Some(class.to_lowercase()),
            artifact: Some(false),
            sn: Some(signal_to_noise(spectrum)),
            ..Mark::ordinary(id, id)
        };
        drawn.push((spectrum.clone(), mark));
    }
    drawn
}

/// Writes a draw as a catalog with its truth in further columns.
fn write(path: &Path, drawn: &Drawn, request: &RankingRequest, seed: u64) -> Result<(), PipelineError> {
    let column = |name: &str, kind: ExtraKind, description: &str| ExtraColumn {
        name: name.into(),
        kind,
        unit: String::new(),
        description: description.into(),
    };
    let options = WriterOptions {
        provenance: serde_json::json!({
            "program": concat!("spectriage ", env!("CARGO_PKG_VERSION")),
            "benchmark": "ranking",
            "inputs": request.inputs,
            "seed": seed,
        }),
        extra: vec![
            column(
                "truth_kind",
                ExtraKind::Text,
                "what was planted; null for a normal spectrum",
            ),
            column("truth_artifact", ExtraKind::Bool, "whether it is an artifact"),
            column("truth_strength", ExtraKind::Float, "its visibility"),
            column(
                "truth_base_id",
                ExtraKind::Text,
                "the row of the catalog that it was made of",
            ),
            column(
                "truth_sn",
                ExtraKind::Float,
                "median signal-to-noise ratio a pixel",
            ),
            column("truth_fold", ExtraKind::Int, "fold of the cross-fitting"),
        ],
        ..WriterOptions::default()
    };
    let mut writer = CatalogWriter::create(path, options)?;
    let text = |value: &Option<String>| value.clone().map_or(ExtraValue::Null, ExtraValue::Text);
    let number = |value: Option<f64>| value.map_or(ExtraValue::Null, ExtraValue::Float);
    let folds = request.settings.training.folds;
    for (spectrum, mark) in drawn {
        let fold = fold_of(&fold_key(&spectrum.facts), folds);
        let extra = [
            text(&mark.kind),
            mark.artifact.map_or(ExtraValue::Null, ExtraValue::Bool),
            number(mark.strength),
            ExtraValue::Text(mark.base_id.clone()),
            number(mark.sn),
            ExtraValue::Int(fold as i64),
        ];
        writer.write_with(spectrum, &extra)?;
    }
    writer.finish()?;
    Ok(())
}
