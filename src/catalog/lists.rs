//! List columns of any make as plain slices: List, LargeList, FixedSizeList, of any number type, wrapped in an inner list
//! of one, in a struct, or as a list of structs.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, UInt32Type};

use super::layout::{Noise, PixelColumns, Scale};
use crate::spectrum::bits_of;

/// A list column: all values of the batch, and each row's range of them; `None` for a null row.
pub(super) struct Lists<T> {
    values: Vec<T>,
    ranges: Vec<Option<Range<usize>>>,
}

impl<T> Lists<T> {
    pub(super) fn row(&self, row: usize) -> Option<&[T]> {
        self.ranges[row].clone().map(|range| &self.values[range])
    }
}

/// The pixels of a batch of rows.
pub(super) struct Pixels {
    /// A null value is NaN.
    pub flux: Lists<f32>,
    /// A null value is 0; errors are turned into inverse variances.
    pub ivar: Lists<f32>,
    pub mask: Option<Lists<u32>>,
    /// Angstrom.
    pub wavelength: Option<Lists<f64>>,
    /// The mask came as booleans.
    pub mask_is_bool: bool,
}

impl Pixels {
    /// Takes the pixel columns out of a batch; the error is the column and what is wrong with it.
    pub(super) fn of(batch: &RecordBatch, columns: &PixelColumns) -> Result<Self, (String, String)> {
        let take = |name: &str| {
            let (values, ranges) = column(batch, columns.parent.as_deref(), name)
                .and_then(|array| ranges(&array))
                .map_err(|reason| (name.to_owned(), reason))?;
            Ok::<_, (String, String)>((values, ranges, name.to_owned()))
        };
        let flux = floats(take(&columns.flux)?, f32::NAN)?;
        let mut ivar = floats(take(&columns.noise.0)?, 0.0)?;
        if columns.noise.1 == Noise::Sigma {
            ivar.values
                .iter_mut()
                .for_each(|sigma| *sigma = inverse_variance(*sigma));
        }
        let mask = columns.mask.as_deref().map(take).transpose()?;
        let mask_is_bool = mask
            .as_ref()
            .is_some_and(|(values, _, _)| *values.data_type() == DataType::Boolean);
        let wavelength = match &columns.wavelength {
            Some((name, scale)) => {
                let mut lists = doubles(take(name)?)?;
                if *scale == Scale::Log10 {
                    lists.values.iter_mut().for_each(|w| *w = 10f64.powf(*w));
                }
                Some(lists)
            }
            None => None,
        };
        Ok(Self {
            flux,
            ivar,
            mask: mask.map(bits).transpose()?,
            wavelength,
            mask_is_bool,
        })
    }
}

/// 1/sigma², and 0 where sigma says that nothing was measured: not positive, or not finite.
fn inverse_variance(sigma: f32) -> f32 {
    if sigma > 0.0 && sigma.is_finite() {
        ((1.0 / f64::from(sigma)).powi(2)) as f32
    } else {
        0.0
    }
}

type Column = (ArrayRef, Vec<Option<Range<usize>>>, String);

fn as_type(values: &ArrayRef, wanted: &DataType, name: &str) -> Result<ArrayRef, (String, String)> {
    cast(values, wanted).map_err(|e| (name.to_owned(), e.to_string()))
}

fn floats((values, ranges, name): Column, null: f32) -> Result<Lists<f32>, (String, String)> {
    let array = as_type(&values, &DataType::Float32, &name)?;
    let array = array.as_primitive::<Float32Type>();
    let values = match array.null_count() {
        0 => array.values().to_vec(),
        _ => array.iter().map(|value| value.unwrap_or(null)).collect(),
    };
    Ok(Lists { values, ranges })
}

fn doubles((values, ranges, name): Column) -> Result<Lists<f64>, (String, String)> {
    let array = as_type(&values, &DataType::Float64, &name)?;
    let array = array.as_primitive::<Float64Type>();
    let values = match array.null_count() {
        0 => array.values().to_vec(),
        _ => array.iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
    };
    Ok(Lists { values, ranges })
}

fn bits((values, ranges, name): Column) -> Result<Lists<u32>, (String, String)> {
    let values = match values.data_type() {
        DataType::UInt32 | DataType::Boolean | DataType::UInt8 | DataType::UInt16 => {
            let array = as_type(&values, &DataType::UInt32, &name)?;
            let array = array.as_primitive::<UInt32Type>();
            array.iter().map(Option::unwrap_or_default).collect()
        }
        _ => {
            let array = as_type(&values, &DataType::Int64, &name)?;
            let array = array.as_primitive::<arrow::datatypes::Int64Type>();
            array
                .iter()
                .map(|bits| bits_of(bits.unwrap_or_default()))
                .collect()
        }
    };
    Ok(Lists { values, ranges })
}

