# SPDX-License-Identifier: Apache-2.0
"""Runs inside the virtual machine of machine.py: a webcam that is there, is unplugged and comes back.
slow_streams.py starts it."""
import json
import pathlib
import unittest

from streams import Streams
from support import run

DRIVER = pathlib.Path("/sys/bus/platform/drivers/vivid")


class Webcam(Streams):
    PATIENCE = 4  # the processor is emulated

    def plug(self):
        (DRIVER / "bind").write_text("vivid.0")

    def unplug(self):
        (DRIVER / "unbind").write_text("vivid.0")

    def test_probing(self):
        done = run("probe", "webcam", "--json", timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        devices = json.loads(done.stdout)["devices"]
        self.assertEqual([row["uri"] for row in devices], ["webcam:/dev/video0", "webcam:/dev/video1"])
        self.assertIn("vivid", devices[0]["name"])
        modes = [(mode["format"], mode["width"], mode["height"]) for mode in devices[0]["modes"]]
        self.assertIn(("yuyv422", 640, 360), modes)
        self.assertIn(60, [round(rate) for mode in devices[0]["modes"] for rate in mode["rates"]])
        done = run("probe", "webcam", timeout=120)
        self.assertIn("webcam:/dev/video0", done.stdout)
        self.assertIn("640x360", done.stdout)
        done = run("probe", "webcam:/dev/video1", "--json", timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        shown = json.loads(done.stdout)
        self.assertTrue(shown["live"])
        self.assertGreater(shown["width"], 100)
        done = run("probe", "webcam:/dev/video0?size=320x180&rate=30&format=yuyv422", "--json", timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        shown = json.loads(done.stdout)
        self.assertEqual((shown["width"], shown["height"], shown["format"]), (320, 180, "yuyv422"))
        self.assertEqual(round(shown["rate"]), 30)
        done = run("probe", "webcam:/dev/video0?size=333x222", "--json", timeout=120)
        self.assertIn("not what was asked for", done.stderr)  # the driver takes what is near
        self.assertEqual(done.returncode, 0, done.stderr)
        self.refuses(run("probe", "webcam:/dev/video0?format=h264", timeout=120), 4, "lists what it has")
        self.refuses(run("probe", "webcam:/dev/video0?size=big", timeout=120), 2, "WIDTHxHEIGHT")
        self.unplug()
        self.refuses(run("probe", "webcam", timeout=120), 3, "no webcam", "plug one in")
        self.refuses(run("probe", "webcam:/dev/video1", timeout=120), 3, "/dev/video1")
        self.plug()

    def test_unplugged_and_plugged_in_again(self):
        self.begin("webcam", "--rate-max", "4", "--generate-interval", "2", "--size", "64x36",
                   "--memory-frames", "16")
        self.goes_live(90)
        self.delivers(2, 120)
        self.outage(self.unplug, self.plug)
        self.assertIn("plugged in", self.live.log.read_text())
        self.ends_well()


if __name__ == "__main__":
    unittest.main(verbosity=2)
