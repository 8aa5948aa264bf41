# SPDX-License-Identifier: Apache-2.0
"""Joins objects seen in pictures with what bench_records says of them."""
import numpy

from . import pictures as P


def overlap(o, box):
    """Intersection over union of an object's box and [x, y, width, height]."""
    x0, y0 = max(o.x, box[0]), max(o.y, box[1])
    x1, y1 = min(o.x + o.width, box[0] + box[2]), min(o.y + o.height, box[1] + box[3])
    both = max(0, x1 - x0) * max(0, y1 - y0)
    return both / (o.width * o.height + box[2] * box[3] - both)


def memory_objects(memory, cut=False):
    """Objects of the memory that one component explains, with its identity: whole ones, or those that the
    border cuts."""
    found = []
    for f, frame in enumerate(memory.frames):
        for o in P.objects_of(frame, memory.plate):
            own = memory.labels[f, o.y:o.y + o.height, o.x:o.x + o.width][o.mask]
            counts = numpy.bincount(own, minlength=2)
            most = int(counts[1:].argmax()) + 1
            if bool(o.cut) != cut or counts[most] < 0.6 * o.area or most > len(memory.components[f]):
                continue
            component = memory.components[f][most - 1]
            others = counts[1:].sum() - counts[most]
            if others > 0.1 * o.area or bool(component[5]) != cut or counts[most] < 0.6 * component[4]:
                continue
            o.identity, o.frame = memory.identity_of.get(component[6], 0), f
            o.component = most - 1
            if o.identity:
                found.append(o)
    return found


def made_objects(pictures, plate, records, least=0.45, cut=False):
    """Objects of made pictures that one record explains: single, not hidden by another, and cut by the border
    or not. The record's box is tight for copies, square about the body for blends; of a cut one only what is
    inside the picture is compared."""
    found = []
    for picture, some in zip(pictures, records):
        objects = P.objects_of(picture, plate)
        for record in some:
            x, y, w, h = record["box"]
            if "body" in record:  # square of side 1.2 heights: a person fills its middle
                x, w = x + w * 0.28, w * 0.44
            if cut:
                high, wide = picture.shape[:2]
                w, h = min(x + w, wide) - max(x, 0), min(y + h, high) - max(y, 0)
                x, y = max(x, 0), max(y, 0)
            near = [o for o in objects if overlap(o, (x, y, w, h)) > least]
            rivals = sum(overlap_boxes(record["box"], other["box"]) > 0.25 for other in some) - 1
            if len(near) == 1 and bool(near[0].cut) == cut and not (rivals and "body" in record):
                near[0].record = record
                found.append(near[0])
    return found


def overlap_boxes(a, b):
    x0, y0 = max(a[0], b[0]), max(a[1], b[1])
    x1, y1 = min(a[0] + a[2], b[0] + b[2]), min(a[1] + a[3], b[1] + b[3])
    both = max(0, x1 - x0) * max(0, y1 - y0)
    return both / max(a[2] * a[3] + b[2] * b[3] - both, 1e-9)


def true_identities(memory, truth, scale):
    """Who each identity of the engine is: {identity: {person: pictures}}, by ground truth."""
    table = {}
    for f, components in enumerate(memory.components):
        people = [[p[0], *[v * scale for v in p[1:5]]] for p in truth[memory.index[f]]]
        for c in components:
            hits = [(overlap_boxes(c[:4], p[1:]), p[0]) for p in people]
            hits = [hit for hit in hits if hit[0] > 0.4]
            if len(hits) == 1:
                own = table.setdefault(memory.identity_of.get(c[6], 0), {})
                own[hits[0][1]] = own.get(hits[0][1], 0) + 1
    return table
