// SPDX-License-Identifier: MIT OR Apache-2.0
// What kernels are written in: the few things that differ between a GPU and the SIMT shim.
//
// A kernel takes one struct by value, KERNEL(name, most threads per block, Args) { ... a.x ... },
// whose twin in Rust has the same fields; pointers are addresses of the device. Shared memory is
// dynamic. Barriers are never divergent.
#pragma once
#if !defined(__CUDACC__)
#include "simt.h"
#else
#include <cuda_fp16.h>
#if defined(__CUDACC_RTC__)
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef int int32_t;
typedef unsigned long long uint64_t;
#else
#include <stdint.h>
#endif

typedef __half f16;
#define DEVICE static __device__ __forceinline__
#define RESTRICT __restrict__
extern __shared__ __align__(128) unsigned char shared_memory[];
#define SHARED(T, name) T* name = reinterpret_cast<T*>(shared_memory)
#define KERNEL(name, max_threads, Args) \
    extern "C" __global__ void __launch_bounds__(max_threads, 1) name(const __grid_constant__ Args a)

DEVICE void block_sync() { __syncthreads(); }
DEVICE void warp_sync() { __syncwarp(); }
// What was read from memory before is read again: keeping it would take too many registers.
DEVICE void forget_reads() { asm volatile("" ::: "memory"); }
template <class T>
DEVICE T shuffle_xor(T value, int mask) {
    return __shfl_xor_sync(0xFFFFFFFFu, value, mask);
}
template <class T>
DEVICE T shuffle(T value, int from) {
    return __shfl_sync(0xFFFFFFFFu, value, from);
}
// One bit per lane.
DEVICE uint32_t warp_ballot(bool v) { return __ballot_sync(0xFFFFFFFFu, v); }
// Number of the lowest bit that is set.
DEVICE int first_bit(uint32_t v) { return __ffs(int(v)) - 1; }

DEVICE uint32_t pack_half2(float low, float high) {
    __half2 h = __floats2half2_rn(low, high);
    return *reinterpret_cast<uint32_t*>(&h);
}
DEVICE float2 unpack_half2(uint32_t bits) {
    return __half22float2(*reinterpret_cast<__half2*>(&bits));
}
DEVICE f16 to_half(float v) { return __float2half_rn(v); }
DEVICE float to_float(f16 v) { return __half2float(v); }

// Sums of integers do not depend on their order. The result is not asked for, so no thread waits.
DEVICE void add_fixed(unsigned long long* sum, long long v) {
    atomicAdd(sum, static_cast<unsigned long long>(v));
}
DEVICE long long round_to_fixed(float v) { return __float2ll_rn(v); }
// Towards zero; 0 for NaN.
DEVICE int to_int(float v) { return __float2int_rz(v); }
// The larger and the smaller of two; NaN where one is.
DEVICE float larger(float a, float b) {
    float c;
    asm("max.NaN.f32 %0, %1, %2;" : "=f"(c) : "f"(a), "f"(b));
    return c;
}
DEVICE float smaller(float a, float b) {
    float c;
    asm("min.NaN.f32 %0, %1, %2;" : "=f"(c) : "f"(a), "f"(b));
    return c;
}
DEVICE float not_a_number() { return __int_as_float(0x7FC00000); }

// 16 bytes from global to shared memory; zeros where they are not wanted.
DEVICE void copy_async16(void* to, const void* from, bool wanted) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                     static_cast<uint32_t>(__cvta_generic_to_shared(to))),
                 "l"(from), "r"(wanted ? 16 : 0)
                 : "memory");
}
DEVICE void copy_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int pending>
DEVICE void copy_async_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

// Four 8 x 8 matrices of f16; lane i gives the address of row i % 8 of matrix i / 8.
template <bool transposed>
DEVICE void load_matrices(uint32_t* r, const void* row) {
    uint32_t at = static_cast<uint32_t>(__cvta_generic_to_shared(row));
    if (transposed)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                     : "r"(at)
                     : "memory");
    else
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                     : "r"(at)
                     : "memory");
}

// c [16, 8] += a [16, 16] b [16, 8] with f32 sums, fragments as PTX lays them out.
DEVICE void mma(float* c, const uint32_t* a, uint32_t b0, uint32_t b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
#endif

DEVICE int minimum(int a, int b) { return a < b ? a : b; }
DEVICE int maximum(int a, int b) { return a > b ? a : b; }
DEVICE int clamp(int v, int low, int high) { return minimum(maximum(v, low), high); }
// fminf and fmaxf would turn NaN into a number, and a training that went astray into one that stands
// still.
DEVICE float clamp(float v, float low, float high) { return smaller(larger(v, low), high); }
DEVICE float relu(float v) { return larger(v, 0.0f); }
// A target that is NaN is none.
DEVICE float difference(float v, float target) { return target == target ? v - target : 0.0f; }

// Sum over the lanes of a warp, in all of them; always in the same order.
template <class T>
DEVICE T warp_sum(T v) {
#pragma unroll
    for (int mask = 16; mask > 0; mask >>= 1) v += shuffle_xor(v, mask);
    return v;
}

// Bytes of shared memory of block_sum.
#define BLOCK_SUM_SHARED (8 * sizeof(float))

// Sum over the 256 threads of a block, for thread 0. sums: [8] of shared memory
DEVICE float block_sum(float v, float* sums) {
    v = warp_sum(v);
    if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = v;
    block_sync();
    float total = 0.0f;
    if (threadIdx.x == 0)
        for (int i = 0; i < 8; i++) total += sums[i];
    return total;
}

// A warp leaves the sum of `n` parts as the host reads it: a float and what rounding to it lost. With
// `adds` it adds to the sum that is there.
DEVICE void store_sum(const float* parts, uint32_t n, bool adds, float* to) {
    double sum = 0.0;
    for (uint32_t i = threadIdx.x % 32; i < n; i += 32) sum += double(parts[i]);
    sum = warp_sum(sum);
    if (threadIdx.x % 32 != 0) return;
    if (adds) sum += double(to[0]) + double(to[1]);
    to[0] = float(sum);
    to[1] = float(sum - double(float(sum)));
}
