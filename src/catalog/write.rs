//! Writes a catalog: streaming, so that memory does not grow with the number of spectra, and atomic, so that the name
//! only ever holds a whole file.

use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, SchemaRef};
use parquet::arrow::add_encoded_arrow_schema_to_metadata;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::buffer::RowBuffer;
use super::{CatalogError, ExtraColumn, ExtraValue, schema, votable};
use crate::durable::Draft;
use crate::spectrum::Spectrum;

/// Rows gathered before they are encoded.
const BATCH_ROWS: usize = 64;
/// Rows in a data page of flux, ivar, mask and wavelength: with the page index, what one spectrum costs to read.
const PAGE_ROWS: usize = 8;

/// How a catalog is written.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// Round flux and ivar to this many of the 23 mantissa bits (11 halves the file; its error is at most 0.06 sigma, and
    /// it is announced in the provenance); `None` keeps them exactly.
    pub mantissa_bits: Option<u32>,
    /// Where the spectra come from: a JSON object, written with the program's version added.
    pub provenance: Value,
    /// The sentence that users of the data owe to those who made it.
    pub acknowledgement: Option<String>,
    /// Rows in a row group; what the writer holds in memory grows with it.
    pub row_group_rows: usize,
    /// Further table columns, whose values come with [`CatalogWriter::write_with`].
    pub extra: Vec<ExtraColumn>,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            mantissa_bits: None,
            provenance: json!({}),
            acknowledgement: None,
            row_group_rows: 512,
            extra: Vec::new(),
        }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteSummary {
    pub path: PathBuf,
    pub rows: u64,
    pub bytes: u64,
    /// Distinct wavelength grids in the footer.
    pub grids: usize,
}

/// A catalog being written.
///
/// Rows go to a temporary file in the same folder, which takes its name when [`finish`](Self::finish) has all of it on
/// disk. Dropped before that, or after an error, it leaves nothing behind and an older file of that name untouched.
pub struct CatalogWriter {
    path: PathBuf,
    options: WriterOptions,
    schema: SchemaRef,
    file: SerializedFileWriter<BufWriter<Draft>>,
    /// Makes encoders for the table columns: pages as large as the row group.
    table_encoders: ArrowRowGroupWriterFactory,
    /// Makes encoders for the list columns: pages of a few rows.
    list_encoders: ArrowRowGroupWriterFactory,
    /// One a leaf column, while a row group is open.
    encoders: Vec<ArrowColumnWriter>,
    rows_in_group: usize,
    rows: u64,
    buffer: RowBuffer,
    failed: bool,
}

impl CatalogWriter {
    /// Begins a catalog that is to be called `path`.
    ///
    /// Errors: the folder cannot be written to; the options contradict themselves.
    pub fn create(path: &Path, options: WriterOptions) -> Result<Self, CatalogError> {
        check(&options)?;
        let extra: Vec<Field> = options.extra.iter().map(ExtraColumn::field).collect();
        let schema = Arc::new(schema::arrow_schema(&extra));
        let draft = Draft::of(path).map_err(|e| CatalogError::io(path, e))?;
        let wrap = |e| CatalogError::parquet(path, e);
        let parquet_schema = parquet::arrow::ArrowSchemaConverter::new()
            .convert(&schema)
            .map_err(wrap)?;
        let root = parquet_schema.root_schema_ptr();
        let mut list_properties = properties(&options)
            .set_data_page_row_count_limit(PAGE_ROWS)
            .build();
        add_encoded_arrow_schema_to_metadata(&schema, &mut list_properties);
        let file = SerializedFileWriter::new(BufWriter::new(draft), root.clone(), Arc::new(list_properties))
            .map_err(wrap)?;
        // The limit of rows a page is one for all columns of a writer; a second one, that writes nowhere, lends the other.
        let table_properties = Arc::new(properties(&options).build());
        let nowhere = SerializedFileWriter::new(std::io::sink(), root, table_properties).map_err(wrap)?;
        Ok(Self {
            table_encoders: ArrowRowGroupWriterFactory::new(&nowhere, schema.clone()),
            list_encoders: ArrowRowGroupWriterFactory::new(&file, schema.clone()),
            path: path.to_owned(),
            buffer: RowBuffer::new(schema.clone(), &options.extra, options.mantissa_bits),
            options,
            schema,
            file,
            encoders: Vec::new(),
            rows_in_group: 0,
            rows: 0,
            failed: false,
        })
    }

