#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A network camera for the tests: motion JPEG at http://127.0.0.1:PORT/video, behind a login.

Usage: mjpeg_camera.py PORT FOLDER none|basic|digest|bearer|query [USER PASSWORD]
bearer: PASSWORD is the token of the header; query: of the parameter `token`.
It plays the JPEG files of FOLDER at 15 frames a second, over and over, and prints its port once it listens.
"""
import base64
import hashlib
import http.server
import pathlib
import re
import secrets
import sys
import time
import urllib.parse

PORT, FOLDER, HOW = int(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
USER, PASSWORD = sys.argv[4:6] if HOW != "none" else ("", "")
REALM, NONCE = "camera", secrets.token_hex(16)
PICTURES = [path.read_bytes() for path in sorted(FOLDER.glob("*.jpg"))]


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


class Camera(http.server.BaseHTTPRequestHandler):
    counts = set()  # of nonces: each is good once

    def may_see(self):
        given = self.headers.get("Authorization", "")
        if HOW == "basic":
            return given == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if HOW == "none":
            return True
        if HOW == "bearer":
            return given == f"Bearer {PASSWORD}"
        if HOW == "query":
            query = urllib.parse.urlsplit(self.path).query
            return urllib.parse.parse_qs(query).get("token") == [PASSWORD]
        field = dict(re.findall(r'(\w+)="?([^",]*)"?', given))
        if field.get("nonce") != NONCE or (field.get("cnonce"), field.get("nc")) in self.counts:
            return False
        self.counts.add((field.get("cnonce"), field.get("nc")))
        proof = ":".join((md5(f"{USER}:{REALM}:{PASSWORD}"), NONCE, field.get("nc", ""),
                          field.get("cnonce", ""), "auth", md5(f"GET:{self.path}")))
        return field.get("response") == md5(proof)

    def do_GET(self):
        if not self.may_see():
            how = {"basic": f'Basic realm="{REALM}"', "bearer": "Bearer", "query": "Token",
                   "digest": f'Digest realm="{REALM}", nonce="{NONCE}", qop="auth"'}[HOW]
            self.send_response(401)
            self.send_header("WWW-Authenticate", how)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=cut")
        self.end_headers()
        try:
            for turn in range(10**9):
                picture = PICTURES[turn % len(PICTURES)]
                self.wfile.write(b"--cut\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n"
                                 % (len(picture), picture))
                time.sleep(1 / 15)
        except ConnectionError:
            pass

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Camera)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
