# SPDX-License-Identifier: Apache-2.0
"""The command line: options and their layers, nonsense and its answers, pages made from tables."""
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

from support import PROGRAM, ROOT, Case, run


class Options(Case):
    def show(self, *words, env=None):
        done = run("config", "show", "--json", *words, env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_the_seed_line_parses(self):
        shown = self.show("--source", "webcam", "--profile-interval", "60", "--generate-interval", "30")
        self.assertEqual(shown["source"], {"value": ["webcam"], "origin": "flag"})
        self.assertEqual(shown["profile-interval"]["value"], "60")
        self.assertEqual(shown["generate-interval"]["value"], "30")

    def test_the_container_environment(self):
        shown = self.show(env={"SOURCE_TYPE": "edge_camera", "SOURCE_URL": "rtsp://camera/stream",
                               "PROFILE_INTERVAL": "60", "GENERATE_INTERVAL": "30"})
        self.assertEqual(shown["source"], {"value": ["rtsp://camera/stream"], "origin": "environment"})
        self.assertEqual(shown["source-type"]["value"], "edge_camera")
        self.assertEqual(shown["profile-interval"], {"value": "60", "origin": "environment"})
        self.assertEqual(shown["generate-interval"], {"value": "30", "origin": "environment"})

    def test_layers_later_ones_win(self):
        file = self.folder / "c.yaml"
        file.write_text("profile-interval: 7\nseed: 11\nsource:\n  - a.mp4\n  - b.mp4\n")
        env = {"INFERLOOP_SEED": "12", "INFERLOOP_CONFIG": str(file)}
        shown = self.show(env=env)
        self.assertEqual(shown["profile-interval"], {"value": "7", "origin": "file"})
        self.assertEqual(shown["seed"], {"value": "12", "origin": "environment"})
        self.assertEqual(shown["source"], {"value": ["a.mp4", "b.mp4"], "origin": "file"})
        self.assertEqual(shown["threads"], {"value": "1", "origin": "default"})
        shown = self.show("--seed", "13", "--source", "c.mp4", env=env)
        self.assertEqual(shown["seed"], {"value": "13", "origin": "flag"})
        self.assertEqual(shown["source"]["value"], ["c.mp4"])

    def test_credentials_are_not_shown(self):
        done = run("config", "show",
                   env={"INFERLOOP_SOURCE": "rtsp://joe:opensesame@camera/live?token=abracadabra"})
        self.assertEqual(done.returncode, 0)
        self.assertNotIn("opensesame", done.stdout)
        self.assertNotIn("abracadabra", done.stdout)

    def test_a_bad_file_is_named_with_its_line(self):
        file = self.folder / "c.yaml"
        for text, word in (("threads: 2\nthread: 2\n", "line 2"), ("threads: [1, 2]\n", "list"),
                           ("seed: -4\n", "seed"), ("- a\n- b\n", "mapping"), ("a: [b\n", "line"),
                           ("threads:\n  deep: 1\n", "scalar")):
            file.write_text(text)
            self.refuses(run("config", "show", "--config", file), 2, word)
        self.refuses(run("config", "show", "--config", self.folder / "none.yaml"), 3, "none.yaml")


class Nonsense(Case):
    def test_unknown_words(self):
        self.refuses(run("frobnicate"), 2, "frobnicate", "help")
        self.refuses(run("run", "--frobnicate", "1"), 2, "--frobnicate")
        self.refuses(run("probe", "x", "--seed", "1"), 2, "--seed")
        self.refuses(run("run", "--seed"), 2, "--seed", "needs a value")
        self.refuses(run("profile"), 2, "usage")
        self.refuses(run("config", "tell"), 2, "usage")
        self.refuses(run("run"), 2, "--source")

    def test_numbers_out_of_range(self):
        for option, values in {
                "profile-interval": ["0", "-1", "nan", "inf", "1e99", "", "1s", "0x"],
                "generate-interval": ["-5", "NaN", "none"],
                "threads": ["0", "65", "1.5", "two"], "seed": ["-1", "1e3", "99999999999999999999"],
                "size": ["0x0", "100000x100000", "256", "256x", "x144", "-256x144", "1025x32"],
                "privacy": ["open", "k-anonymous:1", "k-anonymous:65", "deidentify:", "k-anonymous:2x"],
                "count": ["0", "-3"], "quality": ["0", "101"], "format": ["gif"],
                "brightness": ["2", "-0.1", "nan"], "color-temperature": ["10"]}.items():
            for value in values:
                with self.subTest(option=option, value=value):
                    self.refuses(run("run", "--source", "pattern", "--" + option, value), 2, option)

    def test_sources_that_cannot_be(self):
        text = self.folder / "text.avi"
        text.write_text("this is no video\n" * 100)
        self.refuses(run("probe", text), 4, "text.avi", "no video")
        self.refuses(run("probe", self.folder / "none.mp4"), 3, "none.mp4")
        self.refuses(run("probe", "gopher://x/y"), 4, "gopher")
        self.refuses(run("profile", self.folder / "none.mp4", "-o", self.folder / "p"), 3, "none.mp4")
        self.refuses(run("profile", "pattern"), 2, "-o FILE")
        self.refuses(run("run", "--source", self.folder / "none.mp4", "--listen", "none", "--output",
                         self.folder / "d"), 3, "none.mp4")

    def test_profiles_that_are_none(self):
        good = self.folder / "good"
        done = run("profile", "pattern:size=160x96,frames=30,rate=30", "-o", good)
        self.assertEqual(done.returncode, 0, done.stderr)
        data = good.read_bytes()
        cases = {"empty": b"", "foreign": b"PNG" * 1000, "cut": data[:len(data) // 2],
                 "flipped": data[:-40] + bytes([data[-40] ^ 1]) + data[-39:]}
        for name, content in cases.items():
            path = self.folder / name
            path.write_bytes(content)
            for words in (["profile", "show", path], ["generate", "--profile", path, "-o",
                                                     self.folder / "d"]):
                self.refuses(run(*words), 10, name)
        self.refuses(run("profile", "show", self.folder / "none"), 3, "none")
        self.refuses(run("generate", "-o", self.folder / "d"), 2, "--profile")

    def test_a_prompt_of_a_megabyte(self):
        long = "dark " * 200000
        self.refuses(run("generate", "--profile", "x", "--prompt", "-", stdin=long), 16, "prompt")
        self.refuses(run("generate", "--profile", "x", "--prompt", "dark " * 1000), 16, "prompt")

    def test_json_errors(self):
        done = run("profile", "show", self.folder / "none", "--json")
        self.assertEqual(done.returncode, 3)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "ERR_NOT_FOUND")


class Plugins(Case):
    def test_the_example_source_flows_like_a_built_in(self):
        build = pathlib.Path(os.environ.get("INFERLOOP_BUILD", ROOT / "build"))
        plugin = build / "plugins" / "example_source" / "example_source.so"
        out = self.folder / "p"
        done = run("profile", "example:160x96", "--plugin", plugin, "-o", out, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["frames"], 100)
        self.refuses(run("profile", "example:160x96", "-o", out), 3, "example")
        self.refuses(run("probe", "pattern", "--plugin", build / "libinferloop.so"), 2, "plug-in")


class Installation(Case):
    def test_what_is_installed_can_be_built_against(self):
        build = os.environ.get("INFERLOOP_BUILD", str(ROOT / "build"))
        subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--destdir", self.folder],
                       check=True, capture_output=True)
        found = {path.name: path for path in self.folder.rglob("*")}
        for name in ("inferloop", "inferloop.1", "libinferloop.so", "inferloop.pc", "pipeline.h"):
            self.assertIn(name, found)
        env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=str(self.folder),
                   PKG_CONFIG_PATH=str(found["inferloop.pc"].parent))
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "inferloop"], env=env, check=True,
                               capture_output=True, text=True).stdout.split()
        program = self.folder / "live"
        subprocess.run(["cc", ROOT / "examples" / "live.c", *flags, "-o", program], check=True)
        done = subprocess.run([program], capture_output=True, text=True,
                              env=dict(env, LD_LIBRARY_PATH=str(found["libinferloop.so"].parent)))
        self.assertIn("usage: live", done.stderr)


class Tables(Case):
    def test_pages_are_what_the_tables_make(self):
        for page, name in (("options", "options.md"), ("metrics", "metrics.md"),
                           ("errors", "errors.md"), ("features", "features.md"),
                           ("prompts", "prompts.md"), ("man", "inferloop.1")):
            done = run("docs", page)
            self.assertEqual(done.returncode, 0)
            self.assertEqual(done.stdout, (ROOT / "docs" / name).read_text(),
                             f"docs/{name} has drifted; run `make docs`")
        explained = (ROOT / "docs" / "profile.md").read_text()
        for feature in re.findall(r"^\| `(\w+)`", (ROOT / "docs" / "features.md").read_text(), re.M):
            self.assertIn(f"`{feature}`", explained, "docs/profile.md explains every feature")

    def test_every_command_has_help(self):
        for command in ("run", "profile", "generate", "validate", "replay", "probe", "config",
                        "docs"):
            done = run(command, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn(command, done.stdout)

    def test_version(self):
        self.assertRegex(run("version").stdout, r"^inferloop \d+\.\d+\.\d+ ")
        self.assertIn("version", json.loads(run("version", "--json").stdout))

    def test_the_dependency_law(self):
        done = subprocess.run([ROOT / "tools" / "check-layers"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
