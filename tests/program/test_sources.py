# SPDX-License-Identifier: Apache-2.0
"""Sources that come, go and change by SIGHUP; secrets that are kept elsewhere; one connection a camera."""
import http.server
import json
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

from streams import BUILD, OPTIONS, PASSWORD, USER, Streams, free_port
from support import laws_hold, run

PATTERN = "pattern:size=160x120,rate=20"


class Reload(Streams):
    def rows(self):
        return {row["name"]: row for row in self.live.json("/api/v1/sources")["sources"]}

    def write(self, *sources, **options):
        lines = ["source:", *(f"  - {source}" for source in sources),
                 *(f"{name.replace('_', '-')}: {value}" for name, value in options.items())]
        self.file.write_text("\n".join(lines) + "\n")

    def begin_with(self, *sources, **options):
        self.file = self.folder / "inferloop.yaml"
        self.write(*sources, **options)
        self.live = self.start("--config", self.file, "--listen", "127.0.0.1:0", "--output",
                               self.folder / "d", "--profile-interval", "1", "--loop", "--privacy",
                               "verbatim", "--size", "128x96", "--log-level", "debug")
        self.live.wait_until(lambda: all(row["frames"] > 5 for row in self.rows().values()), 20, "frames")

    def reload(self, word):
        """Sends SIGHUP and waits for its log line."""
        before = len(self.live.log.read_text())
        self.live.process.send_signal(signal.SIGHUP)
        self.live.wait_until(lambda: "SIGHUP: " in self.live.log.read_text()[before:], 15, "a log line")
        said = self.live.log.read_text()[before:]
        self.assertIn(word, said)
        return said

    def test_sources_come_go_and_change_without_disturbing_the_others(self):
        self.begin_with(f"stays={PATTERN},seed=1", f"goes={PATTERN},seed=2", f"changes={PATTERN},seed=3",
                        generate_interval=60)
        status, made = self.live.post("/api/v1/sources", {"uri": f"{PATTERN},seed=4", "name": "added"})
        self.assertEqual(status, 201, made)
        before = self.rows()
        self.write(f"changes={PATTERN},seed=5", f"stays={PATTERN},seed=1", f"{PATTERN},seed=6",
                   generate_interval=30, seed=7)
        said = self.reload("read again")
        self.assertIn("need a restart: seed", said)
        after = self.rows()
        self.assertEqual(set(after) - {"pattern", "pattern-2", "pattern-3"}, {"stays", "changes", "added"})
        self.assertEqual(len(after), 4)
        for name in ("stays", "added"):
            self.assertGreaterEqual(after[name]["frames"], before[name]["frames"])
            self.assertEqual(after[name]["failures"], 0)
        self.assertIn("seed=5", after["changes"]["uri"])
        options = self.live.json("/api/v1/config")["options"]
        self.assertEqual(float(options["generate-interval"]["value"]), 30)
        self.assertTrue(laws_hold(self.live.json("/api/v1/status")))
        # The same once more changes nothing.
        frames = self.rows()
        self.reload("read again")
        again = self.rows()
        self.assertEqual(set(again), set(frames))
        for name in again:
            self.assertGreaterEqual(again[name]["frames"], frames[name]["frames"])
        self.assertEqual(self.live.stop(), 0)

    def test_a_bad_file_changes_nothing(self):
        self.begin_with(f"one={PATTERN}", generate_interval=60)
        for text, word in (("source: [", "line"), ("nonsense: 1", "no such option"),
                           ("source:\n  - one=foo://bar\n", "no source takes"),
                           ("source:\n  - one=pattern\n  - one=pattern:seed=2\n", "two sources")):
            self.file.write_text(text)
            self.reload(word)
            self.assertEqual(set(self.rows()), {"one"})
        self.file.unlink()
        self.reload("inferloop.yaml")
        self.write(f"two={PATTERN}")
        self.reload("read again")
        self.assertEqual(set(self.rows()), {"two"})
        self.assertEqual(self.live.stop(), 0)


