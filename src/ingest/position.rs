//! Positions written into names: `J095035.55+321601.0`.

/// Right ascension and declination in degrees, from the first `hhmmss.s±ddmmss.s` in `name`.
pub(super) fn in_name(name: &str) -> Option<(f64, f64)> {
    name.match_indices(['+', '-']).find_map(|(at, sign)| {
        let (before, after) = (&name[..at], &name[at + 1..]);
        let end = after.find(is_other).unwrap_or(after.len());
        let hours = sexagesimal(before.rsplit(is_other).next()?, 24.0)?;
        let degrees = sexagesimal(after[..end].trim_end_matches('.'), 90.0)?;
        Some((15.0 * hours, if sign == "-" { -degrees } else { degrees }))
    })
}

fn is_other(c: char) -> bool {
    !c.is_ascii_digit() && c != '.'
}

/// `hhmmss.s` as a number of hours, at most `limit`.
fn sexagesimal(digits: &str, limit: f64) -> Option<f64> {
    let (whole, _) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.len() != 6 {
        return None;
    }
    let (hours, minutes): (f64, f64) = (digits[..2].parse().ok()?, digits[2..4].parse().ok()?);
    let seconds: f64 = digits[4..].parse().ok()?;
    let value = hours + minutes / 60.0 + seconds / 3600.0;
    (minutes < 60.0 && seconds < 60.0 && value <= limit).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_in_names() {
        // Computed with astropy.coordinates.SkyCoord.
        let (ra, dec) = in_name("spectrum_desi_095035.55+321601.0").unwrap();
        assert!((ra - 147.648125).abs() < 1e-9 && (dec - 32.266944444444).abs() < 1e-9);
        let (ra, dec) = in_name("SDSSJ220248.31-003656.3.csv").unwrap();
        assert!((ra - 330.701291666667).abs() < 1e-9 && (dec + 0.615638888889).abs() < 1e-9);
        for name in [
            "spec-0412-51942-0318",
            "coadd-4-80613-thru20210324",
            "a-b",
            "996035.55+321601.0",
            "",
            "é+é",
        ] {
            assert_eq!(in_name(name), None, "{name}");
        }
    }
}
