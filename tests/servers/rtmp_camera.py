#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A drone's RTMP server for the tests, behind Adobe's login: rtmp://127.0.0.1:PORT/live/cam.

Usage: rtmp_camera.py PORT FLV USER PASSWORD
It plays the video of the FLV file over and over to each caller that knows the password. Written after Adobe's
"Real-Time Messaging Protocol" 1.0 and the login that its encoders speak: the connection is refused with a
salt and a challenge, and tried again with MD5 of them and the password.
"""
import base64
import hashlib
import os
import secrets
import socketserver
import struct
import sys
import time

PORT, FLV, USER, PASSWORD = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
CHUNK = 128  # until somebody says otherwise, which nobody does here
SALT, CHALLENGE = secrets.token_hex(4), secrets.token_hex(4)


def md5(text):
    return base64.b64encode(hashlib.md5(text.encode()).digest()).decode()


# ---- AMF0: numbers, texts, null, objects of those ----

def amf(value):
    if value is None:
        return b"\x05"
    if isinstance(value, dict):
        fields = b"".join(struct.pack(">H", len(key)) + key.encode() + amf(value[key]) for key in value)
        return b"\x03" + fields + b"\x00\x00\x09"
    if isinstance(value, str):
        return b"\x02" + struct.pack(">H", len(value)) + value.encode()
    return b"\x00" + struct.pack(">d", value)


def take_text(data, at):
    length, = struct.unpack_from(">H", data, at)
    return data[at + 2:at + 2 + length].decode(), at + 2 + length


def take(data, at):
    kind, at = data[at], at + 1
    if kind == 0:
        return struct.unpack_from(">d", data, at)[0], at + 8
    if kind == 1:
        return data[at], at + 1
    if kind == 2:
        return take_text(data, at)
    if kind != 3:
        return None, at
    fields = {}
    while data[at:at + 3] != b"\x00\x00\x09":
        key, at = take_text(data, at)
        fields[key], at = take(data, at)
    return fields, at + 3


def video_of(path):
    """(milliseconds, payload) of each video tag."""
    with open(path, "rb") as file:
        data = file.read()
    at = 9 + 4
    while at + 11 <= len(data):
        size = int.from_bytes(data[at + 1:at + 4], "big")
        milliseconds = int.from_bytes(data[at + 7:at + 8] + data[at + 4:at + 7], "big")
        if data[at] == 9:
            yield milliseconds, data[at + 11:at + 11 + size]
        at += 11 + size + 4


class Caller(socketserver.StreamRequestHandler):
    def shake_hands(self):
        hello = self.rfile.read(1537)
        self.wfile.write(b"\x03" + bytes(8) + os.urandom(1528) + hello[1:])
        self.rfile.read(1536)

    def messages(self):
        """(kind, body) of each message that comes."""
        rows = {}  # of each chunk stream: length, kind, what came of the body
        while head := self.rfile.read(1):
            stream, form = head[0] & 63, head[0] >> 6
            row = rows.setdefault(stream, [0, 0, b""])
            fields = self.rfile.read((11, 7, 3, 0)[form])
            if form < 2:
                row[:2] = int.from_bytes(fields[3:6], "big"), fields[6]
            row[2] += self.rfile.read(min(CHUNK, row[0] - len(row[2])))
            if len(row[2]) == row[0]:
                yield row[1], row[2]
                row[2] = b""

    def send(self, kind, body, milliseconds=0, stream=0, channel=3):
        head = milliseconds.to_bytes(3, "big") + len(body).to_bytes(3, "big") + bytes([kind])
        out = bytes([channel]) + head + struct.pack("<I", stream)
        parts = [body[at:at + CHUNK] for at in range(0, len(body), CHUNK)]
        self.wfile.write(out + bytes([0xc0 | channel]).join(parts))

    def command(self, *values, stream=0):
        self.send(20, b"".join(map(amf, values)), stream=stream)

    def may_see(self, app):
        """None, or why not, as Adobe's servers say it."""
        fields = dict(field.partition("=")[::2] for field in app.partition("?")[2].split("&"))
        if fields.get("authmod") != "adobe":
            return "[ code=403 need auth; authmod=adobe ]"
        if "response" not in fields:
            return (f"[ authmod=adobe ] : ?reason=needauth&user={fields['user']}&salt={SALT}"
                    f"&challenge={CHALLENGE}&opaque={CHALLENGE}")
        proof = md5(md5(USER + SALT + PASSWORD) + CHALLENGE + fields["challenge"])
        good = fields["user"] == USER and fields["response"] == proof
        return None if good else "[ authmod=adobe ] : ?reason=authfailed"

    def play(self):
        self.command("onStatus", 0, None, {"level": "status", "code": "NetStream.Play.Start"}, stream=1)
        begun, offset, last = time.monotonic(), 0, 0
        while True:
            for milliseconds, payload in video_of(FLV):
                last = offset + milliseconds
                time.sleep(max(0, begun + last / 1000 - time.monotonic()))
                self.send(9, payload, last, 1, 6)
            offset = last + 100

    def handle(self):
        try:
            self.shake_hands()
            for kind, body in self.messages():
                if kind != 20:
                    continue
                name, at = take(body, 0)
                number, at = take(body, at)
                if name == "connect":
                    reason = self.may_see(take(body, at)[0]["app"])
                    if reason:
                        self.command("_error", number, None,
                                     {"level": "error", "code": "NetConnection.Connect.Rejected",
                                      "description": f"[ AccessManager.Reject ] : {reason}"})
                        return
                    self.command("_result", number, None, {"code": "NetConnection.Connect.Success"})
                elif name == "createStream":
                    self.command("_result", number, None, 1)
                elif name == "play":
                    self.play()
                    return
        except (ConnectionError, struct.error):
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads = True, True


with Server(("127.0.0.1", PORT), Caller) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
