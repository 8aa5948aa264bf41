# SPDX-License-Identifier: Apache-2.0
"""Contact sheets."""
from PIL import Image, ImageDraw

GAP, BAND = 4, 18


def write(titled_rows, path, columns=8):
    """`titled_rows`: a list of (title, pictures as arrays of one size)."""
    height, width = titled_rows[0][1][0].shape[:2]
    rows = sum(-(-len(pictures) // columns) for _, pictures in titled_rows)
    page = Image.new("RGB", (columns * (width + GAP) + GAP,
                             rows * (height + GAP) + len(titled_rows) * BAND + GAP), "white")
    draw, y = ImageDraw.Draw(page), GAP
    for title, pictures in titled_rows:
        draw.text((GAP, y), title, fill="black")
        y += BAND
        for i, picture in enumerate(pictures):
            page.paste(Image.fromarray(picture),
                       (GAP + i % columns * (width + GAP), y + i // columns * (height + GAP)))
        y += -(-len(pictures) // columns) * (height + GAP)
    page.save(path, quality=88)
    print(path)
