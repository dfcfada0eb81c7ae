//! The astronomer's own images: files named by object id in a folder.
//!
//! `ID.jpg`, `ID.jpeg` or `ID.png`; what is known of it stands in `ID.json`, or for all images of the folder in `cutouts.json`:
//! `{"scale": 0.396, "credit": "HST / my program"}`, both optional.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::judge;
use super::{Cutout, Field};

/// Of an image, or of all of a folder.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    /// Arcseconds a pixel.
    scale: Option<f64>,
    credit: Option<String>,
}

/// The name of a service that is none.
pub const NAME: &str = "folder";

/// The image of an object in a folder; `None` where there is none.
///
/// Errors: there is a file, and it is no image; in words.
pub fn find(folder: &Path, field: &Field) -> Option<Result<Cutout, String>> {
    let id = &field.object_id;
    // An id comes from a catalog, and must not lead out of the folder.
    if id.is_empty() || id.starts_with('.') || id.contains(['/', '\\', '\0']) {
        return None;
    }
    let (name, bytes) = ["jpg", "jpeg", "png"].into_iter().find_map(|extension| {
        let name = format!("{id}.{extension}");
        let bytes = std::fs::read(folder.join(&name)).ok()?;
        Some((name, bytes))
    })?;
    let checked = match judge::whole(&bytes) {
        Ok(checked) => checked,
        Err(what) => return Some(Err(format!("{name} in {}: {what}", folder.display()))),
    };
    let own = told(&folder.join(format!("{id}.json")));
    let shared = told(&folder.join("cutouts.json"));
    let usual = || {
        folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    Some(Ok(Cutout {
        bytes: Arc::from(bytes),
        width: checked.width,
        height: checked.height,
        scale: own
            .scale
            .or(shared.scale)
            .filter(|scale| scale.is_finite() && *scale > 0.0),
        service: NAME.into(),
        layer: String::new(),
        credit: own.credit.or(shared.credit).unwrap_or_else(usual),
    }))
}

fn told(path: &Path) -> Told {
    let Ok(text) = std::fs::read_to_string(path) else {
        return Told::default();
    };
    serde_json::from_str(&text).unwrap_or_else(|error| {
        tracing::warn!(path = %path.display(), %error, "not what is known of an image");
        Told::default()
    })
}
