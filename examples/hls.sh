#!/usr/bin/env bash
# Makes an HLS stream of a .lnr file, for browsers and phones: a playlist and segments of H.264.
#
#   examples/hls.sh IN.lnr FOLDER [WIDTH]
#
# WIDTH is 640; the height follows. Run it once for each rendition: nothing is scaled, lnrdec renders at
# every size. Play FOLDER/index.m3u8, from any web server. Needs GStreamer's plugins-bad (hlssink2) and
# plugins-ugly (x264enc), and this plugin (GST_PLUGIN_PATH).
set -euo pipefail
if [ "$#" -lt 2 ]; then
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
width=${3:-640}
if ! [[ $width =~ ^[1-9][0-9]{1,4}$ ]]; then
    printf 'hls: %s: the width is a number of pixels\n' "$width" >&2
    exit 2
fi
# Seconds of a segment, and frames between points where players may begin.
segment=2
key=50
list=$2/index.m3u8
if [ -e "$list" ]; then
    printf 'hls: %s exists: name another folder, or remove it\n' "$list" >&2
    exit 2
fi
mkdir -p "$2"
# Heights are even, as H.264 in 4:2:0 wants them.
gst-launch-1.0 -q filesrc location="$1" ! lnrparse ! lnrdec ! videoscale \
    ! "video/x-raw,width=$((width / 2 * 2)),height=[16,8192,2]" ! videoconvert \
    ! video/x-raw,format=I420 ! x264enc key-int-max="$key" ! h264parse \
    ! hlssink2 target-duration="$segment" playlist-length=0 max-files=0 \
    location="$2/segment%05d.ts" playlist-location="$list" &
pipeline=$!
trap 'kill "$pipeline" 2>/dev/null || true' EXIT
# The hlssink2 of GStreamer 1.22 completes the list and then, one time in four, never says that it is done.
while kill -0 "$pipeline" 2>/dev/null; do
    if grep -q ENDLIST "$list" 2>/dev/null; then
        sleep 1
        exit 0
    fi
    sleep 0.2
done
wait "$pipeline"
