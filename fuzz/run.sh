#!/usr/bin/env bash
# Searches with libFuzzer for bytes that break a promise of the codec or of its parser element.
#
#   fuzz/run.sh [SECONDS [TARGET...]]
#
# Each target runs for so many seconds (600), all of them where none is named. Installs cargo-fuzz where
# it is missing; any Rust that builds the project will do. What it finds lies in target/fuzz/found, new
# inputs in target/fuzz/corpus; MINIMISE=1 puts a small set of them that reaches every place into
# fuzz/corpus, which every test run replays. A file that failed belongs there too, once it is mended.
# SANITIZER=address (then with RUSTC_BOOTSTRAP=1) also looks at memory.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-600}
targets=("${@:2}")
[ "${#targets[@]}" -gt 0 ] || targets=(units headers grids coordinates latents join parser)
# Largest input in bytes: the searches are slow with large ones, and find little more.
largest=4096
# Files above this size are left out of what is committed.
largest_kept=1500

bash tests/install.sh
cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz
built=$PWD/target/fuzz
mkdir -p "$built/found"
# A warning of GStreamer is a failure.
export G_DEBUG=fatal-criticals

fuzz() {
    cargo fuzz "$1" --sanitizer "${SANITIZER:-none}" --target-dir "$built" "${@:2}"
}

failed=()
for target in "${targets[@]}"; do
    mkdir -p "$built/corpus/$target"
    printf '\n==> %s, %s s\n' "$target" "$seconds"
    fuzz run "$target" "$built/corpus/$target" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -max_len="$largest" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$built/found/$target-" -print_final_stats=1 || failed+=("$target")
    if [ "${MINIMISE:-0}" = 1 ]; then
        found=$(mktemp -d) kept=$(mktemp -d)
        find "$built/corpus/$target" -type f -size -"$largest_kept"c -exec cp -t "$found" {} +
        # Without counters: a file for each place that is reached, not for how often it is.
        fuzz run "$target" "$kept" "fuzz/corpus/$target" "$found" -- -set_cover_merge=1 \
            -use_counters=0 -max_len="$largest" || failed+=("$target")
        cp -n -t "fuzz/corpus/$target" "$kept"/*
        rm -r "$found" "$kept"
    fi
done
if [ "${#failed[@]}" -gt 0 ]; then
    printf 'fuzz: %s failed; see target/fuzz/found\n' "${failed[*]}" >&2
    exit 1
fi
