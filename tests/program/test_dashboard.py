# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser: it is live, shows, makes, changes, recovers, on a phone and in the dark.

With INFERLOOP_SCREENSHOTS=FOLDER it also writes page.png, page-dark.png and page-phone.png there, of the
real clip after a minute.
"""
import os
import pathlib
import shutil
import socket
import tempfile
import time
import unittest

from support import CLIP, Case, Live

try:
    from selenium import webdriver
    from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.keys import Keys
except ImportError:
    webdriver = None

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
QUICK = ("--source", "cam=pattern:size=240x180,rate=15,objects=3", "--profile-interval", "2",
         "--generate-interval", "1", "--size", "128x96", "--privacy", "verbatim", "--state-dir", "none")


def start_browser(folder):
    if not webdriver or not os.path.exists(CHROMIUM) or not os.path.exists(DRIVER):
        raise unittest.SkipTest("the page was not tried in a browser: install chromium, chromium-driver and "
                                "python3-selenium, and run with /usr/bin/python3")
    options = Options()
    options.binary_location = CHROMIUM
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                 "--disable-background-networking", f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    try:
        browser = webdriver.Chrome(service=Service(DRIVER), options=options)
    except WebDriverException as error:
        raise unittest.SkipTest(f"the page was not tried in a browser, chromium does not start: {error.msg}")
    browser.set_page_load_timeout(30)
    browser.set_script_timeout(30)
    return browser


class Browsing:
    """What tests do with a browser; `browser` and `live` are set."""

    def resize(self, width, height, scale=1):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 500})
        self.browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})

    def colours(self, scheme):
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def js(self, script, *values):
        return self.browser.execute_script(script, *values)

    def find(self, selector):
        return self.browser.find_element("css selector", selector)

    def text(self, selector):
        return self.js("return document.querySelector(arguments[0])?.textContent ?? ''", selector)

    def focused(self):
        return self.js("return document.activeElement.id")

    def press(self, *keys):
        webdriver.ActionChains(self.browser).send_keys(*keys).perform()

    def until(self, condition, seconds=20, what="what was waited for"):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                found = condition()
                if found:
                    return found
            except (StaleElementReferenceException, IndexError):
                pass
            time.sleep(0.1)
        raise AssertionError(f"{what} did not come in {seconds} s; the page says {self.text('#state')!r}, "
                             f"{self.browser.get_log('browser')}")

    def open(self):
        self.browser.get(self.live.url("/"))
        self.until(lambda: self.text("#state") == "Live", what="the state Live")


class Dashboard(Browsing, unittest.TestCase):
    """One program and one browser for all of these tests; each begins with a fresh page."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="inferloop-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.browser = start_browser(cls.folder / "browser")
        cls.addClassCleanup(cls.browser.quit)
        cls.live = Live(cls.folder, (*QUICK, "--listen", "127.0.0.1:0", "--output", cls.folder / "d"))
        cls.addClassCleanup(cls.live.kill)
        cls.live.wait_until(lambda: cls.live.json("/api/v1/status")["images"]["delivered"] >= 2, 20, "images")

    def setUp(self):
        self.resize(1440, 1000)
        self.colours("light")
        self.browser.get_log("browser")
        self.open()

    def tearDown(self):
        forbidden = [entry["message"] for entry in self.browser.get_log("browser")
                     if "Content Security Policy" in entry["message"] or "Uncaught" in entry["message"]]
        self.assertEqual(forbidden, [])

    def picture(self, selector):
        return self.find(selector).screenshot_as_base64

    def test_both_live_pictures_move(self):
        for selector in ("#live", "#made"):
            self.until(lambda: self.js("return document.querySelector(arguments[0]).naturalWidth", selector) > 0,
                       what="a picture in " + selector)
            first = self.picture(selector)
            self.until(lambda: self.picture(selector) != first, what="another picture in " + selector)
        self.assertIn("Live picture of the source cam", self.find("#live").get_attribute("alt"))
        self.assertIn("frames/s", self.text("#live-facts"))

    def test_charts_fill_and_are_told_in_words(self):
        for key in ("brightness_mean", "contrast_mean", "color_temperature", "laplacian_variance", "objects"):
            def points():
                return self.js("return document.querySelector(arguments[0])?.getAttribute('d') ?? ''",
                               f"#chart-{key} .line").count("L")
            before = self.until(points, what=f"a chart of {key}")
            self.until(lambda: points() > before, what=f"more points of {key}")
            self.assertIn("Z", self.find(f"#chart-{key} .band").get_attribute("d"))
            self.assertRegex(self.find(f"#chart-{key} svg").get_attribute("aria-label"), r"now [0-9.,]+")
            self.assertRegex(self.text(f"#chart-{key} .now"), r"[0-9]")

    def test_figures_flow_and_checks(self):
        self.until(lambda: "/s" in self.text("#steps .rate"), what="a rate")
        steps = self.js("return [...document.querySelectorAll('#steps tr')].map((row) => row.cells[0].textContent)")
        self.assertEqual(steps, ["source → ingest", "ingest → profile", "request → generate",
                                 "generate → validate", "validate → deliver"])
        self.assertRegex(self.text("#tile-age b"), r"\d s")
        self.assertRegex(self.text("#ledger-delivered"), r"\d")
        self.assertIn("sharpness", self.text("#rejections"))
        self.until(lambda: "delivered" in self.text("#audit-of"), what="an audit")
        audit = self.js("return [...document.querySelectorAll('#audit-rolling tr')].map((row) => "
                        "[...row.cells].map((cell) => cell.textContent))")
        self.assertEqual([row[0] for row in audit], [
            "From a single event", "Seen in an event", "Seen in 2 or more", "Seen in 4 or more",
            "Copied region, pixels", "To the nearest real frame, grey levels"])
        of = self.live.json("/api/v1/sources")["sources"][0]["audit"]
        self.assertGreaterEqual(of["verdicts"]["none"], 2)
        for row in audit[4:]:  # known of every image
            self.assertRegex(row[1], r"^[0-9.,]+$")
            self.assertRegex(row[2], r"^[0-9.,]+$")
        metrics = self.live.get("/metrics").decode()
        for name in ('audit_images{source="cam",verdict="none"}', 'audit_verbatim_pixels{source="cam",statistic="worst"}',
                     'audit_support{source="cam",events="4",statistic="median"}'):
            self.assertIn("inferloop_" + name, metrics)
        self.assertIn("last good frame", self.text("#sources"))

    def submit(self):
        def done():
            if "Not now" in self.text("#result"):  # a busy machine has a queue; people press again, too
                self.js("document.getElementById('result').replaceChildren()")
                self.find("#go").click()
            return self.js("return document.getElementById('result').childElementCount")
        self.js("document.getElementById('result').replaceChildren()")
        self.find("#go").click()
        self.until(done, 30, "a result")

    def test_the_form_makes_an_image_with_the_asked_brightness(self):
        for asked in (0.3, 0.6):
            self.until(lambda: self.js("return document.getElementById('brightness')"), what="the targets")
            self.find("#brightness").clear()
            self.find("#brightness").send_keys(str(asked))
            self.find("#seed").clear()
            self.find("#seed").send_keys("7")
            self.submit()
            self.assertIn("Made with seed", self.text("#result"))
            mean = self.browser.execute_async_script("""
                const done = arguments[0], image = document.querySelector('#result img');
                image.decode().then(() => {
                  const canvas = document.createElement('canvas');
                  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
                  const context = canvas.getContext('2d');
                  context.drawImage(image, 0, 0);
                  const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
                  let sum = 0;
                  for (let i = 0; i < data.length; i += 4)
                    sum += 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
                  done(sum / (data.length / 4) / 255);
                }, (error) => done(String(error)));""")
            self.assertAlmostEqual(mean, asked, delta=0.04)
        name = self.find("#result").get_attribute("data-file")
        self.until(lambda: self.js("return document.querySelector(`#strip [data-name='${arguments[0]}']`)", name),
                   what="the image among the recent ones")

    def test_every_target_has_a_field_with_its_range(self):
        targets = self.live.json("/api/v1/config")["targets"]
        self.assertIn("occupancy", [target["name"] for target in targets])
        fields = self.until(lambda: self.js(
            "return [...document.querySelectorAll('#targets input')].map((field) => [field.id, field.min, field.max, "
            "field.labels[0]?.textContent, document.getElementById(field.getAttribute('aria-describedby'))?.textContent])"),
            what="the targets")
        self.assertEqual([(field[0], float(field[1]), float(field[2])) for field in fields],
                         [(target["name"], target["minimum"], target["maximum"]) for target in targets])
        self.assertEqual(fields[3][3], "Color temperature")
        self.assertEqual(fields[3][4], "1,500 to 20,000 K")
        # By keyboard alone: from the first target to the third.
        self.js("document.getElementById('brightness').focus()")
        self.press("0.5", Keys.TAB)
        self.press(Keys.TAB)
        self.assertEqual(self.focused(), "saturation")
        self.press("0.2")
        self.assertIn('"saturation": 0.2', self.text("#shell"))
        self.submit()
        self.js("document.querySelector('#result button').click()")
        self.until(lambda: "Saturation, asked and got" in self.text("#making"), what="the dialog")
        self.assertRegex(self.text("#making"), r"asked and got0\.20, 0\.2")
        self.press(Keys.ESCAPE)
        self.js("const field = document.getElementById('haze'); field.value = 7")
        self.find("#go").click()  # the browser itself refuses it
        self.assertFalse(self.js("return document.getElementById('haze').validity.valid"))

    def test_words_that_are_not_understood_are_shown(self):
        self.find("#prompt").send_keys("dark zebra")
        self.submit()
        self.assertEqual(self.text("#result .unknown code"), "zebra")
        self.assertIn("Made with seed", self.text("#result"))

    def test_an_error_is_shown_at_its_field(self):
        self.find("#seed").send_keys("9" * 20)
        self.submit()
        self.assertIn("18446744073709551615", self.text("#result [role=alert]"))
        self.assertEqual(self.find("#seed").get_attribute("aria-invalid"), "true")
        self.assertEqual(self.focused(), "seed")
        self.find("#seed").clear()
        self.submit()
        self.assertIn("Made with seed", self.text("#result"))
        self.assertIsNone(self.find("#seed").get_attribute("aria-invalid"))

    def test_an_image_opens_with_its_audit_by_keyboard(self):
        self.until(lambda: self.js("return document.querySelector('#strip button')"), what="an image")
        self.js("document.querySelector('#strip button').focus()")
        self.press(Keys.ENTER)
        self.assertTrue(self.js("return document.getElementById('dialog').open"))
        self.assertEqual(self.focused(), "close")
        self.assertIn("Largest copied region", self.text("#scores"))
        self.assertIn("Foreground", self.text("#audit"))
        seed = self.text("#making")
        self.press(Keys.ARROW_RIGHT)
        self.assertNotEqual(self.text("#making"), seed)
        for button in ("png", "jpeg", "webp", "record"):
            link = self.find(f"#get-{button}")
            self.assertTrue(link.get_attribute("download"))
            self.assertEqual(self.browser.execute_async_script(
                "const done = arguments[1]; fetch(arguments[0]).then((a) => done(a.status))",
                link.get_attribute("href")), 200)
        for _ in range(30):  # the focus does not leave it
            self.press(Keys.TAB)
            self.assertTrue(self.js("const at = document.activeElement;"
                                    "return at === document.body || document.getElementById('dialog').contains(at)"))
        self.press(Keys.ESCAPE)
        self.assertFalse(self.js("return document.getElementById('dialog').open"))
        self.assertTrue(self.js("return document.getElementById('strip').contains(document.activeElement)"))

    def test_the_keyboard_reaches_the_form(self):
        self.press(Keys.TAB)
        self.assertIn("Skip", self.js("return document.activeElement.textContent"))
        self.press(Keys.ENTER, Keys.TAB)
        self.assertEqual(self.focused(), "prompt")
        self.press("night", Keys.ENTER)
        self.until(lambda: "Made with seed" in self.text("#result"), what="an image")

    def test_everything_has_a_name(self):
        nameless = self.js("""
            const named = (e) => e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') ||
                e.textContent.trim() || e.labels?.length || e.title;
            return [...document.querySelectorAll('button, a, input, select, section, nav')]
                .filter((e) => !named(e)).map((e) => e.outerHTML)""")
        self.assertEqual(nameless, [])
        self.assertEqual(self.js("return [...document.images].filter((i) => !i.hasAttribute('alt')).length"), 0)
        for landmark in ("header", "main", "footer", "nav"):
            self.assertTrue(self.find(landmark))
        ids = self.js("return [...document.querySelectorAll('[id]')].map((e) => e.id)")
        self.assertEqual(len(ids), len(set(ids)))

    def test_a_phone_shows_all_without_scrolling_sideways(self):
        for width in (390, 320):
            self.resize(width, 844)
            self.open()
            self.until(lambda: self.js("return document.querySelector('#strip button')"), what="an image")
            self.assertLessEqual(self.js("return document.documentElement.scrollWidth"), width)
            beyond = self.js("return [...document.querySelectorAll('main *')].filter((e) => "
                             "!e.closest('svg, .strip, .facts, .spread, .tiles') && e.offsetParent && "
                             "e.getBoundingClientRect().right > arguments[0] + 1).map((e) => e.outerHTML)", width)
            self.assertEqual(beyond, [])
        self.js("document.querySelector('#strip button').click()")
        self.assertLessEqual(self.js("return document.getElementById('dialog').getBoundingClientRect().width"), 390)

    def background(self):
        colour = self.js("return getComputedStyle(document.body).backgroundColor")
        return sum(map(int, colour.strip("rgb()").split(", "))) / 3

    def test_light_and_dark(self):
        self.assertGreater(self.background(), 200)
        self.colours("dark")
        self.assertLess(self.background(), 50)
        self.find("#theme").click()
        self.assertGreater(self.background(), 200)
        self.open()  # it is remembered
        self.assertGreater(self.background(), 200)
        self.assertEqual(self.find("#theme").get_attribute("aria-pressed"), "false")
        self.js("localStorage.removeItem('theme')")

    def test_nothing_jumps(self):
        self.js("window.shifts = 0; new PerformanceObserver((list) => list.getEntries().forEach((entry) => {"
                "if (!entry.hadRecentInput) window.shifts += entry.value; }))"
                ".observe({type: 'layout-shift', buffered: true})")
        time.sleep(3)
        self.assertLess(self.js("return window.shifts"), 0.1)

    def test_it_asks_where_events_do_not_come(self):
        self.browser.execute_cdp_cmd("Network.enable", {})
        self.browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/api/v1/events*"]})
        try:
            self.browser.get(self.live.url("/"))
            self.until(lambda: self.text("#state") == "Live, by asking", what="the state of asking")
            first = self.js("return document.querySelector('#strip button')?.dataset.name")
            self.until(lambda: self.js("return document.querySelector('#strip button')?.dataset.name") != first,
                       what="a newer image")
        finally:
            self.browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
        self.until(lambda: self.text("#state") == "Live", what="the state Live again")

    def hide(self, hidden):
        self.js("Object.defineProperty(document, 'hidden', {get: () => arguments[0], configurable: true})"
                .replace("arguments[0]", "true" if hidden else "false") +
                "; document.dispatchEvent(new Event('visibilitychange'))")

    def test_a_hidden_tab_gives_its_connections_back(self):
        self.until(lambda: self.find("#live").get_attribute("src"), what="a live picture")
        self.hide(True)
        self.until(lambda: self.text("#state") == "Paused", what="the state Paused")
        self.assertIsNone(self.find("#live").get_attribute("src"))
        clients = lambda: [line for line in self.live.get("/metrics").decode().splitlines()
                           if line.startswith(("inferloop_http_event_clients ", "inferloop_http_stream_clients "))]
        self.until(lambda: all(line.endswith(" 0") for line in clients()), what="the end of its streams")
        self.hide(False)
        self.until(lambda: self.text("#state") == "Live", what="the state Live again")
        self.until(lambda: self.find("#live").get_attribute("src"), what="a live picture again")
        self.assertFalse(self.find("#lost").is_displayed())

    def names(self):
        return self.js("return [...document.querySelectorAll('#sources .source')].map((row) => row.dataset.name)")

    def test_a_source_is_added_and_removed(self):
        routes = self.live.json("/api/v1")["routes"]
        if not any(row["method"] == "POST" and row["path"] == "/api/v1/sources" for row in routes):
            self.assertFalse(self.find("#add").is_displayed())
            self.skipTest("this server does not add sources: only that the page hides the form was tried")
        self.until(lambda: self.find("#add").is_displayed(), what="the form for sources")
        self.find("#add-uri").send_keys("nonsense://x")
        self.find("#add button").click()
        self.until(lambda: self.find("#source-result").get_attribute("data-state") == "bad", what="a refusal")
        self.find("#add-uri").clear()
        self.find("#add-uri").send_keys("pattern:size=160x90,rate=10")
        self.find("#add-name").send_keys("second")
        self.find("#add button").click()
        self.until(lambda: self.names() == ["cam", "second"], what="the second source")
        self.find('#sources [data-name="second"] .see').click()
        self.until(lambda: self.text("#live-name") == "second" and self.text("#live-state") == "live",
                   what="the second source live")
        self.until(lambda: "160 × 90" in self.text("#live-facts"), what="its size")
        remove = '#sources [data-name="second"] .remove'
        self.find(remove).click()
        self.assertEqual(self.text(remove), "Really?")
        self.find(remove).click()
        self.until(lambda: self.names() == ["cam"], what="its end")
        self.until(lambda: self.text("#live-name") == "cam", what="the first source again")


