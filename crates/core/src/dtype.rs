//! Sample formats: the seven of the public API, and what devices speak beyond them.

use std::fmt;

/// A sample format of the public API, all in the machine's byte order but `I24`, which is little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// 64-bit float, full scale ±1.
    F64,
    /// 32-bit float, full scale ±1.
    F32,
    /// 32-bit signed integer.
    I32,
    /// 24-bit signed integer, packed: three little-endian bytes.
    I24,
    /// 16-bit signed integer.
    I16,
    /// 8-bit signed integer.
    I8,
    /// 8-bit unsigned integer with its zero at 128.
    U8,
}

impl Dtype {
    /// All formats, widest first.
    pub const ALL: [Self; 7] = [Self::F64, Self::F32, Self::I32, Self::I24, Self::I16, Self::I8, Self::U8];

    /// Bytes per sample: 1 to 8.
    pub const fn bytes(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::I24 => 3,
            Self::I16 => 2,
            Self::I8 | Self::U8 => 1,
        }
    }

    /// The name that users know: `"float64"`, `"int24"`, `"uint8"`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F64 => "float64",
            Self::F32 => "float32",
            Self::I32 => "int32",
            Self::I24 => "int24",
            Self::I16 => "int16",
            Self::I8 => "int8",
            Self::U8 => "uint8",
        }
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dtype| dtype.name() == name)
    }

    /// Every byte of a silent sample has this value: 128 for `U8`, 0 for all others.
    pub const fn silence(self) -> u8 {
        match self {
            Self::U8 => 128,
            _ => 0,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How samples lie in a device's memory: a [`Dtype`], or 24 bits in the low three bytes of a sign-extended 32-bit word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Packed(Dtype),
    I24In32,
}

impl Format {
    #[cfg(any(test, fuzzing))]
    pub(crate) const ALL: [Self; 8] = [
        Self::Packed(Dtype::F64),
        Self::Packed(Dtype::F32),
        Self::Packed(Dtype::I32),
        Self::Packed(Dtype::I24),
        Self::I24In32,
        Self::Packed(Dtype::I16),
        Self::Packed(Dtype::I8),
        Self::Packed(Dtype::U8),
    ];

    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::Packed(dtype) => dtype.bytes(),
            Self::I24In32 => 4,
        }
    }

    pub(crate) const fn silence(self) -> u8 {
        match self {
            Self::Packed(dtype) => dtype.silence(),
            Self::I24In32 => 0,
        }
    }
}

impl From<Dtype> for Format {
    fn from(dtype: Dtype) -> Self {
        Self::Packed(dtype)
    }
}
