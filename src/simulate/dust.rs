//! Extinction curves: dust within the galaxy and dust of the Milky Way in front of it.

/// Attenuation A(lambda)/E(B-V) of starburst galaxies with R_V = 4.05; `rest` in Angstrom.
///
/// Source: Calzetti et al. 2000 (ApJ 533, 682), equations 4. Valid from 1200 to 22000 Angstrom.
pub(super) fn calzetti(rest: f64) -> f64 {
    let um = rest * 1e-4;
    let k = if um < 0.63 {
        2.659 * (-2.156 + 1.509 / um - 0.198 / (um * um) + 0.011 / (um * um * um))
    } else {
        2.659 * (-1.857 + 1.040 / um)
    };
    k + 4.05
}

/// Extinction A(lambda)/E(B-V) of the diffuse Milky Way with R_V = 3.1; `observed` in Angstrom, 3030 to 9091 and a little beyond.
///
/// Source: Cardelli, Clayton & Mathis 1989 (ApJ 345, 245), equation 3, with the optical coefficients of O'Donnell 1994
/// (ApJ 422, 158); the infrared power law beyond 9091 Angstrom.
pub(super) fn milky_way(observed: f64) -> f64 {
    const R_V: f64 = 3.1;
    const A: [f64; 9] = [1.0, 0.104, -0.609, 0.701, 1.137, -1.718, -0.827, 1.647, -0.505];
    const B: [f64; 9] = [0.0, 1.952, 2.908, -3.989, -7.985, 11.102, 5.491, -10.805, 3.347];
    let x = 1e4 / observed;
    let (a, b) = if x < 1.1 {
        (0.574 * x.powf(1.61), -0.527 * x.powf(1.61))
    } else {
        let y = x - 1.82;
        let horner = |c: &[f64]| c.iter().rev().fold(0.0, |sum, c| sum * y + c);
        (horner(&A), horner(&B))
    };
    R_V * (a + b / R_V)
}

/// Share of the light that passes: `10^(-0.4 k E(B-V))`.
pub(super) fn transmission(k: f64, ebv: f64) -> f64 {
    10f64.powf(-0.4 * k * ebv)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_have_their_published_values_at_v() {
        // R_V is by definition A(V)/E(B-V) at 5500 A: 4.05 and 3.1.
        assert!((calzetti(5500.0) - 4.05).abs() < 0.05, "{}", calzetti(5500.0));
        assert!((milky_way(5494.5) - 3.1).abs() < 0.02, "{}", milky_way(5494.5));
        // Both rise to the blue, and A(B) - A(V) = E(B-V) for the Milky Way.
        assert!((milky_way(4405.0) - milky_way(5470.0) - 1.0).abs() < 0.08);
        // Schlafly & Finkbeiner quote k(Ha) near 2.5, k(Hb) near 3.6 for this law.
        assert!((milky_way(6564.6) - 2.53).abs() < 0.1 && (milky_way(4862.7) - 3.6).abs() < 0.1);
    }
}
