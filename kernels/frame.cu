// SPDX-License-Identifier: MIT OR Apache-2.0
// Grid models, fused: points go through sampling, network, loss and back without leaving the
// processor. A warp takes 64 points at a time, two per lane; values lie in shared memory as
// [unit, point], and every lane keeps some of the weights' gradients in registers.
#include "network.cuh"
#include "sources.cuh"

struct FrameArgs {
    const float* grids;
    const float* network;
    // weights [width, n_features], bias [width] of the first layer at this time
    const float* modulated;
    const float* timed;
    // [n_out, points]
    const float* target;
    // [2 motion sources + residual levels + 1 where there are blend grids, points]
    float* d_rows;
    unsigned long long* d_canonical;
    // [sums, blocks]
    float* partials;
    // [n_out, points]
    float* values;
    Sources sources;
    Lattice lattice;
    uint32_t n_features, width, n_out;
    // where the tensors begin in the network buffer
    uint32_t w2, b2, w3, b3, skip;
    float form[9];
    uint32_t unused;
};

enum Mode { RENDER, ERROR, TRAIN };

template <int W, Mode mode>
DEVICE void load_weights(const FrameArgs& a, Weights<W>& w, WeightsBwd<W>* bwd) {
    const int most = Features<W>::most;
    int n = a.n_features, width = a.width;
    for (int i = threadIdx.x; i < most * W; i += blockDim.x) {
        int c = i / W, o = i % W;
        float v = c < n && o < width ? a.modulated[o * n + c] : 0.0f;
        w.w1t[i] = v;
        if (mode == TRAIN) bwd->w1[o * most + c] = v;
    }
    for (int i = threadIdx.x; i < W * W; i += blockDim.x) {
        int j = i / W, o = i % W;
        float v = j < width && o < width ? a.network[a.w2 + o * width + j] : 0.0f;
        w.w2t[i] = v;
        if (mode == TRAIN) bwd->w2[o * W + j] = v;
    }
    for (int i = threadIdx.x; i < W; i += blockDim.x) {
        w.b1[i] = i < width ? a.modulated[width * n + i] : 0.0f;
        w.b2[i] = i < width ? a.network[a.b2 + i] : 0.0f;
    }
    for (int i = threadIdx.x; i < W * 4; i += blockDim.x) {
        int j = i / 4, o = i % 4;
        w.w3t[i] = j < width && o < int(a.n_out) ? a.network[a.w3 + o * width + j] : 0.0f;
    }
    for (int i = threadIdx.x; i < most * 4; i += blockDim.x) {
        int c = i / 4, o = i % 4;
        bool there = a.skip != NO_LAYER && c < n && o < int(a.n_out);
        w.skipt[i] = there ? a.network[a.skip + o * n + c] : 0.0f;
    }
    if (threadIdx.x < MAX_LEVELS)
        w.scales[threadIdx.x] = threadIdx.x < a.sources.n_canonical ? expf(a.network[a.sources.canonical[threadIdx.x].scale]) : 0.0f;
    if (threadIdx.x < 4) w.b3[threadIdx.x] = threadIdx.x < a.n_out ? a.network[a.b3 + threadIdx.x] : 0.0f;
}

// Rows of a tile: features, hidden layers, output; in training also where the canonical grids were
// read (2 per place) and their slopes (2 per level and set), with anchors the difference between the
// two of every level and the odd one's share.
template <int W, Mode mode>
DEVICE int tile_rows(const FrameArgs& a) {
    int rows = a.n_features + 2 * W + 4, levels = a.sources.n_canonical;
    if (mode != TRAIN) return rows;
    return rows + 2 * (a.sources.n_places + levels) + (has_anchors(a.sources) ? 3 * levels + 1 : 0);
}

// Gradients of N features from the `first` on, from those of the first hidden layer `d_h` and of the
// output: they take the features' place in `x`. Both are columns of this lane, which keeps the scale of
// canonical level `lane`.
template <int W, int N>
DEVICE void features_bwd(const FrameArgs& a, const Weights<W>& w, const WeightsBwd<W>& bwd, int first,
                         const float* d_h, const float d_out[2][4], float* x, float& d_scale) {
    float d_x[2][N] = {};
    for (int i = 0; i < W; i++) add_products(d_x, bwd.w1 + i * Features<W>::most + first, d_h + i * PITCH);
#pragma unroll
    for (int i = 0; i < N; i++) {
        int c = first + i;
        if (c >= int(a.n_features)) continue;
        float product = 0.0f;
#pragma unroll
        for (int q = 0; q < 2; q++) {
            float* at = x + c * PITCH + 32 * q;
            float d = d_x[q][i] + dot4(w.skipt + 4 * c, d_out[q]);
            product += d * *at;
            *at = d;
        }
        if (c >= int(a.sources.n_canonical)) continue;
        product = warp_sum(product);
        if (int(threadIdx.x % 32) == c) d_scale += product;
    }
}