class Secrets(Streams):
    def begin_camera(self, how, uri, secret):
        """A camera whose password stands in a file; `{}` in the URI is where it belongs."""
        self.port, self.secret = free_port(), self.folder / "secret"
        self.secret.write_text(secret + "\n")
        camera = self.mjpeg_camera(self.port, how)
        self.begin(uri.format(port=self.port, secret="${file:%s}" % self.secret))
        return camera

    def test_a_changed_secret_is_tried_at_once(self):
        self.begin_camera("digest", f"http://{USER}:{{secret}}@127.0.0.1:{{port}}/video", "not-the-word")
        self.comes_true(lambda: self.watch.state() == "unauthorized", 60, "unauthorized")
        row = self.live.json("/api/v1/sources")["sources"][0]
        self.assertGreater(row["next_attempt_seconds"], 200)
        incidents = self.live.json("/api/v1/incidents")["incidents"]
        self.assertEqual([(one["kind"], one["source"]) for one in incidents], [("unauthorized", row["name"])])
        self.comes_true(lambda: "ingest.unauthorized" in self.live.log.read_text(), 30, "a log line")
        time.sleep(2)
        self.assertEqual(self.live.log.read_text().count("ingest.unauthorized"), 1)  # no second try
        self.secret.write_text(PASSWORD)
        self.goes_live()  # the next attempt would be in minutes
        self.assertIn("ingest.secret-changed", self.live.log.read_text())
        self.delivers(1)
        self.ends_well("not-the-word")

    def test_sighup_tries_at_once(self):
        self.begin_camera("basic", f"http://{USER}:{{secret}}@127.0.0.1:{{port}}/video", "wrong-word")
        self.comes_true(lambda: self.watch.state() == "unauthorized", 60, "unauthorized")
        self.live.process.send_signal(signal.SIGHUP)
        self.comes_true(lambda: self.live.log.read_text().count("refused the credentials") >= 2, 60,
                        "a second try")
        self.watch.end()
        self.assertEqual(self.live.stop(), 0)

    def test_a_token_as_a_bearer_header(self):
        self.begin_camera("bearer", "http://127.0.0.1:{port}/video#bearer={secret}", PASSWORD)
        self.goes_live()
        self.delivers(1)
        self.ends_well()

    def test_a_token_as_a_query_parameter_read_again_at_each_reconnect(self):
        camera = self.begin_camera("query", "http://127.0.0.1:{port}/video?token={secret}", PASSWORD)
        self.goes_live()
        camera.kill()
        self.leaves_live()  # before it can be back
        camera.words[-1] = "another-Token/1"
        self.secret.write_text("another-Token/1")
        camera.start()
        self.comes_back()
        self.delivers(1)
        self.ends_well("another-Token/1")

    def test_a_secret_of_the_environment(self):
        port = free_port()
        self.mjpeg_camera(port, "basic")
        uri = f"http://{USER}:${{CAMERA_WORD}}@127.0.0.1:{port}/video"
        done = run("probe", uri, "--json", env={"CAMERA_WORD": PASSWORD}, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.refuses(run("probe", uri, timeout=30), 9, "CAMERA_WORD", "set the variable")
        self.refuses(run("probe", f"http://joe:word@127.0.0.1:{port}/video"), 2, "process list", "${NAME}")

    def test_http_may_not_name_secrets_of_this_machine(self):
        self.live = self.start(*OPTIONS, "--source", "pattern", "--output", self.folder / "d")
        for uri in ("http://127.0.0.1:9/${HOME}", "http://127.0.0.1:9/${file:/etc/passwd}",
                    "https://127.0.0.1:9/#ca=/etc/passwd"):
            status, answer = self.live.post("/api/v1/sources", {"uri": uri})
            self.assertEqual(status, 403, answer)
        self.assertEqual(self.live.stop(), 0)


class Trust(Streams):
    """TLS that does not fit is refused unless told otherwise."""

    def https_camera(self, name):
        if not shutil.which("openssl"):
            self.skipTest("there is no openssl program to play a camera with TLS")
        key, self.certificate = self.folder / "key.pem", self.folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        f"/CN={name}", "-addext", f"subjectAltName={name}", "-keyout", key, "-out",
                        self.certificate], check=True, capture_output=True, timeout=30)
        subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i",
                        "testsrc2=s=160x120:r=10:d=3", "-c:v", "mpeg2video", self.folder / "clip.ts"],
                       check=True, timeout=30)
        port = free_port()
        words = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", self.certificate, "-key",
                 key, "-WWW", "-quiet"]
        server = subprocess.Popen(words, cwd=self.folder, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        return f"https://127.0.0.1:{port}/clip.ts"

    def test_a_certificate_that_nobody_vouches_for(self):
        uri = self.https_camera("IP:127.0.0.1")
        self.refuses(run("probe", uri, timeout=30), 4, "certificate does not fit", "#tls=any")
        done = run("probe", f"{uri}#ca={self.certificate}", timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = run("probe", f"{uri}#tls=any", timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.refuses(run("probe", f"{uri}#ca=/nowhere.pem", timeout=30), 3, "#ca=")

    def test_a_certificate_of_another_host(self):
        uri = self.https_camera("DNS:camera.example")
        self.refuses(run("probe", f"{uri}#ca={self.certificate}", timeout=30), 4, "certificate does not fit")


class Nowhere(Streams):
    def test_names_that_do_not_resolve_and_closed_ports(self):
        for scheme in ("rtsp", "http", "rtmp", "srt", "udp"):
            with self.subTest(scheme=scheme):
                done = run("probe", f"{scheme}://no-such-camera.invalid:5000/x", timeout=60)
                self.refuses(done, done.returncode, "no-such-camera.invalid")
                self.assertIn(done.returncode, (3, 8))
                self.assertRegex(done.stderr, "no address|looking up its name|took too long")
        for scheme in ("rtsp", "http", "rtmp"):
            self.refuses(run("probe", f"{scheme}://127.0.0.1:{free_port()}/x", timeout=60), 5,
                         "refused the connection")


class LeftAlone(Streams):
    def test_retry_after_is_honoured(self):
        class Busy(http.server.BaseHTTPRequestHandler):
            asked = 0

            def do_GET(self):
                Busy.asked += 1
                self.send_response(503)
                self.send_header("Retry-After", "40")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.begin(f"http://127.0.0.1:{server.server_address[1]}/video")
        self.comes_true(lambda: self.watch.state() == "broken", 60, "broken")
        time.sleep(2)
        row = self.live.json("/api/v1/sources")["sources"][0]
        self.assertGreater(row["next_attempt_seconds"], 10)  # usual is a second
        self.assertLess(row["next_attempt_seconds"], 41)
        self.assertIn("busy", row["reason"])
        self.assertEqual(Busy.asked, 1)
        self.watch.end()
        self.assertEqual(self.live.stop(), 0)


class Reconnects(Streams):
    def test_five_hundred_of_them_leave_nothing_behind(self):
        clip = self.folder / "clip.ts"
        subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i",
                        "testsrc2=s=160x120:r=25:d=0.4", "-c:v", "libx264", "-bf", "0", "-g", "5", "-tune",
                        "zerolatency", "-f", "mpegts", clip], check=True, timeout=30)
        done = subprocess.run([BUILD / "bench" / "bench_reconnect", clip], text=True, capture_output=True,
                              timeout=120)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)
        left = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual((left["descriptors"], left["threads"]), (0, 0))
        self.assertLess(left["megabytes"], 3)
        self.assertGreater(left["pictures"], 4000)


class FromC(Streams):
    def test_the_example_of_captures_runs(self):
        done = subprocess.run([BUILD / "examples" / "example_capture", "pattern:rate=30,size=320x240"],
                              input="\n", text=True, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("frame 9: 320x240", "one: frame", "batch: 5 frames", "callbacks: "):
            self.assertIn(word, done.stdout)
        done = subprocess.run([BUILD / "examples" / "example_capture", "/nowhere.avi"], text=True,
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere.avi", done.stderr)


class OneConnection(Streams):
    def test_a_second_source_of_the_same_camera_is_refused(self):
        port = free_port()
        self.mjpeg_camera(port, "none")
        uri = f"http://127.0.0.1:{port}/video"
        self.begin(uri)
        self.goes_live()
        status, answer = self.live.post("/api/v1/sources", {"uri": uri, "name": "second"})
        self.assertEqual(status, 409, answer)
        self.assertIn("reads this camera already", answer["error"]["message"])
        status, answer = self.live.post("/api/v1/sources", {"uri": uri + "?stream=sub", "name": "sub"})
        self.assertEqual(status, 201, answer)  # main and sub stream count as two
        self.delivers(1)
        self.ends_well()


if __name__ == "__main__":
    unittest.main()
