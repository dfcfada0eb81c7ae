//! Known spectral lines, vacuum rest wavelengths.
//!
//! Source: the emission and absorption lists of SDSS and DESI's line fitter (`desispec.emlinefit`), in `lines.csv`.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// How a line shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineKind {
    Emission,
    Absorption,
    /// Of the night sky: observed frame.
    Sky,
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Line {
    pub name: String,
    /// Vacuum wavelength, Angstrom: rest frame, for sky lines observed.
    #[serde(rename = "vacuum_angstrom")]
    pub wavelength: f64,
    pub kind: LineKind,
    /// Among those one draws by default.
    #[serde(deserialize_with = "yes")]
    pub major: bool,
}

fn yes<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(String::deserialize(deserializer)? == "yes")
}

static LINES: LazyLock<Vec<Line>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("lines.csv").as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("lines.csv is part of the program and well-formed")
});

/// All lines, in the order of the list (ascending within a kind).
pub fn all() -> &'static [Line] {
    &LINES
}

/// Whether a line of this name is only ever seen in absorption, as those of stars and of cold gas are.
pub fn only_absorbs(name: &str) -> bool {
    let mut kinds = LINES
        .iter()
        .filter(|line| line.name == name)
        .map(|line| line.kind)
        .peekable();
    kinds.peek().is_some() && kinds.all(|kind| kind == LineKind::Absorption)
}

/// The line of one of `kinds` nearest to `rest` (Angstrom vacuum) within `tolerance` Angstrom; of two equally near, a major one.
pub fn nearest(rest: f64, tolerance: f64, kinds: &[LineKind]) -> Option<&'static Line> {
    LINES
        .iter()
        .filter(|line| kinds.contains(&line.kind) && (line.wavelength - rest).abs() <= tolerance)
        .min_by(|a, b| {
            let distance = |line: &Line| ((line.wavelength - rest).abs(), !line.major);
            distance(a)
                .partial_cmp(&distance(b))
                .expect("wavelengths are finite")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h_alpha_is_found_and_named() {
        let line = nearest(6563.0, 5.0, &[LineKind::Emission]).unwrap();
        assert_eq!((line.name.as_str(), line.major), ("H alpha", true));
        assert!(nearest(6450.0, 5.0, &[LineKind::Emission]).is_none());
    }

    #[test]
    fn sodium_only_absorbs_and_hydrogen_does_both() {
        assert!(only_absorbs("Na D") && only_absorbs("Ca H"));
        assert!(!only_absorbs("H beta") && !only_absorbs("[O III]") && !only_absorbs("no line"));
    }
}