/// A column of the batch, or a child of the struct or of the list of structs that `parent` is.
fn column(batch: &RecordBatch, parent: Option<&str>, name: &str) -> Result<ArrayRef, String> {
    let missing = || "the column is not in the file".to_owned();
    let Some(parent) = parent else {
        return batch.column_by_name(name).cloned().ok_or_else(missing);
    };
    let array = batch.column_by_name(parent).ok_or_else(missing)?;
    match array.data_type() {
        DataType::Struct(_) => {
            let structs = array.as_struct();
            let child = structs.column_by_name(name).ok_or_else(missing)?;
            match structs.nulls() {
                // A null struct's child is null as well, whatever its own buffer says.
                Some(nulls) => {
                    let own = child.nulls();
                    let both = arrow::buffer::NullBuffer::union(Some(nulls), own);
                    let data = child.to_data().into_builder().nulls(both).build();
                    data.map(arrow::array::make_array).map_err(|e| e.to_string())
                }
                None => Ok(child.clone()),
            }
        }
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            let structs = lists.values().as_struct_opt().ok_or_else(missing)?;
            let child = structs.column_by_name(name).ok_or_else(missing)?;
            let field = arrow::datatypes::Field::new("element", child.data_type().clone(), true);
            arrow::array::ListArray::try_new(
                field.into(),
                lists.offsets().clone(),
                child.clone(),
                lists.nulls().cloned(),
            )
            .map(|list| std::sync::Arc::new(list) as ArrayRef)
            .map_err(|e| e.to_string())
        }
        other => Err(format!("a column of {other} cannot hold spectra")),
    }
}

/// The range of each row in the values of a list column; `None` where the row is null.
type RowRanges = Vec<Option<Range<usize>>>;

/// The values below a list column, and the range of each row in them.
fn ranges(array: &ArrayRef) -> Result<(ArrayRef, RowRanges), String> {
    let valid = |row: usize| array.is_valid(row);
    let rows = 0..array.len();
    let (values, ranges): (ArrayRef, Vec<_>) = match array.data_type() {
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            let offsets = lists.value_offsets();
            let range = |row: usize| valid(row).then(|| offsets[row] as usize..offsets[row + 1] as usize);
            (lists.values().clone(), rows.map(range).collect())
        }
        DataType::LargeList(_) => {
            let lists = array.as_list::<i64>();
            let offsets = lists.value_offsets();
            let range = |row: usize| valid(row).then(|| offsets[row] as usize..offsets[row + 1] as usize);
            (lists.values().clone(), rows.map(range).collect())
        }
        DataType::FixedSizeList(_, _) => {
            let lists = array.as_fixed_size_list();
            let n = lists.value_length() as usize;
            let range = |row: usize| valid(row).then(|| row * n..(row + 1) * n);
            (lists.values().clone(), rows.map(range).collect())
        }
        other => return Err(format!("a column of {other} cannot hold spectra")),
    };
    Ok((flattened(values)?, ranges))
}

/// Values that are lists of one each, as the values in them.
fn flattened(values: ArrayRef) -> Result<ArrayRef, String> {
    let nested = matches!(
        values.data_type(),
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _)
    );
    if !nested {
        return Ok(values);
    }
    let (inner, ranges) = ranges(&values)?;
    let start = ranges
        .first()
        .and_then(|range| Some(range.as_ref()?.start))
        .unwrap_or(0);
    let each_has_one = ranges
        .iter()
        .enumerate()
        .all(|(i, range)| *range == Some(start + i..start + i + 1));
    if !each_has_one {
        return Err("its lists are nested, with other than one value in the inner ones".into());
    }
    Ok(inner.slice(start, ranges.len()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{FixedSizeListArray, Float64Array, LargeListArray, ListArray};
    use arrow::datatypes::{Field, Int64Type};

    use super::*;

    #[test]
    fn every_make_of_list_gives_the_same_rows() {
        let list = ListArray::from_iter_primitive::<Float64Type, _, _>([
            Some(vec![Some(1.0), Some(2.0)]),
            None,
            Some(vec![Some(3.0), None]),
        ]);
        let large = LargeListArray::from_iter_primitive::<Float64Type, _, _>([
            Some(vec![Some(1.0), Some(2.0)]),
            None,
            Some(vec![Some(3.0), None]),
        ]);
        let fixed = FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(
            [
                Some(vec![Some(1.0), Some(2.0)]),
                None,
                Some(vec![Some(3.0), None]),
            ],
            2,
        );
        for array in [Arc::new(list) as ArrayRef, Arc::new(large), Arc::new(fixed)] {
            let (values, ranges) = ranges(&array).unwrap();
            let lists = floats((values, ranges, "x".into()), -1.0).unwrap();
            assert_eq!(lists.row(0), Some(&[1.0, 2.0][..]));
            assert_eq!(lists.row(1), None);
            assert_eq!(lists.row(2), Some(&[3.0, -1.0][..]));
        }
    }

    #[test]
    fn inner_lists_of_one_are_opened_and_others_refused() {
        let inner = FixedSizeListArray::new(
            Arc::new(Field::new("element", DataType::Float64, false)),
            1,
            Arc::new(Float64Array::from(vec![5.0, 6.0, 7.0])),
            None,
        );
        assert_eq!(flattened(Arc::new(inner)).unwrap().len(), 3);
        let uneven = ListArray::from_iter_primitive::<Int64Type, _, _>([
            Some(vec![Some(1)]),
            Some(vec![Some(1), Some(2)]),
        ]);
        assert!(flattened(Arc::new(uneven)).is_err());
    }

    #[test]
    fn no_bit_of_a_wide_mask_is_lost() {
        let array: ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![0, 5, 1 << 40, -1, 1 << 31]));
        let lists = bits((array, vec![Some(0..5)], "mask".into())).unwrap();
        assert_eq!(lists.row(0).unwrap(), [0, 5, 1 << 8, u32::MAX, 1 << 31]);
    }

    #[test]
    fn an_error_that_says_nothing_has_no_weight() {
        assert_eq!(inverse_variance(0.5), 4.0);
        for sigma in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert_eq!(inverse_variance(sigma), 0.0);
        }
    }
}
