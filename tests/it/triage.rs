//! Labels: the journal, the files of other programs, and the ranking that learns from labels.

mod command;
mod files;
mod journal;
mod learning;

use spectriage::triage::{Issues, Label};

fn quality(quality: u8) -> Label {
    Label {
        quality: Some(quality),
        ..Label::default()
    }
}

fn issue(letters: &str) -> Label {
    Label {
        issues: Issues::parse(letters).unwrap(),
        ..Label::default()
    }
}

fn interesting() -> Label {
    Label {
        interesting: true,
        ..Label::default()
    }
}
