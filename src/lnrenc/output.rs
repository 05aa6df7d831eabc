// SPDX-License-Identifier: MIT OR Apache-2.0
//! What goes downstream beside the access units, and what becomes of them there.

use gst_video::prelude::*;
use gst_video::video_codec_state::{Readable, VideoCodecState};

use super::LnrEnc;
use crate::caps;
use lnr::{AccessUnit, EncoderSettings, RateControl};
use lnr_gst::hdr::Hdr;

/// Why frames did not get out.
#[derive(Clone, Copy)]
pub(super) enum Stop {
    /// The codec failed or was asked to stop, and the bus knows.
    Told(gst::FlowError),
    /// Downstream did not take them.
    Refused(gst::FlowError),
}

impl Stop {
    /// What the streaming thread returns.
    pub fn flow(self) -> gst::FlowError {
        match self {
            Self::Told(flow) | Self::Refused(flow) => flow,
        }
    }
}

/// Negotiates the caps of a new stream and says how it is encoded.
pub(super) fn announce(
    element: &LnrEnc,
    state: &VideoCodecState<'static, Readable>,
    config: &EncoderSettings,
) -> Result<(), gst::FlowError> {
    let rate = caps::frame_rate(config.frame_rate);
    let hdr = Hdr::from(&config.metadata);
    let caps = caps::for_pad(element.src_pad(), &config.format, Some(rate), &hdr);
    element.negotiate(element.set_output_state(caps, Some(state))?)?;
    tell_rate(element, config.rate_control);
    Ok(())
}

/// Says in tags who encodes at which rate.
pub(super) fn tell_rate(element: &LnrEnc, rate_control: RateControl) {
    let mut tags = gst::TagList::new();
    {
        let tags = tags.make_mut();
        let encoder = concat!("lnrenc ", env!("CARGO_PKG_VERSION"));
        tags.add::<gst::tags::VideoCodec>(&caps::CODEC_NAME, gst::TagMergeMode::Replace);
        tags.add::<gst::tags::Encoder>(&encoder, gst::TagMergeMode::Replace);
        if let RateControl::Bitrate(kbits) = rate_control {
            let bits = kbits.saturating_mul(1000);
            tags.add::<gst::tags::NominalBitrate>(&bits, gst::TagMergeMode::Replace);
        }
    }
    element.merge_tags(Some(&tags), gst::TagMergeMode::Replace);
}

/// Posts that frames were encoded for nothing; but whoever seeks or ends wants no more of them.
pub(super) fn tell_refusal(element: &LnrEnc, flow: gst::FlowError) {
    let lost = "could not encode: the last group was not taken downstream";
    match flow {
        gst::FlowError::Flushing | gst::FlowError::Eos => {}
        gst::FlowError::NotNegotiated => gst::element_error!(
            element,
            gst::StreamError::Encode,
            ("{lost} ({flow}): a muxer takes one format only; put `videoconvertscale` and a caps \
              filter before the encoder")
        ),
        _ => gst::element_error!(element, gst::StreamError::Encode, ("{lost} ({flow})")),
    }
}

/// Whether the source is live, as far as it says.
pub(super) fn is_live(element: &LnrEnc) -> bool {
    let mut query = gst::query::Latency::new();
    element.sink_pad().peer_query(&mut query) && query.result().0
}

/// Warns of what a format has and streams do not.
pub(super) fn tell_of_alpha(element: &LnrEnc, info: &gst_video::VideoInfo) {
    gst::element_warning!(
        element,
        gst::StreamError::NotImplemented,
        ("{} video: alpha is dropped, the colours below it are encoded", info.format())
    );
}

/// As the group header has them: up to the next frame of the group, whatever the source said.
pub(super) fn durations(units: &[AccessUnit]) -> Vec<u64> {
    let next = units.iter().skip(1).map(Some).chain([None]);
    let duration = |(unit, next): (&AccessUnit, Option<&AccessUnit>)| match next {
        Some(next) if !next.is_key => next.pts.saturating_sub(unit.pts),
        _ => unit.duration,
    };
    units.iter().zip(next).map(duration).collect()
}
