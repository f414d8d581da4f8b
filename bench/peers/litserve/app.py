"""LitServe with dynamic batching: pictures that wait together run together."""

import base64
import sys

import litserve
import numpy as np
from fastapi import Response

from picture_job import Classifier, Enlarger

PORT, CORES = int(sys.argv[1]), int(sys.argv[2])
BATCH = 8
#: Longer gathers fuller batches and answers later; a batch is faster on a CPU by a few percent at most.
BATCH_SECONDS = 0.005


class Classification(litserve.LitAPI):
    def setup(self, device):
        self.model = Classifier()

    def decode_request(self, request):
        return self.model.read(base64.b64decode(request["image_base64"]))

    def batch(self, inputs):
        return np.stack(inputs)

    def predict(self, inputs):
        return self.model.run(inputs)

    def unbatch(self, output):
        return output

    def encode_response(self, output):
        return {"predictions": output}


class SuperResolution(litserve.LitAPI):
    def setup(self, device):
        self.model = Enlarger()

    def decode_request(self, request):
        return self.model.read(base64.b64decode(request["image_base64"]))

    def batch(self, inputs):
        return inputs

    def predict(self, images):
        """Only pictures of one size can share a run."""
        by_size = {}
        for place, image in enumerate(images):
            by_size.setdefault(image.size, []).append(place)
        enlarged = [None] * len(images)
        for places in by_size.values():
            for place, picture in zip(places, self.model.run(np.stack([images[p] for p in places]))):
                enlarged[place] = picture
        return list(zip(images, enlarged))

    def unbatch(self, output):
        return output

    def encode_response(self, output):
        enlarged, bicubic = self.model.files(*output)
        return Response(enlarged + bicubic, headers={"x-first-bytes": str(len(enlarged))})


if __name__ == "__main__":
    server = litserve.LitServer(
        [
            Classification(max_batch_size=BATCH, batch_timeout=BATCH_SECONDS, api_path="/classification"),
            SuperResolution(max_batch_size=BATCH, batch_timeout=BATCH_SECONDS, api_path="/super-resolution"),
        ],
        accelerator="cpu",
        devices=1,
        workers_per_device=CORES,
        timeout=120,
    )
    server.run(host="127.0.0.1", port=PORT, num_api_servers=1, generate_client_file=False, log_level="warning")
