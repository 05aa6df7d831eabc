// SPDX-License-Identifier: MIT OR Apache-2.0

use gst::glib;
use gst::{Caps, Plugin, Rank, TypeFind, TypeFindProbability};

use super::caps;
use lnr::stream::{INDEX_MAGIC, MAGIC};

pub(super) fn register(plugin: &Plugin) -> Result<(), glib::BoolError> {
    let found = Caps::new_empty_simple(caps::LNR);
    TypeFind::register(
        Some(plugin),
        caps::LNR,
        Rank::PRIMARY,
        Some("lnr"),
        Some(&Caps::new_empty_simple(caps::LNR)),
        move |typefind| {
            let start = typefind.peek(0, MAGIC.len() as u32);
            if [MAGIC, INDEX_MAGIC].iter().any(|magic| start == Some(magic)) {
                typefind.suggest(TypeFindProbability::Maximum, &found);
            }
        },
    )
}
