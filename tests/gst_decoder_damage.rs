// SPDX-License-Identifier: MIT OR Apache-2.0
//! lnrdec behind damage: what is said, what still comes out, and nothing of what a buffer held before.
mod elements;
mod handmade;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use elements::*;
use gst::prelude::*;
use gst_video::prelude::*;
use lnr::Tau;
use lnr::stream::write_group;

const DEC: &str = "lnrdec ! appsink name=out";

/// The small stream with the last bytes of these access units damaged.
fn damaged(units: &[usize]) -> Vec<gst::Buffer> {
    let mut buffers = small_stream().buffers.clone();
    for &i in units {
        let mut data = bytes(&buffers[i]);
        let end = data.len() - 5;
        data[end] ^= 1;
        let mut buffer = gst::Buffer::from_slice(data);
        let parts = gst::BufferCopyFlags::TIMESTAMPS | gst::BufferCopyFlags::FLAGS;
        buffers[i].copy_into(buffer.make_mut(), parts, ..).expect("times");
        buffers[i] = buffer;
    }
    buffers
}

/// All ways in: packetized, parsed, and bytes that nobody parsed.
fn all_ways(buffers: &[gst::Buffer]) -> [Outcome; 3] {
    let stream = buffers.iter().map(bytes).collect::<Vec<_>>().concat();
    [
        run_buffers(buffers.to_vec(), &small_stream().caps[0], DEC).ok(),
        run_on(&stream, 512, &format!("lnrparse ! {DEC}")).ok(),
        run_on(&stream, 512, DEC).ok(),
    ]
}

fn times(outcome: &Outcome, frames: impl IntoIterator<Item = usize>) {
    let expected: Vec<_> = frames.into_iter().map(|i| small_stream().times()[i].0).collect();
    let seen: Vec<_> = outcome.times().iter().map(|t| t.0).collect();
    assert_eq!(seen, expected);
}

#[test]
fn every_damaged_group_is_one_warning() {
    // Groups begin at 0, 4 and 8.
    for (units, kept) in
        [(vec![0, 4], 8..12), (vec![4, 8], 0..4), (vec![8], 0..8), (vec![0], 4..12)]
    {
        for outcome in all_ways(&damaged(&units)) {
            times(&outcome, kept.clone());
            assert_eq!(outcome.warnings.len(), units.len(), "{:?}", outcome.warnings);
        }
    }
}

#[test]
fn groups_without_their_start_are_one_warning_each() {
    let mut buffers = small_stream().buffers.clone();
    buffers.remove(8);
    buffers.remove(4);
    let outcome = run_buffers(buffers, &small_stream().caps[0], DEC).ok();
    times(&outcome, 0..4);
    assert_eq!(outcome.warnings.len(), 2, "{:?}", outcome.warnings);
}

#[test]
fn a_damaged_frame_costs_itself() {
    let outcome = run_buffers(damaged(&[2, 3, 6]), &small_stream().caps[0], DEC).ok();
    times(&outcome, [0, 1, 4, 5, 7, 8, 9, 10, 11]);
    assert_eq!(outcome.warnings.len(), 2, "{:?}", outcome.warnings);
}

/// The last group of time itself, and times that reach beyond it.
#[test]
fn times_at_the_end_of_time_do_no_harm() {
    let mut header = handmade::header(3, 0, 2, handmade::small_model());
    header.pts = i64::MAX as u64 - 2 * 40_000_000;
    let ones = [0xFF; 16];
    let sections = [handmade::LATENTS, handmade::NETWORKS, handmade::SOURCE];
    let payload = handmade::payload(&sections.map(|tag| (tag, true, &ones[..])));
    let group = write_group(&header, Tau::frame(0), &payload);
    header.pts += 1;
    let beyond = write_group(&header, Tau::frame(0), &payload);
    let chains = ["lnrinterp ! lnrembed !", "lnrinterp factor=8 !", ""];
    for chain in chains {
        let rest = format!("lnrparse ! {chain} {DEC}");
        let outcome = run_on(&group, 100, &rest).ok();
        assert!(!outcome.buffers.is_empty(), "{chain}");
        run_on(&[&group[..], &beyond].concat(), 100, &rest).ok();
        assert!(run_on(&beyond, 100, &rest).buffers.is_empty(), "{chain}");
        for (pts, duration) in [(u64::MAX - 1, u64::MAX - 1), (i64::MAX as u64, 1 << 62), (0, 0)] {
            let mut buffer = gst::Buffer::from_slice(group.clone());
            let writable = buffer.make_mut();
            writable.set_pts(gst::ClockTime::from_nseconds(pts));
            writable.set_duration(gst::ClockTime::from_nseconds(duration));
            let caps = "video/x-lnr,parsed=true".parse().unwrap();
            run_buffers(vec![buffer], &caps, &format!("{chain} {DEC}"));
        }
    }
}

/// Offers buffers with room between rows and planes downstream of the decoder, and spoils it after every
/// use; returns how many spoiled buffers came again.
fn through_spoilt_buffers(format: &str, width: u32, height: u32) -> usize {
    let n_spoilt = Arc::new(AtomicUsize::new(0));
    let counter = n_spoilt.clone();
    run_with(
        &format!(
            "videotestsrc num-buffers=8 ! video/x-raw,format={format},width={width},height={height} \
             ! {ENC} ! lnrdec name=dec ! appsink name=out"
        ),
        |pipeline| {
            let pad = pipeline.by_name("dec").unwrap().static_pad("src").unwrap();
            let what =
                gst::PadProbeType::QUERY_DOWNSTREAM | gst::PadProbeType::PULL | gst::PadProbeType::PUSH;
            pad.add_probe(what, offer_room);
            pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
                let caps = pad.current_caps().expect("caps");
                let info_of = gst_video::VideoInfo::from_caps(&caps).expect("raw video");
                if let Some(buffer) = info.buffer_mut() {
                    let again = look_and_spoil(buffer, &info_of);
                    counter.fetch_add(usize::from(again), Ordering::SeqCst);
                }
                // Back into the pool at once.
                gst::PadProbeReturn::Drop
            });
        },
    )
    .ok();
    n_spoilt.load(Ordering::SeqCst)
}

