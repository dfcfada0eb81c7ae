//! Axes: ranges that forgive odd data, and ticks at round numbers.

/// How values lie along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    Linear,
    /// Logarithmic; values at or below 0 have no place on it.
    Log,
}

/// A scale with a range and a label that names its unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub label: String,
    pub min: f64,
    pub max: f64,
    pub scale: Scale,
    /// Whether numbers and label are drawn (panels that share an axis draw them once).
    pub labeled: bool,
    /// Counts something: ticks at whole numbers only.
    pub whole: bool,
}

/// The ticks of an axis.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ticks {
    /// Value and label.
    pub major: Vec<(f64, String)>,
    pub minor: Vec<f64>,
}

impl Axis {
    /// An axis from `min` to `max`; a range that cannot be drawn (NaN, infinite, empty, reversed, on a log scale not positive)
    /// is replaced or widened.
    pub fn new(label: impl Into<String>, min: f64, max: f64, scale: Scale) -> Self {
        let (min, max) = match scale {
            Scale::Linear => linear_range(min, max),
            Scale::Log => log_range(min, max),
        };
        Self {
            label: label.into(),
            min,
            max,
            scale,
            labeled: true,
            whole: false,
        }
    }

    /// An axis that covers the drawable values with a margin of `margin` of their range (of decades, on a log scale) at each end.
    pub fn covering(
        label: impl Into<String>,
        values: impl IntoIterator<Item = f64>,
        margin: f64,
        scale: Scale,
    ) -> Self {
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            if value.is_finite() && (scale == Scale::Linear || value > 0.0) {
                min = min.min(value);
                max = max.max(value);
            }
        }
        let (min, max) = match scale {
            Scale::Linear => {
                let room = (max - min) * margin;
                (min - room, max + room)
            }
            Scale::Log => {
                let room = (max / min).powf(margin);
                (min / room, max * room)
            }
        };
        Self::new(label, min, max, scale)
    }

    /// The same axis without numbers and label.
    pub fn unlabeled(mut self) -> Self {
        self.labeled = false;
        self
    }

    /// The same axis with ticks at whole numbers only.
    pub fn counting(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Where a value lies: 0 at `min`, 1 at `max`, beyond them outside the range; NaN where it has no place.
    pub fn fraction(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => (value - self.min) / (self.max - self.min),
            Scale::Log if value > 0.0 => (value / self.min).ln() / (self.max / self.min).ln(),
            Scale::Log => f64::NAN,
        }
    }

    /// About `wanted` ticks at round numbers, and the minor ones between them.
    pub fn ticks(&self, wanted: usize) -> Ticks {
        match self.scale {
            Scale::Linear => {
                let mut ticks = linear_ticks(self.min, self.max, wanted.max(1));
                if self.whole {
                    let whole = |value: &f64| (value - value.round()).abs() < 1e-9;
                    ticks.major.retain(|(value, _)| whole(value));
                    ticks.minor.retain(whole);
                    for (value, label) in &mut ticks.major {
                        *label = with_minus(&format!("{value:.0}"));
                    }
                }
                ticks
            }
            Scale::Log => log_ticks(self.min, self.max, wanted.max(1)),
        }
    }
}

/// Beyond this, sums and differences of the ends overflow.
const LARGEST: f64 = 1e300;

fn linear_range(min: f64, max: f64) -> (f64, f64) {
    let (min, max) = match (min.is_finite(), max.is_finite()) {
        (true, true) => (min.min(max), min.max(max)),
        (true, false) => (min, min),
        (false, true) => (max, max),
        (false, false) => return (0.0, 1.0),
    };
    let (min, max) = (min.clamp(-LARGEST, LARGEST), max.clamp(-LARGEST, LARGEST));
    let size = min.abs().max(max.abs());
    if max - min > size * 1e-9 {
        (min, max)
    } else if size < 1e-290 {
        (-1.0, 1.0)
    } else {
        (min - size * 0.1, max + size * 0.1)
    }
}

