//! What holds for all data and all areas.

use proptest::prelude::*;

use super::*;

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => -10.0..10.0f64,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(-1e308),
        1 => Just(1e308),
    ]
}

proptest! {
    /// The dots between the lowest and the highest sample of a column of dots are all there.
    #[test]
    fn no_sample_is_lost(
        values in prop::collection::vec(prop_oneof![9 => -4.0..4.0f64, 1 => Just(f64::NAN)], 1..3000),
        width in 4u16..60,
        height in 2u16..20,
        steps in any::<bool>(),
    ) {
        let last = values.len() as f64;
        let x: Vec<f64> = (0..values.len()).map(|i| i as f64 + 0.5).collect();
        let shape = if steps { Shape::Step } else { Shape::Line };
        let panel = Panel {
            x: Axis::new("", 0.0, last, Scale::Linear).unlabeled(),
            y: linear(-4.0, 4.0).unlabeled(),
            ..panel(linear(0.0, 1.0), linear(0.0, 1.0), vec![curve(x.clone(), values.clone(), shape, SeriesStyle::Curve(0))])
        };
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        let frame = draw(&panel, area, &mut buf, &Theme::default());
        let (across, down) = (usize::from(frame.plot.width) * 2, usize::from(frame.plot.height) * 4);
        let mut ranges = vec![(usize::MAX, 0); across];
        for (x, y) in x.iter().zip(&values).filter(|(_, y)| y.is_finite()) {
            let column = ((x / last * across as f64) as usize).min(across - 1);
            let row = (((4.0 - y) / 8.0 * down as f64) as usize).min(down - 1);
            ranges[column] = (ranges[column].0.min(row), ranges[column].1.max(row));
        }
        for (column, (top, bottom)) in ranges.into_iter().enumerate().filter(|(_, r)| r.0 <= r.1) {
            for row in top..=bottom {
                prop_assert!(lit(&buf, &frame, column, row), "column {} row {}", column, row);
            }
        }
    }

    /// One pixel of many, however narrow its column, is drawn up to its height.
    #[test]
    fn a_line_of_one_pixel_is_seen(n in 10usize..20_000, at in 0.0..1.0f64, width in 20u16..120) {
        let spike = (at * n as f64) as usize;
        let y: Vec<f64> = (0..n).map(|i| if i == spike { 9.0 } else { 0.0 }).collect();
        let x: Vec<f64> = (0..n).map(|i| i as f64).collect();
        let series = vec![curve(x, y, Shape::Step, SeriesStyle::Curve(0))];
        let area = Rect::new(0, 0, width, 20);
        let mut buf = Buffer::empty(area);
        let frame = draw(&panel(linear(0.0, n as f64), linear(0.0, 10.0), series), area, &mut buf, &Theme::default());
        let (row, column) = (frame.row_of(9.0).unwrap(), frame.column_of(spike as f64).unwrap());
        prop_assert_ne!(buf[(column, row)].symbol(), " ");
    }

    #[test]
    fn odd_data_in_any_area_is_no_panic(
        size in (0u16..50, 0u16..30),
        place in (0u16..5, 0u16..5),
        x in prop::collection::vec(number(), 0..40),
        y in prop::collection::vec(number(), 0..40),
        ends in (number(), number(), number(), number()),
        shape in 0usize..4,
        log in any::<bool>(),
        looks in (0usize..4, any::<bool>(), any::<bool>()),
    ) {
        let shape = [
            Shape::Line,
            Shape::Step,
            Shape::Dots,
            Shape::Envelope { half_width: y.clone() },
        ][shape].clone();
        let scale = if log { Scale::Log } else { Scale::Linear };
        let styles = [SeriesStyle::Data, SeriesStyle::Reconstruction, SeriesStyle::DashedCurve(9)];
        let series = styles.map(|style| curve(x.clone(), y.clone(), shape.clone(), style)).to_vec();
        let mut odd = panel(Axis::new("x (Å)", ends.0, ends.1, scale), Axis::new("y", ends.2, ends.3, scale), series);
        odd.top = Some(Axis::new("Rest (Å)", ends.1, ends.0, Scale::Linear));
        odd.note = Some("note".into());
        odd.marks = x.iter().map(|x| Mark { x: *x, name: "銀河".into(), kind: MarkKind::Best }).collect();
        odd.guides = y.iter().map(|y| Guide { y: *y, limit: true }).collect();
        let kinds = [BandKind::Masked, BandKind::Sky, BandKind::Region(Reason::ExcessFlux)];
        odd.bands = x.iter().zip(&y).enumerate()
            .map(|(i, (from, to))| Band { from: *from, to: *to, kind: kinds[i % 3], label: Some("+9σ".into()), weight: *to })
            .collect();
        let theme = Theme {
            depth: [Depth::True, Depth::Indexed, Depth::Ansi16, Depth::Mono][looks.0],
            dark: looks.1,
            ascii: looks.2,
        };
        // the area may reach beyond the buffer
        let mut buf = Buffer::empty(Rect::new(0, 0, 40, 25));
        let area = Rect::new(place.0, place.1, size.0, size.1);
        let before = buf.clone();
        let frame = draw(&odd, area, &mut buf, &theme);
        crosshair(&frame, ends.2, ends.3, &mut buf, &theme);
        selection(&frame, ends.0, ends.1, &mut buf, &theme);
        let counts: Vec<u64> = y.iter().map(|y| *y as u64).collect();
        histogram(&counts, &x, area, &mut buf, &theme);
        legend(&odd, &theme);
        for (x, y, _) in before.diff(&buf) {
            prop_assert!(area.contains((x, y).into()), "({}, {}) is outside {:?}", x, y, area);
        }
        let narrow: Vec<f32> = y.iter().map(|y| *y as f32).collect();
        prop_assert_eq!(crate::tui::text::width(&spark(&narrow, usize::from(size.0), &theme)), usize::from(size.0));
    }
}
