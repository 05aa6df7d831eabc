// SPDX-License-Identifier: MIT OR Apache-2.0
// Layers of a coordinate network: products of matrices of f16 on tensor cores, sums in f32.
// Rows are points, [point, unit], padded with zeros to 32 units. A block takes 128 rows and 128 (or
// 32) columns of the result; three tiles of the operands are under way while one is multiplied.
#include "../common.cuh"

// Every value that is read from memory serves 128 products, which is what keeps tensor cores busy from
// the second-level cache.
#define BLOCK_ROWS 128
// Two steps of an mma per tile. Rows of all layers are padded to this.
#define DEPTH 32
// Two tiles travel while one is multiplied: what leaves room for two blocks of a processor, as their registers do.
#define STAGES 3
// 16 bytes more than the data: eight rows of ldmatrix meet no bank twice.
#define DEEP_PITCH (DEPTH + 8)
#define WIDE_PITCH (BLOCK_ROWS + 8)

struct DenseArgs {
    // forward: inputs [rows, depth]; to the inputs: gradients [rows, depth]; to the weights:
    // gradients [depth, rows]
    const f16* a;
    // forward: weights [columns, depth]; to the inputs: transposed weights [columns, depth]; to the
    // weights: inputs [depth, columns]
    const f16* b;
    // f16 or f32: one of them is null
    f16* out16;
    float* out32;
    const float* bias;
    // [rows, columns]: where it is not positive the result is zero; may be null
    const f16* mask;
    // from one batch to the next, in elements
    uint64_t a_batch, b_batch, out_batch, mask_batch;
    // columns and depth are multiples of 32, but for gradients of the weights, whose depth are points
    uint32_t rows, columns, depth;
    // elements from one row to the next
    uint32_t a_pitch, b_pitch, out_pitch;
    uint32_t n_bias, relu;
};

// One tile of an operand: UNITS (128 or 32) rows or columns, 32 deep.
template <bool TRANSPOSED, int UNITS>
DEVICE void load_tile(f16* to, const f16* from, uint32_t pitch, uint32_t first, uint32_t n, uint32_t depth,
                      uint32_t n_depth) {
    if (TRANSPOSED) {
        for (uint32_t i = threadIdx.x; i < DEPTH * UNITS / 8; i += 256) {
            uint32_t row = i / (UNITS / 8), unit = i % (UNITS / 8) * 8;
            bool wanted = depth + row < n_depth && first + unit < n;
            const f16* at = wanted ? from + uint64_t(depth + row) * pitch + first + unit : from;
            copy_async16(to + row * WIDE_PITCH + unit, at, wanted);
        }
    } else {
        for (uint32_t i = threadIdx.x; i < UNITS * DEPTH / 8; i += 256) {
            uint32_t row = i / (DEPTH / 8), unit = i % (DEPTH / 8) * 8;
            bool wanted = first + row < n && depth + unit < n_depth;
            const f16* at = wanted ? from + uint64_t(first + row) * pitch + depth + unit : from;
            copy_async16(to + row * DEEP_PITCH + unit, at, wanted);
        }
    }
}

// Address of this lane's row for load_matrices: 16 units from `unit` on, 16 deep from `depth` on. The
// four matrices are (units 0-7, depth 0-7), (8-15, 0-7), (0-7, 8-15), (8-15, 8-15).
template <bool TRANSPOSED>
DEVICE const f16* matrix_row(const f16* tile, int unit, int depth) {
    int lane = threadIdx.x % 32, row = lane % 8, which = lane / 8;
    if (TRANSPOSED) return tile + (depth + which / 2 * 8 + row) * WIDE_PITCH + unit + which % 2 * 8;
    return tile + (unit + which % 2 * 8 + row) * DEEP_PITCH + depth + which / 2 * 8;
}

template <bool TRANSPOSED>
struct TileSize {
    static const int len = TRANSPOSED ? DEPTH * WIDE_PITCH : BLOCK_ROWS * DEEP_PITCH;
};

// Bytes of shared memory.
#define DENSE_SHARED (STAGES * 2 * maximum(TileSize<false>::len, TileSize<true>::len) * sizeof(f16))