class Roles(Browsing, Case):
    """The page of a server that asks for a key."""

    def setUp(self):
        super().setUp()
        self.browser = start_browser(self.folder / "browser")
        self.addCleanup(self.browser.quit)
        self.resize(1440, 1000)
        self.live = self.start(*QUICK, "--require-key", "--key-dir", self.folder / "keys", "--listen", "127.0.0.1:0",
                               "--output", self.folder / "d")
        self.browser.get(self.live.url("/"))

    def key(self, role):
        return (self.folder / "keys" / f"{role}.key").read_text().strip()

    def sign_in(self, key):
        self.find("#key").send_keys(key, Keys.ENTER)

    def shot(self, name):
        target = os.environ.get("INFERLOOP_SCREENSHOTS")
        if target:
            self.browser.save_screenshot(str(pathlib.Path(target) / f"{name}.png"))
            shrink(pathlib.Path(target) / f"{name}.png")

    def moves(self, selector):
        first = self.find(selector).screenshot_as_base64
        self.until(lambda: self.find(selector).screenshot_as_base64 != first, what="another picture in " + selector)

    def is_live(self):
        self.until(lambda: self.text("#state") == "Live", 30, "the state Live")
        self.until(lambda: self.find("#leave").is_displayed(), what="the way out")

    def test_a_wrong_key_is_refused_and_says_so(self):
        self.sign_in("not-a-key")
        alert = self.until(lambda: self.text("[role=alert]"), what="a refusal")
        self.assertIn("none of this server's keys", alert)
        self.shot("login")
        self.assertEqual(self.focused(), "key")

    def test_who_may_read_sees_all_and_changes_nothing(self):
        self.sign_in(self.key("read"))
        self.is_live()
        self.moves("#live")
        self.assertTrue(self.find("#reader").is_displayed())
        self.assertFalse(self.find("#go").is_enabled())
        self.assertFalse(self.find("#prompt").is_enabled())
        self.assertFalse(self.find("#add").is_displayed())
        removers = self.browser.find_elements("css selector", "#sources .remove")
        self.assertFalse(any(button.is_displayed() for button in removers))
        refused = self.browser.execute_async_script(
            "const done = arguments[0]; fetch('/api/v1/generate', {method: 'POST'}).then((a) => done(a.status))")
        self.assertEqual(refused, 403)
        self.shot("page-reader")
        self.find("#leave").click()
        self.until(lambda: self.js("return document.getElementById('key')"), what="the form that takes a key")

    def test_who_may_write_makes_images(self):
        self.sign_in(self.key("write"))
        self.is_live()
        self.until(lambda: self.js("return document.querySelector('#strip button')"), 30, "a first image")
        self.assertFalse(self.find("#reader").is_displayed())
        self.assertTrue(self.find("#add").is_displayed())
        self.find("#go").click()
        self.until(lambda: "Made with seed" in self.text("#result"), 30, "an image")


