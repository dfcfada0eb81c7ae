//! Recognizes how a Parquet file keeps its spectra and its table, whoever wrote it.
//!
//! Table columns get canonical lower-case names (`Z` is `z`, `CLASS` is `spectype`), so that one query serves every file.

use std::collections::HashSet;

use arrow::datatypes::{DataType, Field, Fields, Schema};

use super::schema;

const FLUX: &[&str] = &["flux", "spectrum", "spec_flux"];
const IVAR: &[&str] = &["ivar", "flux_ivar", "spec_ivar", "inverse_variance"];
const SIGMA: &[&str] = &[
    "sigma",
    "error",
    "noise",
    "err",
    "flux_error",
    "flux_err",
    "flux_sigma",
    "uncertainty",
];
const MASK: &[&str] = &["mask", "and_mask", "flux_mask", "spec_mask"];
const WAVELENGTH: &[&str] = &["wavelength", "wave", "lambda", "wavelengths"];
const LOG_WAVELENGTH: &[&str] = &["loglam", "log_wavelength", "log_lambda"];

/// What the error about an unrecognized file says was looked for.
pub(super) const WANTED: &str = "a list column (or a child of a struct) flux, spectrum or spec_flux; with it ivar, or sigma, \
     error or noise; where there are any, wavelength, wave, lambda or loglam, and mask; a column object_id, targetid, sparcl_id \
     or specobjid; capitals do not matter";

/// Canonical table columns and the other names under which surveys have them, the more telling first.
const ALIASES: &[(&str, &[&str])] = &[
    ("object_id", &["objectid", "sparcl_id", "id"]),
    ("targetid", &["specobjid", "specobj_id"]),
    ("ra", &["target_ra", "mean_fiber_ra", "plug_ra", "fiber_ra"]),
    ("dec", &["target_dec", "mean_fiber_dec", "plug_dec", "fiber_dec"]),
    ("z", &["redshift", "z_noqso"]),
    ("zerr", &["z_err", "zerror"]),
    ("zwarn", &["zwarning", "z_warn"]),
    ("spectype", &["class"]),
    ("subtype", &["subclass"]),
    ("deltachi2", &["rchi2diff"]),
    ("mjd", &["mean_mjd"]),
    ("exptime", &["coadd_exptime"]),
    ("sn", &["sn_median", "snmedian", "sn_median_all"]),
    ("program", &["programname"]),
    ("source", &["data_release"]),
];

/// The layout of a file's spectra.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayoutKind {
    /// Written by [`CatalogWriter`](super::CatalogWriter).
    Native,
    /// List columns.
    Lists,
    /// A struct of lists, or a list of structs, as in the MultimodalUniverse.
    Nested,
    /// No spectra; only [`Catalog::open_table`](super::Catalog::open_table) takes it.
    TableOnly,
}

impl std::fmt::Display for LayoutKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Native => "spectriage",
            Self::Lists => "list columns",
            Self::Nested => "nested spectrum (MultimodalUniverse)",
            Self::TableOnly => "table without spectra",
        })
    }
}

/// How the noise is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noise {
    Ivar,
    Sigma,
}

/// How the wavelengths are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    Angstrom,
    Log10,
}

/// Where the pixels are. Names are those of the file: of top-level columns, or of the children of `parent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PixelColumns {
    pub parent: Option<String>,
    pub flux: String,
    pub noise: (String, Noise),
    pub mask: Option<String>,
    pub wavelength: Option<(String, Scale)>,
    /// The mask's bits are SDSS's by the name of their column.
    pub mask_is_sdss: bool,
}

/// What turns a stored column into the canonical one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transform {
    AsIs,
    /// A boolean ZWARN, true = good: 0 where true, 1 where false.
    InvertedBool,
    /// An identity as text: `b'…'` is undone.
    IdText,
    /// An unsigned identity as the signed integer of the same bits.
    SignedBits,
}

/// A column of the table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TableColumn {
    pub name: String,
    /// Name in the file.
    pub stored: String,
    pub transform: Transform,
    pub data_type: DataType,
    /// The stored field's own metadata, of which unit, UCD and description are known.
    pub field: Field,
}

/// How one file is to be read.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub kind: LayoutKind,
    pub table: Vec<TableColumn>,
    pub pixels: Option<PixelColumns>,
}

impl Layout {
    pub(super) fn column(&self, name: &str) -> Option<&TableColumn> {
        self.table.iter().find(|column| column.name == name)
    }
}

