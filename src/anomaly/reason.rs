//! The reason of a vote, in the line that an astronomer would write.

use super::hypothesis;
use super::logistic::{chance, log_odds};
use super::words::OUT_OF_PROPORTION;
use super::{
    Calibration, Component, Evidence, GridRegion, Injection, OwnLines, Reason, STATISTICS, Score, Vote,
};
use crate::spectrum::lines;

/// From this share of the votes on, a kind is named without the help of a region.
pub(super) const NAMED: f64 = 0.3;
/// With fewer votes than this for anything but normal, what they are for says nothing.
const STRANGE: f64 = 0.5;
/// From these shares on, an artifact is possible, and likely.
pub(super) const POSSIBLE: f64 = 0.5;
const LIKELY: f64 = 0.75;
/// A region with this share of sky, overlap or masked pixels is described where it was seen, not at rest, and says nothing of the object.
pub(super) const PRONE: f64 = 0.5;
/// Narrower than this is a narrow line, km/s.
const NARROW: f64 = 700.0;
/// What is wider than this is of the continuum, whichever line lies in it, km/s.
const CONTINUUM: f64 = 15_000.0;
/// Without a vote an artifact is likely from this share of sky, overlap or masked pixels on, if no known line explains the region.
const LIKELY_SHARE: f64 = 0.8;
/// A lack that is wider than this is no absorption line of a galaxy, whichever it touches, km/s.
const STELLAR: f64 = 3000.0;
/// The odds of an artifact are less by this logarithm where the object's own lines speak.
const OWN_LINES: f64 = 2.0;
/// The statistics of the continuum's ends.
const BLUEST: &str = "color_3825";
const REDDEST: &str = "color_7900";
/// A statistic of a hypothesis is told from here on, robust standard deviations of like spectra.
const TOLD: f64 = 3.0;

impl Injection {
    /// The name in files: the snake_case one of the serialized form.
    pub fn name(self) -> &'static str {
        match self {
            Self::NarrowLine => "narrow_line",
            Self::BroadBalmer => "broad_balmer",
            Self::DoublePeak => "double_peak",
            Self::SecondLines => "second_lines",
            Self::LinesGone => "lines_gone",
            Self::StrongLines => "strong_lines",
            Self::Absorption => "absorption",
            Self::Supernova => "supernova",
            Self::Star => "star",
            Self::Quasar => "quasar",
            Self::Blend => "blend",
            Self::WrongRedshift => "wrong_redshift",
            Self::Bump => "bump",
            Self::Step => "step",
            Self::Slope => "slope",
            Self::CosmicRay => "cosmic_ray",
            Self::SkyResidual => "sky_residual",
            Self::Dead => "dead",
            Self::NoisyBand => "noisy_band",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::NarrowLine => "an emission line",
            Self::BroadBalmer => "broad Balmer lines",
            Self::DoublePeak => "emission lines split in two",
            Self::SecondLines => "emission lines of another redshift",
            Self::LinesGone => "emission lines fainter than others foretell",
            Self::StrongLines => "emission lines as of a starburst or an active nucleus",
            Self::Absorption => "absorption lines",
            Self::Supernova => "the light of a supernova",
            Self::Star => "the light of a star",
            Self::Quasar => "the light of a quasar",
            Self::Blend => "another galaxy in the fiber",
            Self::WrongRedshift => "features at another redshift than the catalog's",
            Self::Bump => "a bump in the flux calibration",
            Self::Step => "a step in the flux calibration",
            Self::Slope => "a continuum of another color than the lines tell",
            Self::CosmicRay => "sharper than any line: a cosmic ray",
            Self::SkyResidual => "sky lines left in",
            Self::Dead => "no flux where there should be",
            Self::NoisyBand => "more scatter than the errors say",
        }
    }
}

