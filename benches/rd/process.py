# SPDX-License-Identifier: MIT OR Apache-2.0
"""Other programs: run one, and tell what time it took."""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass


@dataclass
class Run:
    output: bytes
    seconds: float
    # User CPU time of all its threads: what to compare on a machine that does other work too.
    cpu_seconds: float


def run(*command):
    """Runs a program to its end; a failure ends this one, too, with what it said."""
    command = [str(part) for part in command]
    # Files instead of pipes: nothing has to be read while the program runs, so its own rusage is at hand.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if child.returncode != 0:
            message = err.read().decode(errors="replace").strip()
            raise SystemExit(f"{' '.join(command)}\nended with {child.returncode}: {message}")
        return Run(out.read(), seconds, usage.ru_utime)


def times(encoded, decoded):
    """What a point tells of the two runs that it took."""
    return {
        "encode_s": round(encoded.seconds, 3),
        "encode_cpu_s": round(encoded.cpu_seconds, 3),
        "decode_s": round(decoded.seconds, 3),
        "decode_cpu_s": round(decoded.cpu_seconds, 3),
    }


def ffmpeg(*arguments):
    """Every frame once, whatever its time; the last argument is the output."""
    *arguments, out = arguments
    return run("ffmpeg", "-v", "error", "-y", *arguments, "-fps_mode", "passthrough", out)
