#!/usr/bin/env bash
# Cuts two .lnr files together with GStreamer Editing Services, and renders the edit as H.264 in MP4:
#
#   examples/edit.sh OUT.mp4 A.lnr B.lnr [WxH]
#
# One second of A from 0.5 s on, then the first second of B, at WxH (1280x720) and 25 frames per second.
# Needs ges1.0-tools, GStreamer's plugins-good (qtmux) and plugins-ugly (x264enc), and this plugin
# (GST_PLUGIN_PATH).
set -euo pipefail
if [ "$#" -lt 3 ]; then
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
if [ -e "$1" ]; then
    printf 'edit: %s exists: name another file, or remove it\n' "$1" >&2
    exit 2
fi
size=${4:-1280x720}
ges-launch-1.0 --track-types video \
    --video-caps "video/x-raw,width=${size%x*},height=${size#*x},framerate=25/1" \
    +clip "$2" inpoint=0.5 duration=1.0 +clip "$3" duration=1.0 \
    --format 'video/quicktime,variant=iso:video/x-h264' --outputuri "$1"
