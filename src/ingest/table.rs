//! A text table of one spectrum: CSV, ECSV, or columns separated by blanks.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::desi::GRID;
use super::fits::gunzip;
use super::settle::{Place, settle};
use super::{Batch, IngestError, position};
use crate::spectrum::{Facts, MaskKind, Spectrum, WavelengthGrid, bits_of_text, noise};

/// Larger files are no table of one spectrum.
const MAX_BYTES: u64 = 64 << 20;
const WAVE: [&str; 5] = ["wave", "wavelength", "wavelengths", "lambda", "lam"];
const LOGLAM: [&str; 2] = ["loglam", "log_wave"];
const FLUX: [&str; 3] = ["flux", "flux_lambda", "f_lambda"];
const IVAR: [&str; 2] = ["ivar", "inverse_variance"];
const ERROR: [&str; 9] = [
    "error",
    "err",
    "sigma",
    "noise",
    "std",
    "uncertainty",
    "flux_error",
    "flux_err",
    "e_flux",
];
const MASK: [&str; 2] = ["mask", "and_mask"];
/// The unit of flux of the whole program, erg s⁻¹ cm⁻² Å⁻¹.
const FLUX_UNIT: f64 = 1e-17;
/// Wavelengths of ultraviolet to infrared spectra, Angstrom; beyond them the unit is another.
const PLAUSIBLE: std::ops::Range<f64> = 500.0..500_000.0;

/// Whether a file of this name (lower case, without `.gz`) may be such a table.
pub(super) fn is_table_name(name: &str) -> bool {
    [".csv", ".ecsv", ".tsv", ".txt", ".dat"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// The file's name without its extension: the identity of a spectrum that has no other.
pub(super) fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.trim_end_matches(".gz");
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

/// The one spectrum of the file.
pub(super) fn read(path: &Path, notes: &mut Vec<String>) -> Result<Batch, IngestError> {
    let text = read_text(path)?;
    let table = Table::parse(path, &text)?;
    let flux = table.column(&FLUX)?.unwrap_or_default();
    let ivar = match (table.column(&IVAR)?, table.column(&ERROR)?) {
        (Some(ivar), _) => Some(ivar),
        (None, Some(errors)) => Some(errors.iter().map(|sigma| inverse_square(*sigma)).collect()),
        (None, None) => None,
    };
    let grid = grid_of(table.wavelengths()?)
        .map_err(|reason| IngestError::column(path, "the table", "wavelength", reason))?;
    let (scale, note) = table.unit(&FLUX).map_or((1.0, None), flux_scale);
    notes.extend(note);
    let flux: Vec<f32> = flux.iter().map(|flux| (flux * scale) as f32).collect();
    if ivar.is_none() {
        notes.push("no ivar or error column: ivar estimated from the scatter of the flux".into());
    }
    let ivar_estimated = ivar.is_none();
    let ivar = match ivar {
        // A pixel without any value is no measurement, however that is written.
        Some(ivar) => ivar
            .iter()
            .zip(&flux)
            .map(|(ivar, flux)| {
                if ivar.is_nan() && flux.is_nan() {
                    0.0
                } else {
                    (ivar / (scale * scale)) as f32
                }
            })
            .collect(),
        None => noise::estimate_ivar(&flux),
    };
    let (source, mask_kind) = survey_of(&grid);
    let spectrum = Spectrum {
        facts: table.facts(path, source, notes),
        grid: if grid == WavelengthGrid::DESI {
            Arc::clone(&GRID)
        } else {
            Arc::new(grid)
        },
        flux,
        ivar,
        mask: table
            .column(&MASK)?
            .map(|mask| mask.iter().map(|number| bits_of_text(*number)).collect()),
        mask_kind,
        ivar_estimated,
    };
    Ok(vec![settle(spectrum, &Place { path, row: 0 })])
}

fn inverse_square(sigma: f64) -> f64 {
    if sigma > 0.0 && sigma.is_finite() {
        1.0 / (sigma * sigma)
    } else {
        0.0
    }
}

fn read_text(path: &Path) -> Result<String, IngestError> {
    let file = File::open(path).map_err(|error| IngestError::io(path, error))?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| IngestError::io(path, error))?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        bytes = gunzip(path, MAX_BYTES)?;
    }
    if bytes.len() as u64 > MAX_BYTES {
        let what = format!("more than {} MiB: no table of one spectrum", MAX_BYTES >> 20);
        return Err(IngestError::not_a_spectrum(path, what));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| IngestError::not_a_spectrum(path, "not a text table (no UTF-8)"))?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// The columns of the file by their names in lower case.
struct Table<'a> {
    path: &'a Path,
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
    comments: Vec<&'a str>,
}

