//! One Parquet file of a catalog: its footer, its layout, and the rows it lends.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::datatypes::{DataType, FieldRef, Fields, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    RowSelection, RowSelectionPolicy,
};
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};

use super::CatalogError;
use super::condition;
use super::layout::{self, Layout, LayoutKind, TableColumn, Transform};
use super::schema::{self, FooterGrid};
use crate::spectrum::WavelengthGrid;

/// A file of a catalog, opened: the footer is in memory, nothing else.
#[derive(Debug)]
pub(super) struct CatalogFile {
    pub path: PathBuf,
    pub bytes: u64,
    pub rows: u64,
    /// Its first row's number in the catalog.
    pub first_row: u64,
    /// Row number in the file of every row group's first row, and the number of rows at the end.
    pub group_starts: Vec<u64>,
    pub layout: Layout,
    /// The shared grids by their number, where the footer has some.
    pub grids: Vec<(i16, Arc<WavelengthGrid>)>,
    pub footer_hash: blake3::Hash,
    metadata: ArrowReaderMetadata,
    /// Whether all columns have an offset index, once that was asked.
    page_index: OnceLock<bool>,
    /// Row groups alone, with their offset index, the latest last: that of a whole file of millions of rows takes seconds to read.
    indexed: Mutex<VecDeque<(usize, ArrowReaderMetadata)>>,
    /// Bloom filters of columns, once an object was looked for.
    filters: Mutex<Vec<(usize, Arc<Filters>)>>,
}

/// The Bloom filter of every row group, as far as there are any.
pub(super) type Filters = Vec<Option<Sbbf>>;

/// Bytes of a column's Bloom filters that are kept; of more, each is read when it is asked.
const KEPT_FILTERS: i64 = 64 << 20;

/// Row groups whose page index is kept.
const KEPT_INDEXES: usize = 8;

/// Runs what may panic on damaged bytes, and makes an error of it.
pub(super) fn guarded<T>(
    path: &Path,
    work: impl FnOnce() -> Result<T, CatalogError>,
) -> Result<T, CatalogError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("the decoder gave up");
        Err(CatalogError::corrupt(path, text))
    })
}

impl CatalogFile {
    /// Reads the footer and recognizes the layout.
    pub(super) fn open(path: &Path, position: Option<&(String, String)>) -> Result<Self, CatalogError> {
        guarded(path, || Self::open_unguarded(path, position))
    }

