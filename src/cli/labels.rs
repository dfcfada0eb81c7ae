//! `spectriage labels`: what people say of objects, without screens.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::{Common, End, SettingFlags, UsageError, print, start_logging};
use crate::artifact::{is_ranked, rankings};
use crate::catalog::Catalog;
use crate::pipeline::settings::Settings;
use crate::pipeline::{self, RerankSummary};
use crate::triage::{
    Change, Format, Issues, Journal, Label, LabelFile, Labeled, Merged, MergedRow, default_scanner, merge,
    prospect,
};
use crate::tui::text::clean;
use crate::words::counted;

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// List the labels of all people in the journal, with their counts
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Label an object; what is not given stays as it is
    Set(SetArguments),
    /// Take your last step back
    Undo {
        #[command(flatten)]
        place: Place,
    },
    /// Bring the step that was undone last back
    Redo {
        #[command(flatten)]
        place: Place,
    },
    /// Take labels of prospect, Marz or another journal into the journal
    Import(ImportArguments),
    /// Write your labels for prospect or Marz
    Export(ExportArguments),
    /// Lay the labels of several people side by side and show where they disagree
    Merge(MergeArguments),
    /// Re-order a ranking by what the labels call interesting
    Rerank(RerankArguments),
}

/// Which journal, and whose labels.
#[derive(Debug, Clone, clap::Args)]
struct Place {
    /// The journal [default: labels.jsonl in the metadata folder]
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Whose labels: your initials [default: your user name]
    #[arg(long, value_name = "ABC", env = "SPECTRIAGE_SCANNER")]
    scanner: Option<String>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    settings: SettingFlags,
}

#[derive(Debug, Clone, clap::Args)]
struct SetArguments {
    /// Object id
    #[arg(value_name = "ID")]
    id: String,
    /// 4 confident, 3 probable, 2 possible, 1 signal but unidentified, 0 nothing there
    #[arg(long, value_name = "0-4", value_parser = clap::value_parser!(u8).range(0..=4))]
    quality: Option<u8>,
    /// Letters of what is wrong: R redshift, C class, S spectrum; "" for nothing
    #[arg(long, value_name = "RCS")]
    issue: Option<String>,
    /// STAR, GALAXY, QSO or free text; "" for none
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// The right redshift
    #[arg(long, value_name = "Z", allow_negative_numbers = true)]
    z: Option<f64>,
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Worth a second look
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    interesting: Option<bool>,
    /// Begin from no label at all; alone it takes the label away
    #[arg(long)]
    clear: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, clap::Args)]
struct ImportArguments {
    /// Files of prospect (.csv), Marz (.mz) or journals, told apart by what is in them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Catalog that knows the files' TARGETIDs; may be given several times [default: the rankings of the metadata folder]
    #[arg(long = "catalog", value_name = "CATALOG")]
    catalogs: Vec<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ExportFormat {
    Prospect,
    Marz,
}

#[derive(Debug, Clone, clap::Args)]
struct ExportArguments {
    /// File to write; a folder gets desi-vi_labels_ABC.csv or labels_ABC.mz
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Catalog with redshift, class and position of the objects [default: the rankings of the metadata folder]
    #[arg(value_name = "CATALOG")]
    catalogs: Vec<String>,
    /// What to write [default: what the name ends in, .csv for prospect or .mz for Marz; in a folder prospect]
    #[arg(long, value_enum)]
    format: Option<ExportFormat>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, clap::Args)]
