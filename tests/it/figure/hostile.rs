//! No input breaks a figure.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_spectrum_breaks_a_figure(
        pixels in prop::collection::vec(
            (
                prop_oneof![6 => 3000.0..11000.0f64, 1 => Just(f64::NAN), 1 => Just(5000.0), 1 => any::<f64>()],
                prop_oneof![6 => -10.0..10.0f32, 1 => any::<f32>(), 1 => Just(f32::NAN), 1 => Just(0.0f32)],
                prop_oneof![6 => 0.0..3.0f32, 1 => any::<f32>()],
                any::<bool>(),
                prop_oneof![6 => -10.0..10.0f32, 1 => any::<f32>(), 1 => Just(f32::NAN)],
                prop_oneof![6 => -10.0..10.0f32, 1 => any::<f32>(), 1 => Just(f32::INFINITY)],
            ),
            0..150,
        ),
        z in prop_oneof![4 => prop::option::of(-0.5..8.0f64), 1 => any::<f64>().prop_map(Some)],
        score: f64,
        start in 0usize..100,
        significance: f64,
        id in ".{0,40}",
        short in any::<bool>(),
    ) {
        let mut view = odd(&pixels);
        view.facts.z = z;
        view.facts.object_id = id.into();
        view.score = score;
        if short {
            view.reconstruction.truncate(pixels.len() / 2);
            view.valid.pop();
        }
        if start + 1 < view.wavelength.len() {
            let at = (start, view.wavelength.len());
            view.regions = vec![region(at, &view.wavelength, 0.1, Reason::ExcessFlux, significance)];
        }
        let figure = spectrum(&view);
        let (mut texts, mut others) = (Vec::new(), Vec::new());
        boxes(tree(&figure).root(), &mut texts, &mut others);
        prop_assert!(texts.len() > 4);
        let right = others.iter().map(|b| b.right()).fold(0.0, f32::max);
        prop_assert!(right <= figure.width as f32 + 1.0);
        prop_assert!(figure::png(&figure, 0.2).is_ok());
    }

    #[test]
    fn no_series_breaks_the_other_figures(
        values in prop::collection::vec(prop_oneof![4 => 0.0..10.0f64, 1 => any::<f64>(), 1 => Just(f64::NAN)], 0..60),
        best in prop::option::of(0usize..100),
    ) {
        let wavelength: Vec<f64> = (0..values.len()).map(|i| 4000.0 + i as f64).collect();
        let error = mean_reconstruction_error(&wavelength, &values, "Rest-frame", "σ²");
        prop_assert!(figure::png(&error, 0.2).is_ok());
        let residuals: Vec<Recurring> = values.iter().enumerate().map(|(i, value)| Recurring {
            wavelength: 4000.0 + i as f64, mean: *value, scatter: -*value, count: i as u64,
        }).collect();
        prop_assert!(figure::png(&recurring_figure(&residuals, &residuals), 0.2).is_ok());
        let epochs = values.iter().enumerate().map(|(i, v)| EpochLoss {
            epoch: i + 1, train: *v, validation: Some(-*v), learning_rate: *v,
        });
        let run = LossRun { name: "one".into(), epochs: epochs.collect(), best_epoch: best };
        prop_assert!(figure::png(&loss(&[run]), 0.2).is_ok());
    }
}
