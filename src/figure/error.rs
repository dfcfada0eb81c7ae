/// Why a figure could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    #[error(
        "a figure of {width} x {height} pixels is too large to draw; take fewer rows to a page or a smaller scale"
    )]
    TooLarge { width: u64, height: u64 },
    #[error(
        "the figure's SVG could not be drawn: {reason}; please report this with the spectrum that caused it"
    )]
    Draw { reason: String },
    #[error("the figure could not be encoded as PNG: {reason}")]
    Encode { reason: String },
}
