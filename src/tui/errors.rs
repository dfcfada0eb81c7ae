//! Errors in the words of the screens: what a flag does on the command line, a key does here.

use crate::pipeline::settings::TABLE;

/// What the messages advise, and what is to be done here instead.
const ADVICE: [(&str, &str); 7] = [
    (
        "or --force to replace it",
        "or put ! behind the name to replace it",
    ),
    (
        "use `--reset` to start afresh",
        "s on the Train screen starts afresh",
    ),
    (
        "or `--reset` to start afresh",
        "or s on the Train screen to start afresh",
    ),
    (
        "run `spectriage train` first, or name one with `--checkpoint`",
        "s on the Train screen trains",
    ),
    (
        "go on with `spectriage train --resume`",
        "R on the Train screen goes on",
    ),
    (
        "name the networks with `--checkpoint`",
        "A on the Train screen ranks anew",
    ),
    (
        "`spectriage info` shows the columns",
        "gs on the Catalog screen shows the columns",
    ),
];

/// An error as the screens say it.
pub fn in_words(error: &impl std::fmt::Display) -> String {
    let advised = ADVICE
        .iter()
        .fold(error.to_string(), |text, (flag, key)| text.replace(flag, key));
    // Settings are called here as in the form.
    TABLE.iter().fold(advised, |text, entry| {
        text.replace(&format!("`--{}", entry.flag()), &format!("`{}", entry.key))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelError;
    use crate::pipeline::PipelineError;

    #[test]
    fn no_flag_is_advised_where_there_is_none() {
        let path = std::path::PathBuf::from("metadata/checkpoint_3.bpk");
        let errors = [
            PipelineError::OutputExists { path: path.clone() },
            PipelineError::NoCheckpoint {
                folder: "metadata".into(),
            },
            PipelineError::UnfinishedCheckpoint { path: path.clone() },
            PipelineError::CheckpointGone {
                ranking: 3,
                path: "checkpoint_3.bpk".into(),
            },
            PipelineError::NothingSelected {
                condition: "z > 9".into(),
                rows: 946,
            },
            PipelineError::NoCommonRange { spectra: 3 },
            ModelError::Mismatch {
                path: path.clone(),
                what: "it was trained on another catalog".into(),
            }
            .into(),
            ModelError::Checkpoint {
                path: path.clone(),
                what: "is damaged; use another checkpoint, or `--reset` to start afresh".into(),
            }
            .into(),
            ModelError::Record("cut short".into()).into(),
            ModelError::TooFewSpectra {
                found: 3,
                of: 9,
                needed: 8,
            }
            .into(),
        ];
        for error in errors {
            let said = in_words(&error);
            assert!(!said.contains("--"), "{said}");
            // What it is about is not touched.
            let about = error.to_string();
            let (about, _) = about.split_at(20);
            assert!(said.starts_with(about), "{said}");
        }
        let exists = in_words(&PipelineError::OutputExists { path });
        assert_eq!(
            exists,
            "metadata/checkpoint_3.bpk is there already; give another name, or put ! behind the name to replace it"
        );
    }
}
