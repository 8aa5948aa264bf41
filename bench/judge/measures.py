# SPDX-License-Identifier: Apache-2.0
"""Measures of a set of pictures against another: see docs/generator.md for what each means."""
import numpy
from scipy import ndimage

from . import pictures as P

PATCH, PROJECTIONS, PER_PICTURE, LEVELS = 7, 48, 96, 3


class Sliced:
    """Sliced Wasserstein distance of 7x7 patches on a Laplacian pyramid. `take` gives each picture's
    projections once; distances between any subsets are then cheap."""

    def __init__(self, seed=1):
        rng = numpy.random.default_rng(seed)
        self.axes = rng.normal(size=(LEVELS, PATCH * PATCH * 3, PROJECTIONS)).astype(numpy.float32)
        self.axes /= numpy.linalg.norm(self.axes, axis=1, keepdims=True)
        self.seed = seed

    def take(self, pictures):
        rng = numpy.random.default_rng(self.seed)
        h, w = pictures.shape[1] // 2, pictures.shape[2] // 2
        level = P.shrink(pictures, w, h).astype(numpy.float32)
        bands = []
        for l in range(LEVELS):
            n, h, w, _ = level.shape
            if l == LEVELS - 1:
                band = level
            else:
                low = (level[:, :h // 2 * 2:2, :w // 2 * 2:2] + level[:, 1:h // 2 * 2:2, :w // 2 * 2:2]
                       + level[:, :h // 2 * 2:2, 1:w // 2 * 2:2] + level[:, 1:h // 2 * 2:2, 1:w // 2 * 2:2]) / 4
                up = numpy.repeat(numpy.repeat(low, 2, 1), 2, 2)
                band = level[:, :up.shape[1], :up.shape[2]] - up
            bands.append(self._project(band, l, rng))
            level = low if l < LEVELS - 1 else level
        return numpy.stack(bands, 1)  # picture, level, patch, projection

    def _project(self, band, l, rng):
        n, h, w, _ = band.shape
        y = rng.integers(0, h - PATCH + 1, PER_PICTURE)
        x = rng.integers(0, w - PATCH + 1, PER_PICTURE)
        out = numpy.empty((n, PER_PICTURE, PROJECTIONS), numpy.float32)
        for i in range(PER_PICTURE):  # the same places in each picture
            patch = band[:, y[i]:y[i] + PATCH, x[i]:x[i] + PATCH].reshape(n, -1)
            out[:, i] = patch @ self.axes[l]
        return out

    @staticmethod
    def distance(a, b):
        """Mean over levels of the mean distance of sorted projections; sets of any two sizes."""
        def quantiles(taken, l):
            rows = numpy.sort(taken[:, l].reshape(-1, PROJECTIONS), axis=0)
            return rows[((numpy.arange(1024) + 0.5) / 1024 * len(rows)).astype(int)]
        return float(numpy.mean([numpy.abs(quantiles(a, l) - quantiles(b, l)).mean()
                                 for l in range(a.shape[1])]))


def likeness_ratio(sliced, taken, real, block, rng, splits=24):
    """D(S, R) over the 95 % value of D between two halves of R that share no time block."""
    blocks = numpy.unique(block)
    if len(blocks) < 8:
        return float("nan")
    null = []
    for _ in range(splits):
        half = rng.permutation(blocks)[:len(blocks) // 2]
        inside = numpy.isin(block, half)
        null.append(sliced.distance(real[inside], real[~inside]))
    return sliced.distance(taken, real) / numpy.quantile(null, 0.95)


class Embedding:
    """16x12-class luma and 8x6-class chroma, the leading components of the memory's covariance."""

    def __init__(self, memory, size=12):
        raw = self.raw(memory)
        self.mean = raw.mean(0)
        _, scale, axes = numpy.linalg.svd(raw - self.mean, full_matrices=False)
        self.axes = axes[:size].T
        self.scale = numpy.maximum(scale[:size] / numpy.sqrt(len(raw)), 1e-6)

    @staticmethod
    def raw(pictures):
        small = P.shrink(pictures, 16, 12).astype(numpy.float32)
        luma = small @ numpy.array([.299, .587, .114], numpy.float32)
        tiny = P.shrink(pictures, 8, 6).astype(numpy.float32)
        base = tiny @ numpy.array([.299, .587, .114], numpy.float32)
        chroma = (tiny[..., [0, 2]] - base[..., None]) * 0.6
        n = len(pictures)
        return numpy.concatenate([luma.reshape(n, -1), chroma.reshape(n, -1)], 1)

    def take(self, pictures):
        return (self.raw(pictures) - self.mean) @ self.axes

    def whiten(self, taken):
        return taken / self.scale


def frechet(a, b):
    """Between two Gaussians; not corrected for its bias: compare with the real row, of the same size."""
    ca, cb = numpy.cov(a.T), numpy.cov(b.T)
    roots = numpy.linalg.eigvals(ca @ cb)
    root = numpy.sqrt(numpy.maximum(roots.real, 0)).sum()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + numpy.trace(ca) + numpy.trace(cb) - 2 * root)


def distances(a, b):
    d = (a ** 2).sum(1)[:, None] + (b ** 2).sum(1)[None] - 2 * a @ b.T
    return numpy.sqrt(numpy.maximum(d, 0))


def coverage(real, made, k=5):
    """Share of real pictures with a made one within their k-th nearest real neighbour."""
    own = distances(real, real)
    numpy.fill_diagonal(own, numpy.inf)
    radius = numpy.sort(own, 1)[:, k - 1]
    return float((distances(real, made).min(1) <= radius).mean())


def diversity(whitened):
    """exp of the entropy of the Gaussian kernel's eigenvalues: how many different pictures."""
    d2 = distances(whitened, whitened) ** 2
    kernel = numpy.exp(-d2 / (2 * whitened.shape[1])) / len(whitened)
    values = numpy.linalg.eigvalsh(kernel)
    values = values[values > 1e-12]
    return float(numpy.exp(-(values * numpy.log(values)).sum()))


class Artefacts:
    """RMS distance of 12x12 patches of the 64x36-class picture to the nearest memory patch there."""
    SIDE, STRIDE = 12, 4

    def __init__(self, memory):
        self.size = (memory.shape[2] // 4, memory.shape[1] // 4)
        self.memory = self._patches(memory)

    def _patches(self, pictures):
        small = P.shrink(pictures, *self.size).astype(numpy.float32)
        n, h, w, _ = small.shape
        places = [(y, x) for y in range(0, h - self.SIDE + 1, self.STRIDE)
                  for x in range(0, w - self.SIDE + 1, self.STRIDE)]
        return numpy.stack([small[:, y:y + self.SIDE, x:x + self.SIDE].reshape(n, -1)
                            for y, x in places], 1)

    def measure(self, pictures):
        """Picture x place: the distances."""
        patches = self._patches(pictures)
        out = numpy.empty(patches.shape[:2], numpy.float32)
        for p in range(patches.shape[1]):
            out[:, p] = distances(patches[:, p], self.memory[:, p]).min(1) / numpy.sqrt(patches.shape[2])
        return out

    def nearest(self, pictures):
        """RMS to the nearest memory frame as a whole."""
        a = P.shrink(pictures, *self.size).astype(numpy.float32).reshape(len(pictures), -1)
        return a

    def nearest_frame(self, pictures, memory):
        a, b = self.nearest(pictures), self.nearest(memory)
        return distances(a, b).min(1) / numpy.sqrt(a.shape[1])


def look_of(objects):
    """Luma, chroma and detail (Laplacian) of each object, from pixels well inside."""
    rows = []
    for o in objects:
        inside = ndimage.binary_erosion(o.mask)
        if inside.sum() < 12:
            inside = o.mask
        rgb = o.rgb.astype(float)
        y = rgb @ numpy.array([.299, .587, .114])
        cb, cr = .564 * (rgb[..., 2] - y), .713 * (rgb[..., 0] - y)
        laplace = ndimage.laplace(y)
        rows.append((y[inside].mean(), numpy.hypot(cb[inside].mean(), cr[inside].mean()),
                     numpy.sqrt((laplace[inside] ** 2).mean()), cb[inside].mean(), cr[inside].mean()))
    return numpy.array(rows).reshape(-1, 5)


def foreground(pictures, plate):
    """Objects of all pictures: (share of pictures with one, objects a picture, share of pixels, all)."""
    every = [P.objects_of(picture, plate) for picture in pictures]
    flat = [o for some in every for o in some]
    area = sum(o.area for o in flat) / (len(pictures) * plate.shape[0] * plate.shape[1])
    return (numpy.mean([len(some) > 0 for some in every]), len(flat) / len(pictures), area, flat)
