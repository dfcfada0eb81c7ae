//! The one table of keys: the help, the line of keys, the command line and the README's table are made from it.

use super::action::{
    Action, AnomaliesAct, CatalogAct, Copied, FilesAct, LabelAct, Move, PictureAct, ScreenId, TrainAct,
    Written,
};
use crate::tui::spectrum::Act as Spectrum;

/// Where a key means what its row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    Everywhere,
    /// Where digits switch screens.
    Screens,
    /// Where digits are the quality of a label.
    Inspecting,
    /// Screens with a list of objects or files.
    List,
    Spectrum,
    /// The image of the sky.
    Picture,
    Labels,
    Catalog,
    Train,
    Anomalies,
    Files,
}

impl Place {
    /// In the order of the help.
    pub const ALL: [Self; 11] = [
        Self::Everywhere,
        Self::Screens,
        Self::List,
        Self::Spectrum,
        Self::Picture,
        Self::Labels,
        Self::Inspecting,
        Self::Catalog,
        Self::Train,
        Self::Anomalies,
        Self::Files,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Screens => "Screens",
            Self::Inspecting => "Inspection mode: one key a label",
            Self::List => "Lists",
            Self::Spectrum => "Spectrum",
            Self::Picture => "Sky image",
            Self::Labels => "Labels",
            Self::Catalog => "Catalog",
            Self::Train => "Train",
            Self::Anomalies => "Anomalies",
            Self::Files => "Files",
        }
    }
}

/// One row: its name (in the settings file and on the command line), its place, its keys, what it does.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub name: &'static str,
    pub place: Place,
    /// Alternatives, each a sequence as in `g g`.
    pub keys: &'static [&'static str],
    pub action: Action,
    pub about: &'static str,
    /// Shown in the line of keys, the higher the sooner; 0 for never.
    pub weight: u8,
}

macro_rules! rows {
    ($($place:ident { $($name:literal [$($key:literal),*] $action:expr, $about:literal $(, $weight:literal)?;)* })*) => {
        &[$($(Row {
            name: $name,
            place: Place::$place,
            keys: &[$($key),*],
            action: $action,
            about: $about,
            weight: 0 $(+ $weight)?,
        },)*)*]
    };
}

