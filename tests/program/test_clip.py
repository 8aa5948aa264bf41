# SPDX-License-Identifier: Apache-2.0
"""From a real clip to a dataset: profile, generate in each mode, validate, load."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from support import CLIP, PROGRAM, ROOT, Case, run


def records(folder):
    with open(pathlib.Path(folder) / "metadata.jsonl") as lines:
        return [json.loads(line) for line in lines]


class Clip(Case):
    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="inferloop-clip-"))
        cls.profile = cls.shared / "vtest.iflprof"
        done = run("profile", CLIP, "-o", cls.profile, "--json", timeout=300)
        assert done.returncode == 0, done.stderr
        cls.made = json.loads(done.stdout)
        cls.datasets = {}
        for mode in ("verbatim", "deidentify", "k-anonymous"):
            folder = cls.shared / mode
            done = run("generate", "--profile", cls.profile, "-n", 40, "--seed", 1, "--privacy", mode,
                       "-o", folder, "--threads", 2, "--json", timeout=300)
            assert done.returncode == 0, done.stderr
            cls.datasets[mode] = (json.loads(done.stdout), folder)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.shared, ignore_errors=True)

    def test_the_profile_knows_the_plaza(self):
        self.assertEqual(self.made["frames"], 795)
        self.assertGreaterEqual(self.made["memory_frames"], 64)
        self.assertGreaterEqual(self.made["events"], 10)
        self.assertGreaterEqual(self.made["identities"], 9)
        self.assertGreater(self.made["occupancy_rate"], 0.8)  # people are there nearly always
        done = run("profile", "show", self.profile, "--json")
        shown = json.loads(done.stdout)
        self.assertEqual(shown["schema"], "inferloop.profile/1")
        self.assertEqual(oct(self.profile.stat().st_mode & 0o777), "0o600")

    def test_a_panning_camera_is_refused_with_the_remedy(self):
        self.assertIn("suited     yes", run("profile", "show", self.profile).stdout)
        clip, profile = self.shared / "pan.mp4", self.shared / "pan.iflprof"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", CLIP, "-vf", "crop=384:288:x='min(n,384)':y=100",
                        "-frames:v", "300", clip], check=True, timeout=120)
        self.assertEqual(run("profile", clip, "-o", profile, timeout=200).returncode, 0)
        self.assertIn("suited     no", run("profile", "show", profile).stdout)
        made = ["generate", "--profile", profile, "-o", self.shared / "pan", "--privacy", "verbatim"]
        done = run(*made)
        self.assertEqual(done.returncode, 19, done.stderr)
        self.assertIn("--unsuited make", done.stderr)
        self.assertIn(run(*made, "--unsuited", "make").returncode, (0, 15))  # made, or all rejected as smears

    def test_every_image_is_accounted_for(self):
        for mode, (report, folder) in self.datasets.items():
            with self.subTest(mode=mode):
                self.assertEqual(report["requested"], 40)
                self.assertEqual(report["requested"],
                                 report["delivered"] + report["rejected"] + report["failed"])
                self.assertGreaterEqual(report["delivered"], 36)
                rows = records(folder)
                self.assertEqual(len(rows), report["delivered"])
                for row in rows:
                    self.assertTrue((folder / row["file_name"]).is_file())
                    self.assertEqual(row["privacy"], mode)
                    self.assertEqual(row["audit"]["verbatim_gate"], mode != "verbatim")

    def test_an_empty_plaza_is_no_match(self):
        real = self.made["occupancy_rate"]
        for mode in ("verbatim", "deidentify"):
            with self.subTest(mode=mode):
                rows = records(self.datasets[mode][1])
                populated = sum(row["audit"]["foreground_share"] > 0.002 for row in rows) / len(rows)
                self.assertGreaterEqual(populated, real / 2)

    def test_validation_agrees_with_what_was_delivered(self):
        for mode in ("verbatim", "deidentify"):
            with self.subTest(mode=mode):
                done = run("validate", self.datasets[mode][1], "--profile", self.profile, "--json",
                           timeout=120)
                self.assertEqual(done.returncode, 0, done.stderr + done.stdout[-500:])
                report = json.loads(done.stdout)
                self.assertEqual(report["accepted"], report["images"])

    def test_validation_finds_foreign_pictures(self):
        folder = self.folder / "foreign"
        folder.mkdir()
        subprocess.run(["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=size=224x168",
                        "-frames:v", "1", str(folder / "a.png")], check=True)
        done = run("validate", folder, "--profile", self.profile)
        self.refuses(done, 15, "not acceptable")

    def test_the_same_bytes_on_any_number_of_threads(self):
        digests = []
        for threads in (1, 3):
            folder = self.folder / f"t{threads}"
            done = run("generate", "--profile", self.profile, "-n", 6, "--seed", 77, "-o", folder,
                       "--threads", threads, timeout=120)
            self.assertEqual(done.returncode, 0, done.stderr)
            rows = records(folder)
            digests.append([(row["seed"], hashlib.sha256((folder / row["file_name"]).read_bytes())
                             .hexdigest()) for row in rows])
        self.assertEqual(digests[0], digests[1])
        self.assertEqual(len({digest for _, digest in digests[0]}), 6)

    def replay(self, image, level="vnni"):
        return run("replay", image, "--profile", self.profile, env={"INFERLOOP_CPU": level})

    def test_an_image_is_made_anew_by_any_instructions(self):
        for mode, (_, folder) in self.datasets.items():
            image = folder / records(folder)[3]["file_name"]
            for level in ("c", "avx2", "avx512", "vnni"):  # what the machine lacks is the next best
                with self.subTest(mode=mode, level=level):
                    done = self.replay(image, level)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertRegex(done.stdout, r"^equal: all 224 x 168 pixels")

    def test_a_lossy_image_is_made_anew(self):
        folder = self.folder / "d"
        done = run("generate", "--profile", self.profile, "-n", 1, "-o", folder, "--format", "jpeg",
                   "--prompt", "warm tones", "--brightness", "0.37", "--size", "320x200")
        self.assertEqual(done.returncode, 0, done.stderr)
        image = folder / records(folder)[0]["file_name"]
        self.assertEqual(self.replay(image).returncode, 0)
        done = run("replay", image, "--profile", self.profile, "--quality", 50)
        self.refuses(done, 18, "different", "another --quality")

    def test_what_is_not_the_same_is_told(self):
        _, folder = self.datasets["verbatim"]
        row = records(folder)[0]
        image = self.folder / "other.png"
        shutil.copy(folder / row["file_name"], image)
        self.refuses(self.replay(image), 3, "no record of other.png")
        changes = ({"seed": "424242"}, 18, "different: ", "the first at"), \
            ({"parameters": dict(row["parameters"], width=320, height=200)}, 18, "320 x 200"), \
            ({"profile_id": "0123456789abcdef"}, 2, "0123456789abcdef"), \
            ({"engine": "neural"}, 3, "neural"), ({"seed": "x"}, 10, "seed"), \
            ({"parameters": dict(row["parameters"], prompt_cut=True)}, 4, "too long")
        for change, exit_code, *words in changes:
            with self.subTest(change=change):
                record = dict(row, file_name="other.png", **change)
                (self.folder / "metadata.jsonl").write_text(json.dumps(record) + "\n")
                self.refuses(self.replay(image), exit_code, *words)

    def test_formats_and_their_mark(self):
        for name in ("png", "jpeg", "webp"):
            folder = self.folder / name
            done = run("generate", "--profile", self.profile, "-n", 2, "-o", folder, "--format", name)
            self.assertEqual(done.returncode, 0, done.stderr)
            for row in records(folder):
                data = (folder / row["file_name"]).read_bytes()
                self.assertIn(b"http://cv.iptc.org/newscodes/digitalsourcetype/", data)

    def test_sizes_and_prompts(self):
        folder = self.folder / "d"
        done = run("generate", "--profile", self.profile, "-n", 2, "-o", folder, "--size", "320x240",
                   "--prompt", "dark, moody plaza with zebras", "--brightness", "0.3")
        self.assertEqual(done.returncode, 0, done.stderr)
        for row in records(folder):
            self.assertEqual((row["parameters"]["width"], row["parameters"]["height"]), (320, 240))
            self.assertIn("zebras", row["parameters"]["unknown_words"])

    def test_it_loads_as_a_hugging_face_dataset(self):
        python = hugging_face_python()
        if not python:
            self.skipTest("PyPI's `datasets` could not be installed; the dataset was not loaded with it")
        for mode in ("verbatim", "deidentify"):
            done = subprocess.run([python, ROOT / "tests" / "deliver" / "load_dataset.py",
                                   self.datasets[mode][1], "--expect-min", "30"],
                                  capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_examples_run(self):
        build = pathlib.Path(os.environ.get("INFERLOOP_BUILD", ROOT / "build"))
        done = subprocess.run([build / "examples" / "example_adapt", self.profile], text=True,
                              capture_output=True, timeout=60, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), 3)
        picture = self.folder / "first.png"
        done = subprocess.run([build / "examples" / "example_live", "pattern:rate=30,size=320x240",
                               picture], text=True, capture_output=True, timeout=60, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(picture.read_bytes()[:4], b"\x89PNG")


def hugging_face_python():
    """A Python that has `datasets` and Pillow, made once in .cache/; None if PyPI is out of reach."""
    python = ROOT / ".cache" / "venv" / "bin" / "python"
    if not (ROOT / ".cache" / "venv" / "ready").exists():
        subprocess.run(["/usr/bin/python3", "-m", "venv", ROOT / ".cache" / "venv"], check=False)
        done = subprocess.run([python, "-m", "pip", "install", "--quiet", "datasets==5.2.0", "pillow==13.0.0"],
                              capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            print(done.stderr)
            return None
        (ROOT / ".cache" / "venv" / "ready").touch()
    return python


if __name__ == "__main__":
    unittest.main()
