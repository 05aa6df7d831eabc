#!/usr/bin/env bash
# Installs what is missing and runs every check and test; ends with a non-zero status when any fails.
set -euo pipefail
cd "$(dirname "$0")/.."

step() {
    printf '\n==> %s\n' "$*"
    "$@"
}

# The examples, and what the documents tell to run, need more than the project itself.
bash tests/install.sh ffmpeg ges1.0-tools gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base-apps python3-gi
# rustup's own folder is not on the path of every shell.
if ! command -v cargo >/dev/null && [ -f "$HOME/.cargo/env" ]; then
    # shellcheck source=/dev/null
    . "$HOME/.cargo/env"
fi
# A warning of GLib or GStreamer is a failure of the elements' tests.
export G_DEBUG=fatal-criticals
# The registry of a user's own plugins must not matter, nor be changed.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export GST_REGISTRY="$scratch/registry.bin"

if command -v shellcheck >/dev/null; then
    step shellcheck -x tests/*.sh examples/*.sh fuzz/*.sh .ci/run
else
    printf '\n==> shellcheck is not installed: skipped\n'
fi
step cargo fmt --check
step cargo fmt --check --manifest-path fuzz/Cargo.toml
step cargo clippy --locked --workspace --all-targets --features lnr/internals -- -D warnings
if cargo deny --version >/dev/null 2>&1; then
    if cargo deny fetch >/dev/null 2>&1; then
        step cargo deny check
    else
        printf '\n==> the advisories cannot be fetched: skipped\n'
        step cargo deny check bans licenses sources
    fi
else
    printf '\n==> cargo-deny is not installed (cargo install cargo-deny): skipped\n'
fi
step cargo test --locked -p lnr --no-default-features --features internals
step cargo test --locked -p lnr-cli --no-default-features
step cargo test --locked --workspace --features lnr/internals
