# SPDX-License-Identifier: MIT OR Apache-2.0
"""A plot of quality over bits per pixel, as SVG."""

import math
from html import escape

WIDTH, HEIGHT = 640, 420
# The area of the curves.
LEFT, TOP, RIGHT, BOTTOM = 52, 64, 620, 372
# How far the axis of rates goes beyond lnr's own, as a factor.
BEYOND = 1.6
# Told apart by people who see colours differently, too (Okabe and Ito); lnr comes first.
COLORS = ["#d55e00", "#0072b2", "#56b4e9", "#009e73", "#cc79a7", "#777777"]


def ticks(low, high):
    """Round rates of a logarithmic axis."""
    found = [m * 10.0**e for e in range(-5, 3) for m in (1, 2, 3, 5, 7)]
    return [rate for rate in found if low <= rate <= high]


def ranges(curves):
    """Of rate and quality: where lnr is, when it is there, and what the others reach at such rates."""
    everything = [p for points in curves.values() for p in points]
    of_lnr = [rate for rate, _ in curves.get("lnr", [])]
    low, high = min(of_lnr, default=0) / BEYOND, max(of_lnr, default=math.inf) * BEYOND
    shown = [p for p in everything if low <= p[0] <= high]
    x0, x1 = (math.log(f(p[0] for p in shown)) for f in (min, max))
    return x0, x1, math.floor(min(p[1] for p in shown)), math.ceil(max(p[1] for p in shown))


def svg(clip, names, metric="yuv", unit="YUV 6:1:1 PSNR, dB"):
    """The curves `names` of a clip."""
    pixels = clip["width"] * clip["height"] * clip["n_frames"]
    curves = {name: sorted((8 * p["bytes"] / pixels, p[metric]) for p in clip["curves"][name])
              for name in names}
    x0, x1, y0, y1 = ranges(curves)
    # A single point has an axis, too.
    x_scale, y_scale = (RIGHT - LEFT) / max(x1 - x0, 1e-9), (BOTTOM - TOP) / max(y1 - y0, 1)

    def place(rate, db):
        return LEFT + x_scale * (math.log(rate) - x0), BOTTOM - y_scale * (db - y0)

    def text(x, y, words, attributes=""):
        return f'<text x="{x:.1f}" y="{y:.1f}" fill="#333" {attributes}>{escape(words)}</text>'

    title = f"{clip['name']}, {clip['width']}x{clip['height']}, frames {clip['frames']}"
    middle, half = 'text-anchor="middle"', (TOP + BOTTOM) / 2
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
           'font-size="12" fill="none">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
           f'<clipPath id="area"><path d="M{LEFT - 4} {TOP - 4}H{RIGHT + 4}V{BOTTOM}H{LEFT - 4}z"/></clipPath>',
           text((LEFT + RIGHT) / 2, 24, title, f'{middle} font-size="14"'),
           text((LEFT + RIGHT) / 2, BOTTOM + 38, "bits per pixel", middle),
           text(16, half, unit, f'{middle} transform="rotate(-90 16 {half})"')]
    for db in range(y0, y1 + 1, 1 + (y1 - y0) // 12):
        _, y = place(math.exp(x0), db)
        out.append(f'<path d="M{LEFT} {y:.1f}H{RIGHT}" stroke="#ddd"/>')
        out.append(text(LEFT - 8, y + 4, str(db), 'text-anchor="end"'))
    for rate in ticks(math.exp(x0), math.exp(x1)):
        x, _ = place(rate, y0)
        out.append(f'<path d="M{x:.1f} {TOP}V{BOTTOM}" stroke="#ddd"/>')
        out.append(text(x, BOTTOM + 18, f"{rate:g}", middle))
    out.append('<g clip-path="url(#area)">')
    # lnr last: on top of the others.
    for i, (name, points) in reversed(list(enumerate(curves.items()))):
        color = COLORS[i % len(COLORS)]
        line = " ".join("%.1f,%.1f" % place(*p) for p in points)
        out.append(f'<polyline points="{line}" stroke="{color}" stroke-width="2"/>')
        out += ['<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>' % (*place(*p), color) for p in points]
    out.append("</g>")
    # The legend: a row above the curves.
    x, y = LEFT / 2, TOP - 18
    for i, name in enumerate(curves):
        color = COLORS[i % len(COLORS)]
        out.append(f'<path d="M{x} {y}h20" stroke="{color}" stroke-width="2"/>')
        out.append(f'<circle cx="{x + 10}" cy="{y}" r="3.5" fill="{color}"/>')
        out.append(text(x + 25, y + 4, name))
        # A letter takes about 7 units at this size.
        x += 40 + 7 * len(name)
    return "\n".join([*out, "</svg>", ""])