    fn open_unguarded(path: &Path, position: Option<&(String, String)>) -> Result<Self, CatalogError> {
        let io = |e| CatalogError::io(path, e);
        let mut file = File::open(path).map_err(io)?;
        let bytes = file.metadata().map_err(io)?.len();
        let footer_hash = hash_footer(&mut file, bytes, path)?;
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Skip);
        let metadata =
            ArrowReaderMetadata::load(&file, options).map_err(|e| CatalogError::parquet(path, e))?;
        let group_starts =
            check_ranges(metadata.metadata(), bytes).map_err(|reason| CatalogError::corrupt(path, reason))?;
        let keys = key_values(metadata.metadata());
        let key = |name: &str| {
            keys.iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let version = key(schema::KEY_SCHEMA_VERSION);
        if let Some(found) = version.filter(|found| *found != schema::SCHEMA_VERSION) {
            return Err(CatalogError::NewerSchema {
                path: path.to_owned(),
                found: found.to_owned(),
                known: schema::SCHEMA_VERSION,
            });
        }
        let grids: Vec<FooterGrid> = match key(schema::KEY_GRIDS) {
            Some(text) => serde_json::from_str(text)
                .map_err(|e| CatalogError::corrupt(path, format!("footer key {}: {e}", schema::KEY_GRIDS)))?,
            None => Vec::new(),
        };
        let native = version.is_some();
        let layout = layout::recognize(metadata.schema(), native, position)
            .map_err(|missing| unrecognized(path, &metadata, missing))?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
            rows: group_starts.last().copied().unwrap_or(0),
            first_row: 0,
            group_starts,
            layout,
            grids: grids.into_iter().map(|g| (g.id, Arc::new(g.grid))).collect(),
            footer_hash,
            metadata,
            page_index: OnceLock::new(),
            indexed: Mutex::default(),
            filters: Mutex::default(),
        })
    }

    /// Errors: it is a table without spectra; which columns were found and which were looked for.
    pub(super) fn require_spectra(&self) -> Result<(), CatalogError> {
        let missing = layout::missing(self.metadata.schema());
        match missing.filter(|_| self.layout.kind == LayoutKind::TableOnly) {
            Some(missing) => Err(unrecognized(&self.path, &self.metadata, missing)),
            None => Ok(()),
        }
    }

    /// The Bloom filters of a leaf column, read once; `None` where they are too many to be kept.
    pub(super) fn filters(&self, leaf: usize) -> Result<Option<Arc<Filters>>, CatalogError> {
        let kept = || self.filters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, filters)) = kept().iter().find(|(other, _)| *other == leaf) {
            return Ok(Some(filters.clone()));
        }
        let groups = self.footer().row_groups().iter();
        let length = |group: &RowGroupMetaData| group.column(leaf).bloom_filter_length().map_or(0, i64::from);
        if groups.map(length).sum::<i64>() > KEPT_FILTERS {
            return Ok(None);
        }
        let reader = self.reader()?;
        // A filter that cannot be read rules nothing out.
        let filter = |group| {
            reader
                .get_row_group_column_bloom_filter(group, leaf)
                .ok()
                .flatten()
        };
        let filters = Arc::new((0..self.row_groups()).map(filter).collect::<Filters>());
        kept().push((leaf, filters.clone()));
        Ok(Some(filters))
    }

    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn footer(&self) -> &ParquetMetaData {
        self.metadata.metadata()
    }

    pub(super) fn keys(&self) -> Vec<(String, String)> {
        key_values(self.metadata.metadata())
    }

    pub(super) fn row_groups(&self) -> usize {
        self.group_starts.len().saturating_sub(1)
    }

    pub(super) fn is_native(&self) -> bool {
        self.layout.kind == LayoutKind::Native
    }

    /// Whether the footer says where the pages begin, so that one row costs a page and not a row group.
    pub(super) fn has_page_index(&self) -> bool {
        *self
            .page_index
            .get_or_init(|| self.footer().row_groups().iter().all(is_indexed))
    }

    /// The row group of a row of the file, and the row's place in it.
    pub(super) fn locate(&self, row: u64) -> (usize, usize) {
        let group = self
            .group_starts
            .partition_point(|start| *start <= row)
            .saturating_sub(1);
        (group, (row - self.group_starts[group]) as usize)
    }

    /// A handle of its own on the file, so that threads do not share a position.
    pub(super) fn handle(&self) -> Result<File, CatalogError> {
        let file = File::open(&self.path).map_err(|e| CatalogError::io(&self.path, e))?;
        let now = file
            .metadata()
            .map_err(|e| CatalogError::io(&self.path, e))?
            .len();
        if now != self.bytes {
            return Err(CatalogError::Changed {
                path: self.path.clone(),
            });
        }
        Ok(file)
    }

    /// A reader of the whole file, without the page index.
    pub(super) fn reader(&self) -> Result<ParquetRecordBatchReaderBuilder<File>, CatalogError> {
        let metadata = self.metadata.clone();
        Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.handle()?,
            metadata,
        ))
    }

    /// The leaf columns whose paths are wanted.
    pub(super) fn projection(&self, wanted: impl Fn(&[String]) -> bool) -> ProjectionMask {
        let schema = self.metadata.parquet_schema();
        let leaves = (0..schema.num_columns()).filter(|i| wanted(schema.column(*i).path().parts()));
        ProjectionMask::leaves(schema, leaves)
    }

    /// Whether a text column is stored by a dictionary of few texts: its pages have numbers then.
    pub(super) fn is_coded(&self, column: &TableColumn) -> bool {
        /// Bytes a row: two of a number, and what the dictionary takes. A column whose dictionary became too large goes on with the texts.
        const MOST: f64 = 2.5;
        if column.transform != Transform::AsIs || *column.field.data_type() != DataType::Utf8 {
            return false;
        }
        let schema = self.metadata.parquet_schema();
        let leaf = (0..schema.num_columns())
            .find(|leaf| schema.column(*leaf).path().parts() == [column.stored.as_str()]);
        leaf.is_some_and(|leaf| {
            let mut chunks = self.footer().row_groups().iter().map(|group| group.column(leaf));
            chunks.all(|chunk| {
                let bytes = chunk.uncompressed_size() as f64;
                chunk.dictionary_page_offset().is_some() && bytes <= MOST * chunk.num_values() as f64 + 1024.0
            })
        })
    }

    /// Reads row groups from their start, up to `limit` rows, one batch after the other; the columns `coded` by their dictionaries.
    pub(super) fn scan(
        &self,
        groups: Range<usize>,
        projection: ProjectionMask,
        batch_rows: usize,
        limit: usize,
        coded: &[&str],
    ) -> Result<ParquetRecordBatchReader, CatalogError> {
        let reader = match coded {
            [] => self.reader()?,
            coded => {
                let field = |field: &FieldRef| match coded.contains(&field.name().as_str()) {
                    true => field.as_ref().clone().with_data_type(condition::coded()).into(),
                    false => field.clone(),
                };
                let fields: Fields = self.metadata.schema().fields().iter().map(field).collect();
                let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
                let metadata = ArrowReaderMetadata::try_new(self.metadata.metadata().clone(), options)
                    .map_err(|e| CatalogError::parquet(&self.path, e))?;
                ParquetRecordBatchReaderBuilder::new_with_metadata(self.handle()?, metadata)
            }
        };
        reader
            .with_row_groups(groups.collect())
            .with_projection(projection)
            .with_batch_size(batch_rows.min(limit.max(1)))
            .with_limit(limit)
            .build()
            .map_err(|e| CatalogError::parquet(&self.path, e))
    }

    /// Reads the pixels of some rows of a row group: `places` are ascending and distinct.
    ///
    /// Not for text: parquet 59 skips over text without a look at where the page ends, and on a damaged page then asks for
    /// so much memory that the process is ended. Table columns are read from the row group's start instead.
    pub(super) fn pixels_of(
        &self,
        group: usize,
        places: &[usize],
        projection: ProjectionMask,
    ) -> Result<ParquetRecordBatchReader, CatalogError> {
        let file = self.handle()?;
        let (metadata, group_there) = self.indexed(&file, group)?;
        let total = (self.group_starts[group + 1] - self.group_starts[group]) as usize;
        let selection = RowSelection::from_consecutive_ranges(places.iter().map(|p| *p..*p + 1), total);
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_row_groups(vec![group_there])
            .with_projection(projection)
            .with_row_selection(selection)
            .with_row_selection_policy(RowSelectionPolicy::Selectors)
            .with_batch_size(places.len().max(1))
            .build()
            .map_err(|e| CatalogError::parquet(&self.path, e))
    }

    /// A footer with the page index of a row group, and the row group's number in it.
    fn indexed(&self, file: &File, group: usize) -> Result<(ArrowReaderMetadata, usize), CatalogError> {
        let metadata = self.metadata.metadata();
        if !is_indexed(metadata.row_group(group)) {
            return Ok((self.metadata.clone(), group));
        }
        let kept = || self.indexed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, metadata)) = kept().iter().find(|(number, _)| *number == group) {
            return Ok((metadata.clone(), 0));
        }
        let broken = |e| CatalogError::parquet(&self.path, e);
        let alone = ParquetMetaData::new(
            metadata.file_metadata().clone(),
            vec![metadata.row_group(group).clone()],
        );
        let mut reader = ParquetMetaDataReader::new_with_metadata(alone)
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_offset_index_policy(PageIndexPolicy::Optional);
        reader.read_page_indexes(file).map_err(broken)?;
        let alone = reader.finish().map_err(broken)?;
        check_pages(&alone, self.bytes).map_err(|reason| CatalogError::corrupt(&self.path, reason))?;
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Skip);
        let alone = ArrowReaderMetadata::try_new(Arc::new(alone), options).map_err(broken)?;
        let mut kept = kept();
        if kept.len() >= KEPT_INDEXES {
            kept.pop_front();
        }
        kept.push_back((group, alone.clone()));
        Ok((alone, 0))
    }
}

