// SPDX-License-Identifier: MIT OR Apache-2.0
// Motion and residual planes of one time, and the way back from the points of a lattice to them.
#include "sources.cuh"

// The two time nodes around a time, for motion (0) and residual (1).
struct Moment {
    uint32_t first[2], second[2];
    // weight of the second node
    float weight[2];
    // entries of one node
    uint32_t len[2];
    // where the logarithms of the scales begin in the network buffer
    uint32_t scales[2];
};

struct BlendArgs {
    const float* grids;
    const float* network;
    float* timed;
    Sources sources;
    Moment moment;
};

// timed = scale * the planes between two nodes
KERNEL(blend, 256, BlendArgs) {
    uint32_t n = a.moment.len[0] + a.moment.len[1];
    for (uint32_t i = blockIdx.x * 256 + threadIdx.x; i < n; i += gridDim.x * 256) {
        int k = i >= a.moment.len[0];
        uint32_t local = k ? i - a.moment.len[0] : i;
        const Level* levels = k ? a.sources.residual : a.sources.motion;
        uint32_t n_levels = k ? a.sources.n_residual : a.sources.n_motion;
        uint32_t level = 0;
        while (level + 1 < n_levels && i >= levels[level + 1].offset) level++;
        float first = a.grids[a.moment.first[k] + local], second = a.grids[a.moment.second[k] + local];
        float scale = expf(a.network[a.moment.scales[k] + level]);
        a.timed[i] = scale * (first + (second - first) * a.moment.weight[k]);
    }
}

struct UpsampleBwdArgs {
    // [2 + residual levels, points]: gradients of displacement and residual features
    const float* d_rows;
    const float* timed;
    const float* network;
    float* d_grids;
    // [planes, gridDim.x]: sums of d_timed * timed
    float* partials;
    Sources sources;
    Moment moment;
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
    first = e == 0 ? 0 : int(clamp(floorf((low - start) / step), 0.0f, float(n_points)));
    end = e == n - 1 ? int(n_points) : int(clamp(ceilf((high - start) / step) + 1.0f, 0.0f, float(n_points)));
}

DEVICE float tent(const Level& level, float pixel, int e, int n) {
    float unused;
    return fmaxf(1.0f - fabsf(coordinate(level, pixel, n, unused) - float(e)), 0.0f);
}

// Entries gather from the points around them. One row of blocks per plane: motion levels, two
// components each, then residual levels. Where an entry has many points, a warp shares them.
KERNEL(upsample_bwd, 256, UpsampleBwdArgs) {
    SHARED(float, sums);
    uint32_t plane = blockIdx.y;
    bool is_motion = plane < 2 * a.sources.n_motion;
    uint32_t index = is_motion ? plane / 2 : plane - 2 * a.sources.n_motion;
    uint32_t component = is_motion ? plane % 2 : 0;
    const Level& level = is_motion ? a.sources.motion[index] : a.sources.residual[index];
    uint32_t row = is_motion ? component : 2 + index;
    const Lattice& l = a.lattice;
    const float* d = a.d_rows + uint64_t(row) * l.nx * l.ny;
    int n = level.width * level.height;
    uint32_t start = level.offset + component * n;
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
            int k = is_motion ? 0 : 1;
            uint32_t local = start - (is_motion ? 0 : a.moment.len[0]) + e;
            float scaled = sum * expf(a.network[a.moment.scales[k] + index]), w = a.moment.weight[k];
            a.d_grids[a.moment.first[k] + local] += scaled * (1.0f - w);
            if (w > 0.0f) a.d_grids[a.moment.second[k] + local] += scaled * w;
            product += sum * a.timed[start + e];
        }
    }
    product = block_sum(product, sums);
    if (threadIdx.x == 0) a.partials[plane * gridDim.x + blockIdx.x] = product;
}

struct ScaleBwdArgs {
    const float* partials;
    float* d_network;
    uint32_t n_motion, n_residual, n_blocks;
    uint32_t scales[2];
    uint32_t unused;
};

// Gradients of the scales: a warp per level.
KERNEL(scale_bwd, 32, ScaleBwdArgs) {
    uint32_t level = blockIdx.x;
    bool is_motion = level < a.n_motion;
    uint32_t plane = is_motion ? 2 * level : level + a.n_motion;
    uint32_t n = (is_motion ? 2 : 1) * a.n_blocks;
    float sum = 0.0f;
    for (uint32_t i = threadIdx.x; i < n; i += 32) sum += a.partials[plane * a.n_blocks + i];
    sum = warp_sum(sum);
    if (threadIdx.x == 0)
        a.d_network[is_motion ? a.scales[0] + level : a.scales[1] + level - a.n_motion] += sum;
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
