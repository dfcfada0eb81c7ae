//! The floors of `docs/architecture.md`, held by reading the paths that the source names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The folders, from the ground up. A folder may name those of its own floor and of the floors below.
const FLOORS: [&[&str]; 5] = [
    &["spectrum"],
    &["anomaly", "figure", "simulate"],
    &["catalog", "cutout", "ingest", "model"],
    &["artifact", "pipeline", "triage"],
    &["cli", "tui"],
];

/// The folders of pure functions, and what they may not name.
const PURE: [&str; 4] = ["spectrum", "anomaly", "figure", "simulate"];
const IMPURE: [&str; 16] = [
    "crate::durable",
    "burn",
    "burn_pack",
    "arrow",
    "parquet",
    "datafusion",
    "ratatui",
    "crossterm",
    "tokio",
    "indicatif",
    "tempfile",
    "std::fs",
    "std::time",
    "std::net",
    "std::process",
    "std::env",
];

/// Files that join everything.
const ROOTS: [&str; 2] = ["lib.rs", "main.rs"];

/// Where one backend may be told from another.
const DEVICES: &str = "model/device.rs";

fn floor(folder: &str) -> Option<usize> {
    FLOORS.iter().position(|folders| folders.contains(&folder))
}

/// The code without its line comments (which hold links into all floors).
fn code(text: &str) -> String {
    text.lines()
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code))
        .collect::<Vec<_>>()
        .join("\n")
}

/// All paths that code names, groups written out: `use a::{b, c::d};` names `a::b` and `a::c::d`.
fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        if is_name(first) && !is_name(before) {
            let taken = path(rest, "", &mut found);
            before = rest[..taken].chars().last().unwrap_or(' ');
            rest = &rest[taken..];
        } else {
            before = first;
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Reads one path (with its group, if there is one) from the start of `text`, and returns the bytes it takes.
fn path(text: &str, prefix: &str, found: &mut Vec<String>) -> usize {
    let mut end = 0;
    loop {
        end += text[end..].find(|c| !is_name(c)).unwrap_or(text.len() - end);
        match text[end..].strip_prefix("::") {
            Some(after) if after.starts_with('{') => {
                let prefix = format!("{prefix}{}::", &text[..end]);
                let open = end + 3;
                let mut at = open;
                while at < text.len() && !text[at..].starts_with('}') {
                    if text[at..].starts_with(is_name) {
                        at += path(&text[at..], &prefix, found);
                    } else {
                        at += text[at..].chars().next().map_or(1, char::len_utf8);
                    }
                }
                return (at + 1).min(text.len());
            }
            Some(after) if after.starts_with(is_name) => end += 2,
            _ => break,
        }
    }
    found.push(format!("{prefix}{}", &text[..end]));
    end
}

/// The folder of the crate that a path leads to from a file of `depth` modules, where it leaves its own.
fn folder_of(path: &str, depth: usize) -> Option<&str> {
    let mut parts = path.split("::").peekable();
    if parts.next_if_eq(&"crate").is_some() {
        return parts.next();
    }
    parts.next_if_eq(&"self");
    let mut climbed = 0;
    while parts.next_if_eq(&"super").is_some() {
        climbed += 1;
    }
    (climbed >= depth).then(|| parts.next()).flatten()
}

/// What a source file does that its floor forbids. `file` is its path within `src`.
fn violations(file: &str, text: &str) -> Vec<String> {
    let code = code(text);
    let mut wrong = Vec::new();
    for feature in ["cuda", "vulkan"] {
        if file != DEVICES && code.contains(&format!("feature = \"{feature}\"")) {
            wrong.push(format!(
                "{file} asks for the feature {feature}, which only {DEVICES} may"
            ));
        }
    }
    let Some((own, _)) = file.split_once('/') else {
        // A file beside the folders serves all floors and knows none; the roots name them all.
        let known = paths(&code).into_iter().filter(|_| !ROOTS.contains(&file));
        let known = known.filter(|path| folder_of(path, 1).is_some_and(|folder| floor(folder).is_some()));
        wrong.extend(known.map(|path| format!("{file} serves all floors and names {path}")));
        return wrong;
    };
    let Some(own_floor) = floor(own) else {
        wrong.push(format!(
            "{file} is in a folder that no floor has: add `{own}` to docs/architecture.md and here"
        ));
        return wrong;
    };
    for path in paths(&code) {
        if let Some(folder) = folder_of(&path, depth(file))
            && floor(folder).is_some_and(|floor| floor > own_floor)
        {
            wrong.push(format!("{file} names {path}, which is above `{own}`"));
        }
        let names = |what: &&&str| path == **what || path.starts_with(&format!("{what}::"));
        if PURE.contains(&own)
            && let Some(what) = IMPURE.iter().find(names)
            && path.contains("::")
        {
            wrong.push(format!("{file} names {path}, and `{own}` is pure: no {what}"));
        }
    }
    wrong
}

/// Modules between the crate and the inside of a file: 1 for `a/mod.rs`, 2 for `a/b.rs`.
fn depth(file: &str) -> usize {
    file.split('/').count() - usize::from(file.ends_with("/mod.rs"))
}

/// All files of `src`, as paths within it, with their text.
fn sources() -> BTreeMap<String, String> {
    fn walk(folder: &Path, root: &Path, found: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().components();
                let name = name
                    .map(|part| part.as_os_str().to_str().unwrap())
                    .collect::<Vec<_>>()
                    .join("/");
                found.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    walk(&root, &root, &mut found);
    found
}

#[test]
fn every_file_keeps_to_its_floor() {
    let sources = sources();
    assert!(sources.len() > 50, "only {} files were found", sources.len());
    let wrong: Vec<String> = sources
        .iter()
        .flat_map(|(file, text)| violations(file, text))
        .collect();
    assert!(
        wrong.is_empty(),
        "docs/architecture.md is not kept:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn folders_do_not_name_each_other_in_a_circle() {
    let mut below: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, text) in sources() {
        let Some((own, _)) = file.split_once('/') else {
            continue;
        };
        let named = paths(&code(&text));
        let named = named.iter().filter_map(|path| folder_of(path, depth(&file)));
        let named = named
            .filter(|folder| floor(folder).is_some() && *folder != own)
            .map(str::to_owned);
        below.entry(own.to_owned()).or_default().extend(named);
    }
    // Take away what rests on nothing that is left; a circle cannot be taken away.
    while let Some(ground) = below
        .iter()
        .find(|(_, named)| named.iter().all(|n| !below.contains_key(n)))
    {
        let ground = ground.0.clone();
        below.remove(&ground);
    }
    assert!(below.is_empty(), "these folders rest on each other: {below:?}");
}

#[test]
fn the_documentation_names_the_same_folders_in_the_same_order() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md")).unwrap();
    let drawn = text
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.split_once('/'));
    let drawn: Vec<usize> = drawn.filter_map(|(folder, _)| floor(folder)).collect();
    assert_eq!(
        drawn.len(),
        FLOORS.iter().map(|floor| floor.len()).sum::<usize>(),
        "each folder has its line"
    );
    assert!(
        drawn.is_sorted_by(|above, below| above >= below),
        "the house is drawn from the roof down: {drawn:?}"
    );
}

