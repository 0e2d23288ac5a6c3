//! The packages this engine fetches, pinned by hash: ONNX Runtime and what its CUDA build needs.

use std::env::consts::{ARCH, OS};

use super::nvidia;
use crate::error::EngineError;

/// What can be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Package {
    /// The CPU build of ONNX Runtime, about 28 MB to fetch and 35 MB on disk.
    Cpu,
    /// The build with CUDA, about 256 MB to fetch. What it needs at run time is not in it: see
    /// [`Package::CUDA_LIBRARIES`].
    Cuda,
    /// NVIDIA's CUDA runtime.
    CudaRuntime,
    /// NVIDIA's matrix products, the greater part of all there is to fetch: 423 MB.
    CudaBlas,
    /// NVIDIA's random numbers. No encoder needs them, but the provider does not load without.
    CudaRandom,
}

impl Package {
    /// What [`Package::Cuda`] cannot be loaded without, in the order to load it. cuDNN and cuFFT are
    /// not among them: ONNX Runtime loads these only for operators such as convolutions, and goes on
    /// without where they are missing.
    pub const CUDA_LIBRARIES: [Package; 3] =
        [Package::CudaRuntime, Package::CudaBlas, Package::CudaRandom];

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Package::Cpu => "ONNX Runtime",
            Package::Cuda => "ONNX Runtime with CUDA",
            Package::CudaRuntime => "the CUDA runtime",
            Package::CudaBlas => "cuBLAS",
            Package::CudaRandom => "cuRAND",
        }
    }
}

/// A package for one platform.
#[derive(Debug)]
pub(super) struct Pinned {
    /// Name on the Python package index.
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// Platform tag for pip.
    pub(super) platform: &'static str,
    /// sha256 of the wheel.
    pub(super) wheel_sha256: &'static str,
    pub(super) wheel_bytes: u64,
    /// Files to take out; the library itself comes first.
    pub(super) members: &'static [Member],
}

/// A file inside a package.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) path: &'static str,
    pub(super) bytes: u64,
    pub(super) sha256: &'static str,
}

impl Member {
    /// The name without its folders.
    pub(super) fn file_name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }
}

/// The pinned package for the platform this program was built for.
pub(super) fn pinned(package: Package) -> Result<&'static Pinned, EngineError> {
    let found = match (package, OS, ARCH) {
        (Package::Cpu, "linux", "x86_64") => Some(&CPU_LINUX_X86_64),
        (Package::Cpu, "linux", "aarch64") => Some(&CPU_LINUX_AARCH64),
        (Package::Cpu, "macos", "aarch64") => Some(&CPU_MACOS_AARCH64),
        (Package::Cpu, "windows", "x86_64") => Some(&CPU_WINDOWS_X86_64),
        (Package::Cuda, "linux", "x86_64") => Some(&CUDA_LINUX_X86_64),
        (Package::CudaRuntime, "linux", "x86_64") => Some(&nvidia::RUNTIME_LINUX_X86_64),
        (Package::CudaBlas, "linux", "x86_64") => Some(&nvidia::BLAS_LINUX_X86_64),
        (Package::CudaRandom, "linux", "x86_64") => Some(&nvidia::RANDOM_LINUX_X86_64),
        _ => None,
    };
    let cuda = if package == Package::Cpu { "" } else { " with CUDA" };
    found.ok_or_else(|| EngineError::PlatformUnsupported { platform: format!("{OS} {ARCH}{cuda}") })
}

static CPU_LINUX_X86_64: Pinned = Pinned {
    name: "onnxruntime",
    version: "1.32.0",
    platform: "manylinux_2_28_x86_64",
    wheel_sha256: "99e1074c4b2197accd5073052a465361be17b89c093b8ffb6e6bd8f986c52df8",
    wheel_bytes: 27_780_211,
    members: &[Member {
        path: "onnxruntime/capi/libonnxruntime.so.1.32.0",
        bytes: 34_824_680,
        sha256: "6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f",
    }],
};

static CPU_LINUX_AARCH64: Pinned = Pinned {
    name: "onnxruntime",
    version: "1.32.0",
    platform: "manylinux_2_28_aarch64",
    wheel_sha256: "e36c187006e7a7c8b8d6d57f1a209dd63f52430dca6c282b177718ad6b841054",
    wheel_bytes: 23_196_724,
    members: &[Member {
        path: "onnxruntime/capi/libonnxruntime.so.1.32.0",
        bytes: 27_165_936,
        sha256: "49852228a93995158b2a813d4df487d47a1b76b0eaa894507ef49e91b6d7954a",
    }],
};

static CPU_MACOS_AARCH64: Pinned = Pinned {
    name: "onnxruntime",
    version: "1.32.0",
    platform: "macosx_14_0_arm64",
    wheel_sha256: "d52510bbbcc880c13b826f7d75cdf33ac5cf0bb864d960000fc29ce73f0cb83e",
    wheel_bytes: 22_519_308,
    members: &[Member {
        path: "onnxruntime/capi/libonnxruntime.1.32.0.dylib",
        bytes: 35_272_344,
        sha256: "fa585fabbea65b823b9a8f7e27d46aee3989d1be7e36b528203d3a1fd613aae7",
    }],
};

static CPU_WINDOWS_X86_64: Pinned = Pinned {
    name: "onnxruntime",
    version: "1.32.0",
    platform: "win_amd64",
    wheel_sha256: "efe7456952c243a05a53d5b8732953625144642c2f3989094277f6217f0c0c40",
    wheel_bytes: 16_698_767,
    members: &[Member {
        path: "onnxruntime/capi/onnxruntime.dll",
        bytes: 22_668_640,
        sha256: "443c0065fcdba17618ddef05050308f4b471893c5c7da0337d6957c9073ad8a7",
    }],
};

static CUDA_LINUX_X86_64: Pinned = Pinned {
    name: "onnxruntime-gpu",
    version: "1.31.1",
    platform: "manylinux_2_28_x86_64",
    wheel_sha256: "05d548956197b9d01f59b625de740e0d6be3593f874e241a12dc0362650ecdf7",
    wheel_bytes: 255_569_273,
    members: &[
        Member {
            path: "onnxruntime/capi/libonnxruntime.so.1.31.1",
            bytes: 29_421_832,
            sha256: "5104254339ecadae808da771bd0b63b240f0dbd466514234905e54372435c303",
        },
        Member {
            path: "onnxruntime/capi/libonnxruntime_providers_shared.so",
            bytes: 14_632,
            sha256: "086ec1d5388f64153d9c63470d126693db9a182c8ce236d3a1119068471b8a0d",
        },
        Member {
            path: "onnxruntime/capi/libonnxruntime_providers_cuda.so",
            bytes: 284_014_752,
            sha256: "8387867e857499e045caff5d13ac6a5de29571c801562fa2dde0e45f1f31de52",
        },
    ],
};