fn log_range(min: f64, max: f64) -> (f64, f64) {
    let drawable = |value: f64| value.is_finite() && value > 0.0;
    let (min, max) = match (drawable(min), drawable(max)) {
        (true, true) => (min.min(max), min.max(max)),
        (true, false) => (min, min),
        (false, true) => (max, max),
        (false, false) => return (0.1, 10.0),
    };
    let (min, max) = (min.clamp(1e-300, LARGEST), max.clamp(1e-300, LARGEST));
    if max / min > 1.0 + 1e-6 {
        (min, max)
    } else {
        (min / 2.0, max * 2.0)
    }
}

/// `multiple * 10^exponent`, as near to the decimal number as a float can be.
fn decimal(multiple: f64, exponent: i32) -> f64 {
    if (-300..0).contains(&exponent) {
        multiple / 10f64.powi(-exponent)
    } else {
        multiple * 10f64.powi(exponent)
    }
}

fn linear_ticks(min: f64, max: f64, wanted: usize) -> Ticks {
    let raw = (max - min) / wanted as f64;
    let mut exponent = raw.log10().floor() as i32;
    let mut multiple = match raw / decimal(1.0, exponent) {
        norm if norm < 1.5 => 1,
        norm if norm < 3.5 => 2,
        norm if norm < 7.5 => 5,
        _ => 10,
    };
    if multiple == 10 {
        (multiple, exponent) = (1, exponent + 1);
    }
    let step = decimal(f64::from(multiple), exponent);
    let divisions = if multiple == 2 { 4 } else { 5 };
    let all = |step: f64| {
        let first = (min / step - 1e-9).ceil();
        let last = (max / step + 1e-9).floor();
        (first, ((last - first + 1.0).max(0.0) as usize).min(1000))
    };
    let (first, count) = all(step);
    let values: Vec<f64> = (0..count)
        .map(|k| decimal((first + k as f64) * f64::from(multiple), exponent))
        .collect();
    let largest = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let scientific = largest >= 1e6 || exponent < -4;
    let major = values
        .into_iter()
        .map(|value| {
            let label = if scientific {
                power_label(value, exponent)
            } else {
                with_minus(&format!("{value:.*}", (-exponent).max(0) as usize))
            };
            (value, label)
        })
        .collect();
    let (first, count) = all(step / f64::from(divisions));
    let minor = (0..count)
        .map(|k| first + k as f64)
        .filter(|k| k.rem_euclid(f64::from(divisions)) != 0.0)
        .map(|k| k * step / f64::from(divisions))
        .collect();
    Ticks { major, minor }
}

fn log_ticks(min: f64, max: f64, wanted: usize) -> Ticks {
    let decades = (max / min).log10();
    if decades < 0.7 {
        return linear_ticks(min, max, wanted.min(4));
    }
    let (low, high) = (min.log10().floor() as i32, max.log10().ceil() as i32);
    let inside = |value: f64| value >= min * (1.0 - 1e-9) && value <= max * (1.0 + 1e-9);
    let stride = ((decades / wanted as f64).ceil() as i32).max(1);
    let labeled: &[i32] = if decades < 1.7 { &[1, 2, 5] } else { &[1] };
    let plain = low >= -3 && high <= 4;
    let mut ticks = Ticks::default();
    for exponent in low..=high {
        for multiple in 1..10 {
            let value = decimal(f64::from(multiple), exponent);
            if !inside(value) {
                continue;
            }
            let major = labeled.contains(&multiple) && exponent.rem_euclid(stride) == 0;
            if major {
                let label = if plain {
                    format!("{value}")
                } else {
                    power_label(value, exponent)
                };
                ticks.major.push((value, label));
            } else if stride == 1 || (multiple == 1 && stride < 10) {
                ticks.minor.push(value);
            }
        }
    }
    ticks
}

/// A true minus instead of a hyphen, and no negative zero.
pub(super) fn with_minus(number: &str) -> String {
    match number.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|b| b == b'0' || b == b'.') => rest.to_owned(),
        Some(rest) => format!("\u{2212}{rest}"),
        None => number.to_owned(),
    }
}