/// Recognizes the layout of a file, which may be a table without spectra.
///
/// `position` are the columns of right ascension and declination where something else names them (HATS properties).
pub(super) fn recognize(
    file: &Schema,
    native: bool,
    position: Option<&(String, String)>,
) -> Result<Layout, String> {
    let table = table_columns(file.fields(), position);
    let (kind, pixels) = match pixel_columns(file.fields()) {
        Ok(pixels) if native && file.column_with_name("grid").is_some() => (LayoutKind::Native, Some(pixels)),
        Ok(pixels) if pixels.parent.is_some() => (LayoutKind::Nested, Some(pixels)),
        Ok(pixels) => (LayoutKind::Lists, Some(pixels)),
        Err(_) => (LayoutKind::TableOnly, None),
    };
    if pixels.is_some() && !table.iter().any(|column| column.name == "object_id") {
        return Err("there is no column with the objects' identity".into());
    }
    Ok(Layout { kind, table, pixels })
}

/// What spectra lack in a table without them.
pub(super) fn missing(file: &Schema) -> Option<String> {
    pixel_columns(file.fields()).err()
}

/// Columns that an error lists.
const MAX_DESCRIBED: usize = 60;

/// The columns of a file in words, for an error.
pub(super) fn describe(file: &Schema) -> String {
    let describe = |field: &Field| match struct_children(field) {
        Some(children) => {
            let names: Vec<&str> = children.iter().map(|child| child.name().as_str()).collect();
            format!("{}{{{}}}", field.name(), names.join(", "))
        }
        None => field.name().clone(),
    };
    let shown = file
        .fields()
        .iter()
        .take(MAX_DESCRIBED)
        .map(|field| describe(field));
    let mut names: Vec<String> = shown.collect();
    let more = file.fields().len().saturating_sub(MAX_DESCRIBED);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}

fn is_list(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _)
    )
}

/// Children of a struct, or of the structs in a list (which nested-pandas writes too).
fn struct_children(field: &Field) -> Option<&Fields> {
    match field.data_type() {
        DataType::Struct(children) => Some(children),
        DataType::List(inner) | DataType::LargeList(inner) => match inner.data_type() {
            DataType::Struct(children) => Some(children),
            _ => None,
        },
        _ => None,
    }
}

fn pixel_columns(fields: &Fields) -> Result<PixelColumns, String> {
    for field in fields {
        let Some(children) = struct_children(field) else {
            continue;
        };
        let in_list = is_list(field.data_type());
        let usable = |child: &Field| in_list || is_list(child.data_type());
        if pick(children, FLUX, usable).is_some() {
            return named_columns(children, usable, Some(field.name()));
        }
    }
    named_columns(fields, |field| is_list(field.data_type()), None)
}

fn named_columns(
    fields: &Fields,
    usable: impl Fn(&Field) -> bool,
    parent: Option<&String>,
) -> Result<PixelColumns, String> {
    let pick = |names| pick(fields, names, &usable);
    let flux = pick(FLUX).ok_or("there is no list column with the flux")?;
    let noise = match (pick(IVAR), pick(SIGMA)) {
        (Some(ivar), _) => (ivar, Noise::Ivar),
        (None, Some(sigma)) => (sigma, Noise::Sigma),
        (None, None) => {
            return Err(format!(
                "flux is there (`{flux}`), but no inverse variance or error beside it"
            ));
        }
    };
    let wavelength = match (pick(WAVELENGTH), pick(LOG_WAVELENGTH)) {
        (Some(name), _) => Some((name, Scale::Angstrom)),
        (None, name) => name.map(|name| (name, Scale::Log10)),
    };
    let mask = pick(MASK);
    Ok(PixelColumns {
        parent: parent.cloned(),
        mask_is_sdss: mask
            .as_ref()
            .is_some_and(|name| name.eq_ignore_ascii_case("and_mask")),
        flux,
        noise,
        mask,
        wavelength,
    })
}

fn pick(fields: &Fields, names: &[&str], usable: impl Fn(&Field) -> bool) -> Option<String> {
    names.iter().find_map(|name| {
        let found = fields
            .iter()
            .find(|f| f.name().eq_ignore_ascii_case(name) && usable(f));
        found.map(|field| field.name().clone())
    })
}

