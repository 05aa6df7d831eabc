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
#include "coordinates/dense.cu"
#include "coordinates/fused.cu"
#include "coordinates/hyper.cu"
#include "coordinates/points.cu"
