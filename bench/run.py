#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every benchmark in one run, as ratios beside what it is compared with, against bench/baseline.json.

Machines are noisy and differ, so nothing here passes or fails: the table says what is and what the
stored baseline was. `--store` writes a new baseline.
"""
import argparse
import json
import pathlib
import platform
import resource
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BASELINE = ROOT / "bench" / "baseline.json"


def kernels(build):
    out = subprocess.run([f"{build}/bench/bench_kernels"], check=True, capture_output=True, text=True)
    values = json.loads(out.stdout.splitlines()[-1])
    return {"1080p: features / one-pass mean": values["features_to_mean"],
            "1080p: features, ms": values["features_ms"],
            "1080p: features, SIMD / plain C": values["features_to_c"]}


def parts(build):
    out = subprocess.run([f"{build}/inferloop", "bench", "--json"], check=True, capture_output=True,
                         text=True)
    return {name + ", ms": value for name, value in json.loads(out.stdout).items()}


def cpu_seconds(command):
    """User and system seconds of a command: unlike wall time, hardly disturbed by what else runs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def full_speed(build, clip, folder):
    """`run` at full file speed on a 1080p H.264 clip against bare decoding by ffmpeg, both in CPU time."""
    big = folder / "1080p.mp4"
    subprocess.run(["ffmpeg", "-loglevel", "error", "-t", "30", "-i", clip, "-vf", "scale=1920:1080",
                    "-c:v", "libx264", "-preset", "veryfast", str(big)], check=True)
    bare = cpu_seconds(["ffmpeg", "-loglevel", "error", "-threads", "1", "-i", str(big), "-f", "null",
                        "-"])
    ours = cpu_seconds([f"{build}/inferloop", "run", "--source", str(big), "--no-realtime", "--listen",
                        "none", "--state-dir", "none", "--output", str(folder / "d")])
    return {"run of a 1080p clip: bare decoding / all of run, CPU": bare / ours}


def reconnects(build, folder):
    """Five hundred real reconnects: what the last four hundred leave behind, and what one costs."""
    clip = folder / "five.ts"
    subprocess.run(["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=0.4",
                    "-c:v", "libx264", "-bf", "0", "-g", "5", "-tune", "zerolatency", "-f", "mpegts", clip],
                   check=True)
    out = subprocess.run([f"{build}/bench/bench_reconnect", clip], check=True, capture_output=True, text=True)
    values = json.loads(out.stdout.splitlines()[-1])
    return {"500 reconnects: descriptors left behind": values["descriptors"],
            "500 reconnects: threads left behind": values["threads"],
            "500 reconnects: memory left behind, MB": values["megabytes"],
            "a reconnect with ten pictures, ms CPU": values["cpu_ms"]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--clip", default=str(ROOT / ".cache" / "vtest.avi"))
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    values = kernels(args.build)
    values.update(parts(args.build))
    with tempfile.TemporaryDirectory() as folder:
        values.update(full_speed(args.build, args.clip, pathlib.Path(folder)))
        values.update(reconnects(args.build, pathlib.Path(folder)))
    stored = json.loads(BASELINE.read_text())["values"] if BASELINE.exists() else {}
    print(f"{'':56} {'now':>9} {'baseline':>9}")
    for name, value in values.items():
        was = f"{stored[name]:9.3f}" if name in stored else "        -"
        print(f"{name:56} {value:9.3f} {was}")
    if args.store:
        machine = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                        if line.startswith("model name")), platform.machine())
        BASELINE.write_text(json.dumps({"machine": machine, "values": values}, indent=2) + "\n")
        print(f"stored in {BASELINE.relative_to(ROOT)}")


main()
