# SPDX-License-Identifier: Apache-2.0
"""The judges judged: what bench/quality and bench/attack must find, and must not find where nothing is."""
import json
import os
import pathlib
import subprocess
import sys
import unittest

from support import ROOT, Case

sys.path.insert(0, str(ROOT / "bench"))
from judge import attackers, measures, pictures, scene  # noqa: E402
import numpy  # noqa: E402
from scipy import ndimage  # noqa: E402

RECORDS = pathlib.Path(os.environ.get("INFERLOOP_BUILD", ROOT / "build")) / "bench" / "bench_records"


def texture(rng, h, w):
    """Cloth: correlated over about two pixels."""
    noise = ndimage.gaussian_filter(rng.normal(size=(h, w, 3)), (1, 1, 0))
    return numpy.clip(noise / noise.std() * 45 + 128, 0, 255).astype(numpy.uint8)


class Plaza:
    """A grey plaza with one person of each of many identities a frame, in several poses."""

    def __init__(self, identities=12, poses=4):
        self.rng = numpy.random.default_rng(7)
        self.plate = numpy.full((120, 160, 3), 120, numpy.uint8)
        self.frames, self.who = [], []
        for i in range(identities):
            cloth, legs = texture(self.rng, 40, 20), self.rng.integers(0, 255, 3)
            wide = self.rng.integers(9, 15)
            for _ in range(poses):
                self.frames.append(self.draw(cloth, legs, wide))
                self.who.append(i + 1)

    def draw(self, cloth, legs, wide):
        picture = self.plate.copy()
        x, y = self.rng.integers(5, 130), self.rng.integers(5, 70)
        height = self.rng.integers(32, 40)
        gap = self.rng.integers(0, 4)
        body = height * 6 // 10
        picture[y:y + body, x:x + wide] = cloth[:body, :wide]
        for leg in (x + 1, x + wide - 4 + gap):
            picture[y + body:y + height, leg:leg + 3] = legs
        return picture

    def objects(self):
        found = []
        for f, (frame, who) in enumerate(zip(self.frames, self.who)):
            o = max(pictures.objects_of(frame, self.plate), key=lambda o: o.area)
            o.identity, o.frame = who, f
            found.append(o)
        return found


class Copied(unittest.TestCase):
    def setUp(self):
        self.rng = numpy.random.default_rng(3)
        self.plate = texture(self.rng, 144, 192)
        self.frames = [self.plate.copy() for _ in range(6)]
        for frame in self.frames:
            frame[30:110, 40:130] = texture(self.rng, 80, 90)
        self.copies = attackers.Copies(self.frames, self.plate)

    def test_a_planted_crop_is_found(self):
        made = self.plate.copy()
        made[50:114, 90:154] = self.frames[3][38:102, 52:116]  # 64 x 64, moved by (12, 38)
        self.assertGreaterEqual(self.copies.region(made), 0.95 * 64 * 64)
        self.assertEqual(self.copies.region(made, exclude=[3]), 0)

    def test_noise_of_the_sensor_does_not_hide_it(self):
        made = self.plate.astype(float)
        made[50:114, 90:154] = self.frames[3][38:102, 52:116]
        made = numpy.clip(made + self.rng.normal(0, 1, made.shape), 0, 255).astype(numpy.uint8)
        self.assertGreaterEqual(self.copies.region(made), 0.95 * 64 * 64)

    def test_textures_of_their_own_are_not_copies(self):
        made = self.plate.copy()
        made[50:114, 90:154] = texture(self.rng, 64, 64)
        self.assertEqual(self.copies.region(made), 0)

    def test_the_plate_is_not_a_copy(self):
        self.assertEqual(self.copies.region(self.plate), 0)


class Named(unittest.TestCase):
    def test_attackers_name_whom_they_see(self):
        plaza = Plaza()
        gallery = attackers.Gallery(plaza.objects())
        right = numpy.array(plaza.who)
        own = numpy.eye(len(right), dtype=bool)
        for name in attackers.ATTACKERS:
            similarity = gallery.similarity(name, gallery.objects)
            with self.subTest(name):
                self.assertGreater((gallery.named(similarity) == right).mean(), 0.9)
        # In another picture of the same person, too, by what does not move.
        similarity = gallery.similarity("colour", gallery.objects)
        self.assertGreater((gallery.named(similarity, ~own) == right).mean(), 0.9)

    def test_a_mirrored_copy_is_named(self):
        plaza = Plaza(identities=8, poses=2)
        gallery = attackers.Gallery(plaza.objects())
        queries = Plaza(identities=8, poses=2).objects()
        for o in queries:
            o.rgb, o.mask = o.rgb[:, ::-1], o.mask[:, ::-1]
        right = numpy.array(plaza.who)
        self.assertGreater((gallery.named(gallery.similarity("correlation", queries)) == right).mean(), 0.9)

    def test_strangers_are_named_by_chance(self):
        plaza = Plaza(identities=10)
        gallery = attackers.Gallery(plaza.objects())
        other = Plaza(identities=10)
        other.rng = numpy.random.default_rng(99)
        other.frames = [other.draw(texture(other.rng, 40, 20), other.rng.integers(0, 255, 3), 12)
                        for _ in other.who]
        named = gallery.named(gallery.similarity("colour", other.objects()))
        self.assertLess((named == numpy.array(other.who)).mean(), 0.4)


class Member(unittest.TestCase):
    def test_the_null_is_a_half(self):
        rng = numpy.random.default_rng(5)
        auc, tpr = attackers.roc(rng.normal(size=4000), rng.normal(size=4000))
        self.assertAlmostEqual(auc, 0.5, delta=0.03)
        self.assertLess(tpr, 0.02)

    def test_members_are_told(self):
        rng = numpy.random.default_rng(6)
        auc, tpr = attackers.roc(rng.normal(size=2000) + 6, rng.normal(size=2000))
        self.assertGreater(auc, 0.999)
        self.assertGreater(tpr, 0.9)
        self.assertAlmostEqual(attackers.roc(numpy.zeros(50), numpy.zeros(70))[0], 0.5)


