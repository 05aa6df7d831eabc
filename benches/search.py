#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Speed of `lnr index` and `lnr search`.

    search.py [--lnr target/release/lnr] [--files 10000] [--vectors 300000] [--dim 512] [--repeat 9]

Indexes copies of one small encoded clip, and searches an index of random vectors, whose files are
empty: 60 vectors each, as of a minute at one in a second. Prints medians and extremes over the
repetitions. "search" is everything but loading a model and reading the query. Needs numpy.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
ROWS_OF_A_FILE = 60
SIZE, FRAMES = (64, 48), 10


def crc32c(data):
    """Castagnoli's checksum, one byte at a time."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    state = 0xFFFFFFFF
    for byte in data:
        state = state >> 8 ^ table[(state ^ byte) & 255]
    return state ^ 0xFFFFFFFF


def run(lnr, *args):
    done = subprocess.run([lnr, *map(str, args)], check=True, capture_output=True)
    return json.loads(done.stdout)


def told(name, values, unit):
    middle, low, high = statistics.median(values), min(values), max(values)
    print(f"{name}: {middle:.1f} {unit} ({low:.1f} to {high:.1f})", flush=True)


def encoded(lnr, folder, dim):
    """A small clip with vectors of `dim` numbers; its path, and what its space is called."""
    rng = np.random.default_rng(1)
    width, height = SIZE
    clip = folder / "clip.y4m"
    with open(clip, "wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F25:1 Cmono\n".encode())
        for frame in range(FRAMES):
            row = np.arange(width) * 2 + 3 * frame
            picture = np.tile(row, (height, 1)) % 200
            file.write(b"FRAME\n" + picture.astype(np.uint8).tobytes())
    np.save(folder / "bench.npy", rng.standard_normal((FRAMES, dim)).astype(np.float32))
    out = folder / "clip.lnr"
    quick = ["--preset", "ultrafast", "--epochs", 4, "--features", folder / "bench.npy", "--json"]
    space = run(lnr, "encode", clip, out, *quick)["embedding"]
    return out, space


def indexing(lnr, folder, clip, n_files, repeat):
    many = folder / "many"
    for i in range(n_files):
        inner = many / f"{i // 1000:03}"
        inner.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, inner / f"{i:06}.lnr")
    rates, again = [], []
    for _ in range(repeat):
        for old in many.glob(".lnr-index*"):
            old.unlink()
        report = run(lnr, "index", "-q", many, "--json")
        assert report["read"] == n_files and report["silent"] == 0, report
        rates.append(report["files_s"])
        again.append(1000 * run(lnr, "index", "-q", many, "--json")["seconds"])
    told(f"lnr index, {n_files} files of {clip.stat().st_size} bytes", rates, "files/s")
    told("lnr index again, nothing changed", again, "ms")


def random_index(folder, n, space):
    """An index of random vectors, and the files that it names."""
    rng = np.random.default_rng(2)
    folder.mkdir()
    lines, dim = [], space["dimensions"]
    key = f"{space['fingerprint']}-{dim}"
    for i in range(-(-n // ROWS_OF_A_FILE)):
        path = folder / f"{i:06}.lnr"
        path.touch()
        entry = {"path": path.name, "size": 0, "modified_ns": path.stat().st_mtime_ns}
        lines.append(json.dumps(entry | {"spaces": [key], "duration": float(ROWS_OF_A_FILE)}))
    text = "".join(line + "\n" for line in lines).encode()
    files = f".lnr-index-{crc32c(text):08x}.jsonl"
    (folder / files).write_bytes(text)
    vectors = np.clip(rng.standard_normal((n, dim), dtype=np.float32) * 32, -127, 127)
    vectors = vectors.round().astype(np.int8)
    lengths = np.sqrt((vectors.astype(np.float32) ** 2).sum(1))
    begin = np.arange(n) % ROWS_OF_A_FILE
    tensors = {
        "times": ("F64", np.stack([begin, begin + 0.5, begin + 1], 1).astype("<f8")),
        "scales": ("F32", (1 / lengths).astype("<f4")),
        "files": ("U32", (np.arange(n) // ROWS_OF_A_FILE).astype("<u4")),
        "vectors": ("I8", vectors),
    }
    notes = {"format": "lnr folder index", "version": "1", "files": files, "sum": "00000000"}
    header, at = {"__metadata__": notes | {f"space:{key}": space["space"]}}, 0
    for name, (kind, values) in tensors.items():
        end = at + values.nbytes
        header[f"{key}/{name}"] = {"dtype": kind, "shape": values.shape, "data_offsets": [at, end]}
        at = end
    header = json.dumps(header).encode()
    header += b" " * (-len(header) % 8)
    with open(folder / ".lnr-index.safetensors", "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for _, values in tensors.values():
            file.write(values.tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lnr", default=str(ROOT / "target" / "release" / "lnr"))
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--vectors", type=int, default=300_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--repeat", type=int, default=9)
    args = parser.parse_args()
    lnr = str(Path(args.lnr).resolve())
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        clip, space = encoded(lnr, folder, args.dim)
        indexing(lnr, folder, clip, args.files, args.repeat)
        random_index(folder / "random", args.vectors, space)
        times = []
        for _ in range(args.repeat):
            where = ["--like", f"{clip}@0", "--in", folder / "random", "--json"]
            found = run(lnr, "search", *where)
            assert found["vectors"] == args.vectors and found["newer"] == 0, found
            times.append(1000 * found["search_s"])
        told(f"lnr search, {args.vectors} vectors of {args.dim}", times, "ms")


if __name__ == "__main__":
    main()
