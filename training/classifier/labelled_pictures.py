"""Small labelled pictures, all in memory: from one file of records, or from folders named after their classes.

Records follow one another: u8 split (0 train, 1 test), u8 class, u16 little-endian length, that many bytes of JPEG.
A folder holds `train/<class>/…` and `test/<class>/…`; its pictures are cropped to the middle square and reduced to SIDE,
just as the server does it. Class ids are places in the sorted list of class names.
"""

import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 32
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SPLITS = ("train", "test")


@dataclass
class LabelledPictures:
    pictures: np.ndarray  # uint8 [count, SIDE, SIDE, 3]
    classes: np.ndarray  # int64 [count]


def read(path):
    """({'train': LabelledPictures, 'test': …}, class names)."""
    return read_folder(Path(path)) if Path(path).is_dir() else read_records(Path(path))


def read_records(path):
    content, offset, found = path.read_bytes(), 0, ([], [])
    while offset < len(content):
        split, kind, length = struct.unpack_from("<BBH", content, offset)
        offset += 4
        found[split].append((decode(BytesIO(content[offset : offset + length])), kind))
        offset += length
    return collect(found), list(CIFAR10)


def read_folder(path):
    names = sorted(folder.name for folder in (path / "train").iterdir() if folder.is_dir())
    found = [
        [(decode(file), kind) for kind, name in enumerate(names) for file in sorted((path / split / name).glob("*"))]
        for split in SPLITS
    ]
    return collect(found), names


def collect(found):
    return {
        split: LabelledPictures(np.stack([p for p, _ in part]), np.array([kind for _, kind in part], np.int64))
        for split, part in zip(SPLITS, found)
    }


def decode(source):
    """uint8 RGB of [SIDE, SIDE, 3]: the middle square, reduced."""
    with Image.open(source) as picture:
        picture = picture.convert("RGB")
        square = min(picture.size)
        left, top = (picture.width - square) // 2, (picture.height - square) // 2
        if square != SIDE:
            box = (left, top, left + square, top + square)
            picture = picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box)
        elif picture.size != (SIDE, SIDE):
            picture = picture.crop((left, top, left + SIDE, top + SIDE))
        return np.asarray(picture)
