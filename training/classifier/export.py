"""Turns a checkpoint into the model folder that is served: graph, model.json, CARD.md and a golden example.

    python -m classifier.export --data cifar10-jpeg.records --out models

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
from PIL import Image

from . import card, evaluate, labelled_pictures, network
from .onnx_graph import build_graph
from .train import to_planes

NAME = "image-classifier"
DESCRIPTION = (
    "Sorts small pictures into {count} coarse classes. Made for 32×32 pixels: a photograph is reduced to that first."
)
TOLERANCE = 1e-4


def load(path):
    kept = torch.load(path, map_location="cpu", weights_only=True)
    model = network.Classifier(len(kept["labels"]))
    model.load_state_dict(kept.pop("ema"))
    del kept["model"], kept["optimizer"]
    return model.eval(), kept


@torch.no_grad()
def compare_with_torch(classify, model, pictures):
    expected = network.with_mirror(model, to_planes(pictures)).softmax(1).numpy()
    ids, scores = classify(pictures)
    difference = np.abs(np.take_along_axis(expected, ids, 1) - scores).max()
    if difference > TOLERANCE or (np.diff(scores) > 0).any():
        raise SystemExit(f"The graph differs from the network in torch by up to {difference}.")
    return float(difference)


def golden_picture():
    """Nobody's picture: a blue sky, a dark horizon and something light in the air."""
    rows = np.linspace(0, 1, labelled_pictures.SIDE)[:, None, None]
    picture = np.broadcast_to((1 - rows) * [90, 150, 230] + rows * [190, 215, 245], (32, 32, 3)).copy()
    picture[26:] = [60, 70, 60]
    picture[12:15, 6:26] = 225
    picture[9:18, 14:17] = 205
    return picture.round().astype(np.uint8)


def describe_file(path):
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}


def write_golden(folder, classify):
    picture = golden_picture()
    Image.fromarray(picture).save(folder / "golden.png")
    ids, scores = classify(picture[None])
    expected = {"class_ids": ids[0].tolist(), "scores": [round(float(score), 6) for score in scores[0]]}
    return {"input": "golden.png", **expected, "tolerance": {"score": 0.01}}


def export(checkpoint, data, out, described):
    """described: {'data', 'licence', 'eval_name'}. Returns the folder written."""
    folder = out / NAME / "1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").unlink(missing_ok=True)
    model, facts = load(checkpoint)
    splits, names = labelled_pictures.read(data)
    if names != facts["labels"]:
        raise SystemExit(f"{data} has the classes {names}, the checkpoint {facts['labels']}.")
    path = folder / "model.onnx"
    onnx.save(build_graph(model, len(names)), path)
    classify = evaluate.run_graph(path)
    facts["difference"] = compare_with_torch(classify, model, splits["test"].pictures[:20])
    manifest = {
        "schema_version": 1,
        "name": NAME,
        "version": "1",
        "task": "classification",
        "description": DESCRIPTION.format(count=len(names)),
        "licence": described["licence"],
        "parameters": network.parameter_count(model),
        "classes": len(names),
        "labels": names,
        "resize": {"mode": "cover", "fill": [255, 255, 255]},
        "graphs": [
            {
                "file": path.name,
                **describe_file(path),
                "input": {
                    "name": "image", "dtype": "uint8", "layout": "NHWC", "channels": 3,
                    "batch": "dynamic", "height": labelled_pictures.SIDE, "width": labelled_pictures.SIDE,
                },
                "outputs": {"class_ids": "class_ids", "scores": "scores"},
                "k": len(names),
            }
        ],
        "golden": write_golden(folder, classify),
        "files": {"golden.png": describe_file(folder / "golden.png")},
        "metrics": {described["eval_name"]: evaluate.figures(classify, splits["test"], names)},
    }  # fmt: skip
    (folder / "CARD.md").write_text(card.write(manifest, facts, described))
    (folder / "model.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="what it was trained on; its test part is measured")
    parser.add_argument("--checkpoint", type=Path, default=Path(__file__).parents[1] / "runs" / "classifier.pt")
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument("--data-name", default="your own pictures", help="what the card calls the training data")
    parser.add_argument("--eval-name", default="kept-back pictures", help="what the card calls the test part")
    parser.add_argument("--licence", default="weights: as the pictures they were trained on allow")
    options = parser.parse_args()
    described = {"data": options.data_name, "licence": options.licence, "eval_name": options.eval_name}
    print(export(options.checkpoint, options.data, options.out, described))


if __name__ == "__main__":
    main()
