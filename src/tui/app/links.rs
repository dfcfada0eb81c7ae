//! Pages of an object elsewhere.

use super::popup::Link;
use crate::spectrum::Facts;

/// The pages that know the position: none without one.
///
/// Positions are ICRS degrees. Source: the addresses are those of the services' own links (Legacy Surveys viewer, SDSS SkyServer
/// quick look, SIMBAD coordinate query).
pub fn links(facts: &Facts) -> Vec<Link> {
    let (Some(ra), Some(dec)) = (facts.ra, facts.dec) else {
        return Vec::new();
    };
    if !(ra.is_finite() && dec.is_finite()) {
        return Vec::new();
    }
    let link = |name, address| Link { name, address };
    let mut links = vec![
        link(
            "Legacy Surveys viewer",
            format!(
                "https://www.legacysurvey.org/viewer?ra={ra:.6}&dec={dec:.6}&layer=ls-dr10-grz&zoom=14&mark={ra:.6},{dec:.6}"
            ),
        ),
        link(
            "SDSS SkyServer",
            format!("https://skyserver.sdss.org/dr18/VisualTools/explore/summary?ra={ra:.6}&dec={dec:.6}"),
        ),
        link(
            "SIMBAD",
            format!(
                "https://simbad.cds.unistra.fr/simbad/sim-coo?Coord={ra:.6}d{}d&CooFrame=ICRS&Radius=5&Radius.unit=arcsec",
                format!("{dec:+.6}").replace('+', "%2B")
            ),
        ),
    ];
    if let Some(targetid) = facts.targetid.filter(|_| facts.source.starts_with("DESI")) {
        let address = format!("https://www.legacysurvey.org/viewer/desi-spectrum/dr1/targetid{targetid}");
        links.push(link("DESI spectrum", address));
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_needs_a_position() {
        let mut facts = Facts {
            ra: Some(150.1),
            dec: Some(-2.2),
            ..Facts::default()
        };
        let all = links(&facts);
        assert_eq!(all.len(), 3);
        assert!(all[2].address.contains("Coord=150.100000d-2.200000d&"));
        facts.dec = Some(2.2);
        assert!(links(&facts)[2].address.contains("d%2B2.200000d"));
        facts.dec = Some(f64::NAN);
        assert!(links(&facts).is_empty());
        facts.dec = None;
        assert!(links(&facts).is_empty());
    }
}
