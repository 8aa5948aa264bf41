# SPDX-License-Identifier: Apache-2.0
"""Eight cameras, six of which fail again and again by a seed: both laws hold at every look, the two others
keep their rate, each comes back as soon as its back-off and the deadlines allow, and nothing grows. The wall
clock of the program jumps by hours and days all the while, back and forth.

INFERLOOP_CHAOS_SECONDS and INFERLOOP_CHAOS_SEED say how long and by which seed.
"""
import datetime
import os
import random
import re
import threading
import time
import unittest
import urllib.error

import chaos
import faults
from streams import RTSP_CAMERA, Streams, free_port
from support import laws_hold

SECONDS = float(os.environ.get("INFERLOOP_CHAOS_SECONDS", "120"))
SEED = int(os.environ.get("INFERLOOP_CHAOS_SEED", "1"))
OPEN_S, READ_S, FIRST_S = 2, 2, 4
SLACK_S = 4  # for looking, and for a machine that is busy with other things
CLOCK_S = 9  # between two jumps of the wall clock
RTSP_FAULTS = ("kill", "hang", "refuse")


def clock_jumps():
    """For libfaults.so: how far the wall clock is off, from when on."""
    offs = (0, -2 * 86400, 3600, -7200, 86400)
    return ",".join(f"{offs[(SEED + turn) % len(offs)]}@{20 + turn * CLOCK_S}"
                    for turn in range(min(32, max(3, int(SECONDS / CLOCK_S)))))


class RtspCamera:
    """GStreamer's server in the same manner as chaos.Camera."""

    def __init__(self, camera):
        self.camera, self.mode = camera, "good"

    def fail(self, fault):
        self.mode = fault
        if fault == "hang":
            self.camera.hang()
        else:
            self.camera.kill()

    def mend(self):
        if self.mode == "hang":
            self.camera.wake()
        else:
            self.camera.start()
        self.mode = "good"


class Trouble(threading.Thread):
    """Breaks one camera and mends it, over and over; notes what did not come back in time."""

    def __init__(self, test, name, camera, faults, secret):
        super().__init__(daemon=True)
        self.test, self.name_of, self.camera, self.faults, self.secret = test, name, camera, faults, secret
        self.random = random.Random(f"{SEED} {name} {test.round}")
        self.outages, self.late, self.waits = [], [], []

    def row(self):
        return self.test.rows.get(self.name_of)

    def run(self):
        while time.monotonic() < self.test.end:
            time.sleep(self.random.uniform(1, 4))
            fault = self.random.choice(self.faults)
            self.camera.fail(fault)
            time.sleep(self.random.uniform(1, 10))
            self.camera.mend()
            if fault == "storm" and self.secret:  # cameras that refuse are tried again when this changes
                self.secret.write_text(f"token-{self.random.random()}")
            self.outages.append(fault)
            self.await_live(fault)

    def await_live(self, fault):
        """The attempt under way may still fail; the wait after it is the current back-off."""
        begun, granted = time.monotonic(), None
        limit = begun + OPEN_S + FIRST_S + SLACK_S
        row = self.row()
        if row and row["next_attempt_seconds"] is not None and row["state"] != "unauthorized":
            limit += row["next_attempt_seconds"]
        frames = row["frames"] if row else 0
        while True:
            time.sleep(0.1)
            row = self.row()
            if row and row["state"] == "live" and row["frames"] > frames + 1:
                self.waits.append(time.monotonic() - begun)
                return
            if row and granted is None and row["next_attempt_seconds"] is not None and \
                    row["state"] != "unauthorized":
                granted = row["next_attempt_seconds"]
                limit = max(limit, time.monotonic() + granted + OPEN_S + FIRST_S + SLACK_S)
            if time.monotonic() > limit:
                self.late.append((fault, row))
                return


