//! One file that holds an ensemble, finished or in the middle of its training.
//!
//! The file is a burnpack: the header is JSON under the metadata key `spectriage`, and every network or optimizer state is one tensor of bytes, itself
//! a burnpack. One file, written under a temporary name and renamed: a killed process leaves the last good one.

use std::io::Write;
use std::path::Path;

use burn_pack::{Bytes, DType, Reader, Tensor, Writer};
use serde::{Deserialize, Serialize};

use super::training::load;
use super::{
    Accelerator, Ensemble, Member, ModelError, ModelSettings, Network, Pca, Training, TrainingHeader,
    TrainingSettings, TrainingState,
};
use crate::durable::Draft;
use crate::spectrum::prepare::Preparation;

const FORMAT: u32 = 3;
const KEY: &str = "spectriage";
/// Metadata key of the digest of header and tensors: a damaged weight would make another ranking without a word.
const DIGEST: &str = "blake3";

/// What an ensemble was trained with, and on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    pub preparation: Preparation,
    pub model: ModelSettings,
    pub training: TrainingSettings,
    /// Digest of the catalog and of the rows that were selected from it.
    pub catalog_digest: String,
    /// How these rows were asked for; checkpoints of before do not tell. The digest decides what fits, this alone how to ask again.
    #[serde(default)]
    pub asked: Option<Asked>,
}

/// What a training was asked to learn from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// Digest of the catalog, whichever of its rows were selected.
    pub catalog: String,
    pub r#where: Option<String>,
    pub order_by: Option<String>,
    pub limit: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Header {
    format: u32,
    version: String,
    #[serde(flatten)]
    origin: Origin,
    members: Vec<Training>,
    running: Option<TrainingHeader>,
}

/// What a checkpoint tells without its weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    pub origin: Origin,
    /// Of the finished networks, by fold.
    pub members: Vec<Training>,
    /// Of the network in training, where it has not ended.
    pub running: Option<TrainingHeader>,
}

impl Head {
    /// Reads the head of a checkpoint file and none of its weights, so the digest over them is not checked.
    ///
    /// Errors: not a checkpoint, cut short, or of a later format.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        let (_, _, header) = open(path)?;
        Ok(Self {
            origin: header.origin,
            members: header.members,
            running: header.running,
        })
    }

    /// Whether all folds are trained.
    pub fn is_complete(&self) -> bool {
        self.members.len() == self.origin.training.folds.max(1)
    }
}

/// An ensemble and, where its training has not ended, the state of the network in training.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    pub origin: Origin,
    /// Finished networks, by fold; the next fold is the one in training.
    pub members: Vec<(Training, Vec<u8>)>,
    pub running: Option<TrainingState>,
}

impl Checkpoint {
    /// A checkpoint with nothing trained yet.
    pub fn new(origin: Origin) -> Self {
        Self {
            origin,
            members: Vec::new(),
            running: None,
        }
    }

    /// Whether all folds are trained.
    pub fn is_complete(&self) -> bool {
        self.members.len() == self.origin.training.folds.max(1)
    }

