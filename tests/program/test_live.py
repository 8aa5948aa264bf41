# SPDX-License-Identifier: Apache-2.0
"""The running pipeline: HTTP, both laws, signals, kill -9, a full disk, two writers, memory."""
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time
import unittest

from support import CLIP, PATTERN, PROGRAM, ROOT, Case, laws_hold, run
from test_clip import hugging_face_python, records

QUICK = ("--source", PATTERN, "--listen", "127.0.0.1:0", "--profile-interval", "1",
         "--generate-interval", "0.2", "--privacy", "verbatim")


class Living(Case):
    def begin(self, *words, output="d"):
        return self.start(*QUICK, "--output", self.folder / output, *words)

    def delivered(self, live):
        return live.json("/api/v1/status")["images"]["delivered"]

    def test_the_demo_shows_both_pictures_within_ten_seconds(self):
        live = self.start("--source", CLIP, "--loop", "--profile-interval", "5", "--generate-interval",
                          "1", "--listen", "127.0.0.1:0", "--output", self.folder / "d")
        live.wait_until(lambda: self.delivered(live) >= 1, 10, "a first image")
        self.assertIn(b"<html", live.get("/").lower())
        self.assertEqual(live.get("/api/v1/images/latest")[:4], b"\x89PNG")
        with __import__("urllib.request").request.urlopen(
                live.url("/api/v1/streams/source.mjpeg"), timeout=5) as stream:
            self.assertIn(b"\xff\xd8", stream.read(20000))
        self.assertEqual(live.stop(), 0)
        text = live.out.read_text()
        for word in ("source", "profile", "requested", "delivered", "rejected"):
            self.assertIn(word, text)

    def test_the_laws_hold_while_it_runs_and_at_the_end(self):
        live = self.begin("--json")
        live.wait_until(lambda: self.delivered(live) >= 8, 20, "eight images")
        for _ in range(20):
            status = live.json("/api/v1/status")
            self.assertTrue(laws_hold(status), status)
        self.assertEqual(live.stop(signal.SIGTERM), 0)
        summary = json.loads(live.out.read_text())
        self.assertTrue(laws_hold(summary), summary)
        self.assertEqual(summary["images"]["in_flight"], 0)
        self.assertEqual(len(records(self.folder / "d")), summary["images"]["delivered"])

    def test_statistics_go_on_after_kill_9_less_the_last_interval(self):
        def frames(live):
            return live.json("/api/v1/profile")["frames"]
        live = self.begin()
        live.wait_until(lambda: frames(live)["window"] >= 240, 30, "eight seconds of statistics")
        before = frames(live)["window"]
        live.kill()
        again = self.begin()
        # The kept profile is shown first; then one of this run.
        again.wait_until(lambda: 0 < frames(again)["profiled"] < 100, 15, "a profile of the second run")
        now = frames(again)
        resumed = now["window"] - now["profiled"]
        self.assertGreater(resumed, 100, now)
        self.assertLessEqual(resumed, before)
        self.assertLess(before - resumed, 30 * 7, "more than the least interval, 5 s, was lost")
        self.assertEqual(again.stop(), 0)

    def test_generate_on_demand(self):
        live = self.begin("--generate-interval", "60")
        live.wait_until(lambda: self.delivered(live) >= 1, 20, "the interval's own first image")
        status, made = live.post("/api/v1/generate", {"seed": 5, "prompt": "dark zebra",
                                                      "privacy": "verbatim"})
        self.assertEqual(status, 201, made)
        self.assertIn("zebra", json.dumps(made))
        before = self.delivered(live)
        status, error = live.post("/api/v1/generate", {"prompt": "x" * 1000000})
        self.assertEqual(status, 413, error)
        for body in ({"seed": -1}, {"sed": 1}, {"width": 100000, "height": 1}, b"{", b"[]",
                     {"brightness": "high"}, {"privacy": "none"}):
            status, error = live.post("/api/v1/generate", body)
            self.assertEqual(status, 400, (body, error))
            self.assertIn("code", error["error"])
        self.assertEqual(self.delivered(live), before)
        self.assertEqual(live.stop(), 0)

    def test_metrics_hold_the_seed_names(self):
        live = self.begin()
        live.wait_until(lambda: self.delivered(live) >= 2, 20, "two images")
        text = live.get("/metrics").decode()
        self.assertIn("# TYPE inferloop_processing_latency_seconds gauge", text)
        self.assertIn("# TYPE inferloop_ingested_images_total counter", text)
        self.assertRegex(text, r'inferloop_ingested_images_total\{source="pattern"\} [1-9]')
        self.assertRegex(text, r"(?m)^process_resident_memory_bytes [1-9]")

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = run("run", "--source", PATTERN, "--listen", f"127.0.0.1:{port}", "--output",
                       self.folder / "d", cwd=self.folder)
            self.refuses(done, 12, str(port), "--listen")

    def test_it_ends_by_itself_at_the_end_of_a_file(self):
        done = run("run", "--source", "pattern:size=160x120,frames=60,rate=30", "--no-realtime",
                   "--listen", "none", "--output", self.folder / "d", "--json", "--privacy", "verbatim",
                   cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        summary = json.loads(done.stdout)
        self.assertTrue(laws_hold(summary))
        self.assertEqual(summary["edges"][0]["received"], 60)
        self.assertEqual(summary["edges"][1]["passed"], 60)  # nothing is dropped at file speed
        self.assertGreaterEqual(summary["images"]["delivered"], 1)

    def test_kill_nine_twenty_times(self):
        folder = self.folder / "d"
        loaded = 0
        for turn in range(20):
            live = self.begin("--generate-interval", "0.01", "--state-dir", self.folder / "state")
            live.wait_until(lambda: folder.exists() and len(list(folder.glob("*.png"))) > loaded, 20,
                            "an image")
            time.sleep(random.Random(turn).uniform(0, 0.3))
            live.kill()
            rows = records(folder)  # every line whole
            for row in rows[-20:]:
                data = (folder / row["file_name"]).read_bytes()
                self.assertTrue(data.startswith(b"\x89PNG") and b"IEND" in data[-16:], row["file_name"])
            loaded = len(list(folder.glob("*.png")))
        python = hugging_face_python()
        if not python:
            self.skipTest("PyPI's `datasets` could not be installed; the killed dataset was not loaded")
        done = subprocess.run([python, ROOT / "tests" / "deliver" / "load_dataset.py", folder,
                               "--expect-min", "20"], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_two_processes_on_one_dataset(self):
        first, second = self.begin(), self.begin("--seed", "9", "--state-dir", "none")
        for live in (first, second):
            live.wait_until(lambda: self.delivered(live) >= 10, 30, "ten images")
        for live in (first, second):
            self.assertEqual(live.stop(), 0)
        rows = records(self.folder / "d")
        names = {row["file_name"] for row in rows}
        self.assertEqual(len(names), len(rows))
        self.assertEqual(names, {path.name for path in (self.folder / "d").glob("*.png")})

    def test_a_full_disk(self):
        disk = self.folder / "disk"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(disk)],
                          capture_output=True).returncode != 0:
            self.skipTest("mounting a small file system needs root: the full disk was not tried")
        self.addCleanup(subprocess.run, ["umount", "-l", str(disk)])
        live = self.start(*QUICK, "--generate-interval", "0.02", "--output", disk / "d", "--state-dir",
                          "none")
        live.wait_until(lambda: live.json("/api/v1/status")["images"]["failed"] >= 5, 60, "failures")
        status = live.json("/api/v1/status")
        self.assertTrue(laws_hold(status), status)
        self.assertLess(len(live.log.read_text().splitlines()), 40)
        self.assertIn("no space", live.log.read_text().lower())
        for path in sorted((disk / "d").glob("*.png"))[:10]:  # room again
            path.unlink()
        before = self.delivered(live)
        live.wait_until(lambda: self.delivered(live) > before, 20, "delivery after room was made")
        self.assertEqual(live.stop(), 0)

    def test_memory_is_flat_over_ten_thousand_frames(self):
        live = self.start("--source", "pattern:size=320x240,rate=30,objects=3", "--no-realtime",
                          "--listen", "127.0.0.1:0", "--output", self.folder / "d", "--profile-interval",
                          "1", "--generate-interval", "0.1", "--privacy", "verbatim", "--size", "128x96")

        def metric(name):
            for line in live.get("/metrics").decode().splitlines():
                if line.startswith(name):
                    return float(line.rsplit(" ", 1)[1])
            return 0.0

        frames = lambda: metric("inferloop_ingested_images_total")
        live.wait_until(lambda: frames() >= 3000, 60, "3000 frames")
        early = metric("process_resident_memory_bytes")
        live.wait_until(lambda: frames() >= 13000, 120, "13000 frames")
        late = metric("process_resident_memory_bytes")
        print(f"{early / 1e6:.1f} MB at 3000 frames, {late / 1e6:.1f} MB at 13000")
        self.assertLess(late - early, 12e6, f"{early / 1e6:.1f} MB became {late / 1e6:.1f} MB")
        self.assertEqual(live.stop(), 0)

    def test_a_source_that_is_not_there_is_tried_again(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        live = self.start("--listen", "127.0.0.1:0", "--output", self.folder / "d", "--open-timeout", "1",
                          env={"INFERLOOP_SOURCE": f"rtsp://joe:opensesame@127.0.0.1:{port}/x"})
        live.wait_until(lambda: live.json("/api/v1/sources")["sources"][0]["state"] == "broken", 15,
                        "a broken source")
        shown = live.get("/api/v1/sources").decode() + live.get("/metrics").decode()
        self.assertEqual(live.stop(), 0)
        self.assertNotIn("opensesame", shown + live.log.read_text() + live.out.read_text())


if __name__ == "__main__":
    unittest.main()
