// SPDX-License-Identifier: MIT OR Apache-2.0
//! Groups whose models have grids.

use lnr::stream::spec::SourceSpec;

use super::group;

/// `data` is a group unit.
pub fn target(data: &[u8]) {
    use SourceSpec::{Canonical, Motion, Residual};
    group::decode(data, |s| matches!(s, Canonical { .. } | Motion { .. } | Residual { .. }));
}
