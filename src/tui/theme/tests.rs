use super::color::{Rgb, nearest, xterm};
use super::*;

const REASONS: [Reason; 7] = [
    Reason::HighAbsoluteResidual,
    Reason::HighRelativeResidual,
    Reason::RangeMismatch,
    Reason::ExcessFlux,
    Reason::MissingFlux,
    Reason::RareLatent,
    Reason::OutsideModelRange,
];

fn roles() -> Vec<Role> {
    use Role::*;
    let mut roles = vec![
        Text,
        Dim,
        Title,
        Border,
        Focus,
        Selected,
        Marked,
        Key,
        Good,
        Warn,
        Bad,
        Label,
        Interesting,
        Data,
        Raw,
        Smoothed,
        Noise,
        Model,
        Residual,
        Masked,
        Sky,
        Telluric,
        Overlap,
        Emission,
        Absorption,
        SkyLine,
        Crosshair,
        Selection,
        Guide,
        Axis,
    ];
    roles.extend(REASONS.map(Region));
    roles.extend((0..9).map(Curve));
    roles
}

/// Relative luminance and contrast.
///
/// Source: WCAG 2.1, "contrast ratio".
fn contrast(a: Rgb, b: Rgb) -> f64 {
    let channel = |v: u8| {
        let v = f64::from(v) / 255.0;
        if v <= 0.04045 {
            v / 12.92
        } else {
            ((v + 0.055) / 1.055).powf(2.4)
        }
    };
    let luminance = |c: Rgb| 0.2126 * channel(c.0) + 0.7152 * channel(c.1) + 0.0722 * channel(c.2);
    let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
    a.max(b) / a.min(b)
}

fn rgb_of(color: Color) -> Option<Rgb> {
    match color {
        Color::Rgb(r, g, b) => Some(Rgb(r, g, b)),
        Color::Indexed(i) => Some(xterm(i)),
        _ => None,
    }
}

#[test]
fn contrast_is_computed_as_published() {
    // black on white is 21:1; #777777 on white is the well-known 4.48:1
    assert!((contrast(Rgb(0, 0, 0), Rgb(255, 255, 255)) - 21.0).abs() < 1e-9);
    assert!((contrast(Rgb(0x77, 0x77, 0x77), Rgb(255, 255, 255)) - 4.48).abs() < 0.005);
}

#[test]
fn words_can_be_read() {
    use Role::*;
    let mut words = vec![
        Dim,
        Focus,
        Selected,
        Marked,
        Key,
        Good,
        Warn,
        Bad,
        Label,
        Interesting,
        Model,
        Emission,
        Absorption,
        SkyLine,
        Axis,
        Selection,
        Crosshair,
        Data,
        Smoothed,
        Residual,
    ];
    words.extend(REASONS.map(Region));
    for dark in [true, false] {
        // the grounds of common themes: from black to a dark gray; white and a warm paper
        let grounds = if dark {
            [Rgb(0, 0, 0), Rgb(0x1e, 0x1e, 0x1e)]
        } else {
            [Rgb(255, 255, 255), Rgb(0xfa, 0xfa, 0xf5)]
        };
        for depth in [Depth::True, Depth::Indexed] {
            let theme = Theme {
                depth,
                dark,
                ascii: false,
            };
            for role in &words {
                let style = theme.style(*role);
                let ink = style
                    .fg
                    .and_then(rgb_of)
                    .unwrap_or_else(|| panic!("{role:?} has no color"));
                let own = style.bg.and_then(rgb_of);
                for ground in own
                    .into_iter()
                    .chain(grounds.into_iter().filter(|_| own.is_none()))
                {
                    let ratio = contrast(ink, ground);
                    assert!(ratio >= 4.5, "{role:?}, {depth:?}, dark {dark}: {ratio:.2}");
                }
            }
        }
    }
}

