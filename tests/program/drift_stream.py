# SPDX-License-Identifier: Apache-2.0
"""A stream with a known change, written into the standard input of `inferloop run --source gate=pipe:`, and
faster than it would play: its own time stamps are what drift goes by."""
import os
import random
import subprocess
import time

from support import PROGRAM, Live

WIDTH, HEIGHT, RATE = 160, 120, 2
WORDS = ("--source", "gate=pipe:", "--realtime=no", "--read-timeout", "600", "--drift-learn", "60",
         "--profile-interval", "2", "--generate-interval", "2", "--size", "64x48", "--privacy", "verbatim")


class Stream:
    """A chequered wall with sensor noise and a bright thing that is anywhere; from `dark` on with less light."""

    def __init__(self, out, seed=5):
        self.out = out
        self.rng = random.Random(seed)
        self.wall = [bytes(60 + 60 * ((x // 20 + y // 20) % 2) + self.rng.randrange(20) for x in range(WIDTH))
                     for y in range(HEIGHT)]
        self.light = {share: bytes(min(255, int(v * share)) for v in range(256)) for share in (1, 0.6)}
        self.noise = [[bytes(min(255, v + self.rng.randrange(5)) for v in range(256)) for _ in range(7)]
                      for _ in range(3)]
        out.write(b"YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL\n" % (WIDTH, HEIGHT, RATE))

    def frame(self, share):
        left = self.rng.randrange(WIDTH - 14)
        noise = [self.rng.choice(row) for row in self.noise]
        rows = []
        for y, row in enumerate(self.wall):
            row = row.translate(self.light[share]).translate(noise[(y * 7 + self.rng.randrange(3)) % 3])
            if 50 <= y < 80:
                row = row[:left] + bytes([int(200 * share)]) * 12 + row[left + 12:]
            rows.append(row)
        return b"FRAME\n" + b"".join(rows) + bytes([128]) * (WIDTH * HEIGHT // 2)

    def send(self, seconds, share=1):
        for _ in range(seconds * RATE):
            self.out.write(self.frame(share))
        self.out.flush()


class Piped(Live):
    """A running `inferloop run` whose source is its standard input."""

    def __init__(self, folder, words):
        self.log = folder / f"log-{time.monotonic_ns()}"
        clean = {k: v for k, v in os.environ.items() if not k.startswith("INFERLOOP_")}
        with open(self.log, "w") as err:
            self.process = subprocess.Popen([PROGRAM, "run", *map(str, words)], stdin=subprocess.PIPE,
                                            stdout=subprocess.DEVNULL, stderr=err, env=clean, cwd=folder)
        self.base = None
        self.stream = Stream(self.process.stdin)

    def kill(self):
        super().kill()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def incidents(self, kind, lasting=False):
        found = self.json(f"/api/v1/incidents?kind={kind}&lasting={'true' if lasting else 'false'}")["incidents"]
        return [incident for incident in found if incident["source"] == "gate"]

    def wait_for(self, kind, seconds=30):
        self.wait_until(lambda: self.incidents(kind), seconds, f"an incident {kind}")
        return self.incidents(kind)[0]
