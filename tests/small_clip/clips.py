#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes clips of scenes as YUV4MPEG2, and a dataset.jsonl with a caption for each.

    clips.py OUT_DIR [--count N] [--first-seed S] [--size 128x96] [--frames 16] [--rate 8]

Frames are 4:2:0, BT.601 limited range, chroma in the middle of its four pixels (C420jpeg). No
clip's caption is true of another clip, motion aside. The same options give the same bytes. Needs
numpy alone.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from captions import caption
from scenes import agreement, facts, render, scene

# Training and evaluation use no seed from here to 999 999.
FIRST_SEED = 500_000
# Seeds tried for each clip wanted: far more than a few hundred clips need.
TRIES = 1000
# RGB 0..255 to Y'CbCr of limited range, BT.601 (luma 0.299, 0.587, 0.114; 219 and 224 steps).
LUMA = np.array([65.481, 128.553, 24.966]) / 255
BLUE = np.array([-37.797, -74.203, 112.0]) / 255
RED = np.array([112.0, -93.786, -18.214]) / 255


def distinct(count, first_seed):
    """`count` scenes from a seed on: [(scene, text, claims)]; no text fits another's scene."""
    taken = []
    for seed in range(first_seed, first_seed + TRIES * count):
        if len(taken) == count:
            return taken
        shown = scene(seed)
        text, claims = caption(shown, np.random.default_rng(seed), whole=True)
        truths = [facts(other) for other, _, _ in taken]
        told = [other for _, _, other in taken]
        if taken and (agreement(truths, [claims]).any() or agreement([facts(shown)], told).any()):
            continue
        taken.append((shown, text, claims))
    if len(taken) < count:
        raise SystemExit(f"clips.py: only {len(taken)} distinct captions in {TRIES * count} seeds")
    return taken


def planes(picture):
    """RGB uint8 [height, width, 3], both even, to Y of that size, Cb and Cr of half of it."""
    rgb = picture.astype(np.float64)
    height, width = rgb.shape[:2]
    halved = rgb.reshape(height // 2, 2, width // 2, 2, 3).mean((1, 3))
    whole = ((rgb @ LUMA, 16), (halved @ BLUE, 128), (halved @ RED, 128))
    return [np.rint(plane + offset).astype(np.uint8) for plane, offset in whole]


def picture(planes):
    """The way back, each chroma sample repeated for its four pixels: RGB uint8."""
    luma, blue, red = (plane.astype(np.float64) for plane in planes)
    blue, red = (plane.repeat(2, 0).repeat(2, 1) - 128 for plane in (blue, red))
    inverse = np.linalg.inv(np.stack([LUMA, BLUE, RED]))
    rgb = np.stack([luma - 16, blue, red], -1) @ inverse.T
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def frames(shown, count, size):
    """The scene's frames, its motion from beginning to end."""
    return [render(shown, n / max(count - 1, 1), size) for n in range(count)]


def write_clip(path, pictures, rate):
    height, width = pictures[0].shape[:2]
    with open(path, "wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n".encode())
        for shown in pictures:
            file.write(b"FRAME\n")
            for plane in planes(shown):
                file.write(plane.tobytes())


def write_clips(folder, count, first_seed, size, length, rate):
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, (shown, text, _) in enumerate(distinct(count, first_seed)):
        name = f"clip_{number:03}.y4m"
        write_clip(folder / name, frames(shown, length, size), rate)
        lines.append({"video": name, "start": 0.0, "end": length / rate, "caption": text})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "dataset.jsonl").write_text(text)


def size_of(text):
    width, height = (int(part) for part in text.split("x"))
    if width < 2 or height < 2 or width % 2 or height % 2:
        raise ValueError
    return width, height


def natural(text):
    if int(text) < 1:
        raise ValueError
    return int(text)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", metavar="OUT_DIR", type=Path)
    parser.add_argument("--count", type=natural, default=16)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--size", type=size_of, default=(128, 96), help="WIDTHxHEIGHT, even")
    parser.add_argument("--frames", type=natural, default=16)
    parser.add_argument("--rate", type=natural, default=8, help="frames a second")
    options = parser.parse_args()
    write_clips(
        options.folder,
        options.count,
        options.first_seed,
        options.size,
        options.frames,
        options.rate,
    )


if __name__ == "__main__":
    main()
