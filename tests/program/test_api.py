# SPDX-License-Identifier: Apache-2.0
"""The HTTP API of a running pipeline: every route by curl, and what schemathesis makes of it."""
import json
import re
import subprocess
import unittest

import api
from support import ROOT, Case, laws_hold, run

SMALL = "pattern:size=192x112,rate=10,objects=3"


def curl(*words):
    """Status, headers and body of one call."""
    done = subprocess.run(["curl", "--silent", "--include", "--max-time", "30", *words],
                          capture_output=True, timeout=60)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, body


class Api(Case):
    def begin(self, *words):
        live = self.start("--source", f"main={SMALL}", "--memory-frames", "16", "--privacy", "verbatim",
                          "--generate-interval", "1", "--profile-interval", "1", "--listen",
                          "127.0.0.1:0", "--output", self.folder / "d", *words)
        live.wait_until(lambda: live.json("/api/v1/status")["images"]["delivered"] >= 2, 60, "two images")
        return live

    def call(self, live, method, path, body=None, status=200):
        words = ["--request", method, live.url(path)]
        if body is not None:
            words += ["--header", "Content-Type: application/json", "--data", json.dumps(body)]
        got, headers, content = curl(*words)
        self.assertEqual(got, status, (method, path, body, content[:500]))
        return headers, json.loads(content) if headers.get("content-type") == "application/json" else content

    def test_what_the_readme_asks_for_is_answered(self):
        live = self.begin()
        lines = re.findall(r"^curl .*$", (ROOT / "README.md").read_text(), re.M)
        self.assertGreaterEqual(len(lines), 5)
        for line in lines:
            line = line.replace("http://127.0.0.1:8000", live.url("")).replace("curl ", "curl -sS --fail-with-body ", 1)
            done = subprocess.run(["bash", "-c", line], cwd=self.folder, capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 0, (line, done.stdout[:500], done.stderr[:500]))

    def test_a_walk_over_every_route(self):
        live = self.begin()
        call = lambda *words: self.call(live, *words)
        walked = set()
        for route in call("GET", "/api/v1")[1]["routes"]:
            if route["method"] == "GET" and "{" not in route["path"] and not re.search(
                    "mjpeg$|events$", route["path"]):
                call("GET", route["path"])
                walked.add(route["path"])
        self.assertGreater(len(walked), 20)

        headers, added = call("POST", "/api/v1/sources", {"uri": SMALL, "name": "side"}, 201)
        self.assertEqual(headers["location"], "/api/v1/sources/side")
        live.wait_until(lambda: live.json("/api/v1/sources/side")["state"] == "live", 20, "a live source")
        live.wait_until(lambda: live.json("/api/v1/images?source=side")["total"] >= 1, 60, "its image")
        self.assertTrue(laws_hold(live.json("/api/v1/status")))
        call("PATCH", "/api/v1/sources/side", {"uri": "pattern:size=128x96,rate=5"})
        live.wait_until(lambda: live.json("/api/v1/sources/side")["width"] == 128, 20, "the new picture")
        call("DELETE", "/api/v1/sources/side", None, 204)
        call("GET", "/api/v1/sources/side", None, 404)
        status = live.json("/api/v1/status")
        self.assertTrue(laws_hold(status))
        self.assertNotIn("side", {edge["source"] for edge in status["edges"]})

        profile = call("GET", "/api/v1/profiles/main")[1]
        self.assertEqual(profile["source"]["name"], "main")
        file = self.folder / "main.iflprof"
        file.write_bytes(call("GET", "/api/v1/profiles/main/file")[1])
        self.assertEqual(run("profile", "show", file, "--json").returncode, 0)

        page = call("GET", "/api/v1/images?limit=1&privacy=verbatim")[1]
        image = page["images"][0]
        self.assertEqual(call("GET", image["url"])[1][:4], b"\x89PNG")
        self.assertEqual(call("GET", image["url"] + "/metadata")[1]["seed"], image["seed"])
        older = call("GET", f"/api/v1/images?limit=1&cursor={page['next']}")[1]["images"][0]
        self.assertLess(older["serial"], image["serial"])

        made = call("POST", "/api/v1/generate", {"seed": 9}, 201)[1]
        self.assertEqual(made["source"], "main")
        headers, job = call("POST", "/api/v1/jobs", {"count": 3, "seed": 40}, 202)
        live.wait_until(lambda: live.json(headers["location"])["state"] == "done", 60, "the job's end")
        self.assertEqual(live.json(job["url"])["progress"], {"done": 3, "rejected": 0, "total": 3})
        job = call("POST", "/api/v1/jobs", {"count": 64, "width": 1024, "height": 576}, 202)[1]
        call("DELETE", job["url"])
        live.wait_until(lambda: live.json(job["url"])["state"] == "cancelled", 60, "the cancelling")

        options = call("PATCH", "/api/v1/config", {"generate-interval": 0.5, "prompt": "dark"})[1]["options"]
        self.assertEqual(options["generate-interval"]["value"], 0.5)
        self.assertEqual(live.json("/api/v1/status")["defaults"]["prompt"], "dark")
        self.assertEqual(live.stop(), 0)

    def test_refusals_have_one_shape_and_tell_no_secret(self):
        live = self.begin()
        secret = "opensesame"
        shown = b""
        for method, path, body, status in (
                ("POST", "/api/v1/sources", {"uri": "/etc/passwd"}, 403),
                ("POST", "/api/v1/sources", {"uri": f"http:/u:{secret}@x"}, 403),
                ("POST", "/api/v1/sources", {"uri": SMALL, "name": "main"}, 409),
                ("POST", "/api/v1/sources", {"uri": SMALL, "name": "a/b"}, 400),
                ("POST", "/api/v1/sources", ["x"], 400),
                ("PATCH", "/api/v1/config", {"threads": 4}, 400),
                ("PATCH", "/api/v1/config", {"source": "x"}, 400),
                ("POST", "/api/v1/jobs", {"count": 0}, 400),
                ("GET", "/api/v1/jobs/77", None, 404),
                ("PUT", "/api/v1/jobs/77", {}, 405),
                ("GET", "/api/v1/nothing", None, 404),
                ("GET", "/api/v1/images?limit=0", None, 400)):
            _, answer = self.call(live, method, path, body, status)
            self.assertEqual(set(answer["error"]), {"code", "message", "details"}, answer)
            shown += json.dumps(answer).encode()
        self.call(live, "POST", "/api/v1/sources", {"uri": f"rtsp://joe:{secret}@127.0.0.1:9/x",
                                                    "name": "far"}, 201)
        live.wait_until(lambda: live.json("/api/v1/sources/far")["state"] == "broken", 30, "a broken source")
        for path in ("/api/v1/sources", "/api/v1/sources/far", "/api/v1/status", "/api/v1/config",
                     "/metrics"):
            shown += live.get(path)
        self.assertEqual(live.stop(), 0)
        self.assertNotIn(secret, shown.decode() + live.log.read_text() + live.out.read_text())

    def test_every_route_has_its_place_in_the_documentation(self):
        live = self.begin()
        page = (ROOT / "docs" / "api.md").read_text()
        missing = [path for path in live.json("/api/v1/openapi.json")["paths"]
                   if path.startswith("/api/") and path not in page]
        self.assertEqual(missing, [])
        self.assertEqual(live.stop(), 0)

    def test_schemathesis_finds_nothing(self):
        if not api.schemathesis():
            self.skipTest("PyPI's `schemathesis` could not be installed; the API was not fuzzed")
        live = self.begin()
        code, report = api.examine(live, self.folder, 25, 200)
        self.assertEqual(code, 0, report[-6000:])
        self.assertTrue(laws_hold(live.json("/api/v1/status")))
        self.assertEqual(live.stop(), 0)


if __name__ == "__main__":
    unittest.main()