// A warp takes 32 columns, and its share of the rows: 64 or 16.
template <bool TRANSPOSED, int WARPS_ACROSS>
DEVICE void dense(const DenseArgs& a, uint32_t depth_begin, uint32_t depth_end, uint64_t batch, uint64_t out_at) {
    SHARED(f16, shared);
    const int ROW_TILES = WARPS_ACROSS;
    const int BLOCK_COLUMNS = 32 * WARPS_ACROSS;
    const int LEN = TileSize<TRANSPOSED>::len;
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int row0 = warp / WARPS_ACROSS * 16 * ROW_TILES, column0 = warp % WARPS_ACROSS * 32;
    const uint32_t first_row = blockIdx.y * BLOCK_ROWS, first_column = blockIdx.x * BLOCK_COLUMNS;
    const f16* from_a = a.a + batch * a.a_batch;
    const f16* from_b = a.b + batch * a.b_batch;
    const uint32_t n_steps = (depth_end - depth_begin + DEPTH - 1) / DEPTH;
    float sum[ROW_TILES][4][4] = {};
    auto load = [&](uint32_t step) {
        if (step < n_steps) {
            f16* to = shared + step % STAGES * 2 * LEN;
            uint32_t depth = depth_begin + step * DEPTH;
            load_tile<TRANSPOSED, BLOCK_ROWS>(to, from_a, a.a_pitch, first_row, a.rows, depth, depth_end);
            load_tile<TRANSPOSED, BLOCK_COLUMNS>(to + LEN, from_b, a.b_pitch, first_column, a.columns, depth,
                                                 depth_end);
        }
        copy_async_commit();
    };
    for (uint32_t step = 0; step < STAGES - 1; step++) load(step);
    for (uint32_t step = 0; step < n_steps; step++) {
        copy_async_wait<STAGES - 2>();
        // The tile has come for all threads, and all have left the one that is overwritten next.
        block_sync();
        load(step + STAGES - 1);
        const f16* tile_a = shared + step % STAGES * 2 * LEN;
        const f16* tile_b = tile_a + LEN;
#pragma unroll
        for (int depth = 0; depth < DEPTH; depth += 16) {
            uint32_t fragment_a[ROW_TILES][4], fragment_b[2][4];
#pragma unroll
            for (int i = 0; i < ROW_TILES; i++)
                load_matrices<TRANSPOSED>(fragment_a[i], matrix_row<TRANSPOSED>(tile_a, row0 + 16 * i, depth));
#pragma unroll
            for (int j = 0; j < 2; j++)
                load_matrices<TRANSPOSED>(fragment_b[j], matrix_row<TRANSPOSED>(tile_b, column0 + 16 * j, depth));
#pragma unroll
            for (int i = 0; i < ROW_TILES; i++)
#pragma unroll
                for (int j = 0; j < 4; j++)
                    mma(sum[i][j], fragment_a[i], fragment_b[j / 2][j % 2], fragment_b[j / 2][j % 2 + 2]);
        }
    }
    copy_async_wait<0>();
#pragma unroll
    for (int i = 0; i < ROW_TILES; i++)
#pragma unroll
        for (int j = 0; j < 4; j++)
#pragma unroll
            for (int half = 0; half < 2; half++) {
                uint32_t row = first_row + row0 + 16 * i + lane / 4 + 8 * half;
                uint32_t column = first_column + column0 + 8 * j + lane % 4 * 2;
                if (row >= a.rows || column >= a.columns) continue;
                float v[2] = {sum[i][j][2 * half], sum[i][j][2 * half + 1]};
                float2 masked = {1.0f, 1.0f};
                if (a.mask)
                    masked = unpack_half2(*reinterpret_cast<const uint32_t*>(a.mask + batch * a.mask_batch +
                                                                             uint64_t(row) * a.out_pitch + column));
#pragma unroll
                for (int e = 0; e < 2; e++) {
                    if (column + e < a.n_bias) v[e] += a.bias[column + e];
                    if (a.relu) v[e] = relu(v[e]);
                }
                if (!(masked.x > 0.0f)) v[0] = 0.0f;
                if (!(masked.y > 0.0f)) v[1] = 0.0f;
                uint64_t to = out_at + uint64_t(row) * a.out_pitch + column;
                if (a.out16) {
                    // Beyond the largest f16 the largest one.
                    uint32_t pair = pack_half2(clamp(v[0], -65504.0f, 65504.0f), clamp(v[1], -65504.0f, 65504.0f));
                    *reinterpret_cast<uint32_t*>(a.out16 + to) = pair;
                } else {
                    a.out32[to] = v[0];
                    a.out32[to + 1] = v[1];
                }
            }
}

// Batches are frames.
KERNEL(dense_128, 256, DenseArgs) { dense<false, 4>(a, 0, a.depth, blockIdx.z, blockIdx.z * a.out_batch); }
KERNEL(dense_32, 256, DenseArgs) { dense<false, 1>(a, 0, a.depth, blockIdx.z, blockIdx.z * a.out_batch); }
// Of one frame each.
KERNEL(dense_weights, 256, DenseArgs) { dense<true, 4>(a, 0, a.depth, blockIdx.z, blockIdx.z * a.out_batch); }
// Of all frames together: every batch is a part of the points.
KERNEL(dense_weights_split, 256, DenseArgs) {
    uint32_t part = (a.depth + gridDim.z - 1) / gridDim.z;
    uint32_t begin = minimum(blockIdx.z * part, a.depth), end = minimum(begin + part, a.depth);
    dense<true, 4>(a, begin, end, 0, blockIdx.z * a.out_batch);
}

