// SPDX-License-Identifier: MIT OR Apache-2.0
// Quantisation and the optimiser: one pass over flat buffers.
#include "common.cuh"

struct AddArgs {
    const float* from;
    float* to;
    uint64_t n;
};

// to += from
KERNEL(add, 256, AddArgs) {
    for (uint64_t i = blockIdx.x * 256ull + threadIdx.x; i < a.n; i += gridDim.x * 256ull)
        a.to[i] += a.from[i];
}

struct QuantiseArgs {
    const float* values;
    float* symbols;
    float* slopes;
    uint64_t n, first, seed;
    // 1 / temperature; 0 rounds to the nearest integer
    float inv_t, gain, noise;
    uint32_t unused;
};

// Number n of the stream of `seed`, as the host's generator has it.
DEVICE uint64_t random_bits(uint64_t seed, uint64_t n) {
    const uint64_t GAMMA = 0x9E3779B97F4A7C15ull;
    uint64_t z = seed + n * GAMMA + GAMMA;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

// r(x) = floor(x) + 1/2 + gain tanh((x - floor(x) - 1/2) / T), and r'(x).
DEVICE float soft_round(float x, float inv_t, float gain, float& slope) {
    float base = floorf(x) + 0.5f;
    float t = tanhf((x - base) * inv_t);
    slope = gain * inv_t * (1.0f - t * t);
    return base + gain * t;
}

KERNEL(quantise, 256, QuantiseArgs) {
    for (uint64_t i = blockIdx.x * 256ull + threadIdx.x; i < a.n; i += gridDim.x * 256ull) {
        float symbol = rintf(a.values[i]), slope = 1.0f;
        if (a.inv_t != 0.0f) {
            float uniform = float(random_bits(a.seed, a.first + i) >> 40) * (1.0f / (1 << 24));
            float first, second;
            float y = soft_round(a.values[i], a.inv_t, a.gain, first);
            symbol = soft_round(y + (uniform - 0.5f) * a.noise, a.inv_t, a.gain, second);
            slope = first * second;
        }
        a.symbols[i] = symbol;
        a.slopes[i] = slope;
    }
}

struct AdamArgs {
    float* values;
    float* grads;
    // may be null
    const float* slopes;
    float* m;
    float* v;
    uint64_t n;
    // rate / (1 - beta1^step), 1 / (1 - beta2^step)
    float rate, correct2, beta1, beta2;
};

KERNEL(adam, 256, AdamArgs) {
    for (uint64_t i = blockIdx.x * 256ull + threadIdx.x; i < a.n; i += gridDim.x * 256ull) {
        float g = a.grads[i];
        if (a.slopes) g *= a.slopes[i];
        float m = a.beta1 * a.m[i] + (1.0f - a.beta1) * g;
        float v = a.beta2 * a.v[i] + (1.0f - a.beta2) * g * g;
        a.m[i] = m;
        a.v[i] = v;
        a.values[i] -= a.rate * m / (sqrtf(v * a.correct2) + 1e-12f);
        a.grads[i] = 0.0f;
    }
}
