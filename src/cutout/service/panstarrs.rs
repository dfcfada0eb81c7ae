//! Pan-STARRS1, north of -30 degrees, in two steps: the names of the stacked images at a place, then a picture of three of them.

use std::ops::RangeInclusive;

use super::{Answer, CutoutSettings, Service, Square, Step, address, degrees, failed};

/// Arcseconds a pixel of the stacks.
const NATIVE: f64 = 0.25;

#[derive(Debug)]
pub(super) struct PanStarrs {
    base: String,
}

impl PanStarrs {
    pub fn new(settings: &CutoutSettings) -> Self {
        Self {
            base: settings.panstarrs_url.trim_end_matches('/').to_owned(),
        }
    }

    /// The picture of these files, the longest wavelength red.
    fn picture(&self, square: &Square, files: &[String]) -> String {
        let mut parameters = vec![
            ("ra", degrees(square.ra)),
            ("dec", degrees(square.dec)),
            ("size", native_pixels(square).to_string()),
            ("output_size", square.pixels.to_string()),
            ("format", "jpg".to_owned()),
        ];
        let colors = ["red", "green", "blue"];
        parameters.extend(colors.into_iter().zip(files.iter().cloned()));
        address(&format!("{}/fitscut.cgi", self.base), &parameters)
    }
}

/// Width of the square in pixels of the stacks.
fn native_pixels(square: &Square) -> u32 {
    (f64::from(square.pixels) * square.scale / NATIVE)
        .round()
        .clamp(1.0, 6000.0) as u32
}

impl Service for PanStarrs {
    fn name(&self) -> &'static str {
        "panstarrs"
    }

    fn layers(&self) -> Vec<String> {
        vec!["stack".into()]
    }

    fn credit(&self, _layer: &str) -> String {
        "PS1 Surveys / STScI MAST".into()
    }

    fn reaches(&self, square: &Square) -> bool {
        square.dec > -30.0
    }

    fn widths(&self) -> RangeInclusive<u32> {
        1..=6000
    }

    fn scale(&self, square: &Square) -> f64 {
        // Whole pixels of the stacks are cut out and brought to the width asked for.
        f64::from(native_pixels(square)) * NATIVE / f64::from(square.pixels)
    }

    fn black_share(&self) -> f64 {
        0.9
    }

    fn first(&self, square: &Square, layer: &str) -> String {
        address(
            &format!("{}/ps1filenames.py", self.base),
            &[
                ("ra", degrees(square.ra)),
                ("dec", degrees(square.dec)),
                ("filters", "grizy".to_owned()),
                ("type", layer.to_owned()),
            ],
        )
    }

    fn read(&self, square: &Square, _layer: &str, asked: usize, answer: &Answer) -> Step {
        if !answer.is_success() {
            return failed(answer);
        }
        if asked > 0 {
            return Step::Look;
        }
        let text = String::from_utf8_lossy(&answer.bytes);
        match files(&text) {
            Err(what) => Step::Wrong(format!("{what}: {}", answer.words())),
            Ok(found) => match colors(&found) {
                files if files.is_empty() => Step::NoCoverage,
                files => Step::Ask(self.picture(square, &files)),
            },
        }
    }
}

/// Filter and file name of every row of the table; its columns go by their names.
fn files(table: &str) -> Result<Vec<(String, String)>, &'static str> {
    let mut lines = table.lines().filter(|line| !line.trim().is_empty());
    let header: Vec<&str> = lines.next().unwrap_or_default().split_whitespace().collect();
    let place = |name: &str| header.iter().position(|column| *column == name);
    let (Some(filter), Some(name)) = (place("filter"), place("filename")) else {
        return Err("its list of files has no columns `filter` and `filename`");
    };
    let rows = lines.map(|line| {
        let values: Vec<&str> = line.split_whitespace().collect();
        let value = |at: usize| values.get(at).map(|value| (*value).to_owned());
        value(filter)
            .zip(value(name))
            .ok_or("a row of its list of files is short")
    });
    rows.collect()
}

/// The files of red, green and blue: y, i and g, or their nearest neighbors; one file alone where there are not three.
fn colors(found: &[(String, String)]) -> Vec<String> {
    let of = |bands: &[&str]| {
        bands.iter().find_map(|band| {
            let file = found.iter().find(|(filter, _)| filter == band);
            file.map(|(_, name)| name.clone())
        })
    };
    match (of(&["y", "z"]), of(&["i", "r"]), of(&["g"])) {
        (Some(red), Some(green), Some(blue)) => vec![red, green, blue],
        _ => of(&["i", "r", "z", "y", "g"]).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_bands_make_a_color_and_fewer_a_gray_picture() {
        let found = |bands: &str| -> Vec<(String, String)> {
            bands
                .chars()
                .map(|b| (b.to_string(), format!("/{b}.fits")))
                .collect()
        };
        assert_eq!(colors(&found("grizy")), ["/y.fits", "/i.fits", "/g.fits"]);
        assert_eq!(colors(&found("grz")), ["/z.fits", "/r.fits", "/g.fits"]);
        assert_eq!(colors(&found("gr")), ["/r.fits"]);
        assert!(colors(&[]).is_empty());
    }

    #[test]
    fn the_table_goes_by_the_names_of_its_columns() {
        let table = "projcell filter filename badflag\n1 g /a.fits 0\n\n1 r /b.fits 0\n";
        assert_eq!(files(table).unwrap().len(), 2);
        assert_eq!(files(table).unwrap()[1], ("r".into(), "/b.fits".into()));
        assert!(files("filter filename\n").unwrap().is_empty());
        assert!(files("<html>busy</html>").is_err());
        assert!(files("a filter filename\n1 g\n").is_err());
        assert!(files("").is_err());
    }
}
