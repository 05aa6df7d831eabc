# SPDX-License-Identifier: MIT OR Apache-2.0
"""What was measured, as Markdown."""

from .curves import METRICS, NoBdRate, bd_rate

# Where curves share less of lnr's range than this, the BD-rate is marked.
MIN_SHARE = 0.6


class Notes:
    """What the cells of a table leave unsaid."""

    def __init__(self):
        self.metrics = {}

    def add(self, clip, metric, cause):
        self.metrics.setdefault(f"{clip['label']}: {cause}", []).append(METRICS[metric])

    def bd_cell(self, clip, ours, theirs, metric):
        try:
            bd = bd_rate(clip["curves"][ours], clip["curves"][theirs], metric)
        except NoBdRate as why:
            self.add(clip, metric, f"{ours} and {theirs} cannot be compared, {why}")
            return "-"
        if bd.share >= MIN_SHARE:
            return f"{100 * bd.rate:+.1f} %"
        self.add(clip, metric, f"{theirs} reaches {100 * bd.share:.0f} % of the range of {ours}")
        return f"({100 * bd.rate:+.1f} %)"

    def text(self):
        return "\n".join(f"- {cause} ({', '.join(metrics)})" for cause, metrics in self.metrics.items())


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def names(clips):
    """Curves that any clip has, in order."""
    return list(dict.fromkeys(name for clip in clips for name in clip["curves"]))


def clip_cells(clip):
    return [clip["name"], f"{clip['width']}x{clip['height']}", clip["frames"]]


def speed(clip, curve, what):
    """Frames per second of wall time, over all points together."""
    points = clip["curves"][curve]
    return f"{clip['n_frames'] * len(points) / sum(p[what] for p in points):.3g}"


def bd_tables(clips):
    """lnr against each peer: a table for each metric; the first one also tells the speed."""
    clips = [clip for clip in clips if "lnr" in clip["curves"]]
    peers = [name for name in names(clips) if name not in ("lnr", "other")]
    if not clips or not peers:
        return ""
    notes, parts = Notes(), []
    for metric, title in METRICS.items():
        with_speed = metric == "yuv"
        head = ["clip", "size", "frames", *peers]
        head += ["encoded, frames/s", "decoded, frames/s"] if with_speed else []
        rows = []
        for clip in clips:
            here = [p for p in peers if p in clip["curves"]]
            cells = [notes.bd_cell(clip, "lnr", p, metric) if p in here else "" for p in peers]
            if with_speed:
                cells += [speed(clip, "lnr", "encode_s"), speed(clip, "lnr", "decode_s")]
            rows.append(clip_cells(clip) + cells)
        parts.append(f"BD-rate of lnr, {title}:\n\n{table(head, rows)}")
    return "\n\n".join(parts + [notes.text()]).rstrip()


def cpu_ratio(clip, what):
    """Of lnr and the other lnr, over the qualities that both have."""
    ours, theirs = ({p["setting"]: p[what] for p in clip["curves"][c]} for c in ("lnr", "other"))
    both = ours.keys() & theirs.keys()
    total = sum(theirs[q] for q in both)
    return f"{sum(ours[q] for q in both) / total:.3f}" if total else "-"


def against_table(clips):
    """lnr against the other lnr: bytes at equal quality, and user CPU time."""
    clips = [clip for clip in clips if "other" in clip["curves"]]
    if not clips:
        return ""
    notes, rows = Notes(), []
    for clip in clips:
        ratios = [cpu_ratio(clip, what) for what in ("encode_cpu_s", "decode_cpu_s")]
        cells = [notes.bd_cell(clip, "lnr", "other", metric) for metric in METRICS]
        rows.append(clip_cells(clip) + cells + ratios)
    head = ["clip", "size", "frames", *METRICS.values(), "encode CPU", "decode CPU"]
    text = f"lnr against the other lnr, BD-rate and ratio of user CPU time:\n\n{table(head, rows)}"
    return "\n\n".join([text, notes.text()]).rstrip()


def points_table(clips):
    """Every point of lnr."""
    rows = []
    for clip in clips:
        pixels = clip["width"] * clip["height"] * clip["n_frames"]
        for curve in ("lnr", "other"):
            for p in clip["curves"].get(curve, []):
                rows.append(clip_cells(clip) + [
                    curve, p["setting"], p["bytes"], f"{8 * p['bytes'] / pixels:.4f}",
                    f"{p['yuv']:.2f}", f"{p['rgb']:.2f}", f"{p['ssim']:.4f}",
                    f"{p['encode_cpu_s']:.1f}", f"{p['decode_cpu_s']:.2f}"])
    head = ["clip", "size", "frames", "encoder", "quality", "bytes", "bits per pixel", "YUV dB",
            "R'G'B' dB", "SSIM", "encode CPU s", "decode CPU s"]
    return table(head, rows) if rows else ""


def everything(clips):
    parts = [bd_tables(clips), against_table(clips), points_table(clips)]
    return "\n\n".join(part for part in parts if part)
