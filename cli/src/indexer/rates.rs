//! How quick this machine reads and encodes, as it was measured, and how long work ahead will take by that.
//!
//! A small file in the data folder; without it estimates begin anew from a table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lsearch_engine::Device;
use serde::{Deserialize, Serialize};

use super::plan::{Sort, Work};
use crate::app::App;

/// Name in the data folder.
const FILE: &str = "rates.json";

/// What took less says little.
const TELLING: Duration = Duration::from_secs(2);
/// So much is remembered, in seconds: what is measured later counts as much as all that before.
const REMEMBERED_SEC: f64 = 600.0;
/// Sums of file sizes are halved beyond this, for the same reason.
const REMEMBERED_BYTES: u64 = 2_000_000_000;
/// Nothing is held to be so many times quicker or slower than expected, whatever the file says.
const BELIEVED: (f64, f64) = (0.02, 50.0);

/// Bytes of text that a core encodes in a second, with the shipped encoder.
const CPU_BYTES_PER_SEC: f64 = 12_500.0;
/// Cores beyond these help little.
const CPU_CORES: usize = 16;
/// The same for a GPU.
const CUDA_BYTES_PER_SEC: f64 = 5_000_000.0;

/// The measurements.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Rates {
    reading: Reading,
    texts: BTreeMap<String, Text>,
    encoding: BTreeMap<String, Encoding>,
    waiting: Waiting,
    /// Folders that are read for the first time just now, or were when their reading was broken off.
    first_reading: BTreeSet<PathBuf>,
}

/// How long reading took, and how long the table said it would.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Reading {
    expected_sec: f64,
    took_sec: f64,
}

/// What text came of files.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Text {
    file_bytes: u64,
    text_bytes: u64,
}

/// How long encoding took.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Encoding {
    text_bytes: u64,
    took_sec: f64,
}

/// What is searchable by word and waits to be encoded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Waiting {
    documents: u64,
    text_bytes: u64,
}

