//! Where a session is written down: a file for each catalog in the state folder of the user.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::app::Saved;
use crate::durable::Draft;

/// The file of the session with one catalog.
pub struct Store {
    /// `None` where the system knows no folder for it.
    path: Option<PathBuf>,
}

/// The folder of logs and sessions: `$XDG_STATE_HOME/spectriage`, usually `~/.local/state/spectriage`.
pub fn folder() -> Option<PathBuf> {
    dirs::state_dir()
        .or_else(dirs::data_local_dir)
        .map(|folder| folder.join("spectriage"))
}

impl Store {
    /// The session of these inputs: their absolute paths are its name.
    pub fn open(inputs: &[String]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for input in inputs {
            let path = Path::new(input);
            let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            hasher.update(path.as_os_str().as_encoded_bytes());
            hasher.update(&[0]);
        }
        let name = format!("session-{}.json", &hasher.finalize().to_hex()[..16]);
        Self {
            path: folder().map(|folder| folder.join(name)),
        }
    }

    /// Whether there is a session with any catalog.
    pub fn any(&self) -> bool {
        let folder = self.path.as_deref().and_then(Path::parent);
        let entries = folder.and_then(|folder| fs::read_dir(folder).ok());
        entries
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("session-"))
    }

    /// The session before, where there was one.
    ///
    /// Errors: in words; the session begins afresh then.
    pub fn load(&self) -> Result<Option<Saved>, String> {
        let Some(path) = self.path.as_deref().filter(|path| path.is_file()) else {
            return Ok(None);
        };
        let failed = |what: String| format!("the session before is not restored: {}: {what}", path.display());
        let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| failed(error.to_string()))
    }

    /// Writes the session, whole or not at all.
    ///
    /// Errors: in words.
    pub fn save(&self, state: &Saved) -> Result<(), String> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            let mut draft = Draft::of(path)?;
            draft.write_all(&serde_json::to_vec(state)?)?;
            draft.publish()
        };
        write()
            .map(drop)
            .map_err(|error| format!("the session is not saved: {}: {error}", path.display()))
    }
}
