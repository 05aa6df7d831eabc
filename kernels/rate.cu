// SPDX-License-Identifier: MIT OR Apache-2.0
// The entropy model over planes of symbols: bits, and their gradients. A block takes tiles of 32 x 8
// entries of one plane. For the way back it also looks at the entries around its tile that are
// predicted from it, so that every gradient is gathered in a fixed order.
#include "common.cuh"

#define HIDDEN 16
#define HERE 12
#define BEFORE 5
#define MAX_INPUTS (HERE + BEFORE + 1)
#define MAX_PLANES 16
#define NONE 0xFFFFFFFFu
// Gradients of one symbol's bits are kept below this.
#define MAX_GRAD 30.0f

// An entry per thread; a row of a tile is a row of a warp's loads.
#define COLUMNS 32
#define ROWS 8
#define ENTRIES (COLUMNS * ROWS)
// With the entries that are predicted from those of the tile: two columns on either side, a row
// above (from the node before) and two below.
#define WIDE (COLUMNS + 4)
#define HIGH (ROWS + 3)
#define AROUND (WIDE * HIGH)
// Distance of rows of shared memory: loads of 16 bytes of eight rows meet no bank twice.
#define ENTRY_PITCH (ENTRIES + 4)

// Sums of a block: first layer [MAX_INPUTS, HIDDEN], output layer [2, HIDDEN], skip [MAX_INPUTS],
// biases [HIDDEN + 2], bits.
#define AT_W2 (MAX_INPUTS * HIDDEN)
#define AT_SKIP (AT_W2 + 2 * HIDDEN)
#define AT_BIASES (AT_SKIP + MAX_INPUTS)
#define AT_BITS (AT_BIASES + HIDDEN + 2)
#define N_SUMS (AT_BITS + 1)

struct RatePlane {
    // NONE where there is no such plane
    uint32_t offset, before, extra;
    int32_t width, height, extra_width, extra_height, ratio;
    // where its biases begin in the model, its first block and its blocks
    uint32_t biases, first_block, n_blocks, unused;
};

struct RateArgs {
    const float* symbols;
    const float* model;
    // null when only the bits are wanted
    float* d_symbols;
    // [N_SUMS, blocks]
    float* partials;
    RatePlane planes[MAX_PLANES];
    uint32_t n_planes, has_before, has_extra, w2, skip;
    float weight;
};

// Causal neighbours, in the order of the inputs.
DEVICE int here_y(int k) {
    const int y[HERE] = {0, 0, -1, -1, -1, -1, -1, -2, -2, -2, -2, -2};
    return y[k];
}
DEVICE int here_x(int k) {
    const int x[HERE] = {-1, -2, 0, -1, 1, -2, 2, 0, -1, 1, -2, 2};
    return x[k];
}
DEVICE int before_y(int k) {
    const int y[BEFORE] = {0, 0, 0, -1, 1};
    return y[k];
}
DEVICE int before_x(int k) {
    const int x[BEFORE] = {0, -1, 1, 0, 0};
    return x[k];
}

DEVICE float symbol(const RateArgs& a, const RatePlane& p, uint32_t offset, int x, int y) {
    bool inside = offset != NONE && x >= 0 && y >= 0 && x < p.width && y < p.height;
    return inside ? a.symbols[offset + y * p.width + x] : 0.0f;
}

// Bits of a symbol at distance d from the mean of a Laplace distribution, and their derivatives with
// respect to the mean and to the log of the scale.
DEVICE float laplace(float d, float log_scale, float& d_mean, float& d_log) {
    float inv = expf(-clamp(log_scale, -5.0f, 8.0f));
    float distance = fabsf(d), far = distance + 0.5f, near = distance - 0.5f;
    float e2 = expf(-far * inv), e1 = expf(-fabsf(near) * inv);
    // The symbol's interval lies beside the mean or holds it.
    float p = distance > 0.5f ? 0.5f * (e1 - e2) : 1.0f - 0.5f * (e1 + e2);
    p = p * 0.9999f + 1e-6f;
    float c = -1.44269504f * 0.9999f / p;
    float d_value = -c * 0.5f * inv * (e1 - e2);
    d_mean = d > 0.0f ? -d_value : d_value;
    d_log = -c * 0.5f * (far * e2 - near * e1) * inv;
    if (log_scale <= -5.0f || log_scale >= 8.0f) d_log = 0.0f;
    d_mean = clamp(d_mean, -MAX_GRAD, MAX_GRAD);
    d_log = clamp(d_log, -MAX_GRAD, MAX_GRAD);
    return -log2f(p);
}

