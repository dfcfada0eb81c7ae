//! The known lines of a spectrum that is looked at.

use super::look::{LineSet, Look};
use crate::figure::axis::Axis;
use crate::figure::description::{Mark, MarkKind};
use crate::figure::spectrum::SpectrumView;
use crate::figure::{annotate, words};
use crate::spectrum::lines::{self, Line, LineKind};

/// Lines of one name that stand closer than this carry the name once, dots.
const CROWDED: f64 = 16.0;

/// The lines in view, the most important first.
pub(super) fn marks(view: &SpectrumView, look: &Look, x: &Axis, dot: f64) -> Vec<Mark> {
    let touched = |line: &Line| {
        let names = |region: &&crate::anomaly::Region| region.line.as_deref() == Some(line.name.as_str());
        view.regions.iter().filter(names).any(|region| {
            (region.rest_min - annotate::NEAR..=region.rest_max + annotate::NEAR).contains(&line.wavelength)
        })
    };
    let in_set = |line: &Line| {
        look.lines.contains(line)
            || (look.lines == LineSet::Major && line.kind != LineKind::Sky && touched(line))
    };
    let mut found: Vec<((bool, bool, usize), Mark)> = Vec::new();
    for line in lines::all() {
        let (kind, observed) = match (line.kind, look.redshift()) {
            (LineKind::Sky, _) if look.sky_lines => (MarkKind::Sky, line.wavelength),
            (LineKind::Emission, Some(z)) if in_set(line) => {
                (MarkKind::Emission, line.wavelength * (1.0 + z))
            }
            (LineKind::Absorption, Some(z)) if in_set(line) => {
                (MarkKind::Absorption, line.wavelength * (1.0 + z))
            }
            _ => continue,
        };
        let name = match kind {
            MarkKind::Sky => format!("sky {}", words::line_name(&line.name)),
            _ => words::line_name(&line.name),
        };
        let place = look.x_of(observed);
        let known = |(_, mark): &(_, Mark)| mark.name == name && (mark.x - place).abs() < 1.5;
        if (x.min..=x.max).contains(&place) && !found.iter().any(known) {
            let rank = IMPORTANT.iter().position(|important| *important == line.name);
            let importance = (
                kind == MarkKind::Sky || !touched(line),
                kind == MarkKind::Sky || !line.major,
                rank.unwrap_or(IMPORTANT.len()),
            );
            found.push((importance, Mark { x: place, name, kind }));
        }
    }
    // of lines of one name, the redmost (the strongest of [O III]) comes first and carries it
    found.sort_by(|(a, left), (b, right)| a.cmp(b).then(right.x.total_cmp(&left.x)));
    let mut marks: Vec<Mark> = Vec::with_capacity(found.len());
    for (_, mut mark) in found {
        let again =
            |other: &Mark| other.name == mark.name && (other.x - mark.x).abs() < CROWDED * look.x_of(dot);
        if marks.iter().any(again) {
            mark.name.clear();
        }
        marks.push(mark);
    }
    marks
}

/// The lines that one looks for first.
const IMPORTANT: [&str; 19] = [
    "H alpha", "[O III]", "[O II]", "H beta", "Ly alpha", "Mg II", "C IV", "C III]", "Ca K", "Ca H", "Mg b",
    "Na D", "[N II]", "[S II]", "G band", "H gamma", "[Ne III]", "H delta", "[Ne V]",
];
