//! What a foreign format has no column for, kept in its comment: `[interesting] [class WD] two spectra`.
//!
//! Comments of both formats are short, ASCII and without commas.

use super::label::{Issues, Label};

/// Longest comment that prospect keeps, characters.
pub(super) const LONGEST: usize = 100;

/// Something of a label that the format has no column for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Interesting,
    Class,
    Issues,
    Quality,
}

/// Makes text fit for a cell: ASCII, no comma, no quotation mark, no line break; `None` where nothing had to change.
fn plain(text: &str) -> Option<String> {
    let fits = |c: char| c == ' ' || (c.is_ascii_graphic() && c != ',' && c != '"');
    if text.chars().all(fits) {
        return None;
    }
    let replaced = text.chars().map(|c| match c {
        ',' => ';',
        '"' => '\'',
        c if c.is_whitespace() || c.is_control() => ' ',
        c if fits(c) => c,
        _ => '?',
    });
    Some(replaced.collect::<String>().trim().to_owned())
}

/// Text for a cell, and whether something had to be replaced.
pub(super) fn cell(text: &str) -> (String, bool) {
    match plain(text) {
        None => (text.to_owned(), false),
        Some(text) => (text, true),
    }
}

/// The comment of a label with the tags that it needs, cut to `longest`; and whether something of it was lost.
pub(super) fn comment(label: &Label, tags: &[Tag], longest: usize) -> (String, bool) {
    let mut parts = Vec::new();
    for tag in tags {
        match tag {
            Tag::Interesting if label.interesting => parts.push("[interesting]".to_owned()),
            Tag::Class => parts.extend(
                label
                    .class
                    .as_ref()
                    .map(|class| format!("[class {}]", cell(class).0.replace(']', ")"))),
            ),
            Tag::Issues if !label.issues.is_empty() => parts.push(format!("[issues {}]", label.issues)),
            Tag::Quality => parts.extend(label.quality.map(|quality| format!("[quality {quality}]"))),
            _ => {}
        }
    }
    let (own, mut lost) = cell(&label.comment);
    if !own.is_empty() {
        parts.push(own);
    }
    let mut text = parts.join(" ");
    if text.len() > longest {
        text.truncate(longest);
        text.truncate(text.trim_end().len());
        lost = true;
    }
    (text, lost)
}

/// Takes the tags at the head of a comment into the label, and the rest as its comment. What is no tag of ours stays.
pub(super) fn read(comment: &str, label: &mut Label) {
    let mut rest = comment.trim();
    while let Some((tag, after)) = rest.strip_prefix('[').and_then(|text| text.split_once(']')) {
        match tag.split_once(' ').unwrap_or((tag, "")) {
            ("interesting", "") => label.interesting = true,
            ("class", class) if !class.is_empty() => label.class = Some(class.to_owned()),
            ("issues", letters) if Issues::parse(letters).is_ok_and(|issues| !issues.is_empty()) => {
                label.issues = Issues::parse(letters).unwrap_or_default();
            }
            ("quality", "0" | "1" | "2" | "3" | "4") => label.quality = tag[8..].parse().ok(),
            _ => break,
        }
        rest = after.trim_start();
    }
    label.comment = rest.to_owned();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_back() {
        let label = Label {
            quality: Some(0),
            issues: Issues::parse("RS").unwrap(),
            class: Some("white dwarf [DA]".into()),
            interesting: true,
            comment: "[sic] two lines".into(),
            z: None,
        };
        let all = [Tag::Interesting, Tag::Class, Tag::Issues, Tag::Quality];
        let (text, lost) = comment(&label, &all, LONGEST);
        assert_eq!(
            text,
            "[interesting] [class white dwarf [DA)] [issues RS] [quality 0] [sic] two lines"
        );
        assert!(!lost);
        let mut back = Label::default();
        read(&text, &mut back);
        assert_eq!(back.class.as_deref(), Some("white dwarf [DA)"));
        back.class.clone_from(&label.class);
        assert_eq!(back, label);
    }

    #[test]
    fn comments_are_made_to_fit_and_losses_are_told() {
        let label = |comment: &str| Label {
            comment: comment.into(),
            ..Label::default()
        };
        assert_eq!(comment(&label("a, b\nc"), &[], LONGEST), ("a; b c".into(), true));
        assert_eq!(comment(&label("Hα"), &[], LONGEST), ("H?".into(), true));
        let (text, lost) = comment(&label(&"x".repeat(101)), &[], LONGEST);
        assert!(lost && text.len() == 100);
        assert_eq!(comment(&label("fine"), &[], LONGEST), ("fine".into(), false));
    }
}
