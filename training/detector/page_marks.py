"""Reads what a PDF page holds: its characters with their colour's class, and the boxes of its pictures and strokes.

All boxes are float [n, 4] as x1, y1, x2, y2 in points from the top left corner of the page as it is shown. pdfium counts
from the bottom left of the media box; only pages without rotation and crop are turned into that correctly, and others
are left out by the caller.
"""

import ctypes
from dataclasses import dataclass

import numpy as np
import pypdfium2.raw as pdfium

from .labels import CLASS_OF_COLOUR, CLASSES, UNKNOWN

ID_OF_COLOUR = {colour: CLASSES.index(name) for colour, name in CLASS_OF_COLOUR.items()}


@dataclass
class Marks:
    width: float
    height: float
    classes: np.ndarray  # of each character, or UNKNOWN
    boxes: np.ndarray  # of each character
    sizes: np.ndarray  # font sizes in points
    codes: np.ndarray  # unicode
    pictures: np.ndarray  # embedded images and drawings
    strokes: np.ndarray  # single lines and shapes drawn on the page itself


def read_marks(page):
    width, height = page.get_size()
    text = page.get_textpage()
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    classes, boxes, sizes, codes = [], [], [], []
    for index in range(text.count_chars()):
        code = pdfium.FPDFText_GetUnicode(text, index)
        if code <= 32 or pdfium.FPDFText_IsGenerated(text, index) == 1:
            continue
        pdfium.FPDFText_GetCharBox(text, index, left, right, bottom, top)
        box = (left.value, height - top.value, right.value, height - bottom.value)
        if box[2] <= box[0] or box[3] <= box[1] or box[2] < 0 or box[0] > width or box[3] < 0 or box[1] > height:
            continue
        pdfium.FPDFText_GetFillColor(text, index, red, green, blue, alpha)
        classes.append(ID_OF_COLOUR.get((red.value, green.value, blue.value), UNKNOWN))
        boxes.append(box)
        sizes.append(pdfium.FPDFText_GetFontSize(text, index))
        codes.append(code)
    pictures, strokes = [], []
    for thing in page.get_objects(max_depth=1):
        if thing.type == pdfium.FPDF_PAGEOBJ_TEXT:
            continue
        x1, y1, x2, y2 = thing.get_bounds()
        box = (max(x1, 0), max(height - y2, 0), min(x2, width), min(height - y1, height))
        if box[2] < box[0] or box[3] < box[1]:
            continue
        is_picture = thing.type in (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM)
        (pictures if is_picture else strokes).append(box)
    return Marks(
        width, height, np.array(classes, int), as_boxes(boxes), np.array(sizes, float), np.array(codes, int),
        as_boxes(pictures), as_boxes(strokes),
    )  # fmt: skip


def as_boxes(boxes):
    return np.array(boxes, float).reshape(-1, 4)
