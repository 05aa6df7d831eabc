// SPDX-License-Identifier: MIT OR Apache-2.0
// Samples of pictures to components of pixels.
#include "common.cuh"

struct TargetArgs {
    // planes of the first picture, one after the other, samples of 1 or 2 bytes
    const unsigned char* picture;
    // [frames, planes, pixels of a patch, rows, columns]; NaN beyond the frame
    float* target;
    // bytes from one picture to the next
    uint64_t picture_bytes;
    uint64_t offset[3];
    uint32_t width[3], height[3];
    uint32_t n_planes, sample_bytes;
    // chroma has half the columns, half the rows, lies between columns
    uint32_t half_x, half_y, centred;
    // every `step`-th patch of `patch` x `patch` pixels from (x, y) on
    uint32_t patch, step, x, y, nx, ny;
    float gain;
};

DEVICE float sample(const TargetArgs& a, const unsigned char* picture, int plane, int x, int y) {
    uint64_t i = a.offset[plane] + (uint64_t(y) * a.width[plane] + x) * a.sample_bytes;
    uint32_t v = picture[i];
    if (a.sample_bytes == 2) v |= uint32_t(picture[i + 1]) << 8;
    return float(v) * a.gain;
}

// The nearer and the farther of the chroma samples around luma sample i, 3/4 and 1/4 of it.
DEVICE int near_chroma(int i, int n) { return minimum(i / 2, n - 1); }
DEVICE int far_chroma(int i, int n) { return i % 2 == 0 ? maximum(i / 2 - 1, 0) : minimum(i / 2 + 1, n - 1); }

// Column x of luma in a chroma row.
DEVICE float across(const TargetArgs& a, const unsigned char* picture, int plane, int x, int row) {
    int n = a.width[plane];
    if (a.centred)
        return 0.75f * sample(a, picture, plane, near_chroma(x, n), row) +
               0.25f * sample(a, picture, plane, far_chroma(x, n), row);
    return 0.5f * (sample(a, picture, plane, x / 2, row) + sample(a, picture, plane, minimum((x + 1) / 2, n - 1), row));
}

// Column x, row y of luma in a plane.
DEVICE float component(const TargetArgs& a, const unsigned char* picture, int plane, int x, int y) {
    if (plane == 0 || !a.half_x) return sample(a, picture, plane, x, y);
    if (!a.half_y) return across(a, picture, plane, x, y);
    int h = a.height[plane];
    return 0.75f * across(a, picture, plane, x, near_chroma(y, h)) +
           0.25f * across(a, picture, plane, x, far_chroma(y, h));
}

// A row of blocks per plane and frame.
KERNEL(target, 256, TargetArgs) {
    uint32_t n = a.nx * a.ny, plane = blockIdx.y, area = a.patch * a.patch;
    const unsigned char* picture = a.picture + blockIdx.z * a.picture_bytes;
    float* to = a.target + (uint64_t(blockIdx.z) * a.n_planes + plane) * area * n;
    for (uint32_t pixel = 0; pixel < area; pixel++)
        for (uint32_t i = blockIdx.x * 256 + threadIdx.x; i < n; i += gridDim.x * 256) {
            uint32_t x = (a.x + i % a.nx * a.step) * a.patch + pixel % a.patch;
            uint32_t y = (a.y + i / a.nx * a.step) * a.patch + pixel / a.patch;
            bool inside = x < a.width[0] && y < a.height[0];
            to[uint64_t(pixel) * n + i] = inside ? component(a, picture, plane, x, y) : not_a_number();
        }
}