#[test]
fn regions_of_different_reasons_have_different_looks() {
    for depth in [Depth::True, Depth::Indexed] {
        for dark in [true, false] {
            let theme = Theme {
                depth,
                dark,
                ascii: false,
            };
            for (i, a) in REASONS.iter().enumerate() {
                // the last two say the same of the whole spectrum
                for b in REASONS[i + 1..].iter().filter(|_| *a != Reason::RareLatent) {
                    assert_ne!(
                        theme.tint(&[Role::Region(*a)]),
                        theme.tint(&[Role::Region(*b)]),
                        "{a:?} {b:?} {depth:?} {dark}"
                    );
                }
            }
        }
    }
}

#[test]
fn without_color_there_is_none() {
    for dark in [true, false] {
        let theme = Theme {
            depth: Depth::Mono,
            dark,
            ascii: false,
        };
        for role in roles() {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
        assert_eq!(theme.tint(&[Role::Noise]), None);
        assert_ne!(theme.style(Role::Data), theme.style(Role::Model));
        assert_ne!(theme.style(Role::Text), theme.style(Role::Selected));
    }
}

#[test]
fn each_depth_keeps_to_its_colors() {
    for role in roles() {
        for dark in [true, false] {
            let style = |depth| {
                Theme {
                    depth,
                    dark,
                    ascii: false,
                }
                .style(role)
            };
            let colors = |depth| [style(depth).fg, style(depth).bg].into_iter().flatten();
            assert!(colors(Depth::True).all(|c| matches!(c, Color::Rgb(..))));
            assert!(colors(Depth::Indexed).all(|c| matches!(c, Color::Indexed(16..))));
            assert!(colors(Depth::Ansi16).all(|c| !matches!(c, Color::Rgb(..) | Color::Indexed(_))));
        }
    }
}

#[test]
fn the_256_colors_are_found() {
    assert_eq!(xterm(16), Rgb(0, 0, 0));
    assert_eq!(xterm(208), Rgb(255, 135, 0));
    assert_eq!(xterm(255), Rgb(238, 238, 238));
    for index in 17..=231 {
        let color = xterm(index);
        assert_eq!(xterm(nearest(color)), color);
    }
}

#[test]
fn the_environment_is_heard() {
    let detect = |pairs: &[(&str, &str)]| {
        Theme::detect(&|name| {
            pairs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        })
    };
    let depth = |pairs: &[(&str, &str)]| detect(pairs).depth;
    assert_eq!(
        depth(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]),
        Depth::True
    );
    assert_eq!(depth(&[("TERM", "xterm-256color")]), Depth::Indexed);
    assert_eq!(
        depth(&[("TERM", "screen.xterm-256color"), ("COLORTERM", "truecolor")]),
        Depth::Indexed
    );
    assert_eq!(depth(&[("TERM", "xterm")]), Depth::Ansi16);
    assert_eq!(depth(&[("TERM", "linux")]), Depth::Ansi16);
    assert_eq!(depth(&[("TERM", "dumb")]), Depth::Mono);
    assert_eq!(depth(&[]), Depth::Mono);
    let no_color = [
        ("NO_COLOR", "1"),
        ("TERM", "xterm-256color"),
        ("COLORTERM", "truecolor"),
    ];
    assert_eq!(depth(&no_color), Depth::Mono);
    assert_eq!(depth(&[("NO_COLOR", ""), ("TERM", "xterm")]), Depth::Ansi16);
    assert!(detect(&[("TERM", "xterm")]).dark);
    assert!(!detect(&[("TERM", "xterm"), ("COLORFGBG", "0;15")]).dark);
    assert!(!detect(&[("TERM", "rxvt"), ("COLORFGBG", "0;default;7")]).dark);
    assert!(detect(&[("TERM", "xterm"), ("COLORFGBG", "15;0")]).dark);
    assert!(detect(&[("TERM", "xterm"), ("LANG", "C")]).ascii);
    assert!(!detect(&[("TERM", "xterm"), ("LC_ALL", "de_DE.UTF-8"), ("LANG", "C")]).ascii);
    assert!(!detect(&[("TERM", "xterm")]).ascii);
}