/// All keys.
pub const TABLE: &[Row] = rows! {
    Everywhere {
        "help" ["?", "f10"] Action::Help, "all keys", 9;
        "command" [":"] Action::Command, "command line", 6;
        "next-screen" ["tab"] Action::NextScreen, "next screen", 3;
        "previous-screen" ["shift-tab"] Action::PreviousScreen, "screen before";
        "catalog" ["f1"] Action::Screen(ScreenId::Catalog), "Catalog";
        "train" ["f2"] Action::Screen(ScreenId::Train), "Train";
        "anomalies" ["f3"] Action::Screen(ScreenId::Anomalies), "Anomalies";
        "files" ["f4"] Action::Screen(ScreenId::Files), "Files";
        "zoom" ["z"] Action::Zoom, "one pane over the whole frame: list, spectrum, facts, all", 2;
        "narrower" ["<"] Action::Narrower, "list narrower";
        "wider" [">"] Action::Wider, "list wider";
        "problems" ["!"] Action::Problems, "messages and errors in full";
        "stop" ["ctrl-x"] Action::StopJob, "stop the running job and keep what it has";
        "repeat" ["."] Action::Repeat, "do the last thing again";
        "redraw" ["ctrl-l"] Action::Redraw, "draw afresh";
        "suspend" ["ctrl-z"] Action::Suspend, "to the shell (fg comes back)";
        "cancel" ["esc"] Action::Cancel, "close, cancel";
        "quit" ["q", "ctrl-c"] Action::Quit, "leave", 1;
        "count-1" ["alt-1"] Action::Count(1), "count for the next key, as in Alt-1 5 j";
        "count-2" ["alt-2"] Action::Count(2), "";
        "count-3" ["alt-3"] Action::Count(3), "";
        "count-4" ["alt-4"] Action::Count(4), "";
        "count-5" ["alt-5", "5"] Action::Count(5), "5 to 9 begin a count without Alt too, as in 5 j";
        "count-6" ["alt-6", "6"] Action::Count(6), "";
        "count-7" ["alt-7", "7"] Action::Count(7), "";
        "count-8" ["alt-8", "8"] Action::Count(8), "";
        "count-9" ["alt-9", "9"] Action::Count(9), "";
    }
    Screens {
        "screen-1" ["1"] Action::Screen(ScreenId::Catalog), "Catalog";
        "screen-2" ["2"] Action::Screen(ScreenId::Train), "Train";
        "screen-3" ["3"] Action::Screen(ScreenId::Anomalies), "Anomalies";
        "screen-4" ["4"] Action::Screen(ScreenId::Files), "Files";
    }
    List {
        "down" ["j", "down"] Action::Move(Move::Down), "down";
        "up" ["k", "up"] Action::Move(Move::Up), "up";
        "page-down" ["pagedown", "ctrl-f"] Action::Move(Move::PageDown), "a page down";
        "page-up" ["pageup", "ctrl-b"] Action::Move(Move::PageUp), "a page up";
        "half-down" ["ctrl-d"] Action::Move(Move::HalfDown), "half a page down";
        "half-up" ["ctrl-u"] Action::Move(Move::HalfUp), "half a page up";
        "top" ["g g", "home"] Action::Move(Move::Top), "first, or the one a count names";
        "bottom" ["G", "end"] Action::Move(Move::Bottom), "last, or the one a count names";
        "go-to" ["g o"] Action::GoTo, "go to a row or id";
        "mark" ["space"] Action::Mark, "mark, and on to the next", 3;
        "mark-all" ["*"] Action::MarkAll, "mark all that are listed";
        "clear-marks" ["g x"] Action::ClearMarks, "no marks";
        "next-marked" ["g m"] Action::NextMarked, "next marked";
        "find" ["/"] Action::Find, "find an id", 4;
        "find-next" ["n"] Action::FindNext, "next match";
        "find-previous" ["N"] Action::FindPrevious, "match before";
        "filter" ["f"] Action::Filter, "filter by an SQL condition", 7;
        "clear-filter" ["F"] Action::ClearFilter, "no filter";
        "sort" ["s"] Action::Sort, "sort", 5;
        "copy-id" ["y i"] Action::Copy(Copied::Id), "copy the id";
        "copy-position" ["y p"] Action::Copy(Copied::Position), "copy right ascension and declination";
        "copy-link" ["y l"] Action::Copy(Copied::Link), "copy the link to the sky viewer";
        "links" ["o"] Action::Links, "pages of the object: Legacy viewer, SkyServer, SIMBAD";
        "write-selected" ["w w"] Action::Write(Written::Selected), "write the figure of this object", 2;
        "write-marked" ["w m"] Action::Write(Written::Marked), "write the figures of the marked";
        "write-ranking" ["w r"] Action::Write(Written::Ranking), "write the ranking as it is now, with its tables and figures";
        "write-top" ["w t"] Action::Write(Written::Top), "write the figures of the first, as many as sample_size";
    }
    Spectrum {
        "pan-left" ["h", "left"] Action::Spectrum(Spectrum::PanLeft), "left; with the crosshair, the crosshair";
        "pan-right" ["l", "right"] Action::Spectrum(Spectrum::PanRight), "right; with the crosshair, the crosshair";
        "cursor-far-left" ["shift-left"] Action::Spectrum(Spectrum::CursorFarLeft), "crosshair ten times as far left";
        "cursor-far-right" ["shift-right"] Action::Spectrum(Spectrum::CursorFarRight), "crosshair ten times as far right";
        "zoom-in" ["+", "="] Action::Spectrum(Spectrum::ZoomIn), "zoom in", 4;
        "zoom-out" ["-"] Action::Spectrum(Spectrum::ZoomOut), "zoom out";
        "zoom-reset" ["0"] Action::Spectrum(Spectrum::ZoomReset), "whole spectrum";
        "scale-up" ["ctrl-up", "K"] Action::Spectrum(Spectrum::ScaleUp), "flux axis: less of it";
        "scale-down" ["ctrl-down", "J"] Action::Spectrum(Spectrum::ScaleDown), "flux axis: more of it";
        "scale-mode" ["a"] Action::Spectrum(Spectrum::ScaleMode), "flux axis: percentiles or everything";
        "next-region" ["]"] Action::Spectrum(Spectrum::NextRegion), "next flagged region", 4;
        "previous-region" ["["] Action::Spectrum(Spectrum::PreviousRegion), "flagged region before";
        "next-line" ["}"] Action::Spectrum(Spectrum::NextLine), "next line";
        "previous-line" ["{"] Action::Spectrum(Spectrum::PreviousLine), "line before";
        "back" ["H", "backspace"] Action::Spectrum(Spectrum::Back), "view before";
        "forward" ["L"] Action::Spectrum(Spectrum::Forward), "view after";
        "crosshair" ["x"] Action::Spectrum(Spectrum::Crosshair), "crosshair with readout", 2;
        "cursor-line" ["X"] Action::Spectrum(Spectrum::CursorLine), "crosshair to the nearest line";
        "box" ["b"] Action::Spectrum(Spectrum::Box), "zoom to a box: once at each edge";
        "measure" ["m"] Action::Spectrum(Spectrum::Measure), "flux, equivalent width, S/N: once at each edge";
        "smoother" ["d"] Action::Spectrum(Spectrum::Smoother), "smoother", 2;
        "rougher" ["D"] Action::Spectrum(Spectrum::Rougher), "less smooth";
        "smooth-off" ["t 0"] Action::Spectrum(Spectrum::SmoothOff), "as measured";
        "frame" ["r"] Action::Spectrum(Spectrum::Frame), "observed or rest frame";
        "redshift-up" [")"] Action::Spectrum(Spectrum::RedshiftUp), "redshift up by 0.0001";
        "redshift-down" ["("] Action::Spectrum(Spectrum::RedshiftDown), "redshift down by 0.0001";
        "redshift-far-up" ["alt-)"] Action::Spectrum(Spectrum::RedshiftFarUp), "redshift up by 0.001";
        "redshift-far-down" ["alt-("] Action::Spectrum(Spectrum::RedshiftFarDown), "redshift down by 0.001";
        "redshift-reset" ["t z"] Action::Spectrum(Spectrum::RedshiftReset), "the catalog's redshift";
        "redshift" ["Z"] Action::TypeRedshift, "type a redshift";
        "toggle-data" ["t d"] Action::Spectrum(Spectrum::ToggleData), "data on or off";
        "toggle-noise" ["t n"] Action::Spectrum(Spectrum::ToggleNoise), "noise on or off";
        "toggle-model" ["t m"] Action::Spectrum(Spectrum::ToggleModel), "model on or off";
        "toggle-residual" ["t r"] Action::Spectrum(Spectrum::ToggleResidual), "residual on or off";
        "toggle-regions" ["t f"] Action::Spectrum(Spectrum::ToggleRegions), "flagged regions on or off";
        "toggle-masked" ["t x"] Action::Spectrum(Spectrum::ToggleMasked), "masked pixels on or off";
        "toggle-zones" ["t o"] Action::Spectrum(Spectrum::ToggleZones), "sky, telluric and camera overlap on or off";
        "lines" ["i"] Action::Spectrum(Spectrum::CycleLines), "lines: major, emission, absorption, all, none";
        "toggle-sky" ["t s"] Action::Spectrum(Spectrum::ToggleSkyLines), "sky lines on or off";
    }
    Picture {
        "image" ["I"] Action::Picture(PictureAct::Whole), "image over the whole frame, or back", 2;
        "contact-sheet" ["T"] Action::Picture(PictureAct::ContactSheet), "contact sheet: images and spectra of the list", 2;
        "brighter" ["alt-up", "P b"] Action::Picture(PictureAct::Brighter), "image brighter";
        "darker" ["alt-down", "P d"] Action::Picture(PictureAct::Darker), "image darker";
        "closer" ["alt-+", "alt-=", "P +", "P ="] Action::Picture(PictureAct::Closer), "image closer: half as many arcseconds";
        "farther" ["alt--", "P -"] Action::Picture(PictureAct::Farther), "image from farther: twice as many arcseconds";
        "image-reset" ["alt-0", "P 0"] Action::Picture(PictureAct::AsItIs), "image as the service gives it";
        "service" ["alt-s", "P s"] Action::Picture(PictureAct::NextService), "image of the next service";
        "marks" ["t i"] Action::Picture(PictureAct::Marks), "cross-hair, fiber, bar and compass on or off";
    }
    Labels {
        "inspect" ["v"] Action::Label(LabelAct::Mode), "inspection mode on or off: 0-4 label the quality", 8;
        "bad-redshift" ["R"] Action::Label(LabelAct::BadRedshift), "issue R: the redshift is wrong";
        "bad-class" ["C"] Action::Label(LabelAct::BadClass), "issue C: the class is wrong";
        "bad-spectrum" ["S"] Action::Label(LabelAct::BadSpectrum), "issue S: the spectrum is bad";
        "interesting" ["e"] Action::Label(LabelAct::Interesting), "interesting, or no longer", 3;
        "class" ["c"] Action::Label(LabelAct::Class), "class: STAR, GALAXY, QSO or any other";
        "comment" [";"] Action::Label(LabelAct::Comment), "comment";
        "label-redshift" ["g z"] Action::Label(LabelAct::Redshift), "label with the redshift that is set in the pane";
        "clear-label" ["delete"] Action::Label(LabelAct::Clear), "no label";
        "undo" ["u"] Action::Label(LabelAct::Undo), "undo the last label", 2;
        "redo" ["ctrl-r"] Action::Label(LabelAct::Redo), "redo it";
        "next-unlabeled" ["U"] Action::Label(LabelAct::NextUnlabeled), "next without a label", 2;
    }
    Inspecting {
        "quality-0" ["0"] Action::Label(LabelAct::Quality(0)), "nothing there", 9;
        "quality-1" ["1"] Action::Label(LabelAct::Quality(1)), "signal, but unidentified";
        "quality-2" ["2"] Action::Label(LabelAct::Quality(2)), "possible: one strong feature";
        "quality-3" ["3"] Action::Label(LabelAct::Quality(3)), "probable";
        "quality-4" ["4"] Action::Label(LabelAct::Quality(4)), "confident: two or more secure features", 9;
    }
    Catalog {
        "columns" ["g c"] Action::Catalog(CatalogAct::Columns), "columns: show, freeze, widen, sort, statistics", 4;
        "sheet" ["enter"] Action::Catalog(CatalogAct::Sheet), "the row as a sheet", 3;
        "schema" ["g s"] Action::Catalog(CatalogAct::Schema), "schema, row groups, metadata";
        "statistics" ["g h"] Action::Catalog(CatalogAct::Statistics), "statistics and histogram of a column";
        "scroll-left" ["alt-left", "alt-h"] Action::Catalog(CatalogAct::ScrollLeft), "columns to the left";
        "scroll-right" ["alt-right", "alt-l"] Action::Catalog(CatalogAct::ScrollRight), "columns to the right";
        "export" ["w e"] Action::Catalog(CatalogAct::ExportSelected), "export the filtered rows: .parquet, .csv or .txt";
        "export-marked" ["w x"] Action::Catalog(CatalogAct::ExportMarked), "export the marked rows";
    }
    Train {
        "start" ["s"] Action::Train(TrainAct::Start), "train and rank", 9;
        "resume" ["R"] Action::Train(TrainAct::Resume), "go on from the newest checkpoint", 4;
        "rank" ["A"] Action::Train(TrainAct::Rank), "rank with the newest checkpoint", 3;
        "edit" ["enter"] Action::Train(TrainAct::Edit), "change a setting", 8;
        "reset-setting" ["delete"] Action::Train(TrainAct::Reset), "its default";
        "log-loss" ["L"] Action::Train(TrainAct::LogScale), "loss linear or logarithmic", 2;
        "older-runs" ["O"] Action::Train(TrainAct::OlderRuns), "older runs on or off", 1;
        "next-setting" ["j", "down"] Action::Move(Move::Down), "next setting";
        "previous-setting" ["k", "up"] Action::Move(Move::Up), "setting before";
        "first-setting" ["g g", "home"] Action::Move(Move::Top), "first setting";
        "last-setting" ["G", "end"] Action::Move(Move::Bottom), "last setting";
        "settings-down" ["pagedown", "ctrl-d"] Action::Move(Move::HalfDown), "settings down";
        "settings-up" ["pageup", "ctrl-u"] Action::Move(Move::HalfUp), "settings up";
    }
    Anomalies {
        "parameters" ["p"] Action::Anomalies(AnomaliesAct::Parameters), "thresholds and parameters", 5;
        "method" ["M"] Action::Anomalies(AnomaliesAct::Method), "significance or window method";
        "similar" ["enter"] Action::Anomalies(AnomaliesAct::Similar), "more like this", 4;
        "learn" ["A"] Action::Anomalies(AnomaliesAct::Learn), "rank again by what the labels teach";
        "whole-ranking" ["W"] Action::Anomalies(AnomaliesAct::Whole), "back to the whole ranking";
        "only-unlabeled" ["V"] Action::Anomalies(AnomaliesAct::OnlyUnlabeled), "only those without a label, or all";
        "artifacts" ["B"] Action::Anomalies(AnomaliesAct::Artifacts), "without artifacts, artifacts only, or all";
    }
    Files {
        "preview" ["enter"] Action::Files(FilesAct::Preview), "show the whole file", 4;
    }
};

/// The row of a name.
pub fn named(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name == name)
}