impl<'a> Table<'a> {
    fn parse(path: &'a Path, text: &'a str) -> Result<Self, IngestError> {
        let comments: Vec<&str> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix('#'))
            .map(str::trim)
            .collect();
        let mut rows = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
            .peekable();
        let first = rows.peek().map_or("", |(_, line)| line);
        // numpy.savetxt writes the names into a comment.
        let headless = split(first, separator(first)).all(|field| field.parse::<f64>().is_ok());
        let heading = if headless {
            comments.last().copied().unwrap_or_default()
        } else {
            first
        };
        let names: Vec<String> = split(heading, separator(heading))
            .map(str::to_lowercase)
            .collect();
        let table = Self {
            path,
            names,
            columns: Vec::new(),
            comments,
        };
        let usable = table.find(&WAVE).or(table.find(&LOGLAM)).is_some() && table.find(&FLUX).is_some();
        if !usable {
            let found: Vec<&str> = table.names.iter().take(12).map(String::as_str).collect();
            let found = if found.is_empty() {
                "none".into()
            } else {
                found.join(", ")
            };
            let what = format!(
                "no table of a spectrum; columns found: {found}; looked for: wave (wavelength, lambda, loglam), flux, and ivar or error"
            );
            return Err(IngestError::not_a_spectrum(path, what));
        }
        if !headless {
            rows.next();
        }
        let separator = separator(if headless { first } else { heading });
        let columns = table.numbers(rows, separator)?;
        Ok(Self { columns, ..table })
    }

    /// The numbers below the heading; only columns that are used need to be numbers.
    fn numbers<'t>(
        &self,
        rows: impl Iterator<Item = (usize, &'t str)>,
        separator: Option<char>,
    ) -> Result<Vec<Vec<f64>>, IngestError> {
        let known = [&WAVE[..], &LOGLAM, &FLUX, &IVAR, &ERROR, &MASK];
        let used: Vec<bool> = self
            .names
            .iter()
            .map(|name| known.iter().any(|names| names.contains(&name.as_str())))
            .collect();
        let mut columns = vec![Vec::new(); self.names.len()];
        for (number, line) in rows {
            let place = format!("line {}", number + 1);
            let mut fields = 0;
            for (index, field) in split(line, separator).enumerate() {
                fields += 1;
                let Some(column) = columns.get_mut(index).filter(|_| used[index]) else {
                    continue;
                };
                let value = match field.to_ascii_lowercase().as_str() {
                    "" | "nan" | "null" | "--" => f64::NAN,
                    "true" => 1.0,
                    "false" => 0.0,
                    number => number.parse().map_err(|_| {
                        IngestError::column(
                            self.path,
                            &place,
                            &self.names[index],
                            format!("{field:?} is not a number"),
                        )
                    })?,
                };
                column.push(value);
            }
            if fields != self.names.len() {
                let reason = format!(
                    "{fields} fields under {} column names; is the file cut short?",
                    self.names.len()
                );
                return Err(IngestError::column(self.path, &place, &self.names[0], reason));
            }
        }
        Ok(columns)
    }

    fn find(&self, names: &[&str]) -> Option<usize> {
        names
            .iter()
            .find_map(|name| self.names.iter().position(|column| column == name))
    }

    fn column(&self, names: &[&str]) -> Result<Option<Vec<f64>>, IngestError> {
        Ok(self.find(names).map(|index| self.columns[index].clone()))
    }

    /// Angstrom.
    fn wavelengths(&self) -> Result<Vec<f64>, IngestError> {
        if let Some(wave) = self.column(&WAVE)? {
            let angstrom = match self.unit(&WAVE).unwrap_or("Angstrom") {
                "Angstrom" | "angstrom" | "AA" | "Å" => 1.0,
                "nm" => 10.0,
                "um" | "micron" => 1e4,
                "m" => 1e10,
                other => {
                    let reason = format!("unit {other:?} is not known; use Angstrom, nm, um or m");
                    return Err(IngestError::column(
                        self.path,
                        "the ECSV header",
                        "wavelength",
                        reason,
                    ));
                }
            };
            return Ok(wave.iter().map(|value| value * angstrom).collect());
        }
        let loglam = self.column(&LOGLAM)?.unwrap_or_default();
        Ok(loglam.iter().map(|value| 10f64.powf(*value)).collect())
    }

    /// The unit that an ECSV header gives to the first of `names` that is a column: `- {name: wave, unit: nm, datatype: float64}`.
    fn unit(&self, names: &[&str]) -> Option<&'a str> {
        let name = &self.names[self.find(names)?];
        self.comments.iter().find_map(|comment| {
            let fields = comment.strip_prefix("- {")?.trim_end_matches('}');
            let value = |key: &str| {
                let (_, rest) = fields.split_once(&format!("{key}: "))?;
                Some(rest.split(", ").next()?.trim_matches(['\'', '"']))
            };
            if value("name")?.eq_ignore_ascii_case(name) {
                value("unit")
            } else {
                None
            }
        })
    }

    /// A value that a comment gives: `# z = 0.02`, `# z: 0.02`, or `# - {z: 0.02}` in the meta of an ECSV.
    fn meta(&self, names: &[&str]) -> Option<&'a str> {
        self.comments.iter().find_map(|comment| {
            let bare = comment
                .trim_start_matches("- ")
                .trim_start_matches('{')
                .trim_end_matches('}');
            let (key, value) = bare.split_once([':', '='])?;
            let found = names.iter().any(|name| key.trim().eq_ignore_ascii_case(name));
            let value = value.trim().trim_matches(['\'', '"']);
            (found && !value.is_empty()).then_some(value)
        })
    }

    fn facts(&self, path: &Path, source: &str, notes: &mut Vec<String>) -> Facts {
        let mut number = |names: &[&str]| {
            let text = self.meta(names)?;
            let number = text.parse::<f64>().ok().filter(|value| value.is_finite());
            let is_nothing = ["nan", "null", "none", "--"].contains(&text.to_ascii_lowercase().as_str());
            if number.is_none() && !is_nothing {
                notes.push(format!(
                    "{} in a comment: {text:?} is not a number, and was left out",
                    names[0]
                ));
            }
            number
        };
        let stem = stem(path);
        let position = position::in_name(&stem);
        Facts {
            object_id: self.meta(&["object_id", "id"]).unwrap_or(&stem).into(),
            targetid: self.meta(&["targetid"]).and_then(|id| id.parse().ok()),
            source: source.into(),
            ra: number(&["ra"]).or(position.map(|(ra, _)| ra)),
            dec: number(&["dec"]).or(position.map(|(_, dec)| dec)),
            z: number(&["z", "redshift"]),
            ..Facts::default()
        }
    }
}

