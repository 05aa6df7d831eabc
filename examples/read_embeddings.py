#!/usr/bin/python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reads what the frames of a .lnr file mean, without decoding, and compares each with one of them:

    examples/read_embeddings.py clip.lnr [SECONDS]

Writes a line for each frame: its time in seconds, and the cosine between its vector and that of the first
frame at SECONDS or later (0). Needs python3-gi and this plugin (GST_PLUGIN_PATH).
"""

import struct
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


def embeddings(clip):
    """Yields time in ns, vector, and the space that the vector lives in, of every frame of a file."""
    pipeline = Gst.parse_launch(
        "filesrc name=file ! lnrparse ! lnrembed ! appsink name=sink sync=false"
    )
    pipeline.get_by_name("file").set_property("location", clip)
    # What cannot be opened brings no end of stream either.
    has_begun = pipeline.set_state(Gst.State.PLAYING) != Gst.StateChangeReturn.FAILURE
    sink = pipeline.get_by_name("sink")
    while has_begun and (sample := sink.emit("pull-sample")) is not None:
        buffer = sample.get_buffer()
        meta = buffer.get_custom_meta("LnrEmbeddingMeta")
        # A damaged frame has none.
        if meta is not None:
            fields = meta.get_structure()
            vector = fields.get_value("vector").get_data() or b""
            floats = struct.unpack(f"<{len(vector) // 4}f", vector)
            yield buffer.pts, floats, fields.get_string("space")
    error = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    if error:
        sys.exit(error.parse_error()[0].message)


def main():
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    clip = sys.argv[1]
    try:
        begin = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    except ValueError:
        sys.exit(f"{sys.argv[2]}: give a number of seconds")
    Gst.init(None)
    if Gst.ElementFactory.find("lnrembed") is None:
        sys.exit("there is no element lnrembed: set GST_PLUGIN_PATH to the folder of libgstlnr.so")
    frames = [frame for frame in embeddings(clip) if frame[1]]
    if not frames:
        sys.exit(f"{clip} does not say what its frames mean: encode it with clip-model")
    wanted = next((f for f in frames if f[0] >= begin * Gst.SECOND), None)
    if wanted is None:
        sys.exit(f"{clip} ends before {begin} s")
    for time, vector, space in frames:
        # Vectors have length 1, and only those of one space can be compared.
        if space == wanted[2]:
            cosine = sum(a * b for a, b in zip(vector, wanted[1]))
            print(f"{time / Gst.SECOND:.3f} {cosine:.4f}")


main()
