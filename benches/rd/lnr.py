# SPDX-License-Identifier: MIT OR Apache-2.0
"""lnr: encodes, decodes in another process, and measures everybody's pictures."""

import json
import os
from dataclasses import dataclass

from .clips import read_y4m
from .process import run, times


def comparer(binary):
    """What measures a video against its source: the same program for all encoders."""

    def compare(source, video):
        video.check_like(source)
        found = json.loads(run(binary, "compare", source.path, video.path, "--json").output)
        if found["frames"] != source.frames or found["damaged"]:
            raise SystemExit(f"{video.path}: {found}")
        values = {"yuv": found["psnr_yuv611"], "rgb": found["psnr_rgb"], "ssim": found["ssim"]}
        if None in values.values():
            raise SystemExit(f"{video.path}: not everything can be measured: {found}")
        return values

    return compare


@dataclass
class Lnr:
    binary: str
    # Of `lnr encode`, besides the quality.
    arguments: list
    threads: int | None

    def point(self, quality, source, folder, compare):
        file, out = os.path.join(folder, "a.lnr"), os.path.join(folder, "a.y4m")
        threads = [] if self.threads is None else ["--threads", self.threads]
        encoded = run(self.binary, "encode", "-q", source.path, file, "--quality", quality, *threads,
                      *self.arguments)
        decoded = run(self.binary, "decode", "-q", file, out, *threads)
        # The index of the file is no part of the coding, no more than a container is a peer's.
        groups = json.loads(run(self.binary, "info", file, "--json").output)["groups"]
        return {
            "setting": quality,
            "bytes": sum(group["bytes"] for group in groups),
            "groups": len(groups),
            **compare(source, read_y4m(out)),
            **times(encoded, decoded),
        }
