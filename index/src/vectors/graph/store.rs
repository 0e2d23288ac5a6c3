//! Graphs on disk: one folder a generation, believed only after every byte has been checked.
//!
//! ```text
//! graph/gen-000007/
//!     manifest.json      what the files are, with length and BLAKE3 of each, and of itself
//!     ids                document ids by point, u64 little-endian
//!     NAME.hnsw.graph    written and read by hnsw_rs
//!     NAME.hnsw.data
//! ```
//!
//! A generation is written as `gen-000007.tmp`, synced, and renamed, so one that has its name is
//! whole. Readers in other processes may be loading the one before: they hold a shared lock on its
//! manifest meanwhile, and a generation that is so held is left for the next save to remove.

use std::collections::HashMap;
use std::fs::TryLockError;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::{Deserialize, Serialize};

use super::hnsw::Hnsw;
use super::{Graph, GraphError, GraphParams};

const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
const IDS: &str = "ids";
const BASE_NAME: &str = "documents";
const UNFINISHED: &str = ".tmp";

/// Description of a generation.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    fingerprint: String,
    dims: usize,
    points: usize,
    built: usize,
    params: GraphParams,
    base_name: String,
    files: Vec<FileEntry>,
    /// BLAKE3 of this manifest written with this field empty.
    checksum: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct FileEntry {
    name: String,
    bytes: u64,
    blake3: String,
}

impl Graph {
    /// Writes the graph into `dir` as a new generation and removes older ones. When this returns,
    /// the generation survives a power failure.
    ///
    /// One process at a time may save into a folder, any number may load from it meanwhile.
    ///
    /// # Errors
    /// If a file cannot be written; the generations already there are then left as they were.
    pub fn save(&mut self, dir: &Path) -> Result<u64, GraphError> {
        fs::create_dir_all(dir)?;
        let present = generations(dir)?;
        let generation = present.iter().map(|g| g.number).max().map_or(1, |number| number + 1);
        let name = format!("gen-{generation:06}");
        let unfinished = dir.join(format!("{name}{UNFINISHED}"));
        fs::create_dir(&unfinished)?;
        if let Err(error) = self.write_generation(&unfinished) {
            // On a full disk, what was written is in the way; failing to remove it changes nothing.
            let _ = fs::remove_dir_all(&unfinished);
            return Err(error);
        }
        fs::rename(&unfinished, dir.join(&name))?;
        sync_dir(dir)?;
        self.generation = Some(generation);
        for old in present {
            // Removing is tidying up: what cannot be removed now is tried again at the next save.
            let _ = old.remove();
        }
        Ok(generation)
    }

    /// Reads the latest generation in `dir`, after checking that every byte is as written.
    ///
    /// # Errors
    /// [`GraphError::Missing`] if there is none, [`GraphError::Damaged`] if it is not as it was
    /// written, [`GraphError::OtherEncoder`] if it is of another encoder or number of dimensions: in
    /// each case, build a new one and save it. [`GraphError::Io`] if reading fails.
    pub fn load(dir: &Path, fingerprint: &str, dims: usize) -> Result<Self, GraphError> {
        loop {
            let Some(number) = Self::latest_generation(dir)? else {
                return Err(GraphError::Missing { path: dir.to_owned() });
            };
            match load_generation(&generation_path(dir, number), number, fingerprint, dims) {
                // A save has replaced the generation before it was locked: take the newer one.
                Err(GraphError::Io(error))
                    if error.kind() == ErrorKind::NotFound
                        && Self::latest_generation(dir)? != Some(number) => {}
                // Not a race but a folder without its manifest.
                Err(GraphError::Io(error)) if error.kind() == ErrorKind::NotFound => {
                    return Err(damaged(&generation_path(dir, number), error.to_string()));
                }
                result => return result,
            }
        }
    }

    /// Number of the latest generation in `dir`, whole or damaged: has another process saved one?
    ///
    /// # Errors
    /// If the folder exists but cannot be read.
    pub fn latest_generation(dir: &Path) -> Result<Option<u64>, GraphError> {
        Ok(generations(dir)?.iter().filter(|g| g.finished).map(|g| g.number).max())
    }

