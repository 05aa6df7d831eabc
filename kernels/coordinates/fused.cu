// SPDX-License-Identifier: MIT OR Apache-2.0
// All layers after the prefix in one kernel, for narrow networks: a warp takes 32 points from layer
// to layer in registers, since what mma leaves as a result is what it takes as an operand. Weights
// stay in shared memory, in the order in which lanes read them.
#include "../common.cuh"

// Most layers: what the format allows.
#define MAX_FUSED 16

struct FusedArgs {
    // inputs of the first of these layers [points, pitch]
    const f16* inputs;
    // [points, out_pitch]
    float* values;
    // weights [n_out, n_in] of each layer, and their biases
    const f16* weights[MAX_FUSED];
    const float* biases[MAX_FUSED];
    uint32_t n_biases[MAX_FUSED];
    uint32_t n_points, n_layers, pitch, out_pitch;
    // inputs of the first layer and outputs of the last, padded to 32; outputs that are there
    uint32_t n_in, n_out, n_values, unused;
};

// Units of 16 x 16 of a layer's weights, each 32 lanes x 16 bytes: the fragments of b for two
// neighbouring groups of eight outputs.
DEVICE void load_fragments(uint4* to, const f16* weights, uint32_t n_out, uint32_t n_in) {
    for (uint32_t i = threadIdx.x; i < n_out * n_in / 8; i += blockDim.x) {
        uint32_t lane = i % 32, unit = i / 32, out = unit / (n_in / 16) * 16, in = unit % (n_in / 16) * 16;
        const f16* at = weights + (out + lane / 4) * n_in + in + lane % 4 * 2;
        uint4 fragment;
        fragment.x = *reinterpret_cast<const uint32_t*>(at);
        fragment.y = *reinterpret_cast<const uint32_t*>(at + 8);
        fragment.z = *reinterpret_cast<const uint32_t*>(at + 8 * n_in);
        fragment.w = *reinterpret_cast<const uint32_t*>(at + 8 * n_in + 8);
        to[i] = fragment;
    }
}

// sum [32 points, 16 outputs] = bias + a w^T, for outputs `out..out + 16` of a layer.
template <int WIDTH>
DEVICE void products(float sum[2][2][4], const uint32_t a[2][WIDTH / 16][4], const uint4* weights, uint32_t n_in,
                     uint32_t out, const float* bias, uint32_t n_bias) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int group = 0; group < 2; group++)
#pragma unroll
        for (int e = 0; e < 2; e++) {
            uint32_t unit = out + 8 * group + lane % 4 * 2 + e;
            float v = unit < n_bias ? bias[unit] : 0.0f;
#pragma unroll
            for (int rows = 0; rows < 2; rows++) sum[rows][group][e] = sum[rows][group][2 + e] = v;
        }
#pragma unroll
    for (int depth = 0; depth < WIDTH / 16; depth++) {
        if (depth * 16 >= int(n_in)) break;
        uint4 b = weights[(out / 16 * (n_in / 16) + depth) * 32 + lane];
#pragma unroll
        for (int rows = 0; rows < 2; rows++) {
            mma(sum[rows][0], a[rows][depth], b.x, b.y);
            mma(sum[rows][1], a[rows][depth], b.z, b.w);
        }
    }
}

template <int WIDTH>
DEVICE void fused(const FusedArgs& a) {
    SHARED(uint4, shared);
    // Layers one behind the other.
    uint32_t at = 0;
    for (uint32_t l = 0; l < a.n_layers; l++) {
        uint32_t n_in = l == 0 ? a.n_in : WIDTH, n_out = l + 1 == a.n_layers ? a.n_out : WIDTH;
        load_fragments(shared + at, a.weights[l], n_out, n_in);
        at += n_out * n_in / 8;
    }
    block_sync();
    const int lane = threadIdx.x % 32, n_warps = blockDim.x / 32;
    for (uint32_t first = (blockIdx.x * n_warps + threadIdx.x / 32) * 32; first < a.n_points;
         first += gridDim.x * n_warps * 32) {
        uint32_t x[2][WIDTH / 16][4];
#pragma unroll
        for (int rows = 0; rows < 2; rows++)
#pragma unroll
            for (int depth = 0; depth < WIDTH / 16; depth++)
#pragma unroll
                for (int q = 0; q < 4; q++) {
                    uint32_t point = first + 16 * rows + lane / 4 + q % 2 * 8;
                    uint32_t unit = depth * 16 + lane % 4 * 2 + q / 2 * 8;
                    bool there = point < a.n_points && unit < a.n_in;
                    const f16* from = a.inputs + uint64_t(point) * a.pitch + unit;
                    x[rows][depth][q] = there ? *reinterpret_cast<const uint32_t*>(from) : 0;
                }
        const uint4* weights = shared;
        for (uint32_t l = 0; l + 1 < a.n_layers; l++) {
            uint32_t n_in = l == 0 ? a.n_in : WIDTH;
            uint32_t y[2][WIDTH / 16][4];
#pragma unroll
            for (int out = 0; out < WIDTH / 16; out++) {
                float sum[2][2][4];
                products<WIDTH>(sum, x, weights, n_in, out * 16, a.biases[l], a.n_biases[l]);
#pragma unroll
                for (int rows = 0; rows < 2; rows++)
#pragma unroll
                    for (int q = 0; q < 4; q++) {
                        const float* pair = &sum[rows][q / 2][q % 2 * 2];
                        y[rows][out][q] = pack_half2(clamp(pair[0], 0.0f, 65504.0f), clamp(pair[1], 0.0f, 65504.0f));
                    }
            }
#pragma unroll
            for (int rows = 0; rows < 2; rows++)
#pragma unroll
                for (int depth = 0; depth < WIDTH / 16; depth++)
#pragma unroll
                    for (int q = 0; q < 4; q++) x[rows][depth][q] = y[rows][depth][q];
            weights += WIDTH * n_in / 8;
        }
        uint32_t n_in = a.n_layers == 1 ? a.n_in : WIDTH;
        for (uint32_t out = 0; out < a.n_out; out += 16) {
            float sum[2][2][4];
            products<WIDTH>(sum, x, weights, n_in, out, a.biases[a.n_layers - 1], a.n_biases[a.n_layers - 1]);
#pragma unroll
            for (int rows = 0; rows < 2; rows++)
#pragma unroll
                for (int group = 0; group < 2; group++)
#pragma unroll
                    for (int q = 0; q < 4; q++) {
                        uint32_t point = first + 16 * rows + lane / 4 + q / 2 * 8;
                        uint32_t unit = out + 8 * group + lane % 4 * 2 + q % 2;
                        if (point < a.n_points && unit < a.n_values)
                            a.values[uint64_t(point) * a.out_pitch + unit] = sum[rows][group][q];
                    }
        }
    }
}

KERNEL(fused_32, 128, FusedArgs) { fused<32>(a); }
KERNEL(fused_64, 128, FusedArgs) { fused<64>(a); }
KERNEL(fused_128, 128, FusedArgs) { fused<128>(a); }