fn unrecognized(path: &Path, metadata: &ArrowReaderMetadata, missing: String) -> CatalogError {
    CatalogError::Unrecognized {
        path: path.to_owned(),
        missing,
        found: layout::describe(metadata.schema()),
        wanted: layout::WANTED,
    }
}

fn is_indexed(group: &RowGroupMetaData) -> bool {
    let columns = group.columns();
    columns
        .iter()
        .all(|column| column.offset_index_offset().is_some())
}

fn key_values(metadata: &ParquetMetaData) -> Vec<(String, String)> {
    metadata
        .file_metadata()
        .key_value_metadata()
        .into_iter()
        .flatten()
        .filter_map(|pair| Some((pair.key.clone(), pair.value.clone()?)))
        .collect()
}

/// Hash of the footer, which has every column's sizes, statistics and places.
fn hash_footer(file: &mut File, bytes: u64, path: &Path) -> Result<blake3::Hash, CatalogError> {
    let io = |e| CatalogError::io(path, e);
    let corrupt = |reason: &str| CatalogError::corrupt(path, reason);
    if bytes < 12 {
        return Err(corrupt("too short"));
    }
    let mut tail = [0u8; 8];
    file.seek(SeekFrom::End(-8)).map_err(io)?;
    file.read_exact(&mut tail).map_err(io)?;
    if &tail[4..] != b"PAR1" {
        return Err(corrupt("it does not end as Parquet files do"));
    }
    let length = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    if length + 12 > bytes {
        return Err(corrupt("its footer is cut off"));
    }
    let mut footer = vec![0; length as usize];
    file.seek(SeekFrom::End(-8 - length as i64)).map_err(io)?;
    file.read_exact(&mut footer).map_err(io)?;
    Ok(blake3::hash(&footer))
}

