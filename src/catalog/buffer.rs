//! Rows on their way into a file: spectra gathered into an Arrow batch.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float32Builder, Float64Builder, Int16Builder, Int32Builder, Int64Builder,
    ListBuilder, RecordBatch, StringBuilder, StringDictionaryBuilder, UInt32Builder,
};
use arrow::datatypes::{DataType, Field, Int32Type, SchemaRef};
use serde::{Deserialize, Serialize};

use super::schema::{self, FooterGrid};
use crate::spectrum::{Spectrum, WavelengthGrid};

/// Type of a further table column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExtraKind {
    Bool,
    Int,
    Float,
    Text,
}

/// A further table column, beside those of the schema; the name is written lower-case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraColumn {
    pub name: String,
    pub kind: ExtraKind,
    pub unit: String,
    pub description: String,
}

/// A cell of a further column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ExtraValue {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl ExtraColumn {
    pub(super) fn field(&self) -> Field {
        let data_type = match self.kind {
            ExtraKind::Bool => DataType::Boolean,
            ExtraKind::Int => DataType::Int64,
            ExtraKind::Float => DataType::Float64,
            ExtraKind::Text => DataType::Utf8,
        };
        let field = Field::new(self.name.to_lowercase(), data_type, true);
        schema::described(field, &self.unit, "", &self.description)
    }
}

enum ExtraBuilder {
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Text(StringBuilder),
}

impl ExtraBuilder {
    fn new(kind: ExtraKind) -> Self {
        match kind {
            ExtraKind::Bool => Self::Bool(BooleanBuilder::new()),
            ExtraKind::Int => Self::Int(Int64Builder::new()),
            ExtraKind::Float => Self::Float(Float64Builder::new()),
            ExtraKind::Text => Self::Text(StringBuilder::new()),
        }
    }

    /// Whether a value is of this column's kind; integers are taken as floats too.
    fn takes(&self, value: &ExtraValue) -> bool {
        matches!(
            (self, value),
            (_, ExtraValue::Null)
                | (Self::Bool(_), ExtraValue::Bool(_))
                | (Self::Int(_), ExtraValue::Int(_))
                | (Self::Float(_), ExtraValue::Float(_) | ExtraValue::Int(_))
                | (Self::Text(_), ExtraValue::Text(_))
        )
    }

    fn append(&mut self, value: &ExtraValue) {
        match (self, value) {
            (Self::Bool(b), ExtraValue::Bool(v)) => b.append_value(*v),
            (Self::Bool(b), _) => b.append_null(),
            (Self::Int(b), ExtraValue::Int(v)) => b.append_value(*v),
            (Self::Int(b), _) => b.append_null(),
            (Self::Float(b), ExtraValue::Float(v)) => b.append_value(*v),
            (Self::Float(b), ExtraValue::Int(v)) => b.append_value(*v as f64),
            (Self::Float(b), _) => b.append_null(),
            (Self::Text(b), ExtraValue::Text(v)) => b.append_value(v),
            (Self::Text(b), _) => b.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Bool(b) => Arc::new(b.finish()),
            Self::Int(b) => Arc::new(b.finish()),
            Self::Float(b) => Arc::new(b.finish()),
            Self::Text(b) => Arc::new(b.finish()),
        }
    }
}

type Words = StringDictionaryBuilder<Int32Type>;

/// Columns that grow by one spectrum at a time, and the grids registered on the way.
pub(super) struct RowBuffer {
    schema: SchemaRef,
    mantissa_bits: Option<u32>,
    pub grids: Vec<FooterGrid>,
    grid_ids: HashMap<(u8, u64, u64, usize), i16>,
    extra_columns: Vec<ExtraColumn>,
    rows: usize,
    words: HashMap<&'static str, Words>,
    floats: HashMap<&'static str, Float64Builder>,
    singles: HashMap<&'static str, Float32Builder>,
    targetid: Int64Builder,
    object_id: StringBuilder,
    healpix_29: Int64Builder,
    healpix: Int32Builder,
    zwarn: Int64Builder,
    coadd_fiberstatus: Int32Builder,
    ivar_estimated: BooleanBuilder,
    grid: Int16Builder,
    extra: Vec<ExtraBuilder>,
    flux: ListBuilder<Float32Builder>,
    ivar: ListBuilder<Float32Builder>,
    mask: ListBuilder<UInt32Builder>,
    wavelength: ListBuilder<Float64Builder>,
}

