use super::*;

fn found(text: &str) -> Vec<&str> {
    without_running_lines(find_headings(text), text)
        .into_iter()
        .map(|heading| &text[heading.bytes])
        .collect()
}

#[test]
fn what_heads_every_page_is_no_heading() {
    let mut text = String::from("FINAL REPORT\n\nprose\n\n");
    for number in 1..6 {
        text.push_str(&format!("ACME HOLDINGS\n\nSection {number}\n\nprose\n\n"));
    }
    let expected =
        ["FINAL REPORT", "Section 1", "Section 2", "Section 3", "Section 4", "Section 5"];
    assert_eq!(found(&text), expected);
}