// Shared memory of a block.
struct RateShared {
    float w1[MAX_INPUTS * HIDDEN], w2[2 * HIDDEN], skip[MAX_INPUTS + 2], biases[HIDDEN + 4];
    float bits[8];
    // Gradients of the inputs of the entries around the tile.
    float d_inputs[(HERE + BEFORE) * AROUND];
    // Of the tile's own entries: inputs, hidden units and their gradients, d_mean, d_log.
    float inputs[MAX_INPUTS * ENTRY_PITCH], h[HIDDEN * ENTRY_PITCH], d_h[HIDDEN * ENTRY_PITCH];
    float d_out[2 * ENTRY_PITCH];
};

DEVICE float dot_entries(const float* a, const float* b, float sum) {
#pragma unroll 4
    for (int i = 0; i < ENTRIES; i += 4) {
        float4 u = *reinterpret_cast<const float4*>(a + i), v = *reinterpret_cast<const float4*>(b + i);
        sum += u.x * v.x + u.y * v.y + u.z * v.z + u.w * v.w;
    }
    return sum;
}

DEVICE float sum_entries(const float* a, float sum) {
#pragma unroll 4
    for (int i = 0; i < ENTRIES; i += 4) {
        float4 u = *reinterpret_cast<const float4*>(a + i);
        sum += u.x + u.y + u.z + u.w;
    }
    return sum;
}

// One entry through the model, and back if `own` or what is around the tile wants it.
template <bool GRADS>
DEVICE float entry(const RateArgs& a, const RatePlane& p, RateShared& s, int x, int y, int around, int own) {
    bool inside = x >= 0 && y >= 0 && x < p.width && y < p.height;
    if (!inside) {
        if (GRADS)
#pragma unroll
            for (int k = 0; k < HERE + BEFORE; k++) s.d_inputs[k * AROUND + around] = 0.0f;
        if (GRADS && own >= 0) {
#pragma unroll
            for (int k = 0; k < MAX_INPUTS; k++) s.inputs[k * ENTRY_PITCH + own] = 0.0f;
#pragma unroll
            for (int k = 0; k < HIDDEN; k++) s.h[k * ENTRY_PITCH + own] = s.d_h[k * ENTRY_PITCH + own] = 0.0f;
            s.d_out[own] = s.d_out[ENTRY_PITCH + own] = 0.0f;
        }
        return 0.0f;
    }
    float v[MAX_INPUTS];
#pragma unroll
    for (int k = 0; k < HERE; k++) v[k] = symbol(a, p, p.offset, x + here_x(k), y + here_y(k));
#pragma unroll
    for (int k = 0; k < BEFORE; k++)
        v[HERE + k] = a.has_before ? symbol(a, p, p.before, x + before_x(k), y + before_y(k)) : 0.0f;
    v[MAX_INPUTS - 1] = 0.0f;
    if (a.has_extra && p.extra != NONE) {
        int ex = minimum(x / p.ratio, p.extra_width - 1), ey = minimum(y / p.ratio, p.extra_height - 1);
        v[MAX_INPUTS - 1] = a.symbols[p.extra + ey * p.extra_width + ex];
    }
    float h[HIDDEN];
#pragma unroll
    for (int j = 0; j < HIDDEN; j++) h[j] = s.biases[j];
    float mean = s.biases[HIDDEN], log_scale = s.biases[HIDDEN + 1];
#pragma unroll
    for (int k = 0; k < MAX_INPUTS; k++) {
        const float4* w = reinterpret_cast<const float4*>(s.w1 + k * HIDDEN);
#pragma unroll
        for (int j = 0; j < HIDDEN; j += 4) {
            float4 w4 = w[j / 4];
            h[j] += v[k] * w4.x;
            h[j + 1] += v[k] * w4.y;
            h[j + 2] += v[k] * w4.z;
            h[j + 3] += v[k] * w4.w;
        }
        mean += v[k] * s.skip[k];
    }
#pragma unroll
    for (int j = 0; j < HIDDEN; j++) {
        h[j] = relu(h[j]);
        mean += h[j] * s.w2[j];
        log_scale += h[j] * s.w2[HIDDEN + j];
    }
    float d_mean, d_log;
    float bits = laplace(a.symbols[p.offset + y * p.width + x] - mean, log_scale, d_mean, d_log);
    if (!GRADS) return bits;
    d_mean *= a.weight;
    d_log *= a.weight;
    forget_reads();
    float d_h[HIDDEN];
#pragma unroll
    for (int j = 0; j < HIDDEN; j++)
        d_h[j] = h[j] > 0.0f ? d_mean * s.w2[j] + d_log * s.w2[HIDDEN + j] : 0.0f;
#pragma unroll
    for (int k = 0; k < HERE + BEFORE; k++) {
        const float4* w = reinterpret_cast<const float4*>(s.w1 + k * HIDDEN);
        float d = d_mean * s.skip[k];
#pragma unroll
        for (int j = 0; j < HIDDEN; j += 4) {
            float4 w4 = w[j / 4];
            d += d_h[j] * w4.x + d_h[j + 1] * w4.y + d_h[j + 2] * w4.z + d_h[j + 3] * w4.w;
        }
        s.d_inputs[k * AROUND + around] = d;
    }
    if (own >= 0) {
#pragma unroll
        for (int k = 0; k < MAX_INPUTS; k++) s.inputs[k * ENTRY_PITCH + own] = v[k];
#pragma unroll
        for (int j = 0; j < HIDDEN; j++) {
            s.h[j * ENTRY_PITCH + own] = h[j];
            s.d_h[j * ENTRY_PITCH + own] = d_h[j];
        }
        s.d_out[own] = d_mean;
        s.d_out[ENTRY_PITCH + own] = d_log;
    }
    return bits;
}

