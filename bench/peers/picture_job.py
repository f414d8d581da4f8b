"""
The work that every Python peer does for a job: the same graphs, the same settings of the result. The graphs take and give
uint8 pixels, so no peer pays for numpy arithmetic before or after the network. Where its libraries have a faster
way that gives the same answer, it is taken: JPEG is decoded near the size that is needed.
"""

import io
import json
import os
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

MODELS = Path(os.environ["PEER_MODELS"])
FACTOR = 4
TOP = 5


def open_session(path):
    """One thread a session: there is one process a core, and spinning threads would take each other's time."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class Classifier:
    def __init__(self):
        folder = MODELS / "image-classifier/1"
        manifest = json.loads((folder / "model.json").read_text())
        graph = manifest["graphs"][0]
        self.size = (graph["input"]["width"], graph["input"]["height"])
        self.labels = manifest["labels"]
        self.session = open_session(folder / graph["file"])

    def read(self, body):
        """The file as the network's input, height × width × 3."""
        image = Image.open(io.BytesIO(body))
        image.draft("RGB", tuple(4 * side for side in self.size))
        image = ImageOps.exif_transpose(image).convert("RGB")
        return np.asarray(ImageOps.fit(image, self.size, Image.Resampling.BILINEAR))

    def run(self, pictures):
        """@param pictures N × height × width × 3; returns N lists of the best classes."""
        ids, scores = self.session.run(["class_ids", "scores"], {"image": pictures})
        return [
            [{"label": self.labels[i], "class_id": int(i), "score": float(s)} for i, s in zip(row, values)][:TOP]
            for row, values in zip(ids, scores)
        ]

    def answer(self, body):
        return self.run(self.read(body)[None])[0]


class Enlarger:
    def __init__(self):
        self.session = open_session(MODELS / f"super-resolution-tiny/1/x{FACTOR}.onnx")

    def read(self, body):
        image = Image.open(io.BytesIO(body))
        return ImageOps.exif_transpose(image).convert("RGB")

    def run(self, pictures):
        """N × height × width × 3 of one size, in one run each: enlarged."""
        return self.session.run(["enlarged"], {"image": pictures})[0]

    def files(self, image, enlarged):
        """The enlarged picture and the bicubic one beside it, as JPEG files."""
        size = (image.width * FACTOR, image.height * FACTOR)
        bicubic = image.resize(size, Image.Resampling.BICUBIC)
        return jpeg(Image.fromarray(enlarged)), jpeg(bicubic)

    def answer(self, body):
        image = self.read(body)
        return self.files(image, self.run(np.asarray(image)[None])[0])


def jpeg(image):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90, subsampling=0, optimize=True)
    return file.getvalue()
