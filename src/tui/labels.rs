//! Labels on the screens: what is known of them here, and the worker that keeps the journal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::errors::in_words;
use super::text::counted;
use super::worker;
use crate::catalog::Catalog;
use crate::pipeline::{self, PipelineError};
use crate::triage::{Change, Counts, Format, Issues, Journal, Label, Labeled};

/// What a key changes in a label.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Again, it is taken back.
    Quality(u8),
    BadRedshift,
    BadClass,
    BadSpectrum,
    Interesting,
    Class(String),
    Comment(String),
    Redshift(Option<f64>),
    Clear,
}

impl Edit {
    /// The label after the edit.
    fn apply(&self, mut label: Label) -> Label {
        let Issues {
            redshift,
            class,
            spectrum,
        } = &mut label.issues;
        match self {
            Self::Quality(quality) => label.quality = Some(*quality).filter(|q| label.quality != Some(*q)),
            Self::BadRedshift => *redshift = !*redshift,
            Self::BadClass => *class = !*class,
            Self::BadSpectrum => *spectrum = !*spectrum,
            Self::Interesting => label.interesting = !label.interesting,
            Self::Class(class) => label.class = Some(class.clone()),
            Self::Comment(comment) => label.comment = comment.clone(),
            Self::Redshift(z) => label.z = *z,
            Self::Clear => label = Label::default(),
        }
        label.tidy()
    }
}

#[derive(Debug)]
pub enum Request {
    Open {
        path: PathBuf,
        scanner: String,
    },
    Edit {
        id: String,
        edit: Edit,
    },
    Undo,
    Redo,
    /// Labels from a file, or out to one.
    Exchange {
        path: PathBuf,
        out: bool,
        /// The catalog, for the facts that the file has beside each label.
        inputs: Vec<String>,
        metadata_dir: PathBuf,
    },
}

impl worker::Request for Request {
    /// No label is ever dropped.
    fn slot(&self) -> Option<u8> {
        None
    }
}

#[derive(Debug)]
pub enum Answer {
    Opened {
        labels: BTreeMap<String, Label>,
        scanner: String,
        problems: Vec<String>,
    },
    /// It is in the journal, on disk.
    Saved(Change),
    /// A file was read, and these are the labels now; or one was written.
    Exchanged {
        labels: Option<BTreeMap<String, Label>>,
        said: Vec<String>,
    },
    /// Nothing to undo or redo.
    Nothing(&'static str),
    /// What went wrong, and what it means for the label.
    Failed(String),
}

/// The labels as far as the screens know them: exactly those that are on disk.
#[derive(Debug, Default)]
pub struct Labels {
    /// Digits are qualities.
    pub inspecting: bool,
    by_id: BTreeMap<String, Label>,
    counts: Counts,
    pub scanner: String,
}

impl Labels {
    pub fn get(&self, id: &str) -> Option<&Label> {
        self.by_id.get(id)
    }

    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    pub fn all(&self) -> &BTreeMap<String, Label> {
        &self.by_id
    }

    pub fn opened(&mut self, labels: BTreeMap<String, Label>, scanner: String) {
        self.by_id = labels;
        self.scanner = scanner;
        self.counts = Counts::of(self.by_id.values());
    }

    pub fn changed(&mut self, change: &Change) {
        match &change.after {
            Some(label) => self.by_id.insert(change.object_id.clone(), label.clone()),
            None => self.by_id.remove(&change.object_id),
        };
        self.counts = Counts::of(self.by_id.values());
    }

    /// A label in few columns, for lists: quality, issues, a star.
    pub fn short(label: &Label) -> String {
        let quality = label
            .quality
            .map(|quality| quality.to_string())
            .unwrap_or_default();
        let star = if label.interesting { "*" } else { "" };
        let note = if label.comment.is_empty() { "" } else { "\"" };
        format!("{star}{quality}{}{note}", label.issues)
    }
}

/// The journal in its worker.
#[derive(Default)]
pub struct Keeper {
    journal: Option<Journal>,
}

impl Keeper {
    pub fn serve(&mut self, request: Request) -> Answer {
        // A file that cannot be read or written costs no label.
        let saves = !matches!(request, Request::Exchange { .. });
        self.answer(request).unwrap_or_else(|error| match saves {
            true => Answer::Failed(format!("the label is not saved: {error}")),
            false => Answer::Failed(error),
        })
    }

