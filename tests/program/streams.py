# SPDX-License-Identifier: Apache-2.0
"""What the tests of live streams share: cameras that can be killed, hung and brought back, and a watch
over what the program says meanwhile."""
import base64
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse

from support import CLIP, ROOT, Case, laws_hold

READ_S, OPEN_S, FIRST_S = 2, 4, 6
# A source has left `live` one second after its deadline; half a second more for looking at it.
LEAVE_S = READ_S + 1 + 0.5
USER, PASSWORD = "joe", "open/sesame:4@2"
LOGIN = f"{USER}:{urllib.parse.quote(PASSWORD, safe='')}"  # as a URI has it
PASSPHRASE = "open-sesame-42"
OPTIONS = ("--listen", "127.0.0.1:0", "--read-timeout", READ_S, "--open-timeout", OPEN_S, "--first-frame-timeout", FIRST_S,
           "--profile-interval", 1, "--generate-interval", 0.5, "--privacy", "verbatim", "--size",
           "128x96", "--log-level", "debug")
BUILD = pathlib.Path(os.environ.get("INFERLOOP_BUILD", ROOT / "build"))
RTSP_CAMERA = BUILD / "tests" / "servers" / "rtsp_camera"


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Camera:
    """A process that plays a camera; `words` start it, also anew. With a port it is there when it listens."""

    def __init__(self, folder, words, port=None):
        self.words, self.log, self.process = list(map(str, words)), folder / "camera.log", None
        self.port = port
        self.start()

    def start(self):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while self.port and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return
            except OSError:
                time.sleep(0.05)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def hang(self):
        self.process.send_signal(signal.SIGSTOP)

    def wake(self):
        self.process.send_signal(signal.SIGCONT)


class Watch:
    """Asks a running program again and again: its state, whether the laws hold, what it delivered."""

    def __init__(self, live):
        self.live, self.rows, self.broken_laws, self.ended = live, [], [], False
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self):
        while not self.ended:
            try:
                source = self.live.json("/api/v1/sources")["sources"][0]
                status = self.live.json("/api/v1/status")
            except (urllib.error.URLError, ConnectionError, TimeoutError, AssertionError) as error:
                source, status = {"state": f"no answer: {error}", "reason": ""}, None
            if status and not laws_hold(status):
                self.broken_laws.append(status)
            delivered = status["images"]["delivered"] if status else -1
            images = status["images"] if status else None
            self.rows.append((time.monotonic(), source["state"], source["reason"], delivered, images))
            time.sleep(0.1)

    def state(self):
        return self.rows[-1][1] if self.rows else ""

    def delivered(self):
        return self.rows[-1][3] if self.rows else 0

    def end(self):
        self.ended = True
        self.thread.join(timeout=20)


