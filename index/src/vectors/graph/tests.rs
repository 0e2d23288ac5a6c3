use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use super::*;
use crate::vectors::testing::{Random, clustered};

const FINGERPRINT: &str = "encoder-1";

fn everything(_: u64) -> bool {
    true
}

fn items(vectors: &[Vec<f32>]) -> Vec<(u64, &[f32])> {
    vectors.iter().enumerate().map(|(i, v)| (1000 + i as u64, v.as_slice())).collect()
}

fn small_params() -> GraphParams {
    GraphParams { max_connections: 12, ef_construction: 64 }
}

fn small() -> (Vec<Vec<f32>>, Graph) {
    let vectors = clustered(300, 16, 8, 0.4, 5);
    let graph = Graph::build(FINGERPRINT, &items(&vectors), &small_params()).unwrap();
    (vectors, graph)
}

fn exact_top(vectors: &[Vec<f32>], query: &[f32], k: usize) -> Vec<u64> {
    let query = QueryVector::new(query).unwrap();
    let scores = items(vectors).into_iter().map(|(id, v)| (id, query.cosine(v)));
    exact::top_k(scores, k).into_iter().map(|(id, _)| id).collect()
}

fn ids_of(hits: &[(u64, f32)]) -> Vec<u64> {
    hits.iter().map(|(id, _)| *id).collect()
}

/// Mean share of the true ten nearest that the graph finds, for queries near the data.
fn recall_at_10(graph: &Graph, vectors: &[Vec<f32>], ef: usize) -> f32 {
    let mut random = Random(99);
    let mut found = 0;
    let queries = 100;
    for _ in 0..queries {
        let near = &vectors[(random.next() % vectors.len() as u64) as usize];
        let query: Vec<f32> = near.iter().map(|x| x + 0.05 * random.normal()).collect();
        let expected = exact_top(vectors, &query, 10);
        let hits = graph.search(&query, 10, ef, &everything).unwrap();
        assert_eq!(hits.len(), 10);
        found += ids_of(&hits).iter().filter(|id| expected.contains(id)).count();
    }
    found as f32 / (10 * queries) as f32
}

#[test]
fn recall_is_high_on_clustered_vectors() {
    let params = GraphParams { max_connections: 16, ef_construction: 64 };
    for (count, clusters, spread) in [(5_000, 50, 0.5), (1_500, 150, 0.2)] {
        let vectors = clustered(count, 24, clusters, spread, 11);
        let graph = Graph::build(FINGERPRINT, &items(&vectors), &params).unwrap();
        let recall = recall_at_10(&graph, &vectors, 64);
        assert!(recall >= 0.95, "recall {recall} with {clusters} clusters of spread {spread}");
    }
}

#[test]
fn scores_are_cosines_in_falling_order() {
    let (vectors, graph) = small();
    let doubled: Vec<f32> = vectors[3].iter().map(|x| 2.0 * x).collect();
    let hits = graph.search(&doubled, 20, 64, &everything).unwrap();
    assert_eq!(hits[0].0, 1003);
    assert!((hits[0].1 - 1.0).abs() < 1e-5);
    for (id, cosine) in &hits {
        let expected = dot_f32(&vectors[3], &vectors[(id - 1000) as usize]);
        assert!((cosine - expected).abs() < 1e-5);
    }
    assert!(hits.is_sorted_by(|a, b| a.1 >= b.1));
}

#[test]
fn identical_vectors_are_all_found() {
    let vectors = vec![vec![0.6, 0.8, 0.1]; 200];
    let graph = Graph::build(FINGERPRINT, &items(&vectors), &small_params()).unwrap();
    let hits = graph.search(&vectors[0], 200, 64, &everything).unwrap();
    assert_eq!(ids_of(&hits), (1000..1200).collect::<Vec<_>>());
}

#[test]
fn a_filter_never_costs_results() {
    let (vectors, graph) = small();
    for divisor in [1, 2, 10, 50, 299] {
        let filter = |id: u64| id.is_multiple_of(divisor);
        let matching = (1000..1300).filter(|id| filter(*id)).count();
        let hits = graph.search(&vectors[0], 10, 10, &filter).unwrap();
        assert_eq!(hits.len(), matching.min(10), "every {divisor}th");
        assert!(hits.iter().all(|(id, _)| filter(*id)));
    }
    assert!(graph.search(&vectors[0], 10, 10, &|_| false).unwrap().is_empty());
    assert!(graph.search(&vectors[0], 0, 10, &everything).unwrap().is_empty());
    // Farthest away from the query, so that only the scan at the end can find it.
    let last = *exact_top(&vectors, &vectors[0], 300).last().unwrap();
    let hits = graph.search(&vectors[0], 5, 5, &|id| id == last).unwrap();
    assert_eq!(ids_of(&hits), [last]);
}

