# SPDX-License-Identifier: Apache-2.0
"""Live streams through the whole program, the quick ones: RTSP behind Digest, motion JPEG over HTTP.
slow_streams.py has the others."""
import glob
import json
import unittest

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
        self.outage(camera.hang, camera.wake)
        self.ends_well()

    def test_motion_jpeg_with_a_wrong_password(self):
        port = free_port()
        self.mjpeg_camera(port, "digest")
        path = "video/" + "of-the-" * 20 + "camera"  # long names must not crowd out the reason
        self.is_refused(f"http://{USER}:not-the-word@127.0.0.1:{port}/{path}", "not-the-word")


class Webcam(Streams):
    def test_no_webcam(self):
        if glob.glob("/dev/video*"):
            self.skipTest("this machine has a webcam: how one is missed was not tried")
        self.refuses(run("probe", "webcam"), 3, "no webcam", "plug one in")
        done = run("probe", "webcam", "--json")
        self.assertEqual(done.returncode, 3)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "ERR_NOT_FOUND")
        self.begin("webcam")
        self.comes_true(lambda: self.watch.state() == "broken", 15, "a broken source")
        self.comes_true(lambda: "plug one in" in self.watch.rows[-1][2], 15, "a reason")
        self.assertEqual(self.live.stop(), 0)
        self.assertIn("no webcam on this machine", self.live.log.read_text())


if __name__ == "__main__":
    unittest.main()
