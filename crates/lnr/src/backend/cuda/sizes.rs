// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers of the kernels, as C++ has them: `kernels/sizes.h` says which.

include!("../../../../../kernels/compiled/sizes.in");
