//! Galaxies in pictures: bulges and disks, spiral arms and clumps where stars form, arcs of what lies behind.

use super::canvas::{self, Canvas, Colors, Light};
use crate::simulate::GalaxyType;
use crate::simulate::random::Draw;

/// Exponential and de Vaucouleurs profiles of half-light radius 1 as sums of Gaussians: amplitude (total light) and variance.
///
/// Source: Hogg and Lang 2013 (PASP 125, 719), tables 1 and 2 (6 and 8 Gaussians).
const DISK: [(f64, f64); 6] = [
    (2.34853813e-3, 1.20078965e-3),
    (3.07995260e-2, 8.84526493e-3),
    (2.23364214e-1, 3.91463084e-2),
    (1.17949102, 1.39976817e-1),
    (4.33873750, 4.60962500e-1),
    (5.99820770, 1.50159566),
];
const BULGE: [(f64, f64); 8] = [
    (4.26347652e-2, 2.23759216e-4),
    (2.40127183e-1, 1.00220099e-3),
    (6.85907632e-1, 4.18731126e-3),
    (1.51937350, 1.69432589e-2),
    (2.83627243, 6.84850479e-2),
    (4.46467501, 2.87207080e-1),
    (5.72440830, 1.33320254),
    (5.60989349, 8.40215071),
];
/// How much of a bulge's light comes in g, r and z against the galaxy's mean color.
const BULGE_TINT: Colors = [0.72, 1.0, 1.14];
/// Half-light radius of a disk at magnitude 19 in r, arcseconds, and by how many powers of ten a magnitude it shrinks: rounded from what surveys find.
const DISK_SIZE: f64 = 2.2;
const SHRINKS: f64 = 0.14;

/// The light of a galaxy on the sky.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Half-light radius of the disk along its long axis, arcseconds.
    pub radius: f64,
    pub axis_ratio: f64,
    /// Of the long axis, radians from north through east.
    pub angle: f64,
    /// Share of the light in the bulge, in r, and its half-light radius.
    pub bulge: f64,
    pub bulge_radius: f64,
}

impl Shape {
    /// Share of the light that falls into a fiber on the middle.
    fn in_fiber(&self) -> f64 {
        // An ellipse counts as the circle of its area.
        let share = |profile: &[(f64, f64)], radius: f64, ratio: f64| {
            let total: f64 = profile.iter().map(|part| part.0).sum();
            let parts = profile
                .iter()
                .map(|(light, variance)| light * canvas::in_fiber(variance * radius * radius * ratio));
            parts.sum::<f64>() / total
        };
        let bulge = share(&BULGE, self.bulge_radius, self.axis_ratio.sqrt());
        self.bulge * bulge + (1.0 - self.bulge) * share(&DISK, self.radius, self.axis_ratio)
    }

    /// The bulge that lets this share of the light fall into the fiber, as far as one can.
    fn with_bulge_for(mut self, share: f64) -> Self {
        let at = |bulge: f64| Self { bulge, ..self }.in_fiber();
        let (none, all) = (at(0.0), at(1.0));
        self.bulge = if all > none {
            ((share - none) / (all - none)).clamp(0.03, 0.9)
        } else {
            0.03
        };
        self
    }

    /// The size that lets this share of the light fall into the fiber; bulge and disk grow together.
    fn with_size_for(mut self, share: f64) -> Self {
        let (mut low, mut high) = (0.05f64, 30.0f64);
        for _ in 0..40 {
            let size = (low * high).sqrt();
            (self.radius, self.bulge_radius) = (1.6 * size, size);
            if self.in_fiber() > share {
                low = size;
            } else {
                high = size;
            }
        }
        self
    }

    /// Light of bulge and disk by band.
    fn parts(&self, flux: Colors) -> (Colors, Colors) {
        let bulge: Colors = std::array::from_fn(|band| flux[band] * (self.bulge * BULGE_TINT[band]).min(1.0));
        (bulge, std::array::from_fn(|band| flux[band] - bulge[band]))
    }

    fn lights(
        &self,
        at: (f64, f64),
        profile: &[(f64, f64)],
        size: f64,
        flat: f64,
        flux: Colors,
    ) -> Vec<Light> {
        let total: f64 = profile.iter().map(|part| part.0).sum();
        let light = |(amplitude, variance): &(f64, f64)| Light {
            at,
            flux: flux.map(|flux| flux * amplitude / total),
            variance: variance * size * size,
            axis_ratio: flat,
            angle: self.angle,
        };
        profile.iter().map(light).collect()
    }

