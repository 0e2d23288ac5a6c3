//! PDF files made by hand.

/// A page of lines of text, or with `"Do"` for a form that paints itself, without end, or with
/// `"Bomb"` for content that takes 120 MB when it is unpacked.
pub(crate) fn pdf(title: &str, pages: &[&[&str]]) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        String::new(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
        format!("<< /Title ({title}) >>"),
        stream(
            "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F 5 0 R >> >>",
            "/F Do",
        ),
    ];
    let mut kids = String::new();
    for lines in pages {
        let mut content = String::from("BT /T 12 Tf 14 TL 72 720 Td\n");
        for line in *lines {
            if *line == "Do" {
                content.push_str("ET /F Do BT\n");
            } else {
                let escaped = line.replace('(', "\\(").replace(')', "\\)");
                content.push_str(&format!("({escaped}) Tj T*\n"));
            }
        }
        content.push_str("ET");
        objects.push(match lines {
            ["Bomb"] => bomb(),
            _ => stream("", &content),
        });
        let content = objects.len();
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R \
             /Resources << /Font << /T 3 0 R >> /XObject << /F 5 0 R >> >> >>"
        ));
        kids.push_str(&format!("{} 0 R ", objects.len()));
    }
    objects[1] = format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", pages.len());
    write(&objects)
}

/// Pages that are covered by a picture of two grey dots, with a line of text each.
pub(crate) fn scan(lines: &[&str]) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        String::new(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        "<< >>".to_owned(),
        stream(
            "/Subtype /Image /Width 2 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray \
             /Filter /ASCIIHexDecode",
            "80FF>",
        ),
    ];
    let mut kids = String::new();
    for line in lines {
        let content = format!("q 595 0 0 842 0 0 cm /I Do Q BT /T 12 Tf 72 720 Td ({line}) Tj ET");
        objects.push(stream("", &content));
        let content = objects.len();
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R \
             /Resources << /Font << /T 3 0 R >> /XObject << /I 5 0 R >> >> >>"
        ));
        kids.push_str(&format!("{} 0 R ", objects.len()));
    }
    objects[1] = format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", lines.len());
    write(&objects)
}

/// A run of runs of runs: the byte 81 says that the next one stands 128 times.
fn bomb() -> String {
    let filters = "/Filter [/ASCIIHexDecode /RunLengthDecode /RunLengthDecode]";
    stream(filters, &format!("{}>", "81".repeat(30_000)))
}

fn stream(entries: &str, content: &str) -> String {
    format!("<< {entries} /Length {} >>\nstream\n{content}\nendstream", content.len())
}

fn write(objects: &[String]) -> Vec<u8> {
    let mut file = String::from("%PDF-1.7\n");
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let table = file.len();
    let count = objects.len() + 1;
    file.push_str(&format!("xref\n0 {count}\n0000000000 65535 f \n"));
    for offset in offsets {
        file.push_str(&format!("{offset:010} 00000 n \n"));
    }
    file.push_str(&format!(
        "trailer\n<< /Size {count} /Root 1 0 R /Info 4 0 R >>\nstartxref\n{table}\n%%EOF\n"
    ));
    file.into_bytes()
}