/// What separates the fields of a line; `None` for blanks.
fn separator(line: &str) -> Option<char> {
    [',', ';', '\t', '|']
        .into_iter()
        .find(|separator| line.contains(*separator))
}

fn split(line: &str, separator: Option<char>) -> impl Iterator<Item = &str> {
    let by_character = separator.map(|separator| line.trim_end_matches(['\r', '\n']).split(separator));
    let by_blanks = separator.is_none().then(|| line.split_whitespace());
    by_character
        .into_iter()
        .flatten()
        .chain(by_blanks.into_iter().flatten())
        .map(|field| field.trim().trim_matches('"'))
}

/// Factor from a unit such as `1e-17 erg / (Angstrom s cm2)` to that of the program, and a note where it is not understood.
fn flux_scale(unit: &str) -> (f64, Option<String>) {
    let scale = unit.split_once("erg").and_then(|(scale, rest)| {
        let rest = rest.to_lowercase();
        let by_wavelength =
            (rest.contains("angstrom") || rest.contains("aa")) && rest.contains("cm") && !rest.contains("hz");
        let scale = scale.trim().trim_end_matches('*').trim();
        let power = scale
            .strip_prefix("10**")
            .or(scale.strip_prefix("10^"))
            .map(|power| power.trim_matches(['(', ')', '{', '}']));
        let scale: f64 = match (scale, power) {
            ("", _) => 1.0,
            (_, Some(power)) => 10f64.powi(power.parse().ok()?),
            (number, None) => number.parse().ok()?,
        };
        by_wavelength.then_some(scale / FLUX_UNIT)
    });
    match scale {
        Some(scale) => (scale, None),
        None => (
            1.0,
            Some(format!(
                "flux unit {unit:?} is not understood; taken for 1e-17 erg/s/cm2/Angstrom"
            )),
        ),
    }
}

