#!/usr/bin/env bash
# Checks and measures the CUDA backend on a machine that has a GPU, but perhaps nothing else.
#
#   tests/gpu.sh build FOLDER            where Rust is: puts what `run` needs into FOLDER
#   tests/gpu.sh run FOLDER CLIP.y4m     where the GPU is: parity with the reference, the same under
#                                        compute-sanitizer where it is installed, a clip encoded and
#                                        decoded on GPU and CPU, kernels against the machine's limits
#
# Ends with a non-zero status when something fails. CLIP: a raw 4:2:0 or 4:4:4 video, some dozens of
# frames; `lnr decode` and ffmpeg write such files.
set -euo pipefail

# Most that the pictures of the two backends may differ in quality, in dB.
readonly most=0.05

fail() {
    printf 'gpu: %s\n' "$*" >&2
    exit 1
}

# The executable that a cargo command leaves, by its JSON messages.
executable() {
    cargo "$@" --no-run --message-format=json 2>/dev/null |
        grep -o '"executable":"[^"]*"' | tail -n 1 | cut -d '"' -f 4
}

build() {
    local folder=$1 tests bench
    cd "$(dirname "$0")/.."
    mkdir -p "$folder"
    tests=$(executable test -p lnr --features cuda,internals --lib)
    bench=$(executable bench -p lnr --features cuda,internals --bench gpu)
    cargo build --release -p lnr-cli --no-default-features --features cuda
    cp "$tests" "$folder/parity"
    cp "$bench" "$folder/bench"
    cp "${CARGO_TARGET_DIR:-target}/release/lnr" "$folder/lnr"
    strip "$folder"/{parity,bench,lnr}
    cp tests/gpu.sh "$folder"
}

# R'G'B' PSNR of a file against the clip, decoded by a backend.
psnr() {
    LNR_BACKEND=$2 "$folder/lnr" compare "$clip" "$1" --json |
        grep -o '"psnr_rgb": *[0-9.]*' | head -n 1 | grep -o '[0-9.]*$'
}

near() {
    awk -v a="$1" -v b="$2" -v most="$most" 'BEGIN { d = a - b; exit !(d < most && -d < most) }' ||
        fail "$3: $1 dB against $2 dB"
}

run() {
    local folder=$1 clip=$2 psnr_cpu psnr_gpu crossed profile
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    export LNR_REQUIRE_CUDA=1

    printf '\n==> parity with the reference\n'
    "$folder/parity" gpu_parity --nocapture
    if command -v compute-sanitizer >/dev/null; then
        for tool in memcheck racecheck initcheck synccheck; do
            printf '\n==> %s\n' "$tool"
            compute-sanitizer --tool "$tool" --error-exitcode 1 "$folder/parity" gpu_parity
        done
    else
        printf '\n==> compute-sanitizer is not installed: not run\n'
    fi

    for profile in warp paper-s; do
        printf '\n==> %s: the clip on GPU and CPU\n' "$profile"
        local options=(--profile "$profile" --frames 17 --preset fast)
        # The paper's model at a size that the CPU trains in minutes.
        [ "$profile" = warp ] || options+=(--model "width=64,hyper-width=16,latent=32" --epochs 8)
        for backend in cpu cuda; do
            "$folder/lnr" encode --quiet "$clip" "$work/$backend.lnr" "${options[@]}" \
                --backend "$backend"
        done
        psnr_cpu=$(psnr "$work/cpu.lnr" cpu)
        psnr_gpu=$(psnr "$work/cuda.lnr" cuda)
        crossed=$(psnr "$work/cpu.lnr" cuda)
        printf 'CPU %s dB, GPU %s dB, encoded on the CPU and decoded on the GPU %s dB\n' \
            "$psnr_cpu" "$psnr_gpu" "$crossed"
        near "$psnr_gpu" "$psnr_cpu" "$profile: encoded on the GPU"
        near "$crossed" "$psnr_cpu" "$profile: decoded on the GPU"
    done

    printf '\n==> kernels\n'
    "$folder/bench"
}

case "${1:-} $#" in
"build 2") build "$2" ;;
"run 3") run "$2" "$3" ;;
*) fail "usage: tests/gpu.sh build FOLDER | tests/gpu.sh run FOLDER CLIP.y4m" ;;
esac
