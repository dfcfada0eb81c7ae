//! `spectriage cutouts` and the figures of the headless job, as a user meets them.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::server::{Reply, Server};
use super::{Sky, files, good};
use crate::common::{self, QUICK, ordinary};

/// A folder with a catalog of rows that say they are of a survey, and a home of its own.
struct Desk {
    folder: tempfile::TempDir,
    /// Flags that lead to the services of a sky.
    flags: Vec<String>,
}

impl Desk {
    fn new(source: &str, count: u64, sky: &Sky) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut spectra = ordinary(31, count);
        for spectrum in &mut spectra {
            spectrum.facts.source = source.into();
        }
        common::write_catalog(&folder.path().join("catalog.parquet"), &spectra);
        let settings = &sky.settings;
        let flags = [
            ("--sdss-url", &settings.sdss_url),
            ("--legacy-url", &settings.legacy_url),
            ("--panstarrs-url", &settings.panstarrs_url),
            ("--hips-url", &settings.hips_url),
            ("--cutout-pixels", &settings.cutout_pixels.to_string()),
            ("--cutout-pause", &"0.01".to_owned()),
        ];
        Self {
            flags: flags
                .iter()
                .flat_map(|(flag, value)| [(*flag).to_owned(), (*value).clone()])
                .collect(),
            folder,
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spectriage"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("SPECTRIAGE_") || name.to_lowercase().ends_with("_proxy") {
                command.env_remove(name);
            }
        }
        command
            .current_dir(self.folder.path())
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("HOME", self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .args(arguments);
        command
    }

    fn fetch(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&["cutouts", "fetch", "catalog.parquet", "--json"]);
        command.args(&self.flags).args(arguments);
        command
    }

    fn own_cache(&self) -> std::path::PathBuf {
        self.path("cache/spectriage/cutouts")
    }
}

