// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a player does with a clip, and which frames must be seen: for any pipeline or address that plays it.
#![allow(dead_code)] // each test file uses a part

pub mod player;
pub mod scenarios;
