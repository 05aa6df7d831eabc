#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Search by text and by picture in encoded files, beside the model that taught the encoder.

    retrieval.py [--lnr target/release/lnr] [--count 64] [--first-seed S] [--folder out/retrieval]
                 [encode options ...]

Draws captioned clips (tests/small_clip/clips.py), encodes each with data/small-clip at the default
settings, or with the options given, and prints what `lnr eval retrieval` finds. Clips that are
encoded already are kept. Needs numpy.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "data" / "small-clip"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lnr", default=str(ROOT / "target" / "release" / "lnr"))
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--first-seed", type=int)
    parser.add_argument("--folder", type=Path, default=Path("out/retrieval"))
    args, options = parser.parse_known_args()
    clips, encoded = args.folder / "clips", args.folder / "encoded"
    draw = [sys.executable, ROOT / "tests" / "small_clip" / "clips.py", clips]
    draw += ["--count", str(args.count)]
    if args.first_seed is not None:
        draw += ["--first-seed", str(args.first_seed)]
    subprocess.run(draw, check=True)
    encoded.mkdir(parents=True, exist_ok=True)
    for clip in sorted(clips.glob("*.y4m"))[: args.count]:
        out = encoded / f"{clip.stem}.lnr"
        if not out.exists():
            run = [args.lnr, "encode", "-q", clip, out, "--clip-model", MODEL, *options]
            subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
    measure = [args.lnr, "eval", "retrieval", clips / "dataset.jsonl", "--encoded", encoded]
    subprocess.run([*measure, "--clip-model", MODEL], check=True)


if __name__ == "__main__":
    main()
