# SPDX-License-Identifier: Apache-2.0
"""Clients of a running server, many at a time, bounded in number and time; loopback alone.

As a program of its own (`load.py PORT SECONDS MJPEG EVENTS STALLED`) it holds the streams, so that reading
them costs no latency where requests are measured; it prints what it saw as JSON.
"""
import http.client
import json
import random
import selectors
import socket
import sys
import threading
import time

MOST = 320  # clients
BOUNDARY = b"--inferloop-picture"
STREAMS = ("/api/v1/streams/source.mjpeg", "/api/v1/streams/synthetic.mjpeg")
EVENTS = "/api/v1/events"
STALL_S = 20  # a client that never reads is cut off by then, and comes back


class Stream:
    def __init__(self, port, path, stalled):
        self.port, self.path, self.stalled = port, path, stalled
        self.count, self.bytes, self.refused, self.closed = 0, 0, 0, 0
        self.socket, self.tail, self.begun = None, b"", 0.0

    def connect(self):
        self.socket = socket.socket()
        if self.stalled:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", self.port))
        self.socket.sendall(f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        self.socket.setblocking(False)
        self.begun, self.tail = time.monotonic(), b""

    def take(self):
        """Reads what is there; False when it has ended."""
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return True
        except ConnectionError:
            data = b""
        if not data:
            return False
        if not self.bytes and not data.startswith(b"HTTP/1.1 200"):
            self.refused += 1
        mark = BOUNDARY if self.path != EVENTS else b"\nevent: "
        seen = self.tail + data
        self.count += seen.count(mark)
        self.tail = seen[-(len(mark) - 1):]
        self.bytes += len(data)
        return True


def hold_streams(port, seconds, mjpeg, events, stalled):
    assert mjpeg + events + stalled <= MOST
    paths = [STREAMS[i % 2] for i in range(mjpeg)] + [EVENTS] * events
    streams = [Stream(port, path, False) for path in paths]
    still = [Stream(port, (*STREAMS, EVENTS)[i % 3], True) for i in range(stalled)]
    selector = selectors.DefaultSelector()
    for stream in still + streams:
        stream.connect()
        if not stream.stalled:
            selector.register(stream.socket, selectors.EVENT_READ, stream)
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        for key, _ in selector.select(0.2):
            if not key.data.take():
                selector.unregister(key.fileobj)
                key.fileobj.close()
                key.data.closed += 1
        for stream in still:
            if now - stream.begun > STALL_S:
                stream.socket.close()
                stream.connect()
    return {path: {"clients": len(of), "closed": sum(s.closed for s in of), "refused": sum(s.refused for s in of),
                   "least": min(s.count for s in of) / seconds,
                   "mean": sum(s.count for s in of) / len(of) / seconds,
                   "megabytes": sum(s.bytes for s in of) / 1e6}
            for path in sorted({s.path for s in streams}) if (of := [s for s in streams if s.path == path])}


class Requests:
    """One route after another at a steady pace, on a few kept connections; latencies by route."""

    def __init__(self, port, routes, per_second, threads):
        self.port, self.routes = port, routes
        self.period, self.lock = threads / per_second, threading.Lock()
        self.latencies, self.statuses = {}, {}
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(i,)) for i in range(threads)]

    def ask(self, connection, method, path, body=None):
        begun = time.monotonic()
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            status = type(error).__name__
        with self.lock:
            self.latencies.setdefault(f"{method} {path}", []).append(time.monotonic() - begun)
            self.statuses[status] = self.statuses.get(status, 0) + 1

    def work(self, index):
        pick = random.Random(index)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        due = time.monotonic() + pick.uniform(0, self.period)
        while not self.stopping.wait(max(0, due - time.monotonic())):
            self.ask(connection, "GET", pick.choice(self.routes))
            due += self.period
        connection.close()

    def generate(self):
        """One image after another, each as soon as the last is there."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        seed = 0
        while not self.stopping.is_set():
            seed += 1
            self.ask(connection, "POST", "/api/v1/generate",
                     json.dumps({"seed": seed, "privacy": "verbatim", "deadline_seconds": 30}))
        connection.close()

    def start(self):
        self.threads.append(threading.Thread(target=self.generate))
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(90)


if __name__ == "__main__":
    print(json.dumps(hold_streams(int(sys.argv[1]), float(sys.argv[2]), *map(int, sys.argv[3:6]))))