/// Answers an allocation query with a pool of few buffers that have room at all sides.
fn offer_room(_: &gst::Pad, info: &mut gst::PadProbeInfo) -> gst::PadProbeReturn {
    let Some(gst::QueryViewMut::Allocation(query)) = info.query_mut().map(|q| q.view_mut()) else {
        return gst::PadProbeReturn::Ok;
    };
    let caps = query.get_owned().0.expect("caps");
    let info = gst_video::VideoInfo::from_caps(&caps).expect("raw video");
    let pool = gst_video::VideoBufferPool::new();
    let mut config = pool.config();
    config.set_params(Some(&caps), info.size() as u32, 2, 2);
    config.add_option(gst_video::BUFFER_POOL_OPTION_VIDEO_META);
    config.add_option(gst_video::BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
    let room = gst_video::VideoAlignment::new(3, 5, 7, 9, &[15; 4]);
    config.set_video_alignment(&room);
    pool.set_config(config).expect("a pool");
    query.add_allocation_pool(Some(&pool), info.size() as u32, 2, 2);
    query.add_allocation_meta::<gst_video::VideoMeta>(None);
    gst::PadProbeReturn::Handled
}

/// The mark in the first byte of room, which a used buffer has until it is written again.
fn look_and_spoil(buffer: &mut gst::Buffer, info: &gst_video::VideoInfo) -> bool {
    let meta = buffer.meta::<gst_video::VideoMeta>().expect("a video meta");
    let (offset, stride): (Vec<_>, Vec<_>) = (meta.offset().into(), meta.stride().into());
    // Which bytes belong to a row of some component.
    let mut is_picture = vec![false; buffer.size()];
    for c in 0..info.n_components() as u8 {
        let plane = usize::from(info.format_info().plane()[usize::from(c)] as u8);
        let step = info.comp_pstride(c) as usize;
        let sample = info.comp_depth(c).div_ceil(8) as usize;
        for y in 0..info.comp_height(c) as usize {
            for x in 0..info.comp_width(c) as usize {
                let at = offset[plane] + y * stride[plane] as usize + x * step;
                let at = at + info.comp_poffset(c) as usize;
                is_picture[at..at + sample].fill(true);
            }
        }
    }
    assert!(is_picture.contains(&false), "no room in {info:?}");
    let seen = buffer.map_readable().expect("readable").to_vec();
    let room = |&(i, _): &(usize, &u8)| !is_picture[i];
    let dirt = seen.iter().enumerate().filter(room).filter(|&(_, &byte)| byte != 0).count();
    assert_eq!(dirt, 0, "bytes between rows that nobody wrote");
    static SPOILT: std::sync::Mutex<Vec<usize>> = std::sync::Mutex::new(Vec::new());
    let mut data = buffer.get_mut().expect("ours alone").map_writable().expect("writable");
    data.fill(0xAA);
    let address = data.as_ptr() as usize;
    let mut spoilt = SPOILT.lock().unwrap();
    let again = spoilt.contains(&address);
    spoilt.push(address);
    again
}

#[test]
fn nothing_that_a_buffer_held_goes_downstream() {
    for format in ["I420", "Y42B", "Y444", "RGB", "GRAY8", "I420_10LE", "GBR_10LE"] {
        for (width, height) in [(16, 8), (17, 9), (3, 1)] {
            let again = through_spoilt_buffers(format, width, height);
            assert!(again >= 4, "{format} {width}x{height}: {again} buffers came again");
        }
    }
}

/// Good frames that lie before the segment are no missing ones; a stream without any is an error there, too.
#[test]
fn a_segment_behind_the_last_frame_is_no_error() {
    let coded = small_stream();
    for caps in ["video/x-lnr", "video/x-lnr,parsed=true"] {
        for (start_ms, damage, is_error) in
            [(400, 0, false), (5000, 0, false), (400, 1, true), (0, 1, true)]
        {
            let outcome = run_with(&format!("appsrc name=in format=time ! {DEC}"), |pipeline| {
                let source = pipeline.by_name("in").and_downcast::<gst_app::AppSrc>().unwrap();
                source.set_caps(Some(&caps.parse().unwrap()));
                source.set_property("handle-segment-change", true);
                let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
                segment.set_start(gst::ClockTime::from_mseconds(start_ms));
                for buffer in &coded.buffers {
                    let mut data = bytes(buffer);
                    let end = data.len() - 5;
                    data[end] ^= damage;
                    let mut unit = gst::Buffer::from_slice(data);
                    let parts = gst::BufferCopyFlags::TIMESTAMPS | gst::BufferCopyFlags::FLAGS;
                    buffer.copy_into(unit.make_mut(), parts, ..).expect("times");
                    let sample = gst::Sample::builder().buffer(&unit).segment(&segment).build();
                    source.push_sample(&sample).unwrap();
                }
                source.end_of_stream().unwrap();
            });
            assert_eq!(outcome.error.is_some(), is_error, "{caps} {start_ms}: {:?}", outcome.error);
            assert!(outcome.buffers.is_empty(), "{caps} {start_ms}");
        }
    }
}