class Chaos(Streams):
    def look(self):
        while not self.over:
            try:
                status = self.live.json("/api/v1/status")
                self.rows = {row["name"]: row for row in self.live.json("/api/v1/sources")["sources"]}
                self.looks += 1
                self.states.update(row["state"] for row in self.rows.values())
                if not laws_hold(status):
                    self.broken.append(status)
            except (urllib.error.URLError, ConnectionError, TimeoutError, AssertionError) as error:
                self.broken.append(str(error))
            time.sleep(0.2)

    def usage(self):
        values = {}
        for line in self.live.get("/metrics").decode().splitlines():
            name, _, value = line.rpartition(" ")
            if name in ("process_open_fds", "process_threads", "process_resident_memory_bytes"):
                values[name] = float(value)
        return values

    def calm(self):
        self.live.wait_until(lambda: all(row["state"] == "live" for row in self.rows.values()), 60, "calm")
        time.sleep(2)
        return self.usage()

    def make_trouble(self, number):
        """A half of the time; returns what there was once all cameras are well again."""
        self.round, self.end = number, time.monotonic() + SECONDS / 2
        troubles = [Trouble(self, name, camera, RTSP_FAULTS if name == "rtsp" else chaos.FAULTS,
                            self.secrets.get(name))
                    for name, camera in self.cameras.items() if not name.startswith("healthy")]
        for trouble in troubles:
            trouble.start()
        for trouble in troubles:
            trouble.join(SECONDS / 2 + 120)
            self.assertFalse(trouble.is_alive(), trouble.name_of)
        return troubles

    def begin_all(self):
        pictures = self.folder / "pictures"
        pictures.mkdir()
        mjpeg = [chaos.make_pictures(pictures)]
        ts = [chaos.make_stream(self.folder, offset) for offset in (0, 40000)]
        kinds = {"healthy-mjpeg": "mjpeg", "healthy-ts": "ts", "mjpeg-1": "mjpeg", "mjpeg-2": "mjpeg",
                 "mjpeg-3": "mjpeg", "ts-1": "ts", "ts-2": "ts"}
        self.cameras, self.secrets, lines = {}, {}, ["source:"]
        for index, (name, kind) in enumerate(kinds.items()):
            camera = chaos.Camera(kind, mjpeg if kind == "mjpeg" else ts, SEED + index)
            self.addCleanup(camera.stop)
            self.secrets[name] = self.folder / f"{name}.secret"
            self.secrets[name].write_text("first")
            self.cameras[name] = camera
            lines.append(f"  - {name}=http://127.0.0.1:{camera.port}/cam?token=${{file:{self.secrets[name]}}}")
        if RTSP_CAMERA.exists():
            port = free_port()
            self.cameras["rtsp"] = RtspCamera(self.rtsp_camera(port, "tcp", "none"))
            lines.append(f"  - rtsp=rtsp://127.0.0.1:{port}/cam")
        file = self.folder / "inferloop.yaml"
        file.write_text("\n".join(lines) + "\n")
        self.clock = faults.LIBRARY.exists()
        if not self.clock:
            print("SKIPPED: libfaults.so was not built (a sanitizer's build?): the wall clock does not jump")
        self.live = self.start("--config", file, "--listen", "127.0.0.1:0", "--output", self.folder / "d",
                               "--open-timeout", OPEN_S, "--read-timeout", READ_S, "--first-frame-timeout",
                               FIRST_S, "--profile-interval", "5", "--generate-interval", "10", "--privacy",
                               "verbatim", "--size", "64x48", "--memory-frames", "16", "--state-dir", "none",
                               env={"LD_PRELOAD": str(faults.LIBRARY), "FAULTS_CLOCK": clock_jumps()}
                               if self.clock else None)

    def steps_of_the_clock(self):
        """Of the time that log lines bear, seconds from one to the next: all that are not of a running clock."""
        stamps = re.findall(r"^(\d{4}-\d\d-\d\dT[\d:.]+)Z ", self.live.log.read_text(), re.M)
        times = [datetime.datetime.fromisoformat(stamp).timestamp() for stamp in stamps]
        return [b - a for a, b in zip(times, times[1:]) if abs(b - a) > 1800]

    def test_whatever_the_cameras_do(self):
        self.begin_all()
        self.rows, self.looks, self.broken, self.states, self.over = {}, 0, [], set(), False
        watch = threading.Thread(target=self.look, daemon=True)
        watch.start()
        self.addCleanup(setattr, self, "over", True)
        self.live.wait_until(lambda: len(self.rows) == len(self.cameras), 20, "rows")
        self.calm()
        healthy = {name: (self.rows[name]["frames"], self.cameras[name].sent)
                   for name in self.cameras if name.startswith("healthy")}
        begun = time.monotonic()
        first, before = self.make_trouble(1), self.calm()
        second, after = self.make_trouble(2), self.calm()
        troubles = first + second
        waits = sorted(wait for trouble in troubles for wait in trouble.waits)
        print(f"seed {SEED}: {sum(len(t.outages) for t in troubles)} outages of {len(first)} cameras in "
              f"{time.monotonic() - begun:.0f} s, {self.looks} looks; live again after {waits[len(waits) // 2]:.1f} s "
              f"(median), {waits[-1]:.1f} s at most; states {sorted(self.states)}")
        for name in before:
            print(f"{name}: {before[name]:.0f} after the first half, {after[name]:.0f} after the second")
        for name, (frames, sent) in healthy.items():
            got, given = self.rows[name]["frames"] - frames, self.cameras[name].sent - sent
            print(f"{name}: {got} of {given} frames, {self.rows[name]['failures']} failures")
            self.assertGreater(got, 0.95 * given - 10)
            self.assertEqual(self.rows[name]["failures"], 0)
        if self.clock:
            steps = self.steps_of_the_clock()
            print(f"the wall clock jumped {len(steps)} times, by {min(steps):.0f} to {max(steps):.0f} s")
            self.assertGreater(max(steps), 0)
            self.assertLess(min(steps), 0)
        self.over = True
        watch.join(10)
        self.assertEqual(self.broken[:1], [])
        self.assertEqual([(t.name_of, t.late) for t in troubles if t.late], [])
        self.assertLessEqual(after["process_open_fds"], before["process_open_fds"] + 2)
        self.assertLessEqual(after["process_threads"], before["process_threads"] + 2)
        self.assertLess(after["process_resident_memory_bytes"],
                        before["process_resident_memory_bytes"] * 1.1 + 8e6)
        self.assertGreaterEqual(self.states, {"live", "broken", "connecting", "unauthorized"})
        self.assertEqual(self.live.stop(seconds=20), 0)


if __name__ == "__main__":
    unittest.main()
