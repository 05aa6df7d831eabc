// SPDX-License-Identifier: MIT OR Apache-2.0

use super::bytes::{Reader, Writer};
use super::model_spec::{read_model, write_model};
use crate::base::spec::{Extent, ModelSpec};
use crate::base::{Chroma, ChromaSite, Color, Error, Matrix, PictureFormat, Result, Tau, limits};

/// The flags that this version knows: bit 0, the shot goes on in the next group.
const CONTINUES: u8 = 1;

/// Everything a group says before its payload: sequence, times and model (FORMAT section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupHeader {
    /// Number of the group modulo 256; the access units of a group repeat it.
    pub id: u8,
    /// Format of the source pictures.
    pub format: PictureFormat,
    /// Nominal frame rate (numerator, denominator); (0, 1) when variable or unknown.
    pub frame_rate: (u32, u32),
    /// Presentation time of the first frame in ns.
    pub pts: u64,
    /// Duration of every frame in ns, 1..=[`limits::MAX_GROUP_FRAMES`] entries.
    pub durations: Vec<u64>,
    /// Whether the shot goes on in the next group, so that pictures may be interpolated between the two.
    pub continues: bool,
    /// The model; one that was read is legal ([`ModelSpec::check`]).
    pub model: ModelSpec,
}

impl GroupHeader {
    /// Frames of the group.
    pub fn n_frames(&self) -> u32 {
        self.durations.len() as u32
    }

    /// Whether a frame unit of the group `id` that shows `shows` is one of this group's, of which the
    /// access unit before showed `before` (FORMAT section 2). Ids repeat: one that goes back in time
    /// belongs to another group, whose start was lost.
    pub fn has_frame(&self, id: u8, shows: Tau, before: Tau) -> bool {
        id == self.id && shows >= before && shows < Tau::frame(self.n_frames())
    }

    /// What the group covers.
    pub fn extent(&self) -> Extent {
        Extent {
            width: self.format.width,
            height: self.format.height,
            n_frames: self.n_frames(),
            n_out: self.format.chroma.n_planes() as u32,
        }
    }

    /// Duration of the whole group in ns.
    pub fn duration(&self) -> u64 {
        self.durations.iter().sum()
    }

    /// Presentation time of `tau` in ns: frame times, linear between them.
    pub fn time_of(&self, tau: Tau) -> u64 {
        let i = (tau.floor() as usize).min(self.durations.len() - 1);
        let start: u64 = self.pts + self.durations[..i].iter().sum::<u64>();
        let units = u64::from(tau.units()) - i as u64 * u64::from(Tau::UNIT);
        start + (self.durations[i] * units + u64::from(Tau::UNIT) / 2) / u64::from(Tau::UNIT)
    }

    pub(super) fn write(&self, w: &mut Writer) {
        let f = &self.format;
        w.u8(if self.continues { CONTINUES } else { 0 });
        w.varint(f.width.into());
        w.varint(f.height.into());
        w.u8(f.chroma as u8 | (f.depth - 8) << 3 | u8::from(f.color.full_range) << 7);
        w.u8(f.color.matrix as u8 | (f.color.site as u8) << 4);
        w.u8(f.color.primaries);
        w.u8(f.color.transfer);
        w.varint(f.par.0.into());
        w.varint(f.par.1.into());
        w.varint(self.frame_rate.0.into());
        w.varint(self.frame_rate.1.into());
        w.varint(self.pts);
        self.write_durations(w);
        write_model(&self.model, w);
    }

    /// As a position on the nominal frame grid where they lie on it (1 + its number), else as 0 and
    /// runs of equal durations.
    fn write_durations(&self, w: &mut Writer) {
        w.varint(self.durations.len() as u64);
        let first = nearest_frame(self.pts, self.frame_rate);
        let is_legal = first < limits::MAX_GRID_FRAME;
        if is_legal
            && grid_durations(first, self.durations.len(), self.frame_rate) == self.durations
        {
            return w.varint(first + 1);
        }
        w.varint(0);
        let mut base = 0;
        for run in self.durations.chunk_by(|a, b| a == b) {
            w.varint(run.len() as u64);
            w.signed(run[0].wrapping_sub(base) as i64);
            base = run[0];
        }
    }

