//! Keys: one table of what each does and where, as it comes or as the settings file has it.

mod action;
mod keymap;
mod press;
pub mod table;

pub use action::{
    Action, AnomaliesAct, CatalogAct, Copied, FilesAct, LabelAct, Move, PictureAct, ScreenId, TrainAct,
    Written,
};
pub use keymap::{Found, Keymap};
pub use press::{Press, written};
pub use table::{Place, Row};
