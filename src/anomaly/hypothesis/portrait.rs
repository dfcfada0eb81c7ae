//! Which kind of galaxy the model draws: what is ordinary in one kind is strange in another.
//!
//! A tilted continuum is drawn by the model as a redder or bluer galaxy, and leaves no residual; but its lines and its break are then those of another kind.
//! Nor is a residual of ten sigma under the lines of a starburst what it is in an old galaxy. Trees that see the kind beside the residuals learn both.

/// Windows of the continuum, rest wavelengths from and to, Angstrom vacuum.
const CONTINUUM: [(f64, f64); 7] = [
    (3700.0, 3950.0),
    (4050.0, 4300.0),
    (4400.0, 4800.0),
    (5050.0, 5600.0),
    (5950.0, 6250.0),
    (6800.0, 7200.0),
    (7600.0, 8200.0),
];
/// Both sides of the break at 4000 Angstrom (Balogh et al. 1999, ApJ 527, 54).
const BREAK: [(f64, f64); 2] = [(3850.0, 3950.0), (4000.0, 4100.0)];
/// Lines: H alpha with [N II], [O III], H beta, [O II], Mg b, Na D.
const LINES: [(f64, f64); 6] = [
    (6530.0, 6605.0),
    (4935.0, 5030.0),
    (4845.0, 4880.0),
    (3715.0, 3742.0),
    (5160.0, 5195.0),
    (5880.0, 5905.0),
];
/// The continuum of a line is taken from so far to so far beside it, Angstrom.
const BESIDE: (f64, f64) = (8.0, 40.0);
/// How many numbers there are.
const NUMBERS: usize = CONTINUUM.len() + 1 + LINES.len();

/// Where the windows stand on a grid.
#[derive(Debug, Clone)]
pub(super) struct Portrait {
    grid: Vec<f64>,
}

impl Portrait {
    pub fn new(grid: &[f64]) -> Self {
        Self { grid: grid.to_vec() }
    }

    /// Mean of the model between two wavelengths; `None` where the grid does not reach them.
    fn mean(&self, model: &[f64], (low, high): (f64, f64)) -> Option<f64> {
        let start = self.grid.partition_point(|wavelength| *wavelength < low);
        let end = self.grid.partition_point(|wavelength| *wavelength < high);
        let whole = start > 0 && end < self.grid.len() && start < end;
        whole.then(|| model[start..end].iter().sum::<f64>() / (end - start) as f64)
    }

    /// Colors, the logarithms of the continuum over its mean; the logarithm of the break; equivalent widths, positive in emission, Angstrom. NaN off the grid.
    pub fn measure(&self, model: &[f64]) -> [f64; NUMBERS] {
        let continuum = CONTINUUM.map(|window| self.mean(model, window));
        let known = || continuum.iter().flatten();
        let typical = known().sum::<f64>() / known().count().max(1) as f64;
        let ratio = |of: Option<f64>, to: Option<f64>| match (of, to) {
            // What is nearly dark is not told from what is darker.
            (Some(of), Some(to)) if to > 0.0 => (of / to).max(0.01).ln(),
            _ => f64::NAN,
        };
        let mut numbers = [f64::NAN; NUMBERS];
        let (colors, rest) = numbers.split_at_mut(CONTINUUM.len());
        for (color, window) in colors.iter_mut().zip(continuum) {
            *color = ratio(window, Some(typical));
        }
        rest[0] = ratio(self.mean(model, BREAK[1]), self.mean(model, BREAK[0]));
        for (width, (low, high)) in rest[1..].iter_mut().zip(LINES) {
            let beside = [
                self.mean(model, (low - BESIDE.1, low - BESIDE.0)),
                self.mean(model, (high + BESIDE.0, high + BESIDE.1)),
            ];
            if let (Some(line), [Some(left), Some(right)]) = (self.mean(model, (low, high)), beside)
                && left + right > 0.0
            {
                *width = (high - low) * (line / (0.5 * (left + right)) - 1.0);
            }
        }
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Vec<f64> {
        (0..6000)
            .map(|pixel| 3600.0 * (1.5e-4 * f64::from(pixel)).exp())
            .collect()
    }

    #[test]
    fn a_tilt_changes_the_colors_and_no_line() {
        let grid = grid();
        let line = |w: f64| 5.0 * (-0.5 * ((w - 6564.6) / 4.0).powi(2)).exp();
        let flat: Vec<f64> = grid.iter().map(|w| 1.0 + line(*w)).collect();
        let tilted: Vec<f64> = grid
            .iter()
            .zip(&flat)
            .map(|(w, flux)| flux * w / 5500.0)
            .collect();
        let portrait = Portrait::new(&grid);
        let (flat, tilted) = (portrait.measure(&flat), portrait.measure(&tilted));
        assert!(tilted[0] < -0.3 && tilted[6] > 0.25, "{tilted:?}");
        assert!(flat[0].abs() < 0.01 && flat[7].abs() < 1e-9, "{flat:?}");
        // 5 high, 4 Angstrom sigma.
        let expected = 5.0 * 4.0 * (2.0 * std::f64::consts::PI).sqrt();
        for width in [flat[8], tilted[8]] {
            assert!((width - expected).abs() < 0.02 * expected, "{width} {expected}");
        }
        assert!((flat[9] - tilted[9]).abs() < 0.1, "no line at [O III]");
    }

    #[test]
    fn off_the_grid_nothing_is_said() {
        let grid: Vec<f64> = grid()
            .into_iter()
            .filter(|w| *w > 4200.0 && *w < 6000.0)
            .collect();
        let numbers = Portrait::new(&grid).measure(&vec![1.0; grid.len()]);
        assert!(numbers[0].is_nan() && numbers[7].is_nan() && numbers[8].is_nan());
        assert!(numbers[3].abs() < 1e-9 && numbers[9].abs() < 1e-9);
    }
}
