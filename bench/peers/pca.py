# SPDX-License-Identifier: Apache-2.0
"""Samples of a Gaussian in the 32 leading components of the memory's pictures."""
import numpy


def make(memory, objects, count, rng, size=32):
    data = memory.frames.reshape(len(memory.frames), -1).astype(numpy.float32)
    mean = data.mean(0)
    _, scale, axes = numpy.linalg.svd(data - mean, full_matrices=False)
    size = min(size, len(axes))
    draw = rng.normal(size=(count, size)).astype(numpy.float32) * scale[:size] / numpy.sqrt(len(data))
    out = numpy.clip(draw @ axes[:size] + mean + .5, 0, 255).astype(numpy.uint8)
    return out.reshape(count, *memory.frames.shape[1:]), [None] * count
