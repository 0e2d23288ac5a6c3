//! Pictures of pages as files that a program for reading pictures takes.

use lopdf::{Dictionary, Document as Pdf, Object, Stream};

use super::filters::{Decoded, decode_data};
use super::objects::{get, get_array, get_integer, get_name, numbers};

/// More dots are not unpacked: a page of A3 at 600 dots to the inch has 70 million.
const MAX_DOTS: i64 = 120_000_000;

/// The picture as a JPEG, TIFF or PNM file. `None` where its form is not known, or it is too large.
pub(super) fn as_file(pdf: &Pdf, picture: &Stream) -> Option<Vec<u8>> {
    let side = |key, short| {
        let side = get_integer(pdf, &picture.dict, key);
        side.or_else(|| get_integer(pdf, &picture.dict, short)).filter(|side| *side > 0)
    };
    let (width, height) = (side("Width", "W")?, side("Height", "H")?);
    if width.checked_mul(height)? > MAX_DOTS {
        return None;
    }
    let (width, height) = (width as usize, height as usize);
    // Four colours of two bytes at most.
    let limit = width.checked_mul(height)?.checked_mul(8)?.checked_add(1 << 20)?;
    match decode_data(pdf, picture, limit) {
        Decoded { bytes, left: Some((b"DCTDecode" | b"DCT" | b"JPXDecode", _)) } => Some(bytes),
        Decoded { bytes, left: Some((b"CCITTFaxDecode" | b"CCF", parameters)) } => {
            Some(fax_as_tiff(pdf, &bytes, parameters, width, height))
        }
        Decoded { left: Some(_), .. } => None,
        Decoded { bytes, left: None } => bitmap_as_pnm(pdf, &picture.dict, &bytes, width, height),
    }
}