    fn bulge_lights(&self, at: (f64, f64), flux: Colors) -> Vec<Light> {
        // Bulges are rounder than the disks about them.
        self.lights(at, &BULGE, self.bulge_radius, self.axis_ratio.sqrt(), flux)
    }

    fn disk_lights(&self, at: (f64, f64), flux: Colors) -> Vec<Light> {
        self.lights(at, &DISK, self.radius, self.axis_ratio, flux)
    }
}

/// A galaxy without arms.
pub(super) fn smooth(canvas: &mut Canvas, at: (f64, f64), shape: &Shape, flux: Colors) {
    let (bulge, disk) = shape.parts(flux);
    let lights = shape
        .bulge_lights(at, bulge)
        .into_iter()
        .chain(shape.disk_lights(at, disk));
    lights.for_each(|light| canvas.add(&light));
}

/// The galaxy in the middle: as its stars and gas say, with this share of its light in the fiber.
///
/// A quiescent one has the size that this takes. A disk has the size of its like, and the bulge that this takes.
pub(super) fn paint(canvas: &mut Canvas, kind: GalaxyType, flux: Colors, in_fiber: f64, draw: &mut Draw) {
    let quiescent = kind == GalaxyType::Quiescent;
    let flattest = match kind {
        GalaxyType::Quiescent => 0.55,
        GalaxyType::GreenValley | GalaxyType::Starburst => 0.35,
        GalaxyType::StarForming => 0.22,
    };
    let r_mag = 22.5 - 2.5 * flux[1].max(1e-3).log10();
    let radius = (DISK_SIZE * 10f64.powf(SHRINKS * (19.0 - r_mag)) * draw.scatter(0.1)).clamp(0.8, 12.0);
    let shape = Shape {
        radius,
        axis_ratio: draw.uniform(flattest, 1.0),
        angle: draw.uniform(0.0, std::f64::consts::PI),
        bulge: draw.uniform(0.75, 1.0),
        bulge_radius: (0.16 * radius).clamp(0.25, 1.2),
    };
    let shape = if quiescent {
        shape.with_size_for(in_fiber)
    } else {
        shape.with_bulge_for(in_fiber)
    };
    match kind {
        GalaxyType::Quiescent => smooth(canvas, (0.0, 0.0), &shape, flux),
        GalaxyType::GreenValley => spiral(canvas, &shape, flux, 0.35, draw),
        GalaxyType::StarForming => spiral(canvas, &shape, flux, 0.85, draw),
        GalaxyType::Starburst => {
            spiral(canvas, &shape, flux.map(|flux| 0.7 * flux), 0.4, draw);
            clumps(canvas, &shape, flux.map(|flux| 0.3 * flux), draw);
        }
    }
}

/// A disk with logarithmic arms of this contrast, bluer than the disk, and knots of young stars along them.
fn spiral(canvas: &mut Canvas, shape: &Shape, flux: Colors, contrast: f64, draw: &mut Draw) {
    let arms = if draw.chance(0.75) { 2.0 } else { 3.0 };
    let winding =
        1.0 / draw.uniform(14f64, 27.0).to_radians().tan() * if draw.chance(0.5) { 1.0 } else { -1.0 };
    let phase = draw.uniform(0.0, std::f64::consts::TAU);
    let contrast = contrast * draw.uniform(0.7, 1.1);
    let (sin, cos) = shape.angle.sin_cos();
    let flat = shape.axis_ratio.max(0.2);
    // Radius and angle in the plane of the disk, the radius in half-light radii.
    let plane = move |east: f64, north: f64| {
        let (along, across) = (north * cos + east * sin, (east * cos - north * sin) / flat);
        (along.hypot(across) / shape.radius, across.atan2(along))
    };
    // Seen from its edge a disk hides its arms, and the air hides those of a small one.
    let seen = ((flat - 0.25) / 0.3).clamp(0.0, 1.0) * ((shape.radius * flat - 0.6) / 1.2).clamp(0.0, 1.0);
    let strength = (contrast * seen).min(0.95);
    let arm = move |radius: f64, angle: f64| {
        let crest = (arms * (angle - winding * radius.max(1e-3).ln() - phase)).cos();
        let wave = 1.6 * (0.5 + 0.5 * crest).powi(2) - 0.6;
        // No arms in the middle.
        wave * (1.0 - (-(radius / 0.45).powi(2)).exp())
    };
    let (bulge, disk) = shape.parts(flux);
    for light in shape.bulge_lights((0.0, 0.0), bulge) {
        canvas.add(&light);
    }
    for light in shape.disk_lights((0.0, 0.0), disk) {
        canvas.add_shaped(&light, |east, north| {
            let (radius, angle) = plane(east, north);
            let wave = strength * arm(radius, angle);
            [1.35, 1.0, 0.75].map(|tint| (1.0 + tint * wave).max(0.05))
        });
    }
    if seen < 0.2 {
        return;
    }
    let knots = 6 + draw.index(14);
    for knot in 0..knots {
        let radius = draw.uniform(0.5, 2.0);
        let angle = winding * radius.ln()
            + phase
            + std::f64::consts::TAU * (knot as f64 / arms).fract()
            + draw.normal(0.0, 0.12);
        let (along, across) = (
            shape.radius * radius * angle.cos(),
            shape.radius * radius * angle.sin() * flat,
        );
        let share = contrast * seen * draw.log_uniform(0.001, 0.008);
        canvas.add(&Light {
            at: (along * sin + across * cos, along * cos - across * sin),
            flux: std::array::from_fn(|band| flux[band] * share * [1.5, 1.0, 0.6][band]),
            variance: (0.12 * shape.radius).powi(2),
            ..Light::point()
        });
    }
}

