# SPDX-License-Identifier: Apache-2.0
"""Adaptation rules in a running program: by the light of the stream, on the pixels of the delivered files, and by SIGHUP."""
import json
import signal
import subprocess
import unittest

import numpy
from PIL import Image

from support import CLIP, Case, run

RULES = """adapt:
  - guidance-scale = 7.5 + (contrast_mean - 0.5) * 3
  - brightness_mean < 0.3 => prompt = dark, moody, low-key
  - brightness_mean > 0.7 => prompt = bright, vibrant, high-key
  - brightness_mean >= 0.3 and brightness_mean <= 0.7 => prompt = balanced lighting
  - color_temperature < 5000 => prompt = warm tones
  - color_temperature >= 5000 => prompt = cool tones
"""
# A stream's light (of ffmpeg), and the words that it shall bring.
LIGHTS = {"dark": ("eq=brightness=-0.28:contrast=0.6,colorbalance=rm=.35:bm=-.35", "dark, moody, low-key, warm tones"),
          "plain": ("null", "balanced lighting, cool tones"),
          "bright": ("eq=brightness=0.25:contrast=0.6,colorbalance=rm=-.1:bm=.15", "bright, vibrant, high-key, cool tones")}


def records(folder):
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]


def measure(path):
    """Brightness, contrast and colour temperature by their definitions, of the file's pixels."""
    rgb = numpy.asarray(Image.open(path).convert("RGB"), float)
    luma = rgb @ (0.299, 0.587, 0.114)
    red, green, blue = (linear(value) for value in rgb.reshape(-1, 3).mean(0) / 255)
    x = 0.4124 * red + 0.3576 * green + 0.1805 * blue
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = 0.0193 * red + 0.1192 * green + 0.9505 * blue
    n = (x / (x + y + z) - 0.3320) / (0.1858 - y / (x + y + z))
    return {"brightness": luma.mean() / 255, "contrast": luma.std() / 127.5,
            "color_temperature": 449 * n ** 3 + 3525 * n ** 2 + 6823.3 * n + 5520.33}


def linear(value):
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


class Adapt(Case):
    def test_the_stream_s_light_chooses_guidance_words_and_tones(self):
        file = self.folder / "adapt.yaml"
        file.write_text(RULES)
        asked = met = 0
        for name, (light, words) in LIGHTS.items():
            clip, folder = self.folder / f"{name}.avi", self.folder / name
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", CLIP, "-vf", f"scale=384:288,{light}", "-frames:v", "90",
                            "-c:v", "mjpeg", "-q:v", "3", clip], check=True, timeout=120)
            done = run("run", "--config", file, "--source", f"{name}={clip}", "--no-realtime", "--generate-interval", "0.2",
                       "--privacy", "verbatim", "--state-dir", "none", "--listen", "none", "-o", folder, "-n", 3)
            self.assertEqual(done.returncode, 0, done.stderr)
            rows = records(folder)
            self.assertTrue(rows)
            for row in rows[-3:]:  # the last ones know all of the stream
                self.assertEqual(row["parameters"]["prompt"], words)
                self.assertEqual(row["parameters"]["unknown_words"], "")
                self.assertIn("guidance-scale = 7.5 + (contrast_mean - 0.5) * 3 | ", row["adapted"])
                self.assertTrue(5 < row["parameters"]["guidance_scale"] < 8)
                pixels = measure(folder / row["file_name"])
                for what, target in row["attained"].items():
                    if target["asked"] < 0:
                        continue
                    asked += 1
                    met += target["met"]
                    if target["met"]:
                        self.assertLessEqual(abs(target["got"] - target["asked"]), max(0.0101 * target["asked"], 0.002))
                    else:
                        self.assertIn("out of reach", row["audit"]["note"])
                    if what in pixels:
                        self.assertAlmostEqual(pixels[what] / target["got"], 1, delta=0.012, msg=f"{name} {what}")
        print(f"{met} of {asked} targets within 1 % on the delivered pixels")
        self.assertGreaterEqual(met, 0.8 * asked)

    def test_rules_are_checked_shown_and_read_again(self):
        file = self.folder / "adapt.yaml"
        file.write_text("adapt:\n  - brightness_mean < 30 => prompt = dark\n")
        for words in (("config", "show"), ("run", "--source", "pattern")):
            self.refuses(run(*words, "--config", file), 2, "line 2", "from 0 to 1, never 30")
        file.write_text("adapt:\n  - source = a => haze = 0.4\n")
        self.assertIn("source = a => haze = 0.4", run("config", "show", "--config", file).stdout)
        live = self.start("--config", file, "--source", "a=pattern:size=160x120,rate=20", "--source",
                          "b=pattern:size=160x120,rate=20,seed=2", "--profile-interval", "1", "--generate-interval", "0.3",
                          "--privacy", "verbatim", "--listen", "127.0.0.1:0", "--state-dir", "none", "-o", self.folder / "d")

        def newest(source):
            return (live.json(f"/api/v1/images?source={source}")["images"] or [{}])[0]

        live.wait_until(lambda: newest("a").get("adapted") and newest("b").get("file_name"), 30, "images of both")
        self.assertEqual(newest("a")["adapted"], "source = a => haze = 0.4")
        self.assertEqual(newest("b")["adapted"], "")
        self.assertAlmostEqual(newest("a")["attained"]["haze"]["asked"], 0.4)
        file.write_text("adapt:\n  - source = b => prompt = foggy\n  - noise = 3\n")
        live.process.send_signal(signal.SIGHUP)
        live.wait_until(lambda: newest("b").get("adapted") == "source = b => prompt = foggy | noise = 3" and
                        newest("a").get("adapted") == "noise = 3", 30, "the rules that were read again")
        file.write_text("adapt:\n  - nois = 3\n")
        live.process.send_signal(signal.SIGHUP)
        live.wait_until(lambda: 'no setting "nois"' in live.log.read_text(), 15, "a refusal")
        self.assertEqual(live.json("/api/v1/config")["options"]["adapt"]["value"],
                         ["source = b => prompt = foggy", "noise = 3"])
        self.assertEqual(live.stop(), 0)


if __name__ == "__main__":
    unittest.main()
