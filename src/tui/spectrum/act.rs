//! What can be done to the spectrum pane, in one table: the keys, the command line and the help are made from it.

/// Writes the enum and its words from one table, so that none can be forgotten.
macro_rules! acts {
    ($($group:literal { $($act:ident $name:literal $about:literal)* })*) => {
        /// One thing that a key, a command or the mouse asks of the pane; most take a count.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Act {
            $($(#[doc = $about] $act,)*)*
        }

        impl Act {
            /// All acts, in the order of the help.
            pub const ALL: &[Self] = &[$($(Self::$act,)*)*];

            /// The name in the settings file and on the command line.
            pub fn name(self) -> &'static str {
                match self {
                    $($(Self::$act => $name,)*)*
                }
            }

            /// What it does, for the help.
            pub fn about(self) -> &'static str {
                match self {
                    $($(Self::$act => $about,)*)*
                }
            }

            /// The heading in the help under which it stands.
            pub fn group(self) -> &'static str {
                match self {
                    $($(Self::$act => $group,)*)*
                }
            }
        }
    };
}

acts! {
    "view" {
        PanLeft "pan-left" "move the view to shorter wavelengths"
        PanRight "pan-right" "move the view to longer wavelengths"
        ZoomIn "zoom-in" "zoom in on the crosshair, or on the middle"
        ZoomOut "zoom-out" "zoom out"
        ZoomReset "zoom-reset" "show the whole spectrum"
        ScaleUp "scale-up" "make the curves taller"
        ScaleDown "scale-down" "make the curves lower"
        ScaleMode "scale-mode" "flux range: automatic, the bulk of the pixels, or every pixel"
        NextRegion "next-region" "zoom to the next flagged region, the strongest first"
        PreviousRegion "previous-region" "zoom to the flagged region before"
        NextLine "next-line" "zoom to the next known line"
        PreviousLine "previous-line" "zoom to the known line before"
        Back "back" "go back to the view before"
        Forward "forward" "go forward again"
    }
    "measure" {
        Crosshair "crosshair" "crosshair on or off"
        CursorLeft "cursor-left" "move the crosshair left"
        CursorRight "cursor-right" "move the crosshair right"
        CursorFarLeft "cursor-far-left" "move the crosshair a tenth of the view left"
        CursorFarRight "cursor-far-right" "move the crosshair a tenth of the view right"
        CursorLine "cursor-line" "move the crosshair to the nearest known line"
        Box "box" "mark an edge at the crosshair; the second time, zoom to between the edges"
        Measure "measure" "mark an edge; the second time, measure flux, equivalent width and S/N between the edges"
        Cancel "cancel" "forget the marked edge, the measurement, then the crosshair"
    }
    "smoothing" {
        Smoother "smoother" "smooth more (Gaussian, weighted by inverse variance)"
        Rougher "rougher" "smooth less"
        SmoothOff "smooth-off" "do not smooth; once more: the trend over noisy data on or off"
    }
    "redshift and lines" {
        Frame "frame" "observed or rest-frame wavelengths"
        RedshiftUp "redshift-up" "redshift + 0.0001"
        RedshiftDown "redshift-down" "redshift - 0.0001"
        RedshiftFarUp "redshift-far-up" "redshift + 0.001"
        RedshiftFarDown "redshift-far-down" "redshift - 0.001"
        RedshiftReset "redshift-reset" "back to the redshift of the catalog"
        CycleLines "cycle-lines" "lines: the major ones, emission, absorption, all, none"
        ToggleSkyLines "sky-lines" "lines of the night sky on or off"
    }
    "layers" {
        ToggleData "data" "data on or off"
        ToggleNoise "noise" "noise on or off"
        ToggleModel "model" "reconstruction on or off"
        ToggleResidual "residual" "residual panel on or off"
        ToggleRegions "regions" "flagged regions on or off"
        ToggleMasked "masked" "masked pixels on or off"
        ToggleZones "zones" "night sky, telluric bands and camera overlaps on or off"
    }
}

impl Act {
    /// The act of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|act| act.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_act_is_found_by_a_name_of_its_own() {
        let names: BTreeSet<&str> = Act::ALL.iter().map(|act| act.name()).collect();
        assert_eq!(names.len(), Act::ALL.len());
        for act in Act::ALL {
            assert_eq!(Act::named(act.name()), Some(*act));
        }
        assert_eq!(Act::named("pan"), None);
    }

    #[test]
    fn the_help_has_room_for_every_text() {
        for act in Act::ALL {
            assert!(act.about().chars().count() <= 88, "{act:?}: {}", act.about());
        }
    }
}
