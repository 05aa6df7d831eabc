// SPDX-License-Identifier: MIT OR Apache-2.0
//! Texts as the numbers of their tokens.

use std::path::Path;

use tokenizers::{Tokenizer, TruncationParams};

use super::config::{Config, Family};
use super::json::Object;
use crate::base::{Error, Result};

const FILE: &str = "tokenizer.json";

pub(super) struct Tokens {
    tokenizer: Tokenizer,
    vocabulary: u32,
    /// The token that fills texts up, and to how many.
    filled: Option<(u32, usize)>,
    is_lower: bool,
}

impl Tokens {
    /// # Errors
    /// [`Error::Model`] when the directory has no tokenizer that can be read.
    pub fn read(folder: &Path, config: &Config) -> Result<Self> {
        let path = folder.join(FILE);
        let wrong = |what: String| Error::Model(format!("{}: {what}", path.display()));
        if !path.exists() {
            return Err(Error::Model(format!(
                "{}: no {FILE} in it; `AutoTokenizer.from_pretrained` and `save_pretrained` of the \
                 Python package transformers write one",
                folder.display()
            )));
        }
        let mut tokenizer = Tokenizer::from_file(&path).map_err(|e| wrong(e.to_string()))?;
        // What the file itself says of lengths is for batches.
        tokenizer.with_padding(None);
        let max_length = config.context;
        let truncation = TruncationParams { max_length, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(|e| wrong(e.to_string()))?;
        let is_siglip = config.family == Family::Siglip;
        let filled = match is_siglip {
            true => Some((padding(folder, config, &tokenizer)?, config.context)),
            false => None,
        };
        Ok(Self { tokenizer, vocabulary: config.vocabulary as u32, filled, is_lower: is_siglip })
    }

    /// # Errors
    /// [`Error::Model`] when the text yields no token, or one that the model does not know.
    pub fn of(&self, text: &str) -> Result<Vec<u32>> {
        // SigLIP was trained on small letters; CLIP's tokenizer says itself that it wants them.
        let text = if self.is_lower { text.to_lowercase() } else { text.to_owned() };
        let encoded = self.tokenizer.encode(text, true).map_err(|e| Error::Model(e.to_string()))?;
        let mut tokens = encoded.get_ids().to_vec();
        if let Some((fill, n)) = self.filled {
            tokens.resize(n, fill);
        }
        match tokens.iter().find(|t| **t >= self.vocabulary) {
            Some(token) => Err(Error::Model(format!(
                "{FILE} and config.json do not fit: token {token}, but {} are known",
                self.vocabulary
            ))),
            None if tokens.is_empty() => Err(Error::Model("the text is empty".into())),
            None => Ok(tokens),
        }
    }
}

/// The token that fills texts up.
fn padding(folder: &Path, config: &Config, tokenizer: &Tokenizer) -> Result<u32> {
    let settings = "tokenizer_config.json";
    if folder.join(settings).exists() {
        let settings = Object::read(folder, settings)?;
        let inner = settings.object("pad_token");
        let name = match settings.get("pad_token").and_then(|v| v.as_str()) {
            Some(name) => name,
            None => inner.text("content", "")?,
        };
        if let Some(token) = tokenizer.token_to_id(name) {
            return Ok(token);
        }
    }
    /// Where no file says it: that of the first release.
    const FIRST: u32 = 1;
    Ok(config.pad.unwrap_or(FIRST))
}
