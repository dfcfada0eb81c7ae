//! What can be wrong with the arguments of this folder's functions.

/// A request that cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnomalyError {
    #[error(
        "{column} has {found} values where the model's grid has {expected} pixels; pass slices on one grid"
    )]
    Length {
        column: &'static str,
        expected: usize,
        found: usize,
    },
    #[error("{setting} is {value}: {remedy}")]
    Setting {
        setting: &'static str,
        value: String,
        remedy: &'static str,
    },
}
