#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many cameras in one process: what one more costs, and how long a frame takes from capture to profile.

Cameras are a 720p H.264 clip, played at its own speed and looped. Processor time and memory a camera are the
difference between 16 and 1; what a camera's decoder takes is measured by the same without analysis (a frame in 100
s), what its frame memory takes is computed. The time from capture to profile is read from the program's own
histogram, while as many cameras of 30 frames/s as take 80 % of all cores run.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

MANY, SECONDS, WARM = 16, 30, 30
MEMORY_MB = 128 * (256 * 144 * 3 * 4 / 3 + 256 * 144) / 1e6  # pictures of all levels, and labels
CORES = os.cpu_count()


def make_clip(source, rate, folder):
    clip = folder / f"720p{rate}.mp4"
    subprocess.run(["ffmpeg", "-loglevel", "error", "-i", source, "-t", "20", "-vf",
                    f"scale=1280:720,setpts=N/{rate}/TB", "-r", str(rate), "-c:v", "libx264", "-preset",
                    "veryfast", clip], check=True)
    return clip


class Run:
    """`inferloop run` on `count` cameras for a while: cores and memory it took, and its metrics."""

    def __init__(self, build, clip, count, rate_max, folder):
        sources = [word for i in range(count) for word in ("--source", f"cam{i}={self.link(clip, i, folder)}")]
        log = open(folder / "log", "w+")
        self.process = subprocess.Popen(
            [f"{build}/inferloop", "run", *sources, "--loop", "--rate-max", str(rate_max), "--generate-interval",
             "86400", "--state-dir", "none", "--output", folder / "d", "--listen", "127.0.0.1:0"], stderr=log,
            stdout=subprocess.DEVNULL)
        try:
            time.sleep(WARM)
            log.seek(0)
            self.address = re.search(r"http://[0-9.]+:\d+", log.read())[0]
            before, begun = self.cpu(), time.monotonic()
            early = self.latencies()
            time.sleep(SECONDS)
            self.cores = (self.cpu() - before) / (time.monotonic() - begun)
            self.megabytes = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * 4096 / 1e6
            self.histogram = {le: count - early.get(le, 0) for le, count in self.latencies().items()}
        finally:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)
            log.close()

    @staticmethod
    def link(clip, index, folder):
        """A name of its own: one connection serves a camera."""
        path = folder / f"{index}-{clip.name}"
        if not path.exists():
            path.symlink_to(clip)
        return path

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def latencies(self):
        """Upper bound in seconds -> frames up to it, of all cameras."""
        with urllib.request.urlopen(self.address + "/metrics", timeout=10) as answer:
            text = answer.read().decode()
        counts = {}
        for le, count in re.findall(r'^inferloop_capture_to_profile_seconds_bucket\{.*le="([^"]+)"\} (\d+)', text, re.M):
            counts[float(le)] = counts.get(float(le), 0) + int(count)
        return counts

    def quantile_ms(self, share):
        """Within its bucket in proportion."""
        total, low, below = max(self.histogram.values()), 0.0, 0
        for le in sorted(self.histogram):
            count = self.histogram[le]
            if count >= share * total:
                high = le if le != float("inf") else low * 2
                return 1e3 * (low + (high - low) * (share * total - below) / max(count - below, 1))
            low, below = le, count
        return float("nan")


def measure(build, source, folder):
    slow, fast = make_clip(source, 10, folder), make_clip(source, 30, folder)
    one, many = (Run(build, slow, count, 5, folder) for count in (1, MANY))
    idle_one, idle_many = (Run(build, slow, count, 0.01, folder) for count in (1, MANY))
    more = lambda a, b, what: (getattr(b, what) - getattr(a, what)) / (MANY - 1)
    decoder = more(idle_one, idle_many, "megabytes")
    single = Run(build, fast, 1, 0, folder)
    count = max(1, int(0.8 * CORES / single.cores))
    loaded = Run(build, fast, count, 0, folder)
    count = max(1, round(count * 0.8 * CORES / loaded.cores))  # one alone costs more than one of many
    loaded = Run(build, fast, count, 0, folder)
    return {"a 720p camera at 5 analysed frames/s, cores": more(one, many, "cores"),
            "of which decoding, cores": more(idle_one, idle_many, "cores"),
            "a 720p camera, MB": more(one, many, "megabytes"),
            "of which decoder and queues, MB": decoder,
            "beyond decoder and frame memory, MB": more(one, many, "megabytes") - decoder - MEMORY_MB,
            "720p at 30 frames/s, cameras for 80 % of the cores": count,
            "of the cores then used, %": 100 * loaded.cores / CORES,
            "capture to profile then, median, ms": loaded.quantile_ms(0.5),
            "capture to profile then, p99, ms": loaded.quantile_ms(0.99)}


def main():
    build, source = sys.argv[1], sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(build, source, pathlib.Path(folder))))


if __name__ == "__main__":
    main()
