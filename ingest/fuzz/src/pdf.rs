//! Sound PDF files around one part that need not be sound.

/// A page with this content.
pub(crate) fn with_content(content: &[u8]) -> Vec<u8> {
    let font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";
    let form = stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 99 99] /Matrix [1 0 0 1 9 9] \
         /Resources << /Font << /F1 5 0 R >> /XObject << /Fm 6 0 R >> >>",
        b"BT /F1 8 Tf (in a form) Tj ET /Fm Do",
    );
    document(content, &[font.to_vec(), form])
}

/// A page in a font with this map from codes to characters.
pub(crate) fn with_character_map(map: &[u8]) -> Vec<u8> {
    let font = b"<< /Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H \
                 /DescendantFonts [7 0 R] /ToUnicode 6 0 R >>";
    let descendant = b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /A /DW 600 \
                       /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>";
    document(&all_codes(), &[font.to_vec(), stream("", map), descendant.to_vec()])
}

/// A page in two fonts, one with codes of one byte and one of two, that have this program and nothing else to go by.
pub(crate) fn with_font(program: &[u8]) -> Vec<u8> {
    let composite = b"<< /Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H \
                      /DescendantFonts [7 0 R] >>";
    let descendant = b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /A /FontDescriptor 8 0 R \
                       /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>";
    let keys = ["FontFile", "FontFile2", "FontFile3"];
    let key = keys[program.len() % keys.len()];
    let descriptor =
        format!("<< /Type /FontDescriptor /FontName /A /Flags 4 /{key} 6 0 R >>").into_bytes();
    let simple = b"<< /Type /Font /Subtype /TrueType /BaseFont /A /FontDescriptor 8 0 R >>";
    let entries = if key == "FontFile3" { "/Subtype /OpenType" } else { "" };
    let program = stream(entries, program);
    let objects = [composite.to_vec(), program, descendant.to_vec(), descriptor, simple.to_vec()];
    document(&all_codes(), &objects)
}

/// Shows the codes from 0 to 511 in the composite font, and those of a byte in the simple one.
fn all_codes() -> Vec<u8> {
    let wide: String = (0..512).map(|code| format!("{code:04x}")).collect();
    let narrow: String = (0..256).map(|code| format!("{code:02x}")).collect();
    format!("BT /F1 12 Tf 20 700 Td <{wide}> Tj /F2 12 Tf 0 -20 Td <{narrow}> Tj ET").into_bytes()
}

/// A document of one page; the objects come from number 5 on, of which the first and the fifth are fonts.
fn document(content: &[u8], objects: &[Vec<u8>]) -> Vec<u8> {
    let mut all = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
          /Resources << /Font << /F1 5 0 R /F2 9 0 R >> /XObject << /Fm 6 0 R >> >> >>"
            .to_vec(),
        stream("", content),
    ];
    all.extend_from_slice(objects);
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", all.len() + 1);
    for (index, object) in all.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.extend_from_slice(format!("{} 0 obj\n", index + 1).as_bytes());
        file.extend_from_slice(object);
        file.extend_from_slice(b"\nendobj\n");
    }
    let start = file.len();
    let trailer = format!("trailer\n<< /Size {} /Root 1 0 R >>\n", all.len() + 1);
    file.extend_from_slice(table.as_bytes());
    file.extend_from_slice(trailer.as_bytes());
    file.extend_from_slice(format!("startxref\n{start}\n%%EOF\n").as_bytes());
    file
}

fn stream(entries: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("<< {entries} /Length {} >>\nstream\n", content.len());
    [head.as_bytes(), content, b"\nendstream"].concat()
}
