//! Where images are looked for, in order.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Cutout, Field, Found};

/// How far to go for an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// What lies on this machine: at once, never the network.
    Disk,
    /// The network too, where the settings allow it.
    Network,
}

/// Looks for images; cheap to clone, and shared between threads.
#[derive(Debug, Clone, Default)]
pub struct Cutouts {
    folder: Option<PathBuf>,
}

impl Cutouts {
    /// Images named by object id in `folder`.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// The image of a field, or why there is none. `cancelled` is asked between steps; a cancelled search says so as its reason.
    pub fn find(&self, field: &Field, _reach: Reach, _cancelled: &dyn Fn() -> bool) -> Found {
        let Some(folder) = &self.folder else {
            return Found::Missing {
                why: "give a folder of images with --cutout-dir".into(),
            };
        };
        for extension in ["jpg", "jpeg", "png"] {
            let path = folder.join(format!("{}.{extension}", field.object_id));
            if let Ok(bytes) = std::fs::read(&path) {
                let credit = folder
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                return Found::Image(Cutout {
                    bytes: Arc::from(bytes),
                    width: 0,
                    height: 0,
                    scale: None,
                    service: "folder".into(),
                    layer: String::new(),
                    credit,
                });
            }
        }
        Found::Missing {
            why: format!("no {}.jpg or .png in {}", field.object_id, folder.display()),
        }
    }
}
