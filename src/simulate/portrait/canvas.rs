//! Light on a detector: sums of Gaussians through the air, noise, and the stretch that makes a picture of three bands.

use crate::simulate::random::Draw;

/// Flux in g, r and z, nanomaggies.
pub(super) type Colors = [f64; 3];

/// The air spreads a point into two Gaussians: share of the light and variance, square arcseconds. Together a FWHM of 1.2 arcseconds.
const AIR: [(f64, f64); 2] = [(0.85, 0.23), (0.15, 0.95)];
/// Radius of a DESI fiber, arcseconds, and the air that fiber magnitudes are given for: a Gaussian with a FWHM of 1 arcsecond, as variance.
/// Source: the Legacy Surveys' description of `fiberflux`.
const FIBER: f64 = 0.75;
const FIBER_AIR: f64 = 0.18;
/// Pixels of the surveys' own pictures, arcseconds, and the noise of one in g, r and z, nanomaggies: 5 sigma of a point at magnitude 24.2, 23.6 and
/// 22.8. Source: Dey et al. 2019 (AJ 157, 168), table 4, rounded.
const NATIVE: f64 = 0.262;
const NOISE: Colors = [0.0060, 0.0105, 0.0219];
/// The stretch of the Legacy Surveys' viewer: scales of g, r and z, and the two numbers of its arcsinh. A sky without light becomes a gray of 32.
const SCALES: Colors = [6.0, 3.4, 2.2];
const SOFTENING: f64 = 20.0;
const PEDESTAL: f64 = 0.03;

/// A Gaussian ellipse of light before the air.
#[derive(Debug, Clone, Copy)]
pub(super) struct Light {
    /// Arcseconds east and north of the middle.
    pub at: (f64, f64),
    pub flux: Colors,
    /// Variance along the long axis, square arcseconds.
    pub variance: f64,
    pub axis_ratio: f64,
    /// Of the long axis, radians from north through east.
    pub angle: f64,
}

impl Light {
    pub fn point() -> Self {
        Self {
            at: (0.0, 0.0),
            flux: [0.0; 3],
            variance: 0.0,
            axis_ratio: 1.0,
            angle: 0.0,
        }
    }
}

/// Three bands of a square of the sky, nanomaggies a native pixel.
pub(super) struct Canvas {
    scale: f64,
    pixels: usize,
    bands: Vec<[f32; 3]>,
}

impl Canvas {
    pub fn new(scale: f64, pixels: u32) -> Self {
        let pixels = pixels as usize;
        Self {
            scale,
            pixels,
            bands: vec![[0.0; 3]; pixels * pixels],
        }
    }

    /// Half the width, arcseconds.
    pub fn reach(&self) -> f64 {
        self.pixels as f64 * self.scale / 2.0
    }

    /// Arcseconds from the middle, along x to the west and along y to the south, in pixels.
    fn place(&self, arcsec: f64) -> f64 {
        self.pixels as f64 / 2.0 - arcsec / self.scale - 0.5
    }

    pub fn add(&mut self, light: &Light) {
        self.add_shaped(light, |_, _| [1.0; 3]);
    }

    /// Adds light whose brightness is multiplied, band by band, by a function of the arcseconds east and north of its center.
    pub fn add_shaped(&mut self, light: &Light, shape: impl Fn(f64, f64) -> [f64; 3]) {
        let (sin, cos) = light.angle.sin_cos();
        let short = light.variance * light.axis_ratio * light.axis_ratio;
        for (share, spread) in AIR {
            // A pixel takes the mean over itself.
            let spread = spread + self.scale * self.scale / 12.0;
            let (long, short) = (light.variance + spread, short + spread);
            let reach = 4.5 * long.sqrt();
            let within = |center: f64| {
                let at = self.place(center);
                let first = (at - reach / self.scale).floor().max(0.0);
                let last = (at + reach / self.scale).ceil().min(self.pixels as f64 - 1.0);
                (first as usize, last)
            };
            let ((left, right), (top, bottom)) = (within(light.at.0), within(light.at.1));
            if right < 0.0 || bottom < 0.0 {
                continue;
            }
            let peak = share * NATIVE * NATIVE / (std::f64::consts::TAU * (long * short).sqrt());
            for y in top..=bottom as usize {
                let north = (self.place(0.0) - y as f64) * self.scale - light.at.1;
                for x in left..=right as usize {
                    let east = (self.place(0.0) - x as f64) * self.scale - light.at.0;
                    let (along, across) = (north * cos + east * sin, east * cos - north * sin);
                    let exponent = 0.5 * (along * along / long + across * across / short);
                    if exponent > 11.0 {
                        continue;
                    }
                    let value = peak * (-exponent).exp();
                    let shaped = shape(east, north);
                    let pixel = &mut self.bands[y * self.pixels + x];
                    for band in 0..3 {
                        pixel[band] += (value * light.flux[band] * shaped[band]) as f32;
                    }
                }
            }
        }
    }

    /// The picture: noise is added, and the three bands become red (z), green (r) and blue (g).
    ///
    /// Source of the stretch: `sdss_rgb` of the Legacy Surveys' viewer, after Lupton et al. 2004 (PASP 116, 133).
    pub fn develop(&self, draw: &mut Draw) -> Vec<u8> {
        // A coarser pixel gathers more light, and the mean over it is better known; a finer one is made of the same exposures.
        let noise = NOISE.map(|sigma| sigma * (NATIVE / self.scale).min(1.0));
        let grain = [(); 3].map(|()| self.grain(draw));
        let mut rgb = Vec::with_capacity(self.bands.len() * 3);
        for (i, pixel) in self.bands.iter().enumerate() {
            let scaled: Colors = std::array::from_fn(|band| {
                let sigma = (noise[band].powi(2) + 1e-4 * f64::from(pixel[band])).sqrt();
                (f64::from(pixel[band]) + sigma * f64::from(grain[band][i])) * SCALES[band] + PEDESTAL
            });
            let mean = scaled.iter().map(|value| value.max(0.0)).sum::<f64>() / 3.0;
            let stretched = (SOFTENING * mean).asinh() / SOFTENING.sqrt() / mean.max(1e-6);
            for band in [2, 1, 0] {
                rgb.push((scaled[band] * stretched * 255.0).clamp(0.0, 255.0).round() as u8);
            }
        }
        rgb
    }
}

impl Canvas {
    /// Noise of unit variance, smoothed, as where exposures were resampled and added.
    fn grain(&self, draw: &mut Draw) -> Vec<f32> {
        let n = self.pixels;
        let white: Vec<f32> = (0..n * n).map(|_| draw.gauss() as f32).collect();
        let mut grain = vec![0f32; n * n];
        for y in 0..n {
            for x in 0..n {
                let mut sum = 0.0;
                for (dy, v) in [(n - 1, 1.0), (0, 2.0), (1, 1.0)] {
                    let row = &white[(y + dy) % n * n..][..n];
                    sum += v * (row[(x + n - 1) % n] + 2.0 * row[x] + row[(x + 1) % n]);
                }
                // (1 2 1) both ways: a mean, so that a source stands out as far as before
                grain[y * n + x] = sum / 16.0;
            }
        }
        grain
    }
}

/// Share of the light of a round Gaussian of this variance that falls into a fiber on it, through the air of a fiber magnitude.
pub(super) fn in_fiber(variance: f64) -> f64 {
    1.0 - (-FIBER * FIBER / (2.0 * (variance + FIBER_AIR))).exp()
}
