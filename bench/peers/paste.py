# SPDX-License-Identifier: Apache-2.0
"""Copies of segmented objects on the plate, edges feathered: the usual way to make more of few pictures.
Places and sizes are those of another recorded frame, so that the perspective is right."""
import numpy
from scipy import ndimage


def _paste(canvas, memory, o, foot_x, foot_y):
    margin = 3
    x, y = int(foot_x - o.width / 2), int(foot_y - o.height)
    alpha = ndimage.gaussian_filter(numpy.pad(o.mask, margin).astype(numpy.float32), 1)
    frame = memory.frames[o.frame]
    h, w = alpha.shape
    for j in range(h):
        for i in range(w):
            sy, sx, ty, tx = o.y + j - margin, o.x + i - margin, y + j - margin, x + i - margin
            if alpha[j, i] < .02 or not (0 <= sy < memory.height and 0 <= sx < memory.width and
                                         0 <= ty < memory.height and 0 <= tx < memory.width):
                continue
            canvas[ty, tx] += alpha[j, i] * (frame[sy, sx] - canvas[ty, tx])
    return {"box": [x, y, o.width, o.height], "slot": int(o.identity), "frame": o.frame}


def make(memory, objects, count, rng):
    frames = {}
    for o in objects:
        frames.setdefault(o.frame, []).append(o)
    pictures, told = [], []
    for _ in range(count):
        canvas = memory.plate.astype(numpy.float32).copy()
        said = []
        layout = frames[rng.choice(list(frames))]
        for place in sorted(layout, key=lambda o: o.y + o.height):
            alike = [o for o in objects if abs(o.height - place.height) < 0.1 * place.height]
            o = alike[rng.integers(len(alike))]
            said.append(_paste(canvas, memory, o, place.x + place.width / 2, place.y + place.height))
        pictures.append(numpy.clip(canvas + .5, 0, 255).astype(numpy.uint8))
        told.append(said)
    return numpy.stack(pictures), told
