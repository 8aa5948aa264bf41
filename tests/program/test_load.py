# SPDX-License-Identifier: Apache-2.0
"""A stage that is too slow is named, and less is asked of it before images are lost."""
import unittest

from support import Case, laws_hold


class Load(Case):
    def lasting(self):
        found = self.live.json("/api/v1/incidents?lasting=true")["incidents"]
        return {row["kind"]: row["cause"] for row in found}

    def test_images_that_are_late_are_asked_for_smaller_and_more_rarely(self):
        # Eight thousand images a second: no machine makes them.
        self.live = self.start("--source", "pattern:size=320x180,rate=20", "--listen", "127.0.0.1:0",
                               "--output", self.folder / "d", "--profile-interval", "1",
                               "--generate-interval", "0.01", "--count", "80")
        self.live.wait_until(lambda: self.lasting().get("slow") == "generate", 30, "slow: generate")
        self.live.wait_until(lambda: self.lasting().get("degraded") == "rare", 30, "all of the easing")
        newest = self.live.json("/api/v1/images?limit=1")["images"][0]
        self.assertLessEqual(newest["parameters"]["width"], 160)
        self.assertTrue(laws_hold(self.live.json("/api/v1/status")))

    def test_what_a_camera_does_not_show_is_told(self):
        self.live = self.start("--source", "pattern:size=160x90,rate=10", "--listen", "127.0.0.1:0",
                               "--output", self.folder / "d", "--generate-interval", "60")
        self.live.wait_until(lambda: self.live.json("/api/v1/sources")["sources"][0]["frames"] > 5, 20,
                             "frames")
        row = self.live.json("/api/v1/sources")["sources"][0]
        self.assertEqual(row["camera"], "")
        self.assertIn(row["rung"], ("full", "coarse", "thinned", "key", "health"))
        text = self.live.get("/metrics").decode()
        self.assertIn('inferloop_source_rung{source="pattern",rung="full"}', text)
        self.assertIn('inferloop_capture_to_profile_seconds_bucket{source="pattern",le="+Inf"}', text)


if __name__ == "__main__":
    unittest.main()
