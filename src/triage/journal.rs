//! The journal: a file of labels that is only ever appended to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::TriageError;
use super::files::Labeled;
use super::history::{Change, Deed, Entry, History, Problem};
use super::label::{Counts, Label};

/// How long another program's write is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Lines of an import that go to the disk at once.
const LINES_A_WRITE: usize = 64;

/// The labels of a file of JSON lines, one entry a line.
///
/// The file is never rewritten: a label, its change, its undoing and the redoing are lines at its end, each written by one
/// call and synced before it is taken for saved. Several people and programs may append to one file; each person has labels
/// and an undo of their own. A line that cannot be read (torn by a crash, or damaged) is passed over, kept, and told by
/// [`problems`](Self::problems).
///
/// Undo goes back to the person's first entry, through restarts; redo until the person sets another label.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    scanner: String,
    histories: BTreeMap<String, History>,
    problems: BTreeMap<u64, String>,
    /// What has been read: bytes and lines, up to the end of a line.
    read: u64,
    lines: u64,
    /// The unended last line was taken as an entry already.
    taken: bool,
    identity: Option<(u64, u64)>,
    last: Option<SystemTime>,
}

/// What [`Journal::refresh`] found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// New entries of whomever.
    pub entries: usize,
    /// The file was replaced by another one, and all of it was read again.
    pub replaced: bool,
}

/// The name under which labels are kept where none is given: `$USER`, as far as a name may have its characters.
pub fn default_scanner() -> String {
    let user = ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_default();
    let name: String = user.chars().filter(|c| is_plain(*c)).take(32).collect();
    if name.is_empty() { "nobody".into() } else { name }
}

fn is_plain(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && c != ','
}

impl Journal {
    /// Opens a journal for a person and reads it. The file is made by the first label.
    ///
    /// Errors: a scanner's name that no file could hold; a file that is there and cannot be read.
    pub fn open(path: &Path, scanner: &str) -> Result<Self, TriageError> {
        let scanner = scanner.trim();
        if scanner.is_empty() || scanner.chars().count() > 32 || !scanner.chars().all(is_plain) {
            return Err(TriageError::Scanner {
                scanner: scanner.escape_debug().to_string(),
            });
        }
        let mut journal = Self {
            path: path.to_owned(),
            scanner: scanner.to_owned(),
            histories: BTreeMap::new(),
            problems: BTreeMap::new(),
            read: 0,
            lines: 0,
            taken: false,
            identity: None,
            last: None,
        };
        journal.refresh()?;
        Ok(journal)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn scanner(&self) -> &str {
        &self.scanner
    }

    /// The lines that could not be used, in their order.
    pub fn problems(&self) -> Vec<Problem> {
        let problem = |(line, what): (&u64, &String)| Problem {
            line: *line,
            what: what.clone(),
        };
        self.problems.iter().map(problem).collect()
    }

    /// The person's own label of an object; `None` where there is none.
    pub fn get(&self, id: &str) -> Option<&Label> {
        self.label_by(&self.scanner, id)
    }

    /// What anyone says of an object.
    pub fn label_by(&self, by: &str, id: &str) -> Option<&Label> {
        self.histories.get(by)?.get(id)
    }

    /// The person's own labels, by object id.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &Label)> {
        self.histories
            .get(&self.scanner)
            .into_iter()
            .flat_map(History::labels)
    }

    /// All labels of all people in the file, by scanner and object id.
    pub fn everyone(&self) -> Vec<Labeled> {
        let of = |(by, history): (&String, &History)| {
            let labels = history.labels().map(|(id, label)| Labeled {
                object_id: id.to_owned(),
                by: by.clone(),
                at: history.when(id).map(str::to_owned),
                label: label.clone(),
            });
            labels.collect::<Vec<_>>()
        };
        self.histories.iter().flat_map(of).collect()
    }

    /// One label an object: the person's own, else that of the next person in the order of names.
    pub fn best(&self) -> BTreeMap<String, Label> {
        let own = self.histories.get_key_value(&self.scanner);
        let others = self.histories.iter().filter(|(by, _)| **by != self.scanner);
        let mut labels = BTreeMap::new();
        for (_, history) in own.into_iter().chain(others) {
            for (id, label) in history.labels() {
                labels.entry(id.to_owned()).or_insert_with(|| label.clone());
            }
        }
        labels
    }

