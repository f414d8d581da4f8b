"""Measures an exported detector on pages it was not trained on, and draws what it found.

    python -m detector.evaluate models/document-layout/1/model.onnx --data DATA --sheet found.png

What is measured is the exported graph, uint8 in and suppressed boxes out, run by onnxruntime: mistakes of the export are
all in the figures.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime

from .average_precision import measure, mistaken
from .draw_boxes import draw, sheet
from .page_pictures import letterbox, read_pages

THRESHOLD = 0.25  # what a block has to score to be shown
LOWEST = 0.01  # what counts towards average precision
SUPPRESSION = 0.5


def run_graph(path, threads=1):
    """A function from uint8 RGB [batch, height, width, 3] to rows of [n, 7]."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def detect(pictures, threshold=THRESHOLD, suppression=SUPPRESSION):
        limits = {
            "score_threshold": np.array([threshold], np.float32),
            "iou_threshold": np.array([suppression], np.float32),
        }
        return session.run(["detections"], {"image": pictures, **limits})[0]

    return detect


def find(detect, pages, threshold=LOWEST):
    """(pictures as the network sees them, detections [n, 6] of each, truths of each) in pixels of the network's input."""
    pictures, found, truths = [], [], []
    for page in pages:
        grey, scale, left, top = letterbox(page.picture)
        pictures.append(grey)
        found.append(detect(np.repeat(grey[None, :, :, None], 3, axis=3), threshold)[:, 1:])
        truths.append((page.boxes * scale + [left, top, left, top], page.kinds))
    return pictures, found, truths


def figures(detect, pages, names):
    _, found, truths = find(detect, pages)
    measured = measure(found, truths, names, THRESHOLD)
    return {**measured, "threshold": THRESHOLD, "pages": len(pages), "taken_for": mistaken(found, truths, names, THRESHOLD)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graph", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with test.json and test/")
    parser.add_argument("--sheet", type=Path, help="write a picture of some pages with what was found")
    parser.add_argument("--pages", type=int, default=12, help="pages on the sheet")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    detect, (pages, names) = run_graph(options.graph), read_pages(options.data, "test")
    if options.sheet:
        some = np.random.default_rng(options.seed).choice(len(pages), min(options.pages, len(pages)), replace=False)
        pictures, found, _ = find(detect, [pages[index] for index in some], THRESHOLD)
        drawn = [draw(p, rows[:, 2:], rows[:, 0].astype(int), rows[:, 1]) for p, rows in zip(pictures, found)]
        sheet(drawn, 4).save(options.sheet)
    print(json.dumps(figures(detect, pages, names), indent=2))


if __name__ == "__main__":
    main()
