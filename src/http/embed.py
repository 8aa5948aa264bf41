#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py OUTPUT FILE...: writes the page's files as a C table, see page.h."""
import hashlib
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def main(output, *files):
    arrays, rows = [], []
    for index, file in enumerate(map(pathlib.Path, files)):
        content = file.read_bytes()
        lines = [", ".join(map(str, content[i : i + 24])) for i in range(0, len(content), 24)]
        arrays.append(
            "static const unsigned char file_%d[] = {\n%s};\n" % (index, ",\n".join(lines))
        )
        tag = hashlib.sha256(content).hexdigest()[:16]
        rows.append(
            '    {"%s", "%s", "\\"%s\\"", file_%d, sizeof file_%d},\n'
            % (file.name, TYPES[file.suffix], tag, index, index)
        )
    text = '#include "http/page.h"\n\n%s\nconst struct ifl_page_file ifl_page_files[] = {\n%s    {0},\n};\n'
    pathlib.Path(output).write_text(text % ("\n".join(arrays), "".join(rows)))


main(*sys.argv[1:])
