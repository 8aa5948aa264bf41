# SPDX-License-Identifier: Apache-2.0
"""What the whole-program tests share: running the program, a temporary folder, HTTP by curl's rules."""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ.get("INFERLOOP", str(ROOT / "build" / "inferloop"))
CLIP = os.environ.get("INFERLOOP_CLIP", str(ROOT / ".cache" / "vtest.avi"))
PATTERN = "pattern:size=320x240,rate=30,objects=4"


def run(*words, timeout=60, env=None, stdin=None, cwd=None):
    """Runs the program to its end; returns the completed process with text output."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("INFERLOOP_")}
    return subprocess.run([PROGRAM, *map(str, words)], input=stdin, text=True, capture_output=True,
                          timeout=timeout, env={**clean, **(env or {})}, cwd=cwd)


class Case(unittest.TestCase):
    """A test with a temporary folder that goes away, and processes that end with it."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="inferloop-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def refuses(self, done, exit_code, *words):
        """It ended with this exit code and one sentence that holds these words; no crash, no flood."""
        self.assertEqual(done.returncode, exit_code, done.stderr)
        self.assertLessEqual(len(done.stderr.splitlines()), 12, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr + done.stdout)

    def start(self, *words, env=None, cwd=None):
        """Starts `run` with a free port; returns a Live."""
        live = Live(self.folder, words, env, cwd)
        self.addCleanup(live.kill)
        return live


class Live:
    """A running `inferloop run`."""

    def __init__(self, folder, words, env=None, cwd=None):
        self.log = folder / f"log-{time.monotonic_ns()}"
        self.out = folder / f"out-{time.monotonic_ns()}"
        clean = {k: v for k, v in os.environ.items() if not k.startswith("INFERLOOP_")}
        with open(self.log, "w") as err, open(self.out, "w") as out:
            self.process = subprocess.Popen([PROGRAM, "run", *map(str, words)], stdout=out, stderr=err,
                                            env={**clean, **(env or {})}, cwd=cwd or folder)
        self.base = None

    def url(self, path):
        deadline = time.monotonic() + 60
        while not self.base:
            found = re.search(r"http://[0-9.]+:\d+", self.log.read_text())
            if found:
                self.base = found.group(0)
            elif self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("it does not listen: " + self.log.read_text())
            else:
                time.sleep(0.02)
        return self.base + path

    def get(self, path, timeout=30):
        with urllib.request.urlopen(self.url(path), timeout=timeout) as answer:
            return answer.read()

    def json(self, path):
        return json.loads(self.get(path))

    def post(self, path, body, timeout=30):
        """Returns status and parsed answer, errors included."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.url(path)
        connection = http.client.HTTPConnection(self.base.removeprefix("http://"), timeout=timeout)
        try:
            connection.request("POST", path, data, {"Content-Type": "application/json"})
        except BrokenPipeError:
            pass  # refused before the whole body was sent; the answer is there all the same
        answer = connection.getresponse()
        content = json.loads(answer.read())
        connection.close()
        return answer.status, content

    def wait_until(self, condition, seconds=30, what="the condition"):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError("it ended: " + self.log.read_text())
            try:
                if condition():
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                pass
            time.sleep(0.05)
        raise AssertionError(f"{what} did not come true in {seconds} s: " + self.log.read_text())

    def stop(self, how=signal.SIGINT, seconds=60):
        """Ends it; returns its exit code."""
        self.process.send_signal(how)
        return self.process.wait(timeout=seconds)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def laws_hold(summary):
    """Both laws, on the JSON of a summary."""
    for edge in summary["edges"]:
        accounted = edge["passed"] + sum(edge["dropped"].values()) + edge["waiting"] + edge["busy"]
        if edge["received"] != accounted:
            return False
    images = summary["images"]
    return images["requested"] == (images["delivered"] + images["rejected"] + images["failed"] +
                                   images["in_flight"])
