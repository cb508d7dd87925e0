//! Triangular noise.

use std::sync::atomic::{AtomicU64, Ordering};

/// Frames that are converted at a time where noise is added.
pub(super) const BLOCK: usize = 256;

const LANES: usize = 8;

/// One second of noise is as good as another, but no two converters shall make the same.
static SEED: AtomicU64 = AtomicU64::new(0x9E37_79B9_7F4A_7C15);

/// Eight xorshift generators side by side, so that they run in vector registers.
pub(super) struct Dither {
    lanes: [u32; LANES],
}

impl Dither {
    pub(super) fn new() -> Self {
        let lanes = std::array::from_fn(|_| {
            // splitmix64: neighbouring seeds give unrelated states.
            let mut z = SEED.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) as u32).max(1)
        });
        Self { lanes }
    }

    /// The sum of two uniform variables of ±0.5: triangular, within ±1, without bias.
    #[inline(always)]
    pub(super) fn fill(&mut self, noise: &mut [f64; BLOCK]) {
        let mut lanes = self.lanes;
        for eight in noise.chunks_exact_mut(LANES) {
            for (value, x) in eight.iter_mut().zip(&mut lanes) {
                *x ^= *x << 13;
                *x ^= *x >> 17;
                *x ^= *x << 5;
                // The difference of two uniform halves is their sum about zero.
                *value = f64::from((*x >> 16) as i32 - (*x & 0xFFFF) as i32) * (1.0 / 65536.0);
            }
        }
        self.lanes = lanes;
    }
}
