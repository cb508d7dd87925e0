//! Sample formats as types, and the arithmetic of their values.

/// How one sample lies in bytes. `load` and `store` see at least `BYTES` bytes.
pub(super) trait Sample {
    const BYTES: usize;
    /// Bits of an integer; 0 for a float.
    const BITS: u32;
    /// What a loaded sample is: an integer within ±2^(BITS-1), or a float.
    type Value: Value;
    fn load(bytes: &[u8]) -> Self::Value;
    fn store(value: Self::Value, bytes: &mut [u8]);
}

pub(super) struct F64;
pub(super) struct F32;
pub(super) struct I32;
pub(super) struct I24;
pub(super) struct I24In32;
pub(super) struct I16;
pub(super) struct I8;
pub(super) struct U8;

/// Formats that are a primitive type in the machine's byte order.
macro_rules! native {
    ($($name:ident: $primitive:ty as $value:ty, $bits:literal;)*) => {$(
        impl Sample for $name {
            const BYTES: usize = size_of::<$primitive>();
            const BITS: u32 = $bits;
            type Value = $value;

            #[inline(always)]
            fn load(bytes: &[u8]) -> $value {
                <$primitive>::from_ne_bytes(bytes.first_chunk().copied().unwrap_or_default()) as $value
            }

            #[inline(always)]
            fn store(value: $value, bytes: &mut [u8]) {
                if let Some(place) = bytes.first_chunk_mut() {
                    *place = (value as $primitive).to_ne_bytes();
                }
            }
        }
    )*};
}

native! {
    F64: f64 as f64, 0;
    F32: f32 as f32, 0;
    I32: i32 as i32, 32;
    I16: i16 as i32, 16;
    I8: i8 as i32, 8;
}

impl Sample for I24 {
    const BYTES: usize = 3;
    const BITS: u32 = 24;
    type Value = i32;

    #[inline(always)]
    fn load(bytes: &[u8]) -> i32 {
        let [a, b, c] = bytes.first_chunk().copied().unwrap_or_default();
        i32::from_le_bytes([0, a, b, c]) >> 8
    }

    #[inline(always)]
    fn store(value: i32, bytes: &mut [u8]) {
        let [a, b, c, _] = value.to_le_bytes();
        if let Some(place) = bytes.first_chunk_mut() {
            *place = [a, b, c];
        }
    }
}

impl Sample for I24In32 {
    const BYTES: usize = 4;
    const BITS: u32 = 24;
    type Value = i32;

    // Devices may leave anything in the upper byte.
    #[inline(always)]
    fn load(bytes: &[u8]) -> i32 {
        (I32::load(bytes) << 8) >> 8
    }

    #[inline(always)]
    fn store(value: i32, bytes: &mut [u8]) {
        I32::store(value, bytes);
    }
}

impl Sample for U8 {
    const BYTES: usize = 1;
    const BITS: u32 = 8;
    type Value = i32;

    #[inline(always)]
    fn load(bytes: &[u8]) -> i32 {
        i32::from(bytes.first().copied().unwrap_or(128) ^ 0x80) << 24 >> 24
    }

    #[inline(always)]
    fn store(value: i32, bytes: &mut [u8]) {
        if let Some(place) = bytes.first_mut() {
            *place = value as u8 ^ 0x80;
        }
    }
}

/// The three types that samples are computed in.
pub(super) trait Value: Copy {
    fn to_i32(self) -> i32;
    fn to_f32(self) -> f32;
    fn to_f64(self) -> f64;
    /// `value` times `scale`, a power of two.
    fn from_i32(value: i32, scale: f64) -> Self;
    fn from_f64(value: f64) -> Self;
}

impl Value for i32 {
    #[inline(always)]
    fn to_i32(self) -> i32 {
        self
    }
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    // Integers become integers by shifting or quantising: the scale is 1.
    #[inline(always)]
    fn from_i32(value: i32, _: f64) -> Self {
        value
    }
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as i32
    }
}

impl Value for f32 {
    #[inline(always)]
    fn to_i32(self) -> i32 {
        self as i32
    }
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn from_i32(value: i32, scale: f64) -> Self {
        value as f32 * scale as f32
    }
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
}

impl Value for f64 {
    #[inline(always)]
    fn to_i32(self) -> i32 {
        self as i32
    }
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn from_i32(value: i32, scale: f64) -> Self {
        f64::from(value) * scale
    }
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
}

/// A float to quantise in.
pub(super) trait Real:
    Value + PartialOrd + std::ops::Add<Output = Self> + std::ops::Sub<Output = Self> + std::ops::Mul<Output = Self>
{
    /// Added to a small number it leaves no bits for a fraction: the addition rounds, half to even.
    const MAGIC: Self;
    fn of<V: Value>(value: V) -> Self;
    /// The nearest integer, half to even: `self` is within ±2^22 (`f32`) or ±2^31 (`f64`).
    fn round(self) -> i32;
}

impl Real for f32 {
    const MAGIC: f32 = 12_582_912.0; // 1.5 × 2^23

    #[inline(always)]
    fn of<V: Value>(value: V) -> f32 {
        value.to_f32()
    }
    #[inline(always)]
    fn round(self) -> i32 {
        (self + Self::MAGIC).to_bits().wrapping_sub(Self::MAGIC.to_bits()) as i32
    }
}

impl Real for f64 {
    const MAGIC: f64 = 6_755_399_441_055_744.0; // 1.5 × 2^52

    #[inline(always)]
    fn of<V: Value>(value: V) -> f64 {
        value.to_f64()
    }
    #[inline(always)]
    fn round(self) -> i32 {
        (self + Self::MAGIC).to_bits() as i32
    }
}
