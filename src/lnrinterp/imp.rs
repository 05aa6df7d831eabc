// SPDX-License-Identifier: MIT OR Apache-2.0

use std::collections::VecDeque;
use std::sync::{LazyLock, Mutex};

use gst::glib;
use gst_base::prelude::*;
use gst_base::subclass::base_transform::{
    BaseTransformImpl, BaseTransformImplExt, BaseTransformMode, GenerateOutputSuccess,
};
use gst_base::subclass::prelude::*;

use super::rates;
use crate::clock::UnitClock;
use crate::error::Task;
use crate::{caps, error};
use lnr::{AccessUnit, Error, Interpolator, Result};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("lnrinterp", gst::DebugColorFlags::empty(), Some("LNR interpolation"))
});

struct Session {
    interpolator: Interpolator,
    /// Tells times where upstream does not.
    clock: UnitClock,
    /// Made from the last input, not pushed yet.
    pending: VecDeque<gst::Buffer>,
    has_failed: bool,
}

#[derive(Default)]
pub struct LnrInterp {
    factor: Mutex<u32>,
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
            LazyLock::new(|| caps::pad_templates(caps::parsed_lnr(), caps::parsed_lnr()));
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
            clock: UnitClock::default(),
            pending: VecDeque::new(),
            has_failed: false,
        });
        Ok(())
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        if let gst::EventView::FlushStop(_) = event.view()
            && let Some(session) = self.session.lock().unwrap().as_mut()
        {
            session.reset();
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

impl Session {
    fn push(&mut self, input: gst::Buffer) -> Result<()> {
        let unreadable = || Error::damaged("an access unit without bytes");
        let data = input.map_readable().map_err(|_| unreadable())?;
        let timing = self.clock.next(&data, None)?;
        let pts = input.pts().unwrap_or(timing.pts);
        let duration = input.duration().unwrap_or(timing.duration);
        let units = self.interpolator.push(&data, pts.nseconds(), duration.nseconds())?;
        drop(data);
        self.has_failed = false;
        for (i, unit) in units.into_iter().enumerate() {
            self.pending.push_back(output(&input, unit, i == 0));
        }
        Ok(())
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
