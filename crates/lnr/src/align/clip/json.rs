// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fields of JSON files, with errors that name file and field.

use std::path::Path;

use serde_json::Value;

use crate::base::{Error, Result};

/// A JSON object, and what messages call it.
pub(super) struct Object {
    name: String,
    value: Value,
}

impl Object {
    /// Reads a file of a model's directory.
    ///
    /// # Errors
    /// [`Error::Model`] when it cannot be read or is no JSON object.
    pub fn read(folder: &Path, file: &str) -> Result<Self> {
        let path = folder.join(file);
        let name = path.display().to_string();
        let text = std::fs::read(&path).map_err(|e| Error::Model(format!("{name}: {e}")))?;
        match serde_json::from_slice(&text) {
            Ok(value @ Value::Object(_)) => Ok(Self { name, value }),
            Ok(_) => Err(Error::Model(format!("{name}: no JSON object"))),
            Err(e) => Err(Error::Model(format!("{name}: {e}"))),
        }
    }

    /// An object inside; an empty one where there is none.
    pub fn object(&self, field: &str) -> Self {
        let value = self.value.get(field).filter(|v| v.is_object()).cloned();
        let name = format!("{}: {field}", self.name);
        Self { name, value: value.unwrap_or_else(|| Value::Object(Default::default())) }
    }

    /// A field, where it is there and not null.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.value.get(field).filter(|v| !v.is_null())
    }

    /// A whole number of 1..=`most`, or `default` where it is missing.
    ///
    /// # Errors
    /// [`Error::Model`] when it is something else.
    pub fn count(&self, field: &str, default: usize, most: usize) -> Result<usize> {
        let Some(value) = self.get(field) else { return Ok(default) };
        match value.as_u64().and_then(|v| usize::try_from(v).ok()) {
            Some(n) if (1..=most).contains(&n) => Ok(n),
            _ => Err(self.wrong(&format!("{field} is {value}, not a number of 1 to {most}"))),
        }
    }

    /// A number, or `default` where it is missing.
    ///
    /// # Errors
    /// [`Error::Model`] when it is something else.
    pub fn number(&self, field: &str, default: f64) -> Result<f64> {
        let Some(value) = self.get(field) else { return Ok(default) };
        let number = value.as_f64().filter(|v| v.is_finite());
        number.ok_or_else(|| self.wrong(&format!("{field} is {value}, no number")))
    }

    /// A text, or `default` where it is missing.
    ///
    /// # Errors
    /// [`Error::Model`] when it is something else.
    pub fn text<'a>(&'a self, field: &str, default: &'a str) -> Result<&'a str> {
        let Some(value) = self.get(field) else { return Ok(default) };
        value.as_str().ok_or_else(|| self.wrong(&format!("{field} is {value}, no text")))
    }

    /// Yes or no, or `default` where it is missing.
    ///
    /// # Errors
    /// [`Error::Model`] when it is something else.
    pub fn flag(&self, field: &str, default: bool) -> Result<bool> {
        let Some(value) = self.get(field) else { return Ok(default) };
        value.as_bool().ok_or_else(|| self.wrong(&format!("{field} is {value}, not true or false")))
    }

    /// Three numbers, or `default` where they are missing.
    ///
    /// # Errors
    /// [`Error::Model`] when it is something else.
    pub fn three(&self, field: &str, default: [f32; 3]) -> Result<[f32; 3]> {
        let Some(value) = self.get(field) else { return Ok(default) };
        let numbers = value.as_array().map(|all| all.iter().filter_map(Value::as_f64));
        let numbers: Vec<f32> = numbers.into_iter().flatten().map(|v| v as f32).collect();
        numbers
            .try_into()
            .map_err(|_| self.wrong(&format!("{field} is {value}, not three numbers")))
    }

    /// An error that names the file.
    pub fn wrong(&self, what: &str) -> Error {
        Error::Model(format!("{}: {what}", self.name))
    }
}
