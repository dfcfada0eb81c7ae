//! Where a spectrum departs from its reconstruction.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::scan::Sums;
use super::{Calibration, ErrorModel, Evidence, Reason, Region, Residual};
use crate::spectrum::SPEED_OF_LIGHT;
use crate::spectrum::lines::{self, Line, LineKind};

/// Wider than this is continuum, km/s: no line of a galaxy or quasar is.
const CONTINUUM_WIDTH: f64 = 15_000.0;
/// A region's line may lie this many pixels beyond its edge.
const LINE_REACH: usize = 2;
/// Regions are joined where that makes them more significant by this factor.
const JOIN_GAIN: f64 = 1.1;

/// A region in pixels of the model's grid; [`GridRegion::in_row`] makes it one of the catalog's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GridRegion {
    pub start: usize,
    /// Exclusive.
    pub end: usize,
    /// Observed frame, centers of the first and last pixel, Angstrom vacuum.
    pub wavelength_min: f64,
    pub wavelength_max: f64,
    pub rest_min: f64,
    pub rest_max: f64,
    pub reason: Reason,
    /// Mean residual in sigma, or what the window method measured.
    pub value: f64,
    /// Signed significance of the summed residual, sigma.
    pub significance: f64,
    /// How far that stands above like spectra's, in robust standard deviations of the logarithm; for the window method the
    /// ratio to the threshold.
    pub calibrated: f64,
    pub line: Option<&'static str>,
    pub artifact_fraction: f64,
}

impl GridRegion {
    /// The region as pixels `start..end` of the object's row.
    pub fn in_row(&self, start: usize, end: usize) -> Region {
        Region {
            start,
            end,
            wavelength_min: self.wavelength_min,
            wavelength_max: self.wavelength_max,
            rest_min: self.rest_min,
            rest_max: self.rest_max,
            reason: self.reason,
            value: self.value,
            significance: self.significance,
            line: self.line.map(str::to_owned),
            artifact_fraction: self.artifact_fraction,
            artifact_probability: None,
        }
    }

    /// Extent as a velocity, km/s.
    pub fn velocity_width(&self) -> f64 {
        SPEED_OF_LIGHT * (self.wavelength_max / self.wavelength_min).ln()
    }
}

/// The non-overlapping regions that stand out both in sigma and among spectra of like S/N, the strongest first.
///
/// The strongest window of all widths is taken, its edges moved to where it is most significant, its pixels set aside, and so
/// on; neighbors of one sign that are more significant together are then joined.
///
/// Panics where the residual is of another grid than the error model.
pub fn regions(
    residual: &Residual,
    evidence: &Evidence,
    errors: &ErrorModel,
    calibration: &Calibration,
) -> Vec<GridRegion> {
    // Most spectra of a survey have none, which their evidence says already.
    if !may_have_regions(evidence, calibration) {
        return Vec::new();
    }
    let sums = Sums::new(&errors.correct(residual));
    let finder = Finder {
        sums: &sums,
        calibration,
        ln_sn: evidence.ln_sn(),
    };
    // What no region has taken, in order.
    let mut free: Vec<Range<usize>> = std::iter::once(0..sums.pixels()).collect();
    let mut found: Vec<Found> = Vec::new();
    // Joining makes fewer of them, so look for some more than are asked for.
    let limit = 2 * calibration.settings().max_regions;
    while found.len() < limit {
        let Some(mut best) = finder.strongest(&free) else {
            break;
        };
        let place = free.partition_point(|stretch| stretch.end <= best.start);
        let within = free[place].clone();
        finder.refine(&mut best, &within);
        free.splice(place..=place, [within.start..best.start, best.end..within.end]);
        found.push(best);
    }
    let mut regions: Vec<GridRegion> = finder
        .joined(found)
        .into_iter()
        .map(|found| describe(residual, &sums, found))
        .collect();
    regions.sort_by(|a, b| b.calibrated.total_cmp(&a.calibrated).then(a.start.cmp(&b.start)));
    regions.truncate(calibration.settings().max_regions);
    regions
}

