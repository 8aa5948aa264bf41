# SPDX-License-Identifier: Apache-2.0
"""Live streams through the whole program: every protocol, cameras killed and hung, a webcam that is
unplugged. test_streams.py has the quick ones."""
import hashlib
import pathlib
import socket
import unittest

import machine
from streams import LOGIN, PASSPHRASE, PASSWORD, USER, Streams, free_port
from support import PROGRAM, ROOT, Case


class Slow(Streams):
    def over_rtsp(self, transport, how):
        port = free_port()
        camera = self.rtsp_camera(port, transport, how)
        self.begin(f"rtsp://{LOGIN}@127.0.0.1:{port}/cam")
        self.goes_live()
        self.delivers(2)
        self.outage(camera.kill, camera.start)
        self.outage(camera.hang, camera.wake)
        self.ends_well()

    def test_rtsp_over_udp_with_basic(self):
        self.over_rtsp("udp", "basic")

    def test_rtsp_over_tcp_with_basic(self):
        self.over_rtsp("both", "basic")

    def test_rtsp_over_udp_with_digest(self):
        self.over_rtsp("udp", "digest")

    def test_rtsp_with_a_wrong_basic_password(self):
        port = free_port()
        self.rtsp_camera(port, "udp", "basic")
        self.is_refused(f"rtsp://{USER}:not-the-word@127.0.0.1:{port}/cam", "not-the-word")

    def over_ffmpeg(self, uri, *output, secrets=()):
        camera = self.ffmpeg_camera(*output)

        def begin_anew():  # ffmpeg serves one caller and ends
            camera.kill()
            camera.start()

        self.begin(uri)
        self.goes_live()
        self.delivers(2)
        self.outage(camera.kill, camera.start)
        self.outage(camera.hang, begin_anew)
        self.ends_well(*secrets)

    def test_rtmp(self):
        uri = f"rtmp://127.0.0.1:{free_port()}/live/cam"
        self.over_ffmpeg(uri, "-f", "flv", "-listen", "1", uri)

    def test_srt_with_a_passphrase(self):
        base = f"srt://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
        self.over_ffmpeg(f"{base}?passphrase={PASSPHRASE}", "-f", "mpegts",
                         f"{base}?mode=listener&passphrase={PASSPHRASE}")

    def test_srt_with_a_wrong_passphrase(self):
        base = f"srt://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
        self.ffmpeg_camera("-f", "mpegts", f"{base}?mode=listener&passphrase={PASSPHRASE}")
        self.is_refused(f"{base}?passphrase=not-the-passphrase", "not-the-passphrase")

    def test_mpeg_ts_over_udp(self):
        base = f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
        self.over_ffmpeg(base, "-f", "mpegts", f"{base}?pkt_size=1316")

    def test_motion_jpeg_with_basic(self):
        port = free_port()
        camera = self.mjpeg_camera(port, "basic")
        self.begin(f"http://{LOGIN}@127.0.0.1:{port}/video")
        self.goes_live()
        self.delivers(2)
        self.outage(camera.kill, camera.start)
        self.outage(camera.hang, camera.wake)
        self.ends_well()

    def test_motion_jpeg_of_ffmpeg(self):
        uri = f"http://127.0.0.1:{free_port()}/video"
        self.over_ffmpeg(uri, "-c:v", "mjpeg", "-f", "mpjpeg", "-listen", "1", uri)


LIGHTTPD = "/usr/sbin/lighttpd"


class Lighttpd(Streams):
    """Digest by an implementation that is neither ours nor libcurl's: lighttpd before a camera."""

    def digest_camera(self, port, algorithm):
        if not pathlib.Path(LIGHTTPD).exists():
            self.skipTest("there is no lighttpd: Digest by an independent server was not tried")
        behind = free_port()
        self.mjpeg_camera(behind, "none")
        word = hashlib.new({"MD5": "md5", "SHA-256": "sha256"}[algorithm],
                           f"{USER}:camera:{PASSWORD}".encode()).hexdigest()
        users = self.folder / "users"
        users.write_text(f"{USER}:camera:{word}\n")
        config = self.folder / "lighttpd.conf"
        config.write_text(f"""
            server.modules = ("mod_auth", "mod_authn_file", "mod_proxy")
            server.bind = "127.0.0.1"
            server.port = {port}
            server.document-root = "{self.folder}"
            server.errorlog = "{self.folder}/lighttpd.log"
            server.stream-response-body = 2
            auth.backend = "htdigest"
            auth.backend.htdigest.userfile = "{users}"
            auth.require = ("/" => ("method" => "digest", "realm" => "camera", "require" => "valid-user",
                                    "algorithm" => "{algorithm}"))
            proxy.server = ("/video" => (("host" => "127.0.0.1", "port" => {behind})))
            """)
        return self.camera(LIGHTTPD, "-D", "-f", config)

    def test_digest_of_lighttpd(self):
        port = free_port()
        camera = self.digest_camera(port, "MD5")
        self.begin(f"http://{LOGIN}@127.0.0.1:{port}/video")
        self.goes_live()
        self.delivers(2)
        self.outage(camera.kill, camera.start)
        self.outage(camera.hang, camera.wake)
        self.ends_well()

    def test_digest_with_sha256_of_lighttpd(self):
        port = free_port()
        self.digest_camera(port, "SHA-256")
        self.begin(f"http://{LOGIN}@127.0.0.1:{port}/video")
        self.goes_live()
        self.delivers(1)
        self.ends_well()

    def test_a_wrong_password_for_lighttpd(self):
        port = free_port()
        self.digest_camera(port, "MD5")
        self.is_refused(f"http://{USER}:not-the-word@127.0.0.1:{port}/video", "not-the-word")


class Webcam(Case):
    def test_a_webcam_that_is_unplugged(self):
        lacks = machine.missing()
        if lacks:
            self.skipTest("no virtual machine with a webcam: there is no " + ", no ".join(lacks))
        environment = {"PATH": "/usr/bin:/bin", "HOME": "/run", "TMPDIR": "/run",
                       "PYTHONDONTWRITEBYTECODE": "1", "INFERLOOP": PROGRAM}
        program = ROOT / "tests" / "program" / "guest_webcam.py"
        status, console = machine.run_in(self.folder, f"/usr/bin/python3 {program}", environment,
                                         "n_devs=2 node_types=0x1,0x1 num_inputs=1,1 input_types=0,0", 300)
        self.assertEqual(status, 0, console[-8000:])
        self.assertIn("OK", console)


if __name__ == "__main__":
    unittest.main()
