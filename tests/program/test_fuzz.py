# SPDX-License-Identifier: Apache-2.0
"""The fuzz targets over their corpora: nonsense that once broke a parser, and what looks like it."""
import os
import pathlib
import subprocess
import unittest

from support import ROOT

BUILD = pathlib.Path(os.environ.get("INFERLOOP_BUILD", ROOT / "build"))
CORPUS = ROOT / "fuzz" / "corpus"


def program(name):
    """The sanitizers' build of it where there is one."""
    sanitized = BUILD.parent / f"{BUILD.name}-asan" / "fuzz" / f"fuzz_{name}"
    return sanitized if sanitized.exists() else BUILD / "fuzz" / f"fuzz_{name}"


class Corpus(unittest.TestCase):
    def test_every_target_has_a_corpus_and_every_corpus_a_target(self):
        targets = {path.stem.removeprefix("fuzz_") for path in (ROOT / "fuzz").glob("fuzz_*.c")}
        self.assertEqual(targets, {folder.name for folder in CORPUS.iterdir()})

    def test_every_corpus_is_replayed(self):
        env = dict(os.environ, UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1",
                   ASAN_OPTIONS="max_allocation_size_mb=256:allocator_may_return_null=0")
        for folder in sorted(CORPUS.iterdir()):
            with self.subTest(target=folder.name):
                done = subprocess.run([program(folder.name), folder], stdin=subprocess.DEVNULL, text=True,
                                      capture_output=True, timeout=120, env=env)
                self.assertEqual(done.returncode, 0, done.stderr[-4000:])
                inputs = sum(not path.name.startswith(".") for path in folder.iterdir())
                self.assertEqual(done.stdout, f"{inputs} inputs\n")
                self.assertGreater(inputs, 2)


if __name__ == "__main__":
    unittest.main()
