# SPDX-License-Identifier: Apache-2.0
"""The clips that the judges use, and their split into memory and held-out by time block."""
import json
import pathlib
import subprocess

import numpy

from . import pictures as P

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BLOCKS = 16  # M A M B M A M B ...: every other one is memory; A and B are held out
GUARD = 0.1  # share of a held-out block at each end that nobody looks at: people walk across the cut

CLIPS = {
    "vtest": ("Debian's surveillance clip, 80 s of a plaza",
              "real people of 25 pixels and their clothes; too short for k-anonymous; nobody knows who is "
              "who, so identities are the engine's own count; people stand across the cuts"),
    "pattern": ("drawn street, 6 at once, 40 identities that come back, 200 s",
                "who is who is known: identity counting and re-identification against the truth; the "
                "objects are drawn, so nothing here says that images look natural"),
    "long": ("drawn street at one picture in 2 s, 40 minutes, strong changes of light",
             "many visits of the same 60, all lights of a day; steps are not seen between pictures, so "
             "tracks are short and cut"),
    "cup": ("a hand that turns a cup, 8 s", "one large object: the mode must show the plate or say so; too "
            "short for anything about sets"),
    "box": ("a hand that turns a box, 15 s", "as the cup, with an arm that the border cuts"),
}
PATTERNS = {"pattern": ("pattern:size=448x252,rate=10,objects=6,identities=40,seed=7,light=0.5", 2000),
            "long": ("pattern:size=448x252,rate=0.5,objects=8,identities=60,seed=8,light=2", 1200)}


def build_path(build, name):
    return str(pathlib.Path(build) / "bench" / name)


def fetch(name, build, folder):
    """The clip as a file; packed or drawn when it is first asked for."""
    if name == "vtest":
        return ROOT / ".cache" / "vtest.avi"
    if name in PATTERNS:
        path = pathlib.Path(folder) / f"{name}.y4m"
        uri, frames = PATTERNS[name]
        if not path.exists():
            subprocess.run([build_path(build, "bench_records"), "draw", uri, str(frames), str(path)],
                           check=True)
        return path
    path = ROOT / ".cache" / f"{name}.mp4"
    if not path.exists():
        subprocess.run([str(ROOT / "tools" / "fetch-clip")], check=True)
    return path


class Split:
    """A clip, its memory half profiled, its held-out frames at the profile's base size."""

    def __init__(self, name, build, folder, every=4):
        self.name, self.build = name, build
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.records_program = build_path(build, "bench_records")
        self.program = str(pathlib.Path(build) / "inferloop")
        self.path = path = fetch(name, build, folder)
        frames = self._count(path)
        self.block = numpy.arange(frames) * BLOCKS // frames
        self.memory_index = numpy.flatnonzero(self.block % 2 == 0)
        self.profile = self.folder / "memory.iflprof"
        self._make_profile(path)
        self.memory = P.Memory(self.records_program, self.profile, self.folder)
        chosen = self._held_out(frames, every)
        inside = set(chosen.tolist())
        self.held_raw = P.read_clip(path, self.memory.width, self.memory.height, inside.__contains__)
        self.held_index = chosen[:len(self.held_raw)]
        self.held_block = self.block[self.held_index]
        self.held = P.undo_lights(self.held_raw, self.memory.plate)

    def _count(self, path):
        out = subprocess.run(["ffprobe", "-v", "error", "-count_packets", "-select_streams", "v",
                              "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", str(path)],
                             check=True, capture_output=True, text=True).stdout
        return int(out.split()[0].strip(","))

    def _held_out(self, frames, every):
        keep = []
        for b in range(1, BLOCKS, 2):
            own = numpy.flatnonzero(self.block == b)
            gap = int(len(own) * GUARD)
            keep.append(own[gap:len(own) - gap:every])
        return numpy.concatenate(keep)

    def _make_profile(self, path):
        if self.profile.exists():
            return
        half = self.folder / "memory.mkv"
        frames = len(self.block)
        chosen = f"not(mod(floor(n*{BLOCKS}/{frames})\\,2))"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(path), "-vf",
                        f"select='{chosen}',scale=448:-2:flags=area,setpts=N/10/TB", "-r", "10", "-c:v",
                        "ffv1", "-pix_fmt", "yuv420p", str(half)], check=True)
        subprocess.run([self.program, "profile", str(half), "-o", str(self.profile)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        half.unlink()

    def generate(self, mode, seed, count, k):
        """Delivered pictures of a mode, light taken out, and their seeds and records."""
        folder = self.folder / f"{mode}-{k}-{seed}-{count}"
        word = f"{mode}:{k}" if mode != "verbatim" else mode
        if not (folder / "metadata.jsonl").exists():
            done = subprocess.run([self.program, "generate", "--profile", str(self.profile), "-n",
                                   str(count), "--seed", str(seed), "--privacy", word, "-o", str(folder),
                                   "--json"], capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"{self.name}, {mode}: {done.stdout.strip() or done.stderr.strip()}")
        pictures, rows = P.read_dataset(folder)
        return P.undo_lights(pictures, self.memory.plate), [int(row["seed"]) for row in rows], rows

    def uncut(self):
        """The memory of the whole clip: cuts would be unfair to a tracker."""
        profile = self.folder / "uncut.iflprof"
        if not profile.exists():
            subprocess.run([self.program, "profile", str(self.path), "-o", str(profile)], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return P.Memory(self.records_program, profile, self.folder / "uncut")

    def truth(self, uncut=False):
        """For the pattern: a list of objects for each frame of the memory clip, or of the whole; else None."""
        if self.name not in PATTERNS:
            return None
        uri, frames = PATTERNS[self.name]
        out = subprocess.run([self.records_program, "truth", uri, str(frames)], check=True,
                             capture_output=True, text=True).stdout
        rows = [json.loads(line) for line in out.splitlines()]
        return rows if uncut else [rows[i] for i in self.memory_index]
