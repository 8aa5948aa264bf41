# SPDX-License-Identifier: Apache-2.0
"""What fails under a run: a sample of calls (slow_faults.py tries all), a disk that becomes read-only,
a folder that is deleted, a wall clock that jumps."""
import datetime
import json
import random
import re
import shutil
import subprocess
import time
import unittest

import faults
from support import Case, laws_hold, run

QUICK = ("--source", "pattern:size=160x120,rate=30,objects=3", "--listen", "127.0.0.1:0",
         "--profile-interval", "0.5", "--generate-interval", "0.1", "--privacy", "verbatim", "--json")
DAY_S = 86400


class SampledCalls(unittest.TestCase):
    def test_some_calls_fail(self):
        if not faults.LIBRARY.exists():
            self.skipTest("libfaults.so was not built (a sanitizer's build?): no call was made to fail")
        commands = faults.Commands()
        self.addCleanup(commands.close)
        cases, pick = [], random.Random(3)
        for command, counts in (("run", (6, 3, 4, 4)), ("profile", (4, 1, 2, 2)),
                                ("verbatim", (3, 2, 3, 0)), ("validate", (2, 1, 0, 0))):
            _, calls = commands.sites(command)
            for kind, count in zip(faults.KINDS, counts):
                self.assertGreaterEqual(calls[kind], count, f"{command} makes too few calls: {kind}")
                cases += [(command, f"{kind}:{n}") for n in pick.sample(range(1, calls[kind] + 1), count)]
        bad, tried = faults.sweep(commands, cases, 300)
        self.assertEqual(tried, len(cases))
        self.assertEqual(bad, [], "\n".join(bad))


class Living(Case):
    def images(self, live, what):
        return live.json("/api/v1/status")["images"][what]

    def ends_well(self, live, *folders):
        """Ends it; every dataset is whole. Returns the summary."""
        self.assertEqual(live.stop(seconds=30), 0, live.log.read_text())
        summary = json.loads(live.out.read_text())
        self.assertTrue(laws_hold(summary), summary)
        for folder in folders:
            self.assertEqual(faults.whole_dataset(folder) + faults.leftovers(folder), [])
        return summary

    def test_a_disk_that_becomes_read_only(self):
        disk = self.folder / "disk"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)],
                          capture_output=True).returncode != 0:
            self.skipTest("mounting a small file system needs root: the read-only disk was not tried")
        self.addCleanup(subprocess.run, ["umount", "-l", str(disk)])
        live = self.start(*QUICK, "--output", disk / "d", "--state-dir", disk / "state")
        live.wait_until(lambda: self.images(live, "delivered") >= 3, 30, "three images")
        remount = lambda how: subprocess.run(["mount", "-o", f"remount,{how}", str(disk)]).returncode
        for _ in range(100):  # refused while a file is being written
            if remount("ro") == 0:
                break
            time.sleep(0.01)
        live.wait_until(lambda: self.images(live, "failed") >= 3, 30, "failures")
        self.assertIn("read-only", live.log.read_text().lower())
        self.assertTrue(laws_hold(live.json("/api/v1/status")))
        self.assertLess(len(live.log.read_text().splitlines()), 40)
        self.assertEqual(remount("rw"), 0)
        before = self.images(live, "delivered")
        live.wait_until(lambda: self.images(live, "delivered") > before, 30, "delivery onto a writable disk")
        summary = self.ends_well(live, disk / "d")
        self.assertEqual(summary["images"]["delivered"],
                         len((disk / "d" / "metadata.jsonl").read_text().splitlines()))

    def test_folders_that_are_deleted(self):
        data, state = self.folder / "d", self.folder / "state"
        live = self.start(*QUICK, "--output", data, "--state-dir", state)
        for _ in range(3):
            before = self.images(live, "delivered")
            live.wait_until(lambda: self.images(live, "delivered") >= before + 3, 30, "three images")
            for folder in (data, state):
                shutil.rmtree(folder, ignore_errors=True)  # the program may be writing into it
        before = self.images(live, "delivered")
        live.wait_until(lambda: self.images(live, "delivered") >= before + 3, 30, "a new folder")
        self.ends_well(live, data)
        self.assertGreater(len(list(data.glob("*.png"))), 0)

    def jump(self, seconds):
        if not faults.LIBRARY.exists():
            self.skipTest("libfaults.so was not built (a sanitizer's build?): no clock was moved")
        live = self.start(*QUICK, "--output", self.folder / "d", "--state-dir", self.folder / "state",
                          env={"LD_PRELOAD": str(faults.LIBRARY), "FAULTS_CLOCK": f"{seconds}@2"})
        today = datetime.datetime.now(datetime.timezone.utc)
        there = (today + datetime.timedelta(seconds=seconds)).strftime("%Y%m%dT")
        on_that_day = lambda: [path for path in (self.folder / "d").glob("*.png")
                               if path.name.startswith(there)]
        live.wait_until(lambda: self.images(live, "delivered") >= 3, 30, "images before the jump")
        live.wait_until(lambda: len(on_that_day()) >= 5, 30, "images after the jump")
        profile = live.json("/api/v1/profile")
        live.wait_until(lambda: live.json("/api/v1/profile") != profile, 30, "a new profile")
        self.assertEqual(self.images(live, "failed"), 0)  # at the end, those that wait count as failed
        source = live.json("/api/v1/sources")["sources"][0]
        self.assertEqual(source["state"], "live", source)
        self.assertLess(source["last_frame_age_seconds"], 60, source)
        self.assertGreaterEqual(source["last_frame_age_seconds"], 0, source)
        summary = self.ends_well(live, self.folder / "d")
        self.assertEqual(summary["images"]["delivered"],
                         len((self.folder / "d" / "metadata.jsonl").read_text().splitlines()))
        self.assertEqual(faults.loads(self.folder / "state" / "pattern.iflprof"), [])

    def test_a_clock_that_jumps_forward(self):
        self.jump(DAY_S)

    def test_a_clock_that_jumps_back(self):
        self.jump(-DAY_S)


class Steady(Case):
    def allocations(self, frames):
        log = self.folder / f"{frames}.log"
        done = run("profile", f"pattern:size=160x96,frames={frames},rate=30,objects=3", "--memory-frames",
                   16, "-o", self.folder / "p", "--log-level", "error", timeout=120,
                   env={"LD_PRELOAD": str(faults.LIBRARY), "FAULTS_LOG": str(log)})
        self.assertEqual(done.returncode, 0, done.stderr)
        return max(map(int, re.findall(r"^calls alloc (\d+)", log.read_text(), re.M)))

    def test_a_frame_allocates_nothing(self):
        """Only a frame that enters the memory may, when a snapshot still holds the one it replaces."""
        if not faults.LIBRARY.exists():
            self.skipTest("the library that counts calls is not built in this build")
        first, more = self.allocations(500), self.allocations(1000)
        self.assertLess((more - first) / 500, 0.5)


if __name__ == "__main__":
    unittest.main()
