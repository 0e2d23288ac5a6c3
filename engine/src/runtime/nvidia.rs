//! NVIDIA's packages that ONNX Runtime's CUDA provider needs, pinned by hash.
//!
//! They are of CUDA 13.0, the oldest that the provider takes: newer libraries would run on the same
//! drivers, but are larger and bring nothing here. All symbols that the provider of the pinned ONNX
//! Runtime asks for are in them, but for the driver's own.

use super::packages::{Member, Pinned};

pub(super) static RUNTIME_LINUX_X86_64: Pinned = Pinned {
    name: "nvidia-cuda-runtime",
    version: "13.0.96",
    platform: "manylinux2014_x86_64",
    wheel_sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
    wheel_bytes: 2_243_632,
    members: &[Member {
        path: "nvidia/cu13/lib/libcudart.so.13",
        bytes: 704_288,
        sha256: "96c42e418cec19054186b9429c321603cc190bf26a18104e19408117a2a817b0",
    }],
};

pub(super) static BLAS_LINUX_X86_64: Pinned = Pinned {
    name: "nvidia-cublas",
    version: "13.1.0.3",
    platform: "manylinux_2_27_x86_64",
    wheel_sha256: "ee8722c1f0145ab246bccb9e452153b5e0515fd094c3678df50b2a0888b8b171",
    wheel_bytes: 423_133_236,
    members: &[
        Member {
            path: "nvidia/cu13/lib/libcublas.so.13",
            bytes: 54_177_976,
            sha256: "e70f38efabe986acd5eb683497c62f0f1730a6176ee291d9d24c6e339d1fbf86",
        },
        Member {
            path: "nvidia/cu13/lib/libcublasLt.so.13",
            bytes: 541_595_600,
            sha256: "656298c804f5adbb0df930545c17911b9584ab4e5101c0eeb65d1fe881d880f8",
        },
    ],
};

pub(super) static RANDOM_LINUX_X86_64: Pinned = Pinned {
    name: "nvidia-curand",
    version: "10.4.0.35",
    platform: "manylinux_2_27_x86_64",
    wheel_sha256: "1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc",
    wheel_bytes: 59_544_258,
    members: &[Member {
        path: "nvidia/cu13/lib/libcurand.so.10",
        bytes: 132_698_328,
        sha256: "b53732a66b302b11926e00f762e2c2ba67058347ff93cf4ae709de45e93e06da",
    }],
};
