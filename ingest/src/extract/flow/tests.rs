use proptest::prelude::*;

use super::*;

fn item(label: &str, words: &str) -> Paragraph {
    Paragraph { label: Some(label.to_owned()), ..Paragraph::of(words) }
}

#[test]
fn paragraphs_stand_apart_and_short_items_together() {
    let mut flow = Flow::new(1000);
    flow.paragraph(Paragraph::heading(1, "Terms"));
    flow.paragraph(Paragraph::of("The parties\u{A0}agree:"));
    flow.paragraph(item("-", "to pay"));
    flow.paragraph(Paragraph { list_level: 1, ..item("-", "in time") });
    flow.paragraph(Paragraph::of("  "));
    flow.paragraph(Paragraph { heading: Some(2), ..item("4.2", "Deli\u{AD}very") });
    let extracted = flow.finish();
    assert_eq!(
        extracted.text,
        "Terms\n\nThe parties agree:\n\n- to pay\n  - in time\n\n4.2 Delivery\n"
    );
    let headings: Vec<_> =
        extracted.headings.iter().map(|h| (&extracted.text[h.bytes.clone()], h.level)).collect();
    assert_eq!(headings, [("Terms", 1), ("4.2 Delivery", 2)]);
}

#[test]
fn rows_are_lines_and_nested_tables_are_within_their_cell() {
    let mut flow = Flow::new(1000);
    flow.open_table();
    for row in [["Site", "pH"], ["North", "6.9"]] {
        for cell in row {
            flow.open_cell();
            flow.paragraph(Paragraph::of(cell));
            flow.close_cell();
        }
        flow.close_row(false);
    }
    flow.open_cell();
    flow.paragraph(Paragraph::of("gone"));
    flow.close_cell();
    flow.close_row(true);
    flow.open_cell();
    flow.open_table();
    for cell in ["inner", "x\ny"] {
        flow.open_cell();
        flow.paragraph(Paragraph::of(cell));
        flow.close_cell();
    }
    flow.close_row(false);
    flow.close_table();
    flow.close_cell();
    flow.open_cell();
    flow.paragraph(Paragraph::of("South"));
    flow.behind(vec![Paragraph::of("[1] A note.")]);
    flow.close_cell();
    flow.close_row(false);
    flow.close_table();
    flow.paragraph(Paragraph::of("After"));
    assert_eq!(
        flow.finish().text,
        "Site\tpH\nNorth\t6.9\ninner x y\tSouth\n\n[1] A note.\n\nAfter\n"
    );
}

#[test]
fn long_cells_of_a_layout_are_paragraphs() {
    let long = "word ".repeat(100);
    let cell = vec![Paragraph::heading(1, "Letter"), Paragraph::of(&long), Paragraph::of(&long)];
    let mut flow = Flow::new(5000);
    flow.row(vec![Vec::new(), cell]);
    let extracted = flow.finish();
    assert_eq!(extracted.text.matches("\n\n").count(), 2);
    assert_eq!(extracted.headings.len(), 1);
}

#[test]
fn pages_start_at_their_first_word() {
    let mut flow = Flow::new(1000);
    flow.begin_page();
    let mut paragraph = Paragraph::of("on one ");
    paragraph.page_break();
    paragraph.push("on two");
    flow.paragraph(paragraph);
    let mut empty = Paragraph::default();
    empty.page_break();
    flow.paragraph(empty);
    let mut third = Paragraph { label: Some("7.".to_owned()), ..Paragraph::default() };
    third.page_break();
    third.push("on four");
    third.page_break();
    flow.paragraph(third);
    let extracted = flow.finish();
    assert_eq!(extracted.text, "on one on two\n\n7. on four\n");
    assert_eq!(extracted.pages, [0, 7, 15, 15, 26]);
}

#[test]
fn a_page_that_breaks_a_row_counts_once() {
    let broken = |words: &str| {
        let mut paragraph = Paragraph::of(words);
        paragraph.page_break();
        paragraph.push(" rest");
        vec![paragraph]
    };
    let mut flow = Flow::new(1000);
    flow.begin_page();
    flow.row(vec![broken("left"), broken("right")]);
    assert_eq!(flow.finish().pages, [0, 4]);
}

#[test]
fn it_stops_when_full() {
    let mut flow = Flow::new(10);
    for _ in 0..100 {
        flow.paragraph(Paragraph::of("twelve bytes"));
    }
    assert!(flow.is_full());
    assert!(flow.finish().text.len() < 40);
}

proptest! {
    #[test]
    fn any_course_gives_pages_and_headings_in_order(steps in prop::collection::vec((0_u8..12, "[a-z ü\\t\u{AD}\u{A0}\\n]{0,12}"), 0..60)) {
        let mut flow = Flow::new(300);
        for (step, words) in steps {
            match step {
                0 => flow.open_table(),
                1 => flow.open_cell(),
                2 => flow.close_cell(),
                3 => flow.close_row(words.is_empty()),
                4 => flow.close_table(),
                5 => flow.open_frame(),
                6 => {
                    let content = flow.close_frame();
                    flow.behind(content);
                }
                7 => flow.begin_page(),
                8 => flow.paragraph(Paragraph::heading(2, &words)),
                9 => flow.paragraph(item("-", &words)),
                _ => {
                    let mut paragraph = Paragraph::of(&words);
                    paragraph.page_break();
                    paragraph.push(&words);
                    paragraph.line_break();
                    flow.paragraph(paragraph);
                }
            }
        }
        let extracted = flow.finish();
        prop_assert!(extracted.pages.is_sorted());
        prop_assert!(extracted.pages.iter().all(|&page| extracted.text.is_char_boundary(page)));
        prop_assert!(extracted.headings.is_sorted_by(|a, b| a.bytes.end <= b.bytes.start));
        prop_assert!(extracted.headings.iter().all(|h| !extracted.text[h.bytes.clone()].trim().is_empty()));
    }
}
