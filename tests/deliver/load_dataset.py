#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loads a dataset folder as its users do, and checks that every row is whole.

usage: load_dataset.py DIR [--expect-min N]

Needs PyPI's `datasets` (3 or newer) and `pillow`. Prints the number of rows; exit code 0 if the
folder loads, every image decodes and there are as many rows as lines, else 1. A folder without any
image has 0 rows.
"""

import argparse
import json
import logging
import os
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")


def count_lines(folder):
    """Lines that hold a record, and what is wrong with them."""
    path = os.path.join(folder, "metadata.jsonl")
    if not os.path.exists(path):
        return 0
    names = set()
    with open(path, "rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            name = json.loads(line)["file_name"]
            if name in names:
                raise ValueError(f"line {number} names {name} again")
            names.add(name)
    return len(names)


def has_images(folder):
    return any(
        not name.startswith(".") and name.endswith((".png", ".jpg", ".webp"))
        for name in os.listdir(folder)
    )


def count_rows(folder):
    """Rows that `datasets` loads; each image is decoded."""
    import datasets

    logging.disable(logging.WARNING)
    if hasattr(datasets, "disable_progress_bars"):
        datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        rows = datasets.load_dataset(
            "imagefolder", data_dir=folder, split="train", cache_dir=cache
        )
        for row in rows:
            row["image"].load()
            if row.get("synthetic") is False:
                raise ValueError("a row says that it is not synthetic")
        return len(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("--expect-min", type=int, default=0, metavar="N")
    arguments = parser.parse_args()
    try:
        lines = count_lines(arguments.folder)
        # An image that was killed before the very first line is loaded on its own.
        rows = count_rows(arguments.folder) if has_images(arguments.folder) else 0
    except Exception as error:  # whatever it is, the folder did not load
        cause = error.__cause__ or error.__context__
        print(f"{arguments.folder} does not load: {error!r} {cause!r}", file=sys.stderr)
        return 1
    print(rows)
    if lines and rows != lines:
        print(f"{rows} rows, but {lines} lines", file=sys.stderr)
        return 1
    if rows < arguments.expect_min:
        print(f"{rows} rows, wanted at least {arguments.expect_min}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
