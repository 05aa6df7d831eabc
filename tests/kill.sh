#!/usr/bin/env bash
# Kills the command line with SIGKILL at 50 (or $1) random moments of an encode and of a decode: what
# was there before stays, what is finished is playable. The tests do so at 10.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
LNR_KILLS=${1:-50} cargo test -p lnr-cli --test cli_kill -- --nocapture
