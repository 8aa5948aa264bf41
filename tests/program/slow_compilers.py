# SPDX-License-Identifier: Apache-2.0
"""The same profile, request and seed give the same bytes and the same verdict from either compiler."""
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("INFERLOOP_BUILD", ROOT / "build"))
TOOL = "tests/pipeline/image_bytes"


class Compilers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # What `make lint` builds as well: nothing is left to do where it ran.
        cls.other = ROOT / "build-clang"
        if not (cls.other / "build.ninja").exists():
            subprocess.run(["meson", "setup", "--wrap-mode=nodownload", str(cls.other), "--werror"], cwd=ROOT,
                           check=True, stdout=subprocess.DEVNULL, env=dict(os.environ, CC="clang-14"))
        subprocess.run(["ninja", "-C", str(cls.other), "--quiet", TOOL], cwd=ROOT, check=True)

    def images(self, build, profile):
        done = subprocess.run([build / TOOL, profile], check=True, capture_output=True, text=True, timeout=300)
        return done.stdout.splitlines()

    def compare(self, profile):
        ours, theirs = self.images(BUILD, profile), self.images(self.other, profile)
        self.assertGreaterEqual(len(ours), 12)
        self.assertEqual(ours, theirs)
        by_request = {}  # the last two words are the instructions and the hash
        for line in ours:
            request, _, hashed = line.rsplit(" ", 2)
            by_request.setdefault(request, set()).add(hashed)
        self.assertEqual({r: h for r, h in by_request.items() if len(h) > 1}, {})
        # Seeds and modes do make a difference: a tool that hashes nothing would pass as well.
        self.assertGreater(len({h for hashes in by_request.values() for h in hashes}), len(by_request) // 2)

    def test_images_of_the_pattern_scene(self):
        with tempfile.TemporaryDirectory() as folder:
            profile = pathlib.Path(folder, "scene.iflprof")
            subprocess.run([BUILD / "inferloop", "profile", "pattern:size=640x360,rate=4,objects=5,frames=300", "-o",
                            profile], check=True, capture_output=True, timeout=300)
            self.compare(profile)

    def test_images_of_a_real_clip(self):
        profile = os.environ.get("INFERLOOP_CLIP_PROFILE", "")
        if not pathlib.Path(profile).is_file():
            self.skipTest("INFERLOOP_CLIP_PROFILE names no profile of a real clip")
        self.compare(profile)
