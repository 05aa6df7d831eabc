#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Rate, distortion and speed of lnr beside x265, SVT-AV1 and x264.

    benches/rate_distortion.py --media DIR [--cache DIR] [--json FILE] [--svg DIR] [CLIP ...]
    benches/rate_distortion.py --media DIR --against OTHER_LNR --peers none [CLIP ...]
    benches/rate_distortion.py --from FILE [FILE ...] [--against FILE.json] [--svg DIR]

CLIP is VIDEO[:WxH[:FIRST-LAST[:STEP]]], VIDEO a file in DIR; without any, the list below. FFmpeg decodes
a clip once, scales it by area and converts it to 8-bit 4:2:0; every encoder gets this Y4M file, and
`lnr compare` measures what each file decodes to, as Y4M with the same header: mean over frames of YUV
6:1:1 PSNR, of R'G'B' PSNR and of SSIM. Bytes are those that decoding needs: access units of lnr without
the file's index; an elementary stream of the others, one closed group, without SEI and without AV1's
temporal delimiters. BD-rates are PCHIP over log(bytes), SSIM in dB, over the range that both curves reach;
they are in parentheses where that is less than 60 % of lnr's. Peers run on one thread.

--against runs both binaries on each point, one after the other, and prints BD-rates of one against the
other and the ratio of their user CPU times; from FILE.json it takes the points of lnr that were measured
before. Needs ffmpeg with the encoders, and target/release/lnr (`cargo build --release`).
"""

import argparse
import json
import os
import shlex
import sys
import tempfile

# No folder of compiled files beside the sources.
sys.dont_write_bytecode = True

from rd import clips, peers, plot, tables
from rd.lnr import Lnr, comparer

LNR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "target", "release", "lnr")
CLIPS = [
    "bigbuckbunny.mp4:320x180:0-32",
    "bikes.mp4:320x136:0-29",
    "bikes.mp4:320x136:30-62",
    "bikes.mp4:320x136:76-108",
    "bikes.mp4:320x136:120-152",
    "bikes.mp4:640x272:76-108",
    "bigbuckbunny.mp4:640x360:0-32",
    "bigbuckbunny.mp4:1280x720:0-32",
]
QUALITIES = [20, 30, 40, 50, 58]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", metavar="CLIP", default=CLIPS)
    parser.add_argument("--media", default="", help="the folder of the videos")
    parser.add_argument("--qualities", default=QUALITIES, help="of lnr, such as 20,30,40,50,58",
                        type=lambda text: [int(q) for q in text.split(",")])
    parser.add_argument("--preset", help="of lnr")
    parser.add_argument("--threads", type=int, help="of lnr; all cores by default")
    parser.add_argument("--encode", default="", metavar="OPTIONS", help="more options of `lnr encode`")
    parser.add_argument("--lnr", default=LNR, metavar="PATH", help="the program to measure (%(default)s)")
    parser.add_argument("--against", metavar="PATH",
                        help="another lnr, to be measured beside it, or FILE.json with its points")
    parser.add_argument("--against-encode", metavar="OPTIONS", help="its options instead of those of --encode")
    parser.add_argument("--peers", default="all", metavar="NAMES",
                        help="all, none or some of: " + ", ".join(p.name for p in peers.PEERS))
    parser.add_argument("--peers-only", action="store_true", help="fill the cache")
    parser.add_argument("--cache", metavar="DIR", help="keeps the points of peers")
    parser.add_argument("--json", metavar="FILE", help="where to write every point, after each clip")
    parser.add_argument("--svg", metavar="DIR", help="where to write a plot of each clip")
    parser.add_argument("--from", nargs="+", metavar="FILE", dest="from_files",
                        help="measures nothing, but makes tables and plots of such --json files")
    return parser.parse_args()


def chosen_peers(names):
    if names == "none":
        return []
    known = {p.name: p for p in peers.PEERS}
    wanted = list(known) if names == "all" else [name.strip() for name in names.split(",")]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise SystemExit(f"unknown peers: {', '.join(unknown)}; there are: {', '.join(known)}")
    return [known[name] for name in wanted]


def is_json(path):
    return path is not None and path.endswith(".json")


def programs(a):
    """The programs to measure, by the names of their curves."""
    preset = [] if a.preset is None else ["--preset", a.preset]
    ours = {"lnr": Lnr(a.lnr, preset + shlex.split(a.encode), a.threads)}
    if a.against and not is_json(a.against):
        options = a.encode if a.against_encode is None else a.against_encode
        ours["other"] = Lnr(a.against, preset + shlex.split(options), a.threads)
    return {} if a.peers_only else ours


def tell(label, name, point):
    print(f"{label}: {name} {point['setting']}: {point['bytes']} bytes, {point['yuv']:.2f} dB, "
          f"{point['encode_cpu_s']:.1f} s", file=sys.stderr, flush=True)


def measure(clip, a, versions, folder):
    """All curves of a clip."""
    source = clip.prepare(os.path.join(folder, "source.y4m"))
    step = "" if clip.step == 1 else f"-{clip.step}"
    label = f"{clip.name}-{source.width}x{source.height}-{clip.first}-{clip.last}{step}"
    compare = comparer(a.lnr)
    cache = peers.Cache(a.cache)
    ours = programs(a)
    curves = {name: [] for name in ours}
    for peer in chosen_peers(a.peers):
        if peer.encoder not in versions:
            versions[peer.encoder] = peers.version(peer.encoder, folder)
        curves[peer.name] = []
        for crf in peer.crfs:
            make = lambda: peers.encode(peer, crf, source, folder, compare)
            kept = f"{label}-{clips.digest(source)}"
            point = cache.point(kept, peer, versions[peer.encoder], crf, make)
            curves[peer.name].append(point)
            tell(label, peer.name, point)
    # One program after the other at each point: what else the machine does meets both.
    for quality in a.qualities:
        for name, lnr in ours.items():
            curves[name].append(lnr.point(quality, source, folder, compare))
            tell(label, name, curves[name][-1])
    return {"label": label, "name": clip.name, "width": source.width, "height": source.height,
            "frames": clip.frames, "n_frames": source.frames, "curves": curves}


def write_results(path, versions, results, a):
    ours = {name: {"arguments": lnr.arguments, "threads": lnr.threads} for name, lnr in programs(a).items()}
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        json.dump({"versions": versions, **ours, "clips": results}, file, indent=1)
    os.replace(f"{path}.part", path)


def read_results(paths):
    """The clips of all files; of a clip that is in several, later curves replace earlier ones."""
    found, versions = {}, {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        versions.update(content["versions"])
        for clip in content["clips"]:
            earlier = found.get(clip["label"], {"curves": {}})
            found[clip["label"]] = {**clip, "curves": {**earlier["curves"], **clip["curves"]}}
    return versions, list(found.values())


def add_others(results, path):
    """Adds what lnr needed in another file as the curves of the other lnr."""
    _, earlier = read_results([path])
    curves = {clip["label"]: clip["curves"].get("lnr") for clip in earlier}
    for clip in results:
        if curves.get(clip["label"]):
            clip["curves"]["other"] = curves[clip["label"]]


def main():
    a = parse_arguments()
    if a.from_files:
        versions, results = read_results(a.from_files)
    else:
        wanted = [clips.parse(spec, a.media) for spec in a.clips]
        versions, results = {}, []
        for clip in wanted:
            with tempfile.TemporaryDirectory() as folder:
                results.append(measure(clip, a, versions, folder))
            if a.json:
                write_results(a.json, versions, results, a)
    if is_json(a.against):
        add_others(results, a.against)
    if a.svg:
        os.makedirs(a.svg, exist_ok=True)
        for clip in results:
            with open(os.path.join(a.svg, f"{clip['label']}.svg"), "w", encoding="utf-8") as file:
                # lnr first, whatever order the files came in.
                names = sorted(clip["curves"], key=lambda name: ["lnr", "other"].count(name) == 0)
                file.write(plot.svg(clip, names))
    print(tables.everything(results))
    if versions:
        print("\n" + ", ".join(f"{name} {version}" for name, version in versions.items()))


if __name__ == "__main__":
    main()
