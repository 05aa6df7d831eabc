// SPDX-License-Identifier: MIT OR Apache-2.0
// Hypernetworks and modulation of coordinate networks, in f32: what they need is the bandwidth of
// their weights, which every pass reads once for eight frames.
#include "../common.cuh"

// Sums of a thread: what a warp's registers hold while its loads are under way.
#define FRAMES 8

struct HyperArgs {
    // weights [n_out, n_in], then biases [n_out]
    const float* layer;
    // [frames, n_in]
    const float* inputs;
    // forward: outputs; backward: their gradients [frames, n_out]
    float* outputs;
    // backward: gradients of the layer, and of its inputs in parts [gridDim.z, frames, n_in]
    float* d_layer;
    float* d_inputs;
    uint32_t n_in, n_out, n_frames, tanh;
};

// outputs = W inputs + b, through tanh: a warp per row of weights.
KERNEL(hyper_fwd, 256, HyperArgs) {
    uint32_t row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32, first = blockIdx.y * FRAMES;
    float sum[FRAMES] = {};
    if (row < a.n_out)
        for (uint32_t k = lane; k < a.n_in; k += 32) {
            float w = a.layer[uint64_t(row) * a.n_in + k];
#pragma unroll
            for (uint32_t f = 0; f < FRAMES; f++)
                if (first + f < a.n_frames) sum[f] += w * a.inputs[uint64_t(first + f) * a.n_in + k];
        }
#pragma unroll
    for (uint32_t f = 0; f < FRAMES; f++) {
        float v = warp_sum(sum[f]);
        if (row >= a.n_out || first + f >= a.n_frames || lane != 0) continue;
        v += a.layer[uint64_t(a.n_out) * a.n_in + row];
        a.outputs[uint64_t(first + f) * a.n_out + row] = a.tanh ? tanhf(v) : v;
    }
}

// d_W += d_outputs inputs^T, d_b += d_outputs, over all frames.
KERNEL(hyper_bwd_weights, 256, HyperArgs) {
    uint64_t n = uint64_t(a.n_out) * (a.n_in + 1);
    for (uint64_t i = blockIdx.x * 256ull + threadIdx.x; i < n; i += gridDim.x * 256ull) {
        bool is_bias = i >= uint64_t(a.n_out) * a.n_in;
        uint32_t row = is_bias ? i - uint64_t(a.n_out) * a.n_in : i / a.n_in, column = i % a.n_in;
        float sum = 0.0f;
        for (uint32_t f = 0; f < a.n_frames; f++)
            sum += a.outputs[uint64_t(f) * a.n_out + row] * (is_bias ? 1.0f : a.inputs[uint64_t(f) * a.n_in + column]);
        a.d_layer[i] += sum;
    }
}

// Bytes of shared memory.
#define BWD_INPUTS_SHARED (FRAMES * 256 * sizeof(float))

// d_inputs = W^T d_outputs: a block takes 32 inputs, eight frames and a part of the rows.
KERNEL(hyper_bwd_inputs, 256, HyperArgs) {
    SHARED(float, sums);
    uint32_t lane = threadIdx.x % 32, warp = threadIdx.x / 32, column = blockIdx.x * 32 + lane;
    uint32_t first = blockIdx.y * FRAMES, part = (a.n_out + gridDim.z - 1) / gridDim.z;
    uint32_t begin = minimum(blockIdx.z * part, a.n_out), end = minimum(begin + part, a.n_out);
    float sum[FRAMES] = {};
    if (column < a.n_in)
        for (uint32_t row = begin + warp; row < end; row += 8) {
            float w = a.layer[uint64_t(row) * a.n_in + column];
#pragma unroll
            for (uint32_t f = 0; f < FRAMES; f++)
                if (first + f < a.n_frames) sum[f] += w * a.outputs[uint64_t(first + f) * a.n_out + row];
        }
#pragma unroll
    for (uint32_t f = 0; f < FRAMES; f++) sums[f * 256 + threadIdx.x] = sum[f];
    block_sync();
    // Warp f adds up frame f, in the order of the warps.
    float total = 0.0f;
    for (int w = 0; w < 8; w++) total += sums[warp * 256 + w * 32 + lane];
    if (column < a.n_in && first + warp < a.n_frames)
        a.d_inputs[(uint64_t(blockIdx.z) * a.n_frames + first + warp) * a.n_in + column] = total;
}

// Most times: the frames of a group.
#define MAX_TIMES 256

// The time nodes around a time, and the weight of the second.
struct Between {
    uint16_t first, second;
    float weight;
};

struct LatentsArgs {
    // [nodes, n]; backward: their gradients
    float* latents;
    // [times, n]; backward: their gradients
    float* z;
    Between times[MAX_TIMES];
    uint32_t n_times, n_nodes, n, unused;
};

// z at every time (paper Eq. 4).
KERNEL(latents, 256, LatentsArgs) {
    for (uint32_t i = blockIdx.x * 256 + threadIdx.x; i < a.n_times * a.n; i += gridDim.x * 256) {
        const Between& at = a.times[i / a.n];
        const float* from = a.latents + i % a.n;
        a.z[i] = from[at.first * a.n] * (1.0f - at.weight) + from[at.second * a.n] * at.weight;
    }
}

