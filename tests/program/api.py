# SPDX-License-Identifier: Apache-2.0
"""schemathesis against a running pipeline, by the document that it serves itself."""
import json
import os
import subprocess

from support import ROOT

VENV = ROOT / ".cache" / "schemathesis"
# 503 (nothing seen yet, stopping) and 504 (the asked deadline) are answers that the document names.
SETTINGS = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "503", "504"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "415", "422", "429", "503"]
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "404", "409", "422", "429", "503", "504"]
[[operations]]  # DELETE cancels a job, which goes on being there to be looked at
include-path-regex = "/jobs/"
checks.use_after_free.enabled = false
[[operations]]  # an address that our copy of the document leaves out is none the less one
include-path-regex = "/sources(/[{]name[}])?$"
checks.negative_data_rejection.expected-statuses = ["200", "201", "400", "401", "403", "404", "405", "409", "413", "415", "422", "429", "503"]
"""
VERSION = "4.32.5"  # another one may check something else, on any day
SEED = os.environ.get("INFERLOOP_API_SEED", "1")  # a test that fails shall do so again
# Streams have no end, and the session takes anything where no key is needed.
ENDLESS = r"(mjpeg|/events|/session)$"


def schemathesis():
    """The program, installed once in .cache/; None if PyPI is out of reach."""
    if not (VENV / "ready").exists():
        subprocess.run(["/usr/bin/python3", "-m", "venv", VENV], check=False)
        done = subprocess.run([VENV / "bin" / "python", "-m", "pip", "install", "--quiet", f"schemathesis=={VERSION}"],
                              capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            print(done.stderr)
            return None
        (VENV / "ready").touch()
    return VENV / "bin" / "schemathesis"


def write_document(live, path):
    """The served document, with sources that cost little and reach no other machine."""
    document = live.json("/api/v1/openapi.json")
    for name in ("SourceNew", "SourceChange"):
        document["components"]["schemas"][name]["properties"]["uri"] = {
            "type": "string", "enum": ["pattern:size=64x64,rate=1", "rtsp://127.0.0.1:9/x"]}
    path.write_text(json.dumps(document))


def examine(live, folder, seconds, timeout):
    """Runs it; returns exit code and report."""
    write_document(live, folder / "api.json")
    (folder / "schemathesis.toml").write_text(SETTINGS)
    done = subprocess.run([schemathesis(), "--config-file", folder / "schemathesis.toml", "run",
                           folder / "api.json", "--url", live.url(""), "--exclude-tag", "page",
                           "--exclude-path-regex", ENDLESS, "--max-time", str(seconds), "--no-color",
                           "--seed", SEED, "--continue-on-failure", "--request-timeout", "30", "--warnings", "off"],
                          capture_output=True, text=True, timeout=timeout, cwd=folder)
    return done.returncode, done.stdout + done.stderr
