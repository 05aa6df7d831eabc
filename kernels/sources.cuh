// SPDX-License-Identifier: MIT OR Apache-2.0
// Feature sources at one point: canonical grids through motion, then residual grids.
#pragma once
#include "common.cuh"

// Most canonical levels of a frame, both anchors counting once, and most levels of all motion, residual
// and blend sources: arguments of a kernel must stay below 4 KiB.
#define MAX_LEVELS 16
#define MAX_TIMED 40

struct Level {
    float stride, margin;
    int32_t width, height;
    uint32_t cubic;
    // where the logarithm of its scale lies in the network buffer
    uint32_t scale;
    // of a motion, residual or blend level: where its first plane begins in the planes of one time, and
    // its first row of gradients; those of the next component follow
    uint32_t offset, row;
};

// A plane of a canonical level: where it begins in the grids, and the place where it is read.
struct CanonicalPlane {
    uint32_t offset, place;
};

// What a frame is made of. Canonical planes are one set, or where they are anchors two, the even one's
// and the odd one's, which are mixed.
struct Sources {
    Level canonical[MAX_LEVELS];
    // motion, then residual, then blend
    Level timed[MAX_TIMED];
    CanonicalPlane planes[2][MAX_LEVELS];
    // of every place the motion sources that move points there, a bit each
    uint32_t motions[2 * MAX_LEVELS];
    // levels
    uint32_t n_canonical, n_motion, n_residual, n_blend;
    // motion sources; places, of which the first ones are those of the first set
    uint32_t n_motions, n_places, n_first_places;
    // what time adds to the sum of the blend grids
    float blend_bias;
};

// The nodes around a time of every level of `Sources::timed`.
struct Nodes {
    // where the level begins in the grids, at the first node and at the second
    uint32_t first[MAX_TIMED], second[MAX_TIMED];
    // weight of the second
    float weight[MAX_TIMED];
};

struct Lattice {
    float x0, dx, y0, dy;
    uint32_t nx, ny;
    // number of the first row
    uint32_t row;
    uint32_t unused;
};

// Grid coordinate of a pixel coordinate, clamped to the grid; `inside` is d coordinate / d pixel.
DEVICE float coordinate(const Level& level, float pixel, int n, float& inside) {
    float raw = (pixel + 0.5f + level.margin) / level.stride - 0.5f;
    float p = clamp(raw, 0.0f, float(n - 1));
    inside = raw == p ? 1.0f / level.stride : 0.0f;
    return p;
}

// Four weights of a cubic B-spline around fraction f, and their slopes.
DEVICE void cubic_weights(float f, float* weight, float* slope) {
    float g = 1.0f - f;
    weight[0] = g * g * g * (1.0f / 6.0f);
    weight[1] = 2.0f / 3.0f - f * f + f * f * f * 0.5f;
    weight[2] = 2.0f / 3.0f - g * g + g * g * g * 0.5f;
    weight[3] = f * f * f * (1.0f / 6.0f);
    slope[0] = -0.5f * g * g;
    slope[1] = -2.0f * f + 1.5f * f * f;
    slope[2] = 2.0f * g - 1.5f * g * g;
    slope[3] = 0.5f * f * f;
}

// The entries around a point along one axis: the first of four, their weights and slopes. Linear
// levels use the middle two.
struct Axis {
    int first;
    float weight[4], slope[4];
};

DEVICE Axis axis(const Level& level, float pixel, int n) {
    Axis a;
    float inside;
    float p = coordinate(level, pixel, n, inside);
    int i = minimum(to_int(p), maximum(n - 2, 0));
    float f = p - float(i);
    a.first = i - 1;
    if (level.cubic) {
        cubic_weights(f, a.weight, a.slope);
    } else {
        a.weight[0] = a.weight[3] = a.slope[0] = a.slope[3] = 0.0f;
        a.weight[1] = 1.0f - f;
        a.weight[2] = f;
        a.slope[1] = -1.0f;
        a.slope[2] = 1.0f;
    }
#pragma unroll
    for (int k = 0; k < 4; k++) a.slope[k] *= inside;
    return a;
}

// Bilinear value of one plane of a timed source.
DEVICE float bilinear(const float* RESTRICT plane, const Level& level, float x, float y) {
    float unused;
    float px = coordinate(level, x, level.width, unused), py = coordinate(level, y, level.height, unused);
    int i = minimum(to_int(px), maximum(level.width - 2, 0)), j = minimum(to_int(py), maximum(level.height - 2, 0));
    float fx = px - float(i), fy = py - float(j);
    int i1 = minimum(i + 1, level.width - 1), j1 = minimum(j + 1, level.height - 1);
    const float* top = plane + j * level.width;
    const float* bottom = plane + j1 * level.width;
    return (top[i] * (1.0f - fx) + top[i1] * fx) * (1.0f - fy) +
           (bottom[i] * (1.0f - fx) + bottom[i1] * fx) * fy;
}

