# SPDX-License-Identifier: Apache-2.0
"""The judges: what bench/quality and bench/attack share. numpy and scipy, nothing of the engine's own
measures; only bench_records tells what no image says."""
import os

# One thread of linear algebra: the matrices are small, and waiting threads burn what others need.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
