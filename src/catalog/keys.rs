//! Values as numbers of 64 bits that are in the values' order, so that a sort compares nothing else.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};

/// How the values of a column become numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Float,
    Signed,
    Unsigned,
    Text,
}

impl Kind {
    /// `None` for what has no order here.
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Some(Self::Float),
            DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) => Some(Self::Float),
            DataType::UInt64 => Some(Self::Unsigned),
            DataType::Boolean | DataType::Null => Some(Self::Signed),
            data_type if data_type.is_integer() || data_type.is_temporal() => Some(Self::Signed),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::Text),
            DataType::Dictionary(_, value) => Self::of(value),
            _ => None,
        }
    }

    /// The values in the one type that stands for the kind.
    pub(super) fn plain(&self, array: &ArrayRef) -> Result<ArrayRef, arrow::error::ArrowError> {
        let wanted = match self {
            Self::Float => DataType::Float64,
            Self::Signed => DataType::Int64,
            Self::Unsigned => DataType::UInt64,
            Self::Text => DataType::Utf8,
        };
        match array.data_type() {
            // Dates and the like go there by way of the integers that they are stored as.
            DataType::Date32 | DataType::Time32(_) => cast(&cast(array, &DataType::Int32)?, &wanted),
            _ => cast(array, &wanted),
        }
    }
}

/// Hands over the number of every value of a plain array of numbers, `None` where it has none.
pub(super) fn numbers(array: &ArrayRef, mut give: impl FnMut(usize, Option<u64>)) {
    let nulls = array.nulls();
    let valid = |place: usize| nulls.is_none_or(|nulls| nulls.is_valid(place));
    match array.data_type() {
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>().values().iter();
            let key = |(i, value): (usize, &f64)| give(i, valid(i).then(|| of_float(*value)));
            values.enumerate().for_each(key);
        }
        DataType::Int64 => {
            let values = array.as_primitive::<Int64Type>().values().iter();
            let key = |(i, value): (usize, &i64)| give(i, valid(i).then_some(*value as u64 ^ (1 << 63)));
            values.enumerate().for_each(key);
        }
        _ => {
            let values = array.as_primitive::<UInt64Type>().values().iter();
            let key = |(i, value): (usize, &u64)| give(i, valid(i).then_some(*value));
            values.enumerate().for_each(key);
        }
    }
}

/// IEEE 754's total order as an unsigned number.
fn of_float(value: f64) -> u64 {
    let bits = value.to_bits();
    match bits >> 63 {
        0 => bits | 1 << 63,
        _ => !bits,
    }
}

/// The letters (bytes) that texts are made of, numbered in their order. The fewer there are, the more of a text one number holds: eighteen
/// letters of an id of digits, seven of any text.
#[derive(Debug, Clone)]
pub(super) struct Alphabet {
    /// From 1 on; 0 is no letter of it, as the end of a text comes before any letter.
    numbers: [u16; 256],
    base: u64,
    /// Letters that one number holds.
    pub length: usize,
}

/// Which bytes there are.
pub(super) type Bytes = [bool; 256];

impl Alphabet {
    pub(super) fn of(there: &Bytes) -> Self {
        let mut numbers = [0; 256];
        let mut base = 1;
        for (byte, _) in there.iter().enumerate().filter(|(_, there)| **there) {
            numbers[byte] = base;
            base += 1;
        }
        let base = u64::from(base).max(2);
        // One bit says whether the text goes on.
        let mut length = 0;
        let mut values = 1u64;
        while let Some(more) = values.checked_mul(base).filter(|more| *more <= 1 << 63) {
            (values, length) = (more, length + 1);
        }
        Self {
            numbers,
            base,
            length,
        }
    }

    /// Its letters.
    pub(super) fn letters(&self) -> Bytes {
        self.numbers.map(|number| number > 0)
    }

    /// The number of what a text has from a letter on; `None` where a letter is none of the alphabet.
    pub(super) fn number(&self, text: &[u8], from: usize) -> Option<u64> {
        let rest = text.get(from..).unwrap_or_default();
        let mut number = 0;
        for byte in rest.iter().take(self.length) {
            let letter = self.numbers[usize::from(*byte)];
            if letter == 0 {
                return None;
            }
            number = number * self.base + u64::from(letter);
        }
        for _ in rest.len()..self.length {
            number *= self.base;
        }
        Some(number << 1 | u64::from(rest.len() > self.length))
    }
}

/// Whether the text of this number has more letters than it holds.
pub(super) fn is_open(number: u64) -> bool {
    number & 1 == 1
}

/// Marks the bytes of a text.
pub(super) fn gather_bytes(text: &[u8], there: &mut Bytes) {
    text.iter().for_each(|byte| there[usize::from(*byte)] = true);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_in_the_order_of_the_numbers() {
        let numbers = [
            f64::NEG_INFINITY,
            -1e300,
            -2.0,
            -1e-300,
            0.0,
            1e-300,
            0.5,
            2.0,
            f64::INFINITY,
        ];
        let keys: Vec<u64> = numbers.into_iter().map(of_float).collect();
        assert!(keys.is_sorted() && keys.windows(2).all(|pair| pair[0] != pair[1]));
        let integers: ArrayRef = Arc::new(Int64Array::from(vec![
            Some(i64::MIN),
            Some(-1),
            Some(0),
            None,
            Some(i64::MAX),
        ]));
        let mut keys = Vec::new();
        super::numbers(&integers, |_, key| keys.push(key));
        assert_eq!(
            keys,
            [Some(0), Some((1 << 63) - 1), Some(1 << 63), None, Some(u64::MAX)]
        );
    }

    #[test]
    fn an_id_of_digits_is_one_number() {
        let mut digits = [false; 256];
        gather_bytes(b"0123456789", &mut digits);
        assert_eq!(Alphabet::of(&digits).length, 18);
        assert_eq!(Alphabet::of(&[true; 256]).length, 7);
        assert_eq!(Alphabet::of(&digits).number(b"12a", 0), None);
        assert_eq!(Alphabet::of(&[false; 256]).number(b"", 0), Some(0));
    }

    #[test]
    fn dictionaries_and_dates_have_an_order() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["b", "a"]));
        let words = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let dictionary = cast(&texts, &words).unwrap();
        assert_eq!(Kind::of(dictionary.data_type()), Some(Kind::Text));
        assert_eq!(&Kind::Text.plain(&dictionary).unwrap(), &texts);
        assert_eq!(Kind::of(&DataType::Date32), Some(Kind::Signed));
        assert_eq!(Kind::of(&DataType::Binary), None);
    }

    proptest! {
        /// Number after number, texts compare as they do letter by letter, whatever the alphabet.
        #[test]
        fn texts_are_in_their_order(a in "\\PC{0,30}|[a-c\u{0}]{0,90}", b in "\\PC{0,30}|[a-c\u{0}]{0,90}") {
            let mut there = [false; 256];
            gather_bytes(a.as_bytes(), &mut there);
            gather_bytes(b.as_bytes(), &mut there);
            let alphabet = Alphabet::of(&there);
            let all = |text: &str| -> Vec<u64> {
                let numbers = (0..).map(|n| alphabet.number(text.as_bytes(), n * alphabet.length).unwrap());
                let mut all = Vec::new();
                for number in numbers {
                    all.push(number);
                    if !is_open(number) {
                        break;
                    }
                }
                all
            };
            prop_assert_eq!(all(&a).cmp(&all(&b)), a.as_bytes().cmp(b.as_bytes()));
        }
    }
}
