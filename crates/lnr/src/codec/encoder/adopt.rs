// SPDX-License-Identifier: MIT OR Apache-2.0

use super::frames::{InputFrame, durations};
use super::{Encoder, group};
use crate::base::{Error, Metadata, Picture, Result};
use crate::bitstream::{self, GroupHeader, Unit};
use crate::codec::coded::checksum;
use crate::codec::payload::metadata;
use crate::codec::{Choice, Control};

impl Encoder {
    /// Takes over a group that was written before with the same settings, from these frames, instead of
    /// training it: what follows is then encoded as if it had been trained here. `group` are the bytes
    /// of its access units.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] naming what differs, or when frames wait for their group;
    /// [`Error::Damaged`] when it cannot be decoded; [`Error::Cancelled`] and [`Error::Backend`] as
    /// [`Encoder::push`]. The encoder is of no use then.
    pub fn adopt(
        &mut self,
        group: &[Vec<u8>],
        frames: &[InputFrame],
        control: &Control,
    ) -> Result<()> {
        let differs = |what: &str| {
            let number = self.stats.groups + 1;
            Err(Error::InvalidSetting(format!("group {number} was encoded with other {what}")))
        };
        if self.n_pending() > 0 {
            return Err(Error::InvalidSetting("frames wait for their own group".into()));
        }
        let Some(Unit::Group { header, payload, .. }) =
            group.first().map(|unit| bitstream::parse(unit)).transpose()?
        else {
            return Err(Error::damaged("not the first access unit of a group"));
        };
        if group.len() != frames.len() {
            return Err(Error::damaged("a group that has not all of its frames"));
        }
        let written = metadata(payload)?;
        let said = Metadata { price: None, source: None, ..written.clone() };
        let expected = self.metadata();
        if said.settings != expected.settings {
            return differs(&format!("settings: {:?}, now {:?}", said.settings, expected.settings));
        }
        let settings = &self.settings;
        if (header.format, header.frame_rate, &said)
            != (settings.format, settings.frame_rate, &expected)
        {
            return differs("properties of the video: size, format, frame rate or rotation");
        }
        if header.id != self.stats.groups as u8 || !has_times_of(&header, frames) {
            return differs("times: its video is another one, or begins elsewhere");
        }
        if frames.iter().any(|frame| *frame.picture.format() != settings.format) {
            return differs("formats of pictures");
        }
        let pictures: Vec<&Picture> = frames.iter().map(|frame| &frame.picture).collect();
        let source = written.source.ok_or_else(|| {
            Error::InvalidSetting(
                "a group that does not name its pictures, of another encoder".into(),
            )
        })?;
        if source != checksum(&pictures) {
            return differs("pictures: its video is another one, or begins elsewhere");
        }
        let psnr = group::check(&self.engine, &group[0], frames, &control.cancel)?;
        let bytes: u64 = group.iter().map(|unit| unit.len() as u64).sum();
        if let Some(budget) = &mut self.budget {
            let price = written.price.map(f32::from_bits).filter(|p| p.is_finite());
            let no_price = || Error::InvalidSetting("a group that names no price of a bit".into());
            budget.plan(header.duration(), frames.len());
            budget.settle(8.0 * bytes as f64, price.ok_or_else(no_price)?);
        }
        for frame in frames {
            self.scenes.push(&frame.picture);
        }
        self.stats.add(frames.len(), bytes, psnr);
        self.stats.add_choice(Choice::of(&header.model));
        Ok(())
    }
}

