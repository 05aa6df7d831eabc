# SPDX-License-Identifier: MIT OR Apache-2.0
"""The other encoders: one thread each, one closed group, nothing counted that decoding does not need."""

import json
import os
import re
from dataclasses import dataclass, field

from .clips import write_like
from .process import ffmpeg, run, times

X265 = ["-x265-params", "info=0:keyint=-1:log-level=none:pools=1:frame-threads=1"]
# NAL units of supplemental information (x264's holds its settings: 700 bytes) are taken out afterwards.
X264 = ["-threads", 1, "-x264-params", "keyint=infinite", "-bsf:v", "filter_units=remove_types=6"]
SVT_AV1 = ["-svtav1-params", "keyint=-1:lp=1"]


@dataclass
class Peer:
    name: str
    encoder: str
    arguments: list
    # FFmpeg's name of the elementary stream.
    form: str
    # From near transparent to far below lnr's lowest quality.
    crfs: list = field(default_factory=lambda: list(range(18, 43, 3)))
    # AV1 delimits frames with two bytes each, which containers leave out.
    delimiter_bytes: int = 0


PEERS = [
    Peer("x265 medium", "libx265", ["-preset", "medium", *X265], "hevc"),
    Peer("x265 veryslow", "libx265", ["-preset", "veryslow", "-tune", "psnr", *X265], "hevc"),
    Peer("SVT-AV1 6", "libsvtav1", ["-preset", 6, *SVT_AV1], "obu",
         [20, 28, 36, 44, 50, 55, 59, 63], 2),
    Peer("x264 medium", "libx264", ["-preset", "medium", *X264], "h264"),
]
# Where the encoders say what they are: in their streams, or in what they print.
VERSIONS = {
    "libx265": rb"x265 \(build \d+\) - ([^:\s]+)",
    "libx264": rb"x264 - (core \d+ r\d+)",
    "libsvtav1": rb"SVT-AV1 Encoder Lib (v[^\s]+)",
}


def version(encoder, folder):
    """The version of a library, found by encoding one frame."""
    out = os.path.join(folder, "version.mkv")
    said = run("sh", "-c", 'exec ffmpeg -y -f lavfi -i color=size=64x64 -frames:v 1 -c:v "$0" "$1" 2>&1',
               encoder, out).output
    with open(out, "rb") as file:
        found = re.search(VERSIONS[encoder], file.read() + said)
    if found is None:
        raise SystemExit(f"{encoder} does not say its version")
    return found[1].decode()


def encode(peer, crf, source, folder, compare):
    """A point of the peer's curve: `compare` measures a Y4M file against `source`."""
    stream, raw, out = (os.path.join(folder, name) for name in ("peer.bin", "peer.yuv", "peer.y4m"))
    encoded = ffmpeg("-i", source.path, "-c:v", peer.encoder, *peer.arguments, "-crf", crf,
                     "-f", peer.form, stream)
    decoded = ffmpeg("-threads", 1, "-f", peer.form, "-i", stream, "-pix_fmt", "yuv420p", "-f", "rawvideo", raw)
    video = write_like(source, raw, out)
    return {
        "setting": crf,
        "bytes": os.path.getsize(stream) - peer.delimiter_bytes * source.frames,
        **compare(source, video),
        **times(encoded, decoded),
    }


class Cache:
    """Points of peers in files: a folder for the frames of each clip, a file for each point."""

    def __init__(self, folder):
        self.folder = folder

    def point(self, label, peer, version_, crf, make):
        """The point that is kept for these frames and this very encoder, or what `make` returns."""
        if self.folder is None:
            return make()
        name = f"{peer.name.replace(' ', '-')}-crf{crf}.json"
        path = os.path.join(self.folder, label, name)
        made_by = {"version": version_, "arguments": [str(a) for a in peer.arguments]}
        try:
            with open(path, encoding="utf-8") as file:
                kept = json.load(file)
            if kept["made_by"] == made_by:
                return kept["point"]
        except (OSError, ValueError, KeyError):
            # Not there, or not whole: it is made again.
            pass
        point = make()
        os.makedirs(os.path.dirname(path), exist_ok=True)
        part = f"{path}.{os.getpid()}.part"
        with open(part, "w", encoding="utf-8") as file:
            json.dump({"made_by": made_by, "point": point}, file, indent=1)
        os.replace(part, path)
        return point