#[test]
fn inserting_again_replaces() {
    let (vectors, mut graph) = small();
    let everything = &everything;
    graph.insert(1000, &vectors[7]).unwrap();
    graph.insert(5000, &vectors[7]).unwrap();
    assert_eq!((graph.len(), graph.contains(5000), graph.contains(4999)), (301, true, false));
    let hits = graph.search(&vectors[7], 3, 64, everything).unwrap();
    assert_eq!(ids_of(&hits), [1000, 1007, 5000]);
    let hits = graph.search(&vectors[0], 1, 64, everything).unwrap();
    assert_ne!(hits[0].0, 1000, "the old vector of 1000 is gone");
    assert!((graph.dead_share(everything) - 1.0 / 302.0).abs() < 1e-6);
    assert!(!graph.worn(everything));
    assert!(graph.worn(&|id| id.is_multiple_of(2)));
    let mut ids: Vec<u64> = graph.ids().collect();
    ids.sort_unstable();
    assert_eq!(ids, (1000..1300).chain([5000]).collect::<Vec<_>>());
}

#[test]
fn a_graph_that_has_doubled_is_worn() {
    let (vectors, mut graph) = small();
    let more: Vec<(u64, &[f32])> =
        vectors.iter().enumerate().map(|(i, v)| (9000 + i as u64, v.as_slice())).collect();
    graph.insert_many(&more).unwrap();
    assert!(!graph.worn(&everything));
    graph.insert(1, &vectors[0]).unwrap();
    assert!(graph.worn(&everything));
}

#[test]
fn unusable_vectors_are_refused_whole() {
    assert!(matches!(Graph::build(FINGERPRINT, &[], &small_params()), Err(GraphError::Empty)));
    let params = GraphParams { max_connections: 300, ef_construction: 64 };
    let one: &[(u64, &[f32])] = &[(1, &[1.0])];
    assert!(matches!(Graph::build(FINGERPRINT, one, &params), Err(GraphError::Params(_))));

    let (vectors, mut graph) = small();
    let mut broken = vectors[1].clone();
    broken[2] = f32::NAN;
    let error = graph.insert_many(&[(1, &vectors[0]), (2, &broken)]).unwrap_err();
    let expected = VectorError::NotFinite { at: 2 };
    assert!(matches!(error, GraphError::Vector { id: 2, source } if source == expected));
    assert_eq!(graph.len(), 300);
    for bad in [&[0.0f32; 16][..], &[1.0; 15], &[]] {
        assert!(matches!(graph.insert(1, bad), Err(GraphError::Vector { id: 1, .. })));
        assert!(matches!(graph.search(bad, 1, 1, &everything), Err(GraphError::Query(_))));
    }
}

#[test]
fn a_reloaded_graph_answers_the_same() {
    let dir = TempDir::new().unwrap();
    let (vectors, mut graph) = small();
    graph.insert(1000, &vectors[7]).unwrap();
    assert_eq!(graph.generation(), None);
    assert_eq!(graph.save(dir.path()).unwrap(), 1);
    let mut loaded = Graph::load(dir.path(), FINGERPRINT, 16).unwrap();
    assert_eq!((loaded.len(), loaded.generation()), (300, Some(1)));
    for query in &vectors {
        let filter = |id: u64| !id.is_multiple_of(3);
        let before = graph.search(query, 10, 32, &filter).unwrap();
        assert_eq!(loaded.search(query, 10, 32, &filter).unwrap(), before);
    }
    // A loaded graph grows and is saved like one that was built.
    loaded.insert(7777, &vectors[9]).unwrap();
    assert_eq!(loaded.save(dir.path()).unwrap(), 2);
    drop(loaded);
    let again = Graph::load(dir.path(), FINGERPRINT, 16).unwrap();
    assert_eq!(ids_of(&again.search(&vectors[9], 2, 32, &everything).unwrap()), [1009, 7777]);
    assert_eq!(folders(dir.path()), ["gen-000002"]);
}

#[test]
fn only_the_encoder_that_was_asked_for() {
    let dir = TempDir::new().unwrap();
    let load = |fingerprint, dims| Graph::load(dir.path(), fingerprint, dims);
    assert!(matches!(load(FINGERPRINT, 16), Err(GraphError::Missing { .. })));
    small().1.save(dir.path()).unwrap();
    assert!(load(FINGERPRINT, 16).is_ok());
    assert!(matches!(load("another", 16), Err(GraphError::OtherEncoder { .. })));
    assert!(matches!(load(FINGERPRINT, 17), Err(GraphError::OtherEncoder { .. })));
    let nowhere = dir.path().join("nowhere");
    assert!(matches!(Graph::load(&nowhere, FINGERPRINT, 16), Err(GraphError::Missing { .. })));
}