class Recovery(Browsing, Case):
    def test_a_lost_server_is_seen_and_found_again(self):
        browser = start_browser(self.folder / "browser")
        self.addCleanup(browser.quit)
        self.browser = browser
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        words = (*QUICK, "--listen", f"127.0.0.1:{port}", "--output", self.folder / "d")
        self.live = self.start(*words)
        self.open()
        self.assertFalse(self.find("#lost").is_displayed())
        self.assertEqual(self.live.stop(), 0)
        self.until(lambda: self.text("#state") == "Disconnected", what="the state Disconnected")
        self.assertTrue(self.find("#lost").is_displayed())
        self.live = self.start(*words)
        self.until(lambda: self.text("#state") == "Live", 30, "the state Live again")
        self.assertFalse(self.find("#lost").is_displayed())
        first = self.find("#live").screenshot_as_base64
        self.until(lambda: self.find("#live").screenshot_as_base64 != first, what="a picture that moves again")


def shrink(path):
    """Fewer tones, which pictures can bear, so that the file halves; as it is where Pillow is not there."""
    try:
        from PIL import Image
    except ImportError:
        return
    tones = [tone if tone >= 236 else round(tone / 10) * 10 for tone in range(256)]
    Image.open(path).convert("RGB").point(tones * 3).save(path, optimize=True)