/// `2×10⁻⁵`, `10³`, `0`; `finest` is the exponent of the last digit that matters.
fn power_label(value: f64, finest: i32) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let mut exponent = value.abs().log10().floor() as i32;
    let mut mantissa = value / decimal(1.0, exponent);
    if mantissa.abs() >= 10.0 - 1e-9 {
        (mantissa, exponent) = (mantissa / 10.0, exponent + 1);
    }
    let digits = (exponent - finest).clamp(0, 9) as usize;
    let power = format!("10{}", superscript(exponent));
    match with_minus(&format!("{mantissa:.digits$}")).as_str() {
        "1" => power,
        mantissa => format!("{mantissa}×{power}"),
    }
}

fn superscript(number: i32) -> String {
    number
        .to_string()
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            digit => char::from_u32(0x2070 + digit as u32 - '0' as u32).unwrap_or(digit),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(axis: &Axis, wanted: usize) -> Vec<String> {
        axis.ticks(wanted).major.into_iter().map(|(_, l)| l).collect()
    }

    #[test]
    fn desi_wavelengths_are_ticked_by_thousands() {
        let axis = Axis::new("", 3600.0, 9824.0, Scale::Linear);
        let expected = ["4000", "5000", "6000", "7000", "8000", "9000"];
        assert_eq!(labels(&axis, 7), expected);
        let minor = axis.ticks(7).minor;
        assert_eq!(minor[0], 3600.0);
        assert!(minor.contains(&4200.0) && !minor.contains(&4000.0));
    }

    #[test]
    fn labels_are_round_decimal_numbers() {
        let axis = Axis::new("", -0.31, 0.31, Scale::Linear);
        assert_eq!(labels(&axis, 4), ["\u{2212}0.2", "0.0", "0.2"]);
        let axis = Axis::new("", 0.0, 3.1e-7, Scale::Linear);
        assert_eq!(labels(&axis, 3), ["0", "10⁻⁷", "2×10⁻⁷", "3×10⁻⁷"]);
        let axis = Axis::new("", 0.0, 2.1e7, Scale::Linear);
        assert_eq!(labels(&axis, 2), ["0", "10⁷", "2×10⁷"]);
    }

    #[test]
    fn log_ticks_stand_at_decades() {
        let axis = Axis::new("", 2e-6, 3.0, Scale::Log);
        assert_eq!(labels(&axis, 8), ["10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "10⁰"]);
        let axis = Axis::new("", 0.8, 30.0, Scale::Log);
        assert_eq!(labels(&axis, 6), ["1", "2", "5", "10", "20"]);
        assert!((axis.fraction((0.8f64 * 30.0).sqrt()) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn odd_ranges_become_drawable() {
        for (min, max) in [
            (f64::NAN, 1.0),
            (2.0, 2.0),
            (5.0, -5.0),
            (f64::INFINITY, f64::NAN),
            (0.0, 0.0),
        ] {
            for scale in [Scale::Linear, Scale::Log] {
                let axis = Axis::new("", min, max, scale);
                assert!(axis.min < axis.max, "{min} {max} {scale:?}: {axis:?}");
                assert!(!axis.ticks(5).major.is_empty(), "{axis:?}");
            }
        }
        assert_eq!(Axis::covering("", [], 0.1, Scale::Linear).max, 1.0);
    }

    proptest! {
        #[test]
        fn ticks_lie_within_any_range(a in -1e30..1e30f64, b in -1e30..1e30f64, wanted in 1usize..20, log: bool) {
            let scale = if log { Scale::Log } else { Scale::Linear };
            let axis = Axis::new("", a, b, scale);
            let ticks = axis.ticks(wanted);
            let mut last = f64::NEG_INFINITY;
            for (value, _) in &ticks.major {
                let fraction = axis.fraction(*value);
                prop_assert!((-1e-6..=1.0 + 1e-6).contains(&fraction), "{} of {:?}", value, axis);
                prop_assert!(*value > last);
                last = *value;
            }
            prop_assert!(ticks.major.len() <= 3 * wanted + 6 && ticks.minor.len() < 1000);
        }
    }
}
