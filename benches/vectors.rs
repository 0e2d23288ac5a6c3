//! Vector kernels, and an HNSW graph against an exact scan, at 384 dimensions.
//!
//! `cargo bench -p lsearch --bench vectors`. Building the graph of 50,000 vectors takes a minute or
//! two before the first number of that size appears.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lsearch_index::vectors::exact;
use lsearch_index::vectors::graph::{Graph, GraphParams};
use lsearch_index::vectors::{QuantisedVector, QueryVector, dot_f32, normalise};

const DIMS: usize = 384;

/// Unit vectors around centres, as documents lie around topics.
fn clustered(count: usize) -> Vec<Vec<f32>> {
    let mut random = Random(1);
    let centres: Vec<Vec<f32>> =
        (0..200).map(|_| (0..DIMS).map(|_| random.normal()).collect()).collect();
    (0..count)
        .map(|i| {
            let centre = &centres[i * 7919 % centres.len()];
            let mut vector: Vec<f32> = centre.iter().map(|x| x + random.normal()).collect();
            normalise(&mut vector).expect("a random vector is not zero");
            vector
        })
        .collect()
}

/// xorshift64* (Vigna, 2016), for the same vectors every time.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Roughly normal: a centred sum of four uniforms.
    fn normal(&mut self) -> f32 {
        (0..4).map(|_| self.unit()).sum::<f32>() - 2.0
    }
}

fn kernels(c: &mut Criterion) {
    // Enough vectors to leave the processor's nearest caches, as those of a collection do.
    let vectors = clustered(4_096);
    let stored: Vec<QuantisedVector> =
        vectors.iter().map(|v| QuantisedVector::from_f32(v).expect("not zero")).collect();
    let query = QueryVector::new(&vectors[0]).expect("not zero");
    let mut group = c.benchmark_group("dot of 384 dimensions");
    group.throughput(Throughput::Elements(vectors.len() as u64));
    group.bench_function("f32", |b| {
        b.iter(|| vectors.iter().map(|v| dot_f32(black_box(query.as_slice()), v)).sum::<f32>());
    });
    group.bench_function("i16 query, i8 stored", |b| {
        b.iter(|| {
            stored.iter().map(|v| black_box(&query).cosine_i8(v.scale, &v.values)).sum::<f32>()
        });
    });
    group.finish();
}

fn nearest(c: &mut Criterion) {
    for count in [1_000, 10_000, 50_000] {
        let vectors = clustered(count);
        let items: Vec<(u64, &[f32])> =
            vectors.iter().enumerate().map(|(i, v)| (i as u64, v.as_slice())).collect();
        let stored: Vec<QuantisedVector> =
            vectors.iter().map(|v| QuantisedVector::from_f32(v).expect("not zero")).collect();
        let graph = Graph::build("bench", &items, &GraphParams::default()).expect("usable vectors");
        let queries: Vec<QueryVector> =
            (0..50).map(|i| query_near(&vectors[i * count / 50], i as u64)).collect();
        let mut turn = (0..queries.len()).cycle();
        let mut next = || &queries[turn.next().expect("endless")];

        let mut group = c.benchmark_group("ten nearest");
        group.bench_function(BenchmarkId::new("exact f32", count), |b| {
            b.iter(|| {
                let query = next();
                exact::scan(&items, 10, |(id, v)| Some((*id, query.cosine(v))))
            });
        });
        group.bench_function(BenchmarkId::new("exact i8", count), |b| {
            let items: Vec<(u64, &QuantisedVector)> = (0u64..).zip(&stored).collect();
            b.iter(|| {
                let query = next();
                exact::scan(&items, 10, |(id, v)| Some((*id, query.cosine_i8(v.scale, &v.values))))
            });
        });
        for ef in [32, 64, 200] {
            group.bench_function(BenchmarkId::new(format!("graph, ef {ef}"), count), |b| {
                b.iter(|| {
                    graph.search(next().as_slice(), 10, ef, &|_| true).expect("usable query")
                });
            });
        }
        for share in [90, 10, 1] {
            let name = format!("graph, ef 64, {share} % pass");
            group.bench_function(BenchmarkId::new(name, count), |b| {
                let passes = |id: u64| id * 2_654_435_761 % 100 < share;
                b.iter(|| graph.search(next().as_slice(), 10, 64, &passes).expect("usable query"));
            });
        }
        group.finish();
        eprintln!(
            "{count} vectors, share of the true ten nearest found: {}",
            recall(&graph, &items, &stored, &queries)
        );
    }
}

fn query_near(vector: &[f32], seed: u64) -> QueryVector {
    let mut random = Random(seed + 77);
    let moved: Vec<f32> = vector.iter().map(|x| x + 0.03 * random.normal()).collect();
    QueryVector::new(&moved).expect("not zero")
}

/// How many of the true ten nearest each way of searching finds.
fn recall(
    graph: &Graph,
    items: &[(u64, &[f32])],
    stored: &[QuantisedVector],
    queries: &[QueryVector],
) -> String {
    let (mut quantised, mut at_ef) = (0, [0; 3]);
    for query in queries {
        let truth = exact::scan(items, 10, |(id, v)| Some((*id, query.cosine(v)))).top;
        let hits = |found: &[(u64, f32)]| {
            found.iter().filter(|(id, _)| truth.iter().any(|(other, _)| other == id)).count()
        };
        let of_stored =
            (0u64..).zip(stored).map(|(id, v)| (id, query.cosine_i8(v.scale, &v.values)));
        quantised += hits(&exact::top_k(of_stored, 10));
        for (sum, ef) in at_ef.iter_mut().zip([32, 64, 200]) {
            let found = graph.search(query.as_slice(), 10, ef, &|_| true).expect("usable query");
            *sum += hits(&found);
        }
    }
    let share = |sum: usize| sum as f32 / (10 * queries.len()) as f32;
    let [ef32, ef64, ef200] = at_ef.map(share);
    format!(
        "i8 {:.3}, graph {ef32:.3} / {ef64:.3} / {ef200:.3} (ef 32 / 64 / 200)",
        share(quantised)
    )
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_secs(2)).warm_up_time(std::time::Duration::from_millis(500));
    targets = kernels, nearest
}
criterion_main!(benches);