/// Whether any window of the spectrum can pass the thresholds of a region: within a width calibration keeps the order, so the greatest
/// significance of each width decides.
fn may_have_regions(evidence: &Evidence, calibration: &Calibration) -> bool {
    /// Evidence is rounded to 24 bits.
    const ROUNDED: f64 = 1.0 + 1e-6;
    let (settings, ln_sn) = (calibration.settings(), evidence.ln_sn());
    (0..settings.widths.len()).any(|width| {
        [(true, evidence.excess[width]), (false, evidence.missing[width])]
            .into_iter()
            .any(|(excess, sigma)| {
                let sigma = f64::from(sigma) * ROUNDED;
                sigma > settings.region_sigma
                    && calibration.calibrated(width, excess, sigma, ln_sn) >= settings.region_calibrated
            })
    })
}

/// Valid pixels within the regions over valid pixels (0 to 1); overlapping regions count once.
pub fn flagged_fraction(residual: &Residual, regions: &[GridRegion]) -> f64 {
    let (mut valid, mut flagged) = (0usize, 0usize);
    for pixel in (0..residual.len()).filter(|&pixel| residual.is_valid(pixel)) {
        valid += 1;
        flagged += usize::from(
            regions
                .iter()
                .any(|region| (region.start..region.end).contains(&pixel)),
        );
    }
    flagged as f64 / valid.max(1) as f64
}

/// Share of the regions' pixels that is prone to artifacts (0 to 1); 0 without regions.
pub fn artifact_fraction(regions: &[GridRegion]) -> f64 {
    let pixels: usize = regions.iter().map(|region| region.end - region.start).sum();
    let prone: f64 = regions
        .iter()
        .map(|region| region.artifact_fraction * (region.end - region.start) as f64)
        .sum();
    // an empty sum of floats is -0
    (prone / pixels.max(1) as f64).abs()
}

#[derive(Debug, Clone, Copy)]
struct Found {
    start: usize,
    end: usize,
    excess: bool,
    calibrated: f64,
}

struct Finder<'a> {
    sums: &'a Sums,
    calibration: &'a Calibration,
    ln_sn: f64,
}

impl Finder<'_> {
    /// The window of any width within one of the free stretches that stands out most; `None` where none does enough.
    fn strongest(&self, free: &[Range<usize>]) -> Option<Found> {
        let settings = self.calibration.settings();
        let mut best: Option<Found> = None;
        for (index, &width) in settings.widths.iter().enumerate() {
            let step = (width / 8).max(1);
            // By sign, the most significant place of this width: within a width, calibration keeps the order.
            let mut most = [(settings.region_sigma, None); 2];
            for stretch in free {
                let starts = stretch.start..(stretch.end + 1).saturating_sub(width);
                for start in starts.step_by(step) {
                    let end = start + width;
                    let least = most[0].0.min(most[1].0);
                    if !self.sums.may_exceed(start, end, least)
                        || self.sums.valid(start, end) < Sums::needed(width)
                    {
                        continue;
                    }
                    let sigma = self.sums.significance(start, end);
                    let most = &mut most[usize::from(sigma > 0.0)];
                    if sigma.abs() > most.0 {
                        *most = (sigma.abs(), Some(start));
                    }
                }
            }
            for (excess, (sigma, start)) in [false, true].into_iter().zip(most) {
                let Some(start) = start else { continue };
                let calibrated = self.calibration.calibrated(index, excess, sigma, self.ln_sn);
                if calibrated >= settings.region_calibrated
                    && best.is_none_or(|found| calibrated > found.calibrated)
                {
                    best = Some(Found {
                        start,
                        end: start + width,
                        excess,
                        calibrated,
                    });
                }
            }
        }
        best
    }

    /// Moves the edges within a free stretch, step by smaller step, while that makes the region more significant; invalid edge pixels go.
    fn refine(&self, found: &mut Found, within: &Range<usize>) {
        let sign = if found.excess { 1.0 } else { -1.0 };
        let mut best = sign * self.sums.significance(found.start, found.end);
        let mut step = ((found.end - found.start) / 4).max(1);
        loop {
            let (start, end) = (found.start, found.end);
            let choices = [
                (start.checked_sub(step), Some(end)),
                (Some(start + step), Some(end)),
                (Some(start), Some(end + step)),
                (Some(start), end.checked_sub(step)),
            ];
            let mut moved = false;
            for (start, end) in choices
                .into_iter()
                .filter_map(|(start, end)| Some((start?, end?)))
            {
                if start >= end || start < within.start || end > within.end {
                    continue;
                }
                let sigma = sign * self.sums.significance(start, end);
                if sigma > best {
                    (best, found.start, found.end, moved) = (sigma, start, end, true);
                }
            }
            if !moved {
                if step == 1 {
                    break;
                }
                step /= 2;
            }
        }
        while found.end - found.start > 1 && self.sums.valid(found.start, found.start + 1) == 0 {
            found.start += 1;
        }
        while found.end - found.start > 1 && self.sums.valid(found.end - 1, found.end) == 0 {
            found.end -= 1;
        }
    }

    /// Joins neighbors of one sign that together are more significant than either, in order of wavelength.
    ///
    /// So a broad line whose core the model has drawn is one region and not two wings, and two lines far apart stay two.
    fn joined(&self, mut found: Vec<Found>) -> Vec<Found> {
        found.sort_by_key(|found| found.start);
        let sigma = |found: &Found| self.sums.significance(found.start, found.end).abs();
        loop {
            let pair = found.windows(2).position(|pair| {
                let whole = Found {
                    end: pair[1].end,
                    ..pair[0]
                };
                let touching = self.sums.valid(pair[0].end, pair[1].start) <= 2;
                pair[0].excess == pair[1].excess
                    && (touching || sigma(&whole) > JOIN_GAIN * sigma(&pair[0]).max(sigma(&pair[1])))
            });
            let Some(first) = pair else { return found };
            let second = found.remove(first + 1);
            found[first].end = second.end;
            found[first].calibrated = found[first].calibrated.max(second.calibrated);
        }
    }
}

