//! Emission lines of ionized gas with physical ratios.

use super::dust::{calzetti, transmission};
use super::random::Draw;
use crate::spectrum::SPEED_OF_LIGHT;

/// One emission line: rest wavelength (Angstrom vacuum), flux, velocity dispersion (km/s), velocity offset (km/s).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EmissionLine {
    pub name: &'static str,
    pub rest: f64,
    /// In units of the galaxy's flux density at 5500 Angstrom rest frame times Angstrom, before the Milky Way's dust.
    pub flux: f64,
    pub sigma: f64,
    pub velocity: f64,
}

/// What ionizes the gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Stars,
    Seyfert,
    /// Low-ionization emission, weak, as in quiescent galaxies.
    Liner,
}

/// The state of the gas.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gas {
    /// Intrinsic (dust-free) H alpha flux, in units of the flux density at 5500 Angstrom times Angstrom.
    pub halpha: f64,
    /// log10 \[N II\] 6585 / H alpha.
    pub log_n2: f64,
    /// log10 \[O III\] 5008 / H beta.
    pub log_o3: f64,
    /// log10 (\[S II\] 6718 + 6733) / H alpha.
    pub log_s2: f64,
    /// log10 \[O I\] 6302 / H alpha.
    pub log_o1: f64,
    /// log10 (\[O II\] 3727 + 3730) / \[O III\] 5008.
    pub log_o23: f64,
    /// Electrons a cubic centimeter.
    pub density: f64,
    /// Line of sight dispersion, km/s.
    pub sigma: f64,
    /// E(B-V) of the dust in front of the gas.
    pub ebv: f64,
    /// High-ionization lines (He II, \[Ne V\]) relative to Seyferts.
    pub hard: f64,
}

impl Gas {
    /// Draws line ratios on the loci of the BPT diagram with their scatter.
    ///
    /// Star-forming: \[O III\]/H beta = 0.61 / (log \[N II\]/H alpha + 0.08) + 1.1 with 0.1 dex, Kewley et al. 2013 (ApJ 774, 100);
    /// Seyferts and LINERs beyond the maximum starburst line of Kewley et al. 2001, divided as in Kewley et al. 2006.
    pub(super) fn draw(
        draw: &mut Draw,
        source: Source,
        halpha: f64,
        metallicity: f64,
        sigma: f64,
        ebv: f64,
    ) -> Self {
        let log_n2 = match source {
            Source::Stars => (-0.52 + 0.75 * metallicity - 0.6 * metallicity.min(0.0).powi(2)
                + draw.normal(0.0, 0.10))
            .clamp(-1.7, -0.22),
            Source::Seyfert => draw.normal(-0.02, 0.14),
            Source::Liner => draw.normal(0.08, 0.14),
        };
        let log_o3 = match source {
            Source::Stars => (0.61 / (log_n2 + 0.08) + 1.1).clamp(-0.9, 0.85) + draw.normal(0.0, 0.09),
            Source::Seyfert => draw.normal(0.85, 0.15),
            Source::Liner => draw.normal(0.28, 0.14),
        };
        let (log_s2, log_o1, log_o23) = match source {
            Source::Stars => (
                -0.45 + draw.normal(0.0, 0.08) - 0.25 * (log_o3 - 0.2).max(0.0),
                -1.55 + draw.normal(0.0, 0.15),
                0.35 - 0.85 * log_o3 + draw.normal(0.0, 0.12),
            ),
            Source::Seyfert => (
                -0.35 + draw.normal(0.0, 0.10),
                -0.95 + draw.normal(0.0, 0.15),
                -0.55 + draw.normal(0.0, 0.2),
            ),
            Source::Liner => (
                0.0 + draw.normal(0.0, 0.10),
                -0.65 + draw.normal(0.0, 0.15),
                0.35 + draw.normal(0.0, 0.2),
            ),
        };
        Self {
            halpha,
            log_n2,
            log_o3,
            log_s2,
            log_o1,
            log_o23,
            density: 10f64.powf(draw.normal(1.8, 0.5)).clamp(5.0, 5000.0),
            sigma,
            ebv,
            hard: if source == Source::Seyfert {
                draw.log_uniform(0.3, 1.5)
            } else {
                0.0
            },
        }
    }

