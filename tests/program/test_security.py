# SPDX-License-Identifier: Apache-2.0
"""Who gets in, what is told, and how pictures go away: the whole program from outside."""
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import socket
import ssl
import stat
import subprocess
import time
import unittest
import warnings

from support import PATTERN, ROOT, Case, run

SECRET = "opensesame-4711"


def own_address():
    """An IPv4 address of this machine that is not loopback, or None."""
    for word in subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split():
        if "." in word and not word.startswith("127."):
            return word
    return None


def ask(base, path, key=None, method="GET", body=None, headers=None, context=None):
    """Status, headers and body, whatever the status."""
    scheme, place = base.split("://")
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    connection = kind(place, timeout=10, **({"context": context} if context else {}))
    sent = dict(headers or {})
    if key:
        sent["Authorization"] = f"Bearer {key}"
    try:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


class Security(Case):
    def begin(self, *words, env=None, listen="127.0.0.1:0"):
        live = self.start("--listen", listen, "--output", self.folder / "d", "--profile-interval", "1",
                          *words, env=env)
        live.url("/")
        self.base = re.search(r"https?://\S+:\d+", live.log.read_text()).group(0)
        return live

    def key(self, role):
        return (self.folder / "d.state" / f"{role}.key").read_text().strip()

    def status(self, path, key=None, **more):
        return ask(self.base, path, key, **more)[0]


