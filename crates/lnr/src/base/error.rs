// SPDX-License-Identifier: MIT OR Apache-2.0

/// Everything that can go wrong in the codec. Each message names what is wrong and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input is valid, but of a kind this codec does not code.
    #[error("unsupported: {0}")]
    Unsupported(String),
    /// A setting is out of range or contradicts another.
    #[error("invalid setting: {0}")]
    InvalidSetting(String),
    /// The stream violates FORMAT.md: it is truncated, damaged, or not an LNR stream.
    #[error("damaged stream: {0}")]
    Damaged(String),
    /// The stream asks for more than this implementation's stated limits.
    #[error("limit exceeded: {0}")]
    Limit(String),
    /// Training left the realm of numbers; nothing was written.
    #[error(
        "training diverged: {0}; choose another seed, a lower bit rate or quality, or a slower preset"
    )]
    Diverged(String),
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// An embedding model or a file of features cannot be read, or is not one.
    #[error("embedding model: {0}")]
    Model(String),
    /// A compute backend is not available or failed.
    #[error("backend: {0}")]
    Backend(String),
}

/// The result of every fallible function of the codec.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A [`Error::Damaged`] with this text.
    pub fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }
    /// A [`Error::Limit`] with this text.
    pub fn limit(what: impl Into<String>) -> Self {
        Self::Limit(what.into())
    }
}