/// The simplest grid that describes ascending wavelengths (Angstrom): DESI's, linear, logarithmic, or the list itself.
///
/// Errors: a sentence on what is wrong with the wavelengths.
pub(super) fn grid_of(wavelengths: Vec<f64>) -> Result<WavelengthGrid, String> {
    let n = wavelengths.len();
    if n < 2 {
        return Err(format!("{n} pixels are no spectrum"));
    }
    if let Some(row) = wavelengths
        .iter()
        .position(|wavelength| !PLAUSIBLE.contains(wavelength))
    {
        let value = wavelengths[row];
        return Err(format!(
            "{value} at pixel {row} is outside {PLAUSIBLE:?} Angstrom; is the unit Angstrom?"
        ));
    }
    if let Some(row) = wavelengths.windows(2).position(|pair| pair[0] >= pair[1]) {
        return Err(format!(
            "not ascending: {} is followed by {}",
            wavelengths[row],
            wavelengths[row + 1]
        ));
    }
    let describes = |grid: &WavelengthGrid| {
        grid.len() == n
            && wavelengths
                .iter()
                .enumerate()
                .all(|(i, wavelength)| (grid.at(i) - wavelength).abs() < 1e-3)
    };
    let (first, last) = (wavelengths[0], wavelengths[n - 1]);
    let linear = WavelengthGrid::Linear {
        start: first,
        step: (last - first) / (n - 1) as f64,
        n,
    };
    let step = (last.log10() - first.log10()) / (n - 1) as f64;
    let sdss = WavelengthGrid::Log10 {
        start: (1e4 * first.log10()).round() / 1e4,
        step: 1e-4,
        n,
    };
    let logarithmic = WavelengthGrid::Log10 {
        start: first.log10(),
        step,
        n,
    };
    let simple = [WavelengthGrid::DESI, linear, sdss, logarithmic]
        .into_iter()
        .find(describes);
    Ok(simple.unwrap_or(WavelengthGrid::Listed {
        wavelength: wavelengths,
    }))
}

/// Whose spectrum it is, as far as its grid tells.
pub(super) fn survey_of(grid: &WavelengthGrid) -> (&'static str, MaskKind) {
    match grid {
        grid if *grid == WavelengthGrid::DESI => ("DESI", MaskKind::Desi),
        WavelengthGrid::Log10 { step: 1e-4, .. } => ("SDSS", MaskKind::Sdss),
        _ => ("TABLE", MaskKind::Plain),
    }
}
