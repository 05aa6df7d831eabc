# SPDX-License-Identifier: MIT OR Apache-2.0
"""Clips: which frames of which video at which size, and the Y4M file that every encoder gets."""

import hashlib
import os
import re
from dataclasses import dataclass

from .process import ffmpeg

SPEC = re.compile(r"(.+?)(?::(\d+)x(\d+)(?::(\d+)-(\d+)(?::(\d+))?)?)?")
# A group of lnr at its default settings.
FIRST, LAST = 0, 32
# What the frames of a Y4M file begin with; FFmpeg and lnr add no parameters to it.
FRAME = b"FRAME\n"


@dataclass
class Y4m:
    """A Y4M file of 8-bit 4:2:0 frames."""

    path: str
    header: bytes
    width: int
    height: int
    frames: int

    def check_like(self, other):
        """Frames are only compared when both files say the same of them, the chroma site included."""
        sites = [re.search(rb" C(\S+)", y4m.header).group(1) for y4m in (self, other)]
        shapes = [(y4m.width, y4m.height, y4m.frames) for y4m in (self, other)]
        if shapes[0] != shapes[1] or sites[0] != sites[1]:
            raise SystemExit(f"{self.path}: {shapes[0]}, {sites[0]}; expected {shapes[1]}, {sites[1]}")


def frame_bytes(width, height):
    return width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)


def read_y4m(path):
    with open(path, "rb") as file:
        header = file.readline()
    size = re.search(rb" W(\d+) H(\d+) ", header)
    if size is None or re.search(rb" C420(jpeg|mpeg2|paldv)?\s", header) is None:
        raise SystemExit(f"{path}: not a Y4M file of 8-bit 4:2:0 frames: {header!r}")
    width, height = int(size[1]), int(size[2])
    each = len(FRAME) + frame_bytes(width, height)
    frames, rest = divmod(os.path.getsize(path) - len(header), each)
    if rest != 0:
        raise SystemExit(f"{path}: {rest} bytes are left over after {frames} frames")
    return Y4m(path, header, width, height, frames)


def write_like(reference, raw, path):
    """Frames decoded to `raw`, planes one after the other, as a Y4M file with `reference`'s header."""
    each = frame_bytes(reference.width, reference.height)
    with open(raw, "rb") as frames, open(path, "wb") as out:
        out.write(reference.header)
        while frame := frames.read(each):
            out.write(FRAME + frame)
    return read_y4m(path)


@dataclass
class Clip:
    """A clip as it is asked for; `width` and `height` are None for the video's own."""

    video: str
    width: int | None
    height: int | None
    first: int
    last: int
    step: int

    @property
    def name(self):
        return os.path.splitext(os.path.basename(self.video))[0]

    @property
    def frames(self):
        every = {1: "", 2: ", every 2nd", 3: ", every 3rd"}.get(self.step, f", every {self.step}th")
        return f"{self.first}-{self.last}{every}"

    def prepare(self, path):
        """Decodes, scales by area and converts to 4:2:0, once, in one step of FFmpeg's scaler."""
        size = f"{self.width}:{self.height}:" if self.width else ""
        chosen = f"select='between(n,{self.first},{self.last})*not(mod(n-{self.first},{self.step}))'"
        scale = f"scale={size}flags=area+accurate_rnd+full_chroma_int:out_range=tv,format=yuv420p"
        n_frames = (self.last - self.first) // self.step + 1
        ffmpeg("-i", self.video, "-vf", f"{chosen},{scale}", "-frames:v", n_frames, "-f", "yuv4mpegpipe", path)
        y4m = read_y4m(path)
        if y4m.frames != n_frames:
            raise SystemExit(f"{self.video}: {y4m.frames} of {n_frames} frames are there")
        if y4m.width % 2 or y4m.height % 2:
            raise SystemExit(f"{self.video}: 4:2:0 peers need even sizes, not {y4m.width}x{y4m.height}")
        return y4m


def parse(spec, media):
    """A clip from VIDEO[:WxH[:FIRST-LAST[:STEP]]]; `media` is the folder that VIDEO lies in."""
    video, width, height, first, last, step = SPEC.fullmatch(spec).groups()
    number = lambda text, default: default if text is None else int(text)
    clip = Clip(os.path.join(media, video), number(width, None), number(height, None),
                number(first, FIRST), number(last, LAST), number(step, 1))
    if clip.last < clip.first or clip.step < 1:
        raise SystemExit(f"{spec}: no frames")
    return clip


def digest(y4m):
    """Names the frames: the same for the same pixels, whatever they were made from."""
    with open(y4m.path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:12]
