// SPDX-License-Identifier: MIT OR Apache-2.0
// Components of points to samples of 8 to 16 bits: means of the points of a pixel, chroma halved.
#include "common.cuh"

struct PackArgs {
    // [planes, rows * points, width * points] of some rows of a picture
    const float* values;
    // where these rows begin in each plane
    unsigned char* out;
    uint64_t offset[3];
    // pixels of a row, rows, points of a pixel both ways
    uint32_t width, rows, points;
    uint32_t sample_bytes, half_x, half_y, centred;
    float max;
};

// Mean of the points of pixel (x, y), which may lie beside the picture.
DEVICE float pixel(const PackArgs& a, const float* plane, int x, int y) {
    x = clamp(x, 0, int(a.width) - 1);
    uint32_t pitch = a.width * a.points;
    float sum = 0.0f;
    for (uint32_t i = 0; i < a.points; i++)
        for (uint32_t j = 0; j < a.points; j++)
            sum += plane[uint64_t(y * a.points + i) * pitch + x * a.points + j];
    return sum / float(a.points * a.points);
}

DEVICE float halved(const PackArgs& a, const float* plane, int x, int y) {
    if (a.centred) return 0.5f * (pixel(a, plane, 2 * x, y) + pixel(a, plane, 2 * x + 1, y));
    return 0.25f * (pixel(a, plane, 2 * x - 1, y) + 2.0f * pixel(a, plane, 2 * x, y) + pixel(a, plane, 2 * x + 1, y));
}

KERNEL(pack, 256, PackArgs) {
    uint32_t plane = blockIdx.y;
    bool half_x = plane > 0 && a.half_x, half_y = plane > 0 && a.half_y;
    uint32_t width = half_x ? (a.width + 1) / 2 : a.width, rows = half_y ? (a.rows + 1) / 2 : a.rows;
    const float* values = a.values + uint64_t(plane) * a.rows * a.points * a.width * a.points;
    for (uint32_t i = blockIdx.x * 256 + threadIdx.x; i < width * rows; i += gridDim.x * 256) {
        int x = i % width, y = i / width;
        float v;
        if (!half_x) {
            v = pixel(a, values, x, y);
        } else if (half_y) {
            bool pair = 2 * y + 1 < int(a.rows);
            v = halved(a, values, x, 2 * y);
            if (pair) v = 0.5f * (v + halved(a, values, x, 2 * y + 1));
        } else {
            v = halved(a, values, x, y);
        }
        uint32_t sample = to_int(clamp(v * a.max + 0.5f, 0.0f, a.max));
        unsigned char* to = a.out + a.offset[plane] + uint64_t(i) * a.sample_bytes;
        to[0] = sample & 0xFF;
        if (a.sample_bytes == 2) to[1] = sample >> 8;
    }
}
