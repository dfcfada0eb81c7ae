//! The object's own gas: emission lines above the model, and what ionizes it.

use super::reason::{NAMED, POSSIBLE, PRONE, beside_own_lines};
use super::{GridRegion, Injection, Reason, Residual, Vote};

/// Rest wavelengths, Angstrom vacuum, as in `spectrum/lines.csv`.
const H_BETA: f64 = 4862.68;
const O_III: f64 = 5008.24;
const H_ALPHA: f64 = 6564.61;
const N_II: f64 = 6585.27;
/// Those whose breadth tells of an active nucleus.
const BROAD_LINES: [(f64, &str); 2] = [(H_ALPHA, "H alpha"), (H_BETA, "H beta")];
/// An excess about one of them of these widths is that of a broad line, km/s, from so many sigma on.
const BROAD: (f64, f64) = (2500.0, 12_000.0);
const BROAD_SIGMA: f64 = 10.0;
/// So many known lines in excess say that the object's gas is meant, and so many that no instrument is; so many are named.
const SEVERAL: usize = 2;
const CERTAIN: usize = 3;
const NAMED_LINES: usize = 4;
/// Lines that only a hard continuum ionizes; that of massive stars ends before.
const HARD: [&str; 2] = ["[Ne V]", "[Fe VII]"];
/// A line is measured within the first of these about its center and compared with what lies from the second to the third, in units of the wavelength: 350, 1300 and 2400 km/s.
/// H alpha's neighbors are 670 and 940 km/s away, those of [O III] 2900.
const WINDOW: (f64, f64, f64) = (1.17e-3, 4.34e-3, 8.0e-3);
/// H alpha over H beta behind dust of E(B-V) = 0.7; 2.86 without any.
const DUSTY: f64 = 6.0;
/// A line is there from here on, sigma.
const THERE: f64 = 5.0;

/// What ionizes the gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ionized {
    ByStars,
    ByNucleus,
}

/// Tells what ionizes the gas by [O III]/H beta and [N II]/H alpha; `None` where [O III] or H alpha is not observed or too faint.
///
/// More than any starburst makes, by Kewley et al. 2001 (ApJ 556, 121, equation 5), is an active nucleus's. H beta, part of which fills its own absorption, counts with three sigma at
/// least, and with what H alpha foretells behind a good deal of dust.
pub fn ionized(residual: &Residual) -> Option<Ionized> {
    // A line's flux is its mean over a width that is proportional to its wavelength; with its error.
    let line = |rest: f64| {
        let center = rest * (1.0 + residual.z);
        let (line, near, far) = WINDOW;
        let above = residual.above(center, (line * center, near * center, far * center))?;
        Some((center * above.mean, center * above.error))
    };
    let there = |rest: f64| {
        line(rest)
            .filter(|(flux, error)| *flux >= THERE * error)
            .map(|(flux, _)| flux)
    };
    let at_least = |rest: f64| line(rest).map(|(flux, error)| flux.max(3.0 * error));
    let (oxygen, h_alpha) = (there(O_III)?, there(H_ALPHA)?);
    let h_beta = at_least(H_BETA)?.max(h_alpha / DUSTY);
    let (excitation, nitrogen) = ((oxygen / h_beta).log10(), (at_least(N_II)? / h_alpha).log10());
    let by_nucleus = nitrogen >= 0.47 || excitation > 0.61 / (nitrogen - 0.47) + 1.19;
    Some(if by_nucleus {
        Ionized::ByNucleus
    } else {
        Ionized::ByStars
    })
}

/// What the object's own lines say where several of them, or a broad Balmer line, stand above the model: galaxies whose lines are stronger than those of nearly all others have no
/// one region that says so.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnLines {
    pub kind: Injection,
    pub words: String,
    /// Whether they are too many, or too telling, for an instrument's doing.
    certain: bool,
    /// Whether a permitted line of them is as broad as a quasar's.
    broad: bool,
}

