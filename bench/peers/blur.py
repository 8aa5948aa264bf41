# SPDX-License-Identifier: Apache-2.0
"""Real pictures with each object's box blurred (sigma a sixth of its height), edges softened: the usual
practice of privacy. Where everybody stood stays. A count of 0: each frame once."""
import numpy
from scipy import ndimage


def make(memory, objects, count, rng):
    pictures, told = [], []
    for f in rng.choice(len(memory.frames), count) if count else range(len(memory.frames)):
        picture, said = memory.frames[f].astype(numpy.float32), []
        for x, y, w, h, _, edges, event in memory.components[f]:
            soft = ndimage.gaussian_filter(picture, (h / 6, h / 6, 0))
            box = numpy.zeros(picture.shape[:2], numpy.float32)
            box[max(y - 2, 0):y + h + 2, max(x - 2, 0):x + w + 2] = 1
            alpha = ndimage.gaussian_filter(box, 1)[..., None]
            picture = picture + alpha * (soft - picture)
            said.append({"box": [x, y, w, h], "slot": memory.identity_of.get(event, 0), "frame": int(f)})
        pictures.append(numpy.clip(picture + .5, 0, 255).astype(numpy.uint8))
        told.append(said)
    return numpy.stack(pictures), told