    /// How many of the person's own labels say what.
    pub fn counts(&self) -> Counts {
        Counts::of(self.labels().map(|(_, label)| label))
    }

    /// How many steps can be undone and redone.
    pub fn depth(&self) -> (usize, usize) {
        self.histories.get(&self.scanner).map_or((0, 0), History::depth)
    }

    /// Labels an object; an empty label takes its label away. `None`: it has this label already, and nothing was written.
    ///
    /// When it returns without an error, the label is on disk.
    ///
    /// Errors: an impossible label; a file that cannot be written. Then the label is as it was before.
    pub fn set(&mut self, id: &str, label: Label) -> Result<Option<Change>, TriageError> {
        let scanner = self.scanner.clone();
        let mut changes = self.set_all(&scanner, vec![(id.to_owned(), label)])?;
        Ok(changes.pop())
    }

    /// Labels many objects in the name of `by`, each a step of its own; returns what changed.
    ///
    /// Errors: as [`set`](Self::set); impossible labels before anything is written.
    pub fn set_all(&mut self, by: &str, labels: Vec<(String, Label)>) -> Result<Vec<Change>, TriageError> {
        let mut deeds = Vec::new();
        let mut pending: BTreeMap<String, Label> = BTreeMap::new();
        for (id, label) in labels {
            let label = label.tidy();
            label.check().map_err(|what| TriageError::Label {
                object_id: id.escape_debug().to_string(),
                what,
            })?;
            if id.trim().is_empty() {
                return Err(TriageError::Label {
                    object_id: "(no id)".into(),
                    what: "an object id is needed".into(),
                });
            }
            let known = self.histories.get(by).and_then(|history| history.get(&id));
            let known = pending.get(&id).or(known).cloned().unwrap_or_default();
            if label != known {
                pending.insert(id.clone(), label.clone());
                deeds.push(Deed::Set { id, label });
            }
        }
        self.append(by, deeds)
    }

    /// Takes the person's last step back, as a line of its own; says what it did. `None`: nothing is left to undo.
    pub fn undo(&mut self) -> Result<Option<Change>, TriageError> {
        self.refresh()?;
        let history = self.histories.get(&self.scanner);
        let Some(of) = history.and_then(History::last_done).map(str::to_owned) else {
            return Ok(None);
        };
        let scanner = self.scanner.clone();
        Ok(self.append(&scanner, vec![Deed::Undo { of }])?.pop())
    }

    /// Brings the last undone step back, as a line of its own. `None`: nothing is left to redo.
    pub fn redo(&mut self) -> Result<Option<Change>, TriageError> {
        self.refresh()?;
        let history = self.histories.get(&self.scanner);
        let Some(of) = history.and_then(History::last_undone).map(str::to_owned) else {
            return Ok(None);
        };
        let scanner = self.scanner.clone();
        Ok(self.append(&scanner, vec![Deed::Redo { of }])?.pop())
    }

    /// Reads what was appended since, by whomever.
    pub fn refresh(&mut self) -> Result<Refreshed, TriageError> {
        Ok(self.take_in(None)?.0)
    }

    /// Writes entries, syncs them, and only then takes them in; returns the changes they made.
    fn append(&mut self, by: &str, deeds: Vec<Deed>) -> Result<Vec<Change>, TriageError> {
        if deeds.is_empty() {
            return Ok(Vec::new());
        }
        let entries: Vec<Entry> = deeds
            .into_iter()
            .map(|deed| Entry {
                at: self.now(),
                by: by.to_owned(),
                deed,
            })
            .collect();
        let lines: Result<Vec<String>, _> = entries.iter().map(serde_json::to_string).collect();
        let failed = |error: io::Error| TriageError::append(&self.path, error);
        let lines = lines.map_err(|error| failed(error.into()))?;
        let mut file = open_to_append(&self.path).map_err(failed)?;
        let locked = lock(&file);
        let written = write_lines(&mut file, &lines).and_then(|()| file.sync_data());
        if locked {
            let _ = file.unlock();
        }
        written.map_err(failed)?;
        let ours: BTreeSet<(String, String)> =
            entries.into_iter().map(|entry| (entry.by, entry.at)).collect();
        Ok(self.take_in(Some(&ours))?.1)
    }

