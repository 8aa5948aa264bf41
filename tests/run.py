#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests and prints `N passed, N failed, N skipped` alone on the last line.

`make test`: the unit tests of build/, the same under AddressSanitizer and UBSan, and the whole-program tests
tests/program/test_*.py. `make test-slow`: tests/program/slow_*.py, and the pipeline's unit tests under
ThreadSanitizer. `make test-all`: both. `make shake`: unit tests while threads are held up at random. Test
programs run side by side, one a core, longest first; those that measure what the machine is disturbed by run
alone. A part that runs nothing is a failure.
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
UNIT_TIMEOUT_S = 900  # of a machine ten times slower than it should be
PROGRAM_TIMEOUT_S = 1500
DPKG = pathlib.Path("/var/lib/dpkg/status")
CLIP_PROFILE = ROOT / ".cache" / "vtest.iflprof"  # made anew each time by the program under test
ASAN = ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=2"]
TSAN = ["-Db_sanitize=thread", "-Db_lundef=false", "-Dc_args=-fsanitize-ignorelist="
        f"{ROOT}/tests/faults/tsan-ignore.txt"]

# What is known of the whole-program tests: seconds on two idle cores, to begin with the longest, and which
# of them must have the machine for themselves. Others count as 30 s.
SECONDS = {"test_api": 50, "test_live": 90, "test_dashboard": 65, "test_faults": 45, "test_clip": 35,
           "test_security": 40, "test_follow": 25, "slow_api": 310, "slow_faults": 370, "slow_load": 305, "slow_streams": 240,
           "slow_chaos": 170, "slow_signals": 105, "slow_compilers": 20}
ALONE = {"slow_load"}


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def build(folder, options, compiler=None):
    if not (folder / "build.ninja").exists():
        subprocess.run(["meson", "setup", "--wrap-mode=nodownload", str(folder), *options],
                       cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
                       env=dict(os.environ, **({"CC": compiler} if compiler else {})))
    elif DPKG.exists() and DPKG.stat().st_mtime > (folder / "build.ninja").stat().st_mtime:
        # Packages came since: cmocka and GStreamer may be there now.
        subprocess.run(["meson", "setup", "--reconfigure", str(folder)], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", str(folder), "--quiet"], cwd=ROOT, check=True)


def environment(folder, label=""):
    env = dict(os.environ, INFERLOOP=str(folder / "inferloop"), INFERLOOP_BUILD=str(folder),
               INFERLOOP_CLIP=str(ROOT / ".cache" / "vtest.avi"), INFERLOOP_CLIP_PROFILE=str(CLIP_PROFILE))
    env["ASAN_OPTIONS"] = "abort_on_error=0:detect_leaks=1:allocator_may_return_null=1"
    env["UBSAN_OPTIONS"] = "halt_on_error=1:print_stacktrace=1"
    env["TSAN_OPTIONS"] = f"halt_on_error=0:exitcode=66:suppressions={ROOT}/tests/faults/tsan-suppressions.txt"
    if label in ("asan", "tsan"):
        del env["INFERLOOP_CLIP_PROFILE"]  # its statistics take minutes there, and say so: skipped
    return env


def execute(command, env, timeout):
    try:
        done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=timeout)
        return done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        said = late.stdout.decode(errors="replace") if isinstance(late.stdout, bytes) else late.stdout or ""
        return f"{said}\nno end within {timeout} s", 1


def checked(count, status, output):
    """A program that fails without saying so has failed, and so has one that runs nothing."""
    if status != 0 and count.failed == 0:
        count.failed = 1
    if count.passed + count.failed + count.skipped == 0:
        count.failed = 1
        output += "\nit ran no test"
    return count, output


def run_unit(command, env):
    """One test program of cmocka; returns its counts and its output."""
    count = Count()
    output, status = execute(command, env, UNIT_TIMEOUT_S)
    for word, attribute in (("PASSED", "passed"), ("SKIPPED", "skipped"), ("FAILED", "failed")):
        found = re.findall(rf"^\[\s+{word}\s+\] (\d+) test\(s\)", output, re.M)
        setattr(count, attribute, sum(map(int, found)))
    return checked(count, status, output)


