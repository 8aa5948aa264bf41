# SPDX-License-Identifier: Apache-2.0
"""Cameras that fail in every way on command: motion JPEG and MPEG-TS over HTTP, each a thread of this
process. What they play is made once by the ffmpeg program."""
import pathlib
import random
import socket
import subprocess
import threading
import time

FAULTS = ("kill", "hang", "refuse", "garbage", "slow", "half", "storm", "jump")
RATE, SECONDS = 10, 4  # of what is played
SILENCE_S = 0.1        # between two looks at the mode of a stream that says nothing


def make_pictures(folder):
    """The JPEG pictures of one round."""
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i",
                    f"testsrc2=s=160x120:r={RATE}", "-frames:v", str(RATE * SECONDS), folder / "%03d.jpg"],
                   check=True, timeout=60)
    return [path.read_bytes() for path in sorted(pathlib.Path(folder).glob("*.jpg"))]


def make_stream(folder, offset):
    """One round of MPEG-TS whose clock begins at `offset` seconds, cut into one part a picture."""
    path = folder / f"{offset}.ts"
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i",
                    f"testsrc2=s=160x120:r={RATE}:d={SECONDS}", "-c:v", "libx264", "-preset", "ultrafast",
                    "-tune", "zerolatency", "-g", "5", "-bf", "0", "-pix_fmt", "yuv420p",
                    "-output_ts_offset", str(offset), "-f", "mpegts", path], check=True, timeout=60)
    data, parts = path.read_bytes(), RATE * SECONDS
    packets = len(data) // 188
    cuts = [packets * i // parts * 188 for i in range(parts)] + [len(data)]
    return [data[cuts[i]:cuts[i + 1]] for i in range(parts)]


class Camera:
    """Plays `rounds` (one list of parts, or two: the second one's clock is elsewhere) until told otherwise."""

    def __init__(self, kind, rounds, seed):
        self.kind, self.rounds, self.random = kind, rounds, random.Random(seed)
        self.mode, self.sent, self.broken, self.callers = "good", 0, False, set()
        self.listener, self.port, self.over = None, 0, False
        self.listen()

    def listen(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            self.callers.add(caller)
            threading.Thread(target=self.serve, args=(caller,), daemon=True).start()

    def drop_callers(self):
        for caller in list(self.callers):
            try:
                caller.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def fail(self, fault):
        self.mode = fault
        if fault == "refuse":
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
        if fault in ("kill", "refuse", "storm"):
            self.drop_callers()

    def mend(self):
        was, self.mode = self.mode, "good"
        if was == "refuse":
            self.listen()
        if was in ("hang", "garbage", "half", "slow"):
            self.drop_callers()

    def stop(self):
        self.over = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.drop_callers()

    # ---- one caller ----

    def serve(self, caller):
        try:
            caller.settimeout(5)
            caller.recv(4096)
            if self.mode == "kill":
                return
            while self.mode == "hang" and not self.over:
                time.sleep(SILENCE_S)
            if self.mode == "storm":
                caller.sendall(b'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n'
                               b"Connection: close\r\n\r\n")
                return
            kind = b"multipart/x-mixed-replace; boundary=cut" if self.kind == "mjpeg" else b"video/mp2t"
            caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\n\r\n")
            self.play(caller)
        except OSError:
            pass
        finally:
            self.callers.discard(caller)
            caller.close()

    def play(self, caller):
        due, turn = time.monotonic(), 0
        while not self.over:
            mode = self.mode
            if mode == "hang":
                time.sleep(SILENCE_S)
                due = time.monotonic()
                continue
            parts = self.rounds[mode == "jump" and len(self.rounds) > 1]
            caller.sendall(self.dress(parts[turn % len(parts)], mode))
            self.sent += mode in ("good", "jump")
            turn += 1
            due += 1 / RATE if mode != "slow" else self.random.uniform(0.5, 4)
            time.sleep(max(0, due - time.monotonic()))

    def dress(self, part, mode):
        if mode == "garbage":
            part = self.random.randbytes(len(part) // 188 * 188)
        if mode == "half":
            part = part[:len(part) // 2]
        if self.kind != "mjpeg":
            return part
        return b"--cut\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(part), part)