struct MergeArguments {
    /// Files of labels, of prospect, Marz or journals; one that does not say whose it is goes by its name
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// List the objects on which all agree, and those that one alone saw, too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, clap::Args)]
struct RerankArguments {
    /// Number of the ranking [default: the newest of the metadata folder]
    #[arg(long, alias = "ranking", value_name = "N")]
    run: Option<u64>,
    #[command(flatten)]
    place: Place,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<End> {
    match &arguments.action {
        Action::List { place } => list(place)?,
        Action::Set(arguments) => set(arguments)?,
        Action::Undo { place } => step(place, "undid", "nothing is left to undo", Journal::undo)?,
        Action::Redo { place } => step(place, "redid", "nothing is left to redo", Journal::redo)?,
        Action::Import(arguments) => import(arguments)?,
        Action::Export(arguments) => export(arguments)?,
        Action::Merge(arguments) => merged(arguments)?,
        Action::Rerank(arguments) => reranked(arguments)?,
    }
    Ok(End::Done)
}

impl Place {
    fn open(&self) -> anyhow::Result<(Journal, Settings)> {
        start_logging(&self.common);
        let settings = self.settings.resolve()?.settings;
        let path = self.journal.clone();
        let path = path.unwrap_or_else(|| pipeline::journal_path(&settings.output.metadata_dir));
        let scanner = self.scanner.clone().filter(|scanner| !scanner.trim().is_empty());
        let journal = Journal::open(&path, &scanner.unwrap_or_else(default_scanner))?;
        for problem in journal.problems() {
            self.note(&format!("{}: {problem}", path.display()));
        }
        Ok((journal, settings))
    }

