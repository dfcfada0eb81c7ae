//! One person's judgement of one object.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::spectrum::REDSHIFTS;

/// The classes that DESI's visual inspection knows; others are free text.
pub const CLASSES: [&str; 3] = ["STAR", "GALAXY", "QSO"];

/// The comments that prospect offers.
pub const STANDARD_COMMENTS: [&str; 4] = [
    "Broad absorption line quasar (BAL)",
    "Damped Lyman-alpha system (DLA)",
    "Two objects in spectrum",
    "Blazar",
];

/// What is wrong with an object in the catalog, as in DESI's visual inspection; written as letters, `RC`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Issues {
    /// R: the redshift is wrong.
    pub redshift: bool,
    /// C: the class is wrong.
    pub class: bool,
    /// S: the spectrum is bad.
    pub spectrum: bool,
}

impl Issues {
    /// The issues of letters in any order and case; spaces are passed over.
    ///
    /// Errors: the first character that is none of R, C, S.
    pub fn parse(letters: &str) -> Result<Self, char> {
        let mut issues = Self::default();
        for letter in letters.chars().filter(|c| !c.is_whitespace()) {
            match letter.to_ascii_uppercase() {
                'R' => issues.redshift = true,
                'C' => issues.class = true,
                'S' => issues.spectrum = true,
                _ => return Err(letter),
            }
        }
        Ok(issues)
    }

    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl fmt::Display for Issues {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let letters = [(self.redshift, "R"), (self.class, "C"), (self.spectrum, "S")];
        letters
            .into_iter()
            .filter(|(there, _)| *there)
            .try_for_each(|(_, letter)| f.write_str(letter))
    }
}

impl Serialize for Issues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Issues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let letters = String::deserialize(deserializer)?;
        Self::parse(&letters).map_err(|letter| serde::de::Error::custom(format!("unknown issue `{letter}`")))
    }
}

/// One judgement. An empty one is the same as none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Label {
    /// 4 confident (two or more secure features), 3 probable, 2 possible (one strong feature), 1 signal but unidentified,
    /// 0 nothing there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<u8>,
    #[serde(skip_serializing_if = "is_default")]
    pub issues: Issues,
    /// One of [`CLASSES`], or free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The right redshift, where the catalog's is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub z: Option<f64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comment: String,
    #[serde(skip_serializing_if = "is_default")]
    pub interesting: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Astropy's masked value in a table of text.
pub(super) const NOTHING: &str = "--";

impl Label {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The label without spaces around its texts; an empty class is none, and neither is `--`, as tables of other programs write what is not there.
    pub fn tidy(mut self) -> Self {
        let said = |text: &str| {
            Some(text.trim())
                .filter(|text| !text.is_empty() && *text != NOTHING)
                .map(str::to_owned)
        };
        self.comment = said(&self.comment).unwrap_or_default();
        self.class = self.class.as_deref().and_then(said);
        self
    }

    /// What no label can say, in words.
    pub fn check(&self) -> Result<(), String> {
        if let Some(quality) = self.quality.filter(|quality| *quality > 4) {
            return Err(format!("quality {quality} is not one of 0 to 4"));
        }
        match self.z {
            Some(z) if !REDSHIFTS.contains(&z) => Err(format!(
                "z {z} is no redshift, which lies between {} and {}",
                REDSHIFTS.start, REDSHIFTS.end
            )),
            _ => Ok(()),
        }
    }
}

/// In words, for a status line: `quality 3, issues RC, QSO, z 0.1234, interesting, "comment"`.
impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.quality.map(|quality| format!("quality {quality}")));
        if !self.issues.is_empty() {
            parts.push(format!("issues {}", self.issues));
        }
        parts.extend(self.class.clone());
        parts.extend(self.z.map(|z| format!("z {z}")));
        if self.interesting {
            parts.push("interesting".into());
        }
        if !self.comment.is_empty() {
            parts.push(format!("\"{}\"", self.comment));
        }
        f.write_str(&if parts.is_empty() {
            "no label".to_owned()
        } else {
            parts.join(", ")
        })
    }
}

/// How many labels say what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub total: usize,
    /// By quality 0 to 4.
    pub quality: [usize; 5],
    pub redshift_issues: usize,
    pub class_issues: usize,
    pub spectrum_issues: usize,
    pub interesting: usize,
    pub commented: usize,
}

impl Counts {
    pub fn of<'a>(labels: impl IntoIterator<Item = &'a Label>) -> Self {
        let mut counts = Self::default();
        for label in labels {
            counts.total += 1;
            if let Some(count) = label.quality.and_then(|q| counts.quality.get_mut(usize::from(q))) {
                *count += 1;
            }
            counts.redshift_issues += usize::from(label.issues.redshift);
            counts.class_issues += usize::from(label.issues.class);
            counts.spectrum_issues += usize::from(label.issues.spectrum);
            counts.interesting += usize::from(label.interesting);
            counts.commented += usize::from(!label.comment.is_empty());
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issues_are_letters_in_one_order() {
        assert_eq!(Issues::parse("s r").unwrap().to_string(), "RS");
        assert_eq!(Issues::parse("").unwrap(), Issues::default());
        assert_eq!(Issues::parse("RX"), Err('X'));
    }

    #[test]
    fn json_holds_what_was_said_and_nothing_else() {
        let label = Label {
            quality: Some(3),
            issues: Issues::parse("RC").unwrap(),
            ..Label::default()
        };
        let text = serde_json::to_string(&label).unwrap();
        assert_eq!(text, r#"{"quality":3,"issues":"RC"}"#);
        assert_eq!(serde_json::from_str::<Label>(&text).unwrap(), label);
        assert_eq!(serde_json::to_string(&Label::default()).unwrap(), "{}");
        assert!(serde_json::from_str::<Label>("{}").unwrap().is_empty());
    }

    #[test]
    fn impossible_labels_are_told() {
        let label = |quality, z| Label {
            quality,
            z,
            ..Label::default()
        };
        assert!(label(Some(4), Some(-0.001)).check().is_ok());
        assert!(label(Some(5), None).check().unwrap_err().contains('5'));
        for z in [f64::NAN, f64::INFINITY, -1.0, -0.5, 21.0] {
            assert!(label(None, Some(z)).check().is_err(), "{z}");
        }
    }

    #[test]
    fn words_for_the_status_line() {
        let label = Label {
            quality: Some(4),
            issues: Issues::parse("C").unwrap(),
            class: Some("QSO".into()),
            z: Some(0.25),
            comment: "Blazar".into(),
            interesting: true,
        };
        assert_eq!(
            label.to_string(),
            "quality 4, issues C, QSO, z 0.25, interesting, \"Blazar\""
        );
        assert_eq!(Label::default().to_string(), "no label");
        let counts = Counts::of([&label, &label]);
        assert_eq!((counts.total, counts.quality[4], counts.class_issues), (2, 2, 2));
        assert_eq!(
            (counts.interesting, counts.commented, counts.redshift_issues),
            (2, 2, 0)
        );
    }
}
