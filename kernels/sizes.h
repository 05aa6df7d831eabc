// SPDX-License-Identifier: MIT OR Apache-2.0
// Numbers of the kernels that the host works with: build.py writes them to compiled/sizes.in, and the
// tests compare that with the SIMT shim's library.
#pragma once

struct Size {
    const char* name;
    uint64_t value;
};

#define SIZE(name, value) {name, uint64_t(value)}
// Bytes of the weights, sums of a block, most features.
#define FRAME_SIZES(W)                                 \
    SIZE("FRAME_WEIGHTS_" #W, sizeof(Weights<W>)),     \
    SIZE("FRAME_BACKWARD_" #W, sizeof(WeightsBwd<W>)), \
    SIZE("FRAME_SUMS_" #W, Partial<W>::len),           \
    SIZE("FRAME_FEATURES_" #W, Features<W>::most)

static const Size SIZES[] = {
    SIZE("BLOCK_SUM_SHARED", BLOCK_SUM_SHARED),
    SIZE("MAX_LEVELS", MAX_LEVELS),
    SIZE("MAX_TIMED", MAX_TIMED),
    SIZE("NO_LAYER", NO_LAYER),
    SIZE("FRAME_TILE", TILE),
    SIZE("FRAME_PITCH", PITCH),
    FRAME_SIZES(16),
    FRAME_SIZES(32),
    FRAME_SIZES(64),
    SIZE("RATE_MAX_PLANES", MAX_PLANES),
    SIZE("RATE_NO_PLANE", NONE),
    SIZE("RATE_COLUMNS", COLUMNS),
    SIZE("RATE_ROWS", ROWS),
    SIZE("RATE_SUMS", N_SUMS),
    SIZE("RATE_SHARED", sizeof(RateShared)),
    SIZE("DENSE_ROWS", BLOCK_ROWS),
    SIZE("DENSE_UNITS", DEPTH),
    SIZE("DENSE_SHARED", DENSE_SHARED),
    SIZE("COLUMN_SUMS_SHARED", COLUMN_SUMS_SHARED),
    SIZE("MAX_FUSED", MAX_FUSED),
    SIZE("HYPER_FRAMES", FRAMES),
    SIZE("MAX_TIMES", MAX_TIMES),
    SIZE("BWD_INPUTS_SHARED", BWD_INPUTS_SHARED),
    SIZE("PRODUCT_SIDE", SIDE),
    SIZE("PRODUCT_SHARED", PRODUCT_SHARED),
    SIZE("MAX_HASH_LEVELS", MAX_HASH_LEVELS),
    SIZE("MAX_FREQUENCIES", MAX_FREQUENCIES),
};
