// SPDX-License-Identifier: MIT OR Apache-2.0
//! The payload of a group as a row of sections (FORMAT section 5).

use super::bytes::{Reader, Writer};
use crate::base::{Error, Result, limits};

/// Tags of the sections that this version knows, in the order in which they stand.
pub mod tags {
    /// Latents: first, so that they can be read alone.
    pub const LATENTS: u64 = 1;
    /// An embedding of the frames.
    pub const EMBEDDING: u64 = 2;
    /// [`crate::base::Metadata`].
    pub const METADATA: u64 = 3;
    /// Base network and hypernetworks.
    pub const NETWORKS: u64 = 4;
    /// What a feature source stores: one section for each, in the order of the sources.
    pub const SOURCE: u64 = 5;
}

/// The last tag that this version knows.
const LAST_KNOWN: u64 = tags::SOURCE;

/// A payload taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sections<'a> {
    /// In their order.
    all: Vec<Section<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Section<'a> {
    tag: u64,
    bytes: &'a [u8],
    /// Bytes with tag and length.
    size: usize,
}

impl<'a> Sections<'a> {
    /// Finds the sections of a payload; reads nothing of what is in them.
    ///
    /// # Errors
    /// [`Error::Damaged`] when they are cut off, out of order or twice there, [`Error::Limit`] when
    /// there are more than [`limits::MAX_SECTIONS`], [`Error::Unsupported`] when one is unknown and
    /// must be understood.
    pub fn parse(payload: &'a [u8]) -> Result<Self> {
        let mut r = Reader(payload);
        let mut all = Vec::new();
        let mut last = 0;
        while !r.0.is_empty() {
            if all.len() == limits::MAX_SECTIONS {
                let most = limits::MAX_SECTIONS;
                return Err(Error::limit(format!("more than {most} sections in a payload")));
            }
            let before = r.0.len();
            let head = r.varint()?;
            let (tag, must_understand) = (head >> 1, head & 1 != 0);
            let bytes = r.take("a section", usize::MAX)?;
            if (1..=LAST_KNOWN).contains(&tag) {
                if tag < last || tag == last && tag != tags::SOURCE {
                    return Err(Error::damaged(format!("section {tag} after section {last}")));
                }
                last = tag;
            } else if must_understand {
                return Err(Error::Unsupported(format!(
                    "the stream has a section {tag} that this decoder does not know and must \
                     understand; a later version may"
                )));
            }
            all.push(Section { tag, bytes, size: before - r.0.len() });
        }
        Ok(Self { all })
    }

    /// The latents.
    ///
    /// # Errors
    /// [`Error::Damaged`] when they are missing.
    pub fn latents(&self) -> Result<&'a [u8]> {
        self.find(tags::LATENTS).ok_or_else(|| Error::damaged("a group without its latents"))
    }

    /// Base network and hypernetworks.
    ///
    /// # Errors
    /// [`Error::Damaged`] when they are missing.
    pub fn networks(&self) -> Result<&'a [u8]> {
        self.find(tags::NETWORKS).ok_or_else(|| Error::damaged("a group without its networks"))
    }

    /// What source `i` stores, counted among those that store something, of which there are
    /// `n_sources`.
    ///
    /// # Errors
    /// [`Error::Damaged`] when there is another number of them.
    pub fn source(&self, i: usize, n_sources: usize) -> Result<&'a [u8]> {
        let mut sources = self.all.iter().filter(|s| s.tag == tags::SOURCE);
        let n = sources.clone().count();
        match sources.nth(i) {
            Some(section) if n == n_sources => Ok(section.bytes),
            _ => Err(Error::damaged(format!("{n} feature sources are stored, not {n_sources}"))),
        }
    }

    /// The embedding, if there is one.
    pub fn embedding(&self) -> Option<&'a [u8]> {
        self.find(tags::EMBEDDING)
    }

    /// The metadata, if there are some.
    pub fn metadata(&self) -> Option<&'a [u8]> {
        self.find(tags::METADATA)
    }

    /// Tag of every section and its bytes, tag and length included: they add up to the payload.
    pub fn sizes(&self) -> impl Iterator<Item = (u64, usize)> + '_ {
        self.all.iter().map(|s| (s.tag, s.size))
    }

    fn find(&self, tag: u64) -> Option<&'a [u8]> {
        self.all.iter().find(|s| s.tag == tag).map(|s| s.bytes)
    }
}

