// SPDX-License-Identifier: MIT OR Apache-2.0
//! The embedding section: vectors that mean something to another model, such as CLIP's, at time nodes
//! of their own (FORMAT section 5.2).

use super::bytes::{Reader, Writer};
use super::range_coder::RangeEncoder;
use super::tau_coding::{read_tau, write_tau};
use super::tensor_coder::{decode_tensor, encode_tensor};
use super::work_budget::WorkBudget;
use crate::base::{Error, Result, Space, Tau, limits};

/// Bits of the exponent of the step.
const EXPONENT_BITS: u32 = 4;

/// What an embedding is one of, and when its vectors stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmbeddingHeader {
    /// The space that its vectors live in.
    pub space: Space,
    /// Time nodes, ascending, 1..=[`limits::MAX_EMBEDDING_NODES`].
    pub nodes: Vec<Tau>,
}

/// An embedding in whole numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Embedding {
    /// What it is.
    pub header: EmbeddingHeader,
    /// A value v means v 2^-exponent, 0..=15.
    pub exponent: u32,
    /// The vectors. [nodes, dim]
    pub values: Vec<i32>,
}

impl EmbeddingHeader {
    fn check(&self) -> Result<()> {
        let in_range = |what: &str, n: usize, most: usize| match (1..=most).contains(&n) {
            true => Ok(()),
            false => Err(Error::limit(format!("{what}: {n} (1 to {most} allowed)"))),
        };
        in_range("bytes of a space's name", self.space.name.len(), limits::MAX_SPACE_NAME)?;
        in_range(
            "dimensions of an embedding",
            self.space.dim as usize,
            limits::MAX_LATENT as usize,
        )?;
        in_range("nodes of an embedding", self.nodes.len(), limits::MAX_EMBEDDING_NODES)?;
        match self.nodes.is_sorted_by(|a, b| a < b) {
            true => Ok(()),
            false => Err(Error::damaged("nodes of an embedding that do not ascend")),
        }
    }

    fn write(&self, w: &mut Writer) {
        let Space { name, fingerprint, dim } = &self.space;
        w.varint(name.len() as u64);
        w.0.extend(name.as_bytes());
        w.0.extend(fingerprint);
        w.varint((*dim).into());
        w.varint(self.nodes.len() as u64);
        self.nodes.iter().for_each(|&tau| write_tau(w, tau));
    }

    fn read(r: &mut Reader) -> Result<Self> {
        let name = r.take("the name of a space", limits::MAX_SPACE_NAME)?;
        let name = std::str::from_utf8(name)
            .map_err(|_| Error::damaged("the name of a space is no UTF-8"))?
            .to_owned();
        let fingerprint = r.array()?;
        let dim = r.bounded("dimensions of an embedding", 1..=limits::MAX_LATENT.into())?;
        let n = r.bounded("nodes of an embedding", 1..=limits::MAX_EMBEDDING_NODES as u64)?;
        let nodes = (0..n).map(|_| read_tau(r)).collect::<Result<_>>()?;
        let header = Self { space: Space { name, fingerprint, dim }, nodes };
        header.check()?;
        Ok(header)
    }
}

/// The bytes of the section.
///
/// # Errors
/// [`Error::Limit`] or [`Error::Damaged`] when the header is out of its ranges, the exponent beyond 15,
/// there are not `nodes * dim` values, or a difference between nodes exceeds 32 bits.
pub fn write_embedding(embedding: &Embedding) -> Result<Vec<u8>> {
    let Embedding { header, exponent, values } = embedding;
    header.check()?;
    let dim = header.space.dim as usize;
    if *exponent >= 1 << EXPONENT_BITS || values.len() != header.nodes.len() * dim {
        let n = values.len();
        return Err(Error::damaged(format!("an embedding of exponent {exponent}, {n} values")));
    }
    let before = |i: usize| if i < dim { 0 } else { values[i - dim] };
    let difference = |(i, v): (usize, &i32)| v.checked_sub(before(i));
    let differences: Option<Vec<i32>> = values.iter().enumerate().map(difference).collect();
    let differences = differences.ok_or_else(too_far)?;
    let mut w = Writer::default();
    header.write(&mut w);
    let mut out = RangeEncoder::new();
    out.raw(*exponent, EXPONENT_BITS);
    encode_tensor(&differences, &mut out);
    w.0.extend(out.finish());
    Ok(w.0)
}

/// Reads the section.
///
/// # Errors
/// [`Error::Damaged`] or [`Error::Limit`] when it cannot be true or the budget is used up.
pub fn read_embedding(bytes: &[u8], budget: &mut WorkBudget) -> Result<Embedding> {
    let mut r = Reader(bytes);
    let header = EmbeddingHeader::read(&mut r)?;
    let dim = header.space.dim as usize;
    let mut from = budget.decoder(r.0);
    let exponent = from.raw(EXPONENT_BITS);
    let mut values = vec![0; header.nodes.len() * dim];
    let read = decode_tensor(&mut values, &mut from).and_then(|()| from.check());
    budget.spend(from.work())?;
    read?;
    for i in dim..values.len() {
        values[i] = values[i].checked_add(values[i - dim]).ok_or_else(too_far)?;
    }
    Ok(Embedding { header, exponent, values })
}