impl GridRegion {
    /// `excess of 14 sigma, 180 A wide, at rest 6563 A`; where it is prone to artifacts `at observed 5790 A`.
    fn place(&self) -> String {
        let what = match self.reason {
            Reason::MissingFlux => "lack",
            _ => "excess",
        };
        let (frame, low, high) = if self.artifact_fraction >= PRONE {
            ("observed", self.wavelength_min, self.wavelength_max)
        } else {
            ("rest", self.rest_min, self.rest_max)
        };
        format!(
            "{what} of {:.0} sigma, {:.0} A wide, at {frame} {:.0} A",
            self.significance.abs(),
            (high - low).max(1.0),
            0.5 * (low + high)
        )
    }

    /// How much of it is prone to artifacts, where that is to be told: `, 57% sky, overlap or masked`.
    fn proneness(&self) -> Option<String> {
        let share = 100.0 * self.artifact_fraction;
        (self.artifact_fraction >= PRONE).then(|| format!(", {share:.0}% sky, overlap or masked"))
    }

    /// All that is known of it where nobody votes on what it is: `excess of 14 sigma, 180 A wide, at rest 6563 A: broad H alpha`.
    pub fn words(&self) -> String {
        let mut words = self.place();
        if let Some(line) = self.as_line() {
            words.push_str(MEANS);
            words.push_str(&line);
        }
        if let Some(prone) = self.proneness() {
            words.push_str(&prone);
            let likely = self.artifact_fraction >= LIKELY_SHARE && self.line.is_none();
            words.push_str(if likely { LIKELY_WORDS } else { POSSIBLE_WORDS });
        }
        words
    }

    /// The line that it may be, and what is strange about it: `narrow H alpha`, `Na D stronger than the model draws`.
    fn as_line(&self) -> Option<String> {
        let name = self.line.filter(|_| self.velocity_width() < CONTINUUM)?;
        let lacks = self.reason == Reason::MissingFlux;
        // Where a line absorbs, less light is more of it.
        if lacks && lines::only_absorbs(name) {
            let is_line = self.velocity_width() < STELLAR;
            return is_line.then(|| format!("{name} stronger than the model draws"));
        }
        let width = if self.velocity_width() < NARROW {
            "narrow"
        } else {
            "broad"
        };
        Some(format!("{width} {name}{}", if lacks { " missing" } else { "" }))
    }
}

/// The probability of an artifact where lines say what the object is: no instrument strengthens several lines at once, broadens H alpha, or makes the lines of a star at rest.
pub fn beside_own_lines(artifact: f64) -> f64 {
    chance(log_odds(artifact) - OWN_LINES)
}

/// How a reason begins to say that the latent vector is rare.
const RARE: &str = "rare";
/// What stands between a place and what it means.
const MEANS: &str = ": ";
const LIKELY_WORDS: &str = ": likely artifact";
const POSSIBLE_WORDS: &str = ": possibly an artifact";

/// The place that a reason begins with, without what it means.
pub fn place_of(reason: &str) -> &str {
    reason.split(MEANS).next().unwrap_or_default()
}

/// Whether a reason says that the latent vector is rare.
pub fn says_rare(reason: &str) -> bool {
    reason.contains(RARE)
}

/// Why the jury finds a spectrum strange; regions must be sorted, the strongest first.
pub(super) fn of_vote(
    vote: &Vote,
    score: &Score,
    evidence: &Evidence,
    regions: &[GridRegion],
    own: Option<&OwnLines>,
    calibration: &Calibration,
) -> String {
    let first = regions.first();
    let rare = score.latent > score.windows && score.latent >= TOLD;
    let strange = vote.strange >= STRANGE;
    let mut words = match first {
        Some(region) => region.place(),
        None if rare => {
            let (distance, typical) = score.latent_distance.unwrap_or((0.0, 0.0));
            format!("well reconstructed but {RARE}: latent distance {distance:.1}, typical {typical:.1}")
        }
        None if score.component == Component::Lines && score.lines >= TOLD => OUT_OF_PROPORTION.to_owned(),
        None if strange => "no single region stands out".to_owned(),
        None => return "nothing stands out".to_owned(),
    };
    let kind = (strange && vote.kind_share >= NAMED).then_some(vote.kind);
    if let Some(meaning) = meaning(kind, regions, own, evidence, calibration) {
        words.push_str(MEANS);
        words.push_str(&meaning);
    }
    if let Some(prone) = first.and_then(GridRegion::proneness) {
        words.push_str(&prone);
    }
    if strange && vote.artifact >= LIKELY {
        words.push_str(LIKELY_WORDS);
    } else if strange && vote.artifact >= POSSIBLE {
        words.push_str(POSSIBLE_WORDS);
    }
    if first.is_some() && rare {
        words.push_str(&format!("; {RARE} latent vector"));
    }
    words
}

