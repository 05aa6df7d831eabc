#!/usr/bin/env bash
# Installs what a Debian-like machine lacks to build and run this project: a C toolchain, GStreamer
# with its development files, and further packages named as arguments. Rust comes from rustup.
# Does nothing, and needs no root, where everything is there.
set -euo pipefail

packages=(
    build-essential
    pkg-config
    libgstreamer1.0-dev
    libgstreamer-plugins-base1.0-dev
    gstreamer1.0-tools
    gstreamer1.0-plugins-base
    gstreamer1.0-plugins-good
    gstreamer1.0-plugins-bad
    gstreamer1.0-plugins-ugly
    gstreamer1.0-libav
    "$@"
)

fail() {
    printf 'install: %s\n' "$*" >&2
    exit 1
}

need_cargo() {
    # rustup's own folder is not on the path of every shell.
    if ! command -v cargo >/dev/null && [ -f "$HOME/.cargo/env" ]; then
        # shellcheck source=/dev/null
        . "$HOME/.cargo/env"
    fi
    command -v cargo >/dev/null ||
        fail "cargo is missing: install Rust 1.92 or newer with rustup (Debian's rustc is too old)"
    local version minor
    version=$(cargo --version | cut -d ' ' -f 2)
    minor=${version#1.}
    minor=${minor%%.*}
    [ "${version%%.*}" -gt 1 ] || [ "$minor" -ge 92 ] ||
        fail "cargo $version is too old: run 'rustup update' (1.92 or newer is needed)"
}

need_packages() {
    command -v dpkg-query >/dev/null || {
        printf 'install: no dpkg here; make sure that these are installed: %s\n' \
            "${packages[*]}" >&2
        return
    }
    local missing=() package
    for package in "${packages[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    local root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            fail "missing: ${missing[*]}; neither root nor sudo here, ask an administrator to run:
    apt-get install ${missing[*]}"
        root=(sudo)
    fi
    printf 'install: %s\n' "${missing[*]}"
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

need_packages
need_cargo
