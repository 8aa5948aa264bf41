# SPDX-License-Identifier: Apache-2.0
"""Signals at random moments of a run: it ends soon, with a summary, and leaves a whole dataset."""
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time
import unittest

import faults
from support import PROGRAM, Case, laws_hold

SOURCE = "pattern:size=160x120,rate=30,objects=3"
PROMPT_S = 5     # what users wait; the median is held to it
PATIENCE_S = 30  # no run may take longer, even where the machine is busy with others


class Turn:
    """One run, told to end at a random moment."""

    def __init__(self, folder, seed, reading):
        self.random = random.Random(seed)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"turn-{seed}-", dir=folder))
        clean = {k: v for k, v in os.environ.items() if not k.startswith("INFERLOOP_")}
        self.process = subprocess.Popen(
            [PROGRAM, "run", "--source", SOURCE, "--listen", "127.0.0.1:0", "--output", "d", "--json",
             "--profile-interval", "0.3", "--generate-interval", "0.02", "--privacy", "verbatim"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder, env=clean)
        self.wrong, self.told, self.seconds = [], [], 0.0
        self.process.stderr.readline()  # signals are in its hands from before its first line
        self.reader = threading.Thread(target=self.read)
        if reading:
            self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.told.append(line.decode(errors="replace"))

    def pause(self, most=1.5):
        time.sleep(self.random.uniform(0, most))

    def end(self, how, codes=(0,), summary=True):
        """Sends the signal, and looks at what is left."""
        begun = time.monotonic()
        self.process.send_signal(how)
        try:
            out = self.process.stdout.read() if summary else b""
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.wrong.append(f"it did not end within {PATIENCE_S} s")
            self.process.kill()
            code = self.process.wait()
        self.seconds = time.monotonic() - begun
        if self.reader.is_alive():
            self.reader.join()
        if code not in codes:
            self.wrong.append(f"exit code {code}: {''.join(self.told)[-400:]}")
        elif summary:
            self.check_summary(out)
        data = self.folder / "d"
        if data.is_dir():
            self.wrong += faults.whole_dataset(data)
        self.wrong += faults.leftovers(self.folder)
        for profile in self.folder.rglob("*.iflprof"):
            self.wrong += faults.loads(profile)
        shutil.rmtree(self.folder)

    def check_summary(self, out):
        try:
            summary = json.loads(out)
        except ValueError:
            self.wrong.append(f"no summary: {out[:200]!r}")
            return
        metadata = self.folder / "d" / "metadata.jsonl"
        lines = len(metadata.read_text().splitlines()) if metadata.exists() else 0
        if not laws_hold(summary) or summary["images"]["in_flight"]:
            self.wrong.append(f"a law is broken: {summary}")
        if lines != summary["images"]["delivered"]:
            self.wrong.append(f"{lines} records, {summary['images']['delivered']} delivered")


class Signals(Case):
    TURNS = 5

    def turns(self, act, reading=True):
        """Runs act(turn) for TURNS turns, two at a time."""
        def one(seed):
            turn = Turn(self.folder, seed, reading)
            try:
                act(turn)
            finally:
                if turn.process.poll() is None:
                    turn.process.kill()
                    turn.process.wait()
                turn.process.stdout.close()
                turn.process.stderr.close()
            return turn

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            done = list(pool.map(one, range(self.TURNS)))
        wrong = [f"turn {i}: {text}" for i, turn in enumerate(done) for text in turn.wrong]
        self.assertEqual(wrong, [], "\n".join(wrong[:10]))
        seconds = statistics.median(turn.seconds for turn in done)
        print(f"it ended in {seconds:.2f} s (median)")
        self.assertLess(seconds, PROMPT_S)

    def test_terminate(self):
        self.turns(lambda turn: (turn.pause(), turn.end(signal.SIGTERM)))

    def test_interrupt(self):
        self.turns(lambda turn: (turn.pause(), turn.end(signal.SIGINT)))

    def test_a_hang_up_changes_nothing(self):
        def act(turn):
            for _ in range(3):
                turn.pause(0.5)
                turn.process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + PATIENCE_S
            while not any("SIGHUP" in line for line in turn.told) and time.monotonic() < deadline:
                time.sleep(0.05)
            if not any("SIGHUP" in line for line in turn.told):
                turn.wrong.append("it says nothing about SIGHUP")
            if turn.process.poll() is not None:
                turn.wrong.append(f"SIGHUP ended it: {turn.process.returncode}")
            turn.end(signal.SIGTERM)

        self.turns(act)

    def test_readers_that_go_away(self):
        def act(turn):
            turn.pause()
            turn.process.stdout.close()
            turn.process.stderr.close()
            turn.process.send_signal(signal.SIGPIPE)
            turn.process.send_signal(signal.SIGHUP)  # a log line that nobody reads
            turn.pause(0.5)
            if turn.process.poll() is not None:
                turn.wrong.append(f"it ended: {turn.process.returncode}")
            turn.end(signal.SIGTERM, codes=(5,), summary=False)  # the summary had no reader

        self.turns(act, reading=False)

    def test_a_batch_that_is_interrupted_keeps_what_it_made(self):
        commands = faults.Commands()
        self.addCleanup(commands.close)
        for seed in range(self.TURNS):
            data = self.folder / f"batch-{seed}"
            process = subprocess.Popen([PROGRAM, "generate", "--profile", commands.profile, "-n", "100000",
                                        "--privacy", "verbatim", "--json", "-o", data],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                deadline = time.monotonic() + PATIENCE_S
                while not list(data.glob("*.png")) and time.monotonic() < deadline:
                    time.sleep(0.02)
                time.sleep(random.Random(seed).uniform(0, 0.7))
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=PATIENCE_S)
            finally:
                process.kill()
                process.wait()
            self.assertEqual(process.returncode, 0, err)
            self.assertEqual(faults.whole_dataset(data), [])
            self.assertEqual(json.loads(out)["delivered"], len(list(data.glob("*.png"))))


if __name__ == "__main__":
    unittest.main()