def run_program(module, env):
    """One file of tests/program/, in a process of its own."""
    count = Count()
    command = [sys.executable, __file__, "--module", module]
    output, status = execute(command, env, PROGRAM_TIMEOUT_S)
    found = re.findall(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", output, re.M)
    if found:
        count.passed, count.failed, count.skipped = map(int, found[-1])
    return checked(count, status, output)


class Job:
    """A test program: its name, how to run it, the seconds it takes and whether it runs alone."""

    def __init__(self, name, run, seconds, alone=False):
        self.name, self.run, self.seconds, self.alone = name, run, seconds, alone


def unit_jobs(folder, label, only="", preload=None):
    listed = subprocess.run(["meson", "introspect", "--tests", str(folder)], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout
    env = environment(folder, label)
    if preload:
        env["LD_PRELOAD"] = str(preload)
    slowness = {"unit": 1, "asan": 3, "tsan": 10}[label]
    return [Job(f"{label} {test['name']}", lambda test=test: run_unit(test["cmd"], env), slowness)
            for test in json.loads(listed) if test["name"].startswith(only)]


def program_jobs(folder, pattern):
    modules = [path.stem for path in sorted((ROOT / "tests" / "program").glob(pattern))]
    env = environment(folder)
    return [Job(module, lambda module=module: run_program(module, env), SECONDS.get(module, 30),
                module in ALONE) for module in modules]


def report(job, count, output, seconds):
    print(f"{job.name}: {count} ({seconds:.1f} s)", flush=True)
    if count.failed or " " not in job.name:
        print(output, flush=True)
        return
    for line in re.findall(r"^.*\[  SKIPPED \] (?!\d).*$|^.*skipped because.*$", output, re.M):
        print(f"    {line.strip()}", flush=True)


def timed(job):
    begun = time.monotonic()
    count, output = job.run()
    return job, count, output, time.monotonic() - begun


def run_jobs(jobs):
    """Those that run alone first; returns the counts of all."""
    total = Count()
    for workers, alone in ((1, True), (os.cpu_count(), False)):
        batch = sorted((job for job in jobs if job.alone == alone), key=lambda job: -job.seconds)
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for done in concurrent.futures.as_completed([pool.submit(timed, job) for job in batch]):
                report(*done.result())
                total.add(done.result()[1])
    return total


class Result(unittest.TextTestResult):
    def startTest(self, test):
        self.started_at = time.monotonic()
        super().startTest(test)

    def stopTest(self, test):
        self.stream.writeln(f"    {time.monotonic() - self.started_at:.1f} s")
        super().stopTest(test)


def run_module(module):
    """What run_program starts: the tests of one file."""
    sys.path.insert(0, str(ROOT / "tests" / "program"))
    suite = unittest.defaultTestLoader.loadTestsFromName(module)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result).run(suite)
    count = Count()
    count.failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    count.skipped = len(result.skipped)
    count.passed = result.testsRun - count.failed - count.skipped
    return count


def quick_jobs(folder, only):
    jobs = []
    if only != "program":
        jobs += unit_jobs(folder, "unit")
    if not only:
        sanitized = folder.parent / f"{folder.name}-asan"
        build(sanitized, ASAN)
        jobs += unit_jobs(sanitized, "asan")
    if only != "unit":
        jobs += program_jobs(folder, "test_*.py")
    return jobs


def slow_jobs(folder):
    watched = folder.parent / f"{folder.name}-tsan"
    build(watched, TSAN, compiler="clang-14")
    return program_jobs(folder, "slow_*.py") + unit_jobs(watched, "tsan", "pipeline")


def shaken_jobs(folder, times):
    """The unit tests of the rooms that have threads, their order disturbed."""
    rooms = ("core", "source", "ingest", "deliver", "monitor", "pipeline", "http")
    return times * unit_jobs(folder, "unit", rooms, folder / "tests" / "faults" / "libshake.so")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=["unit", "program"])
    parser.add_argument("--label", choices=["unit", "asan", "tsan"], default="unit",
                        help="of --only unit: which sanitizer --build was made with")
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--shake", type=int, metavar="TIMES", help="only unit tests, shaken (tests/faults/shake.c)")
    parser.add_argument("--parts", nargs="+", choices=["quick", "slow"], default=["quick"])
    parser.add_argument("--module", help="only this file of tests/program/")
    args = parser.parse_args()
    if args.module:
        total = run_module(args.module)
        print(total, flush=True)
        sys.exit(total.failed > 0)
    folder = pathlib.Path(args.build).resolve()
    build(folder, [])
    if args.label == "unit" and not args.shake:
        subprocess.run([folder / "inferloop", "profile", ROOT / ".cache" / "vtest.avi", "-o", CLIP_PROFILE],
                       check=True, stdout=subprocess.DEVNULL)
    if args.shake:
        jobs = shaken_jobs(folder, args.shake)
    elif args.label != "unit":
        jobs = unit_jobs(folder, args.label)
    else:
        jobs = quick_jobs(folder, args.only) if "quick" in args.parts else []
        jobs += slow_jobs(folder) if "slow" in args.parts else []
    total = run_jobs(jobs)
    print(total, flush=True)
    sys.exit(total.failed > 0 or total.passed == 0)


main()