fn ended(child: Child) -> (Option<i32>, String, String) {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn run(command: &mut Command) -> (Option<i32>, String, String) {
    ended(command.spawn().unwrap())
}

fn json(command: &mut Command) -> serde_json::Value {
    let (code, stdout, stderr) = run(command);
    assert_eq!(code, Some(0), "{stderr}");
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
}

#[test]
fn images_are_fetched_ahead_once() {
    let sky = Sky::only("legacy");
    let desk = Desk::new("DESI-DR1", 12, &sky);
    let first = json(&mut desk.fetch(&["--limit", "5"]));
    assert_eq!(
        (&first["objects"], &first["fetched"]["legacy"], &first["at_hand"]),
        (&5.into(), &5.into(), &0.into())
    );
    assert!(
        first["folder"].as_str().unwrap().ends_with("spectriage/cutouts"),
        "{first}"
    );
    assert_eq!(first["interrupted"], false);
    let second = json(&mut desk.fetch(&[]));
    assert_eq!(
        (&second["fetched"]["legacy"], &second["at_hand"]),
        (&7.into(), &5.into()),
        "{second}"
    );
    assert_eq!(sky.asked_in_all(), 12);
    let id = ordinary(31, 1)[0].facts.object_id.clone();
    let one = json(&mut desk.fetch(&["--id", &id]));
    assert_eq!((&one["objects"], &one["at_hand"]), (&1.into(), &1.into()));
    let offline = json(&mut desk.fetch(&["--offline", "--cutout-scale", "0.5"]));
    assert_eq!(
        (&offline["not_looked_for"], &offline["folder"]),
        (&12.into(), &serde_json::Value::Null)
    );
    assert_eq!(sky.asked_in_all(), 12);

    let info = json(&mut desk.command(&["cutouts", "info", "--json"]));
    assert_eq!(info["folders"][0]["services"]["legacy"]["images"], 12, "{info}");
    let text = run(&mut desk.command(&["cutouts", "info"])).1;
    assert!(
        text.contains("12 images") && text.contains("new images come here"),
        "{text}"
    );
    let cleared = json(&mut desk.command(&["cutouts", "clear", "--json"]));
    assert_eq!(cleared["files"], 12);
    assert!(files(&desk.own_cache()).is_empty());
}

/// The folder is filled where there is a network and read where there is none.
#[test]
fn a_shared_folder_is_filled_once_and_read_by_many() {
    let sky = Sky::only("legacy");
    let desk = Desk::new("DESI-DR1", 4, &sky);
    json(&mut desk.fetch(&["--cutout-dir", "shared"]));
    assert_eq!(files(&desk.path("shared")).len(), 4);
    assert!(!desk.own_cache().exists(), "nothing goes elsewhere");
    let again = json(&mut desk.fetch(&["--cutout-dir", "shared", "--offline"]));
    assert_eq!(again["at_hand"], 4);
}

#[test]
fn two_processes_fill_one_folder_together() {
    let sky = Sky::new(|service, number, request| match service {
        "legacy" => good(service, number, request).after(Duration::from_millis(10)),
        _ => super::outside(service),
    });
    let desk = Desk::new("DESI-DR1", 24, &sky);
    let both: Vec<Child> = (0..2)
        .map(|_| desk.fetch(&["--cutout-dir", "shared"]).spawn().unwrap())
        .collect();
    for child in both {
        let (code, stdout, stderr) = ended(child);
        assert_eq!(code, Some(0), "{stderr}");
        let summary: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        let count = |value: &serde_json::Value| value.as_u64().unwrap_or(0);
        assert_eq!(
            count(&summary["fetched"]["legacy"]) + count(&summary["at_hand"]),
            24,
            "{summary}"
        );
    }
    let kept = files(&desk.path("shared"));
    assert_eq!(kept.len(), 24, "{kept:?}");
    let again = json(&mut desk.fetch(&["--cutout-dir", "shared", "--offline"]));
    assert_eq!(again["at_hand"], 24, "every file is whole");
}

#[cfg(unix)]
#[test]
fn an_interrupted_fetch_goes_on_where_it_was() {
    let sky = Sky::new(|service, number, request| match service {
        "legacy" => good(service, number, request).after(Duration::from_millis(50)),
        _ => super::outside(service),
    });
    let desk = Desk::new("DESI-DR1", 60, &sky);
    let child = desk.fetch(&[]).spawn().unwrap();
    let since = Instant::now();
    while sky.asked("legacy").len() < 6 {
        assert!(since.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let (code, stdout, stderr) = ended(child);
    assert_eq!(code, Some(130), "{stderr}");
    let summary: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(summary["interrupted"], true);
    let kept = files(&desk.own_cache());
    assert!(!kept.is_empty() && kept.len() < 60, "{}", kept.len());
    assert!(
        kept.iter().all(|path| path.extension().unwrap() == "jpg"),
        "no draft is left: {kept:?}"
    );
    let rest = json(&mut desk.fetch(&[]));
    assert_eq!(rest["at_hand"].as_u64().unwrap() as usize, kept.len());
    assert_eq!(files(&desk.own_cache()).len(), 60);
}

#[test]
fn without_a_network_it_gives_up_soon_and_says_so() {
    let sky = Sky::only("legacy");
    let mut desk = Desk::new("DESI-DR1", 40, &sky);
    // Ports that were free a moment ago.
    let free = || {
        std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port()
    };
    for flag in ["--sdss-url", "--legacy-url", "--panstarrs-url", "--hips-url"] {
        let place = desk.flags.iter().position(|word| word == flag).unwrap();
        desk.flags[place + 1] = format!("http://127.0.0.1:{}/x", free());
    }
    let since = Instant::now();
    let (code, stdout, stderr) = run(&mut desk.fetch(&[]));
    assert_eq!(code, Some(1), "{stdout}");
    assert!(stderr.contains("no service can be reached"), "{stderr}");
    let summary: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert!(
        (16..40).contains(&summary["failed"].as_u64().unwrap()),
        "{summary}"
    );
    let (code, _, stderr) = run(&mut desk.fetch(&["--limit", "2"]));
    assert_eq!(code, Some(1), "{stderr}");
    assert!(since.elapsed() < Duration::from_secs(20));
}

/// The way to a host that no name server knows leads through the proxy of the environment.
#[test]
fn proxies_of_the_environment_are_used() {
    let sky = Sky::only("legacy");
    let mut desk = Desk::new("DESI-DR1", 1, &sky);
    let proxy = Server::start(|number, request| good("legacy", number, request));
    let place = desk.flags.iter().position(|word| word == "--legacy-url").unwrap();
    desk.flags[place + 1] = "http://sky.invalid/viewer/jpeg-cutout".into();
    let summary = json(
        desk.fetch(&[])
            .env("HTTP_PROXY", proxy.address())
            .env("http_proxy", proxy.address()),
    );
    assert_eq!(summary["fetched"]["legacy"], 1, "{summary}");
    let target = proxy.requests()[0].target.clone();
    assert!(
        target.starts_with("http://sky.invalid/viewer/jpeg-cutout?ra="),
        "{target}"
    );
    assert_eq!(sky.asked_in_all(), 0);
}

fn size_of(path: &Path) -> (u32, u32) {
    image::image_dimensions(path).unwrap()
}

#[test]
fn figures_show_what_is_at_hand_and_fetch_only_when_told_to() {
    let sky = Sky::only("legacy");
    let desk = Desk::new("DESI-DR1", 24, &sky);
    let job = |more: &[&str]| {
        let mut command = desk.command(&["--no-tui", "catalog.parquet"]);
        command.args(QUICK).args(&desk.flags).args(more);
        let (code, _, stderr) = run(&mut command);
        assert_eq!(code, Some(0), "{stderr}");
    };
    job(&[]);
    assert_eq!(sky.asked_in_all(), 0, "no default needs the network");
    let plot = |more: &[&str]| {
        let mut command = desk.command(&["plot", "catalog.parquet", "--svg"]);
        command.args(["--sample-size", "2"]).args(&desk.flags).args(more);
        let (code, _, stderr) = run(&mut command);
        assert_eq!(code, Some(0), "{stderr}");
    };
    let svg = |run: u32, name: &str| {
        std::fs::read_to_string(desk.path(&format!("output_images/{name}_{run}.svg"))).unwrap()
    };
    plot(&[]);
    let without = svg(2, "combined_spectra_with_images");
    assert!(
        without.contains("cutouts fetch") && !without.contains("data:image"),
        "it says what to do"
    );
    plot(&["--fetch-cutouts", "--contact-sheet", "7"]);
    assert_eq!(
        sky.asked("legacy").len(),
        7,
        "those of the sheet, two of them in the figure too"
    );
    let with = svg(3, "combined_spectra_with_images");
    assert_eq!(with.matches("data:image/jpeg").count(), 2);
    assert!(
        with.contains("Legacy Surveys DR9") && with.contains("5″"),
        "credit and scale"
    );
    let sheet = svg(3, "contact_sheet");
    assert_eq!(sheet.matches("data:image/jpeg").count(), 7);
    assert!(
        sheet.contains("Legacy Surveys DR9") && sheet.contains("#7 "),
        "credits and ranks"
    );
    assert!(size_of(&desk.path("output_images/contact_sheet_3.png")).0 >= 1000);
    // What was fetched is there for the next figure.
    plot(&[]);
    assert_eq!(sky.asked_in_all(), 7);
    assert_eq!(
        svg(4, "combined_spectra_with_images")
            .matches("data:image/jpeg")
            .count(),
        2
    );
    let top = json(&mut desk.fetch(&["--top", "7"]));
    assert_eq!((&top["objects"], &top["at_hand"]), (&7.into(), &7.into()));
}

#[test]
fn the_first_figures_of_a_simulation_have_pictures_without_any_network() {
    let sky = Sky::new(|_, _, _| Reply::status(500));
    let desk = Desk::new("SIMULATED-DESI", 24, &sky);
    let mut command = desk.command(&["--no-tui", "catalog.parquet", "--svg", "--fetch-cutouts"]);
    command.args(QUICK).args(&desk.flags);
    let (code, _, stderr) = run(&mut command);
    assert_eq!(code, Some(0), "{stderr}");
    let svg = std::fs::read_to_string(desk.path("output_images/combined_spectra_with_images_1.svg")).unwrap();
    assert_eq!(svg.matches("data:image/jpeg").count(), 2);
    assert!(svg.contains("simulated, not observed"));
    let summary = json(&mut desk.fetch(&[]));
    assert_eq!((&summary["objects"], &summary["drawn"]), (&24.into(), &24.into()));
    assert_eq!(sky.asked_in_all(), 0);
}

#[test]
fn the_top_of_a_ranking_needs_one() {
    let sky = Sky::only("legacy");
    let desk = Desk::new("DESI-DR1", 1, &sky);
    let (code, _, stderr) = run(&mut desk.fetch(&["--top", "3"]));
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("no ranking") && stderr.contains("--no-tui"),
        "{stderr}"
    );
    let (code, _, stderr) = run(&mut desk.fetch(&["--cutout-services", "hubble"]));
    assert_eq!(code, Some(2));
    assert!(
        stderr.contains("cutout_services") && stderr.contains("panstarrs"),
        "{stderr}"
    );
}
