//! The places that one jumps to: flagged regions, the strongest first; known lines, from blue to red.

use crate::anomaly::Region;
use crate::figure::{LineSet, Look, SpectrumView, line_name};
use crate::spectrum::lines::{self, Line, LineKind};

use super::PaneError;

/// Components of one line no further apart than this are one stop, Angstrom in the rest frame.
const BLEND: f64 = 8.0;

/// A line of the night sky is the nearest only within this of it, relative (1000 km/s).
const SKY_REACH: f64 = 1.0 / 300.0;

/// The regions worth a stop of their own, the strongest first: one whose middle lies in a stronger one is seen with that.
pub(super) fn regions(view: &SpectrumView) -> Vec<&Region> {
    let strength = |region: &Region| {
        let strength = match region.significance {
            0.0 => region.value,
            significance => significance,
        };
        if strength.is_finite() { strength.abs() } else { 0.0 }
    };
    let known = |region: &&Region| region.wavelength_min.is_finite() && region.wavelength_max.is_finite();
    let mut sorted: Vec<&Region> = view.regions.iter().filter(known).collect();
    sorted.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
    let mut stops: Vec<&Region> = Vec::new();
    for region in sorted {
        let middle = (region.wavelength_min + region.wavelength_max) / 2.0;
        let seen = |stop: &&Region| (stop.wavelength_min..=stop.wavelength_max).contains(&middle);
        if !stops.iter().any(seen) {
            stops.push(region);
        }
    }
    stops
}

/// The lines that are on, or the major ones where none is, within the spectrum: observed wavelength (the mean of a blend) and line.
pub(super) fn lines(look: &Look, (first, last): (f64, f64)) -> Vec<(f64, &'static Line)> {
    let Some(z) = look.redshift() else {
        return Vec::new();
    };
    let set = match look.lines {
        LineSet::None => LineSet::Major,
        set => set,
    };
    let mut found: Vec<(f64, &Line)> = lines::all()
        .iter()
        .filter(|line| set.contains(line))
        .map(|line| (line.wavelength * (1.0 + z), line))
        .filter(|(observed, _)| (first..=last).contains(observed))
        .collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut stops: Vec<(f64, &Line)> = Vec::new();
    let mut blend = (0.0, 0.0);
    for (observed, line) in found {
        match stops.last_mut() {
            Some(stop) if line.wavelength - blend.0 / blend.1 <= BLEND => {
                blend = (blend.0 + line.wavelength, blend.1 + 1.0);
                stop.0 = blend.0 / blend.1 * (1.0 + z);
            }
            _ => {
                blend = (line.wavelength, 1.0);
                stops.push((observed, line));
            }
        }
    }
    stops
}

/// The line nearest to an observed wavelength among those that are on (sky lines too), and its observed wavelength.
pub(super) fn nearest(look: &Look, observed: f64) -> Option<(f64, &'static Line)> {
    let set = match look.lines {
        LineSet::None => LineSet::Major,
        set => set,
    };
    let place = |line: &'static Line| match (line.kind, look.redshift()) {
        (LineKind::Sky, _) => {
            let near = (observed / line.wavelength - 1.0).abs() < SKY_REACH;
            (look.sky_lines && near).then_some(line.wavelength)
        }
        (_, Some(z)) => set.contains(line).then_some(line.wavelength * (1.0 + z)),
        (_, None) => None,
    };
    lines::all()
        .iter()
        .filter_map(|line| place(line).map(|at| (at, line)))
        .min_by(|a, b| (a.0 - observed).abs().total_cmp(&(b.0 - observed).abs()))
}

