// SPDX-License-Identifier: MIT OR Apache-2.0

use gst_video::VideoInfo;

use super::selection::Selection;
use crate::clock::UnitClock;
use lnr::stream::{GroupHeader, MAGIC, Metadata, Unit, parse, parse_group_header};
use lnr::{Decoder, Error, Picture, Result, Tau};

/// What an access unit asks for.
pub(super) struct Request {
    pub tau: Tau,
    pub pts: gst::ClockTime,
    pub duration: Option<gst::ClockTime>,
    pub is_key: bool,
}

/// The codec's decoder, and what belongs to the run of one stream.
pub(super) struct Session {
    decoder: Decoder,
    /// Tells durations where upstream does not.
    clock: UnitClock,
    picture: Option<Picture>,
    told: Told,
    pub selection: Selection,
    /// A frame was decoded since the last flush, or the base class told so.
    pub has_decoded: bool,
}

/// Which damage the bus knows: one warning for each group is enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Told {
    #[default]
    Nothing,
    /// That of a group whose number could not be read.
    Unnamed,
    Group(u8),
}

impl Session {
    pub fn new(decoder: Decoder) -> Self {
        Self {
            decoder,
            clock: UnitClock::default(),
            picture: None,
            told: Told::default(),
            selection: Selection::default(),
            has_decoded: false,
        }
    }

    /// # Errors
    /// Those of the decoder, and whether they are news: the first of their group.
    pub fn push(
        &mut self,
        unit: &[u8],
        is_packetized: bool,
    ) -> std::result::Result<Request, (Error, bool)> {
        let decoder = &mut self.decoder;
        let decoded = decoder.push(unit).and_then(|shown| match is_packetized {
            true => Ok((shown, None)),
            false => Ok((shown, Some(self.clock.next(unit, None)?))),
        });
        let (shown, timing) = decoded.map_err(|error| (error, self.is_news(unit)))?;
        if shown.is_key {
            self.told = Told::Nothing;
        }
        let own = || gst::ClockTime::from_nseconds(shown.pts.min(i64::MAX as u64));
        Ok(Request {
            tau: shown.tau,
            pts: timing.map_or_else(own, |t| t.pts),
            duration: timing.map(|t| t.duration),
            is_key: shown.is_key,
        })
    }

    pub fn header(&self) -> Option<&GroupHeader> {
        self.decoder.header()
    }

    pub fn metadata(&self) -> Option<&Metadata> {
        self.decoder.metadata()
    }

    /// Renders `tau` in the size of `info`.
    pub fn render(&mut self, tau: Tau, info: &VideoInfo) -> Result<&Picture> {
        let header = self.decoder.header();
        let native = header.ok_or_else(|| Error::damaged("no group"))?.format;
        let format = native.resized(info.width(), info.height());
        if self.picture.as_ref().is_none_or(|p| *p.format() != format) {
            self.picture = Some(Picture::new(format)?);
        }
        let picture = self.picture.as_mut().ok_or_else(|| Error::damaged("no picture"))?;
        self.decoder.render(tau, picture)?;
        Ok(picture)
    }

    /// Whether nobody was told yet of damage to the group of this access unit, which is damaged or
    /// whose group is.
    fn is_news(&mut self, unit: &[u8]) -> bool {
        let of_group = |header: &GroupHeader| Told::Group(header.id);
        let (told, is_news) = match parse(unit) {
            _ if unit.starts_with(&MAGIC) => {
                let told = parse_group_header(unit).as_ref().map_or(Told::Unnamed, of_group);
                (told, true)
            }
            // The group that could not be named, most likely.
            Ok(Unit::Frame { group, .. }) if self.told == Told::Unnamed => {
                (Told::Group(group), false)
            }
            Ok(Unit::Frame { group, .. }) => (Told::Group(group), self.told != Told::Group(group)),
            _ => match (self.told, self.decoder.header()) {
                (Told::Nothing, Some(header)) => (of_group(header), true),
                (Told::Nothing, None) => (Told::Unnamed, true),
                (told, _) => (told, false),
            },
        };
        self.told = told;
        is_news
    }

    /// Forgets the group; what follows is the same stream.
    pub fn reset(&mut self) {
        self.decoder.reset();
        self.clock.reset();
        self.told = Told::Nothing;
        self.selection.reset();
    }
}