/// Lines of a fax in a TIFF file of one strip (TIFF 6.0 §10 and §11).
fn fax_as_tiff(
    pdf: &Pdf,
    data: &[u8],
    parameters: Option<&Dictionary>,
    width: usize,
    height: usize,
) -> Vec<u8> {
    let parameter = |key| parameters.and_then(|parameters| get_integer(pdf, parameters, key));
    let columns = parameter("Columns").unwrap_or(1728).clamp(1, 1 << 20) as u32;
    let width = if parameter("Columns").is_some() { columns } else { width as u32 };
    // Below zero lines are told from those above (Group 4), above zero some of them (Group 3).
    let k = parameter("K").unwrap_or(0);
    let compression = if k < 0 { 4 } else { 3 };
    let mut entries: Vec<(u16, u16, u32, u32)> = vec![
        (256, 4, 1, width),
        (257, 4, 1, height as u32),
        (258, 3, 1, 1),
        (259, 3, 1, compression),
        // White is zero: on paper a fax is black on white, whatever the colours are called.
        (262, 3, 1, 0),
        (273, 4, 1, 0),
        (277, 3, 1, 1),
        (278, 4, 1, height as u32),
        (279, 4, 1, data.len() as u32),
    ];
    if compression == 3 {
        entries.push((292, 4, 1, u32::from(k > 0)));
    }
    const HEADER_BYTES: usize = 8;
    let start = HEADER_BYTES + 2 + entries.len() * 12 + 4;
    let mut file = b"II*\0".to_vec();
    file.extend((HEADER_BYTES as u32).to_le_bytes());
    file.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        let value = if tag == 273 { start as u32 } else { value };
        file.extend(tag.to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend(count.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    file.extend_from_slice(data);
    file
}

/// Dots as they are, in the plain formats of PBM, PGM and PPM.
fn bitmap_as_pnm(
    pdf: &Pdf,
    dictionary: &Dictionary,
    dots: &[u8],
    width: usize,
    height: usize,
) -> Option<Vec<u8>> {
    let bits = get_integer(pdf, dictionary, "BitsPerComponent").unwrap_or(1);
    let is_inverted = get(pdf, dictionary, "Decode")
        .and_then(|decode| numbers::<2>(pdf, decode))
        .is_some_and(|[first, last]| first > last);
    let colors = color_count(pdf, dictionary)?;
    let row_bytes = (width * colors * bits as usize).div_ceil(8);
    let rows = || dots.chunks(row_bytes).take(height).filter(|row| row.len() == row_bytes);
    let turn = |byte: u8| if is_inverted { !byte } else { byte };
    let (mark, body): (&str, Vec<u8>) = match (bits, colors) {
        // In PBM a one is black.
        (1, 1) => ("P4", rows().flatten().map(|byte| !turn(*byte)).collect()),
        (8, 1) => ("P5", rows().flatten().map(|byte| turn(*byte)).collect()),
        (8, 3) => ("P6", rows().flatten().map(|byte| turn(*byte)).collect()),
        (8, 4) => {
            let gray = |ink: &[u8]| {
                let black = ink.iter().map(|part| u32::from(turn(*part))).sum::<u32>().min(255);
                255 - black as u8
            };
            ("P5", rows().flat_map(|row| row.chunks_exact(4)).map(gray).collect())
        }
        _ => return None,
    };
    let height = rows().count();
    if height == 0 {
        return None;
    }
    let most = if mark == "P4" { "" } else { "255\n" };
    let mut file = format!("{mark}\n{width} {height}\n{most}").into_bytes();
    file.extend(body);
    Some(file)
}

/// How many numbers a dot has.
fn color_count(pdf: &Pdf, dictionary: &Dictionary) -> Option<usize> {
    let of_name = |name: &[u8]| match name {
        b"DeviceGray" | b"G" | b"CalGray" => Some(1),
        b"DeviceRGB" | b"RGB" | b"CalRGB" => Some(3),
        b"DeviceCMYK" | b"CMYK" => Some(4),
        _ => None,
    };
    let Some(space) = get(pdf, dictionary, "ColorSpace") else {
        // A stencil has none.
        return Some(1);
    };
    if let Object::Name(name) = space {
        return of_name(name);
    }
    let space = get_array(pdf, dictionary, "ColorSpace")?;
    match space.first()?.as_name().ok()? {
        b"ICCBased" => {
            let profile = super::objects::resolve(pdf, space.get(1)?)?.as_stream().ok()?;
            let count = get_integer(pdf, &profile.dict, "N");
            match count {
                Some(count @ (1 | 3 | 4)) => Some(count as usize),
                _ => get_name(pdf, &profile.dict, "Alternate").and_then(of_name),
            }
        }
        name => of_name(name),
    }
}

#[cfg(test)]
mod tests {
    use lopdf::dictionary;

    use super::*;

    fn file(more: Dictionary, content: &[u8]) -> Option<Vec<u8>> {
        let mut dict = dictionary! { "Width" => 9, "Height" => 2, "BitsPerComponent" => 8 };
        dict.extend(&more);
        as_file(&Pdf::new(), &Stream::new(dict, content.to_vec()))
    }

    #[test]
    fn dots_become_plain_files() {
        let gray = dictionary! { "ColorSpace" => "DeviceGray" };
        let pgm = file(gray.clone(), &[7; 18]).unwrap();
        assert_eq!(pgm, [&b"P5\n9 2\n255\n"[..], &[7; 18]].concat());
        let half = file(gray, &[7; 10]).unwrap();
        assert_eq!(half, [&b"P5\n9 1\n255\n"[..], &[7; 9]].concat());
        let stencil = dictionary! { "BitsPerComponent" => 1 };
        assert_eq!(file(stencil, &[0xF0, 0, 0x0F, 0]).unwrap(), b"P4\n9 2\n\x0F\xFF\xF0\xFF");
        let inverted = dictionary! {
            "BitsPerComponent" => 1, "Decode" => vec![1.into(), 0.into()],
        };
        assert_eq!(file(inverted, &[0xF0, 0, 0x0F, 0]).unwrap(), b"P4\n9 2\n\xF0\0\x0F\0");
        let ink = dictionary! { "ColorSpace" => "DeviceCMYK" };
        assert_eq!(file(ink, &[50; 36]).unwrap(), [&b"P5\n9 1\n255\n"[..], &[55; 9]].concat());
        let indexed = dictionary! { "ColorSpace" => vec!["Indexed".into()] };
        assert_eq!(file(indexed, &[7; 18]), None);
    }

    #[test]
    fn jpeg_stays_and_fax_gets_a_header() {
        let jpeg = dictionary! { "Filter" => "DCTDecode" };
        assert_eq!(file(jpeg, b"\xFF\xD8").unwrap(), b"\xFF\xD8");
        let fax = dictionary! {
            "Filter" => "CCITTFaxDecode",
            "DecodeParms" => dictionary! { "K" => -1, "Columns" => 9 },
        };
        let tiff = file(fax, b"fax").unwrap();
        assert!(tiff.starts_with(b"II*\0") && tiff.ends_with(b"fax"));
        assert_eq!(file(dictionary! { "Filter" => "JBIG2Decode" }, b"x"), None);
    }

    #[test]
    fn sizes_that_are_too_large_are_refused() {
        assert_eq!(file(dictionary! { "Width" => i64::MAX }, b""), None);
        assert_eq!(file(dictionary! { "Width" => -1 }, b""), None);
    }
}
