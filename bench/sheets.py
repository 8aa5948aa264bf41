#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Contact sheets: real frames beside each privacy mode, into docs/.

Takes the Debian surveillance clip, profiles it, generates in each mode, and lays the pictures out: real
frames at the same times apart in the first row block, then each mode. Also writes blind-sheet.jpg, where real
and generated frames are mixed at random, and blind-sheet.txt, its key.
"""
import argparse
import json
import pathlib
import random
import subprocess
import tempfile

from PIL import Image, ImageDraw

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODES = ("verbatim", "deidentify", "k-anonymous")
COLUMNS, GAP, BAND = 5, 4, 18


def sheet(titled_rows, path):
    """`titled_rows`: a list of (title, pictures of one size)."""
    width, height = titled_rows[0][1][0].size
    rows = sum(-(-len(pictures) // COLUMNS) for _, pictures in titled_rows)
    page = Image.new("RGB", (COLUMNS * (width + GAP) + GAP,
                             rows * (height + GAP) + len(titled_rows) * BAND + GAP), "white")
    draw, y = ImageDraw.Draw(page), GAP
    for title, pictures in titled_rows:
        draw.text((GAP, y), title, fill="black")
        y += BAND
        for i, picture in enumerate(pictures):
            page.paste(picture, (GAP + i % COLUMNS * (width + GAP), y + i // COLUMNS * (height + GAP)))
        y += -(-len(pictures) // COLUMNS) * (height + GAP)
    page.save(path, quality=88)
    print(path)


def real_frames(clip, size, count, folder):
    subprocess.run(["ffmpeg", "-loglevel", "error", "-i", clip, "-vf",
                    f"scale={size[0]}:{size[1]}:flags=area", str(folder / "real-%04d.png")], check=True)
    frames = sorted(folder.glob("real-*.png"))
    step = len(frames) / count
    return [Image.open(frames[int((i + 0.5) * step)]).convert("RGB") for i in range(count)]


def generate(program, profile, mode, count, folder):
    out = folder / mode
    subprocess.run([program, "generate", "--profile", profile, "-n", str(count), "--seed", "100",
                    "--privacy", mode, "-o", str(out)], check=True)
    with open(out / "metadata.jsonl") as lines:
        return [Image.open(out / json.loads(line)["file_name"]).convert("RGB") for line in lines]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--clip", default=str(ROOT / ".cache" / "vtest.avi"))
    parser.add_argument("--out", default=str(ROOT / "docs"))
    parser.add_argument("-n", type=int, default=10)
    args = parser.parse_args()
    program, out = f"{args.build}/inferloop", pathlib.Path(args.out)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        profile = str(folder / "clip.iflprof")
        subprocess.run([program, "profile", args.clip, "-o", profile], check=True)
        made = {mode: generate(program, profile, mode, args.n, folder) for mode in MODES}
        real = real_frames(args.clip, made["verbatim"][0].size, args.n, folder)
        sheet([("real frames", real)] + [(mode, made[mode][:args.n]) for mode in MODES],
              out / "contact-sheet.jpg")
        mixed = [("real", picture) for picture in real] + \
                [("deidentify", picture) for picture in made["deidentify"][:args.n]]
        random.Random(4).shuffle(mixed)
        sheet([("which are real?", [picture for _, picture in mixed])], out / "blind-sheet.jpg")
        (out / "blind-sheet.txt").write_text("".join(f"{i + 1}: {kind}\n"
                                                     for i, (kind, _) in enumerate(mixed)))


main()
