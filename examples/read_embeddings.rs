// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads what the frames of a `.lnr` file mean, without decoding, and compares each with one of them:
//!
//!     read_embeddings clip.lnr [SECONDS]
//!
//! Writes a line for each frame: its time in seconds, and the cosine between its vector and that of the first
//! frame at SECONDS or later (0). The elements are part of the program: no plugin need be installed.

use std::error::Error;

use gst::prelude::*;
use gstlnr::meta::Embedding;
use lnr::align::cosine;

/// Time in seconds and meaning of every frame of a file that says it.
fn embeddings(clip: &str) -> Result<Vec<(f64, Embedding)>, Box<dyn Error>> {
    let pipeline = gst::Pipeline::new();
    let source = gst::ElementFactory::make("filesrc").property("location", clip).build()?;
    let parser = gst::ElementFactory::make("lnrparse").build()?;
    let embed = gst::ElementFactory::make("lnrembed").build()?;
    let sink = gst_app::AppSink::builder().sync(false).build();
    let elements = [&source, &parser, &embed, sink.upcast_ref()];
    pipeline.add_many(elements)?;
    gst::Element::link_many(elements)?;
    let bus = pipeline.bus().ok_or("a pipeline without a bus")?;

    let mut frames = Vec::new();
    // What cannot be opened brings no end of stream either. What went wrong is on the bus.
    let has_begun = pipeline.set_state(gst::State::Playing).is_ok();
    while has_begun && let Ok(sample) = sink.pull_sample() {
        let Some(buffer) = sample.buffer() else { continue };
        // A damaged frame has no meta, and the vector of a file without meaning is empty.
        let embedding = Embedding::read(buffer).filter(|e| !e.vector.is_empty());
        let seconds = buffer.pts().map(|t| t.nseconds() as f64 / 1e9);
        frames.extend(seconds.zip(embedding));
    }
    let error = bus.pop_filtered(&[gst::MessageType::Error]);
    pipeline.set_state(gst::State::Null)?;
    match error.as_ref().map(|m| m.view()) {
        Some(gst::MessageView::Error(e)) => Err(e.error().into()),
        _ => Ok(frames),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (clip, begin) = match arguments.as_slice() {
        [clip] => (clip, 0.0),
        [clip, seconds] => (clip, seconds.parse::<f64>()?),
        _ => return Err("usage: read_embeddings clip.lnr [SECONDS]".into()),
    };
    gst::init()?;
    gstlnr::register_static()?;
    let frames = embeddings(clip)?;
    if frames.is_empty() {
        let text = format!("{clip} does not say what its frames mean: encode it with clip-model");
        return Err(text.into());
    }
    let wanted = frames.iter().find(|(time, _)| *time >= begin);
    let (_, wanted) = wanted.ok_or_else(|| format!("{clip} ends before {begin} s"))?;
    // Only vectors of one space can be compared.
    for (time, embedding) in frames.iter().filter(|(_, e)| e.space == wanted.space) {
        println!("{time:.3} {:.4}", cosine(&embedding.vector, &wanted.vector));
    }
    Ok(())
}
