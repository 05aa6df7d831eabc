// SPDX-License-Identifier: MIT OR Apache-2.0
// Where points begin and end in a coordinate network: coordinates to features, values to errors and
// to pixels.
#include "../sources.cuh"

#define MAX_HASH_LEVELS 24
#define MAX_FREQUENCIES 24

struct HashLevel {
    float scale;
    uint32_t width, height, n_entries, offset;
};

struct EncodeArgs {
    const float* tables;
    // [points, pitch]
    f16* features;
    // backward: gradients of the features, and sums of the tables' gradients
    const f16* d_features;
    unsigned long long* sums;
    Lattice lattice;
    HashLevel levels[MAX_HASH_LEVELS];
    float frequencies[MAX_FREQUENCIES];
    // points of the lattice that come before, and points
    uint32_t first, n_points;
    // hash levels (0 with Fourier features), features of a level, frequencies, features of a row
    uint32_t n_levels, n_features, n_frequencies, pitch;
    // 1 / longer side of the frame
    float side;
    uint32_t unused;
};

DEVICE float2 place_of(const EncodeArgs& a, uint32_t point) {
    uint32_t i = a.first + point;
    float2 at;
    at.x = a.lattice.x0 + a.lattice.dx * float(i % a.lattice.nx);
    at.y = a.lattice.y0 + a.lattice.dy * float(a.lattice.row + i / a.lattice.nx);
    return at;
}

// Vertices that do not fit are hashed so that neighbours in x stay neighbours.
DEVICE uint32_t hash_entry(const HashLevel& l, uint32_t x, uint32_t y) {
    if (l.n_entries == l.width * l.height) return y * l.width + x;
    return (x ^ (y * 2654435761u)) & (l.n_entries - 1);
}

// The four entries around a place, and their weights.
DEVICE void hash_corners(const HashLevel& l, float2 at, uint32_t* entries, float* weights) {
    float px = clamp((at.x + 0.5f) * l.scale, 0.0f, float(l.width - 1));
    float py = clamp((at.y + 0.5f) * l.scale, 0.0f, float(l.height - 1));
    int i = minimum(to_int(px), int(l.width) - 2), j = minimum(to_int(py), int(l.height) - 2);
    float fx = px - float(i), fy = py - float(j);
#pragma unroll
    for (int c = 0; c < 4; c++) {
        entries[c] = hash_entry(l, i + c % 2, j + c / 2);
        weights[c] = (c % 2 ? fx : 1.0f - fx) * (c / 2 ? fy : 1.0f - fy);
    }
}

// A row of blocks per level, so that one level's table is in the cache at a time; the last row
// writes the padding.
KERNEL(encode, 256, EncodeArgs) {
    const float PI = 3.14159265358979f;
    uint32_t level = blockIdx.y;
    for (uint32_t p = blockIdx.x * 256 + threadIdx.x; p < a.n_points; p += gridDim.x * 256) {
        f16* to = a.features + uint64_t(p) * a.pitch;
        float2 at = place_of(a, p);
        if (level < a.n_levels) {
            const HashLevel& l = a.levels[level];
            uint32_t entries[4];
            float weights[4];
            hash_corners(l, at, entries, weights);
            for (uint32_t f = 0; f < a.n_features; f++) {
                float sum = 0.0f;
#pragma unroll
                for (int c = 0; c < 4; c++) sum += weights[c] * a.tables[l.offset + entries[c] * a.n_features + f];
                to[level * a.n_features + f] = to_half(sum);
            }
            continue;
        }
        uint32_t n = a.n_levels * a.n_features;
        for (uint32_t axis = 0; axis < 2 && a.n_levels == 0; axis++)
            for (uint32_t f = 0; f < a.n_frequencies; f++) {
                float phase = PI * a.frequencies[f] * (((axis ? at.y : at.x) + 0.5f) * a.side);
                to[n++] = to_half(sinf(phase));
                to[n++] = to_half(cosf(phase));
            }
        while (n < a.pitch) to[n++] = to_half(0.0f);
    }
}

