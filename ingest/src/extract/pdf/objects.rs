//! Looking things up in the objects of a PDF, where any of them may be missing or of another type.

use lopdf::{Dictionary, Document as Pdf, Object, Stream};

/// The value under the key, with references followed.
pub(super) fn get<'a>(pdf: &'a Pdf, dictionary: &'a Dictionary, key: &str) -> Option<&'a Object> {
    resolve(pdf, dictionary.get(key.as_bytes()).ok()?)
}

/// What a reference points to, or the object itself. `None` for null and for a reference into the
/// void, which PDF defines to be the same.
pub(super) fn resolve<'a>(pdf: &'a Pdf, object: &'a Object) -> Option<&'a Object> {
    pdf.dereference(object).ok().map(|(_, object)| object).filter(|object| !object.is_null())
}

/// A dictionary, be it that of a stream.
pub(super) fn get_dictionary<'a>(
    pdf: &'a Pdf,
    dictionary: &'a Dictionary,
    key: &str,
) -> Option<&'a Dictionary> {
    as_dictionary(get(pdf, dictionary, key)?)
}

pub(super) fn as_dictionary(object: &Object) -> Option<&Dictionary> {
    match object {
        Object::Dictionary(dictionary) => Some(dictionary),
        Object::Stream(stream) => Some(&stream.dict),
        _ => None,
    }
}

pub(super) fn get_stream<'a>(
    pdf: &'a Pdf,
    dictionary: &'a Dictionary,
    key: &str,
) -> Option<&'a Stream> {
    get(pdf, dictionary, key)?.as_stream().ok()
}

pub(super) fn get_name<'a>(
    pdf: &'a Pdf,
    dictionary: &'a Dictionary,
    key: &str,
) -> Option<&'a [u8]> {
    get(pdf, dictionary, key)?.as_name().ok()
}

pub(super) fn get_array<'a>(
    pdf: &'a Pdf,
    dictionary: &'a Dictionary,
    key: &str,
) -> Option<&'a [Object]> {
    get(pdf, dictionary, key)?.as_array().ok().map(Vec::as_slice)
}

pub(super) fn get_number(pdf: &Pdf, dictionary: &Dictionary, key: &str) -> Option<f64> {
    number(pdf, dictionary.get(key.as_bytes()).ok()?)
}

pub(super) fn get_integer(pdf: &Pdf, dictionary: &Dictionary, key: &str) -> Option<i64> {
    get_number(pdf, dictionary, key).map(|number| number as i64)
}

pub(super) fn number(pdf: &Pdf, object: &Object) -> Option<f64> {
    match resolve(pdf, object)? {
        Object::Integer(number) => Some(*number as f64),
        Object::Real(number) => Some(f64::from(*number)).filter(|number| number.is_finite()),
        _ => None,
    }
}

/// The numbers of an array, such as a matrix or a rectangle; `None` unless there are so many.
pub(super) fn numbers<const N: usize>(pdf: &Pdf, array: &Object) -> Option<[f64; N]> {
    let array = resolve(pdf, array)?.as_array().ok()?;
    let mut numbers = [0.0; N];
    for (index, place) in numbers.iter_mut().enumerate() {
        *place = number(pdf, array.get(index)?)?;
    }
    Some(numbers)
}
