# SPDX-License-Identifier: Apache-2.0
"""The signals of test_signals.py, thirty times each."""
import unittest

import test_signals


class Often(test_signals.Signals):
    TURNS = 30


if __name__ == "__main__":
    unittest.main()
