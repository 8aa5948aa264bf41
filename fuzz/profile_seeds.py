#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the first inputs of fuzz_profile and fuzz_engine: small profile files whose memory frames are stored
uncompressed, so that a changed byte is a changed field.  Usage: profile_seeds.py CORPUS"""
import json
import pathlib
import re
import struct
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
FEATURES = re.findall(r"^    X\((\w+),", (ROOT / "include" / "inferloop" / "features.h").read_text(), re.M)


def document(frames, events, seen):
    feature = {"count": 9, "mean": 0.5, "variance": 0, "skew": 0, "kurtosis": 0, "min": 0, "max": 1,
               "quantiles_32": [0] * 33, "histogram": {"counts": [0] * 64}}
    times = {"created_ns": 3, "first_ns": 1, "last_ns": 2}
    return json.dumps({
        "schema": "inferloop.profile/1", "id": "0123456789abcdef",
        "source": {"name": "door", "licence": "CC0", "width": 640, "height": 360}, "time": times,
        "frames": {"seen": seen, "profiled": 9, "window": 9},
        "occupancy": {"rate": 0.5, "count_mean": 1, "area_mean": 0.1},
        "memory": {"frames": frames, "events": events, "identities": events},
        "features": {name: feature for name in FEATURES},
        "recent": {name: {"mean": 0.5, "std": 0, "lag1": 0} for name in FEATURES},
        "covariance": [[0] * (i + 1) for i in range(len(FEATURES))],
        "components": [{"share": 0, "weights": {name: 0 for name in FEATURES}}] * 8,
        "reference": {"frames": 0, "features": {name: feature for name in FEATURES}},
        "luma_tiles": [[0] * 8] * 8}, separators=(",", ":")).encode()


def section(tag, content):
    tail = struct.pack("<Q", len(content)) + content
    return tag + struct.pack("<I", zlib.crc32(tag + tail)) + tail


def stored(raw):
    """A zstd frame with one block as it is."""
    assert 256 <= len(raw) < 65536
    return (b"\x28\xb5\x2f\xfd\x60" + struct.pack("<H", len(raw) - 256) +
            struct.pack("<I", 1 | len(raw) << 3)[:3] + raw)


def memory_frame(number, side, components):
    raw = struct.pack("<QQq6f", number, number, number * 10**9, 1, 1, 1, 0, 0, 0)
    raw += struct.pack("<I", components)
    for i in range(components):
        raw += struct.pack("<7I", i, 1, 3, 4, 12, 1, i + 1)
    raw += bytes(3 * side * side) + bytes(i % (components + 1) for i in range(side * side))
    packed = stored(raw)
    return struct.pack("<I", len(packed)) + packed


def profile(side, levels, frames, events, components, seen=9):
    size = struct.pack("<5I", side, side, levels, frames, events)
    event = b"".join(struct.pack("<IIQQIi", i + 1, i + 1, i, i + 9, 9, 4) for i in range(events))
    memory = b"".join(memory_frame(i, side, components) for i in range(frames))
    plate = bytes(i & 255 for i in range(3 * side * side)) if levels else b""
    body = (section(b"STAT", document(frames, events, seen)) + section(b"SIZE", size) + section(b"PLAT", plate) +
            section(b"EVNT", event) + section(b"MEMO", memory))
    head = b"IFLPROF\0" + struct.pack("<IIQ", 1, 5, 28 + len(body))
    return head + struct.pack("<I", zlib.crc32(head)) + body


def main():
    corpus = pathlib.Path(sys.argv[1])
    for name, rows in {"memory": (8, 2, 2, 3, 3), "one-level": (8, 1, 1, 0, 0), "statistics": (0, 0, 0, 0, 0),
                       "events": (8, 3, 0, 40, 0)}.items():
        (corpus / "profile" / name).write_bytes(profile(*rows))
    short = profile(8, 2, 1, 1, 1)
    (corpus / "profile" / "cut").write_bytes(short[:-30])
    (corpus / "profile" / "newer").write_bytes(short[:8] + b"\2" + short[9:])
    (corpus / "profile" / "header").write_bytes(short[:28])
    for privacy, name in enumerate(("verbatim", "deidentify", "k-anonymous")):
        (corpus / "engine" / name).write_bytes(profile(8, 1, 16, 4, 4, seen=privacy))


main()