// Threads of the sums over entries: each of the first N_PAIRS has an input and two hidden units.
#define N_PAIRS (MAX_INPUTS * HIDDEN / 2)

template <bool GRADS>
DEVICE void rate(const RateArgs& a) {
    SHARED(RateShared, shared);
    RateShared& s = *shared;
    const int t = threadIdx.x;
    int index = 0;
    while (index + 1 < int(a.n_planes) && blockIdx.x >= a.planes[index + 1].first_block) index++;
    const RatePlane& p = a.planes[index];
    // The inputs of the node before and the extra one are zero where the model does not have them.
    int n_before = a.has_before ? BEFORE : 0;
    for (int i = t; i < MAX_INPUTS * HIDDEN; i += 256) {
        int k = i / HIDDEN, j = i % HIDDEN;
        int from = k < HERE + n_before ? k : k == MAX_INPUTS - 1 && a.has_extra ? HERE + n_before : -1;
        s.w1[i] = from < 0 ? 0.0f : a.model[from * HIDDEN + j];
        if (j == 0) s.skip[k] = from < 0 ? 0.0f : a.model[a.skip + from];
    }
    if (t < 2 * HIDDEN) s.w2[t] = a.model[a.w2 + t];
    if (t < HIDDEN + 2) s.biases[t] = a.model[p.biases + t];
    block_sync();
    const int across = (p.width + COLUMNS - 1) / COLUMNS, down = (p.height + ROWS - 1) / ROWS;
    float bits = 0.0f, sum[2] = {0.0f, 0.0f};
    for (int tile = blockIdx.x - p.first_block; tile < across * down; tile += p.n_blocks) {
        int x0 = tile % across * COLUMNS, y0 = tile / across * ROWS;
        if (!GRADS) {
            bits += entry<GRADS>(a, p, s, x0 + t % COLUMNS, y0 + t / COLUMNS, 0, -1);
            continue;
        }
#pragma unroll 1
        for (int i = t; i < AROUND; i += 256) {
            int column = i % WIDE - 2, row = i / WIDE - 1;
            bool mine = column >= 0 && column < COLUMNS && row >= 0 && row < ROWS;
            float b = entry<GRADS>(a, p, s, x0 + column, y0 + row, i, mine ? row * COLUMNS + column : -1);
            if (mine) bits += b;
        }
        block_sync();
        int x = x0 + t % COLUMNS, y = y0 + t / COLUMNS;
        if (x < p.width && y < p.height) {
            int here = (t / COLUMNS + 1) * WIDE + t % COLUMNS + 2;
            float d = -s.d_out[t], d_before = 0.0f;
#pragma unroll
            for (int k = 0; k < HERE; k++) d += s.d_inputs[k * AROUND + here - here_y(k) * WIDE - here_x(k)];
#pragma unroll
            for (int k = 0; k < BEFORE; k++)
                d_before += s.d_inputs[(HERE + k) * AROUND + here - before_y(k) * WIDE - before_x(k)];
            a.d_symbols[p.offset + y * p.width + x] += d;
            if (p.before != NONE && a.has_before) a.d_symbols[p.before + y * p.width + x] += d_before;
        }
        if (t < N_PAIRS) {
            const float* v = s.inputs + t / (HIDDEN / 2) * ENTRY_PITCH;
            const float* d = s.d_h + t % (HIDDEN / 2) * 2 * ENTRY_PITCH;
            sum[0] = dot_entries(v, d, sum[0]);
            sum[1] = dot_entries(v, d + ENTRY_PITCH, sum[1]);
        } else if (t < N_PAIRS + HIDDEN) {
            const float* h = s.h + (t - N_PAIRS) * ENTRY_PITCH;
            sum[0] = dot_entries(h, s.d_out, sum[0]);
            sum[1] = dot_entries(h, s.d_out + ENTRY_PITCH, sum[1]);
        } else if (t < N_PAIRS + HIDDEN + MAX_INPUTS) {
            sum[0] = dot_entries(s.inputs + (t - N_PAIRS - HIDDEN) * ENTRY_PITCH, s.d_out, sum[0]);
        } else if (t < N_PAIRS + 2 * HIDDEN + MAX_INPUTS) {
            sum[0] = sum_entries(s.d_h + (t - N_PAIRS - HIDDEN - MAX_INPUTS) * ENTRY_PITCH, sum[0]);
        } else if (t < N_PAIRS + 2 * HIDDEN + MAX_INPUTS + 2) {
            sum[0] = sum_entries(s.d_out + (t - N_PAIRS - 2 * HIDDEN - MAX_INPUTS) * ENTRY_PITCH, sum[0]);
        }
        block_sync();
    }
    bits = block_sum(bits, s.bits);
    float* to = a.partials + blockIdx.x;
    const uint64_t n = gridDim.x;
    if (t == 0) to[AT_BITS * n] = bits;
    if (!GRADS) return;
    if (t < N_PAIRS) {
        int i = t / (HIDDEN / 2) * HIDDEN + t % (HIDDEN / 2) * 2;
        to[i * n] = sum[0];
        to[(i + 1) * n] = sum[1];
    } else if (t < N_PAIRS + HIDDEN) {
        to[(AT_W2 + t - N_PAIRS) * n] = sum[0];
        to[(AT_W2 + HIDDEN + t - N_PAIRS) * n] = sum[1];
    } else if (t < N_PAIRS + 2 * HIDDEN + MAX_INPUTS + 2) {
        // Skip, then biases.
        to[(AT_SKIP + t - N_PAIRS - HIDDEN) * n] = sum[0];
    }
}
KERNEL(rate_bits, 256, RateArgs) { rate<false>(a); }
KERNEL(rate_train, 256, RateArgs) { rate<true>(a); }