impl OwnLines {
    /// Of regions, the strongest first; `ionized` is what ionizes the gas, if that is known.
    ///
    /// One line suffices where it is the strongest of all and the vote, of no clear mind, calls lines gone: what is there is not.
    pub fn of(regions: &[GridRegion], ionized: Option<Ionized>, vote: Option<&Vote>) -> Option<Self> {
        let excess: Vec<&GridRegion> = regions
            .iter()
            .filter(|region| region.reason == Reason::ExcessFlux && region.artifact_fraction < PRONE)
            .collect();
        if let Some((name, significance)) = broad_line(&excess) {
            return Some(Self {
                kind: Injection::BroadBalmer,
                words: format!("broad {name} of {significance:.0} sigma"),
                certain: true,
                broad: true,
            });
        }
        let mut lines: Vec<&str> = Vec::new();
        for name in excess
            .iter()
            .filter(|region| region.velocity_width() < BROAD.0)
            .filter_map(|region| region.line)
        {
            if !lines.contains(&name) {
                lines.push(name);
            }
        }
        // Both lines of the pair, one of which may have run into its neighbors.
        let oxygen = excess.iter().filter(|region| region.line == Some("[O III]"));
        let pair = lines.contains(&"[O III]") && oxygen.count() > 1;
        let gone = vote.is_some_and(|vote| vote.kind == Injection::LinesGone && vote.kind_share < NAMED);
        let strongest = regions.first().and_then(|region| region.line);
        let contradicted = gone && strongest.is_some() && strongest == lines.first().copied();
        if lines.len() < SEVERAL && !pair && !contradicted {
            return None;
        }
        let of = match ionized.or_else(|| ionized_by_lines(&excess)) {
            Some(Ionized::ByNucleus) => ", as of an active nucleus",
            Some(Ionized::ByStars) => ", as of a starburst",
            None => "",
        };
        let named = lines[..lines.len().min(NAMED_LINES)].join(", ");
        let is_permitted = |name: &str| is_balmer(name) || name == "Mg II";
        Some(Self {
            kind: Injection::StrongLines,
            words: format!("lines stronger than the model draws ({named}){of}"),
            certain: pair || contradicted || lines.len() >= CERTAIN,
            broad: excess
                .iter()
                .any(|region| is_broad(region) && region.line.is_some_and(is_permitted)),
        })
    }

    /// Whether they decide what the object is, and not the vote: unless that takes it for the light of something else than gas at the object's redshift, or of no object.
    ///
    /// The quasars of the vote are of any redshift, and have broad lines.
    fn decide(&self, kind: Injection) -> bool {
        match kind {
            Injection::SecondLines | Injection::Star | Injection::Supernova => false,
            Injection::Quasar => self.kind == Injection::BroadBalmer || !self.broad,
            Injection::LinesGone => true,
            kind => !kind.is_artifact(),
        }
    }
}

fn is_balmer(name: &str) -> bool {
    name.starts_with("H ")
}

fn is_broad(region: &GridRegion) -> bool {
    (BROAD.0..BROAD.1).contains(&region.velocity_width())
}

/// The line of an active nucleus that one of the regions in excess is about, and its significance.
fn broad_line(excess: &[&GridRegion]) -> Option<(&'static str, f64)> {
    let strong = excess
        .iter()
        .filter(|region| is_broad(region) && region.significance >= BROAD_SIGMA);
    strong.into_iter().find_map(|region| {
        let mut lines = BROAD_LINES.into_iter();
        let (_, name) = lines.find(|(rest, _)| (region.rest_min..region.rest_max).contains(rest))?;
        Some((name, region.significance))
    })
}

/// What ionizes the gas, by which narrow lines are in excess: where their ratios cannot be told.
fn ionized_by_lines(excess: &[&GridRegion]) -> Option<Ionized> {
    let narrow = || excess.iter().filter(|region| region.velocity_width() < BROAD.0);
    let has = |is_one: &dyn Fn(&str) -> bool| narrow().filter_map(|region| region.line).any(is_one);
    // The other He II line of the list, at 5413 Angstrom, is too faint to be it.
    let helium = narrow().any(|region| region.line == Some("He II") && region.rest_max < 4800.0);
    if helium || has(&|name| HARD.contains(&name)) {
        Some(Ionized::ByNucleus)
    } else {
        has(&is_balmer).then_some(Ionized::ByStars)
    }
}