/// Were a damaged file to reach `hnsw_rs`, this would end the test process.
#[test]
fn damaged_files_are_refused() {
    let dir = TempDir::new().unwrap();
    small().1.save(dir.path()).unwrap();
    let mut random = Random(4);
    for file in files(&dir.path().join("gen-000001")) {
        let whole = fs::read(&file).unwrap();
        let refused = |what: &str| match Graph::load(dir.path(), FINGERPRINT, 16) {
            Err(GraphError::Damaged { path, reason }) => {
                assert!(path.starts_with(dir.path()) && !reason.is_empty());
            }
            other => panic!("{} {what}: {other:?}", file.display()),
        };
        for _ in 0..32 {
            let at = (random.next() % whole.len() as u64) as usize;
            fs::write(&file, &whole[..at]).unwrap();
            refused(&format!("cut off at {at}"));
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (random.next() % 8);
            fs::write(&file, &flipped).unwrap();
            refused(&format!("with a bit flipped in byte {at}"));
        }
        fs::write(&file, [&whole[..], b"\0"].concat()).unwrap();
        refused("with a byte more");
        fs::remove_file(&file).unwrap();
        refused("missing");
        fs::write(&file, &whole).unwrap();
        assert!(Graph::load(dir.path(), FINGERPRINT, 16).is_ok());
    }
    // What is damaged is replaced by the next save.
    fs::remove_file(dir.path().join("gen-000001/ids")).unwrap();
    assert_eq!(small().1.save(dir.path()).unwrap(), 2);
    assert!(Graph::load(dir.path(), FINGERPRINT, 16).is_ok());
    assert_eq!(folders(dir.path()), ["gen-000002"]);
}

#[test]
fn unfinished_generations_do_not_count() {
    let dir = TempDir::new().unwrap();
    fs::create_dir_all(dir.path().join("gen-000004.tmp")).unwrap();
    fs::write(dir.path().join("gen-000004.tmp/ids"), "half").unwrap();
    fs::create_dir_all(dir.path().join("gen-old")).unwrap();
    assert_eq!(Graph::latest_generation(dir.path()).unwrap(), None);
    assert!(matches!(Graph::load(dir.path(), FINGERPRINT, 16), Err(GraphError::Missing { .. })));
    assert_eq!(small().1.save(dir.path()).unwrap(), 5);
    assert_eq!(Graph::latest_generation(dir.path()).unwrap(), Some(5));
    assert_eq!(folders(dir.path()), ["gen-000005", "gen-old"], "what is not ours is left alone");
}

#[test]
fn a_save_that_fails_leaves_what_was_there() {
    let dir = TempDir::new().unwrap();
    let (_, mut graph) = small();
    graph.save(dir.path()).unwrap();
    // A file where the generation's folder would go.
    fs::write(dir.path().join("gen-000002.tmp"), "").unwrap();
    assert!(matches!(graph.save(&dir.path().join("gen-000002.tmp")), Err(GraphError::Io(_))));
    assert!(Graph::load(dir.path(), FINGERPRINT, 16).is_ok());
}

#[test]
fn a_generation_being_read_is_kept_until_the_next_save() {
    let dir = TempDir::new().unwrap();
    let (_, mut graph) = small();
    graph.save(dir.path()).unwrap();
    let reader = fs::File::open(dir.path().join("gen-000001/manifest.json")).unwrap();
    reader.lock_shared().unwrap();
    graph.save(dir.path()).unwrap();
    assert_eq!(folders(dir.path()), ["gen-000001", "gen-000002"]);
    drop(reader);
    graph.save(dir.path()).unwrap();
    assert_eq!(folders(dir.path()), ["gen-000003"]);
}

#[test]
fn readers_and_a_writer_go_on_side_by_side() {
    let dir = TempDir::new().unwrap();
    let (vectors, mut graph) = small();
    graph.save(dir.path()).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut loads = 0;
                    while !done.load(Ordering::Relaxed) || loads == 0 {
                        let loaded = Graph::load(dir.path(), FINGERPRINT, 16).unwrap();
                        let hits = loaded.search(&vectors[5], 1, 16, &everything).unwrap();
                        assert_eq!(hits[0].0, 1005);
                        loads += 1;
                    }
                })
            })
            .collect();
        for _ in 0..20 {
            graph.save(dir.path()).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
    assert_eq!(Graph::latest_generation(dir.path()).unwrap(), Some(21));
}

#[test]
fn searching_from_many_threads() {
    fn shareable<T: Send + Sync>(_: &T) {}
    let (vectors, graph) = small();
    shareable(&graph);
    std::thread::scope(|scope| {
        for start in 0..4 {
            let (graph, vectors) = (&graph, &vectors);
            scope.spawn(move || {
                for (i, query) in vectors.iter().enumerate().skip(start).step_by(4) {
                    let hits = graph.search(query, 1, 64, &everything).unwrap();
                    assert_eq!(hits[0].0, 1000 + i as u64);
                }
            });
        }
    });
}

fn folders(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert_eq!(paths.len(), 4);
    paths
}
