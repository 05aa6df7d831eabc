// SPDX-License-Identifier: MIT OR Apache-2.0
// Every kernel, as one unit.
#include "elementwise.cu"
#include "frame.cu"
#include "modulation.cu"
#include "pack.cu"
#include "peak.cu"
#include "pixels.cu"
#include "rate.cu"
#include "upsample.cu"
#include "paper/dense.cu"
#include "paper/fused.cu"
#include "paper/hyper.cu"
#include "paper/points.cu"
