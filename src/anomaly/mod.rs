//! What is strange about a spectrum, how strange, and why: pure functions on plain slices.
//!
//! Two methods. `--method window` ([`window`]) is the original's rule. `--method significance`, the default, goes in
//! three steps that stream over a catalog of any size:
//!
//! 1. [`ErrorModelBuilder::add`] the held-out residuals of (a part of) the population, [`ErrorModelBuilder::build`] the
//!    [`ErrorModel`]; then [`Evidence::measure`] every spectrum. Evidence is small.
//! 2. [`Calibration::fit`] all evidence: what is normal at each S/N. [`inject`] anomalies into copies of some spectra, measure these alike, and
//!    [`Jury::seat`] those who have seen both. [`Calibration::score_by`] each, and [`places`].
//! 3. For the spectra that one wants to look at: [`regions`], whose they are ([`Origins`]), and [`explain`].
//!
//! `docs/detection.md` and `docs/ranking.md` have the formulas, their sources and the measurements behind the defaults.

mod atrest;
mod calibration;
mod draw;
mod error;
mod errormodel;
mod evaluate;
mod evidence;
mod forest;
mod gas;
mod hypothesis;
mod injection;
mod jury;
mod latent;
mod logistic;
mod merit;
mod origin;
mod outliers;
mod products;
mod rank;
mod reason;
mod recovery;
mod recurring;
mod redshift;
mod regions;
mod residual;
mod scan;
mod settings;
mod templates;
mod types;
pub mod window;
mod words;

pub use atrest::{AtRest, at_rest};
pub use calibration::{Calibration, Component, Score};
pub(crate) use draw::unit_of;
pub use error::AnomalyError;
pub use errormodel::{Corrected, ErrorModel, ErrorModelBuilder};
pub use evaluate::{Correlations, auc, average_precision, correlations, recall_in_top, spearman};
pub use evidence::Evidence;
pub use gas::{Ionized, OwnLines, ionized};
pub use hypothesis::{Hypotheses, STATISTICS};
pub use injection::{Injected, Injection, inject};
pub use jury::{InjectedEvidence, Jury, Vote};
pub use latent::{LatentOf, Similar, similar};
pub use merit::{Bootstrap, FIRST, Measured, Merit, TrueList, merit};
pub use origin::{
    FACTS, Origins, Planted, PlantedRegion, Recurrence, RegionFacts, appeared, probability, region_facts,
};
pub use outliers::{among_neighbors, isolation_forest, local_outlier_factor};
pub use rank::{Place, places, rank};
pub use reason::{beside_own_lines, place_of, says_rare};
pub use recovery::half_found;
pub use recurring::{Recurring, RecurringBuilder};
pub use redshift::{Drawable, OtherRedshift, other_redshift};
pub use regions::{GridRegion, artifact_fraction, flagged_fraction, regions};
pub use residual::Residual;
pub use settings::{MAX_WIDTHS, SignificanceSettings};
pub use types::{Judgement, Latent, Reason, Region};
pub use words::{explain, percentile_words, redshift_words};
