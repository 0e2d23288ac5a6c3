use super::super::super::package::tests::archive;
use super::*;

fn shape(role: &str, paragraphs: &[&str]) -> String {
    let text: String = paragraphs
        .iter()
        .map(|words| format!("<a:p><a:pPr lvl='0'/><a:r><a:t>{words}</a:t></a:r></a:p>"))
        .collect();
    format!("<p:sp><p:nvSpPr><p:nvPr>{role}</p:nvPr></p:nvSpPr><p:txBody>{text}</p:txBody></p:sp>")
}

fn slide(shapes: &[String]) -> String {
    format!("<p:sld><p:cSld><p:spTree>{}</p:spTree></p:cSld></p:sld>", shapes.concat())
}

#[test]
fn slides_are_pages_in_the_order_in_which_they_are_shown() {
    let presentation = "<p:presentation><p:sldIdLst><p:sldId id='256' r:id='r2'/><p:sldId id='257' r:id='r1'/>\
        <p:sldId id='258' r:id='r3'/><p:sldId id='259' r:id='r9'/></p:sldIdLst></p:presentation>";
    let relations = "<Relationships><Relationship Id='r1' Type='x/slide' Target='slides/slide1.xml'/>\
        <Relationship Id='r2' Type='x/slide' Target='slides/slide2.xml'/>\
        <Relationship Id='r3' Type='x/slide' Target='slides/slide3.xml'/>\
        <Relationship Id='r9' Type='x/slide' Target='slides/slide9.xml'/></Relationships>";
    let of_first = "<Relationships><Relationship Id='r1' Type='x/notesSlide' Target='../notesSlides/notesSlide1.xml'/>\
        <Relationship Id='r2' Type='x/comments' Target='../comments/c.xml'/>\
        <Relationship Id='r4' Type='x/diagramData' Target='../diagrams/data1.xml'/></Relationships>";
    let first = slide(&[
        shape("<p:ph idx='1'/>", &["First point", "Second point"]),
        shape("<p:ph type='title'/>", &["Results"]),
        shape("<p:ph type='sldNum'/>", &["7"]),
        "<p:graphicFrame><a:graphic><dgm:relIds r:dm='r4'/></a:graphic></p:graphicFrame>"
            .to_owned(),
    ]);
    let second = slide(&[shape("<p:ph type='ctrTitle'/>", &["Pumps", "and mills"])]);
    let table = "<p:graphicFrame><a:tbl><a:tr><a:tc><a:txBody><a:p><a:r><a:t>Site</a:t></a:r></a:p></a:txBody></a:tc>\
        <a:tc><a:txBody><a:p><a:r><a:t>pH</a:t></a:r></a:p></a:txBody></a:tc></a:tr></a:tbl></p:graphicFrame>";
    let third = slide(&[shape("", &["A picture of the mill"]), table.to_owned()]);
    let notes = slide(&[
        shape("<p:ph type='sldImg'/>", &[]),
        shape("<p:ph type='body'/>", &["Thank the engineers."]),
        shape("<p:ph type='sldNum'/>", &["2"]),
    ]);
    let comments = "<p:cmLst><p:cm><p:pos/><p:text>Check these.</p:text></p:cm></p:cmLst>";
    let bytes = archive(&[
        ("[Content_Types].xml", "<Types/>"),
        ("ppt/presentation.xml", presentation),
        ("ppt/_rels/presentation.xml.rels", relations),
        ("ppt/slides/slide1.xml", &first),
        ("ppt/slides/_rels/slide1.xml.rels", of_first),
        ("ppt/slides/slide2.xml", &second),
        ("ppt/slides/slide3.xml", &third),
        ("ppt/notesSlides/notesSlide1.xml", &notes),
        ("ppt/comments/c.xml", comments),
        (
            "ppt/diagrams/data1.xml",
            "<dgm:pt><dgm:t><a:p><a:r><a:t>Inflow</a:t></a:r></a:p></dgm:t></dgm:pt>",
        ),
    ]);
    let extracted = extract(&mut Package::open(&bytes, "pptx").unwrap(), 10_000).unwrap();
    assert_eq!(
        extracted.text,
        "Pumps and mills\n\nResults\n\n- First point\n- Second point\n\nInflow\n\n\
         [Notes] Thank the engineers.\n\n[Comment] Check these.\n\n\
         A picture of the mill\n\nSite\tpH\n"
    );
    let results = extracted.text.find("Results").unwrap();
    let picture = extracted.text.find("A picture").unwrap();
    assert_eq!(extracted.pages, [0, results, picture, extracted.text.len()]);
    let headings: Vec<&str> =
        extracted.headings.iter().map(|heading| &extracted.text[heading.bytes.clone()]).collect();
    assert_eq!(headings, ["Pumps and mills", "Results", "A picture of the mill"]);
    assert_eq!(extracted.title.as_deref(), Some("Pumps and mills"));
    assert_eq!(extracted.warnings, ["slide 4 is missing from the file"]);
}
