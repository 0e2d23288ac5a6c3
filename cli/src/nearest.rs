//! What a person meant, perhaps: the name that is nearest to one that is none.

use strsim::normalized_damerau_levenshtein;

/// Below this two names are not alike.
const ALIKE: f64 = 0.6;
/// How alike a name is held to be that has the other one within it.
const WITHIN: f64 = 0.7;
/// Letters from which on a name within another one tells something.
const TELLING: usize = 4;

/// The candidate that is most like a name; `None` where none is much like it. Case does not matter.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let scored = candidates.into_iter().map(|candidate| (likeness(&name, candidate), candidate));
    let alike = scored.filter(|(score, _)| *score >= ALIKE);
    alike.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, candidate)| candidate)
}

fn likeness(name: &str, candidate: &str) -> f64 {
    let candidate = candidate.to_lowercase();
    let alike = normalized_damerau_levenshtein(name, &candidate);
    let holds = name.len() >= TELLING && candidate.contains(name);
    if holds { alike.max(WITHIN) } else { alike }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_and_parts_of_names_are_understood() {
        let names = ["threads", "exclude", "max_file_mb", "cuda_memory_mb"];
        for (written, meant) in [
            ("thread", Some("threads")),
            ("Excldue", Some("exclude")),
            ("max_file", Some("max_file_mb")),
            ("memory", Some("cuda_memory_mb")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, names), meant, "{written}");
        }
    }
}