if os.environ.get("INFERLOOP_SCREENSHOTS"):
    class Screenshots(Browsing, Case):
        def test_screenshots(self):
            target = pathlib.Path(os.environ["INFERLOOP_SCREENSHOTS"]).resolve()
            self.browser = start_browser(self.folder / "browser")
            self.addCleanup(self.browser.quit)
            self.live = self.start("--source", CLIP, "--loop", "--profile-interval", "5", "--generate-interval", "1",
                                   "--listen", "127.0.0.1:0", "--output", self.folder / "d")
            self.live.url("/")
            time.sleep(65)
            for name, width, height, scale, scheme in (("page", 1440, 1000, 1, "light"),
                                                       ("page-dark", 1440, 1000, 1, "dark"),
                                                       ("page-phone", 390, 844, 1.5, "light")):
                self.resize(width, height, scale)
                self.colours(scheme)
                self.open()
                time.sleep(6)
                self.find("#prompt").send_keys("night, crowded")
                self.find("#go").click()
                self.until(lambda: "Made with seed" in self.text("#result"), what="an image")
                whole = self.js("return document.documentElement.scrollHeight")
                self.js("document.activeElement.blur()")
                self.js("scrollTo(0, 0)")
                self.resize(width, whole if width > 1000 else 1500, scale)
                time.sleep(2)
                self.browser.save_screenshot(str(target / f"{name}.png"))
                shrink(target / f"{name}.png")


if __name__ == "__main__":
    unittest.main()
