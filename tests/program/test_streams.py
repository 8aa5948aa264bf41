# SPDX-License-Identifier: Apache-2.0
"""Live streams through the whole program, the quick ones: RTSP behind Digest, motion JPEG over HTTP.
slow_streams.py has the others."""
import glob
import json
import unittest
import urllib.parse

from streams import LOGIN, USER, Streams, free_port
from support import run


class Quick(Streams):
    def test_rtsp_over_tcp_with_digest(self):
        port = free_port()
        camera = self.rtsp_camera(port, "tcp", "digest")
        self.begin(f"rtsp://{LOGIN}@127.0.0.1:{port}/cam")
        self.goes_live()
        self.delivers(2)
        self.outage(camera.kill, camera.start)
        self.ends_well()

    def test_rtsp_with_a_wrong_password(self):
        port = free_port()
        self.rtsp_camera(port, "tcp", "digest")
        self.is_refused(f"rtsp://{USER}:not-the-word@127.0.0.1:{port}/cam", "not-the-word")

    def test_motion_jpeg_with_digest(self):
        port = free_port()
        camera = self.mjpeg_camera(port, "digest")
        self.begin(f"http://{LOGIN}@127.0.0.1:{port}/video")
        self.goes_live()
        self.delivers(2)
        row = self.live.json("/api/v1/sources")["sources"][0]
        self.assertEqual((row["lag_seconds"], row["nominal_rate"]), (None, 0))  # it has no timestamps
        self.outage(camera.hang, camera.wake)
        self.ends_well()

    def test_motion_jpeg_with_a_wrong_password(self):
        port = free_port()
        self.mjpeg_camera(port, "digest")
        path = "video/" + "of-the-" * 20 + "camera"  # long names must not crowd out the reason
        self.is_refused(f"http://{USER}:not-the-word@127.0.0.1:{port}/{path}", "not-the-word")

    def test_rtmp_with_a_login(self):
        port, password = free_port(), "open-sesame:4@2 %41"
        login = f"{USER}:{urllib.parse.quote(password)}"
        self.rtmp_camera(port, password)
        self.begin(f"rtmp://{login}@127.0.0.1:{port}/live/cam")
        self.goes_live()
        self.delivers(2)
        self.ends_well(password, login)
        self.is_refused(f"rtmp://{USER}:not-the-word@127.0.0.1:{port}/live/cam", "not-the-word")
        self.refuses(run("probe", f"rtmp://127.0.0.1:{port}/live/cam"), 5, "rejected the connection")
        for bad in ("a%2Fb", "a%3Fb", "a%23b", "a" * 50):
            done = run("probe", "-", stdin=f"rtmp://{USER}:{bad}@127.0.0.1:{port}/live/cam")
            self.refuses(done, 4, "can't hand this login")
            self.assertNotIn(bad, done.stderr)


class Webcam(Streams):
    def test_no_webcam(self):
        if glob.glob("/dev/video*"):
            self.skipTest("this machine has a webcam: how one is missed was not tried")
        self.refuses(run("probe", "webcam"), 3, "no webcam", "plug one in")
        done = run("probe", "webcam", "--json")
        self.assertEqual(done.returncode, 3)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "ERR_NOT_FOUND")
        self.begin("webcam")
        self.comes_true(lambda: self.watch.state() == "broken", 60, "a broken source")
        self.comes_true(lambda: "plug one in" in self.watch.rows[-1][2], 60, "a reason")
        self.assertEqual(self.live.stop(), 0)
        self.assertIn("no webcam on this machine", self.live.log.read_text())


if __name__ == "__main__":
    unittest.main()
