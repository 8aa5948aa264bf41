# SPDX-License-Identifier: Apache-2.0
"""Pictures as the judges see them: N x H x W x 3 of uint8 at the profile's base size, light taken out,
objects found against the plate by a segmentation that is not the engine's."""
import json
import pathlib
import subprocess

import numpy
from PIL import Image
from scipy import ndimage

DIFFERENT = 16  # grey levels of the most different channel, smoothed, that make a pixel foreground


class Memory:
    """What a profile remembers, by bench_records."""

    def __init__(self, program, profile, folder):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        out = subprocess.run([program, "memory", str(profile), str(folder)], check=True,
                             capture_output=True, text=True).stdout
        told = json.loads(out)
        self.width, self.height, self.occupancy = told["width"], told["height"], told["occupancy"]
        size = (self.height, self.width)
        self.frames = numpy.fromfile(folder / "frames.raw", numpy.uint8).reshape(-1, *size, 3)
        self.labels = numpy.fromfile(folder / "labels.raw", numpy.uint8).reshape(-1, *size)
        self.plate = numpy.fromfile(folder / "plate.raw", numpy.uint8).reshape(*size, 3)
        self.index = [frame["index"] for frame in told["frames"]]
        self.components = [frame["components"] for frame in told["frames"]]
        self.identity_of = {event[0]: event[1] for event in told["events"]}


def records(program, profile, mode, k, seeds):
    """A list for each seed: the objects of that image, with what they were made of."""
    out = subprocess.run([program, "objects", str(profile), mode, str(k), *map(str, seeds)], check=True,
                         capture_output=True, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def read_dataset(folder):
    """Pictures and records of a dataset."""
    with open(pathlib.Path(folder) / "metadata.jsonl") as lines:
        rows = [json.loads(line) for line in lines]
    pictures = [numpy.asarray(Image.open(pathlib.Path(folder) / row["file_name"]).convert("RGB"))
                for row in rows]
    return numpy.stack(pictures), rows


def read_clip(path, width, height, keep=None):
    """All frames of a video file, or those whose number `keep` says, scaled by area."""
    process = subprocess.Popen(["ffmpeg", "-v", "error", "-i", str(path), "-vf",
                                f"scale={width}:{height}:flags=area", "-f", "rawvideo", "-pix_fmt",
                                "rgb24", "-"], stdout=subprocess.PIPE)
    frames, number, size = [], 0, width * height * 3
    while len(data := process.stdout.read(size)) == size:
        if keep is None or keep(number):
            frames.append(numpy.frombuffer(data, numpy.uint8).reshape(height, width, 3))
        number += 1
    process.wait()
    return numpy.stack(frames)


def undo_light(picture, plate):
    """The picture in the plate's light: a gain and an offset a channel, fitted to what is plate."""
    out = numpy.empty(picture.shape, numpy.float32)
    for c in range(3):
        x, y = plate[::2, ::2, c].ravel().astype(float), picture[::2, ::2, c].ravel().astype(float)
        inside = numpy.ones(x.size, bool)
        gain, offset = 1.0, float(numpy.median(y - x))
        for _ in range(4):
            rest = numpy.abs(y - gain * x - offset)
            inside = rest <= max(2.5 * numpy.median(rest), 1.5)
            if numpy.std(x[inside]) > 1:
                gain, offset = numpy.polyfit(x[inside], y[inside], 1)
        if not 0.3 < gain < 3:
            gain, offset = 1.0, float(numpy.median(y - x))
        out[..., c] = (picture[..., c] - offset) / gain
    return numpy.clip(out + 0.5, 0, 255).astype(numpy.uint8)


def undo_lights(pictures, plate):
    return numpy.stack([undo_light(picture, plate) for picture in pictures])


def shrink(pictures, width, height):
    """By area, as PIL's box filter does it."""
    return numpy.stack([numpy.asarray(Image.fromarray(p).resize((width, height), Image.BOX))
                        for p in pictures])


def mask_of(picture, plate):
    """Foreground: differs from the plate after smoothing, and not only as a shadow does."""
    d = picture.astype(numpy.float32) - plate
    d = ndimage.convolve1d(ndimage.convolve1d(d, [.25, .5, .25], 0), [.25, .5, .25], 1)
    base = numpy.maximum(plate.mean(2), 1)
    ratio = 1 + d.mean(2) / base
    tint = numpy.abs(d - (ratio - 1)[..., None] * plate).max(2)
    shadow = (ratio > 0.62) & (ratio < 1) & (tint < 8)
    mask = (numpy.abs(d).max(2) > DIFFERENT) & ~shadow
    return ndimage.binary_closing(mask, numpy.ones((3, 3)), border_value=0) | mask


class Object:
    """One object of a picture: its box, its mask and its pixels."""

    def __init__(self, picture, label, number, box):
        rows, columns = box
        self.x, self.y = columns.start, rows.start
        self.width, self.height = columns.stop - columns.start, rows.stop - rows.start
        self.mask = label[box] == number
        self.area = int(self.mask.sum())
        self.rgb = picture[box]
        self.identity, self.frame, self.record = None, None, None
        full = label.shape
        self.cut = self.x == 0 or self.y == 0 or columns.stop == full[1] or rows.stop == full[0]


def objects_of(picture, plate):
    label, count = ndimage.label(mask_of(picture, plate), numpy.ones((3, 3)))
    least = max(4, 0.0006 * label.size)
    found = [Object(picture, label, i + 1, box)
             for i, box in enumerate(ndimage.find_objects(label)) if box]
    return [o for o in found if o.area >= least and o.height >= 6 and o.width >= 3]
