//! Counts in words.

use std::borrow::Cow;

/// `1 row`, `2 rows`, `2 spectra`.
///
/// ```
/// use spectriage::words::counted;
/// assert_eq!([counted(1, "label"), counted(0, "row"), counted(2, "spectrum")], ["1 label", "0 rows", "2 spectra"]);
/// ```
pub fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{count} {}", of_them(count, noun))
}

/// The noun as so many of it are called.
pub fn of_them(count: u64, noun: &str) -> Cow<'_, str> {
    match noun {
        _ if count == 1 => noun.into(),
        "spectrum" => "spectra".into(),
        _ => format!("{noun}s").into(),
    }
}
