// SPDX-License-Identifier: MIT OR Apache-2.0
//! Safetensors files, as they are written.

use serde_json::{Map, Value, json};

/// What a file says of a tensor.
pub struct TensorInfo<'a> {
    pub name: &'a str,
    /// Such as "F32".
    pub kind: &'a str,
    pub shape: Vec<usize>,
    pub n_bytes: usize,
}

/// What comes before the values of tensors that stand in this order: the size of a header, and the header,
/// with notes on the whole.
pub fn header<'a>(tensors: impl IntoIterator<Item = TensorInfo<'a>>, notes: Value) -> Vec<u8> {
    let mut header = Map::new();
    header.insert("__metadata__".into(), notes);
    let mut at = 0;
    for TensorInfo { name, kind, shape, n_bytes } in tensors {
        let end = at + n_bytes;
        let info = json!({ "dtype": kind, "shape": shape, "data_offsets": [at, end] });
        header.insert(name.into(), info);
        at = end;
    }
    let mut text = Value::Object(header).to_string();
    // The values begin at a multiple of 8.
    text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_each_other_from_a_multiple_of_eight() {
        let info = |name, n_bytes| TensorInfo { name, kind: "U8", shape: vec![1, 2], n_bytes };
        let bytes = header([info("b", 2), info("a", 3)], json!({ "x": "y" }));
        let (size, text) = bytes.split_first_chunk::<8>().unwrap();
        assert_eq!(u64::from_le_bytes(*size) as usize, text.len());
        assert!(text.len().is_multiple_of(8));
        let value: Value = serde_json::from_slice(text).unwrap();
        assert_eq!(
            (&value["b"]["data_offsets"], &value["a"]["data_offsets"]),
            (&json!([0, 2]), &json!([2, 5]))
        );
        assert_eq!(
            (&value["a"]["shape"], &value["__metadata__"]["x"]),
            (&json!([1, 2]), &json!("y"))
        );
    }
}
