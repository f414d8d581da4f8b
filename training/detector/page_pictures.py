"""Holds the pages in memory and draws training batches: pages a little larger, smaller, moved, paler or noisier.

A data set is COCO's: `train.json` beside a folder `train` with the pictures. Pages with rare classes are drawn more
often, since a paper has one title but a thousand paragraphs. Batch N depends on the seed and N alone, so a resumed run
sees what an uninterrupted one would have seen.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .network import HEIGHT, WIDTH

HELD = 1.5  # pages are held this much larger than the network sees them, to be scaled down sharply
COMMON = 0.3  # a class on fewer pages than this share is drawn more often
SCALES, ASPECT = (0.8, 1.06), 0.05
VISIBLE = 0.5  # a box of which less is left at the edge is not asked for


@dataclass
class Page:
    picture: Image.Image  # grey
    boxes: np.ndarray  # float [n, 4] x1, y1, x2, y2 in its pixels
    kinds: np.ndarray  # int [n]


def read_pages(folder, split):
    """([Page], class names)."""
    coco = json.loads((Path(folder) / f"{split}.json").read_text())
    names = [category["name"] for category in sorted(coco["categories"], key=lambda category: category["id"])]
    places = {category["id"]: names.index(category["name"]) for category in coco["categories"]}
    boxes = {}
    for annotation in coco["annotations"]:
        x, y, width, height = annotation["bbox"]
        boxes.setdefault(annotation["image_id"], []).append(
            (x, y, x + width, y + height, places[annotation["category_id"]])
        )
    pages = []
    for image in coco["images"]:
        with Image.open(Path(folder) / split / image["file_name"]) as picture:
            picture = picture.convert("L")
        table = np.array(boxes.get(image["id"], []), float).reshape(-1, 5)
        factor = min(1, HELD * HEIGHT / picture.height, HELD * WIDTH / picture.width)
        if factor < 1:
            size = round(picture.width * factor), round(picture.height * factor)
            picture = picture.resize(size, Image.Resampling.LANCZOS)
        pages.append(Page(picture, table[:, :4] * factor, table[:, 4].astype(int)))
    return pages, names


def letterbox(picture, resample=Image.Resampling.LANCZOS):
    """The whole page as large as fits, in the middle of white; (uint8 [HEIGHT, WIDTH], scale, left, top)."""
    scale = min(HEIGHT / picture.height, WIDTH / picture.width)
    width, height = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    left, top = (WIDTH - width) // 2, (HEIGHT - height) // 2
    canvas = Image.new("L", (WIDTH, HEIGHT), 255)
    canvas.paste(picture.resize((width, height), resample), (left, top))
    return np.asarray(canvas), scale, left, top


def page_chances(pages, classes):
    share = np.array([np.mean([kind in page.kinds for page in pages]) for kind in range(classes)])
    wanted = np.sqrt(COMMON / np.maximum(share, 1e-3)).clip(1, 3)
    chances = np.array([max((wanted[kind] for kind in page.kinds), default=0.5) for page in pages])
    return np.cumsum(chances / chances.sum())


class Batches:
    def __init__(self, pages, classes, seed):
        self.pages, self.seed, self.chances = pages, seed, page_chances(pages, classes)

    def draw(self, step, size):
        """uint8 [size, HEIGHT, WIDTH], and for each picture (boxes float [n, 4], kinds int [n])."""
        chance = np.random.default_rng([self.seed, step])
        drawn = [self.draw_one(chance) for _ in range(size)]
        return np.stack([picture for picture, _, _ in drawn]), [(boxes, kinds) for _, boxes, kinds in drawn]

    def draw_one(self, chance):
        page = self.pages[min(int(np.searchsorted(self.chances, chance.random())), len(self.pages) - 1)]
        fit = min(HEIGHT / page.picture.height, WIDTH / page.picture.width) * chance.uniform(*SCALES)
        across, down = fit * (1 + chance.uniform(-ASPECT, ASPECT, 2))
        width, height = round(page.picture.width * across), round(page.picture.height * down)
        left, top = (int(chance.integers(min(0, room), max(0, room) + 1)) for room in (WIDTH - width, HEIGHT - height))
        resample = Image.Resampling.BILINEAR if chance.random() < 0.5 else Image.Resampling.LANCZOS
        canvas = Image.new("L", (WIDTH, HEIGHT), 255)
        canvas.paste(page.picture.resize((width, height), resample), (left, top))
        boxes = page.boxes * [across, down, across, down] + [left, top, left, top]
        inside = boxes.clip(0, [WIDTH, HEIGHT, WIDTH, HEIGHT])
        left_over = sides(inside).prod(1) / np.maximum(sides(boxes).prod(1), 1e-6)
        seen = (left_over > VISIBLE) & (sides(inside) > 1).all(1)
        return weathered(np.asarray(canvas), chance), inside[seen], page.kinds[seen]


def sides(boxes):
    return boxes[:, 2:] - boxes[:, :2]


def weathered(picture, chance):
    """Paler or darker ink for most pages; grey paper and grain, as scans have them, for some."""
    if chance.random() < 0.3:
        return picture
    ink = (255 - picture.astype(np.float32)) * chance.uniform(0.7, 1.25)
    if chance.random() < 0.3:
        ink += chance.uniform(0, 30) + chance.normal(0, chance.uniform(1, 8), picture.shape).astype(np.float32)
    return (255 - ink).clip(0, 255).astype(np.uint8)
