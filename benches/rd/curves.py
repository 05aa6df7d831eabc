# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bjontegaard's BD-rate, over a piecewise cubic (PCHIP) of log(bytes) against quality.

The classic form fits one cubic to four points; the piecewise one passes through every point of longer
curves and does not swing between them. Only the range of quality that both curves reach counts.
"""

import math
from dataclasses import dataclass

MIN_POINTS = 4
METRICS = {"yuv": "YUV 6:1:1 PSNR", "rgb": "R'G'B' PSNR", "ssim": "SSIM"}


@dataclass
class BdRate:
    # Mean of log(bytes / reference bytes) at equal quality, as a ratio - 1.
    rate: float
    # Part of the curve's own range of quality that it was measured over.
    share: float


class NoBdRate(Exception):
    """Why there is none."""


def quality(point, metric):
    """In dB; SSIM as the share of what differs, so that .98 to .99 counts as much as .96 to .98."""
    value = point[metric]
    return -10 * math.log10(max(1 - value, 1e-10)) if metric == "ssim" else value


def end_slope(h0, h1, d0, d1):
    """Slope of the parabola through the outermost three points, as far as the curve stays monotone."""
    slope = ((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1)
    if slope * d0 <= 0:
        return 0.0
    if d0 * d1 <= 0 and abs(slope) > 3 * abs(d0):
        return 3 * d0
    return slope


def slopes(x, y):
    """Slopes in the points of a monotone piecewise cubic (Fritsch and Butland 1984); 3 points or more."""
    h = [b - a for a, b in zip(x, x[1:])]
    d = [(b - a) / step for a, b, step in zip(y, y[1:], h)]
    inner = []
    for k in range(1, len(d)):
        if d[k - 1] * d[k] <= 0:
            inner.append(0.0)
        else:
            a, b = 2 * h[k] + h[k - 1], h[k] + 2 * h[k - 1]
            inner.append((a + b) / (a / d[k - 1] + b / d[k]))
    return [end_slope(h[0], h[1], d[0], d[1]), *inner, end_slope(h[-1], h[-2], d[-1], d[-2])]


class Curve:
    """log(bytes) as a function of quality."""

    def __init__(self, points, metric):
        if len(points) < MIN_POINTS:
            raise NoBdRate(f"{len(points)} points, at least {MIN_POINTS} are needed")
        pairs = sorted((quality(p, metric), math.log(p["bytes"])) for p in points)
        self.x, self.y = [list(values) for values in zip(*pairs)]
        if any(a == b for a, b in zip(self.x, self.x[1:])):
            raise NoBdRate("two points of the same quality")
        self.m = slopes(self.x, self.y)

    def at(self, x):
        k = max((i for i in range(len(self.x) - 1) if self.x[i] <= x), default=0)
        h = self.x[k + 1] - self.x[k]
        t = (x - self.x[k]) / h
        a, b = (1 + 2 * t) * (1 - t) ** 2, t * (1 - t) ** 2
        c, d = t * t * (3 - 2 * t), t * t * (t - 1)
        return a * self.y[k] + b * h * self.m[k] + c * self.y[k + 1] + d * h * self.m[k + 1]


def bd_rate(points, reference, metric):
    """BD-rate of `points` against `reference`; raises NoBdRate."""
    ours, theirs = Curve(points, metric), Curve(reference, metric)
    low, high = max(ours.x[0], theirs.x[0]), min(ours.x[-1], theirs.x[-1])
    if low >= high:
        raise NoBdRate("no quality that both reach")
    knots = sorted({low, high, *(x for x in ours.x + theirs.x if low < x < high)})
    difference = lambda x: ours.at(x) - theirs.at(x)
    # Between two knots the difference is a cubic, of which Simpson's rule gives the exact integral.
    area = sum((b - a) / 6 * (difference(a) + 4 * difference((a + b) / 2) + difference(b))
               for a, b in zip(knots, knots[1:]))
    return BdRate(math.expm1(area / (high - low)), (high - low) / (ours.x[-1] - ours.x[0]))
