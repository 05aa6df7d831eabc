// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs kernels on a CPU, for tests: every thread of a block is a fiber, fibers and blocks take turns
// in an order that a seed shuffles. Shared memory starts as NaN, a missing barrier shows as a wrong
// result under some order, a divergent one as a deadlock, a missing wait as a copy that never came.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

typedef _Float16 f16;
struct alignas(16) uint4 {
    uint32_t x, y, z, w;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct dim3 {
    unsigned x = 1, y = 1, z = 1;
};

namespace simt {

// Saves the callee's registers on its stack and goes on with another one's.
extern "C" void lnr_simt_switch(void** from, void* to);

struct Copy {
    void* to;
    uint32_t bytes;
    unsigned char data[16];
};
struct Fiber {
    void* stack_pointer;
    bool done;
    // Groups of asynchronous copies that were not waited for, oldest first.
    std::vector<std::vector<Copy>> copies;
};
// What the lanes of a warp show each other.
struct Warp {
    int arrived;
    unsigned generation;
    uint64_t slot[32][8];
};
struct Block {
    std::vector<Fiber> fibers;
    std::vector<Warp> warps;
    int n_threads, current, arrived;
    unsigned generation;
    void* scheduler;
    unsigned char* shared;
    void (*call)(const void*);
    const void* kernel;
    uint64_t progress;
};
inline thread_local Block* block;
inline thread_local dim3 thread_index, block_index, block_size, grid_size;

inline void yield() {
    Block* b = block;
    dim3 mine = thread_index;
    lnr_simt_switch(&b->fibers[b->current].stack_pointer, b->scheduler);
    thread_index = mine;
}
inline void entry() {
    Block* b = block;
    b->call(b->kernel);
    b->fibers[b->current].done = true;
    b->progress++;
    lnr_simt_switch(&b->fibers[b->current].stack_pointer, b->scheduler);
    __builtin_trap();
}
inline void wait_block() {
    Block* b = block;
    unsigned now = b->generation;
    b->progress++;
    if (++b->arrived == b->n_threads) {
        b->arrived = 0;
        b->generation++;
    } else {
        while (b->generation == now) yield();
    }
}
inline int lane() { return block->current % 32; }
inline Warp& warp() { return block->warps[block->current / 32]; }
inline void wait_warp() {
    Warp& w = warp();
    unsigned now = w.generation;
    block->progress++;
    if (++w.arrived == 32) {
        w.arrived = 0;
        w.generation++;
    } else {
        while (w.generation == now) yield();
    }
}

struct Order {
    uint64_t state;
    unsigned below(unsigned n) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return unsigned((state >> 33) % n);
    }
    std::vector<unsigned> shuffled(unsigned n) {
        std::vector<unsigned> all(n);
        for (unsigned i = 0; i < n; i++) all[i] = i;
        if (state)
            for (unsigned i = n; i > 1; i--) std::swap(all[i - 1], all[below(i)]);
        return all;
    }
};

// Runs a kernel over a grid. Seed 0 keeps threads and blocks in order.
template <class Kernel>
void launch(const char* name, const unsigned* grid, unsigned threads, unsigned shared, uint64_t seed,
            const Kernel& kernel) {
    const size_t STACK = 64 << 10;
    if (threads % 32 != 0) {
        fprintf(stderr, "simt: %s: %u threads are no whole warps\n", name, threads);
        abort();
    }
    Block b;
    b.n_threads = int(threads);
    b.fibers.resize(threads);
    b.warps.resize(threads / 32);
    b.call = [](const void* k) { (*static_cast<const Kernel*>(k))(); };
    b.kernel = &kernel;
    b.progress = 0;
    unsigned char* stacks = static_cast<unsigned char*>(aligned_alloc(64, STACK * threads));
    b.shared = static_cast<unsigned char*>(aligned_alloc(128, (shared + 255) / 128 * 128));
    block = &b;
    block_size = {threads, 1, 1};
    grid_size = {grid[0], grid[1], grid[2]};
    Order order{seed};
    for (unsigned index : order.shuffled(grid[0] * grid[1] * grid[2])) {
        block_index = {index % grid[0], index / grid[0] % grid[1], index / grid[0] / grid[1]};
        memset(b.shared, 0xFF, (shared + 255) / 128 * 128);
        b.arrived = 0;
        b.generation = 0;
        for (Warp& w : b.warps) w.arrived = 0, w.generation = 0;
        for (unsigned i = 0; i < threads; i++) {
            Fiber& f = b.fibers[i];
            f.done = false;
            f.copies.assign(1, {});
            void** top = reinterpret_cast<void**>(stacks + STACK * (i + 1) - 64);
            top[0] = reinterpret_cast<void*>(entry);
            top[1] = nullptr;
            top -= 6;
            memset(top, 0, 6 * sizeof(void*));
            f.stack_pointer = top;
        }
        std::vector<unsigned> turn = order.shuffled(threads);
        for (unsigned left = threads; left;) {
            uint64_t before = b.progress;
            left = 0;
            for (unsigned i : turn) {
                if (b.fibers[i].done) continue;
                b.current = int(i);
                thread_index = {i, 0, 0};
                lnr_simt_switch(&b.scheduler, b.fibers[i].stack_pointer);
                left += !b.fibers[i].done;
            }
            if (left && b.progress == before) {
                fprintf(stderr, "simt: %s: some threads wait at a barrier that others never reach\n", name);
                abort();
            }
        }
    }
    free(b.shared);
    free(stacks);
}

}  // namespace simt