    fn write_generation(&self, dir: &Path) -> Result<(), GraphError> {
        let ids: Vec<u8> = self.ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        fs::write(dir.join(IDS), ids)?;
        let base_name = self
            .hnsw
            .dump(dir, BASE_NAME)
            // `hnsw_rs` keeps to itself why it could not make a file: the disk is asked again.
            .map_err(|reason| match fs::File::create(dir.join(graph_file(BASE_NAME))) {
                Err(error) => GraphError::Io(error),
                Ok(_) => GraphError::Write { path: dir.to_owned(), reason },
            })?;
        let mut files = Vec::new();
        for name in [IDS.to_owned(), graph_file(&base_name), data_file(&base_name)] {
            // Also for writing, without which Windows does not sync.
            let mut file = fs::OpenOptions::new().read(true).write(true).open(dir.join(&name))?;
            let (bytes, blake3) = digest(&mut file)?;
            file.sync_all()?;
            files.push(FileEntry { name, bytes, blake3 });
        }
        let mut manifest = Manifest {
            format: FORMAT,
            fingerprint: self.fingerprint.clone(),
            dims: self.dims,
            points: self.ids.len(),
            built: self.built,
            params: self.params,
            base_name,
            files,
            checksum: String::new(),
        };
        manifest.checksum = manifest.expected_checksum()?;
        let path = dir.join(MANIFEST);
        let mut file = fs::File::create(&path)?;
        file.write_all(manifest.to_json()?.as_bytes())?;
        file.sync_all()?;
        sync_dir(dir)
    }
}

impl Manifest {
    fn to_json(&self) -> Result<String, GraphError> {
        serde_json::to_string(self).map_err(|error| GraphError::Io(error.into()))
    }

    fn expected_checksum(&self) -> Result<String, GraphError> {
        let files = self
            .files
            .iter()
            .map(|f| FileEntry { name: f.name.clone(), bytes: f.bytes, blake3: f.blake3.clone() })
            .collect();
        let blank = Manifest {
            fingerprint: self.fingerprint.clone(),
            base_name: self.base_name.clone(),
            checksum: String::new(),
            files,
            ..*self
        };
        Ok(blake3::hash(blank.to_json()?.as_bytes()).to_hex().to_string())
    }

    fn read(path: &Path, file: &mut fs::File) -> Result<Self, GraphError> {
        let mut json = Vec::new();
        file.read_to_end(&mut json)?;
        let manifest: Manifest =
            serde_json::from_slice(&json).map_err(|error| damaged(path, error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(damaged(path, format!("format {} is not known", manifest.format)));
        }
        if manifest.expected_checksum()? != manifest.checksum {
            return Err(damaged(path, "its checksum does not agree"));
        }
        // Covered by the checksum; so this is about manifests that some other program wrote.
        let expected =
            [IDS.to_owned(), graph_file(&manifest.base_name), data_file(&manifest.base_name)];
        if !manifest.files.iter().map(|file| &file.name).eq(&expected)
            || manifest.base_name.contains(['/', '\\'])
        {
            return Err(damaged(path, "it lists other files than a graph has"));
        }
        Ok(manifest)
    }
}

fn load_generation(
    dir: &Path,
    number: u64,
    fingerprint: &str,
    dims: usize,
) -> Result<Graph, GraphError> {
    let path = dir.join(MANIFEST);
    let mut file = fs::File::open(&path)?;
    // Held until the graph is loaded, so that a save does not remove its files halfway.
    // Some network file systems have no locks: there, a save may, and a load then fails as damaged.
    match file.lock_shared() {
        Err(error) if error.kind() == ErrorKind::Unsupported => {}
        result => result?,
    }
    // The generation may have been removed between opening and locking.
    fs::metadata(&path)?;
    let manifest = Manifest::read(&path, &mut file)?;
    if manifest.fingerprint != fingerprint || manifest.dims != dims {
        return Err(GraphError::OtherEncoder {
            path: dir.to_owned(),
            expected: format!("{fingerprint} ({dims} dimensions)"),
            found: format!("{} ({} dimensions)", manifest.fingerprint, manifest.dims),
        });
    }
    for entry in &manifest.files {
        verify(&dir.join(&entry.name), entry)?;
    }
    let ids_path = dir.join(IDS);
    let (ids, rest) = as_u64s(&fs::read(&ids_path)?);
    let hnsw = Hnsw::load(dir, &manifest.base_name).map_err(|reason| damaged(dir, reason))?;
    if rest != 0 || ids.len() != manifest.points || hnsw.len() != manifest.points {
        return Err(damaged(&ids_path, "it does not fit the graph"));
    }
    let points: HashMap<u64, usize> = ids.iter().enumerate().map(|(p, &id)| (id, p)).collect();
    Ok(Graph {
        hnsw,
        fingerprint: manifest.fingerprint,
        dims,
        params: manifest.params,
        ids,
        points,
        built: manifest.built,
        generation: Some(number),
    })
}

fn verify(path: &Path, entry: &FileEntry) -> Result<(), GraphError> {
    let mut file = match fs::File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(damaged(path, "it is missing"));
        }
        result => result?,
    };
    let length = file.metadata()?.len();
    if length != entry.bytes {
        return Err(damaged(path, format!("it has {length} bytes, not {}", entry.bytes)));
    }
    if digest(&mut file)? != (entry.bytes, entry.blake3.clone()) {
        return Err(damaged(path, "its checksum does not agree"));
    }
    Ok(())
}

