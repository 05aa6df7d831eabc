#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The models of benches/gpu.rs in PyTorch, eager and compiled, in frames per second.

    python3 benches/gpu_pytorch.py [--device cuda] [--size 1920x1080] [--rounds 20]

Profile `warp`: a training step (a quarter of the pixels; without the rate of the grids, which makes
PyTorch's step the cheaper one) and a decoded frame; profile `paper-m`: a decoded frame with its
prefix kept, in f16. Sampling goes through `grid_sample`, bicubic where the model has cubic
B-splines: the same reads. Run it beside `cargo bench -p lnr --features internals --bench gpu` on
the same machine.
"""

import argparse
import time

import torch
import torch.nn.functional as F

WIDTH, N_FRAMES, EPOCHS = 16, 9, 120


def strides(first, last=128):
    while first <= last:
        yield first
        first *= 2


class Warp(torch.nn.Module):
    """Canonical grids through motion, residual grids, a small network with a path around it."""

    def __init__(self, width, height):
        super().__init__()

        def planes(first, n):
            return torch.nn.ParameterList(
                torch.randn(N_FRAMES if n else 1, n or 1, -(-height // s), -(-width // s)) * 0.1 for s in strides(first)
            )

        self.canonical = planes(1, 0)
        self.motion = planes(32, 2)
        self.residual = planes(8, 1)
        n = len(self.canonical) + len(self.residual)
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(n, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, 3)
        )
        self.around = torch.nn.Linear(n, 3, bias=False)

    def forward(self, points, frame):
        """points: [rows, columns, 2] in -1..1; returns [rows, columns, 3]"""

        def sample(plane, at, mode="bilinear"):
            return F.grid_sample(plane, at, mode=mode, padding_mode="border", align_corners=False)[0]

        grid = points[None]
        shift = sum(sample(p[frame : frame + 1], grid) for p in self.motion)
        at = grid + shift.permute(1, 2, 0)[None] * 1e-3
        features = [sample(p, at, "bicubic" if i < 2 else "bilinear") for i, p in enumerate(self.canonical)]
        features += [sample(p[frame : frame + 1], grid) for p in self.residual]
        x = torch.cat(features).flatten(1).T
        return (self.layers(x) + self.around(x)).unflatten(0, points.shape[:2])


class PaperM(torch.nn.Module):
    """Layers of 512 after a kept prefix, one of them modulated: sigmoid(P Q) * W."""

    def __init__(self):
        super().__init__()
        sizes = [512, 512, 512, 512, 512, 3]
        self.layers = torch.nn.ModuleList(torch.nn.Linear(i, o) for i, o in zip(sizes, sizes[1:]))
        self.hyper = torch.nn.Sequential(torch.nn.Linear(512, 128), torch.nn.Tanh(), torch.nn.Linear(128, 100 * 1024))

    def forward(self, prefix, z):
        p, q = self.hyper(z).split(100 * 512)
        mask = torch.sigmoid(p.view(512, 100) @ q.view(100, 512))
        x = torch.relu(F.linear(prefix, mask * self.layers[0].weight, self.layers[0].bias))
        for layer in self.layers[1:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x)


def to_planes(values):
    """Y'CbCr 4:2:0 of 8 bits from [rows, columns, 3]."""
    planes = (values.float().permute(2, 0, 1) * 255 + 0.5).clamp(0, 255)
    return planes[0].to(torch.uint8), F.avg_pool2d(planes[1:], 2).to(torch.uint8)


def seconds(device, rounds, f):
    """Of one call, after two to warm up."""
    for _ in range(2):
        f()
    wait = torch.cuda.synchronize if device.type == "cuda" else (lambda: None)
    wait()
    start = time.perf_counter()
    for _ in range(rounds):
        f()
    wait()
    return (time.perf_counter() - start) / rounds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    device = torch.device(args.device)
    width, height = map(int, args.size.split("x"))
    half = torch.float16 if device.type == "cuda" else torch.bfloat16

    def axis(n):
        return (torch.arange(n, device=device) + 0.5) * 2 / n - 1

    points = torch.stack(torch.meshgrid(axis(width), axis(height), indexing="xy"), -1)
    quarter = points[::2, ::2].contiguous()
    target = torch.rand(*quarter.shape[:2], 3, device=device)
    for name in ["eager", "compiled"]:
        torch.manual_seed(1)
        warp = Warp(width, height).to(device)
        optimiser = torch.optim.Adam(warp.parameters(), lr=1e-2, fused=device.type == "cuda")
        forward = torch.compile(warp) if name == "compiled" else warp

        def step():
            optimiser.zero_grad(set_to_none=True)
            F.mse_loss(forward(quarter, 1), target).backward()
            optimiser.step()

        @torch.no_grad()
        def decode():
            for plane in to_planes(forward(points, 1)):
                plane.cpu()

        paper = PaperM().to(device, half)
        forward_paper = torch.compile(paper) if name == "compiled" else paper
        prefix = torch.rand(width * height, 512, device=device, dtype=half)
        z = torch.rand(512, device=device, dtype=half)

        @torch.no_grad()
        def decode_paper():
            for plane in to_planes(forward_paper(prefix, z).unflatten(0, (height, width))):
                plane.cpu()

        taken = seconds(device, args.rounds, step)
        print(f"{name}: warp, training: {1e6 * taken:.0f} us a step, {1 / (taken * EPOCHS):.2f} frames/s at {EPOCHS} visits")
        print(f"{name}: warp, decoding: {1 / seconds(device, args.rounds, decode):.1f} frames/s")
        print(f"{name}: paper-m, decoding: {1 / seconds(device, args.rounds, decode_paper):.1f} frames/s", flush=True)


main()
