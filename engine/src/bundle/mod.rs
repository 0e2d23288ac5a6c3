//! An encoder on disk: a folder with a manifest, a tokenizer, ONNX graphs and weights.

mod manifest;
mod verify;

use std::io;
use std::path::{Path, PathBuf};

pub use manifest::{
    BundleFile, Graph, GraphMemory, Manifest, Mode, Passages, Pooling, PositionKind, Positions,
    Precision, Special,
};
pub use verify::Verify;
pub(crate) use verify::sha256_of_file;

use crate::device::Device;
use crate::error::EngineError;

/// A bundle that was opened and checked.
#[derive(Debug, Clone)]
pub struct Bundle {
    dir: PathBuf,
    manifest: Manifest,
    fingerprint: String,
}

impl Bundle {
    /// Opens the bundle in `dir` and checks its manifest and files.
    ///
    /// # Errors
    /// When the manifest is missing, unreadable or of another format, or when a file is missing, has
    /// another length, or (as far as `verify` looks) another content than recorded.
    pub fn open(dir: &Path, verify: Verify) -> Result<Bundle, EngineError> {
        let path = dir.join("manifest.json");
        let text = fs_err::read_to_string(&path).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                EngineError::ManifestMissing { dir: dir.to_path_buf() }
            } else {
                error.into()
            }
        })?;
        let invalid = |source| EngineError::ManifestInvalid { path: path.clone(), source };
        let raw: serde_json::Value = serde_json::from_str(&text).map_err(invalid)?;
        // The format comes before the other members: a newer one need not have them.
        if let Some(found) = raw["format"].as_u64()
            && found != manifest::FORMAT
        {
            return Err(EngineError::FormatUnknown { path, found, supported: manifest::FORMAT });
        }
        let manifest: Manifest = serde_json::from_str(&text).map_err(invalid)?;
        manifest.check(&path)?;
        for file in &manifest.files {
            verify::check_file(dir, file, verify)?;
        }
        let fingerprint = verify::fingerprint(&manifest, &raw);
        Ok(Bundle { dir: dir.to_path_buf(), manifest, fingerprint })
    }

    /// The encoder's name.
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// Length of its vectors.
    pub fn dimensions(&self) -> usize {
        self.manifest.dimensions
    }

    /// Hex sha256 over everything a vector depends on: vectors of bundles with the same fingerprint
    /// may be compared, others never.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Length of all files in bytes, the manifest not counted.
    pub fn bytes(&self) -> u64 {
        self.manifest.files.iter().map(|file| file.bytes).sum()
    }

    /// The first graph for `device`, with or without a mask.
    pub(crate) fn graph(&self, device: Device, masked: bool) -> Option<&Graph> {
        self.graphs(device, masked).next()
    }

    /// All graphs for `device`, with or without a mask, in the order of the manifest.
    pub(crate) fn graphs(&self, device: Device, masked: bool) -> impl Iterator<Item = &Graph> {
        self.manifest.graphs.iter().filter(move |graph| {
            graph.masked == masked && graph.devices.iter().any(|name| name == device.as_str())
        })
    }

    pub(crate) fn manifest_path(&self) -> PathBuf {
        self.dir.join("manifest.json")
    }
}
