//! Random lives of an index against a plain map.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;

use super::support::*;
use crate::{FileState, Reader, Writer, faults};

#[derive(Clone, Debug)]
enum Step {
    Put { file: usize, text: usize },
    Remove { file: usize },
    RemoveFolder { folder: usize },
    Rename { from: usize, to: usize },
    Encode,
    Commit,
    Reopen,
    Kill,
    StopInCommit { at: usize },
    LoseCatalog,
    LoseLexical,
    Maintain,
}

const POINTS: [&str; 6] = [
    "commit begun",
    "vectors synced",
    "catalog applied",
    "catalog synced",
    "lexical prepared",
    "lexical committed",
];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..6usize, 0..5usize).prop_map(|(file, text)| Step::Put { file, text }),
        2 => (0..6usize).prop_map(|file| Step::Remove { file }),
        1 => (0..2usize).prop_map(|folder| Step::RemoveFolder { folder }),
        2 => (0..6usize, 0..6usize).prop_map(|(from, to)| Step::Rename { from, to }),
        2 => Just(Step::Encode),
        3 => Just(Step::Commit),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
        2 => (0..POINTS.len()).prop_map(|at| Step::StopInCommit { at }),
        1 => Just(Step::LoseCatalog),
        1 => Just(Step::LoseLexical),
        1 => Just(Step::Maintain),
    ]
}

fn file_name(file: usize) -> String {
    format!("folder{}/file{file}.txt", file % 2)
}

fn text(text: usize) -> String {
    format!("common\nword{text}\nlast line {text}\n")
}

type Files = BTreeMap<String, usize>;

/// The writer under test, and what it should hold.
struct World<'a> {
    dir: &'a Path,
    writer: Option<Writer>,
    working: Files,
    committed: Files,
}

impl World<'_> {
    fn writer(&self) -> &Writer {
        self.writer.as_ref().unwrap()
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Put { file, text: number } => {
                put(self.writer(), &file_name(*file), &text(*number));
                self.working.insert(file_name(*file), *number);
            }
            Step::Remove { file } => {
                let removed = self.writer().remove_file(&place(&file_name(*file))).unwrap();
                assert_eq!(removed, self.working.remove(&file_name(*file)).is_some());
            }
            Step::RemoveFolder { folder } => {
                let prefix = format!("folder{folder}");
                let removed = self.writer().remove_under(&place(&prefix)).unwrap();
                let before = self.working.len();
                self.working.retain(|name, _| !name.starts_with(&prefix));
                assert_eq!(removed, before - self.working.len());
            }
            Step::Rename { from, to } => {
                let (from, to) = (file_name(*from), file_name(*to));
                let stat = stat("x");
                let root = Path::new(ROOT);
                let moved =
                    self.writer().rename_file(&place(&from), &place(&to), root, &stat).unwrap();
                let known = self.working.remove(&from);
                assert_eq!(moved, known.is_some());
                if let Some(text) = known {
                    self.working.insert(to, text);
                }
            }
            Step::Encode => {
                encode_pending(self.writer());
                assert!(self.writer().pending(ENCODER).unwrap().is_empty());
            }
            Step::Commit => {
                self.writer().commit().unwrap();
                self.committed = self.working.clone();
            }
            Step::Maintain => {
                self.writer().maintain(&|| false).unwrap();
                self.committed = self.working.clone();
            }
            Step::Reopen => {
                self.writer.take().unwrap().close().unwrap();
                self.committed = self.working.clone();
                assert_in_order(self.dir);
                self.reopen(vec![self.committed.clone()]);
            }
            Step::Kill => {
                self.writer.take().unwrap().crash();
                self.reopen(vec![self.committed.clone()]);
            }
            Step::StopInCommit { at } => {
                faults::fail_next(POINTS[*at]);
                // Without changes a commit passes no point at all.
                if self.writer().commit().is_ok() {
                    self.committed = self.working.clone();
                }
                faults::clear();
                self.writer.take().unwrap().crash();
                self.reopen(vec![self.committed.clone(), self.working.clone()]);
            }
            Step::LoseCatalog => self.lose("catalog"),
            Step::LoseLexical => self.lose("lexical"),
        }
    }

    /// The caches are made again from each other.
    fn lose(&mut self, part: &str) {
        self.writer.take().unwrap().close().unwrap();
        self.committed = self.working.clone();
        std::fs::remove_dir_all(self.dir.join(part)).unwrap();
        self.reopen(vec![self.committed.clone()]);
    }

    fn reopen(&mut self, allowed: Vec<Files>) {
        let (writer, report) = Writer::open(self.dir, options()).unwrap();
        let held: Files = files(&writer)
            .into_iter()
            .map(|(name, state)| {
                let FileState::Document { content } = state else { panic!("{state:?}") };
                let stored = writer.content(&content).unwrap().text;
                let number = (0..5).find(|&number| text(number) == stored).unwrap();
                (name, number)
            })
            .collect();
        assert!(allowed.contains(&held), "{held:?} is none of {allowed:?}; {report}");
        self.writer = Some(writer);
        self.committed = held.clone();
        self.working = held;
        self.check_reader();
    }

    /// What is committed is found, and nothing else.
    fn check_reader(&self) {
        if self.committed.is_empty() {
            return;
        }
        let reader = Reader::open(self.dir).unwrap();
        for number in 0..5 {
            let expected: BTreeSet<String> = self
                .committed
                .iter()
                .filter(|(_, text)| **text == number)
                .map(|(name, _)| name.clone())
                .collect();
            let results = search(&reader, &format!("word{number}"), crate::Mode::Keyword);
            let mut found: BTreeSet<String> = names(&results).into_iter().collect();
            found.extend(results.hits.iter().flat_map(|hit| &hit.also_at).map(|path| name(path)));
            assert_eq!(found, expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn an_index_holds_what_a_map_would(steps in proptest::collection::vec(step(), 1..20)) {
        let dir = tempfile::tempdir().unwrap();
        faults::clear();
        let mut world = World {
            dir: dir.path(),
            writer: Some(open(dir.path())),
            working: Files::new(),
            committed: Files::new(),
        };
        for step in &steps {
            world.take(step);
        }
        world.writer().commit().unwrap();
        world.committed = world.working.clone();
        world.check_reader();
        world.writer.take().unwrap().close().unwrap();
        assert_in_order(dir.path());
    }
}