#[test]
fn violations_are_seen() {
    let seen = |file: &str, text: &str| violations(file, text).len();
    assert_eq!(seen("spectrum/a.rs", "use crate::anomaly::Region;"), 1);
    assert_eq!(
        seen(
            "anomaly/a.rs",
            "use crate::{spectrum::Facts, model::{Sample, Pca}};"
        ),
        2
    );
    assert_eq!(
        seen(
            "catalog/a.rs",
            "fn f() -> crate::pipeline::PipelineError { todo }"
        ),
        1
    );
    assert_eq!(
        seen(
            "model/a.rs",
            "use super::super::cli;\nuse super::super::spectrum::Facts;"
        ),
        1
    );
    assert_eq!(seen("model/mod.rs", "pub(super) use super::cli::run;"), 1);
    assert_eq!(
        seen(
            "figure/a.rs",
            "let x: burn::tensor::Tensor<1>; use std::{fs::File, io};"
        ),
        2
    );
    assert_eq!(seen("simulate/a.rs", "let now = std::time::Instant::now();"), 1);
    assert_eq!(seen("pipeline/a.rs", "#[cfg(feature = \"cuda\")]\nfn f() {}"), 1);
    assert_eq!(seen("gossip/a.rs", ""), 1, "a folder that no floor has");
    assert_eq!(seen("durable.rs", "use crate::model::Sample;"), 1);
    assert_eq!(seen("figure/a.rs", "use crate::durable::Draft;"), 1);
    // What is allowed stays allowed.
    assert_eq!(seen("lib.rs", "pub mod model; use crate::model::Sample;"), 0);
    assert_eq!(
        seen(
            "model/device.rs",
            "#[cfg(feature = \"cuda\")] use burn::tensor::Device;"
        ),
        0
    );
    assert_eq!(seen("cli/a.rs", "use crate::{pipeline, catalog::Catalog};"), 0);
    assert_eq!(
        seen(
            "figure/a.rs",
            "// see crate::pipeline\nuse crate::anomaly::Region; use super::super::spectrum;"
        ),
        0
    );
    assert_eq!(
        seen(
            "anomaly/a.rs",
            "let burn = arrow; use super::model; mod tests { use super::*; }"
        ),
        0
    );
}