// Adds to the gradients of the latents, over the times in their order.
KERNEL(latents_bwd, 256, LatentsArgs) {
    for (uint32_t i = blockIdx.x * 256 + threadIdx.x; i < a.n_nodes * a.n; i += gridDim.x * 256) {
        uint32_t node = i / a.n;
        float sum = 0.0f;
        for (uint32_t t = 0; t < a.n_times; t++) {
            const Between& at = a.times[t];
            if (at.first != node && at.second != node) continue;
            // Where both nodes are the same the weight of the second is 0.
            sum += a.z[t * a.n + i % a.n] * (at.first == node ? 1.0f - at.weight : at.weight);
        }
        a.latents[i] += sum;
    }
}

struct ProductArgs {
    const float* a;
    const float* b;
    float* c;
    // elements from one to the next: rows and depth of a, depth and columns of b, frames of each
    uint32_t a_row, a_depth, b_depth, b_column;
    uint64_t a_frame, b_frame, c_frame;
    uint32_t rows, columns, depth, unused;
};

// 4 x 4 sums of 256 threads.
#define SIDE 64
// A load of every thread of four values per operand.
#define DEEP 16
// Bytes of shared memory: two tiles, whose rows of 16 bytes more are read in fours.
#define PRODUCT_SHARED (2 * DEEP * (SIDE + 4) * sizeof(float))

// c [rows, columns] = a b, per frame: 64 x 64 of the result per block, 4 x 4 per thread.
KERNEL(product, 256, ProductArgs) {
    SHARED(float, shared);
    // [DEEP, SIDE + 4] each
    float* tile_a = shared;
    float* tile_b = shared + DEEP * (SIDE + 4);
    const float* from_a = a.a + blockIdx.z * a.a_frame;
    const float* from_b = a.b + blockIdx.z * a.b_frame;
    uint32_t row0 = blockIdx.y * SIDE, column0 = blockIdx.x * SIDE;
    int ty = threadIdx.x / 16 * 4, tx = threadIdx.x % 16 * 4;
    float sum[4][4] = {};
    for (uint32_t depth = 0; depth < a.depth; depth += DEEP) {
        for (uint32_t i = threadIdx.x; i < SIDE * DEEP; i += 256) {
            // Neighbours in memory go to neighbouring threads.
            uint32_t r = a.a_depth == 1 ? i / DEEP : i % SIDE, d = a.a_depth == 1 ? i % DEEP : i / SIDE;
            bool in = row0 + r < a.rows && depth + d < a.depth;
            tile_a[d * (SIDE + 4) + r] = in ? from_a[uint64_t(row0 + r) * a.a_row + (depth + d) * a.a_depth] : 0.0f;
            uint32_t c = a.b_depth == 1 ? i / DEEP : i % SIDE;
            d = a.b_depth == 1 ? i % DEEP : i / SIDE;
            in = column0 + c < a.columns && depth + d < a.depth;
            tile_b[d * (SIDE + 4) + c] =
                in ? from_b[uint64_t(depth + d) * a.b_depth + (column0 + c) * a.b_column] : 0.0f;
        }
        block_sync();
#pragma unroll
        for (int d = 0; d < DEEP; d++) {
            float4 u = *reinterpret_cast<const float4*>(tile_a + d * (SIDE + 4) + ty);
            float4 v = *reinterpret_cast<const float4*>(tile_b + d * (SIDE + 4) + tx);
            float x[4] = {u.x, u.y, u.z, u.w}, y[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
            for (int i = 0; i < 4; i++)
#pragma unroll
                for (int j = 0; j < 4; j++) sum[i][j] += x[i] * y[j];
        }
        block_sync();
    }
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++)
            if (row0 + ty + i < a.rows && column0 + tx + j < a.columns)
                a.c[blockIdx.z * a.c_frame + uint64_t(row0 + ty + i) * a.columns + column0 + tx + j] = sum[i][j];
}

struct MaskBwdArgs {
    // [n_out, n_in]
    const float* weights;
    float* d_weights;
    // [frames, n_out, n_in]
    const float* mask;
    // gradients of the modulated weights, [frames, padded n_out, padded n_in]
    const float* d_modulated;
    // those of P Q, [frames, n_out, n_in]
    float* d_product;
    uint32_t n_out, n_in, padded_out, padded_in;
    float gain;
    uint32_t n_frames;
};

// d_W += sum of d_W_t S; d(P Q) = d_W_t W S (1 - S)
KERNEL(mask_bwd, 256, MaskBwdArgs) {
    uint64_t n = uint64_t(a.n_out) * a.n_in;
    for (uint64_t i = blockIdx.x * 256ull + threadIdx.x; i < n; i += gridDim.x * 256ull) {
        uint64_t row = i / a.n_in, column = i % a.n_in;
        float w = a.weights[i], sum = 0.0f;
        for (uint32_t f = 0; f < a.n_frames; f++) {
            float d = a.gain * a.d_modulated[(f * uint64_t(a.padded_out) + row) * a.padded_in + column];
            float s = a.mask[f * n + i];
            sum += d * s;
            a.d_product[f * n + i] = d * w * s * (1.0f - s);
        }
        a.d_weights[i] += sum;
    }
}
