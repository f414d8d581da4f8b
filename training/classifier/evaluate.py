"""Measures an exported classifier on pictures it was not trained on.

    python -m classifier.evaluate models/image-classifier/1/model.onnx --data cifar10-jpeg.records

What is measured is the exported graph, uint8 in and sorted classes out, run by onnxruntime.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime

from . import labelled_pictures


def run_graph(path, threads=1):
    """A function from uint8 [batch, 32, 32, 3] to (class ids, scores), best first."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda pictures: session.run(["class_ids", "scores"], {"image": pictures})


def figures(classify, data, names):
    """{'pictures', 'top1', 'top3', 'classes': {name: {'recall', 'mostly_taken_for'}}}."""
    parts = [classify(data.pictures[start : start + 250])[0] for start in range(0, len(data.classes), 250)]
    ids = np.concatenate(parts)
    right = ids == data.classes[:, None]
    classes = {}
    for kind, name in enumerate(names):
        mine = ids[data.classes == kind, 0]
        wrong = np.bincount(mine[mine != kind], minlength=len(names))
        classes[name] = {"recall": round(float((mine == kind).mean()), 3), "mostly_taken_for": names[int(wrong.argmax())]}
    shares = {f"top{k}": round(float(right[:, :k].any(1).mean()), 4) for k in (1, 3)}
    return {"pictures": len(ids), **shares, "classes": classes}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graph", type=Path)
    parser.add_argument("--data", required=True)
    options = parser.parse_args()
    splits, names = labelled_pictures.read(options.data)
    print(json.dumps(figures(run_graph(options.graph), splits["test"], names), indent=2))


if __name__ == "__main__":
    main()
