// SPDX-License-Identifier: MIT OR Apache-2.0
// Samples of pictures to components of pixels.
#include "common.cuh"

struct TargetArgs {
    // planes of one picture, one after the other, samples of 1 or 2 bytes
    const unsigned char* picture;
    // [planes, rows, columns]
    float* target;
    uint64_t offset[3];
    uint32_t width[3], height[3];
    uint32_t n_planes, sample_bytes;
    // chroma has half the columns, half the rows, lies between columns
    uint32_t half_x, half_y, centred;
    uint32_t step, x, y, nx, ny;
    float gain;
    uint32_t unused;
};

DEVICE float sample(const TargetArgs& a, int plane, int x, int y) {
    uint64_t i = a.offset[plane] + (uint64_t(y) * a.width[plane] + x) * a.sample_bytes;
    uint32_t v = a.picture[i];
    if (a.sample_bytes == 2) v |= uint32_t(a.picture[i + 1]) << 8;
    return float(v) * a.gain;
}

// The nearer and the farther of the chroma samples around luma sample i, 3/4 and 1/4 of it.
DEVICE int near_chroma(int i, int n) { return minimum(i / 2, n - 1); }
DEVICE int far_chroma(int i, int n) { return i % 2 == 0 ? maximum(i / 2 - 1, 0) : minimum(i / 2 + 1, n - 1); }

// Column x of luma in a chroma row.
DEVICE float across(const TargetArgs& a, int plane, int x, int row) {
    int n = a.width[plane];
    if (a.centred)
        return 0.75f * sample(a, plane, near_chroma(x, n), row) + 0.25f * sample(a, plane, far_chroma(x, n), row);
    return 0.5f * (sample(a, plane, x / 2, row) + sample(a, plane, minimum((x + 1) / 2, n - 1), row));
}

KERNEL(target, 256, TargetArgs) {
    uint32_t n = a.nx * a.ny, plane = blockIdx.y;
    for (uint32_t i = blockIdx.x * 256 + threadIdx.x; i < n; i += gridDim.x * 256) {
        int x = a.x + i % a.nx * a.step, y = a.y + i / a.nx * a.step;
        float v;
        if (plane == 0 || !a.half_x) {
            v = sample(a, plane, x, y);
        } else if (a.half_y) {
            int h = a.height[plane];
            v = 0.75f * across(a, plane, x, near_chroma(y, h)) + 0.25f * across(a, plane, x, far_chroma(y, h));
        } else {
            v = across(a, plane, x, y);
        }
        a.target[uint64_t(plane) * n + i] = v;
    }
}
