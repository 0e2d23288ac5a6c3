//! Deterministic vectors for tests.

use super::normalise;

/// A small random source (`SplitMix64`, Steele, Lea and Flood 2014), so that tests repeat exactly.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Close to a standard normal: the sum of twelve uniforms.
    pub(crate) fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }
}

pub(crate) fn gaussian(dims: usize, seed: u64) -> Vec<f32> {
    let mut random = Random(seed.wrapping_mul(0x1000_0001).wrapping_add(7));
    (0..dims).map(|_| random.normal()).collect()
}

/// Unit vectors around `clusters` centres; `spread` is the noise a component relative to the centre.
pub(crate) fn clustered(
    count: usize,
    dims: usize,
    clusters: usize,
    spread: f32,
    seed: u64,
) -> Vec<Vec<f32>> {
    let centres: Vec<Vec<f32>> =
        (0..clusters).map(|c| gaussian(dims, seed + 1 + c as u64)).collect();
    let mut random = Random(seed ^ 0xABCD);
    (0..count)
        .map(|_| {
            let centre = &centres[(random.next() % clusters as u64) as usize];
            let mut v: Vec<f32> = centre.iter().map(|x| x + spread * random.normal()).collect();
            normalise(&mut v).expect("a random vector is not zero");
            v
        })
        .collect()
}
