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
import time

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


def wall_seconds(command):
    begun = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - begun


def full_speed(build, clip, folder):
    """A 1080p H.264 stream of 25 frames/s, a minute and a half, at full file speed against bare decoding by
    ffmpeg: in CPU time, all on one core (two busy threads that share a core count twice what they take), and in
    wall time, where decoding and profile have a core each."""
    once, big = folder / "once.mp4", folder / "1080p.mp4"
    subprocess.run(["ffmpeg", "-loglevel", "error", "-i", clip, "-vf", "scale=1920:1080,setpts=N/25/TB", "-r", "25",
                    "-c:v", "libx264", "-preset", "veryfast", str(once)], check=True)
    subprocess.run(["ffmpeg", "-loglevel", "error", "-stream_loop", "2", "-i", str(once), "-c", "copy", str(big)],
                   check=True)
    decode = ["ffmpeg", "-loglevel", "error", "-threads", "1", "-i", str(big), "-f", "null", "-"]
    run = [f"{build}/inferloop", "run", "--source", str(big), "--no-realtime", "--listen", "none", "--state-dir",
           "none", "--output", str(folder / "d")]
    profile = [f"{build}/inferloop", "profile", str(big), "-o", str(folder / "p")]
    pin = ["taskset", "-c", "0"]
    rounds = [[*(cpu_seconds(pin + command) for command in (decode, run, profile)),
               wall_seconds(decode), wall_seconds(profile)]
              for _ in range(3)]  # in turn, and the least of each: processors change their speed
    bare, ours, alone, bare_wall, wall = map(min, zip(*rounds))
    return {"run of a 1080p clip: bare decoding / all of run, CPU": bare / ours,
            "profile of a 1080p clip: bare decoding / all of it, CPU": bare / alone,
            "the same on two cores: bare decoding / all of it, wall": bare_wall / wall}


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


# What a library defines otherwise than we do: its value is another number, not a wrong one.
OTHER_DEFINITION = {"dark_channel": "ours of every second row", "motion_peak": "mass around the peak",
                    "lbp_flat": "neighbours interpolated on a circle", "lbp_edge": "the same",
                    "lbp_rough": "the same"}


def print_agreement(ours, theirs):
    """Every feature, ours beside the libraries', where they are more than 1 % of the value apart."""
    apart = {name: (value, theirs[name]) for name, value in ours.items()
             if abs(value - theirs[name]) > 0.01 * max(abs(theirs[name]), 1e-3)}
    print(f"features: {len(ours) - len(apart)} of {len(ours)} within 1 % of NumPy, OpenCV and scikit-image")
    for name, (value, other) in apart.items():
        print(f"  {name:20} {value:10.5f} {other:10.5f}  {OTHER_DEFINITION.get(name, '')}")


def features(build, clip, folder):
    """All features of a 1080p picture, ours and as they are computed today, and the modeler's costs."""
    raw = folder / "features.yuv"
    subprocess.run(["ffmpeg", "-loglevel", "error", "-i", clip, "-frames:v", "2", "-vf",
                    "scale=1920:1080:out_range=full:out_color_matrix=bt601", "-pix_fmt", "yuvj420p", "-f",
                    "rawvideo", str(raw)], check=True)
    ours, theirs = (json.loads(subprocess.run([*words, str(raw), "1920", "1080"], check=True,
                                              capture_output=True, text=True).stdout)
                    for words in ([f"{build}/bench/bench_features"],
                                  ["/usr/bin/python3", str(ROOT / "bench" / "peers" / "features.py")]))
    print_agreement(ours["features"], theirs["features"])
    return {"1080p, CPU of one core: all features, ms": ours["features_ms"],
            "1080p, CPU: all features / one-pass mean": ours["features_ms"] / ours["mean_ms"],
            "1080p, CPU: NumPy, OpenCV, scikit-image / ours": theirs["features_ms"] / ours["features_ms"],
            "a picture into the distribution, CPU ms": ours["update_ms"],
            "two distributions merged, CPU ms": ours["merge_ms"],
            "distribution read, components included, CPU ms": ours["read_ms"],
            "profile document written, CPU ms": ours["document_ms"],
            "profile document, KB": ours["document_bytes"] / 1024,
            "state of a distribution, KB": ours["modeler_bytes"] / 1024}


def judges(build, clips):
    """bench/quality and bench/attack: their tables as they are, their numbers for the baseline."""
    values = {}
    for name, own in (("quality", ["--seeds", "2", "--peers", "paste", "blur", "pca"]),
                      ("attack", ["--skip", "gpnn", "pca", "k-anonymous:2"])):
        process = subprocess.Popen([str(ROOT / "bench" / name), "--build", build, "--json", "--clips", *clips, *own],
                                   stdout=subprocess.PIPE, text=True)
        last = ""
        for line in process.stdout:
            if last:
                print(last, end="", flush=True)
            last = line
        if process.wait():
            raise SystemExit(f"bench/{name} failed")
        values.update(json.loads(last))
    return values


def drift(build):
    """Scenes with a known truth; the real clips, which take ten minutes, are in bench/drift.py's own table."""
    out = subprocess.run([ROOT / "bench" / "drift.py", "--build", build, "--scenes"], check=True,
                         capture_output=True, text=True)
    return json.loads(out.stdout.splitlines()[-1])


def rates(build):
    """How often images show what is rare in a long drawn stream."""
    out = subprocess.run([f"{build}/bench/bench_rates"], check=True, capture_output=True, text=True)
    return json.loads(out.stdout.splitlines()[-1])


def cameras(build, clip):
    out = subprocess.run([ROOT / "bench" / "cameras.py", build, clip], check=True, capture_output=True, text=True)
    return json.loads(out.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--clip", default=str(ROOT / ".cache" / "vtest.avi"))
    parser.add_argument("--clips", nargs="+", default=["vtest"], help="that the judges look at")
    parser.add_argument("--only", action="append", help="name of a part; may be given again")
    parser.add_argument("--store", action="store_true", help="as baseline, for the parts that ran")
    args = parser.parse_args()
    values = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        rows = {"kernels": lambda: kernels(args.build), "parts": lambda: parts(args.build),
                "features": lambda: features(args.build, args.clip, folder),
                "full_speed": lambda: full_speed(args.build, args.clip, folder),
                "reconnects": lambda: reconnects(args.build, folder),
                "cameras": lambda: cameras(args.build, args.clip),
                "drift": lambda: drift(args.build),
                "rates": lambda: rates(args.build),
                "judges": lambda: judges(args.build, args.clips)}
        for part in args.only or rows:
            values.update(rows[part]())
    stored = json.loads(BASELINE.read_text())["values"] if BASELINE.exists() else {}
    print(f"{'':56} {'now':>9} {'baseline':>9}")
    for name, value in values.items():
        was = f"{stored[name]:9.3f}" if name in stored else "        -"
        print(f"{name:56} {value:9.3f} {was}")
    if args.store:
        machine = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                        if line.startswith("model name")), platform.machine())
        BASELINE.write_text(json.dumps({"machine": machine, "values": {**stored, **values}}, indent=2) + "\n")
        print(f"stored in {BASELINE.relative_to(ROOT)}")


main()
