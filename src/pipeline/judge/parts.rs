//! The part of the settings that each step of judging depends on, the rest at its default: what was computed for an equal part is used again.

use crate::anomaly::SignificanceSettings;
use crate::anomaly::window::WindowSettings;

/// The part of the settings that the error model is made with; the rest at its default.
pub(super) fn of_errors(settings: &SignificanceSettings) -> SignificanceSettings {
    SignificanceSettings {
        model_floor: settings.model_floor,
        line_floor: settings.line_floor,
        artifact_weight: settings.artifact_weight,
        observed_bin: settings.observed_bin,
        shrink_count: settings.shrink_count,
        error_model_spectra: settings.error_model_spectra,
        ..SignificanceSettings::default()
    }
}

/// The part that evidence is measured with.
pub(super) fn of_evidence(settings: &SignificanceSettings) -> SignificanceSettings {
    SignificanceSettings {
        widths: settings.widths.clone(),
        ..of_errors(settings)
    }
}

/// The part that is planted and measured for a jury.
pub(super) fn of_injections(settings: &SignificanceSettings) -> SignificanceSettings {
    SignificanceSettings {
        // Without trees nobody looks at them.
        injections: if settings.trees > 0 {
            settings.injections
        } else {
            0
        },
        ..of_evidence(settings)
    }
}

/// The part that a jury is seated with.
pub(super) fn of_jury(settings: &SignificanceSettings) -> SignificanceSettings {
    SignificanceSettings {
        neighbors: settings.neighbors,
        scale_floor: settings.scale_floor,
        monotone_slack: settings.monotone_slack,
        latent_slack: settings.latent_slack,
        power: settings.power,
        latent_weight: settings.latent_weight,
        outside_score: settings.outside_score,
        trees: settings.trees,
        ..of_injections(settings)
    }
}

/// The part that regions are found with.
pub(super) fn of_regions(settings: &SignificanceSettings) -> SignificanceSettings {
    SignificanceSettings {
        neighbors: settings.neighbors,
        scale_floor: settings.scale_floor,
        monotone_slack: settings.monotone_slack,
        region_sigma: settings.region_sigma,
        region_calibrated: settings.region_calibrated,
        max_regions: settings.max_regions,
        ..of_evidence(settings)
    }
}

/// The part that windows are measured with.
pub(super) fn of_windows(settings: &WindowSettings) -> WindowSettings {
    WindowSettings {
        window_size: settings.window_size,
        relative_floor: settings.relative_floor,
        least_valid: settings.least_valid,
        ..WindowSettings::default()
    }
}
