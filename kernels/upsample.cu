// SPDX-License-Identifier: MIT OR Apache-2.0
// Motion, residual and blend planes of one time, and the way back from the points of a lattice to them.
#include "sources.cuh"

struct TimedPlanesArgs {
    const float* grids;
    const float* network;
    float* timed;
    Sources sources;
    Nodes nodes;
};

// timed = scale * the planes between two nodes. One row of blocks per level.
KERNEL(timed_planes, 256, TimedPlanesArgs) {
    uint32_t index = blockIdx.y;
    const Level& level = a.sources.timed[index];
    uint32_t n = uint32_t(level.width * level.height) * (index < a.sources.n_motion ? 2 : 1);
    const float* first = a.grids + a.nodes.first[index];
    const float* second = a.grids + a.nodes.second[index];
    float scale = expf(a.network[level.scale]), weight = a.nodes.weight[index];
    for (uint32_t i = blockIdx.x * 256 + threadIdx.x; i < n; i += gridDim.x * 256)
        a.timed[level.offset + i] = scale * (first[i] + (second[i] - first[i]) * weight);
}

struct UpsampleBwdArgs {
    // [2 motion sources + residual levels + 1 where there are blend grids, points]: gradients of
    // displacements, of residual features and of the blend grids' sum
    const float* d_rows;
    const float* timed;
    const float* network;
    float* d_grids;
    // [planes, gridDim.x]: sums of d_timed * timed
    float* partials;
    Sources sources;
    Nodes nodes;
    Lattice lattice;
    // the gradients are of the loss times this
    float gain;
    uint32_t unused;
};

// Points of an axis that may read entry e: those whose coordinate lies within one of it.
DEVICE void reach(const Level& level, float start, float step, uint32_t n_points, int e, int n, int& first,
                  int& end) {
    float low = (float(e) - 0.5f) * level.stride - 0.5f - level.margin;
    float high = (float(e) + 1.5f) * level.stride - 0.5f - level.margin;
    first = e == 0 ? 0 : to_int(clamp(floorf((low - start) / step), 0.0f, float(n_points)));
    end = e == n - 1 ? int(n_points) : to_int(clamp(ceilf((high - start) / step) + 1.0f, 0.0f, float(n_points)));
}

DEVICE float tent(const Level& level, float pixel, int e, int n) {
    float unused;
    return relu(1.0f - fabsf(coordinate(level, pixel, n, unused) - float(e)));
}

// Entries gather from the points around them. One row of blocks per plane: motion levels, two
// components each, then the others. Where an entry has many points, a warp shares them.
KERNEL(upsample_bwd, 256, UpsampleBwdArgs) {
    SHARED(float, sums);
    uint32_t plane = blockIdx.y, n_motion = a.sources.n_motion;
    bool is_motion = plane < 2 * n_motion;
    uint32_t index = is_motion ? plane / 2 : plane - n_motion;
    uint32_t component = is_motion ? plane % 2 : 0;
    const Level& level = a.sources.timed[index];
    const Lattice& l = a.lattice;
    const float* d = a.d_rows + uint64_t(level.row + component) * l.nx * l.ny;
    int n = level.width * level.height;
    uint32_t start = level.offset + component * n;
    // An entry has the points of two strides both ways: from 8 on there are more than 256.
    bool shared = level.stride > 8.0f * l.dx;
    int lanes = shared ? 32 : 1, lane = shared ? threadIdx.x % 32 : 0;
    int per_block = 256 / lanes;
    float product = 0.0f;
    for (int first = blockIdx.x * per_block; first < n; first += gridDim.x * per_block) {
        int e = first + threadIdx.x / lanes;
        float sum = 0.0f;
        int ex = e % level.width, ey = e / level.width;
        if (e < n) {
            int x0, x1, y0, y1;
            reach(level, l.x0, l.dx, l.nx, ex, level.width, x0, x1);
            reach(level, l.y0, l.dy, l.ny, ey, level.height, y0, y1);
            int columns = x1 - x0;
            int points = columns * (y1 - y0);
            if (shared) {
                for (int i = lane; i < points; i += 32) {
                    int x = x0 + i % columns, y = y0 + i / columns;
                    sum += d[uint64_t(y) * l.nx + x] * tent(level, l.x0 + l.dx * float(x), ex, level.width) *
                           tent(level, l.y0 + l.dy * float(y), ey, level.height);
                }
            } else {
                for (int y = y0; y < y1; y++) {
                    float line = 0.0f;
                    for (int x = x0; x < x1; x++)
                        line += d[uint64_t(y) * l.nx + x] * tent(level, l.x0 + l.dx * float(x), ex, level.width);
                    sum += line * tent(level, l.y0 + l.dy * float(y), ey, level.height);
                }
            }
        }
        if (shared) sum = warp_sum(sum);
        if (e < n && lane == 0) {
            sum *= a.gain;
            uint32_t local = component * n + e;
            float scaled = sum * expf(a.network[level.scale]), w = a.nodes.weight[index];
            a.d_grids[a.nodes.first[index] + local] += scaled * (1.0f - w);
            if (w > 0.0f) a.d_grids[a.nodes.second[index] + local] += scaled * w;
            product += sum * a.timed[start + e];
        }
    }
    product = block_sum(product, sums);
    if (threadIdx.x == 0) a.partials[plane * gridDim.x + blockIdx.x] = product;
}

struct ScaleBwdArgs {
    const float* partials;
    float* d_network;
    Sources sources;
    uint32_t n_blocks, unused;
};

// Gradients of the scales: a warp per level.
KERNEL(scale_bwd, 32, ScaleBwdArgs) {
    uint32_t index = blockIdx.x, n_motion = a.sources.n_motion;
    bool is_motion = index < n_motion;
    const Level& level = a.sources.timed[index];
    uint32_t plane = is_motion ? 2 * index : index + n_motion;
    uint32_t n = (is_motion ? 2 : 1) * a.n_blocks;
    float sum = 0.0f;
    for (uint32_t i = threadIdx.x; i < n; i += 32) sum += a.partials[plane * a.n_blocks + i];
    sum = warp_sum(sum);
    if (threadIdx.x == 0) a.d_network[level.scale] += sum;
}

struct FixedArgs {
    unsigned long long* sums;
    float* grads;
    uint64_t n;
    float gain;
    uint32_t unused;
};

// grads += gain * sums, which become zero again
KERNEL(add_fixed_sums, 256, FixedArgs) {
    for (uint64_t i = blockIdx.x * 256ull + threadIdx.x; i < a.n; i += gridDim.x * 256ull) {
        long long sum = static_cast<long long>(a.sums[i]);
        if (sum == 0) continue;
        a.grads[i] += float(sum) * (1.0f / FIXED_ONE) * a.gain;
        a.sums[i] = 0;
    }
}
