#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The same features the way they are computed today: NumPy, OpenCV and scikit-image of Debian, each by the call
that its documentation offers.

Usage: features.py FRAMES WIDTH HEIGHT; raw canonical pictures, two at least. One line of JSON: CPU milliseconds a
picture (least of some runs, one thread) and the second picture's features. Where a library defines a feature in
another way than we do, it is computed in its way; bench/run.py prints how far the values are apart.
"""
import json
import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
import cv2
import numpy as np
from scipy.special import gamma
from skimage.feature import local_binary_pattern
from skimage.measure import shannon_entropy

RUNS = 4
cv2.setNumThreads(1)


def read(path, width, height):
    size = width * height
    half = (height // 2, width // 2)
    frames = []
    with open(path, "rb") as file:
        for _ in range(2):
            raw = np.frombuffer(file.read(size * 3 // 2), np.uint8)
            frames.append((raw[:size].reshape(height, width), raw[size:size * 5 // 4].reshape(half),
                           raw[size * 5 // 4:].reshape(half)))
    return frames


def rgb_of(y, cb, cr):
    u, v = (cv2.resize(c, (y.shape[1], y.shape[0]), interpolation=cv2.INTER_NEAREST).astype(np.float32) - 128
            for c in (cb, cr))
    y = y.astype(np.float32)
    rgb = np.dstack((y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u))
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def luma(y, out):
    values = y.astype(np.float64)
    mean, std = values.mean(), values.std()
    centred = (values - mean) / std
    low, high = np.percentile(y, (1, 99))
    out.update(brightness_mean=mean / 255, contrast_mean=std / 127.5, luma_skew=(centred ** 3).mean(),
               luma_kurtosis=(centred ** 4).mean(), entropy=shannon_entropy(y), dynamic_range=(high - low) / 255,
               clipped_low=(y <= 2).mean(), clipped_high=(y >= 253).mean())
    inner = np.s_[1:-1, 1:-1]
    out["laplacian_variance"] = cv2.Laplacian(y, cv2.CV_64F)[inner].var()
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float64)
    out["noise_sigma"] = np.abs(cv2.filter2D(y, cv2.CV_64F, kernel)[inner]).mean() * np.sqrt(np.pi / 2) / 6
    gx, gy = (cv2.Sobel(y, cv2.CV_64F, *d)[inner] for d in ((1, 0), (0, 1)))
    energy = gx ** 2 + gy ** 2
    out.update(gradient_energy=energy.mean(), edge_density=(np.sqrt(energy) > 100).mean())
    across, down = np.abs(np.diff(values, axis=1)), np.abs(np.diff(values, axis=0))
    at_x, at_y = np.arange(across.shape[1]) % 8 == 7, np.arange(down.shape[0]) % 8 == 7
    border = np.concatenate((across[:, at_x].ravel(), down[at_y].ravel())).mean()
    inside = np.concatenate((across[:, ~at_x].ravel(), down[~at_y].ravel())).mean()
    out["blockiness"] = border / inside


def color(rgb, plane, out):
    mean = rgb.reshape(-1, 3).mean(axis=0)
    linear = np.where(mean / 255 <= 0.04045, mean / 255 / 12.92, ((mean / 255 + 0.055) / 1.055) ** 2.4)
    x, y, z = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                        [0.0193339, 0.1191920, 0.9503041]]) @ linear
    n = (x / (x + y + z) - 0.3320) / (0.1858 - y / (x + y + z))
    out["color_temperature"] = 449 * n ** 3 + 3525 * n ** 2 + 6823.3 * n + 5520.33
    r, g, b = (rgb[..., i].astype(np.float64) for i in range(3))
    rg, yb = r - g, 0.5 * (r + g) - b
    out["colorfulness"] = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
    for i, name in enumerate(("red", "green", "blue")):
        out[f"{name}_mean"] = mean[i] / 255
        out[f"{name}_std"] = plane[..., i].std() / 127.5
    out["saturation_mean"] = cv2.cvtColor(plane, cv2.COLOR_RGB2HSV)[..., 1].mean() / 255
    boxes = plane.min(axis=2)[:plane.shape[0] // 8 * 8, :plane.shape[1] // 8 * 8]
    out["dark_channel"] = boxes.reshape(boxes.shape[0] // 8, 8, -1, 8).min(axis=(1, 3)).mean() / 255
    cells = cv2.calcHist([plane], [0, 1, 2], None, [16] * 3, [0, 256] * 3)
    at = np.unravel_index(cells.argmax(), cells.shape)
    near = tuple(slice(max(i - 2, 0), i + 3) for i in at)
    out["dominant_share"] = cells[near].sum() / cells.sum()


def composition(y, out):
    values = y.astype(np.float64)
    out["symmetry"] = np.corrcoef(values.ravel(), values[:, ::-1].ravel())[0, 1]
    strength = np.zeros_like(values)
    strength[1:-1, 1:-1] = (np.abs(values[1:-1, 2:] - values[1:-1, :-2]) +
                            np.abs(values[2:, 1:-1] - values[:-2, 1:-1]))
    thirds = []
    for axis, name in ((0, "centroid_x"), (1, "centroid_y")):
        sums = strength.sum(axis=axis)
        at = (np.arange(sums.size) + 0.5) / sums.size
        out[name] = (sums * at).sum() / sums.sum()
        thirds.append(sums[np.minimum(abs(at - 1 / 3), abs(at - 2 / 3)) <= 1 / 24].mean() / sums.mean())
    out["thirds_ratio"] = np.mean(thirds)
    out["complexity"] = shannon_entropy(np.diff(y, axis=1))


def shape_of(values):
    grid = np.arange(0.2, 10, 0.001)
    ratios = gamma(2 / grid) ** 2 / (gamma(1 / grid) * gamma(3 / grid))
    return grid[np.abs(ratios - np.abs(values).mean() ** 2 / (values ** 2).mean()).argmin()]


def slope_of(y):
    side, power = 128, 0
    hann = np.hanning(side + 1)[:side]
    for top in (y.shape[0] - side) * np.array((1, 3)) // 4:
        for left in (y.shape[1] - side) * np.array((1, 3)) // 4:
            square = y[top:top + side, left:left + side].astype(np.float64)
            power = power + np.abs(np.fft.fft2((square - square.mean()) * np.outer(hann, hann))) ** 2
    f = np.fft.fftfreq(side, 1 / side)
    ring = np.rint(np.hypot(*np.meshgrid(f, f))).astype(int)
    means = np.bincount(ring.ravel(), power.ravel()) / np.bincount(ring.ravel())
    band = np.arange(4, side // 4 + 1)
    return np.polyfit(np.log(band), np.log(means[band]), 1)[0]


def texture(y, out):
    patterns = local_binary_pattern(y, 8, 1, "uniform")[1:-1, 1:-1]
    lbp = np.bincount(patterns.astype(int).ravel(), minlength=10) / patterns.size
    out.update(lbp_flat=lbp[8], lbp_edge=lbp[3:6].sum(), lbp_rough=lbp[9], spectral_slope=slope_of(y))
    values = y.astype(np.float64)
    mean = cv2.GaussianBlur(values, (7, 7), 7 / 6)
    deviation = np.sqrt(np.abs(cv2.GaussianBlur(values * values, (7, 7), 7 / 6) - mean * mean))
    normal = (values - mean) / (deviation + 1)
    out.update(mscn_alpha=shape_of(normal), mscn_sigma=np.sqrt((normal ** 2).mean()))
    return lbp


def motion(y, before, out):
    difference = cv2.absdiff(y, before)
    out.update(frame_difference=difference.mean(), motion_share=(difference > 16).mean())
    size = (y.shape[1] // 4, y.shape[0] // 4)
    small = [cv2.resize(p, size, interpolation=cv2.INTER_AREA).astype(np.float64) for p in (before, y)]
    (x, down), peak = cv2.phaseCorrelate(*small, cv2.createHanningWindow(size, cv2.CV_64F))
    out.update(motion_x=x / size[0], motion_y=down / size[1], motion_peak=peak)


def phash(y):
    low = cv2.dct(cv2.resize(y, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float64))[:8, :8].ravel()
    return "%016x" % int("".join("1" if bit else "0" for bit in low > np.median(low)), 2)


def measure(frame, before):
    out = {}
    y, cb, cr = frame
    size = (480, 270) if y.shape == (1080, 1920) else (y.shape[1] // 2, y.shape[0] // 2)
    plane, last = (cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in (y, before[0]))
    rgb = rgb_of(y, cb, cr)
    luma(y, out)
    color(rgb, rgb_of(plane, *(cv2.resize(c, size, interpolation=cv2.INTER_AREA) for c in (cb, cr))), out)
    composition(plane, out)
    lbp = texture(plane, out)
    motion(plane, last, out)
    return out, lbp, phash(plane)


def main():
    path, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    before, frame = read(path, width, height)
    least = np.inf
    for _ in range(RUNS):
        began = time.process_time()
        features, lbp, bits = measure(frame, before)
        least = min(least, time.process_time() - began)
    print(json.dumps({"features_ms": least * 1e3, "features": {k: float(v) for k, v in features.items()},
                      "lbp": lbp.tolist(), "phash": bits}))


main()