class Access(Security):
    def guards(self):
        read, write = self.key("read"), self.key("write")
        self.assertEqual(self.status("/api/v1/status"), 401)
        self.assertEqual(self.status("/api/v1/status", "0" * 64), 401)
        self.assertEqual(self.status(f"/api/v1/status?key={read}"), 401)
        self.assertEqual(self.status("/healthz"), 200)
        self.assertEqual(self.status("/api/v1/status", read), 200)
        self.assertEqual(self.status("/metrics", read), 200)
        self.assertEqual(self.status("/api/v1/generate", read, method="POST", body="{}"), 403)
        self.assertNotIn(self.status("/api/v1/generate", write, method="POST", body="{}"), (401, 403))

    def test_loopback_needs_no_key(self):
        live = self.begin("--source", PATTERN)
        self.assertEqual(self.status("/api/v1/status"), 200)
        self.assertEqual(self.status("/metrics"), 200)
        self.assertEqual(sorted(p.suffix for p in (self.folder / "d.state").iterdir()
                                if p.suffix == ".key"), [])
        self.assertEqual(live.stop(), 0)

    def test_loopback_asks_for_a_key_where_told_to(self):
        live = self.begin("--source", PATTERN, "--require-key")
        self.guards()
        before = self.key("read")
        self.assertEqual(live.stop(), 0)
        live = self.begin("--source", PATTERN, "--require-key")
        self.assertEqual(self.key("read"), before)
        self.assertEqual(live.stop(), 0)

    def test_other_addresses_always_ask(self):
        address = own_address()
        if not address:
            self.skipTest("this machine has no address but loopback: listening elsewhere was not tried")
        live = self.begin("--source", PATTERN, "--connections-per-address", "8", listen=f"{address}:0")
        self.guards()
        self.assertIn("unencrypted", live.log.read_text())
        # The ninth connection is closed; those of before may take a moment to be gone.
        answered = 0
        for _ in range(20):
            answered = self.answered(12)
            self.assertLessEqual(answered, 8)
            if answered == 8:
                break
            time.sleep(0.2)
        self.assertEqual(answered, 8)
        self.assertEqual(live.stop(), 0)

    def answered(self, count):
        """How many of so many connections held at the same time are served."""
        host, port = self.base.removeprefix("http://").split(":")
        held, answered = [socket.create_connection((host, int(port)), timeout=5) for _ in range(count)], 0
        for one in held:
            try:
                one.sendall(b"GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n" % host.encode())
                answered += one.recv(12) == b"HTTP/1.1 200"
            except OSError:
                pass
        for one in held:
            one.close()
        return answered

    def test_no_keys_without_a_folder_for_them(self):
        done = run("run", "--source", PATTERN, "--listen", "0.0.0.0:0", "--state-dir", "none", "--output",
                   self.folder / "d")
        self.refuses(done, 2, "--key-dir")
        keys = self.folder / "keys"
        live = self.begin("--source", PATTERN, "--require-key", "--state-dir", "none", "--key-dir", keys)
        self.assertEqual(self.status("/api/v1/status", (keys / "read.key").read_text().strip()), 200)
        self.assertEqual(live.stop(), 0)

    def test_hosts_and_origins(self):
        live = self.begin("--source", PATTERN, "--host", "cams.example")
        post = {"method": "POST", "body": "{}"}
        self.assertEqual(self.status("/healthz", headers={"Host": "cams.example:80"}), 200)
        self.assertEqual(self.status("/healthz", headers={"Host": "evil.example"}), 403)
        self.assertEqual(self.status("/api/v1/generate", **post,
                                     headers={"Origin": "http://evil.example"}), 403)
        self.assertNotEqual(self.status("/api/v1/generate", **post, headers={"Origin": self.base}), 403)
        self.assertEqual(live.stop(), 0)

    def test_limits(self):
        live = self.begin("--source", PATTERN, "--requests-per-minute", "80")
        self.assertEqual(self.status("/api/v1/generate", method="POST", body=b"x" * 70000), 413)
        self.assertIn(self.status("/healthz", headers={"X-Long": "x" * 40000}), (413, 431))
        answers = [ask(self.base, "/api/v1/status") for _ in range(40)]
        self.assertEqual(answers[0][0], 200)
        refused = [answer for answer in answers if answer[0] == 429]
        self.assertGreaterEqual(len(refused), 1)
        _, headers, body = refused[-1]
        self.assertGreaterEqual(int(headers["Retry-After"]), 1)
        self.assertEqual(json.loads(body)["error"]["code"], "ERR_BUSY")
        with socket.create_connection(("127.0.0.1", int(self.base.rsplit(":", 1)[1])), 10) as stream:
            stream.sendall(b"GET /api/v1/streams/source.mjpeg HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual(stream.recv(12), b"HTTP/1.1 200")  # streams are not counted
        self.assertEqual(live.stop(), 0)

    def test_keys_are_compared_in_constant_time(self):
        """The one place that decides uses no comparison that ends early."""
        source = (ROOT / "src" / "http" / "access.c").read_text()
        for function in ("ifl_access_key_role", "find_session", "ifl_same_key"):
            body = re.search(rf"\n\S[^;\n]*\b{function}\([^;]*?\n{{\n.*?\n}}", source, re.S).group(0)
            self.assertNotRegex(body, r"\b(mem|str)n?(case)?cmp\(|\bbreak\b")
            if function != "ifl_same_key":
                self.assertIn("ifl_same_key(", body)


class Tls(Security):
    def certificate(self, name):
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        return cert, key

    def test_https(self):
        cert, key = self.certificate("one")
        live = self.start("--source", PATTERN, "--listen", "127.0.0.1:0", "--output", self.folder / "d",
                          "--require-key", "--tls-cert", cert, "--tls-key", key)
        live.wait_until(lambda: "https://" in live.log.read_text() and
                        (self.folder / "d.state" / "write.key").exists(), 20, "https")
        self.base = re.search(r"https://\S+:\d+", live.log.read_text()).group(0)
        trust = ssl.create_default_context(cafile=cert)
        read = self.key("read")
        self.assertEqual(ask(self.base, "/api/v1/status", read, context=trust)[0], 200)
        self.assertEqual(ask(self.base, "/api/v1/status", context=trust)[0], 401)
        status, headers, _ = ask(self.base, "/api/v1/session", method="POST", context=trust,
                                 body=json.dumps({"key": read}))
        self.assertEqual(status, 200)
        for word in ("Secure", "HttpOnly", "SameSite=Strict"):
            self.assertIn(word, headers["Set-Cookie"])
        with self.assertRaises((http.client.HTTPException, OSError)):  # plain HTTP gets no answer
            ask(self.base.replace("https", "http"), "/healthz")
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is old is the point
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises((ssl.SSLError, OSError)):
            ask(self.base, "/healthz", context=old)
        live.wait_until(lambda: ask(self.base, "/api/v1/streams/source.jpeg", read, context=trust)[0] == 200,
                        20, "a picture over TLS")
        self.assertEqual(live.stop(), 0)

    def test_wrong_files(self):
        cert, key = self.certificate("one")
        _, other = self.certificate("two")
        for words, hints in ((("--tls-cert", cert), ("--tls-key",)),
                             (("--tls-key", key), ("--tls-cert",)),
                             (("--tls-cert", cert, "--tls-key", other), ("not that of",)),
                             (("--tls-cert", key, "--tls-key", key), ("no certificate",)),
                             (("--tls-cert", self.folder / "none", "--tls-key", key), ("none",))):
            done = run("run", "--source", PATTERN, "--listen", "127.0.0.1:0", "--output", self.folder / "d",
                       *words)
            self.assertIn(done.returncode, (2, 3), done.stderr)
            self.refuses(done, done.returncode, *hints)


class Secrets(Security):
    def test_arguments_take_none(self):
        for word in (f"rtsp://joe:{SECRET}@127.0.0.1/x", f"cam=http://joe:{SECRET}@127.0.0.1/x",
                     f"srt://127.0.0.1:9?mode=listener&passphrase={SECRET}",
                     f"http://127.0.0.1/video?user=joe&Pwd={SECRET}",
                     f"rtsp://joe:p/{SECRET}@127.0.0.1/x"):
            more = (("run", f"--source={word}"), (f"--sauce={word}",), (word,), ("profile", word, "-o", "x"),
                    ("config", "show", "--crop", word)) if word.startswith("cam=") else ()
            for words in (("run", "--source", word), ("probe", word), *more):
                done = run(*words, cwd=self.folder)
                self.refuses(done, 2, "INFERLOOP_SOURCE", "--config", "standard input")
                self.assertNotIn(SECRET, done.stdout + done.stderr)
        for word in ("rtsp://joe@127.0.0.1:1/x", "http://127.0.0.1:1/a?mode=fast", "srt://127.0.0.1:1"):
            done = run("probe", word, "--open-timeout", "1")
            self.assertNotIn("INFERLOOP_SOURCE", done.stderr)
        done = run("probe", "-", stdin=f"rtsp://joe:{SECRET}@127.0.0.1:1/x\n")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertNotIn(SECRET, done.stdout + done.stderr)
        self.refuses(run("probe", "-", stdin=""), 2, "standard input")

    def planted(self):
        """A run with a secret in each place that takes one; returns it and all secrets."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        config = self.folder / "config.yaml"
        config.write_text(f"open_timeout: 1\nread_timeout: 1\nsource:\n"
                          f"  - good={PATTERN}\n"
                          f"  - rtsp://joe:{SECRET}-file@127.0.0.1:{port}/x\n"
                          f"  - http://127.0.0.1:{port}/y?token={SECRET}-query\n")
        live = self.begin("--config", config, "--require-key", "--log-level", "debug", "--privacy", "verbatim",
                          "--generate-interval", "1")
        secrets = [SECRET, self.key("read"), self.key("write")]
        return live, secrets

    def test_none_is_told(self):
        live, secrets = self.planted()
        write = secrets[2]
        status, headers, body = ask(self.base, "/api/v1/session", method="POST", body=f"key={write}",
                                    headers={"Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(status, 303)
        self.assertNotIn(write, str(headers) + body.decode())
        session = re.search(r"=([0-9a-f]{64});", headers["Set-Cookie"]).group(1)
        cookie = {"Cookie": headers["Set-Cookie"].split(";")[0]}
        secrets.append(session)
        live.wait_until(lambda: json.loads(ask(self.base, "/api/v1/images", write)[2])["images"], 20,
                        "an image")
        live.wait_until(lambda: all(s["state"] in ("broken", "live") for s in json.loads(
            ask(self.base, "/api/v1/sources", write)[2])["sources"]), 15, "broken sources")
        said = []
        routes = json.loads(ask(self.base, "/api/v1", write)[2])["routes"]
        self.assertGreater(len(routes), 15)
        for route in routes:
            path = route["path"].replace("{name}", "nothing")
            if path.endswith(".mjpeg") or path.endswith("/events"):
                continue
            body = None if route["method"] == "GET" else "{"
            for who in ({}, {"Authorization": f"Bearer {write}"}, cookie,
                        {"Authorization": f"Bearer {write[:-1]}"}):
                if route["method"] == "DELETE" and who is cookie:
                    continue
                status, headers, content = ask(self.base, path, method=route["method"], body=body,
                                               headers=who)
                said += [str(headers).encode(), content]
        for path in ("/metrics", "/api/v1/nothing", f"/api/v1/status?key={write[:8]}"):
            said.append(ask(self.base, path, write)[2])
        command = pathlib.Path(f"/proc/{live.process.pid}/cmdline").read_bytes()
        environment = pathlib.Path(f"/proc/{live.process.pid}/environ").read_bytes()
        self.assertEqual(live.stop(), 0)
        said += [command, live.log.read_bytes(), live.out.read_bytes()]
        for path in self.folder.rglob("*"):
            said.append(path.name.encode())
            if path.is_file() and path.name not in ("config.yaml", "read.key", "write.key"):
                said.append(path.read_bytes())
        self.assertGreater(len(said), 100)
        for secret in secrets:
            for text in said:
                self.assertNotIn(secret.encode(), text)
            self.assertNotIn(secret.encode(), environment)

    def test_none_is_told_by_commands(self):
        env = {"INFERLOOP_SOURCE": f"rtsp://joe:{SECRET}@127.0.0.1:1/x"}
        for words, more in ((("config", "show"), env), (("config", "show", "--json"), env),
                            (("run", "--listen", "none", "--duration", "2", "--output",
                              self.folder / "d"), env),
                            (("config", "show"), {"SOURCE_TYPE": f"rtsp://joe:{SECRET}@127.0.0.1/x"}),
                            (("config", "show"), {"INFERLOOP_CROP": f"http://j:{SECRET}@127.0.0.1/x"}),
                            (("run",), {"INFERLOOP_PRIVACY": f"http://j:{SECRET}@127.0.0.1/x"})):
            done = run(*words, env=more, cwd=self.folder)
            self.assertTrue(done.stdout + done.stderr)
            self.assertNotIn(SECRET, done.stdout + done.stderr)


class Pictures(Security):
    def keep(self, *names):
        """A state folder with a profile of each name, as a run leaves it."""
        words = [word for name in names for word in ("--source", f"{name}={PATTERN}")]
        live = self.begin(*words)
        began = time.monotonic()

        def frames(name):
            status, _, body = ask(self.base, f"/api/v1/profile?source={name}")
            return json.loads(body)["memory"]["frames"] if status == 200 else 0
        # Long enough that the last second is not all there is.
        live.wait_until(lambda: time.monotonic() - began > 5 and
                        min(frames(name) for name in names) > 45, 30, "profiles")
        self.assertEqual(live.stop(), 0)
        self.state = self.folder / "d.state"
        self.assertEqual(sorted(p.name for p in self.state.glob("*.iflprof")),
                         sorted(f"{name}.iflprof" for name in names))

    def erase(self, *words):
        done = run("erase", "--state-dir", self.state, "--json", *words)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return json.loads(done.stdout)

    def test_modes(self):
        self.begin("--source", PATTERN, "--require-key").stop()
        self.keep("cam")
        self.assertEqual(stat.S_IMODE(os.stat(self.state).st_mode), 0o700)
        for path in self.state.iterdir():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path)

    def test_erase(self):
        self.keep("gate", "yard")
        def frames(name):
            shown = json.loads(run("profile", "show", self.state / f"{name}.iflprof", "--json").stdout)
            return shown["memory"]["frames"], shown
        whole, shown = frames("yard")
        self.assertGreater(whole, 40)
        # Later than every picture: nothing goes.
        nothing = self.erase("--since", "2150-01-01")
        self.assertEqual((nothing["pictures_erased"], nothing["files_left"]), (0, 2))
        # The last second of one source.
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.newest(shown) - 1))
        some = self.erase("--source", "yard", "--since", since)
        self.assertEqual(some["sources"], ["yard"])
        self.assertGreater(some["pictures_erased"], 0)
        self.assertEqual(frames("yard")[0] + some["pictures_erased"], whole)
        self.assertEqual(frames("gate")[0] > 40, True)
        # What is left still generates.
        done = run("generate", "--profile", self.state / "yard.iflprof", "-o", self.folder / "g", timeout=60)
        self.assertIn(done.returncode, (0, 15), done.stderr)
        torn = self.state / ".gate.iflprof.abcdef"
        torn.write_bytes(b"pictures")
        kept = len(list(self.state.glob("gate.ifl*")))  # its statistics, what drift and health know, too
        gone = self.erase("--source", "gate")
        self.assertEqual((gone["files_erased"], gone["sources"]), (kept, ["gate"]))
        self.assertEqual(list(self.state.glob("gate.ifl*")), [])
        self.assertFalse(torn.exists())
        self.assertFalse((self.state / "gate.iflprof").exists())
        (self.state / "yard.iflprof").write_bytes(b"damaged")  # goes with all, although unreadable
        self.erase()
        self.assertEqual(list(self.state.glob("*.ifl*")), [])
        self.refuses(run("erase", "--state-dir", self.state, "--source", "gate"), 3, "gate")
        self.refuses(run("erase", "--state-dir", self.folder / "no"), 3, "state folder")
        self.refuses(run("erase", "--state-dir", self.state, "--since", "yesterday"), 2, "UTC")
        self.refuses(run("erase", "--state-dir", self.state, "--since", "2024-01-02", "--until",
                         "2024-01-01"), 2, "before")
        self.refuses(run("erase", "--state-dir", self.state, "--since", "2999-01-01"), 2, "UTC")
        self.refuses(run("erase", "--state-dir", "none"), 2, "--state-dir")

    @staticmethod
    def newest(shown):
        """Seconds since 1970 of the profile's last frame."""
        text = json.dumps(shown)
        times = re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", text)
        return max(time.mktime(time.strptime(t + " UTC", "%Y-%m-%dT%H:%M:%S %Z")) for t in times) - time.timezone

    def test_nothing_is_erased_under_a_running_pipeline(self):
        live = self.begin("--source", PATTERN)
        done = run("erase", "--state-dir", self.folder / "d.state")
        self.refuses(done, 12, "stop it first")
        self.assertEqual(live.stop(), 0)

    def test_retention(self):
        self.keep("cam")
        kept = self.state / "cam.iflprof"
        old = time.time() - 3600
        # One second: the file that was left behind goes at the start, and memory holds a second.
        os.utime(kept, (old, old))
        time.sleep(1.1)
        live = self.begin("--source", f"other={PATTERN}", "--retention", "0.0003")
        self.assertFalse(kept.exists())
        def frames():
            return json.loads(ask(self.base, "/api/v1/profile")[2])["memory"]["frames"]
        live.wait_until(lambda: ask(self.base, "/api/v1/profile")[0] == 200 and frames() > 5, 10, "frames")
        time.sleep(2.5)
        self.assertLess(frames(), 60)  # 30 a second, published each second
        self.assertEqual(live.stop(), 0)


if __name__ == "__main__":
    unittest.main()