    /// Adds a spectrum.
    ///
    /// Errors: flux, ivar or mask are not as long as the grid, the id is empty (then the writer goes on without it); no space on disk.
    pub fn write(&mut self, spectrum: &Spectrum) -> Result<(), CatalogError> {
        let nothing = vec![ExtraValue::Null; self.options.extra.len()];
        self.write_with(spectrum, &nothing)
    }

    /// Adds a spectrum with the values of the further columns, in their order in the options.
    ///
    /// Errors: as [`write`](Self::write), and a value of the wrong kind.
    pub fn write_with(&mut self, spectrum: &Spectrum, extra: &[ExtraValue]) -> Result<(), CatalogError> {
        if let Some((column, reason)) = self.buffer.refusal(spectrum, extra) {
            return Err(CatalogError::Unwritable {
                object_id: spectrum.facts.object_id.to_string(),
                column,
                reason,
            });
        }
        self.buffer.push(spectrum, extra);
        self.rows += 1;
        let group_is_full = self.rows_in_group + self.buffer.rows() >= self.options.row_group_rows;
        if self.buffer.rows() >= BATCH_ROWS || group_is_full {
            self.encode()?;
        }
        if self.rows_in_group >= self.options.row_group_rows {
            self.close_row_group()?;
        }
        Ok(())
    }

