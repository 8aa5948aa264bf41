# SPDX-License-Identifier: Apache-2.0
"""Runs of the program with calls that fail: which there are, and whether a run went as it must.

tests/faults/faults.c makes the calls fail. Only calls of the program's own code count: libraries that
end the process when memory is short (GLib, the C++ runtime, x264) are out of scope.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from support import PROGRAM, ROOT, laws_hold

LIBRARY = pathlib.Path(PROGRAM).parent / "tests" / "faults" / "libfaults.so"
SOURCE = "pattern:size=160x120,frames=40,rate=30,objects=3"
LIMIT_S = 60  # of one run, on a machine that is busy with others
KINDS = ("alloc", "open", "write", "thread")
NO_LIMIT = float("inf")  # of a sweep's seconds


def exit_codes():
    """Those of docs/errors.md, the bug's own excepted."""
    rows = re.findall(r"^\| `\w+` \| -?\d+ \| \d+ \| (\d+) \|", (ROOT / "docs" / "errors.md").read_text(), re.M)
    return {int(code) for code in rows} - {70}


class Commands:
    """The commands that are swept, with a profile and a dataset made once."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="inferloop-faults-"))
        self.profile = self.folder / "given.iflprof"
        self.dataset = self.folder / "given"
        for words in (("profile", SOURCE.replace("frames=40", "frames=160"), "-o", self.profile),
                      ("generate", "--profile", self.profile, "-n", 2, "--privacy", "verbatim", "-o",
                       self.dataset)):
            done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
        generate = ("generate", "--profile", self.profile, "-n", 2, "--attempts", 2, "-o", "d")
        self.words = {
            "profile": ("profile", SOURCE, "-o", "p.iflprof"),
            "verbatim": (*generate, "--privacy", "verbatim"),
            "deidentify": (*generate, "--format", "jpeg", "--prompt", "dark, crowded"),
            "k-anonymous": (*generate, "--privacy", "k-anonymous:2", "--format", "webp", "--json"),
            "validate": ("validate", self.dataset, "--profile", self.profile),
            "run": ("run", "--source", SOURCE, "--no-realtime", "--profile-interval", 0.5,
                    "--generate-interval", 0.3, "--privacy", "verbatim", "--listen", "127.0.0.1:0",
                    "--output", "d", "--json"),
        }

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, name, fault=None, before=None):
        """One run in a folder of its own; returns (outcome, folder). Remove the folder."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
        if before:
            before(folder)
        log = folder.with_suffix(".log")
        env = {k: v for k, v in os.environ.items() if not k.startswith("INFERLOOP_")}
        env |= {"LD_PRELOAD": str(LIBRARY), "FAULTS_LOG": str(log)}
        if fault:
            env["FAULTS_FAIL"] = fault
        outcome = {"hung": False, "fault": fault, "command": name}
        try:
            done = subprocess.run([PROGRAM, *map(str, self.words[name])], cwd=folder, env=env, text=True,
                                  capture_output=True, timeout=LIMIT_S, errors="replace")
            outcome |= {"code": done.returncode, "out": done.stdout, "err": done.stderr}
        except subprocess.TimeoutExpired as late:
            outcome |= {"hung": True, "code": None, "out": "", "err": str(late.stderr)}
        outcome["log"] = log.read_text() if log.exists() else ""
        log.unlink(missing_ok=True)
        return outcome, folder

    def sites(self, name):
        """kind -> [(site, calls)] and kind -> calls of a run without faults."""
        outcome, folder = self.run(name)
        shutil.rmtree(folder)
        assert outcome["code"] == 0, outcome["err"]
        sites = {kind: re.findall(rf"^site {kind} (\w+) (\d+)$", outcome["log"], re.M) for kind in KINDS}
        calls = {kind: int(re.search(rf"^calls {kind} (\d+)$", outcome["log"], re.M)[1]) for kind in KINDS}
        return {kind: [(site, int(n)) for site, n in rows] for kind, rows in sites.items()}, calls


