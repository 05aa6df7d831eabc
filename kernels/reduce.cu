// SPDX-License-Identifier: MIT OR Apache-2.0
// From the sums of a step's blocks to the error and to gradients of the network and the scales.
#include "network.cuh"

struct FrameReduceArgs {
    const float* partials;
    // null when only the error is wanted
    float* d_network;
    // becomes the gradient of the weights and biases
    float* d_modulated;
    // two values, see Sum
    float* error;
    uint32_t n_blocks, n_features, width, n_out, n_canonical;
    uint32_t w2, b2, w3, b3, skip;
    // where the logarithms of the canonical levels' scales lie
    uint32_t scales[MAX_LEVELS];
    // the gradients are of the loss times this
    float gain;
    // whether the error is added to the one that is there
    uint32_t adds;
};

// A warp per sum of the blocks, over the blocks in their order.
template <int W>
DEVICE void frame_reduce(const FrameReduceArgs& a) {
    typedef Partial<W> At;
    int i = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (i >= At::len || (!a.d_network && i != At::error)) return;
    const float* partials = a.partials + uint64_t(i) * a.n_blocks;
    if (i == At::error) {
        store_sum(partials, a.n_blocks, a.adds, a.error);
        return;
    }
    float sum = 0.0f;
    for (uint32_t b = lane; b < a.n_blocks; b += 32) sum += partials[b];
    sum = warp_sum(sum) * a.gain;
    if (lane != 0) return;
    int width = a.width, n = a.n_features, n_out = a.n_out;
    if (i < At::w1) {
        int row = i / W, column = i % W;
        if (row < width && column < width) a.d_network[a.w2 + row * width + column] += sum;
    } else if (i < At::w3) {
        int row = (i - At::w1) / Features<W>::most, column = (i - At::w1) % Features<W>::most;
        if (row < width && column < n) a.d_modulated[row * n + column] = sum;
    } else if (i < At::skip) {
        int row = (i - At::w3) / W, column = (i - At::w3) % W;
        if (row < n_out && column < width) a.d_network[a.w3 + row * width + column] += sum;
    } else if (i < At::b1) {
        int row = (i - At::skip) / Features<W>::most, column = (i - At::skip) % Features<W>::most;
        if (a.skip != NO_LAYER && row < n_out && column < n) a.d_network[a.skip + row * n + column] += sum;
    } else if (i < At::b2) {
        if (i - At::b1 < width) a.d_modulated[width * n + i - At::b1] = sum;
    } else if (i < At::b3) {
        if (i - At::b2 < width) a.d_network[a.b2 + i - At::b2] += sum;
    } else if (i < At::scale) {
        if (i - At::b3 < n_out) a.d_network[a.b3 + i - At::b3] += sum;
    } else if (i - At::scale < int(a.n_canonical)) {
        a.d_network[a.scales[i - At::scale]] += sum;
    }
}
KERNEL(frame_reduce_16, 256, FrameReduceArgs) { frame_reduce<16>(a); }
KERNEL(frame_reduce_32, 256, FrameReduceArgs) { frame_reduce<32>(a); }
KERNEL(frame_reduce_64, 256, FrameReduceArgs) { frame_reduce<64>(a); }
