//! The selected rows of a catalog, and how their spectra are read and prepared.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::grid::{self, Extent};
use super::settings::{SelectionSettings, Settings};
use super::shelf::Room;
use super::{CancelToken, Event, Observer, PipelineError, Stage};
use crate::catalog::{Catalog, Query};
use crate::spectrum::prepare::{Frame, Preparation, Prepared};
use crate::spectrum::{Facts, MaskKind, REDSHIFTS, RowIssue, Spectrum};

/// Spectra whose extent decides on the grid.
const EXTENTS: usize = 2000;
/// Spectra that are prepared and looked at together.
pub const CHUNK: usize = 256;
/// Rows that are tried where the first cannot be read.
const LOOKED_INTO: usize = 100;

/// A catalog and the rows that were asked for, without duplicates.
pub struct Selection {
    pub catalog: Catalog,
    pub rows: Vec<u64>,
    /// Number of rows selected, usable or not.
    pub selected: u64,
    /// Selected rows that cannot be used; those found while reading are added as they are met.
    pub issues: Vec<RowIssue>,
    /// Which issue is of which row, for those found while reading.
    noted: HashMap<u64, usize>,
    /// Digest of what the grid of the preparation was chosen from, where it was chosen from these rows.
    pub chosen_from: Option<String>,
    /// Of catalog and rows: what a checkpoint was trained on.
    pub digest: String,
}