/// Where the row groups start, after a check that everything the footer points to lies within the file: a decoder that
/// believes a damaged length may ask for more memory than there is.
fn check_ranges(metadata: &ParquetMetaData, bytes: u64) -> Result<Vec<u64>, String> {
    let within = |what: &str, start: Option<i64>, length: Option<i64>| {
        let (Some(start), Some(length)) = (start, length) else {
            return Ok(());
        };
        let end = u64::try_from(start)
            .ok()
            .zip(u64::try_from(length).ok())
            .and_then(|(start, length)| start.checked_add(length));
        match end {
            Some(end) if end <= bytes => Ok(()),
            _ => Err(format!("its footer points to {what} beyond its end")),
        }
    };
    let mut starts = vec![0u64];
    for group in metadata.row_groups() {
        for column in group.columns() {
            let start = column
                .dictionary_page_offset()
                .unwrap_or(column.data_page_offset());
            within("pages", Some(start), Some(column.compressed_size()))?;
            within("pages", Some(column.data_page_offset()), Some(0))?;
            let index = column.offset_index_offset();
            within(
                "an index",
                index,
                index.and(column.offset_index_length().map(i64::from)),
            )?;
            let index = column.column_index_offset();
            within(
                "an index",
                index,
                index.and(column.column_index_length().map(i64::from)),
            )?;
            let bloom = column.bloom_filter_offset();
            within(
                "a bloom filter",
                bloom,
                Some(column.bloom_filter_length().map_or(0, i64::from)),
            )?;
            if column.num_values() < 0 || column.uncompressed_size() < 0 {
                return Err("its footer has negative sizes".into());
            }
        }
        let rows = u64::try_from(group.num_rows()).map_err(|_| "its footer has a negative number of rows")?;
        // Every row has at least one value in every column.
        if group
            .columns()
            .iter()
            .any(|column| (column.num_values() as u64) < rows)
        {
            return Err("its footer counts more rows than values".into());
        }
        let last = starts.last().copied().unwrap_or(0);
        starts.push(last.checked_add(rows).ok_or("its footer counts too many rows")?);
    }
    if i64::try_from(starts.last().copied().unwrap_or(0)) != Ok(metadata.file_metadata().num_rows()) {
        return Err("its row groups do not add up to its number of rows".into());
    }
    Ok(starts)
}

fn check_pages(metadata: &ParquetMetaData, bytes: u64) -> Result<(), String> {
    let columns = metadata.offset_index().into_iter().flatten().flatten();
    for column in columns {
        let mut next_row = 0;
        for (i, page) in column.page_locations().iter().enumerate() {
            let end = u64::try_from(page.offset)
                .ok()
                .zip(u64::try_from(page.compressed_page_size).ok())
                .and_then(|(start, length)| start.checked_add(length));
            if end.is_none_or(|end| end > bytes) {
                return Err("its page index points beyond its end".into());
            }
            if page.first_row_index < next_row || (i == 0 && page.first_row_index != 0) {
                return Err("the rows of its page index are out of order".into());
            }
            next_row = page.first_row_index + 1;
        }
    }
    Ok(())
}