impl RowBuffer {
    pub(super) fn new(schema: SchemaRef, extra: &[ExtraColumn], mantissa_bits: Option<u32>) -> Self {
        let element = |data_type| Arc::new(Field::new(schema::ELEMENT, data_type, false));
        Self {
            schema,
            mantissa_bits,
            grids: Vec::new(),
            grid_ids: HashMap::new(),
            extra_columns: extra.to_vec(),
            rows: 0,
            words: HashMap::new(),
            floats: HashMap::new(),
            singles: HashMap::new(),
            targetid: Int64Builder::new(),
            object_id: StringBuilder::new(),
            healpix_29: Int64Builder::new(),
            healpix: Int32Builder::new(),
            zwarn: Int64Builder::new(),
            coadd_fiberstatus: Int32Builder::new(),
            ivar_estimated: BooleanBuilder::new(),
            grid: Int16Builder::new(),
            extra: extra
                .iter()
                .map(|column| ExtraBuilder::new(column.kind))
                .collect(),
            flux: ListBuilder::new(Float32Builder::new()).with_field(element(DataType::Float32)),
            ivar: ListBuilder::new(Float32Builder::new()).with_field(element(DataType::Float32)),
            mask: ListBuilder::new(UInt32Builder::new()).with_field(element(DataType::UInt32)),
            wavelength: ListBuilder::new(Float64Builder::new()).with_field(element(DataType::Float64)),
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Why a spectrum cannot be written: the column and the reason.
    pub(super) fn refusal(&self, spectrum: &Spectrum, extra: &[ExtraValue]) -> Option<(String, String)> {
        let n = spectrum.grid.len();
        let lengths = [
            ("flux", Some(spectrum.flux.len())),
            ("ivar", Some(spectrum.ivar.len())),
            ("mask", spectrum.mask.as_ref().map(Vec::len)),
        ];
        for (column, length) in lengths {
            if let Some(length) = length.filter(|length| *length != n) {
                return Some((column.into(), format!("{length} values for {n} wavelengths")));
            }
        }
        if spectrum.facts.object_id.is_empty() {
            return Some(("object_id".into(), "the id is missing".into()));
        }
        if extra.len() != self.extra.len() {
            let (given, declared) = (extra.len(), self.extra.len());
            return Some((
                "extra".into(),
                format!("{given} values for {declared} declared columns"),
            ));
        }
        let wrong = (0..extra.len()).find(|i| !self.extra[*i].takes(&extra[*i]))?;
        let column = &self.extra_columns[wrong];
        Some((
            column.name.clone(),
            format!("{:?} in a column of {:?}", extra[wrong], column.kind),
        ))
    }

    /// Adds a spectrum that was not refused.
    pub(super) fn push(&mut self, spectrum: &Spectrum, extra: &[ExtraValue]) {
        let facts = &spectrum.facts;
        let words = [
            ("source", Some(facts.source.as_str())),
            ("survey", facts.survey.as_deref()),
            ("program", facts.program.as_deref()),
            ("spectype", facts.spectype.as_deref()),
            ("subtype", facts.subtype.as_deref()),
            ("mask_kind", Some(schema::mask_kind_name(spectrum.mask_kind))),
        ];
        for (column, word) in words {
            self.words.entry(column).or_default().append_option(word);
        }
        let floats = [
            ("ra", facts.ra),
            ("dec", facts.dec),
            ("z", facts.z),
            ("zerr", facts.zerr),
            ("deltachi2", facts.deltachi2),
            ("mjd", facts.mjd),
        ];
        for (column, value) in floats {
            self.floats.entry(column).or_default().append_option(value);
        }
        let singles = [
            ("exptime", facts.exptime),
            ("sn", facts.sn),
            ("ebv", facts.ebv),
            ("flux_g", facts.flux_g),
            ("flux_r", facts.flux_r),
            ("flux_z", facts.flux_z),
        ];
        for (column, value) in singles {
            self.singles.entry(column).or_default().append_option(value);
        }
        let healpix_29 = schema::healpix_29(facts.ra, facts.dec);
        self.targetid.append_option(facts.targetid);
        self.object_id.append_value(&facts.object_id);
        self.healpix_29.append_option(healpix_29);
        self.healpix
            .append_option(healpix_29.map(schema::healpix_nside_64));
        self.zwarn.append_option(facts.zwarn);
        self.coadd_fiberstatus.append_option(facts.coadd_fiberstatus);
        self.ivar_estimated.append_value(spectrum.ivar_estimated);
        for (builder, value) in self.extra.iter_mut().zip(extra) {
            builder.append(value);
        }
        self.push_pixels(spectrum);
        self.rows += 1;
    }

    fn push_pixels(&mut self, spectrum: &Spectrum) {
        for (builder, values) in [(&mut self.flux, &spectrum.flux), (&mut self.ivar, &spectrum.ivar)] {
            match self.mantissa_bits {
                Some(bits) => values
                    .iter()
                    .for_each(|v| builder.values().append_value(round_mantissa(*v, bits))),
                None => builder.values().append_slice(values),
            }
            builder.append(true);
        }
        let mask = spectrum
            .mask
            .as_ref()
            .filter(|mask| mask.iter().any(|bits| *bits != 0));
        if let Some(bits) = mask {
            self.mask.values().append_slice(bits);
        }
        self.mask.append(mask.is_some());
        let grid = self.grid_id(&spectrum.grid);
        self.grid.append_value(grid.unwrap_or(schema::OWN_WAVELENGTHS));
        if grid.is_none() {
            self.wavelength
                .values()
                .append_slice(&spectrum.grid.wavelengths());
        }
        self.wavelength.append(grid.is_none());
    }

    /// The number of the grid among those of the footer, which it joins where it is new; `None` for listed wavelengths,
    /// and when all 32767 numbers are taken.
    fn grid_id(&mut self, grid: &WavelengthGrid) -> Option<i16> {
        let key = match grid {
            WavelengthGrid::Linear { start, step, n } => (0, start.to_bits(), step.to_bits(), *n),
            WavelengthGrid::Log10 { start, step, n } => (1, start.to_bits(), step.to_bits(), *n),
            WavelengthGrid::Listed { .. } => return None,
        };
        if let Some(id) = self.grid_ids.get(&key) {
            return Some(*id);
        }
        let id = i16::try_from(self.grids.len()).ok()?;
        self.grids.push(FooterGrid::new(id, grid.clone()));
        self.grid_ids.insert(key, id);
        Some(id)
    }

    /// The rows gathered so far as a batch of the schema, which empties the buffer.
    pub(super) fn take(&mut self) -> Result<RecordBatch, arrow::error::ArrowError> {
        self.rows = 0;
        let mut columns: HashMap<String, ArrayRef> = HashMap::new();
        for (name, builder) in &mut self.words {
            columns.insert((*name).into(), Arc::new(builder.finish()));
        }
        for (name, builder) in &mut self.floats {
            columns.insert((*name).into(), Arc::new(builder.finish()));
        }
        for (name, builder) in &mut self.singles {
            columns.insert((*name).into(), Arc::new(builder.finish()));
        }
        for (column, builder) in self.extra_columns.iter().zip(&mut self.extra) {
            columns.insert(column.name.to_lowercase(), builder.finish());
        }
        let others: [(&str, ArrayRef); 12] = [
            ("targetid", Arc::new(self.targetid.finish())),
            ("object_id", Arc::new(self.object_id.finish())),
            ("_healpix_29", Arc::new(self.healpix_29.finish())),
            ("healpix", Arc::new(self.healpix.finish())),
            ("zwarn", Arc::new(self.zwarn.finish())),
            ("coadd_fiberstatus", Arc::new(self.coadd_fiberstatus.finish())),
            ("ivar_estimated", Arc::new(self.ivar_estimated.finish())),
            ("grid", Arc::new(self.grid.finish())),
            ("flux", Arc::new(self.flux.finish())),
            ("ivar", Arc::new(self.ivar.finish())),
            ("mask", Arc::new(self.mask.finish())),
            ("wavelength", Arc::new(self.wavelength.finish())),
        ];
        columns.extend(others.map(|(name, array)| (name.to_owned(), array)));
        let ordered = self.schema.fields().iter().map(|field| {
            columns.remove(field.name()).ok_or_else(|| {
                arrow::error::ArrowError::SchemaError(format!("no values for column {}", field.name()))
            })
        });
        RecordBatch::try_new(self.schema.clone(), ordered.collect::<Result<_, _>>()?)
    }
}

/// The float32 nearest to `value` with `bits` of the 23 mantissa bits, ties to even; what is not finite stays as it is.
///
/// Error: at most 2^-(bits+1) of the value.
pub(super) fn round_mantissa(value: f32, bits: u32) -> f32 {
    if bits >= 23 || !value.is_finite() {
        return value;
    }
    let drop = 23 - bits;
    let raw = value.to_bits();
    let half = (1 << (drop - 1)) - 1 + ((raw >> drop) & 1);
    let rounded = f32::from_bits((raw + half) >> drop << drop);
    // The largest finite values would round up to infinity.
    if rounded.is_finite() {
        rounded
    } else {
        f32::from_bits(raw >> drop << drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_stays_within_half_a_unit_and_keeps_what_is_special() {
        for value in [1.0f32, -3.456_789_1, 1e-30, 6.02e23, 0.1, 1.999_999_9] {
            for bits in [7, 11, 16] {
                let rounded = round_mantissa(value, bits);
                assert!(
                    ((rounded - value) / value).abs() <= 0.5f32.powi(bits as i32 + 1),
                    "{value} {bits} {rounded}"
                );
                assert_eq!(rounded.to_bits() & ((1 << (23 - bits)) - 1), 0);
            }
        }
        assert_eq!(round_mantissa(0.0, 11), 0.0);
        assert!(round_mantissa(f32::NAN, 11).is_nan());
        assert!(round_mantissa(f32::MAX, 11).is_finite());
        assert_eq!(round_mantissa(0.1, 23), 0.1);
    }
}