/// Length and BLAKE3 (hexadecimal) of what is left to read of a file.
fn digest(file: &mut fs::File) -> Result<(u64, String), GraphError> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file)?;
    Ok((hasher.count(), hasher.finalize().to_hex().to_string()))
}

/// Little-endian numbers, and how many bytes are left over.
fn as_u64s(bytes: &[u8]) -> (Vec<u64>, usize) {
    let (whole, rest) = bytes.as_chunks::<8>();
    (whole.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect(), rest.len())
}

/// A folder of one generation, perhaps unfinished.
#[derive(Debug)]
struct Generation {
    number: u64,
    finished: bool,
    path: PathBuf,
}

impl Generation {
    /// Removes the generation unless a reader is loading it.
    fn remove(&self) -> std::io::Result<()> {
        if !self.finished {
            return fs::remove_dir_all(&self.path);
        }
        match fs::File::open(self.path.join(MANIFEST)) {
            Ok(manifest) => match manifest.try_lock() {
                Ok(()) => fs::remove_dir_all(&self.path),
                Err(TryLockError::WouldBlock) => Ok(()),
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                    fs::remove_dir_all(&self.path)
                }
                Err(TryLockError::Error(error)) => Err(error),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => fs::remove_dir_all(&self.path),
            Err(error) => Err(error),
        }
    }
}

fn generations(dir: &Path) -> Result<Vec<Generation>, GraphError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        result => result?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(|name| name.strip_prefix("gen-")) else {
            continue;
        };
        let (digits, finished) = match name.strip_suffix(UNFINISHED) {
            Some(digits) => (digits, false),
            None => (name, true),
        };
        if let Ok(number) = digits.parse() {
            found.push(Generation { number, finished, path: entry.path() });
        }
    }
    Ok(found)
}

fn generation_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("gen-{number:06}"))
}

fn graph_file(base_name: &str) -> String {
    format!("{base_name}.hnsw.graph")
}

fn data_file(base_name: &str) -> String {
    format!("{base_name}.hnsw.data")
}

/// Makes names created in or renamed into a folder durable.
fn sync_dir(dir: &Path) -> Result<(), GraphError> {
    // Windows has no such call; there, renaming is as durable as it gets.
    if cfg!(unix) {
        fs::File::open(dir)?.sync_all()?;
    }
    Ok(())
}

fn damaged(path: &Path, reason: impl Into<String>) -> GraphError {
    GraphError::Damaged { path: path.to_owned(), reason: reason.into() }
}