fn describe(residual: &Residual, sums: &Sums, found: Found) -> GridRegion {
    let Found {
        start,
        end,
        excess,
        calibrated,
    } = found;
    let (mut sigmas, mut valid) = (0.0, 0usize);
    for pixel in start..end {
        if sums.valid(pixel, pixel + 1) == 1 {
            sigmas += sums.significance(pixel, pixel + 1);
            valid += 1;
        }
    }
    let mut region = GridRegion {
        start,
        end,
        wavelength_min: residual.observed[start],
        wavelength_max: residual.observed[end - 1],
        rest_min: residual.rest(start),
        rest_max: residual.rest(end - 1),
        reason: if excess {
            Reason::ExcessFlux
        } else {
            Reason::MissingFlux
        },
        value: sigmas / valid.max(1) as f64,
        significance: sums.significance(start, end),
        calibrated,
        line: None,
        artifact_fraction: residual.artifact_fraction(start, end),
    };
    if region.velocity_width() <= CONTINUUM_WIDTH {
        region.line = touched_line(residual, sums, &region).map(|line| line.name.as_str());
    }
    region
}

/// The known line within the region nearest to its center of light, a major one before any other.
pub(super) fn touched_line(residual: &Residual, sums: &Sums, region: &GridRegion) -> Option<&'static Line> {
    let sign = region.significance.signum();
    let (mut moment, mut total) = (0.0, 0.0);
    for pixel in region.start..region.end {
        let light = (sign * sums.significance(pixel, pixel + 1)).max(0.0);
        moment += light * residual.rest(pixel);
        total += light;
    }
    let center = if total > 0.0 {
        moment / total
    } else {
        0.5 * (region.rest_min + region.rest_max)
    };
    let first = residual.rest(region.start.saturating_sub(LINE_REACH));
    let last = residual.rest((region.end - 1 + LINE_REACH).min(residual.len() - 1));
    let may_be = |line: &Line| match (region.reason, line.kind) {
        (_, LineKind::Sky) | (Reason::ExcessFlux, LineKind::Absorption) => false,
        // Nobody misses a line that few galaxies have.
        (Reason::MissingFlux, LineKind::Emission) => line.major,
        _ => true,
    };
    lines::all()
        .iter()
        .filter(|line| may_be(line) && (first..=last).contains(&line.wavelength))
        .min_by(|a, b| {
            let key = |line: &Line| (!line.major, (line.wavelength - center).abs());
            key(a).partial_cmp(&key(b)).unwrap_or(std::cmp::Ordering::Equal)
        })
}

#[cfg(test)]
impl GridRegion {
    /// An excess or lack of `half` Angstrom to both sides of a line at `rest`, of an object at z = 0.1.
    pub(super) fn about(rest: f64, half: f64, name: &'static str, reason: Reason) -> Self {
        Self {
            start: 0,
            end: 8,
            wavelength_min: 1.1 * (rest - half),
            wavelength_max: 1.1 * (rest + half),
            rest_min: rest - half,
            rest_max: rest + half,
            reason,
            value: 5.0,
            significance: 20.0,
            calibrated: 6.0,
            line: Some(name),
            artifact_fraction: 0.0,
        }
    }
}
