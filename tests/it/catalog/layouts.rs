//! Files that others wrote: every layout gives the same spectra, or a reason.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, DictionaryArray, FixedSizeListArray, Float32Array,
    Float64Array, Int64Array, LargeListArray, ListArray, RecordBatch, StringArray, StructArray, UInt64Array,
};
use arrow::datatypes::{
    ArrowPrimitiveType, BooleanType, DataType, Field, Float32Type, Float64Type, Int32Type, Int64Type, Schema,
};
use parquet::arrow::ArrowWriter;
use spectriage::catalog::{Catalog, CatalogError, LayoutKind};
use spectriage::spectrum::{MaskKind, WavelengthGrid};

use super::open;

pub fn write_columns(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(
        schema.clone(),
        columns.into_iter().map(|(_, array)| array).collect(),
    )
    .unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

pub fn lists<T: ArrowPrimitiveType>(rows: &[Vec<T::Native>]) -> ArrayRef {
    Arc::new(ListArray::from_iter_primitive::<T, _, _>(
        rows.iter()
            .map(|row| Some(row.iter().map(|v| Some(*v)).collect::<Vec<_>>())),
    ))
}

fn booleans(rows: &[Vec<bool>]) -> ArrayRef {
    let mut builder = arrow::array::ListBuilder::new(arrow::array::BooleanBuilder::new());
    for row in rows {
        builder.values().append_slice(row);
        builder.append(true);
    }
    Arc::new(builder.finish())
}

pub fn text(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn names(catalog: &Catalog) -> Vec<String> {
    catalog
        .columns()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect()
}

#[test]
fn multimodal_universe_rows_are_undone() {
    let folder = folder();
    let path = folder.path().join("mmu.parquet");
    // Two SDSS spectra of one grid but for a shift, the second padded to the length of the first.
    let wavelength = |k: i32| 10f64.powf(f64::from(35802 + k) / 1e4) as f32;
    let lambda = vec![
        (0..6).map(wavelength).collect(),
        (2..6).map(wavelength).chain([-1.0, -1.0]).collect::<Vec<f32>>(),
    ];
    let flux = vec![
        vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0],
        vec![1.0, 2.0, 3.0, 4.0, 4.0, 4.0],
    ];
    let ivar = vec![
        vec![1.0f32, 1.0, 0.0, 1.0, 1.0, 1.0],
        vec![2.0, 2.0, 2.0, 2.0, 0.0, 0.0],
    ];
    let mask = vec![
        vec![false, false, true, false, false, false],
        vec![false, false, false, false, true, true],
    ];
    let children: Vec<(Arc<Field>, ArrayRef)> = [
        ("flux", lists::<Float32Type>(&flux)),
        ("ivar", lists::<Float32Type>(&ivar)),
        ("lsf_sigma", lists::<Float32Type>(&ivar)),
        ("lambda", lists::<Float32Type>(&lambda)),
        ("mask", booleans(&mask)),
    ]
    .into_iter()
    .map(|(name, array)| (Arc::new(Field::new(name, array.data_type().clone(), true)), array))
    .collect();
    write_columns(
        &path,
        vec![
            ("spectrum", Arc::new(StructArray::from(children))),
            ("Z", Arc::new(Float32Array::from(vec![0.1, f32::NAN]))),
            ("Z_ERR", Arc::new(Float32Array::from(vec![1e-4, 1e-4]))),
            ("ZWARN", Arc::new(BooleanArray::from(vec![true, false]))),
            ("CLASS", text(&["GALAXY", "QSO"])),
            ("object_id", text(&["b'267-51608-508'", "b'267-51608-509'"])),
            ("VDISP", Arc::new(Float32Array::from(vec![150.0, 90.0]))),
        ],
    );
    let catalog = open(&path);
    assert_eq!(catalog.layouts(), [LayoutKind::Nested]);
    assert_eq!(
        names(&catalog),
        ["row", "z", "zerr", "zwarn", "spectype", "object_id", "vdisp"]
    );
    let first = catalog.read(0).unwrap().unwrap();
    let second = catalog.read(1).unwrap().unwrap();
    let grid = |k: i32, n| WavelengthGrid::Log10 {
        start: f64::from(35802 + k) / 1e4,
        step: 1e-4,
        n,
    };
    assert_eq!((&*first.grid, &*second.grid), (&grid(0, 6), &grid(2, 4)));
    assert_eq!(first.mask, Some(vec![0, 0, 1, 0, 0, 0]));
    assert_eq!(
        (second.flux.as_slice(), second.mask.as_ref()),
        (&[1.0, 2.0, 3.0, 4.0][..], None)
    );
    assert_eq!(first.mask_kind, MaskKind::Plain);
    assert_eq!(first.facts.object_id, "267-51608-508");
    assert_eq!(first.facts.source, "SDSS");
    assert_eq!((first.facts.zwarn, second.facts.zwarn), (Some(0), Some(1)));
    assert_eq!(second.facts.z, None, "NaN is no value");
    assert_eq!(catalog.find("267-51608-509").unwrap(), [1]);
}

/// The same two spectra as flat columns of several makes.
#[test]
fn flat_columns_of_every_make_give_the_same_spectra() {
    let flux = vec![vec![1.0f64, 2.0, 3.0, 4.0], vec![5.0, 6.0, 7.0, 8.0]];
    let sigma = vec![vec![0.5f64, 0.5, 0.5, 0.0], vec![0.5, 0.5, 0.5, 0.5]];
    let ivar: Vec<Vec<f64>> = vec![vec![4.0, 4.0, 4.0, 0.0], vec![4.0; 4]];
    let wave = vec![vec![4000.0f64, 4001.0, 4002.0, 4003.0]; 2];
    let loglam: Vec<Vec<f64>> = wave
        .iter()
        .map(|row| row.iter().map(|w| w.log10()).collect())
        .collect();
    let bits = vec![vec![0i64, 2, 0, 0], vec![0; 4]];
    let options = |row: &Vec<f64>| Some(row.iter().map(|v| Some(*v)).collect::<Vec<_>>());
    let large = |rows: &[Vec<f64>]| -> ArrayRef {
        Arc::new(LargeListArray::from_iter_primitive::<Float64Type, _, _>(
            rows.iter().map(options),
        ))
    };
    let fixed = |rows: &[Vec<f64>]| -> ArrayRef {
        Arc::new(FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(
            rows.iter().map(options),
            4,
        ))
    };
    // (n, 1)-shaped, as one loader hands spectra over.
    let wrapped = |rows: &[Vec<f64>]| -> ArrayRef {
        let values = Arc::new(Float64Array::from(rows.concat()));
        let inner_field = Arc::new(Field::new("item", DataType::Float64, true));
        let inner: ArrayRef = Arc::new(FixedSizeListArray::new(inner_field, 1, values, None));
        let field = Arc::new(Field::new("item", inner.data_type().clone(), true));
        let offsets = arrow::buffer::OffsetBuffer::from_lengths(rows.iter().map(Vec::len));
        Arc::new(ListArray::new(field, offsets, inner, None))
    };
    let ids = || Arc::new(Int64Array::from(vec![11, 12])) as ArrayRef;
    let makes: Vec<Vec<(&str, ArrayRef)>> = vec![
        vec![
            ("TARGETID", ids()),
            ("FLUX", lists::<Float64Type>(&flux)),
            ("IVAR", lists::<Float64Type>(&ivar)),
            ("WAVE", lists::<Float64Type>(&wave)),
            ("mask", lists::<Int64Type>(&bits)),
        ],
        vec![
            ("targetid", ids()),
            ("spec_flux", large(&flux)),
            ("error", large(&sigma)),
            ("loglam", large(&loglam)),
            ("Mask", lists::<Int64Type>(&bits)),
        ],
        vec![
            ("SPECOBJID", Arc::new(UInt64Array::from(vec![11, 12]))),
            ("spectrum", fixed(&flux)),
            ("Noise", fixed(&sigma)),
            ("lambda", fixed(&wave)),
            ("and_mask", lists::<Int64Type>(&bits)),
        ],
        vec![
            ("id", Arc::new(BinaryArray::from(vec![b"11".as_slice(), b"12"]))),
            ("flux", wrapped(&flux)),
            ("ivar", wrapped(&ivar)),
            ("wavelength", wrapped(&wave)),
            ("mask", lists::<Int64Type>(&bits)),
        ],
    ];
    for (make, columns) in makes.into_iter().enumerate() {
        let folder = folder();
        let path = folder.path().join("flat.parquet");
        write_columns(&path, columns);
        let catalog = open(&path);
        assert_eq!(catalog.layouts(), [LayoutKind::Lists], "make {make}");
        let first = catalog.read(0).unwrap().unwrap();
        assert_eq!(first.facts.object_id, "11", "make {make}");
        assert_eq!(first.flux, [1.0, 2.0, 3.0, 4.0], "make {make}");
        assert_eq!(first.ivar, [4.0, 4.0, 4.0, 0.0], "make {make}");
        assert_eq!(first.mask, Some(vec![0, 2, 0, 0]), "make {make}");
        let expected = WavelengthGrid::Linear {
            start: 4000.0,
            step: 1.0,
            n: 4,
        };
        assert_eq!(*first.grid, expected, "make {make}");
        assert_eq!(catalog.find("12").unwrap(), [1], "make {make}");
        let kinds = [MaskKind::Desi, MaskKind::Desi, MaskKind::Sdss, MaskKind::Plain];
        assert_eq!(first.mask_kind, kinds[make], "make {make}");
    }
}

#[test]
fn a_list_of_structs_is_read_as_a_struct_of_lists() {
    let folder = folder();
    let path = folder.path().join("nested.parquet");
    let child = |name: &str, values: Vec<f64>| {
        let array: ArrayRef = Arc::new(Float64Array::from(values));
        (Arc::new(Field::new(name, DataType::Float64, true)), array)
    };
    let structs = StructArray::from(vec![
        child("flux", vec![1.0, 2.0, 3.0, 9.0, 8.0, 7.0, 6.0]),
        child("ivar", vec![1.0; 7]),
        child(
            "wave",
            vec![4000.0, 4002.0, 4004.0, 4000.0, 4002.0, 4004.0, 4006.0],
        ),
    ]);
    let field = Arc::new(Field::new("item", structs.data_type().clone(), true));
    let offsets = arrow::buffer::OffsetBuffer::from_lengths([3, 4]);
    let spectrum = ListArray::new(field, offsets, Arc::new(structs), None);
    write_columns(
        &path,
        vec![("spectrum", Arc::new(spectrum)), ("object_id", text(&["a", "b"]))],
    );
    let second = open(&path).read(1).unwrap().unwrap();
    assert_eq!(
        (second.flux.as_slice(), second.grid.at(3)),
        (&[9.0, 8.0, 7.0, 6.0][..], 4006.0)
    );
}

#[test]
fn without_wavelengths_the_length_must_tell() {
    let folder = folder();
    let path = folder.path().join("desi.parquet");
    let flux = vec![vec![1.0f32; 7781], vec![1.0; 7000]];
    write_columns(
        &path,
        vec![
            ("targetid", Arc::new(Int64Array::from(vec![1, 2]))),
            ("flux", lists::<Float32Type>(&flux)),
            ("ivar", lists::<Float32Type>(&flux)),
        ],
    );
    let catalog = open(&path);
    assert_eq!(*catalog.read(0).unwrap().unwrap().grid, WavelengthGrid::DESI);
    let issue = catalog.read(1).unwrap().unwrap_err();
    assert_eq!(
        (issue.row, issue.object_id.as_str(), issue.column.as_str()),
        (1, "2", "wavelength")
    );
    assert!(issue.reason.contains("7000"), "{issue}");
}

#[test]
fn files_of_different_columns_make_one_table() {
    let folder = folder();
    let pixels = || lists::<Float32Type>(&[vec![1.0; 5]]);
    let wave = || lists::<Float64Type>(&[[1.0, 2.0, 3.0, 4.0, 5.0].iter().map(|w| w * 1000.0).collect()]);
    let (a, b) = (folder.path().join("a.parquet"), folder.path().join("b.parquet"));
    let dictionary: DictionaryArray<Int32Type> = vec!["GALAXY"].into_iter().collect();
    write_columns(
        &a,
        vec![
            ("object_id", text(&["a"])),
            ("flux", pixels()),
            ("ivar", pixels()),
            ("wave", wave()),
            ("ZWARNING", Arc::new(Int64Array::from(vec![4]))),
            ("CLASS", Arc::new(dictionary)),
            ("tile", Arc::new(Int64Array::from(vec![1]))),
        ],
    );
    write_columns(
        &b,
        vec![
            ("OBJECT_ID", text(&["b"])),
            ("FLUX", pixels()),
            ("IVAR", pixels()),
            ("wave", wave()),
            ("ZWARN", Arc::new(BooleanArray::from(vec![true]))),
            ("TARGET_RA", Arc::new(Float64Array::from(vec![10.0]))),
            ("tile", Arc::new(Float32Array::from(vec![2.5]))),
            ("row", text(&["taken"])),
        ],
    );
    let catalog = open(folder.path());
    assert_eq!(
        names(&catalog),
        ["row", "object_id", "zwarn", "spectype", "tile", "ra", "row_2"]
    );
    let table = catalog
        .table(&["zwarn", "Spectype", "tile", "ra", "row"], Some(&[1, 0]))
        .unwrap();
    assert_eq!(table.column(0).as_primitive::<Int64Type>().values(), &[0, 4]);
    assert!(table.column(1).is_null(0) && table.column(1).as_string::<i32>().value(1) == "GALAXY");
    assert_eq!(
        table.column(2).as_primitive::<Float64Type>().values(),
        &[2.5, 1.0]
    );
    assert!(table.column(3).is_null(1));
    let facts = catalog.facts(&[0, 1]).unwrap();
    assert_eq!((facts[0].zwarn, facts[1].ra), (Some(4), Some(10.0)));
    let error = catalog.table(&["spectyp"], None).unwrap_err().to_string();
    assert!(error.contains("did you mean `spectype`?"), "{error}");
}

#[test]
fn what_is_not_recognized_lists_what_was_found_and_looked_for() {
    let folder = folder();
    let path = folder.path().join("table.parquet");
    write_columns(
        &path,
        vec![
            ("TARGETID", Arc::new(Int64Array::from(vec![5, 6]))),
            ("Z", Arc::new(Float64Array::from(vec![0.1, 0.2]))),
        ],
    );
    let inputs = [path.to_str().unwrap().to_owned()];
    let error = Catalog::open(&inputs).unwrap_err().to_string();
    for part in ["table.parquet", "TARGETID, Z", "spec_flux", "loglam", "ivar"] {
        assert!(error.contains(part), "{part} in {error}");
    }
    let table = Catalog::open_table(&inputs).unwrap();
    assert_eq!(table.layouts(), [LayoutKind::TableOnly]);
    assert_eq!(table.facts(&[1]).unwrap()[0].object_id, "6");
    assert_eq!(table.find("6").unwrap(), [1]);
    assert!(matches!(table.read(0), Err(CatalogError::NoSpectra { .. })));

    let no_noise = folder.path().join("flux.parquet");
    write_columns(
        &no_noise,
        vec![("id", text(&["x"])), ("flux", lists::<Float32Type>(&[vec![1.0]]))],
    );
    let error = Catalog::open(&[no_noise.to_str().unwrap().to_owned()])
        .unwrap_err()
        .to_string();
    assert!(error.contains("no inverse variance"), "{error}");

    let no_id = folder.path().join("anonymous.parquet");
    let one = || lists::<Float32Type>(&[vec![1.0]]);
    write_columns(
        &no_id,
        vec![
            ("flux", one()),
            ("ivar", one()),
            ("mask", booleans(&[vec![true]])),
        ],
    );
    let error = Catalog::open(&[no_id.to_str().unwrap().to_owned()])
        .unwrap_err()
        .to_string();
    assert!(error.contains("identity"), "{error}");
    let _ = BooleanType::DATA_TYPE;
}

#[test]
fn a_hats_folder_names_its_own_position_columns() {
    let folder = folder();
    let tiles = folder.path().join("cat/dataset/Norder=0/Dir=0");
    fs::create_dir_all(&tiles).unwrap();
    fs::write(
        folder.path().join("collection.properties"),
        "hats_primary_table_url=cat\n",
    )
    .unwrap();
    fs::write(
        folder.path().join("cat/hats.properties"),
        "hats_col_ra=LON\nhats_col_dec=LAT\nhats_nrows=2\nunknown_key=1\n",
    )
    .unwrap();
    fs::write(folder.path().join("cat/dataset/_metadata"), "not read").unwrap();
    for (pixel, id) in [(3, 30i64), (7, 70)] {
        write_columns(
            &tiles.join(format!("Npix={pixel}.parquet")),
            vec![
                ("TARGETID", Arc::new(Int64Array::from(vec![id]))),
                ("RA", Arc::new(Float64Array::from(vec![0.0]))),
                ("LON", Arc::new(Float64Array::from(vec![id as f64]))),
                ("LAT", Arc::new(Float64Array::from(vec![-5.0]))),
                ("flux", lists::<Float32Type>(&[vec![1.0; 7781]])),
                ("ivar", lists::<Float32Type>(&[vec![1.0; 7781]])),
            ],
        );
    }
    let catalog = open(folder.path());
    assert_eq!(catalog.len(), 2);
    let facts = catalog.facts(&[0, 1]).unwrap();
    assert_eq!(
        (facts[0].ra, facts[1].ra, facts[1].dec),
        (Some(30.0), Some(70.0), Some(-5.0))
    );
    assert_eq!(
        names(&catalog),
        ["row", "targetid", "ra_2", "ra", "dec", "object_id"]
    );
}
