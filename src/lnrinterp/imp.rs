// SPDX-License-Identifier: MIT OR Apache-2.0

use std::collections::VecDeque;
use std::sync::{LazyLock, Mutex};

use gst::glib;
use gst_base::prelude::*;
use gst_base::subclass::base_transform::{
    BaseTransformImpl, BaseTransformImplExt, BaseTransformMode, GenerateOutputSuccess,
};
use gst_base::subclass::prelude::*;

use crate::clock::UnitClock;
use crate::error::Task;
use crate::{caps, error, rates};
use lnr::{AccessUnit, Error, Interpolator, Result};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("lnrinterp", gst::DebugColorFlags::empty(), Some("LNR interpolation"))
});

struct Session {
    interpolator: Interpolator,
    /// That of the input, where it is known.
    rate: Option<gst::Fraction>,
    /// Tells times where upstream does not.
    clock: UnitClock,
    /// Made from the last input, not pushed yet.
    pending: VecDeque<gst::Buffer>,
    has_failed: bool,
}

#[derive(Default)]
pub struct LnrInterp {
    factor: Mutex<u32>,
    /// Caps that did not do, and were spoken of.
    refused: Mutex<Option<gst::Caps>>,
    session: Mutex<Option<Session>>,
}

#[glib::object_subclass]
impl ObjectSubclass for LnrInterp {
    const NAME: &'static str = "GstLnrInterp";
    type Type = super::LnrInterp;
    type ParentType = gst_base::BaseTransform;
}

impl ObjectImpl for LnrInterp {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
            vec![
                glib::ParamSpecUInt::builder("factor")
                    .nick("Factor")
                    .blurb("By how much to raise the frame rate: 2, 4 or 8 (0 = as downstream caps say, else 2)")
                    .maximum(8)
                    .mutable_ready()
                    .build(),
            ]
        });
        PROPERTIES.as_ref()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, _pspec: &glib::ParamSpec) {
        *self.factor.lock().unwrap() = value.get().expect("type checked by GObject");
    }

    fn property(&self, _id: usize, _pspec: &glib::ParamSpec) -> glib::Value {
        self.factor.lock().unwrap().to_value()
    }
}

impl GstObjectImpl for LnrInterp {}

impl ElementImpl for LnrInterp {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "LNR frame interpolation",
                "Filter/Converter/Video",
                "Raises the frame rate of latent-INR video without decoding it",
                "The gst-plugin-lnr authors",
            )
        });
        Some(&*METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> =
            LazyLock::new(|| caps::pad_templates(caps::parsed_lnr(), caps::produced()));
        TEMPLATES.as_ref()
    }
}

impl BaseTransformImpl for LnrInterp {
    const MODE: BaseTransformMode = BaseTransformMode::NeverInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

    fn start(&self) -> std::result::Result<(), gst::ErrorMessage> {
        let factor = *self.factor.lock().unwrap();
        match rates::FACTORS.contains(&factor) || factor <= 1 {
            true => Ok(()),
            false => Err(error::message(
                Task::Decoding,
                &Error::InvalidSetting(format!(
                    "factor {factor}: choose 2, 4 or 8, or 0 to follow the caps"
                )),
            )),
        }
    }

    fn stop(&self) -> std::result::Result<(), gst::ErrorMessage> {
        *self.session.lock().unwrap() = None;
        *self.refused.lock().unwrap() = None;
        Ok(())
    }

    fn transform_caps(
        &self,
        direction: gst::PadDirection,
        caps: &gst::Caps,
        filter: Option<&gst::Caps>,
    ) -> Option<gst::Caps> {
        let factor = *self.factor.lock().unwrap();
        let other = rates::transform(caps, direction == gst::PadDirection::Sink, factor);
        Some(match filter {
            Some(filter) => filter.intersect_with_mode(&other, gst::CapsIntersectMode::First),
            None => other,
        })
    }

    /// Our order of preference is that of [`rates::transform`]; a filter may have changed it.
    fn fixate_caps(
        &self,
        direction: gst::PadDirection,
        caps: &gst::Caps,
        mut othercaps: gst::Caps,
    ) -> gst::Caps {
        let factor = *self.factor.lock().unwrap();
        let preferred = rates::transform(caps, direction == gst::PadDirection::Sink, factor);
        othercaps = preferred.intersect_with_mode(&othercaps, gst::CapsIntersectMode::First);
        othercaps.fixate();
        othercaps
    }

    fn set_caps(
        &self,
        incaps: &gst::Caps,
        outcaps: &gst::Caps,
    ) -> std::result::Result<(), gst::LoggableError> {
        let fixed = *self.factor.lock().unwrap();
        let factor = rates::factor_between(incaps, outcaps).unwrap_or(match fixed {
            0 => 2,
            fixed => fixed,
        });
        gst::debug!(CAT, imp = self, "{factor} times the frame rate");
        let interpolator =
            Interpolator::new(factor).map_err(|e| gst::loggable_error!(CAT, "{e}"))?;
        *self.session.lock().unwrap() = Some(Session {
            interpolator,
            rate: rates::rate_of(incaps),
            clock: UnitClock::default(),
            pending: VecDeque::new(),
            has_failed: false,
        });
        Ok(())
    }