impl Rates {
    /// Reads the measurements of a data folder; those that cannot be read are none.
    pub fn load(data: &Path) -> Self {
        let bytes = std::fs::read(data.join(FILE)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// How long it takes until so much is read and searchable by word.
    pub fn reading(&self, work: &Work, threads: usize) -> Duration {
        let Reading { expected_sec, took_sec } = self.reading;
        seconds(work.expected_sec(threads) * ratio(took_sec, expected_sec).unwrap_or(1.0))
    }

    /// How much text files are likely to hold.
    pub fn text_bytes(&self, work: &Work) -> u64 {
        let of_sort = |(sort, bytes): (Sort, u64)| {
            let measured = self.texts.get(sort.name());
            let measured =
                measured.and_then(|text| ratio(text.text_bytes as f64, text.file_bytes as f64));
            bytes as f64 * measured.unwrap_or_else(|| sort.text_share())
        };
        work.bytes_by_sort().map(of_sort).sum::<f64>() as u64
    }

    /// How long it takes to encode so much text.
    pub fn encoding(&self, device: Device, threads: usize, text_bytes: u64) -> Duration {
        let measured = self.encoding.get(device_name(device));
        let default = match device {
            Device::Cpu => CPU_BYTES_PER_SEC * threads.clamp(1, CPU_CORES) as f64,
            Device::Cuda => CUDA_BYTES_PER_SEC,
        };
        let measured = measured.filter(|one| one.text_bytes > 0);
        let factor = measured.and_then(|one| ratio(one.took_sec, one.text_bytes as f64 / default));
        seconds(text_bytes as f64 / default * factor.unwrap_or(1.0))
    }

    /// How long it takes to encode so many documents that are searchable by word.
    pub fn encoding_waiting(
        &self,
        device: Device,
        threads: usize,
        documents: u64,
    ) -> Option<Duration> {
        let known = &self.waiting;
        if documents == 0 || known.documents == 0 {
            return None;
        }
        let bytes = known.text_bytes as f64 * (documents as f64 / known.documents as f64);
        Some(self.encoding(device, threads, bytes as u64))
    }

    fn note_reading(&mut self, work: &Work, threads: usize, took: Duration) {
        let expected = work.expected_sec(threads);
        if took < TELLING || expected <= 0.0 {
            return;
        }
        let reading = &mut self.reading;
        reading.expected_sec += expected;
        reading.took_sec += took.as_secs_f64();
        if reading.took_sec > REMEMBERED_SEC {
            reading.expected_sec /= 2.0;
            reading.took_sec /= 2.0;
        }
    }

    fn note_texts(&mut self, texts: &Texts) {
        for (sort, (file_bytes, text_bytes)) in &texts.0 {
            let text = self.texts.entry(sort.name().to_owned()).or_default();
            text.file_bytes = text.file_bytes.saturating_add(*file_bytes);
            text.text_bytes = text.text_bytes.saturating_add(*text_bytes);
            if text.file_bytes > REMEMBERED_BYTES {
                text.file_bytes /= 2;
                text.text_bytes /= 2;
            }
        }
    }

    fn note_encoding(&mut self, device: Device, text_bytes: u64, took: Duration) {
        if took < TELLING || text_bytes == 0 {
            return;
        }
        let encoding = self.encoding.entry(device_name(device).to_owned()).or_default();
        encoding.text_bytes = encoding.text_bytes.saturating_add(text_bytes);
        encoding.took_sec += took.as_secs_f64();
        if encoding.took_sec > REMEMBERED_SEC {
            encoding.text_bytes /= 2;
            encoding.took_sec /= 2.0;
        }
    }
}

/// What text came of the files of a scan.
#[derive(Debug, Default)]
pub struct Texts(BTreeMap<Sort, (u64, u64)>);

impl Texts {
    /// Notes a file.
    pub fn file(&mut self, sort: Sort, bytes: u64) {
        self.0.entry(sort).or_default().0 += bytes;
    }

    /// Notes a text that came of such a file.
    pub fn text(&mut self, sort: Sort, bytes: u64) {
        self.0.entry(sort).or_default().1 += bytes;
    }
}

/// Notes that the first reading of a folder begins, or has ended.
pub fn note_first_reading(app: &App, root: &Path, goes_on: bool) {
    change(app, |rates| {
        match goes_on {
            true => rates.first_reading.insert(root.to_owned()),
            false => rates.first_reading.remove(root),
        };
    });
}

/// Whether folders are being read for the first time, so that much cannot be found yet.
pub fn is_first_reading(data: &Path) -> bool {
    !Rates::load(data).first_reading.is_empty() && lsearch_index::is_being_written(data)
}

/// Notes how long a scan took.
pub fn note_scan(app: &App, work: &Work, texts: &Texts, took: Duration) {
    if !work.is_empty() {
        change(app, |rates| {
            rates.note_reading(work, app.config.threads(), took);
            rates.note_texts(texts);
        });
    }
}

/// Notes how long encoding took.
pub fn note_encoding(app: &App, device: Device, text_bytes: u64, took: Duration) {
    change(app, |rates| rates.note_encoding(device, text_bytes, took));
}

/// Notes what waits to be encoded.
pub fn note_waiting(app: &App, documents: u64, text_bytes: u64) {
    let waiting = Waiting { documents, text_bytes };
    change(app, |rates| rates.waiting = waiting);
}

/// Reads, changes and writes the measurements, for one thread at a time.
fn change(app: &App, change: impl FnOnce(&mut Rates)) {
    static CHANGING: Mutex<()> = Mutex::new(());
    let _changing = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
    let data = &app.places.data;
    let mut rates = Rates::load(data);
    change(&mut rates);
    // Nothing but estimates hangs on it.
    if let Err(error) = save(&rates, &data.join(FILE)) {
        app.detail(format_args!("how quick this was is not kept: {error}"));
    }
}

fn save(rates: &Rates, file: &PathBuf) -> std::io::Result<()> {
    let new = file.with_extension("json.new");
    std::fs::write(&new, serde_json::to_vec_pretty(rates)?)?;
    std::fs::rename(&new, file)
}

fn device_name(device: Device) -> &'static str {
    match device {
        Device::Cpu => "cpu",
        Device::Cuda => "cuda",
    }
}

/// How many times more, within what is believed; `None` where nothing was measured.
fn ratio(number: f64, of: f64) -> Option<f64> {
    let ratio = number / of;
    (of > 0.0 && number > 0.0 && ratio.is_finite()).then(|| ratio.clamp(BELIEVED.0, BELIEVED.1))
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(bytes: u64) -> Work {
        let mut work = Work::default();
        work.add(Sort::Kind(lsearch_ingest::Kind::Pdf), bytes);
        work
    }

    #[test]
    fn estimates_follow_what_was_measured() {
        let mut rates = Rates::default();
        let ahead = work(40_000_000);
        let before = rates.reading(&ahead, 2);
        assert!(before > Duration::from_secs(1), "{before:?}");
        rates.note_reading(&ahead, 2, before * 3);
        let after = rates.reading(&ahead, 2).as_secs_f64();
        assert!((after / before.as_secs_f64() - 3.0).abs() < 0.01, "{before:?}, {after}");
        rates.note_encoding(Device::Cpu, 1_000_000, Duration::from_secs(100));
        assert_eq!(rates.encoding(Device::Cpu, 2, 500_000).as_secs(), 50);
        // Another device was not measured.
        assert!(rates.encoding(Device::Cuda, 2, 500_000) < Duration::from_secs(1));
        let mut texts = Texts::default();
        texts.file(Sort::Kind(lsearch_ingest::Kind::Pdf), 1000);
        texts.text(Sort::Kind(lsearch_ingest::Kind::Pdf), 250);
        rates.note_texts(&texts);
        assert_eq!(rates.text_bytes(&ahead), 10_000_000);
    }

    #[test]
    fn what_waits_is_scaled_to_what_still_does() {
        let mut rates = Rates::default();
        assert_eq!(rates.encoding_waiting(Device::Cpu, 2, 10), None);
        rates.note_encoding(Device::Cpu, 1_000_000, Duration::from_secs(100));
        rates.waiting = Waiting { documents: 20, text_bytes: 2_000_000 };
        assert_eq!(rates.encoding_waiting(Device::Cpu, 2, 10).unwrap().as_secs(), 100);
    }

    #[test]
    fn later_measurements_outweigh_earlier_ones_in_the_end() {
        let mut rates = Rates::default();
        for _ in 0..20 {
            rates.note_encoding(Device::Cpu, 100_000, Duration::from_secs(100));
        }
        for _ in 0..60 {
            rates.note_encoding(Device::Cpu, 1_000_000, Duration::from_secs(100));
        }
        let seconds = rates.encoding(Device::Cpu, 2, 1_000_000).as_secs();
        assert!((100..130).contains(&seconds), "{seconds}");
    }

    #[test]
    fn nonsense_in_the_file_is_survived() {
        let folder = tempfile::tempdir().unwrap();
        for text in [
            "",
            "{",
            "[]",
            r#"{"reading":{"took_sec":-1,"expected_sec":0}}"#,
            r#"{"encoding":{"cpu":{"text_bytes":1,"took_sec":1e300}}}"#,
        ] {
            std::fs::write(folder.path().join(FILE), text).unwrap();
            let rates = Rates::load(folder.path());
            let time =
                rates.encoding(Device::Cpu, 2, 1_000_000) + rates.reading(&work(1_000_000), 2);
            assert!(
                time > Duration::ZERO && time < Duration::from_secs(100_000),
                "{text}: {time:?}"
            );
        }
    }
}