    /// The clock, but never twice the same: the times of a person's entries are their names.
    fn now(&mut self) -> String {
        let next = self.last.map(|last| last + Duration::from_nanos(1));
        let now = next.map_or_else(SystemTime::now, |next| next.max(SystemTime::now()));
        self.last = Some(now);
        humantime::format_rfc3339_nanos(now).to_string()
    }

    /// Reads on from where it stopped; returns the changes that the entries `ours` made.
    fn take_in(
        &mut self,
        ours: Option<&BTreeSet<(String, String)>>,
    ) -> Result<(Refreshed, Vec<Change>), TriageError> {
        let mut found = Refreshed::default();
        let mut changes = Vec::new();
        let failed = |error| TriageError::read(&self.path, error);
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                found.replaced = self.read > 0;
                self.forget();
                return Ok((found, changes));
            }
            Err(error) => return Err(failed(error)),
        };
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            let what = io::Error::new(io::ErrorKind::InvalidInput, "it is no file");
            return Err(failed(what));
        }
        let identity = identity(&metadata);
        if metadata.len() < self.read || (self.read > 0 && identity != self.identity) {
            self.forget();
            found.replaced = true;
        }
        self.identity = identity;
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(self.read))
            .and_then(|_| file.read_to_end(&mut bytes))
            .map_err(|error| TriageError::read(&self.path, error))?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n');
            let line = &rest[..end.unwrap_or(rest.len())];
            let number = self.lines + 1;
            self.problems.remove(&number);
            if self.taken {
                // It only got its end since, or not even that.
                self.taken = end.is_none();
            } else if !line.trim_ascii().is_empty() {
                match self.entry(line) {
                    Ok((name, change)) => {
                        found.entries += 1;
                        self.taken = end.is_none();
                        if ours.is_some_and(|ours| ours.contains(&name)) {
                            changes.push(change);
                        }
                    }
                    Err(_) if end.is_none() => {
                        let what = "its end is missing: the program or the connection broke off while it was written; it is passed over";
                        self.problems.insert(number, what.into());
                    }
                    Err(what) => {
                        self.problems.insert(number, format!("{what}; it is passed over"));
                    }
                }
            }
            let Some(end) = end else { break };
            self.taken = false;
            self.read += end as u64 + 1;
            self.lines = number;
            rest = &rest[end + 1..];
        }
        Ok((found, changes))
    }

    fn entry(&mut self, line: &[u8]) -> Result<((String, String), Change), String> {
        let entry: Entry =
            serde_json::from_slice(line).map_err(|error| format!("it is no entry of a journal ({error})"))?;
        let name = (entry.by.clone(), entry.at.clone());
        let history = self.histories.entry(entry.by).or_default();
        Ok((name, history.apply(entry.at, entry.deed)?))
    }

    fn forget(&mut self) {
        self.histories.clear();
        self.problems.clear();
        (self.read, self.lines, self.taken, self.identity) = (0, 0, false, None);
    }
}

/// Opens the file each time anew: one that was moved away or deleted meanwhile would swallow the label otherwise.
fn open_to_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).read(true);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder)?;
    }
    let file = options.create(true).open(path)?;
    // Its name is on disk when the folder is; not every file system can say so.
    let _ = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
    Ok(file)
}

/// Waits a little for other writers. Appending alone keeps lines apart on a local disk; the lock does so on shared ones, where
/// they know it.
fn lock(file: &File) -> bool {
    let begun = std::time::Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return true,
            Err(std::fs::TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(_) => return false,
        }
    }
}

/// One call a write: a line (of an import, some lines) is there whole, or torn at one place.
fn write_lines(file: &mut File, lines: &[String]) -> io::Result<()> {
    for lines in lines.chunks(LINES_A_WRITE) {
        let mut text = String::new();
        if !ends_with_a_line(file)? {
            text.push('\n');
        }
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        let written = loop {
            match file.write(text.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        if written < text.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
    }
    Ok(())
}

fn ends_with_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(unix)]
fn identity(metadata: &std::fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> Option<(u64, u64)> {
    None
}
