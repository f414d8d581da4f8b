"""Holds the training pictures in memory and draws random pairs of patches from them.

Each low-resolution picture has a second form that went through JPEG. Photographs in the wild mostly did, and a network
that has never seen JPEG enlarges its blocks and rings into speckles.

Any folder of photographs will do. Every picture is kept at three sizes, since a reduced photograph is sharper and has
less noise than the original, and each size is paired once with its low-resolution twin. Which patches step N sees depends
on the seed and N alone, so a resumed run sees the data an uninterrupted one would have seen.
"""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

import degrade

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}
SIZES = (1.0, 0.75, 0.5)
LONGEST_SIDE = 1600
JPEG_QUALITIES = (40, 95)
MEMORY_LIMIT = 3_000_000_000


def list_pictures(folders):
    """Every picture below the folders, in an order that does not depend on the file system."""
    return sorted(path for folder in folders for path in Path(folder).rglob("*") if path.suffix.lower() in SUFFIXES)


def read_picture(path):
    """uint8 RGB of [height, width, 3]."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def shrink(picture, factor):
    height, width = (max(1, round(side * factor)) for side in picture.shape[:2])
    return degrade.resize(picture, height, width) if factor < 1 else picture


def through_jpeg(picture, quality):
    packed = BytesIO()
    Image.fromarray(picture).save(packed, "JPEG", quality=quality)
    return read_picture(packed)


class Pictures:
    def __init__(self, folders, scale, patch, seed):
        self.scale, self.patch, self.pairs, self.count, self.skipped = scale, patch, [], 0, 0
        held, chance = 0, np.random.default_rng([seed, 0])
        for path in list_pictures(folders):
            try:
                original = read_picture(path)
            except OSError as error:
                print(f"left out {path}: {error}", flush=True)
                continue
            if held > MEMORY_LIMIT:
                self.skipped += 1
                continue
            original = shrink(original, LONGEST_SIDE / max(original.shape[:2]))
            before = held
            for size in SIZES:
                high = degrade.crop_to_multiple(shrink(original, size), scale)
                if min(high.shape[:2]) >= patch * scale:
                    low = degrade.reduce(high, scale)
                    quality = int(chance.integers(*JPEG_QUALITIES, endpoint=True))
                    self.pairs.append((low, through_jpeg(low, quality), high))
                    held += high.nbytes
            self.count += held > before
        if not self.pairs:
            raise SystemExit(f"No picture of at least {patch * scale} pixels a side in {', '.join(map(str, folders))}.")
        areas = np.array([low.shape[0] * low.shape[1] for low, _, _ in self.pairs], dtype=np.float64)
        self.chances = np.cumsum(areas / areas.sum())

    def draw(self, seed, step, batch, jpeg_share):
        """uint8 arrays [batch, patch, patch, 3] and [batch, patch·scale, patch·scale, 3]; large pictures come more often."""
        chance = np.random.default_rng([seed, step])
        lows, highs = zip(*(self.draw_one(chance, jpeg_share) for _ in range(batch)))
        return np.stack(lows), np.stack(highs)

    def draw_one(self, chance, jpeg_share):
        which = min(int(np.searchsorted(self.chances, chance.random())), len(self.pairs) - 1)
        clean, compressed, high = self.pairs[which]
        low = compressed if chance.random() < jpeg_share else clean
        top = int(chance.integers(low.shape[0] - self.patch + 1))
        left = int(chance.integers(low.shape[1] - self.patch + 1))
        turns, mirrored = int(chance.integers(4)), bool(chance.integers(2))
        patches = []
        for picture, scale in ((low, 1), (high, self.scale)):
            side = self.patch * scale
            patch = picture[top * scale : top * scale + side, left * scale : left * scale + side]
            patch = np.rot90(patch, turns)
            patches.append(patch[:, ::-1] if mirrored else patch)
        return patches