struct RateReduceArgs {
    const float* partials;
    // null when only the bits are wanted
    float* d_model;
    // two values, see Sum
    float* bits;
    RatePlane planes[MAX_PLANES];
    uint32_t n_planes, n_blocks, has_before, has_extra, w2, skip;
};

// A warp per sum of the blocks, over the blocks in their order.
KERNEL(rate_reduce, 256, RateReduceArgs) {
    int i = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (i >= N_SUMS || (!a.d_model && i != AT_BITS)) return;
    const float* partials = a.partials + uint64_t(i) * a.n_blocks;
    if (i == AT_BITS) {
        store_sum(partials, a.n_blocks, false, a.bits);
        return;
    }
    if (i >= AT_BIASES) {
        for (uint32_t p = 0; p < a.n_planes; p++) {
            const RatePlane& plane = a.planes[p];
            float sum = 0.0f;
            for (uint32_t b = lane; b < plane.n_blocks; b += 32) sum += partials[plane.first_block + b];
            sum = warp_sum(sum);
            if (lane == 0) a.d_model[plane.biases + i - AT_BIASES] += sum;
        }
        return;
    }
    float sum = 0.0f;
    for (uint32_t b = lane; b < a.n_blocks; b += 32) sum += partials[b];
    sum = warp_sum(sum);
    if (lane != 0) return;
    int n_before = a.has_before ? BEFORE : 0;
    int k = i < AT_W2 ? i / HIDDEN : i - AT_SKIP;
    int to = k < HERE + n_before ? k : k == MAX_INPUTS - 1 && a.has_extra ? HERE + n_before : -1;
    if (i >= AT_W2 && i < AT_SKIP)
        a.d_model[a.w2 + i - AT_W2] += sum;
    else if (to >= 0)
        a.d_model[i < AT_W2 ? to * HIDDEN + i % HIDDEN : a.skip + to] += sum;
}