#define threadIdx simt::thread_index
#define blockIdx simt::block_index
#define blockDim simt::block_size
#define gridDim simt::grid_size
#define DEVICE static inline
#define RESTRICT __restrict
#define SHARED(T, name) T* name = reinterpret_cast<T*>(simt::block->shared)
// extern "C" int NAME(args, size of args, grid, threads, shared, seed): 1 when the sizes differ.
#define KERNEL(name, max_threads, Args)                                                            \
    static void name##_kernel(const Args& a);                                                      \
    extern "C" int name(const void* args, size_t size, const unsigned* grid, unsigned threads,     \
                        unsigned shared, uint64_t seed) {                                          \
        if (size != sizeof(Args)) return 1;                                                        \
        if (threads > max_threads) return 2;                                                       \
        Args a;                                                                                    \
        memcpy(&a, args, sizeof a);                                                                \
        simt::launch(#name, grid, threads, shared, seed, [&] { name##_kernel(a); });               \
        return 0;                                                                                  \
    }                                                                                              \
    static void name##_kernel(const Args& a)

DEVICE void block_sync() { simt::wait_block(); }
DEVICE void warp_sync() { simt::wait_warp(); }
DEVICE void forget_reads() {}

template <class T>
T exchange(T value, int from) {
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    simt::warp().slot[simt::lane()][0] = bits;
    simt::wait_warp();
    memcpy(&value, &simt::warp().slot[from & 31][0], sizeof value);
    simt::wait_warp();
    return value;
}
template <class T>
T shuffle_xor(T value, int mask) {
    return exchange(value, simt::lane() ^ mask);
}
template <class T>
T shuffle(T value, int from) {
    return exchange(value, from);
}

DEVICE uint32_t warp_ballot(bool v) {
    simt::warp().slot[simt::lane()][0] = v;
    simt::wait_warp();
    uint32_t bits = 0;
    for (int i = 0; i < 32; i++) bits |= uint32_t(simt::warp().slot[i][0]) << i;
    simt::wait_warp();
    return bits;
}
DEVICE int first_bit(uint32_t v) { return __builtin_ctz(v); }

DEVICE uint32_t pack_half2(float low, float high) {
    f16 h[2] = {f16(low), f16(high)};
    uint32_t bits;
    memcpy(&bits, h, 4);
    return bits;
}
DEVICE float2 unpack_half2(uint32_t bits) {
    f16 h[2];
    memcpy(h, &bits, 4);
    return {float(h[0]), float(h[1])};
}
DEVICE f16 to_half(float v) { return f16(v); }
DEVICE float to_float(f16 v) { return float(v); }

DEVICE void add_fixed(unsigned long long* sum, long long v) { *sum += (unsigned long long)v; }
DEVICE long long round_to_fixed(float v) {
    return fabsf(v) < 9e18f ? llrintf(v) : 0;
}
// The casts of NaN are a GPU's, which has 0 for it.
DEVICE int to_int(float v) { return v == v ? int(v) : 0; }
DEVICE float larger(float a, float b) { return a != a ? a : b != b ? b : a > b ? a : b; }
DEVICE float smaller(float a, float b) { return a != a ? a : b != b ? b : a < b ? a : b; }
DEVICE float not_a_number() { return NAN; }

// Ends the test when an address is not a multiple of 16, as a GPU would.
DEVICE void check_aligned(const void* address) {
    if (reinterpret_cast<uintptr_t>(address) % 16 == 0) return;
    fprintf(stderr, "simt: an address of 16 bytes is not aligned\n");
    abort();
}

// Copies of 16 bytes that arrive at the latest at the wait.
DEVICE void copy_async16(void* to, const void* from, bool wanted) {
    check_aligned(to);
    check_aligned(from);
    simt::Copy c{to, 16, {}};
    if (wanted) memcpy(c.data, from, 16);
    simt::block->fibers[simt::block->current].copies.back().push_back(c);
}
DEVICE void copy_async_commit() { simt::block->fibers[simt::block->current].copies.push_back({}); }
// Waits for all but the last `pending` groups that were committed.
template <int pending>
void copy_async_wait() {
    auto& groups = simt::block->fibers[simt::block->current].copies;
    while (groups.size() > pending + 1) {
        for (simt::Copy& c : groups.front()) memcpy(c.to, c.data, c.bytes);
        groups.erase(groups.begin());
    }
}

// Four 8 x 8 matrices of f16; lane i gives the address of row i % 8 of matrix i / 8.
template <bool transposed>
void load_matrices(uint32_t* r, const void* row) {
    check_aligned(row);
    simt::warp().slot[simt::lane()][0] = reinterpret_cast<uint64_t>(row);
    simt::wait_warp();
    int l = simt::lane();
    for (int m = 0; m < 4; m++) {
        f16 pair[2];
        for (int e = 0; e < 2; e++) {
            int y = transposed ? 2 * (l % 4) + e : l / 4, x = transposed ? l / 4 : 2 * (l % 4) + e;
            pair[e] = reinterpret_cast<const f16*>(simt::warp().slot[m * 8 + y][0])[x];
        }
        memcpy(&r[m], pair, 4);
    }
    simt::wait_warp();
}

// c [16, 8] += a [16, 16] b [16, 8], the fragments of PTX's mma.m16n8k16 with f32 sums.
DEVICE void mma(float* c, const uint32_t* a, uint32_t b0, uint32_t b1) {
    uint64_t* slot = simt::warp().slot[simt::lane()];
    for (int i = 0; i < 4; i++) slot[i] = a[i];
    slot[4] = b0;
    slot[5] = b1;
    simt::wait_warp();
    int row = simt::lane() / 4;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            int column = 2 * (simt::lane() % 4) + j;
            float sum = c[i * 2 + j];
            for (int k = 0; k < 16; k += 2) {
                float2 x = unpack_half2(uint32_t(simt::warp().slot[row * 4 + k % 8 / 2][k / 8 * 2 + i]));
                float2 y = unpack_half2(uint32_t(simt::warp().slot[column * 4 + k % 8 / 2][4 + k / 8]));
                sum += x.x * y.x + x.y * y.y;
            }
            c[i * 2 + j] = sum;
        }
    simt::wait_warp();
}