struct WeightsArgs {
    // [n_out, n_in] f32
    const float* weights;
    // sigmoid of this [frames, n_out, n_in] is the mask, and is left in its place; may be null
    float* mask;
    // [frames, padded n_out, padded n_in] and its transpose (which may be null)
    f16* forward;
    f16* transposed;
    uint32_t n_out, n_in, padded_out, padded_in;
};

// Weights of a layer as f16, modulated (paper Eq. 2).
KERNEL(dense_load, 256, WeightsArgs) {
    uint32_t n = a.padded_out * a.padded_in, frame = blockIdx.y;
    for (uint32_t i = blockIdx.x * 256 + threadIdx.x; i < n; i += gridDim.x * 256) {
        uint32_t row = i / a.padded_in, column = i % a.padded_in;
        float v = 0.0f;
        if (row < a.n_out && column < a.n_in) {
            uint64_t at = uint64_t(row) * a.n_in + column;
            v = a.weights[at];
            if (a.mask) {
                float* mask = a.mask + uint64_t(frame) * a.n_out * a.n_in + at;
                float s = 1.0f / (1.0f + expf(-*mask));
                *mask = s;
                v *= s;
            }
        }
        f16 h = to_half(clamp(v, -65504.0f, 65504.0f));
        a.forward[uint64_t(frame) * n + i] = h;
        if (a.transposed) a.transposed[uint64_t(frame) * n + uint64_t(column) * a.padded_out + row] = h;
    }
}

struct ColumnSumArgs {
    // [rows, pitch]
    const f16* values;
    // [gridDim.y, columns]
    float* partials;
    uint32_t rows, columns, pitch, unused;
};

// Bytes of shared memory.
#define COLUMN_SUMS_SHARED (256 * sizeof(float))

// Sums over rows, for gradients of biases: a block takes 32 columns and a part of the rows.
KERNEL(column_sums, 256, ColumnSumArgs) {
    SHARED(float, sums);
    uint32_t column = blockIdx.x * 32 + threadIdx.x % 32, warp = threadIdx.x / 32;
    uint32_t part = (a.rows + gridDim.y - 1) / gridDim.y;
    uint32_t begin = minimum(blockIdx.y * part, a.rows), end = minimum(begin + part, a.rows);
    float sum = 0.0f;
    if (column < a.columns)
        for (uint32_t row = begin + warp; row < end; row += 8) sum += to_float(a.values[uint64_t(row) * a.pitch + column]);
    sums[threadIdx.x] = sum;
    block_sync();
    if (warp == 0 && column < a.columns) {
        for (int i = 1; i < 8; i++) sum += sums[32 * i + threadIdx.x];
        a.partials[uint64_t(blockIdx.y) * a.columns + column] = sum;
    }
}

struct SumPartsArgs {
    // [parts, part / pitch, pitch]
    const float* parts;
    // [rows, columns]: adds to it, or becomes it
    float* to;
    // 1 - t^2 of this [rows, columns] is a factor; may be null
    const float* tanh;
    uint64_t part;
    uint32_t n_parts, rows, columns, pitch;
    float gain;
    uint32_t adds;
};

KERNEL(sum_parts, 256, SumPartsArgs) {
    uint64_t n = uint64_t(a.rows) * a.columns;
    for (uint64_t i = blockIdx.x * 256ull + threadIdx.x; i < n; i += gridDim.x * 256ull) {
        uint64_t at = i / a.columns * a.pitch + i % a.columns;
        float sum = 0.0f;
        for (uint32_t p = 0; p < a.n_parts; p++) sum += a.parts[p * a.part + at];
        sum *= a.gain;
        if (a.tanh) sum *= 1.0f - a.tanh[i] * a.tanh[i];
        a.to[i] = a.adds ? a.to[i] + sum : sum;
    }
}

struct SumFramesArgs {
    // [frames, n] and their sum [n]
    const f16* frames;
    f16* sum;
    uint64_t n;
    uint32_t n_frames, unused;
};

KERNEL(sum_frames, 256, SumFramesArgs) {
    for (uint64_t i = 2 * (blockIdx.x * 256ull + threadIdx.x); i < a.n; i += gridDim.x * 512ull) {
        float2 sum = {0.0f, 0.0f};
        for (uint32_t f = 0; f < a.n_frames; f++) {
            float2 v = unpack_half2(*reinterpret_cast<const uint32_t*>(a.frames + f * a.n + i));
            sum.x += v.x;
            sum.y += v.y;
        }
        uint32_t pair = pack_half2(clamp(sum.x, -65504.0f, 65504.0f), clamp(sum.y, -65504.0f, 65504.0f));
        *reinterpret_cast<uint32_t*>(a.sum + i) = pair;
    }
}
