//! What comes back of a label that went out into another program's file: less than went, where the format has no room for all.

use std::path::Path;

use super::files::Format;
use super::label::Label;
use super::{marz, prospect};
use crate::spectrum::Facts;

/// A label that was read of a file, with the texts and numbers of the person's own label where the file says what its format makes of them: that they
/// come back shortened is nobody's change.
pub fn unshortened(
    read: Label,
    own: &Label,
    format: Format,
    object_id: &str,
    facts: Option<&Facts>,
) -> Label {
    let Some(echo) = echo(own, format, object_id, facts) else {
        return read;
    };
    Label {
        comment: if read.comment == echo.comment {
            own.comment.clone()
        } else {
            read.comment
        },
        class: if read.class == echo.class {
            own.class.clone()
        } else {
            read.class
        },
        z: if read.z == echo.z { own.z } else { read.z },
        ..read
    }
}

/// The label as it is read of a file that it was written to; `None` where nothing of it is left.
fn echo(label: &Label, format: Format, object_id: &str, facts: Option<&Facts>) -> Option<Label> {
    let (mut file, rows, nowhere) = (Vec::new(), [(object_id, facts, label)], Path::new(""));
    match format {
        Format::Journal => return Some(label.clone()),
        Format::Prospect => prospect::write(&mut file, "", &rows),
        Format::Marz => marz::write(&mut file, "", "", &rows),
    }
    .ok()?;
    let text = String::from_utf8(file).ok()?;
    let read = match format {
        Format::Marz => marz::read(nowhere, &text),
        Format::Prospect | Format::Journal => prospect::read(nowhere, &text),
    };
    Some(read.ok()?.rows.pop()?.label)
}
