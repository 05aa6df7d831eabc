// SPDX-License-Identifier: MIT OR Apache-2.0
//! A line or two of text for each vector, as databases read them.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Database, Row, Rows};

pub fn write(out: &mut dyn Write, rows: &Rows, database: Database) -> io::Result<()> {
    for (i, row) in rows.all.iter().enumerate() {
        match database {
            Database::Plain => {
                let mut record = fields(rows, row);
                record["id"] = json!(i);
                record["vector"] = json!(row.vector);
                writeln!(out, "{record}")?;
            }
            Database::Qdrant => {
                let point = json!({ "id": i, "vector": row.vector, "payload": fields(rows, row) });
                writeln!(out, "{point}")?;
            }
            Database::Opensearch => {
                writeln!(out, "{}", json!({ "index": { "_id": id(rows, row) } }))?;
                let mut document = fields(rows, row);
                document["vector"] = json!(row.vector);
                writeln!(out, "{document}")?;
            }
            Database::Milvus => {
                let mut record = fields(rows, row);
                record["id"] = json!(i);
                record["vector"] = json!(row.vector);
                writeln!(out, "{record}")?;
            }
            Database::Pgvector => {
                let vector = json!(row.vector);
                let (file, start, time, end) = (escaped(&row.file), row.start, row.time, row.end);
                writeln!(out, "{i}\t{file}\t{start}\t{time}\t{end}\t{vector}")?;
            }
        }
    }
    Ok(())
}

fn fields(rows: &Rows, row: &Row) -> Value {
    json!({
        "file": row.file,
        "start": row.start,
        "time": row.time,
        "end": row.end,
        "space": rows.space.name,
        "fingerprint": rows.space.fingerprint_text(),
    })
}

/// The same for the same place of the same file, so that writing it again replaces it.
fn id(rows: &Rows, row: &Row) -> String {
    format!("{}/{}@{}", rows.space.fingerprint_text(), row.file, row.time)
}

/// As PostgreSQL's COPY reads text.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out += "\\\\",
            '\t' => out += "\\t",
            '\n' => out += "\\n",
            '\r' => out += "\\r",
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use lnr::align::Features;

    fn written(database: Database) -> String {
        let space = Features::new("s", (1, 2), vec![1.0, 0.0], vec![]).unwrap().space().clone();
        let row = Row {
            file: "a\tb.lnr".into(),
            start: 0.0,
            time: 0.5,
            end: 2.0,
            vector: vec![0.6, -0.8],
        };
        let mut out = Vec::new();
        write(&mut out, &Rows { space, all: vec![row] }, database).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_database_gets_its_form() {
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let is_vector = |v: &Value| (v[0].as_f64().unwrap() - 0.6).abs() < 1e-6;
        let plain = json(&written(Database::Plain));
        assert!(plain["id"] == 0 && plain["file"] == "a\tb.lnr" && plain["end"] == 2.0);
        assert!(
            is_vector(&plain["vector"]) && is_vector(&json(&written(Database::Milvus))["vector"])
        );
        let point = json(&written(Database::Qdrant));
        assert!(is_vector(&point["vector"]) && point["payload"]["time"] == 0.5);
        let bulk = written(Database::Opensearch);
        let lines: Vec<Value> = bulk.lines().map(json).collect();
        assert!(lines[0]["index"]["_id"].as_str().unwrap().ends_with("/a\tb.lnr@0.5"));
        assert!(is_vector(&lines[1]["vector"]) && lines.len() == 2);
        let row = written(Database::Pgvector);
        assert_eq!(row.split('\t').count(), 6, "{row}");
        assert!(row.starts_with("0\ta\\tb.lnr\t0\t0.5\t2\t[0.6") && row.ends_with("]\n"), "{row}");
    }
}