class Measured(unittest.TestCase):
    def test_sliced_wasserstein(self):
        rng = numpy.random.default_rng(8)
        sliced = measures.Sliced()
        some = numpy.stack([texture(rng, 96, 128) for _ in range(12)])
        a = sliced.take(some)
        self.assertEqual(sliced.distance(a, a), 0)
        self.assertEqual(sliced.distance(a, a[::-1]), 0)
        moved = [sliced.distance(a, sliced.take(numpy.clip(some.astype(int) + d, 0, 255).astype(numpy.uint8)))
                 for d in (4, 12, 30)]
        self.assertEqual(moved, sorted(moved))

    def test_diversity_and_coverage(self):
        rng = numpy.random.default_rng(9)
        self.assertAlmostEqual(measures.diversity(numpy.tile(rng.normal(size=(1, 12)), (30, 1))), 1, 3)
        far = rng.normal(size=(30, 12)) * 50
        self.assertGreater(measures.diversity(far), 29)
        points = rng.normal(size=(500, 12))
        self.assertAlmostEqual(measures.coverage(points, rng.normal(size=(500, 12))), 0.969, delta=0.04)
        self.assertEqual(measures.coverage(points, points + 1000), 0)

    def test_frechet(self):
        rng = numpy.random.default_rng(10)
        a = rng.normal(size=(20000, 4))
        self.assertAlmostEqual(measures.frechet(a, a), 0, 6)
        self.assertAlmostEqual(measures.frechet(a, a + 2), 16, delta=0.01)

    def test_artefacts_see_what_no_frame_has(self):
        rng = numpy.random.default_rng(11)
        frames = numpy.stack([texture(rng, 96, 128)] * 4)
        artefacts = measures.Artefacts(frames)
        broken = frames[:1].copy()
        broken[0, 30:80, 30:80] = 255
        self.assertEqual(artefacts.measure(frames[:1]).max(), 0)
        self.assertGreater(artefacts.measure(broken).max(), 30)

    def test_light_is_undone(self):
        rng = numpy.random.default_rng(12)
        plate = texture(rng, 96, 128)
        lit = numpy.clip(plate * 0.8 + 20, 0, 255).astype(numpy.uint8)
        lit[30:60, 30:50] = 0  # somebody in black
        back = pictures.undo_light(lit, plate)
        self.assertLess(numpy.abs(back[:20].astype(int) - plate[:20]).mean(), 1.5)


@unittest.skipUnless(RECORDS.exists(), "bench_records is not built")
class Told(Case):
    """What the engine tells the judges, and only them."""

    def test_who_is_in_a_blend(self):
        profile = os.environ.get("INFERLOOP_CLIP_PROFILE", str(ROOT / ".cache" / "vtest.iflprof"))
        for k in (2, 3, 5):
            for objects in pictures.records(RECORDS, profile, "deidentify", k, range(1, 6)):
                for record in objects:
                    for blend in (record["body"], record["palette"]):
                        who = [identity for identity, _ in blend]
                        self.assertEqual(len(who), len(set(who)))
                        self.assertGreaterEqual(len(who), k)
                        self.assertNotIn(record["slot"], who)
                        self.assertAlmostEqual(sum(w for _, w in blend), 1, 2)
                        self.assertLessEqual(max(w for _, w in blend), 1 / k + 1e-3)

    def test_records_are_of_the_images(self):
        """A verbatim image shows what its record says: the copies are where they were recorded."""
        from support import run
        profile = os.environ.get("INFERLOOP_CLIP_PROFILE", str(ROOT / ".cache" / "vtest.iflprof"))
        memory = pictures.Memory(RECORDS, profile, self.folder / "memory")
        done = run("generate", "--profile", profile, "-n", 4, "--seed", 5, "--privacy", "verbatim", "-o",
                   self.folder / "made")
        self.assertEqual(done.returncode, 0, done.stderr)
        pixels, rows = pictures.read_dataset(self.folder / "made")
        for word in ("slot", "palette", "identity"):
            self.assertNotIn(word, json.dumps(rows))
        told = pictures.records(RECORDS, profile, "verbatim", 3, [row["seed"] for row in rows])
        pixels = pictures.undo_lights(pixels, memory.plate)
        gaps = []
        for picture, some in zip(pixels, told):
            for record in some:
                x, y, w, h = record["box"]
                part = (slice(y, y + h), slice(x, x + w))
                inside = memory.labels[record["frame"]][part] > 0
                d = picture[part].astype(float) - memory.frames[record["frame"]][part]
                gaps.append(numpy.sqrt((d[inside] ** 2).mean()))
        self.assertGreater(len(gaps), 8)
        self.assertLess(numpy.median(gaps), 6)

    def test_nonsense_is_refused(self):
        for words in ([], ["memory"], ["memory", "/nowhere", str(self.folder)]):
            done = subprocess.run([RECORDS, *words], capture_output=True, text=True)
            self.assertNotEqual(done.returncode, 0)


class Joined(unittest.TestCase):
    def test_overlap(self):
        self.assertEqual(scene.overlap_boxes((0, 0, 4, 4), (0, 0, 4, 4)), 1)
        self.assertEqual(scene.overlap_boxes((0, 0, 4, 4), (4, 0, 4, 4)), 0)
        self.assertAlmostEqual(scene.overlap_boxes((0, 0, 4, 4), (2, 0, 4, 4)), 8 / 24)


if __name__ == "__main__":
    unittest.main()
