#!/usr/bin/python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Serves one .lnr file over RTSP as H.264, at the size that each client names:

    examples/rtsp_server.py clip.lnr [PORT]
    gst-play-1.0 'rtsp://localhost:8554/clip?width=640&height=360'
    ffplay 'rtsp://localhost:8554/clip?width=320'

One side alone is enough, the other follows; without any it is the file's own size. Clients that ask for
the same size share one decoder. Nothing is scaled: lnrdec renders at the size of the caps behind it.
PORT is 8554; 0 takes a free one. Needs python3-gi, gir1.2-gst-rtsp-server-1.0, GStreamer's plugins-good and
plugins-ugly (x264enc), and this plugin (GST_PLUGIN_PATH).
"""

import os
import sys
import urllib.parse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

# Sides that a client may ask for: less makes no picture for H.264, more would take the machine.
LEAST, MOST = 16, 3840


def size_caps(query):
    """The caps for the size that the query of a URL names, such as "width=640&height=360"."""
    # H.264 in 4:2:0 has even sides; lnrdec takes the one that keeps the shape, or is its own.
    sides = dict.fromkeys(("width", "height"), f"[{LEAST},{MOST},2]")
    for key, values in urllib.parse.parse_qs(query or "").items():
        side = int(values[0]) if key in sides and values[0].isdecimal() else 0
        if not LEAST <= side <= MOST:
            raise ValueError(f"{key}={values[0]}: name width and height, {LEAST} to {MOST}")
        sides[key] = side // 2 * 2
    return "video/x-raw,width={width},height={height}".format(**sides)


class LnrFactory(GstRtspServer.RTSPMediaFactory):
    """Makes the pipeline for a URL."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.set_shared(True)

    def do_create_element(self, url):
        try:
            caps = size_caps(url.query)
        except ValueError as error:
            print(f"refused: {error}", file=sys.stderr)
            return None
        pipeline = Gst.parse_launch(
            "filesrc name=file ! lnrparse ! lnrdec ! queue max-size-buffers=2 ! videoscale"
            f" ! {caps} ! videoconvert ! video/x-raw,format=I420"
            " ! x264enc tune=zerolatency speed-preset=veryfast ! rtph264pay name=pay0 pt=96"
        )
        pipeline.get_by_name("file").set_property("location", self.path)
        return pipeline


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    if not os.path.isfile(sys.argv[1]):
        sys.exit(f"{sys.argv[1]}: no such file")
    Gst.init(None)
    if Gst.ElementFactory.find("lnrdec") is None:
        sys.exit("there is no element lnrdec: set GST_PLUGIN_PATH to the folder of libgstlnr.so")
    server = GstRtspServer.RTSPServer()
    server.set_service(sys.argv[2] if len(sys.argv) == 3 else "8554")
    server.get_mount_points().add_factory("/clip", LnrFactory(sys.argv[1]))
    if server.attach(None) == 0:
        sys.exit("the port is taken")
    print(f"rtsp://localhost:{server.get_bound_port()}/clip", flush=True)
    GLib.MainLoop().run()


main()
