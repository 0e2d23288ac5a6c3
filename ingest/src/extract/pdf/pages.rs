//! The tree of pages, and what stands in it.

use std::collections::HashSet;

use lopdf::{Dictionary, Document as Pdf, Object, ObjectId};

use super::filters::decode;
use super::objects::{get, get_array, get_dictionary, get_name, numbers, resolve};

/// How deep a tree of pages may be; one that bites its own tail has no end.
const MAX_TREE_DEPTH: usize = 64;

/// The pages in their order. Where there is no tree that leads to any, all objects that say they are
/// pages, in the order of their numbers.
pub(super) fn pages(pdf: &Pdf) -> Vec<ObjectId> {
    let mut pages = Vec::new();
    let mut seen = HashSet::new();
    let root = pdf.catalog().and_then(|catalog| catalog.get(b"Pages"));
    let mut nodes: Vec<(ObjectId, usize)> =
        root.and_then(Object::as_reference).map(|root| (root, 0)).into_iter().collect();
    while let Some((id, depth)) = nodes.pop() {
        let Ok(node) = pdf.get_dictionary(id) else { continue };
        let kids = get_array(pdf, node, "Kids");
        match (get_name(pdf, node, "Type"), kids) {
            // Some files show a page twice; a node twice would be a circle.
            (Some(b"Page"), _) | (_, None) if depth > 0 => pages.push(id),
            (_, Some(kids)) if depth < MAX_TREE_DEPTH && seen.insert(id) => {
                let kids = kids.iter().rev().filter_map(|kid| kid.as_reference().ok());
                nodes.extend(kids.map(|kid| (kid, depth + 1)));
            }
            _ => {}
        }
    }
    if pages.is_empty() {
        let is_page = |object: &Object| {
            object.as_dict().is_ok_and(|page| get_name(pdf, page, "Type") == Some(b"Page"))
        };
        pages.extend(pdf.objects.iter().filter(|(_, object)| is_page(object)).map(|(id, _)| *id));
    }
    pages
}

/// Streams of a page, one behind the other; false where one of them is not there.
pub(super) fn page_content(pdf: &Pdf, page: &Dictionary, limit: usize) -> (Vec<u8>, bool) {
    let streams: Vec<&Object> = match get(pdf, page, "Contents") {
        Some(Object::Array(streams)) => streams.iter().collect(),
        Some(stream) => vec![stream],
        None => return (Vec::new(), !page.has(b"Contents")),
    };
    let mut content = Vec::new();
    let mut is_whole = true;
    for stream in streams {
        match resolve(pdf, stream) {
            Some(Object::Stream(stream)) => {
                content.extend(decode(pdf, stream, limit.saturating_sub(content.len())));
                content.push(b'\n');
            }
            _ => is_whole = false,
        }
    }
    (content, is_whole)
}

/// What the page or a node of the page tree above it has under the key.
pub(super) fn inherited<'a>(pdf: &'a Pdf, page: &'a Dictionary, key: &str) -> Option<&'a Object> {
    let mut node = page;
    for _ in 0..MAX_TREE_DEPTH {
        if let Some(object) = get(pdf, node, key) {
            return Some(object);
        }
        node = get_dictionary(pdf, node, "Parent")?;
    }
    None
}

/// The part of the page that is shown: left, bottom, right, top. `None` where none makes sense.
pub(super) fn page_box(pdf: &Pdf, page: &Dictionary) -> Option<[f64; 4]> {
    ["CropBox", "MediaBox"].iter().find_map(|key| {
        let [x0, y0, x1, y1] = numbers(pdf, inherited(pdf, page, key)?)?;
        let shown = [x0.min(x1), y0.min(y1), x0.max(x1), y0.max(y1)];
        (shown[2] - shown[0] > 1.0 && shown[3] - shown[1] > 1.0).then_some(shown)
    })
}

#[cfg(test)]
mod tests {
    use lopdf::dictionary;

    use super::*;

    fn document(pages: impl FnOnce(&mut Pdf) -> Object) -> Pdf {
        let mut pdf = Pdf::new();
        let pages = pages(&mut pdf);
        let catalog = pdf.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
        pdf.trailer.set("Root", catalog);
        pdf
    }

    #[test]
    fn trees_are_walked_in_order_and_to_their_end() {
        let mut expected = Vec::new();
        let pdf = document(|pdf| {
            let [first, third] = [0, 1].map(|_| pdf.add_object(dictionary! { "Type" => "Page" }));
            // A page and a node that do not say what they are.
            let second = pdf.add_object(dictionary! { "MediaBox" => 1 });
            let root = pdf.new_object_id();
            let node = dictionary! { "Kids" => vec![second.into(), root.into(), third.into()] };
            let node = pdf.add_object(node);
            let kids = vec![first.into(), node.into(), (99, 0).into()];
            pdf.objects.insert(root, dictionary! { "Type" => "Pages", "Kids" => kids }.into());
            expected = vec![first, second, third];
            root.into()
        });
        assert_eq!(pages(&pdf), expected);
    }

    #[test]
    fn pages_without_a_tree_are_found_by_what_they_say() {
        let mut pdf = document(|_| (99, 0).into());
        let page = pdf.add_object(dictionary! { "Type" => "Page" });
        assert_eq!(pages(&pdf), [page]);
        assert_eq!(pages(&Pdf::new()), []);
    }

    #[test]
    fn pages_inherit_their_size() {
        let mut pdf = Pdf::new();
        let size = |numbers: [i64; 4]| numbers.map(Object::Integer).to_vec();
        let root = pdf.add_object(dictionary! { "MediaBox" => size([0, 10, 600, 0]) });
        let page = dictionary! { "Parent" => root };
        assert_eq!(page_box(&pdf, &page), Some([0.0, 0.0, 600.0, 10.0]));
        let cropped = dictionary! { "Parent" => root, "CropBox" => size([5, 5, 50, 50]) };
        assert_eq!(page_box(&pdf, &cropped), Some([5.0, 5.0, 50.0, 50.0]));
        let empty = dictionary! { "MediaBox" => size([5, 5, 5, 5]) };
        assert_eq!(page_box(&pdf, &empty), None);
    }
}