/// Whether a group of these frames would have these times.
fn has_times_of(header: &GroupHeader, frames: &[InputFrame]) -> bool {
    header.durations == durations(frames) && frames.first().is_some_and(|f| f.pts == header.pts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Chroma, PictureFormat};
    use crate::codec::{AccessUnit, EncoderSettings, RateControl};

    fn format() -> PictureFormat {
        PictureFormat::new(32, 24, Chroma::Gray, 8)
    }

    /// `n` frames that move, with a cut at frame 5; other pictures for another `seed`.
    fn frames(n: u64) -> Vec<InputFrame> {
        let frame = |t: u64| {
            let mut picture = Picture::new(format()).unwrap();
            for (x, y) in (0..24).flat_map(|y| (0..32).map(move |x| (x, y))) {
                let (i, j) = if t < 5 { (x, y) } else { (y, 31 - x) };
                let v = 4 * i + 3 * j + 2 * t as usize + 20;
                picture.set_sample(0, x, y, v.min(255) as u16);
            }
            InputFrame::new(picture, t * 40_000_000, 40_000_000)
        };
        (0..n).map(frame).collect()
    }

    fn settings() -> EncoderSettings {
        EncoderSettings::new(format()).epochs(6).key_int_max(4).frame_rate((25, 1)).threads(1)
    }

    fn encode(encoder: &mut Encoder, frames: &[InputFrame]) -> Vec<Vec<AccessUnit>> {
        let mut units = Vec::new();
        let mut control = Control::default();
        for frame in frames {
            units.extend(encoder.push(frame.clone(), &mut control).unwrap());
        }
        units.extend(encoder.finish(&mut control).unwrap());
        units.chunk_by(|_, b| !b.is_key).map(<[_]>::to_vec).collect()
    }

    fn bytes(group: &[AccessUnit]) -> Vec<Vec<u8>> {
        group.iter().map(|u| u.data.clone()).collect()
    }

    #[test]
    fn what_follows_is_encoded_as_if_nothing_had_happened() {
        let frames = frames(22);
        for rate_control in [RateControl::Quality(40.0), RateControl::Bitrate(60)] {
            let settings = settings().rate_control(rate_control);
            let whole = encode(&mut Encoder::new(settings.clone()).unwrap(), &frames);
            assert!(whole.len() >= 4, "{} groups", whole.len());
            for n_kept in 1..whole.len() {
                let jobs = 1 + n_kept % 3;
                let settings = settings.clone().jobs(jobs).threads(jobs);
                let mut encoder = Encoder::new(settings).unwrap();
                let mut at = 0;
                for group in &whole[..n_kept] {
                    let of = &frames[at..at + group.len()];
                    encoder.adopt(&bytes(group), of, &Control::default()).unwrap();
                    at += group.len();
                    assert_eq!(encoder.stats().choice.finest_canonical, 1);
                }
                assert_eq!(encoder.stats().choice.finest_canonical, 1);
                let rest = encode(&mut encoder, &frames[at..]);
                assert!(rest == whole[n_kept..], "{n_kept} groups kept, {rate_control:?}");
                assert_eq!(encoder.stats().frames, 22);
            }
        }
    }

    #[test]
    fn other_groups_are_refused() {
        let video = frames(4);
        let groups = encode(&mut Encoder::new(settings()).unwrap(), &video);
        let refused = |settings: EncoderSettings, frames: &[InputFrame], what: &str| {
            let mut encoder = Encoder::new(settings).unwrap();
            let error = encoder.adopt(&bytes(&groups[0]), frames, &Control::default());
            let error = error.unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        };
        refused(settings().quality(51.0), &video, "now \"lnr");
        refused(settings().seed(2), &video, "seed=2");
        refused(settings().frame_rate((50, 1)), &video, "frame rate");
        let mut late = video.clone();
        late[3].pts += 1;
        refused(settings(), &late, "times");
        let mut other = video.clone();
        other[3].picture.set_sample(0, 31, 23, 0);
        refused(settings(), &other, "pictures");
        refused(settings(), &video[..3], "all of its frames");
        let mut encoder = Encoder::new(settings()).unwrap();
        encoder.push(video[0].clone(), &mut Control::default()).unwrap();
        assert!(encoder.adopt(&bytes(&groups[0]), &video, &Control::default()).is_err());
    }
}
