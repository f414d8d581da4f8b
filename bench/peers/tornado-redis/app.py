"""Tornado with a thread pool, and answers kept in Redis by the content of the file."""

import asyncio
import hashlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import redis.asyncio
from tornado.web import Application, RequestHandler

from picture_job import Classifier, Enlarger

PORT, CORES = int(sys.argv[1]), int(sys.argv[2])
KEEP_SECONDS = 600

cache = redis.asyncio.Redis.from_url(os.environ["PEER_REDIS"])
# onnxruntime, Pillow and libjpeg let go of the interpreter's lock while they compute.
pool = ThreadPoolExecutor(CORES)


class Health(RequestHandler):
    def get(self):
        self.write("ok")


class Cached(RequestHandler):
    """Subclasses compute the parts of an answer from a body, in a thread."""

    def initialize(self, model):
        self.model = model

    async def post(self):
        body = self.request.body
        key = f"{self.request.path}:{hashlib.sha256(body).hexdigest()}"
        parts = await cache.lrange(key, 0, -1)
        if not parts:
            parts = await asyncio.get_running_loop().run_in_executor(pool, self.compute, body)
            async with cache.pipeline() as calls:
                await calls.rpush(key, *parts).expire(key, KEEP_SECONDS).execute()
        self.set_header("x-first-bytes", len(parts[0]))
        for part in parts:
            self.write(part)


class Classification(Cached):
    def compute(self, body):
        return [json.dumps({"predictions": self.model.answer(body)}).encode()]


class SuperResolution(Cached):
    def compute(self, body):
        return list(self.model.answer(body))


async def main():
    application = Application(
        [
            ("/health", Health),
            ("/classification", Classification, {"model": Classifier()}),
            ("/super-resolution", SuperResolution, {"model": Enlarger()}),
        ]
    )
    application.listen(PORT, "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
