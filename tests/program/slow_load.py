# SPDX-License-Identifier: Apache-2.0
"""300 watchers, 20 of them asleep, 50 requests a second and one generation after another.

LOAD_SECONDS shortens it (300); LOAD_DOCUMENT names a file that the table is written to (docs/load.md).
"""
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
import unittest

import load
from support import Case, laws_hold

SECONDS = float(os.environ.get("LOAD_SECONDS", "300"))
RATE = 10  # frames/s, as the surveillance clip has
MJPEG, EVENTS, STALLED = 180, 100, 20
PER_SECOND = 50
WARM_S = min(60, SECONDS / 3)
GROWTH_MOST = 16e6  # bytes of resident memory after that
ROUTES = ("/api/v1/status", "/api/v1/sources", "/api/v1/profile", "/api/v1/images?limit=20",
          "/api/v1/history", "/metrics", "/healthz")


def resident(pid):
    fields = pathlib.Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def busy_seconds():
    """What the whole machine worked, ours and others'."""
    fields = [int(value) for value in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def latency_rows(latencies):
    rows = ["| Request | Count | p50 ms | p95 ms | p99 ms | Longest ms |", "|---|---|---|---|---|---|"]
    for route in sorted(latencies):
        values = latencies[route]
        rows.append(f"| `{route}` | {len(values)} | {percentile(values, .5):.1f} | {percentile(values, .95):.1f} "
                    f"| {percentile(values, .99):.1f} | {max(values) * 1000:.1f} |")
    return rows


def stream_rows(streams):
    rows = ["| Stream | Clients | Per client and second | Least | MB/s in all |", "|---|---|---|---|---|"]
    for path, seen in streams.items():
        rows.append(f"| `{path}` | {seen['clients']} | {seen['mean']:.2f} | {seen['least']:.2f} | "
                    f"{seen['megabytes'] / SECONDS:.1f} |")
    return rows


class Load(Case):
    def frames(self, live):
        """Frames that have left the source, and those that were profiled."""
        edges = live.json("/api/v1/status")["edges"]
        profiled = next(edge["passed"] for edge in edges if edge["to"] == "profile")
        return edges[0]["received"], profiled

    def hold(self, live, port):
        """Everything at once, for SECONDS; returns what was seen."""
        pid = live.process.pid
        holder = subprocess.Popen([sys.executable, load.__file__, str(port), str(SECONDS), str(MJPEG),
                                   str(EVENTS), str(STALLED)], stdout=subprocess.PIPE, text=True)
        self.addCleanup(holder.kill)
        requests = load.Requests(port, ROUTES, PER_SECOND, 10)
        requests.start()
        self.addCleanup(requests.stop)
        begun, before, cpu, work = time.monotonic(), self.frames(live), cpu_seconds(pid), busy_seconds()
        memory = []
        while time.monotonic() - begun < SECONDS - 2:
            time.sleep(1)
            memory.append((time.monotonic() - begun, resident(pid)))
        after, seconds = self.frames(live), time.monotonic() - begun
        cpu, work = (cpu_seconds(pid) - cpu) / seconds, (busy_seconds() - work) / seconds
        requests.stop()
        out, _ = holder.communicate(timeout=60)
        return {"seconds": seconds, "source": (after[0] - before[0]) / seconds, "cpu": cpu, "work": work,
                "profile": (after[1] - before[1]) / seconds, "memory": memory, "requests": requests,
                "streams": json.loads(out)}

    def describe(self, seen, early, late):
        requests = seen["requests"]
        return [
            f"{MJPEG + EVENTS + STALLED} stream clients ({MJPEG} MJPEG, {EVENTS} events, {STALLED} that never read), "
            f"{PER_SECOND} requests/s over {len(ROUTES)} routes and one generation after another, for "
            f"{seen['seconds']:.0f} s. Source: 320x240 at {RATE} frames/s.", "",
            "| Measure | Value |", "|---|---|",
            f"| frames from the source | {seen['source']:.2f} /s |", f"| frames profiled | {seen['profile']:.2f} /s |",
            f"| resident memory after {WARM_S:.0f} s | {early / 1e6:.1f} MB |",
            f"| resident memory at the end | {late / 1e6:.1f} MB |",
            f"| processor time of the server | {seen['cpu']:.2f} cores |",
            f"| work of the whole machine, clients and others' included | {seen['work']:.2f} of {os.cpu_count()} cores |",
            f"| answers by status | {', '.join(f'{k}: {v}' for k, v in sorted(requests.statuses.items(), key=str))} |",
            "", *latency_rows(requests.latencies), "", *stream_rows(seen["streams"])]

    def publish(self, table):
        print("\n" + "\n".join(table))
        if os.environ.get("LOAD_DOCUMENT"):
            text = ["# Load", "", "Made by `LOAD_DOCUMENT=docs/load.md make test-slow` (tests/program/slow_load.py) on "
                    f"{datetime.date.today()}, server and clients on the same {os.cpu_count()} cores.", "", *table]
            pathlib.Path(os.environ["LOAD_DOCUMENT"]).write_text("\n".join(text) + "\n")

    def test_many_watchers(self):
        live = self.start("--source", f"pattern:size=320x240,rate={RATE},objects=4", "--listen", "127.0.0.1:0",
                          "--profile-interval", "10", "--generate-interval", "5", "--privacy", "verbatim",
                          "--output", self.folder / "d", "--json")
        live.wait_until(lambda: live.json("/api/v1/status")["images"]["delivered"] >= 1, 60, "an image")
        seen = self.hold(live, int(live.base.rsplit(":", 1)[1]))
        early = statistics.median(m for at, m in seen["memory"] if WARM_S <= at < WARM_S + 10)
        late = statistics.median(m for _, m in seen["memory"][-10:])
        self.publish(self.describe(seen, early, late))
        self.assertGreaterEqual(seen["source"], 0.95 * RATE)
        self.assertGreaterEqual(seen["profile"], 0.95 * RATE)
        self.assertLess(late - early, GROWTH_MOST)
        statuses = seen["requests"].statuses
        self.assertLessEqual(set(statuses), {200, 201, 422}, statuses)
        self.assertGreater(sum(statuses.values()), 0.9 * PER_SECOND * seen["seconds"])
        for path, stream in seen["streams"].items():
            self.assertEqual((stream["closed"], stream["refused"]), (0, 0), (path, stream))
            self.assertGreater(stream["least"], 0, (path, stream))
        self.assertEqual(live.stop(seconds=30), 0)
        self.assertTrue(laws_hold(json.loads(live.out.read_text())))


if __name__ == "__main__":
    unittest.main()
