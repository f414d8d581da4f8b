"""
The worker. Pictures lie in Redis beside the queue, so that messages stay small. PEER_ACKS=late asks for as much safety as
Celery has: a task is acknowledged when it is done, and one whose worker died is given out again after the visibility timeout.
"""

import json
import os

import redis
from celery import Celery, signals

from picture_job import Classifier, Enlarger

URL = os.environ["PEER_REDIS"]
LATE = os.environ.get("PEER_ACKS") == "late"
KEEP_SECONDS = 600

app = Celery("peer", broker=URL, backend=URL)
app.conf.update(
    task_acks_late=LATE,
    task_reject_on_worker_lost=LATE,
    # A worker that holds one task more than it runs never waits for the next.
    worker_prefetch_multiplier=1 if LATE else 2,
    broker_transport_options={"visibility_timeout": 30} if LATE else {},
    result_expires=KEEP_SECONDS,
)
store = redis.Redis.from_url(URL)
models = {}


@signals.worker_process_init.connect
def open_models(**_):
    """After the fork: a session's threads do not survive one."""
    models.update(classification=Classifier(), enlarger=Enlarger())


def keep(name, value):
    store.set(name, value, ex=KEEP_SECONDS)


@app.task(bind=True)
def classification(self):
    body = store.get(f"input:{self.request.id}")
    keep(f"{self.request.id}:0", json.dumps({"predictions": models["classification"].answer(body)}))
    store.incr(f"finished:{self.request.id}")
    return 1


@app.task(bind=True, name="tasks.super-resolution")
def super_resolution(self):
    body = store.get(f"input:{self.request.id}")
    parts = models["enlarger"].answer(body)
    for index, part in enumerate(parts):
        keep(f"{self.request.id}:{index}", part)
    store.incr(f"finished:{self.request.id}")
    return len(parts)