template <int W, Mode mode>
DEVICE void frame(const FrameArgs& a) {
    SHARED(unsigned char, shared);
    Weights<W>& w = *reinterpret_cast<Weights<W>*>(shared);
    WeightsBwd<W>* bwd = reinterpret_cast<WeightsBwd<W>*>(shared + sizeof(Weights<W>));
    float* tiles = reinterpret_cast<float*>(shared + sizeof(Weights<W>) + (mode == TRAIN ? sizeof(WeightsBwd<W>) : 0));
    load_weights<W, mode>(a, w, bwd);
    block_sync();
    const Sources& s = a.sources;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, n_warps = blockDim.x / 32;
    const int n_features = a.n_features, n_canonical = s.n_canonical, n_out = a.n_out;
    const bool mixes = has_anchors(s);
    float* x = tiles + warp * tile_rows<W, mode>(a) * PITCH;
    float* h1 = x + n_features * PITCH;
    float* h2 = h1 + W * PITCH;
    float* out = h2 + W * PITCH;
    float* places = out + 4 * PITCH;
    float* slopes = places + 2 * s.n_places * PITCH;
    float* differences = slopes + 4 * n_canonical * PITCH;
    float* shares = differences + n_canonical * PITCH;
    // Gradients this lane owns: rows lane % 16 + 16 r, and half of the columns (of the first layer every
    // second one), of the hidden layers; component lane % 4 and units lane / 4 + 8 k of what leads to the
    // output; the scale of canonical level `lane`.
    const int owned_row = lane % 16, half = lane / 16, most = Features<W>::most;
    float d_w2[W / 16][W / 2] = {}, d_w1[W / 16][most / 2] = {}, d_b1[W / 16] = {}, d_b2[W / 16] = {};
    float d_w3[W / 8] = {}, d_skip[most / 8] = {}, d_b3 = 0.0f, d_scale = 0.0f;
    float error = 0.0f;
    const uint32_t n_points = a.lattice.nx * a.lattice.ny;
    const uint32_t n_tiles = (n_points + TILE - 1) / TILE;
    for (uint32_t tile = blockIdx.x * n_warps + warp; tile < n_tiles; tile += gridDim.x * n_warps) {
#pragma unroll 1
        for (int q = 0; q < 2; q++) {
            int p = lane + 32 * q;
            uint32_t index = minimum(int(tile * TILE + p), int(n_points) - 1);
            float px = a.lattice.x0 + a.lattice.dx * float(index % a.lattice.nx);
            float py = a.lattice.y0 + a.lattice.dy * float(a.lattice.row + index / a.lattice.nx);
            float share = 0.0f;
            if (mixes) {
                share = odd_share(s, a.timed, px, py);
                if (mode == TRAIN) shares[p] = share;
            }
#pragma unroll 1
            for (uint32_t place = 0; place < s.n_places; place++) {
                bool odd = place >= s.n_first_places;
                float at[2], slope[2];
                displaced(s, place, a.timed, px, py, at);
                for (int l = 0; l < n_canonical; l++) {
                    CanonicalPlane plane = s.planes[odd][l];
                    if (plane.place != place) continue;
                    float scale = w.scales[l], *to = x + l * PITCH + p;
                    float value = scale * canonical(s.canonical[l], a.grids + plane.offset, at, slope);
                    if (odd) {
                        float difference = value - *to;
                        value = *to + share * difference;
                        if (mode == TRAIN) differences[l * PITCH + p] = difference;
                    }
                    *to = value;
                    if (mode == TRAIN) {
                        float* from = slopes + 2 * (odd ? n_canonical + l : l) * PITCH + p;
                        from[0] = scale * slope[0];
                        from[PITCH] = scale * slope[1];
                    }
                }
                if (mode == TRAIN) {
                    places[2 * place * PITCH + p] = at[0];
                    places[(2 * place + 1) * PITCH + p] = at[1];
                }
            }
            for (uint32_t l = 0; l < s.n_residual; l++) {
                const Level& level = s.timed[s.n_motion + l];
                x[(n_canonical + l) * PITCH + p] = bilinear(a.timed + level.offset, level, px, py);
            }
        }
        layer<W>(w.w1t, w.b1, x + lane, n_features, h1 + lane);
        layer<W>(w.w2t, w.b2, h1 + lane, W, h2 + lane);
#pragma unroll 1
        for (int q = 0; q < 2; q++) {
            int p = lane + 32 * q;
            float y[4] = {w.b3[0], w.b3[1], w.b3[2], 0.0f};
            for (int j = 0; j < W; j++) add_outputs(y, w.w3t + 4 * j, h2[j * PITCH + p]);
            for (int c = 0; c < n_features; c++) add_outputs(y, w.skipt + 4 * c, x[c * PITCH + p]);
            uint32_t index = tile * TILE + p;
            bool valid = index < n_points;
            if (mode == RENDER) {
#pragma unroll
                for (int c = 0; c < 3; c++)
                    if (valid && c < n_out) a.values[uint64_t(c) * n_points + index] = y[c];
                continue;
            }
            float d[3];
#pragma unroll
            for (int c = 0; c < 3; c++)
                d[c] = valid && c < n_out ? difference(y[c], a.target[uint64_t(c) * n_points + index]) : 0.0f;
#pragma unroll
            for (int c = 0; c < 3; c++) {
                float g = a.form[3 * c] * d[0] + a.form[3 * c + 1] * d[1] + a.form[3 * c + 2] * d[2];
                error += d[c] * g;
                if (mode == TRAIN) out[c * PITCH + p] = c < n_out ? g : 0.0f;
            }
            if (mode == TRAIN) out[3 * PITCH + p] = 0.0f;
        }
        if (mode != TRAIN) continue;

        // Output layer.
        warp_sync();
#pragma unroll 1
        for (int p = 0; p < TILE; p += 4) {
            float4 d = *reinterpret_cast<const float4*>(out + (lane % 4) * PITCH + p);
#pragma unroll
            for (int k = 0; k < W / 8; k++) d_w3[k] = dot_rows(d, h2 + (lane / 4 + 8 * k) * PITCH + p, d_w3[k]);
#pragma unroll
            for (int k = 0; k < most / 8; k++) {
                int c = lane / 4 + 8 * k;
                if (c < n_features) d_skip[k] = dot_rows(d, x + c * PITCH + p, d_skip[k]);
            }
            d_b3 += d.x + d.y + d.z + d.w;
        }
        warp_sync();
        float d_out[2][4];
#pragma unroll
        for (int q = 0; q < 2; q++)
#pragma unroll
            for (int c = 0; c < 4; c++) d_out[q][c] = out[c * PITCH + lane + 32 * q];
        // Second layer.
#pragma unroll 1
        for (int block = 0; block < W; block += 16) {
            float sum[2][16];
#pragma unroll
            for (int i = 0; i < 16; i++)
#pragma unroll
                for (int q = 0; q < 2; q++) sum[q][i] = dot4(w.w3t + 4 * (block + i), d_out[q]);
            store_masked(sum, h2 + block * PITCH + lane);
        }
        warp_sync();
#pragma unroll 1
        for (int p = 0; p < TILE; p += 4) {
#pragma unroll
            for (int r = 0; r < W / 16; r++) {
                float4 d = *reinterpret_cast<const float4*>(h2 + (owned_row + 16 * r) * PITCH + p);
#pragma unroll
                for (int k = 0; k < W / 2; k++)
                    d_w2[r][k] = dot_rows(d, h1 + (half * (W / 2) + k) * PITCH + p, d_w2[r][k]);
                d_b2[r] += d.x + d.y + d.z + d.w;
            }
        }
        warp_sync();
        // First layer.
#pragma unroll 1
        for (int block = 0; block < W; block += 16) {
            float sum[2][16] = {};
            for (int i = 0; i < W; i++) add_products(sum, bwd->w2 + i * W + block, h2 + i * PITCH + lane);
            store_masked(sum, h1 + block * PITCH + lane);
        }
        warp_sync();
#pragma unroll 1
        for (int p = 0; p < TILE; p += 4) {
#pragma unroll
            for (int r = 0; r < W / 16; r++) {
                float4 d = *reinterpret_cast<const float4*>(h1 + (owned_row + 16 * r) * PITCH + p);
#pragma unroll
                // A column too many, where their number is odd, is that of a row which is there.
                for (int k = 0; k < most / 2; k++)
                    if (2 * k < n_features) d_w1[r][k] = dot_rows(d, x + (2 * k + half) * PITCH + p, d_w1[r][k]);
                d_b1[r] += d.x + d.y + d.z + d.w;
            }
        }
        warp_sync();
        // Features.
        features_bwd<W, 16>(a, w, *bwd, 0, h1 + lane, d_out, x + lane, d_scale);
        if constexpr (most > 16)
            if (n_features > 16) features_bwd<W, most - 16>(a, w, *bwd, 16, h1 + lane, d_out, x + lane, d_scale);
#pragma unroll 1
        for (int q = 0; q < 2; q++) {
            int p = lane + 32 * q;
            uint32_t index = tile * TILE + p;
            bool valid = index < n_points;
            float share = mixes ? shares[p] : 0.0f, d_share = 0.0f;
#pragma unroll 1
            for (uint32_t place = 0; place < s.n_places; place++) {
                bool odd = place >= s.n_first_places;
                float* there = places + 2 * place * PITCH + p;
                float at[2] = {there[0], there[PITCH]}, d_at[2] = {0.0f, 0.0f};
                for (int l = 0; l < n_canonical; l++) {
                    CanonicalPlane plane = s.planes[odd][l];
                    if (plane.place != place) continue;
                    float d = x[l * PITCH + p];
                    if (odd) d_share += d * differences[l * PITCH + p];
                    d *= odd ? share : 1.0f - share;
                    const float* slope = slopes + 2 * (odd ? n_canonical + l : l) * PITCH + p;
                    d_at[0] += d * slope[0];
                    d_at[1] += d * slope[PITCH];
                    canonical_bwd(s.canonical[l], a.d_canonical + plane.offset, at, valid ? d * w.scales[l] : 0.0f);
                }
                there[0] = d_at[0];
                there[PITCH] = d_at[1];
            }
            if (!valid) continue;
            float* d_row = a.d_rows + index;
            for (uint32_t m = 0; m < s.n_motions; m++) {
                float d[2] = {0.0f, 0.0f};
                for (uint32_t place = 0; place < s.n_places; place++) {
                    if (!(s.motions[place] >> m & 1)) continue;
                    d[0] += places[2 * place * PITCH + p];
                    d[1] += places[(2 * place + 1) * PITCH + p];
                }
                d_row[0] = d[0];
                d_row[n_points] = d[1];
                d_row += 2 * uint64_t(n_points);
            }
            for (uint32_t l = 0; l < s.n_residual; l++, d_row += n_points) *d_row = x[(n_canonical + l) * PITCH + p];
            if (s.n_blend) *d_row = d_share * share * (1.0f - share);
        }
    }
    if (mode == RENDER) return;

    // Warps add up in their order.
    float* sums = tiles;
    typedef Partial<W> At;
    error = warp_sum(error);
    block_sync();
    for (int i = threadIdx.x; i < At::len; i += blockDim.x) sums[i] = 0.0f;
    block_sync();
#pragma unroll 1
    for (int turn = 0; turn < n_warps; turn++) {
        if (warp == turn) {
            if (lane == 0) sums[At::error] += error;
            if (mode == TRAIN) {
#pragma unroll
                for (int r = 0; r < W / 16; r++) {
                    int row = owned_row + 16 * r;
#pragma unroll
                    for (int k = 0; k < W / 2; k++) sums[At::w2 + row * W + half * (W / 2) + k] += d_w2[r][k];
#pragma unroll
                    for (int k = 0; k < most / 2; k++) sums[At::w1 + row * most + 2 * k + half] += d_w1[r][k];
                    if (half == 0) {
                        sums[At::b1 + row] += d_b1[r];
                        sums[At::b2 + row] += d_b2[r];
                    }
                }
#pragma unroll
                for (int k = 0; k < W / 8; k++) sums[At::w3 + (lane % 4) * W + lane / 4 + 8 * k] += d_w3[k];
#pragma unroll
                for (int k = 0; k < most / 8; k++) sums[At::skip + (lane % 4) * most + lane / 4 + 8 * k] += d_skip[k];
                if (lane < 4) sums[At::b3 + lane] += d_b3;
                if (lane < MAX_LEVELS) sums[At::scale + lane] += d_scale;
            }
        }
        block_sync();
    }
    for (int i = threadIdx.x; i < At::len; i += blockDim.x)
        if (mode == TRAIN || i == At::error) a.partials[uint64_t(i) * gridDim.x + blockIdx.x] = sums[i];
}

#define FRAME_KERNELS(W)                                                      \
    KERNEL(frame_render_##W, 128, FrameArgs) { frame<W, RENDER>(a); }         \
    KERNEL(frame_error_##W, 128, FrameArgs) { frame<W, ERROR>(a); }           \
    KERNEL(frame_train_##W, 128, FrameArgs) { frame<W, TRAIN>(a); }
FRAME_KERNELS(16)
FRAME_KERNELS(32)
FRAME_KERNELS(64)