// Where the canonical grids of a place are read for pixel (x, y). timed: planes of one time, scaled
DEVICE void displaced(const Sources& s, uint32_t place, const float* RESTRICT timed, float x, float y, float* at) {
    at[0] = x;
    at[1] = y;
    uint32_t motions = s.motions[place];
    for (uint32_t l = 0; l < s.n_motion; l++) {
        const Level& level = s.timed[l];
        // Every motion source has two rows.
        if (!(motions >> level.row / 2 & 1)) continue;
        const float* plane = timed + level.offset;
        at[0] += bilinear(plane, level, x, y);
        at[1] += bilinear(plane + level.width * level.height, level, x, y);
    }
}

DEVICE bool has_anchors(const Sources& s) { return s.n_places > s.n_first_places; }

// The odd anchor's share of the features of pixel (x, y).
DEVICE float odd_share(const Sources& s, const float* RESTRICT timed, float x, float y) {
    uint32_t first = s.n_motion + s.n_residual;
    float sum = s.blend_bias;
    for (uint32_t l = first; l < first + s.n_blend; l++)
        sum += bilinear(timed + s.timed[l].offset, s.timed[l], x, y);
    return 1.0f / (1.0f + expf(-sum));
}

// A plane of a canonical level at `at`, not scaled, and its slopes in pixels.
DEVICE float canonical(const Level& level, const float* RESTRICT plane, const float* at, float* slope) {
    Axis columns = axis(level, at[0], level.width), rows = axis(level, at[1], level.height);
    float value = 0.0f;
    slope[0] = slope[1] = 0.0f;
    // Linear levels take the middle two of four rows and columns.
    int first = level.cubic ? 0 : 1, last = level.cubic ? 4 : 3;
    int column[4];
#pragma unroll
    for (int k = 0; k < 4; k++) column[k] = clamp(columns.first + k, 0, level.width - 1);
#pragma unroll
    for (int j = 0; j < 4; j++) {
        if (j < first || j >= last) continue;
        const float* row = plane + clamp(rows.first + j, 0, level.height - 1) * level.width;
        float sum = 0.0f, across = 0.0f;
#pragma unroll
        for (int k = 0; k < 4; k++) {
            if (k < first || k >= last) continue;
            float v = row[column[k]];
            sum += columns.weight[k] * v;
            across += columns.slope[k] * v;
        }
        value += rows.weight[j] * sum;
        slope[0] += rows.weight[j] * across;
        slope[1] += rows.slope[j] * sum;
    }
    return value;
}

// Gradients of grids are summed as integers, so that their order does not matter: in units of 2^-30,
// which is finer than f32 is around 1/100, and leaves room for sums up to 2^33.
#define FIXED_ONE 1073741824.0f

// From this stride on, the 32 neighbouring points of a warp read three columns of entries at most: they
// are summed before memory is touched, since it takes sums of one entry one after the other.
#define FEW_ENTRIES 16.0f

// Linear levels: lanes in a row that read the same four entries add up, and the first of them goes to
// memory.
DEVICE void add_runs(const Level& level, unsigned long long* plane, const Axis& columns, const Axis& rows, float g) {
    const int lane = threadIdx.x % 32;
    int cell = (rows.first + 1) * level.width + columns.first + 1;
    bool begins = shuffle(cell, lane - 1) != cell || lane == 0;
    uint32_t later = warp_ballot(begins) & (0xFFFFFFFEu << lane);
    int end = later ? first_bit(later) : 32;
    long long sum[4];
#pragma unroll
    for (int k = 0; k < 4; k++)
        sum[k] = round_to_fixed(g * FIXED_ONE * rows.weight[1 + k / 2] * columns.weight[1 + k % 2]);
#pragma unroll
    for (int distance = 1; distance < 32; distance *= 2)
#pragma unroll
        for (int k = 0; k < 4; k++) {
            long long v = shuffle(sum[k], lane + distance);
            if (lane + distance < end) sum[k] += v;
        }
    if (!begins) return;
#pragma unroll
    for (int k = 0; k < 4; k++) {
        int y = clamp(rows.first + 1 + k / 2, 0, level.height - 1);
        int x = clamp(columns.first + 1 + k % 2, 0, level.width - 1);
        if (sum[k]) add_fixed(plane + y * level.width + x, sum[k]);
    }
}

// Adds g times the weights of canonical() to the sums of the plane's entries. All lanes of a warp call
// it together; g is 0 where a lane has no point.
DEVICE void canonical_bwd(const Level& level, unsigned long long* plane, const float* at, float g) {
    Axis columns = axis(level, at[0], level.width), rows = axis(level, at[1], level.height);
    if (level.stride >= FEW_ENTRIES && !level.cubic) {
        add_runs(level, plane, columns, rows, g);
        return;
    }
    int first = level.cubic ? 0 : 1, last = level.cubic ? 4 : 3;
    if (g == 0.0f) return;
#pragma unroll
    for (int j = 0; j < 4; j++) {
        if (j < first || j >= last) continue;
        unsigned long long* row = plane + clamp(rows.first + j, 0, level.height - 1) * level.width;
        float weight = g * FIXED_ONE * rows.weight[j];
#pragma unroll
        for (int k = 0; k < 4; k++) {
            if (k < first || k >= last) continue;
            int column = clamp(columns.first + k, 0, level.width - 1);
            add_fixed(row + column, round_to_fixed(weight * columns.weight[k]));
        }
    }
}