    pub(super) fn read(id: u8, r: &mut Reader) -> Result<Self> {
        let flags = r.u8()?;
        if flags & !CONTINUES != 0 {
            return Err(Error::Unsupported(format!(
                "this decoder does not know the header flags {:#04x}; a later version may",
                flags & !CONTINUES
            )));
        }
        let side = 1..=u64::from(limits::MAX_SIDE);
        let width = r.bounded("width", side.clone())?;
        let height = r.bounded("height", side)?;
        let b = r.u8()?;
        let chroma = Chroma::from_code(b & 7)
            .ok_or_else(|| Error::damaged(format!("unknown chroma format {}", b & 7)))?;
        let depth = 8 + (b >> 3 & 15);
        let c = r.u8()?;
        let color = Color {
            matrix: Matrix::from_code(c & 15)
                .ok_or_else(|| Error::damaged(format!("unknown matrix {}", c & 15)))?,
            full_range: b >> 7 != 0,
            site: ChromaSite::from_code(c >> 4)
                .ok_or_else(|| Error::damaged(format!("unknown chroma site {}", c >> 4)))?,
            primaries: r.u8()?,
            transfer: r.u8()?,
        };
        let any = 1..=u64::from(u32::MAX);
        let par = (
            r.bounded("pixel aspect ratio", any.clone())?,
            r.bounded("pixel aspect ratio", any.clone())?,
        );
        let format = PictureFormat { width, height, chroma, depth, color, par };
        format.validate()?;
        let frame_rate =
            (r.bounded("frame rate", 0..=u64::from(u32::MAX))?, r.bounded("frame rate", any)?);
        let pts = r.varint()?;
        let durations = Self::read_durations(r, frame_rate)?;
        let total = durations.iter().try_fold(pts, |t, &d| t.checked_add(d));
        if total.is_none_or(|t| t > i64::MAX as u64) {
            return Err(Error::damaged("the group ends after the end of time"));
        }
        let continues = flags & CONTINUES != 0;
        let model = read_model(r)?;
        let header = Self { id, format, frame_rate, pts, durations, continues, model };
        header.model.check(&header.extent())?;
        Ok(header)
    }

    fn read_durations(r: &mut Reader, frame_rate: (u32, u32)) -> Result<Vec<u64>> {
        let n = r.bounded("number of frames", 1..=u64::from(limits::MAX_GROUP_FRAMES))? as usize;
        let first = r.varint()?;
        if first > 0 {
            if frame_rate.0 == 0 || first > limits::MAX_GRID_FRAME {
                return Err(Error::damaged("a place on a frame grid that does not exist"));
            }
            let durations = grid_durations(first - 1, n, frame_rate);
            durations.iter().try_for_each(|&d| check_duration(d))?;
            return Ok(durations);
        }
        let mut durations = Vec::with_capacity(n);
        let mut duration = 0u64;
        while durations.len() < n {
            let run = r.bounded("run of durations", 1..=(n - durations.len()) as u64)? as usize;
            duration = duration.wrapping_add(r.signed()? as u64);
            check_duration(duration)?;
            durations.resize(durations.len() + run, duration);
        }
        Ok(durations)
    }
}

fn check_duration(ns: u64) -> Result<()> {
    if ns > limits::MAX_FRAME_DURATION {
        return Err(Error::limit(format!("a frame that lasts {ns} ns, longer than 13 days")));
    }
    Ok(())
}

/// The time in ns at which frame `n` of a constant frame rate begins.
fn grid_time(n: u64, frame_rate: (u32, u32)) -> u64 {
    let ns = u128::from(n) * 1_000_000_000 * u128::from(frame_rate.1);
    (ns / u128::from(frame_rate.0)).min(u128::from(u64::MAX)) as u64
}

/// The frame of a constant frame rate that begins nearest to `pts`; 0 when the rate is unknown.
fn nearest_frame(pts: u64, frame_rate: (u32, u32)) -> u64 {
    let second = 1_000_000_000 * u128::from(frame_rate.1);
    ((u128::from(pts) * u128::from(frame_rate.0) + second / 2) / second) as u64
}

