// SPDX-License-Identifier: MIT OR Apache-2.0
//! Searching a stream for access units at a cost in proportion to its bytes.

use super::unit::{MAGIC, Scan, garbage, header_bytes, scan};

/// Bytes of checksums that each byte of a stream pays for. In a good stream each byte is summed once or
/// twice, by who searches and by who parses; where a size lies and two units overlap, four times.
const CREDIT: u64 = 8;
/// Most bytes by which a header is recognised: all of a group's before its own header, at the least.
const FIXED: usize = 16;

/// Finds access units as [`scan`] does, but keeps account of the checksums: a candidate whose header or
/// payload cannot be paid for counts as garbage. So headers that are nested in each other's payloads
/// cannot make a reader sum the same bytes again and again. Where units follow each other as they
/// should, every one can be paid for.
#[derive(Clone, Debug, Default)]
pub struct Scanner {
    /// Bytes that were passed over.
    position: u64,
    /// Bytes whose checksums were computed, or will be by who uses the unit.
    spent: u64,
    /// Where the last of those bytes ends.
    reach: u64,
    /// The last good header.
    known: Option<Known>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    at: u64,
    fixed: [u8; FIXED],
    /// Bytes of the unit.
    len: usize,
    found: Scan,
    is_paid: bool,
}

impl Scanner {
    /// One at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks for an access unit at the start of `data`, which is where the bytes begin that were not
    /// passed over with [`Scanner::consume`]. When all of a unit is there, it may be parsed.
    pub fn scan(&mut self, data: &[u8]) -> Scan {
        self.scan_at(data, 0)
    }

    /// As [`Scanner::scan`], `offset` bytes further on: there `data` begins.
    pub fn scan_at(&mut self, data: &[u8], offset: usize) -> Scan {
        let at = self.position + offset as u64;
        let known = self.known.filter(|k| k.at == at && k.fixed == fixed(data, k.len));
        let mut known = match known {
            Some(known) => known,
            None if !self.pay(at, header_bytes(data)) => return garbage(data),
            None => match scan(data) {
                found @ (Scan::Unit { len, .. } | Scan::Index(len)) => {
                    let is_paid = matches!(found, Scan::Unit { is_group: false, .. });
                    Known { at, fixed: fixed(data, len), len, found, is_paid }
                }
                other => return other,
            },
        };
        if !known.is_paid {
            // What will not be affordable is not worth waiting for.
            if !self.can_pay(at, known.len) {
                return garbage(data);
            }
            known.is_paid = known.len <= data.len() && self.pay(at, known.len);
        }
        self.known = Some(known);
        known.found
    }

    /// Where the next group begins inside the bytes of an access unit that turned out to be damaged:
    /// when bytes were lost, its stated size reaches into what follows. `is_end` says that nothing
    /// follows `unit`, so that only whole ones are of use.
    pub fn group_inside(&mut self, unit: &[u8], is_end: bool) -> Option<usize> {
        let mut at = 1;
        while at < unit.len() {
            let rest = &unit[at..];
            match self.scan_at(rest, at) {
                Scan::Unit { is_group: true, len } if !is_end || len <= rest.len() => {
                    return Some(at);
                }
                // The unit may end inside the header.
                Scan::More(_) if !is_end && MAGIC.iter().zip(rest).all(|(a, b)| a == b) => {
                    return Some(at);
                }
                Scan::Unit { .. } | Scan::More(_) | Scan::Index(_) => at += 1,
                Scan::Garbage(n) => at += n,
            }
        }
        None
    }

    /// Passes over so many bytes.
    pub fn consume(&mut self, n: usize) {
        self.position += n as u64;
    }

    /// Begins anew: other bytes follow, as after a seek.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    /// Whether the bytes of the stream up to the end of the `n` bytes at `at`, or of what was paid for
    /// before, pay for their checksum. What was looked at and not summed has spent nothing, so that a
    /// good unit can be paid for whatever stands before it.
    fn can_pay(&self, at: u64, n: usize) -> bool {
        self.spent + n as u64 <= CREDIT * self.reach.max(at + n as u64)
    }

    fn pay(&mut self, at: u64, n: usize) -> bool {
        let can_pay = n == 0 || self.can_pay(at, n);
        if can_pay {
            self.spent += n as u64;
            self.reach = self.reach.max(at + n as u64);
        }
        can_pay
    }
}

