// SPDX-License-Identifier: MIT OR Apache-2.0
// The small network of a grid model over a tile of points: 64 to a warp, two to a lane, values as
// [unit, point] in shared memory.
#pragma once
#include "sources.cuh"

// Points of a tile: two per lane, so that every weight that is read serves two.
#define TILE 64
// Distance of rows: loads of 16 bytes of eight rows meet no bank of shared memory twice.
#define PITCH (TILE + 4)
// Most features of a point: a lane keeps the gradients of half of them for its rows in registers, of
// which the widest network leaves fewer.
template <int W>
struct Features {
    static const int most = W < 64 ? 24 : 16;
};
// Where there is no skip layer.
#define NO_LAYER 0xFFFFFFFFu

// Sums of a block, in this order.
template <int W>
struct Partial {
    static const int w2 = 0, w1 = w2 + W * W, w3 = w1 + W * Features<W>::most, skip = w3 + 4 * W;
    static const int b1 = skip + 4 * Features<W>::most, b2 = b1 + W, b3 = b2 + W, scale = b3 + 4;
    static const int error = scale + MAX_LEVELS, len = error + 1;
};

// Weights in shared memory; padding is zero.
template <int W>
struct Weights {
    // [n_features, W], [W, W] from input to output; [W, 4]; [n_features, 4]
    float w1t[Features<W>::most * W], b1[W], w2t[W * W], b2[W], w3t[W * 4], b3[4], skipt[Features<W>::most * 4];
    // of the canonical levels
    float scales[MAX_LEVELS];
};
// From output to input, for the way back.
template <int W>
struct WeightsBwd {
    float w1[W * Features<W>::most], w2[W * W];
};

// sum[q][i] += w[i] x[q] for N outputs and two points
template <int N>
DEVICE void add_products(float (&sum)[2][N], const float* w, const float* x) {
    float v[2] = {x[0], x[32]};
#pragma unroll
    for (int i = 0; i < N; i += 4) {
        float4 w4 = *reinterpret_cast<const float4*>(w + i);
#pragma unroll
        for (int q = 0; q < 2; q++) {
            sum[q][i] += w4.x * v[q];
            sum[q][i + 1] += w4.y * v[q];
            sum[q][i + 2] += w4.z * v[q];
            sum[q][i + 3] += w4.w * v[q];
        }
    }
}

DEVICE float dot4(const float* w, const float v[4]) {
    float4 w4 = *reinterpret_cast<const float4*>(w);
    return w4.x * v[0] + w4.y * v[1] + w4.z * v[2] + w4.w * v[3];
}

// y += w v for the components of a pixel
DEVICE void add_outputs(float y[4], const float* w, float v) {
    float4 w4 = *reinterpret_cast<const float4*>(w);
    y[0] += w4.x * v;
    y[1] += w4.y * v;
    y[2] += w4.z * v;
}

// sum += a . b over the points of a tile
DEVICE float dot_rows(float4 a, const float* b, float sum) {
    float4 v = *reinterpret_cast<const float4*>(b);
    return sum + a.x * v.x + a.y * v.y + a.z * v.z + a.w * v.w;
}

// y = ReLU(w^T x + b), columns of this lane
template <int W>
DEVICE void layer(const float* wt, const float* b, const float* x, int n_in, float* y) {
    for (int block = 0; block < W; block += 16) {
        float sum[2][16];
#pragma unroll
        for (int i = 0; i < 16; i++) sum[0][i] = sum[1][i] = b[block + i];
        for (int c = 0; c < n_in; c++) add_products(sum, wt + c * W + block, x + c * PITCH);
#pragma unroll
        for (int i = 0; i < 16; i++) {
            y[(block + i) * PITCH] = relu(sum[0][i]);
            y[(block + i) * PITCH + 32] = relu(sum[1][i]);
        }
    }
}

// y becomes the gradient of the layer whose output it was, where that was not cut off
DEVICE void store_masked(float sum[2][16], float* y) {
#pragma unroll
    for (int i = 0; i < 16; i++) {
        float* at = y + i * PITCH;
        at[0] = at[0] > 0.0f ? sum[0][i] : 0.0f;
        at[32] = at[32] > 0.0f ? sum[1][i] : 0.0f;
    }
}