/// The line of the object that is meant by `text`: `Ha`, `H alpha`, `Hα`, `[OIII]`, `oiii 5007`, `6563`.
pub(super) fn named(text: &str) -> Result<&'static Line, PaneError> {
    let unknown = || PaneError::UnknownLine(text.trim().to_owned());
    let plain = plain(text);
    let name = plain.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number: Option<f64> = plain[name.len()..].parse().ok();
    let of_object = || lines::all().iter().filter(|line| line.kind != LineKind::Sky);
    let matching = of_object().filter(|line| {
        let long = self::plain(&line.name);
        let short = short(&line.name);
        name.is_empty() || long == name || short.as_deref() == Some(name)
    });
    let by_number = |number: f64| {
        move |a: &&Line, b: &&Line| {
            let off = |line: &Line| (line.wavelength - number).abs();
            off(a).total_cmp(&off(b))
        }
    };
    match number {
        // what is known by its air wavelength is at most 3 Angstrom off
        Some(number) => matching
            .min_by(by_number(number))
            .filter(|line| (line.wavelength - number).abs() < 4.0)
            .ok_or_else(unknown),
        None if name.is_empty() => Err(unknown()),
        None => matching
            .max_by(|a, b| {
                (a.major, a.wavelength)
                    .partial_cmp(&(b.major, b.wavelength))
                    .unwrap_or(std::cmp::Ordering::Equal)
            })
            .ok_or_else(unknown),
    }
}

/// Letters and digits in lower case, with Greek letters written out.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    for c in name.chars() {
        match c {
            'α' => plain.push_str("alpha"),
            'β' => plain.push_str("beta"),
            'γ' => plain.push_str("gamma"),
            'δ' => plain.push_str("delta"),
            'ε' => plain.push_str("epsilon"),
            'ζ' => plain.push_str("zeta"),
            c if c.is_alphanumeric() || c == '.' => plain.extend(c.to_lowercase()),
            _ => {}
        }
    }
    plain
}

/// `ha` for `H alpha`, `lya` for `Ly alpha`.
fn short(name: &str) -> Option<String> {
    let (start, greek) = name.split_once(' ')?;
    let known = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"].contains(&greek);
    known.then(|| plain(start) + &greek[..1])
}

/// The name of a line with its wavelength where others share the name.
pub(super) fn title(line: &Line) -> String {
    let shared = |other: &&Line| {
        other.kind == line.kind && other.name == line.name && other.wavelength != line.wavelength
    };
    let name = line_name(line);
    let name = if line.kind == LineKind::Sky {
        format!("sky {name}")
    } else {
        name
    };
    if lines::all().iter().any(|other| shared(&other)) {
        format!("{name} {:.0}", line.wavelength)
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_all_the_names_they_have() {
        for (text, wavelength) in [
            ("Ha", 6564.61),
            ("H alpha", 6564.61),
            (" hα ", 6564.61),
            ("lya", 1215.67),
            ("[OIII]", 5008.24),
            ("[O III] 4959", 4960.30),
            ("oiii5007", 5008.24),
            ("6563", 6564.61),
            ("ca k", 3934.78),
            ("MgII", 2803.53),
        ] {
            assert_eq!(named(text).map(|line| line.wavelength), Ok(wavelength), "{text}");
        }
        for text in ["", "  ", "unobtainium", "oiii 6000", "[", "6450", "OH sky"] {
            assert!(named(text).is_err(), "{text}");
        }
    }

    #[test]
    fn doublets_are_one_stop_and_lines_are_in_order() {
        let look = Look {
            z: Some(0.1),
            ..Look::default()
        };
        let stops = lines(&look, (3600.0, 9800.0));
        assert!(stops.is_sorted_by(|a, b| a.0 < b.0));
        let oii: Vec<_> = stops.iter().filter(|(_, line)| line.name == "[O II]").collect();
        assert_eq!(oii.len(), 1);
        assert!((oii[0].0 - 3728.485 * 1.1).abs() < 1e-6);
        assert!(
            stops.iter().filter(|(_, line)| line.name == "H alpha").count() == 1,
            "in emission and in absorption"
        );
        assert!(
            lines(&Look::default(), (3600.0, 9800.0)).is_empty(),
            "no redshift"
        );
    }

    #[test]
    fn the_sky_is_near_only_where_it_is() {
        let look = Look {
            z: Some(0.0),
            sky_lines: true,
            ..Look::default()
        };
        let name = |observed| nearest(&look, observed).map(|(_, line)| line.name.as_str());
        assert_eq!(name(5580.0), Some("[O I] sky"));
        assert_eq!(name(5650.0), Some("Na D"));
        let off = Look {
            sky_lines: false,
            ..look.clone()
        };
        let name = nearest(&off, 6301.0).map(|(_, line)| line.name.as_str());
        assert_eq!(name, Some("[N II]"));
    }
}