    fn answer(&mut self, request: Request) -> Result<Answer, String> {
        if let Request::Open { path, scanner } = request {
            let journal = Journal::open(&path, &scanner).map_err(|error| error.to_string())?;
            let answer = Answer::Opened {
                labels: own(&journal),
                scanner: journal.scanner().to_owned(),
                problems: journal
                    .problems()
                    .iter()
                    .map(|problem| format!("{} line {}: {}", path.display(), problem.line, problem.what))
                    .collect(),
            };
            self.journal = Some(journal);
            return Ok(answer);
        }
        let Some(journal) = &mut self.journal else {
            return Err("the journal of labels is not open".into());
        };
        let saved = match request {
            Request::Open { .. } => None,
            Request::Exchange {
                path,
                out,
                inputs,
                metadata_dir,
            } => {
                let catalog = Catalog::open_table(&inputs).map_err(|error| error.to_string())?;
                return match out {
                    true => export(journal, &path, &catalog, &metadata_dir),
                    false => import(journal, &path, &catalog, &metadata_dir),
                }
                .map_err(|error| in_words(&error));
            }
            Request::Edit { id, edit } => {
                let label = edit.apply(journal.get(&id).cloned().unwrap_or_default());
                journal.set(&id, label)
            }
            .map_err(|error| error.to_string())?,
            Request::Undo => match journal.undo().map_err(|error| error.to_string())? {
                None => return Ok(Answer::Nothing("no label to undo")),
                change => change,
            },
            Request::Redo => match journal.redo().map_err(|error| error.to_string())? {
                None => return Ok(Answer::Nothing("no label to redo")),
                change => change,
            },
        };
        Ok(saved.map_or(Answer::Nothing("the label is as it was"), Answer::Saved))
    }
}

/// The labels of the one who labels here.
fn own(journal: &Journal) -> BTreeMap<String, Label> {
    journal
        .labels()
        .map(|(id, label)| (id.to_owned(), label.clone()))
        .collect()
}

fn import(
    journal: &mut Journal,
    path: &Path,
    catalog: &Catalog,
    metadata_dir: &Path,
) -> Result<Answer, PipelineError> {
    let files = [path.to_owned()];
    let taken = pipeline::import_labels(journal, &files, Some(catalog), metadata_dir)?;
    let mut said: Vec<String> = taken.files.into_iter().flat_map(|file| file.notes).collect();
    said.push(format!(
        "{}: {}, {} of them new, {} of objects that are not in the catalog",
        path.display(),
        counted(taken.read, "label"),
        taken.changed,
        taken.unknown
    ));
    Ok(Answer::Exchanged {
        labels: Some(own(journal)),
        said,
    })
}

fn export(
    journal: &Journal,
    path: &Path,
    catalog: &Catalog,
    metadata_dir: &Path,
) -> Result<Answer, PipelineError> {
    // As behind the name of any export.
    let name = path.to_string_lossy();
    let (path, force) = match name.strip_suffix('!') {
        Some(name) => (Path::new(name.trim_end()), true),
        None => (path, false),
    };
    let scanner = journal.scanner();
    let labels: Vec<Labeled> = journal
        .everyone()
        .into_iter()
        .filter(|labeled| labeled.by == scanner)
        .collect();
    let ids: Vec<String> = labels.iter().map(|labeled| labeled.object_id.clone()).collect();
    let format = match path.extension().is_some_and(|extension| extension == "mz") {
        true => Format::Marz,
        false => Format::Prospect,
    };
    let facts = pipeline::label_facts(Some(catalog), metadata_dir, &ids)?;
    let mut said = pipeline::export_labels(path, format, force, scanner, &labels, &facts)?;
    said.push(format!(
        "wrote {} to {}",
        counted(labels.len(), "label"),
        path.display()
    ));
    Ok(Answer::Exchanged { labels: None, said })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_toggle_and_add_up() {
        let label = [
            Edit::Quality(3),
            Edit::BadRedshift,
            Edit::Interesting,
            Edit::Comment(" dim ".into()),
        ]
        .iter()
        .fold(Label::default(), |label, edit| edit.apply(label));
        assert_eq!(Labels::short(&label), "*3R\"");
        assert_eq!(label.comment, "dim");
        let label = [
            Edit::Quality(3),
            Edit::BadRedshift,
            Edit::Interesting,
            Edit::Comment(String::new()),
        ]
        .iter()
        .fold(label, |label, edit| edit.apply(label));
        assert!(label.is_empty());
    }

    #[test]
    fn what_the_screens_show_is_what_is_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.jsonl");
        let (mut keeper, mut labels) = (Keeper::default(), Labels::default());
        assert!(matches!(keeper.serve(Request::Undo), Answer::Failed(_)));
        let open = || Request::Open {
            path: path.clone(),
            scanner: "abc".into(),
        };
        assert!(matches!(keeper.serve(open()), Answer::Opened { .. }));
        let edit = |id: &str, edit| Request::Edit { id: id.into(), edit };
        for request in [
            edit("a", Edit::Quality(4)),
            edit("b", Edit::BadClass),
            Request::Undo,
        ] {
            let Answer::Saved(change) = keeper.serve(request) else {
                panic!("saved");
            };
            labels.changed(&change);
        }
        assert_eq!((labels.counts().total, labels.get("b")), (1, None));
        let Answer::Opened { labels: again, .. } = Keeper::default().serve(open()) else {
            panic!("opened");
        };
        assert_eq!(&again, labels.all());
    }
}
