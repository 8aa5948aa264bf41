# SPDX-License-Identifier: Apache-2.0
"""Attackers: who is this object of a synthetic image? Was this picture among those that it was made of?
How much of it is copied? None of them uses the engine's own measures."""
import numpy
from PIL import Image
from scipy import ndimage
from scipy.spatial import cKDTree

from . import pictures as P

HIGH, WIDE, BODY = 36, 28, 28  # the box that objects are compared in, and how tall they are there


# ---- who is it ----

def _fit(array, height, width, resample):
    return numpy.asarray(Image.fromarray(array).resize((max(width, 1), max(height, 1)), resample))


def canonical(o):
    """The object in the box: R, G, B in -1..1 times its mask, and its mask."""
    scale = BODY / max(o.height, o.width * BODY / WIDE)
    h, w = min(HIGH, round(o.height * scale)), min(WIDE, round(o.width * scale))
    rgb = _fit(o.rgb, h, w, Image.BILINEAR).astype(numpy.float32) / 127.5 - 1
    soft = _fit((o.mask * 255).astype(numpy.uint8), h, w, Image.BILINEAR).astype(numpy.float32) / 255
    full, mask = numpy.zeros((HIGH, WIDE, 3), numpy.float32), numpy.zeros((HIGH, WIDE), numpy.float32)
    y, x = (HIGH + BODY) // 2 - h, (WIDE - w) // 2
    y = max(y, 0)
    full[y:y + h, x:x + w], mask[y:y + h, x:x + w] = rgb * soft[..., None], soft
    return full, mask


def _unit(v):
    v = v.reshape(-1).astype(numpy.float32)
    return v / max(float(numpy.linalg.norm(v)), 1e-6)