/// What regions and a kind mean together.
fn meaning(
    kind: Option<Injection>,
    regions: &[GridRegion],
    own: Option<&OwnLines>,
    evidence: &Evidence,
    calibration: &Calibration,
) -> Option<String> {
    let line = regions.first().and_then(GridRegion::as_line);
    if let Some(own) = own.filter(|own| kind.is_none_or(|kind| kind == own.kind)) {
        return Some(own.words.clone());
    }
    let kind = match kind {
        Some(kind) => kind,
        None => return line,
    };
    Some(match kind {
        Injection::NarrowLine => line.unwrap_or_else(|| "an emission line at no known wavelength".to_owned()),
        Injection::Absorption => line.unwrap_or_else(|| "absorption at no known wavelength".to_owned()),
        Injection::BroadBalmer | Injection::DoublePeak | Injection::LinesGone | Injection::StrongLines => {
            match line {
                Some(line) => format!("{line}, {}", kind.words()),
                None => kind.words().to_owned(),
            }
        }
        Injection::Star => match best(evidence, calibration, "star_") {
            Some(temperature) => format!("the light of a star of about {temperature} K"),
            None => kind.words().to_owned(),
        },
        Injection::Supernova => match best(evidence, calibration, "supernova_") {
            Some(name) if name.starts_with("ia") => "the light of a type Ia supernova".to_owned(),
            Some(_) => "the light of a type II supernova".to_owned(),
            None => kind.words().to_owned(),
        },
        Injection::Slope => color(evidence, calibration).unwrap_or(kind.words()).to_owned(),
        _ => kind.words().to_owned(),
    })
}

/// How the continuum that the model draws differs from that of like spectra, if it does.
fn color(evidence: &Evidence, calibration: &Calibration) -> Option<&'static str> {
    let z = |name| calibration.statistic(hypothesis::place_of(name), evidence);
    let redness = z(REDDEST) - z(BLUEST);
    (redness.abs() >= TOLD).then_some(match redness > 0.0 {
        true => "a continuum redder than of like spectra: dust, or the flux calibration",
        false => "a continuum bluer than of like spectra: the flux calibration, or hot stars",
    })
}

/// The rest of the name of the statistic that stands out most among those that begin with `family`, if it is worth telling.
fn best(evidence: &Evidence, calibration: &Calibration, family: &str) -> Option<&'static str> {
    STATISTICS
        .iter()
        .enumerate()
        .filter_map(|(index, name)| {
            Some((calibration.statistic(index, evidence), name.strip_prefix(family)?))
        })
        .filter(|(z, _)| *z >= TOLD)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_light_is_more_of_a_line_that_absorbs() {
        let words = |rest, half, line, reason| GridRegion::about(rest, half, line, reason).as_line();
        let (lack, excess) = (Reason::MissingFlux, Reason::ExcessFlux);
        let sodium = words(5894.0, 6.0, "Na D", lack);
        assert_eq!(sodium.as_deref(), Some("Na D stronger than the model draws"));
        assert_eq!(
            words(3969.6, 80.0, "Ca H", lack),
            None,
            "no galaxy's is that wide"
        );
        assert_eq!(
            words(4862.7, 4.0, "H beta", lack).as_deref(),
            Some("narrow H beta missing")
        );
        assert_eq!(
            words(6564.6, 60.0, "H alpha", excess).as_deref(),
            Some("broad H alpha")
        );
    }
}