    /// The lines with their fluxes behind the galaxy's own dust.
    pub(super) fn lines(&self) -> Vec<EmissionLine> {
        let (ha, hb) = (self.halpha, self.halpha / H_ALPHA_TO_H_BETA);
        let n2 = ha * 10f64.powf(self.log_n2);
        let o3 = hb * 10f64.powf(self.log_o3);
        let s2 = ha * 10f64.powf(self.log_s2);
        let o1 = ha * 10f64.powf(self.log_o1);
        let o2 = o3 * 10f64.powf(self.log_o23);
        let (s2_ratio, o2_ratio) = (sulfur_ratio(self.density), oxygen_ratio(self.density));
        let ne3 = 0.09 * o3 + 0.02 * o2;
        let s3 = 0.35 * s2;
        let mut lines: Vec<EmissionLine> = [
            ("H alpha", 6564.61, ha),
            ("H beta", 4862.68, hb),
            ("H gamma", 4341.68, 0.469 * hb),
            ("H delta", 4102.89, 0.259 * hb),
            ("H epsilon", 3971.20, 0.159 * hb),
            ("H zeta", 3890.15, 0.105 * hb),
            ("H eta", 3836.47, 0.0735 * hb),
            ("H theta", 3798.98, 0.0532 * hb),
            ("Paschen 9", 9231.55, 0.0254 * hb),
            ("Paschen 10", 9017.39, 0.0184 * hb),
            ("[O III]", 5008.24, o3),
            ("[O III]", 4960.30, o3 / 2.98),
            ("[O III]", 4364.44, 0.008 * o3),
            ("[N II]", 6585.27, n2),
            ("[N II]", 6549.86, n2 / 3.05),
            ("[N II]", 5756.19, 0.012 * n2),
            ("[S II]", 6718.29, s2 * s2_ratio / (1.0 + s2_ratio)),
            ("[S II]", 6732.67, s2 / (1.0 + s2_ratio)),
            ("[O II]", 3729.88, o2 * o2_ratio / (1.0 + o2_ratio)),
            ("[O II]", 3727.09, o2 / (1.0 + o2_ratio)),
            ("[O I]", 6302.05, o1),
            ("[O I]", 6365.54, o1 / 3.03),
            ("[N I]", 5200.53, 0.25 * o1),
            ("[Ne III]", 3869.86, ne3),
            ("[Ne III]", 3968.59, 0.30 * ne3),
            ("He I", 5877.25, 0.115 * hb),
            ("He I", 6679.99, 0.030 * hb),
            ("He I", 4472.73, 0.040 * hb),
            ("He I", 3889.75, 0.10 * hb),
            ("He I", 7067.14, 0.022 * hb),
            ("[Ar III]", 7137.76, 0.03 * o3 + 0.02 * ha),
            ("[S III]", 9071.10, s3),
            ("[S III]", 9533.20, 2.47 * s3),
            ("He II", 4686.99, 0.25 * hb * self.hard),
            ("[Ne V]", 3426.85, 0.10 * o3 * self.hard),
            ("[Ne V]", 3346.79, 0.037 * o3 * self.hard),
        ]
        .into_iter()
        .map(|(name, rest, flux)| EmissionLine {
            name,
            rest,
            flux: flux * transmission(calzetti(rest), self.ebv),
            sigma: self.sigma,
            velocity: 0.0,
        })
        .collect();
        lines.retain(|line| line.flux > 0.0);
        lines
    }
}

/// H alpha / H beta of case B at 10,000 K and 100 electrons a cubic centimeter.
///
/// Source: Osterbrock & Ferland 2006, "Astrophysics of Gaseous Nebulae", table 4.2; the higher Balmer and Paschen lines too.
/// The doublets \[O III\] 2.98 and \[N II\] 3.05: Storey & Zeippen 2000 (MNRAS 312, 813).
pub(super) const H_ALPHA_TO_H_BETA: f64 = 2.86;

/// \[S II\] 6718/6733 at an electron density (per cubic centimeter).
///
/// Source: Sanders et al. 2016 (ApJ 816, 23), equation 7 and table 2.
pub(super) fn sulfur_ratio(density: f64) -> f64 {
    0.4315 * (2107.0 + density) / (627.1 + density)
}

/// \[O II\] 3730/3727 at an electron density (per cubic centimeter).
///
/// Source: Sanders et al. 2016 (ApJ 816, 23), equation 6 and table 2.
pub(super) fn oxygen_ratio(density: f64) -> f64 {
    0.3771 * (2468.0 + density) / (638.4 + density)
}

/// Adds lines to a spectrum in the observed frame.
///
/// Units: `scale` turns `EmissionLine::flux` into 1e-17 erg/s/cm2 (the flux of a line is unchanged by redshift when the scale is);
/// `lsf` gives the instrument's sigma in Angstrom at an observed wavelength; the pixel's own width is added to it.
pub(super) fn add_lines(
    flux: &mut [f64],
    start: f64,
    step: f64,
    lines: &[EmissionLine],
    z: f64,
    scale: f64,
    lsf: impl Fn(f64) -> f64,
) {
    for line in lines {
        let center = line.rest * (1.0 + z) * (1.0 + line.velocity / SPEED_OF_LIGHT);
        let own = center * line.sigma / SPEED_OF_LIGHT;
        let sigma = (own * own + lsf(center).powi(2) + step * step / 12.0).sqrt();
        let peak = line.flux * scale / (sigma * std::f64::consts::TAU.sqrt());
        let low = ((center - 6.0 * sigma - start) / step).ceil().max(0.0) as usize;
        let high = ((center + 6.0 * sigma - start) / step).floor();
        if high < 0.0 {
            continue;
        }
        let high = (high as usize + 1).min(flux.len());
        for (i, value) in flux.iter_mut().enumerate().take(high).skip(low) {
            let x = (start + step * i as f64 - center) / sigma;
            *value += peak * (-0.5 * x * x).exp();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doublets_follow_density() {
        // Sanders et al. 2016: low-density limits 1.4484 and 1.4558, high-density limits 0.4375 and 0.3839 within the fit's range.
        assert!((sulfur_ratio(0.0) - 1.4498).abs() < 0.002);
        assert!((oxygen_ratio(0.0) - 1.4578).abs() < 0.002);
        assert!((sulfur_ratio(1e5) - 0.4375).abs() < 0.01);
        assert!((oxygen_ratio(1e5) - 0.3839).abs() < 0.01);
        assert!(sulfur_ratio(100.0) > sulfur_ratio(1000.0));
    }

    #[test]
    fn a_line_keeps_its_flux_at_every_width_and_redshift() {
        for (sigma, z) in [(30.0, 0.0), (200.0, 0.3), (3000.0, 0.1)] {
            let mut flux = vec![0.0; 7781];
            let line = EmissionLine {
                name: "H beta",
                rest: 4862.68,
                flux: 7.0,
                sigma,
                velocity: 50.0,
            };
            add_lines(&mut flux, 3600.0, 0.8, &[line], z, 2.0, |_| 0.7);
            let sum = flux.iter().sum::<f64>() * 0.8;
            assert!((sum - 14.0).abs() < 1e-3, "{sum}");
        }
    }
}