    /// Writes the file atomically.
    ///
    /// Errors: no space, no permission; an older file of this name stays as it was.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        let failed = |what: String| ModelError::Checkpoint {
            path: path.into(),
            what,
        };
        let header = Header {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            origin: self.origin.clone(),
            members: self
                .members
                .iter()
                .map(|(training, _)| training.clone())
                .collect(),
            running: self.running.as_ref().map(|state| state.header.clone()),
        };
        let header = serde_json::to_string(&header).map_err(|error| failed(error.to_string()))?;
        let blob = |name: String, bytes: &[u8]| {
            Tensor::new(
                name,
                DType::U8,
                vec![bytes.len()],
                None,
                Bytes::from_bytes_vec(bytes.to_vec()),
            )
        };
        let mut tensors: Vec<Tensor> = self
            .members
            .iter()
            .enumerate()
            .map(|(fold, (_, bytes))| blob(format!("member.{fold}"), bytes))
            .collect();
        if let Some(state) = &self.running {
            tensors.push(blob("running.network".into(), &state.network));
            tensors.push(blob("running.best".into(), &state.best_network));
            tensors.push(blob("running.optimizer".into(), &state.optimizer));
        }
        let bytes = Writer::new(tensors)
            .with_metadata(KEY, &header)
            .with_metadata(DIGEST, &self.digest(&header))
            .into_bytes()
            .map_err(|error| failed(error.to_string()))?;
        let write = || -> std::io::Result<()> {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut draft = Draft::of(path)?;
            draft.write_all(&bytes)?;
            draft.publish().map(|_| ())
        };
        write().map_err(|error| {
            let kept = if path.is_file() {
                format!(
                    "go on from what was kept before with `--resume={}`",
                    path.display()
                )
            } else {
                "begin again, for nothing of this training was kept yet".into()
            };
            failed(format!(
                "cannot be written: {error}; free space or give another `--metadata-dir`, and {kept}"
            ))
        })
    }

    /// Reads the file.
    ///
    /// Errors: not a checkpoint, damaged, or of a later format.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        let failed = |what: String| ModelError::Checkpoint {
            path: path.into(),
            what,
        };
        let (reader, text, header) = open(path)?;
        let blob = |name: &str| {
            reader
                .tensor_data(name)
                .map_err(|error| failed(format!("lacks `{name}`: {error}")))
        };
        let members = header
            .members
            .into_iter()
            .enumerate()
            .map(|(fold, training)| Ok((training, blob(&format!("member.{fold}"))?)))
            .collect::<Result<_, ModelError>>()?;
        let running = match header.running {
            Some(header) => Some(TrainingState {
                header,
                network: blob("running.network")?,
                best_network: blob("running.best")?,
                optimizer: blob("running.optimizer")?,
            }),
            None => None,
        };
        let checkpoint = Self {
            origin: header.origin,
            members,
            running,
        };
        if reader.metadata().get(DIGEST) != Some(&checkpoint.digest(&text)) {
            return Err(failed("is damaged: its content does not fit its digest; use another checkpoint, or `--reset` to start afresh".into()));
        }
        Ok(checkpoint)
    }

    /// Digest of the header and of all tensors.
    fn digest(&self, header: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        let running = self
            .running
            .iter()
            .flat_map(|state| [&state.network, &state.best_network, &state.optimizer]);
        for part in self.members.iter().map(|(_, bytes)| bytes).chain(running) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.update(header.as_bytes());
        hasher.finalize().to_hex().to_string()
    }

    /// Whether training can go on from here with these settings and this catalog; the error says what differs.
    pub fn check(&self, origin: &Origin, path: &Path) -> Result<(), ModelError> {
        let mut differing = Vec::new();
        if self.origin.catalog_digest != origin.catalog_digest {
            differing.push("it was trained on another catalog or another selection of rows".to_string());
        }
        let json = |origin: &Origin| serde_json::to_value(origin).unwrap_or_default();
        let (ours, asked) = (json(&self.origin), json(origin));
        for group in ["preparation", "model", "training"] {
            for (key, asked) in asked[group].as_object().into_iter().flatten() {
                // The device may change: the weights do not depend on it by name.
                if ours[group][key] != *asked && key != "device" {
                    differing.push(format!("{group}.{key} was {}, now {asked}", ours[group][key]));
                }
            }
        }
        if differing.is_empty() {
            Ok(())
        } else {
            Err(ModelError::Mismatch {
                path: path.into(),
                what: differing.join("; "),
            })
        }
    }

    /// The ensemble of the finished networks.
    pub fn ensemble(&self, accelerator: &Accelerator) -> Result<Ensemble, ModelError> {
        let pca = Pca::zeros(self.origin.model.latent, self.origin.preparation.grid.len());
        let device = accelerator.inference();
        let members = self
            .members
            .iter()
            .map(|(training, bytes)| {
                let network = load(Network::new(&self.origin.model, &pca, 0, &device), bytes)?;
                Ok(Member {
                    network,
                    training: training.clone(),
                })
            })
            .collect::<Result<_, ModelError>>()?;
        Ok(Ensemble {
            settings: self.origin.model.clone(),
            members,
        })
    }
}

/// Opens a checkpoint file and reads its header, as text too; the weights are read when they are asked for.
fn open(path: &Path) -> Result<(Reader, String, Header), ModelError> {
    let failed = |what: String| ModelError::Checkpoint {
        path: path.into(),
        what,
    };
    let reader =
        Reader::from_file(path).map_err(|error| failed(format!("is no readable checkpoint: {error}")))?;
    let text = reader
        .metadata()
        .get(KEY)
        .cloned()
        .ok_or_else(|| failed("is a burnpack, but not of spectriage".into()))?;
    let format = serde_json::from_str::<serde_json::Value>(&text)
        .ok()
        .and_then(|value| value["format"].as_u64());
    if format != Some(u64::from(FORMAT)) {
        let format = format.map_or_else(|| "of no number".into(), |format| format.to_string());
        return Err(failed(format!(
            "has checkpoint format {format}; this program reads {FORMAT}: train again with this version"
        )));
    }
    let header =
        serde_json::from_str(&text).map_err(|error| failed(format!("has a damaged header: {error}")))?;
    Ok((reader, text, header))
}
