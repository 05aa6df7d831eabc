#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Rate and distortion of lnr beside x265 medium on one group of frames.

    benches/rate_distortion.py VIDEO [--size 320x180] [--frames 33] [--svg PLOT.svg]

The first frames of VIDEO are area-scaled to R'G'B' by FFmpeg. Both encoders get these frames: lnr as
they are, x265 as 4:2:0, as one closed group and without its information SEI. What the files decode to
is compared with them by `lnr compare`: mean over frames of the PSNR over R'G'B'. Needs ffmpeg with
libx265, and target/release/lnr (`cargo build --release`). Prints a Markdown table and the BD-rate.
"""

import argparse
import json
import math
import os
import subprocess
import tempfile
import time

LNR = os.path.join(os.path.dirname(__file__), "..", "target", "release", "lnr")
QUALITIES = [12, 22, 30, 40, 50, 58]
CRFS = [20, 22, 24, 26, 28, 30, 32, 34, 36, 38]
# Conversion between R'G'B' and 4:2:0 as well as FFmpeg can.
EXACT = "+accurate_rnd+full_chroma_int"


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def ffmpeg(*arguments):
    # Every frame once, whatever its time.
    *arguments, out = arguments
    run("ffmpeg", "-v", "error", "-y", *arguments, "-fps_mode", "passthrough", out)


def psnr(reference, video):
    return json.loads(run(LNR, "compare", reference, video, "--json"))["psnr_rgb"]


def lnr_point(source, folder, quality):
    """Bytes, dB and seconds of one encode."""
    out = os.path.join(folder, "a.lnr")
    begin = time.monotonic()
    run(LNR, "encode", "-q", source, out, "--quality", str(quality))
    seconds = time.monotonic() - begin
    # The index of the file is no part of the coding, no more than a container is x265's.
    groups = json.loads(run(LNR, "info", out, "--json"))["groups"]
    return sum(group["bytes"] for group in groups), psnr(source, out), seconds


def x265_point(source, folder, crf):
    hevc, decoded = os.path.join(folder, "a.hevc"), os.path.join(folder, "b.avi")
    begin = time.monotonic()
    parameters = "info=0:keyint=-1:log-level=none"
    scale = "scale=flags=bicubic" + EXACT
    ffmpeg("-i", source, "-vf", scale, "-pix_fmt", "yuv420p", "-c:v", "libx265", "-preset", "medium",
           "-crf", str(crf), "-x265-params", parameters, "-f", "hevc", hevc)
    seconds = time.monotonic() - begin
    ffmpeg("-f", "hevc", "-framerate", "25", "-i", hevc, "-vf", scale, "-c:v", "rawvideo",
           "-pix_fmt", "bgr24", decoded)
    return os.path.getsize(hevc), psnr(source, decoded), seconds


def slopes(x, y):
    """Slopes of the monotone cubic interpolation of Fritsch and Butland."""
    h = [b - a for a, b in zip(x, x[1:])]
    d = [(b - a) / step for a, b, step in zip(y, y[1:], h)]
    inner = []
    for k in range(1, len(d)):
        if d[k - 1] * d[k] <= 0:
            inner.append(0.0)
        else:
            a, b = 2 * h[k] + h[k - 1], h[k] + 2 * h[k - 1]
            inner.append((a + b) / (a / d[k - 1] + b / d[k]))
    return [d[0], *inner, d[-1]]


def interpolate(points, at):
    """log(bytes) at a PSNR; `points` are (bytes, dB, ...)."""
    points = sorted((p[1], math.log(p[0])) for p in points)
    x, y = [p[0] for p in points], [p[1] for p in points]
    m = slopes(x, y)
    k = max(i for i in range(len(x) - 1) if i == 0 or x[i] <= at)
    h = x[k + 1] - x[k]
    t = (at - x[k]) / h
    a, b = (1 + 2 * t) * (1 - t) ** 2, t * (1 - t) ** 2
    c, d = t * t * (3 - 2 * t), t * t * (t - 1)
    return a * y[k] + b * h * m[k] + c * y[k + 1] + d * h * m[k + 1]


def bd_rate(points, reference, low=None, high=None):
    """Mean difference of log(bytes) at equal PSNR, as a ratio - 1 (Bjontegaard, with PCHIP)."""
    both = [sorted(p[1] for p in curve) for curve in (points, reference)]
    low = max(low or -math.inf, both[0][0], both[1][0])
    high = min(high or math.inf, both[0][-1], both[1][-1])
    n = 400
    levels = [low + (high - low) * (i + 0.5) / n for i in range(n)]
    mean = sum(interpolate(points, v) - interpolate(reference, v) for v in levels) / n
    return math.exp(mean) - 1, low, high


def svg(curves, n_pixels):
    """A plot of PSNR over bits per pixel on a logarithmic axis."""
    bpp = {name: [(8 * p[0] / n_pixels, p[1]) for p in points] for name, points in curves.items()}
    everything = [p for points in bpp.values() for p in points]
    x0, x1 = (math.log(f(p[0] for p in everything)) for f in (min, max))
    y0, y1 = math.floor(min(p[1] for p in everything)), math.ceil(max(p[1] for p in everything))
    left, top, width, height = 52, 16, 560, 320

    def place(rate, db):
        x = left + width * (math.log(rate) - x0) / (x1 - x0)
        return x, top + height * (y1 - db) / (y1 - y0)

    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 390" font-family="sans-serif" '
           'font-size="12" fill="none">',
           '<rect width="640" height="390" fill="#fff"/>']
    for db in range(y0, y1 + 1):
        _, y = place(math.exp(x0), db)
        out.append(f'<path d="M{left} {y:.1f}h{width}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 8}" y="{y + 4:.1f}" fill="#333" text-anchor="end">{db}</text>')
    for rate in (0.03, 0.05, 0.1, 0.2, 0.3):
        if x0 <= math.log(rate) <= x1:
            x, _ = place(rate, y0)
            out.append(f'<path d="M{x:.1f} {top}v{height}" stroke="#ddd"/>')
            out.append(f'<text x="{x:.1f}" y="{top + height + 16}" fill="#333" '
                       f'text-anchor="middle">{rate}</text>')
    out.append(f'<text x="{left + width / 2}" y="{top + height + 38}" fill="#333" '
               'text-anchor="middle">bits per pixel</text>')
    out.append('<text x="14" y="180" fill="#333" text-anchor="middle" '
               'transform="rotate(-90 14 180)">RGB PSNR, dB</text>')
    for i, (name, points) in enumerate(bpp.items()):
        color = ("#c33", "#369")[i % 2]
        line = " ".join("%.1f,%.1f" % place(*p) for p in sorted(points))
        out.append(f'<polyline points="{line}" stroke="{color}" stroke-width="2"/>')
        for p in points:
            out.append('<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>' % (*place(*p), color))
        out.append(f'<text x="{left + 16}" y="{top + 24 + 18 * i}" fill="{color}" '
                   f'font-size="14">{name}</text>')
    return "\n".join([*out, "</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video")
    parser.add_argument("--size", default="320x180")
    parser.add_argument("--frames", type=int, default=33)
    parser.add_argument("--svg", help="where to write a plot")
    a = parser.parse_args()
    width, height = map(int, a.size.split("x"))
    n_pixels = width * height * a.frames
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "source.avi")
        ffmpeg("-i", a.video, "-frames:v", str(a.frames), "-vf",
               f"scale={width}:{height}:flags=area{EXACT}", "-c:v", "rawvideo", "-pix_fmt", "bgr24", source)
        ours = [lnr_point(source, folder, q) for q in QUALITIES]
        theirs = [x265_point(source, folder, crf) for crf in CRFS]
    print("| `--quality` | bytes | bits per pixel | RGB PSNR | x265 medium there | lnr | encoded in |")
    print("|--|--|--|--|--|--|--|")
    for quality, (size, db, seconds) in zip(QUALITIES, ours):
        equal = math.exp(interpolate(theirs, db))
        print(f"| {quality} | {size} | {8 * size / n_pixels:.4f} | {db:.2f} dB | "
              f"{8 * equal / n_pixels:.4f} | {100 * (size / equal - 1):+.0f} % | {seconds:.0f} s |")
    rate, low, high = bd_rate(ours, theirs)
    print(f"\nBD-rate against x265 medium, {low:.1f} to {high:.1f} dB: {100 * rate:+.1f} %")
    if a.svg:
        with open(a.svg, "w", encoding="utf-8") as f:
            f.write(svg({"lnr": ours, "x265 medium": theirs}, n_pixels))


if __name__ == "__main__":
    main()