class Streams(Case):
    """One source at a time, all of whose URI comes by the environment, since it holds a password."""
    PATIENCE = 1  # how many times longer than usual images may take

    def camera(self, *words, port=None):
        camera = Camera(self.folder, words, port)
        self.addCleanup(camera.kill)
        return camera

    def rtsp_camera(self, port, transport, how):
        if not RTSP_CAMERA.exists():
            self.skipTest("there is no RTSP server: libgstrtspserver-1.0-dev was missing at the build")
        return self.camera(RTSP_CAMERA, port, transport, how, USER, PASSWORD, port=port)

    def mjpeg_camera(self, port, how):
        pictures = self.folder / "pictures"
        pictures.mkdir()
        subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", CLIP, "-vf", "scale=320:240",
                        "-frames:v", "60", pictures / "%03d.jpg"], check=True, timeout=60)
        return self.camera("/usr/bin/python3", ROOT / "tests" / "servers" / "mjpeg_camera.py", port,
                           pictures, how, USER, PASSWORD, port=port)

    def rtmp_camera(self, port, password):
        clip = self.folder / "clip.flv"
        subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", CLIP, "-t", "4", "-vf", "scale=320:240",
                        "-an", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10",
                        "-pix_fmt", "yuv420p", clip], check=True, timeout=60)
        return self.camera("/usr/bin/python3", ROOT / "tests" / "servers" / "rtmp_camera.py", port, clip, USER,
                           password, port=port)

    def ffmpeg_camera(self, *output):
        if not shutil.which("ffmpeg"):
            self.skipTest("there is no ffmpeg program to play a camera")
        return self.camera("ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i",
                           CLIP, "-vf", "scale=320:240", "-an", "-c:v", "libx264", "-preset", "ultrafast",
                           "-tune", "zerolatency", "-g", "10", "-pix_fmt", "yuv420p", *output)

    def begin(self, uri, *words):
        """Starts a run on `uri` and a watch over it."""
        self.live = self.start(*OPTIONS, "--output", self.folder / "d", *words,
                               env={"INFERLOOP_SOURCE": uri})
        self.watch = Watch(self.live)
        self.addCleanup(self.watch.end)

    def comes_true(self, condition, seconds, what):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertIsNone(self.live.process.poll(), self.live.log.read_text())
            if time.monotonic() > deadline:
                self.fail(f"{what} did not come true in {seconds:.1f} s: {self.watch.rows[-1:]}\n" +
                          self.live.log.read_text()[-3000:])
            time.sleep(0.05)

    def delivers(self, images, seconds=60):
        before = self.watch.delivered()
        self.comes_true(lambda: self.watch.delivered() >= max(before, 0) + images, seconds * self.PATIENCE,
                        f"{images} more images")

    def goes_live(self, seconds=60):
        self.comes_true(lambda: self.watch.state() == "live", seconds, "live")

    def leaves_live(self):
        self.comes_true(lambda: self.watch.state() not in ("live", ""), LEAVE_S * self.PATIENCE,
                        "leaving live")

    def waits(self):
        return [float(wait) for wait in re.findall(r"next in ([0-9.]+) s", self.live.log.read_text())]

    def comes_back(self):
        """Live again as soon as the wait that now runs and the deadlines allow. An attempt that began before the camera
        was back may still fail: then the wait after it counts."""
        before, begun = self.waits(), time.monotonic()

        def is_late():
            waits = (before[-1:] or [1]) + self.waits()[len(before):len(before) + 1]
            return time.monotonic() - begun > sum(wait + OPEN_S + FIRST_S + 1 for wait in waits) * self.PATIENCE

        self.comes_true(lambda: self.watch.state() == "live" or is_late(), 600, "live or late")
        self.assertTrue(self.watch.state() == "live" or not is_late(), self.live.log.read_text()[-3000:])

    def outage(self, break_it, mend_it):
        """The camera goes away and comes back; images are delivered all the time."""
        break_it()
        self.leaves_live()
        self.delivers(3)
        self.assertNotEqual(self.watch.state(), "live")
        mend_it()
        self.comes_back()
        self.delivers(2)

    def ends_well(self, *secrets):
        """Stops it; the laws held at every look, and no secret is anywhere."""
        said = [self.live.get(path) for path in ("/api/v1/sources", "/api/v1/status", "/metrics",
                                                 "/api/v1/profile", "/api/v1/images", "/readyz")]
        said.append(pathlib.Path(f"/proc/{self.live.process.pid}/cmdline").read_bytes())
        self.watch.end()
        self.assertEqual(self.watch.broken_laws, [])
        self.assertEqual([row for row in self.watch.rows if row[1].startswith("no answer")], [])
        code = self.live.stop()
        self.assertEqual(code, 0, self.live.log.read_text())
        self.is_secret(said, *secrets)

    def is_secret(self, said, *secrets):
        """Neither the password nor the header that holds it is in `said`, the logs or any file."""
        header = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        secrets = [*secrets, PASSWORD, LOGIN, PASSPHRASE, header]
        files = [self.live.log, self.live.out, *(path for path in (self.folder / "d").rglob("*")),
                 *(self.folder / "state").rglob("*")]
        said = said + [path.read_bytes() for path in files if path.is_file()]
        self.assertGreater(len(said), 2)
        for text in said:
            for secret in secrets:
                self.assertNotIn(secret.encode(), text)

    def is_refused(self, uri, *secrets):
        """Wrong credentials: never live, and the reason says so."""
        self.begin(uri)
        self.comes_true(lambda: "refused the credentials" in self.watch.rows[-1][2]
                        if self.watch.rows else False, 60, "a refusal")
        self.assertEqual({row[1] for row in self.watch.rows} - {"connecting", "unauthorized"}, set())
        said = [self.live.get("/api/v1/sources"), self.live.get("/metrics")]
        self.watch.end()
        self.assertEqual(self.live.stop(), 0)
        self.is_secret(said, *secrets)