/// Knots without order, as where many stars form at once.
fn clumps(canvas: &mut Canvas, shape: &Shape, flux: Colors, draw: &mut Draw) {
    let count = 3 + draw.index(5);
    let weights: Vec<f64> = (0..count).map(|_| draw.log_uniform(0.2, 1.0)).collect();
    let total: f64 = weights.iter().sum();
    for weight in weights {
        let away = 0.8 * shape.radius;
        canvas.add(&Light {
            at: (draw.normal(0.0, away), draw.normal(0.0, away)),
            flux: std::array::from_fn(|band| flux[band] * weight / total * [1.4, 1.0, 0.65][band]),
            variance: (draw.uniform(0.15, 0.35) * shape.radius).powi(2),
            ..Light::point()
        });
    }
}

/// Blue arcs of a galaxy far behind, bent about the middle: a long one and its shorter counterpart.
pub(super) fn arcs(canvas: &mut Canvas, draw: &mut Draw) {
    let radius = draw.uniform(1.7, 2.4);
    let start = draw.uniform(0.0, std::f64::consts::TAU);
    let flux = 10f64.powf(0.4 * (22.5 - draw.uniform(20.2, 21.2)));
    for (middle, length, share, away) in [
        (start, 1.6, 0.75, 1.0),
        (start + std::f64::consts::PI, 0.6, 0.25, 0.85),
    ] {
        const PIECES: usize = 14;
        for piece in 0..PIECES {
            let place = piece as f64 / (PIECES - 1) as f64 - 0.5;
            let angle = middle + length * place;
            let brightness = flux * share * (-(place / 0.35).powi(2)).exp() / (0.62 * PIECES as f64);
            canvas.add(&Light {
                at: (radius * away * angle.sin(), radius * away * angle.cos()),
                flux: [0.9, 0.8, 0.75].map(|tint| tint * brightness),
                variance: 0.01,
                ..Light::point()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profiles_are_those_of_their_names() {
        // I(r) / total of an exponential and of a de Vaucouleurs profile, b as in Ciotti and Bertin 1999 (A&A 352, 447).
        for (profile, n, b, gamma) in [
            (&DISK[..], 1.0, 1.678_35, 1.0),
            (&BULGE[..], 4.0, 7.669_25, 5040.0),
        ] {
            let total: f64 = profile.iter().map(|part| part.0).sum();
            for r in [0.1f64, 0.3, 1.0, 2.0] {
                let exact =
                    (-b * r.powf(1.0 / n)).exp() / (std::f64::consts::TAU * n * b.powf(-2.0 * n) * gamma);
                let sum: f64 = profile
                    .iter()
                    .map(|(light, variance)| {
                        light / total / (std::f64::consts::TAU * variance) * (-r * r / 2.0 / variance).exp()
                    })
                    .sum();
                assert!(
                    (sum / exact - 1.0).abs() < 0.11,
                    "n = {n}, r = {r}: {}",
                    sum / exact
                );
            }
        }
    }

    #[test]
    fn the_fiber_gets_its_share() {
        let shape = Shape {
            radius: 2.2,
            axis_ratio: 0.7,
            angle: 0.3,
            bulge: 0.8,
            bulge_radius: 0.4,
        };
        for share in [0.1, 0.25, 0.4] {
            assert!((shape.with_size_for(share).in_fiber() - share).abs() < 1e-6);
            let disk = shape.with_bulge_for(share);
            let possible = (0.03..0.9).contains(&disk.bulge) && disk.bulge > 0.03;
            assert!(!possible || (disk.in_fiber() - share).abs() < 1e-6, "{disk:?}");
        }
        assert!(shape.with_size_for(0.1).radius > shape.with_size_for(0.4).radius);
    }
}
