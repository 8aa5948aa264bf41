#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed_text.py OUTPUT INPUT NAME: writes a text file as the C string NAME."""
import pathlib
import sys


def main(output, source, name):
    content = pathlib.Path(source).read_bytes() + b"\0"
    lines = [", ".join(map(str, content[i : i + 24])) for i in range(0, len(content), 24)]
    pathlib.Path(output).write_text(
        "extern const char %s[];\nconst char %s[] = {\n%s};\n" % (name, name, ",\n".join(lines))
    )


main(*sys.argv[1:])
