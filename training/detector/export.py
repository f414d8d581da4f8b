"""Turns a checkpoint into the model folder that is served: graph, model.json, CARD.md and a golden example.

    python -m detector.export --data DATA --out models

No figure in the folder is typed by hand. The graph is compared with the network in torch, then measured as exported; an
export that fails writes no model.json, and a folder without model.json is not a model.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from PIL import Image, ImageDraw, ImageFont

from . import card, evaluate, network
from .average_precision import overlap_table
from .network import HEIGHT, WIDTH
from .onnx_graph import MOST_PER_CLASS, build_graph
from .page_pictures import letterbox, read_pages
from .train import to_planes

NAME = "document-layout"
DESCRIPTION = (
    "Finds the blocks of a page of a scientific paper: {labels}. It sees the whole page at {width}×{height} pixels and"
    " reads no text."
)
SCORE_TOLERANCE, PIXEL_TOLERANCE = 1e-3, 0.1

WORDS = """A page that nobody wrote for a journal. It stands here to be looked at by a detector, which sees lines of ink and
not their meaning, and has to say twice in the same way where they are. Each line is about as long as the others, as lines
in a column are, and the last one is shorter. What it says is of no importance, but it should not be taken from anyone."""


def load(path):
    kept = torch.load(path, map_location="cpu", weights_only=True)
    model = network.Detector(len(kept["labels"]))
    model.load_state_dict(kept.pop("ema"))
    del kept["model"], kept["optimizer"]
    return model.eval(), kept


@torch.no_grad()
def detect_in_torch(model, grey, threshold, suppression):
    """Rows of class, score, x1, y1, x2, y2, best first: what the graph should say, written down a second time."""
    logits, boxes = (part[0] for part in model(to_planes(grey[None])))
    scores, edges = logits.sigmoid().numpy(), [WIDTH, HEIGHT, WIDTH, HEIGHT]
    boxes, rows = np.clip(boxes.numpy(), 0, edges), []
    for kind in range(scores.shape[1]):
        kept = []
        for point in np.argsort(-scores[:, kind], kind="stable"):
            if scores[point, kind] <= threshold or len(kept) == MOST_PER_CLASS:
                break
            if not kept or overlap_table(boxes[[point]], boxes[kept]).max() <= suppression:
                kept.append(point)
        rows += [(kind, scores[point, kind], *boxes[point]) for point in kept]
    return np.array(sorted(rows, key=lambda row: -row[1]), float).reshape(-1, 6)


def compare_with_torch(detect, model, pages):
    """The largest differences of (score, pixels) over the pages."""
    largest = np.zeros(2)
    for page in pages:
        grey = letterbox(page.picture)[0]
        expected = detect_in_torch(model, grey, evaluate.THRESHOLD, evaluate.SUPPRESSION)
        rows = detect(np.repeat(grey[None, :, :, None], 3, axis=3))[:, 1:]
        if len(rows) != len(expected):
            raise SystemExit(f"The graph finds {len(rows)} blocks where the network in torch finds {len(expected)}.")
        if len(rows):
            # Sorted by class and score: detections of equal score may stand in either order.
            rows, expected = (found[np.lexsort((-found[:, 1].round(4), found[:, 0]))] for found in (rows, expected))
            difference = np.abs(rows - expected)
            largest = np.maximum(largest, [difference[:, 1].max(), difference[:, 2:].max()])
    if largest[0] > SCORE_TOLERANCE or largest[1] > PIXEL_TOLERANCE:
        raise SystemExit(f"The graph differs from the network in torch by {largest} (score, pixels).")
    return [float(value) for value in largest]


def golden_page():
    """A page drawn here: a heading and two columns of the same few sentences; uint8 RGB [HEIGHT, WIDTH, 3]."""
    page = Image.new("L", (3 * WIDTH, 3 * HEIGHT), 255)
    pen, words = ImageDraw.Draw(page), WORDS.split() * 3
    pen.text((WIDTH * 0.7, 120), "A Page to Look at", fill=0, font=ImageFont.load_default(54))
    font, word = ImageFont.load_default(23), 0
    for left in (120, 600):
        for top in range(300, 1300, 30):
            line = ""
            while word < len(words) and pen.textlength(f"{line} {words[word]}", font) < 430:
                line, word = f"{line} {words[word]}".strip(), word + 1
            word %= len(words)
            pen.text((left, top), line, fill=0, font=font)
    small = page.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    return np.repeat(np.asarray(small)[:, :, None], 3, axis=2)


def describe_file(path):
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}


def write_golden(folder, detect):
    page = golden_page()
    Image.fromarray(page).save(folder / "golden.png")
    rows = detect(page[None])
    if len(rows) == 0:
        raise SystemExit("Nothing was found on the golden page; an example that expects nothing proves nothing.")
    return {
        "input": "golden.png",
        "score_threshold": evaluate.THRESHOLD,
        "iou_threshold": evaluate.SUPPRESSION,
        "detections": [[round(float(value), 4) for value in row[1:]] for row in rows],
        "tolerance": {"score": 0.01, "pixels": 0.5},
    }


def export(checkpoint, data, out, described):
    """described: {'licence', 'eval_name'}. Returns the folder written."""
    folder = out / NAME / "1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").unlink(missing_ok=True)
    model, facts = load(checkpoint)
    pages, names = read_pages(data, "test")
    if names != facts["labels"]:
        raise SystemExit(f"{data} has the classes {names}, the checkpoint {facts['labels']}.")
    path = folder / "model.onnx"
    onnx.save(build_graph(model), path)
    detect = evaluate.run_graph(path)
    facts["difference"] = compare_with_torch(detect, model, pages[:: max(1, len(pages) // 20)][:20])
    manifest = {
        "schema_version": 1,
        "name": NAME,
        "version": "1",
        "task": "object-detection",
        "description": DESCRIPTION.format(labels=", ".join(names), width=WIDTH, height=HEIGHT),
        "licence": described["licence"],
        "parameters": network.parameter_count(model),
        "head": "end-to-end",
        "classes": len(names),
        "labels": names,
        "resize": {"mode": "letterbox", "fill": [255, 255, 255], "anchor": "centre"},
        "graphs": [
            {
                "file": path.name,
                **describe_file(path),
                "input": {
                    "name": "image", "dtype": "uint8", "layout": "NHWC", "channels": 3,
                    "batch": "dynamic", "height": HEIGHT, "width": WIDTH,
                },
                "inputs": {"score_threshold": "score_threshold", "iou_threshold": "iou_threshold"},
                "outputs": {"detections": "detections"},
                "most_per_class": MOST_PER_CLASS,
            }
        ],
        "golden": write_golden(folder, detect),
        "files": {"golden.png": describe_file(folder / "golden.png")},
        "metrics": {described["eval_name"]: evaluate.figures(detect, pages, names)},
    }  # fmt: skip
    (folder / "CARD.md").write_text(card.write(manifest, facts))
    (folder / "model.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with test.json and test/")
    parser.add_argument("--checkpoint", type=Path, default=Path(__file__).parents[1] / "runs" / "detector.pt")
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument("--eval-name", default="kept-back pages", help="what the card calls the test part")
    parser.add_argument("--licence", default="weights: as the pages they were trained on allow")
    options = parser.parse_args()
    described = {"licence": options.licence, "eval_name": options.eval_name}
    print(export(options.checkpoint, options.data, options.out, described))


if __name__ == "__main__":
    main()
