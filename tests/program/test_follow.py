# SPDX-License-Identifier: Apache-2.0
"""The generator follows its stream: another scene is taken up within 30 s of it, and streams that no generator of
this kind can follow (zooms, photographs, pans) are refused with reason and remedy, by command line and HTTP."""
import pathlib
import re
import subprocess
import time
import unittest

from PIL import Image

from support import CLIP, Case, run

CACHE = pathlib.Path(CLIP).parent
SECONDS = 30  # of the new scene


def ffmpeg(*words):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, words)], check=True, timeout=120)


def encode(source, filters, out, frames, *before):
    ffmpeg(*before, "-i", source, "-vf", f"{filters},scale=384:288", "-frames:v", frames, "-c:v", "mjpeg", "-q:v", 3,
           "-r", 10, out)


class Follow(Case):
    def likeness_after_step(self, new):
        """Of images made SECONDS after a step from one scene to another, against the other alone."""
        old, joined, out = self.folder / "old.avi", self.folder / "joined.avi", self.folder / "out"
        encode(CLIP, "hflip,eq=brightness=0.05", old, 450)
        (self.folder / "list").write_text(f"file {old}\nfile {new}\n")
        ffmpeg("-f", "concat", "-safe", 0, "-i", self.folder / "list", "-c", "copy", joined)
        for clip in (new, joined):
            done = run("profile", clip, "-o", clip.with_suffix(".iflprof"), timeout=300)
            self.assertEqual(done.returncode, 0, done.stderr)
        done = run("generate", "--profile", joined.with_suffix(".iflprof"), "--privacy", "verbatim", "-n", 32, "-o", out,
                   timeout=200)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = run("validate", out, "--profile", new.with_suffix(".iflprof"), timeout=200)
        ratio = float(re.search(r"likeness ratio ([0-9.]+)", done.stdout).group(1))
        print(f"likeness ratio {ratio} to the new scene, {SECONDS} s after the step")
        return ratio

    def test_the_same_place_from_elsewhere(self):
        new = self.folder / "new.avi"
        encode(CLIP, "null", new, 10 * SECONDS, "-ss", 45)
        self.assertLess(self.likeness_after_step(new), 1.5)

    def test_another_place(self):
        new = self.folder / "new.avi"
        encode(CACHE / "tree.avi", "fps=10", new, 10 * SECONDS, "-stream_loop", 3)
        self.assertLess(self.likeness_after_step(new), 1.5)


class Unsuited(Case):
    def refused(self, source):
        """Profiled, it is told unsuited with numbers, and generate refuses with reason and remedy."""
        profile = self.folder / "u.iflprof"
        done = run("profile", source, "-o", profile, timeout=200)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(run("profile", "show", profile).stdout, r"suited +no")
        done = run("generate", "--profile", profile, "-o", self.folder / "g")
        self.refuses(done, 19, "fixed camera", "--unsuited make")
        self.assertFalse((self.folder / "g" / "metadata.jsonl").exists())

    def test_a_zoom(self):
        self.refused(CACHE / "cockatoo.mp4")

    def test_photographs(self):
        photos = sorted((CACHE / "photos").glob("*.jpg"))
        self.assertGreater(len(photos), 50)
        folder = self.folder / "photos"
        folder.mkdir()
        for path in photos:  # of one size: with each other size the memory begins anew
            Image.open(path).convert("RGB").resize((384, 288)).save(folder / path.name, quality=92)
        self.refused(f"folder:{folder}")

    def test_a_pan_in_a_running_program_is_an_answer_409(self):
        clip = self.folder / "pan.avi"
        encode(CLIP, "crop=384:288:x='min(n*1.6,384)':y=100", clip, 240)
        live = self.start("--source", f"pan={clip}", "--loop", "--no-realtime", "--profile-interval", "0.5",
                          "--generate-interval", "0.5", "--listen", "127.0.0.1:0", "--state-dir", "none", "-o",
                          self.folder / "d")
        live.wait_until(lambda: any(i["kind"] == "unsuited" for i in live.json("/api/v1/incidents")["incidents"]), 60,
                        "the incident")
        deadline, status = time.monotonic() + 60, 0
        while status != 409 and time.monotonic() < deadline:  # a looped pan is judged anew by each profile
            status, answer = live.post("/api/v1/generate", {"seed": "1"})
        self.assertEqual(status, 409, answer)
        self.assertEqual(answer["error"]["code"], "ERR_UNSUITED")
        self.assertIn("fixed camera", answer["error"]["message"])
        self.assertIn("--unsuited make", answer["error"]["message"])
        self.assertEqual(live.stop(), 0)


if __name__ == "__main__":
    unittest.main()
