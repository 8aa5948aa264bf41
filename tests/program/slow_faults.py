# SPDX-License-Identifier: Apache-2.0
"""Every call site of the program fails: allocation, opening, writing, starting a thread.

FAULTS_SECONDS bounds each command's sweep. See faults.py for what counts and what must hold.
"""
import os
import random
import unittest

import faults

SECONDS = float(os.environ.get("FAULTS_SECONDS", "40"))


def cases_of(command, sites):
    """First, second, middle and last call of each site; writes also fail from there on."""
    once, again = [], []
    for kind, rows in sites.items():
        for site, calls in rows:
            for n in sorted({1, 2, (calls + 1) // 2, calls} & set(range(1, calls + 1))):
                (once if n == 1 else again).append((command, f"{kind}@{site}:{n}"))
            again.append((command, f"{kind}@{site}:1+"))
            if kind == "write":
                for code in ("EIO", "EROFS"):
                    again.append((command, f"{kind}@{site}:1+:{code}"))
            if kind == "open":
                again.append((command, f"{kind}@{site}:1:EACCES"))
    random.Random(1).shuffle(again)
    return once + again


class EverySite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not faults.LIBRARY.exists():
            raise unittest.SkipTest("libfaults.so was not built (a sanitizer's build?): no call was made to fail")
        cls.commands = faults.Commands()
        cls.addClassCleanup(cls.commands.close)

    def sweep(self, command):
        sites, _ = self.commands.sites(command)
        cases = cases_of(command, sites)
        bad, tried = faults.sweep(self.commands, cases, SECONDS)
        print(f"{command}: {sum(map(len, sites.values()))} call sites, {tried} of {len(cases)} cases tried")
        self.assertGreater(tried, 20)
        self.assertEqual(bad, [], f"{len(bad)} of {tried} runs went wrong:\n" + "\n".join(bad[:40]))

    def test_profile(self):
        self.sweep("profile")

    def test_generate_verbatim(self):
        self.sweep("verbatim")

    def test_generate_deidentified(self):
        self.sweep("deidentify")

    def test_generate_k_anonymous(self):
        self.sweep("k-anonymous")

    def test_validate(self):
        self.sweep("validate")

    def test_run(self):
        self.sweep("run")


if __name__ == "__main__":
    unittest.main()
