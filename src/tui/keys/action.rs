//! What a key, a command or a click asks for.

use crate::tui::spectrum::Act as SpectrumAct;

/// One of the four screens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScreenId {
    #[default]
    Catalog,
    Train,
    Anomalies,
    Files,
}

impl ScreenId {
    pub const ALL: [Self; 4] = [Self::Catalog, Self::Train, Self::Anomalies, Self::Files];

    pub fn name(self) -> &'static str {
        match self {
            Self::Catalog => "Catalog",
            Self::Train => "Train",
            Self::Anomalies => "Anomalies",
            Self::Files => "Files",
        }
    }

    /// The screen `step` places on, around the end.
    pub fn after(self, step: isize) -> Self {
        let place = Self::ALL.iter().position(|id| *id == self).unwrap_or(0) as isize;
        Self::ALL[(place + step).rem_euclid(4) as usize]
    }
}

/// A step through a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    Down,
    Up,
    PageDown,
    PageUp,
    HalfDown,
    HalfUp,
    Top,
    Bottom,
}

impl Move {
    /// Where the cursor stands after the step, in a list whose last place is `last` and of which `page` rows are a page.
    ///
    /// `count` repeats the step; for the top and the bottom it is a place, from 1.
    pub fn from(self, cursor: u64, last: u64, page: u64, count: Option<u32>) -> u64 {
        let times = u64::from(count.unwrap_or(1));
        let down = |rows: u64| cursor.saturating_add(rows.saturating_mul(times));
        let up = |rows: u64| cursor.saturating_sub(rows.saturating_mul(times));
        let place = |else_: u64| count.map_or(else_, |count| u64::from(count).saturating_sub(1));
        let half = page.div_ceil(2);
        match self {
            Self::Down => down(1),
            Self::Up => up(1),
            Self::PageDown => down(page),
            Self::PageUp => up(page),
            Self::HalfDown => down(half),
            Self::HalfUp => up(half),
            Self::Top => place(0),
            Self::Bottom => place(last),
        }
        .min(last)
    }
}

/// What is copied to the clipboard of the astronomer's own machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    Id,
    Position,
    Link,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelAct {
    Quality(u8),
    BadRedshift,
    BadClass,
    BadSpectrum,
    Interesting,
    Class,
    Comment,
    Clear,
    Undo,
    Redo,
    /// Digits set the quality, or switch screens.
    Mode,
    NextUnlabeled,
    /// The label takes the redshift of the spectrum pane.
    Redshift,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogAct {
    Columns,
    Sheet,
    Schema,
    Statistics,
    ScrollLeft,
    ScrollRight,
    ExportSelected,
    ExportMarked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainAct {
    /// The whole job: train, then rank.
    Start,
    Resume,
    /// Rank again with the newest checkpoint.
    Rank,
    Edit,
    Reset,
    LogScale,
    OlderRuns,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnomaliesAct {
    Parameters,
    Method,
    Similar,
    Learn,
    /// Back to the whole ranking in its own order.
    Whole,
    OnlyUnlabeled,
    /// All, without artifacts, artifacts only, in turn.
    Artifacts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureAct {
    /// Over the whole frame, or back.
    Whole,
    /// Many at once.
    ContactSheet,
    Brighter,
    Darker,
    AsItIs,
    Closer,
    Farther,
    /// Of another service.
    NextService,
    Marks,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilesAct {
    Preview,
}

/// What is to be written to the folders of figures and tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    Selected,
    Marked,
    Top,
    /// The ranking as it is now, with all its files.
    Ranking,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Action {
    Screen(ScreenId),
    NextScreen,
    PreviousScreen,
    /// One pane over the whole frame, or back.
    Zoom,
    NextPane,
    Narrower,
    Wider,
    Help,
    Command,
    Problems,
    Redraw,
    Suspend,
    Quit,
    Cancel,
    Repeat,
    StopJob,
    /// A digit of the count that goes before the next key.
    Count(u8),
    Move(Move),
    Mark,
    MarkAll,
    ClearMarks,
    NextMarked,
    Find,
    FindNext,
    FindPrevious,
    GoTo,
    Filter,
    ClearFilter,
    Sort,
    Copy(Copied),
    Links,
    Write(Written),
    /// The redshift of the pane is typed.
    TypeRedshift,
    Spectrum(SpectrumAct),
    Label(LabelAct),
    Catalog(CatalogAct),
    Train(TrainAct),
    Anomalies(AnomaliesAct),
    Files(FilesAct),
    Picture(PictureAct),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_stay_in_the_list() {
        let to = |step: Move, count| step.from(10, 99, 20, count);
        assert_eq!(to(Move::Down, None), 11);
        assert_eq!(to(Move::Up, Some(3)), 7);
        assert_eq!(
            [Move::PageDown, Move::HalfDown].map(|step| to(step, None)),
            [30, 20]
        );
        assert_eq!([Move::PageUp, Move::HalfUp].map(|step| to(step, None)), [0, 0]);
        assert_eq!([Move::Top, Move::Bottom].map(|step| to(step, None)), [0, 99]);
        assert_eq!([Move::Top, Move::Bottom].map(|step| to(step, Some(50))), [49, 49]);
        assert_eq!([Move::Top, Move::Bottom].map(|step| to(step, Some(0))), [0, 0]);
        assert_eq!(to(Move::PageDown, Some(u32::MAX)), 99);
        assert_eq!(Move::Bottom.from(0, 0, 0, None), 0);
    }
}
