"""Proves that a graph run tile by tile gives the very bytes of the whole run.

Windows of one fixed size are laid over the picture, always inside it, neighbours overlapping by twice the radius; of each
window only what is at least `radius` away from its inner edges is kept. A server that tiles rests on this: a radius too
small shows as seams. The check fails on a single differing byte, and `measure_radius` shows from outside that no input
pixel reaches further than the radius says.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from evaluate import find_scale, run_graph

SIZES = ((97, 130), (64, 64), (61, 143), (150, 71))


def windows(length, tile, radius):
    """(start of window, first kept, last kept + 1) along one axis; the kept parts join without gap or overlap."""
    tile = min(tile, length)
    step = tile - 2 * radius
    if tile < length and step < 1:
        raise ValueError(f"a tile of {tile} is too small for a radius of {radius}")
    spans, kept = [], 0
    while kept < length:
        start = min(max(0, kept - radius), length - tile)
        end = length if start + tile == length else start + tile - radius
        spans.append((start, kept, end))
        kept = end
    return spans


def run_tiled(enlarge, picture, scale, tile, radius):
    height, width = picture.shape[:2]
    result = np.zeros((height * scale, width * scale, 3), np.uint8)
    for top, row, row_end in windows(height, tile, radius):
        for left, column, column_end in windows(width, tile, radius):
            part = enlarge(np.ascontiguousarray(picture[top : top + tile, left : left + tile]))
            rows = slice((row - top) * scale, (row_end - top) * scale)
            columns = slice((column - left) * scale, (column_end - left) * scale)
            result[row * scale : row_end * scale, column * scale : column_end * scale] = part[rows, columns]
    return result


def test_picture(height, width, seed):
    """Half noise, half smooth: noise shows long reach, a slope shows seams."""
    chance = np.random.default_rng(seed)
    noise = chance.integers(0, 256, (height, width, 3))
    slope = np.linspace(0, 255, height)[:, None, None] * np.linspace(1, 0.2, width)[None, :, None]
    return np.where(np.arange(width)[None, :, None] < width // 2, noise, slope).astype(np.uint8)


def differing_bytes(enlarge, scale, radius, tile, sizes=SIZES):
    """The number of bytes in which tiled and whole runs differ, over several sizes of picture."""
    total = 0
    for seed, (height, width) in enumerate(sizes):
        picture = test_picture(height, width, seed)
        whole = enlarge(picture)
        total += int(np.count_nonzero(whole != run_tiled(enlarge, picture, scale, tile, radius)))
    return total


def measure_radius(enlarge, scale, reach):
    """The furthest input pixel, in any direction, whose output changes when the one in the middle is inverted."""
    side, furthest = 2 * reach + 9, 0
    for seed in range(6):
        picture = np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)
        changed = picture.copy()
        changed[side // 2, side // 2] = 255 - changed[side // 2, side // 2]
        rows, columns = np.nonzero((enlarge(picture) != enlarge(changed)).any(axis=2))
        distance = np.maximum(np.abs(rows // scale - side // 2), np.abs(columns // scale - side // 2))
        furthest = max(furthest, int(distance.max(initial=0)))
    return furthest


def check(path, radius):
    """Raises if a graph is not exact at this radius; returns (tile checked, radius seen from outside)."""
    enlarge = run_graph(path)
    scale = find_scale(enlarge)
    seen = measure_radius(enlarge, scale, radius + 4)
    if seen > radius:
        raise SystemExit(f"{path}: a pixel changes outputs {seen} pixels away, further than the radius of {radius}.")
    tile = 2 * radius + 16
    differing = differing_bytes(enlarge, scale, radius, tile)
    if differing:
        raise SystemExit(f"{path}: tiled and whole differ in {differing} bytes at overlap {radius}, tile {tile}.")
    return tile, seen


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a folder with model.json, such as models/super-resolution-tiny/1")
    options = parser.parse_args()
    for graph in json.loads((options.model / "model.json").read_text())["graphs"]:
        tile, seen = check(options.model / graph["file"], graph["receptive_radius"])
        print(f"{graph['file']}: exact at overlap {graph['receptive_radius']}, tile {tile}; reach seen {seen}")