    /// Rows written so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes the footer, brings everything to disk and gives the file its name.
    ///
    /// Errors: no space on disk, or an earlier write failed; then nothing is left behind.
    pub fn finish(mut self) -> Result<WriteSummary, CatalogError> {
        if self.failed {
            return Err(CatalogError::io(
                &self.path,
                std::io::Error::other("an earlier write failed, so the file would be incomplete"),
            ));
        }
        self.encode()?;
        self.close_row_group()?;
        for (key, value) in self.footer() {
            self.file
                .append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        let path = self.path;
        let buffered = self
            .file
            .into_inner()
            .map_err(|e| CatalogError::parquet(&path, e))?;
        let io = |e| CatalogError::io(&path, e);
        let draft = buffered.into_inner().map_err(|e| io(e.into_error()))?;
        let bytes = draft.publish().map_err(io)?;
        Ok(WriteSummary {
            rows: self.rows,
            bytes,
            grids: self.buffer.grids.len(),
            path,
        })
    }

    fn encode(&mut self) -> Result<(), CatalogError> {
        if self.buffer.rows() == 0 {
            return Ok(());
        }
        let rows = self.buffer.rows();
        let done = self.encode_batch();
        self.failed |= done.is_err();
        self.rows_in_group += rows;
        done.map_err(|e| CatalogError::parquet(&self.path, e))
    }

    fn encode_batch(&mut self) -> Result<(), ParquetError> {
        let batch = self.buffer.take()?;
        if self.encoders.is_empty() {
            self.encoders = self.new_encoders()?;
        }
        // Every column of the schema has exactly one leaf.
        self.encoders
            .par_iter_mut()
            .zip(self.schema.fields().par_iter().zip(batch.columns().par_iter()))
            .try_for_each(|(encoder, (field, column))| {
                compute_leaves(field, column)?
                    .iter()
                    .try_for_each(|leaf| encoder.write(leaf))
            })
    }

    fn new_encoders(&self) -> Result<Vec<ArrowColumnWriter>, ParquetError> {
        let group = self.file.flushed_row_groups().len();
        let table = self.table_encoders.create_column_writers(group)?;
        let lists = self.list_encoders.create_column_writers(group)?;
        let chosen = self.schema.fields().iter().zip(table.into_iter().zip(lists));
        Ok(chosen
            .map(|(field, (table, list))| match field.data_type() {
                DataType::List(_) => list,
                _ => table,
            })
            .collect())
    }

    fn close_row_group(&mut self) -> Result<(), CatalogError> {
        self.rows_in_group = 0;
        if self.encoders.is_empty() {
            return Ok(());
        }
        let encoders = std::mem::take(&mut self.encoders);
        let file = &mut self.file;
        let close = || {
            let mut group = file.next_row_group()?;
            for encoder in encoders {
                encoder.close()?.append_to_row_group(&mut group)?;
            }
            group.close()
        };
        if let Err(error) = close() {
            self.failed = true;
            return Err(CatalogError::parquet(&self.path, error));
        }
        Ok(())
    }

    fn footer(&self) -> Vec<(&'static str, String)> {
        let mut provenance = self.options.provenance.clone();
        if let Value::Object(map) = &mut provenance {
            map.insert(
                "writer".into(),
                concat!("spectriage ", env!("CARGO_PKG_VERSION")).into(),
            );
            if let Some(bits) = self.options.mantissa_bits {
                map.insert("mantissa_bits".into(), bits.into());
            }
        }
        let description = self
            .options
            .acknowledgement
            .as_deref()
            .unwrap_or("Spectra, one a row");
        let mut keys = vec![
            (schema::KEY_SCHEMA_VERSION, schema::SCHEMA_VERSION.to_owned()),
            (schema::KEY_GRIDS, json!(self.buffer.grids).to_string()),
            (schema::KEY_PROVENANCE, provenance.to_string()),
            (schema::KEY_VOTABLE_VERSION, "1.0".to_owned()),
            (
                schema::KEY_VOTABLE,
                votable::header(&self.schema, self.rows, description),
            ),
        ];
        if let Some(text) = &self.options.acknowledgement {
            keys.push((schema::KEY_ACKNOWLEDGEMENT, text.clone()));
        }
        keys
    }
}

fn check(options: &WriterOptions) -> Result<(), CatalogError> {
    let refuse = |reason: String| Err(CatalogError::Options(reason));
    if options.row_group_rows == 0 {
        return refuse("row_group_rows is 0".into());
    }
    if let Some(bits) = options.mantissa_bits.filter(|bits| !(4..=23).contains(bits)) {
        return refuse(format!("mantissa_bits is {bits}; it can be 4 to 23"));
    }
    if !options.provenance.is_object() {
        return refuse("the provenance is no JSON object".into());
    }
    let mut names: Vec<String> = options.extra.iter().map(|c| c.name.to_lowercase()).collect();
    names.sort();
    let twice = names
        .windows(2)
        .find(|pair| pair[0] == pair[1])
        .map(|pair| &pair[0]);
    let taken = |name: &&String| {
        *name == "row" || name.is_empty() || schema::COLUMNS.iter().any(|c| c.name == **name)
    };
    match twice.or_else(|| names.iter().find(taken)) {
        Some(name) => refuse(format!("the name of the further column `{name}` is taken")),
        None => Ok(()),
    }
}

fn properties(options: &WriterOptions) -> WriterPropertiesBuilder {
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(concat!("spectriage ", env!("CARGO_PKG_VERSION")).to_owned());
    if let Ok(level) = ZstdLevel::try_new(3) {
        builder = builder.set_compression(Compression::ZSTD(level));
    }
    // A million spectra are two thousand row groups, of which one that is wrongly thought to have an id costs a look at its page.
    for column in ["targetid", "object_id"] {
        let path = ColumnPath::from(column);
        builder = builder
            .set_column_bloom_filter_enabled(path.clone(), true)
            .set_column_bloom_filter_fpp(path.clone(), 0.0001)
            .set_column_bloom_filter_max_ndv(path.clone(), options.row_group_rows as u64)
            .set_column_dictionary_enabled(path, false);
    }
    for column in schema::LIST_COLUMNS {
        // The leaf's path must be exact: an option for a path that does not exist is ignored without an error.
        let path = ColumnPath::from(vec![
            column.to_owned(),
            "list".to_owned(),
            schema::ELEMENT.to_owned(),
        ]);
        builder = builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        if column != "mask" {
            builder = builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::BYTE_STREAM_SPLIT);
        }
    }
    builder
}
