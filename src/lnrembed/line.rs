// SPDX-License-Identifier: MIT OR Apache-2.0

use serde_json::json;

use crate::meta::Embedding;

/// An embedding as one line of JSON, with its line break. Times are in seconds.
pub(super) fn line(
    embedding: &Embedding,
    pts: Option<gst::ClockTime>,
    running_time: Option<gst::ClockTime>,
) -> String {
    let seconds = |time: Option<gst::ClockTime>| json!(time.map(|t| t.nseconds() as f64 / 1e9));
    format!(
        "{{\"pts\":{},\"running_time\":{},\"space\":{},\"model\":{},\"vector\":{}}}\n",
        seconds(pts),
        seconds(running_time),
        json!(embedding.space),
        json!(embedding.model),
        // Not as a `Value`: that holds f64, whose text has twice the digits.
        serde_json::to_string(&embedding.vector).expect("numbers"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_object_whatever_is_in_it() {
        let embedding = Embedding {
            vector: vec![0.1, -1e-9, f32::NAN],
            space: "00ff".into(),
            model: "a \"b\"\n\\c".into(),
            ..Embedding::default()
        };
        let text = line(&embedding, Some(gst::ClockTime::from_nseconds(40_000_001)), None);
        assert_eq!(text.find('\n'), Some(text.len() - 1));
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["pts"], json!(0.040000001));
        assert_eq!(value["running_time"], json!(null));
        assert_eq!((&value["space"], &value["model"]), (&json!("00ff"), &json!("a \"b\"\n\\c")));
        assert_eq!(value["vector"], json!([0.1, -1e-9, null]));
    }
}
