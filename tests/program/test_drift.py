# SPDX-License-Identifier: Apache-2.0
"""Drift from the camera to the page: an alarm with its reasons and pictures, the operator's word, restarts."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from drift_stream import Piped, WORDS
from support import Case, PROGRAM
from test_dashboard import Browsing, start_browser


class Drift(Case):
    def start(self, *words):
        live = Piped(self.folder, (*WORDS, "--listen", "127.0.0.1:0", "--output", self.folder / "d",
                                   "--state-dir", self.folder / "state", *words))
        self.addCleanup(live.kill)
        return live

    def test_an_alarm_tells_what_when_and_shows_it(self):
        live = self.start()
        live.stream.send(200)
        live.wait_until(lambda: live.json("/api/v1/sources/gate/drift")["state"] == "watching", 30, "learning")
        self.assertEqual(live.incidents("drift"), [])
        live.stream.send(60, 0.6)
        drift = live.wait_for("drift")
        self.assertEqual((drift["severity"], drift["cause"]), ("alarm", "sudden"))
        self.assertLessEqual(abs(drift["first_sequence"] - 400), 10)  # the first dark frame
        self.assertIn("light", drift["text"])
        self.assertEqual(len(drift["features"]), 3)
        for which in ("before", "after"):
            self.assertEqual(live.get(drift[which])[:2], b"\xff\xd8")

        # The operator says that it is right: the alarm ends, the new state is learned, and no alarm more.
        status, answer = live.post("/api/v1/sources/gate/drift/accept", b"")
        self.assertEqual(status, 202, answer)
        live.stream.send(200, 0.6)
        live.wait_until(lambda: live.json("/api/v1/sources/gate/drift")["states"] == 2, 30, "the new state")
        self.assertEqual(live.incidents("drift", lasting=True), [])
        self.assertTrue(live.json("/api/v1/sources/gate/drift")["accepted"])
        # Back to the first state: that is known as well.
        live.stream.send(100, 1)
        live.wait_until(lambda: live.json("/api/v1/sources/gate/drift")["current"] == 0, 30, "the way back")
        self.assertEqual(live.json("/api/v1/sources/gate/drift")["alarms"], 1)

        # After a restart nothing need be learned anew.
        self.assertEqual(live.stop(), 0)
        live = self.start()
        live.stream.send(5)
        live.wait_until(lambda: live.json("/api/v1/sources/gate/drift")["state"] == "watching", 30, "its state")
        self.assertEqual(live.json("/api/v1/sources/gate/drift")["states"], 2)

        status, answer = live.post("/api/v1/sources/gate/profile/reset", b"")
        self.assertEqual(status, 202, answer)
        live.stream.send(2)
        live.wait_until(lambda: live.json("/api/v1/sources/gate/drift")["states"] == 0, 30, "the reset")
        live.wait_until(lambda: not (self.folder / "state" / "gate.ifldrift").exists(), 10, "the file's end")


    def run_profile(self, *words):
        return subprocess.run([PROGRAM, "profile", *map(str, words)], capture_output=True, text=True, timeout=60,
                              cwd=self.folder)

    def test_profiles_are_validated_and_forgotten(self):
        good, frozen = self.folder / "good.iflprof", self.folder / "frozen.iflprof"
        self.assertEqual(self.run_profile("pattern:size=160x120,frames=60", "-o", good).returncode, 0)
        self.assertEqual(self.run_profile("pattern:size=64x64,frames=60,objects=0,light=0,noise=0", "-o",
                                          frozen).returncode, 0)
        fine = self.run_profile("validate", good, "--json")
        self.assertEqual(fine.returncode, 0, fine.stderr)
        self.assertTrue(json.loads(fine.stdout)["fit"])
        bad = self.run_profile("validate", frozen)
        self.assertEqual(bad.returncode, 15)
        self.assertIn("frozen", bad.stdout)
        self.assertEqual(self.run_profile("validate", self.folder / "none").returncode, 3)
        state = self.folder / "kept"
        state.mkdir(mode=0o700)
        (state / "gate.iflprof").write_bytes(good.read_bytes())
        (state / "gate.ifldrift").write_bytes(b"x")
        (state / "yard.iflprof").write_bytes(good.read_bytes())
        done = self.run_profile("reset", "gate", "--state-dir", state)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([path.name for path in state.iterdir()], ["yard.iflprof"])
        self.assertEqual(self.run_profile("reset", "gate", "--state-dir", state).returncode, 3)


class Page(Browsing, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="inferloop-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.browser = start_browser(cls.folder / "browser")
        cls.addClassCleanup(cls.browser.quit)
        cls.live = Piped(cls.folder, (*WORDS, "--listen", "127.0.0.1:0", "--output", cls.folder / "d",
                                      "--state-dir", "none"))
        cls.addClassCleanup(cls.live.kill)
        cls.live.stream.send(200)

    def test_incidents_are_shown_opened_and_answered(self):
        self.resize(1440, 1000)
        self.colours("light")
        self.browser.get_log("browser")
        self.open()
        self.until(lambda: "watching for drift" in self.text("#drift-state"), what="drift's state")
        self.live.stream.send(60, 0.6)
        self.live.wait_for("drift")
        self.until(lambda: "Drift" in self.text("#incidents [data-state=alarm] b"), what="the alarm")
        self.assertIn("gate: Drift", self.text("#incidents-news"))  # what readers are told
        self.assertIn("still last", self.text("#incidents-count"))
        # By keyboard alone.
        self.js("document.querySelector('#incidents [data-state=alarm] summary').focus()")
        self.press("\ue007")
        self.until(lambda: self.js("return [...document.querySelectorAll('#incidents details[open] img')]"
                                   ".filter((image) => image.naturalWidth > 0).length") == 2, what="two pictures")
        self.assertEqual(self.js("return document.querySelectorAll('#incidents details[open] .numbers tbody tr')"
                                 ".length"), 3)
        self.assertIn("since", self.text("#incidents details[open] .text"))
        folder = os.environ.get("INFERLOOP_SCREENSHOTS")
        if folder:
            self.shots(pathlib.Path(folder))
        self.js("document.querySelector('#incidents details[open] .accept').focus()")
        self.press("\ue007")
        self.live.stream.send(2, 0.6)
        self.until(lambda: "accepted" in self.text("#incidents-news") or "is over" in
                   self.text("#incidents-news"), what="the answer")
        self.until(lambda: not self.live.incidents("drift", lasting=True), what="the end of the alarm")
        self.assertEqual([entry["message"] for entry in self.browser.get_log("browser")
                          if "Content Security Policy" in entry["message"] or "Uncaught" in entry["message"]], [])

    def shots(self, folder):
        for name, width, scheme in (("incidents", 1440, "light"), ("incidents-dark", 1440, "dark"),
                                    ("incidents-phone", 390, "light")):
            self.resize(width, 900)
            self.colours(scheme)
            self.js("document.querySelector('#incidents-title').scrollIntoView()")
            self.browser.save_screenshot(str(folder / f"{name}.png"))
            self.assertLessEqual(self.js("return document.documentElement.scrollWidth"), width)
        self.resize(1440, 1000)
        self.colours("light")


if __name__ == "__main__":
    unittest.main()