    /// Whatever rate comes is taken: only then can be told why it does not do.
    fn accept_caps(&self, direction: gst::PadDirection, caps: &gst::Caps) -> bool {
        match direction {
            gst::PadDirection::Sink => caps.is_subset(&caps::parsed_lnr()),
            _ => self.parent_accept_caps(direction, caps),
        }
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::FlushStop(_) => {
                if let Some(session) = self.session.lock().unwrap().as_mut() {
                    session.reset();
                }
            }
            gst::EventView::Caps(caps) => {
                let caps = caps.caps_owned();
                let is_taken = self.parent_sink_event(event);
                if !is_taken {
                    self.tell_refusal(caps);
                }
                return is_taken;
            }
            _ => {}
        }
        self.parent_sink_event(event)
    }

    fn generate_output(&self) -> std::result::Result<GenerateOutputSuccess, gst::FlowError> {
        let input = self.take_queued_buffer();
        let mut guard = self.session.lock().unwrap();
        let session = guard.as_mut().ok_or(gst::FlowError::NotNegotiated)?;
        let mut warning = None;
        if let Some(input) = input
            && let Err(error) = session.push(input)
            && !std::mem::replace(&mut session.has_failed, true)
        {
            warning = Some(error);
        }
        let output = session.pending.pop_front();
        drop(guard);
        if let Some(error) = warning {
            error::warn(&*self.obj(), error::DROPPING, &error);
        }
        Ok(match output {
            Some(buffer) => GenerateOutputSuccess::Buffer(buffer),
            None => GenerateOutputSuccess::NoOutput,
        })
    }
}

impl LnrInterp {
    /// Says once which rates could be made, where none of them is wanted.
    fn tell_refusal(&self, caps: gst::Caps) {
        let obj = self.obj();
        let asked = obj.src_pad().peer_query_caps(Some(&caps::produced()));
        let (Some(rate), Some(asked)) = (rates::rate_of(&caps), rates::rate_of(&asked)) else {
            return;
        };
        if self.refused.lock().unwrap().replace(caps.clone()) == Some(caps) {
            return;
        }
        let made = match *self.factor.lock().unwrap() {
            0 => format!("{} can become {}", rates::text(rate), rates::reachable(rate)),
            factor => format!("factor {factor} makes something else of {}", rates::text(rate)),
        };
        let asked = rates::text(asked);
        let advice = "ask for such a rate, or put `videorate` behind the decoder";
        let error = Error::Unsupported(format!("frame rate {asked}: {made}; {advice}"));
        obj.post_error_message(error::message(Task::Decoding, &error));
    }
}

impl Session {
    fn push(&mut self, input: gst::Buffer) -> Result<()> {
        let unreadable = || Error::damaged("an access unit without bytes");
        let data = input.map_readable().map_err(|_| unreadable())?;
        let timing = self.clock.next(&data, None)?;
        let pts = input.pts().unwrap_or(timing.pts);
        let mut duration = input.duration().unwrap_or(timing.duration);
        if timing.is_key {
            duration = self.frame_at_most().map_or(duration, |most| duration.min(most));
        }
        let units = self.interpolator.push(&data, pts.nseconds(), duration.nseconds())?;
        drop(data);
        self.has_failed = false;
        for (i, unit) in units.into_iter().enumerate() {
            self.pending.push_back(output(&input, unit, i == 0));
        }
        Ok(())
    }

    /// How long the first access unit of a group can last where units were inserted before. Who sees none
    /// but that one takes it for a whole frame.
    fn frame_at_most(&self) -> Option<gst::ClockTime> {
        let header = self.clock.header()?;
        let own = caps::frame_rate(header.frame_rate);
        let n_units = rates::ratio(own, self.rate?).filter(|&n| n > 1)?;
        let duration = *header.durations.first()?;
        Some(gst::ClockTime::from_nseconds(duration / u64::from(n_units)))
    }

    fn reset(&mut self) {
        self.interpolator.reset();
        self.clock.reset();
        self.pending.clear();
        self.has_failed = false;
    }
}

/// The first of the access units is the input itself: it keeps its metas and flags.
fn output(input: &gst::Buffer, unit: AccessUnit, is_first: bool) -> gst::Buffer {
    let pts = gst::ClockTime::from_nseconds(unit.pts);
    let mut buffer = match is_first {
        true => {
            let mut buffer = gst::Buffer::from_mut_slice(unit.data);
            let copied = gst::BufferCopyFlags::FLAGS | gst::BufferCopyFlags::META;
            // Only memory could fail to be copied.
            let _ = input.copy_into(buffer.make_mut(), copied, ..);
            buffer
        }
        false => gst::Buffer::from_mut_slice(unit.data),
    };
    let writable = buffer.make_mut();
    writable.set_pts(pts);
    writable.set_dts(pts);
    writable.set_duration(gst::ClockTime::from_nseconds(unit.duration));
    if !unit.is_key {
        writable.set_flags(gst::BufferFlags::DELTA_UNIT | gst::BufferFlags::DROPPABLE);
    }
    buffer
}
