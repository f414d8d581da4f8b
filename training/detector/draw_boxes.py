"""Draws labelled boxes on a page, to see with one's own eyes what is trained on or found."""

from PIL import Image, ImageDraw

from .labels import CLASSES

COLOURS = (
    "#d00000", "#b07000", "#e06000", "#ff2090", "#606060", "#5030b0",
    "#1060ff", "#8000c0", "#00a0a0", "#704000", "#209000", "#c04040",
)  # fmt: skip


def draw(picture, boxes, kinds, scores=None):
    """A copy of a uint8 grey or RGB array of [height, width(, 3)], or of a PIL picture, with the boxes on it."""
    picture = (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).convert("RGB")
    pen = ImageDraw.Draw(picture)
    for index, (box, kind) in enumerate(zip(boxes, kinds)):
        x1, y1, x2, y2 = (float(value) for value in box)
        pen.rectangle((x1, y1, max(x1, x2), max(y1, y2)), outline=COLOURS[kind], width=2)
        name = CLASSES[kind] if scores is None else f"{CLASSES[kind]} {scores[index]:.2f}"
        pen.text((x1 + 2, max(0, y1 - 10)), name, fill=COLOURS[kind])
    return picture


def sheet(pictures, columns):
    """One picture of many, side by side, all of the size of the first."""
    width, height = pictures[0].size
    rows = -(-len(pictures) // columns)
    whole = Image.new("RGB", (columns * width, rows * height), "white")
    for index, picture in enumerate(pictures):
        whole.paste(picture, (index % columns * width, index // columns * height))
    return whole
