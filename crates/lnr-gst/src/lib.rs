// SPDX-License-Identifier: MIT OR Apache-2.0
//! Between the codec's words and those of GStreamer's caps and tags: what the plugin and the command
//! line both need.

pub mod color;
pub mod hdr;
pub mod orientation;