/// Joins sections to a payload.
#[derive(Default)]
pub struct SectionWriter(Writer);

impl SectionWriter {
    /// One that has written nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a section. Those with [`tags`] must come in their order. `must_understand` says that a
    /// decoder that does not know the tag must refuse the group instead of skipping the section.
    pub fn push(&mut self, tag: u64, must_understand: bool, bytes: &[u8]) {
        self.0.varint(tag << 1 | u64::from(must_understand));
        self.0.varint(bytes.len() as u64);
        self.0.0.extend(bytes);
    }

    /// The payload.
    pub fn finish(self) -> Vec<u8> {
        self.0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(sections: &[(u64, bool, &[u8])]) -> Vec<u8> {
        let mut w = SectionWriter::new();
        sections.iter().for_each(|&(tag, must, bytes)| w.push(tag, must, bytes));
        w.finish()
    }

    #[test]
    fn sections_are_found_and_unknown_ones_skipped() {
        let long = [7; 300];
        let bytes = payload(&[
            (900, false, &[1; 5]),
            (1, true, &[1, 2]),
            (3, false, &[3]),
            (0, false, &[]),
            (4, true, &long),
            (5, true, &[5]),
            (u64::MAX >> 1, false, &[9]),
            (5, true, &[]),
        ]);
        let s = Sections::parse(&bytes).unwrap();
        assert_eq!((s.latents().unwrap(), s.networks().unwrap()), (&[1, 2][..], &long[..]));
        assert_eq!((s.metadata(), s.embedding()), (Some(&[3][..]), None));
        assert_eq!((s.source(0, 2).unwrap(), s.source(1, 2).unwrap()), (&[5][..], &[][..]));
        for (i, n) in [(2, 2), (2, 3), (0, 1), (0, 3)] {
            assert!(matches!(s.source(i, n), Err(Error::Damaged(_))), "{i} of {n}");
        }
        assert_eq!(s.sizes().map(|(_, n)| n).sum::<usize>(), bytes.len());
        assert_eq!(s.sizes().nth(4), Some((4, 303)));
        let missing = Sections::parse(&[]).unwrap();
        assert!(matches!(missing.latents(), Err(Error::Damaged(_))));
        assert!(matches!(missing.networks(), Err(Error::Damaged(_))));
    }

    #[test]
    fn a_section_that_must_be_understood_is_named() {
        for tag in [0, 6, 1000] {
            match Sections::parse(&payload(&[(1, true, &[]), (tag, true, &[])])) {
                Err(Error::Unsupported(text)) => {
                    assert!(text.contains(&format!("section {tag} ")), "{text}");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn disorder_repetition_and_cuts_are_damage() {
        let damaged = |bytes: &[u8]| {
            assert!(matches!(Sections::parse(bytes), Err(Error::Damaged(_))), "{bytes:?}");
        };
        for order in [[1, 1], [4, 4], [4, 3], [5, 4], [2, 1]] {
            damaged(&payload(&order.map(|tag| (tag, true, &[][..]))));
        }
        damaged(&payload(&[(2, true, &[]), (99, false, &[]), (1, true, &[])]));
        let good = payload(&[(1, true, &[1; 200]), (4, true, &[])]);
        for n in 1..good.len() {
            if n != good.len() - 2 {
                damaged(&good[..n]);
            }
        }
        damaged(&[2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]);
        let many = payload(&[(9, false, &[][..]); limits::MAX_SECTIONS]);
        assert!(Sections::parse(&many).is_ok());
        let many = [many, payload(&[(9, false, &[])])].concat();
        assert!(matches!(Sections::parse(&many), Err(Error::Limit(_))));
    }
}