impl Vote {
    /// Takes into account what the object's own lines say: no instrument strengthens several at once, or broadens them. They decide the kind where it is not an artifact all the same.
    pub fn weigh(&mut self, own: &OwnLines) {
        if own.certain {
            self.artifact = beside_own_lines(self.artifact);
        }
        if self.artifact < POSSIBLE && (own.decide(self.kind) || self.kind_share < NAMED) {
            self.kind = own.kind;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(reason: Reason) -> [GridRegion; 3] {
        [(5008.24, "[O III]"), (4862.68, "H beta"), (3869.86, "[Ne III]")]
            .map(|(rest, name)| GridRegion::about(rest, 4.0, name, reason))
    }

    fn weighed(kind: Injection, regions: &[GridRegion]) -> (f64, Injection) {
        weighed_of(kind, 0.4, regions)
    }

    fn weighed_of(kind: Injection, kind_share: f64, regions: &[GridRegion]) -> (f64, Injection) {
        let mut vote = Vote {
            strange: 0.9,
            artifact: 0.7,
            kind,
            kind_share,
        };
        if let Some(own) = OwnLines::of(regions, None, Some(&vote)) {
            vote.weigh(&own);
        }
        (vote.artifact, vote.kind)
    }

    #[test]
    fn lines_that_are_strong_together_are_the_objects() {
        let (gone, strong) = (Injection::LinesGone, lines(Reason::ExcessFlux));
        let (artifact, kind) = weighed(gone, &strong);
        assert!(artifact < 0.25, "{artifact}");
        assert_eq!(kind, Injection::StrongLines);
        assert_eq!(weighed(Injection::Star, &strong).1, Injection::Star);
        let as_it_was = (0.7, gone);
        assert_eq!(
            weighed(gone, &strong[..1]),
            as_it_was,
            "one line may be a cosmic ray"
        );
        assert_eq!(weighed(gone, &lines(Reason::MissingFlux)), as_it_was);
        let (artifact, kind) = weighed_of(gone, 0.2, &strong[..1]);
        assert!(
            artifact < 0.25 && kind == Injection::StrongLines,
            "{artifact} {kind:?}"
        );
        let lacks = GridRegion::about(4341.68, 4.0, "H gamma", Reason::MissingFlux);
        assert_eq!(weighed_of(gone, 0.2, &[lacks, strong[0].clone()]), as_it_was);
    }

    #[test]
    fn narrow_lines_are_no_quasars() {
        let mut seen = lines(Reason::ExcessFlux).to_vec();
        assert_eq!(weighed(Injection::Quasar, &seen).1, Injection::StrongLines);
        seen.push(GridRegion::about(4341.68, 30.0, "H gamma", Reason::ExcessFlux));
        assert_eq!(weighed(Injection::Quasar, &seen).1, Injection::Quasar);
        let h_beta = GridRegion::about(H_BETA, 30.0, "H beta", Reason::ExcessFlux);
        assert_eq!(weighed(Injection::Quasar, &[h_beta]).1, Injection::BroadBalmer);
    }

    /// A flat spectrum at z = 0.1 and S/N 50 with the four lines, of these heights.
    fn seen(h_beta: f64, o_iii: f64, h_alpha: f64, n_ii: f64) -> Option<Ionized> {
        let mut draw = crate::anomaly::draw::Draw::new(3, 0);
        let observed: Vec<f64> = (0..3200)
            .map(|i| 4500.0 * 10f64.powf(1e-4 * f64::from(i)))
            .collect();
        let lines = [(H_BETA, h_beta), (O_III, o_iii), (H_ALPHA, h_alpha), (N_II, n_ii)];
        let flux: Vec<f32> = observed
            .iter()
            .map(|wavelength| {
                let rest = wavelength / 1.1;
                let light = |(center, height): (f64, f64)| {
                    height * (-0.5 * ((rest - center) / (4e-4 * center)).powi(2)).exp()
                };
                (1.0 + lines.map(light).iter().sum::<f64>() + 0.02 * draw.normal()) as f32
            })
            .collect();
        let model = vec![1.0; flux.len()];
        ionized(&Residual {
            flux: &flux,
            ivar: &vec![2500.0; flux.len()],
            reconstruction: &model,
            observed: &observed,
            artifact: &vec![false; flux.len()],
            z: 0.1,
        })
    }

    #[test]
    fn line_ratios_tell_stars_from_a_nucleus() {
        assert_eq!(
            seen(1.0, 0.5, 2.9, 0.9),
            Some(Ionized::ByStars),
            "a spiral galaxy"
        );
        assert_eq!(seen(1.0, 6.0, 2.9, 0.1), Some(Ionized::ByStars), "few metals");
        assert_eq!(
            seen(1.0, 9.0, 2.9, 2.5),
            Some(Ionized::ByNucleus),
            "a Seyfert galaxy"
        );
        assert_eq!(
            seen(0.0, 1.0, 0.3, 0.4),
            Some(Ionized::ByNucleus),
            "H beta is not seen"
        );
        assert_eq!(seen(0.0, 0.0, 0.0, 0.0), None);
    }
}
