#!/usr/bin/python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes the picture that a .lnr file shows at a time as PNG, at any width:

    examples/thumbnail.py clip.lnr out.png [SECONDS [WIDTH]]

SECONDS is 0, WIDTH the file's own; the height follows. One group is read and one picture rendered, wherever
it is. A file that exists is not overwritten. Needs python3-gi, GStreamer's plugins-good (pngenc) and this plugin (GST_PLUGIN_PATH).
"""

import os
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

# Widest picture, and longest time, that can be asked for.
WIDEST, LONGEST = 16384, 1e9
# Longest wait for a picture.
PATIENCE = 60 * Gst.SECOND


def settle(pipeline):
    """Waits for a picture; ends the program with the reason if there is none."""
    result, _, _ = pipeline.get_state(PATIENCE)
    if result != Gst.StateChangeReturn.SUCCESS:
        message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        pipeline.set_state(Gst.State.NULL)
        sys.exit(message.parse_error()[0].message if message else "there is no picture at that time")


def number(text, kind, most):
    """A number from 0 to `most`; ends the program if the text is none."""
    try:
        value = kind(text)
    except ValueError:
        value = -1
    if not 0 <= value <= most:
        sys.exit(f"{text}: give a number from 0 to {most:.0f}")
    return value


def main():
    if not 3 <= len(sys.argv) <= 5:
        sys.exit(__doc__)
    clip, out = sys.argv[1:3]
    seconds = number(sys.argv[3], float, LONGEST) if len(sys.argv) > 3 else 0.0
    width = number(sys.argv[4], int, WIDEST) if len(sys.argv) > 4 else 0
    caps = f"video/x-raw,width={width}" if width else "video/x-raw"
    if os.path.exists(out):
        sys.exit(f"{out} exists: name another file, or remove it")
    Gst.init(None)
    if Gst.ElementFactory.find("lnrdec") is None:
        sys.exit("there is no element lnrdec: set GST_PLUGIN_PATH to the folder of libgstlnr.so")
    pipeline = Gst.parse_launch(
        "filesrc name=file ! lnrparse ! lnrdec ! videoscale"
        f" ! {caps} ! videoconvert ! video/x-raw,format=RGB ! pngenc ! appsink name=sink sync=false"
    )
    pipeline.get_by_name("file").set_property("location", clip)
    pipeline.set_state(Gst.State.PAUSED)
    settle(pipeline)
    flags = Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE
    pipeline.seek_simple(Gst.Format.TIME, flags, round(seconds * Gst.SECOND))
    settle(pipeline)
    sample = pipeline.get_by_name("sink").emit("pull-preroll")
    pipeline.set_state(Gst.State.NULL)
    if sample is None:
        sys.exit(f"{clip} ends before {seconds} s")
    buffer = sample.get_buffer()
    try:
        with open(out, "xb") as file:
            file.write(buffer.extract_dup(0, buffer.get_size()))
    except OSError as error:
        sys.exit(str(error))


main()
