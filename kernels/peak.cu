// SPDX-License-Identifier: MIT OR Apache-2.0
// The machine's own limits, which other kernels are measured against.
#include "common.cuh"

struct PeakArgs {
    float* out;
    uint32_t n_rounds, unused;
};

// Products of matrices on tensor cores, from registers to registers: 16 independent sums per warp.
KERNEL(peak_mma, 256, PeakArgs) {
    float sum[16][4] = {};
    uint32_t x[4] = {threadIdx.x, threadIdx.x + 1, threadIdx.x + 2, threadIdx.x + 3};
    for (uint32_t round = 0; round < a.n_rounds; round++)
#pragma unroll
        for (int i = 0; i < 16; i++) mma(sum[i], x, x[i % 4], x[(i + 1) % 4]);
    float total = 0.0f;
#pragma unroll
    for (int i = 0; i < 16; i++) total += sum[i][0] + sum[i][1] + sum[i][2] + sum[i][3];
    // Never true, but the compiler can't know.
    if (total == 12345.678f) a.out[threadIdx.x] = total;
}

// Fused multiplications and additions of f32.
KERNEL(peak_fma, 256, PeakArgs) {
    float sum[16], x = float(threadIdx.x) * 1e-9f;
#pragma unroll
    for (int i = 0; i < 16; i++) sum[i] = float(i);
    for (uint32_t round = 0; round < a.n_rounds; round++)
#pragma unroll
        for (int i = 0; i < 16; i++) sum[i] = sum[i] * 0.999f + x;
    float total = 0.0f;
#pragma unroll
    for (int i = 0; i < 16; i++) total += sum[i];
    if (total == 12345.678f) a.out[threadIdx.x] = total;
}
