//! Figures look as they were approved.

use std::path::{Path, PathBuf};

use super::*;

pub fn decode(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height, pixels)
}

/// Compares a figure with its approved image: at most 0.2 % of the pixels may differ by more than 24 of 255.
///
/// To approve a new look, run with SPECTRIAGE_BLESS=1 and look at what git says has changed.
fn assert_golden(name: &str, figure: &Figure) {
    let approved = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.png"));
    let drawn = figure::png(figure, 1.0).unwrap();
    if std::env::var_os("SPECTRIAGE_BLESS").is_some_and(|v| v == "1") {
        std::fs::write(&approved, &drawn).unwrap();
        return;
    }
    let expected = std::fs::read(&approved)
        .unwrap_or_else(|e| panic!("{}: {e}; make it with SPECTRIAGE_BLESS=1", approved.display()));
    let (expected, drawn) = (decode(&expected), decode(&drawn));
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}_diff.png"));
    assert_eq!(
        (expected.0, expected.1),
        (drawn.0, drawn.1),
        "{name} has another size; if that is meant, run with SPECTRIAGE_BLESS=1"
    );
    let differs = |(a, b): (&[u8], &[u8])| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > 24);
    let pairs = || expected.2.chunks_exact(3).zip(drawn.2.chunks_exact(3));
    let count = pairs().filter(|pair| differs(*pair)).count();
    if count * 500 > (expected.0 * expected.1) as usize {
        // approved pixels faint, those that differ in red
        let diff: Vec<u8> = pairs()
            .flat_map(|(a, b)| {
                if differs((a, b)) {
                    [220, 0, 0]
                } else {
                    [128 + a[0] / 2, 128 + a[1] / 2, 128 + a[2] / 2]
                }
            })
            .collect();
        let mut encoder =
            png::Encoder::new(std::fs::File::create(&temporary).unwrap(), expected.0, expected.1);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_image_data(&diff).unwrap();
        panic!(
            "{name} looks different in {count} pixels: see {}; if that is meant, run with SPECTRIAGE_BLESS=1",
            temporary.display()
        );
    }
}

#[test]
fn figures_look_as_approved() {
    let with_sky = SpectrumView {
        sky: sky_image(256, 256, [24, 28, 52]),
        ..galaxy()
    };
    assert_golden("spectrum", &combined(&[with_sky, galaxy()]));
    assert_golden("loss", &loss(&runs(1, 30)));
    let view = galaxy();
    let error: Vec<f64> = view.residual_sigma.iter().map(|r| f64::from(r * r)).collect();
    assert_golden(
        "mean_reconstruction_error",
        &mean_reconstruction_error(&view.wavelength, &error, "Observed", "σ²"),
    );
    let (observed, model) = (recurring(3600.0, 9800.0, 600), recurring(3500.0, 7300.0, 600));
    assert_golden("recurring_residuals", &recurring_figure(&observed, &model));
}