/// The first bytes of a unit of `len` bytes.
fn fixed(data: &[u8], len: usize) -> [u8; FIXED] {
    let mut fixed = [0; FIXED];
    let n = data.len().min(len).min(FIXED);
    fixed[..n].copy_from_slice(&data[..n]);
    fixed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Tau;
    use crate::bitstream::tests::group_header;
    use crate::bitstream::{FileIndex, INDEX_MAGIC, parse, write_frame, write_group};

    fn group(id: u8, payload: &[u8]) -> Vec<u8> {
        write_group(&group_header(id), Tau::frame(0), payload)
    }

    /// Units that are found and good, and bytes whose checksums were computed.
    fn search(data: &[u8], chunk: usize) -> (Vec<usize>, u64) {
        let mut scanner = Scanner::new();
        let (mut found, mut at, mut end) = (Vec::new(), 0, 0);
        loop {
            match scanner.scan(&data[at..end]) {
                Scan::Unit { len, .. } if at + len <= end => {
                    let is_good = parse(&data[at..at + len]).is_ok();
                    let n = if is_good { len } else { 1 };
                    if is_good {
                        found.push(at);
                    }
                    scanner.consume(n);
                    at += n;
                }
                Scan::Garbage(n) => {
                    let n = n.min(end - at);
                    scanner.consume(n);
                    at += n;
                    if n == 0 && end == data.len() {
                        break;
                    }
                    end = data.len().min(end + usize::from(n == 0) * chunk);
                }
                _ if end == data.len() && at == end => break,
                _ if end == data.len() => {
                    scanner.consume(1);
                    at += 1;
                }
                _ => end = data.len().min(end + chunk),
            }
        }
        (found, scanner.spent)
    }

    #[test]
    fn good_streams_are_found_in_chunks_of_any_size() {
        let frame = write_frame(1, Tau::frame(1));
        let units = [group(1, &[1; 3000]), frame.clone(), frame, group(2, &[]), group(3, &[9; 40])];
        let mut starts = vec![4];
        units.iter().for_each(|u| starts.push(starts[starts.len() - 1] + u.len()));
        starts.pop();
        let stream = [&b"junk"[..], &units.concat()].concat();
        for chunk in [1, 3, 100, 1 << 20] {
            let (found, spent) = search(&stream, chunk);
            assert_eq!(found, starts, "chunks of {chunk}");
            assert!(spent < 3 * stream.len() as u64, "{spent} of {}", stream.len());
        }
    }

    #[test]
    fn nested_headers_cost_in_proportion_to_their_bytes() {
        // Headers one after another whose payloads all reach to the end, and none of which is good.
        let head = group(7, &[0; 9]);
        let header_len = head.len() - 9 - 4;
        let n = 2000;
        let total = n * header_len + 4;
        let mut stream = Vec::new();
        for i in 0..n {
            let payload = vec![0; total - (i + 1) * header_len - 4];
            stream.extend(&group(7, &payload)[..header_len]);
        }
        stream.extend([1, 2, 3, 4]);
        let good = group(8, &[5; 100]);
        stream.extend(&good);
        let (found, spent) = search(&stream, 4096);
        assert_eq!(found, [total], "a good group behind them is found");
        let bytes = stream.len() as u64;
        assert!(spent <= CREDIT * bytes, "{spent} of {bytes}");
    }

    #[test]
    fn an_index_is_found_and_nested_ones_are_no_burden() {
        let index = FileIndex::default().to_unit().unwrap();
        let stream = [&index[..], &group(1, &[7; 20])].concat();
        let mut scanner = Scanner::new();
        assert_eq!(scanner.scan(&stream[..9]), Scan::More(16));
        assert_eq!(scanner.scan(&stream), Scan::Index(index.len()));
        scanner.consume(index.len());
        let len = stream.len() - index.len();
        assert_eq!(scanner.scan(&stream[index.len()..]), Scan::Unit { len, is_group: true });
        let head = {
            let mut head = INDEX_MAGIC.to_vec();
            head.extend((1u32 << 20).to_le_bytes());
            head.extend(crc32c::crc32c(&head).to_le_bytes());
            head
        };
        let stream = [head.repeat(70_000), vec![0; 1 << 20]].concat();
        let (mut scanner, mut at, mut sum) = (Scanner::new(), 0, 0);
        while at < stream.len() {
            let n = match scanner.scan(&stream[at..]) {
                Scan::Index(len) => {
                    assert!(FileIndex::parse(&stream[at..at + len]).is_err());
                    sum += len;
                    1
                }
                Scan::Garbage(n) => n,
                other => panic!("{other:?}"),
            };
            scanner.consume(n);
            at += n;
        }
        assert!(sum as u64 <= CREDIT * stream.len() as u64, "{sum} of {}", stream.len());
    }

    #[test]
    fn a_group_inside_a_damaged_unit_is_found() {
        // Of whose payload hardly a byte is left, of a hundred thousand.
        let (large, next) = (group(1, &vec![0xAA; 100_000]), group(2, &[0xBB; 150]));
        let mut unit = large[..large.len() - 100_000].to_vec();
        let at = unit.len();
        unit.extend(&next);
        unit.resize(large.len(), 0);
        let mut scanner = Scanner::new();
        assert_eq!(scanner.scan(&unit), Scan::Unit { len: unit.len(), is_group: true });
        assert_eq!(scanner.group_inside(&unit, false), Some(at));

        let (a, b) = (group(1, &[0xAA; 200]), group(2, &[0xBB; 150]));
        let mut lost = a[..a.len() - 100].to_vec();
        let at = lost.len();
        lost.extend(&b);
        lost.extend([0; 60]);
        let unit = &lost[..a.len()];
        let mut scanner = Scanner::new();
        assert_eq!(scanner.scan(unit), Scan::Unit { len: a.len(), is_group: true });
        assert_eq!(scanner.group_inside(unit, false), Some(at));
        assert_eq!(scanner.group_inside(unit, true), None, "it is cut off");
        assert_eq!(scanner.group_inside(&lost, true), Some(at));
        assert_eq!(scanner.group_inside(&lost[..at + 9], false), Some(at));
        assert_eq!(scanner.group_inside(&a, false), None);
    }

    #[test]
    fn other_bytes_at_the_same_place_are_looked_at_again() {
        let mut scanner = Scanner::new();
        let (a, b) = (group(1, &[0; 10]), group(2, &[0; 500]));
        assert_eq!(scanner.scan(&a), Scan::Unit { len: a.len(), is_group: true });
        assert_eq!(scanner.scan(&b), Scan::Unit { len: b.len(), is_group: true });
        assert_eq!(scanner.scan(b"other"), Scan::Garbage(5));
        scanner.reset();
        assert_eq!(scanner.scan(&[]), Scan::More(3));
    }
}
