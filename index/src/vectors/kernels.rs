//! Dot products, with the widest instructions that the processor at hand has.
//!
//! The kernels are plain Rust in a shape that LLVM vectorises: a fixed number of independent
//! accumulators. On x86-64 each is compiled twice, for the baseline and for AVX2, and the better one
//! is chosen at run time; elsewhere (aarch64 has NEON in its baseline) there is one version. No
//! kernel fuses multiplication and addition and all sum in the same order, so every machine gets
//! the same bits.

use super::VectorError;

/// Independent sums per kernel: four AVX2 registers, enough to hide the latency of addition.
const LANES: usize = 32;

/// Dot product of two vectors of the same length.
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "vectors of different lengths");
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: AVX2, the one feature the function is compiled for, was just detected.
        return unsafe { dot_f32_avx2(a, b) };
    }
    dot_f32_portable(a, b)
}

/// Dot product of an i16 query with an i8 vector of the same length, exact in i32.
///
/// The caller keeps the sum in range: see `QueryVector`, whose scale guarantees it.
///
/// # Panics
/// If the lengths differ.
pub(super) fn dot_i16_i8(query: &[i16], stored: &[i8]) -> i32 {
    assert_eq!(query.len(), stored.len(), "vectors of different lengths");
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: AVX2, the one feature the function is compiled for, was just detected.
        return unsafe { dot_i16_i8_avx2(query, stored) };
    }
    dot_i16_i8_portable(query, stored)
}

/// Scales a vector to length one.
///
/// # Errors
/// If the vector is empty, zero, or holds NaN or infinity; it is then left as it was.
pub fn normalise(vector: &mut [f32]) -> Result<(), VectorError> {
    let norm = norm(vector)?;
    for value in vector {
        *value = (f64::from(*value) / norm) as f32;
    }
    Ok(())
}

/// Euclidean length, in f64 so that neither huge nor tiny components overflow or vanish.
pub(super) fn norm(vector: &[f32]) -> Result<f64, VectorError> {
    if vector.is_empty() {
        return Err(VectorError::Empty);
    }
    if let Some(at) = vector.iter().position(|value| !value.is_finite()) {
        return Err(VectorError::NotFinite { at });
    }
    let norm = vector.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    if norm > 0.0 { Ok(norm) } else { Err(VectorError::Zero) }
}

#[inline(always)]
fn dot_f32_portable(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[lane] += a * b;
    }
    // Pairwise, so that the sum is both short and as accurate as f32 allows.
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

#[inline(always)]
fn dot_i16_i8_portable(query: &[i16], stored: &[i8]) -> i32 {
    // Widening to i16 and then multiplying into i32 is the pattern of `pmaddwd` and `smlal`.
    query.iter().zip(stored).map(|(&q, &s)| i32::from(q) * i32::from(i16::from(s))).sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn dot_f32_avx2(a: &[f32], b: &[f32]) -> f32 {
    dot_f32_portable(a, b)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn dot_i16_i8_avx2(query: &[i16], stored: &[i8]) -> i32 {
    dot_i16_i8_portable(query, stored)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn f32_dot_agrees_with_f64(pairs in prop::collection::vec((-1.0f32..1.0, -1.0f32..1.0), 0..500)) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let expected: f64 = a.iter().zip(&b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            prop_assert!((f64::from(dot_f32(&a, &b)) - expected).abs() < 1e-4);
            prop_assert_eq!(dot_f32(&a, &b).to_bits(), dot_f32_portable(&a, &b).to_bits());
        }

        #[test]
        fn integer_dot_is_exact(pairs in prop::collection::vec((-16_000i16..16_000, any::<i8>()), 0..500)) {
            let (q, s): (Vec<i16>, Vec<i8>) = pairs.into_iter().unzip();
            let expected: i64 = q.iter().zip(&s).map(|(&q, &s)| i64::from(q) * i64::from(s)).sum();
            prop_assert_eq!(i64::from(dot_i16_i8(&q, &s)), expected);
            prop_assert_eq!(dot_i16_i8(&q, &s), dot_i16_i8_portable(&q, &s));
        }

        #[test]
        fn normalised_vectors_have_unit_length(mut v in prop::collection::vec(-1e30f32..1e30, 1..400)) {
            prop_assume!(v.iter().any(|x| *x != 0.0));
            normalise(&mut v).unwrap();
            prop_assert!((dot_f32(&v, &v) - 1.0).abs() < 1e-4);
        }
    }

    #[test]
    fn refuses_what_has_no_direction() {
        assert_eq!(normalise(&mut []), Err(VectorError::Empty));
        assert_eq!(normalise(&mut [0.0, -0.0]), Err(VectorError::Zero));
        let mut damaged = [1.0, f32::NAN, f32::INFINITY];
        assert_eq!(normalise(&mut damaged), Err(VectorError::NotFinite { at: 1 }));
        assert_eq!(damaged[0], 1.0, "a refused vector is left alone");
        let mut tiny = [f32::MIN_POSITIVE, 0.0];
        normalise(&mut tiny).unwrap();
        assert_eq!(tiny, [1.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "different lengths")]
    fn lengths_must_agree() {
        let _ = dot_f32(&[1.0], &[1.0, 2.0]);
    }
}