def _histogram(rgb, mask):
    """Soft histograms of Y, Cb, Cr in four bands of the body; dot products are Bhattacharyya's."""
    y = rgb @ numpy.array([.299, .587, .114], numpy.float32)
    channels = (y, .564 * (rgb[..., 2] - y) * 2.5, .713 * (rgb[..., 0] - y) * 2.5)
    rows = numpy.flatnonzero(mask.sum(1) > 0.5)
    top, low = (rows[0], rows[-1] + 1) if len(rows) else (0, HIGH)
    out = []
    for band in range(4):
        part = slice(top + (low - top) * band // 4, top + (low - top) * (band + 1) // 4)
        weight = mask[part].ravel()
        for channel in channels:
            at = numpy.clip((channel[part].ravel() + 1) * 6 - .5, 0, 10.999)
            lower = at.astype(int)
            share = at - lower
            bins = numpy.bincount(lower, weight * (1 - share), 12) + \
                numpy.bincount(lower + 1, weight * share, 12)
            out.append(numpy.sqrt(bins / max(bins.sum(), 1e-6)))
    return _unit(numpy.concatenate(out))


def _gradients(rgb, mask):
    """9 unsigned orientations in cells of 4x4, blocks of 2x2 normalised."""
    y = ndimage.gaussian_filter(rgb @ numpy.array([.299, .587, .114], numpy.float32), 0.5)
    gy, gx = ndimage.sobel(y, 0), ndimage.sobel(y, 1)
    size, angle = numpy.hypot(gx, gy), (numpy.arctan2(gy, gx) % numpy.pi) / numpy.pi * 9
    cells = numpy.zeros((HIGH // 4, WIDE // 4, 9), numpy.float32)
    lower = angle.astype(int) % 9
    share = angle - numpy.floor(angle)
    cy, cx = numpy.mgrid[0:HIGH, 0:WIDE] // 4
    numpy.add.at(cells, (cy, cx, lower), size * (1 - share))
    numpy.add.at(cells, (cy, cx, (lower + 1) % 9), size * share)
    blocks = numpy.concatenate([cells[:-1, :-1], cells[1:, :-1], cells[:-1, 1:], cells[1:, 1:]], 2)
    return _unit(blocks / (numpy.linalg.norm(blocks, axis=2, keepdims=True) + .2))


def _silhouette(rgb, mask):
    soft = ndimage.gaussian_filter(mask, 0.8)
    return _unit(soft - soft.mean())


def _pixels(rgb, mask):
    """Pixels less their mean, inside the mask: what correlation compares."""
    mean = rgb.sum((0, 1)) / max(mask.sum(), 1e-6)
    return _unit((rgb - mean * mask[..., None]) + (mask - mask.mean())[..., None] * 0.3)


ATTACKERS = {"colour": _histogram, "gradients": _gradients, "silhouette": _silhouette,
             "correlation": _pixels}
# Cells of gradients are 4 pixels wide: smaller shifts hardly change them.
SHIFTS = {"colour": ((0,), (0,)), "gradients": ((0,), (-2, 0, 2)),
          "silhouette": ((-1, 0, 1), (-1, 0, 1)), "correlation": ((-1, 0, 1), (-1, 0, 1))}


def _variants(rgb, mask, shifts):
    for mirrored in (False, True):
        r, m = (rgb[:, ::-1], mask[:, ::-1]) if mirrored else (rgb, mask)
        for dy in shifts[0]:
            for dx in shifts[1]:
                yield numpy.roll(r, (dy, dx), (0, 1)), numpy.roll(m, (dy, dx), (0, 1))


class Gallery:
    """All whole objects of known identity that the attacker has pictures of."""

    def __init__(self, objects):
        self.objects = objects
        self.identity = numpy.array([o.identity for o in objects])
        self.frame = numpy.array([o.frame for o in objects])
        boxes = [canonical(o) for o in objects]
        self.feature = {name: numpy.stack([f(*box) for box in boxes]) for name, f in ATTACKERS.items()}

    def similarity(self, name, queries):
        """Query x gallery: the best over shifts and the mirror image."""
        out = numpy.empty((len(queries), len(self.objects)), numpy.float32)
        for i, o in enumerate(queries):
            variants = numpy.stack([ATTACKERS[name](*v)
                                    for v in _variants(*canonical(o), SHIFTS[name])])
            out[i] = (variants @ self.feature[name].T).max(0)
        return out

    def named(self, similarity, allowed=None):
        """The identity of the best match of each query; `allowed`: query x gallery."""
        if allowed is not None:
            similarity = numpy.where(allowed, similarity, -9)
        return self.identity[similarity.argmax(1)]


# ---- how much is copied ----

class Copies:
    """The verbatim region: the largest 4-connected union of 7x7 foreground patches that match one memory
    frame at one offset with RMSE < 2 of 255. The plate's content does not count."""
    SIDE, RMSE, AXES, NEAR = 7, 2.0, 10, 24

    def __init__(self, frames, plate, masks=None):
        self.plate = plate.astype(numpy.float32)
        masks = masks if masks is not None else [self._differs(frame) for frame in frames]
        values, places = [], []
        for f, (frame, mask) in enumerate(zip(frames, masks)):
            y, x = self._places(mask)
            values.append(self._cut(frame, y, x))
            places.append(numpy.stack([numpy.full(len(y), f), y, x], 1))
        self.values = numpy.concatenate(values)
        self.places = numpy.concatenate(places)
        sample = self.values[::max(1, len(self.values) // 4000)].astype(numpy.float32)
        self.mean = sample.mean(0) if len(sample) else numpy.zeros(147, numpy.float32)
        self.axes = numpy.linalg.svd(sample - self.mean, full_matrices=False)[2][:self.AXES].T \
            if len(sample) > self.AXES else numpy.eye(147, self.AXES, dtype=numpy.float32)
        self.tree = cKDTree(self._project(self.values)) if len(self.values) else None

    def _differs(self, picture):
        """Centres of patches in the foreground that differ from the plate by more than 7 RMS."""
        d2 = ((picture.astype(numpy.float32) - self.plate) ** 2).mean(2)
        near = ndimage.binary_dilation(P.mask_of(picture, self.plate), numpy.ones((3, 3)))
        return (ndimage.uniform_filter(d2, self.SIDE) > 49) & near

    def _places(self, mask):
        h = self.SIDE // 2
        y, x = numpy.nonzero(mask[h:mask.shape[0] - h, h:mask.shape[1] - h])
        return y, x  # top left corners

    def _cut(self, picture, y, x):
        windows = numpy.lib.stride_tricks.sliding_window_view(picture, (self.SIDE, self.SIDE), (0, 1))
        return windows[y, x].reshape(len(y), -1)

    def _project(self, values):
        return (values.astype(numpy.float32) - self.mean) @ self.axes

    def region(self, picture, exclude=None):
        """Pixels of the largest copied region; `exclude`: numbers of frames that do not count."""
        y, x = self._places(self._differs(picture))
        if not len(y) or self.tree is None:
            return 0
        values = self._cut(picture, y, x)
        reach = self.RMSE * numpy.sqrt(values.shape[1])
        _, near = self.tree.query(self._project(values), k=self.NEAR, distance_upper_bound=reach)
        query, rank = numpy.nonzero(near < len(self.values))
        hit = near[query, rank]
        d = values[query].astype(numpy.float32) - self.values[hit]
        good = (d ** 2).mean(1) < self.RMSE ** 2
        query, hit = query[good], hit[good]
        if exclude is not None:
            keep = ~numpy.isin(self.places[hit, 0], exclude)
            query, hit = query[keep], hit[keep]
        groups = {}
        for q, h in zip(query, hit):
            f, fy, fx = self.places[h]
            groups.setdefault((f, fy - y[q], fx - x[q]), []).append(q)
        largest = 0
        for members in sorted(groups.values(), key=len, reverse=True)[:24]:
            if len(members) * self.SIDE ** 2 <= largest:
                break
            cover = numpy.zeros(picture.shape[:2], bool)
            for q in members:
                cover[y[q]:y[q] + self.SIDE, x[q]:x[q] + self.SIDE] = True
            label, count = ndimage.label(cover)
            largest = max(largest, int(numpy.bincount(label.ravel())[1:].max()) if count else 0)
        return largest


# ---- was it a member ----

def roc(members, others):
    """AUC, and the true positive rate at 0.1 % false positives, of scores (higher: a member)."""
    scores = numpy.concatenate([members, others])
    order = numpy.argsort(scores, kind="stable")
    ranks = numpy.empty(len(scores))
    ranks[order] = numpy.arange(1, len(scores) + 1)
    for value in numpy.unique(scores):  # ties share their mean rank
        same = scores == value
        if same.sum() > 1:
            ranks[same] = ranks[same].mean()
    n, m = len(members), len(others)
    auc = (ranks[:n].sum() - n * (n + 1) / 2) / (n * m)
    limit = numpy.sort(others)[max(0, m - 1 - int(0.001 * m))]
    return float(auc), float((members > limit).mean())


def block_bootstrap(members, member_block, others, other_block, rng, rounds=100):
    """5 % and 95 % of the AUC when time blocks are drawn anew."""
    def draw(scores, block):
        own = numpy.unique(block)
        return numpy.concatenate([scores[block == b] for b in rng.choice(own, len(own))])
    values = [roc(draw(members, member_block), draw(others, other_block))[0] for _ in range(rounds)]
    return numpy.quantile(values, .05), numpy.quantile(values, .95)


def relative_distance(queries, gallery):
    """Of each query: distance to its nearest of the gallery by half the mean of the 50 nearest: Carlini's
    extraction distance, on objects in their box (the wall behind them is in every picture)."""
    out = []
    pixels = numpy.stack([numpy.concatenate([c[0].ravel(), c[1].ravel()])
                          for c in map(canonical, gallery)])
    for o in queries:
        best = numpy.full(len(gallery), numpy.inf)
        for r, m in _variants(*canonical(o), SHIFTS["correlation"]):
            v = numpy.concatenate([r.ravel(), m.ravel()])
            best = numpy.minimum(best, numpy.sqrt(((pixels - v) ** 2).mean(1)))
        near = numpy.sort(best)[:50]
        out.append(near[0] / max(near.mean() / 2, 1e-9))
    return numpy.array(out)
