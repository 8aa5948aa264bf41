# SPDX-License-Identifier: Apache-2.0
"""Every call site of the program fails: allocation, opening, writing, starting a thread.

The first call of each site always fails once. Then come the second, the middle and the last call, and failures
that stay, as many as fit into FAULTS_SECONDS for each command; FAULTS_SECONDS=1e9 tries them all. See
faults.py for what counts and what must hold.
"""
import os
import random
import unittest

import faults

SECONDS = float(os.environ.get("FAULTS_SECONDS", "20"))


def cases_of(command, sites):
    """The first call of each site; its second, middle and last one, and failures that stay."""
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
    return once, again


class EverySite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not faults.LIBRARY.exists():
            raise unittest.SkipTest("libfaults.so was not built (a sanitizer's build?): no call was made to fail")
        cls.commands = faults.Commands()
        cls.addClassCleanup(cls.commands.close)

    def sweep(self, command):
        sites, _ = self.commands.sites(command)
        once, again = cases_of(command, sites)
        bad, reached = faults.sweep(self.commands, once, faults.NO_LIMIT)
        worse, more = faults.sweep(self.commands, again, SECONDS)
        print(f"{command}: {reached} of {sum(map(len, sites.values()))} call sites failed once; "
              f"{more} of {len(again)} further cases tried")
        self.assertEqual(reached, sum(map(len, sites.values())))
        self.assertEqual(bad + worse, [], f"{len(bad + worse)} of {reached + more} runs went wrong:\n" +
                         "\n".join((bad + worse)[:40]))

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