// sums += gradients of the tables
KERNEL(encode_bwd, 256, EncodeArgs) {
    const HashLevel& l = a.levels[blockIdx.y];
    for (uint32_t p = blockIdx.x * 256 + threadIdx.x; p < a.n_points; p += gridDim.x * 256) {
        uint32_t entries[4];
        float weights[4];
        hash_corners(l, place_of(a, p), entries, weights);
        for (uint32_t f = 0; f < a.n_features; f++) {
            float d = to_float(a.d_features[uint64_t(p) * a.pitch + blockIdx.y * a.n_features + f]) * FIXED_ONE;
#pragma unroll
            for (int c = 0; c < 4; c++)
                add_fixed(a.sums + l.offset + entries[c] * a.n_features + f, round_to_fixed(weights[c] * d));
        }
    }
}

struct LossArgs {
    // [frames, points, pitch]
    const float* values;
    // [frames, n_values, points], NaN where there is no pixel
    const float* target;
    // gradients times gain, [frames, points, pitch]; may be null
    f16* d_values;
    // [gridDim.x]
    float* partials;
    float form[9];
    float gain;
    uint32_t n_frames, n_points, n_out, area, pitch, unused;
};

// A thread per point of a frame.
KERNEL(loss, 256, LossArgs) {
    SHARED(float, sums);
    float error = 0.0f;
    uint64_t n = uint64_t(a.n_frames) * a.n_points;
    for (uint64_t i = blockIdx.x * 256ull + threadIdx.x; i < n; i += gridDim.x * 256ull) {
        const float* values = a.values + i * a.pitch;
        const float* target = a.target + i / a.n_points * a.n_out * a.area * a.n_points + i % a.n_points;
        f16* d_values = a.d_values ? a.d_values + i * a.pitch : nullptr;
        for (uint32_t pixel = 0; pixel < a.area; pixel++) {
            float d[3];
#pragma unroll
            for (uint32_t c = 0; c < 3; c++) {
                uint32_t v = c * a.area + pixel;
                d[c] = c < a.n_out ? difference(values[v], target[uint64_t(v) * a.n_points]) : 0.0f;
            }
#pragma unroll
            for (uint32_t c = 0; c < 3; c++) {
                if (c >= a.n_out) continue;
                float g = a.form[3 * c] * d[0] + a.form[3 * c + 1] * d[1] + a.form[3 * c + 2] * d[2];
                error += d[c] * g;
                if (d_values) d_values[c * a.area + pixel] = to_half(clamp(g * a.gain, -65504.0f, 65504.0f));
            }
        }
        if (d_values)
            for (uint32_t v = a.n_out * a.area; v < a.pitch; v++) d_values[v] = to_half(0.0f);
    }
    error = block_sum(error, sums);
    if (threadIdx.x == 0) a.partials[blockIdx.x] = error;
}

struct TotalArgs {
    const float* parts;
    // two values, see Sum
    float* sum;
    uint32_t n, unused;
};

KERNEL(total, 32, TotalArgs) { store_sum(a.parts, a.n, false, a.sum); }

struct PlaceArgs {
    // [points, pitch] of patches
    const float* values;
    // [n_out, rows, columns] of points of pixels
    float* planes;
    // patches of the lattice that come before, patches, patches of a row
    uint32_t first, n_points, across;
    // rows of the first patches that lie above the planes
    uint32_t above;
    uint32_t patch, n_out, pitch, rows, columns, unused;
};

// Pixel shuffle (paper section 3.3).
KERNEL(place, 256, PlaceArgs) {
    uint32_t area = a.patch * a.patch, n_values = a.n_out * area;
    uint64_t n = uint64_t(a.n_points) * n_values;
    for (uint64_t i = blockIdx.x * 256ull + threadIdx.x; i < n; i += gridDim.x * 256ull) {
        uint32_t point = i / n_values, v = i % n_values, at = a.first + point;
        uint32_t x = at % a.across * a.patch + v % area % a.patch, y = at / a.across * a.patch + v % area / a.patch - a.above;
        // What lies above has wrapped around.
        if (x < a.columns && y < a.rows)
            a.planes[(uint64_t(v / area) * a.rows + y) * a.columns + x] = a.values[uint64_t(point) * a.pitch + v];
    }
}