impl Selection {
    /// Opens the catalog and selects its rows.
    pub fn open(
        inputs: &[String],
        settings: &SelectionSettings,
        observer: &mut dyn Observer,
    ) -> Result<Self, PipelineError> {
        let catalog = Catalog::open(inputs)?;
        if catalog.is_empty() {
            return Err(PipelineError::EmptyCatalog {
                inputs: inputs.to_vec(),
            });
        }
        let query = Query {
            filter: settings.r#where.clone(),
            order_by: settings.order_by.clone(),
            limit: settings.limit,
        };
        let selected = catalog.select(&query)?;
        if selected.is_empty() {
            return Err(PipelineError::NothingSelected {
                condition: settings.r#where.clone().unwrap_or_default(),
                rows: catalog.len(),
            });
        }
        observer.event(Event::Selected {
            rows: selected.len() as u64,
            of: catalog.len(),
        });
        let duplicates = catalog.duplicate_rows()?;
        let skipped: HashSet<u64> = duplicates.iter().map(|(row, _)| *row).collect();
        let rows: Vec<u64> = selected
            .iter()
            .copied()
            .filter(|row| !skipped.contains(row))
            .collect();
        let count = selected.len() as u64;
        let selected: HashSet<u64> = selected.into_iter().collect();
        let issues: Vec<RowIssue> = duplicates
            .into_iter()
            .filter(|(row, _)| selected.contains(row))
            .map(|(_, issue)| issue)
            .collect();
        for issue in &issues {
            observer.event(Event::Issue(issue.clone()));
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(catalog.digest().as_bytes());
        for row in &rows {
            hasher.update(&row.to_le_bytes());
        }
        let digest = hasher.finalize().to_hex().to_string();
        Ok(Self {
            catalog,
            rows,
            selected: count,
            issues,
            noted: HashMap::new(),
            chosen_from: None,
            digest,
        })
    }

    /// Whose bits the masks of the first readable spectrum have: those of all, in the catalog of one survey.
    pub fn mask_kind(&self) -> Result<MaskKind, PipelineError> {
        for row in self.rows.iter().take(LOOKED_INTO) {
            if let Ok(spectrum) = self.catalog.read(*row)? {
                return Ok(spectrum.mask_kind);
            }
        }
        Ok(MaskKind::Plain)
    }

    /// The rows to train on: all, or `limit` of them drawn with the seed, in catalog order.
    pub fn training_rows(&self, limit: usize, seed: u64) -> Vec<u64> {
        if self.rows.len() <= limit {
            return self.rows.clone();
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut chosen = index::sample(&mut random, self.rows.len(), limit).into_vec();
        chosen.sort_unstable();
        chosen.into_iter().map(|i| self.rows[i]).collect()
    }

    /// Names the content of the catalog's files as far as it can be told without reading them: beside what their footers say, their places and
    /// the times of their last change.
    pub fn content(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.catalog.digest().as_bytes());
        for file in self.catalog.files() {
            let path = file.path.canonicalize().unwrap_or(file.path);
            let changed = path.metadata().and_then(|metadata| metadata.modified());
            hasher.update(format!("{}\0{changed:?}\0", path.display()).as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Reads the spectra of `rows` in order; rows that cannot be used become issues.
    pub fn read(
        &mut self,
        rows: &[u64],
        frame: Frame,
        observer: &mut dyn Observer,
        mut each: impl FnMut(Spectrum) -> Result<(), PipelineError>,
    ) -> Result<(), PipelineError> {
        for (row, read) in rows.iter().zip(self.catalog.spectra(rows)) {
            if let Some(spectrum) = self.usable(read?, *row, frame, observer) {
                each(spectrum)?;
            }
        }
        Ok(())
    }

    /// The spectrum, or nothing where its row is an issue.
    fn usable(
        &mut self,
        read: Result<Spectrum, RowIssue>,
        row: u64,
        frame: Frame,
        observer: &mut dyn Observer,
    ) -> Option<Spectrum> {
        match read.and_then(|spectrum| self.in_frame(spectrum, row, frame)) {
            Ok(spectrum) => Some(spectrum),
            Err(issue) => {
                self.note(&[(row, issue)], observer);
                None
            }
        }
    }

    /// Notes issues of rows, each once: every pass over the catalog meets the same bad rows.
    pub fn note(&mut self, issues: &[(u64, RowIssue)], observer: &mut dyn Observer) {
        for (row, issue) in issues {
            if !self.noted.contains_key(row) {
                self.noted.insert(*row, self.issues.len());
                observer.event(Event::Issue(issue.clone()));
                self.issues.push(issue.clone());
            }
        }
    }

    /// The issues of `rows` that are known.
    pub fn issues_of(&self, rows: &[u64]) -> Vec<(u64, RowIssue)> {
        let known = |row: &u64| Some((*row, self.issues[*self.noted.get(row)?].clone()));
        rows.iter().filter_map(known).collect()
    }

    /// The rows that can be used, once all were read.
    pub fn usable_rows(&self) -> Vec<u64> {
        let rows = self.rows.iter().copied();
        rows.filter(|row| !self.noted.contains_key(row)).collect()
    }

    /// The spectrum, or the issue that it cannot be brought to the rest frame.
    fn in_frame(&self, spectrum: Spectrum, row: u64, frame: Frame) -> Result<Spectrum, RowIssue> {
        let reason = match (frame, spectrum.facts.z) {
            (Frame::Observed, _) => return Ok(spectrum),
            (Frame::Rest, Some(z)) if REDSHIFTS.contains(&z) => return Ok(spectrum),
            (Frame::Rest, Some(z)) => {
                format!("{z} is no galaxy's redshift; use --frame observed to do without")
            }
            (Frame::Rest, None) => {
                "no redshift, which the rest frame needs; use --frame observed to do without".into()
            }
        };
        let files = self.catalog.files();
        let file = &files[files.partition_point(|file| file.first_row <= row) - 1];
        Err(RowIssue {
            file: file.path.display().to_string(),
            row: row - file.first_row,
            object_id: spectrum.facts.object_id.to_string(),
            column: "z".into(),
            reason,
        })
    }

    /// Chooses the model's grid from a sample of the rows, or takes the one that an earlier job has chosen from them.
    pub fn choose_preparation(
        &mut self,
        settings: &Settings,
        room: &Room,
        observer: &mut dyn Observer,
    ) -> Result<Preparation, PipelineError> {
        let asked = serde_json::to_vec(&(&settings.prepare, settings.training.seed)).unwrap_or_default();
        let mut from = blake3::Hasher::new();
        for part in [self.content().as_bytes(), self.digest.as_bytes(), &asked] {
            from.update(part);
        }
        let from = from.finalize().to_hex().to_string();
        let chosen = room.chosen(&from);
        self.chosen_from = Some(from);
        if let Some(preparation) = chosen {
            return Ok(preparation);
        }
        let rows = self.training_rows(EXTENTS, settings.training.seed);
        let mut extents = Vec::with_capacity(rows.len());
        self.read(&rows, settings.prepare.frame, observer, |spectrum| {
            extents.push(Extent {
                z: spectrum.facts.z.unwrap_or(0.0),
                grid: spectrum.grid,
            });
            Ok(())
        })?;
        if extents.is_empty() {
            return Err(self.nothing_usable());
        }
        grid::choose(&settings.prepare, &extents)
    }

    /// Reads and prepares `rows` in chunks of [`CHUNK`], in order, each spectrum with the number of its row. The next ones are decoded beside the
    /// work on these. It ends early where `each` breaks off, or cancelled.
    pub fn prepared(
        &mut self,
        rows: &[u64],
        preparation: &Preparation,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
        mut each: impl FnMut(Vec<(u64, Prepared)>) -> Result<ControlFlow<()>, PipelineError>,
    ) -> Result<(), PipelineError> {
        let edges = preparation.edges();
        let mut reading = rows.iter().zip(self.catalog.spectra(rows));
        let mut done = 0;
        while !cancel.is_cancelled() {
            let mut spectra = Vec::with_capacity(CHUNK);
            for (row, read) in reading.by_ref() {
                done += 1;
                let usable = self.usable(read?, *row, preparation.frame, observer);
                spectra.extend(usable.map(|spectrum| (*row, spectrum)));
                if spectra.len() == CHUNK {
                    break;
                }
            }
            if spectra.is_empty() {
                break;
            }
            let prepare = |(row, spectrum): &(u64, Spectrum)| (*row, preparation.prepare(spectrum, &edges));
            if each(spectra.par_iter().map(prepare).collect())?.is_break() {
                break;
            }
            observer.event(Event::Step {
                stage: Stage::Read,
                done,
                total: rows.len() as u64,
            });
        }
        Ok(())
    }

    pub fn nothing_usable(&self) -> PipelineError {
        PipelineError::NothingUsable {
            selected: self.selected,
            first: self
                .issues
                .first()
                .map_or_else(|| "none given".into(), ToString::to_string),
        }
    }
}

/// What decides on the fold of an object: its place on the sky where it has one, so that two observations of one galaxy are never on both sides
/// of a split, else its id. The cells have 3.2 arcseconds. Zero in both is what tables without positions say.
pub fn fold_key(facts: &Facts) -> String {
    const DEPTH: u8 = 16;
    match facts.ra.zip(facts.dec) {
        Some((ra, dec)) if ra.is_finite() && dec.abs() <= 90.0 && (ra, dec) != (0.0, 0.0) => {
            cdshealpix::nested::hash(DEPTH, ra.to_radians(), dec.to_radians()).to_string()
        }
        _ => facts.object_id.to_string(),
    }
}