/// The scalar columns under their canonical names.
fn table_columns(fields: &Fields, position: Option<&(String, String)>) -> Vec<TableColumn> {
    let scalars: Vec<&Field> = fields
        .iter()
        .map(AsRef::as_ref)
        .filter(|field| plain_type(field.data_type()).is_some())
        .collect();
    let mut renamed: Vec<(&Field, &str)> = Vec::new();
    if let Some((ra, dec)) = position {
        for (stored, name) in [(ra, "ra"), (dec, "dec")] {
            renamed.extend(
                scalars
                    .iter()
                    .find(|field| field.name() == stored)
                    .map(|field| (*field, name)),
            );
        }
    }
    for (name, aliases) in ALIASES {
        let taken = renamed.iter().any(|(_, other)| other == name);
        if taken
            || scalars
                .iter()
                .any(|field| field.name().eq_ignore_ascii_case(name))
        {
            continue;
        }
        let found = aliases.iter().find_map(|alias| {
            let named = |field: &&&Field| field.name().eq_ignore_ascii_case(alias);
            scalars
                .iter()
                .filter(|field| fits(name, field.data_type()))
                .find(named)
        });
        renamed.extend(found.map(|field| (*field, *name)));
    }
    let mut taken: HashSet<String> = HashSet::from(["row".to_owned()]);
    taken.extend(renamed.iter().map(|(_, name)| (*name).to_owned()));
    let mut columns = Vec::with_capacity(scalars.len());
    for field in scalars {
        let name = match renamed.iter().find(|(other, _)| other.name() == field.name()) {
            Some((_, name)) => (*name).to_owned(),
            None => free_name(&field.name().to_lowercase(), &mut taken),
        };
        columns.push(table_column(name, field));
    }
    if !columns.iter().any(|column| column.name == "object_id") {
        let from_targetid = columns.iter().find(|column| column.name == "targetid").cloned();
        columns.extend(from_targetid.map(|column| TableColumn {
            name: "object_id".into(),
            transform: Transform::IdText,
            data_type: DataType::Utf8,
            ..column
        }));
    }
    columns
}

/// Whether a column of this type can stand for the canonical one.
fn fits(name: &str, data_type: &DataType) -> bool {
    match name {
        "targetid" => data_type.is_integer(),
        "ra" | "dec" | "z" | "zerr" | "deltachi2" | "mjd" | "exptime" | "sn" => data_type.is_numeric(),
        _ => true,
    }
}

/// `name`, or the first of `name_2`, `name_3`, … that is free.
fn free_name(name: &str, taken: &mut HashSet<String>) -> String {
    let mut free = name.to_owned();
    let mut number = 2;
    while !taken.insert(free.clone()) {
        free = format!("{name}_{number}");
        number += 1;
    }
    free
}

fn table_column(name: String, field: &Field) -> TableColumn {
    let plain = plain_type(field.data_type()).unwrap_or(DataType::Utf8);
    let (transform, data_type) = match (name.as_str(), field.data_type()) {
        ("object_id", _) => (Transform::IdText, DataType::Utf8),
        ("targetid", DataType::UInt64) => (Transform::SignedBits, DataType::Int64),
        ("zwarn", DataType::Boolean) => (Transform::InvertedBool, DataType::Int64),
        _ => (Transform::AsIs, plain),
    };
    TableColumn {
        name,
        stored: field.name().clone(),
        transform,
        data_type,
        field: field.clone(),
    }
}

/// The plain type as which a scalar column is given, or `None` for what is no scalar.
fn plain_type(data_type: &DataType) -> Option<DataType> {
    use DataType::*;
    match data_type {
        Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 => Some(Int64),
        UInt64 => Some(UInt64),
        Float16 | Float32 => Some(Float32),
        Float64 | Decimal32(_, _) | Decimal64(_, _) | Decimal128(_, _) => Some(Float64),
        Boolean => Some(Boolean),
        Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => Some(Utf8),
        Dictionary(_, value) => plain_type(value),
        Date32 | Date64 | Timestamp(_, _) => Some(data_type.clone()),
        _ => None,
    }
}

/// The type that holds the values of a column which two files give as `a` and `b`.
pub(super) fn common_type(a: &DataType, b: &DataType) -> DataType {
    use DataType::*;
    match (a, b) {
        _ if a == b => a.clone(),
        (Boolean, Int64) | (Int64, Boolean) => Int64,
        _ if a.is_numeric() && b.is_numeric() => Float64,
        _ => Utf8,
    }
}

/// The survey in `source` words, for the kind of its mask bits.
pub(super) fn mask_kind_of_source(source: &str) -> Option<crate::spectrum::MaskKind> {
    let source = source.to_ascii_lowercase();
    if source.contains("desi") {
        schema::mask_kind_of("desi")
    } else if source.contains("sdss") || source.contains("boss") {
        schema::mask_kind_of("sdss")
    } else {
        None
    }
}