/// Durations of `n` frames from frame `first` on; empty when the rate is unknown.
fn grid_durations(first: u64, n: usize, frame_rate: (u32, u32)) -> Vec<u64> {
    if frame_rate.0 == 0 {
        return Vec::new();
    }
    let times = |i: u64| grid_time(first + i, frame_rate);
    (0..n as u64).map(|i| times(i + 1).saturating_sub(times(i))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::spec::samples::{EXTENT, grids, hash};

    fn header(model: ModelSpec) -> GroupHeader {
        GroupHeader {
            id: 7,
            format: PictureFormat::new(EXTENT.width, EXTENT.height, Chroma::Yuv420, 8),
            frame_rate: (30_000, 1001),
            pts: 0,
            durations: grid_durations(0, EXTENT.n_frames as usize, (30_000, 1001)),
            continues: false,
            model,
        }
    }

    fn bytes_of(header: &GroupHeader) -> Vec<u8> {
        let mut w = Writer::default();
        header.write(&mut w);
        w.0
    }

    #[test]
    fn headers_round_trip() {
        let mut uneven = header(grids());
        uneven.durations[3] += 1000;
        (uneven.pts, uneven.frame_rate) = (123_456_789, (0, 1));
        let continued = GroupHeader { continues: true, ..header(hash()) };
        for header in [header(grids()), uneven, continued] {
            let bytes = bytes_of(&header);
            assert_eq!(header.extent(), EXTENT);
            assert_eq!(GroupHeader::read(7, &mut Reader(&bytes)).unwrap(), header);
            for n in 0..bytes.len() {
                assert!(GroupHeader::read(7, &mut Reader(&bytes[..n])).is_err(), "{n} bytes");
            }
        }
    }

    #[test]
    fn frames_belong_to_a_group_by_id_order_and_time() {
        let header = header(grids());
        let n = header.n_frames();
        let has = |id, shows, before| header.has_frame(id, Tau::frame(shows), Tau::frame(before));
        assert!(has(7, 1, 0) && has(7, n - 1, n - 1));
        assert!(!has(8, 1, 0) && !has(7, 1, 2) && !has(7, n, 0));
    }

    #[test]
    fn the_sequence_takes_few_bytes() {
        let bytes = bytes_of(&header(grids()));
        let expected = [0, 0xC0, 2, 0xB4, 1, 1, 2, 2, 2, 1, 1, 0xB0, 0xEA, 1, 0xE9, 7, 0, 9, 1];
        assert_eq!(bytes[..19], expected);
        assert_eq!(bytes.len(), 19 + 26);
    }

    #[test]
    fn frames_that_last_too_long_are_refused_however_their_durations_are_written() {
        let read = |h: &GroupHeader| GroupHeader::read(7, &mut Reader(&bytes_of(h)));
        let most = limits::MAX_FRAME_DURATION;
        let n = EXTENT.n_frames as usize;
        let runs = |ns| GroupHeader { durations: vec![ns; n], ..header(grids()) };
        assert_eq!(read(&runs(most)).unwrap(), runs(most));
        assert!(matches!(read(&runs(most + 1)), Err(Error::Limit(_))));
        // 13 days are 1,125,899.9 seconds.
        let grid = |frame_rate: (u32, u32)| {
            let durations = grid_durations(0, n, frame_rate);
            GroupHeader { frame_rate, durations, ..header(grids()) }
        };
        assert_eq!(read(&grid((1, 1_125_899))).unwrap(), grid((1, 1_125_899)));
        assert!(matches!(read(&grid((1, 1_125_900))), Err(Error::Limit(_))));
    }

    #[test]
    fn frame_numbers_too_large_for_the_grid_are_written_as_durations() {
        let frame_rate = (100_000, 1);
        for first in [limits::MAX_GRID_FRAME - 1, limits::MAX_GRID_FRAME] {
            let durations = grid_durations(first, EXTENT.n_frames as usize, frame_rate);
            let pts = grid_time(first, frame_rate);
            let header = GroupHeader { frame_rate, pts, durations, ..header(grids()) };
            assert_eq!(GroupHeader::read(7, &mut Reader(&bytes_of(&header))).unwrap(), header);
        }
    }

    #[test]
    fn flags_and_models_that_are_not_known_are_refused() {
        let good = bytes_of(&header(grids()));
        let read = |bytes: &[u8]| GroupHeader::read(7, &mut Reader(bytes));
        for flags in [2, 0x80, 3] {
            let mut bytes = good.clone();
            bytes[0] = flags;
            assert!(matches!(read(&bytes), Err(Error::Unsupported(_))), "{flags}");
        }
        let mut model = grids();
        model.network.n_layers = 5;
        assert!(matches!(read(&bytes_of(&header(model))), Err(Error::Unsupported(_))));
        let mut model = grids();
        model.network.width = 513;
        assert!(matches!(read(&bytes_of(&header(model))), Err(Error::Limit(_))));
    }
}
