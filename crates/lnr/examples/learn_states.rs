// SPDX-License-Identifier: MIT OR Apache-2.0
//! Learns what the entropy coder knows before it begins, from encoded videos:
//!
//!     cargo run --release -p lnr --features internals --example learn_states OUT IN.lnr...
//!
//! The output replaces `crates/lnr/src/bitstream/plane_state.bin`, which is a part of the format. Later inputs
//! weigh more than earlier ones.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let out = args.next().ok_or("usage: learn_states OUT IN.lnr...")?;
    let streams = args.map(std::fs::read).collect::<Result<Vec<_>, _>>()?;
    let states = lnr::internals::codec::learn_states(streams.iter().map(Vec::as_slice))?;
    std::fs::write(out, states)?;
    Ok(())
}
