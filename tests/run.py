#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests and prints `N passed, N failed, N skipped` alone on the last line.

Three parts: the unit tests of build/, the same under AddressSanitizer and UBSan, and the whole-program
tests of tests/program/. A part that runs nothing is a failure.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
UNIT_TIMEOUT_S = 300
DPKG = pathlib.Path("/var/lib/dpkg/status")
CLIP_PROFILE = ROOT / ".cache" / "vtest.iflprof"  # made anew each time by the program under test


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def build(folder, options):
    if not (folder / "build.ninja").exists():
        subprocess.run(["meson", "setup", "--wrap-mode=nodownload", str(folder), *options],
                       cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    elif DPKG.exists() and DPKG.stat().st_mtime > (folder / "build.ninja").stat().st_mtime:
        # Packages came since: cmocka and GStreamer may be there now.
        subprocess.run(["meson", "setup", "--reconfigure", str(folder)], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", str(folder), "--quiet"], cwd=ROOT, check=True)


def environment():
    env = dict(os.environ, INFERLOOP_CLIP=str(ROOT / ".cache" / "vtest.avi"),
               INFERLOOP_CLIP_PROFILE=str(CLIP_PROFILE))
    env["ASAN_OPTIONS"] = "abort_on_error=0:detect_leaks=1:allocator_may_return_null=1"
    env["UBSAN_OPTIONS"] = "halt_on_error=1:print_stacktrace=1"
    env["TSAN_OPTIONS"] = "halt_on_error=0:exitcode=66"
    return env


def run_unit(name, command, env):
    """One test program of cmocka; returns its counts, its output and the names of what was skipped."""
    count = Count()
    try:
        done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=UNIT_TIMEOUT_S)
        output, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, status = f"{late.stdout}\nno end within {UNIT_TIMEOUT_S} s", 1
    for word, attribute in (("PASSED", "passed"), ("SKIPPED", "skipped"), ("FAILED", "failed")):
        found = re.findall(rf"^\[\s+{word}\s+\] (\d+) test\(s\)", output, re.M)
        setattr(count, attribute, sum(map(int, found)))
    if status != 0 and count.failed == 0:
        count.failed = 1
    if count.passed + count.failed + count.skipped == 0:
        count.failed = 1
        output += "\nit ran no test"
    return name, count, output


def run_units(folder, label):
    env = environment()
    if label == "asan":
        del env["INFERLOOP_CLIP_PROFILE"]  # its statistics take minutes there, and say so: skipped
    tests = json.loads(subprocess.run(["meson", "introspect", "--tests", str(folder)], cwd=ROOT,
                                      check=True, capture_output=True, text=True).stdout)
    total = Count()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(run_unit, test["name"], test["cmd"], env) for test in tests]
        for job in concurrent.futures.as_completed(jobs):
            name, count, output = job.result()
            total.add(count)
            print(f"{label} {name}: {count}", flush=True)
            if count.failed:
                print(output, flush=True)
            for line in re.findall(r"^.*\[  SKIPPED \] (?!\d).*$|^.*skipped because.*$", output, re.M):
                print(f"    {line.strip()}", flush=True)
    if not tests:
        total.failed += 1
        print(f"{label}: there are no unit tests", flush=True)
    return total


class Result(unittest.TextTestResult):
    def startTest(self, test):
        self.started_at = time.monotonic()
        super().startTest(test)

    def stopTest(self, test):
        self.stream.writeln(f"    {time.monotonic() - self.started_at:.1f} s")
        super().stopTest(test)


def run_programs(folder, slow):
    os.environ.update(environment(), INFERLOOP=str(folder / "inferloop"), INFERLOOP_BUILD=str(folder))
    sys.path.insert(0, str(ROOT / "tests" / "program"))
    pattern = "slow_*.py" if slow else "test_*.py"
    suite = unittest.defaultTestLoader.discover(str(ROOT / "tests" / "program"), pattern=pattern)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result).run(suite)
    count = Count()
    count.failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    count.skipped = len(result.skipped)
    count.passed = result.testsRun - count.failed - count.skipped
    return count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=["unit", "program"])
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--slow", action="store_true")
    args = parser.parse_args()
    folder = pathlib.Path(args.build).resolve()
    total = Count()
    build(folder, [])
    subprocess.run([folder / "inferloop", "profile", ROOT / ".cache" / "vtest.avi", "-o", CLIP_PROFILE],
                   check=True, stdout=subprocess.DEVNULL)
    if args.only != "program" and not args.slow:
        total.add(run_units(folder, "unit"))
    if not args.only and not args.slow:
        sanitized = ROOT / "build-asan"
        build(sanitized, ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1"])
        total.add(run_units(sanitized, "asan"))
    if args.only != "unit":
        total.add(run_programs(folder, args.slow))
    print(total, flush=True)
    sys.exit(total.failed > 0 or total.passed == 0)


main()
