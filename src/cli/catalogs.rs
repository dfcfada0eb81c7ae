//! The CATALOG arguments of the commands that read one.

/// Catalogs to read.
#[derive(Debug, Clone, clap::Args)]
pub struct Catalogs {
    /// Parquet file, folder, glob or HATS folder; several make one catalog [default: the shipped sample]
    #[arg(value_name = "CATALOG")]
    catalogs: Vec<String>,
}

/// The shipped sample, found from the folder of the project or beside the program.
const SAMPLE: &str = "sample_data/sample.parquet";

impl Catalogs {
    /// The inputs, or the shipped sample.
    pub fn inputs(&self) -> Vec<String> {
        if !self.catalogs.is_empty() {
            return self.catalogs.clone();
        }
        let beside = std::env::current_exe()
            .ok()
            .and_then(|program| Some(program.parent()?.join(SAMPLE)));
        let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(SAMPLE);
        let found = [Some(SAMPLE.into()), beside, Some(source)]
            .into_iter()
            .flatten()
            .find(|path| path.is_file());
        vec![
            found
                .unwrap_or_else(|| SAMPLE.into())
                .to_string_lossy()
                .into_owned(),
        ]
    }
}
