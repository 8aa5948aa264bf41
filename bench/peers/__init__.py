# SPDX-License-Identifier: Apache-2.0
"""What others do, in the same run: each `make(memory, objects, count, rng)` gives pictures in the
plate's light, and for each what is in it as bench_records would say (None: not by object)."""