fn too_far() -> Error {
    Error::damaged("an embedding whose nodes lie more than 32 bits apart")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;

    fn embedding(n_nodes: u32, dim: u32) -> Embedding {
        let mut rng = Rng::new(61);
        let mut values = vec![0i32; (n_nodes * dim) as usize];
        for i in 0..values.len() {
            let before = if i < dim as usize { 0 } else { values[i - dim as usize] };
            values[i] = before + rng.below(41) as i32 - 20;
        }
        let header = EmbeddingHeader {
            space: Space {
                name: "clip-vit-base-patch32".into(),
                fingerprint: [1, 2, 3, 4, 5, 6, 7, 8],
                dim,
            },
            nodes: (0..n_nodes).map(|i| Tau::from_units(200 * i)).collect(),
        };
        Embedding { header, exponent: 11, values }
    }

    fn read(bytes: &[u8]) -> Result<Embedding> {
        read_embedding(bytes, &mut WorkBudget::new())
    }

    #[test]
    fn embeddings_round_trip() {
        for (n, dim) in [(1, 1), (1, 512), (9, 512), (257, 3)] {
            let e = embedding(n, dim);
            let bytes = write_embedding(&e).unwrap();
            assert_eq!(read(&bytes).unwrap(), e);
            assert_eq!(EmbeddingHeader::read(&mut Reader(&bytes)).unwrap(), e.header);
        }
        let bytes = write_embedding(&embedding(2, 3)).unwrap();
        assert_eq!((bytes[0], &bytes[1..5]), (21, &b"clip"[..]));
        assert_eq!(bytes[22..34], [1, 2, 3, 4, 5, 6, 7, 8, 3, 2, 0, 0x91],);
    }

    #[test]
    fn cuts_flips_and_noise_are_errors_or_garbage() {
        let e = embedding(5, 40);
        let bytes = write_embedding(&e).unwrap();
        for n in 0..bytes.len() - 8 {
            assert!(read(&bytes[..n]).is_err(), "{n} of {} bytes", bytes.len());
        }
        let mut rng = Rng::new(62);
        for _ in 0..300 {
            let mut bytes = bytes.clone();
            let at = rng.below(bytes.len());
            bytes[at] ^= 1 << rng.below(8);
            let _ = read(&bytes);
            bytes.truncate(60);
            bytes.resize_with(400, || rng.next_u64() as u8);
            let _ = read(&bytes);
        }
    }

    #[test]
    fn what_is_out_of_range_is_neither_written_nor_read() {
        let changes: [fn(&mut Embedding); 9] = [
            |e| e.header.space.name.clear(),
            |e| e.header.space.name = "x".repeat(129),
            |e| (e.header.space.dim, e.values) = (0, vec![]),
            |e| e.header.space.dim = 4097,
            |e| e.header.nodes.clear(),
            |e| e.header.nodes.swap(0, 1),
            |e| e.header.nodes[1] = e.header.nodes[0],
            |e| e.exponent = 16,
            |e| (e.values[0], e.values[4]) = (i32::MIN, i32::MAX),
        ];
        for (i, change) in changes.iter().enumerate() {
            let mut e = embedding(3, 4);
            change(&mut e);
            assert!(write_embedding(&e).is_err(), "change {i}");
            let mut w = Writer::default();
            e.header.write(&mut w);
            if i < 7 {
                assert!(EmbeddingHeader::read(&mut Reader(&w.0)).is_err(), "change {i}");
            }
        }
        // Differences that add up to more than 32 bits.
        let mut w = Writer::default();
        embedding(2, 1).header.write(&mut w);
        let mut out = RangeEncoder::new();
        out.raw(0, EXPONENT_BITS);
        encode_tensor(&[i32::MAX, 1], &mut out);
        w.0.extend(out.finish());
        assert!(matches!(read(&w.0), Err(Error::Damaged(_))));
    }

    #[test]
    fn a_section_of_few_bytes_cannot_ask_for_much_work() {
        let mut e = embedding(257, 4096);
        e.values.fill(0);
        let bytes = write_embedding(&e).unwrap();
        let mut budget = WorkBudget::new();
        let enough = budget.left();
        assert_eq!(read_embedding(&bytes, &mut budget).unwrap(), e);
        budget.spend(enough - 2 * (enough - budget.left()) + 1000).unwrap();
        assert!(matches!(read_embedding(&bytes, &mut budget), Err(Error::Limit(_))));
        assert_eq!(budget.left(), 0);
    }
}
