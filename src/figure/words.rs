//! The words on a spectrum's figure: its title, its facts, short names of lines and reasons.

use compact_str::CompactString;

use super::axis::with_minus;
use super::spectrum::SpectrumView;
use crate::anomaly::{Reason, Region, percentile_words};

/// The line of facts: where it comes from, what the pipeline thinks it is, how good it is, where it is.
pub(super) fn facts(view: &SpectrumView) -> String {
    let facts = &view.facts;
    let mut parts: Vec<String> = Vec::new();
    let mut place = facts.source.to_string();
    for more in [&facts.survey, &facts.program].into_iter().flatten() {
        if !more.is_empty() {
            place = format!("{place} {more}");
        }
    }
    parts.push(place.trim().to_owned());
    let class = [&facts.spectype, &facts.subtype];
    parts.push(
        class
            .into_iter()
            .flatten()
            .map(CompactString::as_str)
            .collect::<Vec<_>>()
            .join(" "),
    );
    if let Some(z) = facts.z {
        let error = facts.zerr.filter(|e| e.is_finite() && *e > 0.0);
        let error = error.map(|e| format!(" ± {e:.5}")).unwrap_or_default();
        parts.push(format!("z = {}{error}", with_minus(&format!("{z:.5}"))));
    }
    if let Some(zwarn) = facts.zwarn {
        parts.push(match zwarn_names(zwarn) {
            names if names.is_empty() => format!("ZWARN {zwarn}"),
            names => format!("ZWARN {zwarn} ({names})"),
        });
    }
    if let Some(deltachi2) = facts.deltachi2 {
        parts.push(format!("Δχ² {deltachi2:.1}"));
    }
    if view.sn.is_finite() {
        parts.push(format!("S/N {:.1} per pixel", view.sn));
    }
    if let (Some(ra), Some(dec)) = (facts.ra, facts.dec) {
        parts.push(format!("RA {ra:.5}°, Dec {}°", with_minus(&format!("{dec:+.5}"))));
    }
    parts.retain(|part| !part.trim().is_empty());
    parts.join(" · ")
}

/// `z = 0.12345`, with a true minus.
pub(super) fn redshift(z: f64) -> String {
    format!("z = {}", with_minus(&format!("{z:.5}")))
}

/// The verdict in numbers.
pub(super) fn verdict(view: &SpectrumView) -> String {
    let anomalous = if view.anomalous { "anomalous · " } else { "" };
    format!(
        "{anomalous}score {} · percentile {}",
        with_minus(&format!("{:.2}", view.score)),
        percentile_words(view.percentile)
    )
}

/// Names of the redshift pipeline's warning bits.
///
/// Source: `redrock.zwarning`.
fn zwarn_names(zwarn: i64) -> String {
    const NAMES: [&str; 12] = [
        "sky",
        "little coverage",
        "small Δχ²",
        "negative model",
        "many outliers",
        "z at limit",
        "negative emission",
        "unplugged",
        "bad target",
        "no data",
        "bad minimum",
        "poor data",
    ];
    let set = NAMES.iter().enumerate().filter(|(bit, _)| zwarn >> bit & 1 == 1);
    set.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

/// `Hα` for `H alpha`.
pub(super) fn line_name(name: &str) -> String {
    const GREEK: [(&str, &str); 6] = [
        (" alpha", "α"),
        (" beta", "β"),
        (" gamma", "γ"),
        (" delta", "δ"),
        (" epsilon", "ε"),
        (" zeta", "ζ"),
    ];
    let name = name.replace(" sky", "").replace("*", "");
    GREEK
        .iter()
        .find_map(|(word, letter)| name.strip_suffix(word).map(|start| format!("{start}{letter}")))
        .unwrap_or(name)
}

/// What a region's shade means, in the legend's narrow column; `r` is the residual, `f` the flux.
pub(super) fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::ExcessFlux => "excess flux",
        Reason::MissingFlux => "missing flux",
        Reason::HighAbsoluteResidual => "high |r|",
        Reason::HighRelativeResidual => "high |r|/f",
        Reason::RangeMismatch => "range ×",
        Reason::RareLatent => "rare latent",
        Reason::OutsideModelRange => "outside model",
    }
}

/// The label of a region: how strong it is and the line it touches.
pub fn region_label(region: &Region) -> String {
    let strength = match region.reason {
        Reason::ExcessFlux | Reason::MissingFlux if region.significance.is_finite() => {
            let decimals = usize::from(region.significance.abs() < 10.0);
            with_minus(&format!("{:+.decimals$}", region.significance)) + "σ"
        }
        Reason::HighAbsoluteResidual => format!("|r| {:.2}", region.value),
        Reason::HighRelativeResidual => format!("|r|/f {:.2}", region.value),
        Reason::RangeMismatch => format!("range ×{:.2}", region.value),
        other => reason_name(other).to_owned(),
    };
    match &region.line {
        Some(line) => format!("{strength} {}", line_name(line)),
        None => strength,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_get_their_greek_letters() {
        assert_eq!(line_name("H alpha"), "Hα");
        assert_eq!(line_name("Ly alpha"), "Lyα");
        assert_eq!(line_name("[O III]"), "[O III]");
        assert_eq!(line_name("[O I] sky"), "[O I]");
    }

    #[test]
    fn warning_bits_are_named() {
        assert_eq!(zwarn_names(0), "");
        assert_eq!(zwarn_names(0b1_0100), "small Δχ², many outliers");
    }
}