def whole_dataset(folder):
    """What is wrong with a dataset that no process is writing; [] if nothing."""
    wrong, names = [], set()
    metadata = folder / "metadata.jsonl"
    for line in metadata.read_text().split("\n")[:-1] if metadata.exists() else []:
        try:
            names.add(json.loads(line)["file_name"])
        except (ValueError, KeyError):
            wrong.append(f"{folder.name}: a line is no record: {line[:80]}")
    if metadata.exists() and metadata.stat().st_size and not metadata.read_text().endswith("\n"):
        wrong.append(f"{folder.name}: the last line has no end")
    images = {path.name for path in folder.iterdir()
              if path.suffix in (".png", ".jpg", ".webp") and not path.name.startswith(".")}
    if names != images:
        wrong.append(f"{folder.name}: records {sorted(names)} but images {sorted(images)}")
    ends = {".png": b"IEND\xaeB`\x82", ".jpg": b"\xff\xd9"}
    for name in names & images:
        data = (folder / name).read_bytes()
        if not data.endswith(ends.get(pathlib.Path(name).suffix, b"")) or len(data) < 1000:
            wrong.append(f"{name} is not whole")
    return wrong


def leftovers(folder):
    return [f"left behind: {path.relative_to(folder)}" for path in folder.rglob("*")
            if path.is_file() and (re.search(r"\.(tmp|part)|\.[A-Za-z0-9]{6}$", path.name)
                                   or path.name.startswith(".")) and path.name != ".lock"]


def loads(profile):
    done = subprocess.run([PROGRAM, "profile", "show", str(profile)], capture_output=True, text=True,
                          timeout=LIMIT_S)
    return [] if done.returncode == 0 else [f"{profile.name} does not load: {done.stderr.strip()}"]


def judge_words(outcome, codes):
    wrong = []
    code = outcome["code"]
    if code not in codes:
        return [f"exit code {code}: {outcome['err'][-600:]}"]
    said = [line for line in outcome["err"].splitlines() if line.startswith("inferloop: ")
            and "http://" not in line]
    in_json = re.search(r'"message": ".+"', outcome["out"]) is not None
    if code != 0 and not said and not in_json and "rejected" not in outcome["out"]:
        wrong.append(f"exit code {code} without a sentence: {outcome['err'][-300:]!r}")
    if len(said) > 1:
        wrong.append(f"more than one sentence: {said}")
    if len(outcome["err"].splitlines()) > 60:
        wrong.append(f"a flood of {len(outcome['err'].splitlines())} lines")
    return wrong


def judge(outcome, folder, codes):
    """What is wrong with a run; [] if it went as it must."""
    if outcome["hung"]:
        return [f"no end within {LIMIT_S} s: {outcome['err'][-300:]}"]
    wrong = judge_words(outcome, codes) + leftovers(folder)
    if outcome["command"] == "run" and outcome["code"] == 0:
        try:
            summary = json.loads(outcome["out"])
            if not laws_hold(summary) or summary["images"]["in_flight"]:
                wrong.append(f"a law is broken: {summary}")
            lines = (folder / "d" / "metadata.jsonl").read_text().count("\n") if (
                folder / "d" / "metadata.jsonl").exists() else 0
            if lines != summary["images"]["delivered"]:
                wrong.append(f"{lines} records, {summary['images']['delivered']} delivered")
        except ValueError:
            wrong.append(f"no summary: {outcome['out'][:200]!r}")
    if (folder / "d").is_dir():
        wrong += whole_dataset(folder / "d")
    for profile in folder.rglob("*.iflprof"):
        wrong += loads(profile)
    if outcome["command"] == "profile" and outcome["code"] == 0 and not list(folder.glob("*.iflprof")):
        wrong.append("exit code 0 without a profile")
    return wrong


def sweep(commands, cases, seconds):
    """Runs (command, fault) cases two at a time, until the time is over; returns (bad, tried)."""
    codes, deadline, bad, tried = exit_codes(), time.monotonic() + seconds, [], [0]

    def one(case):
        if time.monotonic() > deadline:
            return
        outcome, folder = commands.run(*case)
        wrong = judge(outcome, folder, codes)
        shutil.rmtree(folder, ignore_errors=True)
        tried[0] += 1
        hit = re.search(r"^failed .*$", outcome["log"], re.M)
        if wrong:
            bad.append(f"{case[0]} with {case[1]} ({hit[0] if hit else 'not reached'}):\n      " +
                       "\n      ".join(wrong))

    with concurrent.futures.ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
        list(pool.map(one, cases))
    return bad, tried[0]
