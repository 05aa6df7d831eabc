// SPDX-License-Identifier: MIT OR Apache-2.0
// Hypernetwork and modulation of grid models (paper section 3.2, Eq. 2): a few thousand
// operations, so one block does it, each thread some of the outputs.
#include "common.cuh"

struct ModulateArgs {
    const float* network;
    // weights [width, n_features], bias [width], factors [width, n_features]
    float* modulated;
    // backward only
    const float* d_modulated;
    float* d_network;
    uint32_t width, n_features, rank, d_latent;
    // where tensors begin in the network buffer, and the latents of two time nodes
    uint32_t w1, b1, hyper, first, second;
    float weight;
};

// z and v, P, Q into shared memory: [d_latent], then [width + rank (width + n_features)].
DEVICE void hypernetwork(const ModulateArgs& a, float* z, float* h) {
    uint32_t n = a.width + a.rank * (a.width + a.n_features);
    for (uint32_t i = threadIdx.x; i < a.d_latent; i += blockDim.x)
        z[i] = a.network[a.first + i] * (1.0f - a.weight) + a.network[a.second + i] * a.weight;
    block_sync();
    for (uint32_t o = threadIdx.x; o < n; o += blockDim.x) {
        float sum = 0.0f;
        for (uint32_t i = 0; i < a.d_latent; i++) sum += a.network[a.hyper + o * a.d_latent + i] * z[i];
        h[o] = sum;
    }
    block_sync();
}

KERNEL(modulate, 256, ModulateArgs) {
    SHARED(float, z);
    float* h = z + a.d_latent;
    hypernetwork(a, z, h);
    const float* p = h + a.width;
    const float* q = p + a.width * a.rank;
    uint32_t n = a.width * a.n_features;
    for (uint32_t i = threadIdx.x; i < n; i += blockDim.x) {
        uint32_t row = i / a.n_features, column = i % a.n_features;
        float dot = 0.0f;
        for (uint32_t r = 0; r < a.rank; r++) dot += p[row * a.rank + r] * q[r * a.n_features + column];
        float factor = 2.0f / (1.0f + expf(-dot));
        a.modulated[i] = a.network[a.w1 + i] * factor;
        a.modulated[n + a.width + i] = factor;
    }
    for (uint32_t i = threadIdx.x; i < a.width; i += blockDim.x) a.modulated[n + i] = a.network[a.b1 + i] + h[i];
}

KERNEL(modulate_bwd, 256, ModulateArgs) {
    SHARED(float, z);
    uint32_t width = a.width, c = a.n_features, rank = a.rank, n = width * c;
    uint32_t n_hyper = width + rank * (width + c);
    float* h = z + a.d_latent;
    float* d_h = h + n_hyper;
    float* d_dot = d_h + n_hyper;
    hypernetwork(a, z, h);
    const float* p = h + width;
    const float* q = p + width * rank;
    for (uint32_t i = threadIdx.x; i < n; i += blockDim.x) {
        float factor = a.modulated[n + width + i], d = a.d_modulated[i];
        // factor = 2 sigmoid(s), so its slope is factor (1 - factor / 2).
        d_dot[i] = d * a.network[a.w1 + i] * factor * (1.0f - 0.5f * factor);
        a.d_network[a.w1 + i] += d * factor;
    }
    for (uint32_t i = threadIdx.x; i < width; i += blockDim.x) {
        d_h[i] = a.d_modulated[n + i];
        a.d_network[a.b1 + i] += d_h[i];
    }
    block_sync();
    for (uint32_t i = threadIdx.x; i < rank * width; i += blockDim.x) {
        uint32_t row = i / rank, r = i % rank;
        float sum = 0.0f;
        for (uint32_t k = 0; k < c; k++) sum += d_dot[row * c + k] * q[r * c + k];
        d_h[width + i] = sum;
    }
    for (uint32_t i = threadIdx.x; i < rank * c; i += blockDim.x) {
        uint32_t r = i / c, column = i % c;
        float sum = 0.0f;
        for (uint32_t k = 0; k < width; k++) sum += d_dot[k * c + column] * p[k * rank + r];
        d_h[width + width * rank + i] = sum;
    }
    block_sync();
    for (uint32_t i = threadIdx.x; i < n_hyper * a.d_latent; i += blockDim.x)
        a.d_network[a.hyper + i] += d_h[i / a.d_latent] * z[i % a.d_latent];
    for (uint32_t i = threadIdx.x; i < a.d_latent; i += blockDim.x) {
        float sum = 0.0f;
        for (uint32_t o = 0; o < n_hyper; o++) sum += d_h[o] * a.network[a.hyper + o * a.d_latent + i];
        a.d_network[a.first + i] += sum * (1.0f - a.weight);
        a.d_network[a.second + i] += sum * a.weight;
    }
}
