#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`make fuzz`: runs each target with libFuzzer for a while, from fuzz/corpus/NAME and what earlier runs found.

What is found goes to BUILD/findings/NAME-*; put a fixed one into fuzz/corpus/NAME, where the tests replay it.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INPUT_BYTES_MAX = 16384


def fuzz(build, name, seconds):
    """Returns whether nothing was found."""
    findings, grown = build / "findings", build / "corpus" / name
    findings.mkdir(exist_ok=True)
    grown.mkdir(parents=True, exist_ok=True)
    env = dict(os.environ, UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")
    done = subprocess.run(
        [build / "fuzz" / f"fuzz_{name}", grown, ROOT / "fuzz" / "corpus" / name, f"-max_total_time={seconds}",
         f"-max_len={INPUT_BYTES_MAX}", "-timeout=10", "-rss_limit_mb=2048", "-malloc_limit_mb=256", "-print_final_stats=1",
         f"-artifact_prefix={findings}/{name}-"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        env=env)
    runs = re.search(r"number_of_executed_units: (\d+)", done.stdout)
    covered = re.findall(r"cov: (\d+)", done.stdout)
    print(f"{name:16} {runs.group(1) if runs else '?':>10} runs, {covered[-1] if covered else '?':>6} edges"
          f"{'' if done.returncode == 0 else '  FAILED'}", flush=True)
    if done.returncode != 0:
        print(done.stdout[-6000:], flush=True)
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("target", nargs="*", help="default: all of them")
    args = parser.parse_args()
    names = args.target or sorted(folder.name for folder in (ROOT / "fuzz" / "corpus").iterdir())
    build = pathlib.Path(args.build).resolve()
    good = [fuzz(build, name, args.seconds) for name in names]
    sys.exit(not all(good))


main()
