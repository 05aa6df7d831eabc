// SPDX-License-Identifier: MIT OR Apache-2.0
//! Groups of coordinate networks.

use lnr::stream::spec::SourceSpec;

use super::group;

/// `data` is a group unit.
pub fn target(data: &[u8]) {
    group::decode(data, |s| matches!(s, SourceSpec::Hash { .. } | SourceSpec::Fourier { .. }));
}
