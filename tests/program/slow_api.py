# SPDX-License-Identifier: Apache-2.0
"""Five minutes of schemathesis."""
import unittest

import api
from support import laws_hold
from test_api import Api as Quick


class Fuzzed(Quick):
    test_a_walk_over_every_route = test_schemathesis_finds_nothing = None
    test_refusals_have_one_shape_and_tell_no_secret = None
    test_every_route_has_its_place_in_the_documentation = None

    def test_five_minutes_of_schemathesis(self):
        if not api.schemathesis():
            self.skipTest("PyPI's `schemathesis` could not be installed; the API was not fuzzed")
        live = self.begin()
        code, report = api.examine(live, self.folder, 300, 540)
        print(report[report.rfind("SUMMARY"):])
        self.assertEqual(code, 0, report[-6000:] + live.log.read_text()[-6000:])
        self.assertTrue(laws_hold(live.json("/api/v1/status")))
        self.assertEqual(live.stop(), 0)


del Quick  # or unittest would find it here too

if __name__ == "__main__":
    unittest.main()
