#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Compiles the kernels into kernels/compiled; needs Python 3.9, gcc on x86-64, a network and no GPU.

    python3 kernels/build.py [FOLDER]

Takes NVIDIA's compilers in pinned versions from the Python package index into FOLDER
(target/cuda), then writes
    lnr.fatbin     machine code for every architecture below
    lnr.ptx.z      for the driver to compile, where it cannot read the former; ends in zero, then
                   compressed (zlib)
    names.in       the kernels' names
    sizes.in       the numbers of sizes.h
    resources.txt  registers and spilled bytes of every kernel by architecture
    sources.txt    FNV-1a hashes of what all this was made from; a test compares them
"""

import ctypes
import pathlib
import re
import subprocess
import sys
import tempfile
import venv
import zlib

ARCHITECTURES = ["80", "86", "89", "90", "100", "120"]
NVCC = [
    "nvidia-cuda-nvcc==13.0.88",
    "nvidia-nvvm==13.0.88",
    "nvidia-cuda-crt==13.0.88",
    "nvidia-cuda-runtime==13.0.96",
    "nvidia-cuda-cccl==13.0.85",
]
# Its PTX (8.1) is read by drivers of March 2023 and later (R530).
NVRTC = ["nvidia-cuda-nvrtc-cu12==12.1.105", "nvidia-cuda-runtime-cu12==12.1.105"]

KERNELS = pathlib.Path(__file__).resolve().parent
COMPILED = KERNELS / "compiled"


def install(folder):
    """Returns where the packages are, after installing them."""
    packages = folder / "packages"
    done = folder / "installed.txt"
    wanted = "\n".join(NVCC + NVRTC)
    if not done.exists() or done.read_text() != wanted:
        venv.create(folder / "venv", with_pip=True)
        pip = [folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run(pip + ["--target", packages, "--upgrade"] + NVCC + NVRTC, check=True)
        done.write_text(wanted)
    return packages / "nvidia"


def nvcc(cuda, arguments):
    """What nvcc prints."""
    command = [cuda / "bin/nvcc", "-std=c++17", *arguments, KERNELS / "lnr.cu"]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "CUDA_HOME": str(cuda)})
    if done.returncode != 0:
        sys.exit(done.stderr or done.stdout)
    return done.stdout + done.stderr


def fatbin(cuda):
    """Writes lnr.fatbin and returns [(architecture, kernel, registers, spilled bytes)]."""
    targets = [f"-gencode=arch=compute_{a},code=sm_{a}" for a in ARCHITECTURES]
    out = ["-fatbin", "-compress-mode=size", "-Xptxas", "-v", "-o", COMPILED / "lnr.fatbin"]
    log = nvcc(cuda, targets + out)
    rows = []
    pattern = (
        r"Compiling entry function '(\w+)' for 'sm_(\d+)'.*?(\d+) bytes spill stores, "
        r"(\d+) bytes spill loads.*?Used (\d+) registers"
    )
    for name, arch, stores, loads, registers in re.findall(pattern, log, re.S):
        rows.append((name, int(arch), int(registers), int(stores) + int(loads)))
    return sorted(rows)


def ptx(nvidia):
    """Writes lnr.ptx.z by the run-time compiler."""
    rtc = ctypes.CDLL(str(next((nvidia / "cuda_nvrtc/lib").glob("libnvrtc.so.12"))))
    program = ctypes.c_void_p()
    source = (KERNELS / "lnr.cu").read_bytes()
    status = rtc.nvrtcCreateProgram(ctypes.byref(program), source, b"lnr.cu", 0, None, None)
    assert status == 0, f"nvrtcCreateProgram: {status}"
    folders = [KERNELS, KERNELS / "coordinates", nvidia / "cuda_runtime/include"]
    options = [b"--std=c++17", b"--gpu-architecture=compute_80"] + [f"-I{f}".encode() for f in folders]
    status = rtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    size = ctypes.c_size_t()
    if status != 0:
        rtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        rtc.nvrtcGetProgramLog(program, log)
        sys.exit(log.value.decode())
    rtc.nvrtcGetPTXSize(program, ctypes.byref(size))
    text = ctypes.create_string_buffer(size.value)
    rtc.nvrtcGetPTX(program, text)
    version = re.search(rb"\.version (\S+)", text.value).group(1).decode()
    assert version == "8.1", f"PTX version {version} needs a later driver"
    (COMPILED / "lnr.ptx.z").write_bytes(zlib.compress(text.value + b"\0", 9))


def sizes():
    """Writes sizes.in: the numbers as g++ has them."""
    with tempfile.TemporaryDirectory() as folder:
        library = pathlib.Path(folder) / "sizes.so"
        flags = ["-std=c++17", "-w", "-fPIC", "-shared", "-o", library]
        subprocess.run(["g++", *flags, KERNELS / "simt.cpp"], check=True)
        shim = ctypes.CDLL(str(library))
        shim.lnr_size_name.restype = ctypes.c_char_p
        shim.lnr_size.restype = ctypes.c_uint64
        found, i = [], 0
        while name := shim.lnr_size_name(i):
            found.append((name.decode(), shim.lnr_size(i)))
            i += 1
    lines = [f"pub const {name}: usize = {value:#x};\n" for name, value in found]
    lines.append("#[cfg(test)]\npub const ALL: &[(&str, usize)] = &[\n")
    lines += [f'    ("{name}", {name}),\n' for name, _ in found]
    (COMPILED / "sizes.in").write_text("".join(lines) + "];\n")


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else KERNELS.parent / "target/cuda").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    COMPILED.mkdir(exist_ok=True)
    nvidia = install(folder)
    ptx(nvidia)
    sizes()
    rows = fatbin(nvidia / "cu13")
    names = sorted({r[0] for r in rows})
    (COMPILED / "names.in").write_text("[\n" + "".join(f'    "{n}",\n' for n in names) + "]\n")
    text = "# kernel architecture registers spilled-bytes\n"
    (COMPILED / "resources.txt").write_text(text + "".join("%s %d %d %d\n" % r for r in rows))
    sources = sorted([*KERNELS.rglob("*.cu*"), KERNELS / "sizes.h", KERNELS / "build.py"])
    lines = [f"{fnv1a(p.read_bytes()):016x} {p.relative_to(KERNELS)}\n" for p in sources]
    (COMPILED / "sources.txt").write_text("".join(lines))
    print(f"{len(names)} kernels, {len(ARCHITECTURES)} architectures")


main()