    fn note(&self, note: &str) {
        if !self.common.quiet {
            eprintln!("{}", plain(note));
        }
    }
}

/// Text of people and files, without what a terminal would act on.
fn plain(text: &str) -> String {
    clean(text).into_owned()
}

fn list(place: &Place) -> anyhow::Result<()> {
    let (journal, _) = place.open()?;
    let labels = journal.everyone();
    let counts = journal.counts();
    let value = json!({
        "journal": journal.path(), "scanner": journal.scanner(), "counts": counts, "labels": labels,
        "problems": journal.problems(),
    });
    print::json_or(place.common.json, &value, || {
        let mut lines = vec![format!("{:<24} {:<8} label", "object", "by")];
        lines.extend(labels.iter().map(|labeled| {
            format!(
                "{:<24} {:<8} {}",
                plain(&labeled.object_id),
                plain(&labeled.by),
                plain(&labeled.label.to_string())
            )
        }));
        let [q0, q1, q2, q3, q4] = counts.quality;
        lines.push(format!(
            "\n{} of {}: quality 4: {q4}, 3: {q3}, 2: {q2}, 1: {q1}, 0: {q0}; issues R: {}, C: {}, S: {}; interesting: {}",
            counts.total, journal.scanner(), counts.redshift_issues, counts.class_issues, counts.spectrum_issues,
            counts.interesting
        ));
        lines.join("\n")
    })
}

fn set(arguments: &SetArguments) -> anyhow::Result<()> {
    let (mut journal, settings) = arguments.place.open()?;
    let old = journal.get(&arguments.id).cloned().unwrap_or_default();
    let mut label = if arguments.clear { Label::default() } else { old };
    let given = [
        arguments.quality.is_some(),
        arguments.issue.is_some(),
        arguments.class.is_some(),
        arguments.z.is_some(),
        arguments.comment.is_some(),
        arguments.interesting.is_some(),
        arguments.clear,
    ];
    if !given.contains(&true) {
        let what =
            "nothing to set: give --quality, --issue, --class, --z, --comment, --interesting or --clear";
        return Err(UsageError(what.into()).into());
    }
    label.quality = arguments.quality.or(label.quality);
    if let Some(letters) = &arguments.issue {
        label.issues = Issues::parse(letters).map_err(|letter| {
            UsageError(format!(
                "--issue: `{}` is none of R, C, S",
                plain(&letter.to_string())
            ))
        })?;
    }
    label.class = arguments.class.clone().or(label.class);
    label.z = arguments.z.or(label.z);
    label.comment = arguments.comment.clone().unwrap_or(label.comment);
    label.interesting = arguments.interesting.unwrap_or(label.interesting);
    let change = journal.set(&arguments.id, label)?;
    let folder = &settings.output.metadata_dir;
    let there = rankings(folder);
    // The label is saved: what cannot be read is no reason to say otherwise.
    let has_it = |n: &u64| is_ranked(folder, *n, &arguments.id).unwrap_or(true);
    if !there.is_empty() && !there.iter().rev().any(has_it) {
        let note = format!("{} is in no ranking here: is the id right?", arguments.id);
        arguments.place.note(&note);
    }
    tell(
        &arguments.place,
        &journal,
        "set",
        change.as_ref(),
        "it is labeled like this already",
    )
}

fn step(
    place: &Place,
    verb: &str,
    nothing: &str,
    step: impl FnOnce(&mut Journal) -> Result<Option<Change>, crate::triage::TriageError>,
) -> anyhow::Result<()> {
    let (mut journal, _) = place.open()?;
    let change = step(&mut journal)?;
    tell(place, &journal, verb, change.as_ref(), nothing)
}

fn tell(
    place: &Place,
    journal: &Journal,
    verb: &str,
    change: Option<&Change>,
    nothing: &str,
) -> anyhow::Result<()> {
    let (undo, redo) = journal.depth();
    let value = json!({
        "done": change.map(|_| verb),
        "object_id": change.map(|change| &change.object_id),
        "before": change.and_then(|change| change.before.as_ref()),
        "after": change.and_then(|change| change.after.as_ref()),
        "undo_left": undo,
        "redo_left": redo,
    });
    print::json_or(place.common.json, &value, || {
        change.map_or_else(|| nothing.to_owned(), |change| plain(&format!("{verb} {change}")))
    })
}

fn open_catalog(inputs: &[String]) -> anyhow::Result<Option<Catalog>> {
    Ok(if inputs.is_empty() {
        None
    } else {
        Some(Catalog::open_table(inputs)?)
    })
}

fn import(arguments: &ImportArguments) -> anyhow::Result<()> {
    let place = &arguments.place;
    let (mut journal, settings) = place.open()?;
    let catalog = open_catalog(&arguments.catalogs)?;
    let folder = &settings.output.metadata_dir;
    let imported = pipeline::import_labels(&mut journal, &arguments.files, catalog.as_ref(), folder)?;
    for file in &imported.files {
        for note in &file.notes {
            place.note(&format!("{}: {note}", file.path.display()));
        }
    }
    print::json_or(place.common.json, &imported, || {
        let unknown = match imported.unknown {
            0 => String::new(),
            count => format!("; {count} of objects that are in no catalog or ranking here"),
        };
        format!(
            "{} read, {} of them new or changed{unknown}",
            counted(imported.read, "label"),
            imported.changed
        )
    })
}

fn export(arguments: &ExportArguments) -> anyhow::Result<()> {
    let place = &arguments.place;
    let (journal, settings) = place.open()?;
    let scanner = journal.scanner();
    let labels: Vec<Labeled> = journal
        .everyone()
        .into_iter()
        .filter(|labeled| labeled.by == scanner)
        .collect();
    let (path, format) = target(arguments, scanner)?;
    let itself = path.canonicalize().ok();
    if itself.is_some() && itself == journal.path().canonicalize().ok() {
        let path = path.display();
        let what = format!("{path} is the journal itself, which an export would replace; give another name");
        return Err(UsageError(what).into());
    }
    let catalog = open_catalog(&arguments.catalogs)?;
    let ids: Vec<String> = labels.iter().map(|labeled| labeled.object_id.clone()).collect();
    let facts = pipeline::label_facts(catalog.as_ref(), &settings.output.metadata_dir, &ids)?;
    let notes = pipeline::export_labels(&path, format, arguments.force, scanner, &labels, &facts)?;
    for note in &notes {
        place.note(note);
    }
    let whence = if catalog.is_some() {
        "the catalog"
    } else {
        "a ranking; a catalog after the file's name gives its own"
    };
    let value = json!({ "file": path, "format": format, "labels": labels.len(), "with_facts": facts.len(), "notes": notes });
    print::json_or(place.common.json, &value, || {
        format!(
            "{} of {scanner} in {}, {} with facts of {whence}",
            counted(labels.len(), "label"),
            path.display(),
            facts.len()
        )
    })
}

/// The file to write, and what: its name tells, where it is not said.
fn target(arguments: &ExportArguments, scanner: &str) -> Result<(PathBuf, Format), UsageError> {
    let asked = arguments.format.map(|format| match format {
        ExportFormat::Prospect => Format::Prospect,
        ExportFormat::Marz => Format::Marz,
    });
    let mut path = arguments.file.clone();
    if path.is_dir() {
        let name = prospect::file_name("labels", scanner);
        let format = asked.unwrap_or(Format::Prospect);
        path.push(match format {
            Format::Marz => name.replace("desi-vi_", "").replace(".csv", ".mz"),
            Format::Prospect | Format::Journal => name,
        });
        return Ok((path, format));
    }
    let name = path.display();
    match (Format::of(&path), asked) {
        (Some(Format::Journal), _) => Err(UsageError(format!(
            "{name} is the name of a journal; an export's ends in .csv for prospect or .mz for Marz"
        ))),
        (Some(named), Some(asked)) if named != asked => Err(UsageError(format!(
            "{name} ends as a file of the other format does: leave --format out, or give another name"
        ))),
        (None, None) => Err(UsageError(format!(
            "{name}: its name has to end in .csv for prospect or .mz for Marz, or --format to say which"
        ))),
        (Some(format), _) | (None, Some(format)) => Ok((path, format)),
    }
}

fn merged(arguments: &MergeArguments) -> anyhow::Result<()> {
    start_logging(&arguments.common);
    let mut people: Vec<(String, BTreeMap<String, Label>)> = Vec::new();
    for path in &arguments.files {
        let file = LabelFile::read(path)?;
        if !arguments.common.quiet {
            for note in &file.notes {
                eprintln!("{}", plain(&format!("{}: {note}", path.display())));
            }
        }
        let nameless = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        people.extend(file.by_scanner(&nameless));
    }
    let merged = merge(&people);
    print::json_or(arguments.common.json, &merged, || {
        merge_text(&merged, arguments.all)
    })
}

fn merge_text(merged: &Merged, all: bool) -> String {
    let mut lines = Vec::new();
    let mut table = |row: &MergedRow, what: &str| {
        lines.push(format!("{}  {what}", plain(&row.object_id)));
        for (scanner, label) in &row.by {
            lines.push(format!("    {:<8} {}", plain(scanner), plain(&label.to_string())));
        }
    };
    for row in &merged.rows {
        match &row.disagreement {
            Some(disagreement) => table(row, &format!("disagree on {disagreement}")),
            None if all && row.by.len() == 1 => table(row, "seen by one alone"),
            None if all => table(row, "agree"),
            None => {}
        }
    }
    let summary = merged.summary;
    lines.push(format!(
        "{}: {} seen by two or more ({} agree, {} disagree), {} by one alone; {} interesting to somebody",
        counted(summary.objects, "object"),
        summary.shared,
        summary.agree,
        summary.disagree,
        summary.single,
        summary.interesting
    ));
    lines.push(format!(
        "disagreements: quality {}, class {}, redshift {}, issues {}",
        summary.quality, summary.class, summary.redshift, summary.issues
    ));
    lines.join("\n")
}

fn reranked(arguments: &RerankArguments) -> anyhow::Result<()> {
    let place = &arguments.place;
    let (journal, settings) = place.open()?;
    let summary = pipeline::rerank_saved(&journal.best(), &settings.output, arguments.run)?;
    print::json_or(place.common.json, &summary, || rerank_text(&summary))
}

fn rerank_text(summary: &RerankSummary) -> String {
    let mut lines: Vec<String> = summary.explanation.iter().map(|line| plain(line)).collect();
    if !summary.top.is_empty() {
        lines.push(format!(
            "\n{:>5} {:>6} {:>8} {:>8} object",
            "now", "before", "score", "interest"
        ));
        lines.extend(summary.top.iter().map(|row| {
            format!(
                "{:>5} {:>6} {:>8.2} {:>8.1} {}",
                row.rerank,
                row.rank,
                row.rerank_score,
                row.predicted_interest,
                plain(&row.object_id)
            )
        }));
    }
    if let Some(run) = summary.run {
        lines.push(format!("\nranking {}, re-ranked as {run}:", summary.ranking));
        lines.extend(summary.files.iter().map(|path| format!("  {}", path.display())));
    }
    lines.join("\n")
}
