# SPDX-License-Identifier: Apache-2.0
"""Patch nearest neighbours (Granot et al. 2021, arXiv 2103.15545), our own small version: coarse to fine,
each patch becomes its nearest of the memory, normalised as published (alpha), overlaps averaged. It starts from a noisy recorded frame at 32x18 class. Up to the
128x72 class; the result is enlarged, for more would take minutes an image."""
import numpy
from PIL import Image

PATCH, STRIDE, ALPHA = 7, 3, 0.05


def _resize(picture, w, h):
    return numpy.asarray(Image.fromarray(picture).resize((w, h), Image.BICUBIC))


def _level(memory, divide):
    w, h = memory.width // divide, memory.height // divide
    return numpy.stack([numpy.asarray(Image.fromarray(f).resize((w, h), Image.BOX))
                        for f in memory.frames]).astype(numpy.float32)


def _render(x, keys):
    """One step: each patch becomes the key with the least d(q, key) / (alpha + least d(any q, key)), so
    that keys which no other patch wants win more easily. A camera stands still, so a place's keys are all
    frames' patches there, and the queries that compete for them those within a pixel."""
    h, w, _ = x.shape
    total, weight = numpy.zeros_like(x), numpy.zeros((h, w, 1), numpy.float32)
    windows = numpy.lib.stride_tricks.sliding_window_view(x, (PATCH, PATCH), (0, 1))
    for py in sorted({*range(0, h - PATCH, STRIDE), h - PATCH}):
        for px in sorted({*range(0, w - PATCH, STRIDE), w - PATCH}):
            near = windows[max(py - 1, 0):py + 2, max(px - 1, 0):px + 2].transpose(0, 1, 3, 4, 2)
            queries = near.reshape(-1, PATCH * PATCH * 3)
            own = windows[py, px].transpose(1, 2, 0).ravel()
            place = keys[:, py:py + PATCH, px:px + PATCH].reshape(len(keys), -1)
            size = (place ** 2).sum(1)
            d2 = ((queries ** 2).sum(1)[:, None] + size - 2 * queries @ place.T) / own.size
            mine = ((own ** 2).sum() + size - 2 * place @ own) / own.size
            best = numpy.argmin(mine / (ALPHA * 255 + numpy.maximum(d2.min(0), 0)))
            total[py:py + PATCH, px:px + PATCH] += place[best].reshape(PATCH, PATCH, 3)
            weight[py:py + PATCH, px:px + PATCH] += 1
    return total / weight


def make(memory, objects, count, rng):
    levels = [_level(memory, d) for d in (8, 4, 2)]
    out = []
    for _ in range(count):
        x = levels[0][rng.integers(len(levels[0]))]
        x = x + rng.normal(0, 25, x.shape).astype(numpy.float32)
        for l, keys in enumerate(levels):
            if l:
                picture = numpy.clip(x + .5, 0, 255).astype(numpy.uint8)
                x = _resize(picture, keys.shape[2], keys.shape[1]).astype(numpy.float32)
            for _ in range(2):
                x = _render(x, keys)
        picture = numpy.clip(x + .5, 0, 255).astype(numpy.uint8)
        out.append(_resize(picture, memory.width, memory.height))
    return numpy.stack(out), [None] * count
