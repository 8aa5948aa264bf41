#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The confusion tables of docs/drift.md: seeded scenes with ground truth, and real clips that ffmpeg's
filters change at a known moment; ours beside naive rules. `--store` writes them into the page.
"""
import argparse
import json
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "drift.md"
SEEDS = 5
RATE = 10  # frames/s of the clip
BEFORE, AFTER = 40, 30  # loops of the clip
SCENES = ["none", "tiny", "anomaly", "sudden", "gradual", "recurring", "single feature", "butterfly"]
CAUSES = {"sudden": "sudden", "gradual": "gradual", "recurring": "sudden", "single feature": "sudden",
          "butterfly": "sudden"}
# What is done to the clip: filter, and words of the measures that may be named for it.
CHANGES = {
    "brightness -10 %": ("eq=brightness=-0.1", "bright|luma|red|green|blue|contrast|entropy|clipped|std"),
    "colour temperature 6500 to 4500 K": ("colortemperature=temperature=4500",
                                          "color|red|green|blue|saturation"),
    "blur, sigma 1.5": ("gblur=sigma=1.5", "laplacian|gradient|edge|spectral|mscn|lbp|noise|complexity"),
    "noise, sigma about 8": ("noise=alls=14:allf=t", "noise|laplacian|mscn|lbp|spectral|gradient|complexity|edge"),
    "camera shifted by 8 %": ("crop=iw*0.92:ih*0.92:0:0,scale=768:576", "."),
    "content: a parked van": ("drawbox=x=180:y=160:w=260:h=150:color=0x3050a0:t=fill", "."),
    "a faint shadow on 0.5 % of it, below the tolerance": ("drawbox=x=10:y=10:w=60:h=40:color=black@0.05:t=fill", None),
}


def bench(build, *arguments):
    out = subprocess.run([f"{build}/bench/bench_drift", *map(str, arguments)], check=True, text=True,
                         capture_output=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def minutes(seconds):
    return "–" if seconds is None else f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def detectors(rows):
    return list(dict.fromkeys(row["detector"] for row in rows))


def scene_table(rows):
    """One line a scene: found, mean delay and false alarms of each detector; ours with the cause."""
    names = detectors(rows)
    lines = ["| Scene | " + " | ".join(names) + " | cause named right |", "|---" * (len(names) + 2) + "|"]
    for scene in SCENES:
        cells = []
        for name in names:
            runs = [row for row in rows if row["scene"] == scene and row["detector"] == name]
            delays = [row["delay_s"] for row in runs if row["delay_s"] is not None]
            false = sum(row["false_alarms"] for row in runs)
            found = f"{len(delays)}/{len(runs)} in {minutes(sum(delays) / len(delays))}" if delays else "0"
            cells.append((f"{found}, " if scene in CAUSES else "") + f"{false} false")
        ours = [row for row in rows if row["scene"] == scene and row["detector"] == names[0]]
        if scene == "recurring":  # the first time an alarm, the second time known
            right = sum(row["alarms"] == 1 and row["recurring"] > 0 for row in ours)
        else:
            right = sum(row["settled_cause"] == CAUSES.get(scene) for row in ours)
        lines.append(f"| {scene} | " + " | ".join(cells) +
                     f" | {f'{right}/{len(ours)}' if scene in CAUSES else '–'} |")
    return lines


def make_clip(clip, filters, target):
    subprocess.run(["ffmpeg", "-loglevel", "error", "-y", "-i", str(clip), "-vf", filters, "-c:v", "mjpeg",
                    "-q:v", "2", str(target)], check=True)


def measure(build, clip, target):
    subprocess.run([f"{build}/bench/bench_drift", "measure", str(clip), str(target)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return target


def clip_lines(rows, name, wanted):
    cells = []
    for row in rows:
        found = minutes(row["delay_s"]) if row["delay_s"] is not None else "not"
        cells.append(f"{row['false_alarms']} false" if wanted is None else
                     f"{found}, {row['false_alarms']} false")
    ours = rows[0]
    named = "–"
    if wanted is not None and ours["delay_s"] is not None:
        right = ours["cause"] == "sudden" and re.search(wanted, ours["feature"])
        named = f"{'right' if right else 'wrong'}: {ours['cause']}, {ours['feature']}"
    return f"| {name} | " + " | ".join(cells) + f" | {named} |"


def clip_table(build, clips, folder):
    base = folder / "base.avi"
    main = clips[0]
    make_clip(main, "null", base)
    before = measure(build, base, folder / "base.bin")
    lines, names = [], None
    for clip, rate in [(main, RATE), *[(other, 15) for other in clips[1:]]]:
        measured = measure(build, clip, folder / f"{clip.stem}.bin")
        frames = measured.stat().st_size // (before.stat().st_size / 795)
        rows = bench(build, "play", rate, measured, int(3600 * rate / frames) + 1)
        names = names or detectors(rows)
        lines.append(clip_lines(rows, f"{clip.name}, an hour, unchanged", None))
    for name, (filters, wanted) in CHANGES.items():
        make_clip(main, filters, folder / "changed.avi")
        after = measure(build, folder / "changed.avi", folder / "changed.bin")
        rows = bench(build, "play", RATE, before, BEFORE, after, AFTER)
        if wanted is None:  # whatever comes after is false
            for row in rows:
                row["false_alarms"] = row["alarms"]
        lines.append(clip_lines(rows, name, wanted))
    return ["| Clip | " + " | ".join(names) + " | ours says |", "|---" * (len(names) + 2) + "|", *lines]


def put(page, mark, lines):
    text = page.read_text()
    begin, end = f"<!-- {mark} begin -->", f"<!-- {mark} end -->"
    head, rest = text.split(begin)
    page.write_text(head + begin + "\n" + "\n".join(lines) + "\n" + end + rest.split(end)[1])


def figures(rows):
    """For the stored baseline."""
    ours = [row for row in rows if row["detector"] == "inferloop"]
    changed = [row for row in ours if row["scene"] in CAUSES]
    return {"drift: false alarms in seeded scenes": sum(row["false_alarms"] for row in ours),
            "drift: changes found / changes": sum(row["delay_s"] is not None for row in changed) / len(changed),
            "drift: mean delay of a sudden change, s of the stream":
                sum(row["delay_s"] or 0 for row in ours if row["scene"] == "sudden") / SEEDS}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--store", action="store_true", help="write the tables into docs/drift.md")
    parser.add_argument("--scenes", action="store_true", help="the seeded scenes only, without the clips")
    args = parser.parse_args()
    scenes = bench(args.build, "scenes", SEEDS)
    tables = {"scenes": scene_table(scenes)}
    cache = ROOT / ".cache"
    clips = [cache / "vtest.avi", *[path for path in [cache / "tree.avi"] if path.exists()]]
    with tempfile.TemporaryDirectory() as folder:
        if not args.scenes:
            tables["clips"] = clip_table(args.build, clips, pathlib.Path(folder))
    for mark, lines in tables.items():
        print("\n".join(lines) + "\n")
        if args.store:
            put(PAGE, mark, lines)
    print(json.dumps(figures(scenes)))


if __name__ == "__main__":
    main()
