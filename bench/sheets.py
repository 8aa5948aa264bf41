#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Contact sheets: real frames beside each privacy mode, and each guidance, into docs/.

Takes the Debian surveillance clip, profiles it, generates in each mode, and lays the pictures out: real
frames at the same times apart in the first row block, then each mode. Also writes blind-sheet.jpg, where real
and generated frames are mixed at random, and blind-sheet.txt, its key, and guidance-sheet.jpg: one seed with
each target at five values, what was asked and what the record says was attained above each row, and with a
prompt at five guidance scales.
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
GUIDANCE = {"brightness": (0.25, 0.35, 0.5, 0.65, 0.8), "contrast": (0.1, 0.2, 0.3, 0.4, 0.5),
            "saturation": (0.05, 0.2, 0.4, 0.6, 0.7), "color-temperature": (3500, 4300, 5200, 7000, 9000),
            "sharpness": (100, 400, 1000, 2000, 4000), "haze": (0.05, 0.15, 0.3, 0.5, 0.7),
            "noise": (1, 3, 6, 12, 20), "occupancy": (0.005, 0.01, 0.02, 0.03, 0.04)}
PROMPT, SCALES = "foggy night", (0, 3.75, 7.5, 11.25, 15)


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


def generate(program, profile, count, out, *options):
    """Pictures and their records."""
    subprocess.run([program, "generate", "--profile", profile, "-n", str(count), "--seed", "100", *options,
                    "-o", str(out)], check=True)
    records = [json.loads(line) for line in (out / "metadata.jsonl").read_text().splitlines()]
    return [Image.open(out / record["file_name"]).convert("RGB") for record in records], records


def guided_rows(program, profile, folder):
    """A row for each target, and one for a prompt."""
    for name, values in GUIDANCE.items():
        pictures, told = [], []
        for value in values:
            made, records = generate(program, profile, 1, folder / f"{name}-{value}", f"--{name}", str(value))
            got = records[0]["attained"][name.replace("-", "_")]["got"]
            pictures += made
            told.append(f"{value:g} -> {got:.3g}")
        yield f"{name}: {', '.join(told)}", pictures
    scaled = [generate(program, profile, 1, folder / f"scale-{scale}", "--prompt", PROMPT, "--guidance-scale",
                       str(scale))[0][0] for scale in SCALES]
    yield f'prompt "{PROMPT}", guidance scale: {", ".join(f"{scale:g}" for scale in SCALES)}', scaled


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
        made = {mode: generate(program, profile, args.n, folder / mode, "--privacy", mode)[0] for mode in MODES}
        real = real_frames(args.clip, made["verbatim"][0].size, args.n, folder)
        sheet([("real frames", real)] + [(mode, made[mode][:args.n]) for mode in MODES],
              out / "contact-sheet.jpg")
        mixed = [("real", picture) for picture in real] + \
                [("deidentify", picture) for picture in made["deidentify"][:args.n]]
        random.Random(4).shuffle(mixed)
        sheet([("which are real?", [picture for _, picture in mixed])], out / "blind-sheet.jpg")
        (out / "blind-sheet.txt").write_text("".join(f"{i + 1}: {kind}\n"
                                                     for i, (kind, _) in enumerate(mixed)))
        sheet(list(guided_rows(program, profile, folder)), out / "guidance-sheet.jpg")


main()
