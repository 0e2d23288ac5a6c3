//! Every parser on damaged files: a bounded, repeatable share of what fuzzing does, from the same seeds and by the same
//! targets (`fuzz/`). `LSEARCH_MUTATIONS` asks for more of them than the few that every run makes.

#[path = "../fuzz/src/lib.rs"]
mod fuzz;
#[path = "../fuzz/src/mutation.rs"]
mod mutation;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

use fuzz::{TARGETS, Target, package};
use mutation::Mutator;

/// Mutations of each target's seeds.
const MUTATIONS: usize = 300;

/// Our own code's panics, wherever they were caught.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[test]
fn mutated_files_break_nothing() {
    let mutations = env::var("LSEARCH_MUTATIONS").map_or(MUTATIONS, |n| n.parse().unwrap());
    fuzz::heed_own_panics(|panic| PANICS.lock().unwrap().push(panic.to_string()));
    let seeds = seeds();
    let next = AtomicUsize::new(0);
    let broken = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(target) = TARGETS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = mutate(target, &seeds, mutations);
                    broken.lock().unwrap().extend(found);
                }
            });
        }
    });
    drop(std::panic::take_hook());
    let broken = broken.into_inner().unwrap();
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn every_target_has_its_program() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for Target { name, .. } in TARGETS {
        assert!(manifest.contains(&format!("\nname = \"{name}\"\n")), "{name}");
        let program = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("target!(\"{name}\")")), "{name}");
    }
}

/// Runs a target on its seeds and on mutations of them. Gives what broke it.
fn mutate(
    target: &Target,
    seeds: &BTreeMap<String, Vec<Vec<u8>>>,
    mutations: usize,
) -> Vec<String> {
    let all: Vec<&Vec<u8>> = seeds.values().flatten().collect();
    // What tells formats apart has to do with all of them.
    let own = match target.name {
        "identify" => all.clone(),
        name => seeds.get(name).into_iter().flatten().collect(),
    };
    assert!(!own.is_empty(), "fixtures/seeds/{} has no seed", target.name);
    let mut broken = Vec::new();
    let mut attempt = |what: String, bytes: &[u8]| {
        let outcome = catch_unwind(AssertUnwindSafe(|| fuzz::run(target.name, bytes)));
        let panics = std::mem::take(&mut *PANICS.lock().unwrap());
        if outcome.is_err() || !panics.is_empty() {
            let kept = env::temp_dir().join(format!("lsearch-broken-{}-{what}", target.name));
            let _ = fs::write(&kept, bytes);
            broken.push(format!("{} ({}): {}", target.name, kept.display(), panics.join("; ")));
        }
    };
    for (index, seed) in own.iter().enumerate() {
        attempt(format!("seed-{index}"), seed);
    }
    for number in 0..mutations {
        // Another seed for each target, so that a fault common to many has more chances to show.
        let salt = target.name.bytes().fold(0_u64, |salt, byte| salt * 31 + u64::from(byte));
        let mut mutator = Mutator::new(salt + number as u64);
        let seed = own[number % own.len()];
        let other = all[mutator.below(all.len())];
        // Of a package half of the mutations are below the compression, where its readers are.
        let parts =
            if target.is_package && number % 2 == 0 { package::to_parts(seed) } else { None };
        let mutated = mutator.mutate(parts.as_ref().unwrap_or(seed), other);
        attempt(number.to_string(), &mutated);
    }
    broken
}

/// The seeds by target.
fn seeds() -> BTreeMap<String, Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/seeds");
    let mut seeds: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for target in fs::read_dir(&folder).unwrap() {
        let target = target.unwrap();
        let mut files: Vec<_> =
            fs::read_dir(target.path()).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        let contents = files.iter().map(|file| fs::read(file).unwrap()).collect();
        seeds.insert(target.file_name().into_string().unwrap(), contents);
    }
    seeds
}
